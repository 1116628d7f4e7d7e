//! Which findings of earlier runs a run resolves: those that it looked for in full and did not find.

use std::collections::BTreeMap;

use super::MemorySession;
use crate::event::{FaultCause, Kind, ResolvedFinding};
use crate::ident::ChainId;
use crate::state::document::RememberedFinding;
use crate::time::{self, Interval};
use crate::validate::ValidationRequest;

/// The cause of a finding on a region that has log files and no digests.
const LOGS_ALONE: &str = FaultCause::LogsWithoutDigests.as_str();

impl MemorySession<'_> {
    /// The findings of earlier runs that this run looked for in full and did not find again, in order of id.
    pub(super) fn resolved(&self, interrupted: bool) -> Vec<ResolvedFinding> {
        self.resolved_findings(interrupted).map(|(_, finding)| finding.as_resolved()).collect()
    }

    pub(super) fn resolved_findings(
        &self,
        interrupted: bool,
    ) -> impl Iterator<Item = &(String, RememberedFinding)> {
        self.known.values().filter(move |(_, finding)| !interrupted && self.is_resolved(finding))
    }

    /// Whether the run looked at what a known finding is about, and found nothing wrong with it.
    fn is_resolved(&self, finding: &RememberedFinding) -> bool {
        // An object with another finding is not as it should be either.
        let is_on_seen =
            finding.uri.clone().is_some_and(|uri| self.seen_uris.contains(&(uri, finding.copy.clone())));
        if self.seen.contains_key(&finding.id) || is_on_seen {
            return false;
        }
        // What a run over the original finds, it finds in no replica.
        let in_bucket = finding.copy.as_ref().filter(|copy| copy.starts_with("s3://"));
        let is_source = |copy: &&String| {
            self.identity.sources.typed.iter().any(|source| copy.starts_with(source.trim_end_matches('/')))
        };
        if in_bucket.is_some_and(|copy| !is_source(&copy)) {
            return false;
        }
        let all_covered = match in_bucket {
            Some(_) if !self.covered_in_replicas.is_empty() => &self.covered_in_replicas,
            _ => &self.covered,
        };
        let stretch = finding.stretch();
        match &finding.chain {
            Some(chain) if !self.request.asks_about(chain) => false,
            // Backfill digests cover no time: the chain has to be judged without a failure to look.
            Some(chain) if chain.backfill => {
                all_covered.contains_key(chain) && self.is_asked(stretch) && !self.has_failure(finding)
            }
            Some(chain) => {
                let covered = all_covered.get(chain).map(Vec::as_slice).unwrap_or_default();
                time::complement(stretch, covered).is_empty() && !self.has_failure(finding)
            }
            None => {
                self.asks_for_place(finding)
                    && self.is_asked(finding.searched())
                    && !self.has_failure(finding)
                    && self.is_searched(finding, all_covered)
            }
        }
    }

    /// Whether the run asked for all of the place of a finding that is on no single chain.
    fn asks_for_place(&self, finding: &RememberedFinding) -> bool {
        let ValidationRequest { accounts, regions, trails, named, .. } = &self.request;
        let is_asked = match (&finding.account, &finding.region) {
            (Some(account), Some(region)) => self.request.asks_about_region(account, region),
            _ => accounts.is_empty() && regions.is_empty(),
        };
        is_asked && trails.is_empty() && named.is_empty() && self.is_below_source(finding)
    }

    /// Whether the object of a finding lies below a source. Whatever a moved copy has, its findings name the original's place.
    fn is_below_source(&self, finding: &RememberedFinding) -> bool {
        let place = finding.uri.as_deref().and_then(|uri| uri.strip_prefix("s3://")?.split_once('/'));
        let Some((bucket, key)) = place.filter(|_| self.request.relocations.is_empty()) else { return true };
        let mut sources = self.request.sources.iter();
        sources.any(|source| source.bucket == bucket && key.starts_with(&source.prefix))
    }

    /// Whether the run searched the place and the time of a finding that is on no single chain.
    fn is_searched(
        &self,
        finding: &RememberedFinding,
        all_covered: &BTreeMap<ChainId, Vec<Interval>>,
    ) -> bool {
        let is_of = |of: &Option<String>, name: &str| of.as_deref().is_none_or(|of| of == name);
        let of_place = all_covered.iter().filter(|(id, _)| {
            !id.backfill && is_of(&finding.account, &id.account) && is_of(&finding.region, &id.region)
        });
        let of_place: Vec<&Vec<Interval>> = of_place.map(|(_, covered)| covered).collect();
        match finding.kind {
            // Log files without digests may be gone themselves, and all else is there.
            Kind::NoDigests if finding.cause.as_deref() == Some(LOGS_ALONE) => {
                all_covered.values().any(|covered| !covered.is_empty())
            }
            // Nothing is said of objects in time that a chain does not cover, nor of more than so many.
            Kind::LogUnreferenced => {
                let place = (finding.account.clone(), finding.region.clone());
                let is_whole =
                    |covered: &&Vec<Interval>| time::complement(finding.searched(), covered).is_empty();
                !self.has_more.contains(&place) && !of_place.is_empty() && of_place.iter().all(is_whole)
            }
            _ => of_place.iter().any(|covered| !covered.is_empty()),
        }
    }

    fn is_asked(&self, stretch: Interval) -> bool {
        self.range.start.is_none_or(|start| start <= stretch.start) && stretch.end <= self.range.end
    }

    /// Whether the run failed to look at something where the finding is.
    fn has_failure(&self, finding: &RememberedFinding) -> bool {
        let overlaps = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        let mut failures = self.failures.iter();
        failures
            .any(|(account, region)| overlaps(account, &finding.account) && overlaps(region, &finding.region))
    }
}
