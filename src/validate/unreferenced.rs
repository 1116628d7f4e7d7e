//! Names the objects in log folders that no digest lists.

use super::Context;
use super::unit::Unit;
use crate::event::{Finding, Kind};
use crate::ident::{Location, LogFolderKey, RegionFolder};
use crate::time::{self, Interval, Timestamp};

/// How far a log file's name may be from the digest that lists it, in seconds: near the edges of what is covered
/// the digest may be one that was not read.
const EDGE: i64 = 35 * 60;

/// The objects in the log folders of `unit` that no digest of any trail lists.
pub(super) fn find(context: Context<'_>, unit: &Unit) -> Vec<Finding> {
    let folders = unit.folders.iter().zip(&unit.covered);
    let mut findings: Vec<Finding> =
        folders.flat_map(|(folder, covered)| in_folder(context, unit, folder, covered)).collect();
    findings.sort_by(|a, b| (a.at, &a.uri).cmp(&(b.at, &b.uri)));
    findings
}

fn in_folder(context: Context<'_>, unit: &Unit, folder: &RegionFolder, covered: &[Interval]) -> Vec<Finding> {
    let asked = context.request.range.interval();
    let sure =
        time::union(covered.to_vec()).into_iter().filter_map(|part| part.shrink(EDGE)?.intersect(asked));
    let sure: Vec<Interval> = sure.collect();
    let (Some(first), Some(last)) = (sure.first(), sure.last()) else { return Vec::new() };
    let stretch = Interval { start: first.start, end: last.end };
    let is_sure = |key: LogFolderKey| match key {
        LogFolderKey::Minute(minute) => {
            time::overlaps_any(&sure, Interval { start: minute, end: minute.plus(1) })
        }
        LogFolderKey::Day(day) => time::overlaps_any(&sure, day),
    };
    let mut findings = Vec::new();
    for listed in log_objects(context, folder, stretch) {
        match listed {
            Ok((location, key)) if is_sure(key) && !unit.is_listed(&location) => {
                let message = "it lies among the log files, and no proved digest lists it";
                findings.push(Finding::new(Kind::LogUnreferenced, moment(key), message).about(&location));
            }
            Ok(_) => {}
            Err(finding) => findings.push(*finding),
        }
    }
    findings.into_iter().map(|finding| finding.of_region(&folder.account, &folder.region)).collect()
}

fn moment(key: LogFolderKey) -> Timestamp {
    match key {
        LogFolderKey::Minute(minute) => minute,
        LogFolderKey::Day(day) => day.start,
    }
}

/// Whether any log file of the asked range lies in `folder`.
pub(super) fn has_logs(context: Context<'_>, folder: &RegionFolder) -> bool {
    let asked = context.request.range.interval();
    let mut objects = log_objects(context, folder, asked);
    objects.any(|listed| match listed {
        Ok((_, LogFolderKey::Minute(minute))) => asked.contains(minute),
        Ok((_, LogFolderKey::Day(day))) => day.overlaps(asked),
        Err(_) => true,
    })
}

/// The objects in the day folders that `stretch` touches; folder markers are left out. A failure to list is a
/// finding, since then nobody looked for unreferenced files.
fn log_objects<'a>(
    context: Context<'a>,
    folder: &RegionFolder,
    stretch: Interval,
) -> impl Iterator<Item = Result<(Location, LogFolderKey), Box<Finding>>> + use<'a> {
    let prefix = folder.log_prefix();
    let bucket = folder.bucket.clone();
    let after =
        (stretch.start > Timestamp::from_unix(0)).then(|| format!("{prefix}{}", stretch.start.day_folder()));
    // `0` follows `/`: every key of the last day's folder comes before.
    let end = format!("{prefix}{}0", stretch.end.day_folder());
    let folder_uri = Location::new(bucket.clone(), prefix.as_str());
    let listing = context.tools.store.list(&bucket, &prefix, after.as_deref());
    let in_time = listing.take_while(move |listed| listed.as_ref().map_or(true, |listed| listed.key < end));
    in_time.filter_map(move |listed| match listed {
        Ok(listed) if listed.size == 0 && listed.key.ends_with('/') => None,
        Ok(listed) => {
            let key = LogFolderKey::parse(listed.key.strip_prefix(&prefix)?)?;
            Some(Ok((Location::new(bucket.clone(), listed.key), key)))
        }
        Err(error) => {
            let message =
                format!("the folder cannot be listed, so unreferenced files were not looked for: {error}");
            Some(Err(Box::new(Finding::new(Kind::LogUnreadable, stretch.start, message).about(&folder_uri))))
        }
    })
}
