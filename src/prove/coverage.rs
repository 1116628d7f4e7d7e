//! Rule 4: finds the stretches of the asked range that proved digests tile, and reports the rest.

use super::prover::ChainProver;
use super::state::ChainStart;
use crate::event::{Fault, Finding, Kind, Reason, Severity};
use crate::ident::Sha256Hash;
use crate::time::{self, DAY, DELIVERY_GRACE, HOUR, Interval, Timestamp};

impl ChainProver {
    /// The stretches of the asked range that proved digests cover.
    pub(super) fn covered(&self) -> Vec<Interval> {
        let asked = self.scope.range.interval();
        time::union(self.state.covered.iter().filter_map(|window| window.intersect(asked)).collect())
    }

    /// At the end of the chain, reports uncovered time, the start of the record, and relocation. Returns the finding that
    /// nothing is covered, which also depends on the log files.
    pub(super) fn judge_coverage(&mut self) -> Option<Finding> {
        self.report_relocated();
        let left = self.state.left;
        // Backfill digests cover no time by themselves, so only an interruption is reported.
        if self.scope.id.backfill {
            left.into_iter().for_each(|left| self.report_interrupted(left, left.end));
            return None;
        }
        let asked = self.scope.range.interval();
        let covered = self.covered();
        // 1. Find the first and the last moment of the record.
        let known = self.state.unproved.iter().chain(&self.state.missing).chain(&covered);
        let mut known: Vec<Interval> = known.filter_map(|window| window.intersect(asked)).collect();
        // A digest that starts a chain covers nothing, but shows where its chain begins.
        let starts = self.state.restarts.iter().filter(|start| start.asked);
        known.extend(starts.map(|start| start.end.min(asked.end)).map(|end| Interval { start: end, end }));
        let first = known.iter().map(|window| window.start).min();
        let last = known.iter().map(|window| window.end).max();
        let (Some(first), Some(last)) = (first, last) else {
            match left {
                None => self.report_nothing(),
                Some(left) => self.report_interrupted(left, asked.end),
            }
            return None;
        };
        // 2. Report the uncovered time between first and last, with a reason.
        self.report_gaps(&covered, first, last);
        self.report_restarts();
        // 3. Report how the record begins, and whether the record reaches the asked end.
        match left {
            None => self.report_beginning(first),
            Some(left) => self.report_interrupted(left, first),
        }
        self.report_stale(last);
        self.covers_nothing(&covered)
    }

    fn report_relocated(&mut self) {
        let Some((lies, belongs, count)) = self.state.relocated.take() else { return };
        let fault = Fault::Relocated { count, belongs: belongs.clone() };
        let mut finding = Finding::new(fault, Timestamp::from_unix(i64::MIN)).about(&lies);
        finding.expected = Some(belongs.to_string());
        self.report(finding);
    }

    /// Reports the time before `until` as unchecked, because the run ended early.
    fn report_interrupted(&mut self, left: Interval, until: Timestamp) {
        let start = self.scope.range.start.unwrap_or(left.start);
        let stretch = Interval::new(start, until.min(self.scope.range.end));
        if let Some(stretch) = stretch.filter(|stretch| stretch.seconds() > 0) {
            self.report_gap(stretch, Fault::DigestsInterrupted);
        }
    }

    fn report_gap(&mut self, stretch: Interval, fault: Fault) {
        let reason = match fault {
            Fault::DigestsInterrupted => Reason::Interrupted,
            Fault::DigestsMissing => Reason::DigestsMissing,
            Fault::LoggingStopped => Reason::LoggingStopped,
            _ => Reason::NotCovered,
        };
        let finding = Finding::new(fault, stretch.start).over(stretch).because(reason);
        self.report(Finding { content: self.listed_within(stretch), ..finding });
    }

    /// What tells the listed digests of an uncovered stretch from others: their number, and a hash over their ends. `None`
    /// without a digest.
    fn listed_within(&self, stretch: Interval) -> Option<String> {
        // The list is sorted newest first.
        let listed = &self.state.listed;
        let from = listed.partition_point(|listed| listed.end > stretch.end);
        let until = listed.partition_point(|listed| listed.end > stretch.start);
        let within = listed.get(from..until).unwrap_or_default();
        let ends: Vec<u8> = within.iter().flat_map(|listed| listed.end.unix().to_be_bytes()).collect();
        (!ends.is_empty()).then(|| format!("{} listed {}", ends.len() / 8, Sha256Hash::of(&ends)))
    }

