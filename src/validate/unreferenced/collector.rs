//! Collects the findings on a region's log folders. The first unreferenced objects by time are named and the rest is
//! counted, because a writer to the bucket can make any number.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::event::{Fault, Finding, Kind};

/// How many findings more than needed are collected before the first are selected.
const SLACK: usize = 10_000;

/// Collects the findings of one region's searches, which may run in parallel.
pub(in crate::validate) struct UnreferencedCollector {
    /// How many objects are named: at least one, since otherwise no object would be reported.
    most: usize,
    collected: Mutex<CollectedFindings>,
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
#[derive(Default)]
pub(in crate::validate) struct UnreferencedLogs {
    /// How many objects no digest lists.
    pub(in crate::validate) count: u64,
    /// The findings on the objects, by time.
    pub(in crate::validate) findings: Vec<Finding>,
}

impl UnreferencedCollector {
    pub(in crate::validate) fn new(most: usize) -> Self {
        Self { most: most.max(1), collected: Mutex::default() }
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

    /// The result, independent of the order in which findings were added.
    pub(in crate::validate) fn finish(self) -> UnreferencedLogs {
        let mut collected = self.collected.into_inner().unwrap_or_else(PoisonError::into_inner);
        collected.keep_first(self.most);
        let CollectedFindings { named: mut findings, count, failures } = collected;
        let more = count.saturating_sub(findings.len() as u64);
        let rest = findings.last().filter(|_| more > 0).map(|last| rest_finding(last, more));
        findings.extend(failures);
        sort_by_time(&mut findings);
        let mut reported = BTreeSet::new();
        findings.retain(|finding| {
            finding.kind != Kind::LogUnreadable || reported.insert((finding.uri.clone(), finding.message()))
        });
        findings.extend(rest);
        UnreferencedLogs { count, findings }
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

/// The finding that `more` objects follow the `last` named object.
fn rest_finding(last: &Finding, more: u64) -> Finding {
    Finding { uri: None, fault: Fault::MoreUnlisted { count: more }, ..last.clone() }
}
