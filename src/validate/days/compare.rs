//! Compares the listing of a region with its sealed days, and finds the stretches of each chain that need not be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::listing::{DayListing, DigestDays, day_hash};
use super::{FolderDays, RegionDays, is_settled, seals};
use crate::ident::{ChainId, LogFolder, LogFolderKey, RegionFolder, Sha256Hash};
use crate::prove::{ListedDigest, RememberedStretch, StretchEdge, digest_location};
use crate::store::StoreError;
use crate::time::{DAY, Interval, Timestamp};
use crate::validate::context::RunContext;
use crate::validate::request::ValidationRequest;
use crate::validate::sealed::{SealedChain, SealedDay, SealedFolder};
use crate::validate::unreferenced;

/// Log files in the sealed days that are listed in one part.
const LISTED_AT_ONCE: u64 = 20_000;

/// The most parts of a log folder that are listed at the same time.
const MAX_PARTS: u64 = 64;

/// Compares the listing of a region's folders with the sealed days. The chains have all listed digests of the region.
pub(in crate::validate) fn compare(
    context: RunContext<'_>,
    folders: &[RegionFolder],
    listed: DigestDays,
    chains: &BTreeMap<ChainId, Vec<ListedDigest>>,
) -> RegionDays {
    // A trail that was not asked for is not judged, so its part of a day is not proved.
    if !seals(context) || !chains.keys().all(|id| context.request.selects(id)) {
        return RegionDays::default();
    }
    let DigestDays { folders: mut days, failed } = listed;
    let folder_days = folders.iter().enumerate().map(|(number, folder)| {
        let index = u32::try_from(number).unwrap_or(u32::MAX);
        let listed = days.remove(&index).unwrap_or_default();
        // What could not be listed is neither compared nor sealed.
        let listed = if failed.contains(&index) { BTreeMap::new() } else { listed };
        compare_folder(context, folder, listed)
    });
    let part = context.part.unwrap_or_default();
    RegionDays { folders: folder_days.collect(), read: Vec::new(), part }
}

fn compare_folder(
    context: RunContext<'_>,
    folder: &RegionFolder,
    mut listed: BTreeMap<Timestamp, DayListing>,
) -> FolderDays {
    let request = context.request;
    listed.retain(|day, _| is_settled(request, *day));
    let known = request.sealed(folder);
    let unchanged = unchanged_days(context, folder, &known, &listed);
    let (compared, UnchangedDays { unchanged, archived }) = match unchanged {
        Some(unchanged) => (known.logs.clone(), unchanged),
        None => Default::default(),
    };
    // 1. Digests need not be read if all that they list is unchanged.
    let is_known = |day: &&Timestamp| {
        let sealed = known.days.get(*day);
        sealed.is_some_and(|sealed| {
            sealed.lists.is_subset(&unchanged) && !has_head_within(request, folder, sealed)
        })
    };
    let mut skipped: BTreeSet<Timestamp> = unchanged.iter().filter(is_known).copied().collect();
    // 2. A slice is read again: the days that were not read for the longest time. Archived objects cannot be read, and
    //    stay vouched for while their listing is the same. Some tiers are not shown in listings: days in which an earlier
    //    run met one come last.
    let can_be_read = |sealed: &SealedDay, day: &Timestamp| {
        !sealed.lists.iter().chain([day]).any(|day| archived.contains(day))
    };
    let due = skipped.iter().filter_map(|day| known.days.get(day).map(|sealed| (sealed, *day)));
    let due = due.filter(|(sealed, day)| can_be_read(sealed, day));
    let mut due: Vec<(bool, Timestamp, Timestamp)> =
        due.map(|(sealed, day)| (sealed.is_archived, sealed.read, day)).collect();
    due.sort_unstable();
    let recheck = request.memory.as_ref().map(|memory| memory.recheck).unwrap_or_default();
    for (_, _, day) in due.iter().take(recheck.of(due.len())) {
        skipped.remove(day);
    }
    listed.retain(|day, _| !skipped.contains(day));
    FolderDays {
        folder: folder.clone(),
        known,
        listed,
        unchanged,
        skipped,
        compared,
        drafts: BTreeMap::new(),
        lines: BTreeMap::new(),
        referenced: BTreeMap::new(),
    }
}

