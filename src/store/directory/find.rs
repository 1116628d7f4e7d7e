//! Finds the part of S3 that a copy was made from.
//!
//! A copy may hold `BUCKET/KEY…` trees, the tree of one bucket, or any part of a tree. Each digest records a location in
//! S3; comparing the recorded location with the path in the copy gives the part. Proved digests outweigh parsed digests:
//! a forged digest must not relocate the whole copy.
//!
//! 1. `search` walks the folders, and collects samples of digests.
//! 2. `trees` compares the samples with the paths: most folders are parts of one bucket, and are mounted whole. Where
//!    buckets were replicated into one, each account is mounted on its own. `dividing` tells the files of an account
//!    with several buckets apart, and the account is mounted once for each.
//! 3. `loose` places files without the folders of S3 by their names: digests by the location that they record, log
//!    files by account, region and day.

mod archives;
mod delivered;
mod dividing;
mod homes;
mod left_out;
mod log_folders;
mod loose;
mod misplaced;
mod mounts;
mod partial;
mod sample;
mod search;
mod told_apart;
mod trees;
mod unknown;
mod votes;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::elsewhere::ShownElsewhere;
use super::mount::Mount;
use super::names::key_segment;
use super::placed::{PlacedFile, PlacedFiles};
use super::sidecar;
use crate::ident::{DeliveredName, Location, is_account};
use crate::store::Object;
use crate::store::files::CopyFiles;
pub use archives::UNOPENED_ARCHIVE;
pub use homes::Homes;
pub use left_out::LeftOut;
use misplaced::Displacement;
pub(super) use sample::DIGESTS;
pub(super) use told_apart::tell_apart;

/// The recorded location of a sampled digest, and whether the digest is proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Location recorded in the digest.
    pub location: Location,
    /// Whether the digest's signature is valid.
    pub proved: bool,
    /// Locations of the log files that the digest lists, proved or not; empty for all but the first of the digests that
    /// are judged together.
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

/// Returns the recorded location of each digest; `None` for an object that is not a digest. The digests are judged
/// together: a digest may record the signature of another.
pub type Judge<'a> = dyn Fn(Vec<Object>) -> Vec<Option<Recorded>> + 'a;

/// Whether to end the search early, because the user interrupted the run.
pub type StopSearch<'a> = dyn Fn() -> bool + 'a;

