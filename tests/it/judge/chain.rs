//! Digests of one chain, newest to oldest: each proved, and linked to the one after it.

use trailproof::event::{Kind, Severity};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Interval, Range, Timestamp};

use super::document::{Document, Keys};
use super::names::{Folder, Name, Place, place};
use super::world::{Found, World};
use super::worth::{Worth, genuine};

/// A digest, there or not, and what is to be said of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) name: Name,
    pub(super) found: Found,
    pub(super) proved: bool,
    /// Whether only the digest after it proves it.
    pub(super) by_record: bool,
    pub(super) said: Vec<(Kind, Severity)>,
    /// What older ones say of it: it is counted already.
    pub(super) late: Vec<(Kind, Severity)>,
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

    /// Whether it is proved, and says that it starts a chain: CloudTrail writes it for the hour before logging began, and it
    /// covers nothing. Backfill digests are of no hours at all.
    pub(super) fn starts(&self) -> bool {
        let starts = |document: &Document| document.previous.is_none();
        self.proved && !self.name.chain.backfill && self.document().is_some_and(starts)
    }

    /// The window that decides whether it is asked for. One that is not signed may say that it covers more than the hour
    /// before its name's end, and is looked at then as well.
    fn claimed(&self) -> Interval {
        let named = hour_before(self.name.end);
        match self.document() {
            Some(document) if self.proved && !self.by_record => {
                Interval { start: document.start, end: document.end }
            }
            Some(document) if document.end == named.end => {
                Interval { start: document.start.min(named.start), end: named.end }
            }
            _ => named,
        }
    }
}

pub(super) fn hour_before(end: Timestamp) -> Interval {
    Interval { start: end.plus(-HOUR), end }
}

/// How long after the asked end digests are witnesses, and how many later ones are at least. One
/// neighbour would do; more of them prove more.
const WITNESSES: (i64, usize) = (3 * HOUR, 2);

/// How many newer digests may lie between one and the one that records its signature.
const BETWEEN: usize = 8;

/// Of `listed`, the digests that a range is about, its witnesses, and one digest before it.
fn chosen(mut listed: Vec<Name>, range: Range) -> Vec<Name> {
    listed.sort();
    let count = |until: Timestamp| listed.iter().filter(|name| name.end <= until).count();
    let before = range.start.map_or(0, count);
    let until = count(range.end.plus(WITNESSES.0)).max(count(range.end) + WITNESSES.1).min(listed.len());
    listed[before.saturating_sub(1).min(until)..until].to_vec()
}

/// A chain that is walked from its newest digest to its oldest.
struct Walk<'a> {
    world: &'a World<'a>,
    keys: &'a Keys,
    range: Range,
    /// What was taken, newest first.
    done: Vec<Seen>,
    /// The nearest newer digest that is proved, by its place in `done`.
    anchor: Option<usize>,
    /// Whether the digest that it records was met, or is known to be gone, or is not asked for.
    resolved: bool,
    /// Whether a digest since then is there and not proved.
    doubtful: bool,
    /// Proved digests that lie between the anchor and the digest that it records, newest first, until that one is met.
    aside: Vec<usize>,
}

/// Judges the digests of a chain and returns them oldest first. `listed` are those in the folders that were named,
/// `elsewhere` those in other folders of the store: the chain is followed there where it leads there.
pub(super) fn judge(
    world: &World<'_>,
    keys: &Keys,
    listed: Vec<Name>,
    elsewhere: Vec<Name>,
    range: Range,
) -> Vec<Seen> {
    let (anchor, resolved, doubtful, aside) = (None, false, false, Vec::new());
    let mut walk = Walk { world, keys, range, done: Vec::new(), anchor, resolved, doubtful, aside };
    let folders: Vec<Folder> = listed.iter().map(|name| name.folder.clone()).collect();
    walk.take(chosen(listed, range));
    let mut followed: Vec<Folder> = Vec::new();
    while let Some(awaited) = walk.awaited() {
        let known = folders.contains(&awaited.folder) || followed.contains(&awaited.folder);
        let anchor = walk.anchor.map(|anchor| walk.done[anchor].window().end);
        let is_older = anchor.is_some_and(|end| awaited.end < end);
        let is_asked = is_older && range.start.is_none_or(|start| awaited.end > start);
        let there = |name: &&Name| name.folder == awaited.folder && name.end <= awaited.end;
        let found = chosen(elsewhere.iter().filter(there).cloned().collect(), range);
        if known || !is_asked || found.is_empty() {
            break;
        }
        followed.push(awaited.folder);
        walk.take(found);
    }
    walk.follow_by_name(None);
    let mut done = walk.done;
    done.sort_by(|one, other| one.name.cmp(&other.name));
    done
}

