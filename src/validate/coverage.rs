//! Coverage: which stretches of the asked range proved digests tile, and what is said of the rest.

use super::Request;
use super::chain::{Chain, Walk};
use crate::event::{Finding, Kind, Reason};
use crate::keys::SIGNING_WINDOW;
use crate::time::{self, HOUR, Interval, Timestamp};

/// How old the newest digest may be at present, in seconds. It ends up to an hour before the present, and is
/// delivered up to 201 minutes after its end in the deliveries we have seen.
pub(super) const DELIVERY_ALLOWANCE: i64 = 5 * HOUR;

/// What proved digests cover of the asked range.
pub(super) fn covered(request: &Request, walk: &Walk) -> Vec<Interval> {
    let asked = request.range.interval();
    time::union(walk.covered.iter().filter_map(|window| window.intersect(asked)).collect())
}

/// Says of a finished chain what is not covered, where its record begins, and whether it was moved.
pub(super) fn judge(request: &Request, chain: &mut Chain) {
    if let Some((lies, belongs, seen)) = chain.walk.relocated.take() {
        let message = format!(
            "{seen} digests lie here and are proved at their recorded path, `{}`",
            belongs.to_string().escape_debug()
        );
        let mut finding = Finding::new(Kind::Relocated, Timestamp::from_unix(i64::MIN), message).about(&lies);
        finding.expected = Some(belongs.to_string());
        chain.say(finding);
    }
    let left = chain.walk.left;
    if chain.id.backfill {
        return left.into_iter().for_each(|left| interrupted(request, chain, left, left.end));
    }
    let covered = covered(request, &chain.walk);
    let known = chain.walk.unproved.iter().chain(&chain.walk.missing).chain(&covered);
    let asked = request.range.interval();
    let within: Vec<Interval> = known.filter_map(|window| window.intersect(asked)).collect();
    let first = within.iter().map(|window| window.start).min();
    let last = within.iter().map(|window| window.end).max();
    match (first, last) {
        (Some(first), Some(last)) => {
            gaps(request, chain, &covered, first, last);
            match left {
                None => beginning(chain, first),
                Some(left) => interrupted(request, chain, left, first),
            }
            stale(request, chain, last);
        }
        _ => match left {
            None => nothing(request, chain),
            Some(left) => interrupted(request, chain, left, asked.end),
        },
    }
}

/// Says that what is older than `until` was not looked at, since the run was to end.
fn interrupted(request: &Request, chain: &mut Chain, left: Interval, until: Timestamp) {
    let start = request.range.start.unwrap_or(left.start);
    let stretch = Interval::new(start, until.min(request.range.end));
    if let Some(stretch) = stretch.filter(|stretch| stretch.seconds() > 0) {
        let message = "the run was interrupted before the digests of this time were looked at";
        chain.say(
            Finding::new(Kind::ChainGap, stretch.start, message).over(stretch).because(Reason::Interrupted),
        );
    }
}

/// Says of a chain that has digests before or after the asked range, and none in it, that it does not cover it: unless
/// it begins after it.
fn nothing(request: &Request, chain: &mut Chain) {
    let Some(start) = request.range.start else { return };
    let ends = || chain.entries.iter().map(|entry| entry.end);
    let older = ends().find(|end| *end <= start);
    let later = ends().rfind(|end| *end > request.range.end);
    let begins_later =
        |end: Timestamp| chain.walk.restarts.iter().any(|(start, _)| *start == end.plus(-HOUR));
    let why = match (older, later) {
        (None, None) => return,
        (Some(older), None) => return stale(request, chain, older),
        (None, Some(later)) if begins_later(later) => return,
        (Some(_), Some(later)) if begins_later(later) => Why::Stopped,
        (_, Some(_)) => Why::NotCovered,
    };
    let (reason, message) = why.words();
    let asked = request.range.interval();
    chain.say(Finding::new(Kind::ChainGap, asked.start, message).over(asked).because(reason));
}

