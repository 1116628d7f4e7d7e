//! Rule 2, the walk: from the newest digest to the oldest, each linked to the one that records it, with what the chain
//! names and no listing does looked for by name.

use std::collections::{BTreeSet, VecDeque};

use super::need::{ProverAnswer, ProverNeed};
use super::prover::ChainProver;
use super::scope::{ChainScope, ListedDigest};
use super::signatures::CheckedDigest;
use super::state::WalkStep;
use crate::chain::{self, Misfit, Record};
use crate::event::{Fault, Finding, ObjectState, ObjectType, Severity, Trace};
use crate::ident::{DigestKey, Location, RegionFolder};
use crate::time::{Interval, Timestamp};

impl ChainProver {
    /// Judges pending digests until none is left or an answer is lacking.
    pub(super) fn walk(&mut self) -> Result<(), ProverNeed> {
        while let Some(digest) = self.pending.pop_front() {
            if let Err(stopped) = self.take_next(digest) {
                let (need, digest) = *stopped;
                self.pending.push_front(digest);
                return Err(need);
            }
            self.walk_step = WalkStep::default();
        }
        let is_due = self.state.begun || !self.state.remembered.is_empty();
        if self.to_read.is_empty() && is_due && !self.state.has_left_out() {
            self.follow_past_listing()?;
            self.walk_step = WalkStep::default();
        }
        Ok(())
    }

    /// Takes the next older digest, after what lies between it and its successor. Where that is left out, this one is
    /// too: what it is worth depends on it.
    fn take_next(&mut self, mut digest: CheckedDigest) -> Result<(), Box<(ProverNeed, CheckedDigest)>> {
        let end = digest.end();
        while !self.state.has_left_out() {
            let done = match self.walk_step {
                // 1. What newer digests name.
                WalkStep::FindNamed { newest, cadence } => {
                    self.look_for_named(Some(&digest), newest).map(|()| {
                        self.check_again(&mut digest);
                        let ends = self.cadence_before(&digest, cadence);
                        self.walk_step = ends.map_or(WalkStep::TakeDigest, |(ends, folder)| {
                            WalkStep::FindCadence { ends, folder }
                        });
                    })
                }
                // 2. What the cadence puts before it. A digest that is there may name others.
                WalkStep::FindCadence { .. } => self.look_for_cadence(),
                WalkStep::TakeDigest => break,
            };
            if let Err(need) = done {
                return Err(Box::new((need, digest)));
            }
        }
        if self.state.has_left_out() {
            self.state.leave_out(end);
            return Ok(());
        }
        // 3. Itself.
        match self.judge(&digest) {
            Ok(judged) => self.enter(digest, judged),
            Err(need) => return Err(Box::new((need, digest))),
        }
        Ok(())
    }

    /// The answer to `need`, if it is there.
    pub(super) fn answer_to(&self, need: ProverNeed) -> Result<&ProverAnswer, ProverNeed> {
        match self.answers.get(&need) {
            Some(answer) => Ok(answer),
            None => Err(need),
        }
    }

    /// Follows the chain from the oldest digest that a listing names: to an earlier place of it, or by name.
    fn follow_past_listing(&mut self) -> Result<(), ProverNeed> {
        if let Some((folder, until)) = self.earlier_place() {
            let need = ProverNeed::EarlierPlace { folder: folder.clone(), until };
            match self.answer_to(need)? {
                ProverAnswer::EarlierPlace(ends) => {
                    let ends = ends.clone();
                    self.add_earlier_digests(folder, &ends);
                    if !ends.is_empty() {
                        return Ok(());
                    }
                }
                _ => return Ok(self.state.leave_out(until)),
            }
        }
        let WalkStep::FindNamed { newest, .. } = self.walk_step else { return Ok(()) };
        self.look_for_named(None, newest)
    }

    /// Adds the digests of an earlier place of the chain to those that are to be read.
    fn add_earlier_digests(&mut self, folder: RegionFolder, ends: &[Timestamp]) {
        let index = self.index_of(&folder).unwrap_or_else(|| {
            self.state.followed.push(folder);
            u32::try_from(self.scope.folders.len() + self.state.followed.len() - 1).unwrap_or(u32::MAX)
        });
        let listed = |end: &Timestamp| ListedDigest { end: *end, folder: index };
        self.state.listed.extend(ends.iter().map(listed));
        self.state.listed.sort_unstable_by(|one, other| other.cmp(one));
        self.to_read.extend(ends.iter().map(listed));
    }

    /// Looks for what the chain and earlier runs name and the listing lacks, newer than `next`: the next digest that is
    /// listed.
    fn look_for_named(&mut self, next: Option<&CheckedDigest>, newest: Timestamp) -> Result<(), ProverNeed> {
        self.look_for_recorded(next, newest)?;
        // A remembered digest that is there names others.
        while let Some(found) = self.look_for_remembered(next)? {
            let WalkStep::FindNamed { newest, .. } = &mut self.walk_step else { return Ok(()) };
            *newest = found.min(*newest);
            let newest = *newest;
            self.look_for_recorded(next, newest)?;
        }
        Ok(())
    }