impl Walk<'_> {
    fn is_asked(&self, window: Interval) -> bool {
        window.overlaps(self.range.interval())
    }

    /// The digest that the anchor records, where that was not met yet.
    fn awaited(&self) -> Option<Name> {
        named(&self.done[self.anchor?]).filter(|_| !self.resolved)
    }

    fn take(&mut self, mut names: Vec<Name>) {
        names.sort();
        while let Some(name) = names.pop() {
            self.follow_by_name(Some(&name));
            let found = self.world.digest(&name.location());
            let seen = self.one(name, found);
            self.add_cadence(&seen);
            self.accept(seen);
        }
    }

    /// Takes what the chain records between the last digest and `next`, and no listing has.
    fn follow_by_name(&mut self, next: Option<&Name>) {
        while let Some(awaited) = self.awaited() {
            if next.is_some_and(|next| *next == awaited || awaited.end <= next.end) {
                return;
            }
            let found = self.world.digest(&awaited.location());
            // It may be a newer one, which was taken: no digest counts twice, but the two have to fit all the same.
            let taken = self.done.iter().position(|other| other.name == awaited);
            if !self.is_asked(hour_before(awaited.end)) {
                self.give_up();
            } else if let Some(taken) = taken {
                let again = self.one(awaited, found);
                // Bytes that no signature proves may be what a network made of them.
                if again.proved && !again.by_record && !self.fits(taken) {
                    self.done[taken].late.push((Kind::ChainBroken, Severity::Tampered));
                }
                self.give_up();
            } else if let Found::Gone { marked } = found {
                self.done.push(gone(awaited, marked));
                self.give_up();
            } else {
                let seen = self.one(awaited, found);
                self.accept(seen);
            }
        }
    }

    /// The digest that the anchor records is not met: then nothing shows whether those that were set aside are in its place.
    fn give_up(&mut self) {
        self.resolved = true;
        self.aside.clear();
    }

    /// Whether a digest fits what the anchor, an older one, records of it.
    fn fits(&self, taken: usize) -> bool {
        let anchor = self.anchor.and_then(|anchor| self.done[anchor].document());
        let (Some(anchor), Some(taken)) = (anchor, self.done[taken].document()) else { return true };
        let recorded = anchor.previous.as_ref().and_then(|previous| previous.hash.as_ref());
        let is_backfill = self.done[0].name.chain.backfill;
        recorded.is_none_or(|hash| *hash == taken.hash) && (is_backfill || taken.end <= anchor.start)
    }

    /// Judges one digest by itself and by those that record it.
    fn one(&self, name: Name, found: Found) -> Seen {
        let location = name.location();
        let mut seen = Seen {
            asked: false,
            name,
            found,
            proved: false,
            by_record: false,
            said: Vec::new(),
            late: Vec::new(),
        };
        let parsed: Vec<&Document> =
            self.done.iter().rev().filter_map(Seen::document).take(BETWEEN).collect();
        match seen.found.clone() {
            Found::Gone { .. } | Found::Refused => {
                seen.said = vec![(Kind::DigestUnreadable, Severity::Incomplete)];
            }
            Found::Malformed => seen.said = vec![(Kind::DigestMalformed, Severity::Tampered)],
            Found::Digest { document, .. } if document.location != location => {
                seen.said = vec![(Kind::DigestMoved, Severity::Tampered)];
            }
            Found::Digest { document, signature } => {
                let hints = parsed.iter().filter_map(|other| other.previous.as_ref());
                let hints = hints.filter(|previous| previous.location == location);
                let hints: Vec<String> = hints.filter_map(|previous| previous.signature.clone()).collect();
                let successor = self.anchor.map(|anchor| &self.done[anchor]);
                let successor = successor.filter(|anchor| records(anchor, &location));
                let worth = genuine(self.keys, &document, signature.as_deref(), &hints, successor);
                Worth { proved: seen.proved, by_record: seen.by_record, said: seen.said } = worth;
            }
        }
        seen.asked = self.is_asked(seen.claimed());
        seen
    }

    fn accept(&mut self, seen: Seen) {
        self.done.push(seen);
        self.enter(self.done.len() - 1);
    }

    /// Puts a digest that was judged into the chain.
    fn enter(&mut self, number: usize) {
        let location = self.done[number].name.location();
        let is_recorded = self.anchor.is_some_and(|anchor| records(&self.done[anchor], &location));
        if !self.done[number].proved {
            self.doubtful = true;
            if is_recorded {
                self.give_up();
            }
        } else if self.awaited().is_some() && !is_recorded {
            // The chain leaves no room for a digest between one and the one before it, unless that one starts the chain.
            self.aside.push(number);
        } else {
            self.go_on_from(number);
            if is_recorded {
                self.settle(number);
            }
        }
    }

    fn go_on_from(&mut self, number: usize) {
        (self.anchor, self.doubtful) = (Some(number), false);
        // Another chain's digest is that chain's concern.
        self.resolved = named(&self.done[number]).is_none();
    }

    /// Judges the digests that were set aside, now that `met`, which was recorded, is there. Where that one starts a chain,
    /// another chain was stopped before, and its last digest may end later: the walk goes on from that one as if it had just
    /// been met. Two digests in one place of the chain contradict each other.
    fn settle(&mut self, met: usize) {
        let aside = std::mem::take(&mut self.aside);
        let begins = Some(self.done[met].window().end).filter(|_| self.done[met].starts());
        let is_older = |number: &&usize| begins.is_some_and(|end| self.done[**number].window().start < end);
        let last = aside.iter().position(|number| is_older(&number));
        for number in &aside[..last.unwrap_or(aside.len())] {
            // One that starts a chain is in no other digest's place.
            if !self.done[*number].starts() {
                self.done[*number].said.push((Kind::ChainBroken, Severity::Tampered));
            }
        }
        let Some(last) = last else { return };
        self.go_on_from(aside[last]);
        for number in &aside[last + 1..] {
            let Seen { name, found, .. } = self.done[*number].clone();
            self.done[*number] = self.one(name, found);
            self.enter(*number);
        }
    }

    /// Digests that an unbroken cadence says were there: between two that are proved, whole hours apart, of which the
    /// newer one follows another than the older one.
    fn add_cadence(&mut self, older: &Seen) {
        let Some(anchor) = self.anchor.map(|anchor| self.done[anchor].clone()) else { return };
        let (Some(recorded), Some(document)) = (named(&anchor), older.document()) else { return };
        let signed = older.proved && !older.by_record;
        if recorded == older.name || !signed || !self.resolved || self.doubtful || older.name.chain.backfill {
            return;
        }
        let open = anchor.window().start.unix() - document.end.unix();
        let hours = if open % HOUR == 0 { open / HOUR } else { 0 };
        for number in 0..hours {
            let name = recorded.ending(anchor.window().start.plus(-number * HOUR));
            let is_gone = |other: &Seen| other.is_gone() && other.name.end == name.end;
            let is_known = self.done.iter().any(|other| other.name == name || is_gone(other));
            if is_known || !self.is_asked(hour_before(name.end)) {
                continue;
            }
            match self.world.digest(&name.location()) {
                Found::Gone { marked } => self.done.push(gone(name, marked)),
                found => {
                    let seen = self.one(name, found);
                    self.accept(seen);
                }
            }
        }
    }
}

fn gone(name: Name, marked: bool) -> Seen {
    let kind = if marked { Kind::DigestDeleted } else { Kind::DigestMissing };
    let said = vec![(kind, Severity::Tampered)];
    Seen {
        name,
        found: Found::Gone { marked },
        proved: false,
        by_record: false,
        said,
        late: Vec::new(),
        asked: true,
    }
}

/// The digest that a proved one records, where it is of the same chain.
fn named(seen: &Seen) -> Option<Name> {
    let previous = seen.document().filter(|_| seen.proved)?.previous.as_ref()?;
    let Some(Place::Digest(_, Some(name))) = place(&previous.location) else { return None };
    (name.chain == seen.name.chain).then_some(name)
}

/// Whether `seen`, at its place, records the digest at `location`.
fn records(seen: &Seen, location: &Location) -> bool {
    let document = seen.document().filter(|document| document.location == seen.name.location());
    document.and_then(|it| it.previous.as_ref()).is_some_and(|previous| previous.location == *location)
}
