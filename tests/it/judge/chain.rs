//! Digests of one chain, newest to oldest: DESIGN.md, section 1, rules 1 and 2.

use std::collections::BTreeMap;

use trailproof::event::{Kind, Severity};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Interval, Timestamp};

use super::document::{Document, Keys};
use super::names::{Name, Place, place};
use super::world::{Found, World};

/// A digest, there or not, and what is to be said of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) name: Name,
    pub(super) found: Found,
    pub(super) proved: bool,
    pub(super) said: Vec<(Kind, Severity)>,
    /// Whether it is of the asked range, and not a witness.
    pub(super) asked: bool,
}

impl Seen {
    pub(super) fn document(&self) -> Option<&Document> {
        match &self.found {
            Found::Digest { document, .. } => Some(document),
            Found::Malformed | Found::Refused | Found::Gone { .. } => None,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.found, Found::Gone { .. })
    }

    /// What it covers: by its word where that is proved, else the hour before its end.
    pub(super) fn window(&self) -> Interval {
        match self.document().filter(|_| self.proved) {
            Some(document) => Interval { start: document.start, end: document.end },
            None => hour_before(self.name.end),
        }
    }

    /// Whether it is proved, and says that it starts a chain.
    pub(super) fn starts(&self) -> bool {
        self.proved && self.document().is_some_and(|document| document.previous.is_none())
    }

    /// Whether it is proved, or known of, and one came before it.
    fn follows(&self) -> bool {
        self.is_gone() || (self.proved && !self.starts())
    }
}

pub(super) fn hour_before(end: Timestamp) -> Interval {
    Interval { start: end.plus(-HOUR), end }
}

/// The digests that a range is about, and one witness on each side.
fn chosen(listed: &[Name], asked: Interval) -> Vec<Name> {
    let mut listed = listed.to_vec();
    listed.sort();
    let is_asked = |name: &&Name| hour_before(name.end).overlaps(asked);
    let older = listed.iter().rev().find(|name| name.end <= asked.start);
    let newer = listed.iter().find(|name| hour_before(name.end).start >= asked.end);
    listed.iter().filter(is_asked).chain(older).chain(newer).cloned().collect()
}

/// Judges the digests of a chain, of which `listed` are there, and returns them oldest first.
pub(super) fn judge(world: &World<'_>, keys: &Keys, listed: &[Name], asked: Interval) -> Vec<Seen> {
    let mut todo: BTreeMap<Location, Name> =
        chosen(listed, asked).into_iter().map(|name| (name.location(), name)).collect();
    let mut done: Vec<Seen> = Vec::new();
    while let Some(location) = todo.iter().max_by_key(|(_, name)| name.end).map(|(at, _)| at.clone()) {
        let name = todo.remove(&location).unwrap();
        let seen = one(world, keys, name, &done, asked);
        if let Some(named) = named(&seen)
            && !done.iter().any(|other| other.name == named)
        {
            let is_asked = hour_before(named.end).overlaps(asked);
            let is_there = !matches!(world.digest(&named.location()), Found::Gone { .. });
            let has_older = todo.values().any(|name| name.end <= named.end);
            if is_asked || (is_there && !has_older) {
                todo.insert(named.location(), named);
            }
        }
        done.push(seen);
    }
    done.sort_by(|one, other| one.name.cmp(&other.name));
    add_cadence(world, &mut done, asked);
    done
}

/// The digest that a proved one records, where it is of the same chain and older.
fn named(seen: &Seen) -> Option<Name> {
    let previous = seen.document().filter(|_| seen.proved)?.previous.as_ref()?;
    let Some(Place::Digest(_, Some(name))) = place(&previous.location) else { return None };
    (name.chain == seen.name.chain && name.end < seen.name.end).then_some(name)
}

/// Judges one digest by itself and by those that record it.
fn one(world: &World<'_>, keys: &Keys, name: Name, newer: &[Seen], asked: Interval) -> Seen {
    let location = name.location();
    let found = world.digest(&location);
    let mut seen =
        Seen { asked: hour_before(name.end).overlaps(asked), name, found, proved: false, said: Vec::new() };
    let tampered = |kind| vec![(kind, Severity::Tampered)];
    match seen.found.clone() {
        Found::Gone { marked: true } => seen.said = tampered(Kind::DigestDeleted),
        Found::Gone { marked: false } => seen.said = tampered(Kind::DigestMissing),
        Found::Refused => seen.said = vec![(Kind::DigestUnreadable, Severity::Incomplete)],
        Found::Malformed => seen.said = tampered(Kind::DigestMalformed),
        Found::Digest { document, .. } if document.location != location => {
            seen.said = tampered(Kind::DigestMoved);
        }
        Found::Digest { document, signature } => {
            let records: Vec<&Seen> = newer.iter().filter(|other| records(other, &location)).collect();
            (seen.proved, seen.said) = genuine(keys, &document, signature.as_deref(), &records);
        }
    }
    seen
}

