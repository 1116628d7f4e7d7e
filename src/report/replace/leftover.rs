//! Named temporary files, and leftovers of earlier runs. A run keeps a lock on its temporary file: an unlocked file
//! with such a name was left by a killed run.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::{Builder, TempPath};

use crate::text::without_temporary_name;

/// The suffix differs from all report formats' suffixes, so that no collector reads a temporary file.
const PREFIX: &str = ".trailproof-";
const SUFFIX: &str = ".tmp";

/// Number of random letters and digits between prefix and suffix.
const RANDOM: usize = 16;

/// Maximum number of folder entries to search for leftovers: a folder may be very large.
const MAX_ENTRIES: usize = 1 << 16;

/// Maximum number of attempts to create a temporary file: another run may remove the file before the lock is taken.
const MAX_TRIES: usize = 16;

/// Names for temporary files.
pub(super) fn names() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    readable(&mut builder);
    builder
}

/// Gives the file the permissions of any new file: a collector may run as another user.
#[cfg(unix)]
fn readable(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable(_: &mut Builder<'_, '_>) {}

/// Creates a temporary file in `folder` and locks it.
pub(super) fn create(folder: &Path) -> io::Result<(File, TempPath)> {
    for _ in 0..MAX_TRIES {
        let (file, path) = names().tempfile_in(folder).map_err(without_temporary_name)?.into_parts();
        // Without lock support, other runs do not remove leftovers either.
        let _ = file.lock();
        if path.exists() {
            return Ok((file, path));
        }
    }
    Err(io::Error::other("other runs keep removing the temporary file"))
}

/// Removes the temporary files of killed runs from `folder`.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.take(MAX_ENTRIES).flatten().filter(|entry| is_temporary(&entry.file_name())) {
        remove_unheld(&entry.path());
    }
}

fn is_temporary(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Removes an unlocked file. Anything but a plain file does not belong to this program and stays.
fn remove_unheld(path: &Path) {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return;
    }
    if let Ok(file) = open(path)
        && file.try_lock().is_ok()
    {
        let _ = fs::remove_file(path);
    }
}

/// Opens a file without following a link or blocking on a pipe: the entry may have changed since the check.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
