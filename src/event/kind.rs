//! The kinds of findings with their severities, and the reasons for gaps.

use serde::{Deserialize, Serialize};

use super::Fault;

/// Severity of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information; does not change the verdict.
    Notice,
    /// Part of the record could not be proved, but tampering is not proved either.
    Incomplete,
    /// The record is not what CloudTrail delivered.
    Tampered,
}

/// Kind of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A log file has another hash than listed, or is not exactly one whole gzip member.
    LogModified,
    /// A delete marker stands in a log file's place.
    LogDeleted,
    /// A log file is missing without a delete marker.
    LogMissing,
    /// A digest's signature does not verify, or the digest's metadata differs from the successor's record.
    DigestModified,
    /// An object with a digest's key is not a digest file.
    DigestMalformed,
    /// A digest names another bucket or key than the digest's own location.
    DigestMoved,
    /// A delete marker stands in a digest's place.
    DigestDeleted,
    /// A digest that the chain records or implies is missing.
    DigestMissing,
    /// Two present digests do not link as recorded.
    ChainBroken,
    /// A stretch of time that no proved digest covers.
    ChainGap,
    /// A new chain starts within the asked range, without uncovered time before.
    ChainRestart,
    /// The newest digest ends too long before the end of the asked range.
    ChainStale,
    /// No digest was found for the asked account, region, trail or range.
    NoDigests,
    /// No usable key has the digest's fingerprint.
    KeyUnknown,
    /// A digest has no signature in metadata, sidecar or successor.
    DigestUnsigned,
    /// A digest could not be read.
    DigestUnreadable,
    /// A log file could not be read.
    LogUnreadable,
    /// A log file that only an unproved digest lists, or whose listed hash has an unknown form.
    LogUnverifiable,
    /// An object in a log folder that no proved digest lists.
    LogUnreferenced,
    /// An object in a digest folder without a valid digest file name.
    ObjectUnrecognised,
    /// A relocated copy, proved at the recorded path.
    Relocated,
    /// The start of the record.
    ChainStart,
    /// A finding that somebody accepted in the memory of runs.
    Accepted,
    /// An object that the user named is proved.
    ObjectProved,
    /// The clock of the machine is behind proved evidence.
    ClockBehind,
    /// A shard of the run has no usable result.
    ShardIncomplete,
}

impl Kind {
    /// All kinds, gravest first, in the order of groups in reports.
    pub const ALL: [Self; 26] = [
        Self::LogModified,
        Self::LogDeleted,
        Self::LogMissing,
        Self::DigestModified,
        Self::DigestMalformed,
        Self::DigestMoved,
        Self::DigestDeleted,
        Self::DigestMissing,
        Self::ChainBroken,
        Self::ChainGap,
        Self::ChainRestart,
        Self::ChainStale,
        Self::NoDigests,
        Self::KeyUnknown,
        Self::DigestUnsigned,
        Self::DigestUnreadable,
        Self::LogUnreadable,
        Self::LogUnverifiable,
        Self::LogUnreferenced,
        Self::ShardIncomplete,
        Self::ObjectUnrecognised,
        Self::Relocated,
        Self::ChainStart,
        Self::Accepted,
        Self::ObjectProved,
        Self::ClockBehind,
    ];

    /// Whether a finding of this kind is on a digest file, or on its link in the chain.
    pub(crate) const fn is_on_digest(self) -> bool {
        matches!(
            self,
            Self::DigestModified
                | Self::DigestMalformed
                | Self::DigestMoved
                | Self::DigestDeleted
                | Self::DigestMissing
                | Self::ChainBroken
                | Self::KeyUnknown
                | Self::DigestUnsigned
                | Self::DigestUnreadable
        )
    }

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LogModified => "log-modified",
            Self::LogDeleted => "log-deleted",
            Self::LogMissing => "log-missing",
            Self::DigestModified => "digest-modified",
            Self::DigestMalformed => "digest-malformed",
            Self::DigestMoved => "digest-moved",
            Self::DigestDeleted => "digest-deleted",
            Self::DigestMissing => "digest-missing",
            Self::ChainBroken => "chain-broken",
            Self::ChainGap => "chain-gap",
            Self::ChainRestart => "chain-restart",
            Self::ChainStale => "chain-stale",
            Self::NoDigests => "no-digests",
            Self::KeyUnknown => "key-unknown",
            Self::DigestUnsigned => "digest-unsigned",
            Self::DigestUnreadable => "digest-unreadable",
            Self::LogUnreadable => "log-unreadable",
            Self::LogUnverifiable => "log-unverifiable",
            Self::LogUnreferenced => "log-unreferenced",
            Self::ObjectUnrecognised => "object-unrecognised",
            Self::Relocated => "relocated",
            Self::ChainStart => "chain-start",
            Self::Accepted => "accepted",
            Self::ObjectProved => "object-proved",
            Self::ClockBehind => "clock-behind",
            Self::ShardIncomplete => "shard-incomplete",
        }
    }

    /// Severity of the kind. A finding may have a lower severity if other evidence proves the object.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::LogModified
            | Self::LogDeleted
            | Self::LogMissing
            | Self::DigestModified
            | Self::DigestMalformed
            | Self::DigestMoved
            | Self::DigestDeleted
            | Self::DigestMissing
            | Self::ChainBroken => Severity::Tampered,
            Self::ChainGap
            | Self::ChainRestart
            | Self::ChainStale
            | Self::NoDigests
            | Self::KeyUnknown
            | Self::DigestUnsigned
            | Self::DigestUnreadable
            | Self::LogUnreadable
            | Self::LogUnverifiable
            | Self::LogUnreferenced
            | Self::ShardIncomplete => Severity::Incomplete,
            Self::ObjectUnrecognised
            | Self::Relocated
            | Self::ChainStart
            | Self::Accepted
            | Self::ObjectProved
            | Self::ClockBehind => Severity::Notice,
        }
    }
}