/// Whether memory has a head within the day, which is met only where its digest is read.
fn has_head_within(request: &ValidationRequest, folder: &RegionFolder, sealed: &SealedDay) -> bool {
    sealed.chains.iter().any(|chain| {
        let remembered = request.remembered_chain(&chain.id);
        let mut heads = remembered.into_iter().flat_map(|remembered| &remembered.heads);
        heads.any(|head| {
            let is_edge = [chain.oldest, chain.newest].contains(&(head.end, head.hash))
                && digest_location(&chain.id, folder, head.end) == head.location;
            (chain.oldest.0..=chain.newest.0).contains(&head.end) && !is_edge
        })
    })
}

/// The sealed days whose listing is the same.
#[derive(Default)]
struct UnchangedDays {
    unchanged: BTreeSet<Timestamp>,
    /// Those of them with an object that has to be restored before it is read.
    archived: BTreeSet<Timestamp>,
}

/// The sealed days whose listing is the same. `None` if a log folder could not be listed.
fn unchanged_days(
    context: RunContext<'_>,
    folder: &RegionFolder,
    known: &SealedFolder,
    listed: &BTreeMap<Timestamp, DayListing>,
) -> Option<UnchangedDays> {
    let is_listed = |day: &&Timestamp| listed.contains_key(day);
    let days: Vec<Timestamp> = known.days.keys().filter(is_listed).copied().collect();
    if days.is_empty() {
        return Some(UnchangedDays::default());
    }
    let mut logs: BTreeMap<LogFolder, BTreeMap<Timestamp, DayListing>> = BTreeMap::new();
    for of in &known.logs {
        logs.insert(*of, list_days(context, folder, *of, known, &days)?);
    }
    let same = days.into_iter().filter(|day| {
        let of_day = logs.iter().filter_map(|(of, days)| Some((*of, days.get(day)?)));
        let hash = day_hash(listed.get(day), of_day);
        hash.is_some() && hash == known.days.get(day).map(|sealed| sealed.hash)
    });
    let unchanged: BTreeSet<Timestamp> = same.collect();
    let listings = || logs.values().chain([listed]);
    let is_archived =
        |day: &&Timestamp| listings().any(|days| days.get(day).is_some_and(|day| day.has_archived));
    let archived = unchanged.iter().filter(is_archived).copied().collect();
    Some(UnchangedDays { unchanged, archived })
}

/// Lists a log folder over `days`, in parts if the days have many log files. `None` if a part could not be listed.
fn list_days(
    context: RunContext<'_>,
    folder: &RegionFolder,
    logs: LogFolder,
    known: &SealedFolder,
    days: &[Timestamp],
) -> Option<BTreeMap<Timestamp, DayListing>> {
    let count = |day: &Timestamp| {
        let chains = known.days.get(day).into_iter().flat_map(|day| &day.chains);
        chains.map(|chain| chain.logs).fold(0, u64::saturating_add)
    };
    let all = days.iter().map(count).fold(0, u64::saturating_add);
    let parts = (all / LISTED_AT_ONCE).clamp(1, MAX_PARTS);
    let size = days.len().div_ceil(usize::try_from(parts).unwrap_or(1)).max(1);
    let parts: Vec<&[Timestamp]> = days.chunks(size).collect();
    let found: Mutex<Option<BTreeMap<Timestamp, DayListing>>> = Mutex::new(Some(BTreeMap::new()));
    let list = |part: &&[Timestamp]| {
        let listed = list_part(context, folder, logs, part);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match (listed, &mut *found) {
            (Ok(listed), Some(all)) => all.extend(listed),
            _ => *found = None,
        }
    };
    match parts.as_slice() {
        [only] => list(only),
        parts if context.workers.ask(parts, list).len() == parts.len() => {}
        _ => return None,
    }
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn list_part(
    context: RunContext<'_>,
    folder: &RegionFolder,
    logs: LogFolder,
    days: &[Timestamp],
) -> Result<BTreeMap<Timestamp, DayListing>, StoreError> {
    let mut listed: BTreeMap<Timestamp, DayListing> = BTreeMap::new();
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(listed) };
    let stretch = Interval { start: *first, end: last.plus(DAY - 1) };
    for object in unreferenced::list_log_folder(context, (folder, logs), stretch) {
        if context.cancellation.skips_work() {
            return Err(StoreError::Unreadable("interrupted".to_owned()));
        }
        let (object, key) = object?;
        let day = listed.entry(day_of(key)).or_default();
        day.add(&folder.bucket, &object);
    }
    Ok(listed)
}

