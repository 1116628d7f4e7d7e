//! What a finding found: one variant for each cause, with the evidence that its words are made of.
//!
//! A fault has no English in it. Judges and the prover make faults; `words` turns each into a message, and
//! gives each cause a hint of its own.

use serde::{Deserialize, Serialize};

use super::{BodyFault, DiscoveryLimit, Excess, KeyLack, Kind, Trace, UntakenHash};
use crate::ident::Location;
use crate::time::Timestamp;

/// The cause of a finding. Texts in it are those of the store, the parser or the operating system; they may be hostile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    // Digest files: content.
    /// The body in the place of a digest is not exactly one whole gzip member.
    DigestBody {
        /// What is wrong with it.
        body: BodyFault,
    },
    /// The content in the place of a digest is not that of a digest file.
    NotADigest {
        /// What the parser says.
        reason: String,
    },
    /// A digest is larger than the limit, so it is not parsed.
    OversizedDigest {
        /// Which limit.
        excess: Excess,
        /// Why its hash was not taken either; `None` where there was no need, or the hash is the recorded one.
        hash: Option<UntakenHash>,
    },
    /// A digest could not be read.
    UnreadableDigest {
        /// What the store says.
        why: String,
    },
    /// Two reads of a digest gave different bytes or metadata.
    DigestReadsDiffer,
    /// A digest is not as recorded, and could not be read again to confirm it.
    DigestUnconfirmed {
        /// What the store says.
        why: String,
    },
    /// A listing named the digest, and GET found nothing.
    DigestVanished,
    /// A digest names another bucket or key than where it lies.
    DigestElsewhere,

    // Digest files: signatures and links.
    /// The signature in the metadata does not fit the content, and no successor records the digest.
    SignatureMisfit,
    /// The signature in the metadata does not fit the content, which a proved successor records.
    MetadataSignatureMisfit,
    /// No signature in metadata, sidecar or successor.
    Unsigned {
        /// Why the metadata could not be understood, where that is the reason.
        metadata: Option<String>,
        /// Whether a proved successor proves the digest.
        proved: bool,
    },
    /// The metadata is lost, and the signature that the successor records fits.
    MetadataLost {
        /// Why the metadata could not be understood.
        why: String,
    },
    /// No usable key for the signature.
    NoKey {
        /// What is lacking.
        lack: KeyLack,
        /// Whether a proved successor proves the digest.
        proved: bool,
    },
    /// The content does not have the hash that a proved successor or a remembered head records.
    NotAsRecorded,
    /// The content does not have the hash that an earlier run proved.
    NotAsRemembered {
        /// The run that proved it.
        run: String,
    },
    /// The digest is genuine, and its successor records another digest in its place.
    OtherDigestRecorded,
    /// The signature in the metadata is genuine no more: the successor records another one.
    OtherSignatureRecorded,
    /// The digest ends after its successor starts.
    OverlapsSuccessor,
    /// The digest is genuine, lies between a digest and the predecessor that digest records, and is neither.
    NotThePredecessor,
    /// A digest of an earlier time records another digest in this one's place.
    EarlierRecordsOther,
    /// A digest of an earlier time records this one as its predecessor.
    EarlierFollowsIt,
    /// The fault of a digest for which the chain leaves no room.
    WithoutRoom(Box<Fault>),
    /// A digest that was delivered is not there.
    DigestGone(Trace),
    /// A digest that an earlier run proved is not there.
    RememberedGone {
        /// What is left of it.
        trace: Trace,
        /// The run that proved it.
        run: String,
    },

    // Log files.
    /// The content does not have the listed hash.
    LogContent,
    /// The body is not exactly one whole gzip member.
    LogBody {
        /// What is wrong with it.
        body: BodyFault,
    },
    /// A log file that was delivered is not there.
    LogGone(Trace),
    /// A log file could not be read.
    UnreadableLog {
        /// What the store says.
        why: String,
    },
    /// A log file is larger than the limit, so its hash is not taken.
    OversizedLog {
        /// Which limit.
        excess: Excess,
    },
    /// Two reads of a log file gave different bytes.
    LogReadsDiffer,
    /// A log file is not as recorded, and could not be read again to confirm it.
    LogUnconfirmed {
        /// What the store says.
        why: String,
    },
    /// The digest lists a hash that cannot be compared.
    UnknownHash {
        /// As written.
        written: String,
    },
    /// Only a digest that is not proved lists the log file.
    ClaimedLog,
    /// Log files that only this digest lists, which is not proved.
    ClaimedLogs {
        /// How many.
        count: u64,
    },
    /// The run was interrupted before log files were read.
    LogsInterrupted {
        /// How many.
        count: u64,
    },

    // Single objects.
    /// A log file that was asked about is proved.
    LogProved,
    /// A digest that was asked about is proved, with every log file it lists.
    DigestProved {
        /// How many log files it lists.
        logs: u64,
    },
    /// The account or region of an object that was asked about was excluded.
    ObjectExcluded,
    /// An object that was asked about is not there, and no proved digest records one.
    NoSuchObject,
    /// A log file that was asked about is there, and no proved digest lists it.
    ObjectUnlisted,
    /// A log file that was asked about cannot be read, and no proved digest lists it.
    ObjectUnreadable {
        /// What the store says.
        why: String,
    },
    /// A digest that was asked about is not one of what was asked.
    NotAskedDigest,

    // Coverage.
    /// Digests that lie here are proved at their recorded path.
    Relocated {
        /// How many.
        count: u64,
        /// The recorded place of one of them.
        belongs: Location,
    },
    /// The run was interrupted before the digests of this time were checked.
    DigestsInterrupted,
    /// The digests of this time were delivered and are not there.
    DigestsMissing,
    /// No digest covers this time, and the next one starts a new chain.
    LoggingStopped,
    /// No digest covers this time, and no older digest is there.
    BeforeTheRecord,
    /// No proved digest covers this time.
    NotCovered,
    /// The chain begins anew, without uncovered time.
    ChainRestarts,
    /// The record begins here.
    RecordBegins,
    /// The digest that starts the chain is all there is.
    NothingCovered,
    /// The newest digest ends too long before the asked end.
    Stale {
        /// By how many seconds.
        late: i64,
    },
    /// The newest digest ends before the asked end, and CloudTrail delivered a newer one.
    NewerDelivered {
        /// By how many seconds it ends before the asked end.
        late: i64,
        /// When CloudTrail delivered the newer one.
        delivered: Timestamp,
    },
    /// CloudTrail says that it delivered a newer digest, and the folder cannot be listed again.
    DeliveryUnchecked {
        /// When CloudTrail delivered it.
        delivered: Timestamp,
        /// What the store says.
        why: String,
    },
    /// Backfill digests of the asked range, and no hourly ones.
    BackfillAlone,

    // Regions, folders and sources.
    /// The run was interrupted before the region was looked at.
    RegionInterrupted,
    /// A digest folder without a digest of the asked range.
    EmptyDigestFolder,
    /// Log files of the asked range beside which there is no digest.
    LogsWithoutDigests,
    /// A folder that holds digests, or may, cannot be listed.
    UnlistedFolder {
        /// What the store says.
        why: String,
    },
    /// The run was interrupted before a digest folder was listed to its end.
    FolderInterrupted,
    /// A log folder cannot be listed, so additions were not looked for.
    UnsearchedFolder {
        /// What the store says.
        why: String,
    },
    /// A log folder cannot be listed, so its log files are not in the plan.
    UnplannedFolder {
        /// What the store says.
        why: String,
    },
    /// The run was interrupted before additions were looked for.
    SearchInterrupted,
    /// The run was interrupted while trails were looked for.
    DiscoveryInterrupted,
    /// Discovery gave up: too deep, or too many folders.
    DiscoveryLimit {
        /// Which limit.
        limit: DiscoveryLimit,
    },
    /// An `AWSLogs/` in one of CloudTrail's own folders is not searched.
    NestedAwsLogs,
    /// A folder of a copy could not be looked into.
    SkippedFolder {
        /// What the system says.
        why: String,
    },
    /// A folder of a copy that is not called as the bucket it is a copy of.
    RenamedFolder {
        /// Where its digests say that it belongs.
        belongs: String,
    },
    /// Nothing was found for what was asked.
    NothingFound {
        /// The account that was asked for.
        account: Option<String>,
        /// The region that was asked for.
        region: Option<String>,
        /// The trail that was asked for.
        trail: Option<String>,
        /// When CloudTrail says that it delivered a digest of it, here or elsewhere.
        delivered: Option<Timestamp>,
        /// Regions, accounts or trails that were found and are called alike, or are all there is.
        found: Vec<String>,
    },

    // Objects that nobody vouches for.
    /// Among the log files of a day, listed by no proved digest.
    UnlistedLog,
    /// Beside the days of a log folder, where CloudTrail delivers nothing.
    StrayLog,
    /// More objects that no proved digest lists.
    MoreUnlisted {
        /// How many.
        count: u64,
    },
    /// In a digest folder, with a name that no digest has.
    NotADigestName,
    /// In a digest folder, with a name of a time to come.
    FutureDigest,
    /// More objects in a digest folder that are no digests.
    MoreJunk {
        /// How many.
        count: u64,
        /// The folder's key.
        folder: String,
    },
    /// A folder where those of regions lie, with a name that no region has.
    NotARegion,
    /// Files that desktops and sync programs leave.
    Droppings {
        /// How many.
        count: u64,
    },

    // Keys.
    /// An entry of a keys file, or of CloudTrail's answer, that is not used.
    RejectedKey {
        /// Which one, from 1.
        entry: usize,
        /// The region CloudTrail was asked for; `None` for a keys file.
        region: Option<String>,
        /// Why.
        reason: String,
    },

    /// A finding of a report that was read again, or one that the caller brings along.
    Told {
        /// Its kind.
        kind: Kind,
        /// The word of its cause, where the report has one.
        cause: Option<String>,
        /// Its message.
        message: String,
    },
}

