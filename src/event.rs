//! The events of a run: findings with evidence, chains and counts, and the verdict that follows from them.

mod cause;
mod chain;
mod evidence;
mod fault;
mod finding;
mod identity;
mod kind;
mod memory;
mod progress;
mod report;
mod timeline;

use std::io;

use serde::{Deserialize, Serialize};

use crate::time::{Range, Timestamp};

pub(crate) use cause::FaultCause;
pub use chain::{ChainCounts, ChainSummary, RememberedTime, StateCounts};
pub use evidence::{
    BodyFault, CoveringChain, DiscoveryLimit, Excess, KeyLack, ShardLack, Trace, UntakenHash,
};
pub use fault::Fault;
pub use finding::Finding;
pub use kind::{Kind, Reason, Severity};
pub use memory::{Acceptance, FindingMemory, FindingStatus, ResolvedFinding};
pub use progress::{NoProgress, Phase, Progress};
pub use report::{Report, ReportCollector, ReportedChain};
pub use timeline::{Stretch, TimeState, Timeline};

/// The result of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole asked range is covered and proved.
    Intact,
    /// No finding proves tampering, but part of the asked range could not be proved.
    Incomplete,
    /// At least one finding proves tampering.
    Tampered,
}

impl Verdict {
    /// Derives the verdict from the gravest finding and the number of proved digests. A run without a proved digest is
    /// never intact.
    #[must_use]
    pub const fn from_worst(worst: Option<Severity>, proved_digests: u64) -> Self {
        match worst {
            Some(Severity::Tampered) => Self::Tampered,
            Some(Severity::Incomplete) => Self::Incomplete,
            Some(Severity::Notice) | None if proved_digests == 0 => Self::Incomplete,
            Some(Severity::Notice) | None => Self::Intact,
        }
    }

    /// The process's exit code. Read any other code as failure.
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

/// Numbers of digests in the asked range, by state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DigestCounts {
    /// Proved, without a contrary finding.
    pub valid: u64,
    /// Modified, malformed, moved, deleted or missing.
    pub tampered: u64,
    /// Present, but not proved: unsigned, unreadable or signed by an unknown key.
    pub unverified: u64,
    /// Proved by an earlier run, listed unchanged since then, and not read by this run.
    #[serde(default)]
    pub remembered: u64,
}

/// Numbers of log files, by state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogCounts {
    /// The hash equals the hash in a proved digest.
    pub valid: u64,
    /// Modified, deleted or missing.
    pub tampered: u64,
    /// Unreadable, or without a proved digest that lists the file.
    pub unverified: u64,
    /// In a log folder, but not listed by any proved digest.
    pub unreferenced: u64,
    /// Proved by an earlier run, listed unchanged since then, and not read by this run.
    #[serde(default)]
    pub remembered: u64,
}

/// Numbers of objects and bytes that a run checked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Digest files.
    pub digests: DigestCounts,
    /// Log files.
    pub logs: LogCounts,
    /// Size of all bodies as stored, in bytes.
    pub compressed_bytes: u64,
    /// Size of all bodies after inflating, in bytes.
    pub inflated_bytes: u64,
}

impl Counts {
    /// Adds `other` to these counts.
    pub const fn add(&mut self, other: &Self) {
        self.digests.valid = self.digests.valid.saturating_add(other.digests.valid);
        self.digests.tampered = self.digests.tampered.saturating_add(other.digests.tampered);
        self.digests.unverified = self.digests.unverified.saturating_add(other.digests.unverified);
        self.digests.remembered = self.digests.remembered.saturating_add(other.digests.remembered);
        self.logs.valid = self.logs.valid.saturating_add(other.logs.valid);
        self.logs.tampered = self.logs.tampered.saturating_add(other.logs.tampered);
        self.logs.unverified = self.logs.unverified.saturating_add(other.logs.unverified);
        self.logs.unreferenced = self.logs.unreferenced.saturating_add(other.logs.unreferenced);
        self.logs.remembered = self.logs.remembered.saturating_add(other.logs.remembered);
        self.compressed_bytes = self.compressed_bytes.saturating_add(other.compressed_bytes);
        self.inflated_bytes = self.inflated_bytes.saturating_add(other.inflated_bytes);
    }

    /// Digests that are proved: by this run, or by an earlier run and unchanged since then.
    #[must_use]
    pub const fn proved_digests(&self) -> u64 {
        self.digests.valid.saturating_add(self.digests.remembered)
    }
}

/// A public key that verified at least one digest of this run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct UsedKey {
    /// Lower-case hex MD5 of the key as published.
    pub fingerprint: String,
    /// Region of the digests that the key verified.
    pub region: String,
    /// Start of the key's validity; `None` for a key from a PEM file, which gives no validity.
    pub valid_from: Option<Timestamp>,
    /// End of the key's validity.
    pub valid_to: Option<Timestamp>,
    /// Origin of the key: `cloudtrail`, or the file's path.
    pub source: String,
}

/// Program version, user and command of a run, for the reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Version of the program.
    pub version: String,
    /// The person or job that ran the program; `None` if unknown.
    pub run_by: Option<String>,
    /// The command line, quoted for a shell; `None` if unknown.
    pub command: Option<String>,
}

impl Default for Origin {
    /// This version; user and command are unknown.
    fn default() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), run_by: None, command: None }
    }
}

/// State of a single object, for sinks that list all objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectState {
    /// Proved.
    Valid,
    /// Proved to be modified, moved, deleted or missing.
    Tampered,
    /// Neither proved nor disproved.
    Unverified,
}

/// Type of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectType {
    /// A digest file.
    Digest,
    /// A log file.
    Log,
}

/// An event of a run. All events come in order and from the same thread.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    Started {
        /// The sources as the user named them.
        sources: Vec<String>,
        /// The asked range.
        range: Range,
        /// Start of the run.
        at: Timestamp,
        /// Program version, user and command.
        origin: Origin,
        /// Whether single objects were asked for, in place of folders.
        single_objects: bool,
    },
    /// An object was judged. Sent only if the run was asked to list all objects.
    Object {
        /// Digest or log.
        object: ObjectType,
        /// The object's URI.
        uri: String,
        /// The object's state.
        state: ObjectState,
    },
    /// A finding was made.
    Finding(Box<Finding>),
    /// A chain was judged.
    Chain(ChainSummary),
    /// The run is over.
    Finished(Summary),
}

/// Verdict, counts and keys at the end of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The verdict.
    pub verdict: Verdict,
    /// Numbers of objects and bytes that were checked.
    pub counts: Counts,
    /// The keys that verified a digest, sorted.
    pub keys: Vec<UsedKey>,
    /// Whether the run ended before all objects were checked. An interrupted run is never [`Verdict::Intact`].
    pub interrupted: bool,
    /// Findings of earlier runs that the run did not find again; `None` for a run without memory.
    pub resolved: Option<Vec<ResolvedFinding>>,
    /// End of the run.
    pub at: Timestamp,
}

impl Summary {
    /// The summary of a run that ended at `at`, with zero counts and no keys.
    #[must_use]
    pub fn new(verdict: Verdict, at: Timestamp) -> Self {
        Self { verdict, counts: Counts::default(), keys: Vec::new(), interrupted: false, resolved: None, at }
    }
}

/// A consumer of events. Events come from the same thread, in an order that does not depend on the number of jobs.
pub trait Sink {
    /// Takes an event.
    ///
    /// # Errors
    /// The sink's failure to write; the run then ends.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

/// Keeps all events.
impl Sink for Vec<Event> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.push(event.clone());
        Ok(())
    }
}
