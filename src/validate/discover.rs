//! Finds what there is to validate: organizations, accounts and regions by folder, chains by the names of digests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chain::Entry;
use super::unit::Unit;
use super::{Context, Request, Source};
use crate::event::{Finding, Kind};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder, is_account, is_organization, is_region};
use crate::store::StoreError;
use crate::time::{DAY, HOUR, Interval, Timestamp};

/// How many folders deep a trail's prefix may be for its `AWSLogs/` to be found.
const MAX_DEPTH: usize = 8;

/// How many folders are looked into for `AWSLogs/` before giving up.
const MAX_FOLDERS: usize = 10_000;

/// How long before the asked start digests are listed, in seconds, so that a chain that ended before it is seen. A
/// month of one trail is one page of S3's listing.
const LOOK_BACK: i64 = 31 * DAY;

/// How long after the asked end every digest is read as a witness, in seconds, and how many later ones at least.
pub(super) const LOOK_AHEAD: (i64, usize) = (3 * HOUR, 2);

/// How long after the asked end digests are listed, in seconds, so that a chain of which only later ones are left is
/// seen.
const MAX_LOOK_AHEAD: i64 = 31 * DAY;

/// How far ahead of our clock a digest's end may be, in seconds.
const CLOCK_SKEW: i64 = HOUR;

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
                    } else {
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
    let names = |listed: &Result<Vec<String>, StoreError>| listed.clone().unwrap_or_default();
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
    let without = logs.iter().filter(is_asked).filter(|name| !digests.contains(name));
    with_digests.chain(without.map(|name| place(name, false))).collect()
}

/// Lists the digests of one region: its chains, each with a neighbour before and some after the asked range.
pub(super) fn list(context: Context<'_>, places: &[Place]) -> Unit {
    list_watched(context, places, &mut |_, _, _| {})
}

/// Told of every digest that a listing names: its chain, its place in that, and its stored size in bytes.
pub(super) type Watch<'w> = dyn FnMut(&ChainId, Entry, u64) + 'w;

/// The same as [`list`], and lets `watch` know of each digest in the order of the listing, those that are not kept
/// included.
pub(super) fn list_watched(context: Context<'_>, places: &[Place], watch: &mut Watch<'_>) -> Unit {
    let mut listing = Listing::new(context, None, watch);
    for (index, place) in places.iter().enumerate().filter(|(_, place)| place.has_digests) {
        listing.folder(u32::try_from(index).unwrap_or(u32::MAX), &place.folder);
    }
    let Listing { chains, findings, interrupted, .. } = listing;
    let request = context.request;
    let chains: BTreeMap<_, _> =
        chains.into_iter().map(|(id, entries)| (id, neighbours(request, entries))).collect();
    let folders = places.iter().map(|place| place.folder.clone()).collect();
    let mut unit = Unit::new(folders, chains, |id| request.selects(id));
    unit.has_digest_folder = places.iter().any(|place| place.has_digests);
    unit.unlisted = interrupted;
    let (account, region) = (Arc::clone(&unit.account), Arc::clone(&unit.region));
    let ends = || unit.chains.iter().flat_map(|chain| &chain.entries).map(|entry| entry.end);
    if let (Some(start), Some(end)) = (ends().min(), ends().max()) {
        context.tools.keys.expect(&region, Interval { start, end });
    }
    unit.findings = findings.into_iter().map(|finding| finding.of_region(&account, &region)).collect();
    unit
}

/// A region that is left out, since the run is to end.
pub(super) fn unlisted(places: &[Place]) -> Unit {
    let folders = places.iter().map(|place| place.folder.clone()).collect();
    let mut unit = Unit::new(folders, BTreeMap::new(), |_| false);
    unit.unlisted = true;
    unit
}

