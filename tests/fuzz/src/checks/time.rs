//! Times as they are typed and written, and stretches of time.

use trailproof::time::{self, Interval, Range, Timestamp};

use super::reader::Reader;

/// When it is, for ages.
const NOW: Timestamp = Timestamp::from_unix(1_788_221_217);

/// Text is a time in one way, and stretches are added and taken apart without a rest.
pub fn check(bytes: &[u8]) {
    text(&String::from_utf8_lossy(bytes));
    stretches(&mut Reader(bytes));
}

fn text(text: &str) {
    let written = [
        Timestamp::parse_digest_field(text).map(|time| time.to_string()),
        Timestamp::parse_digest_name(text).map(Timestamp::digest_name),
        Timestamp::parse_log_name(text).map(Timestamp::log_name),
        Timestamp::parse_report(text).map(|time| time.to_string()),
    ];
    assert!(written.iter().flatten().all(|written| written == text), "{written:?} for {text:?}");
    match time::parse_typed(text, NOW) {
        Ok(moment) => assert!(!moment.to_string().is_empty()),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
}

fn stretches(reader: &mut Reader<'_>) {
    let mut moment = || {
        let number = i64::from(reader.number());
        Timestamp::from_unix(match number % 5 {
            0 => i64::MIN + number,
            1 => i64::MAX - number,
            _ => number,
        })
    };
    let mut stretch = || {
        let (one, other) = (moment(), moment());
        Interval::new(one.min(other), one.max(other)).unwrap()
    };
    let whole = stretch();
    let parts: Vec<Interval> = (0..6).map(|_| stretch()).collect();
    let joined = time::union(parts.clone());
    assert!(joined.windows(2).all(|pair| pair[0].end < pair[1].start), "{joined:?}");
    let open = time::complement(whole, &joined);
    let mut tiles: Vec<Interval> = joined.iter().filter_map(|part| part.intersect(whole)).collect();
    tiles.extend(&open);
    if whole.start < whole.end {
        assert_eq!(time::union(tiles), [whole], "{parts:?}");
    }
    for part in parts.into_iter().filter(|part| part.start < part.end) {
        assert!(time::overlaps_any(&joined, part), "{part} of {joined:?}");
        assert!(
            !time::overlaps_any(&open, part)
                || !part.intersect(whole).is_some_and(|part| open.contains(&part))
        );
    }
    let range = Range { start: Some(whole.start), end: whole.end };
    assert_eq!(range.interval(), whole);
    assert!(whole.shrink(3_600).is_none_or(|less| whole.covers(less) && less.seconds() <= whole.seconds()));
}
