//! What is said of a region's log folders: of very many objects that no digest lists, the first by time are named and the rest
//! is counted, since whoever can write to the bucket can make any number of them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::event::{Fault, Finding, Kind};

/// How many are taken before it is told which of them are the first.
const ROOM: usize = 10_000;

/// What the searches of one region find, which may run at a time.
pub(in crate::validate) struct Named {
    /// How many objects are named: one at least, or nothing would be said of any.
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The first ones by time and name, and others that came since they were told apart.
    named: Vec<Finding>,
    /// How many there are.
    count: u64,
    /// What kept a folder from being listed, which each of its parts says.
    failures: Vec<Finding>,
}

/// What came of a region's searches.
#[derive(Default)]
pub(in crate::validate) struct Unreferenced {
    /// How many objects no digest lists.
    pub(in crate::validate) count: u64,
    /// What is said of them, by time.
    pub(in crate::validate) findings: Vec<Finding>,
}

impl Named {
    pub(in crate::validate) fn new(most: usize) -> Self {
        Self { most: most.max(1), kept: Mutex::default() }
    }

    pub(in crate::validate) fn take(&self, finding: Finding) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if finding.kind != Kind::LogUnreferenced {
            return kept.failures.push(finding);
        }
        kept.count += 1;
        kept.named.push(finding);
        if kept.named.len() > self.most.saturating_add(ROOM) {
            kept.tell_apart(self.most);
        }
    }

    /// All of it, the same in whatever order it was found.
    pub(in crate::validate) fn end(self) -> Unreferenced {
        let mut kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.tell_apart(self.most);
        let Kept { named: mut findings, count, failures } = kept;
        let more = count.saturating_sub(findings.len() as u64);
        let rest = findings.last().filter(|_| more > 0).map(|last| rest(last, more));
        findings.extend(failures);
        in_order(&mut findings);
        let mut said = BTreeSet::new();
        findings.retain(|finding| {
            finding.kind != Kind::LogUnreadable || said.insert((finding.uri.clone(), finding.message()))
        });
        findings.extend(rest);
        Unreferenced { count, findings }
    }
}

impl Kept {
    fn tell_apart(&mut self, most: usize) {
        in_order(&mut self.named);
        self.named.truncate(most);
    }
}

fn in_order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (a.at, &a.uri).cmp(&(b.at, &b.uri)));
}

/// Says that there are `more` after the `last` one that is named.
fn rest(last: &Finding, more: u64) -> Finding {
    Finding { uri: None, fault: Fault::MoreUnlisted { count: more }, ..last.clone() }
}
