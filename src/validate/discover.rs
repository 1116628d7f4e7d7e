//! Finds what there is to validate: organizations, accounts and regions by folder, chains by the names of digests.

mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Context, Source};
use crate::event::{Finding, Kind};
use crate::ident::{Location, RegionFolder, is_account, is_organization, is_region};
use crate::store::StoreError;
use crate::time::Timestamp;

pub(super) use listing::{LATELY, LOOK_AHEAD, list, list_watched, older, unlisted};

/// How many folders deep a trail's prefix may be for its `AWSLogs/` to be found.
const MAX_DEPTH: usize = 8;

/// How many folders are looked into for `AWSLogs/` before giving up.
const MAX_FOLDERS: usize = 10_000;

/// An account's folder of digest files, and that of log files.
const DIGESTS: &str = "CloudTrail-Digest";
const LOGS: &str = "CloudTrail";

/// What was found, and what kept us from finding more.
pub(super) struct Found {
    /// The folders of each region of each account, in order.
    pub(super) units: Vec<Vec<Place>>,
    pub(super) findings: Vec<Finding>,
}

/// A region's folders, and whether there is one for digests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    folder: RegionFolder,
    has_digests: bool,
}

/// Finds the folders of every region of every account that was asked for.
pub(super) fn folders(context: Context<'_>) -> Found {
    let mut search = Search { context, findings: Vec::new(), interrupted: false };
    let roots: BTreeSet<Root> =
        context.request.sources.iter().flat_map(|source| search.roots(source)).collect();
    let accounts: Vec<Account> = roots.iter().flat_map(|root| search.accounts(root)).collect();
    let lists: Vec<(&Account, &str)> =
        accounts.iter().flat_map(|account| [DIGESTS, LOGS].map(|kind| (account, kind))).collect();
    let mut found = context.workers.ask(&lists, |(account, kind)| account.list(context, kind));
    if search.interrupted || found.len() < lists.len() {
        let message =
            "the run was interrupted before every trail was found: what else there is was not looked at";
        search.findings.push(Finding::new(Kind::DigestUnreadable, Timestamp::from_unix(0), message));
    }
    let mut units: BTreeMap<(Arc<str>, Arc<str>), BTreeSet<Place>> = BTreeMap::new();
    found.truncate(found.len() / 2 * 2);
    let mut found = found.into_iter();
    for account in &accounts {
        let (Some(digests), Some(logs)) = (found.next(), found.next()) else { break };
        for place in regions(context, account, &digests, &logs, &mut search.findings) {
            let id = (Arc::clone(&place.folder.account), Arc::clone(&place.folder.region));
            units.entry(id).or_default().insert(place);
        }
    }
    Found {
        units: units.into_values().map(|places| places.into_iter().collect()).collect(),
        findings: search.findings,
    }
}

/// The regions of `account` that have a folder.
pub(super) fn regions_of(units: &[Vec<Place>], account: &str) -> BTreeSet<String> {
    let own = units.iter().flatten().filter(|place| *place.folder.account == *account);
    own.map(|place| place.folder.region.to_string()).collect()
}

/// A folder that holds `AWSLogs/`, and what the source says of the folders below.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Root {
    bucket: Arc<str>,
    prefix: String,
    /// The segments below `AWSLogs/` that the source names.
    below: Vec<String>,
}

struct Account {
    bucket: Arc<str>,
    root: String,
    organization: Option<String>,
    account: String,
    region: Option<String>,
}

struct Search<'a> {
    context: Context<'a>,
    findings: Vec<Finding>,
    /// Whether the run was to end before every folder was looked into.
    interrupted: bool,
}

