//! Moments and spans of time in whole seconds of UTC, in CloudTrail's formats.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

mod typed;

pub use typed::BadTime;

/// One hour in seconds: the period of a digest file.
///
/// Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".
pub const HOUR: i64 = 3_600;

/// One day in seconds.
pub const DAY: i64 = 24 * HOUR;

/// Longest expected delay of a digest, in seconds. The newest digest of an active trail ends up to an hour ago, and
/// is delivered 7.7 to 201 minutes after the end, in the observed deliveries.
pub const DELIVERY_GRACE: i64 = 5 * HOUR;

/// A moment in seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates the moment `seconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Moves the moment by `seconds`, forward or back; saturates at the ends of `i64`.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Midnight (UTC) of the moment's day.
    #[must_use]
    pub const fn day(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(DAY)))
    }

    /// Parses the format of a digest file's fields, `2015-08-17T14:01:31Z`, and no other format.
    #[must_use]
    pub fn parse_digest_field(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [y @ .., b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2, b'Z'] => {
                from_fields(y, [[mo1, mo2], [d1, d2], [h1, h2], [mi1, mi2], [s1, s2]])
            }
            _ => None,
        }
    }

    /// Parses the format of reports, written by [`fmt::Display`], for every year.
    #[must_use]
    pub fn parse_report(text: &str) -> Option<Self> {
        // `Display` writes years outside jiff's range as `@SECONDS`.
        if let Some(seconds) = text.strip_prefix('@') {
            return seconds.parse().ok().map(Self).filter(|moment| moment.to_string() == text);
        }
        let moment = Self::parse_digest_field(text).or_else(|| {
            let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%SZ", text).ok()?.to_datetime().ok()?;
            Some(Self(TimeZone::UTC.to_timestamp(parsed).ok()?.as_second()))
        });
        // Accepts only the text that `Display` writes, so that equal moments have equal texts.
        moment.filter(|moment| moment.to_string() == text)
    }

    /// Parses the format in a digest file's name, `20150817T140131Z`, and no other format.
    #[must_use]
    pub fn parse_digest_name(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [y @ .., mo1, mo2, d1, d2, b'T', h1, h2, mi1, mi2, s1, s2, b'Z'] => {
                from_fields(y, [[mo1, mo2], [d1, d2], [h1, h2], [mi1, mi2], [s1, s2]])
            }
            _ => None,
        }
    }

    /// Parses the format in a log file's name, `20150817T1401Z`, and no other format.
    #[must_use]
    pub fn parse_log_name(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [y @ .., mo1, mo2, d1, d2, b'T', h1, h2, mi1, mi2, b'Z'] => {
                from_fields(y, [[mo1, mo2], [d1, d2], [h1, h2], [mi1, mi2], [&b'0', &b'0']])
            }
            _ => None,
        }
    }

    /// The day folder of an object key, `2015/08/17`.
    #[must_use]
    pub fn day_folder(self) -> String {
        self.format("%Y/%m/%d")
    }

    /// The format in a digest file's name, `20150817T140131Z`.
    #[must_use]
    pub fn digest_name(self) -> String {
        self.format("%Y%m%dT%H%M%SZ")
    }

    /// The format in a log file's name, `20150817T1401Z`.
    #[must_use]
    pub fn log_name(self) -> String {
        self.format("%Y%m%dT%H%MZ")
    }

    /// Whether the moment is within the years that jiff can write.
    fn has_a_date(self) -> bool {
        jiff::Timestamp::from_second(self.0).is_ok()
    }

    fn format(self, pattern: &str) -> String {
        match jiff::Timestamp::from_second(self.0) {
            Ok(moment) => moment.strftime(pattern).to_string(),
            Err(_) => format!("@{}", self.0),
        }
    }
}

/// Converts a four-digit year and five two-digit fields (month, day, hour, minute, second).
fn from_fields(year: &[u8], fields: [[&u8; 2]; 5]) -> Option<Timestamp> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
    let [y1, y2, y3, y4] = *year else { return None };
    let mut value = [0_i8; 5];
    for (slot, [tens, ones]) in value.iter_mut().zip(fields) {
        *slot = i8::try_from(digit(*tens)? * 10 + digit(*ones)?).ok()?;
    }
    let [month, day, hour, minute, second] = value;
    let year = digit(y1)? * 1000 + digit(y2)? * 100 + digit(y3)? * 10 + digit(y4)?;
    // Rejects dates outside the calendar, such as February 30.
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let moment = TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(Timestamp(moment.as_second()))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_report(&text).ok_or_else(|| D::Error::custom("not a time in UTC with whole seconds"))
    }
}

