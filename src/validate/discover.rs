//! Finds organizations, accounts and regions by folder, and chains by the names of digests.

mod beside;
mod folder;
mod listing;
mod outside;
mod partitions;
mod scan;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::RunContext;
use super::request::ValidationRequest;
use super::source_path::{AWS_LOGS, DIGESTS, LOGS};
use super::unreferenced::{UnreferencedCollector, UnreferencedLogs};
use crate::event::{Fault, Finding};
use crate::ident::{Location, RegionFolder, is_region};
use crate::store::StoreError;
use crate::time::Timestamp;

use folder::AccountFolder;
pub(super) use listing::{
    LOOK_AHEAD, RECENT_WRITE, list_earlier, list_region, list_region_watched, unlisted_region,
};
use outside::OutsideFiles;
use search::AccountSearch;

/// The discovered regions, and what discovery found beside them.
pub(super) struct DiscoveredRegions {
    /// The folders of each region of each account, in order.
    pub(super) regions: Vec<Vec<DiscoveredFolder>>,
    pub(super) found: DiscoveryFindings,
}

/// What discovery found beside the regions.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct DiscoveryFindings {
    /// The findings on folders that cannot be searched.
    pub(super) findings: Vec<Finding>,
    /// Objects outside of every region's folder.
    pub(super) unreferenced: UnreferencedLogs,
    /// Names of existing accounts and regions, asked for or not.
    pub(super) names: FoundNames,
}

/// Existing names, asked for or not. A name that was asked for and not found may be a misspelling of an existing name.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(super) struct FoundNames {
    pub(super) accounts: BTreeSet<String>,
    pub(super) regions: BTreeSet<String>,
    pub(super) trails: BTreeSet<String>,
}

/// A region's folder, and whether the folder has digests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct DiscoveredFolder {
    /// The folder.
    pub folder: RegionFolder,
    /// Whether the folder of digests exists.
    pub has_digests: bool,
}

impl DiscoveredFolder {
    /// The folder, if the folder has digests.
    pub(super) fn digests(&self) -> Option<&RegionFolder> {
        self.has_digests.then_some(&self.folder)
    }
}

/// Finds the folders of every asked region of every asked account.
pub(super) fn find_regions(context: RunContext<'_>) -> DiscoveredRegions {
    // 1. Find the accounts below the sources.
    let collector = UnreferencedCollector::new(context.request);
    let outside = OutsideFiles::new(context, &collector);
    let mut search = AccountSearch::new(context, &outside);
    let mut accounts: BTreeSet<AccountFolder> = BTreeSet::new();
    for source in &context.request.sources {
        accounts.extend(search.accounts_of(source));
    }
    let mut names = FoundNames::default();
    let asked = &context.request.accounts;
    if !asked.is_empty() {
        names.accounts = accounts.iter().map(|account| account.account.clone()).collect();
    }
    accounts.retain(|account| asked.is_empty() || asked.contains(&account.account));
    // 2. List the digest folder and the log folder of each account, in parallel.
    let lists: Vec<(&AccountFolder, &str)> =
        accounts.iter().flat_map(|account| [DIGESTS, LOGS].map(|kind| (account, kind))).collect();
    let found = context.workers.ask(&lists, |(account, kind)| account.list(context, kind));
    if search.interrupted || found.len() < lists.len() {
        search.findings.push(Finding::new(Fault::DiscoveryInterrupted, Timestamp::from_unix(0)));
    }
    // 3. Sort the folders by region, and report objects outside of every region. A request for some regions does not
    //    ask about such objects.
    let mut regions: BTreeMap<(Arc<str>, Arc<str>), BTreeSet<DiscoveredFolder>> = BTreeMap::new();
    let mut found = found.into_iter();
    for account in &accounts {
        let (Some(digests), Some(logs)) = (found.next(), found.next()) else { break };
        if context.request.regions.is_empty() && account.region.is_none() {
            if let Ok(logs) = &logs {
                beside::report_in_log_folder(context, account, logs, &outside);
            }
            let account_folder = Location::new(Arc::clone(&account.bucket), account.prefix_of_all());
            if let Some(found) = search.account_contents.get(&account_folder) {
                beside::report_in_account_folder(context, account, found, &outside);
            }
            if let Ok(digests) = &digests {
                search.findings.extend(beside::strays_in_digest_folder(context, account, digests));
                search.findings.extend(outside.note_in_digest_folder(context, account, digests));
            }
        }
        let [digests, logs] = [digests, logs].map(|found| found.map(|found| found.folders));
        if !context.request.regions.is_empty() {
            names.regions.extend(digests.iter().flatten().filter(|name| is_region(name)).cloned());
        }
        for discovered in region_folders(context, account, &digests, &logs, &mut search.findings) {
            let id = (Arc::clone(&discovered.folder.account), Arc::clone(&discovered.folder.region));
            regions.entry(id).or_default().insert(discovered);
        }
    }
    let mut findings = search.findings;
    findings.extend(outside.finish());
    collector.identify(context);
    DiscoveredRegions {
        regions: regions.into_values().map(|discovered| discovered.into_iter().collect()).collect(),
        found: DiscoveryFindings { findings, unreferenced: collector.finish().0, names },
    }
}

