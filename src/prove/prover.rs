//! The prover as a value: its state, its inputs and its outputs.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest as _, Sha256};

use super::need::{ProverAnswer, ProverNeed};
use super::scope::{ChainScope, ListedDigest};
use super::signatures::CheckedDigest;
use super::state::{ChainState, RememberedHead, WalkStep};
use crate::chain::ProvedDigest;
use crate::event::{Finding, ObjectState};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::time::{HOUR, Timestamp};

/// 128 bits of the SHA-256 of a location. A million of them fit in 16 MB, and two locations with the same reference
/// cannot be made.
#[must_use]
pub fn reference(location: &Location) -> u128 {
    let hash = Sha256::new()
        .chain_update(&*location.bucket)
        .chain_update("/")
        .chain_update(&*location.key)
        .finalize();
    hash.iter().take(16).fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

/// A proved digest, whose log files are the prover's next inputs.
#[derive(Debug)]
pub struct ProvedDigestLogs {
    /// The digest.
    pub digest: ProvedDigest,
    /// Whether the log files belong to the run. The log files of a neighbour, or of a chain that was not asked for, are
    /// only known as listed.
    pub counted: bool,
    /// Where a copy holds the digest, if the digest does not lie in its place.
    pub lies: Option<Location>,
}

/// Judges one chain. See the [module](crate::prove).
#[derive(Debug)]
pub struct ChainProver {
    pub(super) scope: ChainScope,
    pub(super) state: ChainState,
    /// Digests that were read and are not judged yet, newest first.
    pub(super) pending: VecDeque<CheckedDigest>,
    /// Listed digests that were not taken yet, newest first.
    pub(super) to_read: VecDeque<ListedDigest>,
    pub(super) walk_step: WalkStep,
    pub(super) answers: BTreeMap<ProverNeed, ProverAnswer>,
    pub(super) proved: Vec<ProvedDigestLogs>,
}

impl ChainProver {
    /// A chain with the digests `listed` in a listing.
    #[must_use]
    pub fn new(scope: ChainScope, listed: Vec<ListedDigest>) -> Self {
        Self::resume(scope, ChainState::listing(listed.clone()), listed)
    }

    /// Resumes a chain from [`ChainProver::state`], with the digests `to_read` still to be taken.
    #[must_use]
    pub fn resume(scope: ChainScope, state: ChainState, mut to_read: Vec<ListedDigest>) -> Self {
        to_read.sort_unstable_by(|one, other| other.cmp(one));
        // A listing may name an object twice.
        to_read.dedup();
        Self {
            scope,
            state,
            pending: VecDeque::new(),
            to_read: to_read.into(),
            walk_step: WalkStep::default(),
            answers: BTreeMap::new(),
            proved: Vec::new(),
        }
    }

    /// The state of the chain, to be stored and [resumed](ChainProver::resume) elsewhere, with the digests still to be
    /// read. `None` while a taken digest waits for an answer.
    ///
    /// Trust a state like a key: whoever can write the state decides what is proved. A state never comes from the
    /// evidence.
    #[must_use]
    pub fn state(&self) -> Option<(&ChainState, &VecDeque<ListedDigest>)> {
        (self.pending.is_empty() && self.proved.is_empty()).then_some((&self.state, &self.to_read))
    }

    /// Adds heads that an earlier run proved and remembered. Each head is a record, like a successor's record: the
    /// digest has to exist with the remembered hash, and the next digest has to link to it.
    pub fn remember(&mut self, heads: impl IntoIterator<Item = RememberedHead>) {
        self.state.remembered.extend(heads);
        let ends = self.state.remembered.iter().map(|head| head.end);
        self.state.remembered_ends.extend(ends);
        self.state.remembered.sort_by_key(|head| std::cmp::Reverse(head.end));
    }

    /// The chain.
    #[must_use]
    pub const fn id(&self) -> &ChainId {
        &self.scope.id
    }

    /// Whether the chain was asked for.
    #[must_use]
    pub const fn is_selected(&self) -> bool {
        self.scope.selected
    }

    /// The digests to read next, newest first. [`ChainProver::location_of`] returns the location of a digest.
    pub fn to_read(&self) -> impl Iterator<Item = ListedDigest> {
        self.to_read.iter().copied()
    }

    /// How many listed digests are still to be read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.to_read.len()
    }

    /// Where a listed digest lies.
    #[must_use]
    pub fn location_of(&self, listed: ListedDigest) -> Location {
        match self.folder(listed.folder) {
            Some(folder) => self.scope.digest_location(folder, listed.end),
            None => Location::new("", ""),
        }
    }

    pub(super) fn folder(&self, index: u32) -> Option<&RegionFolder> {
        let index = index as usize;
        let followed = || self.state.followed.get(index.checked_sub(self.scope.folders.len())?);
        self.scope.folders.get(index).or_else(followed)
    }

    /// The index of the chain's folder that holds the digest at `location`, by its key.
    pub(super) fn folder_of(&self, location: &Location) -> Option<u32> {
        self.index_of(&DigestKey::parse(location)?.folder)
    }

    pub(super) fn index_of(&self, folder: &RegionFolder) -> Option<u32> {
        let mut known = self.scope.folders.iter().chain(&self.state.followed);
        known.position(|known| known == folder).and_then(|index| u32::try_from(index).ok())
    }

    /// Takes the next digests of [`ChainProver::to_read`], checked, in the same order.
    pub fn take(&mut self, digests: impl IntoIterator<Item = CheckedDigest>) {
        for digest in digests {
            self.to_read.pop_front();
            // Digests of a stretch that does not fit are read after older digests.
            let older = self.pending.iter().position(|other| other.end() < digest.end());
            self.pending.insert(older.unwrap_or(self.pending.len()), digest);
        }
    }

    /// Judges as many digests as possible, and returns all needs. An empty list means that the prover is done with its
    /// input. The first need blocks the prover; the rest are likely next needs.
    pub fn advance(&mut self) -> Vec<ProverNeed> {
        match self.walk() {
            Ok(()) => {
                self.answers.clear();
                Vec::new()
            }
            Err(first) => self.with_likely_needs(first),
        }
    }

    /// Stores the answer to a need.
    pub fn answer(&mut self, need: ProverNeed, answer: ProverAnswer) {
        self.answers.insert(need, answer);
    }

    /// The digests that were proved since the last call. Read the log files of the counted digests, and pass each
    /// result to [`ChainProver::log`].
    pub fn take_proved(&mut self) -> Vec<ProvedDigestLogs> {
        std::mem::take(&mut self.proved)
    }

    /// Whether every digest to read was judged, and remembered heads or stretches are still to be met. A chain that is
    /// gone from the listings has nothing to read and is due at once.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.to_read.is_empty()
            && self.pending.is_empty()
            && !(self.state.remembered.is_empty() && self.state.stretches.is_empty())
            && !self.state.has_left_out()
    }

    /// Leaves out all unjudged digests, because the run ends early.
    pub fn leave_out_rest(&mut self) {
        if self.is_due() {
            let ends: Vec<Timestamp> = self.state.remembered.iter().map(|head| head.end).collect();
            ends.into_iter().for_each(|end| self.state.leave_out(end));
        }
        let stretches = std::mem::take(&mut self.state.stretches);
        stretches.iter().for_each(|stretch| self.state.leave_out(stretch.newest.end));
        let unjudged = self.pending.iter().map(|digest| digest.end());
        let ends: Vec<Timestamp> = unjudged.chain(self.to_read.iter().map(|listed| listed.end)).collect();
        ends.into_iter().for_each(|end| self.state.leave_out(end));
        self.pending.clear();
        self.to_read.clear();
    }

    /// The state of the chain so far.
    #[must_use]
    pub const fn known(&self) -> &ChainState {
        &self.state
    }

    /// Notes that CloudTrail delivered a newer digest at `delivered`, and that the digest is missing.
    pub const fn note_newer_delivered(&mut self, delivered: Timestamp) {
        self.state.newer_delivered = Some(delivered);
    }
}

