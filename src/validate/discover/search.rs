//! Searches for accounts below the sources: through prefixes to `AWSLogs/`, and further down, since a trail's prefix
//! may itself contain a segment `AWSLogs`. Partitions, such as a folder for each hour, come last: see
//! [`partitions`].

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::cannot_list;
use super::folder::{AccountFolder, FolderRole, MAX_DEPTH, PartitionSearch, PendingFolder};
use super::partitions::{self, FEW, PartitionedFolder, SAMPLED_FOLDERS, is_partition, sample};
use super::scan::{SCANNED_PAGES, ScanEnd, plan_scans};
use crate::event::{DiscoveryLimit, Fault, Finding};
use crate::ident::{Location, is_account};
use crate::store;
use crate::time::Timestamp;
use crate::validate::context::RunContext;
use crate::validate::request::SourceFolder;
use crate::validate::source_path::{AWS_LOGS, AwsLogsPath, SourcePath};

/// How many folders of one source are searched for `AWSLogs/`.
const MAX_FOLDERS: usize = 10_000;

/// A search over all sources, level by level.
pub(super) struct AccountSearch<'a> {
    context: RunContext<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether the run was cancelled before every folder was listed.
    pub(super) interrupted: bool,
    /// The contents of the account folders, by location.
    pub(super) account_contents: BTreeMap<Location, store::Folder>,
}

/// As many folders of accounts that were not asked for are searched for a further `AWSLogs/`.
const FEW_ACCOUNTS: usize = 16;

/// The most folders with left-out partitions to name.
const NAMED_PLACES: usize = 5;

/// The search below one source.
struct SourceSearch {
    accounts: BTreeSet<AccountFolder>,
    /// Whether the source is exactly a folder that CloudTrail delivers to, so that no further `AWSLogs/` is searched.
    is_exact: bool,
    /// How many more folders may be listed.
    room: usize,
    /// How many more pages of keys may be listed in partitions.
    pages: usize,
    /// How many more partitions may be listed as samples.
    samples: usize,
    /// Folders with many partitions, to be searched after all other folders.
    partitioned: Vec<PartitionedFolder>,
    /// Folders with partitions that were left out.
    left_out: Vec<PartitionedFolder>,
    /// Folders of accounts that were not asked for.
    other_accounts: Vec<PendingFolder>,
    /// The asked accounts, while other accounts are not searched; empty if every account is.
    asked: BTreeSet<String>,
}

impl SourceSearch {
    fn new(is_exact: bool, asked: &[String]) -> Self {
        Self {
            accounts: BTreeSet::new(),
            is_exact,
            room: MAX_FOLDERS,
            pages: SCANNED_PAGES,
            samples: SAMPLED_FOLDERS,
            partitioned: Vec::new(),
            left_out: Vec::new(),
            other_accounts: Vec::new(),
            asked: asked.iter().cloned().collect(),
        }
    }

    fn is_followed(&self, role: &FolderRole) -> bool {
        !self.is_exact
            || matches!(role, FolderRole::Logs { organization: Some(_), .. } | FolderRole::Services)
    }

    /// Whether an asked account was found, or any account if none is asked for.
    fn has_asked(&self, asked: &[String]) -> bool {
        self.accounts.iter().any(|found| asked.is_empty() || asked.contains(&found.account))
    }

    /// Keeps the accounts among the children of `folder`, and returns the children to search on the next level.
    fn take_children(&mut self, folder: &PendingFolder, names: &[String]) -> Vec<PendingFolder> {
        self.accounts.extend(names.iter().filter_map(|name| folder.account(name)));
        let (mut next, mut partitions) = (Vec::new(), Vec::new());
        for name in names {
            let Some(role) = folder.role_of(name).filter(|role| self.is_followed(role)) else { continue };
            let is_other = !self.asked.is_empty() && !self.asked.contains(name);
            if matches!(role, FolderRole::Services) && is_account(name) && is_other {
                self.other_accounts.push(folder.child(name, role));
            } else if matches!(role, FolderRole::Prefix)
                && is_partition(name)
                && folder.partitions != PartitionSearch::Walk
            {
                partitions.push(name.clone());
            } else {
                next.push(folder.child(name, role));
            }
        }
        let is_named = folder.depth == 0 && !folder.prefix.is_empty();
        let search = if is_named { PartitionSearch::Whole } else { folder.partitions };
        if partitions.len() > FEW {
            partitions.sort_by_cached_key(|name| format!("{name}/"));
            self.partitioned.push(PartitionedFolder {
                bucket: Arc::clone(&folder.bucket),
                prefix: folder.prefix.clone(),
                depth: folder.depth,
                names: partitions,
                search,
            });
        } else {
            let few = partitions.iter().map(|name| folder.child(name, FolderRole::Prefix));
            next.extend(few.map(|child| PendingFolder { partitions: search, ..child }));
        }
        next
    }
}

