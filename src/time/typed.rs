//! Errors for mistyped times, with the probably intended time.

use jiff::civil::{Date, DateTime};

use super::{parse_age, parse_moment};

/// Why a typed time is not valid. [`BadTime::meant`] holds a valid replacement, if any.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid time `{typed}`: {problem}")]
pub struct BadTime {
    /// The typed text, escaped.
    pub typed: String,
    /// The problem.
    pub problem: String,
    /// The probably intended time, in a valid form.
    pub meant: Option<String>,
}

/// The problem of a text without a recognisable time.
const EXPECTED: &str = "expected RFC 3339, a date, or an age such as `7d`";

impl BadTime {
    /// Examines a text that is not a time, a date or an age.
    pub(super) fn of(text: &str) -> Self {
        let (problem, meant) = out_of_range(text)
            .map(|problem| (problem, None))
            .or_else(|| without_offset(text))
            .or_else(|| too_late(text).map(|problem| (problem, None)))
            .or_else(|| mistyped_age(text))
            .unwrap_or_else(|| (EXPECTED.to_owned(), date_in_another_form(text)));
        // Never suggest a text that would be refused again.
        let meant = meant.filter(|meant| parse_moment(meant).is_some() || parse_age(meant).is_some());
        Self { typed: text.escape_debug().to_string(), problem, meant }
    }
}

/// The first impossible field of `YYYY-MM-DD[THH:MM[:SS]…]`, with the valid range.
fn out_of_range(text: &str) -> Option<String> {
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let [year, month, day] = numbers::<3>(date, '-', &[4, 2, 2])?;
    if !(1..=12).contains(&month) {
        return Some(format!("month {month:02} is out of range (01 to 12)"));
    }
    let first = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
    let days = u32::try_from(first.days_in_month()).ok()?;
    if !(1..=days).contains(&day) {
        return Some(format!("day {day:02} is out of range ({year}-{month:02} has {days} days)"));
    }
    let clock = clock?;
    if let Some(problem) = wrong_offset(text) {
        return Some(problem);
    }
    let digits = clock.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(clock.len());
    let clock = clock.get(..digits)?;
    let [hour, minute, second] = numbers::<3>(clock, ':', &[2, 2, 2]).or_else(|| {
        let [hour, minute] = numbers::<2>(clock, ':', &[2, 2])?;
        Some([hour, minute, 0])
    })?;
    [("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)]
        .into_iter()
        .find(|(_, value, last)| value > last)
        .map(|(field, value, last)| format!("{field} {value:02} is out of range (00 to {last})"))
}

/// The impossible field of the offset from UTC after a date and a clock, with the valid range: RFC 3339 has offsets up to
/// 23:59, and jiff reads longer ones.
pub(super) fn wrong_offset(text: &str) -> Option<String> {
    let (_, clock) = text.split_once(['T', 't', ' '])?;
    let (_, offset) = clock.split_once(['+', '-'])?;
    let offset = offset.split('[').next()?.replace(':', "");
    let field = |from: usize| offset.get(from..from + 2)?.parse::<u32>().ok();
    [("hour", field(0), 23), ("minute", field(2), 59)]
        .into_iter()
        .find_map(|(name, value, last)| Some((name, value.filter(|value| *value > last)?, last)))
        .map(|(name, value, last)| format!("{name} {value:02} of the offset is out of range (00 to {last})"))
}

/// The problem of a valid date, with or without a clock, after the last moment that can be given.
fn too_late(text: &str) -> Option<String> {
    let latest = jiff::Timestamp::MAX;
    let (date, clock) = text.split_at_checked("9999-12-31".len())?;
    let date: Date = date.parse().ok()?;
    let is_last = date >= latest.to_zoned(jiff::tz::TimeZone::UTC).date();
    (is_last && (clock.is_empty() || clock.starts_with(['T', 't', ' '])))
        .then(|| format!("the latest time that can be given is {}", latest.strftime("%Y-%m-%dT%H:%M:%SZ")))
}

/// Parses `N` numbers with exactly the given number of digits each.
fn numbers<const N: usize>(text: &str, separator: char, digits: &[usize; N]) -> Option<[u32; N]> {
    let mut fields = text.split(separator);
    let mut values = [0; N];
    for (value, digits) in values.iter_mut().zip(digits) {
        let field = fields.next().filter(|field| field.len() == *digits)?;
        *value = field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok())??;
    }
    fields.next().is_none().then_some(values)
}

/// Recognises a date and a time of day without a time zone.
fn without_offset(text: &str) -> Option<(String, Option<String>)> {
    let has_clock = text.contains(':') || text.contains(['T', 't']);
    let civil = text.parse::<DateTime>().ok().filter(|_| has_clock)?;
    let meant = civil.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Some(("the offset from UTC is missing".to_owned(), Some(meant)))
}

/// Recognises an age with a sign, in capitals, in the past tense, without a unit, or in units of varying length.
fn mistyped_age(text: &str) -> Option<(String, Option<String>)> {
    let plain = text.trim().trim_start_matches(['-', '+']);
    let plain = plain.strip_suffix("ago").unwrap_or(plain).trim_end();
    if matches!(plain.len(), 1..=3) && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(("an age needs a unit".to_owned(), Some(format!("{plain}d"))));
    }
    // `M` may mean months.
    let lower = plain.to_ascii_lowercase();
    if lower != plain && !plain.contains('M') && parse_age(&lower).is_some() {
        return Some(("units of ages are lower-case".to_owned(), Some(lower.replace(' ', ""))));
    }
    if plain != text && parse_age(plain).is_some() {
        let problem = "an age is a plain length of time before now".to_owned();
        return Some((problem, Some(plain.replace(' ', ""))));
    }
    let units = plain.trim_start_matches(|c: char| c.is_ascii_digit());
    if units.len() < plain.len() && parse_age(&format!("1{units}")).is_some() {
        return Some(("the age is too long".to_owned(), None));
    }
    let span: jiff::Span = plain.parse().ok().filter(|_| plain.starts_with(|c: char| c.is_ascii_digit()))?;
    // Only a suggestion, so 365 and 30 days are close enough.
    let days = i32::from(span.get_years()) * 365 + span.get_months() * 30;
    (days > 0).then(|| {
        ("years and months have no fixed length: give the age in days".to_owned(), Some(format!("{days}d")))
    })
}

