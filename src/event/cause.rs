//! The causes of findings: each has a word in reports and a hint of its own.

use super::{Fault, KeyLack, Kind, Trace};

/// Declares the causes with their words, and the list of all of them, which then cannot lack one.
macro_rules! causes {
    ($($cause:ident = $word:literal,)*) => {
        /// Why a finding was made: its fault without the evidence.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub(crate) enum Cause { $($cause),* }

        impl Cause {
            /// Every cause.
            pub(crate) const ALL: &[Self] = &[$(Self::$cause),*];

            /// The word in reports. Once published, it keeps its meaning.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$cause => $word),* }
            }
        }
    };
}

causes! {
    DigestBody = "digest-body",
    NotADigest = "not-a-digest",
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
    UnlistedLog = "unlisted-log",
    StrayLog = "stray-log",
    MoreUnlisted = "more-unlisted",
    NotADigestName = "not-a-digest-name",
    FutureDigest = "future-digest",
    MoreJunk = "more-junk",
    NotARegion = "not-a-region",
    Droppings = "droppings",
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
}

impl Cause {
    /// The cause with this word; `None` for a word that this version does not know.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == word)
    }
}

impl Fault {
    /// The word of the cause in reports, such as `signature-misfit`; `None` of a finding that was told without one. A word,
    /// once published, keeps its meaning.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match (self, self.known_cause()) {
            (Self::Told { cause, .. }, _) => cause.as_deref(),
            (_, cause) => cause.map(Cause::as_str),
        }
    }

    /// The cause; `None` of a finding that was told without one, or with one that this version does not know.
    pub(crate) fn known_cause(&self) -> Option<Cause> {
        Some(match self {
            Self::DigestBody { .. } => Cause::DigestBody,
            Self::NotADigest { .. } => Cause::NotADigest,
            Self::OversizedDigest { .. } => Cause::OversizedDigest,
            Self::UnreadableDigest { .. } => Cause::UnreadableDigest,
            Self::DigestReadsDiffer => Cause::DigestReadsDiffer,
            Self::DigestUnconfirmed { .. } => Cause::DigestUnconfirmed,
            Self::DigestVanished => Cause::DigestVanished,
            Self::DigestElsewhere => Cause::DigestElsewhere,
            Self::SignatureMisfit => Cause::SignatureMisfit,
            Self::MetadataSignatureMisfit => Cause::MetadataSignatureMisfit,
            Self::Unsigned { proved: false, .. } => Cause::Unsigned,
            Self::Unsigned { proved: true, .. } => Cause::SignatureLost,
            Self::MetadataLost { .. } => Cause::MetadataLost,
            Self::NoKey { lack, .. } => lack.cause(),
            Self::NotAsRecorded => Cause::NotAsRecorded,
            Self::NotAsRemembered { .. } => Cause::NotAsRemembered,
            Self::OtherDigestRecorded => Cause::OtherDigestRecorded,
            Self::OtherSignatureRecorded => Cause::OtherSignatureRecorded,
            Self::OverlapsSuccessor => Cause::OverlapsSuccessor,
            Self::NotThePredecessor => Cause::NotThePredecessor,
            Self::EarlierRecordsOther => Cause::EarlierRecordsOther,
            Self::EarlierFollowsIt => Cause::EarlierFollowsIt,
            Self::WithoutRoom(fault) => return fault.known_cause(),
            Self::DigestGone(trace) | Self::RememberedGone { trace, .. } => trace.of_digest().1,
            Self::LogContent => Cause::LogContent,
            Self::LogBody { .. } => Cause::LogBody,
            Self::LogGone(trace) => trace.of_log().1,
            Self::UnreadableLog { .. } => Cause::UnreadableLog,
            Self::OversizedLog { .. } => Cause::OversizedLog,
            Self::LogReadsDiffer => Cause::LogReadsDiffer,
            Self::LogUnconfirmed { .. } => Cause::LogUnconfirmed,
            Self::UnknownHash { .. } => Cause::UnknownHash,
            Self::ClaimedLog => Cause::ClaimedLog,
            Self::ClaimedLogs { .. } => Cause::ClaimedLogs,
            Self::LogsInterrupted { .. } => Cause::LogsInterrupted,
            Self::LogProved => Cause::LogProved,
            Self::DigestProved { .. } => Cause::DigestProved,
            Self::ObjectExcluded => Cause::ObjectExcluded,
            Self::NoSuchObject => Cause::NoSuchObject,
            Self::ObjectUnlisted => Cause::ObjectUnlisted,
            Self::ObjectUnreadable { .. } => Cause::ObjectUnreadable,
            Self::NotAskedDigest => Cause::NotAskedDigest,
            Self::Relocated { .. } => Cause::Relocated,
            Self::DigestsInterrupted => Cause::DigestsInterrupted,
            Self::DigestsMissing => Cause::DigestsMissing,
            Self::LoggingStopped => Cause::LoggingStopped,
            Self::BeforeTheRecord => Cause::BeforeTheRecord,
            Self::NotCovered => Cause::NotCovered,
            Self::ChainRestarts => Cause::ChainRestarts,
            Self::RecordBegins => Cause::RecordBegins,
            Self::NothingCovered => Cause::NothingCovered,
            Self::Stale { .. } => Cause::Stale,
            Self::NewerDelivered { .. } => Cause::NewerDelivered,
            Self::DeliveryUnchecked { .. } => Cause::DeliveryUnchecked,
            Self::BackfillAlone => Cause::BackfillAlone,
            Self::RegionInterrupted => Cause::RegionInterrupted,
            Self::EmptyDigestFolder => Cause::EmptyDigestFolder,
            Self::LogsWithoutDigests => Cause::LogsWithoutDigests,
            Self::UnlistedFolder { .. } => Cause::UnlistedFolder,
            Self::FolderInterrupted => Cause::FolderInterrupted,
            Self::UnsearchedFolder { .. } => Cause::UnsearchedFolder,
            Self::UnplannedFolder { .. } => Cause::UnplannedFolder,
            Self::SearchInterrupted => Cause::SearchInterrupted,
            Self::DiscoveryInterrupted => Cause::DiscoveryInterrupted,
            Self::DiscoveryLimit { .. } => Cause::DiscoveryLimit,
            Self::NestedAwsLogs => Cause::NestedAwsLogs,
            Self::SkippedFolder { .. } => Cause::SkippedFolder,
            Self::RenamedFolder { .. } => Cause::RenamedFolder,
            Self::NothingFound { .. } => Cause::NothingFound,
            Self::UnlistedLog => Cause::UnlistedLog,
            Self::StrayLog => Cause::StrayLog,
            Self::MoreUnlisted { .. } => Cause::MoreUnlisted,
            Self::NotADigestName => Cause::NotADigestName,
            Self::FutureDigest => Cause::FutureDigest,
            Self::MoreJunk { .. } => Cause::MoreJunk,
            Self::NotARegion => Cause::NotARegion,
            Self::Droppings { .. } => Cause::Droppings,
            Self::RejectedKey { .. } => Cause::RejectedKey,
            Self::Told { cause, .. } => return cause.as_deref().and_then(Cause::parse),
        })
    }
}

