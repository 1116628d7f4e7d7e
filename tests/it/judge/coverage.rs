//! What of the asked time is covered, and what is said of the rest.

use trailproof::event::{Kind, Reason, Severity};
use trailproof::time::{HOUR, Interval, Range, Timestamp, complement, union};

use super::chain::Seen;

/// How long a digest may be on its way.
const LATE: i64 = 5 * HOUR;

/// Something to be said of a stretch of time, or of where the record begins.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) reason: Option<Reason>,
    /// The digest it is about.
    pub(super) about: Option<usize>,
}

/// The stretches of `asked` that proved digests cover. One that starts a chain is of the hour before logging began.
pub(super) fn covered(chain: &[Seen], asked: Interval) -> Vec<Interval> {
    let windows = chain
        .iter()
        .filter(|seen| seen.proved && seen.asked && !seen.starts())
        .filter_map(|seen| seen.window().intersect(asked));
    union(windows.collect())
}

pub(super) fn judge(chain: &[Seen], range: Range, now: Timestamp) -> Vec<Stretch> {
    let asked = range.interval();
    let within = chain.iter().filter(|seen| seen.asked).filter_map(|seen| known(seen, asked));
    let within: Vec<Interval> = within.collect();
    let first = within.iter().map(|window| window.start).min();
    let last = within.iter().map(|window| window.end).max();
    let (Some(first), Some(last)) = (first, last) else {
        return nothing(chain, range, now).into_iter().collect();
    };
    let mut said = gaps(chain, range, first, last);
    said.extend(restarts(chain, asked, &said));
    // Of two digests that both start a chain then, the last one by name is named.
    let begins = chain.iter().rposition(|seen| seen.starts() && seen.asked && seen.window().end == first);
    let begins = begins.filter(|about| !has_older(chain, &chain[*about]));
    said.extend(begins.map(|about| at_start(Kind::ChainStart, Severity::Notice, first, about)));
    let begins_later = chain.iter().any(|seen| seen.proved && seen.starts() && seen.window().end > range.end);
    said.extend(stale(range, if begins_later { None } else { Some(now) }, last));
    said
}

/// Something said of the digest `about`, which starts a chain at `start`.
fn at_start(kind: Kind, severity: Severity, start: Timestamp, about: usize) -> Stretch {
    Stretch { kind, severity, start: Some(start), end: None, reason: None, about: Some(about) }
}

/// What a digest tells of: its hour, or where its chain begins.
fn known(seen: &Seen, asked: Interval) -> Option<Interval> {
    if seen.starts() {
        let start = seen.window().end.min(asked.end);
        return Some(Interval { start, end: start });
    }
    seen.window().intersect(asked)
}

/// Whether the chain has a digest, there or not, from before `start` began it anew.
fn has_older(chain: &[Seen], start: &Seen) -> bool {
    let begins = start.window().end;
    chain.iter().any(|seen| {
        let is_earlier = seen.asked && !seen.starts() && seen.window().start < begins;
        seen.name.end < begins || is_earlier
    })
}

/// Where the chain begins anew, and no gap tells of it.
fn restarts(chain: &[Seen], asked: Interval, gaps: &[Stretch]) -> Vec<Stretch> {
    let starts = chain.iter().enumerate().filter(|(_, seen)| seen.starts() && seen.asked);
    let starts = starts.map(|(about, seen)| (about, seen.window().end));
    // One that lies after the asked end is of concern if the digest before the stop is of asked time.
    let is_of_stop = |end: Timestamp| {
        let tail = |seen: &Seen| {
            let Interval { start, end: last } = seen.window();
            seen.proved && seen.asked && !seen.starts() && start < end && end <= last
        };
        chain.iter().any(tail)
    };
    let starts = starts.filter(|(_, end)| *end <= asked.end || is_of_stop(*end));
    let is_told = |end: Timestamp| {
        gaps.iter()
            .any(|gap| gap.start.is_some_and(|start| start < end) && gap.end.is_some_and(|it| end <= it))
    };
    let silent = starts.filter(|(about, end)| !is_told(*end) && has_older(chain, &chain[*about]));
    silent.map(|(about, end)| at_start(Kind::ChainRestart, Severity::Incomplete, end, about)).collect()
}

