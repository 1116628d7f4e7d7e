//! Reports the objects in log folders that no digest lists.

mod collector;
pub(super) mod strays;

use std::collections::BTreeMap;

use super::context::RunContext;
use super::days::{DayListing, day_of};
use super::region::RegionRun;
use crate::event::{Fault, Finding, Kind};
use crate::ident::{Location, LogFolder, LogFolderKey, RegionFolder};
use crate::store::{Listed, StoreError};
use crate::time::{self, DAY, DELIVERY_GRACE, Interval, Timestamp};

pub(super) use collector::UnreferencedCollector;
pub use collector::UnreferencedLogs;
use strays::Stray;

/// Seconds between a log file's name and the digest that lists the log file. Near the edges of covered time, the digest
/// may be an unread one.
pub(crate) const EDGE: i64 = 35 * 60;

/// The most log files in a folder that is listed as a whole: two pages of S3.
const LISTED_AT_ONCE: usize = 2_000;

/// The most parts of a folder that are listed at a time.
const MAX_PARTS: usize = 64;

/// A search of a log folder, or of a part.
pub(super) struct LogSearch {
    /// The index of the region.
    pub(super) region: usize,
    folder: usize,
    logs: LogFolder,
    part: SearchPart,
}

/// The part of a log folder to search.
enum SearchPart {
    /// The folders of the days in these stretches, in order.
    Days(Vec<Interval>),
    /// The days before the record begins. Objects of a day that is searched anyway are reported by that search.
    Before(Interval),
    /// Objects outside of every day's folder.
    Strays,
    /// The whole folder: there is no digest of the asked range for the folder.
    WithoutDigests,
}

/// The searches for `region`. Folders that a chain was followed into were not asked for, and are left out: not every
/// trail that delivers to such a folder was read.
pub(super) fn plan_searches(context: RunContext<'_>, number: usize, region: &RegionRun) -> Vec<LogSearch> {
    let mut searches = Vec::new();
    for folder in 0..region.folders.len() {
        let covered = region.covered(folder);
        let logs = region.log_folders.get(folder).into_iter().flatten().copied();
        let search = |logs, part| LogSearch { region: number, folder, logs, part };
        if !region.has_digest_in(folder) {
            searches.push(search(LogFolder::CloudTrail, SearchPart::WithoutDigests));
            searches.push(search(LogFolder::CloudTrail, SearchPart::Strays));
            continue;
        }
        for logs in logs {
            let settled = settled_stretches(context, region, folder, &covered);
            for days in region.days.to_search(folder, logs, settled) {
                let days = split_by_days(days, region.references());
                searches.extend(days.into_iter().map(|days| search(logs, SearchPart::Days(days))));
            }
            let before = before_record(context, region, folder);
            searches.extend(before.map(|before| search(logs, SearchPart::Before(before))));
            if !covered.is_empty() {
                searches.push(search(logs, SearchPart::Strays));
            }
        }
    }
    searches
}

