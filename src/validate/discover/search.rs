//! Searches for accounts below the sources: through prefixes to `AWSLogs/`, and further down, since a trail's prefix
//! may itself contain a segment `AWSLogs`. Partitions, such as a folder for each hour, come last: see
//! [`partitions`].

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::cannot_list;
use super::folder::{AccountFolder, FolderRole, MAX_DEPTH, PartitionSearch, PendingFolder};
use super::outside::OutsideFiles;
use super::partitions::{FEW, PartitionedFolder, is_partition};
use super::scan::{PageBudget, ScanEnd, ScannedKeys, plan_scans, take_busy};
use crate::event::{DiscoveryLimit, Fault, Finding};
use crate::ident::Location;
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
    outside: &'a OutsideFiles<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether the run was cancelled before every folder was listed.
    pub(super) interrupted: bool,
    /// The contents of the account folders, by location.
    pub(super) account_contents: BTreeMap<Location, store::Folder>,
}

/// The search below one source.
struct SourceSearch {
    bucket: Arc<str>,
    accounts: BTreeSet<AccountFolder>,
    /// Whether the source is exactly a folder that CloudTrail delivers to, so that no further `AWSLogs/` is searched.
    is_exact: bool,
    /// How many more folders may be listed.
    room: usize,
    /// How many more pages of keys may be listed in partitions.
    pages: PageBudget,
    /// Folders with many partitions, to be searched after all other folders.
    partitioned: Vec<PartitionedFolder>,
    /// The folders with an `AWSLogs/`. A search by keys may find a folder that is then listed.
    roots: BTreeSet<String>,
    /// The asked accounts; empty if every account is asked for.
    asked: BTreeSet<String>,
}

impl SourceSearch {
    fn new(bucket: Arc<str>, is_exact: bool, asked: &[String]) -> Self {
        Self {
            bucket,
            accounts: BTreeSet::new(),
            is_exact,
            room: MAX_FOLDERS,
            pages: PageBudget::default(),
            partitioned: Vec::new(),
            roots: BTreeSet::new(),
            asked: asked.iter().cloned().collect(),
        }
    }

    /// Whether to search the child `name` with the role `role`.
    fn is_followed(&self, name: &str, role: &FolderRole) -> bool {
        match role {
            FolderRole::Services if self.is_exact => self.asked.is_empty() || self.asked.contains(name),
            FolderRole::Logs { organization: Some(_), .. } | FolderRole::Services => true,
            FolderRole::Prefix | FolderRole::Logs { organization: None, .. } => !self.is_exact,
        }
    }

    /// Keeps the accounts among the children of `folder`, and returns the children to search on the next level.
    fn take_children(&mut self, folder: &PendingFolder, names: &[String]) -> Vec<PendingFolder> {
        self.accounts.extend(names.iter().filter_map(|name| folder.account(name)));
        let (mut next, mut partitions) = (Vec::new(), Vec::new());
        for name in names {
            let Some(role) = folder.role_of(name).filter(|role| self.is_followed(name, role)) else {
                continue;
            };
            if name == AWS_LOGS && !self.roots.insert(folder.prefix.clone()) {
                continue;
            }
            let is_scanned = folder.partitions == PartitionSearch::Scan;
            if is_scanned && matches!(role, FolderRole::Prefix) && is_partition(name) {
                partitions.push(name.clone());
            } else {
                next.push(folder.child(name, role));
            }
        }
        if partitions.len() > FEW {
            partitions.sort_by_cached_key(|name| format!("{name}/"));
            self.partitioned.push(PartitionedFolder {
                bucket: Arc::clone(&folder.bucket),
                prefix: folder.prefix.clone(),
                depth: folder.depth,
                names: partitions,
                after: None,
            });
        } else {
            next.extend(partitions.iter().map(|name| folder.child(name, FolderRole::Prefix)));
        }
        next
    }
}

impl<'a> AccountSearch<'a> {
    pub(super) const fn new(context: RunContext<'a>, outside: &'a OutsideFiles<'a>) -> Self {
        Self { context, outside, findings: Vec::new(), interrupted: false, account_contents: BTreeMap::new() }
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
        let mut search =
            SourceSearch::new(Arc::clone(&from.bucket), is_exact, &self.context.request.accounts);
        self.walk(&mut search, vec![from]);
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

    /// Searches partitions by their keys. Returns the folders to walk.
    fn search_partitions(
        &mut self,
        search: &mut SourceSearch,
        mut partitioned: Vec<PartitionedFolder>,
    ) -> Vec<PendingFolder> {
        let mut next = Vec::new();
        while !partitioned.is_empty() {
            // 1. List a few pages of keys for each folder. Without pages for each of them, walk the partitions.
            let scans = plan_scans(&partitioned, &search.pages);
            if scans.is_empty() {
                next.extend(partitioned.iter().flat_map(|folder| folder.children(PartitionSearch::Walk)));
                break;
            }
            let scanned = self.context.workers.ask(&scans, |scan| scan.run(self.context, self.outside));
            self.interrupted |= scanned.len() < scans.len();
            // 2. Walk the found folders, and keep the partitions with further keys.
            partitioned.clear();
            for ScannedKeys { roots, pages, end } in scanned {
                search.pages.spend(pages);
                for root in roots.iter().filter(|root| search.roots.insert(root.prefix.clone())) {
                    next.push(root.aws_logs(&search.bucket));
                }
                match end {
                    ScanEnd::Complete => {}
                    ScanEnd::Cut(rest) => partitioned.push(rest),
                    ScanEnd::Failed(finding) => self.findings.push(*finding),
                    ScanEnd::Interrupted => self.interrupted = true,
                }
            }
            // 3. List the partitions of a few busy folders, whose keys would be listed one page after the other.
            let busy = take_busy(&mut partitioned);
            next.extend(busy.iter().flat_map(|folder| folder.children(PartitionSearch::Scan)));
        }
        next
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
        // 1. List the folders of the level in parallel. Objects matter in account folders, and below `AWSLogs/` if they
        //    have names of CloudTrail's files.
        let outside = self.outside;
        let list = |folder: &PendingFolder| {
            let folders = match folder.role {
                FolderRole::Services => return store.list_folder(&folder.bucket, &folder.prefix),
                FolderRole::Prefix | FolderRole::Logs { .. } if outside.is_searched(&folder.prefix) => {
                    let mut note = |listed| outside.note(&folder.bucket, &listed);
                    store.visit_folder(&folder.bucket, &folder.prefix, &mut note)?
                }
                FolderRole::Prefix | FolderRole::Logs { .. } => {
                    store.list_dirs(&folder.bucket, &folder.prefix)?
                }
            };
            Ok(store::Folder { folders, objects: Vec::new() })
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