/// Adds each remembered folder that discovery did not find: a folder that is gone, or that a limit left out, is looked
/// into all the same.
pub(super) fn with_remembered(
    regions: Vec<Vec<DiscoveredFolder>>,
    request: &ValidationRequest,
) -> Vec<Vec<DiscoveredFolder>> {
    let id = |folder: &RegionFolder| (Arc::clone(&folder.account), Arc::clone(&folder.region));
    let of_group = |group: &Vec<DiscoveredFolder>| Some(id(&group.first()?.folder));
    let mut all: BTreeMap<_, Vec<DiscoveredFolder>> =
        regions.into_iter().filter_map(|group| Some((of_group(&group)?, group))).collect();
    for folder in request.remembered_folders() {
        let group = all.entry(id(&folder)).or_default();
        if !group.iter().any(|found| found.folder == folder) {
            group.push(DiscoveredFolder { folder, has_digests: true });
        }
    }
    all.into_values().collect()
}

/// The regions of `account` that have a folder.
pub(super) fn regions_of_account(regions: &[Vec<DiscoveredFolder>], account: &str) -> BTreeSet<String> {
    let own = regions.iter().flatten().filter(|found| *found.folder.account == *account);
    own.map(|found| found.folder.region.to_string()).collect()
}

fn cannot_list(bucket: &str, prefix: &str, error: &StoreError) -> Finding {
    Finding::new(Fault::UnlistedFolder { why: error.to_string() }, Timestamp::from_unix(0))
        .about(&Location::new(bucket, prefix))
}

/// The finding on an `AWSLogs/` within one of CloudTrail's own folders, which is not searched: a trail's prefix hardly
/// ends within such a folder.
fn nested_aws_logs(account: &AccountFolder, kind: &str) -> Finding {
    let location = Location::new(Arc::clone(&account.bucket), format!("{}{AWS_LOGS}/", account.prefix(kind)));
    Finding::new(Fault::NestedAwsLogs, Timestamp::from_unix(0)).about(&location)
}

/// The region folders of an account: regions with digests, and regions with log files only.
fn region_folders(
    context: RunContext<'_>,
    account: &AccountFolder,
    digests: &Result<Vec<String>, StoreError>,
    logs: &Result<Vec<String>, StoreError>,
    findings: &mut Vec<Finding>,
) -> Vec<DiscoveredFolder> {
    for (kind, listed) in [(DIGESTS, digests), (LOGS, logs)] {
        let error = listed.as_ref().err();
        findings.extend(error.map(|error| cannot_list(&account.bucket, &account.prefix(kind), error)));
        if listed.iter().flatten().any(|name| name == AWS_LOGS) {
            findings.push(nested_aws_logs(account, kind));
        }
    }
    let names = |listed: &Result<Vec<String>, StoreError>| -> BTreeSet<String> {
        listed.iter().flatten().cloned().collect()
    };
    let is_unknown = digests.is_err();
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
    let discovered =
        |name: &String, has_digests| DiscoveredFolder { folder: account.folder(name), has_digests };
    let with_digests = digests.iter().filter(is_asked).map(|name| discovered(name, true));
    let without = logs.iter().filter(is_asked).filter(|name| !digests.contains(*name));
    // Where the folder of digests could not be listed, a region may have digests all the same.
    with_digests.chain(without.map(|name| discovered(name, is_unknown))).collect()
}
