//! The causes of findings: each has a word in reports and a hint of its own.

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
