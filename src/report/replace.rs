//! A file that is replaced as a whole: written beside the old one, and renamed over it when it is flushed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Opens a writer for `path`. What stands there is untouched until the writer is flushed, and if it never is, for good.
/// What is no plain file, such as a pipe or a device, cannot be replaced, and is written to.
///
/// # Errors
/// What the system says, where nothing can be written beside `path`.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => Ok(Box::new(OpenOptions::new().write(true).open(path)?)),
        Ok(_) => {
            // A file that may not be written to is not to be replaced either.
            drop(OpenOptions::new().write(true).open(path)?);
            // A link stays, and its target is replaced.
            Ok(Box::new(Replacement::beside(fs::canonicalize(path)?)?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Box::new(Replacement::beside(path.to_path_buf())?))
        }
        Err(error) => Err(error),
    }
}

struct Replacement {
    target: PathBuf,
    /// Until it is renamed.
    file: Option<NamedTempFile>,
}

impl Replacement {
    /// Its name ends in no format's, so that no collector reads it.
    fn beside(target: PathBuf) -> io::Result<Self> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = Builder::new();
        builder.prefix(".trailproof-").suffix(".tmp");
        readable(&mut builder);
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { target, file: Some(file) })
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let file = self.file.as_mut().map(NamedTempFile::as_file_mut);
        file.ok_or_else(|| io::Error::other("it is written and done"))
    }
}

/// Whoever may read a new file may read this one: the collector is another user.
#[cfg(unix)]
fn readable(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable(_: &mut Builder<'_, '_>) {}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    /// The end: the file is on the disk, then under its name.
    fn flush(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.as_file().sync_all()?;
        file.persist(&self.target).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trailproof.prom");
        fs::write(&path, "old").unwrap();
        let mut writer = open(&path).unwrap();
        writer.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        writer.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(writer.write_all(b"more").is_err(), "it is done");
        assert_eq!(names(folder.path()), ["trailproof.prom"]);
    }

    #[test]
    fn a_run_that_breaks_off_leaves_nothing_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trailproof.prom");
        let mut writer = open(&path).unwrap();
        writer.write_all(b"new").unwrap();
        drop(writer);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_and_a_link_stays() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        open(&link).unwrap().flush().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&plain));
        assert!(open(Path::new("/dev/full")).unwrap().write_all(b"x").is_err());
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }
}
