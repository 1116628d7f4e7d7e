//! The files of a copy: a directory on disk, or the members of an archive.
//!
//! [`super::directory`] maps files to objects in S3, and does not know where the files lie.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, File, FileType};
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

use super::{HashedBody, Metadata};
use crate::handles::patiently;

/// Largest file read in one step, in bytes; larger files are streamed.
const READ_AT_ONCE: u64 = 1 << 20;

/// Type of an entry in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, not followed.
    Link,
    /// Anything else: a device, a socket, or a pipe.
    Other,
}

/// An entry of a folder, without following a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    /// Name of the entry, without the folder.
    pub name: OsString,
    /// Type of the entry.
    pub kind: FileKind,
}

/// Type and size of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// Type of the file.
    pub kind: FileKind,
    /// Size of the file, in bytes.
    pub size: u64,
}

/// An opened file, for a single read.
pub struct OpenFile {
    /// The content.
    pub body: Box<dyn BufRead + Send>,
    /// The result of hashing the content, if the file was hashed in an earlier pass over its archive.
    pub hashed: Option<HashedBody>,
}

/// The files of a copy. Paths begin with [`CopyFiles::root`]. Calls block, and are safe from any thread.
///
/// Errors are those of [`std::fs`]: [`io::ErrorKind::NotFound`] only if the path does not exist.
pub trait CopyFiles: Send + Sync + Debug {
    /// The folder that holds all files, with resolved links.
    fn root(&self) -> &Path;

    /// Entries of `folder`, in any order.
    ///
    /// # Errors
    /// The errors of [`fs::read_dir`].
    fn entries(&self, folder: &Path) -> io::Result<Vec<FileEntry>>;

    /// Facts of a path, without following a link.
    ///
    /// # Errors
    /// The errors of [`fs::symlink_metadata`].
    fn facts(&self, path: &Path) -> io::Result<FileFacts>;

    /// Facts of a path, after following links. The target may lie outside of the root: see [`CopyFiles::resolve`].
    ///
    /// # Errors
    /// The errors of [`fs::metadata`].
    fn facts_of_target(&self, path: &Path) -> io::Result<FileFacts>;

    /// The path with resolved links.
    ///
    /// # Errors
    /// The errors of [`fs::canonicalize`], and an error for a target outside of the root.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Opens a file.
    ///
    /// # Errors
    /// The errors of [`File::open`].
    fn open(&self, path: &Path) -> io::Result<OpenFile>;

    /// Extended attributes of a file in the namespace `user`, without `user.` before the names. Empty if the files
    /// have no attributes.
    ///
    /// # Errors
    /// An error if the attributes exist and cannot be read.
    fn attributes(&self, path: &Path) -> io::Result<Metadata>;

    /// Why the content of files may not be what was stored. `None` if nothing speaks against it.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// The path as shown in reports.
    fn display(&self, path: &Path) -> String;
}

/// The files in a directory on disk.
#[derive(Debug)]
pub struct DiskFiles {
    /// The directory, with resolved links. No file outside of the directory is read.
    root: PathBuf,
    /// The directory as the user named it.
    shown: PathBuf,
}

impl DiskFiles {
    /// The files in `root`.
    ///
    /// # Errors
    /// The errors of [`fs::canonicalize`].
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)?, shown: root.to_owned() })
    }
}

impl CopyFiles for DiskFiles {
    fn root(&self) -> &Path {
        &self.root
    }

    fn entries(&self, folder: &Path) -> io::Result<Vec<FileEntry>> {
        let entries = patiently(|| fs::read_dir(folder))?.map(|entry| {
            let entry = entry?;
            Ok(FileEntry { name: entry.file_name(), kind: kind_of(entry.file_type()?) })
        });
        entries.collect()
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        fs::symlink_metadata(path).map(|found| facts_of(&found))
    }

    fn facts_of_target(&self, path: &Path) -> io::Result<FileFacts> {
        fs::metadata(path).map(|found| facts_of(&found))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let target = fs::canonicalize(path)?;
        if target.starts_with(&self.root) {
            Ok(target)
        } else {
            Err(io::Error::other("a symbolic link leads out of the directory"))
        }
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        let file = patiently(|| File::open(path))?;
        let size = file.metadata()?.len();
        if size > READ_AT_ONCE {
            let body = Box::new(BufReader::with_capacity(128 << 10, file));
            return Ok(OpenFile { body, hashed: None });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        // The file may grow during the read, so the read is limited.
        file.take(READ_AT_ONCE + 1).read_to_end(&mut bytes)?;
        Ok(OpenFile { body: Box::new(Cursor::new(bytes)), hashed: None })
    }

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn attributes(&self, path: &Path) -> io::Result<Metadata> {
        super::attributes::read(path)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    fn attributes(&self, _: &Path) -> io::Result<Metadata> {
        Ok(Metadata::new())
    }

    fn display(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.root).map(|below| match below.as_os_str().is_empty() {
            true => self.shown.clone(),
            false => self.shown.join(below),
        });
        shown.as_deref().unwrap_or(path).display().to_string()
    }
}

fn kind_of(kind: FileType) -> FileKind {
    match kind {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Folder,
        kind if kind.is_symlink() => FileKind::Link,
        _ => FileKind::Other,
    }
}

fn facts_of(found: &fs::Metadata) -> FileFacts {
    FileFacts { kind: kind_of(found.file_type()), size: found.len() }
}
