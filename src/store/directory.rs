//! Copies, in directories and archives. A copy is read as the buckets it was copied from; [`find`] determines the buckets.
//!
//! Several copies may hold parts of one bucket, overlapping or not. An object that several copies hold is read once for
//! the judges, from the copy that stands for the bucket itself: a folder called like the bucket comes before other
//! folders, unless it has only a part of what another folder has, and an object in its place before an object found by
//! name. The other copies are compared with that read. An object is missing only if no copy has it, or if the bucket's
//! folder lacks it beside a second copy of the same objects (`absence/overlap.rs`).

mod absence;
mod candidates;
pub mod collected;
mod content;
pub mod elsewhere;
pub mod find;
mod leftovers;
pub mod mount;
mod names;
pub mod other_places;
pub mod placed;
pub mod shared;
mod sidecar;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use super::{
    Deposit, Disagreement, Folder, Listed, Listing, Metadata, Object, SecondCopy, Store, StoreError, Version,
    directly_under,
};
use crate::ident::Location;
use crate::text::plain;
use absence::MissingObjects;
use candidates::{Candidate, Candidates, Rank, not_held, path_below, read};
use leftovers::PassedOver;
use mount::Mount;
use other_places::OtherPlaces;
use placed::PlacedFiles;
pub(crate) use sidecar::is_beside_delivered as is_sidecar;
use walk::FolderWalk;

/// Most folders cached as checked to lie inside the directory. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 1 << 14;

/// Most disagreements kept; a hostile copy may hold any number.
const MAX_DISAGREEMENTS: usize = 100_000;

/// Copies of parts of S3: mounted folders, and files found by name.
#[derive(Debug)]
pub struct DirectoryStore {
    mounts: Vec<Mount>,
    placed: PlacedFiles,
    others: OtherPlaces,
    inside: RwLock<HashSet<PathBuf>>,
    missing: MissingObjects,
    passed_over: PassedOver,
    disagreements: Mutex<BTreeSet<Disagreement>>,
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
            others: OtherPlaces::default(),
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

    /// The objects under `prefix` in all mounts, by walks that `change` may narrow.
    fn list_walks<'a>(
        &'a self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        change: impl Fn(FolderWalk<'a>) -> FolderWalk<'a>,
    ) -> Listing<'a> {
        let full = format!("{bucket}/{prefix}");
        let walks = self.mounts.iter().filter_map(|mount| {
            let (dir, key_prefix) = mount.part(&full, bucket)?;
            let after = after.map(str::to_owned);
            Some(change(FolderWalk::new(mount, dir, key_prefix, after, &self.passed_over)))
        });
        let mut parts: Vec<Listing<'a>> = walks.map(|walk| Box::new(walk) as Listing<'a>).collect();
        if !self.placed.is_empty() {
            let placed = self.placed.list(bucket, prefix, after);
            parts.push(Box::new(placed.map(Ok)));
        }
        if parts.len() < 2 {
            return merge(parts);
        }
        let bucket = bucket.to_owned();
        Box::new(merge(parts).filter(move |listed| {
            let is_shown =
                |listed: &Listed| !self.is_parted_sidecar(&bucket, listed) && !self.is_gone(&bucket, listed);
            listed.as_ref().map_or(true, is_shown)
        }))
    }

    /// Whether another copy has a digest that is gone from the bucket's own folder. The chain says that the digest is
    /// missing; in a listing, the digest would seem to be there.
    fn is_gone(&self, bucket: &str, listed: &Listed) -> bool {
        let location = Location::new(bucket, listed.key.as_str());
        // A file found by its name that nothing proves is told where it lies.
        let placed = self.placed.at(&location);
        let is_known = placed.is_empty() || placed.iter().any(|file| file.is_proved);
        sidecar::is_in_digest_folder(&listed.key) && is_known && self.candidates(&location).bucket_lacks
    }

    /// Mount and path of the object at `location` in the most specific mount.
    fn path(&self, location: &Location) -> Result<(&Mount, PathBuf), StoreError> {
        let full = format!("{}/{}", location.bucket, location.key);
        let mut covering = self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?)));
        let (mount, rest) = covering.next().ok_or_else(not_held)?;
        Ok((mount, path_below(mount, rest)?))
    }
}

/// Converts an error from resolving a path. A name that the file system cannot hold is out of reach: S3 may hold the
/// object.
fn path_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::NotFound,
        io::ErrorKind::InvalidFilename => StoreError::OutOfReach(plain(error.to_string())),
        _ => read_error(error),
    }
}

/// Converts an error from reading an existing file.
fn read_error(error: &io::Error) -> StoreError {
    told_error(error, plain(error.to_string()))
}

/// Converts an error from listing a folder, which the message names.
fn read_error_in(folder: &str, error: &io::Error) -> StoreError {
    told_error(error, format!("`{folder}`: {}", plain(error.to_string())))
}

fn told_error(error: &io::Error, message: String) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::Denied(message),
        _ => StoreError::Unreadable(message),
    }
}

impl Store for DirectoryStore {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.list_walks(bucket, prefix, after, |walk| walk)
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

    /// Reads this folder alone: a folder below that cannot be read is told by its own listing.
    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let folders = self.list_dirs(bucket, prefix)?;
        let listing = self.list_walks(bucket, prefix, None, FolderWalk::without_folders);
        Ok(Folder { folders, objects: directly_under(prefix, listing)? })
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let Candidates { found, bucket_lacks, absence, is_misplaced } = self.candidates(location);
        if bucket_lacks {
            return Err(StoreError::NotFound);
        }
        // A file that was moved out of its folder is no deletion, and does not stand for the object either.
        if is_misplaced && let Some(moved) = found.first() {
            let name = moved.files.display(&moved.path);
            return Err(StoreError::OutOfReach(format!("not in its folder of this copy, but at `{name}`")));
        }
        let mut failure = None;
        for (at, candidate) in found.iter().enumerate() {
            match read(candidate, location) {
                Ok(mut object) => {
                    let others = found.get(at + 1..).unwrap_or_default();
                    self.compare(location, candidate, others, &mut object)?;
                    if !object.metadata.contains_key("signature")
                        && let Some(parted) = self.parted_sidecar(location)
                    {
                        object.metadata = parted;
                    }
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

    fn is_copy(&self) -> bool {
        true
    }

    fn passed_over(&self) -> BTreeMap<PathBuf, u64> {
        self.passed_over.folders()
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

    fn renamed(&self, location: &Location) -> Vec<(Location, Object)> {
        let Candidates { found, absence, .. } = self.candidates(location);
        let is_elsewhere = found.is_empty() && matches!(absence, StoreError::OtherName(_));
        if is_elsewhere { self.other_names(location) } else { Vec::new() }
    }

    fn shown_at(&self, location: &Location) -> Option<Location> {
        if !self.has_other_places(location) {
            return None;
        }
        let is_in_other = |candidate: &Candidate<'_>| candidate.rank == Rank::InOtherPlace;
        self.candidates(location).found.first().filter(|first| is_in_other(first))?;
        Some(self.in_other_place(location)?.0)
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
