//! What tells one observation from another: the evidence in faults, for the ids of findings, and which findings a person
//! may accept.
//!
//! An acceptance covers a finding's id and nothing else. So everything that was observed is a part of the id, and a
//! finding that stands for objects that nobody looked at cannot be accepted.

use super::{
    BodyFault, DiscoveryLimit, Excess, Fault, FaultCause, Finding, KeyLack, ShardLack, Trace, UntakenHash,
};
use crate::time::Timestamp;

/// Evidence with the names of its parts.
#[derive(Default)]
pub(super) struct Evidence(pub(super) Vec<(&'static str, String)>);

impl Evidence {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    fn with_some(self, name: &'static str, value: Option<&impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value.to_string()),
            None => self,
        }
    }

    fn with_each(self, name: &'static str, values: &[String]) -> Self {
        values.iter().fold(self, |evidence, value| evidence.with(name, value))
    }

    fn with_trace(self, trace: &Trace) -> Self {
        match trace {
            Trace::DeleteMarker { deleted, kept } => {
                self.with_some("deleted", deleted.as_ref()).with_some("kept", kept.as_ref())
            }
            Trace::Contradiction { version } => self.with("version", version),
            Trace::Nothing | Trace::Unknown { .. } => self,
        }
    }
}

impl Fault {
    /// The evidence in the fault, beside the cause and the count. Left out are words of stores, parsers and operating
    /// systems, which differ from run to run; times that move with the run; limits; and names of runs.
    pub(super) fn evidence(&self) -> Evidence {
        let none = Evidence::default();
        match self {
            Self::DigestBody { body } | Self::LogBody { body } => none.with("body", body_word(*body)),
            Self::OversizedDigest { excess, hash } => none
                .with("excess", excess_word(*excess))
                .with_some("hash", hash.as_ref().map(untaken_word).as_ref()),
            Self::OversizedLog { excess } => none.with("excess", excess_word(*excess)),
            Self::NoKey { lack, proved } => key_evidence(none, lack).with("proved", proved),
            Self::WithoutRoom(fault) => {
                let Evidence(mut inner) = fault.evidence();
                inner.push(("without-room", String::new()));
                Evidence(inner)
            }
            Self::Accepted { fault, .. } => fault.evidence(),
            Self::DigestGone(trace) | Self::LogGone(trace) | Self::RememberedGone { trace, run: _ } => {
                none.with_trace(trace)
            }
            Self::UnknownHash { written } => none.with("written", written),
            Self::DigestProved { logs } => none.with("logs", logs),
            Self::NewerDelivered { delivered, late: _ } | Self::DeliveryUnchecked { delivered, why: _ } => {
                none.with("delivered", delivered)
            }
            Self::DiscoveryLimit { limit } => none.with(
                "limit",
                match limit {
                    DiscoveryLimit::Depth { .. } => "depth",
                    DiscoveryLimit::Folders { .. } => "folders",
                },
            ),
            // The account is in the text, and nowhere else.
            Self::SkippedFolder { why } => none.with("why", why),
            Self::RenamedFolder { belongs } => none.with("belongs", belongs),
            Self::NothingFound { account, region, trail, delivered, found: _ } => none
                .with_some("account", account.as_ref())
                .with_some("region", region.as_ref())
                .with_some("trail", trail.as_ref())
                .with_some("delivered", delivered.as_ref()),
            Self::MoreJunk { count: _, folder } => none.with("folder", folder),
            Self::UnreadMember { member, why } => {
                let number = member.as_ref().map(|(number, _)| number);
                let name = member.as_ref().map(|(_, name)| name);
                none.with_some("number", number).with_some("name", name).with("why", why)
            }
            Self::CopiesDiffer { is_digest: _, judged, other } => {
                none.with("judged", judged).with("other", other)
            }
            Self::KeysUnfetched { digests, logs, why: _ } => none.with("digests", digests).with("logs", logs),
            Self::RejectedKey { entry, region, reason } => {
                none.with("entry", entry).with_some("region", region.as_ref()).with("reason", reason)
            }
            Self::ShardLacking { shard, part, parts, lack } => {
                let of_shard = none.with("shard", shard).with("part", part).with("parts", parts);
                match lack {
                    ShardLack::OtherPlan { plan } => of_shard.with("plan", plan),
                    ShardLack::OtherVersion { version } => of_shard.with("version", version),
                    ShardLack::Missing | ShardLack::OtherLine | ShardLack::Damaged { .. } => of_shard,
                }
            }
            Self::ShardDigestsGone { planned, found } => none.with("planned", planned).with("found", found),
            Self::ShardMemoryNewer { count } => none.with("count", count),
            Self::ShardContradictory { shard } => none.with("shard", shard),
            Self::ShardWalksDiffer { shards: (first, last) } => none.with("first", first).with("last", last),
            Self::ShardListingsChanged { count, examples } => {
                none.with("count", count).with_each("example", examples)
            }
            Self::ShardResultsLeftOut { count, first, why: _ } => {
                none.with("count", count).with("first", first)
            }
            Self::Told { message, kind: _, cause: _ } => none.with("message", message),
            // The parser's error is not evidence: the hash of the content is.
            Self::NotADigest { reason: _ } | Self::UnknownDigestForm { reason: _ } => none,
            // Errors of the store, and metadata that cannot be parsed.
            Self::UnreadableDigest { why: _ }
            | Self::DigestUnconfirmed { why: _ }
            | Self::UnreadableLog { why: _ }
            | Self::LogUnconfirmed { why: _ }
            | Self::ObjectUnreadable { why: _ }
            | Self::UnlistedFolder { why: _ }
            | Self::UnsearchedFolder { why: _ }
            | Self::UnplannedFolder { why: _ }
            | Self::MetadataLost { why: _ }
            | Self::Unsigned { metadata: _, proved: _ } => none,
            // The hashes are evidence, whichever run remembered them.
            Self::NotAsRemembered { run: _ } => none,
            // Times that move with each run, and the count of a chain that grows.
            Self::Stale { late: _ }
            | Self::ClockBehind { clock: _, newest: _ }
            | Self::Relocated { count: _, belongs: _ } => none,
            // The count is a field of the id of its own, and so are the objects.
            Self::ClaimedLogs { count: _ }
            | Self::LogsInterrupted { count: _ }
            | Self::UnlistedLogs { count: _, examples: _ }
            | Self::MoreUnlisted { count: _ }
            | Self::MoreStrayDigests { count: _ }
            | Self::MoreUnreadMembers { count: _ }
            | Self::Droppings { count: _ } => none,
            Self::DigestReadsDiffer
            | Self::DigestVanished
            | Self::DigestElsewhere
            | Self::SignatureMisfit
            | Self::MetadataSignatureMisfit
            | Self::NotAsRecorded
            | Self::OtherDigestRecorded
            | Self::OtherSignatureRecorded
            | Self::OverlapsSuccessor
            | Self::NotThePredecessor
            | Self::EarlierRecordsOther
            | Self::EarlierFollowsIt
            | Self::LogContent
            | Self::LogReadsDiffer
            | Self::ClaimedLog
            | Self::LogProved
            | Self::ObjectExcluded
            | Self::NoSuchObject
            | Self::ObjectUnlisted
            | Self::NotAskedDigest
            | Self::DigestsInterrupted
            | Self::DigestsMissing
            | Self::LoggingStopped
            | Self::BeforeTheRecord
            | Self::NotCovered
            | Self::ChainRestarts
            | Self::RecordBegins
            | Self::NewChain
            | Self::NothingCovered
            | Self::BackfillAlone
            | Self::RegionInterrupted
            | Self::EmptyDigestFolder
            | Self::LogsWithoutDigests
            | Self::FolderInterrupted
            | Self::SearchInterrupted
            | Self::DiscoveryInterrupted
            | Self::NestedAwsLogs
            | Self::UnlistedLog
            | Self::StrayLog
            | Self::StrayDigest
            | Self::NotADigestName
            | Self::FutureDigest
            | Self::NotARegion => none,
        }
    }
}

const fn body_word(body: BodyFault) -> &'static str {
    match body {
        BodyFault::Empty => "empty",
        BodyFault::NotGzip => "not-gzip",
        BodyFault::CutOff => "cut-off",
        BodyFault::Corrupt => "corrupt",
        BodyFault::Trailing => "trailing",
    }
}

