//! What came of a unit when all its digests and log files are judged.

use std::collections::BTreeSet;

use super::answered::Answering;
use super::chain::Chain;
use super::unit::Unit;
use super::unreferenced::Unreferenced;
use super::{Request, coverage, timeline, unreferenced};
use crate::event::{
    ChainSummary, Counts, Event, Fault, Finding, Kind, ObjectType, Reason, Severity, UsedKey,
};
use crate::ident::Location;
use crate::time::Timestamp;

/// What came of a unit.
pub(super) struct UnitResult {
    pub(super) chains: Vec<ChainResult>,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) keys: BTreeSet<UsedKey>,
    /// Which of its folders hold a digest of what was asked.
    pub(super) answering: Answering,
}

/// What came of a chain.
pub(super) struct ChainResult {
    pub(super) summary: ChainSummary,
    pub(super) findings: Vec<Finding>,
    pub(super) objects: Vec<Event>,
    /// Whether it says that the run was to end.
    interrupted: bool,
}

impl Unit {
    /// What came of this unit; it is empty afterwards.
    pub(super) fn result(&mut self, request: &Request, unreferenced: Unreferenced) -> UnitResult {
        if self.is_untouched() {
            return self.untouched();
        }
        let answering = Answering::of(request, self, |chain| chain.digests > 0);
        let mut counts = Counts::default();
        counts.logs.unreferenced = unreferenced.count;
        let mut chains = Vec::new();
        for mut chain in std::mem::take(&mut self.chains).into_iter().filter(|chain| chain.selected) {
            chain.release_overlaps(request);
            coverage::judge(request, &mut chain);
            chain.say_unread();
            counts.add(&chain.counts);
            if chain.digests > 0 || !chain.findings.is_empty() {
                chains.push(chain.result(request));
            }
        }
        backfill_alone(request, &mut chains);
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(unreferenced.findings);
        findings.extend(self.unsearched(&chains));
        if self.has_digest_folder
            && request.trails.is_empty()
            && request.named.is_empty()
            && chains.is_empty()
            && !says_something(&findings)
        {
            let finding = Finding::new(Fault::EmptyDigestFolder, request.range.end);
            findings.push(finding.of_region(&self.account, &self.region));
        }
        self.references = Vec::new();
        self.claimed = Vec::new();
        UnitResult { chains, findings, counts, keys: std::mem::take(&mut self.keys), answering }
    }
}

impl Unit {
    /// What is said of a region that was left out, since the run was to end.
    fn untouched(&mut self) -> UnitResult {
        let mut findings = std::mem::take(&mut self.findings);
        let finding = Finding::new(Fault::RegionInterrupted, Timestamp::from_unix(0));
        let finding = match self.folders.first() {
            Some(folder) => finding.about(&Location::new(folder.bucket.clone(), folder.digest_prefix())),
            None => finding,
        };
        findings.push(finding.of_region(&self.account, &self.region));
        self.chains = Vec::new();
        let keys = std::mem::take(&mut self.keys);
        UnitResult {
            chains: Vec::new(),
            findings,
            counts: Counts::default(),
            keys,
            answering: Answering::default(),
        }
    }

    /// Says that nobody looked for unreferenced files, unless a chain says already that the run was to end.
    fn unsearched(&self, chains: &[ChainResult]) -> Option<Finding> {
        let is_said = chains.iter().any(|chain| chain.interrupted);
        let folder = self.folders.first().filter(|_| self.unsearched && !is_said)?;
        let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
        let finding = unreferenced::left_out(Timestamp::from_unix(0), &folder);
        Some(finding.of_region(&self.account, &self.region))
    }
}

impl Chain {
    fn result(mut self, request: &Request) -> ChainResult {
        self.findings.sort_by(|a, b| {
            let by_place = (a.at, &a.uri, a.kind).cmp(&(b.at, &b.uri, b.kind));
            by_place.then_with(|| a.message().cmp(&b.message()))
        });
        self.objects
            .sort_by(|a, b| (a.0, a.1 == ObjectType::Log, &a.2).cmp(&(b.0, b.1 == ObjectType::Log, &b.2)));
        let object = |(_, object, uri, state)| Event::Object { object, uri, state };
        let is_gap = |finding: &Finding| finding.reason == Some(Reason::Interrupted);
        ChainResult {
            interrupted: self.unread.is_some() || self.findings.iter().any(is_gap),
            summary: ChainSummary {
                covered: coverage::covered(request, &self.walk),
                gaps: self.findings.iter().filter(|finding| finding.kind == Kind::ChainGap).count() as u64,
                timeline: timeline::of(request, &self),
                digests: self.digests,
                logs: self.logs,
                id: self.id,
            },
            findings: self.findings,
            objects: self.objects.into_iter().map(object).collect(),
        }
    }
}

/// Says of a trail that has backfill digests in range, and no hourly ones, that nothing covers it.
fn backfill_alone(request: &Request, chains: &mut [ChainResult]) {
    let trail = |chain: &ChainResult| (chain.summary.id.trail.clone(), chain.summary.id.home_region.clone());
    let hourly: BTreeSet<_> = chains.iter().filter(|chain| !chain.summary.id.backfill).map(trail).collect();
    for chain in
        chains.iter_mut().filter(|chain| chain.summary.id.backfill && !hourly.contains(&trail(chain)))
    {
        let finding = Finding::new(Fault::BackfillAlone, request.range.end);
        chain.findings.push(finding.of_chain(&chain.summary.id));
    }
}

/// Whether any of `findings` is more than a notice.
pub(super) fn says_something(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity > Severity::Notice)
}