impl Trace {
    /// The kind and cause of a digest of which this is left.
    pub(super) const fn of_digest(&self) -> (Kind, Cause) {
        match self {
            Self::Nothing => (Kind::DigestMissing, Cause::DigestMissing),
            Self::Unknown { .. } => (Kind::DigestMissing, Cause::DigestVersionsUnknown),
            Self::DeleteMarker { .. } => (Kind::DigestDeleted, Cause::DigestDeleted),
            Self::Contradiction { .. } => (Kind::DigestUnreadable, Cause::DigestContradiction),
        }
    }

    /// The kind and cause of a log file of which this is left.
    pub(super) const fn of_log(&self) -> (Kind, Cause) {
        match self {
            Self::Nothing => (Kind::LogMissing, Cause::LogMissing),
            Self::Unknown { .. } => (Kind::LogMissing, Cause::LogVersionsUnknown),
            Self::DeleteMarker { .. } => (Kind::LogDeleted, Cause::LogDeleted),
            Self::Contradiction { .. } => (Kind::LogUnreadable, Cause::LogContradiction),
        }
    }
}

impl KeyLack {
    const fn cause(&self) -> Cause {
        match self {
            Self::Unknown { .. } => Cause::UnknownKey,
            Self::NotThen { .. } => Cause::KeyNotValidThen,
            Self::Unreachable { .. } => Cause::KeysUnreachable,
            Self::Algorithm { .. } => Cause::UnknownSignatureAlgorithm,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_cause_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(words.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            let word = cause.as_str();
            assert_eq!(Cause::parse(word), Some(*cause));
            assert!(word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{word}");
        }
        assert_eq!(Cause::parse("of-a-later-version"), None);
    }
}
