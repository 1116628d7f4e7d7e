//! The causes of findings. Every cause has its own word in reports and its own hint.

use super::{Fault, KeyLack, Kind, ShardLack, Trace};

/// Declares the causes with their words, so that the list of all causes is complete by construction.
macro_rules! causes {
    ($($cause:ident = $word:literal,)*) => {
        /// The cause of a finding: the fault without its evidence.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub(crate) enum FaultCause { $($cause),* }

        impl FaultCause {
            /// All causes.
            pub(crate) const ALL: &[Self] = &[$(Self::$cause),*];

            /// The word in reports. A published word keeps its meaning.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$cause => $word),* }
            }
        }
    };
}

causes! {
    DigestBody = "digest-body",
    NotADigest = "not-a-digest",
    UnknownDigestForm = "unknown-digest-form",
    OversizedDigest = "oversized-digest",
    UnreadableDigest = "unreadable-digest",
    DigestReadsDiffer = "digest-reads-differ",
    DigestUnconfirmed = "digest-unconfirmed",
    DigestVanished = "digest-vanished",
    DigestElsewhere = "digest-elsewhere",
    SignatureMisfit = "signature-misfit",
    MetadataSignatureMisfit = "metadata-signature-misfit",
    Unsigned = "unsigned",
    SignatureLost = "signature-lost",
    MetadataLost = "metadata-lost",
    NotAsRecorded = "not-as-recorded",
    NotAsRemembered = "not-as-remembered",
    OtherDigestRecorded = "other-digest-recorded",
    OtherSignatureRecorded = "other-signature-recorded",
    OverlapsSuccessor = "overlaps-successor",
    NotThePredecessor = "not-the-predecessor",
    EarlierRecordsOther = "earlier-records-other",
    EarlierFollowsIt = "earlier-follows-it",
    LogContent = "log-content",
    LogBody = "log-body",
    UnreadableLog = "unreadable-log",
    OversizedLog = "oversized-log",
    LogReadsDiffer = "log-reads-differ",
    LogUnconfirmed = "log-unconfirmed",
    UnknownHash = "unknown-hash",
    ClaimedLog = "claimed-log",
    ClaimedLogs = "claimed-logs",
    LogsInterrupted = "logs-interrupted",
    LogProved = "log-proved",
    DigestProved = "digest-proved",
    ObjectExcluded = "object-excluded",
    NoSuchObject = "no-such-object",
    ObjectUnlisted = "object-unlisted",
    ObjectUnreadable = "object-unreadable",
    NotAskedDigest = "not-asked-digest",
    Relocated = "relocated",
    DigestsInterrupted = "digests-interrupted",
    DigestsMissing = "digests-missing",
    LoggingStopped = "logging-stopped",
    BeforeTheRecord = "before-the-record",
    NotCovered = "not-covered",
    ChainRestarts = "chain-restarts",
    RecordBegins = "record-begins",
    NewChain = "new-chain",
    NothingCovered = "nothing-covered",
    Stale = "stale",
    NewerDelivered = "newer-delivered",
    DeliveryUnchecked = "delivery-unchecked",
    BackfillAlone = "backfill-alone",
    RegionInterrupted = "region-interrupted",
    EmptyDigestFolder = "empty-digest-folder",
    LogsWithoutDigests = "logs-without-digests",
    UnlistedFolder = "unlisted-folder",
    FolderInterrupted = "folder-interrupted",
    UnsearchedFolder = "unsearched-folder",
    UnplannedFolder = "unplanned-folder",
    SearchInterrupted = "search-interrupted",
    DiscoveryInterrupted = "discovery-interrupted",
    DiscoveryLimit = "discovery-limit",
    NestedAwsLogs = "nested-aws-logs",
    SkippedFolder = "skipped-folder",
    RenamedFolder = "renamed-folder",
    NothingFound = "nothing-found",
    ClockBehind = "clock-behind",
    UnlistedLog = "unlisted-log",
    UnlistedLogs = "unlisted-logs",
    StrayLog = "stray-log",
    StrayDigest = "stray-digest",
    MoreStrayDigests = "more-stray-digests",
    MoreUnlisted = "more-unlisted",
    NotADigestName = "not-a-digest-name",
    FutureDigest = "future-digest",
    MoreJunk = "more-junk",
    NotARegion = "not-a-region",
    UnreadMember = "unread-member",
    MoreUnreadMembers = "more-unread-members",
    CopiesDiffer = "copies-differ",
    Droppings = "droppings",
    KeysUnfetched = "keys-unfetched",
    RejectedKey = "rejected-key",
    DigestMissing = "digest-missing",
    DigestVersionsUnknown = "digest-versions-unknown",
    DigestDeleted = "digest-deleted",
    DigestContradiction = "digest-contradiction",
    LogMissing = "log-missing",
    LogVersionsUnknown = "log-versions-unknown",
    LogDeleted = "log-deleted",
    LogContradiction = "log-contradiction",
    UnknownKey = "unknown-key",
    KeyNotValidThen = "key-not-valid-then",
    KeysUnreachable = "keys-unreachable",
    UnknownSignatureAlgorithm = "unknown-signature-algorithm",
    ShardMissing = "shard-missing",
    ShardOtherPlan = "shard-other-plan",
    ShardOtherVersion = "shard-other-version",
    ShardOtherLine = "shard-other-line",
    ShardDamaged = "shard-damaged",
    ShardContradictory = "shard-contradictory",
    ShardWalksDiffer = "shard-walks-differ",
    ShardDigestsGone = "shard-digests-gone",
    ShardMemoryNewer = "shard-memory-newer",
    ShardListingsChanged = "shard-listings-changed",
    ShardResultsLeftOut = "shard-results-left-out",
}