/// The ends, newest first, of the digests of chain `id` in `folder` that end at `until` or before and that the run needs,
/// one before the asked start included. Empty where the folder cannot be listed; `None` where the run is to end.
pub(super) fn older(
    context: Context<'_>,
    id: &ChainId,
    folder: &RegionFolder,
    until: Timestamp,
) -> Option<Vec<Timestamp>> {
    let mut watch = |_: &ChainId, _, _| {};
    let mut listing = Listing::new(context, Some((id, until)), &mut watch);
    listing.folder(0, folder);
    if listing.interrupted {
        return None;
    }
    if !listing.findings.is_empty() {
        return Some(Vec::new());
    }
    let entries = listing.chains.remove(id).unwrap_or_default();
    let mut ends: Vec<Timestamp> =
        neighbours(context.request, entries).into_iter().map(|entry| entry.end).rev().collect();
    ends.dedup();
    Some(ends)
}

struct Listing<'a, 'w> {
    context: Context<'a>,
    /// The one chain that is looked for, up to this end; `None` for every chain.
    only: Option<(&'a ChainId, Timestamp)>,
    chains: BTreeMap<ChainId, Vec<Entry>>,
    findings: Vec<Finding>,
    watch: &'w mut Watch<'w>,
    /// Whether the run was to end before the listing did.
    interrupted: bool,
}

impl<'a, 'w> Listing<'a, 'w> {
    fn new(context: Context<'a>, only: Option<(&'a ChainId, Timestamp)>, watch: &'w mut Watch<'w>) -> Self {
        Self { context, only, chains: BTreeMap::new(), findings: Vec::new(), watch, interrupted: false }
    }

    fn interrupt(&mut self) -> bool {
        self.interrupted |= self.context.halt.leaves_out();
        self.interrupted
    }

    fn folder(&mut self, index: u32, folder: &RegionFolder) {
        if self.interrupt() {
            return;
        }
        let Request { range, now, .. } = *self.context.request;
        let prefix = folder.digest_prefix();
        let after = range.start.map(|start| format!("{prefix}{}", start.plus(-LOOK_BACK).day_folder()));
        let limit = range.end.plus(MAX_LOOK_AHEAD);
        let limit = self.only.map_or(limit, |(_, until)| until.min(limit));
        let past_limit = (limit < now).then(|| format!("{prefix}{}0", limit.day_folder()));
        for listed in self.context.tools.store.list(&folder.bucket, &prefix, after.as_deref()) {
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => return self.findings.push(cannot_list(&folder.bucket, &prefix, &error)),
            };
            if self.interrupt() {
                return;
            }
            if past_limit.as_ref().is_some_and(|limit| listed.key > *limit) {
                return;
            }
            if listed.size == 0 && listed.key.ends_with('/') {
                continue;
            }
            let location = Location::new(Arc::clone(&folder.bucket), listed.key);
            let key = DigestKey::parse(&location);
            if let Some((id, until)) = self.only
                && !key.as_ref().is_some_and(|key| key.end <= until && key.chain() == *id)
            {
                continue;
            }
            match key {
                Some(key) if key.end > now.plus(CLOCK_SKEW) => {
                    self.findings.push(unrecognised(&location, key.end, "its name is dated in the future"));
                }
                Some(key) => {
                    let (chain, entry) = (key.chain(), Entry { end: key.end, folder: index });
                    (self.watch)(&chain, entry, listed.size);
                    self.chains.entry(chain).or_default().push(entry);
                }
                None => self.findings.push(unrecognised(
                    &location,
                    Timestamp::from_unix(0),
                    "no digest is called so",
                )),
            }
        }
    }
}

/// Keeps of a chain's digests those that may overlap the asked range, the witnesses after it, and one before.
fn neighbours(request: &Request, mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_unstable();
    let end = request.range.end;
    let before = request.range.start.map_or(0, |start| entries.partition_point(|entry| entry.end <= start));
    let near = entries.partition_point(|entry| entry.end <= end.plus(LOOK_AHEAD.0));
    let inside = entries.partition_point(|entry| entry.end <= end);
    let until = near.max(inside + LOOK_AHEAD.1).min(entries.len());
    entries.drain(before.saturating_sub(1)..until).collect()
}
