//! A folder of a copy, mounted as a part of S3.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::elsewhere::ShownElsewhere;
use super::names::is_plain;
use super::shared::FolderShare;
use crate::store::files::{CopyFiles, DiskFiles};

/// A folder of a copy and the part of S3 it holds a copy of.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The files of the copy.
    pub files: Arc<dyn CopyFiles>,
    /// The folder.
    pub dir: PathBuf,
    /// `BUCKET[/KEY-PREFIX]` without a trailing slash; empty if the folder holds buckets.
    pub base: String,
    /// The part of the folder's files that is mounted; `None` for all files.
    pub share: Option<FolderShare>,
    /// Files and folders of the copy that are shown at another place only.
    pub elsewhere: Option<Arc<ShownElsewhere>>,
}

impl PartialEq for Mount {
    fn eq(&self, other: &Self) -> bool {
        let parts = |mount: &Self| (mount.files.root().to_owned(), mount.dir.clone(), mount.base.clone());
        parts(self) == parts(other)
    }
}

impl Eq for Mount {}

impl Mount {
    /// Mounts `dir`, a folder of `files`, as `base`.
    pub fn new(files: Arc<dyn CopyFiles>, dir: impl Into<PathBuf>, base: impl Into<String>) -> Self {
        Self { files, dir: dir.into(), base: base.into(), share: None, elsewhere: None }
    }

    /// The mount of a part of the folder's files.
    #[must_use]
    pub fn of_share(self, share: FolderShare) -> Self {
        Self { share: Some(share), ..self }
    }

    /// Mounts the directory `root` on disk as `base`.
    ///
    /// # Errors
    /// The errors of [`DiskFiles::new`].
    pub fn of_directory(root: &Path, base: impl Into<String>) -> io::Result<Self> {
        let files = Arc::new(DiskFiles::new(root)?);
        let dir = files.root().to_owned();
        Ok(Self::new(files, dir, base))
    }

    /// Whether the folder holds buckets, or is called like the bucket, or is a folder of such a folder: in a folder with several copies of one bucket,
    /// this copy stands for the bucket itself.
    pub(super) fn is_called_like_bucket(&self) -> bool {
        self.base.is_empty() || self.dir.ends_with(&self.base)
    }

    /// Whether the mount shows the file at `path`.
    #[must_use]
    pub fn shows(&self, path: &Path) -> bool {
        !self.hides(path) && self.share.as_ref().is_none_or(|share| share.has(path))
    }

    /// Whether the file or folder at `path` is shown at another place of S3 only.
    pub(super) fn hides(&self, path: &Path) -> bool {
        self.elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.has(&self.dir, path))
    }

    /// Whether the mount shows the folder at `path`.
    pub(super) fn shows_folder(&self, path: &Path) -> bool {
        !self.hides(path) && self.share.as_ref().is_none_or(|share| share.has_folder(path))
    }

    /// Whether a digest gives the file at `path` to the mounted part.
    pub(super) fn is_owner_of(&self, path: &Path) -> bool {
        self.share.as_ref().is_some_and(|share| share.is_owner_of(path))
    }

    /// Whether the file at `path` says when the mounted part was copied.
    pub(super) fn is_evidence(&self, path: &Path) -> bool {
        !self.hides(path) && self.share.as_ref().is_none_or(|share| share.surely_has(path))
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

    /// The folder on disk of the folder with the full path `full`, whether there is one or not.
    pub(super) fn dir_of(&self, full: &str) -> Option<PathBuf> {
        let rest = if full == self.base { "" } else { self.below_folder(full)? };
        Some(self.dir.join(rest))
    }

    /// If `full` (`BUCKET/` or `BUCKET/PREFIX/`) lies above this mount: the next folder between `full` and the mount.
    pub(super) fn virtual_dir(&self, full: &str) -> Option<&str> {
        self.base.strip_prefix(full).filter(|rest| !rest.is_empty())?.split('/').next()
    }

    /// Folder to list for the prefix `full`, and the key prefix of the files in the folder.
    pub(super) fn part(&self, full: &str, bucket: &str) -> Option<(PathBuf, String)> {
        if let Some(rest) = self.below_folder(full) {
            let key_prefix = full.strip_prefix(bucket)?.strip_prefix('/')?;
            return Some((self.dir.join(rest), key_prefix.to_owned()));
        }
        // The prefix lies above the mount: list the whole folder, and put the rest of the base before the keys.
        let key_prefix = self.base.starts_with(full).then(|| self.base.split_once('/'))??.1;
        Some((self.dir.clone(), format!("{key_prefix}/")))
    }

    /// The full path `BUCKET/KEY` of a path below the mounted folder, as UTF-8.
    pub(super) fn full_path_of(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.dir).ok()?;
        let segments: Option<Vec<&str>> = below.iter().map(|segment| segment.to_str()).collect();
        let below = segments?.join("/");
        Some(if self.base.is_empty() { below } else { format!("{}/{below}", self.base) })
    }
}
