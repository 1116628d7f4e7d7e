//! Reports a run: findings, chains and their totals, from one thread.

use std::io;

use super::answered::AnsweredNames;
use super::discover::FoundNames;
use super::region::exceeds_notices;
use super::region_report::RegionReport;
use super::request::{RunOutcome, ValidationRequest};
use super::unfetched::UnfetchedKeys;
use crate::event::{Event, Fault, Finding, Progress, Severity, Sink};
use crate::keys::{KeyRing, RejectedKey};
use crate::time::Timestamp;

/// The reporter of a run, with the totals so far.
pub(super) struct RunReporter<'s> {
    sink: &'s mut dyn Sink,
    progress: &'s dyn Progress,
    pub(super) outcome: RunOutcome,
    answered: AnsweredNames,
    /// Digests without keys so far.
    unfetched: UnfetchedKeys,
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
        }
    }

    pub(super) fn send_findings(&mut self, findings: Vec<Finding>) -> io::Result<()> {
        for finding in findings {
            self.outcome.worst = self.outcome.worst.max(Some(finding.severity));
            self.progress.finding(finding.severity);
            self.sink.event(&Event::Finding(Box::new(finding)))?;
        }
        Ok(())
    }

    /// Reports bad entries in a keys file or in an answer of CloudTrail, whose good entries are used. Entries in
    /// `reported` are left out. Returns all bad entries.
    pub(super) fn send_rejected_keys(
        &mut self,
        keys: &KeyRing,
        reported: &[RejectedKey],
    ) -> io::Result<Vec<RejectedKey>> {
        let notice = |rejected: &RejectedKey| {
            let RejectedKey { source, region, entry, reason } = rejected.clone();
            let uri = region.is_none().then_some(source);
            let fault = Fault::RejectedKey { entry, region: region.clone(), reason };
            let finding = Finding::new(fault, Timestamp::from_unix(0)).as_notice();
            Finding { uri, region, ..finding }
        };
        let rejected = keys.rejected();
        let new = rejected.iter().filter(|key| !reported.contains(key));
        self.send_findings(new.map(notice).collect())?;
        Ok(rejected)
    }

    /// Keeps the existing names, to report beside a name that was not found.
    pub(super) fn keep_names(&mut self, names: FoundNames) {
        self.answered.found = names;
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
            self.sink.event(&Event::Chain(chain.summary()))?;
        }
        self.unfetched.add(report.unfetched);
        self.send_findings(report.findings)
    }

    /// Reports each region whose keys could not be fetched.
    pub(super) fn send_unfetched_keys(&mut self) -> io::Result<()> {
        let unfetched = std::mem::take(&mut self.unfetched);
        self.send_findings(unfetched.findings())
    }

    /// The outcome of the run. A cancelled run cannot tell what is missing, so missing names are not reported.
    pub(super) fn finish(mut self, request: &ValidationRequest, interrupted: bool) -> io::Result<RunOutcome> {
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