/// The ISO form of a date in another form: `20260901`, `2026/09/01`, `2026-9-1`, `yesterday`.
fn date_in_another_form(text: &str) -> Option<String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yesterday" => return Some("1d".to_owned()),
        "last week" => return Some("7d".to_owned()),
        trimmed if trimmed != text && parse_moment(text.trim()).is_some() => {
            return Some(text.trim().to_owned());
        }
        _ => {}
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && text.len() == 8 {
        let date: Date = text.parse().ok()?;
        return Some(date.strftime("%Y-%m-%d").to_string());
    }
    // Nine or ten digits are probably seconds since 1970.
    if digits && matches!(text.len(), 9..=10) {
        return Some(jiff::Timestamp::from_second(text.parse().ok()?).ok()?.to_string());
    }
    let mut fields = text.split(['-', '/', '.']);
    // A month begins on its first day.
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next().unwrap_or("1"));
    let is_date = year.len() == 4 && month.len() <= 2 && day.len() <= 2 && fields.next().is_none();
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok();
    date.filter(|_| is_date).map(|date| date.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{Timestamp, parse_typed};
    use super::*;

    fn bad(text: &str) -> BadTime {
        parse_typed(text, Timestamp::from_unix(1_788_221_217)).unwrap_err()
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (text, problem) in [
            ("2026-13-01", "month 13 is out of range (01 to 12)"),
            ("2026-00-01T00:00:00Z", "month 00 is out of range (01 to 12)"),
            ("2026-06-31", "day 31 is out of range (2026-06 has 30 days)"),
            ("2026-02-29T00:00:00Z", "day 29 is out of range (2026-02 has 28 days)"),
            ("2026-06-30T25:00:00Z", "hour 25 is out of range (00 to 23)"),
            ("2026-06-30 24:00", "hour 24 is out of range (00 to 23)"),
            ("2026-06-30T23:60:00+02:00", "minute 60 is out of range (00 to 59)"),
            ("2026-06-30T23:59:61Z", "second 61 is out of range (00 to 59)"),
            ("2026-09-01T00:00:00+25:00", "hour 25 of the offset is out of range (00 to 23)"),
            ("2026-09-01T00:00:00-2400", "hour 24 of the offset is out of range (00 to 23)"),
            ("2026-09-01 00:00:00.5+23:60", "minute 60 of the offset is out of range (00 to 59)"),
            ("9999-12-31", "the latest time that can be given is 9999-12-30T22:00:00Z"),
            ("9999-12-31T00:00:00Z", "the latest time that can be given is 9999-12-30T22:00:00Z"),
            ("9999-12-30T22:00:01Z", "the latest time that can be given is 9999-12-30T22:00:00Z"),
        ] {
            assert_eq!((bad(text).problem.as_str(), bad(text).meant), (problem, None), "{text}");
        }
    }

    #[test]
    fn the_last_moments_and_offsets_are_read() {
        let read = |text: &str| parse_typed(text, Timestamp::from_unix(0)).unwrap().to_string();
        assert_eq!(read("9999-12-30"), "9999-12-30T00:00:00Z");
        assert_eq!(read("9999-12-30T22:00:00Z"), "9999-12-30T22:00:00Z");
        assert_eq!(read("2026-09-01T00:00:00+23:59"), "2026-08-31T00:01:00Z");
        assert_eq!(read("2026-09-01T00:00:00-23:59"), "2026-09-01T23:59:00Z");
        assert_eq!(read("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
    }

    #[test]
    fn an_age_before_all_dates_is_too_long() {
        for text in ["999999999d", "999999999d ago", "7000000d", "99999999999999999999s", "9999999w 1d"] {
            assert_eq!(
                (bad(text).problem.as_str(), bad(text).meant),
                ("the age is too long", None),
                "{text}"
            );
        }
        assert!(parse_typed("36500d", Timestamp::from_unix(1_788_221_217)).is_ok());
    }

    #[test]
    fn what_was_meant_can_be_read() {
        for (text, meant) in [
            ("2026-09-01T00:00:00", "2026-09-01T00:00:00Z"),
            ("2026-09-01 12:30", "2026-09-01T12:30:00Z"),
            ("7", "7d"),
            ("-7d", "7d"),
            ("7D", "7d"),
            ("24H", "24h"),
            ("2026-09", "2026-09-01"),
            ("2026/9", "2026-09-01"),
            ("7d ago", "7d"),
            ("2 days ago", "2days"),
            ("1y", "365d"),
            ("3 months", "90d"),
            ("yesterday", "1d"),
            ("20260901", "2026-09-01"),
            ("2026/09/01", "2026-09-01"),
            ("2026-9-1", "2026-09-01"),
            (" 2026-09-01", "2026-09-01"),
            ("1788221217", "2026-09-01T00:06:57Z"),
        ] {
            let bad = bad(text);
            assert_eq!(bad.meant.as_deref(), Some(meant), "{text}: {bad}");
            assert!(parse_typed(meant, Timestamp::from_unix(0)).is_ok(), "{meant}");
        }
        for junk in ["", "never", "\u{1b}[2J", "é", "2026-", "--", "T", "99999999999999999999", "31.12.2026"]
        {
            let bad = bad(junk);
            assert_eq!(bad.meant, None, "{junk}: {bad}");
            assert!(!bad.to_string().contains('\u{1b}'), "{bad}");
        }
        assert_eq!(
            bad("xx").to_string(),
            "invalid time `xx`: expected RFC 3339, a date, or an age such as `7d`"
        );
    }
}