impl<'a> AccountSearch<'a> {
    pub(super) const fn new(context: RunContext<'a>) -> Self {
        Self { context, findings: Vec::new(), interrupted: false, account_contents: BTreeMap::new() }
    }

    /// The accounts below a source.
    pub(super) fn accounts_of(&mut self, source: &SourceFolder) -> BTreeSet<AccountFolder> {
        let bucket: Arc<str> = source.bucket.as_str().into();
        match SourcePath::parse(&source.prefix) {
            SourcePath::InAwsLogs(below) => self.accounts_below(bucket, below),
            // An unknown segment is part of a prefix: `check` has made sure.
            SourcePath::AboveAwsLogs | SourcePath::UnknownSegment(..) | SourcePath::DateFolder { .. } => {
                self.search(PendingFolder::source(bucket, source.prefix.clone(), FolderRole::Prefix), false)
            }
        }
    }

    fn accounts_below(&mut self, bucket: Arc<str>, below: AwsLogsPath) -> BTreeSet<AccountFolder> {
        // For trails named in full, the sources are exactly the folders that CloudTrail delivers to.
        let is_exact = !self.context.request.named.is_empty();
        let prefix = below.prefix();
        let AwsLogsPath { root, organization, account, folder, region } = below;
        let Some(account) = account else {
            let role = FolderRole::Logs { root, organization };
            return self.search(PendingFolder::source(bucket, prefix, role), is_exact);
        };
        let mut found = BTreeSet::new();
        if folder.is_none() {
            let services = PendingFolder::source(Arc::clone(&bucket), prefix, FolderRole::Services);
            found = self.search(services, is_exact);
        }
        found.insert(AccountFolder { bucket, root, organization, account, region });
        found
    }

    /// The accounts in and below a folder.
    fn search(&mut self, from: PendingFolder, is_exact: bool) -> BTreeSet<AccountFolder> {
        let request = self.context.request;
        let is_account_folder = matches!(from.role, FolderRole::Services);
        let mut search = SourceSearch::new(is_exact, &request.accounts);
        self.walk(&mut search, vec![from]);
        // A trail's prefix may end in the folder of another account. A few such folders are searched, and so are all if
        // no asked account was found elsewhere.
        if search.other_accounts.len() <= FEW_ACCOUNTS || !search.has_asked(&request.accounts) {
            search.asked.clear();
            let others = mem::take(&mut search.other_accounts);
            self.walk(&mut search, others);
        }
        let has_asked = is_account_folder || search.has_asked(&request.accounts);
        self.findings.extend(left_out_finding(&search.left_out, has_asked));
        // Below an exact source, no further `AWSLogs/` is searched anyway.
        if !is_exact {
            self.findings.extend(other_accounts_finding(&search.other_accounts));
        }
        search.accounts
    }

    /// Walks the folders of `level`, then their partitions.
    fn walk(&mut self, search: &mut SourceSearch, mut level: Vec<PendingFolder>) {
        loop {
            while !level.is_empty() {
                self.drop_excess(&mut level, &mut search.room);
                level = self.list_level(&level, search);
            }
            let partitioned = mem::take(&mut search.partitioned);
            if partitioned.is_empty() {
                return;
            }
            level = self.search_partitions(search, partitioned);
        }
    }

