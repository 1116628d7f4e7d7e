//! Makes a copy of what a validation reads, from which the same validation can be run again without AWS.
//!
//! A collection is a validation whose store is wrapped: [`CollectingStore`] saves each object while the engine reads the
//! object, so the bytes that are hashed are the bytes that are written, and no object is requested twice. Objects that
//! the engine lists and does not read, such as log files that no digest lists, are read after the run.
//!
//! The directory of a copy holds:
//!
//! - `BUCKET/KEY`: the stored body of each object;
//! - `BUCKET/KEY.metadata.json` beside each digest file: what `aws s3api head-object` prints of the object;
//! - `BUCKET/KEY.not-collected`: a mark in place of an object that could not be saved, with the reason;
//! - `.replaced/SHA256`: what an earlier collection saved and the source has other bytes for now: a body, or with
//!   `.metadata.json` the metadata of a digest file. No validation takes these files for objects;
//! - `public-keys.json`, and `public-keys.pem` for keys without validity: the public keys of the run;
//! - [`collected.json`](manifest): what was collected, with hashes, and what was not, with reasons;
//! - `.collecting/` while a collection is under way. A copy with this folder is not validated.

mod absent;
mod aside;
mod body;
mod draft;
mod evidence;
mod folder;
mod journal;
mod keys;
mod known;
pub mod manifest;
mod marks;
mod record;
mod rest;
mod spelling;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::ident::{Location, Relocation, Sha256Hash};
use crate::store::{Listed, Metadata, ObjectFacts};
use crate::time::{Range, Timestamp};
use absent::ListedPlaces;
use folder::CopyFolder;
use journal::{Journal, JournalLine, RunLine};
use known::KnownObjects;

pub use folder::{FolderError, check};
pub use keys::SavedKeys;
pub use store::CollectingStore;

/// Default for the most stored bytes of one object: 16 GiB.
pub const MAX_OBJECT: u64 = 16 << 30;

/// Most objects kept in memory that were listed and not read yet. A writer to the bucket can make any number; the rest
/// is counted as not collected.
const MAX_UNREAD: usize = 1_000_000;

/// What to collect, and where to.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    /// Directory of the copy: missing, empty, or made by an earlier collection.
    pub directory: PathBuf,
    /// The sources as the user named them.
    pub sources: Vec<String>,
    /// The asked range of delivery time.
    pub range: Range,
    /// The asked trails; empty for all. Digest files of other trails are not read after the run.
    pub trails: Vec<String>,
    /// The moves that the user named. An access point is no folder on disk: its objects are saved where they were
    /// delivered to.
    pub relocations: Vec<Relocation>,
    /// Most stored bytes of one object. A larger object is not collected.
    pub max_object: u64,
    /// Start of the collection.
    pub started: Timestamp,
}

/// Numbers of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CollectedCounts {
    /// Objects that were read from the source and saved.
    pub saved: u64,
    /// Bytes of these objects.
    pub bytes: u64,
    /// Objects that an earlier collection into the same directory had saved, unchanged since then.
    pub already: u64,
    /// Objects that were listed or asked for, and could not be saved.
    pub not_collected: u64,
    /// Files of the copy that were moved to `.replaced`, because the source has other bytes.
    pub replaced: u64,
    /// Objects that the copy holds, and the source does not.
    pub absent: u64,
    /// The objects among them that no finding of the run names: those in the asked range that the listings of a bucket
    /// lack.
    pub lost: u64,
}

/// The first objects of each kind, for messages. Paths are relative to the directory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CollectedExamples {
    /// Objects that were not collected, with reasons.
    pub not_collected: Vec<(Location, String)>,
    /// Objects with other bytes than an earlier collection saved, and where the saved file lies.
    pub replaced: Vec<(Location, PathBuf)>,
    /// Objects that the source does not hold, and where the copy holds them.
    pub absent: Vec<(Location, PathBuf)>,
}

/// A collection under way.
pub struct Collection {
    folder: CopyFolder,
    journal: Journal,
    options: CollectOptions,
    /// What earlier collections saved in the directory.
    known: KnownObjects,
    reads: Mutex<Reads>,
    places: Mutex<ListedPlaces>,
    /// Files with bodies that made way for other bytes, by [`reference`] of the location.
    ///
    /// [`reference`]: crate::prove::reference
    replaced: Mutex<HashMap<u128, Vec<String>>>,
    /// Objects that were listed and not read yet.
    unread: Mutex<BTreeMap<Location, ListedFacts>>,
    /// Listed objects beyond [`MAX_UNREAD`].
    forgotten: AtomicU64,
    saved: AtomicU64,
    bytes: AtomicU64,
    already: AtomicU64,
    not_collected: AtomicU64,
    tally: Tally,
    examples: Mutex<CollectedExamples>,
    /// The error that ended the collection: the directory cannot be written.
    failure: OnceLock<String>,
    on_failure: Box<dyn Fn() + Send + Sync>,
}

/// Numbers about what earlier collections saved.
#[derive(Default)]
struct Tally {
    replaced: AtomicU64,
    absent: AtomicU64,
    lost: AtomicU64,
    /// Objects that could not be read, and that the copy holds.
    kept: AtomicU64,
    /// Whether a listed object had no time of the last write, as in a copy.
    is_from_copy: AtomicBool,
}

