//! Messages about the time that digests cover.

use super::{counted, quoted};
use crate::ident::Location;
use crate::time::{DAY, HOUR, Timestamp};

pub(super) fn relocated(count: u64, belongs: &Location) -> String {
    let verbs = if count == 1 { "lies here and is" } else { "lie here and are" };
    let recorded = quoted(&belongs.to_string());
    format!("{} {verbs} proved at the recorded path, {recorded}", counted(count, "digest"))
}

pub(super) fn stale(late: i64) -> String {
    format!("the newest digest ends {} before the asked end", length(late))
}

pub(super) fn newer_delivered(late: i64, delivered: Timestamp) -> String {
    format!("{}, but CloudTrail reports the delivery of another digest at {delivered}", stale(late))
}

pub(super) fn delivery_unchecked(delivered: Timestamp, why: &str) -> String {
    format!(
        "CloudTrail reports the delivery of another digest at {delivered}, but the folder could not be listed again: {why}"
    )
}

/// A duration, for people.
fn length(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / 60);
    match days {
        0 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
