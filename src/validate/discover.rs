//! Finds what there is to validate: organizations, accounts and regions by folder, chains by the names of digests.

mod beside;
mod listing;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::RunContext;
use super::scope::{AWS_LOGS, DIGESTS, LOGS};
use super::unreferenced::{Named, Unreferenced};
use crate::event::{Fault, Finding};
use crate::ident::{Location, RegionFolder, is_region};
use crate::store::StoreError;
use crate::time::Timestamp;

pub(super) use listing::{LATELY, LOOK_AHEAD, list, list_watched, older, unlisted};
use search::{Account, Search};

/// What was found, and what kept us from finding more.
pub(super) struct Found {
    /// The folders of each region of each account, in order.
    pub(super) regions: Vec<Vec<Place>>,
    pub(super) findings: Vec<Finding>,
    /// What lies in no folder of a region.
    pub(super) unreferenced: Unreferenced,
    /// The names of the accounts and regions that are there, asked for or not.
    pub(super) names: FoundNames,
}

/// Names of what is there, whether it was asked for or not: what is asked for in vain may be one of them, misspelt.
#[derive(Default)]
pub(super) struct FoundNames {
    pub(super) accounts: BTreeSet<String>,
    pub(super) regions: BTreeSet<String>,
    pub(super) trails: BTreeSet<String>,
}

/// A region's folders, and whether there is one for digests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    folder: RegionFolder,
    has_digests: bool,
}

/// Finds the folders of every region of every account that was asked for.
pub(super) fn folders(context: RunContext<'_>) -> Found {
    let mut search = Search::new(context);
    let mut accounts: BTreeSet<Account> = BTreeSet::new();
    for source in &context.request.sources {
        accounts.extend(search.of_source(source));
    }
    let mut names = FoundNames::default();
    let asked = &context.request.accounts;
    if !asked.is_empty() {
        names.accounts = accounts.iter().map(|account| account.account.clone()).collect();
    }
    accounts.retain(|account| asked.is_empty() || asked.contains(&account.account));
    let lists: Vec<(&Account, &str)> =
        accounts.iter().flat_map(|account| [DIGESTS, LOGS].map(|kind| (account, kind))).collect();
    let found = context.workers.ask(&lists, |(account, kind)| account.list(context, kind));
    if search.interrupted || found.len() < lists.len() {
        search.findings.push(Finding::new(Fault::DiscoveryInterrupted, Timestamp::from_unix(0)));
    }
    let named = Named::new(context.request.limits.named);
    let mut units: BTreeMap<(Arc<str>, Arc<str>), BTreeSet<Place>> = BTreeMap::new();
    let mut found = found.into_iter();
    for account in &accounts {
        let (Some(digests), Some(logs)) = (found.next(), found.next()) else { break };
        if context.request.regions.is_empty() && account.region.is_none() {
            if let Ok(logs) = &logs {
                beside::among_logs(context, account, logs, &named);
            }
            let place = Location::new(Arc::clone(&account.bucket), account.prefix_of_all());
            if let Some(found) = search.in_accounts.get(&place) {
                beside::in_account(context, account, found, &named);
            }
            if let Ok(digests) = &digests {
                search.findings.extend(beside::among_digests(context, account, digests));
            }
        }
        let [digests, logs] = [digests, logs].map(|found| found.map(|found| found.folders));
        if !context.request.regions.is_empty() {
            names.regions.extend(digests.iter().flatten().filter(|name| is_region(name)).cloned());
        }
        for place in regions(context, account, &digests, &logs, &mut search.findings) {
            let id = (Arc::clone(&place.folder.account), Arc::clone(&place.folder.region));
            units.entry(id).or_default().insert(place);
        }
    }
    Found {
        regions: units.into_values().map(|places| places.into_iter().collect()).collect(),
        findings: search.findings,
        unreferenced: named.end(),
        names,
    }
}

/// The regions of `account` that have a folder.
pub(super) fn regions_of(units: &[Vec<Place>], account: &str) -> BTreeSet<String> {
    let own = units.iter().flatten().filter(|place| *place.folder.account == *account);
    own.map(|place| place.folder.region.to_string()).collect()
}

fn cannot_list(bucket: &str, prefix: &str, error: &StoreError) -> Finding {
    Finding::new(Fault::UnlistedFolder { why: error.to_string() }, Timestamp::from_unix(0))
        .about(&Location::new(bucket, prefix))
}

/// Says of an `AWSLogs/` in one of CloudTrail's own folders that it is no part of the search: a trail's prefix that ends
/// there is hardly one.
fn not_searched(account: &Account, kind: &str) -> Finding {
    let location = Location::new(Arc::clone(&account.bucket), format!("{}{AWS_LOGS}/", account.prefix(kind)));
    Finding::new(Fault::NestedAwsLogs, Timestamp::from_unix(0)).about(&location)
}

/// The regions of an account: those with a folder of digests, and those with log files alone.
fn regions(
    context: RunContext<'_>,
    account: &Account,
    digests: &Result<Vec<String>, StoreError>,
    logs: &Result<Vec<String>, StoreError>,
    findings: &mut Vec<Finding>,
) -> Vec<Place> {
    for (kind, listed) in [(DIGESTS, digests), (LOGS, logs)] {
        let error = listed.as_ref().err();
        findings.extend(error.map(|error| cannot_list(&account.bucket, &account.prefix(kind), error)));
        if listed.iter().flatten().any(|name| name == AWS_LOGS) {
            findings.push(not_searched(account, kind));
        }
    }
    let names = |listed: &Result<Vec<String>, StoreError>| -> BTreeSet<String> {
        listed.iter().flatten().cloned().collect()
    };
    let (digests, logs) = (names(digests), names(logs));
    for name in digests.iter().filter(|name| !is_region(name) && *name != AWS_LOGS) {
        let key = format!("{}{name}/", account.prefix(DIGESTS));
        let location = Location::new(Arc::clone(&account.bucket), key);
        findings.push(Finding::new(Fault::NotARegion, Timestamp::from_unix(0)).about(&location));
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
