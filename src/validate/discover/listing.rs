//! Lists the digests of a region: its chains, by the names of the digests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::{DiscoveredFolder, beside, cannot_list};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::prove::{ChainProver, LOOK_BACK, ListedDigest};
use crate::store::Listed;
use crate::time::{DAY, HOUR, Timestamp};
use crate::validate::context::RunContext;
use crate::validate::days::{self, DigestDays, RegionDays};
use crate::validate::region::RegionRun;
use crate::validate::request::ValidationRequest;
use crate::validate::twins;
use crate::validate::unreferenced::strays;

/// Seconds after the asked end within which every digest is read as a witness, and the least number of later witnesses.
pub(in crate::validate) const LOOK_AHEAD: (i64, usize) = (3 * HOUR, 2);

/// Seconds after the asked end up to which digests are listed, so that a chain with later digests only is seen.
const MAX_LOOK_AHEAD: i64 = 31 * DAY;

/// A digest written at most so many seconds ago is a recent write: CloudTrail states the time of the newest delivery
/// only.
pub(in crate::validate) const RECENT_WRITE: i64 = 2 * DAY;

/// Seconds that a digest's end may be ahead of our clock.
const CLOCK_SKEW: i64 = HOUR;

/// Lists the digests of one region: its chains, each with one neighbour before the asked range and some neighbours
/// after.
pub(in crate::validate) fn list_region(
    context: RunContext<'_>,
    discovered: &[DiscoveredFolder],
) -> RegionRun {
    list_region_watched(context, discovered, &mut |_, _, _| {})
}

/// Called for every listed digest, with its chain, its entry in the chain, and the listed object.
pub(in crate::validate) type DigestWatcher<'w> = dyn FnMut(&ChainId, ListedDigest, &Listed) + 'w;

/// The same as [`list_region`], and calls `watch` for each digest in listing order, dropped digests included.
pub(in crate::validate) fn list_region_watched(
    context: RunContext<'_>,
    discovered: &[DiscoveredFolder],
    watch: &mut DigestWatcher<'_>,
) -> RegionRun {
    let mut listing = DigestListing::new(context, None, watch);
    let request = context.request;
    let with_digests = || discovered.iter().enumerate().filter(|(_, found)| found.has_digests);
    for (index, found) in with_digests() {
        listing.list_folder(u32::try_from(index).unwrap_or(u32::MAX), &found.folder);
    }
    if request.names_trails() && !listing.chains.keys().any(|id| request.selects(id)) {
        // A named trail is reported as missing wherever it ever recorded, however long ago.
        for (index, found) in with_digests() {
            listing.list_older(u32::try_from(index).unwrap_or(u32::MAX), &found.folder);
        }
    }
    let DigestListing { chains, findings, interrupted, mut recent_writes, days, newer, .. } = listing;
    let folders: Vec<RegionFolder> = discovered.iter().map(|found| found.folder.clone()).collect();
    let mut further = Vec::new();
    let chains = chains.into_iter().map(|(id, mut entries)| {
        entries.sort_unstable();
        let entries = twins::set_aside(request, &id, &folders, entries, &mut further);
        (id, neighbours(request, entries))
    });
    let chains: BTreeMap<_, _> = chains.collect();
    let days = days::compare(context, &folders, days, &chains);
    let mut run = RegionRun::new(request, folders, chains, context.only.is_some(), days);
    run.recent_writes =
        run.chains.iter().map(|chain| recent_writes.remove(chain.id()).unwrap_or_default()).collect();
    run.has_digest_folder = discovered.iter().any(|found| found.has_digests);
    run.unlisted = interrupted;
    run.newer = newer;
    run.twins = further;
    run.listing = context.part.map(|_| run.hash_of_listing());
    // The ends of the digests tell which keys will be needed.
    let (account, region) = (Arc::clone(&run.account), Arc::clone(&run.region));
    let ends = run.chains.iter().flat_map(ChainProver::to_read).map(|listed| listed.end);
    context.tools.keys.expect(&region, ends, request.now);
    run.findings = findings.into_iter().map(|finding| finding.of_region(&account, &region)).collect();
    run
}

/// A region that is left out, because the run is cancelled.
pub(in crate::validate) fn unlisted_region(
    context: RunContext<'_>,
    discovered: &[DiscoveredFolder],
) -> RegionRun {
    let folders = discovered.iter().map(|found| found.folder.clone()).collect();
    let mut run = RegionRun::new(context.request, folders, BTreeMap::new(), false, RegionDays::default());
    run.unlisted = true;
    run
}