/// Parses a typed time: RFC 3339 with an offset, a date (midnight UTC of the day), or an age before `now` such as
/// `24h` or `7d` (a day is 24 hours). Drops fractions of a second. Second 60, which RFC 3339 has for leap seconds, is read
/// as second 59.
///
/// # Errors
/// [`BadTime`] for any other text, and for an offset of over 23 hours, which RFC 3339 does not have. A time without an offset is an error, because guessing the offset would move the
/// range.
pub fn parse_typed(text: &str, now: Timestamp) -> Result<Timestamp, BadTime> {
    let ago = || parse_age(text).map(|age| now.plus(-age)).filter(|moment| moment.has_a_date());
    parse_moment(text).or_else(ago).ok_or_else(|| BadTime::of(text))
}

/// Parses a typed start time. An age is extended by [`DELIVERY_GRACE`]: runs repeated after exactly the age then miss
/// no digest, and a short age still finds a delivered digest.
///
/// # Errors
/// The errors of [`parse_typed`].
///
/// ```
/// use trailproof::time::{DELIVERY_GRACE, HOUR, Timestamp, parse_start};
///
/// let now = Timestamp::from_unix(1_788_221_217);
/// assert_eq!(parse_start("24h", now), Ok(now.plus(-24 * HOUR - DELIVERY_GRACE)));
/// assert_eq!(parse_start("2026-09-01", now).unwrap().to_string(), "2026-09-01T00:00:00Z");
/// ```
pub fn parse_start(text: &str, now: Timestamp) -> Result<Timestamp, BadTime> {
    let grace = if parse_moment(text).is_none() { DELIVERY_GRACE } else { 0 };
    parse_typed(text, now).map(|start| start.plus(-grace))
}

fn parse_moment(text: &str) -> Option<Timestamp> {
    if typed::wrong_offset(text).is_some() {
        return None;
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_second()));
    }
    // jiff accepts more forms of a date; only `YYYY-MM-DD` is documented for users.
    if text.len() != "2026-09-01".len() {
        return None;
    }
    let midnight = text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0);
    Some(Timestamp(TimeZone::UTC.to_timestamp(midnight).ok()?.as_second()))
}

/// Parses an age in seconds. Weeks, days, hours, minutes and seconds have a fixed length; years and months are
/// refused.
fn parse_age(text: &str) -> Option<i64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    (length.as_secs() >= 0).then(|| length.as_secs())
}

/// A span of time with `start` included and `end` excluded; `start <= end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, serde::Deserialize)]
pub struct Interval {
    /// First moment.
    pub start: Timestamp,
    /// First moment after the span.
    pub end: Timestamp,
}

