//! The directory of a copy: where files lie, and how they get there. Nothing is written outside of the directory, and no
//! link in the directory is followed.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::manifest::MANIFEST;
use super::spelling::is_spelt_anew;
use crate::handles::patiently;
use crate::ident::{Location, Sha256Hash};
use crate::store::directory::collected::UNFINISHED;

/// Suffix of a temporary file. The directory store skips such a file as an unfinished download.
const TEMPORARY: &str = ".json.gz.download";

/// File that a running collection locks, in the folder [`UNFINISHED`].
const LOCK: &str = "lock";

/// Folder of the files that made way for other bytes, in the directory of the copy. The files are called by their
/// hashes, which no search takes for log or digest files, and `collected.json` says what each of them was.
pub(super) const REPLACED: &str = ".replaced";

/// Most files of one hash in [`REPLACED`]. A further file needs a name only if the others were changed.
const MAX_NAMESAKES: usize = 1_000;

/// Name of the file with the public keys.
pub(super) const KEYS: &str = "public-keys.json";

/// Name of the file with public keys that have no validity.
pub(super) const PEM_KEYS: &str = "public-keys.pem";

/// Why a bucket cannot be saved.
pub(super) const RESERVED: &str = "the bucket is called like a file of the copy itself";

/// Most folders cached as checked. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 1 << 14;

/// Why a directory cannot hold a copy.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The directory has files that no collection wrote.
    #[error("`{}` is not empty, and was not made by `trailproof collect`", .0.display())]
    Foreign(PathBuf),
    /// Not a directory.
    #[error("`{}` is not a directory", .0.display())]
    NotDirectory(PathBuf),
    /// A second collection is writing to the directory.
    #[error("another `trailproof collect` is writing to `{}`", .0.display())]
    Busy(PathBuf),
    /// The directory cannot be read or written.
    #[error("`{}` cannot be written: {source}", .path.display())]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why an object has no place in the directory.
#[derive(Debug)]
pub(super) enum PlaceError {
    /// The object alone has no place: the reason.
    Unfit(String),
    /// The directory cannot be written.
    Io(io::Error),
}

/// Whether a bucket's folder would be called like a file of the copy.
pub(super) fn is_reserved(bucket: &str) -> bool {
    let bucket = bucket.to_lowercase();
    [KEYS, PEM_KEYS, MANIFEST, UNFINISHED, REPLACED].contains(&bucket.as_str())
}

/// Checks that a collection may write to `path`, and writes nothing.
///
/// # Errors
/// [`FolderError`].
pub fn check(path: &Path) -> Result<(), FolderError> {
    let unwritable = |source| FolderError::Unwritable { path: path.to_owned(), source };
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(FolderError::NotDirectory(path.to_owned()));
        }
        Err(error) => return Err(unwritable(error)),
    };
    let is_made_here = is_file(&path.join(MANIFEST)) || is_folder(&path.join(UNFINISHED));
    match entries.next() {
        Some(_) if !is_made_here => Err(FolderError::Foreign(path.to_owned())),
        _ => Ok(()),
    }
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The directory of a copy.
pub(super) struct CopyFolder {
    root: PathBuf,
    /// Number of the next temporary file.
    next: AtomicU64,
    is_continued: bool,
    /// Folders that were checked, relative to the root.
    checked: Mutex<HashSet<PathBuf>>,
    /// On a file system that ignores case, the hash of each path by the hash of the path in lower case.
    spellings: Option<Mutex<HashMap<u64, u64>>>,
    /// Locked until the collection ends.
    _lock: File,
}

