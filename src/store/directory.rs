//! Copies, in directories and archives. A copy is read as the buckets it was copied from; [`find`] determines the buckets.
//!
//! Several copies may hold parts of one bucket, overlapping or not. An object that several copies hold is read once for
//! the judges, from the copy that stands for the bucket itself: a folder called like the bucket comes before other
//! folders, and an object in its place before an object found by name. The other copies are compared with that read.

mod absence;
mod content;
pub mod find;
mod leftovers;
pub mod mount;
mod names;
pub mod placed;
mod sidecar;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use super::files::{CopyFiles, FileKind};
use super::{
    Deposit, Disagreement, Encoding, Listed, Listing, METADATA_ERROR, Metadata, Object, SecondCopy, Store,
    StoreError, Version,
};
use crate::ident::{Location, name_after_inflating};
use absence::MissingObjects;
use leftovers::PassedOver;
use mount::Mount;
use names::is_plain;
use placed::PlacedFiles;

/// Most folders cached as checked to lie inside the directory. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 1 << 14;

/// Most disagreements kept; a hostile copy may hold any number.
const MAX_DISAGREEMENTS: usize = 100_000;

/// Copies of parts of S3: mounted folders, and files found by name.
#[derive(Debug)]
pub struct DirectoryStore {
    mounts: Vec<Mount>,
    placed: PlacedFiles,
    inside: RwLock<HashSet<PathBuf>>,
    missing: MissingObjects,
    passed_over: PassedOver,
    disagreements: Mutex<BTreeSet<Disagreement>>,
}

/// A file that may be the object at a location. The file with the lowest rank stands for the object.
struct Candidate<'s> {
    rank: Rank,
    files: &'s dyn CopyFiles,
    path: PathBuf,
}

/// Which copy stands for the object, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// In its place, in a folder called like the bucket.
    InBucket,
    /// The same, inflated by a tool.
    InBucketInflated,
    /// In its place, in another copy.
    InCopy,
    /// The same, inflated by a tool.
    InCopyInflated,
    /// Found by its name.
    ByName,
}

/// The files found for a location.
struct Candidates<'s> {
    /// In order of rank.
    found: Vec<Candidate<'s>>,
    /// Whether a folder called like the bucket holds later objects, but not this object.
    bucket_lacks: bool,
    /// Why there is no file.
    absence: StoreError,
}

impl DirectoryStore {
    /// Creates a store with the mounted parts of S3.
    #[must_use]
    pub fn new(mut mounts: Vec<Mount>) -> Self {
        // A folder called like the bucket comes first, then the most specific mount.
        mounts.sort_by_key(|mount| (!mount.is_called_like_bucket(), std::cmp::Reverse(mount.base.len())));
        mounts.dedup();
        Self {
            mounts,
            placed: PlacedFiles::default(),
            inside: RwLock::default(),
            missing: MissingObjects::default(),
            passed_over: PassedOver::default(),
            disagreements: Mutex::default(),
        }
    }

    /// Adds files that were found by their names.
    #[must_use]
    pub fn with_placed(self, placed: PlacedFiles) -> Self {
        Self { placed, ..self }
    }

    /// Adds the number of skipped files in each folder, as counted by the search for trees.
    #[must_use]
    pub fn having_passed_over(self, folders: BTreeMap<PathBuf, u64>) -> Self {
        Self { passed_over: PassedOver::new(folders), ..self }
    }

    /// Creates a store of a directory with one folder for each bucket.
    ///
    /// # Errors
    /// The errors of [`fs::canonicalize`].
    pub fn of_buckets(root: &Path) -> io::Result<Self> {
        Ok(Self::new(vec![Mount::of_directory(root, "")?]))
    }

    /// Reads one file of a mount, with metadata; `None` if the file cannot be read.
    pub(super) fn sample(mount: Mount, location: &Location) -> Option<Object> {
        Self::new(vec![mount]).get(location).ok()
    }

