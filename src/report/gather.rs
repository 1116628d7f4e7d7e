//! What a run told, for formats that are written when it is over.

use std::io;

use crate::event::{ChainSummary, Event, Finding, Severity, Summary, Verdict};
use crate::ident::ChainId;
use crate::time::{Range, Timestamp};

/// What was told so far.
#[derive(Default)]
pub(super) struct Gathered {
    begun: Option<Begun>,
    pub(super) chains: Vec<ChainReport>,
    /// Those that concern no chain.
    pub(super) others: Vec<Finding>,
    /// Those of the chain that is told next.
    pending: Vec<Finding>,
}

/// How the run began.
pub(super) struct Begun {
    pub(super) range: Range,
    pub(super) at: Timestamp,
}

/// A chain with what was said of it.
pub(super) struct ChainReport {
    pub(super) summary: ChainSummary,
    pub(super) findings: Vec<Finding>,
}

impl Gathered {
    /// Takes one event in, and gives back the end of the run where it is that.
    pub(super) fn take<'e>(&mut self, event: &'e Event) -> Option<&'e Summary> {
        match event {
            Event::Started { range, at, .. } => {
                self.begun = Some(Begun { range: *range, at: *at });
            }
            Event::Object { .. } => {}
            Event::Finding(finding) => self.pending.push(Finding::clone(finding)),
            Event::Chain(summary) => self.end_chain(summary),
            Event::Finished(summary) => {
                self.others.append(&mut self.pending);
                return Some(summary);
            }
        }
        None
    }

    /// A chain's findings come before it; what came with them and is not its own is nobody's.
    fn end_chain(&mut self, summary: &ChainSummary) {
        let pending = std::mem::take(&mut self.pending);
        let (own, others) = pending.into_iter().partition(|finding| is_of(finding, &summary.id));
        self.others.extend::<Vec<Finding>>(others);
        self.chains.push(ChainReport { summary: summary.clone(), findings: own });
    }

    /// How the run began.
    ///
    /// # Errors
    /// Where nobody said so.
    pub(super) fn begun(&self) -> io::Result<&Begun> {
        self.begun.as_ref().ok_or_else(|| io::Error::other("the run ended before it began"))
    }

    /// Every finding: those of the chains, then the others.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.chains.iter().flat_map(|chain| &chain.findings).chain(&self.others)
    }

    /// Whether the verdict is one that no finding tells of, as where nothing was proved or the run was interrupted.
    pub(super) fn is_unexplained(&self, summary: &Summary) -> bool {
        summary.verdict != Verdict::Intact
            && !self.findings().any(|finding| finding.severity > Severity::Notice)
    }
}

impl ChainReport {
    /// The verdict on this chain alone.
    pub(super) fn verdict(&self) -> Verdict {
        let worst = self.findings.iter().map(|finding| finding.severity).max();
        // Backfill digests cover nothing: their trail's hourly ones do.
        let is_covered = self.summary.id.backfill || !self.summary.covered.is_empty();
        Verdict::from_worst(worst, u64::from(is_covered))
    }
}

fn is_of(finding: &Finding, chain: &ChainId) -> bool {
    let is = |field: &Option<String>, name: &str| field.as_deref() == Some(name);
    is(&finding.account, &chain.account)
        && is(&finding.region, &chain.region)
        && is(&finding.trail, &chain.trail)
}

/// What is said of a verdict that no finding tells of.
pub(super) const UNEXPLAINED: &str = "not everything asked for could be proved";