    /// Looks for what the anchor records, and what is recorded by the digests that are found so.
    fn look_for_recorded(
        &mut self,
        next: Option<&CheckedDigest>,
        mut newest: Timestamp,
    ) -> Result<(), ProverNeed> {
        while let Some((location, key)) = self.awaited_predecessor() {
            let end = key.map(|key| key.end);
            let is_next =
                next.is_some_and(|next| next.place == location || end.is_none_or(|end| end <= next.end()));
            let is_asked = end.is_none_or(|end| self.scope.is_asked(ChainScope::hour_before(end)));
            if is_next {
                break;
            }
            if !is_asked || end.is_some_and(|end| end >= newest) {
                self.give_up_predecessor();
                break;
            }
            let looked_for = end.unwrap_or(self.scope.range.end);
            if self.is_listed(&location) {
                self.check_link_to_taken(location, end.unwrap_or(newest))?;
                self.give_up_predecessor();
                break;
            }
            if !self.look_for(location, looked_for)? && !self.state.has_left_out() {
                self.give_up_predecessor();
            }
            if self.state.has_left_out() {
                break;
            }
            newest = end.unwrap_or(newest);
            if let WalkStep::FindNamed { newest: looked_for, .. } = &mut self.walk_step {
                *looked_for = newest;
            }
        }
        Ok(())
    }

    /// The predecessor that the anchor records and that was not met yet.
    fn awaited_predecessor(&self) -> Option<(Location, Option<DigestKey>)> {
        let anchor = self.state.anchor.as_ref().filter(|anchor| !anchor.resolved)?;
        let location = anchor.record.as_ref()?.location().clone();
        let key = DigestKey::parse(&location);
        Some((location, key))
    }

    /// Where the awaited predecessor was delivered, and its end, if the chain came here from a folder that was not listed
    /// for it. What lies before the asked start is not asked for, and a copy that stands for that folder is all there is
    /// of it.
    fn earlier_place(&self) -> Option<(RegionFolder, Timestamp)> {
        let (location, key) = self.awaited_predecessor()?;
        let key = key?;
        let anchor = self.state.anchor.as_ref()?;
        let follows = key.chain() == self.scope.id && key.end < anchor.window.end;
        let is_asked = self.scope.range.start.is_none_or(|start| key.end > start);
        let is_copied = self.scope.relocations.iter().any(|moved| moved.copy_of(&location).is_some());
        let is_new = self.index_of(&key.folder).is_none();
        (follows && is_asked && !is_copied && is_new).then_some((key.folder, key.end))
    }

    /// Whether a record is of a digest that belongs to another chain of this region, which tells of it: a backfill digest
    /// may name an hour's digest, and a trail that was given to its organization goes on in another folder.
    pub(super) fn is_of_another_chain(&self, record: &Record) -> bool {
        let Some(key) = DigestKey::parse(record.location()) else { return false };
        let id = key.chain();
        id != self.scope.id && ((self.scope.id.backfill && !id.backfill) || self.scope.siblings.contains(&id))
    }

    /// Gives the awaited predecessor up.
    fn give_up_predecessor(&mut self) {
        if let Some(anchor) = &mut self.state.anchor {
            anchor.resolved = true;
        }
        self.release_overlaps();
    }

    /// The digests that an unbroken cadence puts between the anchor and `next`, both proved, and where they belong; those
    /// alone that are older than `newest`.
    fn cadence_before(
        &self,
        next: &CheckedDigest,
        newest: Timestamp,
    ) -> Option<(VecDeque<Timestamp>, RegionFolder)> {
        let older_end = next.read.file().filter(|_| next.is_signed())?.window().end;
        let anchor = self.state.anchor.as_ref().filter(|_| !self.scope.id.backfill)?;
        let record = anchor.record.as_ref().filter(|record| *record.location() != next.place)?;
        let key = DigestKey::parse(record.location()).or_else(|| DigestKey::parse(&next.place))?;
        // A digest between the two that is not proved may be one that starts a chain: then nothing was before it.
        if !anchor.resolved || self.state.doubtful {
            return None;
        }
        let since_anchor = |gone: &&Interval| gone.end <= anchor.window.start;
        let missing = self.state.missing.iter().rev().take_while(since_anchor);
        let known: BTreeSet<Timestamp> = missing.map(|gone| gone.end).collect();
        let ends = chain::cadence(older_end, anchor.window.start).into_iter();
        let is_new = |end: &Timestamp| {
            *end < newest && !known.contains(end) && self.scope.is_asked(ChainScope::hour_before(*end))
        };
        Some((ends.filter(is_new).collect(), key.folder))
    }

