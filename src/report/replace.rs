//! Replaces a report file as a whole: the report is written to a temporary file in the same folder. When the report is
//! complete and on disk, the temporary file is renamed over the old file.
//!
//! On Linux the temporary file has no name (`O_TMPFILE`, open(2)), so a killed run leaves no file. Where the file
//! system or the operating system lacks unnamed files, the temporary file has a name from [`leftover`], and a later run
//! removes leftovers.

mod leftover;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

/// A report in progress and the file to replace. The old file stays unchanged until [`FileReplacement::commit`].
#[derive(Debug)]
pub(super) struct FileReplacement {
    /// The file to replace, with links resolved.
    target: PathBuf,
    file: Arc<File>,
    temporary: TemporaryKind,
}

/// How the temporary file becomes the report file.
#[derive(Debug)]
enum TemporaryKind {
    /// The temporary file has no name; [`FileReplacement::commit`] links the file into place.
    #[cfg(target_os = "linux")]
    Unnamed,
    /// The temporary file is renamed; dropping the path removes the file.
    Named(TempPath),
    /// The temporary file is in another folder, and its content is copied into the old file.
    Elsewhere,
}

impl FileReplacement {
    /// Creates the temporary file for `target`, a path with links resolved.
    ///
    /// # Errors
    /// If `target` is not writable, or no temporary file can be created.
    pub(super) fn of(target: PathBuf) -> io::Result<Self> {
        // A read-only file must not be replaced either.
        let old = match OpenOptions::new().write(true).open(&target) {
            Ok(old) => Some(old.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let folder = folder_of(&target);
        leftover::sweep(folder);
        let (file, temporary) = match temporary(folder) {
            // The old file is writable but its folder is not: the old file is overwritten at the end.
            Err(error) if old.is_some() && forbids_files(&error) => {
                (tempfile::tempfile()?, TemporaryKind::Elsewhere)
            }
            made => made?,
        };
        if let Some(old) = old {
            take_after(&old, &file)?;
        }
        Ok(Self { target, file: Arc::new(file), temporary })
    }

    /// An unbuffered writer to the temporary file.
    pub(super) fn writer(&self) -> Box<dyn Write + Send> {
        Box::new(Arc::clone(&self.file))
    }

    /// Replaces the old file: syncs the temporary file, renames the file, then syncs the folder.
    ///
    /// # Errors
    /// The operating system's error. The old file stays, except after a failed overwrite, which leaves an empty file.
    pub(super) fn commit(self) -> io::Result<()> {
        let Self { target, file, temporary } = self;
        file.sync_all()?;
        let renamed = match temporary {
            #[cfg(target_os = "linux")]
            TemporaryKind::Unnamed => unnamed::rename(&file, &target),
            TemporaryKind::Named(path) => path.persist(&target).map_err(|error| error.error),
            TemporaryKind::Elsewhere => return write_over(&file, &target),
        };
        match renamed {
            // A file mounted on its own, as into a container, cannot be renamed over.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => write_over(&file, &target),
            Err(error) => Err(error),
            Ok(()) => sync_folder(folder_of(&target)),
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary(folder: &Path) -> io::Result<(File, TemporaryKind)> {
    #[cfg(target_os = "linux")]
    if let Some(file) = unnamed::create(folder) {
        return Ok((file, TemporaryKind::Unnamed));
    }
    let (file, path) = leftover::create(folder)?;
    Ok((file, TemporaryKind::Named(path)))
}

fn forbids_files(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Overwrites the old file with the report. If the report does not fit, the file is emptied: part of a report must not
/// look like a whole report.
fn write_over(mut file: &File, target: &Path) -> io::Result<()> {
    file.rewind()?;
    let mut old = OpenOptions::new().write(true).truncate(true).open(target)?;
    let written = io::copy(&mut file, &mut old).and_then(|_| old.sync_all());
    written.inspect_err(|_| drop(old.set_len(0)))
}

/// Syncs the folder, so that the new name survives a crash. Skipped where the file system cannot sync folders or the
/// user may not read the folder.
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

/// Gives the new file the owner and the permissions of the old file, as far as the user may: a user who could not read
/// the old report must not read the new report.
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
        // Another group gets only the permissions that all users have.
        mode = (mode & !GROUP) | (mode & GROUP & (mode << 3));
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_after(old: &Metadata, file: &File) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Unnamed files, which vanish when the process ends.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    use super::{folder_of, leftover};
    use crate::text::without_temporary_name;

    /// Creates an unnamed file; `None` where `folder` does not support unnamed files, or the file could not be linked
    /// later.
    pub(super) fn create(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        // The permissions of any new file; the kernel applies the user's umask.
        let file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)).ok()?);
        fs::metadata(descriptor(&file)).ok()?;
        // Without the lock, other runs would take the named file for a leftover.
        let _ = file.lock();
        Some(file)
    }

    /// Links the file to `target`. An existing file is replaced by way of a short-lived temporary name, since `linkat`
    /// cannot overwrite.
    pub(super) fn rename(file: &File, target: &Path) -> io::Result<()> {
        match link(file, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        let named = leftover::names().make_in(folder_of(target), |name| link(file, name));
        let named = named.map_err(without_temporary_name)?;
        named.persist(target).map_err(|error| error.error)
    }

    /// Follows the example in open(2), `O_TMPFILE`: no privilege is needed.
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