    /// Mount and path of the object at `location` in the most specific mount.
    fn path(&self, location: &Location) -> Result<(&Mount, PathBuf), StoreError> {
        let full = format!("{}/{}", location.bucket, location.key);
        let mut covering = self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?)));
        let (mount, rest) = covering.next().ok_or_else(not_held)?;
        Ok((mount, path_below(mount, rest)?))
    }

    /// Looks for the object in every copy.
    fn candidates(&self, location: &Location) -> Candidates<'_> {
        let full = format!("{}/{}", location.bucket, location.key);
        let mut candidates = Candidates { found: Vec::new(), bucket_lacks: false, absence: not_held() };
        let mut is_bucket_held = false;
        for (mount, rest) in self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?))) {
            let is_bucket = mount.is_called_like_bucket();
            match self.files_in(mount, location, rest) {
                Ok(paths) => {
                    is_bucket_held |= is_bucket;
                    candidates.found.extend(paths.into_iter().map(|(path, inflated)| Candidate {
                        rank: Rank::of(is_bucket, inflated),
                        files: &*mount.files,
                        path,
                    }));
                }
                Err(StoreError::NotFound) => {
                    candidates.bucket_lacks |= is_bucket;
                    candidates.absence = StoreError::NotFound;
                }
                // A copy that says that the object is missing outweighs a copy that does not reach so far.
                Err(error) if candidates.absence != StoreError::NotFound => candidates.absence = error,
                Err(_) => {}
            }
        }
        candidates.bucket_lacks &= !is_bucket_held;
        let placed = self.placed.at(location).iter();
        candidates.found.extend(placed.map(|file| Candidate {
            rank: Rank::ByName,
            files: &*file.files,
            path: file.path.clone(),
        }));
        candidates.found.sort_by_key(|candidate| candidate.rank);
        candidates
    }

    /// The files of the object in one mount: the file in its place, and the file that `gunzip` makes of it, with
    /// whether the file was inflated. Symbolic links are followed inside the directory only.
    fn files_in(
        &self,
        mount: &Mount,
        location: &Location,
        rest: &str,
    ) -> Result<Vec<(PathBuf, bool)>, StoreError> {
        let path = path_below(mount, rest)?;
        // The mount holds a folder for each bucket. A missing bucket folder must not look like a missing object.
        if mount.base.is_empty() {
            self.check_bucket(mount, &location.bucket)?;
        }
        let exact = self.check_file(mount, &path);
        let inflated = name_after_inflating(location.name()).map(|name| path.with_file_name(name));
        let inflated = inflated.filter(|inflated| self.check_file(mount, inflated).is_ok());
        match (exact, inflated) {
            (Ok(()), None) => Ok(vec![(path, false)]),
            (Ok(()), Some(inflated)) => Ok(vec![(path, false), (inflated, true)]),
            (Err(_), Some(inflated)) => Ok(vec![(inflated, true)]),
            (Err(StoreError::NotFound), None) => Err(self.missing.reason(mount, location, &path)),
            (Err(error), None) => Err(error),
        }
    }

    /// Checks that `path` is a regular file inside the directory.
    fn check_file(&self, mount: &Mount, path: &Path) -> Result<(), StoreError> {
        let files = &*mount.files;
        self.check_inside(mount, path.parent().unwrap_or(&mount.dir))?;
        let mut found = files.facts(path).map_err(|error| path_error(&error))?;
        // The target must lie inside the directory: otherwise a link could present any file as evidence.
        if found.kind == FileKind::Link {
            files.resolve(path).map_err(|error| path_error(&error))?;
            found = files.facts_of_target(path).map_err(|error| read_error(&error))?;
        }
        match found.kind {
            FileKind::File => Ok(()),
            FileKind::Folder | FileKind::Link | FileKind::Other => {
                Err(StoreError::Unreadable("not a regular file".to_owned()))
            }
        }
    }

    /// Checks that the copy has a folder for the bucket. A bucket without a folder was not copied, so the content of
    /// the bucket is unknown.
    fn check_bucket(&self, mount: &Mount, bucket: &str) -> Result<(), StoreError> {
        match self.check_inside(mount, &mount.dir.join(bucket)) {
            Err(StoreError::NotFound) => {
                Err(StoreError::OutOfReach("the copy does not hold this bucket".to_owned()))
            }
            result => result,
        }
    }

    fn check_inside(&self, mount: &Mount, folder: &Path) -> Result<(), StoreError> {
        if self.inside.read().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        mount.files.resolve(folder).map_err(|error| path_error(&error))?;
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        // A hostile copy may have any number of folders.
        if inside.len() >= REMEMBERED_FOLDERS {
            inside.clear();
        }
        inside.insert(folder.to_owned());
        Ok(())
    }

    /// Compares the object in `first` with the other copies. Takes the signature from another copy if `object` has
    /// lost it.
    ///
    /// # Errors
    /// [`StoreError::Contradictory`] if a copy of the same rank differs: nothing says which of the two is the object.
    fn compare(
        &self,
        location: &Location,
        first: &Candidate<'_>,
        others: &[Candidate<'_>],
        object: &mut Object,
    ) -> Result<(), StoreError> {
        for other in others {
            let is_same = match &object.hashed {
                Some(body) => content::has_content_of(body, other.files, &other.path),
                None => content::same_content(first.files, &first.path, other.files, &other.path),
            };
            let signature = metadata(other, location).remove("signature");
            let is_same = is_same.unwrap_or(false)
                && match (object.metadata.get("signature"), signature) {
                    (Some(own), Some(theirs)) => *own == theirs,
                    (None, Some(theirs)) => {
                        object.metadata.remove(METADATA_ERROR);
                        object.metadata.insert("signature".to_owned(), theirs);
                        true
                    }
                    (_, None) => true,
                };
            if is_same {
                continue;
            }
            let [one, other_name] = [first, other].map(|copy| copy.files.display(&copy.path));
            if other.rank == first.rank {
                return Err(StoreError::Contradictory { one, other: other_name });
            }
            let mut all = self.disagreements.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < MAX_DISAGREEMENTS {
                all.insert(Disagreement { location: location.clone(), judged: one, other: other_name });
            }
        }
        Ok(())
    }
}