impl Search<'_> {
    fn dirs(&mut self, bucket: &str, prefix: &str) -> Vec<String> {
        if self.context.halt.leaves_out() {
            self.interrupted = true;
            return Vec::new();
        }
        match self.context.tools.store.list_dirs(bucket, prefix) {
            Ok(names) => names,
            Err(error) => {
                self.findings.push(cannot_list(bucket, prefix, &error));
                Vec::new()
            }
        }
    }

    /// The `AWSLogs/` folders of a source: the one it lies in, or those below it.
    fn roots(&mut self, source: &Source) -> Vec<Root> {
        let bucket: Arc<str> = source.bucket.as_str().into();
        let segments: Vec<&str> = source.prefix.split_terminator('/').collect();
        if let Some(at) = segments.iter().position(|segment| *segment == "AWSLogs") {
            let (above, below) = segments.split_at(at);
            let prefix = above.iter().map(|segment| format!("{segment}/")).collect();
            let below = below.iter().skip(1).map(|segment| (*segment).to_owned()).collect();
            return vec![Root { bucket, prefix, below }];
        }
        self.search_roots(&bucket, &source.prefix)
    }

    fn search_roots(&mut self, bucket: &Arc<str>, from: &str) -> Vec<Root> {
        let mut roots = Vec::new();
        let mut level = vec![from.to_owned()];
        let mut looked = 0;
        for _ in 0..=MAX_DEPTH {
            let mut next = Vec::new();
            for prefix in level {
                looked += 1;
                if looked > MAX_FOLDERS {
                    let message = format!(
                        "stopped looking for `AWSLogs/` after {MAX_FOLDERS} folders: name the trail's prefix"
                    );
                    let finding = Finding::new(Kind::DigestUnreadable, Timestamp::from_unix(0), message);
                    self.findings.push(finding.about(&Location::new(Arc::clone(bucket), prefix)));
                    return roots;
                }
                for name in self.dirs(bucket, &prefix) {
                    if name == "AWSLogs" {
                        roots.push(Root {
                            bucket: Arc::clone(bucket),
                            prefix: prefix.clone(),
                            below: Vec::new(),
                        });
                    } else if next.len() <= MAX_FOLDERS {
                        // One more than are looked into, so that it is said.
                        next.push(format!("{prefix}{name}/"));
                    }
                }
            }
            level = next;
        }
        if let Some(prefix) = level.pop() {
            let message = format!(
                "`AWSLogs/` was not looked for more than {MAX_DEPTH} folders deep: name the trail's prefix"
            );
            let finding = Finding::new(Kind::DigestUnreadable, Timestamp::from_unix(0), message);
            self.findings.push(finding.about(&Location::new(Arc::clone(bucket), prefix)));
        }
        roots
    }

    fn accounts(&mut self, root: &Root) -> Vec<Account> {
        let mut below = root.below.iter().map(String::as_str).peekable();
        let organization = below.next_if(|name| is_organization(name)).map(str::to_owned);
        let account = below.next_if(|name| is_account(name));
        let region = below.nth(1).filter(|name| is_region(name)).map(str::to_owned);
        let make = |organization: Option<&str>, account: &str| Account {
            bucket: Arc::clone(&root.bucket),
            root: root.prefix.clone(),
            organization: organization.map(str::to_owned),
            account: account.to_owned(),
            region: region.clone(),
        };
        let named = account.map(|account| vec![make(organization.as_deref(), account)]);
        let found = named.unwrap_or_else(|| self.list_accounts(root, organization.as_deref(), make));
        let asked = &self.context.request.accounts;
        found.into_iter().filter(|found| asked.is_empty() || asked.contains(&found.account)).collect()
    }

    fn list_accounts(
        &mut self,
        root: &Root,
        organization: Option<&str>,
        make: impl Fn(Option<&str>, &str) -> Account,
    ) -> Vec<Account> {
        let logs = format!("{}AWSLogs/", root.prefix);
        let mut accounts = Vec::new();
        let organizations = match organization {
            Some(id) => vec![id.to_owned()],
            None => {
                let names = self.dirs(&root.bucket, &logs);
                accounts.extend(names.iter().filter(|name| is_account(name)).map(|name| make(None, name)));
                names.into_iter().filter(|name| is_organization(name)).collect()
            }
        };
        for id in organizations {
            let names = self.dirs(&root.bucket, &format!("{logs}{id}/"));
            accounts.extend(names.iter().filter(|name| is_account(name)).map(|name| make(Some(&id), name)));
        }
        accounts
    }
}

fn cannot_list(bucket: &str, prefix: &str, error: &StoreError) -> Finding {
    let message = format!("the folder cannot be listed, so what it holds was not looked at: {error}");
    Finding::new(Kind::DigestUnreadable, Timestamp::from_unix(0), message)
        .about(&Location::new(bucket, prefix))
}

fn unrecognised(location: &Location, at: Timestamp, message: &str) -> Finding {
    Finding::new(Kind::ObjectUnrecognised, at, message).about(location)
}

impl Account {
    fn folder(&self, region: &str) -> RegionFolder {
        RegionFolder {
            bucket: Arc::clone(&self.bucket),
            root: self.root.as_str().into(),
            organization: self.organization.as_deref().map(Arc::from),
            account: self.account.as_str().into(),
            region: region.into(),
        }
    }

    fn prefix(&self, kind: &str) -> String {
        format!("{}{kind}/", self.folder("").account_prefix())
    }

    /// The folders in one of the account's folders.
    fn list(&self, context: Context<'_>, kind: &str) -> Result<Vec<String>, StoreError> {
        context.tools.store.list_dirs(&self.bucket, &self.prefix(kind))
    }
}

/// The regions of an account: those with a folder of digests, and those with log files alone.
fn regions(
    context: Context<'_>,
    account: &Account,
    digests: &Result<Vec<String>, StoreError>,
    logs: &Result<Vec<String>, StoreError>,
    findings: &mut Vec<Finding>,
) -> Vec<Place> {
    for (kind, listed) in [(DIGESTS, digests), (LOGS, logs)] {
        let error = listed.as_ref().err();
        findings.extend(error.map(|error| cannot_list(&account.bucket, &account.prefix(kind), error)));
    }
    let names = |listed: &Result<Vec<String>, StoreError>| -> BTreeSet<String> {
        listed.iter().flatten().cloned().collect()
    };
    let (digests, logs) = (names(digests), names(logs));
    for name in digests.iter().filter(|name| !is_region(name)) {
        let key = format!("{}{name}/", account.prefix(DIGESTS));
        let location = Location::new(Arc::clone(&account.bucket), key);
        findings.push(unrecognised(&location, Timestamp::from_unix(0), "no region is called so"));
    }
    let is_asked = |name: &&String| {
        let asked = &context.request.regions;
        is_region(name)
            && (asked.is_empty() || asked.contains(*name))
            && account.region.as_ref().is_none_or(|only| only == *name)
    };
    let place = |name: &String, has_digests| Place { folder: account.folder(name), has_digests };
    let with_digests = digests.iter().filter(is_asked).map(|name| place(name, true));
    let without = logs.iter().filter(is_asked).filter(|name| !digests.contains(*name));
    with_digests.chain(without.map(|name| place(name, false))).collect()
}
