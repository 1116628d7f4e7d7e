//! A folder on disk, mounted as a part of S3.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::names::is_plain;

/// A folder on disk and the part of S3 it holds a copy of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// The folder on disk.
    pub dir: PathBuf,
    /// `BUCKET[/KEY-PREFIX]` without a trailing slash; empty if the folder holds buckets.
    pub base: String,
    /// The user's directory, with resolved links. No file outside this directory is read.
    root: PathBuf,
}

impl Mount {
    /// Mounts `dir`, a folder in `root`, as `base`.
    ///
    /// # Errors
    /// The errors of [`fs::canonicalize`] on `root`.
    pub fn new(root: &Path, dir: &Path, base: impl Into<String>) -> io::Result<Self> {
        Ok(Self { dir: dir.to_owned(), base: base.into(), root: fs::canonicalize(root)? })
    }

    /// The rest of the full path `BUCKET/KEY` below this mount.
    pub(super) fn below<'p>(&self, full: &'p str) -> Option<&'p str> {
        if self.base.is_empty() {
            return Some(full);
        }
        full.strip_prefix(&self.base)?.strip_prefix('/')
    }

    /// Like [`Mount::below`], for a folder with a trailing slash. Returns the rest without the slash, and only if the
    /// rest is a plain relative path.
    pub(super) fn below_folder<'p>(&self, full: &'p str) -> Option<&'p str> {
        let rest = self.below(full)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        (rest.is_empty() || is_plain(rest)).then_some(rest)
    }

    /// If `full` (`BUCKET/` or `BUCKET/PREFIX/`) lies above this mount: the next folder between `full` and the mount.
    pub(super) fn virtual_dir(&self, full: &str) -> Option<&str> {
        self.base.strip_prefix(full).filter(|rest| !rest.is_empty())?.split('/').next()
    }

    /// Folder on disk to list for the prefix `full`, and the key prefix of the files in the folder.
    pub(super) fn part(&self, full: &str, bucket: &str) -> Option<(PathBuf, String)> {
        if let Some(rest) = self.below_folder(full) {
            let key_prefix = full.strip_prefix(bucket)?.strip_prefix('/')?;
            return Some((self.dir.join(rest), key_prefix.to_owned()));
        }
        // The prefix lies above the mount: list the whole folder, and put the rest of the base before the keys.
        let key_prefix = self.base.starts_with(full).then(|| self.base.split_once('/'))??.1;
        Some((self.dir.clone(), format!("{key_prefix}/")))
    }

    /// Resolves the symbolic links in `path`.
    ///
    /// # Errors
    /// The errors of [`fs::canonicalize`], and an error if a link points outside the directory.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let target = fs::canonicalize(path)?;
        if target.starts_with(&self.root) {
            Ok(target)
        } else {
            Err(io::Error::other("a symbolic link leads out of the directory"))
        }
    }
}