/// Why a stretch of time is not covered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The next digest starts a new chain: logging or validation was off.
    LoggingStopped,
    /// The digests before and after the stretch link, but neither covers the stretch; or the covering digest is not
    /// proved.
    NotCovered,
    /// Delivered digests are missing.
    DigestsMissing,
    /// The run was interrupted before the digests of the stretch were checked.
    Interrupted,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 4] =
        [Self::LoggingStopped, Self::NotCovered, Self::DigestsMissing, Self::Interrupted];

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggingStopped => "logging-stopped",
            Self::NotCovered => "not-covered",
            Self::DigestsMissing => "digests-missing",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Fault {
    /// Kind of the finding.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::DigestBody { .. } | Self::NotADigest { .. } => Kind::DigestMalformed,
            Self::OversizedDigest { .. }
            | Self::UnknownDigestForm { .. }
            | Self::UnreadableDigest { .. }
            | Self::DigestReadsDiffer
            | Self::DigestUnconfirmed { .. }
            | Self::DigestVanished => Kind::DigestUnreadable,
            Self::CopiesDiffer { is_digest: true, .. } => Kind::DigestUnreadable,
            Self::CopiesDiffer { is_digest: false, .. } => Kind::LogUnreadable,
            Self::DigestElsewhere => Kind::DigestMoved,
            Self::SignatureMisfit
            | Self::MetadataSignatureMisfit
            | Self::NotAsRecorded
            | Self::NotAsRemembered { .. }
            | Self::OtherSignatureRecorded => Kind::DigestModified,
            Self::Unsigned { .. } | Self::MetadataLost { .. } => Kind::DigestUnsigned,
            Self::NoKey { .. } | Self::KeysUnfetched { .. } | Self::RejectedKey { .. } => Kind::KeyUnknown,
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
            Self::ObjectUnlisted
            | Self::UnlistedLog
            | Self::UnlistedLogs { .. }
            | Self::StrayLog
            | Self::MoreUnlisted { .. } => Kind::LogUnreferenced,
            Self::Relocated { .. } | Self::RenamedFolder { .. } => Kind::Relocated,
            Self::DigestsInterrupted
            | Self::DigestsMissing
            | Self::LoggingStopped
            | Self::BeforeTheRecord
            | Self::NotCovered => Kind::ChainGap,
            Self::ChainRestarts => Kind::ChainRestart,
            Self::RecordBegins | Self::NewChain => Kind::ChainStart,
            Self::Stale { .. } => Kind::ChainStale,
            Self::NewerDelivered { .. } => Kind::DigestMissing,
            Self::DeliveryUnchecked { .. }
            | Self::RegionInterrupted
            | Self::UnlistedFolder { .. }
            | Self::FolderInterrupted
            | Self::DiscoveryInterrupted
            | Self::DiscoveryLimit { .. }
            | Self::NestedAwsLogs
            | Self::StrayDigest
            | Self::MoreStrayDigests { .. }
            | Self::SkippedFolder { .. }
            | Self::UnreadMember { .. }
            | Self::MoreUnreadMembers { .. } => Kind::DigestUnreadable,
            Self::NotADigestName
            | Self::FutureDigest
            | Self::MoreJunk { .. }
            | Self::NotARegion
            | Self::Droppings { .. } => Kind::ObjectUnrecognised,
            Self::ClockBehind { .. } => Kind::ClockBehind,
            Self::ShardLacking { .. }
            | Self::ShardContradictory { .. }
            | Self::ShardWalksDiffer { .. }
            | Self::ShardDigestsGone { .. }
            | Self::ShardMemoryNewer { .. }
            | Self::ShardListingsChanged { .. }
            | Self::ShardResultsLeftOut { .. } => Kind::ShardIncomplete,
            Self::Accepted { .. } => Kind::Accepted,
            Self::Told { kind, .. } => *kind,
        }
    }
}