/// Reports the objects of a log folder that no digest of any trail lists.
pub(super) fn run_search(
    context: RunContext<'_>,
    region: &RegionRun,
    search: &LogSearch,
    collector: &UnreferencedCollector,
) {
    let Some(folder) = region.folders.get(search.folder) else { return };
    let report = |finding: Finding| collector.add(finding.of_region(&region.account, &region.region));
    match &search.part {
        SearchPart::Days(days) => {
            // A name in the folder of one day may be of another day that is searched.
            let sure = settled_stretches(context, region, search.folder, &region.covered(search.folder));
            let is_sure = |time| time::overlaps_any(&sure, time);
            search_days(context, region, search, days, &is_sure, &report, Some(collector));
        }
        SearchPart::Before(before) => {
            let sure = settled_stretches(context, region, search.folder, &region.covered(search.folder));
            let is_older = |time: Interval| before.overlaps(time) && !time::overlaps_any(&sure, time);
            search_days(context, region, search, &[*before], &is_older, &report, None);
        }
        SearchPart::Strays => {
            let asked = context.request.range.interval();
            let prefix = Location::new(folder.bucket.clone(), folder.log_prefix_in(search.logs));
            let listener = |stray: Result<Stray, Box<Finding>>| {
                report(match stray {
                    Ok(stray) if region.is_listed(&stray.location) => return,
                    Ok(Stray { location, content }) => {
                        let finding = Finding::new(Fault::StrayLog, strays::NO_TIME).about(&location);
                        Finding { content, ..finding }
                    }
                    Err(finding) => *finding,
                });
            };
            match region.has_digest_in(search.folder) {
                true => strays::find(context, &prefix, Some(asked), &listener),
                false => strays::find_without_digests(context, &prefix, asked, &listener),
            }
        }
        SearchPart::WithoutDigests => {
            logs_without_digests(context, region, folder).into_iter().for_each(report)
        }
    }
}

/// Lists the folders beside the days of a log folder, as a run does, and returns the failures to list.
pub(super) fn listing_failures(context: RunContext<'_>, region: &RegionRun, folder: usize) -> Vec<Finding> {
    let collector = UnreferencedCollector::of_failures();
    let search = |part| LogSearch { region: 0, folder, logs: LogFolder::CloudTrail, part };
    run_search(context, region, &search(SearchPart::Strays), &collector);
    if let Some(before) = before_record(context, region, folder) {
        run_search(context, region, &search(SearchPart::Before(before)), &collector);
    }
    let mut findings = collector.finish().0.findings;
    findings.retain(|finding| finding.kind == Kind::LogUnreadable);
    findings
}

/// The time before the record begins, if the request has no start: no digest lists a delivery of that time.
fn before_record(context: RunContext<'_>, region: &RegionRun, folder: usize) -> Option<Interval> {
    if context.request.range.start.is_some() {
        return None;
    }
    let begins = region.record_begins_in(folder)?;
    // A date before CloudTrail began is not a folder of CloudTrail's: the search for strays reports it.
    Interval::new(strays::BEGAN, begins.plus(-EDGE))
}

/// Splits `sure` into parts of whole days, so that a folder of very many log files is listed in several parts at a
/// time: the pages of one listing come one after the other.
fn split_by_days(sure: Vec<Interval>, listed: usize) -> Vec<Vec<Interval>> {
    let (Some(first), Some(last)) = (sure.first(), sure.last()) else { return Vec::new() };
    let (first, end) = (first.start.day(), last.end);
    let most = (listed / LISTED_AT_ONCE).clamp(1, MAX_PARTS);
    let days = (end.unix() - first.unix()).div_euclid(DAY) + 1;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let step = (days + most - 1).div_euclid(most).max(1) * DAY;
    let starts =
        std::iter::successors(Some(first), |start| Some(start.plus(step)).filter(|next| *next < end));
    let part = |start: Timestamp| {
        let part = Interval { start, end: start.plus(step) };
        sure.iter().filter_map(|stretch| stretch.intersect(part)).collect::<Vec<_>>()
    };
    starts.map(part).filter(|part| !part.is_empty()).collect()
}

/// The asked stretches in which every log file must be listed: covered time without its edges, up to the covered end of
/// each trail that delivers to the folder.
fn settled_stretches(
    context: RunContext<'_>,
    region: &RegionRun,
    folder: usize,
    covered: &[Interval],
) -> Vec<Interval> {
    let asked = context.request.range.interval();
    let ends = region.trail_ends(folder).map(|end| settled_until(end, context.request.now));
    let end = ends.min().unwrap_or(asked.end).min(asked.end);
    let asked = Interval { start: asked.start.min(end), end };
    covered.iter().filter_map(|part| part.shrink(EDGE)?.intersect(asked)).collect()
}

