//! Rule 2, the walk from the newest digest to the oldest. Each digest is linked to the digest that records it. Digests
//! that the chain names and no listing does are looked for by name.

use std::collections::{BTreeSet, VecDeque};

use super::link::content_of;
use super::need::{ProverAnswer, ProverNeed};
use super::prover::ChainProver;
use super::read::ReadDigest;
use super::scope::{ChainScope, ListedDigest};
use super::signatures::CheckedDigest;
use super::state::WalkStep;
use crate::chain::{self, Misfit, Record};
use crate::event::{Fault, Finding, ObjectState, Severity, Trace};
use crate::ident::{DigestKey, Location, RegionFolder};
use crate::time::{Interval, Timestamp};

impl ChainProver {
    /// Judges pending digests until none is left or an answer is lacking.
    pub(super) fn walk(&mut self) -> Result<(), ProverNeed> {
        loop {
            self.await_stretch();
            let Some(digest) = self.next_pending() else { break };
            if self.is_second_copy(&digest) {
                self.take_second_copy(digest);
                continue;
            }
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

    /// Takes the next older digest, after the digests between it and its successor. If one of the digests between is
    /// left out, the next digest is left out too: its standing depends on the digests between.
    fn take_next(&mut self, mut digest: CheckedDigest) -> Result<(), Box<(ProverNeed, CheckedDigest)>> {
        let end = digest.end();
        while !self.state.has_left_out() {
            let done = match self.walk_step {
                // 1. Look for the digests that newer digests name.
                WalkStep::FindNamed { newest, cadence } => {
                    self.look_for_named(Some(&digest), newest).map(|()| {
                        self.settle_place(&mut digest);
                        self.check_again(&mut digest);
                        let ends = self.cadence_before(&digest, cadence);
                        self.walk_step = ends.map_or(WalkStep::TakeDigest, |(ends, folder)| {
                            WalkStep::FindCadence { ends, folder }
                        });
                    })
                }
                // 2. Look for the digests that an unbroken cadence implies. A digest found so may name others.
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
        // 3. Enter a stretch of remembered digests, or judge the digest itself and enter it into the chain.
        if let Some(stretch) = digest.stretch.take() {
            self.enter_stretch(*stretch);
            return Ok(());
        }
        match self.judge(&digest) {
            Ok(judged) => self.enter(digest, judged),
            Err(need) => return Err(Box::new((need, digest))),
        }
        Ok(())
    }

    /// The next pending digest, unless a newer digest is still to be read.
    fn next_pending(&mut self) -> Option<CheckedDigest> {
        let next = self.pending.front()?.end();
        let is_newest = self.to_read.front().is_none_or(|listed| listed.end <= next);
        if is_newest { self.pending.pop_front() } else { None }
    }

    /// The answer to `need`, or the need itself if the answer is lacking.
    pub(super) fn answer_to(&self, need: ProverNeed) -> Result<&ProverAnswer, ProverNeed> {
        match self.answers.get(&need) {
            Some(answer) => Ok(answer),
            None => Err(need),
        }
    }

    /// Follows the chain beyond the oldest listed digest: into an earlier folder of the chain, or by name.
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
                _ => {
                    self.state.leave_out(until);
                    return Ok(());
                }
            }
        }
        let WalkStep::FindNamed { newest, .. } = self.walk_step else { return Ok(()) };
        self.look_for_named(None, newest)?;
        self.look_for_apart()
    }

    /// Adds the digests of an earlier folder of the chain to the digests to read.
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

    /// Looks for digests that the chain or an earlier run names and the listing lacks. All are newer than `next`, the
    /// next listed digest.
    fn look_for_named(&mut self, next: Option<&CheckedDigest>, newest: Timestamp) -> Result<(), ProverNeed> {
        self.look_for_recorded(next, newest)?;
        // A remembered digest that exists names its predecessor.
        while let Some(found) = self.look_for_remembered(next)? {
            let WalkStep::FindNamed { newest, .. } = &mut self.walk_step else { return Ok(()) };
            *newest = found.min(*newest);
            let newest = *newest;
            self.look_for_recorded(next, newest)?;
        }
        Ok(())
    }

    /// Looks for the digest that the anchor records, and for the predecessors of digests found so.
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
            // The awaited predecessor is the next listed digest, or older: nothing lies between.
            if is_next {
                break;
            }
            // Outside the asked range, or against the order of time: nothing to look for.
            if !is_asked || end.is_some_and(|end| end >= newest) {
                if let Some(anchor) = self.state.anchor.clone() {
                    self.note_apart(&anchor);
                }
                self.give_up_predecessor();
                break;
            }
            let looked_for = end.unwrap_or(self.scope.range.end);
            // A listed digest newer than `next` was taken before its successor: compare the two.
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

    /// The recorded predecessor of the anchor, if the predecessor was not met yet.
    fn awaited_predecessor(&self) -> Option<(Location, Option<DigestKey>)> {
        let anchor = self.state.anchor.as_ref().filter(|anchor| !anchor.resolved)?;
        let location = anchor.record.as_ref()?.location().clone();
        let key = DigestKey::parse(&location);
        Some((location, key))
    }

    /// The folder and the end of the awaited predecessor, if the chain came here from an unlisted folder. A predecessor
    /// before the asked start is not asked for. A named move needs no second folder: the copy is all that exists of the
    /// original folder.
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

    /// Whether a record is of a digest in another chain, to be judged there. A backfill digest may record an hourly digest,
    /// and a trail that was given to its organization goes on in a different folder.
    pub(super) fn is_of_another_chain(&self, record: &Record) -> bool {
        DigestKey::parse(record.location()).is_some_and(|key| key.chain() != self.scope.id)
    }

    /// Stops waiting for the awaited predecessor.
    fn give_up_predecessor(&mut self) {
        if let Some(anchor) = &mut self.state.anchor {
            anchor.resolved = true;
        }
        self.release_overlaps();
    }

    /// The digests that an unbroken cadence implies between the anchor and `next`, both proved, with their folder. Only
    /// digests older than `newest` are returned.
    fn cadence_before(
        &self,
        next: &CheckedDigest,
        newest: Timestamp,
    ) -> Option<(VecDeque<Timestamp>, RegionFolder)> {
        let older_end = match &next.stretch {
            Some(stretch) => stretch.newest.end,
            None => next.read.file().filter(|_| next.is_signed())?.window().end,
        };
        let anchor = self.state.anchor.as_ref().filter(|_| !self.scope.id.backfill)?;
        let record = anchor.record.as_ref().filter(|record| *record.location() != next.place)?;
        let key = DigestKey::parse(record.location()).or_else(|| DigestKey::parse(&next.place))?;
        // In the time between, the trail may have had another chain.
        if key.chain() != self.scope.id {
            return None;
        }
        // An unproved digest between the two may start a chain, and then no digest lay before it.
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

    /// Looks for the digests of a [`WalkStep::FindCadence`] until one exists or none is left.
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

    /// Takes the digest at `location`, which no listing names, into the chain if the digest exists. Otherwise reports
    /// the digest as gone, or as left out. Returns whether the digest exists or was left out.
    fn look_for(&mut self, location: Location, end: Timestamp) -> Result<bool, ProverNeed> {
        let successor = self.state.anchor.as_ref().map(|anchor| anchor.location.clone());
        self.look_for_recorded_by(location, end, successor)
    }

    /// The same for a digest that `successor` records.
    pub(super) fn look_for_recorded_by(
        &mut self,
        location: Location,
        end: Timestamp,
        successor: Option<Location>,
    ) -> Result<bool, ProverNeed> {
        let need = ProverNeed::Digest { location, end };
        let read = match self.answer_to(need.clone())? {
            ProverAnswer::Gone(trace) => {
                let trace = trace.clone();
                return self.judge_gone(need, trace, successor);
            }
            ProverAnswer::Digest(read) => read.as_ref().clone(),
            _ => {
                self.state.leave_out(end);
                return Ok(true);
            }
        };
        self.take_found(need, read)
    }

    /// Judges and enters a digest found by name. Returns `true`.
    pub(super) fn take_found(&mut self, need: ProverNeed, read: ReadDigest) -> Result<bool, ProverNeed> {
        let digest = self.check_next(self.recorded_of(read));
        let judged = self.judge(&digest)?;
        self.enter(digest, judged);
        self.answers.remove(&need);
        if let ProverNeed::Digest { location, .. } = need {
            self.state.named.insert(location);
        }
        Ok(true)
    }

    /// The digest that a copy holds under another name, if its hash is recorded. Other bytes prove nothing.
    fn recorded_of(&self, mut read: ReadDigest) -> ReadDigest {
        let renamed = std::mem::take(&mut read.renamed);
        let record = self.state.anchor.as_ref().and_then(|anchor| anchor.record.as_ref());
        let is_recorded = |other: &ReadDigest| {
            other.file().is_some_and(|file| {
                let mut heads = self.remembered_at(file.location());
                record.is_some_and(|record| record.proves(file)) || heads.any(|head| head.hash == file.hash())
            })
        };
        renamed.into_iter().find(is_recorded).unwrap_or(read)
    }

    /// Judges a digest that the chain implies, by the record of `successor`, and GET does not find.
    pub(super) fn judge_gone(
        &mut self,
        need: ProverNeed,
        trace: Trace,
        successor: Option<Location>,
    ) -> Result<bool, ProverNeed> {
        let ProverNeed::Digest { location, end } = &need else { return Ok(false) };
        let (location, end) = (location.clone(), *end);
        let version = trace.version().map(str::to_owned);
        self.state.named.insert(location.clone());
        let fault = match self.remembered_at(&location).next() {
            Some(head) => Fault::RememberedGone { trace, run: head.run.clone() },
            None => Fault::DigestGone(trace),
        };
        let mut finding = Finding::new(fault, end);
        finding.actual = version;
        if finding.severity < Severity::Tampered {
            // The store contradicts itself, which proves nothing: the digest counts as unreadable.
            let found = vec![finding];
            self.enter_unread(location, end, found);
            return Ok(true);
        }
        // The digest is missing or deleted: report its hour and its successor as evidence.
        let window = ChainScope::hour_before(end);
        let mut finding = finding.about(&location).over(window);
        finding.digest = successor.map(|successor| successor.to_string());
        self.report(finding);
        self.count_digest(end, &location, ObjectState::Tampered);
        self.state.missing.push(window);
        self.state.remembered.retain(|head| head.location != location);
        Ok(false)
    }

    /// Whether a listing names the digest at `location` in this chain, or the digest was looked for by name. A listed
    /// digest newer than the last one taken was taken before, and is not taken twice: backfill digests may follow in
    /// any order.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        if self.state.named.contains(location) {
            return true;
        }
        let copy = self.scope.relocations.iter().find_map(|moved| moved.copy_of(location));
        self.lists(copy.as_ref().unwrap_or(location))
    }

    /// Compares a digest that was taken before its successor with the successor's record. Only a signed digest is
    /// compared: a network may have changed other bytes, which are judged in the digest's own turn.
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
        finding.content = Some(content_of(file.hash(), digest.read.signature.as_deref()));
        self.report(finding);
        Ok(())
    }
}
