//! Divides timelines into cells of equal length, and labels days and hours.

use std::collections::BTreeMap;

use crate::event::{TimeState, Timeline};
use crate::time::{DAY, HOUR, Interval, Timestamp};

/// Maximum number of cells in a row: the days of a year, or the hours of two weeks.
const MOST_CELLS: i64 = 372;

/// Maximum number of labels on an axis.
const MOST_LABELS: usize = 12;

/// Customary cell lengths, in seconds. Longer cells are 28 days, doubled as often as necessary.
const LENGTHS: [i64; 9] = [HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

/// A stretch of time, divided into cells of equal length. The start is a multiple of the length.
#[derive(Clone, Copy)]
pub(super) struct TimeAxis {
    pub(super) start: i64,
    pub(super) cell: i64,
    pub(super) cells: usize,
}

impl TimeAxis {
    /// The axis over `whole` with the shortest cells that respect [`MOST_CELLS`].
    pub(super) fn over(whole: Interval) -> Self {
        let doubled = std::iter::successors(Some(28 * DAY), |length| length.checked_mul(2));
        let lengths = LENGTHS.into_iter().chain(doubled);
        let axes = lengths.map(|cell| Self::of(whole, cell));
        let fitting = axes.into_iter().find(|axis| axis.cells as u64 <= MOST_CELLS.unsigned_abs());
        fitting.unwrap_or(Self { start: 0, cell: i64::MAX, cells: 1 })
    }

    /// The axis over `whole` with cells of `cell` seconds.
    pub(super) fn of(whole: Interval, cell: i64) -> Self {
        let first = whole.start.unix().div_euclid(cell);
        let last = whole.end.unix().saturating_sub(1).div_euclid(cell).max(first);
        let cells = last.saturating_sub(first).saturating_add(1);
        Self { start: first.saturating_mul(cell), cell, cells: usize::try_from(cells).unwrap_or(usize::MAX) }
    }

    /// The gravest state in each cell.
    pub(super) fn states(&self, timeline: &Timeline) -> Vec<Option<TimeState>> {
        let mut states = vec![None; self.cells];
        let phase = phase(timeline);
        for stretch in timeline.stretches() {
            let index = |moment: i64| {
                moment.saturating_sub(phase).saturating_sub(self.start).div_euclid(self.cell).max(0)
            };
            let first = usize::try_from(index(stretch.time.start.unix())).unwrap_or(usize::MAX);
            let last =
                usize::try_from(index(stretch.time.end.unix().saturating_sub(1))).unwrap_or(usize::MAX);
            let length = last.saturating_sub(first).saturating_add(1);
            for state in states.iter_mut().skip(first).take(length) {
                *state = (*state).max(Some(stretch.state));
            }
        }
        states
    }

    /// The start of a cell.
    pub(super) fn moment(&self, cell: usize) -> Timestamp {
        let cells = i64::try_from(cell).unwrap_or(i64::MAX);
        Timestamp::from_unix(self.start.saturating_add(cells.saturating_mul(self.cell)))
    }

    /// Cells to label along the axis, with labels: the finest of hours, days, months and years that leaves room, at
    /// most `most` labels.
    pub(super) fn labels(&self, most: usize) -> Vec<(usize, String)> {
        let written: Vec<String> = (0..self.cells).map(|cell| self.moment(cell).to_string()).collect();
        let marks = |length: usize| -> Vec<usize> {
            let unit = |cell: usize| written.get(cell).and_then(|text| text.get(..length));
            (0..self.cells).filter(|&cell| cell == 0 || unit(cell) != unit(cell - 1)).collect()
        };
        // Length of the timestamp's prefix that tells marks apart, and start of the part to print.
        let units = [("T".len() + "2026-09-01".len() + 2, 11), ("2026-09-01".len(), 5), ("2026-09".len(), 0)];
        let found = units.into_iter().map(|(length, from)| (marks(length), length, from));
        let chosen = found.into_iter().find(|(marks, ..)| marks.len() <= 4 * most.min(MOST_LABELS));
        let (marks, length, from) = chosen.unwrap_or_else(|| (marks("2026".len()), "2026".len(), 0));
        let each = marks.len().div_ceil(most.clamp(1, MOST_LABELS)).max(1);
        let name = |cell: usize| {
            let text = written.get(cell).and_then(|text| text.get(from..length)).unwrap_or_default();
            if from == 11 { format!("{text}:00") } else { text.to_owned() }
        };
        marks.into_iter().step_by(each).map(|cell| (cell, name(cell))).collect()
    }

    /// The length of a cell, in words.
    pub(super) fn cell_words(&self) -> String {
        match (self.cell / DAY, self.cell / HOUR) {
            (0, 1) => "1 hour".to_owned(),
            (0, hours) => format!("{hours} hours"),
            (1, _) => "1 day".to_owned(),
            (days, _) => format!("{days} days"),
        }
    }
}

/// Seconds after the full hour at which most stretches begin. Subtracting the phase draws a digest in the hour in which
/// the digest begins, although the digest ends in the next hour.
fn phase(timeline: &Timeline) -> i64 {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    let starts = timeline.stretches().map(|stretch| stretch.time.start);
    for moment in starts.skip(1).chain([timeline.start(), timeline.end()]) {
        *counts.entry(moment.unix().rem_euclid(HOUR)).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(phase, count)| (**count, -**phase));
    most.map_or(0, |(phase, _)| *phase)
}

/// From the earliest start to the latest end of the timelines.
pub(super) fn whole<'a>(timelines: impl IntoIterator<Item = &'a Timeline>) -> Option<Interval> {
    let mut ends = timelines.into_iter().filter_map(|timeline| {
        let phase = phase(timeline);
        Interval::new(timeline.start().plus(-phase), timeline.end().plus(-phase))
    });
    let first = ends.next()?;
    Some(ends.fold(first, Interval::hull))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(start: i64, runs: &str) -> Timeline {
        Timeline::parse(Timestamp::from_unix(start), 3_600, runs).unwrap()
    }

    #[test]
    fn each_hour_is_one_cell_though_digests_begin_off_the_hour() {
        let timeline = timeline(417, "3p1t2q");
        let axis = TimeAxis::over(whole([&timeline]).unwrap());
        assert_eq!((axis.start, axis.cell, axis.cells), (0, HOUR, 6));
        let letters: String = axis.states(&timeline).into_iter().flatten().map(TimeState::letter).collect();
        assert_eq!(letters, "ppptqq");
    }

    #[test]
    fn a_year_is_in_days_and_keeps_its_worst_hour() {
        let timeline = timeline(417, "4000p1t4759q");
        let axis = TimeAxis::over(whole([&timeline]).unwrap());
        assert_eq!((axis.cell, axis.cells), (DAY, 365));
        let states = axis.states(&timeline);
        assert_eq!(states.iter().filter(|state| **state == Some(TimeState::Tampered)).count(), 1);
        assert_eq!(states.get(4_000 / 24), Some(&Some(TimeState::Tampered)));
        let labels = axis.labels(12);
        assert_eq!((labels.len(), labels.first()), (12, Some(&(0, "1970-01".to_owned()))));
    }

    #[test]
    fn any_length_of_time_fits() {
        for (start, end) in
            [(0, 1), (0, HOUR), (-10, 10), (0, 400 * DAY), (i64::MIN, i64::MAX), (i64::MAX, i64::MAX)]
        {
            let whole = Interval::new(Timestamp::from_unix(start), Timestamp::from_unix(end)).unwrap();
            let axis = TimeAxis::over(whole);
            assert!((1..=372).contains(&axis.cells), "{start} to {end}: {}", axis.cells);
            assert!(axis.labels(12).len() <= 12);
        }
    }
}
