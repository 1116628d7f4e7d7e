//! The kinds of findings, how much each weighs, and the reasons for gaps.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; changes no verdict.
    Notice,
    /// Something could not be vouched for; nothing is proved against it.
    Incomplete,
    /// The record is not what CloudTrail delivered.
    Tampered,
}

/// What a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A log file's hash differs, or it is not exactly one whole gzip member.
    LogModified,
    /// A delete marker stands in a log file's place.
    LogDeleted,
    /// No trace of a log file.
    LogMissing,
    /// A digest's signature does not fit, or its metadata differs from what its successor records.
    DigestModified,
    /// In a digest's place, but no digest.
    DigestMalformed,
    /// A digest that names another place than the one it lies in.
    DigestMoved,
    /// A delete marker stands in a digest's place.
    DigestDeleted,
    /// A digest that the chain says was there is not.
    DigestMissing,
    /// Two digests, each there, that do not link as recorded.
    ChainBroken,
    /// A stretch of time that no proved digest covers.
    ChainGap,
    /// A chain begins anew inside the asked interval, without a stretch of time that is not covered.
    ChainRestart,
    /// The newest digest ends too long before the asked end.
    ChainStale,
    /// No digest was found for what was asked.
    NoDigests,
    /// No usable key with the digest's fingerprint.
    KeyUnknown,
    /// A digest without a signature in metadata, sidecar or successor.
    DigestUnsigned,
    /// A digest that could not be read.
    DigestUnreadable,
    /// A log file that could not be read.
    LogUnreadable,
    /// A log file that only an unproved digest lists, or whose hash nobody can compute.
    LogUnverifiable,
    /// An object in a log folder that no proved digest lists.
    LogUnreferenced,
    /// An object in a digest folder whose name is no digest's.
    ObjectUnrecognised,
    /// A copy, proved at its recorded path.
    Relocated,
    /// Where the record begins.
    ChainStart,
    /// A single object that was asked about, and that is proved.
    ObjectProved,
}

impl Kind {
    /// Every kind, gravest first, in the order reports group them.
    pub const ALL: [Self; 23] = [
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
        Self::ObjectUnrecognised,
        Self::Relocated,
        Self::ChainStart,
        Self::ObjectProved,
    ];

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
            Self::ObjectProved => "object-proved",
        }
    }

    /// How much a finding of this kind weighs, unless something else vouches for the object.
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
            | Self::LogUnreferenced => Severity::Incomplete,
            Self::ObjectUnrecognised | Self::Relocated | Self::ChainStart | Self::ObjectProved => {
                Severity::Notice
            }
        }
    }
}

/// Why a stretch of time is not covered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The next digest starts a new chain: logging, or its validation, was off.
    LoggingStopped,
    /// Digests on both sides link, yet neither covers it; or what covers it is not proved.
    NotCovered,
    /// Digests that were there are not.
    DigestsMissing,
    /// The run was ended before its digests were looked at.
    Interrupted,
}

impl Reason {
    /// Every reason.
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
