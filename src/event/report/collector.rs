//! Collects the events of a run into a report.

use std::io;

use super::{Report, ReportedChain};
use crate::event::{Event, Finding, Sink};

/// A sink that builds a [`Report`] from the events of a run.
#[derive(Default, Debug)]
pub struct ReportCollector {
    report: Option<Report>,
    /// Findings in order of arrival. They are assigned to chains when all chains are known.
    findings: Vec<Finding>,
    is_finished: bool,
}

impl ReportCollector {
    /// An empty collector; the first event must be [`Event::Started`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The report; `None` until the run has finished.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        if self.is_finished { self.report.as_ref() } else { None }
    }

    /// The report; `None` if the run has not finished.
    #[must_use]
    pub fn into_report(self) -> Option<Report> {
        self.report.filter(|_| self.is_finished)
    }
}

impl Sink for ReportCollector {
    /// Takes an event.
    ///
    /// # Errors
    /// A [`Event::Chain`] or [`Event::Finished`] before [`Event::Started`].
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let not_begun = || io::Error::other("the run ended before it began");
        match event {
            Event::Started { sources, range, at, origin, single_objects } => {
                let mut report = Report::new(sources.clone(), *range, *at, origin.clone());
                report.single_objects = *single_objects;
                self.report = Some(report);
            }
            Event::Object { .. } => {}
            Event::Finding(finding) => self.findings.push(Finding::clone(finding)),
            Event::Chain(summary) => {
                let report = self.report.as_mut().ok_or_else(not_begun)?;
                report.add_chain(ReportedChain::new(summary.clone(), Vec::new()));
            }
            Event::Finished(summary) => {
                let report = self.report.as_mut().ok_or_else(not_begun)?;
                report.counts = summary.counts;
                report.keys = summary.keys.iter().cloned().collect();
                report.interrupted = summary.interrupted;
                report.resolved.clone_from(&summary.resolved);
                report.finished = summary.at;
                report.add_findings(std::mem::take(&mut self.findings));
                self.is_finished = true;
            }
        }
        Ok(())
    }
}
