//! The faults of findings: a variant for every cause, with the evidence for the message.
//!
//! A fault contains no English. Judges and the prover make faults; `words` turns a fault into a message, and has a hint
//! for every cause.

use serde::{Deserialize, Serialize};

use super::{BodyFault, DiscoveryLimit, Excess, KeyLack, Kind, ShardLack, Trace, UntakenHash};
use crate::ident::Location;
use crate::time::Timestamp;

/// The cause of a finding, with evidence. Texts in the evidence come from the store, the parser or the operating system
/// and may be hostile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    // Digest files: content.
    /// The body of a digest object is not exactly one whole gzip member.
    DigestBody {
        /// The defect.
        body: BodyFault,
    },
    /// The content of a digest object is not that of a digest file.
    NotADigest {
        /// The parser's error.
        reason: String,
    },
    /// A digest is genuine by its recorded hash or its signature, but of a form that this version does not know.
    UnknownDigestForm {
        /// The parser's error.
        reason: String,
    },
    /// A digest exceeds the size limit, so it is not parsed.
    OversizedDigest {
        /// The exceeded limit.
        excess: Excess,
        /// Why the digest was not hashed either; `None` if no hash was needed, or the hash equals the recorded hash.
        hash: Option<UntakenHash>,
    },
    /// A digest could not be read.
    UnreadableDigest {
        /// The store's error.
        why: String,
    },
    /// Two reads of a digest gave different bytes or metadata.
    DigestReadsDiffer,
    /// A digest is not as recorded, and a second read to confirm the difference failed.
    DigestUnconfirmed {
        /// The store's error.
        why: String,
    },
    /// A listing named the digest, but GET found no object.
    DigestVanished,
    /// A digest names another bucket or key than the digest's own location.
    DigestElsewhere,

    // Digest files: signatures and links.
    /// The signature in the metadata does not verify the content, and no successor records the digest.
    SignatureMisfit,
    /// The signature in the metadata does not verify the content, but a proved successor records the content.
    MetadataSignatureMisfit,
    /// The digest has no signature in metadata, sidecar or successor.
    Unsigned {
        /// Why the metadata could not be parsed; `None` if unparsable metadata is not the reason.
        metadata: Option<String>,
        /// Whether a proved successor proves the digest.
        proved: bool,
    },
    /// The metadata is lost, but the signature in the successor's record verifies the digest.
    MetadataLost {
        /// Why the metadata could not be parsed.
        why: String,
    },
    /// No usable key for the signature.
    NoKey {
        /// Why no key is usable.
        lack: KeyLack,
        /// Whether a proved successor proves the digest.
        proved: bool,
    },
    /// The content's hash differs from the record in a proved successor or a remembered head.
    NotAsRecorded,
    /// The content's hash differs from the hash that an earlier run proved.
    NotAsRemembered {
        /// The earlier run.
        run: String,
    },
    /// The digest is genuine, but the successor records another digest at the same position.
    OtherDigestRecorded,
    /// The successor records another signature than the metadata has.
    OtherSignatureRecorded,
    /// The digest ends after its successor starts.
    OverlapsSuccessor,
    /// The digest is genuine and lies between another digest and the predecessor in that digest's record.
    NotThePredecessor,
    /// A digest of an earlier time records another digest at the same position.
    EarlierRecordsOther,
    /// A digest of an earlier time records the digest as its predecessor.
    EarlierFollowsIt,
    /// The fault of a digest that has no place in the chain.
    WithoutRoom(Box<Fault>),
    /// A delivered digest is missing.
    DigestGone(Trace),
    /// A digest that an earlier run proved is missing.
    RememberedGone {
        /// The remains of the digest.
        trace: Trace,
        /// The earlier run.
        run: String,
    },

    // Log files.
    /// The content's hash differs from the listed hash.
    LogContent,
    /// The body is not exactly one whole gzip member.
    LogBody {
        /// The defect.
        body: BodyFault,
    },
    /// A delivered log file is missing.
    LogGone(Trace),
    /// A log file could not be read.
    UnreadableLog {
        /// The store's error.
        why: String,
    },
    /// A log file exceeds the size limit, so it is not hashed.
    OversizedLog {
        /// The exceeded limit.
        excess: Excess,
    },
    /// Two reads of a log file gave different bytes.
    LogReadsDiffer,
    /// A log file is not as recorded, and a second read to confirm the difference failed.
    LogUnconfirmed {
        /// The store's error.
        why: String,
    },
    /// The digest lists a hash of an unknown form.
    UnknownHash {
        /// The hash as written in the digest.
        written: String,
    },
    /// Only an unproved digest lists the log file.
    ClaimedLog,
    /// Only this unproved digest lists some log files.
    ClaimedLogs {
        /// Number of files or objects.
        count: u64,
    },
    /// The run was interrupted before log files were read.
    LogsInterrupted {
        /// Number of files or objects.
        count: u64,
    },

    // Single objects.
    /// The log file that the user named is proved.
    LogProved,
    /// The digest that the user named is proved, and so are all log files in the digest's list.
    DigestProved {
        /// Number of log files in the digest's list.
        logs: u64,
    },
    /// The filters exclude the account or region of the object that the user named.
    ObjectExcluded,
    /// The object that the user named is missing, and no proved digest records the object.
    NoSuchObject,
    /// The log file that the user named exists, but no proved digest lists the file.
    ObjectUnlisted,
    /// The log file that the user named cannot be read, and no proved digest lists the file.
    ObjectUnreadable {
        /// The store's error.
        why: String,
    },
    /// The digest that the user named does not belong to the asked accounts, regions and trails.
    NotAskedDigest,

    // Coverage.
    /// Relocated digests are proved at their recorded path.
    Relocated {
        /// Number of files or objects.
        count: u64,
        /// The recorded location of one of the digests.
        belongs: Location,
    },
    /// The run was interrupted before the digests of the stretch were checked.
    DigestsInterrupted,
    /// The delivered digests of the stretch are missing.
    DigestsMissing,
    /// No digest covers the stretch, and the next digest starts a new chain.
    LoggingStopped,
    /// No digest covers the stretch, and no older digest exists.
    BeforeTheRecord,
    /// No proved digest covers the stretch.
    NotCovered,
    /// A new chain starts, without uncovered time before.
    ChainRestarts,
    /// The record begins with the digest.
    RecordBegins,
    /// No earlier run saw the chain, although earlier runs saw other chains of the source.
    NewChain,
    /// The chain consists of its starting digest alone, which covers no time.
    NothingCovered,
    /// The newest digest ends too long before the end of the asked range.
    Stale {
        /// Time from the end of the digest to the end of the asked range, in seconds.
        late: i64,
    },
    /// The newest digest ends before the end of the asked range, and CloudTrail reports the delivery of a newer digest.
    NewerDelivered {
        /// Time from the end of the digest to the end of the asked range, in seconds.
        late: i64,
        /// Time of the newer digest's delivery.
        delivered: Timestamp,
    },
    /// CloudTrail reports the delivery of a newer digest, and the folder cannot be listed again.
    DeliveryUnchecked {
        /// Time of the newer digest's delivery.
        delivered: Timestamp,
        /// The store's error.
        why: String,
    },
    /// The asked range has backfill digests, but no hourly digests.
    BackfillAlone,

    // Regions, folders and sources.
    /// The run was interrupted before the region was checked.
    RegionInterrupted,
    /// A digest folder has no digest of the asked range.
    EmptyDigestFolder,
    /// The asked range has log files, but no digests.
    LogsWithoutDigests,
    /// A folder that has or may have digests cannot be listed.
    UnlistedFolder {
        /// The store's error.
        why: String,
    },
    /// The run was interrupted before a digest folder was listed completely.
    FolderInterrupted,
    /// A log folder cannot be listed, so additions were not searched for.
    UnsearchedFolder {
        /// The store's error.
        why: String,
    },
    /// A log folder cannot be listed, so the plan lacks the folder's log files.
    UnplannedFolder {
        /// The store's error.
        why: String,
    },
    /// The run was interrupted before the search for additions.
    SearchInterrupted,
    /// The run was interrupted during the search for trails.
    DiscoveryInterrupted,
    /// Discovery stopped at a limit of depth or number of folders.
    DiscoveryLimit {
        /// The exceeded limit.
        limit: DiscoveryLimit,
    },
    /// An `AWSLogs/` within a CloudTrail folder is not searched.
    NestedAwsLogs,
    /// A folder of a copy could not be listed.
    SkippedFolder {
        /// The operating system's error.
        why: String,
    },
    /// A folder of a copy does not have the name of the copied bucket.
    RenamedFolder {
        /// The bucket that the folder's digests name.
        belongs: String,
    },
    /// No digest was found for the asked account, region, trail or range.
    NothingFound {
        /// The asked account.
        account: Option<String>,
        /// The asked region.
        region: Option<String>,
        /// The asked trail.
        trail: Option<String>,
        /// Time at which CloudTrail reports the delivery of a digest of the trail, to this bucket or another.
        delivered: Option<Timestamp>,
        /// Existing regions, accounts or trails: similar names if any, or all names.
        found: Vec<String>,
    },

    // Time.
    /// The clock of the machine is behind proved digests.
    ClockBehind {
        /// The time by the clock.
        clock: Timestamp,
        /// End of the newest proved digest.
        newest: Timestamp,
    },

    // Objects without proof.
    /// An object among the log files of a day that no proved digest lists.
    UnlistedLog,
    /// Many objects with names of log files that no proved digest lists, in one folder.
    UnlistedLogs {
        /// Number of files or objects.
        count: u64,
        /// Some of their names, without the folder.
        examples: Vec<String>,
    },
    /// An object in a log folder but outside the folders of days, where CloudTrail delivers no files.
    StrayLog,
    /// A digest in a folder where CloudTrail delivers no digests. The digest was not read.
    StrayDigest,
    /// Further such digests.
    MoreStrayDigests {
        /// Number of digests.
        count: u64,
    },
    /// Further objects that no proved digest lists.
    MoreUnlisted {
        /// Number of files or objects.
        count: u64,
    },
    /// An object in a digest folder without a valid digest file name.
    NotADigestName,
    /// An object in a digest folder with a digest file name dated in the future.
    FutureDigest,
    /// Further objects in a digest folder that are not digests.
    MoreJunk {
        /// Number of files or objects.
        count: u64,
        /// The folder's key.
        folder: String,
    },
    /// A folder beside the folders of regions, without a valid region name.
    NotARegion,
    /// A member of an archive, or the rest of the archive, cannot be read.
    UnreadMember {
        /// Number from 1, and name of the member; `None` if the problem is one of the archive.
        member: Option<(u64, String)>,
        /// The archive reader's error.
        why: String,
    },
    /// Further members of an archive cannot be read.
    MoreUnreadMembers {
        /// Number of members.
        count: u64,
    },
    /// A second copy of an object differs from the copy that was judged.
    CopiesDiffer {
        /// Whether the object is a digest; otherwise a log file.
        is_digest: bool,
        /// The copy that was judged.
        judged: String,
        /// The copy that differs.
        other: String,
    },
    /// Files that desktops and sync programs create.
    Droppings {
        /// Number of files or objects.
        count: u64,
    },

    // Keys.
    /// CloudTrail gave no keys of a region, so digests of the region could not be verified.
    KeysUnfetched {
        /// Number of digests.
        digests: u64,
        /// Number of log files that only these digests list.
        logs: u64,
        /// The reason.
        why: String,
    },
    /// An entry of a keys file or of CloudTrail's answer was rejected.
    RejectedKey {
        /// Number of the entry, from 1.
        entry: usize,
        /// The region that CloudTrail was asked for; `None` for a keys file.
        region: Option<String>,
        /// Why the entry was rejected.
        reason: String,
    },

    // Shards.
    /// A shard of the run has no usable result, so its log files were not looked at.
    ShardLacking {
        /// Number of the shard, from 0.
        shard: u64,
        /// Number of the part of the region, from 0.
        part: u32,
        /// How many parts the region has.
        parts: u32,
        /// Why there is no usable result.
        lack: ShardLack,
    },
    /// A shard has two results that differ.
    ShardContradictory {
        /// Number of the shard, from 0.
        shard: u64,
    },
    /// The shards of a region saw different digests: the bucket changed in between.
    ShardWalksDiffer {
        /// Numbers of the first and the last shard of the region.
        shards: (u64, u64),
    },
    /// The plan listed more digests of a chain than its shards did.
    ShardDigestsGone {
        /// Number of digests that the plan listed.
        planned: u64,
        /// Number of digests that the shards listed.
        found: u64,
    },
    /// Since the plan was made, other runs proved digests of a chain, and the shards do not show these digests.
    ShardMemoryNewer {
        /// Number of the digests.
        count: u64,
    },
    /// Since the plan was made, the listings of some regions changed. Each shard judged what it found.
    ShardListingsChanged {
        /// Number of the regions.
        count: u64,
        /// Some of the regions, as account and region.
        examples: Vec<String>,
    },
    /// Lines among the results were left out: results of other plans, or no results at all. Every shard of the plan has
    /// a finding of its own if its result is not there.
    ShardResultsLeftOut {
        /// Number of the lines.
        count: u64,
        /// Place of the first such line.
        first: String,
        /// Why the first line was left out.
        why: String,
    },

    /// The fault of a finding that somebody accepted.
    Accepted {
        /// The fault that was accepted.
        fault: Box<Fault>,
        /// The reason for accepting it.
        reason: String,
        /// The person who accepted it.
        by: String,
        /// When it was accepted.
        at: Timestamp,
    },

    /// The fault of a finding from a saved report or from the caller.
    Told {
        /// Kind of the finding.
        kind: Kind,
        /// Word of the cause; `None` if the report has no cause.
        cause: Option<String>,
        /// Message of the finding.
        message: String,
    },
}
