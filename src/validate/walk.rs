//! Walks the digests of a chain from newest to oldest: proves each, links it to its successor, and looks by name
//! for what the chain names and the listing lacks.

mod judge;
mod overlap;
mod oversized;
mod taken;

use std::collections::BTreeSet;

use crate::chain::{self, Record};
use crate::event::{Finding, ObjectState, ObjectType, Severity};
use crate::ident::{DigestKey, Location, RegionFolder};
use crate::time::{HOUR, Interval, Timestamp};

use super::chain::{Chain, MAX_BETWEEN, recorded};
use super::fetch::{self, Content, Fetched, Proof};
use super::unit::{Item, Trace, Unit, digest_location};
use super::{Context, gone};

/// Takes one window of digests, as they were fetched, into their chains. Returns the chains that go on in folders where
/// nobody looked yet.
pub(super) fn window(
    context: Context<'_>,
    units: &mut [Unit],
    items: &[Item],
    mut fetched: Vec<Fetched>,
) -> Vec<Trace> {
    fetch::look_keys_up(context, items, &fetched);
    let mut proofs = prove(context, units, items, &fetched);
    fetch::make_sure(context, &mut fetched, proofs.iter_mut().map(|(_, _, proof)| proof));
    let mut traces = Vec::new();
    for ((item, fetched), (place, recorded, proof)) in items.iter().zip(fetched).zip(proofs) {
        let Some(unit) = units.get_mut(item.unit) else { continue };
        unit.begun = true;
        let mut walker = Walker { context, unit, chain: item.chain };
        walker.take(Judged { fetched, place, recorded, proof });
        if item.last && !walker.is_left() {
            match walker.elsewhere() {
                Some((folder, end)) => {
                    traces.push(Trace { unit: item.unit, chain: item.chain, folder, end });
                }
                None => walker.look_for_older(None),
            }
        }
    }
    traces
}

/// Where each digest was delivered, the signatures that newer ones record for it, and what these and its own say of it.
fn prove(
    context: Context<'_>,
    units: &[Unit],
    items: &[Item],
    fetched: &[Fetched],
) -> Vec<(Location, Vec<Box<str>>, Option<Proof>)> {
    let work: Vec<(usize, &Item, &Fetched)> = items
        .iter()
        .zip(fetched)
        .enumerate()
        .map(|(index, (item, fetched))| (index, item, fetched))
        .collect();
    context.workers.map(&work, |(index, item, one)| {
        let place = judge::place(context.request, one);
        let newer = work.get(..*index).unwrap_or_default();
        let recorded = recorded_for(units, newer, item, &place);
        let proof = fetch::prove(one, &place, &recorded, context.tools.keys);
        (place, recorded, proof)
    })
}

/// Follows a chain of `unit` by name from the oldest of its digests that was taken.
pub(super) fn by_name(context: Context<'_>, unit: &mut Unit, chain: usize) {
    Walker { context, unit, chain }.look_for_older(None);
}

/// The signatures that the nearest newer digests of the chain, proved or not, record for the one at `place`.
fn recorded_for(
    units: &[Unit],
    newer: &[(usize, &Item, &Fetched)],
    item: &Item,
    place: &Location,
) -> Vec<Box<str>> {
    let same_chain =
        |other: &&(usize, &Item, &Fetched)| other.1.unit == item.unit && other.1.chain == item.chain;
    let parsed = newer.iter().rev().take_while(same_chain).filter_map(|(_, _, fetched)| fetched.file());
    let chain = units.get(item.unit).and_then(|unit| unit.chains.get(item.chain));
    let before = chain.into_iter().flat_map(|chain| chain.walk.recorded.iter().cloned());
    signatures_for(parsed.map(recorded).chain(before), place)
}

fn signatures_for(
    recorded: impl Iterator<Item = Option<(Location, Box<str>)>>,
    place: &Location,
) -> Vec<Box<str>> {
    let here = recorded.take(MAX_BETWEEN).flatten().filter(|(location, _)| location == place);
    here.map(|(_, signature)| signature).collect()
}

/// A digest with what its signatures say.
struct Judged {
    fetched: Fetched,
    /// Where CloudTrail delivered it, which is where it lies unless a move was named.
    place: Location,
    /// The recorded signatures that were tried.
    recorded: Vec<Box<str>>,
    proof: Option<Proof>,
}