impl Rank {
    const fn of(is_bucket: bool, inflated: bool) -> Self {
        match (is_bucket, inflated) {
            (true, false) => Self::InBucket,
            (true, true) => Self::InBucketInflated,
            (false, false) => Self::InCopy,
            (false, true) => Self::InCopyInflated,
        }
    }
}

fn not_held() -> StoreError {
    StoreError::OutOfReach("the copy does not hold this part of S3".to_owned())
}

/// The path of a key below a mount.
fn path_below(mount: &Mount, rest: &str) -> Result<PathBuf, StoreError> {
    if !is_plain(rest) {
        return Err(StoreError::OutOfReach("the key is not usable as a path on disk".to_owned()));
    }
    Ok(mount.dir.join(rest))
}

/// Opens a file as the object at `location`.
fn read(candidate: &Candidate<'_>, location: &Location) -> Result<Object, StoreError> {
    // The sidecar is closed before the object is opened: a thread with an open handle must never wait for a second
    // handle.
    let metadata = metadata(candidate, location);
    let file = candidate.files.open(&candidate.path).map_err(|error| read_error(&error))?;
    Ok(Object { body: file.body, encoding: Encoding::GzipOrPlain, metadata, hashed: file.hashed })
}

/// The metadata of a digest: from a sidecar, or from extended attributes. Only digests need metadata; looking for a
/// sidecar beside every log file would double the work.
fn metadata(candidate: &Candidate<'_>, location: &Location) -> Metadata {
    if !sidecar::may_be_digest(&location.key) {
        return Metadata::new();
    }
    let Candidate { files, path, .. } = candidate;
    // A tool that inflates a digest leaves the sidecar with the old name.
    let name = location.name();
    let names = [name, name_after_inflating(name).unwrap_or(name)];
    let mut paths = vec![path.clone()];
    paths.extend(names.map(|name| path.with_file_name(name)));
    paths.dedup();
    let found = paths.iter().map(|path| sidecar::read(*files, path)).find(|found| !found.is_empty());
    found.unwrap_or_else(|| sidecar::read_attributes(*files, path))
}

/// Converts an error from resolving a path. A name that the file system cannot hold is out of reach: S3 may hold the
/// object.
fn path_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::NotFound,
        io::ErrorKind::InvalidFilename => StoreError::OutOfReach(error.to_string()),
        _ => read_error(error),
    }
}

/// Converts an error from reading an existing file.
fn read_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::Denied(error.to_string()),
        _ => StoreError::Unreadable(error.to_string()),
    }
}

