//! Locates groups of digests in S3, and mounts their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dividing::DividedFolder;
use super::homes::Homes;
use super::left_out::LeftOut;
use super::mounts::{account_tree, folder_of, folder_tree, tree_at, unknown_tree};
use super::sample::{Base, DigestGroup, DigestSample, KnownDepth};
use super::search::{GroupId, Searched, delivered_below};
use super::votes::{bases_of, best_base, is_named, votes_of};
use super::{Judge, Tree};
use crate::ident::{DeliveredName, LogFolder, is_region};
use crate::store::directory::names::key_segment;
use crate::store::directory::shared::{FolderShare, PartNumber, RegionParts, SharedFolder};
use crate::store::files::{CopyFiles, FileKind};

/// The located groups.
#[derive(Default)]
pub(super) struct Located {
    pub(super) trees: Vec<Tree>,
    /// `AWSLogs` folders without a usable digest, with their accounts. Their trees have the folder's name as the
    /// bucket's name.
    pub(super) unknown: Vec<UnknownFolder>,
    /// Digests in no folder of S3's, to be placed one by one.
    pub(super) loose_digests: Vec<PathBuf>,
    /// Accounts without a usable digest beside the accounts of several buckets: the path segments above the `AWSLogs`
    /// folder, and below it.
    pub(super) unplaced: Vec<(Vec<String>, Vec<String>)>,
    /// Folders that were left out.
    pub(super) skipped: Vec<LeftOut>,
}

/// The path segments above an `AWSLogs` folder, and its accounts with log files.
type UnknownFolder = (Vec<String>, BTreeSet<Vec<String>>);

/// Locates all groups, the best known first.
pub(super) fn locate(
    files: &Arc<dyn CopyFiles>,
    searched: &Searched,
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> Located {
    let mut located = Located::default();
    for (id, group) in &searched.groups {
        let is_inside = |path: &Path| located.trees.iter().any(|tree| tree.holds(path));
        // A digest in another folder of a located tree was moved there, and must not stand for the tree's own.
        let digests = group.digests.iter().filter(|path| !is_inside(path)).cloned().collect::<Vec<_>>();
        if id.depth != KnownDepth::Whole && digests.is_empty() {
            continue;
        }
        let is_own = |sample: &&DigestSample| id.depth == KnownDepth::Whole || !is_inside(&sample.path);
        let samples: Vec<&DigestSample> = group.samples.iter().filter(is_own).collect();
        samples.iter().for_each(|sample| homes.note(&sample.recorded, sample.proved));
        if id.depth == KnownDepth::Whole && group.accounts.is_empty() && is_prefix(id, searched) {
            continue;
        }
        if id.depth == KnownDepth::Whole && samples.is_empty() {
            located.unknown.push((id.above.clone(), group.log_accounts.clone()));
        }
        let mut mounting = Mounting { files, judge, homes: &mut *homes, located: &mut located };
        let found = match id.depth {
            KnownDepth::Whole => mounting.whole_trees(id, group, &samples),
            KnownDepth::Day | KnownDepth::Name => mounting.partial_trees(id, digests, &samples, searched),
        };
        for tree in found {
            if !located.trees.contains(&tree) {
                located.trees.push(tree);
            }
        }
    }
    located
}

/// Whether an `AWSLogs` folder is a part of a trail's prefix: a tree lies below it.
fn is_prefix(id: &GroupId, searched: &Searched) -> bool {
    let mut inside = id.above.clone();
    inside.push("AWSLogs".to_owned());
    let mut whole = searched.groups.keys().filter(|other| other.depth == KnownDepth::Whole);
    whole.any(|other| other.above.starts_with(&inside))
}

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
    region.parent().is_some_and(|above| above.ends_with("CloudTrail-Digest"))
}

/// Mounts the folders of a copy.
struct Mounting<'m> {
    files: &'m Arc<dyn CopyFiles>,
    judge: &'m Judge<'m>,
    homes: &'m mut Homes,
    located: &'m mut Located,
}