impl ChainProver {
    /// Where the chain begins by its oldest digest in `folder`: at the end of a digest that starts the chain, otherwise
    /// an hour before. `None` for backfill digests, and for a folder without digests.
    #[must_use]
    pub fn begins_in(&self, folder: u32) -> Option<Timestamp> {
        let here =
            self.state.listed.iter().filter(|listed| listed.folder == folder && !self.scope.id.backfill);
        let oldest = here.map(|listed| listed.end).min()?;
        let starts = self.state.restarts.iter().any(|start| start.end == oldest);
        Some(if starts { oldest } else { oldest.plus(-HOUR) })
    }

    /// Adds a finding on this chain.
    pub(crate) fn report(&mut self, finding: Finding) {
        if self.scope.selected {
            self.state.findings.push(finding.of_chain(&self.scope.id));
        }
    }

    /// Counts one digest of a selected chain, and keeps its state if the request asks for every object.
    pub(super) fn count_digest(&mut self, at: Timestamp, uri: &Location, state: ObjectState) {
        if !self.scope.selected {
            return;
        }
        let digests = &mut self.state.counts.digests;
        *match state {
            ObjectState::Valid => &mut digests.valid,
            ObjectState::Tampered => &mut digests.tampered,
            ObjectState::Unverified => &mut digests.unverified,
        } += 1;
        self.state.digests += 1;
        self.state.marks.note_state(at, state);
        if self.scope.every_object {
            self.state.objects.push((at, uri.to_string(), state));
        }
    }
}
