//! Locates groups of digests in S3, and mounts their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::delivered::delivered_below;
use super::dividing::DividedFolder;
use super::homes::Homes;
use super::left_out::LeftOut;
use super::mounts::{account_tree, folder_of, tree_at, unknown_tree};
use super::sample::{AWS_LOGS, Base, DIGESTS, DigestGroup, DigestSample, KnownDepth, root_of};
use super::search::{GroupId, Searched};
use super::unknown::UnknownFolder;
use super::votes::{bases_of, best_base, is_named, votes_of};
use super::{Judge, Tree};
use crate::ident::{LogFolder, is_region};
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

/// Locates all groups, the best known first.
pub(super) fn locate(
    files: &Arc<dyn CopyFiles>,
    searched: &Searched,
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> Located {
    let mut located = Located::default();
    located.loose_digests.clone_from(&searched.misplaced.digests);
    for (id, group) in &searched.groups {
        let is_whole = id.depth == KnownDepth::Whole;
        let samples: Vec<&DigestSample> = group.samples.iter().collect();
        samples.iter().for_each(|sample| homes.note_sample(sample));
        if is_whole && group.accounts.is_empty() && is_prefix(id, searched) {
            continue;
        }
        if is_whole && samples.is_empty() {
            let accounts = group.accounts_to_place();
            let chains = group.chains_by_account();
            located.unknown.push(UnknownFolder { above: id.above.clone(), accounts, chains });
        }
        let mut mounting = Mounting { files, judge, homes: &mut *homes, located: &mut located };
        let found = match id.depth {
            KnownDepth::Whole => mounting.whole_trees(id, group, &samples),
            KnownDepth::Day | KnownDepth::Name => {
                mounting.other_trees(id, &group.digests, &samples, searched)
            }
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
    inside.push(AWS_LOGS.to_owned());
    let mut whole = searched.groups.keys().filter(|other| other.depth == KnownDepth::Whole);
    whole.any(|other| other.above.starts_with(&inside))
}

/// Mounts the folders of a copy.
pub(super) struct Mounting<'m> {
    pub(super) files: &'m Arc<dyn CopyFiles>,
    pub(super) judge: &'m Judge<'m>,
    pub(super) homes: &'m mut Homes,
    pub(super) located: &'m mut Located,
}

impl Mounting<'_> {
    /// Mounts an `AWSLogs` folder: whole if the digests of all accounts agree, otherwise each account on its own, and an
    /// account with the files of several buckets once for each.
    fn whole_trees(&mut self, id: &GroupId, group: &DigestGroup, samples: &[&DigestSample]) -> Vec<Tree> {
        let folder = folder_of(self.files, &id.above);
        let is_named = |base: &Base| is_named(&folder, &id.above, &root_of(base));
        let mut accounts: BTreeMap<Vec<String>, Vec<&DigestSample>> = BTreeMap::new();
        for sample in samples {
            accounts.entry(sample.account()).or_default().push(sample);
        }
        let accounts: BTreeMap<Vec<String>, AccountBases> = accounts
            .into_iter()
            .map(|(account, samples)| (account, AccountBases::of(&samples, &is_named)))
            .collect();
        // The places of the `AWSLogs` folder; `None` for an account that lies in another folder than its digests record.
        let roots = accounts
            .iter()
            .flat_map(|(segments, account)| account.all().map(|base| root_above(base, segments)));
        let roots: Vec<Option<Base>> = roots.collect::<BTreeSet<_>>().into_iter().collect();
        match roots.as_slice() {
            [] => return vec![unknown_tree(self.files, &id.above)],
            [Some(root)] => return vec![tree_at(self.files, &id.above, root, true)],
            _ => {}
        }
        // The bucket that the folder is called like has the accounts without digests.
        let beside = |segments: &[String]| {
            accounts
                .iter()
                .find_map(|(known, account)| sibling_of(account.stands_for.as_ref()?, known, segments))
        };
        let mut trees = Vec::new();
        for segments in &group.accounts {
            let account = accounts.get(segments);
            let bases: BTreeSet<&Base> = account.into_iter().flat_map(AccountBases::all).collect();
            match (account, bases.first().map(|base| (*base).clone()).or_else(|| beside(segments))) {
                (Some(account), _) if bases.len() > 1 => {
                    trees.extend(self.divided_account(&id.above, segments, account, &is_named));
                }
                (_, Some(base)) => trees.push(account_tree(self.files, &id.above, segments, &base, None)),
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
        let dir = folder_of(self.files, above).join(AWS_LOGS).join(segments.join("/"));
        let mut divided = DividedFolder::default();
        let mut regions = BTreeMap::new();
        for (region, bases) in &account.regions {
            let mut parts: BTreeSet<PartNumber> =
                bases.iter().filter_map(|base| divided.part(base)).collect();
            let mut main = parts.first().copied();
            let (mut ends, mut log_regions) = (BTreeMap::new(), BTreeMap::new());
            if parts.len() > 1 {
                let digests = dir.join(DIGESTS).join(region);
                let found = delivered_below(&**self.files, &digests);
                self.located.skipped.extend(found.skipped);
                let votes = divided.read(self.files, &found.digests, &dir, self.judge, self.homes);
                parts.extend(votes.keys());
                ends = std::mem::take(&mut divided.digests);
                log_regions = std::mem::take(&mut divided.log_regions);
                main = divided.likeliest(&votes, is_named).or(main);
            }
            regions.insert(region.clone(), RegionParts { parts, main, digests: ends, log_regions });
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
        let kinds = LogFolder::ALL.iter().map(|logs| logs.as_str()).chain([DIGESTS]);
        let entries = kinds.flat_map(|kind| self.files.entries(&dir.join(kind)).into_iter().flatten());
        let folders = entries.filter(|entry| entry.kind == FileKind::Folder);
        folders.map(|entry| key_segment(&entry.name)).filter(|name| is_region(name)).collect()
    }

    pub(super) fn note_limit(&mut self, divided: &DividedFolder, dir: &Path) {
        if divided.is_over {
            let why = "the folder has the files of several buckets, and more than can be told apart";
            self.located.skipped.push(LeftOut::new(dir, why));
        }
    }
}

/// The full path of the folder above `AWSLogs`, if an account with the full path `base` lies below in the folders
/// `segments` of the copy.
fn root_above(base: &Base, segments: &[String]) -> Option<Base> {
    let root = root_of(base);
    let below = base.get(root.len() + 1..).unwrap_or_default();
    (below == segments).then_some(root)
}

/// The full path of the account in the folders `segments`, beside the account in the folders `known` with the full path
/// `base`.
fn sibling_of(base: &Base, known: &[String], segments: &[String]) -> Option<Base> {
    let (account, folders) = segments.split_last()?;
    let mut sibling = match known.split_last().is_some_and(|(_, beside)| beside == folders) {
        true => base.split_last()?.1.to_vec(),
        false => {
            let aws_logs = std::iter::once(AWS_LOGS.to_owned());
            root_of(base).into_iter().chain(aws_logs).chain(folders.iter().cloned()).collect()
        }
    };
    sibling.push(account.clone());
    Some(sibling)
}

/// The bases of an account's digests in an `AWSLogs` folder: full paths of the account's folder.
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
pub(super) fn shares_of(shared: SharedFolder, bases: &[Base]) -> impl Iterator<Item = (&Base, FolderShare)> {
    let folder = Arc::new(shared);
    bases.iter().zip(0..).map(move |(base, part)| (base, FolderShare { folder: Arc::clone(&folder), part }))
}
