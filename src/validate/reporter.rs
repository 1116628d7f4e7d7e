//! Reports a run: findings, chains and their totals, from one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answered::AnsweredNames;
use super::copies;
use super::discover::DiscoveryFindings;
use super::moved;
use super::region::exceeds_notices;
use super::region_report::RegionReport;
use super::replicas::ReadReplicas;
use super::request::{RunOutcome, RunTools, ValidationRequest};
use super::unfetched::UnfetchedKeys;
use crate::event::{Event, Fault, Finding, Kind, Progress, Severity, Sink};
use crate::ident::{Relocation, Sha256Hash};
use crate::keys::RejectedKey;
use crate::store::Disagreement;
use crate::time::Timestamp;

/// The reporter of a run, with the totals so far.
pub(super) struct RunReporter<'s> {
    sink: &'s mut dyn Sink,
    progress: &'s dyn Progress,
    pub(super) outcome: RunOutcome,
    answered: AnsweredNames,
    /// Digests without keys so far.
    unfetched: UnfetchedKeys,
    /// Bad entries of keys files, which are reported already.
    rejected: Vec<RejectedKey>,
    /// The replicas that the run reads, if the run is of replicas.
    replicas: Option<ReadReplicas>,
    /// The moves that the user named.
    moves: Vec<Relocation>,
}

impl<'s> RunReporter<'s> {
    pub(super) fn new(
        request: &ValidationRequest,
        progress: &'s dyn Progress,
        sink: &'s mut dyn Sink,
    ) -> Self {
        Self {
            sink,
            progress,
            outcome: RunOutcome::default(),
            answered: AnsweredNames::new(request),
            unfetched: UnfetchedKeys::default(),
            rejected: Vec::new(),
            replicas: ReadReplicas::of(request),
            moves: request.relocations.clone(),
        }
    }

    pub(super) fn send_findings(&mut self, findings: Vec<Finding>) -> io::Result<()> {
        for finding in findings {
            self.outcome.worst = self.outcome.worst.max(Some(finding.severity));
            self.progress.finding(finding.severity);
            let finding = match &self.replicas {
                Some(replicas) => replicas.name_in(finding),
                None => moved::with_place(finding, &self.moves),
            };
            self.sink.event(&Event::Finding(Box::new(finding)))?;
        }
        Ok(())
    }

    /// Reports what is known before any read. `rejected` are the bad entries of keys files, whose good entries are used.
    pub(super) fn begin(
        &mut self,
        request: &ValidationRequest,
        rejected: Vec<RejectedKey>,
    ) -> io::Result<()> {
        let findings = request.asked_findings();
        let unlisted = |finding: &Finding| match finding.fault {
            Fault::MoreUnlisted { count } => count,
            _ => u64::from(finding.kind == Kind::LogUnreferenced),
        };
        self.outcome.counts.logs.unreferenced += findings.iter().map(unlisted).sum::<u64>();
        self.send_findings(findings)?;
        self.send_findings(rejected.iter().map(rejected_key).collect())?;
        self.rejected = rejected;
        Ok(())
    }

    /// Reports what discovery found beside the regions, and keeps the existing names, to report beside a name that was
    /// not found.
    pub(super) fn discovered(&mut self, found: DiscoveryFindings) -> io::Result<()> {
        let DiscoveryFindings { findings, unreferenced, names } = found;
        self.send_findings(findings)?;
        self.answered.found = names;
        let counted = &mut self.outcome.counts.logs.unreferenced;
        *counted = counted.saturating_add(unreferenced.count);
        self.send_findings(unreferenced.findings)
    }