const fn excess_word(excess: Excess) -> &'static str {
    match excess {
        Excess::Inflated { .. } => "inflated",
        Excess::Stored { .. } => "stored",
    }
}

const fn untaken_word(hash: &UntakenHash) -> &'static str {
    match hash {
        UntakenHash::Interrupted => "interrupted",
        UntakenHash::Unread { .. } => "unread",
        UntakenHash::Oversized { excess: Excess::Inflated { .. } } => "oversized-inflated",
        UntakenHash::Oversized { excess: Excess::Stored { .. } } => "oversized-stored",
    }
}

fn key_evidence(evidence: Evidence, lack: &KeyLack) -> Evidence {
    match lack {
        KeyLack::Unknown { fingerprint } | KeyLack::Unreachable { fingerprint, why: _ } => {
            evidence.with("fingerprint", fingerprint)
        }
        KeyLack::NotThen { fingerprint, validity } => {
            let edge = |edge: fn(&crate::time::Interval) -> Timestamp| validity.as_ref().map(edge);
            evidence
                .with("fingerprint", fingerprint)
                .with_some("start", edge(|validity| validity.start).as_ref())
                .with_some("end", edge(|validity| validity.end).as_ref())
        }
        KeyLack::Algorithm { name } => evidence.with("name", name),
    }
}

