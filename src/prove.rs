//! The prover: judges one chain of digests, and does nothing else.
//!
//! A [`ChainProver`] has no store, thread, clock, progress bar or English. You give it the digests of one chain as they
//! were read, newest first, with the key that each names. It gives back the digests that it proved, whose log files you
//! hash, and **everything that it needs next, as one batch** of [`Need`]s. At the end it is a [`ChainReport`].
//!
//! The rules are those of this project's design, by number:
//!
//! 1. **A digest is proved** by its own signature, or by a proved newer digest (or a [`RememberedHead`]) that records its
//!    hash: `digest`, `signatures`.
//! 2. **The chain is proved** link by link: what a digest records of its predecessor is what lies there: `order`,
//!    `overlap`.
//! 3. **A log file is proved** by a proved digest that lists its SHA-256: `log`.
//! 4. **Coverage is proved**: proved digests tile the asked interval; a digest that starts a chain covers nothing before
//!    its end: `coverage`.
//!
//! Nobody is accused on one read: before a fault that accuses, the prover asks for a [`Need::SecondRead`].
//!
//! # The life of a chain
//!
//! ```text
//! new → to_read → check → take → advance ⇄ answer → take_proved → log … → finish
//! ```

mod claims;
mod coverage;
mod digest;
mod log;
mod memory;
mod need;
mod order;
mod overlap;
mod oversized;
mod read;
mod report;
mod signatures;
mod state;
mod timeline;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chain::ProvedDigest;
use crate::ident::{ChainId, DigestKey, Location, RegionFolder, Relocation};
use crate::time::{HOUR, Interval, Range, Timestamp};

pub use claims::reference;
pub use log::LogSeen;
pub use need::{Answer, Need, ReadLimit, SecondRead, Streamed};
pub use read::{Content, ReadDigest, Seen};
pub use report::{ChainHead, ChainReport};
pub use signatures::{CheckedDigest, Proof};
pub use state::{ChainState, RememberedHead};

use order::Phase;

/// A digest that a listing names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ListedDigest {
    /// Its end, from its name.
    pub end: Timestamp,
    /// The folder it lies in: which one of [`ChainScope::folders`], or of those that the chain was followed to, which come
    /// after them.
    pub folder: u32,
}

/// What a chain is judged by: what was asked, and what a listing shows.
#[derive(Clone, Debug)]
pub struct ChainScope {
    /// The chain.
    pub id: ChainId,
    /// Whether the chain was asked for. Of one that was not, only the listed log files matter, and nothing is reported.
    pub selected: bool,
    /// The asked stretch of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Copies that stand for their originals.
    pub relocations: Arc<[Relocation]>,
    /// The digest folders of the region that were asked for.
    pub folders: Arc<[RegionFolder]>,
    /// All chains of the region.
    pub siblings: Arc<BTreeSet<ChainId>>,
    /// Whether to keep the state of every object.
    pub every_object: bool,
    /// Whether to report each log file that is proved.
    pub report_proved: bool,
}

impl ChainScope {
    fn is_asked(&self, window: Interval) -> bool {
        window.overlaps(self.range.interval())
    }

    /// The hour that the digest which ends at `end` is of, as its name gives it.
    fn hour_before(end: Timestamp) -> Interval {
        Interval { start: end.plus(-HOUR), end }
    }

    /// Where CloudTrail delivers the digest of this chain that ends at `end`.
    fn digest_location(&self, folder: &RegionFolder, end: Timestamp) -> Location {
        digest_location(&self.id, folder, end)
    }
}

/// Where CloudTrail delivers the digest of `id` that ends at `end`.
#[must_use]
pub fn digest_location(id: &ChainId, folder: &RegionFolder, end: Timestamp) -> Location {
    let key = DigestKey {
        folder: folder.clone(),
        trail: Arc::clone(&id.trail),
        home_region: Arc::clone(&id.home_region),
        end,
        backfill: id.backfill,
    };
    key.location()
}

/// A proved digest, whose log files are the prover's next inputs.
#[derive(Debug)]
pub struct ProvedDigestLogs {
    /// The digest.
    pub digest: ProvedDigest,
    /// Whether its log files belong to the run. Those of a neighbour, or of a chain that was not asked for, are only known
    /// to be listed.
    pub counted: bool,
}

