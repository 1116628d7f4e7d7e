//! The state of each stretch of a chain's time, for the picture of its coverage.

use super::prover::ChainProver;
use crate::event::{Finding, Kind, Reason, TimeState, Timeline};
use crate::time::{self, Interval, Timestamp};

impl ChainProver {
    /// The timeline of the digests of a finished chain, after all findings; `None` without any time to show. The log
    /// files have a timeline of their own: joined, the graver state is shown.
    pub(super) fn timeline(&self) -> Option<Timeline> {
        let marks = &self.state.marks;
        let within = |windows| self.within_range(windows);
        // The gravest state comes first: of overlapping states, the gravest is shown.
        let layers = [
            (TimeState::Tampered, within(marks.windows(&marks.tampered).collect())),
            (TimeState::Unverified, within(self.unverified())),
            (TimeState::Proved, within(marks.proved(false).collect())),
            (TimeState::Quiet, within(marks.proved(true).collect())),
            (TimeState::Remembered, within(self.passed())),
            (TimeState::Gap, within(gaps(&self.state.findings))),
        ];
        paint(&layers)
    }

    fn passed(&self) -> Vec<Interval> {
        self.state.passed.iter().filter_map(|time| Interval::new(time.start, time.end)).collect()
    }

    /// The timeline of the log files: the windows of digests that list a tampered or unverified log file.
    pub(super) fn timeline_of_logs(&self) -> Option<Timeline> {
        let (marks, hashed) = (&self.state.marks, &self.state.hashed);
        let within = |ends| self.within_range(marks.windows(ends).collect());
        paint(&[
            (TimeState::Tampered, within(&hashed.tampered)),
            (TimeState::Unverified, within(&hashed.unverified)),
        ])
    }

    fn within_range(&self, windows: Vec<Interval>) -> Vec<Interval> {
        let asked = self.scope.range.interval();
        time::union(windows.into_iter().filter_map(|window| window.intersect(asked)).collect())
    }

    fn unverified(&self) -> Vec<Interval> {
        let marks = &self.state.marks;
        let is_interrupted = |finding: &&Finding| finding.reason == Some(Reason::Interrupted);
        let interrupted = self.state.findings.iter().filter(is_interrupted);
        marks.windows(&marks.unverified).chain(interrupted.filter_map(stretch)).collect()
    }
}

/// The uncovered stretches among the findings. Missing digests at the end of a trail count too: such a finding has no
/// address.
fn gaps(findings: &[Finding]) -> Vec<Interval> {
    let is_gap = |finding: &&Finding| matches!(finding.kind, Kind::ChainGap | Kind::ChainStale);
    let gone_at_the_end = |finding: &&Finding| finding.kind == Kind::DigestMissing && finding.uri.is_none();
    findings
        .iter()
        .filter(|finding| is_gap(finding) || gone_at_the_end(finding))
        .filter_map(stretch)
        .collect()
}

fn stretch(finding: &Finding) -> Option<Interval> {
    Interval::new(finding.start?, finding.end?)
}

/// Paints each stretch in the state of the first layer that covers the stretch.
fn paint(layers: &[(TimeState, Vec<Interval>)]) -> Option<Timeline> {
    let intervals = layers.iter().flat_map(|(_, intervals)| intervals);
    let mut edges: Vec<Timestamp> = intervals.flat_map(|stretch| [stretch.start, stretch.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut timeline = Timeline::starting(*edges.first()?);
    for (start, end) in edges.iter().zip(edges.iter().skip(1)) {
        let part = Interval { start: *start, end: *end };
        let seen = layers.iter().find(|(_, intervals)| time::overlaps_any(intervals, part));
        let state = seen.map_or(TimeState::Unknown, |(state, _)| *state);
        timeline.push(part.seconds().unsigned_abs(), state);
    }
    Some(timeline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    #[test]
    fn the_gravest_state_of_a_stretch_is_shown() {
        let hours = |from: i64, to: i64| {
            Interval::new(Timestamp::from_unix(from * HOUR), Timestamp::from_unix(to * HOUR)).unwrap()
        };
        let layers = [
            (TimeState::Tampered, vec![hours(2, 3)]),
            (TimeState::Unverified, vec![hours(2, 4)]),
            (TimeState::Proved, vec![hours(0, 5), hours(8, 9)]),
            (TimeState::Gap, vec![hours(4, 7)]),
        ];
        let timeline = paint(&layers).unwrap();
        assert_eq!((timeline.step(), timeline.to_string()), (3_600, "2p1t1u1p2g1n1p".to_owned()));
        assert_eq!(paint(&[]), None);
    }
}