/// The ends, newest first, of the needed digests of chain `id` in `folder` that end at `until` or before, with one
/// digest before the asked start. Empty if the folder cannot be listed; `None` if the run is cancelled.
pub(in crate::validate) fn list_earlier(
    context: RunContext<'_>,
    id: &ChainId,
    folder: &RegionFolder,
    until: Timestamp,
) -> Option<Vec<Timestamp>> {
    let mut watch = |_: &ChainId, _, _: &Listed| {};
    let mut listing = DigestListing::new(context, Some((id, until)), &mut watch);
    listing.list_folder(0, folder);
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
    context.tools.keys.expect(&folder.region, ends.iter().copied(), context.request.now);
    Some(ends)
}

struct DigestListing<'a, 'w> {
    context: RunContext<'a>,
    /// The single chain to list, up to this end; `None` for every chain.
    only: Option<(&'a ChainId, Timestamp)>,
    chains: BTreeMap<ChainId, Vec<ListedDigest>>,
    findings: Vec<Finding>,
    /// The number of junk names in the current folder.
    junk: u64,
    /// The number of reported archives.
    archives: u64,
    watch: &'w mut DigestWatcher<'w>,
    /// Whether the run was cancelled before the end of the listing.
    interrupted: bool,
    /// The write times of recently written digests, by chain and by digest end.
    recent_writes: BTreeMap<ChainId, BTreeMap<Timestamp, Timestamp>>,
    /// The newest end of the digests of each chain that were delivered after the plan of the shards.
    newer: BTreeMap<ChainId, Timestamp>,
    /// The listing day by day, in a run that seals days.
    days: DigestDays,
    seals_days: bool,
}

impl<'a, 'w> DigestListing<'a, 'w> {
    fn new(
        context: RunContext<'a>,
        only: Option<(&'a ChainId, Timestamp)>,
        watch: &'w mut DigestWatcher<'w>,
    ) -> Self {
        Self {
            context,
            only,
            chains: BTreeMap::new(),
            findings: Vec::new(),
            junk: 0,
            archives: 0,
            watch,
            interrupted: false,
            recent_writes: BTreeMap::new(),
            newer: BTreeMap::new(),
            days: DigestDays::default(),
            seals_days: only.is_none() && days::seals(context),
        }
    }

    fn check_cancelled(&mut self) -> bool {
        self.interrupted |= self.context.cancellation.skips_work();
        self.interrupted
    }

    fn list_folder(&mut self, index: u32, folder: &RegionFolder) {
        let ValidationRequest { range, now, .. } = *self.context.request;
        let prefix = folder.digest_prefix();
        // A chain that ended before the start is to be seen. A month of one trail is one page of S3's listing.
        let after = range.start.map(|start| format!("{prefix}{}", start.plus(-LOOK_BACK).day_folder()));
        let limit = range.end.plus(MAX_LOOK_AHEAD);
        let limit = self.only.map_or(limit, |(_, until)| until.min(limit));
        let past_limit = (limit < now).then(|| format!("{prefix}{}0", limit.day_folder()));
        self.list_part(index, folder, after.as_deref(), past_limit.as_deref());
        if self.only.is_none() {
            self.report_strays(folder, after.as_deref(), past_limit.as_deref());
        }
    }

    /// Reports objects beside the year folders. The listing from `after` to `until` has reported its own part.
    fn report_strays(&mut self, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        if self.interrupted || (after.is_none() && until.is_none()) {
            return;
        }
        let place = Location::new(Arc::clone(&folder.bucket), folder.digest_prefix());
        let is_new =
            |key: &str| after.is_some_and(|after| key <= after) || until.is_some_and(|until| key > until);
        let context = self.context;
        let listing = RefCell::new(self);
        strays::find(context, &place, None, &|stray| match stray {
            Ok(stray) if is_new(&stray.location.key) => {
                listing.borrow_mut().report_stray(&stray.location);
            }
            Ok(_) => {}
            Err(finding) => {
                listing.borrow_mut().findings.push(as_digest_finding(*finding));
            }
        });
    }

    /// Lists the digests older than the part that [`DigestListing::list_folder`] lists.
    fn list_older(&mut self, index: u32, folder: &RegionFolder) {
        let Some(start) = self.context.request.range.start else { return };
        let until = format!("{}{}", folder.digest_prefix(), start.plus(-LOOK_BACK).day_folder());
        self.list_part(index, folder, None, Some(&until));
    }

    fn list_part(&mut self, index: u32, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        self.junk = 0;
        self.list_keys(index, folder, after, until);
        let more = self.junk.saturating_sub(self.max_named());
        if more > 0 {
            let fault = Fault::MoreJunk { count: more, folder: folder.digest_prefix() };
            self.findings.push(Finding::new(fault, Timestamp::from_unix(0)));
        }
    }

    fn max_named(&self) -> u64 {
        self.context.request.limits.named as u64
    }

    /// Reports an object that is not a digest. An archive in a copy may hold digests.
    fn report_stray(&mut self, location: &Location) {
        match beside::unopened_archive(self.context, location) {
            Some(finding) if self.archives < self.max_named().max(1) => {
                self.archives += 1;
                self.findings.push(finding);
            }
            _ => self.report_junk(Fault::NotADigestName, strays::NO_TIME, location),
        }
    }

    /// Reports a junk object, up to a limit: a writer to the bucket can make any number.
    fn report_junk(&mut self, fault: Fault, at: Timestamp, location: &Location) {
        self.junk += 1;
        if self.junk <= self.max_named() {
            self.findings.push(Finding::new(fault, at).about(location));
        }
    }

    /// Lists the keys of `folder` between `after` and `until`, both excluded.
    fn list_keys(&mut self, index: u32, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        if self.check_cancelled() {
            return;
        }
        let now = self.context.request.now;
        let planned = self.context.planned;
        // A digest may end a little after the present; in a shard, the present is that of the plan.
        let latest = now.plus(CLOCK_SKEW);
        let planned_newest = planned.as_ref().map(|planned| planned.newest());
        let possible = planned.map_or(latest, |planned| latest.max(planned.clock.plus(CLOCK_SKEW)));
        let prefix = folder.digest_prefix();
        let mut has_failed = false;
        for listed in self.context.tools.store.list(&folder.bucket, &prefix, after) {
            let listed = match listed {
                Ok(listed) => listed,
                // The digests of a folder that cannot be read are unknown; those of other folders are judged.
                Err(error) => {
                    self.days.note_failure(index);
                    if !mem::replace(&mut has_failed, true) {
                        self.findings.push(cannot_list(&folder.bucket, &prefix, &error));
                    }
                    continue;
                }
            };
            if self.check_cancelled() {
                return;
            }
            if until.is_some_and(|until| *listed.key > *until) {
                return;
            }
            if listed.size == 0 && listed.key.ends_with('/') {
                continue;
            }
            if self.seals_days {
                self.days.note(index, folder, &listed);
            }
            let location = Location::new(Arc::clone(&folder.bucket), listed.key.as_str());
            // 2. Parse the key. A name alone does not show account and region: a digest name in a folder of different
            //    names, or further down, is not a digest of this folder.
            let key = DigestKey::parse(&location).filter(|key| key.folder == *folder);
            if let Some((id, until)) = self.only
                && !key.as_ref().is_some_and(|key| key.end <= until && key.chain() == *id)
            {
                continue;
            }
            match key {
                Some(key) if key.end > possible => {
                    self.report_junk(Fault::FutureDigest, key.end, &location);
                }
                Some(key) => {
                    let (chain, entry) = (key.chain(), ListedDigest { end: key.end, folder: index });
                    let newest = planned_newest.as_ref().map(|newest| newest.get(&chain).copied());
                    if newest.is_some_and(|newest| key.end > newest.unwrap_or(latest)) {
                        let newest = self.newer.entry(chain).or_insert(key.end);
                        *newest = key.end.max(*newest);
                        continue;
                    }
                    (self.watch)(&chain, entry, &listed);
                    if let Some(modified) =
                        listed.modified.filter(|modified| *modified >= now.plus(-RECENT_WRITE))
                    {
                        self.recent_writes.entry(chain.clone()).or_default().insert(entry.end, modified);
                    }
                    self.chains.entry(chain).or_default().push(entry);
                }
                None => self.report_stray(&location),
            }
        }
    }
}

/// Turns the finding on an unsearched log folder into the finding on a digest folder.
fn as_digest_finding(finding: Finding) -> Finding {
    let fault = match finding.fault.clone() {
        Fault::UnsearchedFolder { why } => Fault::UnlistedFolder { why },
        Fault::SearchInterrupted => Fault::FolderInterrupted,
        fault => fault,
    };
    Finding { kind: fault.kind(), fault, ..finding }
}

/// Keeps the digests of a chain that may overlap the asked range, the witnesses after the range, and one witness
/// before.
fn neighbours(request: &ValidationRequest, mut entries: Vec<ListedDigest>) -> Vec<ListedDigest> {
    entries.sort_unstable();
    let end = request.range.end;
    let before = request.range.start.map_or(0, |start| entries.partition_point(|entry| entry.end <= start));
    let near = entries.partition_point(|entry| entry.end <= end.plus(LOOK_AHEAD.0));
    let inside = entries.partition_point(|entry| entry.end <= end);
    let until = near.max(inside + LOOK_AHEAD.1).min(entries.len());
    entries.drain(before.saturating_sub(1)..until).collect()
}