/// Result of searching a copy.
#[derive(Clone, Default, Debug)]
pub struct Found {
    /// Trees found in the copy.
    pub trees: Vec<Tree>,
    /// Files outside of the trees, placed by name.
    pub placed: PlacedFiles,
    /// Folders and files left out of the search.
    pub skipped: Vec<LeftOut>,
    /// JSON files beside log files without S3's folders. Their names are not CloudTrail's, so no digest lists them.
    pub unlisted: Vec<PlacedFile>,
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

/// Searches a copy for trees. If `stop` ends the search early, the copy seems to hold nothing: the caller has to report
/// that the copy was not searched.
///
/// # Errors
/// An error if the root of the copy cannot be read.
pub fn search(
    files: &Arc<dyn CopyFiles>,
    judge: &Judge<'_>,
    stop: &StopSearch<'_>,
) -> io::Result<SearchedCopy> {
    let searched = search::search(files, judge, stop)?;
    let mut homes = Homes::default();
    if stop() {
        let (located, digests) = (trees::Located::default(), loose::PlacedDigests::default());
        return Ok(SearchedCopy { files: Arc::clone(files), searched, located, digests, homes });
    }
    let located = trees::locate(files, &searched, judge, &mut homes);
    let digests = loose::place_digests(files, &located.loose_digests, &located.trees, judge, &mut homes);
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
        let Self { files, mut searched, mut located, digests, .. } = self;
        let mut trees = unknown::with_unknown(&files, &mut located, homes);
        log_folders::tell_apart_by_others(&files, &trees, homes);
        let mut skipped = std::mem::take(&mut searched.skipped);
        skipped.extend(located.skipped);
        let mut homeless = loose::Homeless::default();
        // 1. Folders of log files in folders of days.
        let digest_folders: BTreeSet<&Path> =
            located.loose_digests.iter().filter_map(|path| partial::region_folder(path)).collect();
        let has_digests = |dir: &Path| digest_folders.contains(dir);
        let folders = &searched.log_folders;
        let mounted =
            log_folders::mount_log_folders(&files, folders, &has_digests, &trees, homes, &mut homeless);
        trees.extend(mounted.trees);
        skipped.extend(mounted.skipped);
        // 2. Files by their names.
        let mut placed = digests.placed;
        // A file that is no digest, in a digest folder with the chain of its name, is junk: the run names it where it lies.
        let is_junk = |path: &&PathBuf| {
            let name = path.file_name().map(key_segment).unwrap_or_default();
            trees.iter().any(|tree| loose::is_in_delivery_folder(tree, path)) && searched.has_in_place(&name)
        };
        let unusable = digests.unusable.iter().filter(|path| !is_junk(path));
        placed.extend(loose::place_by_name(&files, unusable, homes, &mut homeless));
        let mut displacement = Displacement::new(&*files, &trees);
        let is_placed = |path: &&PathBuf| {
            let name = path.file_name().map(key_segment).unwrap_or_default();
            displacement.places(path, homes.location_of(&name).as_ref())
        };
        let logs = searched.loose_logs.iter().chain(&mounted.loose).chain(&searched.misplaced.logs);
        let logs: Vec<&PathBuf> = logs.filter(is_placed).collect();
        placed.extend(loose::place_by_name(&files, logs.iter().copied(), homes, &mut homeless));
        // 3. Files beside, of which no digest tells.
        let flattened: BTreeSet<&Path> = logs.iter().filter_map(|path| path.parent()).collect();
        let is_beside = |path: &&PathBuf| path.parent().is_some_and(|folder| flattened.contains(folder));
        let unlisted = searched.other_json.iter().filter(is_beside).map(|path| {
            let size = files.facts(path).map_or(0, |found| found.size);
            PlacedFile { files: Arc::clone(&files), path: path.clone(), size, is_proved: false }
        });
        let unlisted = unlisted.collect();
        // Without any digest the run finds nothing, which says more.
        if !homes.is_empty() {
            let left_out = homeless.into_keys();
            skipped.extend(left_out.map(|(folder, account)| LeftOut::of_account(&folder, &account)));
        }
        // The run lists the folders of digests in the trees, and reports each that cannot be listed.
        let is_listed = |left: &LeftOut| {
            let mut trees = trees.iter();
            trees.any(|tree| loose::is_in_delivery_folder(tree, &left.path))
        };
        skipped.extend(searched.unlistable.into_iter().filter(|left| !is_listed(left)));
        // 4. What was placed is not shown where it lies, and a link that was left out is no object.
        hide_placed(&mut trees, &placed, searched.outside_links);
        let is_in_bucket = |path: &Path| trees.iter().any(|tree| tree.holds(path));
        let archives = searched.archives.into_hiding(searched.groups.keys(), is_in_bucket);
        skipped.extend(archives.map(|path| LeftOut::new(path, UNOPENED_ARCHIVE)));
        Found { trees, placed, skipped, unlisted, passed_over: searched.passed_over }
    }

    /// Number of folders with digests.
    #[must_use]
    pub fn digest_folders(&self) -> usize {
        self.searched.groups.len()
    }

    /// The accounts whose log files lie in folders with the files of several buckets.
    #[must_use]
    pub fn accounts_of_shared_logs(&self) -> BTreeSet<String> {
        let shared = self.located.trees.iter().filter(|tree| tree.mount.share.is_some());
        let accounts = shared.filter_map(|tree| tree.mount.base.rsplit('/').next());
        accounts.filter(|account| is_account(account)).map(str::to_owned).collect()
    }

