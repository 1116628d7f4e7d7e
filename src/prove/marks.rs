//! What is noted of a chain's time while it is walked, newest first.

use serde::{Deserialize, Serialize};

use crate::event::ObjectState;
use crate::time::{HOUR, Interval, Timestamp};

/// What is noted of a chain while it is walked, newest first.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct TimelineMarks {
    /// Windows of proved digests of the asked range, and whether they list no log file; neighbours joined.
    pub(super) proved: Vec<(Interval, bool)>,
    /// Windows that are not one hour long.
    pub(super) odd: Vec<Interval>,
    /// Ends of digests that are tampered with, or a log file of which is.
    pub(super) tampered: Vec<Timestamp>,
    /// Ends of digests that could not be vouched for, or a log file of which could not.
    pub(super) unverified: Vec<Timestamp>,
}

impl TimelineMarks {
    /// Notes a proved digest of the asked range.
    pub(super) fn note_proved(&mut self, window: Interval, quiet: bool) {
        if window.seconds() != HOUR {
            self.odd.push(window);
        }
        match self.proved.last_mut() {
            Some((last, of)) if last.start == window.end && *of == quiet => last.start = window.start,
            _ => self.proved.push((window, quiet)),
        }
    }

    /// Notes what an object of the digest that ends at `end` is worth.
    pub(super) fn note_state(&mut self, end: Timestamp, state: ObjectState) {
        let ends = match state {
            ObjectState::Valid => return,
            ObjectState::Tampered => &mut self.tampered,
            ObjectState::Unverified => &mut self.unverified,
        };
        if ends.last() != Some(&end) {
            ends.push(end);
        }
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
}