    /// Reports a chain with digests before or after the asked range and none inside: the chain does not cover the
    /// range, unless the chain begins after the range.
    fn report_nothing(&mut self) {
        let start = self.scope.range.start;
        let ends = || self.state.listed.iter().map(|listed| listed.end);
        let older = ends().find(|end| start.is_some_and(|start| *end <= start));
        let later = ends().rfind(|end| *end > self.scope.range.end);
        let begins_later = |end: Timestamp| self.state.restarts.iter().any(|start| start.end == end);
        let fault = match (older, later) {
            (None, None) => return self.report_forgotten(),
            (Some(older), None) => return self.report_stale(older),
            (None, Some(later)) if begins_later(later) => return self.report_forgotten(),
            // Without an asked start, a name alone shows no chain: only a proved digest records an older one.
            (None, Some(_)) if start.is_none() && self.state.newest.is_none() => {
                return self.report_forgotten();
            }
            (Some(_), Some(later)) if begins_later(later) => Fault::LoggingStopped,
            (_, Some(_)) => Fault::NotCovered,
        };
        let end = self.scope.range.end;
        // Without an asked start, nothing says how long the chain lasted before its oldest digest.
        let start = start.unwrap_or(end.plus(-HOUR));
        self.report_gap(Interval { start, end }, fault);
    }

    /// Reports a chain that earlier runs proved, without a digest in the asked range or just before it: the digests that
    /// earlier runs proved there are not there now.
    fn report_forgotten(&mut self) {
        let ends = &self.state.remembered_ends;
        let (Some(oldest), Some(newest)) = (ends.first().copied(), ends.last().copied()) else { return };
        let asked = self.scope.range;
        match asked.start {
            // What ended long before the asked start is not asked for.
            Some(start) if newest <= start.plus(-LOOK_BACK) => {}
            Some(start) if newest <= start => self.report_stale(newest),
            start => {
                let stretch =
                    Interval::new(start.map_or(oldest, |start| start.max(oldest)), asked.end.min(newest));
                if let Some(stretch) = stretch.filter(|stretch| stretch.seconds() > 0) {
                    self.report_gap(stretch, Fault::NotCovered);
                }
            }
        }
    }

    /// Whether earlier runs proved that the chain goes on after `newest`. A gap in the record leaves a remembered digest
    /// at its start.
    fn is_remembered_beyond(&self, newest: Timestamp) -> bool {
        let ends = &self.state.remembered_ends;
        !ends.contains(&newest) && ends.last().is_some_and(|last| *last > newest)
    }

    /// Reports the stretches between the asked start and the end of the record that no proved digest covers.
    fn report_gaps(&mut self, covered: &[Interval], first: Timestamp, last: Timestamp) {
        // After an early end, `report_interrupted` reports the older time.
        let asked_start = self.scope.range.start.filter(|_| self.state.left.is_none());
        let whole = Interval { start: asked_start.unwrap_or(first), end: last };
        let missing = time::union(self.state.missing.clone());
        let unproved = time::union(self.state.unproved.clone());
        for gap in time::complement(whole, covered) {
            let known = missing.iter().filter_map(|part| part.intersect(gap));
            // A gap is cut into time of missing digests and other time: the reasons differ.
            let rest = time::complement(gap, &missing);
            let mut parts: Vec<_> = known.map(|part| (part, Fault::DigestsMissing)).collect();
            parts.extend(rest.into_iter().map(|part| (part, self.why_uncovered(&unproved, part))));
            parts.into_iter().for_each(|(part, fault)| self.report_gap(part, fault));
        }
    }

    /// Why a stretch without missing digests is uncovered.
    fn why_uncovered(&self, unproved: &[Interval], part: Interval) -> Fault {
        let starts = || self.state.restarts.iter().filter(|start| is_within(start.end, part));
        if time::overlaps_any(unproved, part) || starts().next().is_none() {
            Fault::NotCovered
        } else if starts().any(|start| self.has_older(start)) {
            Fault::LoggingStopped
        } else {
            Fault::BeforeTheRecord
        }
    }

    /// Whether the chain has a digest from before the restart.
    fn has_older(&self, start: &ChainStart) -> bool {
        let state = &self.state;
        let before = |window: &Interval| window.start < start.end;
        let known = || state.covered.iter().chain(&state.missing).chain(&state.unproved);
        state.listed.iter().any(|listed| listed.end < start.end) || known().any(before)
    }