    /// Looks for the digests of a [`Phase::Cadence`] until one is there or none is left.
    fn look_for_cadence(&mut self) -> Result<(), ProverNeed> {
        loop {
            let WalkStep::FindCadence { ends, folder } = &self.walk_step else { return Ok(()) };
            let Some(end) = ends.front().copied() else {
                self.walk_step = WalkStep::TakeDigest;
                return Ok(());
            };
            let location = self.scope.digest_location(folder, end);
            if !self.is_listed(&location) && self.look_for(location, end)? {
                self.walk_step = WalkStep::FindNamed { newest: end, cadence: end };
                return Ok(());
            }
            if let WalkStep::FindCadence { ends, .. } = &mut self.walk_step {
                ends.pop_front();
            }
        }
    }

    /// Takes the digest at `location`, which no listing names, into the chain if it is there. Otherwise reports that it is
    /// gone, or that nobody could look. Returns whether it is there or was left out.
    fn look_for(&mut self, location: Location, end: Timestamp) -> Result<bool, ProverNeed> {
        let need = ProverNeed::Digest { location, end };
        let read = match self.answer_to(need.clone())? {
            ProverAnswer::Gone(trace) => {
                let trace = trace.clone();
                return self.judge_gone(need, trace);
            }
            ProverAnswer::Digest(read) => read.as_ref().clone(),
            _ => {
                self.state.leave_out(end);
                return Ok(true);
            }
        };
        self.take_found(need, read)
    }

    /// Judges a digest that was found by name.
    pub(super) fn take_found(
        &mut self,
        need: ProverNeed,
        read: super::read::ReadDigest,
    ) -> Result<bool, ProverNeed> {
        let digest = self.check_next(read);
        let judged = self.judge(&digest)?;
        self.enter(digest, judged);
        self.answers.remove(&need);
        Ok(true)
    }

    /// A digest that the chain says was delivered is not there.
    pub(super) fn judge_gone(&mut self, need: ProverNeed, trace: Trace) -> Result<bool, ProverNeed> {
        let ProverNeed::Digest { location, end } = &need else { return Ok(false) };
        let (location, end) = (location.clone(), *end);
        let version = trace.version().map(str::to_owned);
        let fault = match self.remembered_at(&location).next() {
            Some(head) => Fault::RememberedGone { trace, run: head.run.clone() },
            None => Fault::DigestGone(trace),
        };
        let mut finding = Finding::new(fault, end);
        finding.actual = version;
        if finding.severity < Severity::Tampered {
            // The store contradicts itself, which proves nothing: it counts as a digest that cannot be read.
            let found = vec![finding];
            self.enter_unread(location, end, found);
            return Ok(true);
        }
        let window = ChainScope::hour_before(end);
        let successor = self.state.anchor.as_ref().map(|anchor| anchor.location.clone());
        let mut finding = finding.about(&location).over(window);
        finding.digest = successor.map(|successor| successor.to_string());
        self.report(finding);
        self.count(ObjectType::Digest, end, &location, ObjectState::Tampered);
        self.state.missing.push(window);
        self.state.remembered.retain(|head| head.location != location);
        Ok(false)
    }

    /// Whether a listing names the digest at `location` in this chain. One that is newer than the last was taken then,
    /// and is not taken twice: backfill digests may follow each other in any order.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let copy = self.scope.relocations.iter().find_map(|moved| moved.copy_of(location));
        let key = DigestKey::parse(copy.as_ref().unwrap_or(location));
        let Some(key) = key.filter(|key| key.chain() == self.scope.id) else { return false };
        let Some(folder) = self.index_of(&key.folder) else { return false };
        let listed = ListedDigest { end: key.end, folder };
        // The newest is the first.
        self.state.listed.binary_search_by(|other| listed.cmp(other)).is_ok()
    }

    /// Looks again at a digest that was taken before the one that records it: whether the two fit. Only what is signed
    /// is held to it: other bytes may be what a network made of them, and are judged where the digest is taken.
    fn check_link_to_taken(&mut self, location: Location, end: Timestamp) -> Result<(), ProverNeed> {
        let ProverAnswer::Digest(read) = self.answer_to(ProverNeed::Digest { location, end })? else {
            return Ok(());
        };
        let digest = self.check_next(read.as_ref().clone());
        let (true, Some(file)) = (digest.is_signed(), digest.read.file()) else { return Ok(()) };
        let Some(record) = self.state.anchor.as_ref().and_then(|anchor| anchor.record.clone()) else {
            return Ok(());
        };
        let fault = match record.misfit(file.hash(), file.window().end, None) {
            Some(Misfit::Overlap) if self.scope.id.backfill => return Ok(()),
            Some(Misfit::Overlap) => Fault::EarlierFollowsIt,
            Some(Misfit::Hash) => Fault::EarlierRecordsOther,
            Some(Misfit::Signature) | None => return Ok(()),
        };
        let mut finding = Finding::new(fault, end).about(&digest.read.location);
        finding.digest = record.successor().map(ToString::to_string);
        self.report(finding);
        Ok(())
    }
}
