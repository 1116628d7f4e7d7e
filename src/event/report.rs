//! The complete result of a run: asked range, findings on chains and on the run itself, and verdict.
//!
//! All report formats are written from a [`Report`]. [`Report::tell`] turns a report into the events of a run, and a
//! [`ReportCollector`] turns the events back into an equal report.

mod chain;
mod collector;

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::io;

use super::{
    ChainSummary, Counts, Event, Finding, Origin, ResolvedFinding, Severity, Sink, Summary, UsedKey, Verdict,
};
use crate::ident::ChainId;
use crate::time::{Range, Timestamp};
pub use chain::ReportedChain;
pub use collector::ReportCollector;

/// The result of a run.
///
/// Chains are unique and in order of id. A chain owns the findings that name the chain. All other findings are
/// run-wide: a run-wide finding concerns no single chain, or a chain without a summary.
///
/// ```
/// use trailproof::event::{Finding, Kind, Origin, Report, Verdict};
/// use trailproof::time::{Range, Timestamp};
///
/// let end = Timestamp::from_unix(1_788_221_217);
/// let range = Range { start: None, end };
/// let mut report = Report::new(vec!["s3://my-trail-logs".to_owned()], range, end, Origin::default());
/// assert_eq!(report.verdict(), Verdict::Incomplete, "no digest is proved yet");
/// report.add_findings([Finding::told(Kind::LogModified, end, "its content differs")]);
/// assert_eq!(report.verdict(), Verdict::Tampered);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The sources as the user named them, in the user's order.
    pub sources: Vec<String>,
    /// The asked range of time.
    pub range: Range,
    /// Start of the run.
    pub started: Timestamp,
    /// End of the run.
    pub finished: Timestamp,
    /// Program version, user and command.
    pub origin: Origin,
    /// Whether the run ended before all objects were checked. An interrupted run is never [`Verdict::Intact`].
    pub interrupted: bool,
    /// Whether single objects were asked for, in place of folders. Such a report says nothing of the chains of the objects:
    /// other digests and log files of a chain were not checked.
    pub single_objects: bool,
    /// Numbers of objects and bytes that were checked.
    pub counts: Counts,
    /// The keys that verified a digest.
    pub keys: BTreeSet<UsedKey>,
    /// Findings of earlier runs that the run did not find again; `None` for a run without memory.
    pub resolved: Option<Vec<ResolvedFinding>>,
    chains: BTreeMap<ChainId, ReportedChain>,
    run_wide: Vec<Finding>,
}

impl Report {
    /// An empty report of a run that began at `started`.
    #[must_use]
    pub fn new(sources: Vec<String>, range: Range, started: Timestamp, origin: Origin) -> Self {
        Self {
            sources,
            range,
            started,
            finished: started,
            origin,
            interrupted: false,
            single_objects: false,
            counts: Counts::default(),
            keys: BTreeSet::new(),
            resolved: None,
            chains: BTreeMap::new(),
            run_wide: Vec::new(),
        }
    }

