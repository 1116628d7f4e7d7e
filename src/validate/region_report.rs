//! What came of a region, when all its digests and log files are judged and its log folders searched.

use std::collections::BTreeSet;

use super::answered::Answering;
use super::region::{RegionRun, says_something};
use super::request::Request;
use super::unreferenced::{self, Unreferenced};
use crate::event::{Counts, Fault, Finding, UsedKey};
use crate::ident::Location;
use crate::prove::{ChainProver, ChainReport};
use crate::time::Timestamp;

/// What came of a region.
pub(super) struct RegionReport {
    pub(super) chains: Vec<ChainReport>,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) keys: BTreeSet<UsedKey>,
    /// The names of all its trails, asked for or not, where trails are asked for by name.
    pub(super) trails: BTreeSet<String>,
    /// Which of its folders hold a digest of what was asked.
    pub(super) answering: Answering,
}

impl RegionRun {
    /// What came of the region, when all its digests and log files are judged.
    pub(super) fn finish(mut self, request: &Request, unreferenced: Unreferenced) -> RegionReport {
        if self.is_untouched() {
            return self.untouched();
        }
        let names_trails = request.names_trails();
        let all = self.chains.iter().filter(|_| names_trails);
        let trails = all.map(|chain| chain.id().trail.to_string()).collect();
        let answering = Answering::of(request, &self, |chain| chain.known().digests() > 0);
        let mut counts = Counts::default();
        counts.logs.unreferenced = unreferenced.count;
        let mut keys = BTreeSet::new();
        let mut chains = Vec::new();
        for chain in std::mem::take(&mut self.chains).into_iter().filter(ChainProver::is_selected) {
            let mut chain = chain.finish();
            counts.add(&chain.counts);
            keys.append(&mut chain.keys);
            if chain.is_reportable() {
                chains.push(chain);
            }
        }
        report_backfill_alone(request, &mut chains);
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(unreferenced.findings);
        findings.extend(self.report_unsearched(&chains));
        if self.has_digest_folder && !names_trails && chains.is_empty() && !says_something(&findings) {
            let finding = Finding::new(Fault::EmptyDigestFolder, request.range.end);
            findings.push(finding.of_region(&self.account, &self.region));
        }
        RegionReport { chains, findings, counts, keys, trails, answering }
    }

    /// The report of a region that was left out, since the run was to end.
    fn untouched(mut self) -> RegionReport {
        let mut findings = std::mem::take(&mut self.findings);
        let finding = Finding::new(Fault::RegionInterrupted, Timestamp::from_unix(0));
        let finding = match self.folders.first() {
            Some(folder) => finding.about(&Location::new(folder.bucket.clone(), folder.digest_prefix())),
            None => finding,
        };
        findings.push(finding.of_region(&self.account, &self.region));
        RegionReport {
            chains: Vec::new(),
            findings,
            counts: Counts::default(),
            keys: BTreeSet::new(),
            trails: BTreeSet::new(),
            answering: Answering::default(),
        }
    }

    /// Reports that nobody looked for unreferenced files, unless a chain says already that the run was to end.
    fn report_unsearched(&self, chains: &[ChainReport]) -> Option<Finding> {
        let is_said = chains.iter().any(|chain| chain.interrupted);
        let folder = self.folders.first().filter(|_| self.unsearched && !is_said)?;
        let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
        let finding = unreferenced::left_out(Timestamp::from_unix(0), &folder);
        Some(finding.of_region(&self.account, &self.region))
    }
}

/// Reports, of a trail that has backfill digests in range and no hourly ones, that nothing covers it.
fn report_backfill_alone(request: &Request, chains: &mut [ChainReport]) {
    let trail = |chain: &ChainReport| (chain.id.trail.clone(), chain.id.home_region.clone());
    let hourly: BTreeSet<_> = chains.iter().filter(|chain| !chain.id.backfill).map(trail).collect();
    for chain in chains.iter_mut().filter(|chain| chain.id.backfill && !hourly.contains(&trail(chain))) {
        chain.report_backfill_alone(request.range.end);
    }
}
