//! Looks for accounts below the sources: through prefixes to `AWSLogs/`, and on below it, since a trail's prefix may hold
//! a segment `AWSLogs` itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cannot_list;
use crate::event::{DiscoveryLimit, Fault, Finding};
use crate::ident::{Location, RegionFolder, is_account, is_organization};
use crate::store::{self, StoreError};
use crate::time::Timestamp;
use crate::validate::context::RunContext;
use crate::validate::request::Source;
use crate::validate::scope::{AWS_LOGS, Below, Scope};

/// How many folders deep a trail's prefix may be, below the source, for its `AWSLogs/` to be found.
const MAX_DEPTH: usize = 8;

/// How many folders of one source are looked into for `AWSLogs/` before giving up.
const MAX_FOLDERS: usize = 10_000;

/// An account's folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Account {
    pub(super) bucket: Arc<str>,
    /// What stands before `AWSLogs/`: empty, or with a slash at the end.
    pub(super) root: String,
    pub(super) organization: Option<String>,
    pub(super) account: String,
    /// The only region that the source names.
    pub(super) region: Option<String>,
}

impl Account {
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

    /// Its folder, that of all services.
    pub(super) fn prefix_of_all(&self) -> String {
        self.folder("").account_prefix()
    }

    /// What lies in one of the account's folders.
    pub(super) fn list(&self, context: RunContext<'_>, kind: &str) -> Result<store::Folder, StoreError> {
        context.tools.store.list_folder(&self.bucket, &self.prefix(kind))
    }
}

/// A folder to look into.
#[derive(Clone)]
struct Folder {
    bucket: Arc<str>,
    prefix: String,
    /// How many folders below the source it lies.
    depth: usize,
    role: Role,
}

/// What a folder's children are.
#[derive(Clone)]
enum Role {
    /// Further folders of a prefix, or `AWSLogs/`.
    Prefix,
    /// Below `AWSLogs/` of this root: organizations, accounts, or folders of a prefix.
    Logs { root: String, organization: Option<String> },
    /// Folders of services. Only `AWSLogs/` is looked for among them: those of other services are many, and hold no
    /// trail.
    Services,
}

impl Folder {
    fn child(&self, name: &str, role: Role) -> Self {
        let prefix = format!("{}{name}/", self.prefix);
        Self { bucket: Arc::clone(&self.bucket), prefix, depth: self.depth + 1, role }
    }

    /// How deep below the source it may lie; `None` for the folders of organizations and accounts, which are as many and
    /// as deep as the `AWSLogs/` they are in.
    const fn most_deep(&self) -> Option<usize> {
        match self.role {
            Role::Prefix => Some(MAX_DEPTH),
            Role::Logs { organization: None, .. } => Some(MAX_DEPTH + 1),
            Role::Logs { .. } | Role::Services => None,
        }
    }

    /// What its child called `name` is; `None` where that is not looked into.
    fn role_of(&self, name: &str) -> Option<Role> {
        if name == AWS_LOGS {
            return Some(Role::Logs { root: self.prefix.clone(), organization: None });
        }
        match &self.role {
            Role::Prefix => Some(Role::Prefix),
            Role::Logs { .. } if is_account(name) || is_account_of_flow_logs(name) => Some(Role::Services),
            Role::Logs { root, organization: None } if is_organization(name) => {
                Some(Role::Logs { root: root.clone(), organization: Some(name.to_owned()) })
            }
            Role::Logs { .. } => Some(Role::Prefix),
            Role::Services => None,
        }
    }