impl FaultCause {
    /// The cause for `word`; `None` for a word that this version does not know.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == word)
    }
}

/// Matches a fault: the listed variants have the cause of the same name, the remaining arms are written out.
macro_rules! by_name {
    ($fault:expr, [$($name:ident)*], $($variant:pat => $cause:expr,)*) => {
        match $fault {
            $(Fault::$name { .. } => Some(FaultCause::$name),)*
            $($variant => $cause,)*
        }
    };
}

impl Fault {
    /// The word of the cause in reports, such as `signature-misfit`; `None` for a [`Fault::Told`] without a cause. A
    /// published word keeps its meaning.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match (self, self.known_cause()) {
            (Self::Told { cause, .. }, _) => cause.as_deref(),
            (Self::Accepted { fault, .. }, None) => fault.cause(),
            (_, cause) => cause.map(FaultCause::as_str),
        }
    }

    /// The cause; `None` for a [`Fault::Told`] whose cause is absent or unknown to this version.
    pub(crate) fn known_cause(&self) -> Option<FaultCause> {
        by_name!(
            self,
            [
                DigestBody NotADigest UnknownDigestForm OversizedDigest UnreadableDigest DigestReadsDiffer DigestUnconfirmed
                DigestVanished DigestElsewhere SignatureMisfit MetadataSignatureMisfit MetadataLost NotAsRecorded
                NotAsRemembered OtherDigestRecorded OtherSignatureRecorded OverlapsSuccessor NotThePredecessor
                EarlierRecordsOther EarlierFollowsIt LogContent LogBody UnreadableLog OversizedLog LogReadsDiffer
                LogUnconfirmed UnknownHash ClaimedLog ClaimedLogs LogsInterrupted LogProved DigestProved
                ObjectExcluded NoSuchObject ObjectUnlisted ObjectUnreadable NotAskedDigest Relocated
                DigestsInterrupted DigestsMissing LoggingStopped BeforeTheRecord NotCovered ChainRestarts
                RecordBegins NewChain NothingCovered Stale NewerDelivered DeliveryUnchecked BackfillAlone RegionInterrupted
                EmptyDigestFolder LogsWithoutDigests UnlistedFolder FolderInterrupted UnsearchedFolder
                UnplannedFolder SearchInterrupted DiscoveryInterrupted DiscoveryLimit NestedAwsLogs
                SkippedFolder RenamedFolder NothingFound ClockBehind UnlistedLog
                UnlistedLogs StrayLog StrayDigest MoreStrayDigests MoreUnlisted NotADigestName FutureDigest MoreJunk NotARegion UnreadMember
                MoreUnreadMembers CopiesDiffer Droppings KeysUnfetched RejectedKey ShardContradictory ShardWalksDiffer
                ShardDigestsGone ShardMemoryNewer ShardListingsChanged ShardResultsLeftOut
            ],
            Self::Unsigned { proved: false, .. } => Some(FaultCause::Unsigned),
            Self::Unsigned { proved: true, .. } => Some(FaultCause::SignatureLost),
            Self::NoKey { lack, .. } => Some(lack.cause()),
            Self::ShardLacking { lack, .. } => Some(lack.cause()),
            Self::WithoutRoom(fault) | Self::Accepted { fault, .. } => fault.known_cause(),
            Self::DigestGone(trace) | Self::RememberedGone { trace, .. } => Some(trace.of_digest().1),
            Self::LogGone(trace) => Some(trace.of_log().1),
            Self::Told { cause, .. } => cause.as_deref().and_then(FaultCause::parse),
        )
    }
}