impl Fault {
    /// The kind of the finding.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::DigestBody { .. } | Self::NotADigest { .. } => Kind::DigestMalformed,
            Self::OversizedDigest { .. }
            | Self::UnreadableDigest { .. }
            | Self::DigestReadsDiffer
            | Self::DigestUnconfirmed { .. }
            | Self::DigestVanished => Kind::DigestUnreadable,
            Self::DigestElsewhere => Kind::DigestMoved,
            Self::SignatureMisfit
            | Self::MetadataSignatureMisfit
            | Self::NotAsRecorded
            | Self::NotAsRemembered { .. }
            | Self::OtherSignatureRecorded => Kind::DigestModified,
            Self::Unsigned { .. } | Self::MetadataLost { .. } => Kind::DigestUnsigned,
            Self::NoKey { .. } | Self::RejectedKey { .. } => Kind::KeyUnknown,
            Self::OtherDigestRecorded
            | Self::OverlapsSuccessor
            | Self::NotThePredecessor
            | Self::EarlierRecordsOther
            | Self::EarlierFollowsIt => Kind::ChainBroken,
            Self::WithoutRoom(fault) => fault.kind(),
            Self::DigestGone(trace) | Self::RememberedGone { trace, .. } => trace.of_digest().0,
            Self::LogContent | Self::LogBody { .. } => Kind::LogModified,
            Self::LogGone(trace) => trace.of_log().0,
            Self::OversizedLog { .. }
            | Self::UnreadableLog { .. }
            | Self::LogReadsDiffer
            | Self::LogUnconfirmed { .. }
            | Self::LogsInterrupted { .. }
            | Self::ObjectUnreadable { .. }
            | Self::UnsearchedFolder { .. }
            | Self::UnplannedFolder { .. }
            | Self::SearchInterrupted => Kind::LogUnreadable,
            Self::UnknownHash { .. } | Self::ClaimedLog | Self::ClaimedLogs { .. } => Kind::LogUnverifiable,
            Self::LogProved | Self::DigestProved { .. } => Kind::ObjectProved,
            Self::ObjectExcluded
            | Self::NoSuchObject
            | Self::NotAskedDigest
            | Self::NothingCovered
            | Self::BackfillAlone
            | Self::EmptyDigestFolder
            | Self::LogsWithoutDigests
            | Self::NothingFound { .. } => Kind::NoDigests,
            Self::ObjectUnlisted | Self::UnlistedLog | Self::StrayLog | Self::MoreUnlisted { .. } => {
                Kind::LogUnreferenced
            }
            Self::Relocated { .. } | Self::RenamedFolder { .. } => Kind::Relocated,
            Self::DigestsInterrupted
            | Self::DigestsMissing
            | Self::LoggingStopped
            | Self::BeforeTheRecord
            | Self::NotCovered => Kind::ChainGap,
            Self::ChainRestarts => Kind::ChainRestart,
            Self::RecordBegins => Kind::ChainStart,
            Self::Stale { .. } => Kind::ChainStale,
            Self::NewerDelivered { .. } => Kind::DigestMissing,
            Self::DeliveryUnchecked { .. }
            | Self::RegionInterrupted
            | Self::UnlistedFolder { .. }
            | Self::FolderInterrupted
            | Self::DiscoveryInterrupted
            | Self::DiscoveryLimit { .. }
            | Self::NestedAwsLogs
            | Self::SkippedFolder { .. } => Kind::DigestUnreadable,
            Self::NotADigestName
            | Self::FutureDigest
            | Self::MoreJunk { .. }
            | Self::NotARegion
            | Self::Droppings { .. } => Kind::ObjectUnrecognised,
            Self::Told { kind, .. } => *kind,
        }
    }
}
