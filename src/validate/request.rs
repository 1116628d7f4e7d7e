//! The request of a run, its tools, and its outcome.

use std::collections::BTreeSet;

use rayon::ThreadPool;

use super::cancel::CancelFlag;
use super::memory::{ProvedChain, RunMemory};
use super::sealed::SealedChanges;
use super::trail::NamedTrail;
use crate::event::{Counts, Finding, Progress, Severity, Summary, UsedKey, Verdict};
use crate::ident::{ChainId, Location, Relocation};
use crate::keys::KeyRing;
use crate::store::Store;
use crate::time::{Range, Timestamp};

/// A folder to search for trails: a bucket, or a folder of a bucket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SourceFolder {
    /// Bucket name.
    pub bucket: String,
    /// Folder: empty, or with a slash at the end. The folder may lie above or below `AWSLogs/`.
    pub prefix: String,
}

/// A source as typed by the user, and its folders: a directory may contain copies of several folders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypedSource {
    /// The source as typed.
    pub name: String,
    /// The folders. A digest of the asked range has to lie below at least one folder.
    pub parts: Vec<SourceFolder>,
}

/// Limits for reading, and for reporting by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadLimits {
    /// Bytes that one digest file may inflate to. A digest file is held in memory.
    pub digest: u64,
    /// Bytes that one log file may inflate to. A log file is streamed.
    pub log: u64,
    /// Unverified objects to report by name: log files that no digest lists, in each region of an account, and junk
    /// names in each digest folder. A writer to the bucket can make any number, so the rest is counted.
    pub named: usize,
}

impl Default for ReadLimits {
    /// 64 MiB (some 150,000 log files in an hour), 16 GiB, and 100,000 objects.
    fn default() -> Self {
        Self { digest: 64 << 20, log: 16 << 30, named: 100_000 }
    }
}

/// The request of a run.
#[derive(Clone, Debug)]
pub struct ValidationRequest {
    /// The folders to search.
    pub sources: Vec<SourceFolder>,
    /// Single objects to answer for, in place of sources: log files, and digests with their log files. The range, and
    /// objects beside them, are then not asked for.
    pub objects: Vec<Location>,
    /// The sources as typed, each of which needs an answer; empty if each source stands for itself.
    pub typed: Vec<TypedSource>,
    /// The range of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Accounts to validate; empty for every account found.
    pub accounts: Vec<String>,
    /// Regions to validate; empty for every region found.
    pub regions: Vec<String>,
    /// Trails to validate; empty for every trail found.
    pub trails: Vec<String>,
    /// Trails named in full, the only trails to validate; empty for every trail found. A source with `AWSLogs/` is then
    /// exactly the folder that CloudTrail delivers to, and no further `AWSLogs/` is searched below it.
    pub named: Vec<NamedTrail>,
    /// Moves that the user named: copies in place of originals.
    pub relocations: Vec<Relocation>,
    /// Moves whose original is validated in the same run. Leave empty: the engine sorts `relocations`.
    pub replicas: Vec<Relocation>,
    /// Limits for reading and reporting.
    pub limits: ReadLimits,
    /// Whether to send an [`Event::Object`](crate::event::Event::Object) for every object.
    pub every_object: bool,
    /// Whether alike findings on many objects become one finding: digests of a region whose keys cannot be fetched, and
    /// log files that no digest lists.
    pub joins_findings: bool,
    /// Findings known before any read, to be reported first.
    pub findings: Vec<Finding>,
    /// What earlier runs proved below the sources; `None` for a run without memory.
    pub memory: Option<RunMemory>,
}

impl ValidationRequest {
    /// Whether the sources are replicas of sources that are validated in the same run.
    pub(super) fn is_of_replicas(&self) -> bool {
        self.replicas.iter().any(|moved| self.relocations.contains(moved))
    }

    /// Whether several sources may have a copy of the object recorded at `location`.
    pub(super) fn may_have_copies(&self, location: &Location) -> bool {
        self.relocations.iter().filter(|moved| moved.copy_of(location).is_some()).nth(1).is_some()
    }

    /// Whether `chain` was asked for by its trail.
    pub(super) fn selects(&self, chain: &ChainId) -> bool {
        (self.trails.is_empty() || self.trails.iter().any(|name| **name == *chain.trail))
            && (self.named.is_empty() || self.named.iter().any(|trail| trail.has(chain)))
    }

    /// Whether the request names trails, so that a missing trail is reported.
    pub(super) const fn names_trails(&self) -> bool {
        !self.trails.is_empty() || !self.named.is_empty()
    }

    /// The findings from before any read that are about what was asked for.
    pub(super) fn asked_findings(&self) -> Vec<Finding> {
        let is_asked = |asked: &[String], name: Option<&String>| {
            asked.is_empty() || name.is_none_or(|name| asked.contains(name))
        };
        let all = self.findings.iter();
        let asked = all.filter(|finding| {
            is_asked(&self.accounts, finding.account.as_ref())
                && is_asked(&self.regions, finding.region.as_ref())
        });
        asked.cloned().collect()
    }

    /// A request for every chain found in `sources`.
    #[must_use]
    pub fn new(sources: Vec<SourceFolder>, range: Range, now: Timestamp) -> Self {
        Self {
            sources,
            objects: Vec::new(),
            typed: Vec::new(),
            range,
            now,
            accounts: Vec::new(),
            regions: Vec::new(),
            trails: Vec::new(),
            named: Vec::new(),
            relocations: Vec::new(),
            replicas: Vec::new(),
            limits: ReadLimits::default(),
            every_object: false,
            joins_findings: true,
            findings: Vec::new(),
            memory: None,
        }
    }
}

/// The tools of a run.
#[derive(Clone, Copy)]
pub struct RunTools<'a> {
    /// The store of the objects.
    pub store: &'a dyn Store,
    /// The trusted keys.
    pub keys: &'a KeyRing,
    /// The threads that read, inflate, hash and verify.
    pub pool: &'a ThreadPool,
    /// The listener for progress.
    pub progress: &'a dyn Progress,
    /// The flag that cancels the run.
    pub stop: &'a CancelFlag,
}

/// The outcome of a run.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RunOutcome {
    /// The counts of checked objects.
    pub counts: Counts,
    /// The keys that verified an object.
    pub keys: BTreeSet<UsedKey>,
    /// The gravest finding; at least [`Severity::Incomplete`] for a cancelled run.
    pub worst: Option<Severity>,
    /// Whether [`RunTools::stop`] ended the run before all objects were checked.
    pub interrupted: bool,
    /// What the run proved of each chain, for the next run to remember.
    pub proved: Vec<ProvedChain>,
    /// What the run changes in the sealed days of each folder.
    pub sealed: Vec<SealedChanges>,
}

impl RunOutcome {
    /// The summary of the run, which ended `at` this moment. `worst` is the gravest severity that counts: an accepted finding
    /// does not.
    #[must_use]
    pub fn summary(&self, worst: Option<Severity>, at: Timestamp) -> Summary {
        let mut summary = Summary::new(Verdict::from_worst(worst, self.counts.proved_digests()), at);
        (summary.counts, summary.interrupted) = (self.counts, self.interrupted);
        summary.keys = self.keys.iter().cloned().collect();
        summary
    }
}
