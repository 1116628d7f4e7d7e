//! What a run tells whoever listens: findings with their evidence, chains, counts, and the verdict that follows.

mod cause;
mod evidence;
mod fault;
mod finding;
mod kind;
mod progress;
mod report;
mod timeline;

use std::io;

use serde::{Deserialize, Serialize};

use crate::ident::ChainId;
use crate::time::{Interval, Range, Timestamp};

pub(crate) use cause::Cause;
pub use evidence::{BodyFault, DiscoveryLimit, Excess, KeyLack, Trace, UntakenHash};
pub use fault::Fault;
pub use finding::Finding;
pub use kind::{Kind, Reason, Severity};
pub use progress::{NoProgress, Phase, Progress};
pub use report::{Report, ReportCollector, ReportedChain};
pub use timeline::{Stretch, TimeState, Timeline};

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

/// How many digests of the asked range ended in each state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DigestCounts {
    /// Proved, and nothing said against them.
    pub valid: u64,
    /// Modified, malformed, moved, deleted or missing.
    pub tampered: u64,
    /// There, but not proved: unsigned, unreadable or signed by an unknown key.
    pub unverified: u64,
}

/// How many log files ended in each state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
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
        self.digests.valid = self.digests.valid.saturating_add(other.digests.valid);
        self.digests.tampered = self.digests.tampered.saturating_add(other.digests.tampered);
        self.digests.unverified = self.digests.unverified.saturating_add(other.digests.unverified);
        self.logs.valid = self.logs.valid.saturating_add(other.logs.valid);
        self.logs.tampered = self.logs.tampered.saturating_add(other.logs.tampered);
        self.logs.unverified = self.logs.unverified.saturating_add(other.logs.unverified);
        self.logs.unreferenced = self.logs.unreferenced.saturating_add(other.logs.unreferenced);
        self.compressed_bytes = self.compressed_bytes.saturating_add(other.compressed_bytes);
        self.inflated_bytes = self.inflated_bytes.saturating_add(other.inflated_bytes);
    }
}

/// A public key that verified at least one digest of this run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
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
#[non_exhaustive]
pub struct ChainSummary {
    /// Which chain.
    pub id: ChainId,
    /// The stretches of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// Digests in the asked range, missing ones that are known included.
    pub digests: u64,
    /// Log files these list.
    pub logs: u64,
    /// Gaps in its coverage: the `chain-gap` findings of it.
    pub gaps: u64,
    /// What its time is worth, stretch by stretch; `None` where there is nothing to show.
    pub timeline: Option<Timeline>,
}

impl ChainSummary {
    /// Up to when every one of `chains` is covered: the least of the ends of what their proved digests cover. `None` where
    /// one of them is not covered at all, or there is none. Backfill digests cover nothing: their trail's hourly ones do.
    pub fn covered_until<'c>(chains: impl IntoIterator<Item = &'c Self>) -> Option<Timestamp> {
        let hourly = chains.into_iter().filter(|chain| !chain.id.backfill);
        let ends = hourly.map(|chain| chain.covered.last().map(|covered| covered.end));
        ends.min().flatten()
    }
}

/// Who ran what, for whoever files the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Version of the program that ran.
    pub version: String,
    /// Who ran it, as a person or a job is told from others; `None` where that is not known.
    pub run_by: Option<String>,
    /// The command line, quoted for a shell; `None` where it is not known.
    pub command: Option<String>,
}

impl Default for Origin {
    /// This version, run by nobody knows whom.
    fn default() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), run_by: None, command: None }
    }
}

/// State of one object, for listeners that want every one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectState {
    /// Proved.
    Valid,
    /// Proved to be tampered with.
    Tampered,
    /// Not vouched for.
    Unverified,
}

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectType {
    /// A digest file.
    Digest,
    /// A log file.
    Log,
}

/// What a run says, in order, from one thread.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    Started {
        /// What the user named.
        sources: Vec<String>,
        /// What was asked.
        range: Range,
        /// When it began.
        at: Timestamp,
        /// Who ran what.
        origin: Origin,
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
#[non_exhaustive]
pub struct Summary {
    /// The answer.
    pub verdict: Verdict,
    /// What was looked at.
    pub counts: Counts,
    /// The keys that verified something, sorted.
    pub keys: Vec<UsedKey>,
    /// Whether it was ended before everything was looked at. Then it is never [`Verdict::Intact`].
    pub interrupted: bool,
    /// When it ended.
    pub at: Timestamp,
}

impl Summary {
    /// The end of a run at `at`, with nothing counted and no key used.
    #[must_use]
    pub fn new(verdict: Verdict, at: Timestamp) -> Self {
        Self { verdict, counts: Counts::default(), keys: Vec::new(), interrupted: false, at }
    }
}

/// A listener. Events come from one thread, in an order that does not depend on the number of jobs.
pub trait Sink {
    /// Takes one event.
    ///
    /// # Errors
    /// Whatever keeps the listener from writing; the run then ends.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

/// Keeps every event.
impl Sink for Vec<Event> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.push(event.clone());
        Ok(())
    }
}
