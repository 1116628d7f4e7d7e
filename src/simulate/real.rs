//! Existing log files as content: found in a directory, delivered under their own names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::events::EventContent;
use super::{LogContent, SimulateError, Spec, pack};
use crate::ident::{is_account, is_region};
use crate::time::{HOUR, Timestamp};

/// Returns `spec` with the log files in `dir` and its subfolders as content. Accounts, regions, start and hours are set
/// to fit the files; the start keeps its minute and second. A file is used if the name is
/// `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`; of two files with the same name the first is used.
/// Symbolic links are not followed. The first trail delivers all files.
///
/// # Errors
/// [`SimulateError::Content`] if the directory cannot be read or has no such file.
pub fn spec_from_logs(dir: &Path, mut spec: Spec) -> Result<Spec, SimulateError> {
    let mut found = BTreeMap::new();
    collect(dir, &mut found)?;
    let minutes = || found.values().map(|log: &LogContent| log.minute);
    let (Some(first), Some(last)) = (minutes().min(), minutes().max()) else {
        return Err(failed(dir, "no file has a CloudTrail log file's name"));
    };
    spec.start = first.plus(-(first.unix() - spec.start.unix()).rem_euclid(HOUR));
    let hours = (last.unix() - spec.start.unix()) / HOUR + 1;
    spec.hours = u32::try_from(hours).map_err(|_| failed(dir, "the files span too long a time"))?;
    spec.logs = found.into_values().collect();
    spec.accounts = distinct(&spec.logs, |log| &log.account);
    spec.regions = distinct(&spec.logs, |log| &log.region);
    Ok(spec)
}

/// The stored body of an existing log file, the content and the times of the events. A file that a client saved
/// inflated is compressed again.
pub(super) fn read(log: &LogContent) -> Result<(Vec<u8>, EventContent), SimulateError> {
    let stored = fs::read(&log.path).map_err(|error| failed(&log.path, error))?;
    let stored = if pack::is_gzip(&stored) { stored } else { pack::gzip(&stored)? };
    let json = pack::inflate_whole(&stored).map_err(|error| failed(&log.path, error))?;
    let (oldest, newest) = event_times(&json).unwrap_or((log.minute, log.minute));
    Ok((stored, EventContent { json, oldest, newest }))
}

fn collect(dir: &Path, found: &mut BTreeMap<String, LogContent>) -> Result<(), SimulateError> {
    for path in sorted_entries(dir)? {
        let kind = fs::symlink_metadata(&path).map_err(|error| failed(&path, error))?;
        if kind.is_dir() {
            collect(&path, found)?;
        } else if kind.is_file()
            && let Some(log) = path.file_name().and_then(|name| parse_name(name.to_str()?))
        {
            found.entry(log.name.clone()).or_insert(LogContent { path, ..log });
        }
    }
    Ok(())
}

/// The entries in order of name, so that the choice between two files with the same name is stable.
fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, SimulateError> {
    let entries = fs::read_dir(dir).map_err(|error| failed(dir, error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| failed(dir, error))?;
    paths.sort_unstable();
    Ok(paths)
}

fn parse_name(name: &str) -> Option<LogContent> {
    let fields: Vec<&str> = name.strip_suffix(".json.gz")?.split('_').collect();
    let [account, "CloudTrail", region, minute, unique] = *fields else { return None };
    (is_account(account) && is_region(region) && !unique.is_empty()).then_some(())?;
    Some(LogContent {
        account: account.to_owned(),
        region: region.to_owned(),
        minute: Timestamp::parse_log_name(minute)?,
        name: name.to_owned(),
        path: PathBuf::new(),
    })
}

/// Oldest and newest `eventTime`; `None` if the content is not a log file's. Such a file is delivered all the same.
fn event_times(json: &[u8]) -> Option<(Timestamp, Timestamp)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct LogFile {
        records: Vec<TimedRecord>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TimedRecord {
        event_time: String,
    }
    let file: LogFile = serde_json::from_slice(json).ok()?;
    let times = || file.records.iter().filter_map(|record| Timestamp::parse_digest_field(&record.event_time));
    Some((times().min()?, times().max()?))
}

fn distinct(logs: &[LogContent], field: fn(&LogContent) -> &String) -> Vec<String> {
    logs.iter().map(field).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn failed(path: &Path, why: impl ToString) -> SimulateError {
    SimulateError::Content { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_give_accounts_regions_start_and_hours() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("a/b");
        fs::create_dir_all(&sub).unwrap();
        let body = pack::gzip(br#"{"Records":[{"eventTime":"2021-07-29T23:51:00Z"}]}"#).unwrap();
        for (folder, name) in [
            (dir.path(), "342082656213_CloudTrail_us-east-2_20210729T2355Z_1lQFb8HU3K2s72AX.json.gz"),
            (&*sub, "342082656213_CloudTrail_us-west-1_20210730T0210Z_4DfKnk76xHGWIaM2.json.gz"),
            (&*sub, "README.md"),
        ] {
            fs::write(folder.join(name), &body).unwrap();
        }
        let spec = spec_from_logs(dir.path(), Spec::default()).unwrap();
        assert_eq!((spec.start.to_string().as_str(), spec.hours), ("2021-07-29T23:06:57Z", 4));
        assert_eq!(
            (spec.accounts, spec.regions.len(), spec.logs.len()),
            (vec!["342082656213".to_owned()], 2, 2)
        );
        let (_, content) = read(&spec.logs[0]).unwrap();
        assert_eq!(content.oldest.to_string(), "2021-07-29T23:51:00Z");
        assert!(spec_from_logs(&sub.join("nowhere"), Spec::default()).is_err());
    }
}