/// The day of the folder of a log file.
pub(in crate::validate) fn day_of(key: LogFolderKey) -> Timestamp {
    match key {
        LogFolderKey::Minute(minute) => minute.day(),
        LogFolderKey::Day(day) => day.start,
    }
}

impl RegionDays {
    /// The stretches of chain `id` that need not be read, and the digests to read.
    pub(in crate::validate) fn stretches(
        &self,
        id: &ChainId,
        listed: &[ListedDigest],
    ) -> (Vec<RememberedStretch>, Vec<ListedDigest>) {
        let mut entries: Vec<ListedDigest> = listed.to_vec();
        entries.sort_unstable();
        entries.dedup();
        let (mut stretches, mut to_read) = (Vec::new(), Vec::new());
        let mut rest = entries.as_slice();
        while let Some(first) = rest.first() {
            let length = match self.stretch_from(id, rest) {
                Some(stretch) => {
                    let length = stretch.digests.len();
                    stretches.push(stretch);
                    length
                }
                None => {
                    to_read.push(*first);
                    1
                }
            };
            rest = rest.get(length.max(1)..).unwrap_or_default();
        }
        (stretches, to_read)
    }

    /// The longest stretch of skipped days from the first of `entries`, which are the oldest first.
    fn stretch_from(&self, id: &ChainId, entries: &[ListedDigest]) -> Option<RememberedStretch> {
        let first = entries.first()?;
        let folder = self.folders.get(first.folder as usize)?;
        let mut taken: Vec<(&SealedDay, &SealedChain)> = Vec::new();
        let mut length = 0;
        while let Some(next) = entries.get(length).filter(|next| next.folder == first.folder) {
            let Some((day, chain)) = folder.skipped_chain(id, next.end.day()) else { break };
            // Links between two days are compared here; links within a day were proved with the day.
            let links = taken.last().is_none_or(|(_, before)| {
                chain.previous == Some(before.newest) && chain.start == before.newest.0
            });
            let of_day = entries.get(length..).unwrap_or_default();
            let of_day = of_day.get(..usize::try_from(chain.digests).ok()?).unwrap_or_default();
            let is_listed = of_day.first().is_some_and(|entry| entry.end == chain.oldest.0)
                && of_day.last().is_some_and(|entry| entry.end == chain.newest.0)
                && of_day.iter().all(|entry| entry.folder == first.folder);
            if !links || !is_listed {
                break;
            }
            taken.push((day, chain));
            length += of_day.len();
        }
        let ((_, oldest), (_, newest)) = (taken.first()?, taken.last()?);
        let place = |end: Timestamp| digest_location(id, &folder.folder, end);
        let edge = |(end, hash): (Timestamp, Sha256Hash)| StretchEdge { location: place(end), end, hash };
        Some(RememberedStretch {
            newest: edge(newest.newest),
            oldest: edge(oldest.oldest),
            start: oldest.start,
            previous: oldest.previous.map(|(end, hash)| (place(end), hash)),
            digests: entries.get(..length)?.to_vec(),
            logs: taken.iter().map(|(_, chain)| chain.logs).fold(0_u64, u64::saturating_add),
            read: taken.iter().map(|(day, _)| day.read).min()?,
        })
    }
}

impl FolderDays {
    fn skipped_chain(&self, id: &ChainId, day: Timestamp) -> Option<(&SealedDay, &SealedChain)> {
        if !self.skipped.contains(&day) {
            return None;
        }
        let sealed = self.known.days.get(&day)?;
        Some((sealed, sealed.chains.iter().find(|chain| *chain.id == *id)?))
    }
}

impl ValidationRequest {
    /// The sealed days of a folder.
    fn sealed(&self, folder: &RegionFolder) -> Arc<SealedFolder> {
        let sealed = self.memory.as_ref().and_then(|memory| memory.sealed.get(folder));
        sealed.map(Arc::clone).unwrap_or_default()
    }
}