/// The time up to which the log files of a trail are known, if its newest digest ends at `end`. The digest that lists a
/// later delivery may be on its way, and the name of a log file is up to 20 minutes off its delivery. A trail that
/// ended before the delivery grace may have begun anew since then.
fn settled_until(end: Timestamp, now: Timestamp) -> Timestamp {
    let grace = now.plus(-DELIVERY_GRACE);
    if end < grace { grace } else { end.plus(-EDGE) }
}

/// The finding on log files of the asked range in a folder without a digest of that range. A folder of digests that could
/// not be listed may have one.
pub(super) fn logs_without_digests(
    context: RunContext<'_>,
    region: &RegionRun,
    folder: &RegionFolder,
) -> Option<Finding> {
    let asked = context.request.range.interval();
    let digests = Location::new(folder.bucket.clone(), folder.digest_prefix()).to_string();
    let is_unlisted = |finding: &Finding| {
        matches!(finding.fault, Fault::UnlistedFolder { .. }) && finding.uri.as_ref() == Some(&digests)
    };
    let is_unlisted = region.findings.iter().any(is_unlisted);
    for listed in log_objects(context, (folder, LogFolder::CloudTrail), asked) {
        match listed {
            // The first digest of a region may still be on its way.
            Ok((_, LogFolderKey::Minute(minute))) if minute >= context.request.now.plus(-DELIVERY_GRACE) => {}
            Ok((object, key))
                if time_of(key).overlaps(asked)
                    && !region.is_listed(&Location::new(folder.bucket.clone(), object.key.as_str())) =>
            {
                let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
                let finding = Finding::new(Fault::LogsWithoutDigests, context.request.range.end);
                return (!is_unlisted).then(|| finding.about(&folder));
            }
            Ok(_) => {}
            Err(finding) => return Some(*finding),
        }
    }
    None
}

/// The stretch of time of an object by its name: the minute, or the day of its folder.
fn time_of(key: LogFolderKey) -> Interval {
    match key {
        LogFolderKey::Minute(minute) => Interval { start: minute, end: minute.plus(1) },
        LogFolderKey::Day(day) => day,
    }
}

fn search_days(
    context: RunContext<'_>,
    region: &RegionRun,
    search: &LogSearch,
    days: &[Interval],
    is_reported: &dyn Fn(Interval) -> bool,
    report: &dyn Fn(Finding),
    collector: Option<&UnreferencedCollector>,
) {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return };
    let Some(folder) = region.folders.get(search.folder) else { return };
    // An end at midnight does not belong to the next day.
    let stretch = Interval { start: first.start, end: last.end.plus(-1) };
    let collector = collector.filter(|_| region.days.is_on());
    let (mut by_day, mut is_whole) = (BTreeMap::new(), true);
    for listed in log_objects(context, (folder, search.logs), stretch) {
        let (object, key) = match listed {
            Ok(listed) => listed,
            Err(finding) => {
                is_whole = false;
                report(*finding);
                continue;
            }
        };
        let location = Location::new(folder.bucket.clone(), object.key.as_str());
        let is_listed = region.is_listed(&location);
        if collector.is_some() {
            // An object of which nothing is said today may be named tomorrow, so only what was proved can be sealed.
            let day: &mut DayListing = by_day.entry(day_of(key)).or_default();
            day.add_log(&folder.bucket, &object, is_listed, &region.days);
        }
        if is_reported(time_of(key)) && !is_listed {
            let finding = Finding::new(Fault::UnlistedLog, time_of(key).start).about(&location);
            report(Finding { content: object.identity(), ..finding });
        }
    }
    if let Some(collector) = collector.filter(|_| is_whole) {
        collector.note_days(search.folder, search.logs, stretch, by_day);
    }
}

/// The finding that the search of a log folder was left out, because the run was cancelled.
pub(super) fn search_interrupted(at: Timestamp, folder: &Location) -> Finding {
    Finding::new(Fault::SearchInterrupted, at).about(folder)
}