    /// The verdict. It follows from the gravest finding, the number of proved digests and `interrupted`.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::from_worst(self.worst(), self.counts.proved_digests())
    }

    /// Severity of the gravest finding; at least [`Severity::Incomplete`] for an interrupted run.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let interrupted = self.interrupted.then_some(Severity::Incomplete);
        self.findings().map(|finding| finding.severity).max().max(interrupted)
    }

    /// Whether the verdict is not intact although no finding explains why, for example after an interrupted run.
    #[must_use]
    pub fn is_unexplained(&self) -> bool {
        self.verdict() != Verdict::Intact
            && !self.findings().any(|finding| finding.severity > Severity::Notice)
    }

    /// The chains, in order of id.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = &ReportedChain> {
        self.chains.values()
    }

    /// The chain with the given id.
    #[must_use]
    pub fn chain(&self, id: &ChainId) -> Option<&ReportedChain> {
        self.chains.get(id)
    }

    /// Findings that belong to no chain in [`Report::chains`], in order of account, region, trail and key.
    #[must_use]
    pub fn run_wide(&self) -> &[Finding] {
        &self.run_wide
    }

    /// All findings, in the order of all formats: chain by chain, then the run-wide findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.chains.values().flat_map(|chain| &chain.findings).chain(&self.run_wide)
    }

    /// The time up to which all chains are covered; see [`ChainSummary::covered_until`].
    #[must_use]
    pub fn covered_until(&self) -> Option<Timestamp> {
        ChainSummary::covered_until(self.chains().map(|chain| &chain.summary))
    }

    /// Duration of the run, in seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.finished.unix().saturating_sub(self.started.unix())).unwrap_or_default()
    }

    /// Adds a chain and its findings. If the chain is known already, the two parts are merged.
    pub fn add_chain(&mut self, chain: ReportedChain) {
        let id = chain.summary.id.clone();
        match self.chains.entry(id.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(chain)),
            Entry::Occupied(mut entry) => entry.get_mut().merge(chain),
        }
        // A run-wide finding may have waited for the summary of its chain.
        if self.run_wide.iter().any(|finding| finding.is_of(&id)) {
            let findings = std::mem::take(&mut self.run_wide);
            self.add_findings(findings);
        }
    }

    /// Adds findings. A finding goes to the chain that the finding names.
    pub fn add_findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.place(findings);
        self.run_wide.sort_by(|one, other| run_wide_order(one).cmp(&run_wide_order(other)));
    }

    /// Appends findings to the chains that they name, or to the run-wide findings. Returns the ids of the changed
    /// chains.
    fn place(&mut self, findings: impl IntoIterator<Item = Finding>) -> BTreeSet<ChainId> {
        let mut changed = BTreeSet::new();
        // Findings come chain by chain: reusing the last id saves building an id for most findings.
        let mut last: Option<ChainId> = None;
        for finding in findings {
            let same = last.take().filter(|id| finding.is_of(id));
            let id = same.or_else(|| finding.chain());
            match id.as_ref().and_then(|id| self.chains.get_mut(id)) {
                Some(chain) => {
                    chain.findings.push(finding);
                    changed.extend(id.clone().filter(|id| !changed.contains(id)));
                }
                None => self.run_wide.push(finding),
            }
            last = id;
        }
        changed
    }

    /// Merges the reports of two parts of a run.
    ///
    /// Counts add up; keys and sources are united; the range is the shortest range over both ranges; the merged run is
    /// interrupted if either part was. A chain or finding in both parts appears once, and the chain's counts add up.
    /// Merging is associative. `origin` is taken from the first report.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let new = other.sources.into_iter().filter(|source| !self.sources.contains(source));
        let new: Vec<String> = new.collect();
        self.sources.extend(new);
        self.range = Range {
            start: self.range.start.zip(other.range.start).map(|(one, two)| one.min(two)),
            end: self.range.end.max(other.range.end),
        };
        self.started = self.started.min(other.started);
        self.finished = self.finished.max(other.finished);
        self.interrupted |= other.interrupted;
        self.single_objects &= other.single_objects;
        self.counts.add(&other.counts);
        self.keys.extend(other.keys);
        if let Some(resolved) = other.resolved {
            let all = self.resolved.get_or_insert_default();
            all.extend(resolved);
            all.sort();
            all.dedup();
        }
        self.merge_findings(other.chains, other.run_wide);
        self
    }

    fn merge_findings(&mut self, chains: BTreeMap<ChainId, ReportedChain>, run_wide: Vec<Finding>) {
        let mut changed = BTreeSet::new();
        for (id, chain) in chains {
            match self.chains.entry(id) {
                Entry::Vacant(entry) => drop(entry.insert(chain)),
                Entry::Occupied(mut entry) => {
                    changed.insert(entry.key().clone());
                    entry.get_mut().merge(chain);
                }
            }
        }
        // A run-wide finding of a part may name a chain whose summary came with the other part.
        let placed_anew = std::mem::take(&mut self.run_wide).into_iter().chain(run_wide);
        changed.extend(self.place(placed_anew));
        for id in changed {
            let Some(chain) = self.chains.get_mut(&id) else { continue };
            chain.findings.sort_by(|one, other| chain_order(one).cmp(&chain_order(other)));
            chain.findings.dedup();
        }
        self.run_wide.sort_by(|one, other| run_wide_order(one).cmp(&run_wide_order(other)));
        self.run_wide.dedup();
    }

    /// Sends the run's events to `sink`: findings and summary of each chain, then the run-wide findings.
    ///
    /// # Errors
    /// The first error of `sink`.
    pub fn tell(&self, sink: &mut dyn Sink) -> io::Result<()> {
        sink.event(&Event::Started {
            sources: self.sources.clone(),
            range: self.range,
            at: self.started,
            origin: self.origin.clone(),
            single_objects: self.single_objects,
        })?;
        let tell_all = |findings: &[Finding], sink: &mut dyn Sink| {
            findings.iter().try_for_each(|finding| sink.event(&Event::Finding(Box::new(finding.clone()))))
        };
        for chain in self.chains.values() {
            tell_all(&chain.findings, sink)?;
            sink.event(&Event::Chain(chain.summary.clone()))?;
        }
        tell_all(&self.run_wide, sink)?;
        sink.event(&Event::Finished(Summary {
            verdict: self.verdict(),
            counts: self.counts,
            keys: self.keys.iter().cloned().collect(),
            interrupted: self.interrupted,
            resolved: self.resolved.clone(),
            at: self.finished,
        }))
    }
}

/// Order of a chain's findings after a merge: time, then key.
fn chain_order(finding: &Finding) -> impl Ord {
    (finding.at, field_order(finding))
}

/// Order of the run-wide findings. Fields that a saved report lacks come last.
fn run_wide_order(finding: &Finding) -> impl Ord {
    let chain = (
        &finding.account,
        &finding.region,
        &finding.trail,
        &finding.home_region,
        &finding.organization,
        finding.backfill,
    );
    (chain, field_order(finding), finding.at)
}

fn field_order(finding: &Finding) -> impl Ord {
    (
        &finding.uri,
        finding.kind,
        finding.fault.cause(),
        finding.start,
        finding.end,
        finding.severity,
        &finding.digest,
        &finding.expected,
        &finding.actual,
        finding.reason,
        &finding.covered_by,
        &finding.objects,
    )
}

#[cfg(test)]
mod tests;
