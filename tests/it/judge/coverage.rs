//! What of the asked time is covered, and what is said of the rest: DESIGN.md, section 1, rule 4.

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

/// The stretches of `asked` that proved digests cover.
pub(super) fn covered(chain: &[Seen], asked: Interval) -> Vec<Interval> {
    let windows = chain.iter().filter(|seen| seen.proved).filter_map(|seen| seen.window().intersect(asked));
    union(windows.collect())
}

pub(super) fn judge(chain: &[Seen], range: Range, now: Timestamp) -> Vec<Stretch> {
    let mut said = Vec::new();
    let is_asked = |seen: &&Seen| seen.asked;
    let first = chain.iter().position(|seen| seen.asked);
    if let Some(first) = first.filter(|first| chain[*first].starts()) {
        let start = Some(chain[first].window().start);
        let (kind, severity) = (Kind::ChainStart, Severity::Notice);
        said.push(Stretch { kind, severity, start, end: None, reason: None, about: Some(first) });
    }
    let ends =
        chain.iter().filter(|seen| seen.name.end <= range.end || seen.asked).map(|seen| seen.window().end);
    let Some(newest) = ends.max() else {
        return only_newer(chain, range).into_iter().chain(said).collect();
    };
    let has_newer = chain.iter().any(|seen| !seen.asked && seen.window().start >= range.end);
    let asked_start = range.start.or_else(|| chain.iter().find(is_asked).map(|seen| seen.window().start));
    let Some(from) = asked_start else { return said };
    let to = if has_newer { range.end } else { newest.min(range.end) };
    if let Some(whole) = Interval::new(from, to) {
        said.extend(gaps(chain, whole, range));
    }
    let late = range.end.unix() - newest.unix();
    if !has_newer && late >= HOUR && newest.plus(LATE) < now {
        let (start, end) = (Some(newest), Some(range.end));
        let (kind, severity) = (Kind::ChainStale, Severity::Incomplete);
        said.push(Stretch { kind, severity, start, end, reason: None, about: None });
    }
    said
}

/// Nothing but a later witness: it is of no concern where the chain begins with it.
fn only_newer(chain: &[Seen], range: Range) -> Option<Stretch> {
    let newer = chain.first()?;
    let start = range.start.filter(|_| !newer.starts())?;
    Some(gap(Interval { start, end: range.end }, Reason::NotCovered))
}

fn gap(time: Interval, reason: Reason) -> Stretch {
    let (start, end) = (Some(time.start), Some(time.end));
    let (kind, severity) = (Kind::ChainGap, Severity::Incomplete);
    Stretch { kind, severity, start, end, reason: Some(reason), about: None }
}

fn gaps(chain: &[Seen], whole: Interval, range: Range) -> Vec<Stretch> {
    let mut pieces: Vec<(Interval, Reason)> = Vec::new();
    for hole in complement(whole, &covered(chain, whole)) {
        let mut cuts: Vec<Timestamp> =
            chain.iter().flat_map(|seen| [seen.window().start, seen.window().end]).collect();
        cuts.extend([hole.start, hole.end]);
        cuts.retain(|cut| (hole.start..=hole.end).contains(cut));
        cuts.sort();
        cuts.dedup();
        for cut in cuts.windows(2) {
            let piece = Interval { start: cut[0], end: cut[1] };
            let reason = reason(chain, piece);
            match pieces.last_mut() {
                Some((last, why)) if last.end == piece.start && *why == reason => last.end = piece.end,
                _ => pieces.push((piece, reason)),
            }
        }
    }
    let is_start = |piece: &Interval| Some(piece.start) == range.start && piece.seconds() <= HOUR;
    let is_empty = |piece: &Interval| !chain.iter().any(|seen| seen.window().overlaps(*piece));
    pieces.retain(|(piece, reason)| *reason != Reason::NotCovered || !(is_start(piece) && is_empty(piece)));
    pieces.into_iter().map(|(piece, reason)| gap(piece, reason)).collect()
}

fn reason(chain: &[Seen], piece: Interval) -> Reason {
    let here = |seen: &&Seen| seen.window().overlaps(piece);
    if chain.iter().filter(here).any(Seen::is_gone) {
        return Reason::DigestsMissing;
    }
    let has_older = chain.iter().any(|seen| seen.window().end <= piece.start);
    let next = chain.iter().find(|seen| seen.window().start >= piece.end);
    let is_empty = !chain.iter().any(|seen| here(&seen));
    if is_empty && has_older && next.is_some_and(Seen::starts) {
        return Reason::LoggingStopped;
    }
    Reason::NotCovered
}