    /// The account whose folder its child called `name` is.
    fn account(&self, name: &str) -> Option<Account> {
        let Role::Logs { root, organization } = &self.role else { return None };
        is_account(name).then(|| Account {
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
pub(super) struct Search<'a> {
    context: RunContext<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether the run was to end before every folder was looked into.
    pub(super) interrupted: bool,
    /// What lies in the folders of accounts, by where these are.
    pub(super) in_accounts: BTreeMap<Location, store::Folder>,
}

impl<'a> Search<'a> {
    pub(super) const fn new(context: RunContext<'a>) -> Self {
        Self { context, findings: Vec::new(), interrupted: false, in_accounts: BTreeMap::new() }
    }

    /// The accounts below a source.
    pub(super) fn of_source(&mut self, source: &Source) -> BTreeSet<Account> {
        let bucket: Arc<str> = source.bucket.as_str().into();
        match Scope::parse(&source.prefix) {
            Scope::Below(below) => self.below(bucket, below),
            // An odd segment is part of a prefix: `scope::check` made sure of it.
            Scope::Above | Scope::Odd(..) | Scope::Time { .. } => {
                let prefix = source.prefix.clone();
                self.walk(Folder { bucket, prefix, depth: 0, role: Role::Prefix }, false)
            }
        }
    }

    fn below(&mut self, bucket: Arc<str>, below: Below) -> BTreeSet<Account> {
        // Where trails are named in full, the sources are the folders that these deliver to.
        let is_exact = !self.context.request.named.is_empty();
        let prefix = below.prefix();
        let Below { root, organization, account, folder, region } = below;
        let Some(account) = account else {
            let role = Role::Logs { root, organization };
            return self.walk(Folder { bucket, prefix, depth: 0, role }, is_exact);
        };
        let mut found = BTreeSet::new();
        if folder.is_none() {
            let services = Folder { bucket: Arc::clone(&bucket), prefix, depth: 0, role: Role::Services };
            found = self.walk(services, is_exact);
        }
        found.insert(Account { bucket, root, organization, account, region });
        found
    }

    /// The accounts in and below a folder. Where the place is `exact`, no further `AWSLogs/` is looked for.
    fn walk(&mut self, from: Folder, exact: bool) -> BTreeSet<Account> {
        let (mut accounts, mut level, mut room) = (BTreeSet::new(), vec![from], MAX_FOLDERS);
        while !level.is_empty() {
            self.cut(&mut level, &mut room);
            level = self.look_into(&level, exact, &mut accounts, room + 1);
        }
        accounts
    }

    /// Leaves out the folders that are too deep or too many, and says so: links on disk may lead in circles.
    fn cut(&mut self, level: &mut Vec<Folder>, room: &mut usize) {
        let (mut deep, mut more) = (None, None);
        level.retain(|folder| {
            let Some(most_deep) = folder.most_deep() else { return true };
            let left_out = match (folder.depth > most_deep, *room) {
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
            self.give_up(&folder, DiscoveryLimit::Depth { most: MAX_DEPTH as u64 });
        }
        if let Some(folder) = more {
            self.give_up(&folder, DiscoveryLimit::Folders { most: MAX_FOLDERS as u64 });
        }
    }

    /// Lists the folders of one level at the same time, and returns those of the next. Of those that are counted one more is
    /// returned than there is room for, so that it is said.
    fn look_into(
        &mut self,
        level: &[Folder],
        exact: bool,
        accounts: &mut BTreeSet<Account>,
        mut room: usize,
    ) -> Vec<Folder> {
        let store = self.context.tools.store;
        let list = |folder: &Folder| match folder.role {
            Role::Services => store.list_folder(&folder.bucket, &folder.prefix),
            Role::Prefix | Role::Logs { .. } => {
                let folders = store.list_dirs(&folder.bucket, &folder.prefix)?;
                Ok(store::Folder { folders, objects: Vec::new() })
            }
        };
        let listed = self.context.workers.ask(level, list);
        self.interrupted |= listed.len() < level.len();
        let is_followed =
            |role: &Role| !exact || matches!(role, Role::Logs { organization: Some(_), .. } | Role::Services);
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
            let mut is_kept = |child: &Folder| child.most_deep().is_none() || take_one(&mut room);
            next.extend(children.filter(|child| is_kept(child)));
            if matches!(folder.role, Role::Services) {
                let place = Location::new(Arc::clone(&folder.bucket), folder.prefix.as_str());
                self.in_accounts.insert(place, found);
            }
        }
        next
    }

    fn give_up(&mut self, folder: &Folder, limit: DiscoveryLimit) {
        let finding = Finding::new(Fault::DiscoveryLimit { limit }, Timestamp::from_unix(0));
        self.findings.push(finding.about(&Location::new(Arc::clone(&folder.bucket), folder.prefix.as_str())));
    }
}

/// Takes one of what is left; whether there was one.
const fn take_one(room: &mut usize) -> bool {
    match room.checked_sub(1) {
        Some(less) => {
            *room = less;
            true
        }
        None => false,
    }
}