/// The results of reads in this run, by [`reference`] of the location.
#[derive(Default)]
struct Reads {
    /// Beginning of the SHA-256 of the stored bytes.
    saved: HashMap<u128, u64>,
    /// Objects that were served from the directory.
    served: HashSet<u128>,
    /// Objects that were read, and whose files had the same bytes already.
    unchanged: HashSet<u128>,
    /// Objects without a usable read.
    failed: HashSet<u128>,
    /// Objects of earlier collections that a listing showed.
    listed: HashSet<u128>,
    /// Objects that the source does not hold, and the copy does.
    absent: HashSet<u128>,
}

impl Reads {
    /// Whether the source was seen to hold the object, or not to hold it.
    fn has_seen(&self, id: u128) -> bool {
        self.saved.contains_key(&id)
            || [&self.failed, &self.listed, &self.absent].iter().any(|seen| seen.contains(&id))
    }
}

/// What a listing says of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ListedFacts {
    size: u64,
    etag: Option<Box<str>>,
    modified: Option<Timestamp>,
}

impl ListedFacts {
    fn of(listed: &Listed) -> Self {
        Self { size: listed.size, etag: listed.etag.clone(), modified: listed.modified }
    }
}

/// An object during a read.
struct ReadObject {
    location: Location,
    metadata: Metadata,
    facts: ObjectFacts,
}

/// Most objects that a message names.
const MAX_EXAMPLES: usize = 10;

impl Collection {
    /// Opens the directory, and continues an earlier collection. `on_failure` is called once, when the directory can no
    /// longer be written: every later read fails.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(
        options: CollectOptions,
        on_failure: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, FolderError> {
        let folder = CopyFolder::open(&options.directory)?;
        let unwritable = |source| FolderError::Unwritable { path: options.directory.clone(), source };
        let mut known = KnownObjects::read(&folder).map_err(unwritable)?;
        let run = RunLine {
            sources: options.sources.clone(),
            start: options.range.start,
            end: options.range.end,
            trailproof: env!("CARGO_PKG_VERSION").to_owned(),
            started: options.started,
            finished: None,
        };
        let journal = Journal::open(&folder).map_err(unwritable)?;
        journal.add(&JournalLine::Run(run)).map_err(unwritable)?;
        Ok(Self {
            folder,
            journal,
            options,
            replaced: Mutex::new(known.take_replaced()),
            known,
            reads: Mutex::default(),
            places: Mutex::default(),
            unread: Mutex::default(),
            forgotten: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            already: AtomicU64::new(0),
            not_collected: AtomicU64::new(0),
            tally: Tally::default(),
            examples: Mutex::default(),
            failure: OnceLock::new(),
            on_failure: Box::new(on_failure),
        })
    }

    /// The directory of the copy, with links resolved.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.folder.root()
    }

    /// Whether objects of `bucket` are saved under the bucket that the user says an access point belongs to.
    #[must_use]
    pub fn is_renamed(&self, bucket: &str) -> bool {
        record::is_access_point(bucket)
            && self.options.relocations.iter().any(|moved| moved.to_bucket == bucket)
    }

    /// The numbers so far.
    #[must_use]
    pub fn counts(&self) -> CollectedCounts {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        CollectedCounts {
            saved: load(&self.saved),
            bytes: load(&self.bytes),
            already: load(&self.already),
            not_collected: load(&self.not_collected) + load(&self.forgotten),
            replaced: load(&self.tally.replaced),
            absent: load(&self.tally.absent),
            // A source that is itself a copy may hold another part of the bucket than the copy of it.
            lost: if self.tally.is_from_copy.load(Ordering::Relaxed) { 0 } else { load(&self.tally.lost) },
        }
    }

    /// Whether a validation of the copy reads what this run read. It does not where the copy holds objects of earlier
    /// collections that the source lacks, or that could not be read.
    #[must_use]
    pub fn is_as_read(&self) -> bool {
        [&self.tally.absent, &self.tally.kept].iter().all(|number| number.load(Ordering::Relaxed) == 0)
    }

    /// The first objects that were not collected, or differ from what earlier collections saved.
    #[must_use]
    pub fn examples(&self) -> CollectedExamples {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the directory can no longer be written, after which nothing more was collected.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Ends the collection: the directory cannot be written.
    fn fail(&self, error: &io::Error) {
        if self.failure.set(error.to_string()).is_ok() {
            (self.on_failure)();
        }
    }

    /// Ends a collection that is complete: writes `collected.json`, and removes the folder of the unfinished collection.
    ///
    /// # Errors
    /// The error of writing. The next collection into the directory continues this one.
    pub fn finish(&self, keys: &[SavedKeys], finished: Timestamp) -> io::Result<()> {
        let lines = self.journal.lines()?;
        let kept = manifest::Kept::of(&lines)?;
        let outside: BTreeSet<Location> = kept.outside(&lines)?;
        for location in outside {
            marks::write_in_folder(&self.folder, &self.copied(&location))?;
        }
        self.folder.sync();
        let forgotten = self.forgotten.load(Ordering::Relaxed);
        manifest::write(&self.folder, &lines, &kept, keys, finished, forgotten)?;
        self.folder.finish()
    }
}

/// The first eight bytes of a hash: enough to tell two reads apart.
fn beginning(hash: Sha256Hash) -> u64 {
    hash.0.iter().take(8).fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