/// Judges one chain. See the [module](self).
#[derive(Debug)]
pub struct ChainProver {
    scope: ChainScope,
    state: ChainState,
    /// Digests that were read and are not judged yet, newest first.
    pending: VecDeque<CheckedDigest>,
    /// Listed digests that were not taken yet, newest first.
    to_read: VecDeque<ListedDigest>,
    phase: Phase,
    answers: BTreeMap<Need, Answer>,
    proved: Vec<ProvedDigestLogs>,
}

impl ChainProver {
    /// A chain of which a listing names the digests `listed`.
    #[must_use]
    pub fn new(scope: ChainScope, listed: Vec<ListedDigest>) -> Self {
        Self::resume(scope, ChainState::listing(listed.clone()), listed)
    }

    /// The chain as [`ChainProver::state`] left it, with `to_read` still to be taken.
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
            phase: Phase::default(),
            answers: BTreeMap::new(),
            proved: Vec::new(),
        }
    }

    /// Everything that is known of the chain, to be stored and [resumed](ChainProver::resume) elsewhere, with the digests
    /// that are still to be read. `None` while a digest that was taken waits for an answer.
    ///
    /// A state is trusted as a key is: whoever can write it decides what is proved. It never comes from the evidence.
    #[must_use]
    pub fn state(&self) -> Option<(&ChainState, &VecDeque<ListedDigest>)> {
        (self.pending.is_empty() && self.proved.is_empty()).then_some((&self.state, &self.to_read))
    }

    /// Adds heads that an earlier run proved and remembered: each is a record like a successor's. The digest has to be
    /// there with the remembered hash, and the next one has to link to it.
    pub fn remember(&mut self, heads: impl IntoIterator<Item = RememberedHead>) {
        self.state.remembered.extend(heads);
        self.state.remembered.sort_by(|one, other| other.end.cmp(&one.end));
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

    /// The digests to read next, newest first; [`ChainProver::location_of`] tells where each lies.
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

    fn folder(&self, index: u32) -> Option<&RegionFolder> {
        let index = index as usize;
        let followed = || self.state.followed.get(index.checked_sub(self.scope.folders.len())?);
        self.scope.folders.get(index).or_else(followed)
    }

    /// Which of the chain's folders the digest at `location` lies in by its key.
    fn folder_of(&self, location: &Location) -> Option<u32> {
        self.index_of(&DigestKey::parse(location)?.folder)
    }

    fn index_of(&self, folder: &RegionFolder) -> Option<u32> {
        let mut known = self.scope.folders.iter().chain(&self.state.followed);
        known.position(|known| known == folder).and_then(|index| u32::try_from(index).ok())
    }

    /// Takes the next digests of [`ChainProver::to_read`], all of them checked, in that order.
    pub fn take(&mut self, digests: impl IntoIterator<Item = CheckedDigest>) {
        for digest in digests {
            self.to_read.pop_front();
            self.pending.push_back(digest);
        }
    }

    /// Judges what it can, and returns all that it needs to go on; nothing where it is done with what it was given. What
    /// it cannot go on without comes first: the others are what it will most likely ask for next.
    pub fn advance(&mut self) -> Vec<Need> {
        match self.step_on() {
            Ok(()) => {
                self.answers.clear();
                Vec::new()
            }
            Err(first) => self.with_likely_needs(first),
        }
    }

    /// Gives the answer to a need.
    pub fn answer(&mut self, need: Need, answer: Answer) {
        self.answers.insert(need, answer);
    }

    /// The digests that were proved since the last call. The log files of those that are counted are to be read, and
    /// given to [`ChainProver::log`].
    pub fn take_proved(&mut self) -> Vec<ProvedDigestLogs> {
        std::mem::take(&mut self.proved)
    }

    /// Leaves out all that was not judged yet, since the run ends early.
    pub fn leave_rest(&mut self) {
        let unjudged = self.pending.iter().map(|digest| digest.end());
        let ends: Vec<Timestamp> = unjudged.chain(self.to_read.iter().map(|listed| listed.end)).collect();
        ends.into_iter().for_each(|end| self.state.leave(end));
        self.pending.clear();
        self.to_read.clear();
    }

    /// What is known of the chain so far.
    #[must_use]
    pub const fn known(&self) -> &ChainState {
        &self.state
    }

    /// Notes that CloudTrail delivered a newer digest at `delivered`, which is not there.
    pub const fn note_newer_delivered(&mut self, delivered: Timestamp) {
        self.state.newer_delivered = Some(delivered);
    }
}

#[cfg(test)]
mod tests;