    /// Reports each restart of the chain without uncovered time. A restart within a gap is part of the finding on the
    /// gap.
    fn report_restarts(&mut self) {
        let is_gap = |finding: &&Finding| finding.kind == Kind::ChainGap;
        let gaps = self.state.findings.iter().filter(is_gap);
        let gaps: Vec<Interval> =
            gaps.filter_map(|finding| Interval::new(finding.start?, finding.end?)).collect();
        let is_new = |start: &&ChainStart| {
            start.asked
                && self.was_stopped_before(start, self.scope.range.end)
                && !gaps.iter().any(|gap| is_within(start.end, *gap))
                && self.has_older(start)
        };
        let finding = |start: &ChainStart| {
            let finding = Finding::new(Fault::ChainRestarts, start.end).about(&start.location);
            Finding { start: Some(start.end), ..finding }
        };
        let found: Vec<Finding> = self.state.restarts.iter().filter(is_new).map(finding).collect();
        found.into_iter().for_each(|finding| self.report(finding));
    }

    /// Whether the session of logging before `start` may have been stopped before `end`, the end of the asked range: its last
    /// digest, which ends after `start` began the chain anew, covers time in the range.
    fn was_stopped_before(&self, start: &ChainStart, end: Timestamp) -> bool {
        self.state.covered.iter().filter(|window| start.end <= window.end).any(|window| {
            // Digests of one session end at the same minute of each hour.
            let rest = (window.end.unix() - start.end.unix()).rem_euclid(HOUR);
            start.end.plus(rest - HOUR) < end
        })
    }

    /// Reports where the record begins: at the end of a digest that starts a chain, with no older digest.
    fn report_beginning(&mut self, first: Timestamp) {
        let starting = self.state.restarts.iter().find(|start| start.asked && start.end == first);
        let Some(start) = starting.filter(|start| !self.has_older(start)) else { return };
        let finding = Finding::new(Fault::RecordBegins, first).about(&start.location);
        self.report(Finding { start: Some(first), ..finding });
    }

    /// The finding that nothing is covered yet, if the chain consists only of the digest that starts it. Log files with
    /// findings make the finding needless.
    fn covers_nothing(&self, covered: &[Interval]) -> Option<Finding> {
        let is_silent = self.state.findings.iter().all(|finding| finding.severity == Severity::Notice);
        (covered.is_empty() && is_silent && self.scope.selected)
            .then(|| Finding::new(Fault::NothingCovered, self.scope.range.end).of_chain(&self.scope.id))
    }

    /// Reports a newest digest that ends too long before the asked end: by a whole hour, and so long before the present
    /// that a successor should have been delivered. Where the chain began anew after the asked end, or memory knows a newer
    /// digest, no part of an hour is spared. CloudTrail itself may state that a successor was delivered.
    fn report_stale(&mut self, newest: Timestamp) {
        let end = self.scope.range.end;
        let late = end.unix().saturating_sub(newest.unix());
        let age = self.scope.now.unix().saturating_sub(newest.unix());
        let begins_later = self.state.restarts.iter().any(|start| start.end > end);
        let is_stale = (late >= HOUR && age > DELIVERY_GRACE)
            || (late > 0 && (begins_later || self.is_remembered_beyond(newest)));
        let fault = match self.state.newer_delivered.filter(|_| late > 0) {
            Some(delivered) => Fault::NewerDelivered { late, delivered },
            None if is_stale => Fault::Stale { late },
            None => return,
        };
        self.report(Finding::new(fault, newest).over(Interval { start: newest, end }));
    }
}

/// Seconds before the asked start within which the end of a remembered chain is reported, as that of a listed chain is.
pub(crate) const LOOK_BACK: i64 = 31 * DAY;

/// Whether a chain that begins at `end` begins within `part`, or at the end of `part`.
fn is_within(end: Timestamp, part: Interval) -> bool {
    part.start < end && end <= part.end
}

/// Adds a window to the list, newest first. Adjoining windows are joined.
pub(super) fn push_window(windows: &mut Vec<Interval>, window: Interval) {
    match windows.last_mut() {
        Some(last) if last.start == window.end => last.start = window.start,
        _ => windows.push(window),
    }
}
