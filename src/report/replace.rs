//! A report file that is replaced as a whole: the report is written to a temporary file in the same folder, and that is
//! renamed over the old file once the report is whole and on the disk.
//!
//! On Linux the temporary file has no name (`O_TMPFILE`, open(2)), so that a run that is killed leaves nothing. Where
//! the file system or the system has no such files, it has a name of [`leftover`]'s pattern, which a later run sweeps up.

mod leftover;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

/// A report that is being written, and the file whose place it takes. Until [`Replacement::commit`] the old file is
/// untouched; without it, for good.
#[derive(Debug)]
pub(super) struct Replacement {
    /// Links resolved.
    target: PathBuf,
    file: Arc<File>,
    temporary: Temporary,
}

/// What becomes of the temporary file.
#[derive(Debug)]
enum Temporary {
    /// It has no name yet.
    #[cfg(target_os = "linux")]
    Unnamed,
    /// It is renamed; dropped, it is removed.
    Named(TempPath),
    /// It lies in another folder, and is copied into the old file.
    Elsewhere,
}

impl Replacement {
    /// Creates the temporary file for `target`, a path whose links are resolved.
    ///
    /// # Errors
    /// Where `target` may not be written to, or no temporary file can be created.
    pub(super) fn of(target: PathBuf) -> io::Result<Self> {
        // A file that may not be written to is not to be replaced either.
        let old = match OpenOptions::new().write(true).open(&target) {
            Ok(old) => Some(old.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let folder = folder_of(&target);
        leftover::sweep(folder);
        let (file, temporary) = match temporary(folder) {
            // The old file may be written to, but no other file in its folder: it is written over at the end.
            Err(error) if old.is_some() && forbids_files(&error) => {
                (tempfile::tempfile()?, Temporary::Elsewhere)
            }
            made => made?,
        };
        if let Some(old) = old {
            take_after(&old, &file)?;
        }
        Ok(Self { target, file: Arc::new(file), temporary })
    }

    /// Writes to the temporary file, unbuffered.
    pub(super) fn writer(&self) -> Box<dyn Write + Send> {
        Box::new(Arc::clone(&self.file))
    }

    /// Puts the report in the old file's place: the file reaches the disk, then its name, then the folder.
    ///
    /// # Errors
    /// What the system says; the old file is then still there.
    pub(super) fn commit(self) -> io::Result<()> {
        let Self { target, file, temporary } = self;
        file.sync_all()?;
        let renamed = match temporary {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed => unnamed::rename(&file, &target),
            Temporary::Named(path) => path.persist(&target).map_err(|error| error.error),
            Temporary::Elsewhere => return write_over(&file, &target),
        };
        match renamed {
            // A file that is mounted by itself, as into a container, cannot be renamed over.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => write_over(&file, &target),
            Err(error) => Err(error),
            Ok(()) => sync_folder(folder_of(&target)),
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary(folder: &Path) -> io::Result<(File, Temporary)> {
    #[cfg(target_os = "linux")]
    if let Some(file) = unnamed::create(folder) {
        return Ok((file, Temporary::Unnamed));
    }
    let (file, path) = leftover::create(folder)?;
    Ok((file, Temporary::Named(path)))
}

fn forbids_files(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Writes the report into the old file. A part of a report must not be read as the whole: where the rest does not fit,
/// the file is emptied.
fn write_over(mut file: &File, target: &Path) -> io::Result<()> {
    file.rewind()?;
    let mut old = OpenOptions::new().write(true).truncate(true).open(target)?;
    let written = io::copy(&mut file, &mut old).and_then(|_| old.sync_all());
    written.inspect_err(|_| drop(old.set_len(0)))
}

/// Brings the new name to the disk. Not every file system can, and a folder may be hidden from those who may write to it.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let Ok(folder) = File::open(folder) else { return Ok(()) };
    match folder.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives the new file the owner and the rights of the old one, as far as this user may: who could not read the old
/// report cannot read the new one.
#[cfg(unix)]
fn take_after(old: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    const GROUP: u32 = 0o070;
    let new = file.metadata()?;
    if old.uid() != new.uid() {
        let _ = fchown(file, Some(old.uid()), None);
    }
    let has_group = old.gid() == new.gid() || fchown(file, None, Some(old.gid())).is_ok();
    let mut mode = old.mode() & 0o777;
    if !has_group {
        // Another group gets what everybody has.
        mode = (mode & !GROUP) | (mode & GROUP & (mode << 3));
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_after(old: &Metadata, file: &File) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Files without a name, which vanish with the process that has them open.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    use super::{folder_of, leftover};

    /// `None` where such a file cannot be created in `folder`, or could not be given a name later.
    pub(super) fn create(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        // What every new file gets, less the user's mask.
        let file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)).ok()?);
        fs::metadata(descriptor(&file)).ok()?;
        // Once it has a name, other runs must not take it for a leftover.
        let _ = file.lock();
        Some(file)
    }

    /// Names the file `target`. A file that is there is renamed over, by way of a name that lasts no longer than that.
    pub(super) fn rename(file: &File, target: &Path) -> io::Result<()> {
        match link(file, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        let named = leftover::names().make_in(folder_of(target), |name| link(file, name))?;
        named.persist(target).map_err(|error| error.error)
    }

    /// Source: open(2), `O_TMPFILE`, whose example this is: no privilege is needed.
    fn link(file: &File, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, descriptor(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn descriptor(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
