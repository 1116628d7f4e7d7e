//! Stretches of a chain that earlier runs proved whole and whose listing is unchanged. Nothing of a stretch is read: the
//! chain goes on from what memory has of its newest and its oldest digest.
//!
//! The newer digest has to record the newest digest of the stretch, and the oldest digest of the stretch is a record of
//! the digest before it. The links within were proved by the earlier run. A stretch that the newer digest does not fit
//! is read in full, and judged like any digest.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::coverage::push_window;
use super::prover::ChainProver;
use super::read::ReadDigest;
use super::scope::ListedDigest;
use super::signatures::CheckedDigest;
use super::state::{ChainAnchor, ChainHead, ChainStart};
use crate::chain::Record;
use crate::event::RememberedTime;
use crate::ident::{Location, Sha256Hash};
use crate::time::{Interval, Timestamp};

/// A stretch of remembered digests, each recorded by the next without a gap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RememberedStretch {
    /// The newest digest.
    pub newest: StretchEdge,
    /// The oldest digest.
    pub oldest: StretchEdge,
    /// Start of the oldest digest.
    pub start: Timestamp,
    /// Location and hash of the digest before the oldest digest; `None` if the oldest digest starts the chain.
    pub previous: Option<(Location, Sha256Hash)>,
    /// The listed digests, oldest first.
    pub digests: Vec<ListedDigest>,
    /// The number of log files that the digests list.
    pub logs: u64,
    /// Every object was read by a run that began at this time or later.
    pub read: Timestamp,
}

/// The newest or the oldest digest of a stretch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StretchEdge {
    /// Where the digest lies.
    pub location: Location,
    /// The digest's end.
    pub end: Timestamp,
    /// SHA-256 of the inflated content.
    pub hash: Sha256Hash,
}

impl StretchEdge {
    fn as_head(&self) -> ChainHead {
        let Self { location, end, hash } = self.clone();
        ChainHead { location, end, hash, signature: None }
    }
}

impl CheckedDigest {
    /// The place of a stretch among the digests of the walk.
    fn of_stretch(stretch: RememberedStretch) -> Self {
        let StretchEdge { location, end, .. } = stretch.newest.clone();
        let (place, read) = (location.clone(), ReadDigest::gone(location, end));
        Self { read, place, recorded: Vec::new(), proof: None, stretch: Some(Box::new(stretch)) }
    }
}

impl ChainProver {
    /// Adds stretches of remembered digests. The prover has to be [resumed](ChainProver::resume) with the other listed
    /// digests to read.
    pub fn pass_over(&mut self, stretches: Vec<RememberedStretch>) {
        self.state.stretches.extend(stretches);
        self.state.stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.newest.end));
    }

    /// Puts the next stretch before the pending digests, once no newer digest is left to judge or to read.
    pub(super) fn await_stretch(&mut self) {
        let newer = self.pending.front().map(CheckedDigest::end);
        let newer = newer.max(self.to_read.front().map(|listed| listed.end));
        let Some(stretch) = self.state.stretches.first() else { return };
        if newer.is_none_or(|newer| stretch.newest.end > newer) {
            let stretch = self.state.stretches.remove(0);
            self.pending.push_front(CheckedDigest::of_stretch(stretch));
        }
    }

    /// Enters a stretch into the chain, or leaves its digests to be read.
    pub(super) fn enter_stretch(&mut self, stretch: RememberedStretch) {
        if !self.follows(&stretch) {
            let mut to_read: VecDeque<ListedDigest> = stretch.digests.into_iter().rev().collect();
            to_read.append(&mut self.to_read);
            self.to_read = to_read;
            return;
        }
        let RememberedStretch { newest, oldest, start, previous, digests, logs, read } = stretch;
        let anchor = self.state.anchor.as_ref();
        let awaited = anchor.and_then(|anchor| anchor.record.as_ref());
        let is_awaited = awaited.is_some_and(|record| *record.location() == newest.location);
        let is_implied = is_awaited && anchor.is_some_and(|anchor| anchor.known_later);
        // 1. Rule 4: the stretch is covered, but for the digest that starts a chain.
        let starts = previous.is_none();
        let between = Interval { start: if starts { oldest.end } else { start }, end: newest.end };
        let folder = digests.first().map_or(0, |listed| listed.folder);
        self.state.begun = true;
        self.state.answered.insert(folder);
        self.state.newest = self.state.newest.max(Some((newest.end, folder)));
        if between.seconds() > 0 {
            push_window(&mut self.state.covered, between);
            push_window(self.state.covered_in.entry(folder).or_default(), between);
        }
        if starts {
            let start = ChainStart { end: oldest.end, location: oldest.location.clone(), asked: true };
            self.state.restarts.push(start);
        }
        // 2. Its objects are counted as remembered.
        if self.scope.selected {
            let count = digests.len() as u64;
            let counts = &mut self.state.counts;
            counts.digests.remembered = counts.digests.remembered.saturating_add(count);
            counts.logs.remembered = counts.logs.remembered.saturating_add(logs);
            self.state.digests = self.state.digests.saturating_add(count);
            self.state.logs = self.state.logs.saturating_add(logs);
            self.state.passed.push(RememberedTime { start: between.start, end: between.end, read });
        }
        // 3. Heads of earlier runs in the stretch are met: newer digests record them, link by link.
        let is_within = |end: Timestamp| oldest.end <= end && end <= newest.end;
        let met = self.state.remembered.extract_if(.., |head| is_within(head.end));
        let met: Vec<Location> = met.map(|head| head.location).collect();
        let is_linked = |location: &Location| is_implied || *location != newest.location;
        self.state.linked.extend(met.into_iter().filter(is_linked));
        if !is_implied {
            self.state.heads.push(newest.as_head());
        }
        if self.state.oldest.as_ref().is_none_or(|known| oldest.end < known.end) {
            self.state.oldest = Some(oldest.as_head());
        }
        // 4. Rule 2: the digest before the stretch is awaited next.
        self.state.recorded.push_front(None);
        let record = previous.map(|(location, hash)| {
            Record::of_remembered_digest(location, hash, oldest.location.clone(), start)
        });
        let resolved = record.as_ref().is_some_and(|record| self.is_of_another_chain(record));
        let window = Interval { start, end: oldest.end };
        let anchor = ChainAnchor { location: oldest.location, window, record, resolved, known_later: true };
        self.move_anchor(anchor, is_awaited);
    }

    /// Whether the newest digest of a stretch is what the newer digests imply. If nothing newer records it, then it
    /// stands for itself, as a digest with a signature of its own does.
    fn follows(&self, stretch: &RememberedStretch) -> bool {
        let Some(anchor) = &self.state.anchor else { return self.state.overlaps.is_empty() };
        let fits = match &anchor.record {
            Some(record) if *record.location() == stretch.newest.location => {
                record.hash() == Some(stretch.newest.hash)
            }
            Some(_) => anchor.resolved,
            None => true,
        };
        fits && self.state.overlaps.is_empty() && stretch.newest.end <= anchor.window.start
    }
}
