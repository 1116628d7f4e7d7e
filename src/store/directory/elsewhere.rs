//! Files and folders of a copy that lie in a mounted folder, and belong to another place of S3.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Files and folders that are shown at another place than the folder around them says. No mount of a folder above shows
/// them: otherwise a run would find one object at two places.
#[derive(Default, Debug)]
pub struct ShownElsewhere {
    files: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
}

impl ShownElsewhere {
    /// Files that were placed by their names, and mounted folders.
    pub(super) const fn new(files: HashSet<PathBuf>, folders: HashSet<PathBuf>) -> Self {
        Self { files, folders }
    }

    /// Whether there are no files and no folders.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// Whether a mount of `dir` leaves out the file or folder at `path`.
    pub(super) fn has(&self, dir: &Path, path: &Path) -> bool {
        let is_in_folder = || {
            let below = path.ancestors().take_while(|above| *above != dir && above.starts_with(dir));
            below.into_iter().any(|above| self.folders.contains(above))
        };
        self.files.contains(path) || (!self.folders.is_empty() && is_in_folder())
    }
}
