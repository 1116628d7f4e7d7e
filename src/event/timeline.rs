//! What a chain's time is worth, stretch by stretch: the picture of its coverage.

use std::fmt;

use crate::time::{Interval, Timestamp};

/// What a stretch of a chain's time is worth, the gravest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TimeState {
    /// Nothing is said of it: time between backfill digests.
    Unknown,
    /// A proved digest covers it, and lists no log file.
    Quiet,
    /// A proved digest covers it, and every log file that it lists is proved.
    Proved,
    /// No digest covers it.
    Gap,
    /// Its digest, or a log file of it, could not be vouched for.
    Unverified,
    /// Its digest, or a log file of it, is not what was delivered, or is gone.
    Tampered,
}

impl TimeState {
    /// Every state, in order of gravity.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Quiet, Self::Proved, Self::Gap, Self::Unverified, Self::Tampered];

    /// The letter in [`Timeline`]'s written form.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Unknown => 'n',
            Self::Quiet => 'q',
            Self::Proved => 'p',
            Self::Gap => 'g',
            Self::Unverified => 'u',
            Self::Tampered => 't',
        }
    }

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Quiet => "quiet",
            Self::Proved => "proved",
            Self::Gap => "gap",
            Self::Unverified => "unverified",
            Self::Tampered => "tampered",
        }
    }
}

/// A stretch of one state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// When.
    pub time: Interval,
    /// What it is worth.
    pub state: TimeState,
}

/// Stretches that follow each other without a hole, neighbours in different states. Each is held by its length, so
/// that a year in which every other hour is quiet takes 140 kB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    start: Timestamp,
    runs: Vec<(u64, TimeState)>,
}

impl Timeline {
    /// A timeline of nothing, from `start` on.
    #[must_use]
    pub const fn starting(start: Timestamp) -> Self {
        Self { start, runs: Vec::new() }
    }

    /// Adds `seconds` of `state` at the end.
    pub fn push(&mut self, seconds: u64, state: TimeState) {
        match self.runs.last_mut() {
            Some((length, last)) if *last == state => *length = length.saturating_add(seconds),
            _ if seconds > 0 => self.runs.push((seconds, state)),
            _ => {}
        }
    }

    /// Both timelines as one: the graver state where they overlap, and [`TimeState::Unknown`] where neither says anything.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut merged = Self::starting(self.start.min(other.start));
        let mut sides = [self, other].map(|side| side.stretches().peekable());
        let mut at = merged.start;
        loop {
            let (mut state, mut next) = (TimeState::Unknown, None::<Timestamp>);
            for side in &mut sides {
                while side.next_if(|stretch| stretch.time.end <= at).is_some() {}
                let Some(Stretch { time, state: of_side }) = side.peek() else { continue };
                let turn = if time.start > at { time.start } else { time.end };
                state = if time.start > at { state } else { state.max(*of_side) };
                next = Some(next.map_or(turn, |next| next.min(turn)));
            }
            let Some(next) = next else { return merged };
            merged.push(at.unix().abs_diff(next.unix()), state);
            at = next;
        }
    }

    /// Its first moment.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Its end.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.stretches().last().map_or(self.start, |stretch| stretch.time.end)
    }

    /// Its stretches, in order.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let mut from = self.start;
        self.runs.iter().map(move |&(seconds, state)| {
            let start = from;
            from = from.plus(i64::try_from(seconds).unwrap_or(i64::MAX));
            Stretch { time: Interval { start, end: from }, state }
        })
    }

    /// Seconds that are in `state`.
    #[must_use]
    pub fn seconds(&self, state: TimeState) -> u64 {
        let of_state = self.runs.iter().filter(|(_, of)| *of == state);
        of_state.fold(0, |sum: u64, (seconds, _)| sum.saturating_add(*seconds))
    }

    /// The unit of the written form, in seconds: the largest that every stretch is a multiple of.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.runs.iter().fold(0, |step, (seconds, _)| greatest_common_divisor(step, *seconds)).max(1)
    }

    /// The timeline from `start` whose runs are written as [`fmt::Display`] writes them, in units of `step` seconds.
    #[must_use]
    pub fn parse(start: Timestamp, step: u64, runs: &str) -> Option<Self> {
        let mut timeline = Self::starting(start);
        let mut rest = runs;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (count, tail) = rest.split_at(digits);
            let letter = tail.chars().next()?;
            let state = TimeState::ALL.into_iter().find(|state| state.letter() == letter)?;
            let seconds = count.parse::<u64>().ok()?.checked_mul(step)?;
            total = total.checked_add(seconds)?;
            i64::try_from(total).ok()?;
            timeline.push(seconds, state);
            rest = tail.get(letter.len_utf8()..)?;
        }
        Some(timeline)
    }
}

impl fmt::Display for Timeline {
    /// `12p3q1t`: twelve steps proved, three quiet, one tampered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step();
        self.runs.iter().try_for_each(|(seconds, state)| write!(f, "{}{}", seconds / step, state.letter()))
    }
}

const fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(runs: &[(u64, TimeState)]) -> Timeline {
        let mut timeline = Timeline::starting(Timestamp::from_unix(417));
        runs.iter().for_each(|&(seconds, state)| timeline.push(seconds, state));
        timeline
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (runs, step, written) in [
            (&[][..], 1, ""),
            (&[(7_200, TimeState::Proved), (3_600, TimeState::Quiet)], 3_600, "2p1q"),
            (&[(3_600, TimeState::Gap), (60, TimeState::Tampered)], 60, "60g1t"),
            (&[(1, TimeState::Unknown), (1, TimeState::Unverified)], 1, "1n1u"),
        ] {
            let timeline = timeline(runs);
            assert_eq!((timeline.step(), timeline.to_string().as_str()), (step, written));
            assert_eq!(Timeline::parse(timeline.start(), step, written), Some(timeline));
        }
    }

    #[test]
    fn neighbours_of_one_state_are_one_stretch() {
        let joined = timeline(&[(60, TimeState::Proved), (0, TimeState::Gap), (60, TimeState::Proved)]);
        assert_eq!(joined.stretches().count(), 1);
        assert_eq!((joined.end().unix(), joined.seconds(TimeState::Proved)), (537, 120));
    }

    #[test]
    fn the_graver_state_is_kept_where_two_overlap() {
        let one = timeline(&[(3, TimeState::Proved), (2, TimeState::Gap)]);
        let mut two = Timeline::starting(Timestamp::from_unix(417 + 2));
        two.push(2, TimeState::Tampered);
        let mut late = Timeline::starting(Timestamp::from_unix(417 + 8));
        late.push(1, TimeState::Quiet);
        let all = one.merge(&two).merge(&late);
        assert_eq!(all.to_string(), "2p2t1g3n1q");
        assert_eq!(all, one.merge(&two.merge(&late)));
        assert_eq!(all, late.merge(&one).merge(&two));
        assert_eq!(one.merge(&one), one);
    }

    #[test]
    fn junk_is_no_timeline() {
        let start = Timestamp::from_unix(0);
        for junk in ["p", "1", "1x", "1p2", "-1p", "1 p", "1é", "99999999999999999999p", "１p"] {
            assert_eq!(Timeline::parse(start, 1, junk), None, "{junk}");
        }
        assert_eq!(Timeline::parse(start, u64::MAX, "2p"), None);
        assert_eq!(Timeline::parse(start, 1, "9223372036854775807p1q"), None);
    }
}