impl Trace {
    /// Kind and cause of the finding on a missing digest.
    pub(super) const fn of_digest(&self) -> (Kind, FaultCause) {
        match self {
            Self::Nothing => (Kind::DigestMissing, FaultCause::DigestMissing),
            Self::Unknown { .. } => (Kind::DigestMissing, FaultCause::DigestVersionsUnknown),
            Self::DeleteMarker { .. } => (Kind::DigestDeleted, FaultCause::DigestDeleted),
            Self::Contradiction { .. } => (Kind::DigestUnreadable, FaultCause::DigestContradiction),
        }
    }

    /// Kind and cause of the finding on a missing log file.
    pub(super) const fn of_log(&self) -> (Kind, FaultCause) {
        match self {
            Self::Nothing => (Kind::LogMissing, FaultCause::LogMissing),
            Self::Unknown { .. } => (Kind::LogMissing, FaultCause::LogVersionsUnknown),
            Self::DeleteMarker { .. } => (Kind::LogDeleted, FaultCause::LogDeleted),
            Self::Contradiction { .. } => (Kind::LogUnreadable, FaultCause::LogContradiction),
        }
    }
}

impl KeyLack {
    const fn cause(&self) -> FaultCause {
        match self {
            Self::Unknown { .. } => FaultCause::UnknownKey,
            Self::NotThen { .. } => FaultCause::KeyNotValidThen,
            Self::Unreachable { .. } => FaultCause::KeysUnreachable,
            Self::Algorithm { .. } => FaultCause::UnknownSignatureAlgorithm,
        }
    }
}

impl ShardLack {
    const fn cause(&self) -> FaultCause {
        match self {
            Self::Missing => FaultCause::ShardMissing,
            Self::OtherPlan { .. } => FaultCause::ShardOtherPlan,
            Self::OtherVersion { .. } => FaultCause::ShardOtherVersion,
            Self::OtherLine => FaultCause::ShardOtherLine,
            Self::Damaged { .. } => FaultCause::ShardDamaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_cause_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = FaultCause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(words.len(), FaultCause::ALL.len());
        for cause in FaultCause::ALL {
            let word = cause.as_str();
            assert_eq!(FaultCause::parse(word), Some(*cause));
            assert!(word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{word}");
        }
        assert_eq!(FaultCause::parse("of-a-later-version"), None);
    }
}