impl Interval {
    /// Creates the span from `start` to `end`; `None` if `end` is before `start`.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// Length in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether the span contains `moment`.
    #[must_use]
    pub fn contains(self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether two spans share more than an end point.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether the span contains all of `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The shortest span that covers both spans.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The common part of two spans; `None` if empty.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        self.overlaps(other)
            .then(|| Self { start: self.start.max(other.start), end: self.end.min(other.end) })
    }

    /// The span shortened by `seconds` at each end; `None` if empty.
    #[must_use]
    pub fn shrink(self, seconds: i64) -> Option<Self> {
        let (start, end) = (self.start.plus(seconds), self.end.plus(-seconds));
        (start < end).then_some(Self { start, end })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

/// Merges overlapping and touching spans; returns sorted spans that do not touch.
#[must_use]
pub fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut joined: Vec<Interval> = Vec::new();
    for next in intervals {
        match joined.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => joined.push(next),
        }
    }
    joined
}

/// Whether `stretch` overlaps any span of `joined`, a result of [`union`].
#[must_use]
pub fn overlaps_any(joined: &[Interval], stretch: Interval) -> bool {
    // The first span that ends after the start of `stretch`. All later spans start even later.
    let first = joined.partition_point(|part| part.end <= stretch.start);
    joined.get(first).is_some_and(|part| part.overlaps(stretch))
}

/// The parts of `whole` outside `covered`, a result of [`union`].
#[must_use]
pub fn complement(whole: Interval, covered: &[Interval]) -> Vec<Interval> {
    let mut open = Vec::new();
    let mut from = whole.start;
    for part in covered.iter().filter_map(|part| part.intersect(whole)) {
        if from < part.start {
            open.push(Interval { start: from, end: part.start });
        }
        from = from.max(part.end);
    }
    if from < whole.end {
        open.push(Interval { start: from, end: whole.end });
    }
    open
}

/// The user's time range: from `start`, or from the oldest digest, to `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Range {
    /// Requested start; `None` for the whole record.
    pub start: Option<Timestamp>,
    /// Requested end, excluded.
    pub end: Timestamp,
}

impl Range {
    /// The requested span; without a start, from the earliest representable moment.
    #[must_use]
    pub fn interval(self) -> Interval {
        let start = self.start.unwrap_or(Timestamp(i64::MIN)).min(self.end);
        Interval { start, end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_digest_field(text).unwrap()
    }

    #[test]
    fn the_three_written_forms_are_read_exactly() {
        let moment = at("2015-08-17T14:01:31Z");
        assert_eq!(moment.unix(), 1_439_820_091);
        assert_eq!(moment.to_string(), "2015-08-17T14:01:31Z");
        assert_eq!(Timestamp::parse_digest_name(&moment.digest_name()), Some(moment));
        assert_eq!(Timestamp::parse_log_name("20150817T1401Z"), Some(moment.plus(-31)));
        assert_eq!(moment.day_folder(), "2015/08/17");
        for junk in [
            "",
            "Z",
            "2015-08-17T14:01:31",
            "2015-08-17T14:01:31+09:00",
            "2015-13-17T14:01:31Z",
            "12015-08-17T14:01:31Z",
            "2015-02-30T14:01:31Z",
            "２015-08-17T14:01:31Z",
        ] {
            assert_eq!(Timestamp::parse_digest_field(junk), None, "{junk}");
        }
        assert_eq!(Timestamp::parse_digest_name("99999999T999999Z"), None);
        for seconds in
            [0, 1_439_820_091, -62_167_219_201, -370_000_000_000, i64::MAX, i64::MIN, 253_402_207_200]
        {
            let moment = Timestamp(seconds);
            assert_eq!(Timestamp::parse_report(&moment.to_string()), Some(moment), "{moment}");
        }
        for junk in ["", "@", "@1", "@x", "2015-08-17", "2015-08-17T14:01:31+00:00"] {
            assert_eq!(Timestamp::parse_report(junk), None, "{junk}");
        }
    }

    #[test]
    fn typed_times_keep_their_offset() {
        let now = at("2026-09-02T00:00:00Z");
        assert_eq!(parse_typed("2026-09-01T09:00:00+09:00", now), Ok(at("2026-09-01T00:00:00Z")));
        assert_eq!(parse_typed("2026-09-01", now), Ok(at("2026-09-01T00:00:00Z")));
        assert_eq!(parse_typed("24h", now), Ok(at("2026-09-01T00:00:00Z")));
        assert_eq!(parse_typed("7d", now), Ok(at("2026-08-26T00:00:00Z")));
        for junk in
            ["", "yesterday", "2026-09-01T00:00:00", "-7d", "1y", "3 months", "7", "2026-9-1", "\u{1b}[2J"]
        {
            assert!(parse_typed(junk, now).is_err(), "{junk}");
        }
    }

    #[test]
    fn union_and_complement_tile_the_whole() {
        let part = |a, b| Interval::new(Timestamp(a), Timestamp(b)).unwrap();
        let covered = union(vec![part(5, 7), part(0, 2), part(2, 3), part(6, 9)]);
        assert_eq!(covered, [part(0, 3), part(5, 9)]);
        assert_eq!(complement(part(-1, 10), &covered), [part(-1, 0), part(3, 5), part(9, 10)]);
        assert_eq!(complement(part(6, 8), &covered), []);
        assert_eq!(complement(part(0, 10), &[]), [part(0, 10)]);
        assert!(part(1, 3).contains(Timestamp(1)) && !part(1, 3).contains(Timestamp(3)));
        assert_eq!((part(1, 4).shrink(1), part(1, 3).shrink(1)), (Some(part(2, 3)), None));
        assert_eq!(part(0, 60).to_string(), "1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z");
        assert!(overlaps_any(&covered, part(2, 4)) && overlaps_any(&covered, part(4, 6)));
        assert!(
            !overlaps_any(&covered, part(3, 5))
                && !overlaps_any(&covered, part(9, 12))
                && !overlaps_any(&[], part(0, 1))
        );
    }
}
