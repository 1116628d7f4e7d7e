//! The fields of `chains[]`.

use serde::Serialize;

use crate::event::{ChainCounts, ChainSummary, RememberedTime, StateCounts, Timeline};
use crate::time::{Interval, Timestamp};

#[derive(Serialize)]
pub(in crate::report) struct WireChain<'a> {
    account: &'a str,
    region: &'a str,
    trail: &'a str,
    home_region: &'a str,
    organization: Option<&'a str>,
    backfill: bool,
    covered: Vec<WireStretch>,
    digests: u64,
    logs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<WireChainCounts>,
    gaps: u64,
    timeline: Option<WireTimeline>,
    #[serde(skip_serializing_if = "<[RememberedTime]>::is_empty")]
    remembered: &'a [RememberedTime],
}

#[derive(Serialize)]
struct WireChainCounts {
    digests: StateCounts,
    logs: StateCounts,
}

impl WireChainCounts {
    const fn of(counts: &ChainCounts) -> Self {
        Self { digests: counts.digests, logs: counts.logs }
    }
}

#[derive(Serialize)]
struct WireTimeline {
    start: Timestamp,
    step: u64,
    runs: String,
}

impl WireTimeline {
    fn of(timeline: &Timeline) -> Self {
        Self { start: timeline.start(), step: timeline.step(), runs: timeline.to_string() }
    }
}

#[derive(Serialize)]
struct WireStretch {
    start: Timestamp,
    end: Timestamp,
}

impl<'a> WireChain<'a> {
    pub(in crate::report) fn of(chain: &'a ChainSummary) -> Self {
        let ChainSummary { id, covered, digests, logs, counts, gaps, timeline, remembered, in_replica: _ } =
            chain;
        Self {
            account: &id.account,
            region: &id.region,
            trail: &id.trail,
            home_region: &id.home_region,
            organization: id.organization.as_deref(),
            backfill: id.backfill,
            covered: covered.iter().map(|&Interval { start, end }| WireStretch { start, end }).collect(),
            digests: *digests,
            logs: *logs,
            counts: counts.as_ref().map(WireChainCounts::of),
            gaps: *gaps,
            timeline: timeline.as_ref().map(WireTimeline::of),
            remembered,
        }
    }
}