impl CopyFolder {
    /// Opens or makes the directory, and removes the temporary files of a collection that was killed.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        check(path)?;
        let unwritable = |source| FolderError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        let root = fs::canonicalize(path).map_err(unwritable)?;
        let unfinished = root.join(UNFINISHED);
        let is_continued = is_folder(&unfinished) || is_file(&root.join(MANIFEST));
        match fs::create_dir(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unwritable(error)),
            _ if !is_folder(&unfinished) => return Err(FolderError::Foreign(path.to_owned())),
            _ => {}
        }
        let lock = new_file(&unfinished.join(LOCK)).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(FolderError::Busy(path.to_owned())),
            // A file system without locks: two collections at a time are left to the user.
            Err(fs::TryLockError::Error(_)) => {}
        }
        let sweep = || -> io::Result<()> {
            for entry in fs::read_dir(&unfinished)? {
                let entry = entry?;
                if entry.file_name().to_str().is_some_and(|name| name.ends_with(TEMPORARY)) {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        sweep().map_err(unwritable)?;
        // `LOCK` exists. Under another case, it exists only where the file system ignores case.
        let ignores_case = fs::symlink_metadata(unfinished.join(LOCK.to_uppercase())).is_ok();
        Ok(Self {
            root,
            next: AtomicU64::new(0),
            is_continued,
            checked: Mutex::default(),
            spellings: ignores_case.then(Mutex::default),
            _lock: lock,
        })
    }

    /// The directory, with links resolved.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Path of a file of the unfinished collection.
    pub(super) fn unfinished(&self, name: &str) -> PathBuf {
        self.root.join(UNFINISHED).join(name)
    }

    /// Opens a new temporary file. The file is removed unless it is installed.
    pub(super) fn temporary(&self) -> io::Result<(File, TempPath)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.unfinished(&format!("{number}{TEMPORARY}"));
        let file = patiently(|| new_file(&path))?;
        Ok((file, TempPath::try_from_path(path)?))
    }

    /// Path of an object on disk. Makes the folders above. The key must be a plain path.
    pub(super) fn place(&self, location: &Location) -> Result<PathBuf, PlaceError> {
        let relative = Path::new(&*location.bucket).join(&*location.key);
        self.check_spelling(&relative)?;
        self.make_folder(relative.parent().unwrap_or(Path::new("")))?;
        Ok(self.root.join(relative))
    }

    /// Makes a folder, given by a plain path relative to the root.
    pub(super) fn make_folder(&self, relative: &Path) -> Result<(), PlaceError> {
        if self.checked.lock().unwrap_or_else(PoisonError::into_inner).contains(relative) {
            return Ok(());
        }
        let mut path = self.root.clone();
        for part in relative {
            path.push(part);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !is_folder(&path) {
                        return Err(in_the_way());
                    }
                }
                made => made.map_err(place_error)?,
            }
        }
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= REMEMBERED_FOLDERS {
            checked.clear();
        }
        checked.insert(relative.to_owned());
        Ok(())
    }

    /// On a file system that ignores case, checks that no other path has the same letters.
    fn check_spelling(&self, relative: &Path) -> Result<(), PlaceError> {
        let Some(spellings) = &self.spellings else { return Ok(()) };
        let mut spellings = spellings.lock().unwrap_or_else(PoisonError::into_inner);
        match is_spelt_anew(&mut spellings, relative) {
            true => Err(PlaceError::Unfit(
                "differs only in case from another key, which this file system ignores".into(),
            )),
            false => Ok(()),
        }
    }

    /// Moves a whole file into its place.
    pub(super) fn install(&self, temporary: TempPath, path: &Path) -> Result<(), PlaceError> {
        if is_folder(path) {
            return Err(in_the_way());
        }
        temporary.persist(path).map_err(|error| place_error(error.error))
    }

    /// Writes a small file beside the file at `path`, whose name it continues.
    pub(super) fn write_beside(&self, path: &Path, suffix: &str, content: &[u8]) -> Result<(), PlaceError> {
        self.write(&beside(path, suffix), content)
    }

    /// Removes a file beside the file at `path`, if there is one.
    pub(super) fn remove_beside(&self, path: &Path, suffix: &str) {
        let _ = fs::remove_file(beside(path, suffix));
    }

    /// Whether an earlier collection wrote to the directory.
    pub(super) const fn is_continued(&self) -> bool {
        self.is_continued
    }

    /// Writes a file as a whole. The folder of the file must exist.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), PlaceError> {
        let (mut file, temporary) = self.temporary().map_err(PlaceError::Io)?;
        file.write_all(content).map_err(PlaceError::Io)?;
        drop(file);
        self.install(temporary, path)
    }

    /// Opens the file of an object if it is a regular file of `size` bytes whose path has no link.
    pub(super) fn open_saved(&self, location: &Location, size: u64) -> Option<File> {
        let file = self.open_file(location)?;
        (file.metadata().ok()?.len() == size).then_some(file)
    }

    /// Opens the file of an object, or a file beside it, if it is a regular file whose path has no link.
    pub(super) fn open_file(&self, location: &Location) -> Option<File> {
        let relative = Path::new(&*location.bucket).join(&*location.key);
        let mut folder = self.root.clone();
        for part in relative.parent()? {
            folder.push(part);
            is_folder(&folder).then_some(())?;
        }
        let path = self.root.join(relative);
        is_file(&path).then_some(())?;
        patiently(|| File::open(&path)).ok()
    }

    /// Whether the copy has a regular file in the place of an object.
    pub(super) fn has_file(&self, location: &Location) -> bool {
        self.open_file(location).is_some()
    }

    /// A path in [`REPLACED`], relative to the root, for a file with the hash `sha256`. The path is free, or the file
    /// there has the same bytes.
    pub(super) fn replaced_path(&self, sha256: Sha256Hash, suffix: &str) -> Result<String, PlaceError> {
        self.make_folder(Path::new(REPLACED))?;
        let name = |number: usize| match number {
            0 => format!("{REPLACED}/{sha256}{suffix}"),
            _ => format!("{REPLACED}/{sha256}-{number}{suffix}"),
        };
        let is_usable = |name: &String| match fs::symlink_metadata(self.root.join(name)) {
            Ok(found) if found.is_file() => {
                let held = File::open(self.root.join(name)).and_then(|file| self::sha256(&file));
                held.is_ok_and(|held| held == sha256)
            }
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let free = (0..MAX_NAMESAKES).map(name).find(is_usable);
        free.ok_or_else(|| {
            PlaceError::Io(io::Error::other(format!("`{REPLACED}` cannot take a further file")))
        })
    }

    /// Moves a file to a path relative to the root.
    pub(super) fn move_to(&self, path: &Path, relative: &str) -> Result<(), PlaceError> {
        fs::rename(path, self.root.join(relative)).map_err(PlaceError::Io)
    }

    /// Whether the folder of an object exists.
    pub(super) fn has_folder_of(&self, location: &Location) -> bool {
        let path = self.root.join(&*location.bucket).join(&*location.key);
        path.parent().is_some_and(is_folder)
    }

    /// Asks the system to put everything on disk, before `collected.json` says that the collection is complete.
    pub(super) fn sync(&self) {
        #[cfg(target_os = "linux")]
        if let Ok(root) = File::open(&self.root) {
            // A file system that cannot be synced keeps what it keeps.
            let _ = rustix::fs::syncfs(root);
        }
    }

    /// Removes the folder of the unfinished collection.
    pub(super) fn finish(&self) -> io::Result<()> {
        fs::remove_dir_all(self.root.join(UNFINISHED))
    }
}

/// Creates a file, or empties a regular file of the name. A link is not followed: it is replaced.
fn new_file(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

fn in_the_way() -> PlaceError {
    PlaceError::Unfit("another object, or a link, has the same path, or a part of the path".to_owned())
}

/// Tells apart errors of one path and errors of the whole directory.
fn place_error(error: io::Error) -> PlaceError {
    match error.kind() {
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => {
            PlaceError::Unfit(format!("the file system cannot hold the name: {error}"))
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => {
            in_the_way()
        }
        _ => PlaceError::Io(error),
    }
}

/// Path of a file beside the file at `path`, whose name it continues.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// Opens a regular file; `None` if there is none.
///
/// # Errors
/// The errors of [`File::open`], for a file that exists.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    is_file(path).then(|| patiently(|| File::open(path))).transpose()
}

/// SHA-256 of a file.
pub(super) fn sha256(mut file: &File) -> io::Result<Sha256Hash> {
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(Sha256Hash(hasher.finalize().into())),
            Ok(length) => hasher.update(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