impl Judged {
    /// Its window, as far as one can believe it: that of its content where it is proved, and at least the hour
    /// before the end in its name where it is not.
    fn window(&self) -> Interval {
        let named = Interval { start: self.fetched.end.plus(-HOUR), end: self.fetched.end };
        match (self.fetched.file(), &self.proof) {
            (Some(file), Some(Proof::Signed { .. })) => file.window(),
            (Some(file), _) if file.window().end == named.end => {
                Interval { start: file.window().start.min(named.start), end: named.end }
            }
            _ => named,
        }
    }
}

/// One chain being walked.
struct Walker<'c, 'u> {
    context: Context<'c>,
    unit: &'u mut Unit,
    chain: usize,
}

impl<'c> Walker<'c, '_> {
    fn chain(&mut self) -> Option<&mut Chain> {
        self.unit.chains.get_mut(self.chain)
    }

    fn is_asked(&self, window: Interval) -> bool {
        window.overlaps(self.context.request.range.interval())
    }

    /// Takes the next older digest, after what lies between it and its successor. Where that is left out, this one is
    /// too: what it is worth depends on it.
    fn take(&mut self, digest: Judged) {
        let end = digest.fetched.end;
        if !self.is_left() {
            self.look_for_older(Some(&digest));
        }
        if self.is_left() {
            return self.unit.leave(self.chain, end);
        }
        let digest = self.prove_again(digest);
        self.look_for_cadence(&digest);
        if self.is_left() {
            return self.unit.leave(self.chain, end);
        }
        self.accept(digest);
    }

    /// Whether the rest of the chain is left out, since the run is to end.
    fn is_left(&mut self) -> bool {
        self.chain().is_some_and(|chain| chain.walk.left.is_some())
    }

    /// Proves a digest anew where digests that were found by name have something to say of it, so that what comes of
    /// it does not depend on where a window ends.
    fn prove_again(&mut self, mut digest: Judged) -> Judged {
        let recorded = self.recorded(&digest.place);
        if recorded != digest.recorded {
            digest.proof = fetch::prove(&digest.fetched, &digest.place, &recorded, self.context.tools.keys);
            digest.recorded = recorded;
        }
        digest
    }

    fn recorded(&mut self, place: &Location) -> Vec<Box<str>> {
        let recorded = self.chain().into_iter().flat_map(|chain| chain.walk.recorded.iter().cloned());
        signatures_for(recorded, place)
    }

    /// Follows the chain by name where it names a digest newer than `next`, the next one listed.
    fn look_for_older(&mut self, next: Option<&Judged>) {
        let mut newest = Timestamp::from_unix(i64::MAX);
        while let Some((location, key)) = self.awaited() {
            let end = key.map(|key| key.end);
            let is_next = next
                .is_some_and(|next| next.place == location || end.is_none_or(|end| end <= next.fetched.end));
            let is_asked = end.is_none_or(|end| self.is_asked(Interval { start: end.plus(-HOUR), end }));
            if is_next {
                return;
            }
            if !is_asked || end.is_some_and(|end| end >= newest) {
                return self.resolve();
            }
            if self.is_listed(&location) {
                self.check_link(location, end.unwrap_or(newest));
                return self.resolve();
            }
            newest = end.unwrap_or(newest);
            if self.context.halt.leaves_out() {
                return self.unit.leave(self.chain, end.unwrap_or(self.context.request.range.end));
            }
            if !self.look_for(location, end.unwrap_or(self.context.request.range.end)) {
                self.resolve();
            }
        }
    }

    /// The predecessor that the anchor records and that was not met yet.
    fn awaited(&mut self) -> Option<(Location, Option<DigestKey>)> {
        let chain = self.chain()?;
        let anchor = chain.walk.anchor.as_ref().filter(|anchor| !anchor.resolved)?;
        let location = anchor.record.as_ref()?.location().clone();
        let key = DigestKey::parse(&location);
        Some((location, key))
    }

    /// Where the awaited predecessor was delivered, and its end, if the chain came here from a folder that was not listed
    /// for it. What lies before the asked start is not asked for, and a copy that stands for that folder is all there is
    /// of it.
    fn elsewhere(&mut self) -> Option<(RegionFolder, Timestamp)> {
        let (location, key) = self.awaited()?;
        let key = key?;
        let request = self.context.request;
        let chain = self.unit.chains.get(self.chain)?;
        let anchor = chain.walk.anchor.as_ref()?;
        let follows = key.chain() == chain.id && key.end < anchor.window.end;
        let is_asked = request.range.start.is_none_or(|start| key.end > start);
        let is_copied = request.relocations.iter().any(|moved| moved.copy_of(&location).is_some());
        let was_listed = |index: usize| {
            let followed = || chain.walk.followed.iter().any(|folder| *folder as usize == index);
            index < self.unit.asked_folders || followed()
        };
        let known = self.unit.folders.iter().position(|folder| *folder == key.folder);
        let is_new = !known.is_some_and(was_listed);
        (follows && is_asked && !is_copied && is_new).then_some((key.folder, key.end))
    }

    /// Whether a record is of a digest that belongs to another chain of this unit, which tells of it: a backfill digest
    /// may name an hour's digest, and a trail that was given to its organization goes on in another folder.
    fn is_of_another_chain(&self, record: &Record) -> bool {
        let Some(key) = DigestKey::parse(record.location()) else { return false };
        let Some(chain) = self.unit.chains.get(self.chain) else { return false };
        let id = key.chain();
        let is_known = || self.unit.chains.iter().any(|other| other.id == id);
        id != chain.id && ((chain.id.backfill && !id.backfill) || is_known())
    }

    /// Gives the awaited predecessor up.
    fn resolve(&mut self) {
        let request = self.context.request;
        let Some(chain) = self.chain() else { return };
        if let Some(anchor) = &mut chain.walk.anchor {
            anchor.resolved = true;
        }
        chain.release_overlaps(request);
    }

    /// Looks for the digests that an unbroken cadence puts between the anchor and `next`, both proved.
    fn look_for_cadence(&mut self, next: &Judged) {
        let (Some(Proof::Signed { .. }), Some(older)) = (&next.proof, next.fetched.file()) else { return };
        let older_end = older.window().end;
        let Some(chain) = self.chain().filter(|chain| !chain.id.backfill) else { return };
        let Some(anchor) = &chain.walk.anchor else { return };
        let Some(record) = anchor.record.as_ref().filter(|record| *record.location() != next.place) else {
            return;
        };
        let Some(key) = DigestKey::parse(record.location()).or_else(|| DigestKey::parse(&next.place)) else {
            return;
        };
        // A digest between the two that is not proved may be one that starts a chain: then nothing was before it.
        if !anchor.resolved || chain.walk.doubtful {
            return;
        }
        let id = chain.id.clone();
        let since_anchor = |gone: &&Interval| gone.end <= anchor.window.start;
        let missing = chain.walk.missing.iter().rev().take_while(since_anchor);
        let known: BTreeSet<Timestamp> = missing.map(|gone| gone.end).collect();
        let mut ends = chain::cadence(older_end, anchor.window.start);
        ends.retain(|end| !known.contains(end));
        for end in ends {
            if self.is_asked(Interval { start: end.plus(-HOUR), end }) {
                if self.context.halt.leaves_out() {
                    return self.unit.leave(self.chain, end);
                }
                let location = digest_location(&id, &key.folder, end);
                if !self.is_listed(&location) {
                    self.look_for(location, end);
                }
            }
        }
    }

    /// Reads the digest at `location`, which no listing names, and takes it into the chain if it is there.
    /// Otherwise says that it is gone, or that nobody could look.
    fn look_for(&mut self, location: Location, end: Timestamp) -> bool {
        let mut fetched = fetch::digest(self.context, location, end);
        if matches!(fetched.content, Content::Gone) {
            let versions = self.context.tools.store.versions(&fetched.location);
            let finding = gone::finding(ObjectType::Digest, &versions, end);
            if finding.severity == Severity::Tampered {
                self.gone(finding, &fetched.location, end);
                return false;
            }
            fetched.content = Content::Unreadable(Box::new(finding.fault));
        }
        let place = judge::place(self.context.request, &fetched);
        let recorded = self.recorded(&place);
        let proof = fetch::prove(&fetched, &place, &recorded, self.context.tools.keys);
        self.accept(Judged { fetched, place, recorded, proof });
        true
    }

    /// A digest that the chain says was delivered is not there.
    fn gone(&mut self, finding: Finding, location: &Location, end: Timestamp) {
        let window = Interval { start: end.plus(-HOUR), end };
        let request = self.context.request;
        let Some(chain) = self.chain() else { return };
        let successor = chain.walk.anchor.as_ref().map(|anchor| anchor.location.clone());
        let mut finding = finding.about(location).over(window);
        finding.digest = successor.map(|successor| successor.to_string());
        chain.say(finding);
        chain.count(request, ObjectType::Digest, end, location, ObjectState::Tampered);
        chain.walk.missing.push(window);
    }
}