/// Whether `seen`, at its place, records the digest at `location`.
fn records(seen: &Seen, location: &Location) -> bool {
    let document = seen.document().filter(|document| document.location == seen.name.location());
    document.and_then(|it| it.previous.as_ref()).is_some_and(|previous| previous.location == *location)
}

/// Whether a digest at its place is proved, and what is to be said.
fn genuine(
    keys: &Keys,
    document: &Document,
    metadata: Option<&str>,
    successors: &[&Seen],
) -> (bool, Vec<(Kind, Severity)>) {
    let record = |seen: &&Seen| seen.document().and_then(|it| it.previous.clone());
    let proved = successors.iter().find(|seen| seen.proved);
    let recorded = proved.and_then(record);
    let matches = recorded.as_ref().map(|it| it.hash.as_ref() == Some(&document.hash));
    let held: Option<&str> = metadata.or(recorded.as_ref().and_then(|it| it.signature.as_deref()));
    // What a digest records that is not proved itself can prove, but nothing follows where it does not.
    let hints: Vec<String> = successors.iter().filter_map(record).filter_map(|it| it.signature).collect();
    let has_key = keys.has(document);
    let fits = match held {
        Some(held) => keys.verify(document, held),
        None => hints.iter().any(|hint| keys.verify(document, hint)),
    };
    let mut said = Vec::new();
    let by_record = matches == Some(true);
    if fits {
        if matches == Some(false) {
            said.push((Kind::ChainBroken, Severity::Tampered));
        }
    } else if matches == Some(false) {
        return (false, vec![(Kind::DigestModified, Severity::Tampered)]);
    } else {
        let weight = if by_record { Severity::Notice } else { Severity::Incomplete };
        said.push(match held {
            Some(_) if has_key => (Kind::DigestModified, Severity::Tampered),
            Some(_) => (Kind::KeyUnknown, weight),
            None => (Kind::DigestUnsigned, weight),
        });
    }
    let differs = |one: &str, other: &str| !one.eq_ignore_ascii_case(other);
    let recorded_signature = recorded.as_ref().and_then(|it| it.signature.as_deref());
    if by_record
        && !said.iter().any(|(kind, _)| *kind == Kind::DigestModified)
        && metadata.zip(recorded_signature).is_some_and(|(one, other)| differs(one, other))
    {
        said.push((Kind::DigestModified, Severity::Tampered));
    }
    let proved_start = proved.and_then(|seen| seen.document()).map(|it| it.start);
    if (fits || by_record)
        && proved_start.is_some_and(|start| document.end > start)
        && !said.iter().any(|(kind, _)| *kind == Kind::ChainBroken)
    {
        said.push((Kind::ChainBroken, Severity::Tampered));
    }
    (fits || by_record, said)
}

/// Digests that an unbroken cadence says were there: between two that are known of, whole hours apart, of which the
/// newer one follows another.
fn add_cadence(world: &World<'_>, done: &mut Vec<Seen>, asked: Interval) {
    let mut missing = Vec::new();
    for pair in done.windows(2) {
        let [older, newer] = pair else { continue };
        let linked = named(newer).is_some_and(|name| name == older.name);
        if newer.name.chain.backfill || linked || !newer.follows() {
            continue;
        }
        let open = newer.window().start.unix() - older.window().end.unix();
        if open <= 0 || open % HOUR != 0 {
            continue;
        }
        for number in 0..open / HOUR {
            let name = newer.name.ending(newer.window().start.plus(-number * HOUR));
            if hour_before(name.end).overlaps(asked) {
                missing.push(one_missing(world, name));
            }
        }
    }
    done.extend(missing);
    done.sort_by(|one, other| one.name.cmp(&other.name));
}

fn one_missing(world: &World<'_>, name: Name) -> Seen {
    let marked = matches!(world.digest(&name.location()), Found::Gone { marked: true });
    let kind = if marked { Kind::DigestDeleted } else { Kind::DigestMissing };
    let said = vec![(kind, Severity::Tampered)];
    Seen { name, found: Found::Gone { marked }, proved: false, said, asked: true }
}
