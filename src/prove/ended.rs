//! The end of a chain, in two values: what its digests show, and what its log files show.
//!
//! Several provers may walk the same digests, each with a part of the log files. Their walks are equal, and the results
//! of their log files add up: [`ChainWalk::finish`] makes the same report of them as of a single prover.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::hashed::HashedLogs;
use super::prover::ChainProver;
use super::report::ChainReport;
use super::state::ChainHead;
use crate::event::{
    Counts, Fault, Finding, Kind, ObjectState, ObjectType, Reason, RememberedTime, Severity, Timeline,
    UsedKey,
};
use crate::ident::{ChainId, Location};
use crate::time::{Interval, Timestamp};

/// What the digests of a chain show. The fields are those of [`ChainReport`], before the log files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChainWalk {
    /// The chain.
    pub id: ChainId,
    /// The proved digests that no newer proved digest records, newest first.
    pub heads: Vec<ChainHead>,
    /// The oldest proved digest of the asked range.
    pub oldest: Option<ChainHead>,
    /// Remembered heads that a newer proved digest records.
    pub linked: Vec<Location>,
    /// The stretches of the asked range that proved digests cover.
    pub covered: Vec<Interval>,
    /// The state of the chain's time, by the digests alone.
    pub timeline: Option<Timeline>,
    /// The counts of digests, their bytes, and the log files that only unproved digests list.
    pub counts: Counts,
    /// Digests in the asked range, known missing digests included.
    pub digests: u64,
    /// Log files that only unproved digests list.
    pub logs: u64,
    /// The findings, in no order.
    pub findings: Vec<Finding>,
    /// The finding that nothing is covered, unless a log file has a finding above a notice.
    pub nothing_covered: Option<Box<Finding>>,
    /// The state of every digest, if the request asks for every object.
    pub objects: Vec<(Timestamp, String, ObjectState)>,
    /// The keys that verified a digest.
    pub keys: BTreeSet<UsedKey>,
    /// The covered stretches that the run did not read, in order.
    pub remembered: Vec<RememberedTime>,
}

/// What the log files of a chain show, or a part of the log files.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChainLogs {
    /// The counts of log files and their bytes.
    pub counts: Counts,
    /// Log files that proved digests list.
    pub logs: u64,
    /// The findings, in the order of the walk.
    pub findings: Vec<Finding>,
    /// The time of digests that list a tampered or unverified log file.
    pub timeline: Option<Timeline>,
    /// The state of every log file, if the request asks for every object.
    pub objects: Vec<(Timestamp, String, ObjectState)>,
    /// How many log files were not read because the run ended early, with the end of the oldest digest that lists one.
    pub unread: Option<(u64, Timestamp)>,
}

impl ChainLogs {
    /// Adds another part of the log files.
    pub fn add(&mut self, other: Self) {
        let Self { counts, logs, findings, timeline, objects, unread } = other;
        self.counts.add(&counts);
        self.logs = self.logs.saturating_add(logs);
        self.findings.extend(findings);
        self.timeline = Timeline::merge_any(self.timeline.take(), timeline);
        self.objects.extend(objects);
        self.unread = match (self.unread, unread) {
            (Some((one, oldest)), Some((two, other))) => Some((one.saturating_add(two), oldest.min(other))),
            (one, two) => one.or(two),
        };
    }
}

impl ChainProver {
    /// The result for the chain, after all its digests and log files. Call [`ChainProver::settle_claims`] before.
    #[must_use]
    pub fn finish(self) -> ChainReport {
        let (walk, logs) = self.end();
        walk.finish(logs)
    }

