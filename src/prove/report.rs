//! The end of a chain: everything that is known of it, as a value.

use std::collections::BTreeSet;

use super::prover::ChainProver;
use super::state::ChainHead;
use crate::event::{
    ChainSummary, Counts, Fault, Finding, Kind, ObjectState, ObjectType, Reason, Timeline, UsedKey,
};
use crate::ident::ChainId;
use crate::time::{Interval, Timestamp};

/// What came of a chain. It owns its findings.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChainReport {
    /// The chain.
    pub id: ChainId,
    /// The newest proved digest of the asked range.
    pub head: Option<ChainHead>,
    /// Where the record begins: at the end of the digest that starts the chain.
    pub begins: Option<Timestamp>,
    /// The stretches of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// The stretches of the asked range that no proved digest covers, and why.
    pub gaps: Vec<(Interval, Reason)>,
    /// What its time is worth, stretch by stretch.
    pub timeline: Option<Timeline>,
    /// What was looked at.
    pub counts: Counts,
    /// Digests in the asked range, missing ones that are known included.
    pub digests: u64,
    /// Log files these list.
    pub logs: u64,
    /// What was found, in order of time and key.
    pub findings: Vec<Finding>,
    /// The state of every object, where that was asked for, in order of time.
    pub objects: Vec<(ObjectType, String, ObjectState)>,
    /// The keys that verified a digest.
    pub keys: BTreeSet<UsedKey>,
    /// Whether something was left out, since the run ended early.
    pub interrupted: bool,
}

impl ChainReport {
    /// The chain as a report sums it up.
    #[must_use]
    pub fn summary(&self) -> ChainSummary {
        ChainSummary {
            id: self.id.clone(),
            covered: self.covered.clone(),
            digests: self.digests,
            logs: self.logs,
            gaps: self.gaps.len() as u64,
            timeline: self.timeline.clone(),
        }
    }

    /// Whether the chain has a digest of the asked range, or a finding.
    #[must_use]
    pub fn is_reportable(&self) -> bool {
        self.digests > 0 || !self.findings.is_empty()
    }

    /// Reports, of a trail that has backfill digests in range and no hourly ones, that nothing covers it.
    pub fn report_backfill_alone(&mut self, end: Timestamp) {
        self.findings.push(Finding::new(Fault::BackfillAlone, end).of_chain(&self.id));
    }
}

impl ChainProver {
    /// What came of the chain, when all its digests and log files were given. [`ChainProver::settle_claims`] comes before.
    #[must_use]
    pub fn finish(mut self) -> ChainReport {
        self.release_overlaps();
        self.judge_coverage();
        self.report_unread_logs();
        let findings = &mut self.state.findings;
        findings.sort_by(|one, other| {
            let order = (one.at, &one.uri, one.kind).cmp(&(other.at, &other.uri, other.kind));
            order.then_with(|| one.fault.cause().cmp(&other.fault.cause()))
        });
        let objects = &mut self.state.objects;
        objects.sort_by(|a, b| (a.0, a.1 == ObjectType::Log, &a.2).cmp(&(b.0, b.1 == ObjectType::Log, &b.2)));
        let (covered, timeline) = (self.covered(), self.timeline());
        let state = self.state;
        let is_gap = |finding: &&Finding| finding.kind == Kind::ChainGap;
        let gap = |finding: &Finding| Some((Interval::new(finding.start?, finding.end?)?, finding.reason?));
        let gaps: Vec<(Interval, Reason)> = state.findings.iter().filter(is_gap).filter_map(gap).collect();
        let begins = state.findings.iter().find(|finding| finding.kind == Kind::ChainStart);
        ChainReport {
            head: state.head,
            begins: begins.and_then(|finding| finding.start),
            covered,
            timeline,
            counts: state.counts,
            digests: state.digests,
            logs: state.logs,
            objects: state.objects.into_iter().map(|(_, object, uri, state)| (object, uri, state)).collect(),
            keys: state.keys,
            interrupted: state.unread_logs.is_some()
                || gaps.iter().any(|(_, why)| *why == Reason::Interrupted),
            gaps,
            findings: state.findings,
            id: self.scope.id,
        }
    }
}