    /// Searches partitions by their keys, or by a sample. Returns the folders to walk.
    fn search_partitions(
        &mut self,
        search: &mut SourceSearch,
        partitioned: Vec<PartitionedFolder>,
    ) -> Vec<PendingFolder> {
        // 1. List the keys, as far as the pages last.
        let scans = plan_scans(&partitioned, search.pages);
        let scanned = self.context.workers.ask(&scans, |scan| scan.run(self.context));
        self.interrupted |= scanned.len() < scans.len();
        let mut roots = vec![Vec::new(); partitioned.len()];
        let scanned_folders: BTreeSet<usize> = scans.iter().map(|scan| scan.folder).collect();
        let mut cut: BTreeSet<usize> =
            (0..partitioned.len()).filter(|folder| !scanned_folders.contains(folder)).collect();
        for (scan, scanned) in scans.iter().zip(scanned) {
            search.pages = search.pages.saturating_sub(scanned.pages);
            match scanned.end {
                ScanEnd::Complete => {}
                ScanEnd::Cut => drop(cut.insert(scan.folder)),
                ScanEnd::Failed(finding) => self.findings.push(*finding),
                ScanEnd::Interrupted => self.interrupted = true,
            }
            roots.get_mut(scan.folder).into_iter().for_each(|roots| roots.extend(scanned.roots.clone()));
        }
        // 2. Walk the found folders. Partitions with too many keys are walked as a whole where the user named the
        //    folder, or a trail was found.
        let (mut next, mut unknown) = (Vec::new(), Vec::new());
        for (index, (folder, roots)) in partitioned.into_iter().zip(roots).enumerate() {
            if !cut.contains(&index) {
                next.extend(roots.iter().map(|root| root.aws_logs(&folder.bucket)));
            } else if folder.search == PartitionSearch::Whole || !roots.is_empty() {
                next.extend(folder.children());
            } else {
                unknown.push(folder);
            }
        }
        // 3. Take a sample of the other partitions with too many keys. Leave out partitions without a trail in it.
        let have_trails = self.sample_partitions(&unknown, &mut search.samples);
        for (folder, has_trails) in unknown.into_iter().zip(have_trails) {
            match has_trails {
                true => next.extend(folder.children()),
                false => search.left_out.push(folder),
            }
        }
        next
    }

    /// Whether a sample of the partitions of each folder has an `AWSLogs/`. `room` is the number of folders that may
    /// be listed.
    fn sample_partitions(&mut self, folders: &[PartitionedFolder], room: &mut usize) -> Vec<bool> {
        let mut have_trails = vec![false; folders.len()];
        let first = |(index, folder): (usize, &PartitionedFolder)| {
            let children = folder.children_named(sample(&folder.names.iter().collect::<Vec<_>>()));
            children.map(|child| (index, child)).collect::<Vec<_>>()
        };
        let mut level: Vec<(usize, PendingFolder)> = folders.iter().enumerate().flat_map(first).collect();
        while !level.is_empty() {
            level.truncate(*room);
            *room -= level.len();
            let store = self.context.tools.store;
            let list = |(_, folder): &(usize, PendingFolder)| store.list_dirs(&folder.bucket, &folder.prefix);
            let listed = self.context.workers.ask(&level, list);
            self.interrupted |= listed.len() < level.len();
            let mut next = Vec::new();
            for ((index, folder), names) in level.iter().zip(listed) {
                match names {
                    Err(error) => self.findings.push(cannot_list(&folder.bucket, &folder.prefix, &error)),
                    Ok(names) if names.iter().any(|name| name == AWS_LOGS) => {
                        have_trails.get_mut(*index).into_iter().for_each(|has_trails| *has_trails = true);
                    }
                    Ok(names) if folder.depth < MAX_DEPTH => {
                        let children = partitions::sample_of_all(&names);
                        next.extend(children.map(|name| (*index, folder.child(name, FolderRole::Prefix))));
                    }
                    Ok(_) => {}
                }
            }
            next.retain(|(index, _)| have_trails.get(*index) == Some(&false));
            level = next;
        }
        have_trails
    }

