//! Folders without a usable digest: they are placed by the digests of their accounts in other folders and copies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tree;
use super::homes::{Home, Homes};
use super::left_out::LeftOut;
use super::log_folders::shares_by_logs;
use super::mounts::{account_tree, folder_of, tree_at, unknown_tree};
use super::sample::{AWS_LOGS, Base, DIGESTS};
use super::trees::Located;
use super::votes::is_named;
use crate::ident::LogFolder;
use crate::store::files::{CopyFiles, FileKind};

/// The located trees. A folder without a usable digest is placed by the digests of its accounts in other folders, and
/// left out if there are none.
pub(super) fn with_unknown(files: &Arc<dyn CopyFiles>, located: &mut Located, homes: &Homes) -> Vec<Tree> {
    let Located { trees, unknown, unplaced, skipped, loose_digests } = located;
    let mut trees = std::mem::take(trees);
    let is_known = |tree: &Tree| unknown.iter().all(|(above, _)| *tree != unknown_tree(files, above));
    let known: Vec<Tree> = trees.iter().filter(|tree| is_known(tree)).cloned().collect();
    for (above, accounts) in unknown.iter() {
        let found = match inside_of(&known, files, above) {
            Some(tree) => vec![tree],
            None => by_accounts(files, above, accounts, homes),
        };
        // A folder of which nothing is known stays a bucket of its own name, unless its digests belong to other places.
        let aws_logs = folder_of(files, above).join(AWS_LOGS);
        let has_placed = |dir: &Path| {
            loose_digests.iter().any(|path| path.starts_with(dir))
                || known.iter().any(|tree| tree.mount.dir != *dir && tree.mount.dir.starts_with(dir))
        };
        let is_placed = |dir: PathBuf| has_placed(&dir) || known.iter().any(|tree| tree.mount.dir == dir);
        let is_elsewhere = match accounts.is_empty() {
            true => has_placed(&aws_logs),
            false => accounts.iter().all(|account| is_placed(aws_logs.join(account.join("/")))),
        };
        if !found.is_empty() || is_elsewhere {
            let placed_by_folder = unknown_tree(files, above);
            trees.retain(|tree| *tree != placed_by_folder);
            trees.extend(found);
        }
    }
    for (above, segments) in unplaced.iter() {
        let dir = folder_of(files, above).join(AWS_LOGS).join(segments.join("/"));
        let found = account_trees(files, above, segments, homes);
        match segments.last().filter(|_| found.is_empty() && has_deliveries(files, &dir)) {
            Some(account) => skipped.push(LeftOut::of_account(&dir, account)),
            None => trees.extend(found),
        }
    }
    trees
}

/// The place of a folder in a located tree: a folder inside of a bucket has its place there.
fn inside_of(known: &[Tree], files: &Arc<dyn CopyFiles>, above: &[String]) -> Option<Tree> {
    let folder = folder_of(files, above);
    let outer = known.iter().find(|tree| tree.holder.as_ref().is_some_and(|h| folder.starts_with(h)))?;
    let full = outer.mount.full_path_of(&folder)?;
    let (bucket, prefix) = full.split_once('/').unwrap_or((&full, ""));
    let slash = if prefix.is_empty() { "" } else { "/" };
    Some(Tree { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}"), ..outer.clone() })
}

/// Mounts an `AWSLogs` folder by the homes of its accounts: whole if they have one, or if the folder is called like the
/// bucket of one; otherwise each account on its own.
fn by_accounts(
    files: &Arc<dyn CopyFiles>,
    above: &[String],
    accounts: &BTreeSet<Vec<String>>,
    homes: &Homes,
) -> Vec<Tree> {
    let (folder, aws_logs) = (folder_of(files, above), AWS_LOGS.to_owned());
    let homes_of = accounts.iter().filter_map(|segments| segments.last());
    let bases: BTreeSet<Base> =
        homes_of.flat_map(|account| homes.of_account(account)).map(base_of_home).collect();
    let named = bases.iter().find(|base| is_named(&folder, above, base));
    // The copy may lack the organization's folder, or have it under another name.
    let is_in_place = |segments: &Vec<String>| {
        let Some(account) = segments.last() else { return true };
        let homes_of = homes.of_account(account);
        let below: Vec<&String> = std::iter::once(&aws_logs).chain(segments).collect();
        homes_of.is_empty()
            || homes_of.iter().any(|home| {
                let base = account_base_of_home(home, account);
                base.iter().rev().zip(below.iter().rev()).all(|(one, other)| one == *other)
            })
    };
    let are_in_place = accounts.iter().all(is_in_place);
    match named.or(bases.first()) {
        Some(base) if are_in_place && (named.is_some() || bases.len() == 1) => {
            vec![tree_at(files, above, base, true)]
        }
        _ => accounts.iter().flat_map(|segments| account_trees(files, above, segments, homes)).collect(),
    }
}

/// Mounts an account's folder of log files once for each home of the account.
fn account_trees(
    files: &Arc<dyn CopyFiles>,
    above: &[String],
    segments: &[String],
    homes: &Homes,
) -> Vec<Tree> {
    let Some(account) = segments.last() else { return Vec::new() };
    let homes_of = homes.of_account(account);
    let dir = folder_of(files, above).join(AWS_LOGS).join(segments.join("/"));
    let mut shares = shares_by_logs(files, (&dir, None), account, homes).into_iter();
    let tree = |home: &&Home| {
        account_tree(files, above, segments, &account_base_of_home(home, account), shares.next())
    };
    homes_of.iter().map(tree).collect()
}

/// The full path of the folder that holds `AWSLogs/`.
fn base_of_home(home: &Home) -> Base {
    segments_of(&format!("{}/{}", home.bucket, home.root))
}

/// The full path of an account's folder.
fn account_base_of_home(home: &Home, account: &str) -> Base {
    let folder = home.region_folder(account, "");
    segments_of(&format!("{}/{}", folder.bucket, folder.account_prefix()))
}

fn segments_of(full: &str) -> Base {
    full.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Whether an account's folder has one of CloudTrail's folders.
fn has_deliveries(files: &Arc<dyn CopyFiles>, dir: &Path) -> bool {
    let kinds = LogFolder::ALL.iter().map(|logs| logs.as_str()).chain([DIGESTS]);
    let mut folders = kinds.map(|kind| dir.join(kind));
    folders.any(|dir| files.facts(&dir).is_ok_and(|found| found.kind == FileKind::Folder))
}
