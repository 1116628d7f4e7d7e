//! Collects the findings on a region's log folders. The first unreferenced objects by time are named and the rest is
//! counted, because a writer to the bucket can make any number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use sha2::{Digest as _, Sha256};

use crate::event::{Fault, Finding, Kind};
use crate::ident::{Location, LogFolder, is_log_name};
use crate::store::{Object, StoreError};
use crate::time::{Interval, Timestamp};
use crate::validate::again;
use crate::validate::context::RunContext;
use crate::validate::days::{DayListing, SearchedLogs};
use crate::validate::request::ValidationRequest;

/// How many findings more than needed are collected before the first are selected.
const SLACK: usize = 10_000;

/// How many unlisted log files in one folder become one finding. A trail without log file validation delivers many log
/// files that no digest lists; a forged log file is mostly alone.
const JOINED: usize = 8;

/// How many names of joined log files the message shows.
const EXAMPLES: usize = 3;

/// Collects the findings of one region's searches, which may run in parallel.
pub(in crate::validate) struct UnreferencedCollector {
    /// How many objects are named: at least one, since otherwise no object would be reported.
    most: usize,
    /// Whether many log files in one folder become one finding.
    joins: bool,
    collected: Mutex<CollectedFindings>,
    /// The days that were listed whole, in a run that seals days.
    searched: Mutex<SearchedLogs>,
}

#[derive(Default)]
struct CollectedFindings {
    /// The first findings by time and name, with later findings since the last selection.
    named: Vec<Finding>,
    /// How many unreferenced objects there are.
    count: u64,
    /// Failures to list a folder, which every part of the folder repeats.
    failures: Vec<Finding>,
}

/// The result of a region's searches.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct UnreferencedLogs {
    /// How many objects no digest lists.
    pub count: u64,
    /// The findings on the objects, by time.
    pub findings: Vec<Finding>,
}

impl UnreferencedCollector {
    pub(in crate::validate) fn new(request: &ValidationRequest) -> Self {
        let (most, joins) = (request.limits.named.max(1), request.joins_findings);
        Self { most, joins, collected: Mutex::default(), searched: Mutex::default() }
    }

    /// A collector whose unreferenced objects are not needed.
    pub(in crate::validate) fn of_failures() -> Self {
        Self { most: 1, joins: false, collected: Mutex::default(), searched: Mutex::default() }
    }

    pub(in crate::validate) fn add(&self, finding: Finding) {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        if finding.kind != Kind::LogUnreferenced {
            return collected.failures.push(finding);
        }
        collected.count += 1;
        collected.named.push(finding);
        if collected.named.len() > self.most.saturating_add(SLACK) {
            collected.keep_first(self.most);
        }
    }

    /// Notes that the days that `stretch` touches were listed whole.
    pub(in crate::validate) fn note_days(
        &self,
        folder: usize,
        logs: LogFolder,
        stretch: Interval,
        listed: BTreeMap<Timestamp, DayListing>,
    ) {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        searched.note(folder, logs, stretch, listed);
    }

    /// Reads the named objects whose listing does not tell them from other objects in their place, so that memory can.
    pub(in crate::validate) fn identify(&self, context: RunContext<'_>) {
        if context.request.memory.is_none() {
            return;
        }
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected.keep_first(self.most);
        let place = |finding: &Finding| finding.uri.as_deref().and_then(location_of);
        let unknown = |(at, finding): (usize, &Finding)| {
            Some((at, place(finding)?)).filter(|_| finding.content.is_none())
        };
        let unknown: Vec<(usize, Location)> =
            collected.named.iter().enumerate().filter_map(unknown).collect();
        let hash = |object: Result<Object, StoreError>| object.ok().and_then(again::stored_hash);
        let hashes =
            context.workers.read(&unknown, |(_, location)| location.clone(), |_, object| hash(object));
        for ((at, _), hash) in unknown.into_iter().zip(hashes) {
            if let Some(finding) = collected.named.get_mut(at) {
                finding.content = hash.map(|hash| hash.to_string());
            }
        }
    }

    /// The result, independent of the order in which findings were added, and the days that were listed whole.
    pub(in crate::validate) fn finish(self) -> (UnreferencedLogs, SearchedLogs) {
        let searched = self.searched.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut collected = self.collected.into_inner().unwrap_or_else(PoisonError::into_inner);
        collected.keep_first(self.most);
        let CollectedFindings { named: mut findings, count, failures } = collected;
        let more = count.saturating_sub(findings.len() as u64);
        let rest = findings.last().filter(|_| more > 0).map(|last| rest_finding(last, more));
        if self.joins {
            findings = join_logs(findings);
        }
        findings.extend(failures);
        sort_by_time(&mut findings);
        let mut reported = BTreeSet::new();
        findings.retain(|finding| {
            finding.kind != Kind::LogUnreadable || reported.insert((finding.uri.clone(), finding.message()))
        });
        findings.extend(rest);
        (UnreferencedLogs { count, findings }, searched)
    }
}

impl CollectedFindings {
    fn keep_first(&mut self, most: usize) {
        sort_by_time(&mut self.named);
        self.named.truncate(most);
    }
}

fn sort_by_time(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (a.at, &a.uri).cmp(&(b.at, &b.uri)));
}

/// Joins the findings on log files of one folder, if there are many. Each log file is still named and counted.
fn join_logs(findings: Vec<Finding>) -> Vec<Finding> {
    let mut folders: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    let mut joined = Vec::new();
    for finding in findings {
        match log_folder(&finding) {
            Some(folder) => folders.entry(folder.to_owned()).or_default().push(finding),
            None => joined.push(finding),
        }
    }
    for (folder, logs) in folders {
        match (logs.first(), logs.last()) {
            (Some(first), Some(last)) if logs.len() >= JOINED => {
                let name = |finding: &Finding| finding.uri.as_deref().map(|uri| name_of(uri).to_owned());
                let fault = Fault::UnlistedLogs {
                    count: logs.len() as u64,
                    examples: logs.iter().take(EXAMPLES).filter_map(name).collect(),
                };
                joined.push(Finding {
                    kind: fault.kind(),
                    fault,
                    uri: Some(folder),
                    start: Some(first.at),
                    end: Some(last.at),
                    objects: logs.iter().filter_map(|log| log.uri.clone()).collect(),
                    content: content_of_all(&logs),
                    ..first.clone()
                });
            }
            _ => joined.extend(logs),
        }
    }
    joined
}

/// The region's folder of an unlisted object with the name of a log file, without the three folders of the date.
fn log_folder(finding: &Finding) -> Option<&str> {
    let uri = finding.uri.as_deref().filter(|_| finding.fault == Fault::UnlistedLog)?;
    if !is_log_name(name_of(uri)) {
        return None;
    }
    let (at, _) = uri.rmatch_indices('/').nth(3)?;
    uri.get(..=at)
}

/// A hash over the contents of all log files; `None` if the content of any is unknown.
fn content_of_all(logs: &[Finding]) -> Option<String> {
    let mut hasher = Sha256::new();
    for log in logs {
        let content = log.content.as_deref()?;
        hasher.update((content.len() as u64).to_be_bytes());
        hasher.update(content);
    }
    Some(hex::encode(hasher.finalize()))
}

fn location_of(uri: &str) -> Option<Location> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(Location::new(bucket, key))
}

fn name_of(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}

/// The finding that `more` objects follow the `last` named object.
fn rest_finding(last: &Finding, more: u64) -> Finding {
    Finding { uri: None, content: None, fault: Fault::MoreUnlisted { count: more }, ..last.clone() }
}