    /// The two halves of the result. Call [`ChainProver::settle_claims`] before.
    #[must_use]
    pub fn end(mut self) -> (ChainWalk, ChainLogs) {
        // Settle the digests set aside, then judge coverage (rule 4), which depends on all digests.
        self.release_overlaps();
        let nothing_covered = self.judge_coverage().map(Box::new);
        let (covered, timeline, of_logs) = (self.covered(), self.timeline(), self.timeline_of_logs());
        let state = self.state;
        let HashedLogs { counts, logs, findings, objects, unread, tampered: _, unverified: _ } = state.hashed;
        let logs = ChainLogs { counts, logs, findings, timeline: of_logs, objects, unread };
        let walk = ChainWalk {
            id: self.scope.id,
            heads: state.heads,
            oldest: state.oldest,
            linked: state.linked,
            covered,
            timeline,
            counts: state.counts,
            digests: state.digests,
            logs: state.logs,
            findings: state.findings,
            nothing_covered,
            objects: state.objects,
            keys: state.keys,
            remembered: state.passed.into_iter().rev().collect(),
        };
        (walk, logs)
    }
}

impl ChainWalk {
    /// The report on the chain, with all its log files.
    #[must_use]
    pub fn finish(self, logs: ChainLogs) -> ChainReport {
        let Self { id, mut heads, mut findings, mut counts, .. } = self;
        // 1. Join the findings.
        let is_silent = logs.findings.iter().all(|finding| finding.severity == Severity::Notice);
        findings.extend(logs.findings);
        findings.extend(self.nothing_covered.filter(|_| is_silent).map(|finding| *finding));
        let unread = logs
            .unread
            .map(|(count, oldest)| Finding::new(Fault::LogsInterrupted { count }, oldest).of_chain(&id));
        findings.extend(unread);
        // 2. Sort by values, so that the order depends neither on threads nor on parts. Findings that the sort leaves in
        //    order are about one object, and so of one part.
        findings.sort_by(|one, other| {
            let order = (one.at, &one.uri, one.kind).cmp(&(other.at, &other.uri, other.kind));
            order.then_with(|| one.fault.cause().cmp(&other.fault.cause()))
        });
        heads.sort_by_key(|head| std::cmp::Reverse(head.end));
        // 3. Sum up.
        counts.add(&logs.counts);
        let is_gap = |finding: &&Finding| finding.kind == Kind::ChainGap;
        let gap = |finding: &Finding| Some((Interval::new(finding.start?, finding.end?)?, finding.reason?));
        let gaps: Vec<(Interval, Reason)> = findings.iter().filter(is_gap).filter_map(gap).collect();
        let begins = findings.iter().find(|finding| finding.kind == Kind::ChainStart);
        ChainReport {
            id,
            heads,
            oldest: self.oldest,
            linked: self.linked,
            begins: begins.and_then(|finding| finding.start),
            covered: self.covered,
            timeline: Timeline::merge_any(self.timeline, logs.timeline),
            counts,
            digests: self.digests,
            logs: self.logs.saturating_add(logs.logs),
            objects: in_order(self.objects, logs.objects),
            keys: self.keys,
            interrupted: unread_or_gap(logs.unread.is_some(), &gaps),
            gaps,
            findings,
            remembered: self.remembered,
        }
    }
}

fn unread_or_gap(has_unread: bool, gaps: &[(Interval, Reason)]) -> bool {
    has_unread || gaps.iter().any(|(_, why)| *why == Reason::Interrupted)
}

/// The objects in order of time, each digest before its log files.
fn in_order(
    digests: Vec<(Timestamp, String, ObjectState)>,
    logs: Vec<(Timestamp, String, ObjectState)>,
) -> Vec<(ObjectType, String, ObjectState)> {
    let of = |object| move |(at, uri, state)| (at, object, uri, state);
    let digests = digests.into_iter().map(of(ObjectType::Digest));
    let mut objects: Vec<_> = digests.chain(logs.into_iter().map(of(ObjectType::Log))).collect();
    objects.sort_by(|a, b| (a.0, a.1 == ObjectType::Log, &a.2).cmp(&(b.0, b.1 == ObjectType::Log, &b.2)));
    objects.into_iter().map(|(_, object, uri, state)| (object, uri, state)).collect()
}