impl Mounting<'_> {
    /// Mounts an `AWSLogs` folder: whole if the digests of all accounts agree, otherwise each account on its own, and an
    /// account with the files of several buckets once for each.
    fn whole_trees(&mut self, id: &GroupId, group: &DigestGroup, samples: &[&DigestSample]) -> Vec<Tree> {
        let folder = folder_of(self.files, &id.above);
        let is_named = |base: &Base| is_named(&folder, &id.above, base);
        let mut accounts: BTreeMap<Vec<String>, Vec<&DigestSample>> = BTreeMap::new();
        for sample in samples {
            accounts.entry(sample.account()).or_default().push(sample);
        }
        let accounts: BTreeMap<Vec<String>, AccountBases> = accounts
            .into_iter()
            .map(|(account, samples)| (account, AccountBases::of(&samples, &is_named)))
            .collect();
        let bases: BTreeSet<&Base> = accounts.values().flat_map(AccountBases::all).collect();
        match (bases.len(), bases.first()) {
            (0, _) | (_, None) => return vec![unknown_tree(self.files, &id.above)],
            (1, Some(base)) => return vec![tree_at(self.files, &id.above, base, true)],
            _ => {}
        }
        // The bucket that the folder is called like has the accounts without digests.
        let stands_for = accounts.values().find_map(|account| account.stands_for.as_ref());
        let mut trees = Vec::new();
        for segments in &group.accounts {
            let account = accounts.get(segments);
            let bases: BTreeSet<&Base> = account.into_iter().flat_map(AccountBases::all).collect();
            match (account, bases.first().copied().or(stands_for)) {
                (Some(account), _) if bases.len() > 1 => {
                    trees.extend(self.divided_account(&id.above, segments, account, &is_named));
                }
                (_, Some(base)) => trees.push(account_tree(self.files, &id.above, segments, base, None)),
                (_, None) => self.located.unplaced.push((id.above.clone(), segments.clone())),
            }
        }
        trees
    }

    /// Mounts an account's folder once for each part of S3 that it holds.
    fn divided_account(
        &mut self,
        above: &[String],
        segments: &[String],
        account: &AccountBases,
        is_named: &dyn Fn(&Base) -> bool,
    ) -> Vec<Tree> {
        let folder = folder_of(self.files, above);
        let below = format!("AWSLogs/{}/", segments.join("/"));
        let dir = folder.join(below.trim_end_matches('/'));
        let mut divided = DividedFolder::default();
        let mut regions = BTreeMap::new();
        for (region, bases) in &account.regions {
            let mut parts: BTreeSet<PartNumber> =
                bases.iter().filter_map(|base| divided.part(base)).collect();
            let mut main = parts.first().copied();
            let mut ends = BTreeMap::new();
            if parts.len() > 1 {
                let digests = dir.join("CloudTrail-Digest").join(region);
                let found = delivered_below(&**self.files, &digests);
                self.located.skipped.extend(found.skipped);
                let place = (folder.as_path(), below.as_str());
                let votes = divided.read(self.files, &found.digests, place, self.judge, self.homes);
                parts.extend(votes.keys());
                ends = std::mem::take(&mut divided.digests);
                main = divided.likeliest(&votes, is_named).or(main);
            }
            regions.insert(region.clone(), RegionParts { parts, main, digests: ends });
        }
        let main = divided.part(&account.likeliest);
        // 2. Regions without a digest are the bucket's that the folder is called like, or nobody knows whose they are.
        for region in self.regions_of(&dir) {
            if regions.contains_key(&region) {
                continue;
            }
            let main = main.filter(|_| account.stands_for.is_some());
            regions.insert(region.clone(), RegionParts::of(main));
            if main.is_none() {
                let account = segments.last().map(String::as_str);
                self.located.skipped.push(LeftOut::of_region(&dir, account, &region));
            }
        }
        self.note_limit(&divided, &dir);
        let bases = divided.bases.clone();
        let owners = divided.owners();
        let shared =
            SharedFolder { dir, owners, regions, rest: RegionParts::of(main), ..SharedFolder::default() };
        let shares = shares_of(shared, &bases);
        shares.map(|(base, share)| account_tree(self.files, above, segments, base, Some(share))).collect()
    }

    /// Names of the regions in an account's folder.
    fn regions_of(&self, dir: &Path) -> BTreeSet<String> {
        let kinds = LogFolder::ALL.iter().map(|logs| logs.as_str()).chain(["CloudTrail-Digest"]);
        let entries = kinds.flat_map(|kind| self.files.entries(&dir.join(kind)).into_iter().flatten());
        let folders = entries.filter(|entry| entry.kind == FileKind::Folder);
        folders.map(|entry| key_segment(&entry.name)).filter(|name| is_region(name)).collect()
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
        match (bases.len(), bases.first()) {
            (1, Some(base)) if !is_mixed => vec![tree_at(self.files, &id.above, base, false)],
            (2.., _) if id.depth == KnownDepth::Day && !is_mixed => {
                let mut divided = DividedFolder::of(bases);
                let votes = divided.read(self.files, &digests, (&folder, ""), self.judge, self.homes);
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

    fn note_limit(&mut self, divided: &DividedFolder, dir: &Path) {
        if divided.is_over {
            let why = "the folder has the files of several buckets, and more than can be told apart";
            self.located.skipped.push(LeftOut::new(dir, why));
        }
    }
}

/// The bases of an account's digests in an `AWSLogs` folder.
struct AccountBases {
    regions: BTreeMap<String, BTreeSet<Base>>,
    /// The likeliest base.
    likeliest: Base,
    /// The likeliest base, if the folder is called like its bucket.
    stands_for: Option<Base>,
}

impl AccountBases {
    fn of(samples: &[&DigestSample], is_named: &dyn Fn(&Base) -> bool) -> Self {
        let votes = votes_of(samples.iter().copied());
        let likeliest = best_base(&votes, is_named).unwrap_or_default();
        let stands_for = Some(likeliest.clone()).filter(is_named);
        let mut by_region: BTreeMap<String, Vec<&DigestSample>> = BTreeMap::new();
        for sample in samples {
            by_region.entry(sample.region().to_owned()).or_default().push(sample);
        }
        let bases = |(region, samples): (String, Vec<&DigestSample>)| {
            (region, bases_of(&samples, stands_for.as_ref()))
        };
        let regions = by_region.into_iter().map(bases).collect();
        Self { regions, likeliest, stands_for }
    }

    fn all(&self) -> impl Iterator<Item = &Base> {
        self.regions.values().flatten()
    }
}

/// The shares of a folder, with the base of each.
fn shares_of(shared: SharedFolder, bases: &[Base]) -> impl Iterator<Item = (&Base, FolderShare)> {
    let folder = Arc::new(shared);
    bases.iter().zip(0..).map(move |(base, part)| (base, FolderShare { folder: Arc::clone(&folder), part }))
}