/// The newest digest ends a whole period before the asked end, and its successor cannot be on its way any more. Where
/// the chain began anew since then, there is no `now` to wait for, and no part of an hour is spared.
fn stale(range: Range, now: Option<Timestamp>, newest: Timestamp) -> Option<Stretch> {
    let late = range.end.unix() - newest.unix();
    let is_late = now.map_or(late > 0, |now| late >= HOUR && newest.plus(LATE) < now);
    let (start, end) = (Some(newest), Some(range.end));
    let (kind, severity) = (Kind::ChainStale, Severity::Incomplete);
    is_late.then_some(Stretch { kind, severity, start, end, reason: None, about: None })
}

/// Nothing in the asked range, but something before or after it: that is of no concern where the chain begins later.
fn nothing(chain: &[Seen], range: Range, now: Timestamp) -> Option<Stretch> {
    let is_older = |seen: &&Seen| range.start.is_some_and(|start| seen.name.end <= start);
    let older = chain.iter().rev().find(is_older);
    let newer = chain.iter().find(|seen| seen.name.end > range.end);
    let starts = newer.is_some_and(Seen::starts);
    let reason = match (older, newer) {
        (None, None) => return None,
        (Some(older), None) => return stale(range, Some(now), older.name.end),
        (None, Some(_)) if starts => return None,
        // A name alone is no chain; a proved digest records an older one.
        (None, Some(_)) if range.start.is_none() && !chain.iter().any(|seen| seen.proved) => return None,
        (Some(_), Some(_)) if starts => Reason::LoggingStopped,
        (_, Some(_)) => Reason::NotCovered,
    };
    // Without an asked start, the last asked hour.
    let start = range.start.unwrap_or(range.end.plus(-HOUR));
    Some(gap(Interval { start, end: range.end }, reason))
}

fn gap(time: Interval, reason: Reason) -> Stretch {
    let (start, end) = (Some(time.start), Some(time.end));
    let (kind, severity) = (Kind::ChainGap, Severity::Incomplete);
    Stretch { kind, severity, start, end, reason: Some(reason), about: None }
}

/// What is not covered between the asked start and the newest digest.
fn gaps(chain: &[Seen], range: Range, first: Timestamp, last: Timestamp) -> Vec<Stretch> {
    let whole = Interval { start: range.start.unwrap_or(first), end: last };
    let missing = union(chain.iter().filter(|seen| seen.is_gone()).map(Seen::window).collect());
    let mut said = Vec::new();
    for hole in complement(whole, &covered(chain, range.interval())) {
        let gone = missing.iter().filter_map(|window| window.intersect(hole));
        said.extend(gone.map(|window| gap(window, Reason::DigestsMissing)));
        let rest = complement(hole, &missing).into_iter();
        said.extend(rest.map(|piece| gap(piece, reason(chain, piece))));
    }
    said
}

/// Why a stretch is not covered in which nothing is missing.
fn reason(chain: &[Seen], piece: Interval) -> Reason {
    let is_doubtful =
        |seen: &Seen| seen.asked && !seen.proved && !seen.is_gone() && seen.window().overlaps(piece);
    let is_within = |end: Timestamp| piece.start < end && end <= piece.end;
    // Before the first digest of all nothing tells of a stop.
    let restarts = |seen: &Seen| seen.starts() && is_within(seen.window().end) && has_older(chain, seen);
    if chain.iter().any(restarts) && !chain.iter().any(is_doubtful) {
        return Reason::LoggingStopped;
    }
    Reason::NotCovered
}
