//! Folders without a usable digest: they are placed by the digests of their accounts in other folders and copies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tree;
use super::delivered::delivered_below;
use super::homes::{Home, Homes};
use super::left_out::LeftOut;
use super::log_folders::shares_by_logs;
use super::mounts::{account_tree, folder_of, tree_at, unknown_tree};
use super::sample::{AWS_LOGS, Base, DIGESTS};
use super::trees::Located;
use super::votes::is_named;
use crate::ident::LogFolder;
use crate::store::directory::names::key_segment;
use crate::store::files::{CopyFiles, FileKind};

/// An `AWSLogs` folder without a usable digest.
pub(super) struct UnknownFolder {
    /// The path segments above the `AWSLogs` folder.
    pub(super) above: Vec<String>,
    /// The accounts with log files, and all accounts if no digest lies in its place: the path segments below.
    pub(super) accounts: BTreeSet<Vec<String>>,
    /// The chains of the digests in their places, by account.
    pub(super) chains: BTreeMap<Vec<String>, BTreeSet<String>>,
}

impl UnknownFolder {
    /// The accounts that other digests place: those with log files, and those with a damaged digest of a chain that other
    /// folders have.
    fn accounts_to_place(&self, homes: &Homes) -> BTreeSet<Vec<String>> {
        let is_known = |chains: &BTreeSet<String>| chains.iter().any(|chain| homes.has_chain(chain));
        let damaged = self.chains.iter().filter(|(_, chains)| is_known(chains)).map(|(account, _)| account);
        self.accounts.iter().chain(damaged).cloned().collect()
    }

    /// See [`SearchedCopy::accounts_in_doubt`](super::SearchedCopy::accounts_in_doubt).
    pub(super) fn accounts_in_doubt(&self, files: &Arc<dyn CopyFiles>, homes: &Homes) -> BTreeSet<String> {
        let named = self.accounts.iter().filter_map(|account| Some((account, account.last()?)));
        let has_home = named.filter(|(_, name)| !homes.of_account(name).is_empty());
        let doubtful = has_home.filter(|(account, name)| {
            !homes.has_read(name) && LogsOfAccount::of(files, &self.above, account, homes).are_unlisted()
        });
        doubtful.map(|(_, name)| name.clone()).collect()
    }

    /// Whether the folder is a bucket of its own: it has log files of the time of other digests, and no digest lists any.
    fn is_own_bucket(&self, files: &Arc<dyn CopyFiles>, homes: &Homes) -> bool {
        let is_unlisted = |account: &Vec<String>| {
            account.last().is_some_and(|name| homes.has_read(name))
                && LogsOfAccount::of(files, &self.above, account, homes).are_unlisted()
        };
        let has_home =
            |account: &&Vec<String>| account.last().is_some_and(|name| !homes.of_account(name).is_empty());
        let mut accounts = self.accounts.iter().filter(has_home).peekable();
        accounts.peek().is_some() && accounts.all(is_unlisted)
    }
}

/// What digests say of the log files in an account's folder.
struct LogsOfAccount {
    is_any_listed: bool,
    /// Whether digests end around the delivery of a log file.
    is_any_covered: bool,
}

impl LogsOfAccount {
    fn of(files: &Arc<dyn CopyFiles>, above: &[String], account: &[String], homes: &Homes) -> Self {
        let dir = folder_of(files, above).join(AWS_LOGS).join(account.join("/"));
        let logs = delivered_below(&**files, &dir).logs;
        let names: Vec<String> = logs.iter().filter_map(|path| path.file_name()).map(key_segment).collect();
        let name = account.last().map(String::as_str).unwrap_or_default();
        Self {
            is_any_listed: names.iter().any(|log| homes.lists(log)),
            is_any_covered: names.iter().any(|log| homes.cover(name, log)),
        }
    }

    const fn are_unlisted(&self) -> bool {
        self.is_any_covered && !self.is_any_listed
    }
}

/// The located trees. A folder without a usable digest is placed by the digests of its accounts in other folders, and
/// left out if there are none.
pub(super) fn with_unknown(files: &Arc<dyn CopyFiles>, located: &mut Located, homes: &Homes) -> Vec<Tree> {
    let Located { trees, unknown, unplaced, skipped, loose_digests } = located;
    let mut trees = std::mem::take(trees);
    let is_known = |tree: &Tree| unknown.iter().all(|folder| *tree != unknown_tree(files, &folder.above));
    let known: Vec<Tree> = trees.iter().filter(|tree| is_known(tree)).cloned().collect();
    for folder in unknown.iter() {
        let (above, accounts) = (&folder.above, folder.accounts_to_place(homes));
        let found = match inside_of(&known, files, above) {
            Some(tree) => vec![tree],
            None if is_called_like_home(files, above, &accounts, homes)
                || !folder.is_own_bucket(files, homes) =>
            {
                by_accounts(files, above, &accounts, homes)
            }
            None => continue,
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
    let bases = bases_of_accounts(accounts, homes);
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

/// Whether the folder is called like a bucket to which the digests of its accounts were delivered.
fn is_called_like_home(
    files: &Arc<dyn CopyFiles>,
    above: &[String],
    accounts: &BTreeSet<Vec<String>>,
    homes: &Homes,
) -> bool {
    let folder = folder_of(files, above);
    bases_of_accounts(accounts, homes).iter().any(|base| is_named(&folder, above, base))
}

/// The full paths above `AWSLogs/` to which the digests of the accounts were delivered.
fn bases_of_accounts(accounts: &BTreeSet<Vec<String>>, homes: &Homes) -> BTreeSet<Base> {
    let names = accounts.iter().filter_map(|segments| segments.last());
    names.flat_map(|account| homes.of_account(account)).map(base_of_home).collect()
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
