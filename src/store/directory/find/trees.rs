//! Locates groups of digests in S3, and mounts their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::loose::Homes;
use super::search::{
    DigestGroup, DigestSample, GroupId, KnownDepth, Searched, base_of, chain_part, delivered_below,
};
use super::{Judge, Tree, open_file};
use crate::ident::DeliveredName;
use crate::store::Object;
use crate::store::directory::mount::Mount;
use crate::store::directory::names::key_segment;
use crate::store::files::CopyFiles;

/// The located groups.
#[derive(Default)]
pub(super) struct Located {
    pub(super) trees: Vec<Tree>,
    /// `AWSLogs` folders without a usable digest, with their accounts. Their trees have the folder's name as the
    /// bucket's name.
    unknown: Vec<UnknownFolder>,
    /// Digests in no folder of S3's, to be placed one by one.
    pub(super) loose_digests: Vec<PathBuf>,
    /// Log files of accounts whose trails deliver to several buckets, in one folder.
    pub(super) mixed_logs: Vec<PathBuf>,
    /// Folders that were left out, and the reasons.
    pub(super) skipped: Vec<(PathBuf, String)>,
}

/// The path segments above an `AWSLogs` folder, and its accounts with log files.
type UnknownFolder = (Vec<String>, BTreeSet<Vec<String>>);

/// A full path `[BUCKET, KEY…]` of a folder in S3.
type Base = Vec<String>;