/// The objects in [`list_log_folder`]. A failure to list is a finding, since unreferenced log files
/// may hide in the unlisted part. A cancelled run is a finding too.
fn log_objects<'a>(
    context: RunContext<'a>,
    folder: (&RegionFolder, LogFolder),
    stretch: Interval,
) -> impl Iterator<Item = Result<(Listed, LogFolderKey), Box<Finding>>> + use<'a> {
    let bucket = folder.0.bucket.clone();
    let folder_uri = Location::new(bucket, folder.0.log_prefix_in(folder.1));
    let mut stopped = false;
    let until_stopped = list_log_folder(context, folder, stretch).map_while(move |listed| {
        if stopped {
            return None;
        }
        stopped = context.cancellation.skips_work();
        Some((!stopped).then_some(listed))
    });
    until_stopped.map(move |listed| match listed {
        None => Err(Box::new(search_interrupted(stretch.start, &folder_uri))),
        Some(Ok(listed)) => Ok(listed),
        Some(Err(error)) => Err(Box::new(cannot_search(stretch.start, &folder_uri, &error))),
    })
}

pub(super) fn cannot_search(at: Timestamp, folder: &Location, error: &StoreError) -> Finding {
    Finding::new(Fault::UnsearchedFolder { why: error.to_string() }, at).about(folder)
}

/// The objects in the day folders that `stretch` touches, with the time in each name. Folder markers are left out, and
/// so are objects outside of the day folders: see [`strays`].
pub(super) fn list_log_folder<'a>(
    context: RunContext<'a>,
    (folder, logs): (&RegionFolder, LogFolder),
    stretch: Interval,
) -> impl Iterator<Item = Result<(Listed, LogFolderKey), StoreError>> + use<'a> {
    let prefix = folder.log_prefix_in(logs);
    let after =
        (stretch.start > Timestamp::from_unix(0)).then(|| format!("{prefix}{}", stretch.start.day_folder()));
    // `0` follows `/` in byte order: every key of the last day's folder comes before.
    let end = format!("{prefix}{}0", stretch.end.day_folder());
    let listing = context.tools.store.list(&folder.bucket, &prefix, after.as_deref());
    let in_time = listing.take_while(move |listed| listed.as_ref().map_or(true, |listed| listed.key < end));
    in_time.filter_map(move |listed| match listed {
        Ok(listed) if listed.size == 0 && listed.key.ends_with('/') => None,
        Ok(listed) => {
            let key = LogFolderKey::parse_in(logs, listed.key.strip_prefix(&prefix)?)?;
            Some(Ok((listed, key)))
        }
        Err(error) => Some(Err(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_days_and_leave_nothing_out() {
        let at = Timestamp::from_unix;
        let sure = vec![
            Interval { start: at(3_600), end: at(DAY + 7) },
            Interval { start: at(DAY + 9), end: at(9 * DAY) },
            Interval { start: at(20 * DAY + 1), end: at(21 * DAY + 1) },
        ];
        for listed in [0, 1_999, 4_000, 9_999, 1_000_000] {
            let parts = split_by_days(sure.clone(), listed);
            assert!(
                parts.len() <= (listed / LISTED_AT_ONCE).clamp(1, MAX_PARTS),
                "{listed}: {}",
                parts.len()
            );
            assert_eq!(parts.len() > 1, listed >= 2 * LISTED_AT_ONCE, "{listed}");
            assert_eq!(time::union(parts.concat()), time::union(sure.clone()), "{listed}");
            for pair in parts.windows(2) {
                let (end, start) = (pair[0].last().unwrap().end, pair[1].first().unwrap().start);
                assert!(end <= start && end.plus(-1).day() < start.day().plus(1), "{listed}");
                assert!(end.plus(-1).day() != start.day(), "{listed}: a day is in two parts");
            }
        }
        assert!(split_by_days(Vec::new(), 10_000).is_empty());
    }
}