    /// Reports a region: chain by chain, then the findings on the region.
    pub(super) fn send_region(&mut self, report: RegionReport) -> io::Result<()> {
        self.outcome.counts.add(&report.counts);
        self.outcome.keys.extend(report.keys);
        self.outcome.proved.extend(report.proved);
        self.outcome.sealed.extend(report.sealed);
        for chain in report.chains.iter().filter(|chain| chain.digests > 0) {
            self.answered.note_chain(&chain.id);
        }
        self.answered.note_trails(report.trails);
        let reported = report.unfetched.is_grave()
            || exceeds_notices(&report.findings)
            || report.chains.iter().any(|chain| exceeds_notices(&chain.findings));
        self.answered.note_region(&report.answering, reported);
        for mut chain in report.chains {
            for (object, uri, state) in std::mem::take(&mut chain.objects) {
                self.sink.event(&Event::Object { object, uri, state })?;
            }
            self.send_findings(std::mem::take(&mut chain.findings))?;
            let mut summary = chain.summary();
            summary.in_replica = self.replicas.is_some();
            self.sink.event(&Event::Chain(summary))?;
        }
        self.unfetched.add(report.unfetched);
        self.send_findings(report.findings)
    }

    /// Reports what is known after the last region, and returns the outcome of the run. A cancelled run cannot tell what
    /// is missing, so missing names are not reported.
    pub(super) fn finish(
        mut self,
        request: &ValidationRequest,
        notes: &EndNotes,
        interrupted: bool,
    ) -> io::Result<RunOutcome> {
        let unfetched = std::mem::take(&mut self.unfetched);
        self.send_findings(unfetched.findings())?;
        let rejected = notes.rejected.iter().filter(|key| !self.rejected.contains(key));
        let rejected = rejected.map(rejected_key).collect();
        self.send_findings(rejected)?;
        let passed_over = notes.passed_over.values().fold(0, |sum: u64, files| sum.saturating_add(*files));
        self.send_findings(copies::passed_over(passed_over).into_iter().collect())?;
        self.send_findings(copies::disagreements(notes.disagreements.iter().cloned().collect()))?;
        if interrupted {
            self.outcome.interrupted = true;
            self.outcome.worst = self.outcome.worst.max(Some(Severity::Incomplete));
        } else {
            let unanswered = self.answered.unanswered(request);
            self.send_findings(unanswered)?;
        }
        Ok(self.outcome)
    }
}

/// The finding on a bad entry of a keys file, or of an answer of CloudTrail.
fn rejected_key(rejected: &RejectedKey) -> Finding {
    let RejectedKey { source, region, entry, reason } = rejected.clone();
    let uri = region.is_none().then_some(source);
    let fault = Fault::RejectedKey { entry, region: region.clone(), reason };
    let finding = Finding::new(fault, Timestamp::from_unix(0)).as_notice();
    Finding { uri, region, ..finding }
}

/// What the tools of a run note while they are used, for the end of the run.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndNotes {
    /// Bad entries of keys files, and of answers of CloudTrail.
    pub rejected: Vec<RejectedKey>,
    /// How many files of a copy were passed over, by a hash of their folder.
    pub passed_over: BTreeMap<String, u64>,
    /// Objects with copies that differ.
    pub disagreements: BTreeSet<Disagreement>,
}

impl EndNotes {
    /// What the tools have noted so far.
    #[must_use]
    pub fn of(tools: RunTools<'_>) -> Self {
        let reference = |folder: &Path| {
            let hash = Sha256Hash::of(folder.as_os_str().as_encoded_bytes()).to_string();
            hash.get(..32).unwrap_or_default().to_owned()
        };
        let folders = tools.store.passed_over().into_iter();
        Self {
            rejected: tools.keys.rejected(),
            passed_over: folders.map(|(folder, files)| (reference(&folder), files)).collect(),
            disagreements: tools.store.disagreements().into_iter().collect(),
        }
    }

    /// Adds the notes of another process.
    pub fn add(&mut self, other: Self) {
        for rejected in other.rejected {
            let is_same =
                |known: &RejectedKey| (&known.region, &known.reason) == (&rejected.region, &rejected.reason);
            let is_known = match rejected.region {
                Some(_) => self.rejected.iter().any(is_same),
                None => self.rejected.contains(&rejected),
            };
            if !is_known {
                self.rejected.push(rejected);
            }
        }
        self.rejected.sort_by(|one, other| one.region.cmp(&other.region));
        self.passed_over.extend(other.passed_over);
        self.disagreements.extend(other.disagreements);
    }
}