/// The stretches between the asked start and the end of the record that nothing proved covers. A start that is
/// less than a digest's period late is no gap: the trail may have begun there.
fn gaps(request: &Request, chain: &mut Chain, covered: &[Interval], first: Timestamp, last: Timestamp) {
    // What is older was not looked at where the run was to end; that is said apart.
    let asked_start = request.range.start.filter(|_| chain.walk.left.is_none());
    let asked_start = asked_start.filter(|start| first.unix() - start.unix() >= HOUR);
    let whole = Interval { start: asked_start.unwrap_or(first), end: last };
    let missing = time::union(chain.walk.missing.clone());
    let unproved = time::union(chain.walk.unproved.clone());
    for gap in time::complement(whole, covered) {
        let known = missing.iter().filter_map(|part| part.intersect(gap));
        let rest = time::complement(gap, &missing);
        let mut parts: Vec<_> = known.map(|part| (part, Why::Missing)).collect();
        parts.extend(rest.into_iter().map(|part| (part, why(&chain.walk, &unproved, part, whole.start))));
        for (part, why) in parts {
            let (reason, message) = why.words();
            chain.say(Finding::new(Kind::ChainGap, part.start, message).over(part).because(reason));
        }
    }
}

/// Why a stretch is not covered.
enum Why {
    Missing,
    Stopped,
    BeforeTheRecord,
    NotCovered,
}

impl Why {
    const fn words(&self) -> (Reason, &'static str) {
        match self {
            Self::Missing => (Reason::DigestsMissing, "its digests were delivered and are not there"),
            Self::Stopped => {
                let message =
                    "no digest covers it, and the next one starts a new chain: logging or validation was off";
                (Reason::LoggingStopped, message)
            }
            Self::BeforeTheRecord => {
                let message = "no digest covers it: the record begins after it, or what was older is gone";
                (Reason::NotCovered, message)
            }
            Self::NotCovered => (Reason::NotCovered, "no proved digest covers it"),
        }
    }
}

/// Why a stretch without missing digests is not covered. `begin` is the start of all that was asked and is known.
fn why(walk: &Walk, unproved: &[Interval], part: Interval, begin: Timestamp) -> Why {
    let restarts = walk.restarts.iter().any(|(start, _)| *start == part.end);
    let unproved = time::overlaps_any(unproved, part);
    match (unproved, restarts) {
        (false, true) if part.start == begin => Why::BeforeTheRecord,
        (false, true) => Why::Stopped,
        _ => Why::NotCovered,
    }
}

/// Where the record begins: a digest that starts a chain, and nothing before it.
fn beginning(chain: &mut Chain, first: Timestamp) {
    let starting = chain.walk.restarts.iter().find(|(start, _)| *start == first);
    let Some(location) = starting.map(|(_, location)| location.clone()) else { return };
    let message =
        "the record begins here: this digest starts the chain, and nothing proves that there was none before";
    let mut finding = Finding::new(Kind::ChainStart, first, message).about(&location);
    finding.start = Some(first);
    chain.say(finding);
}

/// Whether the newest digest ends too long before the asked end: by a whole digest's period, and so long before the
/// present that its successor should have been delivered.
fn stale(request: &Request, chain: &mut Chain, newest: Timestamp) {
    let end = request.range.end;
    let late = end.unix().saturating_sub(newest.unix());
    let age = request.now.unix().saturating_sub(newest.unix());
    if late < HOUR || age <= DELIVERY_ALLOWANCE {
        return;
    }
    let tail = Interval { start: newest, end };
    let message = format!("the newest digest ends {} before the asked end", hours(late));
    let finding = match request.named.iter().find_map(|trail| trail.latest(&chain.id)) {
        Some(latest) if delivered_since(newest, end, latest) => {
            let message = format!("{message}, and CloudTrail says that it delivered another one at {latest}");
            Finding::new(Kind::DigestMissing, newest, message)
        }
        _ => Finding::new(Kind::ChainStale, newest, message),
    };
    chain.say(finding.over(tail));
}

/// Whether the digest that was delivered at `latest` is another than the one that ends at `newest`, and belongs to the
/// time before `end`: it is delivered within hours of its own end.
fn delivered_since(newest: Timestamp, end: Timestamp, latest: Timestamp) -> bool {
    newest < latest.plus(-SIGNING_WINDOW) && latest.plus(-HOUR) < end
}

/// A length of time of an hour or more, for a person.
fn hours(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / time::DAY, seconds % time::DAY / HOUR, seconds % HOUR / 60);
    match days {
        0 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