/// A sample with its recorded location.
struct LocatedSample {
    sample: DigestSample,
    base: Base,
    proved: bool,
}

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
        let samples =
            group.samples.iter().filter(|sample| id.depth == KnownDepth::Whole || !is_inside(&sample.path));
        let samples = judge_samples(files, samples, judge, homes);
        if id.depth == KnownDepth::Whole && group.accounts.is_empty() && is_prefix(id, searched) {
            continue;
        }
        if id.depth == KnownDepth::Whole && samples.is_empty() {
            located.unknown.push((id.above.clone(), group.log_accounts.clone()));
        }
        let found = match id.depth {
            KnownDepth::Whole => locate_whole(files, id, group, &samples, &mut located),
            KnownDepth::Day | KnownDepth::Name => {
                let is_mixed = id.depth == KnownDepth::Name && is_mixed(&digests, searched);
                match agreed_base(&samples).filter(|_| !is_mixed) {
                    Some(base) => vec![tree_at(files, &id.above, &base, false)],
                    None => {
                        located.loose_digests.extend(digests);
                        Vec::new()
                    }
                }
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

/// Reads the samples again, together: a sample may hold the signature of another.
fn judge_samples<'s>(
    files: &Arc<dyn CopyFiles>,
    samples: impl Iterator<Item = &'s DigestSample>,
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> Vec<LocatedSample> {
    let read = |sample: &DigestSample| open_file(files, &sample.path).map(|object| (sample.clone(), object));
    let (samples, objects): (Vec<DigestSample>, Vec<Object>) = samples.filter_map(read).unzip();
    let mut located = Vec::new();
    for (sample, recorded) in samples.into_iter().zip(judge(objects)) {
        let Some(recorded) = recorded else { continue };
        if let Some((base, proved)) = base_of(&sample, &recorded) {
            homes.note(&recorded.location);
            located.push(LocatedSample { sample, base, proved });
        }
    }
    located
}

/// Mounts an `AWSLogs` folder: whole if the digests of all accounts agree, otherwise each account on its own.
fn locate_whole(
    files: &Arc<dyn CopyFiles>,
    id: &GroupId,
    group: &DigestGroup,
    samples: &[LocatedSample],
    located: &mut Located,
) -> Vec<Tree> {
    // Each chain votes on its own: buckets may have been replicated into one.
    let chain_bases = bases_by(samples, account_and_chain, &id.above);
    let mut bases: BTreeMap<&[String], (&Base, bool)> = BTreeMap::new();
    let mut mixed: BTreeSet<&[String]> = BTreeSet::new();
    let mut votes: BTreeMap<&Base, usize> = BTreeMap::new();
    // Proved chains first: a forged digest must not tear its account apart.
    let mut in_order: Vec<_> = chain_bases.iter().collect();
    in_order.sort_by_key(|(_, (_, proved))| !proved);
    for ((account, _), (base, proved)) in in_order {
        match bases.get(account.as_slice()) {
            Some((own, is_proved)) if *own != base && (*proved || !is_proved) => {
                mixed.insert(account);
            }
            Some(_) => {}
            None => drop(bases.insert(account, (base, *proved))),
        }
    }
    for (base, _) in bases.values() {
        *votes.entry(base).or_default() += 1;
    }
    let is_whole = votes.len() == 1 && mixed.is_empty();
    // Of equal votes the smallest path wins, so that the result is repeatable.
    let best = votes.iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
    let Some((&main, _)) = best else { return vec![unknown_tree(files, &id.above)] };
    if is_whole {
        return vec![tree_at(files, &id.above, main, true)];
    }
    let folder: PathBuf = id.above.iter().fold(files.root().to_owned(), |dir, part| dir.join(part));
    let mut trees = Vec::new();
    for segments in &group.accounts {
        let base = bases.get(segments.as_slice()).map_or(main, |(base, _)| base);
        let below: PathBuf = std::iter::once("AWSLogs").chain(segments.iter().map(String::as_str)).collect();
        let dir = folder.join(&below);
        if mixed.contains(segments.as_slice()) {
            let found = delivered_below(&**files, &dir);
            located.loose_digests.extend(found.digests);
            located.mixed_logs.extend(found.logs);
            located.skipped.extend(found.skipped);
            continue;
        }
        let full = format!("{}/AWSLogs/{}", base.join("/"), segments.join("/"));
        let (bucket, prefix) = split_base(base, true);
        let holder = Some(holder(&folder, &prefix));
        let mount = Mount::new(Arc::clone(files), dir.clone(), full);
        trees.push(Tree { mount, bucket, prefix, renamed: Some(dir), holder });
    }
    trees
}

/// The folders of a sample's account below `AWSLogs/`, and the sample's chain.
fn account_and_chain(sample: &DigestSample) -> (Vec<String>, String) {
    let folders = sample.tail.iter().skip(1).take_while(|segment| *segment != "CloudTrail-Digest");
    let chain = sample.tail.last().map(|name| chain_part(name)).unwrap_or_default();
    (folders.cloned().collect(), chain.to_owned())
}

/// The base that all chains of a group agree on.
fn agreed_base(samples: &[LocatedSample]) -> Option<Base> {
    let all = bases_by(samples, account_and_chain, &[]).into_values();
    let bases: BTreeSet<Base> = all.map(|(base, _)| base).collect();
    match bases.len() {
        1 => bases.into_iter().next(),
        _ => None,
    }
}

/// The likeliest base of each part of the samples. A proved sample decides, then a sample whose bucket has the
/// folder's name, then the majority of the samples. The flag tells whether a sample is proved.
fn bases_by<P: Ord>(
    samples: &[LocatedSample],
    part: impl Fn(&DigestSample) -> P,
    above: &[String],
) -> BTreeMap<P, (Base, bool)> {
    let mut votes: BTreeMap<P, BTreeMap<&Base, (bool, bool, usize)>> = BTreeMap::new();
    for LocatedSample { sample, base, proved } in samples {
        let is_named = base.first() == above.first() && !above.is_empty();
        let vote = votes.entry(part(sample)).or_default().entry(base).or_default();
        *vote = (vote.0 || *proved, is_named, vote.2 + 1);
    }
    let best = |votes: BTreeMap<&Base, (bool, bool, usize)>| {
        let best = votes.into_iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
        best.map(|(base, (proved, ..))| (base.clone(), proved))
    };
    votes.into_iter().filter_map(|(part, votes)| Some((part, best(votes)?))).collect()
}

/// Mounts the folder `above` at `base`; `is_whole` if `AWSLogs/` lies in the folder.
fn tree_at(files: &Arc<dyn CopyFiles>, above: &[String], base: &Base, is_whole: bool) -> Tree {
    // Trailing names that are equal in the copy and in S3 stay below the mount; the mount covers the differing part.
    let shared = above.iter().rev().zip(base.iter().rev()).take_while(|(one, other)| one == other).count();
    let differing = above.iter().take(above.len() - shared);
    let dir: PathBuf = differing.fold(files.root().to_owned(), |dir, part| dir.join(part));
    let mount_base = base.get(..base.len() - shared).unwrap_or_default().join("/");
    let (bucket, prefix) = split_base(base, is_whole);
    let renamed = (!above.is_empty() && shared == 0).then(|| dir.clone());
    let folder: PathBuf = above.iter().fold(files.root().to_owned(), |dir, part| dir.join(part));
    let holder = is_whole.then(|| holder(&folder, &prefix));
    Tree { mount: Mount::new(Arc::clone(files), dir, mount_base), bucket, prefix, renamed, holder }
}

/// The folder that stands for the bucket, above the trail's prefix if the copy has the prefix.
fn holder(folder: &Path, prefix: &str) -> PathBuf {
    match folder.ends_with(prefix) {
        true => folder.iter().take(folder.iter().count() - Path::new(prefix).iter().count()).collect(),
        false => folder.to_owned(),
    }
}

/// The bucket, and the folder above `AWSLogs/`. The whole base is above it if `is_above`.
fn split_base(base: &Base, is_above: bool) -> (String, String) {
    let (bucket, key) = base.split_first().map(|(bucket, key)| (bucket.clone(), key)).unwrap_or_default();
    let own = key.iter().rposition(|segment| segment == "AWSLogs").filter(|_| !is_above);
    let known = own.unwrap_or(key.len());
    (bucket, key.iter().take(known).map(|segment| format!("{segment}/")).collect())
}

/// The located trees. A folder without a usable digest is placed by the digests of its accounts in other folders.
pub(super) fn with_unknown(files: &Arc<dyn CopyFiles>, located: Located, homes: &Homes) -> Vec<Tree> {
    let Located { mut trees, unknown, .. } = located;
    let is_known = |tree: &Tree| unknown.iter().all(|(above, _)| *tree != unknown_tree(files, above));
    let known: Vec<Tree> = trees.iter().filter(|tree| is_known(tree)).cloned().collect();
    for (above, accounts) in &unknown {
        let placed_by_folder = unknown_tree(files, above);
        let folder: PathBuf = above.iter().fold(files.root().to_owned(), |dir, part| dir.join(part));
        // A folder inside a bucket has its place there.
        let outer = known.iter().find(|tree| tree.holder.as_ref().is_some_and(|h| folder.starts_with(h)));
        if let Some((outer, full)) = outer.and_then(|outer| Some((outer, outer.mount.full_path_of(&folder)?)))
        {
            let (bucket, prefix) = full.split_once('/').unwrap_or((&full, ""));
            let slash = if prefix.is_empty() { "" } else { "/" };
            trees.retain(|tree| *tree != placed_by_folder);
            trees.push(Tree {
                bucket: bucket.to_owned(),
                prefix: format!("{prefix}{slash}"),
                ..outer.clone()
            });
            continue;
        }
        let homes = accounts.iter().filter_map(|segments| homes.of_account(segments.last()?));
        let bases: BTreeSet<Base> = homes
            .map(|home| format!("{}/{}", home.bucket, home.root))
            .map(|full| full.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect())
            .collect();
        // Accounts of several buckets in one folder without digests stay unknown.
        if let (1, Some(base)) = (bases.len(), bases.first()) {
            trees.retain(|tree| *tree != placed_by_folder);
            trees.push(tree_at(files, above, base, true));
        }
    }
    trees
}

/// Builds a tree without a readable digest: the name of the folder is used as the bucket's name.
fn unknown_tree(files: &Arc<dyn CopyFiles>, above: &[String]) -> Tree {
    let root = files.root();
    let mount = |base: String| Mount::new(Arc::clone(files), root, base);
    match above.split_first() {
        Some((bucket, rest)) => Tree {
            mount: mount(String::new()),
            bucket: bucket.clone(),
            prefix: rest.iter().map(|segment| format!("{segment}/")).collect(),
            renamed: None,
            holder: Some(root.join(bucket)),
        },
        None => {
            let bucket = name_of_root(files);
            let (prefix, holder) = (String::new(), Some(root.to_owned()));
            Tree { mount: mount(bucket.clone()), bucket, prefix, renamed: None, holder }
        }
    }
}

/// The name of the copy's folder, for a bucket whose name is unknown.
fn name_of_root(files: &Arc<dyn CopyFiles>) -> String {
    files.root().file_name().map_or_else(|| "directory".to_owned(), key_segment)
}
