//! Names the objects in log folders that no digest lists.

mod named;
pub(super) mod strays;

use super::context::RunContext;
use super::region::RegionRun;
use crate::event::{Fault, Finding, Kind};
use crate::ident::{Location, LogFolder, LogFolderKey, RegionFolder};
use crate::store::{Listed, StoreError};
use crate::time::{self, DAY, DELIVERY_GRACE, Interval, Timestamp};

pub(super) use named::{Named, Unreferenced};

/// How far a log file's name may be from the digest that lists it, in seconds: near the edges of what is covered
/// the digest may be one that was not read.
const EDGE: i64 = 35 * 60;

/// How many log files may lie in a folder for it to be listed in one go: two of S3's pages.
const LISTED_AT_ONCE: usize = 2_000;

/// In how many places a folder is listed at a time, at most.
const MAX_PARTS: usize = 64;

/// A log folder, or a part of one, that is to be searched.
pub(super) struct Search {
    /// Which of the units it is in.
    pub(super) unit: usize,
    folder: usize,
    logs: LogFolder,
    part: Part,
}

/// What is searched of a log folder.
enum Part {
    /// The folders of these stretches' days, in order.
    Days(Vec<Interval>),
    /// The days up to the moment at which the record begins; what is of a day that is searched anyway is told there.
    Before(Interval),
    /// What lies in no day's folder.
    Strays,
    /// All of it: no digest of the asked range lies beside the folder.
    WithoutDigests,
}

/// What there is to search of `unit`. Folders that a chain was followed to were not asked for, and are left out: not
/// every trail that delivers there was read.
pub(super) fn searches(context: RunContext<'_>, number: usize, unit: &RegionRun) -> Vec<Search> {
    let mut searches = Vec::new();
    for folder in 0..unit.folders.len() {
        let covered = unit.covered(folder);
        let logs = unit.log_folders.get(folder).into_iter().flatten().copied();
        let search = |logs, part| Search { unit: number, folder, logs, part };
        if !unit.answers(folder) {
            searches.push(search(LogFolder::CloudTrail, Part::WithoutDigests));
            continue;
        }
        for logs in logs {
            let days = by_days(sure(context, unit, folder, &covered), unit.references());
            searches.extend(days.into_iter().map(|days| search(logs, Part::Days(days))));
            let before = before(context, unit, folder);
            searches.extend(before.map(|before| search(logs, Part::Before(before))));
            if !covered.is_empty() {
                searches.push(search(logs, Part::Strays));
            }
        }
    }
    searches
}

/// What lies in the log folder that no digest of any trail lists.
pub(super) fn find(context: RunContext<'_>, unit: &RegionRun, search: &Search, named: &Named) {
    let Some(folder) = unit.folders.get(search.folder) else { return };
    let tell = |finding: Finding| named.take(finding.of_region(&unit.account, &unit.region));
    match &search.part {
        Part::Days(days) => {
            let is_sure = |time| time::overlaps_any(days, time);
            in_folder(context, unit, (folder, search.logs), days, &is_sure, &tell);
        }
        Part::Before(before) => {
            let sure = sure(context, unit, search.folder, &unit.covered(search.folder));
            let is_older = |time: Interval| before.overlaps(time) && !time::overlaps_any(&sure, time);
            in_folder(context, unit, (folder, search.logs), &[*before], &is_older, &tell);
        }
        Part::Strays => {
            let asked = context.request.range.interval();
            let prefix = Location::new(folder.bucket.clone(), folder.log_prefix_in(search.logs));
            strays::find(context, &prefix, Some(asked), &|stray| {
                tell(match stray {
                    Ok(location) if unit.is_listed(&location) => return,
                    Ok(location) => Finding::new(Fault::StrayLog, strays::NO_TIME).about(&location),
                    Err(finding) => *finding,
                });
            });
        }
        Part::WithoutDigests => without_digests(context, unit, folder).into_iter().for_each(tell),
    }
}

/// Lists what a run lists beside the days of a log folder, and tells what kept it from being listed.
pub(super) fn failures_beside(context: RunContext<'_>, unit: &RegionRun, folder: usize) -> Vec<Finding> {
    let named = Named::new(0);
    let search = |part| Search { unit: 0, folder, logs: LogFolder::CloudTrail, part };
    find(context, unit, &search(Part::Strays), &named);
    if let Some(before) = before(context, unit, folder) {
        find(context, unit, &search(Part::Before(before)), &named);
    }
    let mut findings = named.end().findings;
    findings.retain(|finding| finding.kind == Kind::LogUnreadable);
    findings
}

/// The time before the record begins, where all there is was asked for: no digest lists what was delivered then.
fn before(context: RunContext<'_>, unit: &RegionRun, folder: usize) -> Option<Interval> {
    if context.request.range.start.is_some() {
        return None;
    }
    let begins = unit.begins(folder)?;
    // What is dated before CloudTrail began lies where nothing is delivered.
    Interval::new(strays::BEGAN, begins.plus(-EDGE))
}

