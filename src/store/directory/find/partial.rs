//! Mounts folders without `AWSLogs/`: parts of S3, and folders that were renamed or moved in the copy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Tree;
use super::dividing::DividedFolder;
use super::mounts::{displaced_tree, folder_of, folder_tree, tree_at};
use super::sample::{Base, DIGESTS, DigestSample, KnownDepth};
use super::search::{GroupId, Searched};
use super::trees::{Mounting, shares_of};
use super::votes::{bases_of, is_named};
use crate::ident::{DeliveredName, DigestKey};
use crate::store::directory::names::key_segment;
use crate::store::directory::shared::{RegionParts, SharedFolder};
use crate::store::files::FileKind;

/// Whether a folder that is known by the names of its files alone holds files of several folders of S3.
fn is_mixed(digests: &[PathBuf], searched: &Searched) -> bool {
    let names = digests.iter().filter_map(|path| path.file_name().map(key_segment));
    let folder = |name: String| {
        let DeliveredName { account, region, time, .. } = DeliveredName::parse(&name)?;
        Some((account.to_owned(), region.to_owned(), time.day_folder()))
    };
    let folders: BTreeSet<_> = names.filter_map(folder).collect();
    let mut holding = digests.iter().filter_map(|path| path.parent());
    folders.len() > 1 || holding.any(|folder| searched.loose_log_folders.contains(folder))
}

/// Whether digests lie beside log files, in folders of days: the folders above are not those of S3.
fn lie_beside_logs(digests: &[PathBuf], searched: &Searched) -> bool {
    let log_regions: BTreeSet<&Path> = searched
        .log_folders
        .iter()
        .map(|folder| folder.dir.as_path())
        .filter(|dir| !is_in_digests(dir))
        .collect();
    let beside = |path: &PathBuf| {
        path.parent().is_some_and(|folder| searched.loose_log_folders.contains(folder))
            || region_folder(path).is_some_and(|region| log_regions.contains(region))
    };
    digests.iter().any(beside)
}

/// The folder of a region, of a file in its folders of days.
pub(super) fn region_folder(path: &Path) -> Option<&Path> {
    path.ancestors().nth("REGION/YYYY/MM/DD".split('/').count())
}

/// Whether the folder of a region lies in a digest folder.
fn is_in_digests(region: &Path) -> bool {
    region.parent().is_some_and(|above| above.ends_with(DIGESTS))
}

