//! Copies on disk. A directory is read as the buckets it is a copy of; [`find`] finds out which.

mod absence;
mod droppings;
pub mod find;
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
use absence::Absences;
use droppings::PassedOver;
use mount::Mount;
use names::is_plain;

/// Files up to this size, in bytes, are read at once; larger ones are streamed.
const READ_AT_ONCE: u64 = 1 << 20;

/// Folders remembered to lie inside the directory; past that many the memory is emptied.
const REMEMBERED_FOLDERS: usize = 1 << 14;

/// One or more directories, each part of them standing for a part of S3.
#[derive(Debug)]
pub struct DirectoryStore {
    mounts: Vec<Mount>,
    inside: RwLock<HashSet<PathBuf>>,
    absences: Absences,
    passed_over: PassedOver,
}

impl DirectoryStore {
    /// The parts of S3 that `mounts` stand for.
    #[must_use]
    pub fn new(mut mounts: Vec<Mount>) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.base.len()));
        let (absences, passed_over) = (Absences::default(), PassedOver::default());
        Self { mounts, inside: RwLock::default(), absences, passed_over }
    }

    /// The same, in whose folders so many files were passed over when they were looked for.
    #[must_use]
    pub fn having_passed_over(self, folders: BTreeMap<PathBuf, u64>) -> Self {
        Self { passed_over: PassedOver::new(folders), ..self }
    }

    /// A directory that holds a folder for each bucket.
    ///
    /// # Errors
    /// As [`fs::canonicalize`].
    pub fn of_buckets(root: &Path) -> io::Result<Self> {
        Ok(Self::new(vec![Mount::new(root, root, "")?]))
    }

    /// Where the object at `location` lies on disk.
    fn path(&self, location: &Location) -> Result<(&Mount, PathBuf), StoreError> {
        let full = format!("{}/{}", location.bucket, location.key);
        let (mount, rest) =
            self.mounts.iter().find_map(|mount| Some((mount, mount.below(&full)?))).ok_or_else(|| {
                StoreError::OutOfReach("this copy does not hold that part of S3".to_owned())
            })?;
        if !is_plain(rest) {
            return Err(StoreError::OutOfReach("its key cannot be a path in a directory".to_owned()));
        }
        Ok((mount, mount.dir.join(rest)))
    }

    /// The path and size of a regular file that lies inside the directory, links followed.
    fn regular_file(&self, location: &Location) -> Result<(PathBuf, u64), StoreError> {
        let (mount, path) = self.path(location)?;
        if mount.base.is_empty() {
            self.check_bucket(mount, &location.bucket)?;
        }
        match self.size(mount, &path) {
            Ok(size) => Ok((path, size)),
            Err(StoreError::NotFound) => Err(self.absences.reason(mount, location, &path)),
            Err(error) => Err(error),
        }
    }

    fn size(&self, mount: &Mount, path: &Path) -> Result<u64, StoreError> {
        self.check_inside(mount, path.parent().unwrap_or(&mount.dir))?;
        let mut found = fs::symlink_metadata(path).map_err(|error| failure(&error))?;
        if found.is_symlink() {
            mount.resolve(path).map_err(|error| failure(&error))?;
            found = fs::metadata(path).map_err(|error| look_failure(&error))?;
        }
        if !found.is_file() {
            return Err(StoreError::Unreadable("it is not a regular file".to_owned()));
        }
        Ok(found.len())
    }

    /// A bucket without a folder was not copied, which says nothing of what is in it.
    fn check_bucket(&self, mount: &Mount, bucket: &str) -> Result<(), StoreError> {
        match self.check_inside(mount, &mount.dir.join(bucket)) {
            Err(StoreError::NotFound) => {
                Err(StoreError::OutOfReach("this copy does not hold that bucket".to_owned()))
            }
            result => result,
        }
    }

    fn check_inside(&self, mount: &Mount, folder: &Path) -> Result<(), StoreError> {
        if self.inside.read().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        mount.resolve(folder).map_err(|error| failure(&error))?;
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        if inside.len() >= REMEMBERED_FOLDERS {
            inside.clear();
        }
        inside.insert(folder.to_owned());
        Ok(())
    }
}

/// An error in finding a path. A name the file system cannot hold is out of reach: it says nothing of S3.
fn failure(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::NotFound,
        io::ErrorKind::InvalidFilename => StoreError::OutOfReach(error.to_string()),
        _ => look_failure(error),
    }
}

/// An error in reading something that is there.
fn look_failure(error: &io::Error) -> StoreError {
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
            Some(walk::Walk::new(mount, dir, key_prefix, after.map(str::to_owned), &self.passed_over))
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
        // Metadata matters to digests alone; looking for a sidecar of every log file would double the work. It is closed
        // before the object is opened: whoever has a handle waits for no other.
        let may_be_digest = sidecar::may_be_digest(&location.key);
        let metadata = if may_be_digest { sidecar::read(&path) } else { Metadata::new() };
        let file = patiently(|| File::open(&path)).map_err(|error| look_failure(&error))?;
        if size > READ_AT_ONCE {
            let body = Box::new(BufReader::with_capacity(128 << 10, file));
            return Ok(Object { body, encoding: Encoding::GzipOrPlain, metadata });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(READ_AT_ONCE + 1).read_to_end(&mut bytes).map_err(|error| look_failure(&error))?;
        Ok(Object { body: Box::new(Cursor::new(bytes)), encoding: Encoding::GzipOrPlain, metadata })
    }

    /// A directory keeps no versions.
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
        write().map_err(|error| look_failure(&error))
    }

    fn delete(&self, location: &Location) -> Result<(), StoreError> {
        let (mount, path) = self.path(location)?;
        fs::remove_file(&path).map_err(|error| failure(&error))?;
        sidecar::remove(&path).map_err(|error| look_failure(&error))?;
        // S3 has no empty folders. A folder that still holds something is not removed, and ends it.
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != mount.dir);
        folders.map(fs::remove_dir).take_while(io::Result::is_ok).for_each(drop);
        Ok(())
    }

    /// Puts a link to itself in the object's place: nobody can read that, whatever their rights.
    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError> {
        let (_, path) = self.path(location)?;
        fs::remove_file(&path).map_err(|error| failure(&error))?;
        let name = path.file_name().unwrap_or_default();
        #[cfg(unix)]
        let made = std::os::unix::fs::symlink(name, &path);
        #[cfg(not(unix))]
        let made = fs::create_dir(path.with_file_name(name));
        made.map_err(|error| look_failure(&error))
    }
}

/// Joins ordered listings into one ordered listing.
fn merge(parts: Vec<walk::Walk<'_>>) -> Listing<'_> {
    let mut parts: Vec<_> = parts.into_iter().map(Iterator::peekable).collect();
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return Box::new(only);
    }
    Box::new(std::iter::from_fn(move || {
        let order = |item: &Result<Listed, StoreError>| item.as_ref().map(|listed| listed.key.clone()).ok();
        let heads = parts.iter_mut().enumerate();
        let (next, _) =
            heads.filter_map(|(i, part)| Some((i, order(part.peek()?)))).min_by(|a, b| a.1.cmp(&b.1))?;
        parts.get_mut(next)?.next()
    }))
}