    /// Drops the folders that are too deep or too many, and reports them: links on disk may lead in circles.
    fn drop_excess(&mut self, level: &mut Vec<PendingFolder>, room: &mut usize) {
        let (mut deep, mut more) = (None, None);
        level.retain(|folder| {
            let Some(max_depth) = folder.max_depth() else { return true };
            let left_out = match (folder.depth > max_depth, *room) {
                (true, _) => &mut deep,
                (false, 0) => &mut more,
                (false, _) => {
                    *room -= 1;
                    return true;
                }
            };
            left_out.get_or_insert_with(|| folder.clone());
            false
        });
        if let Some(folder) = deep {
            self.report_limit(&folder, DiscoveryLimit::Depth { most: MAX_DEPTH as u64 });
        }
        if let Some(folder) = more {
            self.report_limit(&folder, DiscoveryLimit::Folders { most: MAX_FOLDERS as u64 });
        }
    }

    /// Lists the folders of one level in parallel, and returns the next level.
    fn list_level(&mut self, level: &[PendingFolder], search: &mut SourceSearch) -> Vec<PendingFolder> {
        let store = self.context.tools.store;
        // 1. List the folders of the level in parallel. Objects matter in account folders only.
        let list = |folder: &PendingFolder| match folder.role {
            FolderRole::Services => store.list_folder(&folder.bucket, &folder.prefix),
            FolderRole::Prefix | FolderRole::Logs { .. } => {
                let folders = store.list_dirs(&folder.bucket, &folder.prefix)?;
                Ok(store::Folder { folders, objects: Vec::new() })
            }
        };
        let listed = self.context.workers.ask(level, list);
        self.interrupted |= listed.len() < level.len();
        // 2. Keep the accounts, and the children to search on the next level. A place too many is left, so that
        //    `drop_excess` sees and reports an excess.
        let mut room = search.room + 1;
        let mut next = Vec::new();
        for (folder, names) in level.iter().zip(listed) {
            let found = match names {
                Ok(found) => found,
                Err(error) => {
                    self.findings.push(cannot_list(&folder.bucket, &folder.prefix, &error));
                    continue;
                }
            };
            let children = search.take_children(folder, &found.folders);
            let mut is_kept = |child: &PendingFolder| child.max_depth().is_none() || take_room(&mut room);
            next.extend(children.into_iter().filter(|child| is_kept(child)));
            if matches!(folder.role, FolderRole::Services) {
                let place = Location::new(Arc::clone(&folder.bucket), folder.prefix.as_str());
                self.account_contents.insert(place, found);
            }
        }
        next
    }

    fn report_limit(&mut self, folder: &PendingFolder, limit: DiscoveryLimit) {
        let finding = Finding::new(Fault::DiscoveryLimit { limit }, Timestamp::from_unix(0));
        self.findings.push(finding.about(&Location::new(Arc::clone(&folder.bucket), folder.prefix.as_str())));
    }
}

/// Takes one place of `room`. Returns whether a place was left.
const fn take_room(room: &mut usize) -> bool {
    match room.checked_sub(1) {
        Some(less) => {
            *room = less;
            true
        }
        None => false,
    }
}

/// The finding on partitions that were left out: a notice if the source has a trail elsewhere.
fn left_out_finding(left_out: &[PartitionedFolder], has_trail: bool) -> Option<Finding> {
    let first = left_out.first()?;
    let count = left_out.iter().map(|folder| folder.names.len() as u64).sum();
    let places = left_out.iter().map(|folder| folder.prefix.clone()).take(NAMED_PLACES).collect();
    let fault = Fault::PartitionsLeftOut { count, folders: left_out.len() as u64, places };
    let finding = Finding::new(fault, Timestamp::from_unix(0))
        .about(&Location::new(Arc::clone(&first.bucket), first.prefix.as_str()));
    Some(if has_trail { finding.as_notice() } else { finding })
}

/// The notice that folders of accounts that were not asked for were not searched for a further `AWSLogs/`.
fn other_accounts_finding(other_accounts: &[PendingFolder]) -> Option<Finding> {
    let count = other_accounts.len() as u64;
    let fault = Fault::OtherAccountsLeftOut { count };
    (count > 0).then(|| Finding::new(fault, Timestamp::from_unix(0)).as_notice())
}
