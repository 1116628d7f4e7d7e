//! Marks for the timeline of a chain, set while the prover walks from the newest digest to the oldest.

use serde::{Deserialize, Serialize};

use crate::event::ObjectState;
use crate::time::{HOUR, Interval, Timestamp};

/// Marks for the timeline of a chain, newest first.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct TimelineMarks {
    /// Windows of proved digests in the asked range, with a flag for windows without log files. Adjoining windows are
    /// joined.
    pub(super) proved: Vec<(Interval, bool)>,
    /// Windows that are not one hour long.
    pub(super) odd: Vec<Interval>,
    /// Ends of tampered digests.
    pub(super) tampered: Vec<Timestamp>,
    /// Ends of unverified digests.
    pub(super) unverified: Vec<Timestamp>,
}

impl TimelineMarks {
    /// Marks the window of a proved digest in the asked range.
    pub(super) fn note_proved(&mut self, window: Interval, quiet: bool) {
        if window.seconds() != HOUR {
            self.odd.push(window);
        }
        match self.proved.last_mut() {
            Some((last, of)) if last.start == window.end && *of == quiet => last.start = window.start,
            _ => self.proved.push((window, quiet)),
        }
    }

    /// Marks the state of the digest ending at `end`.
    pub(super) fn note_state(&mut self, end: Timestamp, state: ObjectState) {
        note(&mut self.tampered, &mut self.unverified, end, state);
    }

    pub(super) fn windows(&self, ends: &[Timestamp]) -> impl Iterator<Item = Interval> {
        ends.iter().map(|end| {
            let odd = self.odd.iter().find(|odd| odd.end == *end).copied();
            odd.unwrap_or(Interval { start: end.plus(-HOUR), end: *end })
        })
    }

    pub(super) fn proved(&self, quiet: bool) -> impl Iterator<Item = Interval> {
        self.proved.iter().filter(move |(_, of)| *of == quiet).map(|(window, _)| *window)
    }
}

/// Marks the state of an object that belongs to the digest ending at `end`.
pub(super) fn note(
    tampered: &mut Vec<Timestamp>,
    unverified: &mut Vec<Timestamp>,
    end: Timestamp,
    state: ObjectState,
) {
    let ends = match state {
        ObjectState::Valid => return,
        ObjectState::Tampered => tampered,
        ObjectState::Unverified => unverified,
    };
    if ends.last() != Some(&end) {
        ends.push(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_odd_length_are_kept() {
        let mut marks = TimelineMarks::default();
        let at = |minutes: i64| Timestamp::from_unix(minutes * 60);
        marks.note_proved(Interval::new(at(60), at(90)).unwrap(), false);
        marks.note_proved(Interval::new(at(0), at(60)).unwrap(), false);
        marks.note_state(at(90), ObjectState::Tampered);
        marks.note_state(at(60), ObjectState::Valid);
        let tampered: Vec<_> = marks.windows(&marks.tampered).collect();
        assert_eq!(tampered, [Interval::new(at(60), at(90)).unwrap()]);
        assert_eq!(marks.proved(false).count(), 1);
    }

    #[test]
    fn only_adjoining_windows_of_one_kind_are_joined() {
        let mut marks = TimelineMarks::default();
        let at = |hour: i64| Timestamp::from_unix(hour * HOUR);
        let hours = |from, to| Interval::new(at(from), at(to)).unwrap();
        for (hour, quiet) in [(9, false), (8, false), (6, false), (5, true), (4, true), (3, false)] {
            marks.note_proved(hours(hour, hour + 1), quiet);
        }
        marks.note_state(at(9), ObjectState::Unverified);
        assert_eq!(marks.proved(false).collect::<Vec<_>>(), [hours(8, 10), hours(6, 7), hours(3, 4)]);
        assert_eq!(marks.proved(true).collect::<Vec<_>>(), [hours(4, 6)]);
        assert_eq!(marks.windows(&marks.unverified).collect::<Vec<_>>(), [hours(8, 9)]);
    }
}
