//! The state of a chain's time, stretch by stretch: the data of the coverage picture.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use crate::time::{Interval, Timestamp};

/// State of a stretch of time, in order of gravity: the gravest state is last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TimeState {
    /// Not judged: time between backfill digests.
    Unknown,
    /// An earlier run proved the time, and its objects are listed unchanged since then.
    Remembered,
    /// A proved digest covers the time and lists no log file.
    Quiet,
    /// A proved digest covers the time, and all log files in the digest's list are proved.
    Proved,
    /// No digest covers the time.
    Gap,
    /// The digest, or a log file in the digest's list, could not be proved.
    Unverified,
    /// The digest, or a log file in the digest's list, is not what CloudTrail delivered, or is gone.
    Tampered,
}

impl TimeState {
    /// All states, in order of gravity.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Remembered,
        Self::Quiet,
        Self::Proved,
        Self::Gap,
        Self::Unverified,
        Self::Tampered,
    ];

    /// The letter in [`Timeline`]'s written form.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Unknown => 'n',
            Self::Remembered => 'r',
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
            Self::Remembered => "remembered",
            Self::Quiet => "quiet",
            Self::Proved => "proved",
            Self::Gap => "gap",
            Self::Unverified => "unverified",
            Self::Tampered => "tampered",
        }
    }
}

/// A stretch of time in a single state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// The interval.
    pub time: Interval,
    /// The state.
    pub state: TimeState,
}

/// Adjacent stretches without holes; neighbours have different states. A stretch is stored as its length alone, so a
/// year in which every second hour is quiet takes 140 kB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    start: Timestamp,
    runs: Vec<(u64, TimeState)>,
}

impl Timeline {
    /// An empty timeline that begins at `start`.
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

    /// Joins two timelines: the graver state where both overlap, and [`TimeState::Unknown`] where neither has a
    /// stretch.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut merged = Self::starting(self.start.min(other.start));
        let mut sides = [self, other].map(|side| side.stretches().peekable());
        let mut at = merged.start;
        loop {
            let (mut state, mut next) = (TimeState::Unknown, None::<Timestamp>);
            for side in &mut sides {
                // Stretches that end by `at` are merged already.
                while side.next_if(|stretch| stretch.time.end <= at).is_some() {}
                let Some(Stretch { time, state: of_side }) = side.peek() else { continue };
                // The next moment at which this side changes state: its stretch begins or ends.
                let turn = if time.start > at { time.start } else { time.end };
                state = if time.start > at { state } else { state.max(*of_side) };
                next = Some(next.map_or(turn, |next| next.min(turn)));
            }
            let Some(next) = next else { return merged };
            merged.push(at.unix().abs_diff(next.unix()), state);
            at = next;
        }
    }

    /// Joins two timelines, either of which may be absent.
    #[must_use]
    pub fn merge_any(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.merge(&other)),
            (one, other) => one.or(other),
        }
    }

    /// Start of the timeline.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// End of the timeline.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.stretches().last().map_or(self.start, |stretch| stretch.time.end)
    }

    /// The stretches, in order of time.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let mut from = self.start;
        self.runs.iter().map(move |&(seconds, state)| {
            let start = from;
            from = from.plus(i64::try_from(seconds).unwrap_or(i64::MAX));
            Stretch { time: Interval { start, end: from }, state }
        })
    }

    /// Total time in `state`, in seconds.
    #[must_use]
    pub fn seconds(&self, state: TimeState) -> u64 {
        let of_state = self.runs.iter().filter(|(_, of)| *of == state);
        of_state.fold(0, |sum: u64, (seconds, _)| sum.saturating_add(*seconds))
    }

    /// Unit of the written form, in seconds: the largest number that divides the lengths of all stretches.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.runs.iter().fold(0, |step, (seconds, _)| greatest_common_divisor(step, *seconds)).max(1)
    }

    /// Parses `runs`, the form that [`fmt::Display`] writes, in units of `step` seconds from `start` on. `None` for
    /// invalid or overflowing input.
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
            // `stretches` adds the lengths to an `i64` timestamp.
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

/// The written form of a timeline.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTimeline {
    start: Timestamp,
    step: u64,
    runs: String,
}

impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenTimeline { start: self.start, step: self.step(), runs: self.to_string() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WrittenTimeline { start, step, runs } = WrittenTimeline::deserialize(deserializer)?;
        Self::parse(start, step, &runs).ok_or_else(|| D::Error::custom("invalid timeline"))
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
