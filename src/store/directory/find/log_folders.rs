//! Mounts folders with log files and without digests, by the digests of their accounts in other folders and copies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tree;
use super::delivered::delivered_below;
use super::homes::{Home, Homes};
use super::left_out::LeftOut;
use super::loose::{self, Homeless};
use super::search::LogRegionFolder;
use crate::ident::name_before_inflating;
use crate::store::directory::mount::Mount;
use crate::store::directory::names::key_segment;
use crate::store::directory::shared::{FolderShare, LogRegion, PartNumber, SharedFolder, hash_of};
use crate::store::files::{CopyFiles, FileKind};

/// Log files in folders of a region and days.
#[derive(Default)]
pub(super) struct MountedLogs {
    pub(super) trees: Vec<Tree>,
    /// Log files of folders that hold more than the log files of one region of an account.
    pub(super) loose: Vec<PathBuf>,
    pub(super) skipped: Vec<LeftOut>,
}

/// Mounts folders with the log files of a region in folders of days, where the folders above were renamed.
/// `has_digests` tells which of the folders also hold digests.
pub(super) fn mount_log_folders(
    files: &Arc<dyn CopyFiles>,
    found: &BTreeSet<LogRegionFolder>,
    has_digests: &dyn Fn(&Path) -> bool,
    trees: &[Tree],
    homes: &Homes,
    homeless: &mut Homeless,
) -> MountedLogs {
    let mut folders: BTreeMap<&Path, Vec<&LogRegionFolder>> = BTreeMap::new();
    for folder in found {
        folders.entry(&folder.dir).or_default().push(folder);
    }
    let mut mounted = MountedLogs::default();
    for (dir, kinds) in folders {
        let place = trees
            .iter()
            .find_map(|tree| tree.mount.full_path_of(dir).filter(|_| loose::is_in_log_folder(tree, dir)));
        match kinds.as_slice() {
            // A tree shows the folder in its place.
            [folder] if place.as_ref().is_some_and(|place| folder.is_at(place)) => {}
            [folder] if place.is_none() && !has_digests(dir) && !has_place(files, trees, folder, homes) => {
                match homes.of_account(&folder.account).as_slice() {
                    [] => *homeless.entry((dir.to_owned(), folder.account.clone())).or_default() += 1,
                    homes_of => mounted.trees.extend(mount(files, folder, homes_of, homes)),
                }
            }
            _ => {
                let below = delivered_below(&**files, dir);
                mounted.loose.extend(below.logs);
                mounted.skipped.extend(below.skipped);
            }
        }
    }
    mounted
}

/// Whether a tree has the folder in which the log files of a folder were delivered. A log file in another folder was moved
/// or added, and its own folder stands for it.
fn has_place(files: &Arc<dyn CopyFiles>, trees: &[Tree], found: &LogRegionFolder, homes: &Homes) -> bool {
    let homes_of = homes.of_account(&found.account);
    let mut places = homes_of.iter().flat_map(|home| {
        let folder = home.region_folder(&found.account, &found.region);
        let full = format!("{}/{}", folder.bucket, folder.log_prefix_in(found.logs));
        let dirs = trees.iter().filter(|tree| tree.holds(&found.dir));
        dirs.filter_map(move |tree| tree.mount.dir_of(full.trim_end_matches('/'))).collect::<Vec<_>>()
    });
    places.any(|dir| files.facts(&dir).is_ok_and(|found| found.kind == FileKind::Folder))
}

/// Mounts a folder once for each home of its account.
fn mount(
    files: &Arc<dyn CopyFiles>,
    found: &LogRegionFolder,
    homes_of: &[&Home],
    homes: &Homes,
) -> Vec<Tree> {
    let logs = LogRegion { logs: found.logs, region: found.region.clone() };
    let mut shares = shares_by_logs(files, (&found.dir, Some(logs)), &found.account, homes).into_iter();
    let tree = |home: &&Home| {
        let folder = home.region_folder(&found.account, &found.region);
        let prefix = folder.log_prefix_in(found.logs);
        let base = format!("{}/{}", folder.bucket, prefix.trim_end_matches('/'));
        Tree {
            mount: Mount { share: shares.next(), ..Mount::new(Arc::clone(files), found.dir.clone(), base) },
            bucket: folder.bucket.to_string(),
            prefix: folder.root.to_string(),
            renamed: None,
            holder: None,
        }
    };
    homes_of.iter().map(tree).collect()
}

/// The shares of the homes in a folder of log files: each log file belongs to the home where a digest lists it, and to
/// the likeliest home at its time if none does. `dir` is an account's folder, or the given log folder of a region. Empty
/// for a single home, which has the whole folder.
pub(super) fn shares_by_logs(
    files: &Arc<dyn CopyFiles>,
    (dir, logs): (&Path, Option<LogRegion>),
    account: &str,
    homes: &Homes,
) -> Vec<FolderShare> {
    let homes_of = homes.of_account(account);
    if homes_of.len() < 2 {
        return Vec::new();
    }
    let mut owners: HashMap<u64, PartNumber> = HashMap::new();
    for path in delivered_below(&**files, dir).logs {
        let name = path.file_name().map(key_segment).unwrap_or_default();
        let name = name_before_inflating(&name).unwrap_or(name);
        let home = homes.of_log(&name).and_then(|home| homes_of.iter().position(|known| *known == home));
        if let Some(part) = home.and_then(|part| PartNumber::try_from(part).ok()) {
            owners.insert(hash_of(&name), part);
        }
    }
    let folder = SharedFolder {
        dir: dir.to_owned(),
        owners,
        logs,
        rest: homes.parts_of(account, &homes_of),
        ..SharedFolder::default()
    };
    let folder = Arc::new(folder);
    homes_of.iter().zip(0..).map(|(_, part)| FolderShare { folder: Arc::clone(&folder), part }).collect()
}

/// Gives log files of shared account folders to the part in which the digests of other folders and copies list them.
pub(super) fn tell_apart_by_others(files: &Arc<dyn CopyFiles>, trees: &[Tree], homes: &Homes) {
    for tree in trees {
        let Some(share) =
            tree.mount.share.as_ref().filter(|share| share.folder.known_elsewhere.get().is_none())
        else {
            continue;
        };
        let is_same = |other: &&Tree| {
            other.mount.share.as_ref().is_some_and(|other| Arc::ptr_eq(&other.folder, &share.folder))
        };
        let parts: BTreeMap<&str, PartNumber> = trees
            .iter()
            .filter(is_same)
            .filter_map(|tree| Some((tree.mount.base.as_str(), tree.mount.share.as_ref()?.part)))
            .collect();
        let mut known = HashMap::new();
        for path in delivered_below(&**files, &share.folder.dir).logs {
            let name = path.file_name().map(key_segment).unwrap_or_default();
            let name = name_before_inflating(&name).unwrap_or(name);
            let part = homes.account_folder_of_log(&name).and_then(|folder| parts.get(folder.as_str()));
            if let Some(part) = part.filter(|_| !share.folder.owners.contains_key(&hash_of(&name))) {
                known.insert(hash_of(&name), *part);
            }
        }
        share.folder.known_elsewhere.get_or_init(|| known);
    }
}