/// `sure` in parts of whole days, so that a folder of very many log files is listed in several places at a time: pages of
/// one listing come one after the other.
fn by_days(sure: Vec<Interval>, listed: usize) -> Vec<Vec<Interval>> {
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

/// The asked stretches of which every log file must be listed: what is covered, without its edges, up to where each
/// trail that delivers to the folder is covered.
fn sure(context: RunContext<'_>, unit: &RegionRun, folder: usize, covered: &[Interval]) -> Vec<Interval> {
    let asked = context.request.range.interval();
    let ends = unit.trail_ends(folder).map(|end| settled(end, context.request.now));
    let end = ends.min().unwrap_or(asked.end).min(asked.end);
    let asked = Interval { start: asked.start.min(end), end };
    time::union(covered.to_vec()).into_iter().filter_map(|part| part.shrink(EDGE)?.intersect(asked)).collect()
}

/// Until when the log files of a trail whose newest digest ends at `end` are known: what it delivered after that is listed
/// by a digest that may be on its way, and CloudTrail names a log file up to 20 minutes off its delivery. A trail that
/// ended before the delivery grace may have begun anew since then.
fn settled(end: Timestamp, now: Timestamp) -> Timestamp {
    let grace = now.plus(-DELIVERY_GRACE);
    if end < grace { grace } else { end.plus(-EDGE) }
}

/// Log files of the asked range in a folder beside which there is no digest of that range.
pub(super) fn without_digests(
    context: RunContext<'_>,
    unit: &RegionRun,
    folder: &RegionFolder,
) -> Option<Finding> {
    let asked = context.request.range.interval();
    for listed in log_objects(context, (folder, LogFolder::CloudTrail), asked) {
        match listed {
            Ok((location, key)) if time_of(key).overlaps(asked) && !unit.is_listed(&location) => {
                let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
                let finding = Finding::new(Fault::LogsWithoutDigests, context.request.range.end);
                return Some(finding.about(&folder));
            }
            Ok(_) => {}
            Err(finding) => return Some(*finding),
        }
    }
    None
}

/// The stretch an object's name puts it in: its minute, or its folder's day.
fn time_of(key: LogFolderKey) -> Interval {
    match key {
        LogFolderKey::Minute(minute) => Interval { start: minute, end: minute.plus(1) },
        LogFolderKey::Day(day) => day,
    }
}

fn in_folder(
    context: RunContext<'_>,
    unit: &RegionRun,
    folder: (&RegionFolder, LogFolder),
    days: &[Interval],
    is_told: &dyn Fn(Interval) -> bool,
    tell: &dyn Fn(Finding),
) {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return };
    // The day after is not looked into for an end at midnight.
    let stretch = Interval { start: first.start, end: last.end.plus(-1) };
    for listed in log_objects(context, folder, stretch) {
        match listed {
            Ok((location, key)) if is_told(time_of(key)) && !unit.is_listed(&location) => {
                tell(Finding::new(Fault::UnlistedLog, time_of(key).start).about(&location));
            }
            Ok(_) => {}
            Err(finding) => tell(*finding),
        }
    }
}

/// Says that the search of a log folder was left out, since the run was to end.
pub(super) fn left_out(at: Timestamp, folder: &Location) -> Finding {
    Finding::new(Fault::SearchInterrupted, at).about(folder)
}

/// Where the objects of [`listing`] lie. A failure to list is a finding, since then nobody looked for unreferenced
/// files; so is the end of the run.
fn log_objects<'a>(
    context: RunContext<'a>,
    folder: (&RegionFolder, LogFolder),
    stretch: Interval,
) -> impl Iterator<Item = Result<(Location, LogFolderKey), Box<Finding>>> + use<'a> {
    let bucket = folder.0.bucket.clone();
    let folder_uri = Location::new(bucket.clone(), folder.0.log_prefix_in(folder.1));
    let mut stopped = false;
    let until_stopped = listing(context, folder, stretch).map_while(move |listed| {
        if stopped {
            return None;
        }
        stopped = context.halt.leaves_out();
        Some((!stopped).then_some(listed))
    });
    until_stopped.map(move |listed| match listed {
        None => Err(Box::new(left_out(stretch.start, &folder_uri))),
        Some(Ok((listed, key))) => Ok((Location::new(bucket.clone(), listed.key), key)),
        Some(Err(error)) => Err(Box::new(cannot_search(stretch.start, &folder_uri, &error))),
    })
}

pub(super) fn cannot_search(at: Timestamp, folder: &Location, error: &StoreError) -> Finding {
    Finding::new(Fault::UnsearchedFolder { why: error.to_string() }, at).about(folder)
}

/// The objects in the day folders that `stretch` touches, with what their names say of the time; folder markers are left
/// out, and so is what lies in no day's folder: see [`strays`].
pub(super) fn listing<'a>(
    context: RunContext<'a>,
    (folder, logs): (&RegionFolder, LogFolder),
    stretch: Interval,
) -> impl Iterator<Item = Result<(Listed, LogFolderKey), StoreError>> + use<'a> {
    let prefix = folder.log_prefix_in(logs);
    let after =
        (stretch.start > Timestamp::from_unix(0)).then(|| format!("{prefix}{}", stretch.start.day_folder()));
    // `0` follows `/`: every key of the last day's folder comes before.
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
            let parts = by_days(sure.clone(), listed);
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
        assert!(by_days(Vec::new(), 10_000).is_empty());
    }
}
