//! Lists the digests of a region: its chains, by the names of their digests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Place, cannot_list};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::prove::ListedDigest;
use crate::time::{DAY, HOUR, Timestamp};
use crate::validate::context::RunContext;
use crate::validate::region::RegionRun;
use crate::validate::request::Request;
use crate::validate::unreferenced::strays;

/// How long before the asked start digests are listed, in seconds, so that a chain that ended before it is seen. A
/// month of one trail is one page of S3's listing.
const LOOK_BACK: i64 = 31 * DAY;

/// How long after the asked end every digest is read as a witness, in seconds, and how many later ones at least.
pub(in crate::validate) const LOOK_AHEAD: (i64, usize) = (3 * HOUR, 2);

/// How long after the asked end digests are listed, in seconds, so that a chain of which only later ones are left is
/// seen.
const MAX_LOOK_AHEAD: i64 = 31 * DAY;

/// How long ago a digest was written lately, in seconds: CloudTrail's word is on the newest delivery alone.
pub(in crate::validate) const LATELY: i64 = 2 * DAY;

/// How far ahead of our clock a digest's end may be, in seconds.
const CLOCK_SKEW: i64 = HOUR;

/// Lists the digests of one region: its chains, each with a neighbour before and some after the asked range.
pub(in crate::validate) fn list(context: RunContext<'_>, places: &[Place]) -> RegionRun {
    list_watched(context, places, &mut |_, _, _| {})
}

/// Told of every digest that a listing names: its chain, its place in that, and its stored size in bytes.
pub(in crate::validate) type Watch<'w> = dyn FnMut(&ChainId, ListedDigest, u64) + 'w;

/// The same as [`list`], and lets `watch` know of each digest in the order of the listing, those that are not kept
/// included.
pub(in crate::validate) fn list_watched(
    context: RunContext<'_>,
    places: &[Place],
    watch: &mut Watch<'_>,
) -> RegionRun {
    let mut listing = Listing::new(context, None, watch);
    let request = context.request;
    let with_digests = || places.iter().enumerate().filter(|(_, place)| place.has_digests);
    for (index, place) in with_digests() {
        listing.folder(u32::try_from(index).unwrap_or(u32::MAX), &place.folder);
    }
    if request.names_trails() && !listing.chains.keys().any(|id| request.selects(id)) {
        // A trail that is named is missed wherever it ever recorded, however long ago.
        for (index, place) in with_digests() {
            listing.older_folder(u32::try_from(index).unwrap_or(u32::MAX), &place.folder);
        }
    }
    let Listing { chains, findings, interrupted, mut written, .. } = listing;
    let chains: BTreeMap<_, _> =
        chains.into_iter().map(|(id, entries)| (id, neighbours(request, entries))).collect();
    let folders = places.iter().map(|place| place.folder.clone()).collect();
    let mut unit = RegionRun::new(request, folders, chains, context.only.is_some());
    unit.written = unit.chains.iter().map(|chain| written.remove(chain.id()).unwrap_or_default()).collect();
    unit.has_digest_folder = places.iter().any(|place| place.has_digests);
    unit.unlisted = interrupted;
    let (account, region) = (Arc::clone(&unit.account), Arc::clone(&unit.region));
    let ends = unit.chains.iter().flat_map(|chain| chain.known().listed()).map(|listed| listed.end);
    context.tools.keys.expect(&region, ends, request.now);
    unit.findings = findings.into_iter().map(|finding| finding.of_region(&account, &region)).collect();
    unit
}

/// A region that is left out, since the run is to end.
pub(in crate::validate) fn unlisted(context: RunContext<'_>, places: &[Place]) -> RegionRun {
    let folders = places.iter().map(|place| place.folder.clone()).collect();
    let mut unit = RegionRun::new(context.request, folders, BTreeMap::new(), false);
    unit.unlisted = true;
    unit
}

/// The ends, newest first, of the digests of chain `id` in `folder` that end at `until` or before and that the run needs,
/// one before the asked start included. Empty where the folder cannot be listed; `None` where the run is to end.
pub(in crate::validate) fn older(
    context: RunContext<'_>,
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
    context.tools.keys.expect(&folder.region, ends.iter().copied(), context.request.now);
    Some(ends)
}

