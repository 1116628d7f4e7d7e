//! A state in a directory.
//!
//! A write locks the file `lock`, compares the version, writes a temporary file beside the file, flushes it to the disk,
//! renames it over the file and flushes the folder. The operating system drops the lock of a process that is killed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{FileVersion, PlaceError, PlacedFile, StatePlace};
use crate::ident::Sha256Hash;
use crate::state::MAX_FILE;
use crate::state::scope::{REGIONS, RUNS};
use crate::text::{self, plain, without_temporary_name};

/// How long to wait for the lock. A write takes milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// How often to try the lock.
const LOCK_STEP: Duration = Duration::from_millis(20);

/// How temporary files begin: they are no state files, and a killed run may leave one.
const TEMPORARY: &str = ".trailproof-";

/// The deepest folders of state files. Names are cut into folders of 200 bytes.
const MAX_DEPTH: usize = 64;

/// A directory.
#[derive(Debug)]
pub struct DirectoryPlace {
    directory: PathBuf,
    while_locked: fn(Duration) -> bool,
}

impl DirectoryPlace {
    /// The state in `directory`, which need not exist before [`init`](crate::state::init).
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), while_locked: |_| true }
    }

    /// Calls `tell` every moment while another process holds the lock, with the time waited so far. `false` ends the wait
    /// before a run begins; what a run has to write at its end waits on.
    #[must_use]
    pub fn while_locked(self, tell: fn(Duration) -> bool) -> Self {
        Self { while_locked: tell, ..self }
    }

    /// Creates the directory if it is missing.
    ///
    /// # Errors
    /// [`PlaceError::Failed`].
    pub fn create(&self) -> Result<(), PlaceError> {
        fs::create_dir_all(&self.directory).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> PlaceError {
        PlaceError::failed(self.name(), plain(error.to_string()))
    }

    /// The failure on a file or folder of the state.
    fn failed_at(&self, file: &str, error: &io::Error) -> PlaceError {
        PlaceError::failed(self.directory.join(file).display().to_string(), plain(error.to_string()))
    }

    /// Takes the lock, which lasts as long as the file. `may_end` tells whether the wait may end early.
    fn lock(&self, may_end: bool) -> Result<File, PlaceError> {
        let path = self.directory.join("lock");
        refuse_special(&path).map_err(|error| self.failed_at("lock", &error))?;
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = opened.map_err(|error| self.failed_at("lock", &error))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_WAIT => {
                    if !(self.while_locked)(begun.elapsed()) && may_end {
                        let why = "interrupted while another process held its lock";
                        return Err(PlaceError::failed(self.name(), why));
                    }
                    thread::sleep(LOCK_STEP);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(PlaceError::failed(self.name(), "another process holds its lock"));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(PlaceError::failed(self.name(), format!("it cannot be locked: {error}")));
                }
            }
        }
    }

    fn read_file(&self, file: &str) -> io::Result<Option<PlacedFile>> {
        let path = self.directory.join(file);
        refuse_special(&path)?;
        let opened = match File::open(path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        opened.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::other(format!(
                "larger than the {} of a state file",
                text::size(MAX_FILE)
            )));
        }
        let version = FileVersion(Sha256Hash::of(&bytes).to_string());
        Ok(Some(PlacedFile { bytes, version }))
    }

    fn write_file(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.directory.join(file);
        let folder = path.parent().unwrap_or(&self.directory);
        self.create_folders(folder)?;
        // Persisted, or removed when dropped.
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder);
        let mut temporary = temporary.map_err(without_temporary_name)?;
        temporary.write_all(bytes).map_err(without_temporary_name)?;
        temporary.as_file().sync_all()?;
        temporary.persist(&path).map_err(|error| error.error)?;
        sync_folder(folder)
    }

    /// Creates the folders between the directory and `folder`, and flushes each new entry to the disk.
    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let below = folder.strip_prefix(&self.directory).unwrap_or(Path::new(""));
        let mut made = self.directory.clone();
        for name in below {
            let above = made.clone();
            made.push(name);
            match fs::create_dir(&made) {
                Ok(()) => sync_folder(&above)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn list_below(&self, folder: &str, depth: usize, files: &mut Vec<String>) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("`{folder}` is too deep")));
        }
        let entries = match fs::read_dir(self.directory.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                return Err(io::Error::other(format!("`{folder}` has a name that is not UTF-8")));
            };
            if entry.file_type()?.is_dir() {
                self.list_below(&format!("{folder}{name}/"), depth + 1, files)?;
            } else if !name.starts_with(TEMPORARY) {
                files.push(format!("{folder}{name}"));
            }
        }
        Ok(())
    }
}

impl StatePlace for DirectoryPlace {
    fn name(&self) -> String {
        self.directory.display().to_string()
    }

    fn check(&self) -> Result<(), PlaceError> {
        let _lock = self.lock(true)?;
        // Once for each run: a folder may have very many files.
        let folders = [
            (self.directory.clone(), MAX_DEPTH),
            (self.directory.join(REGIONS), 0),
            (self.directory.join(RUNS), 0),
        ];
        let mut swept = folders.into_iter().map(|(folder, depth)| remove_leftovers(&folder, depth));
        swept.try_for_each(|swept| swept.map_err(|error| self.failed(&error)))
    }

    fn list(&self) -> Result<Vec<String>, PlaceError> {
        let mut files = Vec::new();
        for folder in [REGIONS, RUNS] {
            self.list_below(folder, 0, &mut files).map_err(|error| self.failed_at(folder, &error))?;
        }
        files.sort();
        Ok(files)
    }

    fn read(&self, file: &str) -> Result<Option<PlacedFile>, PlaceError> {
        self.read_file(file).map_err(|error| self.failed_at(file, &error))
    }

    fn write(
        &self,
        file: &str,
        bytes: &[u8],
        expected: Option<&FileVersion>,
    ) -> Result<FileVersion, PlaceError> {
        let _lock = self.lock(false)?;
        let found = self.read(file)?.map(|found| found.version);
        if found.as_ref() != expected {
            return Err(PlaceError::Changed);
        }
        self.write_file(file, bytes).map_err(|error| self.failed_at(file, &error))?;
        Ok(FileVersion(Sha256Hash::of(bytes).to_string()))
    }
}

/// Refuses a pipe or a device in a file's place: opening it may wait for ever. A directory names itself when it is read.
fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Err(io::Error::other("it is not a regular file")),
        _ => Ok(()),
    }
}

/// Removes temporary files of killed runs in `folder` and below, which is at `depth`. The caller holds the lock.
fn remove_leftovers(folder: &Path, depth: usize) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if depth < MAX_DEPTH {
                remove_leftovers(&entry.path(), depth + 1)?;
            }
        } else if entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Flushes the entries of a folder to the disk. Windows flushes entries with the file.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
