//! Coverage: which stretches of the asked range proved digests tile, and what is said of the rest.

use super::Request;
use super::chain::{Chain, Restart, Walk};
use crate::event::{Fault, Finding, Kind, Reason};
use crate::time::{self, DELIVERY_GRACE, HOUR, Interval, Timestamp};

/// What proved digests cover of the asked range.
pub(super) fn covered(request: &Request, walk: &Walk) -> Vec<Interval> {
    let asked = request.range.interval();
    time::union(walk.covered.iter().filter_map(|window| window.intersect(asked)).collect())
}

/// Says of a finished chain what is not covered, where its record begins, and whether it was moved.
pub(super) fn judge(request: &Request, chain: &mut Chain) {
    if let Some((lies, belongs, seen)) = chain.walk.relocated.take() {
        let recorded = belongs.to_string();
        let fault = Fault::Relocated { count: seen, belongs };
        let mut finding = Finding::new(fault, Timestamp::from_unix(i64::MIN)).about(&lies);
        finding.expected = Some(recorded);
        chain.say(finding);
    }
    let left = chain.walk.left;
    if chain.id.backfill {
        return left.into_iter().for_each(|left| interrupted(request, chain, left, left.end));
    }
    let asked = request.range.interval();
    let covered = covered(request, &chain.walk);
    let known = chain.walk.unproved.iter().chain(&chain.walk.missing).chain(&covered);
    let mut known: Vec<Interval> = known.filter_map(|window| window.intersect(asked)).collect();
    // A digest that starts a chain covers nothing, and tells where its chain begins.
    let starts = chain.walk.restarts.iter().filter(|restart| restart.asked);
    known.extend(starts.map(|restart| restart.end.min(asked.end)).map(|end| Interval { start: end, end }));
    let first = known.iter().map(|window| window.start).min();
    let last = known.iter().map(|window| window.end).max();
    match (first, last) {
        (Some(first), Some(last)) => {
            gaps(request, chain, &covered, first, last);
            restarts(request, chain);
            match left {
                None => beginning(chain, first),
                Some(left) => interrupted(request, chain, left, first),
            }
            stale(request, chain, last);
            covers_nothing(request, chain, &covered);
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
        let finding = Finding::new(Fault::DigestsInterrupted, stretch.start);
        chain.say(finding.over(stretch).because(Reason::Interrupted));
    }
}

/// Says of a chain that has digests before or after the asked range, and none in it, that it does not cover it: unless
/// it begins after it.
fn nothing(request: &Request, chain: &mut Chain) {
    let Some(start) = request.range.start else { return };
    let ends = || chain.entries.iter().map(|entry| entry.end);
    let older = ends().find(|end| *end <= start);
    let later = ends().rfind(|end| *end > request.range.end);
    let begins_later = |end: Timestamp| chain.walk.restarts.iter().any(|restart| restart.end == end);
    let why = match (older, later) {
        (None, None) => return,
        (Some(older), None) => return stale(request, chain, older),
        (None, Some(later)) if begins_later(later) => return,
        (Some(_), Some(later)) if begins_later(later) => Why::Stopped,
        (_, Some(_)) => Why::NotCovered,
    };
    chain.say(why.finding(request.range.interval()));
}

/// The stretches between the asked start and the end of the record that nothing proved covers.
fn gaps(request: &Request, chain: &mut Chain, covered: &[Interval], first: Timestamp, last: Timestamp) {
    // What is older was not looked at where the run was to end; that is said apart.
    let asked_start = request.range.start.filter(|_| chain.walk.left.is_none());
    let whole = Interval { start: asked_start.unwrap_or(first), end: last };
    let missing = time::union(chain.walk.missing.clone());
    let unproved = time::union(chain.walk.unproved.clone());
    for gap in time::complement(whole, covered) {
        let known = missing.iter().filter_map(|part| part.intersect(gap));
        let rest = time::complement(gap, &missing);
        let mut parts: Vec<_> = known.map(|part| (part, Why::Missing)).collect();
        parts.extend(rest.into_iter().map(|part| (part, why(chain, &unproved, part))));
        for (part, why) in parts {
            chain.say(why.finding(part));
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
    fn finding(&self, stretch: Interval) -> Finding {
        let (reason, fault) = match self {
            Self::Missing => (Reason::DigestsMissing, Fault::DigestsMissing),
            Self::Stopped => (Reason::LoggingStopped, Fault::LoggingStopped),
            Self::BeforeTheRecord => (Reason::NotCovered, Fault::BeforeTheRecord),
            Self::NotCovered => (Reason::NotCovered, Fault::NotCovered),
        };
        Finding::new(fault, stretch.start).over(stretch).because(reason)
    }
}

/// Why a stretch without missing digests is not covered.
fn why(chain: &Chain, unproved: &[Interval], part: Interval) -> Why {
    let restarts = || chain.walk.restarts.iter().filter(|restart| is_within(restart.end, part));
    if time::overlaps_any(unproved, part) || restarts().next().is_none() {
        Why::NotCovered
    } else if restarts().any(|restart| has_older(chain, restart)) {
        Why::Stopped
    } else {
        Why::BeforeTheRecord
    }
}

/// Whether a chain that begins at `end` begins in `part`, or just after it.
fn is_within(end: Timestamp, part: Interval) -> bool {
    part.start < end && end <= part.end
}

/// Whether the chain has a digest from before it began anew.
fn has_older(chain: &Chain, restart: &Restart) -> bool {
    let before = |window: &Interval| window.start < restart.end;
    let known = || chain.walk.covered.iter().chain(&chain.walk.missing).chain(&chain.walk.unproved);
    chain.entries.iter().any(|entry| entry.end < restart.end) || known().any(before)
}

/// Says where the chain begins anew without time that is not covered: that would tell of it.
fn restarts(request: &Request, chain: &mut Chain) {
    let gaps: Vec<Interval> = chain
        .findings
        .iter()
        .filter(|finding| finding.kind == Kind::ChainGap)
        .filter_map(|finding| Interval::new(finding.start?, finding.end?))
        .collect();
    let asked = request.range.interval();
    let mut said = Vec::new();
    for restart in &chain.walk.restarts {
        let is_told = gaps.iter().any(|gap| is_within(restart.end, *gap));
        if restart.asked && restart.end <= asked.end && !is_told && has_older(chain, restart) {
            let mut finding = Finding::new(Fault::ChainRestarts, restart.end).about(&restart.location);
            finding.start = Some(restart.end);
            said.push(finding);
        }
    }
    said.into_iter().for_each(|finding| chain.say(finding));
}

/// Where the record begins: at the end of a digest that starts a chain, and nothing before it.
fn beginning(chain: &mut Chain, first: Timestamp) {
    let starting = chain.walk.restarts.iter().find(|restart| restart.asked && restart.end == first);
    let Some(restart) = starting.filter(|restart| !has_older(chain, restart)) else { return };
    let mut finding = Finding::new(Fault::RecordBegins, first).about(&restart.location);
    finding.start = Some(first);
    chain.say(finding);
}

/// Says of a chain of which the digest that starts it is all there is that it covers nothing yet.
fn covers_nothing(request: &Request, chain: &mut Chain, covered: &[Interval]) {
    if covered.is_empty() && !super::result::says_something(&chain.findings) {
        chain.say(Finding::new(Fault::NothingCovered, request.range.end));
    }
}

/// Whether the newest digest ends too long before the asked end: by a whole digest's period, and so long before the
/// present that its successor should have been delivered. CloudTrail may say that it was.
fn stale(request: &Request, chain: &mut Chain, newest: Timestamp) {
    let end = request.range.end;
    let late = end.unix().saturating_sub(newest.unix());
    let age = request.now.unix().saturating_sub(newest.unix());
    let is_stale = late >= HOUR && age > DELIVERY_GRACE;
    let fault = match chain.missed.filter(|_| late > 0) {
        Some(delivered) => Fault::NewerDelivered { late, delivered },
        None if is_stale => Fault::Stale { late },
        None => return,
    };
    chain.say(Finding::new(fault, newest).over(Interval { start: newest, end }));
}
