//! What a run tells whoever listens: findings with their evidence, chains, counts, and the verdict that follows.

use std::io;

use serde::Serialize;

use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::{Interval, Range, Timestamp};

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; changes no verdict.
    Notice,
    /// Something could not be vouched for; nothing is proved against it.
    Incomplete,
    /// The record is not what CloudTrail delivered.
    Tampered,
}

/// The answer of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything asked for is covered and proved.
    Intact,
    /// Nothing proves tampering, but something could not be vouched for.
    Incomplete,
    /// At least one finding proves tampering.
    Tampered,
}

impl Verdict {
    /// The verdict that the gravest finding and the number of proved digests give. No proved digest is never success.
    #[must_use]
    pub const fn from_worst(worst: Option<Severity>, proved_digests: u64) -> Self {
        match worst {
            Some(Severity::Tampered) => Self::Tampered,
            Some(Severity::Incomplete) => Self::Incomplete,
            Some(Severity::Notice) | None if proved_digests == 0 => Self::Incomplete,
            Some(Severity::Notice) | None => Self::Intact,
        }
    }

    /// The process's exit code. Any other code must be read as failure.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Intact => 0,
            Self::Tampered => 1,
            Self::Incomplete => 3,
        }
    }

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Incomplete => "incomplete",
            Self::Tampered => "tampered",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
}

impl Kind {
    /// Every kind, gravest first, in the order reports group them.
    pub const ALL: [Self; 21] = [
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
            | Self::ChainStale
            | Self::NoDigests
            | Self::KeyUnknown
            | Self::DigestUnsigned
            | Self::DigestUnreadable
            | Self::LogUnreadable
            | Self::LogUnverifiable
            | Self::LogUnreferenced => Severity::Incomplete,
            Self::ObjectUnrecognised | Self::Relocated | Self::ChainStart => Severity::Notice,
        }
    }
}

/// Why a stretch of time is not covered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The next digest starts a new chain: logging, or its validation, was off.
    LoggingStopped,
    /// Digests on both sides link, yet neither covers it; or what covers it is not proved.
    NotCovered,
    /// Digests that were there are not.
    DigestsMissing,
}

impl Reason {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggingStopped => "logging-stopped",
            Self::NotCovered => "not-covered",
            Self::DigestsMissing => "digests-missing",
        }
    }
}

/// Something to be said of one object or one stretch of time, with the evidence for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// How much it weighs.
    pub severity: Severity,
    /// Account id, where it concerns one.
    pub account: Option<String>,
    /// Region, where it concerns one.
    pub region: Option<String>,
    /// Trail, where it concerns one.
    pub trail: Option<String>,
    /// The object, `s3://BUCKET/KEY`; of a keys file, its path.
    pub uri: Option<String>,
    /// The digest that says so.
    pub digest: Option<String>,
    /// What was seen, for a person.
    pub message: String,
    /// What was recorded: a SHA-256 value, a location or a signature.
    pub expected: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// Start of the stretch it concerns.
    pub start: Option<Timestamp>,
    /// End of the stretch it concerns.
    pub end: Option<Timestamp>,
    /// Why a stretch is not covered.
    pub reason: Option<Reason>,
    /// The moment it is sorted by within its chain. Not part of any report.
    pub at: Timestamp,
}

impl Finding {
    /// A finding of `kind`, sorted at `at`, with the kind's own severity and nothing else filled in.
    #[must_use]
    pub fn new(kind: Kind, at: Timestamp, message: impl Into<String>) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            account: None,
            region: None,
            trail: None,
            uri: None,
            digest: None,
            message: message.into(),
            expected: None,
            actual: None,
            start: None,
            end: None,
            reason: None,
            at,
        }
    }

    /// The same finding as a notice: something else vouches for the object.
    #[must_use]
    pub const fn as_notice(mut self) -> Self {
        self.severity = Severity::Notice;
        self
    }

    /// The same finding about the object at `location`.
    #[must_use]
    pub fn about(mut self, location: &Location) -> Self {
        self.uri = Some(location.to_string());
        self
    }

    /// The same finding in `chain`.
    #[must_use]
    pub fn of_chain(mut self, chain: &ChainId) -> Self {
        self.trail = Some(chain.trail.to_string());
        self.of_region(&chain.account, &chain.region)
    }

    /// The same finding in one region of one account.
    #[must_use]
    pub fn of_region(mut self, account: &str, region: &str) -> Self {
        self.account = Some(account.to_owned());
        self.region = Some(region.to_owned());
        self
    }

    /// The same finding, said by the digest at `location`.
    #[must_use]
    pub fn by_digest(mut self, location: &Location) -> Self {
        self.digest = Some(location.to_string());
        self
    }

    /// The same finding with the hashes that differ.
    #[must_use]
    pub fn with_hashes(mut self, expected: Option<Sha256Hash>, actual: Option<Sha256Hash>) -> Self {
        self.expected = expected.map(|hash| hash.to_string());
        self.actual = actual.map(|hash| hash.to_string());
        self
    }

    /// The same finding about a stretch of time.
    #[must_use]
    pub const fn over(mut self, stretch: Interval) -> Self {
        self.start = Some(stretch.start);
        self.end = Some(stretch.end);
        self
    }

    /// The same finding with the reason a stretch is not covered.
    #[must_use]
    pub const fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// How many digests of the asked range ended in each state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct DigestCounts {
    /// Proved, and nothing said against them.
    pub valid: u64,
    /// Modified, malformed, moved, deleted or missing.
    pub tampered: u64,
    /// There, but not proved: unsigned, unreadable or signed by an unknown key.
    pub unverified: u64,
}

