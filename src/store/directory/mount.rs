//! A folder on disk that stands for a part of S3.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::names::is_plain;

/// A folder on disk and the part of S3 it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// The folder.
    pub dir: PathBuf,
    /// `BUCKET[/KEY-PREFIX]` without a slash at the end; empty where the folder holds buckets.
    pub base: String,
    /// The directory the user named, links resolved: nothing outside it is read.
    root: PathBuf,
}

impl Mount {
    /// Lets `dir`, a folder in `root`, stand for `base`.
    ///
    /// # Errors
    /// As [`fs::canonicalize`] on `root`.
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

    /// As [`Mount::below`], of a folder with its slash; given back without, and only where it is a plain path.
    pub(super) fn below_folder<'p>(&self, full: &'p str) -> Option<&'p str> {
        let rest = self.below(full)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        (rest.is_empty() || is_plain(rest)).then_some(rest)
    }

    /// Where `full` (`BUCKET/` or `BUCKET/PREFIX/`) lies above this mount: the next folder on the way to it.
    pub(super) fn virtual_dir(&self, full: &str) -> Option<&str> {
        self.base.strip_prefix(full).filter(|rest| !rest.is_empty())?.split('/').next()
    }

    /// The folder on disk to list for the prefix `full`, and the key its files begin with.
    pub(super) fn part(&self, full: &str, bucket: &str) -> Option<(PathBuf, String)> {
        if let Some(rest) = self.below_folder(full) {
            let key_prefix = full.strip_prefix(bucket)?.strip_prefix('/')?;
            return Some((self.dir.join(rest), key_prefix.to_owned()));
        }
        let key_prefix = self.base.starts_with(full).then(|| self.base.split_once('/'))??.1;
        Some((self.dir.clone(), format!("{key_prefix}/")))
    }

    /// `path` with links resolved.
    ///
    /// # Errors
    /// As [`fs::canonicalize`], and where a link leads out of the directory.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let target = fs::canonicalize(path)?;
        if target.starts_with(&self.root) {
            Ok(target)
        } else {
            Err(io::Error::other("a symbolic link leads out of the directory"))
        }
    }
}