impl Mounting<'_> {
    /// Mounts the folder of digests that lie in no `AWSLogs` folder, or in the wrong folder of one.
    pub(super) fn other_trees(
        &mut self,
        id: &GroupId,
        digests: &[PathBuf],
        samples: &[&DigestSample],
        searched: &Searched,
    ) -> Vec<Tree> {
        let is_inside = |path: &Path| self.located.trees.iter().any(|tree| tree.holds(path));
        let (inside, outside): (Vec<PathBuf>, Vec<PathBuf>) =
            digests.iter().cloned().partition(|path| is_inside(path));
        let is_displaced = outside.is_empty() || self.is_above_bucket(&folder_of(self.files, &id.above));
        if is_displaced {
            return self.displaced_trees(id, digests.to_vec(), samples, searched);
        }
        let samples: Vec<&DigestSample> =
            samples.iter().filter(|sample| !is_inside(&sample.path)).copied().collect();
        self.located.loose_digests.extend(inside);
        self.partial_trees(id, outside, &samples, searched)
    }

    /// Mounts a folder inside of a bucket's folder, or beside it, at the place that its digests record, unless the bucket's
    /// folder has this place: then a digest was moved or added, and its own folder stands for it.
    fn displaced_trees(
        &mut self,
        id: &GroupId,
        digests: Vec<PathBuf>,
        samples: &[&DigestSample],
        searched: &Searched,
    ) -> Vec<Tree> {
        let folder = folder_of(self.files, &id.above);
        let bases = bases_of(samples, None);
        let is_known = id.depth == KnownDepth::Day
            && !lie_beside_logs(&digests, searched)
            && !samples.iter().any(|sample| self.has_place_of(sample));
        if let (1, Some(base), true) = (bases.len(), bases.first(), is_known) {
            // The folder of the bucket lies in this folder: mount what lies beside.
            let dirs: BTreeSet<(PathBuf, Base)> = match self.is_above_bucket(&folder) {
                false => std::iter::once((folder, base.clone())).collect(),
                true => digests.iter().filter_map(|path| first_folder(&folder, base, path)).collect(),
            };
            if !dirs.iter().any(|(dir, _)| self.is_above_bucket(dir)) {
                return dirs.into_iter().map(|(dir, base)| displaced_tree(self.files, dir, &base)).collect();
            }
        }
        self.located.loose_digests.extend(digests);
        Vec::new()
    }

    /// Whether `folder` is, or holds, a folder that stands for a bucket.
    fn is_above_bucket(&self, folder: &Path) -> bool {
        let mut holders = self.located.trees.iter().filter_map(|tree| tree.holder.as_ref());
        holders.any(|holder| holder.starts_with(folder))
    }

    /// Whether a located tree has the folder of a digest's region in its place.
    fn has_place_of(&self, sample: &DigestSample) -> bool {
        let Some(DigestKey { folder, .. }) = DigestKey::parse(&sample.recorded) else { return true };
        let full = format!("{}/{}", folder.bucket, folder.digest_prefix());
        let mut dirs =
            self.located.trees.iter().filter_map(|tree| tree.mount.dir_of(full.trim_end_matches('/')));
        dirs.any(|dir| self.files.facts(&dir).is_ok_and(|found| found.kind == FileKind::Folder))
    }

    /// Mounts a folder without `AWSLogs/` once for each part of S3 that its digests name, or leaves its digests to be
    /// placed one by one.
    fn partial_trees(
        &mut self,
        id: &GroupId,
        digests: Vec<PathBuf>,
        samples: &[&DigestSample],
        searched: &Searched,
    ) -> Vec<Tree> {
        let folder = folder_of(self.files, &id.above);
        let is_named = |base: &Base| is_named(&folder, &id.above, base);
        let bases = bases_of(samples, None);
        let is_mixed = match id.depth {
            KnownDepth::Name => is_mixed(&digests, searched),
            KnownDepth::Whole | KnownDepth::Day => lie_beside_logs(&digests, searched),
        };
        let are_nested =
            bases.iter().any(|base| bases.iter().any(|other| other != base && other.starts_with(base)));
        match (bases.len(), bases.first()) {
            (2.., _) if are_nested && !is_mixed => {
                self.located.loose_digests.extend(digests);
                Vec::new()
            }
            (1, Some(base)) if !is_mixed => vec![tree_at(self.files, &id.above, base, false)],
            (2.., _) if id.depth == KnownDepth::Day && !is_mixed => {
                let mut divided = DividedFolder::of(bases);
                let votes = divided.read(self.files, &digests, &folder, self.judge, self.homes);
                let main = divided.likeliest(&votes, &is_named);
                self.note_limit(&divided, &folder);
                let bases = divided.bases.clone();
                let (dir, owners) = (folder.clone(), divided.owners());
                let shared =
                    SharedFolder { dir, owners, rest: RegionParts::of(main), ..SharedFolder::default() };
                let shares = shares_of(shared, &bases);
                shares.map(|(base, share)| folder_tree(self.files, &folder, base, share)).collect()
            }
            _ => {
                self.located.loose_digests.extend(digests);
                Vec::new()
            }
        }
    }
}

/// The folder directly below `folder` that holds the digest at `path`, and its full path.
fn first_folder(folder: &Path, base: &Base, path: &Path) -> Option<(PathBuf, Base)> {
    let first = path.strip_prefix(folder).ok()?.iter().next()?;
    let full = base.iter().cloned().chain([key_segment(first)]).collect();
    Some((folder.join(first), full))
}
