//! The end of a chain: the result of the prover, as a value.

use std::collections::BTreeSet;

use super::state::ChainHead;
use crate::event::{
    ChainCounts, ChainSummary, Counts, Fault, Finding, ObjectState, ObjectType, Reason, RememberedTime,
    Timeline, UsedKey,
};
use crate::ident::{ChainId, Location};
use crate::time::{Interval, Timestamp};

/// The result for a chain. The report owns its findings.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChainReport {
    /// The chain.
    pub id: ChainId,
    /// The proved digests of the asked range that no newer proved digest records, newest first. Of a backfill chain
    /// every digest.
    pub heads: Vec<ChainHead>,
    /// The oldest proved digest of the asked range.
    pub oldest: Option<ChainHead>,
    /// Remembered heads that exist unchanged, and that a newer proved digest records.
    pub linked: Vec<Location>,
    /// Where the record begins: at the end of the digest that starts the chain.
    pub begins: Option<Timestamp>,
    /// The stretches of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// The stretches of the asked range that no proved digest covers, with reasons.
    pub gaps: Vec<(Interval, Reason)>,
    /// The state of the chain's time, stretch by stretch.
    pub timeline: Option<Timeline>,
    /// The counts of checked objects.
    pub counts: Counts,
    /// Digests in the asked range, known missing digests included.
    pub digests: u64,
    /// Log files that the digests list.
    pub logs: u64,
    /// The findings, in order of time and key.
    pub findings: Vec<Finding>,
    /// The state of every object, if the request asks for every object, in order of time.
    pub objects: Vec<(ObjectType, String, ObjectState)>,
    /// The keys that verified a digest.
    pub keys: BTreeSet<UsedKey>,
    /// Whether any object was left out because the run ended early.
    pub interrupted: bool,
    /// The covered stretches that the run did not read, in order.
    pub remembered: Vec<RememberedTime>,
}

impl ChainReport {
    /// The chain's summary for a report.
    #[must_use]
    pub fn summary(&self) -> ChainSummary {
        ChainSummary {
            id: self.id.clone(),
            covered: self.covered.clone(),
            digests: self.digests,
            logs: self.logs,
            counts: Some(ChainCounts::of(&self.counts)),
            gaps: self.gaps.len() as u64,
            timeline: self.timeline.clone(),
            remembered: self.remembered.clone(),
            in_replica: false,
        }
    }

    /// Whether the chain belongs in a report: the chain has a digest in the asked range, or a finding.
    #[must_use]
    pub fn is_reportable(&self) -> bool {
        self.digests > 0 || !self.findings.is_empty()
    }

    /// Reports a trail with backfill digests in range and without hourly digests: backfill digests cover no time.
    pub fn report_backfill_alone(&mut self, end: Timestamp) {
        self.findings.push(Finding::new(Fault::BackfillAlone, end).of_chain(&self.id));
    }
}