/// How many log files ended in each state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct LogCounts {
    /// Hash as a proved digest lists it.
    pub valid: u64,
    /// Modified, deleted or missing.
    pub tampered: u64,
    /// Unreadable, or listed by no proved digest.
    pub unverified: u64,
    /// In a log folder, listed by no proved digest.
    pub unreferenced: u64,
}

/// What a run looked at.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Counts {
    /// Digest files.
    pub digests: DigestCounts,
    /// Log files.
    pub logs: LogCounts,
    /// Bytes of bodies as stored.
    pub compressed_bytes: u64,
    /// Bytes of bodies inflated.
    pub inflated_bytes: u64,
}

impl Counts {
    /// Adds `other` to these counts.
    pub const fn add(&mut self, other: &Self) {
        self.digests.valid += other.digests.valid;
        self.digests.tampered += other.digests.tampered;
        self.digests.unverified += other.digests.unverified;
        self.logs.valid += other.logs.valid;
        self.logs.tampered += other.logs.tampered;
        self.logs.unverified += other.logs.unverified;
        self.logs.unreferenced += other.logs.unreferenced;
        self.compressed_bytes += other.compressed_bytes;
        self.inflated_bytes += other.inflated_bytes;
    }
}

/// A public key that verified at least one digest of this run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct UsedKey {
    /// Lower-case hex MD5 of the key as published.
    pub fingerprint: String,
    /// Region of the digests it verified.
    pub region: String,
    /// Start of its validity; `None` where the keys file gives none (PEM).
    pub valid_from: Option<Timestamp>,
    /// End of its validity.
    pub valid_to: Option<Timestamp>,
    /// Where it came from: `cloudtrail`, or the file's path.
    pub source: String,
}

/// What is known of one chain at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainSummary {
    /// Which chain.
    pub id: ChainId,
    /// Organization id, where its newest digest lies in an organization's folder.
    pub organization: Option<String>,
    /// The stretches of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// Digests in the asked range, missing ones that are known included.
    pub digests: u64,
    /// Log files these list.
    pub logs: u64,
}

/// State of one object, for listeners that want every one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectState {
    /// Proved.
    Valid,
    /// Proved to be tampered with.
    Tampered,
    /// Not vouched for.
    Unverified,
}

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectType {
    /// A digest file.
    Digest,
    /// A log file.
    Log,
}

/// What a run says, in order, from one thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The run begins.
    Started {
        /// What the user named.
        sources: Vec<String>,
        /// What was asked.
        range: Range,
        /// When it began.
        at: Timestamp,
    },
    /// One object was judged. Sent only where the run is asked for every object.
    Object {
        /// Digest or log.
        object: ObjectType,
        /// Where it lies.
        uri: String,
        /// What it is worth.
        state: ObjectState,
    },
    /// Something to be said.
    Finding(Box<Finding>),
    /// A chain is finished.
    Chain(ChainSummary),
    /// The run is over.
    Finished(Summary),
}

/// The end of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The answer.
    pub verdict: Verdict,
    /// What was looked at.
    pub counts: Counts,
    /// The keys that verified something, sorted.
    pub keys: Vec<UsedKey>,
    /// When it ended.
    pub at: Timestamp,
}

/// A listener. Events come from one thread, in an order that does not depend on the number of jobs.
pub trait Sink {
    /// Takes one event.
    ///
    /// # Errors
    /// Whatever keeps the listener from writing; the run then ends.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

/// Counters for a progress display; called from any thread, in no order.
pub trait Progress: Sync {
    /// So many more digests are to be read.
    fn plan_digests(&self, count: u64);
    /// So many more log files are to be read.
    fn plan_logs(&self, count: u64);
    /// A digest of so many stored bytes was read.
    fn digest(&self, bytes: u64);
    /// A log file of so many stored bytes was read.
    fn log(&self, bytes: u64);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn plan_digests(&self, _: u64) {}
    fn plan_logs(&self, _: u64) {}
    fn digest(&self, _: u64) {}
    fn log(&self, _: u64) {}
}