impl Store for DirectoryStore {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        let full = format!("{bucket}/{prefix}");
        let walks = self.mounts.iter().filter_map(|mount| {
            let (dir, key_prefix) = mount.part(&full, bucket)?;
            Some(walk::FolderWalk::new(mount, dir, key_prefix, after.map(str::to_owned), &self.passed_over))
        });
        let mut parts: Vec<Listing<'a>> = walks.map(|walk| Box::new(walk) as Listing<'a>).collect();
        if !self.placed.is_empty() {
            parts.push(Box::new(self.placed.list(bucket, prefix, after).map(Ok)));
        }
        merge(parts)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let full = format!("{bucket}/{prefix}");
        let mut names = self.placed.folders(bucket, prefix);
        for mount in &self.mounts {
            if let Some(next) = mount.virtual_dir(&full) {
                names.push(next.to_owned());
            } else if let Some(rest) = mount.below_folder(&full) {
                names.extend(walk::folders(mount, &mount.dir.join(rest), &self.passed_over)?);
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let Candidates { found, bucket_lacks, absence } = self.candidates(location);
        if bucket_lacks {
            return Err(StoreError::NotFound);
        }
        // A file that was moved out of its folder is no deletion, and does not stand for the object either.
        if absence == StoreError::NotFound
            && let Some(moved) = found.first().filter(|candidate| candidate.rank == Rank::ByName)
        {
            let name = moved.files.display(&moved.path);
            return Err(StoreError::OutOfReach(format!("not in its folder of this copy, but at `{name}`")));
        }
        let mut failure = None;
        for (at, candidate) in found.iter().enumerate() {
            match read(candidate, location) {
                Ok(mut object) => {
                    let others = found.get(at + 1..).unwrap_or_default();
                    self.compare(location, candidate, others, &mut object)?;
                    return Ok(object);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or(absence))
    }

    /// Always empty: a copy keeps no versions.
    fn versions(&self, _: &Location) -> Result<Vec<Version>, StoreError> {
        Ok(Vec::new())
    }

    fn passed_over(&self) -> u64 {
        self.passed_over.count()
    }

    fn second_copies(&self, location: &Location) -> Vec<SecondCopy> {
        let found = self.candidates(location).found;
        // A file that stands alone is the object itself, unless a folder called like the bucket lacks the object.
        let named = found.iter().filter_map(|candidate| {
            let object = read(candidate, location).ok()?;
            Some(SecondCopy { name: candidate.files.display(&candidate.path), object })
        });
        named.collect()
    }

    fn disagreements(&self) -> Vec<Disagreement> {
        self.disagreements.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Deposit for DirectoryStore {
    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), StoreError> {
        let (_, path) = self.path(location)?;
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, body)?;
            sidecar::write(&path, metadata)
        };
        write().map_err(|error| read_error(&error))
    }

    fn delete(&self, location: &Location) -> Result<(), StoreError> {
        let (mount, path) = self.path(location)?;
        fs::remove_file(&path).map_err(|error| path_error(&error))?;
        sidecar::remove(&path).map_err(|error| read_error(&error))?;
        // S3 has no empty folders. Removal stops at the first folder with other content.
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != mount.dir);
        folders.map(fs::remove_dir).take_while(io::Result::is_ok).for_each(drop);
        Ok(())
    }

    /// Replaces the object by a symbolic link to itself. No user can read the link, whatever the user's rights.
    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError> {
        let (_, path) = self.path(location)?;
        fs::remove_file(&path).map_err(|error| path_error(&error))?;
        let name = path.file_name().unwrap_or_default();
        #[cfg(unix)]
        let made = std::os::unix::fs::symlink(name, &path);
        #[cfg(not(unix))]
        let made = fs::create_dir(path.with_file_name(name));
        made.map_err(|error| read_error(&error))
    }
}

/// Merges sorted listings into one sorted listing, with each key once.
fn merge(mut parts: Vec<Listing<'_>>) -> Listing<'_> {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let mut parts: Vec<_> = parts.into_iter().map(Iterator::peekable).collect();
    let mut last: Option<String> = None;
    Box::new(std::iter::from_fn(move || {
        loop {
            let order =
                |item: &Result<Listed, StoreError>| item.as_ref().map(|listed| listed.key.clone()).ok();
            let heads = parts.iter_mut().enumerate();
            // An error compares below every key, so errors are returned first.
            let (next, _) =
                heads.filter_map(|(i, part)| Some((i, order(part.peek()?)))).min_by(|a, b| a.1.cmp(&b.1))?;
            let item = parts.get_mut(next)?.next()?;
            let key = order(&item);
            if key.is_none() || key != last {
                last = key;
                return Some(item);
            }
        }
    }))
}
