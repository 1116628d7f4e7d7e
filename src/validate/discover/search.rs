//! Searches for accounts below the sources: through prefixes to `AWSLogs/`, and further down, since a trail's prefix
//! may itself contain a segment `AWSLogs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cannot_list;
use crate::event::{DiscoveryLimit, Fault, Finding};
use crate::ident::{Location, RegionFolder, is_account, is_organization};
use crate::store::{self, StoreError};
use crate::time::Timestamp;
use crate::validate::context::RunContext;
use crate::validate::request::SourceFolder;
use crate::validate::source_path::{AWS_LOGS, AwsLogsPath, SourcePath};

/// How many folders deep below the source a trail's prefix may be.
const MAX_DEPTH: usize = 8;

/// How many folders of one source are searched for `AWSLogs/`.
const MAX_FOLDERS: usize = 10_000;

/// An account's folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct AccountFolder {
    pub(super) bucket: Arc<str>,
    /// The prefix before `AWSLogs/`: empty, or with a slash at the end.
    pub(super) root: String,
    pub(super) organization: Option<String>,
    pub(super) account: String,
    /// The only region that the source names.
    pub(super) region: Option<String>,
}

impl AccountFolder {
    pub(super) fn folder(&self, region: &str) -> RegionFolder {
        RegionFolder {
            bucket: Arc::clone(&self.bucket),
            root: self.root.as_str().into(),
            organization: self.organization.as_deref().map(Arc::from),
            account: self.account.as_str().into(),
            region: region.into(),
        }
    }

    pub(super) fn prefix(&self, kind: &str) -> String {
        format!("{}{kind}/", self.folder("").account_prefix())
    }

    /// The account's folder, for all services.
    pub(super) fn prefix_of_all(&self) -> String {
        self.folder("").account_prefix()
    }

    /// Lists one of the account's folders.
    pub(super) fn list(&self, context: RunContext<'_>, kind: &str) -> Result<store::Folder, StoreError> {
        context.tools.store.list_folder(&self.bucket, &self.prefix(kind))
    }
}

/// A folder to list.
#[derive(Clone)]
struct PendingFolder {
    bucket: Arc<str>,
    prefix: String,
    /// How many folders below the source.
    depth: usize,
    role: FolderRole,
}

/// The role of a folder, which tells how to read its children.
#[derive(Clone)]
enum FolderRole {
    /// Children are further folders of a prefix, or `AWSLogs/`.
    Prefix,
    /// Children of `AWSLogs/` below `root`: organizations, accounts, or folders of a prefix.
    Logs { root: String, organization: Option<String> },
    /// Children are folders of services. Only `AWSLogs/` is searched among them: folders of other services are many,
    /// and contain no trail.
    Services,
}

impl PendingFolder {
    fn child(&self, name: &str, role: FolderRole) -> Self {
        let prefix = format!("{}{name}/", self.prefix);
        Self { bucket: Arc::clone(&self.bucket), prefix, depth: self.depth + 1, role }
    }

    /// The greatest depth below the source; `None` for the folders of organizations and accounts, which are as many and
    /// as deep as their `AWSLogs/`.
    const fn max_depth(&self) -> Option<usize> {
        match self.role {
            FolderRole::Prefix => Some(MAX_DEPTH),
            FolderRole::Logs { organization: None, .. } => Some(MAX_DEPTH + 1),
            FolderRole::Logs { .. } | FolderRole::Services => None,
        }
    }

    /// The role of the child called `name`; `None` for a child that is not searched.
    fn role_of(&self, name: &str) -> Option<FolderRole> {
        if name == AWS_LOGS {
            return Some(FolderRole::Logs { root: self.prefix.clone(), organization: None });
        }
        match &self.role {
            FolderRole::Prefix => Some(FolderRole::Prefix),
            FolderRole::Logs { .. } if is_account(name) || is_account_of_flow_logs(name) => {
                Some(FolderRole::Services)
            }
            FolderRole::Logs { root, organization: None } if is_organization(name) => {
                Some(FolderRole::Logs { root: root.clone(), organization: Some(name.to_owned()) })
            }
            FolderRole::Logs { .. } => Some(FolderRole::Prefix),
            FolderRole::Services => None,
        }
    }

    /// The account of the child called `name`, if the child is an account's folder.
    fn account(&self, name: &str) -> Option<AccountFolder> {
        let FolderRole::Logs { root, organization } = &self.role else { return None };
        is_account(name).then(|| AccountFolder {
            bucket: Arc::clone(&self.bucket),
            root: root.clone(),
            organization: organization.clone(),
            account: name.to_owned(),
            region: None,
        })
    }
}

/// Whether `name` is the folder of an account in the Hive layout of VPC flow logs, which has a folder for each hour.
///
/// Source: Amazon VPC User Guide, "Publish flow logs to Amazon S3".
fn is_account_of_flow_logs(name: &str) -> bool {
    name.strip_prefix("aws-account-id=").is_some_and(is_account)
}

/// A search over all sources, level by level.
pub(super) struct AccountSearch<'a> {
    context: RunContext<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether the run was cancelled before every folder was listed.
    pub(super) interrupted: bool,
    /// The contents of the account folders, by location.
    pub(super) account_contents: BTreeMap<Location, store::Folder>,
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
                let prefix = source.prefix.clone();
                self.walk_folders(PendingFolder { bucket, prefix, depth: 0, role: FolderRole::Prefix }, false)
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
            return self.walk_folders(PendingFolder { bucket, prefix, depth: 0, role }, is_exact);
        };
        let mut found = BTreeSet::new();
        if folder.is_none() {
            let services =
                PendingFolder { bucket: Arc::clone(&bucket), prefix, depth: 0, role: FolderRole::Services };
            found = self.walk_folders(services, is_exact);
        }
        found.insert(AccountFolder { bucket, root, organization, account, region });
        found
    }

    /// The accounts in and below a folder. With `is_exact`, no further `AWSLogs/` is searched.
    fn walk_folders(&mut self, from: PendingFolder, is_exact: bool) -> BTreeSet<AccountFolder> {
        let (mut accounts, mut level, mut room) = (BTreeSet::new(), vec![from], MAX_FOLDERS);
        while !level.is_empty() {
            self.drop_excess(&mut level, &mut room);
            level = self.list_level(&level, is_exact, &mut accounts, room + 1);
        }
        accounts
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

    /// Lists the folders of one level in parallel, and returns the next level. `room` has one place too many, so that
    /// `drop_excess` sees and reports an excess.
    fn list_level(
        &mut self,
        level: &[PendingFolder],
        is_exact: bool,
        accounts: &mut BTreeSet<AccountFolder>,
        mut room: usize,
    ) -> Vec<PendingFolder> {
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
        // 2. Keep the accounts, and the children to search on the next level.
        let is_followed = |role: &FolderRole| {
            !is_exact || matches!(role, FolderRole::Logs { organization: Some(_), .. } | FolderRole::Services)
        };
        let mut next = Vec::new();
        for (folder, names) in level.iter().zip(listed) {
            let found = match names {
                Ok(found) => found,
                Err(error) => {
                    self.findings.push(cannot_list(&folder.bucket, &folder.prefix, &error));
                    continue;
                }
            };
            let names = &found.folders;
            accounts.extend(names.iter().filter_map(|name| folder.account(name)));
            let children = names.iter().filter_map(|name| {
                let role = folder.role_of(name).filter(is_followed)?;
                Some(folder.child(name, role))
            });
            let mut is_kept = |child: &PendingFolder| child.max_depth().is_none() || take_room(&mut room);
            next.extend(children.filter(|child| is_kept(child)));
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
