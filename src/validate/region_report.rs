//! The result for a region, after its digests, log files and log folders.

use std::collections::BTreeSet;

use super::answered::AnsweringFolders;
use super::covering::note_covering;
use super::days::{SealInput, SearchedLogs};
use super::memory::ProvedChain;
use super::region::{RegionRun, exceeds_notices};
use super::request::ValidationRequest;
use super::sealed::SealedChanges;
use super::unfetched::UnfetchedKeys;
use super::unreferenced::{self, UnreferencedLogs};
use crate::event::{Counts, Fault, Finding, UsedKey};
use crate::ident::Location;
use crate::prove::ChainReport;
use crate::time::Timestamp;

/// The result for a region.
pub(super) struct RegionReport {
    pub(super) chains: Vec<ChainReport>,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) keys: BTreeSet<UsedKey>,
    /// The names of all trails of the region, asked for or not, if the request names trails.
    pub(super) trails: BTreeSet<String>,
    /// The folders with a digest that answers the request.
    pub(super) answering: AnsweringFolders,
    /// Digests without keys, whose findings are joined over all accounts.
    pub(super) unfetched: UnfetchedKeys,
    /// What each chain proved, for the next run to remember.
    pub(super) proved: Vec<ProvedChain>,
    /// What the run changes in the sealed days.
    pub(super) sealed: Vec<SealedChanges>,
}

impl RegionRun {
    /// The result for the region, after all its digests and log files.
    pub(super) fn finish(
        mut self,
        request: &ValidationRequest,
        unreferenced: UnreferencedLogs,
        searched: &SearchedLogs,
    ) -> RegionReport {
        if self.is_untouched() {
            return self.report_untouched();
        }
        let names_trails = request.names_trails();
        let all = self.chains.iter().filter(|_| names_trails);
        let trails = all.map(|chain| chain.id().trail.to_string()).collect();
        // 1. Note the answers before the chains end: their state is needed.
        let answering = AnsweringFolders::of(request, &self, |chain| chain.known().digests() > 0);
        // 2. End each chain, and add up counts and keys.
        let mut counts = Counts::default();
        counts.logs.unreferenced = unreferenced.count;
        let mut keys = BTreeSet::new();
        let mut chains = Vec::new();
        let mut covered = Vec::new();
        let mut proved = Vec::new();
        for chain in std::mem::take(&mut self.chains) {
            let is_selected = chain.is_selected();
            let mut chain = chain.finish();
            covered.push((chain.id.clone(), chain.covered.clone()));
            if !is_selected {
                continue;
            }
            counts.add(&chain.counts);
            keys.append(&mut chain.keys);
            proved.extend(ProvedChain::of(&chain));
            chain.findings.extend(request.new_chain(&chain));
            if chain.is_reportable() {
                chains.push(chain);
            }
        }
        report_backfill_alone(request, &mut chains);
        note_covering(request, &mut chains, &covered);
        // 3. Add the findings on the region and its log folders, and seal the days that are proved whole.
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(unreferenced.findings);
        findings.extend(self.report_unsearched(&chains));
        let sealed = self.seal(&chains, &findings, searched);
        let unfetched = match request.joins_findings {
            true => UnfetchedKeys::take_from(&mut chains),
            false => UnfetchedKeys::default(),
        };
        // 4. Report a region without any answer.
        if self.has_digest_folder && !names_trails && chains.is_empty() && !exceeds_notices(&findings) {
            let finding = Finding::new(Fault::EmptyDigestFolder, request.range.end);
            findings.push(finding.of_region(&self.account, &self.region));
        }
        RegionReport { chains, findings, counts, keys, trails, answering, unfetched, proved, sealed }
    }

    /// The report of a region that was left out because the run was cancelled.
    fn report_untouched(mut self) -> RegionReport {
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
            answering: AnsweringFolders::default(),
            unfetched: UnfetchedKeys::default(),
            proved: Vec::new(),
            sealed: Vec::new(),
        }
    }

    /// Seals the days that are proved whole.
    fn seal(
        &mut self,
        chains: &[ChainReport],
        findings: &[Finding],
        searched: &SearchedLogs,
    ) -> Vec<SealedChanges> {
        let of_chains = chains.iter().flat_map(|chain| &chain.findings);
        let findings: Vec<&Finding> = of_chains.chain(findings).collect();
        std::mem::take(&mut self.days).seal(&SealInput {
            findings: &findings,
            searched,
            log_folders: &self.log_folders,
            interrupted: self.unsearched || chains.iter().any(|chain| chain.interrupted),
        })
    }

    /// The finding that the log folders were not searched, unless a chain already reports the cancellation.
    fn report_unsearched(&self, chains: &[ChainReport]) -> Option<Finding> {
        let has_finding = chains.iter().any(|chain| chain.interrupted);
        let folder = self.folders.first().filter(|_| self.unsearched && !has_finding)?;
        let folder = Location::new(folder.bucket.clone(), folder.log_prefix());
        let finding = unreferenced::search_interrupted(Timestamp::from_unix(0), &folder);
        Some(finding.of_region(&self.account, &self.region))
    }
}

/// Reports trails with backfill digests in range and without hourly digests: backfill digests cover no time.
fn report_backfill_alone(request: &ValidationRequest, chains: &mut [ChainReport]) {
    let trail = |chain: &ChainReport| (chain.id.trail.clone(), chain.id.home_region.clone());
    let hourly: BTreeSet<_> = chains.iter().filter(|chain| !chain.id.backfill).map(trail).collect();
    for chain in chains.iter_mut().filter(|chain| chain.id.backfill && !hourly.contains(&trail(chain))) {
        chain.report_backfill_alone(request.range.end);
    }
}
