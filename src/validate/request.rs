//! What is asked of a run, what it works with, and what it comes to.

use std::collections::BTreeSet;

use rayon::ThreadPool;

use super::cancel::Stop;
use super::trail::NamedTrail;
use crate::event::{Counts, Finding, Progress, Severity, UsedKey};
use crate::ident::{ChainId, Location, Relocation};
use crate::keys::KeyRing;
use crate::store::Store;
use crate::time::{Range, Timestamp};

/// A place to look for trails in: a bucket, or a folder of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Source {
    /// Bucket name.
    pub bucket: String,
    /// Folder: empty, or with a slash at the end. It may lie above or below `AWSLogs/`.
    pub prefix: String,
}

/// Something that the user typed, and the folders that it stands for: a directory may hold copies of several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypedSource {
    /// As it was typed.
    pub name: String,
    /// The folders. A digest of the asked range has to lie below one of them.
    pub parts: Vec<Source>,
}

/// How much is read before giving up, and how much is said before it is only counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes that one digest file may inflate to. It is held in memory.
    pub digest: u64,
    /// Bytes that one log file may inflate to. It is streamed.
    pub log: u64,
    /// Objects that nobody vouches for, and that anybody can make, which are named one by one: so many log files that no
    /// digest lists in a region of an account, and so many junk names in a digest folder. The rest is counted.
    pub named: usize,
}

impl Default for Limits {
    /// 64 MiB (some 150,000 log files in an hour), 16 GiB, and 100,000 objects.
    fn default() -> Self {
        Self { digest: 64 << 20, log: 16 << 30, named: 100_000 }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to look.
    pub sources: Vec<Source>,
    /// Single objects to answer for, in place of sources: log files, and digests with the log files they list. Neither the
    /// range nor what lies beside them is then asked for.
    pub objects: Vec<Location>,
    /// What the user typed for the sources, each of which has to be answered; empty where each source is one of its own.
    pub typed: Vec<TypedSource>,
    /// Which stretch of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Accounts to look at; empty for every one found.
    pub accounts: Vec<String>,
    /// Regions to look at; empty for every one found.
    pub regions: Vec<String>,
    /// Trails to look at; empty for every one found.
    pub trails: Vec<String>,
    /// Trails named in full, to look at no other; empty for every one found. A source that names an `AWSLogs/` is then the
    /// very folder that they deliver to, and no further `AWSLogs/` is looked for below it.
    pub named: Vec<NamedTrail>,
    /// Copies that stand for their originals.
    pub relocations: Vec<Relocation>,
    /// How much is read, and how much is said.
    pub limits: Limits,
    /// Whether to send an [`Event::Object`] for every object.
    pub every_object: bool,
    /// What is known before anything is read, and to be said first.
    pub findings: Vec<Finding>,
}

impl Request {
    /// Whether `chain` was asked for by its trail.
    pub(super) fn selects(&self, chain: &ChainId) -> bool {
        (self.trails.is_empty() || self.trails.iter().any(|name| **name == *chain.trail))
            && (self.named.is_empty() || self.named.iter().any(|trail| trail.has(chain)))
    }

    /// Whether trails are named, so that each is missed where it should be.
    pub(super) const fn names_trails(&self) -> bool {
        !self.trails.is_empty() || !self.named.is_empty()
    }

    /// Asks for every chain found in `sources`.
    #[must_use]
    pub fn new(sources: Vec<Source>, range: Range, now: Timestamp) -> Self {
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
            limits: Limits::default(),
            every_object: false,
            findings: Vec::new(),
        }
    }
}

/// What a run works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where objects are read from.
    pub store: &'a dyn Store,
    /// The keys that are trusted.
    pub keys: &'a KeyRing,
    /// The threads that read, inflate, hash and verify.
    pub pool: &'a ThreadPool,
    /// Who is told of progress.
    pub progress: &'a dyn Progress,
    /// By which the run may be asked to end early.
    pub stop: &'a Stop,
}

/// The end of a run.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// What was looked at.
    pub counts: Counts,
    /// The keys that verified something.
    pub keys: BTreeSet<UsedKey>,
    /// The gravest finding; at least [`Severity::Incomplete`] where the run was interrupted.
    pub worst: Option<Severity>,
    /// Whether it was ended, by [`Tools::stop`], before everything was looked at.
    pub interrupted: bool,
}
