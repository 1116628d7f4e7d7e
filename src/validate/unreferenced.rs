//! Names the objects in log folders that no digest lists.

use super::Context;
use super::chain::Chain;
use super::coverage::DELIVERY_ALLOWANCE;
use super::unit::Unit;
use crate::event::{Finding, Kind};
use crate::ident::{Location, LogFolderKey, RegionFolder};
use crate::store::{Listed, StoreError};
use crate::time::{self, Interval, Timestamp};

/// How far a log file's name may be from the digest that lists it, in seconds: near the edges of what is covered
/// the digest may be one that was not read.
const EDGE: i64 = 35 * 60;

/// What lies in the log folders of `unit` that no digest of any trail lists. Folders that a chain was followed to were
/// not asked for, and are left out: not every trail that delivers there was read.
pub(super) fn find(context: Context<'_>, unit: &Unit) -> Vec<Finding> {
    let asked = unit.folders.iter().take(unit.asked_folders);
    let folders = asked.zip(unit.answered.iter().zip(&unit.covered)).enumerate();
    let mut findings: Vec<Finding> = folders
        .flat_map(|(index, (folder, (answered, covered)))| match answered {
            true => in_folder(context, unit, folder, sure(context, unit, index, covered)),
            false => without_digests(context, unit, folder).into_iter().collect(),
        })
        .map(|finding| finding.of_region(&unit.account, &unit.region))
        .collect();
    findings.sort_by(|a, b| (a.at, &a.uri).cmp(&(b.at, &b.uri)));
    findings
}

/// The asked stretches of which every log file must be listed: what is covered, without its edges. Where a trail's
/// newest proved digest is so young that its successor may be on its way, the same trail's log files may be there
/// already. A digest that is not proved stands for no trail.
fn sure(context: Context<'_>, unit: &Unit, folder: usize, covered: &[Interval]) -> Vec<Interval> {
    let asked = context.request.range.interval();
    let in_folder =
        |chain: &&Chain| chain.entries.first().is_some_and(|entry| entry.folder as usize == folder);
    let ends = unit.chains.iter().filter(in_folder);
    let ends = ends.filter_map(|chain| chain.walk.covered.iter().map(|window| window.end).max());
    let young = ends.filter(|end| context.request.now.plus(-DELIVERY_ALLOWANCE) <= *end);
    let end = young.min().unwrap_or(asked.end).min(asked.end);
    let asked = Interval { start: asked.start.min(end), end };
    time::union(covered.to_vec()).into_iter().filter_map(|part| part.shrink(EDGE)?.intersect(asked)).collect()
}

/// Log files of the asked range in a folder beside which there is no digest of that range.
pub(super) fn without_digests(context: Context<'_>, unit: &Unit, folder: &RegionFolder) -> Option<Finding> {
    let asked = context.request.range.interval();
    for listed in log_objects(context, folder, asked) {
        match listed {
            Ok((location, key)) if time_of(key).overlaps(asked) && !unit.is_listed(&location) => {
                let message =
                    "there are log files of the asked range, but no digest that could vouch for them";
                let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
                return Some(
                    Finding::new(Kind::NoDigests, context.request.range.end, message).about(&folder),
                );
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

fn in_folder(context: Context<'_>, unit: &Unit, folder: &RegionFolder, sure: Vec<Interval>) -> Vec<Finding> {
    let (Some(first), Some(last)) = (sure.first(), sure.last()) else { return Vec::new() };
    let stretch = Interval { start: first.start, end: last.end };
    let is_sure = |key: LogFolderKey| time::overlaps_any(&sure, time_of(key));
    let mut findings = Vec::new();
    for listed in log_objects(context, folder, stretch) {
        match listed {
            Ok((location, key)) if is_sure(key) && !unit.is_listed(&location) => {
                let message = "it lies among the log files, and no proved digest lists it";
                findings
                    .push(Finding::new(Kind::LogUnreferenced, time_of(key).start, message).about(&location));
            }
            Ok(_) => {}
            Err(finding) => findings.push(*finding),
        }
    }
    findings
}

/// Says that the search of a log folder was left out, since the run was to end.
pub(super) fn left_out(at: Timestamp, folder: &Location) -> Finding {
    let message = "the run was interrupted before all unreferenced files were looked for here";
    Finding::new(Kind::LogUnreadable, at, message).about(folder)
}

/// Where the objects of [`listing`] lie. A failure to list is a finding, since then nobody looked for unreferenced
/// files; so is the end of the run.
fn log_objects<'a>(
    context: Context<'a>,
    folder: &RegionFolder,
    stretch: Interval,
) -> impl Iterator<Item = Result<(Location, LogFolderKey), Box<Finding>>> + use<'a> {
    let bucket = folder.bucket.clone();
    let folder_uri = Location::new(bucket.clone(), folder.log_prefix());
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
        Some(Err(error)) => {
            let message =
                format!("the folder cannot be listed, so unreferenced files were not looked for: {error}");
            Err(Box::new(Finding::new(Kind::LogUnreadable, stretch.start, message).about(&folder_uri)))
        }
    })
}

/// The objects in the day folders that `stretch` touches, with what their names say of the time; folder markers, and
/// what lies in no day's folder, are left out.
pub(super) fn listing<'a>(
    context: Context<'a>,
    folder: &RegionFolder,
    stretch: Interval,
) -> impl Iterator<Item = Result<(Listed, LogFolderKey), StoreError>> + use<'a> {
    let prefix = folder.log_prefix();
    let after =
        (stretch.start > Timestamp::from_unix(0)).then(|| format!("{prefix}{}", stretch.start.day_folder()));
    // `0` follows `/`: every key of the last day's folder comes before.
    let end = format!("{prefix}{}0", stretch.end.day_folder());
    let listing = context.tools.store.list(&folder.bucket, &prefix, after.as_deref());
    let in_time = listing.take_while(move |listed| listed.as_ref().map_or(true, |listed| listed.key < end));
    in_time.filter_map(move |listed| match listed {
        Ok(listed) if listed.size == 0 && listed.key.ends_with('/') => None,
        Ok(listed) => {
            let key = LogFolderKey::parse(listed.key.strip_prefix(&prefix)?)?;
            Some(Ok((listed, key)))
        }
        Err(error) => Some(Err(error)),
    })
}