    /// The accounts with log files outside of located folders.
    #[must_use]
    pub fn accounts_of_loose_logs(&self) -> BTreeSet<String> {
        let loose = self.searched.loose_logs.iter().chain(&self.searched.misplaced.logs);
        let loose = loose.filter_map(|path| account_in_name(path));
        let folders = self.searched.log_folders.iter().map(|folder| folder.account.clone());
        let unknown = self.located.unknown.iter().flat_map(|folder| &folder.accounts);
        let unknown = unknown.chain(self.located.unplaced.iter().map(|(_, account)| account));
        loose.chain(folders).chain(unknown.filter_map(|account| account.last().cloned())).collect()
    }

    /// The accounts of folders without a usable digest, of whose log files no sampled digest lists one: whether the folder
    /// is a part of a bucket is not known until the digests of the accounts were read.
    #[must_use]
    pub fn accounts_in_doubt(&self, homes: &Homes) -> BTreeSet<String> {
        let folders = self.located.unknown.iter();
        folders.flat_map(|folder| folder.accounts_in_doubt(&self.files, homes)).collect()
    }

    /// The homes of the log files that the digests of `accounts` list.
    #[must_use]
    pub fn homes_of_logs(&self, accounts: &BTreeSet<String>, judge: &Judge<'_>) -> Homes {
        let mut homes = Homes::default();
        for (id, group) in &self.searched.groups {
            let folder = id.above.iter().fold(self.files.root().to_owned(), |dir, part| dir.join(part));
            let mut digests = group.digests.clone();
            digests.retain(|path| account_in_name(path).is_some_and(|account| accounts.contains(&account)));
            let is_asked =
                |account: &&Vec<String>| account.last().is_some_and(|account| accounts.contains(account));
            for account in group.accounts.iter().filter(is_asked) {
                let dir = folder.join("AWSLogs").join(account.join("/")).join("CloudTrail-Digest");
                digests.extend(delivered::delivered_below(&*self.files, &dir).digests);
            }
            loose::note_listed_logs(&self.files, &digests, judge, &mut homes);
        }
        homes.note_read(accounts);
        homes
    }
}

/// Hides placed files, links out of the directory, and folders with a mount of their own, from the mounts of the folders
/// around them.
fn hide_placed(trees: &mut [Tree], placed: &PlacedFiles, outside_links: BTreeSet<PathBuf>) {
    let is_around = |tree: &Tree, path: &Path| path != tree.mount.dir && path.starts_with(&tree.mount.dir);
    let is_shown = |path: &&Path| trees.iter().any(|tree| is_around(tree, path));
    let mut files: HashSet<PathBuf> = placed.paths().filter(is_shown).map(Path::to_owned).collect();
    let sidecars: Vec<PathBuf> = files.iter().flat_map(|path| sidecar::paths_of_digest(path)).collect();
    files.extend(sidecars);
    files.extend(outside_links);
    let is_elsewhere = |inner: &&Tree| {
        let Mount { dir, base, .. } = &inner.mount;
        let mut around = trees.iter().filter(|tree| is_around(tree, dir));
        around.any(|tree| tree.mount.full_path_of(dir).as_ref() != Some(base))
    };
    let folders = trees.iter().filter(is_elsewhere).map(|tree| tree.mount.dir.clone()).collect();
    let elsewhere = ShownElsewhere::new(files, folders);
    if !elsewhere.is_empty() {
        let elsewhere = Arc::new(elsewhere);
        trees.iter_mut().for_each(|tree| tree.mount.elsewhere = Some(Arc::clone(&elsewhere)));
    }
}

/// The account in the name of a file of CloudTrail's.
fn account_in_name(path: &Path) -> Option<String> {
    let name = key_segment(path.file_name()?);
    DeliveredName::parse(&name).map(|name| name.account.to_owned())
}

/// Opens a file of the copy with metadata; `None` if the file cannot be read.
fn open_file(files: &Arc<dyn CopyFiles>, path: &Path) -> Option<Object> {
    let mount = Mount::new(Arc::clone(files), path.parent()?, "CloudTrail-Digest");
    // The store checks links and reads the sidecar, as in the later run.
    let name = key_segment(path.file_name()?);
    super::DirectoryStore::sample(mount, &Location::new("CloudTrail-Digest", name.as_str()))
}
