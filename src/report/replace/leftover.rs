//! Temporary files with a name, and what earlier runs left of them. A run holds a lock on each as long as it lives: a
//! file of the pattern that nobody holds was left by a run that was killed.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::{Builder, TempPath};

/// The names end in no report format's, so that no collector reads such a file.
const PREFIX: &str = ".trailproof-";
const SUFFIX: &str = ".tmp";

/// Random letters and digits between prefix and suffix.
const RANDOM: usize = 16;

/// Entries of a folder that are looked at for leftovers: a folder may have very many.
const MAX_ENTRIES: usize = 1 << 16;

/// How often a temporary file is created anew where another run has swept it up before it was locked.
const MAX_TRIES: usize = 16;

/// Names for temporary files.
pub(super) fn names() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    readable(&mut builder);
    builder
}

/// Whoever may read any new file of the user may read this one: a collector is another user.
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
        let (file, path) = names().tempfile_in(folder)?.into_parts();
        // Where there are no locks, nothing is swept up either.
        let _ = file.lock();
        if path.exists() {
            return Ok((file, path));
        }
    }
    Err(io::Error::other("other runs remove its temporary file"))
}

/// Removes the temporary files in `folder` whose runs are dead.
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

/// Removes a file that nobody holds a lock on. Anything but a plain file is somebody else's.
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

/// Opens what lies there without following a link or waiting for the other end of a pipe, whatever it has become since
/// it was looked at.
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
