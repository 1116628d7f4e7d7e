//! Tells of a run: findings, chains and what they add up to, from one thread.

use std::io;

use super::answered::Answered;
use super::discover::FoundNames;
use super::region::says_something;
use super::region_report::RegionReport;
use super::request::{Outcome, Request};
use crate::event::{Event, Fault, Finding, Progress, Severity, Sink};
use crate::keys::{KeyRing, RejectedKey};
use crate::time::Timestamp;

/// What is told, and what it adds up to.
pub(super) struct RunTeller<'s> {
    sink: &'s mut dyn Sink,
    progress: &'s dyn Progress,
    pub(super) outcome: Outcome,
    answered: Answered,
}

impl<'s> RunTeller<'s> {
    pub(super) fn new(request: &Request, progress: &'s dyn Progress, sink: &'s mut dyn Sink) -> Self {
        Self { sink, progress, outcome: Outcome::default(), answered: Answered::new(request) }
    }

    pub(super) fn findings(&mut self, findings: Vec<Finding>) -> io::Result<()> {
        for finding in findings {
            self.outcome.worst = self.outcome.worst.max(Some(finding.severity));
            self.progress.finding(finding.severity);
            self.sink.event(&Event::Finding(Box::new(finding)))?;
        }
        Ok(())
    }

    /// A keys file, or an answer of CloudTrail's, with bad entries among good ones is used, and the bad ones are named:
    /// those that are not `said` yet. Returns all of them.
    pub(super) fn rejected_keys(
        &mut self,
        keys: &KeyRing,
        said: &[RejectedKey],
    ) -> io::Result<Vec<RejectedKey>> {
        let notice = |rejected: &RejectedKey| {
            let RejectedKey { source, region, entry, reason } = rejected.clone();
            let uri = region.is_none().then_some(source);
            let fault = Fault::RejectedKey { entry, region: region.clone(), reason };
            let finding = Finding::new(fault, Timestamp::from_unix(0)).as_notice();
            Finding { uri, region, ..finding }
        };
        let rejected = keys.rejected();
        let new = rejected.iter().filter(|one| !said.contains(one));
        self.findings(new.map(notice).collect())?;
        Ok(rejected)
    }

    /// Keeps the names of what is there, for what is asked for in vain.
    pub(super) fn found(&mut self, names: FoundNames) {
        self.answered.found = names;
    }

    /// Tells of a region: chain by chain, then what concerns the region.
    pub(super) fn region(&mut self, report: RegionReport) -> io::Result<()> {
        self.outcome.counts.add(&report.counts);
        self.outcome.keys.extend(report.keys);
        for chain in report.chains.iter().filter(|chain| chain.digests > 0) {
            self.answered.by(&chain.id);
        }
        self.answered.found_trails(report.trails);
        let said = says_something(&report.findings)
            || report.chains.iter().any(|chain| says_something(&chain.findings));
        self.answered.by_region(&report.answering, said);
        for mut chain in report.chains {
            for (object, uri, state) in std::mem::take(&mut chain.objects) {
                self.sink.event(&Event::Object { object, uri, state })?;
            }
            self.findings(std::mem::take(&mut chain.findings))?;
            self.sink.event(&Event::Chain(chain.summary()))?;
        }
        self.findings(report.findings)
    }

    /// What the run came to. Where it was interrupted, nobody can say what is not there.
    pub(super) fn end(mut self, request: &Request, interrupted: bool) -> io::Result<Outcome> {
        if interrupted {
            self.outcome.interrupted = true;
            self.outcome.worst = self.outcome.worst.max(Some(Severity::Incomplete));
        } else {
            let unanswered = self.answered.unanswered(request);
            self.findings(unanswered)?;
        }
        Ok(self.outcome)
    }
}