impl Finding {
    /// Whether the id stands for the content that was seen. Without that, another content could not be told from this
    /// one, so memory does not keep the finding: it is new in each run, and cannot be accepted.
    pub(crate) fn is_identified(&self) -> bool {
        let needs_content = matches!(
            self.fault.known_cause(),
            Some(
                FaultCause::LogBody
                    | FaultCause::DigestBody
                    | FaultCause::NotADigest
                    | FaultCause::UnknownDigestForm
                    | FaultCause::UnlistedLog
                    | FaultCause::UnlistedLogs
                    | FaultCause::StrayLog
                    | FaultCause::StrayDigest
                    | FaultCause::ObjectUnlisted
            )
        );
        !needs_content || self.actual.is_some() || self.content.is_some()
    }

    /// Whether the object of the finding was read, or seen to be absent. Without that the finding cannot be accepted: the
    /// object may have any content, now or later.
    pub(crate) fn is_of_seen_object(&self) -> bool {
        let is_unread = matches!(
            self.fault.known_cause(),
            Some(
                FaultCause::UnreadableDigest
                    | FaultCause::UnreadableLog
                    | FaultCause::ObjectUnreadable
                    | FaultCause::ClaimedLog
                    | FaultCause::UnknownHash
            )
        );
        !is_unread || self.content.is_some()
    }
}

