//! A chain of a report, and the verdict on a chain.

use std::collections::BTreeSet;

use super::Report;
use crate::event::{ChainSummary, Finding, Kind, Reason, Severity, Timeline, Verdict};
use crate::time;

/// A chain of digests and the findings on the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ReportedChain {
    /// The chain's coverage and counts.
    pub summary: ChainSummary,
    /// Findings on the chain, in order of time and key. A finding names the chain in full.
    pub findings: Vec<Finding>,
}

impl ReportedChain {
    /// A chain with findings. Every finding is set to name the chain in full.
    #[must_use]
    pub fn new(summary: ChainSummary, findings: Vec<Finding>) -> Self {
        let findings = findings.into_iter().map(|finding| finding.of_chain(&summary.id)).collect();
        Self { summary, findings }
    }

    /// Severity of the gravest finding on the chain.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Adds another part of the same chain.
    pub(super) fn merge(&mut self, other: Self) {
        let ChainSummary { id: _, covered, digests, logs, counts, gaps, timeline, remembered, in_replica } =
            other.summary;
        self.summary.in_replica &= in_replica;
        let own = &mut self.summary;
        own.covered.extend(covered);
        own.covered = time::union(std::mem::take(&mut own.covered));
        own.digests = own.digests.saturating_add(digests);
        own.logs = own.logs.saturating_add(logs);
        own.counts = own.counts.zip(counts).map(|(one, two)| one.plus(two));
        own.gaps = own.gaps.saturating_add(gaps);
        own.timeline = Timeline::merge_any(own.timeline.take(), timeline);
        own.remembered.extend(remembered);
        own.remembered.sort_unstable();
        self.findings.extend(other.findings);
    }
}

impl Report {
    /// The verdict on a chain of this report.
    ///
    /// A chain is intact if no finding on the chain is graver than a notice, all its digests and log files are proved,
    /// and proved digests cover time. Backfill digests cover no time. Findings on the region count too: they may stand
    /// for objects of the chain, such as the digests of a region whose keys could not be fetched. An accepted finding
    /// counts as a notice, and its object as proved.
    #[must_use]
    pub fn chain_verdict(&self, chain: &ReportedChain) -> Verdict {
        let is_proved = self.open_digests(chain) == 0
            && self.open_logs(chain) == 0
            && self.unlooked(chain).is_none()
            && chain.untold_gaps() == 0
            && chain.is_covered();
        Verdict::from_worst(chain.worst(), u64::from(is_proved))
    }

    /// Number of digests of a chain that are not proved, and whose findings nobody accepted.
    pub(crate) fn open_digests(&self, chain: &ReportedChain) -> u64 {
        self.open(chain, chain.summary.unproved_digests(), Kind::is_on_digest)
    }

    /// Number of log files of a chain that are not proved, and whose findings nobody accepted.
    pub(crate) fn open_logs(&self, chain: &ReportedChain) -> u64 {
        self.open(chain, chain.summary.unproved_logs(), is_of_logs)
    }

    fn open(&self, chain: &ReportedChain, unproved: u64, is_of: fn(Kind) -> bool) -> u64 {
        // A finding on the region may be about any of the objects, so an acceptance cannot be set against the counts.
        let is_explained_elsewhere = self.run_wide.iter().any(|finding| {
            finding.severity > Severity::Notice
                && finding.account.as_deref().is_none_or(|account| account == &*chain.summary.id.account)
                && finding.region.as_deref().is_none_or(|region| region == &*chain.summary.id.region)
        });
        match is_explained_elsewhere {
            true => unproved,
            false => unproved.saturating_sub(chain.accepted(is_of)),
        }
    }

    /// A finding that says that digests or log files were not looked at, and that no count has: an interruption, or a
    /// finding on the chain's region, such as a folder of digests that could not be listed to its end, or a shard without
    /// a result.
    pub(crate) fn unlooked<'r>(&'r self, chain: &'r ReportedChain) -> Option<&'r Finding> {
        let id = &chain.summary.id;
        let interrupted = chain.findings.iter().find(|finding| finding.reason == Some(Reason::Interrupted));
        let on_region = || {
            self.run_wide.iter().find(|finding| {
                finding.severity > Severity::Notice
                    && matches!(finding.kind, Kind::DigestUnreadable | Kind::ShardIncomplete)
                    && finding.account.as_deref() == Some(&*id.account)
                    && finding.region.as_deref() == Some(&*id.region)
            })
        };
        interrupted.or_else(on_region)
    }
}

impl ReportedChain {
    /// Whether proved digests cover time. Backfill digests cover no time, so any digest is enough.
    pub(crate) fn is_covered(&self) -> bool {
        match self.summary.id.backfill {
            true => self.summary.digests > 0,
            false => !self.summary.covered.is_empty(),
        }
    }

    /// Number of gaps in the coverage without a finding on the chain.
    pub(crate) fn untold_gaps(&self) -> u64 {
        let is_gap = |finding: &&Finding| {
            let acceptance = finding.memory.as_ref().and_then(|memory| memory.accepted.as_ref());
            acceptance.map_or(finding.kind, |acceptance| acceptance.kind) == Kind::ChainGap
        };
        self.summary.gaps.saturating_sub(self.findings.iter().filter(is_gap).count() as u64)
    }

    /// Number of objects with an accepted finding.
    fn accepted(&self, is_of: fn(Kind) -> bool) -> u64 {
        let accepted = self.findings.iter().filter(|finding| {
            let acceptance = finding.memory.as_ref().and_then(|memory| memory.accepted.as_ref());
            finding.kind == Kind::Accepted && acceptance.is_some_and(|acceptance| is_of(acceptance.kind))
        });
        accepted.filter_map(|finding| finding.uri.as_deref()).collect::<BTreeSet<_>>().len() as u64
    }
}

const fn is_of_logs(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LogModified | Kind::LogDeleted | Kind::LogMissing | Kind::LogUnreadable | Kind::LogUnverifiable
    )
}