struct Listing<'a, 'w> {
    context: RunContext<'a>,
    /// The one chain that is looked for, up to this end; `None` for every chain.
    only: Option<(&'a ChainId, Timestamp)>,
    chains: BTreeMap<ChainId, Vec<ListedDigest>>,
    findings: Vec<Finding>,
    /// How many junk names there are in the folder that is listed.
    junk: u64,
    watch: &'w mut Watch<'w>,
    /// Whether the run was to end before the listing did.
    interrupted: bool,
    /// Of each chain's digests that were written lately, when: by their ends.
    written: BTreeMap<ChainId, BTreeMap<Timestamp, Timestamp>>,
}

impl<'a, 'w> Listing<'a, 'w> {
    fn new(
        context: RunContext<'a>,
        only: Option<(&'a ChainId, Timestamp)>,
        watch: &'w mut Watch<'w>,
    ) -> Self {
        Self {
            context,
            only,
            chains: BTreeMap::new(),
            findings: Vec::new(),
            junk: 0,
            watch,
            interrupted: false,
            written: BTreeMap::new(),
        }
    }

    fn interrupt(&mut self) -> bool {
        self.interrupted |= self.context.halt.leaves_out();
        self.interrupted
    }

    fn folder(&mut self, index: u32, folder: &RegionFolder) {
        let Request { range, now, .. } = *self.context.request;
        let prefix = folder.digest_prefix();
        let after = range.start.map(|start| format!("{prefix}{}", start.plus(-LOOK_BACK).day_folder()));
        let limit = range.end.plus(MAX_LOOK_AHEAD);
        let limit = self.only.map_or(limit, |(_, until)| until.min(limit));
        let past_limit = (limit < now).then(|| format!("{prefix}{}0", limit.day_folder()));
        self.part(index, folder, after.as_deref(), past_limit.as_deref());
        if self.only.is_none() {
            self.strays(folder, after.as_deref(), past_limit.as_deref());
        }
    }

    /// Names what lies in the folder beside its years, as far as the listing from `after` to `until` did not come to it.
    fn strays(&mut self, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        if self.interrupted || (after.is_none() && until.is_none()) {
            return;
        }
        let place = Location::new(Arc::clone(&folder.bucket), folder.digest_prefix());
        let is_new =
            |key: &str| after.is_some_and(|after| key <= after) || until.is_some_and(|until| key > until);
        let context = self.context;
        let told = RefCell::new(self);
        strays::find(context, &place, None, &|stray| match stray {
            Ok(location) if is_new(&location.key) => {
                told.borrow_mut().junk(Fault::NotADigestName, strays::NO_TIME, &location);
            }
            Ok(_) => {}
            Err(finding) => {
                told.borrow_mut().findings.push(of_digests(*finding));
            }
        });
    }

    /// Lists what is older than what [`Listing::folder`] does.
    fn older_folder(&mut self, index: u32, folder: &RegionFolder) {
        let Some(start) = self.context.request.range.start else { return };
        let until = format!("{}{}", folder.digest_prefix(), start.plus(-LOOK_BACK).day_folder());
        self.part(index, folder, None, Some(&until));
    }

    fn part(&mut self, index: u32, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        self.junk = 0;
        self.list(index, folder, after, until);
        let more = self.junk.saturating_sub(self.most_named());
        if more > 0 {
            let fault = Fault::MoreJunk { count: more, folder: folder.digest_prefix() };
            self.findings.push(Finding::new(fault, Timestamp::from_unix(0)));
        }
    }

    fn most_named(&self) -> u64 {
        self.context.request.limits.named as u64
    }

    /// Names a junk object, unless very many were named already: anybody who can write to the bucket can make them.
    fn junk(&mut self, fault: Fault, at: Timestamp, location: &Location) {
        self.junk += 1;
        if self.junk <= self.most_named() {
            self.findings.push(Finding::new(fault, at).about(location));
        }
    }

    /// Lists the keys of `folder` from `after` to `until`, both left out.
    fn list(&mut self, index: u32, folder: &RegionFolder, after: Option<&str>, until: Option<&str>) {
        if self.interrupt() {
            return;
        }
        let now = self.context.request.now;
        let prefix = folder.digest_prefix();
        for listed in self.context.tools.store.list(&folder.bucket, &prefix, after) {
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => return self.findings.push(cannot_list(&folder.bucket, &prefix, &error)),
            };
            if self.interrupt() {
                return;
            }
            if until.is_some_and(|until| *listed.key > *until) {
                return;
            }
            if listed.size == 0 && listed.key.ends_with('/') {
                continue;
            }
            let location = Location::new(Arc::clone(&folder.bucket), listed.key);
            // Its name alone is of no account and region: one that lies in a folder of other names, or further down, is no
            // digest of this folder.
            let key = DigestKey::parse(&location).filter(|key| key.folder == *folder);
            if let Some((id, until)) = self.only
                && !key.as_ref().is_some_and(|key| key.end <= until && key.chain() == *id)
            {
                continue;
            }
            match key {
                Some(key) if key.end > now.plus(CLOCK_SKEW) => {
                    self.junk(Fault::FutureDigest, key.end, &location);
                }
                Some(key) => {
                    let (chain, entry) = (key.chain(), ListedDigest { end: key.end, folder: index });
                    (self.watch)(&chain, entry, listed.size);
                    if let Some(modified) = listed.modified.filter(|modified| *modified >= now.plus(-LATELY))
                    {
                        self.written.entry(chain.clone()).or_default().insert(entry.end, modified);
                    }
                    self.chains.entry(chain).or_default().push(entry);
                }
                None => self.junk(Fault::NotADigestName, strays::NO_TIME, &location),
            }
        }
    }
}

/// What kept a log folder from being searched, said of a digest folder.
fn of_digests(finding: Finding) -> Finding {
    let fault = match finding.fault.clone() {
        Fault::UnsearchedFolder { why } => Fault::UnlistedFolder { why },
        Fault::SearchInterrupted => Fault::FolderInterrupted,
        fault => fault,
    };
    Finding { kind: fault.kind(), fault, ..finding }
}

/// Keeps of a chain's digests those that may overlap the asked range, the witnesses after it, and one before.
fn neighbours(request: &Request, mut entries: Vec<ListedDigest>) -> Vec<ListedDigest> {
    entries.sort_unstable();
    let end = request.range.end;
    let before = request.range.start.map_or(0, |start| entries.partition_point(|entry| entry.end <= start));
    let near = entries.partition_point(|entry| entry.end <= end.plus(LOOK_AHEAD.0));
    let inside = entries.partition_point(|entry| entry.end <= end);
    let until = near.max(inside + LOOK_AHEAD.1).min(entries.len());
    entries.drain(before.saturating_sub(1)..until).collect()
}
