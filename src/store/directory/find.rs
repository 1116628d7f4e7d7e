//! Finds the part of S3 that a copy was made from.
//!
//! A copy may hold `BUCKET/KEY…` trees, the tree of one bucket, or any part of a tree. Each digest records a location in
//! S3; comparing the recorded location with the path in the copy gives the part. Proved digests outweigh parsed digests:
//! a forged digest must not relocate the whole copy.
//!
//! 1. `search` walks the folders, and collects samples of digests.
//! 2. `trees` compares the samples with the paths: most folders are parts of one bucket, and are mounted whole. Where
//!    buckets were replicated into one, each account is mounted on its own, or placed file by file.
//! 3. `loose` places files without the folders of S3 by their names: digests by the location that they record, log
//!    files by account, region and day.

mod archives;
mod loose;
mod search;
mod trees;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mount::Mount;
use super::placed::PlacedFiles;
use crate::ident::Location;
use crate::store::Object;
use crate::store::files::CopyFiles;
pub use archives::UNOPENED_ARCHIVE;
pub use loose::Homes;

/// The recorded location of a sampled digest, and whether the digest is proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Location recorded in the digest.
    pub location: Location,
    /// Whether the digest's signature is valid.
    pub proved: bool,
    /// Locations of the log files that the digest lists, proved or not; empty unless the digest was judged alone.
    pub logs: Vec<Location>,
}

/// A delivery tree found in a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The mounted folder of the tree.
    pub mount: Mount,
    /// Bucket that holds `AWSLogs/`.
    pub bucket: String,
    /// Folder that holds `AWSLogs/`: empty, or ending in a slash.
    pub prefix: String,
    /// The folder of the tree, if the name differs from the bucket's name.
    pub renamed: Option<PathBuf>,
    /// The folder that stands for the bucket; `None` if the tree has no `AWSLogs/` folder.
    pub holder: Option<PathBuf>,
}

impl Tree {
    /// Whether the tree's bucket, or one of its parts, holds `path`. Such a file has a place in S3, wherever its name
    /// would put it.
    fn holds(&self, path: &Path) -> bool {
        self.holder.as_ref().is_some_and(|holder| path.starts_with(holder))
            || loose::is_in_delivery_folder(self, path)
    }
}

/// Returns the recorded location of each sampled digest of a tree; `None` for an object that is not a digest.
pub type Judge<'a> = dyn Fn(Vec<Object>) -> Vec<Option<Recorded>> + 'a;

/// Result of searching a copy.
#[derive(Clone, Default, Debug)]
pub struct Found {
    /// Trees found in the copy.
    pub trees: Vec<Tree>,
    /// Files outside of the trees, placed by name.
    pub placed: PlacedFiles,
    /// Folders left out of the search, and the reasons.
    pub skipped: Vec<(PathBuf, String)>,
    /// Number of skipped leftovers of desktops and sync programs, by folder with resolved links.
    pub passed_over: BTreeMap<PathBuf, u64>,
}

/// A searched copy. What it holds of S3 is known where its digests say so; the digests of other copies may say the rest.
pub struct SearchedCopy {
    files: Arc<dyn CopyFiles>,
    searched: search::Searched,
    located: trees::Located,
    digests: loose::PlacedDigests,
    homes: Homes,
}

/// Searches a copy for trees.
///
/// # Errors
/// An error if the root of the copy cannot be read.
pub fn search(files: &Arc<dyn CopyFiles>, judge: &Judge<'_>) -> io::Result<SearchedCopy> {
    let searched = search::search(files, judge)?;
    let mut homes = Homes::default();
    let located = trees::locate(files, &searched, judge, &mut homes);
    let digests = loose::place_digests(files, &located.loose_digests, judge, &mut homes);
    Ok(SearchedCopy { files: Arc::clone(files), searched, located, digests, homes })
}

impl SearchedCopy {
    /// Where the digests of the copy were delivered.
    #[must_use]
    pub const fn homes(&self) -> &Homes {
        &self.homes
    }

    /// Places everything in the copy. `homes` are those of all copies: log files may lie in another copy than the
    /// digests.
    #[must_use]
    pub fn place(self, homes: &Homes) -> Found {
        let Self { files, searched, located, digests, .. } = self;
        let mixed_logs = located.mixed_logs.clone();
        let mut skipped = searched.skipped;
        skipped.extend(located.skipped.iter().cloned());
        let mut trees = trees::with_unknown(&files, located, homes);
        let mut homeless = loose::Homeless::default();
        trees.extend(loose::mount_log_folders(&files, &searched.log_folders, &trees, homes, &mut homeless));
        let mut placed = digests.placed;
        placed.extend(loose::place_by_name(&files, &digests.unusable, homes, &mut homeless));
        // A log file in another folder of a tree was moved there.
        let is_loose = |path: &&PathBuf| !trees.iter().any(|tree| tree.holds(path));
        let logs = searched.loose_logs.iter().filter(is_loose);
        placed.extend(loose::place_by_name(&files, logs.chain(&mixed_logs), homes, &mut homeless));
        // Without any digest the run finds nothing, which says more.
        if !homes.is_empty() {
            let why = |account: &str| {
                format!("no digest says where the files of account {account} in it were delivered")
            };
            skipped.extend(homeless.into_keys().map(|(folder, account)| (folder, why(&account))));
        }
        let is_in_bucket = |path: &Path| trees.iter().any(|tree| tree.holds(path));
        let archives = searched.archives.into_hiding(searched.groups.keys(), is_in_bucket);
        skipped.extend(archives.map(|path| (path, UNOPENED_ARCHIVE.to_owned())));
        Found { trees, placed, skipped, passed_over: searched.passed_over }
    }
}

/// Opens a file of the copy with metadata; `None` if the file cannot be read.
fn open_file(files: &Arc<dyn CopyFiles>, path: &Path) -> Option<Object> {
    let mount = Mount::new(Arc::clone(files), path.parent()?, "CloudTrail-Digest");
    // The store checks links and reads the sidecar, as in the later run.
    let name = super::names::key_segment(path.file_name()?);
    super::DirectoryStore::sample(mount, &Location::new("CloudTrail-Digest", name.as_str()))
}
