//! Messages about the time that digests cover.

use super::{counted, quoted};
use crate::event::CoveringChain;
use crate::ident::Location;
use crate::time::{DAY, HOUR, Timestamp};

pub(super) fn relocated(count: u64, belongs: &Location) -> String {
    let verbs = if count == 1 { "lies here and is" } else { "lie here and are" };
    let recorded = quoted(&belongs.to_string());
    format!("{} {verbs} proved at the recorded path, {recorded}", counted(count, "digest"))
}

pub(super) fn stale(late: i64) -> String {
    format!("the newest digest ends {} before the end of the range", length(late))
}

pub(super) fn newer_delivered(late: i64, delivered: Timestamp) -> String {
    format!("{}, but CloudTrail reports the delivery of another digest at {delivered}", stale(late))
}

pub(super) fn delivery_unchecked(delivered: Timestamp, why: &str) -> String {
    format!(
        "CloudTrail reports the delivery of another digest at {delivered}, but the folder could not be listed again: {why}"
    )
}

/// The most chains to name.
const NAMED_CHAINS: usize = 3;

/// The chains that cover a part of the time.
pub(super) fn covering(covering: &[CoveringChain]) -> String {
    let named = covering.iter().take(NAMED_CHAINS).map(|CoveringChain { chain, stretch }| {
        let organization = chain.organization.as_deref();
        let organization =
            organization.map(|id| format!(" of organization {}", quoted(id))).unwrap_or_default();
        let home = match chain.home_region == chain.region {
            true => String::new(),
            false => format!(" with home region {}", quoted(&chain.home_region)),
        };
        let (start, end) = (stretch.start, stretch.end);
        format!("trail {}{organization}{home} covers {start} to {end}", quoted(&chain.trail))
    });
    let named: Vec<String> = named.collect();
    let more = covering.len().saturating_sub(NAMED_CHAINS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// A duration, for people.
fn length(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / 60);
    match days {
        0 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
