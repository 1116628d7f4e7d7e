//! The result for a region, after its digests, log files and log folders.

use std::collections::BTreeSet;

use super::answered::AnsweringFolders;
use super::covering::note_covering;
use super::days::{SearchedLogs, TouchedDays};
use super::memory::ProvedChain;
use super::region::{RegionRun, exceeds_notices};
use super::region_part::{RegionPart, RegionWalk};
use super::request::ValidationRequest;
use super::sealed::SealedChanges;
use super::unfetched::UnfetchedKeys;
use super::unreferenced::{self, UnreferencedLogs};
use crate::event::{Counts, Fault, Finding, UsedKey};
use crate::ident::Location;
use crate::prove::ChainReport;
use crate::time::Timestamp;

/// The result for a region.
#[derive(Default)]
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
        self,
        request: &ValidationRequest,
        found: UnreferencedLogs,
        searched: SearchedLogs,
    ) -> RegionReport {
        if self.is_untouched() {
            return self.report_untouched();
        }
        self.end(request, Some((found, searched))).report(request)
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
        RegionReport { findings, ..RegionReport::default() }
    }
}

impl RegionReport {
    fn all_findings(&self) -> Vec<&Finding> {
        self.chains.iter().flat_map(|chain| &chain.findings).chain(&self.findings).collect()
    }
}

impl RegionPart {
    /// The result for the region. All parts of the region are joined before.
    pub(super) fn report(self, request: &ValidationRequest) -> RegionReport {
        let Self { walk, logs, search, days, newer: _ } = self;
        let RegionWalk { account, region, chains: walks, others, mut findings, unsearched, .. } = walk;
        let search = search.unwrap_or_default();
        // 1. End each chain, and add up counts and keys.
        let mut counts = Counts::default();
        counts.logs.unreferenced = search.count;
        let (mut keys, mut chains, mut proved) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut covered = others;
        let mut logs = logs.into_iter();
        for walk in walks {
            let mut chain = walk.finish(logs.next().unwrap_or_default());
            covered.push((chain.id.clone(), chain.covered.clone()));
            counts.add(&chain.counts);
            keys.append(&mut chain.keys);
            proved.extend(ProvedChain::of(&chain));
            chain.findings.extend(request.new_chain(&chain));
            if chain.is_reportable() {
                chains.push(chain);
            }
        }
        covered.sort_by(|(one, _), (other, _)| one.cmp(other));
        report_backfill_alone(request, &mut chains);
        note_covering(request, &mut chains, &covered);
        let unfetched = match request.joins_findings {
            true => UnfetchedKeys::take_from(&mut chains),
            false => UnfetchedKeys::default(),
        };
        // 2. Add the findings on the region and its log folders.
        findings.extend(search.findings);
        let is_interrupted = chains.iter().any(|chain| chain.interrupted);
        let is_whole = !is_interrupted && unsearched.is_none();
        findings.extend(unsearched.filter(|_| !is_interrupted).map(|folder| {
            let finding = unreferenced::search_interrupted(Timestamp::from_unix(0), &folder);
            finding.of_region(&account, &region)
        }));
        let is_empty = walk.has_digest_folder && !request.names_trails() && chains.is_empty();
        if is_empty && !exceeds_notices(&findings) {
            let finding = Finding::new(Fault::EmptyDigestFolder, request.range.end);
            findings.push(finding.of_region(&account, &region));
        }
        let (trails, answering) = (walk.trails, walk.answering);
        let mut report = RegionReport {
            chains,
            findings,
            counts,
            keys,
            trails,
            answering,
            unfetched,
            proved,
            sealed: Vec::new(),
        };
        // 3. Seal the days that no finding is about.
        let mut touched = TouchedDays::of(&report.all_findings());
        if !report.unfetched.is_empty() {
            touched.add_all();
        }
        report.sealed = days.seal(&touched, is_whole);
        report
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