impl FaultCause {
    /// Whether a finding with the cause can be accepted: it names each object or each stretch of time that it is about.
    ///
    /// Not so a finding that counts objects, or that stands for a folder or an archive that was not searched: whatever is
    /// put there later would hide behind the acceptance. Nor a finding on what this run did not settle, which the next
    /// run may settle: an interruption, two reads that differ, or a content that is too large to be looked at.
    pub(crate) const fn is_acceptable(self) -> bool {
        match self {
            // Objects that are counted.
            Self::MoreUnlisted
            | Self::MoreJunk
            | Self::MoreStrayDigests
            | Self::MoreUnreadMembers
            | Self::ClaimedLogs
            | Self::KeysUnfetched
            | Self::Droppings => false,
            // Folders and archives that were not searched, and folders of which one object was seen.
            Self::UnlistedFolder
            | Self::UnsearchedFolder
            | Self::UnplannedFolder
            | Self::SkippedFolder
            | Self::NestedAwsLogs
            | Self::NotARegion
            | Self::LogsWithoutDigests
            | Self::DiscoveryLimit
            | Self::DeliveryUnchecked
            | Self::UnreadMember => false,
            // Shards, each of which stands for many objects.
            Self::ShardMissing
            | Self::ShardOtherPlan
            | Self::ShardOtherVersion
            | Self::ShardOtherLine
            | Self::ShardDamaged
            | Self::ShardContradictory
            | Self::ShardWalksDiffer
            | Self::ShardDigestsGone
            | Self::ShardMemoryNewer
            | Self::ShardListingsChanged
            | Self::ShardResultsLeftOut => false,
            // What this run did not settle.
            Self::LogsInterrupted
            | Self::DigestsInterrupted
            | Self::RegionInterrupted
            | Self::FolderInterrupted
            | Self::SearchInterrupted
            | Self::DiscoveryInterrupted
            | Self::DigestReadsDiffer
            | Self::DigestUnconfirmed
            | Self::LogReadsDiffer
            | Self::LogUnconfirmed
            | Self::OversizedDigest
            | Self::OversizedLog => false,
            // The content of the other copy is not in the finding.
            Self::CopiesDiffer => false,
            Self::DigestBody
            | Self::NotADigest
            | Self::UnknownDigestForm
            | Self::UnreadableDigest
            | Self::DigestVanished
            | Self::DigestElsewhere
            | Self::SignatureMisfit
            | Self::MetadataSignatureMisfit
            | Self::Unsigned
            | Self::SignatureLost
            | Self::MetadataLost
            | Self::NotAsRecorded
            | Self::NotAsRemembered
            | Self::OtherDigestRecorded
            | Self::OtherSignatureRecorded
            | Self::OverlapsSuccessor
            | Self::NotThePredecessor
            | Self::EarlierRecordsOther
            | Self::EarlierFollowsIt
            | Self::LogContent
            | Self::LogBody
            | Self::UnreadableLog
            | Self::UnknownHash
            | Self::ClaimedLog
            | Self::LogProved
            | Self::DigestProved
            | Self::ObjectExcluded
            | Self::NoSuchObject
            | Self::ObjectUnlisted
            | Self::ObjectUnreadable
            | Self::NotAskedDigest
            | Self::Relocated
            | Self::DigestsMissing
            | Self::LoggingStopped
            | Self::BeforeTheRecord
            | Self::NotCovered
            | Self::ChainRestarts
            | Self::RecordBegins
            | Self::NewChain
            | Self::NothingCovered
            | Self::Stale
            | Self::NewerDelivered
            | Self::BackfillAlone
            | Self::EmptyDigestFolder
            | Self::RenamedFolder
            | Self::NothingFound
            | Self::ClockBehind
            | Self::UnlistedLog
            | Self::UnlistedLogs
            | Self::StrayLog
            | Self::StrayDigest
            | Self::NotADigestName
            | Self::FutureDigest
            | Self::RejectedKey
            | Self::DigestMissing
            | Self::DigestVersionsUnknown
            | Self::DigestDeleted
            | Self::DigestContradiction
            | Self::LogMissing
            | Self::LogVersionsUnknown
            | Self::LogDeleted
            | Self::LogContradiction
            | Self::UnknownKey
            | Self::KeyNotValidThen
            | Self::KeysUnreachable
            | Self::UnknownSignatureAlgorithm => true,
        }
    }
}

#[cfg(test)]
mod tests;
