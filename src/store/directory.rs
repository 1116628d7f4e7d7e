//! Copies on disk. A directory is read as the buckets it was copied from; [`find`] determines the buckets.

mod absence;
pub mod find;
mod leftovers;
pub mod mount;
mod names;
mod sidecar;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use super::{Deposit, Encoding, Listed, Listing, Metadata, Object, Store, StoreError, Version};
use crate::handles::patiently;
use crate::ident::Location;
use absence::MissingObjects;
use leftovers::PassedOver;
use mount::Mount;
use names::is_plain;

/// Largest file read in one step, in bytes; larger files are streamed.
const READ_AT_ONCE: u64 = 1 << 20;

/// Most folders cached as checked to lie inside the directory. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 1 << 14;

/// One or more directories, each mounted as a part of S3.
#[derive(Debug)]
pub struct DirectoryStore {
    mounts: Vec<Mount>,
    inside: RwLock<HashSet<PathBuf>>,
    missing: MissingObjects,
    passed_over: PassedOver,
}

impl DirectoryStore {
    /// Creates a store with the mounted parts of S3.
    #[must_use]
    pub fn new(mut mounts: Vec<Mount>) -> Self {
        // Longest base first, so that `path` finds the most specific mount.
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.base.len()));
        let (missing, passed_over) = (MissingObjects::default(), PassedOver::default());
        Self { mounts, inside: RwLock::default(), missing, passed_over }
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
        Ok(Self::new(vec![Mount::new(root, root, "")?]))
    }

    /// Mount and path on disk of the object at `location`.
    fn path(&self, location: &Location) -> Result<(&Mount, PathBuf), StoreError> {
        let full = format!("{}/{}", location.bucket, location.key);
        let (mount, rest) = self
            .mounts
            .iter()
            .find_map(|mount| Some((mount, mount.below(&full)?)))
            .ok_or_else(|| StoreError::OutOfReach("the copy does not hold this part of S3".to_owned()))?;
        if !is_plain(rest) {
            return Err(StoreError::OutOfReach("the key is not usable as a path on disk".to_owned()));
        }
        Ok((mount, mount.dir.join(rest)))
    }

    /// Path and size in bytes of the regular file at `location`. Symbolic links are followed inside the directory
    /// only.
    fn regular_file(&self, location: &Location) -> Result<(PathBuf, u64), StoreError> {
        let (mount, path) = self.path(location)?;
        // The mount holds a folder for each bucket. A missing bucket folder must not look like a missing object.
        if mount.base.is_empty() {
            self.check_bucket(mount, &location.bucket)?;
        }
        match self.file_size(mount, &path) {
            Ok(size) => Ok((path, size)),
            Err(StoreError::NotFound) => Err(self.missing.reason(mount, location, &path)),
            Err(error) => Err(error),
        }
    }

    fn file_size(&self, mount: &Mount, path: &Path) -> Result<u64, StoreError> {
        self.check_inside(mount, path.parent().unwrap_or(&mount.dir))?;
        let mut found = fs::symlink_metadata(path).map_err(|error| path_error(&error))?;
        // The target must lie inside the directory: otherwise a link could present any file as evidence.
        if found.is_symlink() {
            mount.resolve(path).map_err(|error| path_error(&error))?;
            found = fs::metadata(path).map_err(|error| read_error(&error))?;
        }
        if !found.is_file() {
            return Err(StoreError::Unreadable("not a regular file".to_owned()));
        }
        Ok(found.len())
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
        mount.resolve(folder).map_err(|error| path_error(&error))?;
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        // A hostile copy may have any number of folders.
        if inside.len() >= REMEMBERED_FOLDERS {
            inside.clear();
        }
        inside.insert(folder.to_owned());
        Ok(())
    }
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
        let parts = self.mounts.iter().filter_map(|mount| {
            let (dir, key_prefix) = mount.part(&full, bucket)?;
            Some(walk::FolderWalk::new(mount, dir, key_prefix, after.map(str::to_owned), &self.passed_over))
        });
        merge(parts.collect())
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let full = format!("{bucket}/{prefix}");
        let mut names = Vec::new();
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
        let (path, size) = self.regular_file(location)?;
        // Only digests need metadata; looking for a sidecar beside every log file would double the work. The sidecar
        // is closed before the object is opened: a thread with an open handle must never wait for a second handle.
        let may_be_digest = sidecar::may_be_digest(&location.key);
        let metadata = if may_be_digest { sidecar::read(&path) } else { Metadata::new() };
        let file = patiently(|| File::open(&path)).map_err(|error| read_error(&error))?;
        if size > READ_AT_ONCE {
            let body = Box::new(BufReader::with_capacity(128 << 10, file));
            return Ok(Object { body, encoding: Encoding::GzipOrPlain, metadata, hashed: None });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        // The file may grow during the read, so the read is limited.
        file.take(READ_AT_ONCE + 1).read_to_end(&mut bytes).map_err(|error| read_error(&error))?;
        Ok(Object {
            body: Box::new(Cursor::new(bytes)),
            encoding: Encoding::GzipOrPlain,
            metadata,
            hashed: None,
        })
    }

    /// Always empty: a directory keeps no versions.
    fn versions(&self, _: &Location) -> Result<Vec<Version>, StoreError> {
        Ok(Vec::new())
    }

    fn passed_over(&self) -> u64 {
        self.passed_over.count()
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

/// Merges sorted listings into one sorted listing.
fn merge(parts: Vec<walk::FolderWalk<'_>>) -> Listing<'_> {
    let mut parts: Vec<_> = parts.into_iter().map(Iterator::peekable).collect();
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return Box::new(only);
    }
    Box::new(std::iter::from_fn(move || {
        let order = |item: &Result<Listed, StoreError>| item.as_ref().map(|listed| listed.key.clone()).ok();
        let heads = parts.iter_mut().enumerate();
        // An error compares below every key, so errors are returned first.
        let (next, _) =
            heads.filter_map(|(i, part)| Some((i, order(part.peek()?)))).min_by(|a, b| a.1.cmp(&b.1))?;
        parts.get_mut(next)?.next()
    }))
}
