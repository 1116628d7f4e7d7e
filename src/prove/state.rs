//! What is known of a chain while it is walked, and how its objects are counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::marks::TimelineMarks;
use super::scope::ListedDigest;
use super::signatures::{MAX_BETWEEN, recorded_signature};
use crate::chain::Record;
use crate::digest::DigestFile;
use crate::event::{Counts, Finding, ObjectState, ObjectType, UsedKey};
use crate::ident::{Location, RegionFolder, Sha256Hash};
use crate::time::{HOUR, Interval, Timestamp};

/// The newest proved digest of a chain, as the next run may [remember](RememberedHead) it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChainHead {
    /// Where it was delivered.
    pub location: Location,
    /// Its end.
    pub end: Timestamp,
    /// SHA-256 of its content, inflated.
    pub hash: Sha256Hash,
    /// Its signature, hex.
    pub signature: Option<Box<str>>,
}

/// A digest that an earlier run proved, and remembered outside the bucket: a record like a successor's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RememberedHead {
    /// Where it lies.
    pub location: Location,
    /// Its end.
    pub end: Timestamp,
    /// SHA-256 of its content, inflated.
    pub hash: Sha256Hash,
    /// Its signature, hex.
    pub signature: Option<Box<str>>,
    /// The run that proved it, as a report names it.
    pub run: String,
}

/// Everything that is known of a chain.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct ChainState {
    /// Its listed digests, newest first.
    pub(super) listed: Vec<ListedDigest>,
    /// Folders that were not asked for and that the chain came from.
    pub(super) followed: Vec<RegionFolder>,
    /// Heads of earlier runs that were not met yet, newest first.
    pub(super) remembered: Vec<RememberedHead>,

    /// The nearest newer digest that is proved.
    pub(super) anchor: Option<ChainAnchor>,
    /// What the last [`MAX_BETWEEN`] digests that could be parsed, proved or not, record of their predecessors, the oldest
    /// digest's first: where it lies, and its signature.
    pub(super) recorded: VecDeque<Option<(Location, Box<str>)>>,
    /// Whether a digest since the anchor is there, but not proved.
    pub(super) doubtful: bool,
    /// Proved digests that the anchor leaves no room for, newest first, until the digest before the anchor is met.
    pub(super) overlaps: VecDeque<OverlappingDigest>,

    /// The newest digest that is proved, asked for or not, and which of the chain's folders it lies in.
    pub(super) newest: Option<(Timestamp, u32)>,
    /// The newest proved digest of the asked range, as the next run may remember it.
    pub(super) head: Option<ChainHead>,
    /// Windows of proved digests that overlap the asked range.
    pub(super) covered: Vec<Interval>,
    /// Of each folder, the windows of proved digests there, asked for or not.
    pub(super) covered_in: BTreeMap<u32, Vec<Interval>>,
    /// Windows of digests that are known to be gone.
    pub(super) missing: Vec<Interval>,
    /// Hours of digests that are there and not proved.
    pub(super) unproved: Vec<Interval>,
    /// Proved digests that start a chain.
    pub(super) restarts: Vec<ChainStart>,
    /// What is noted for the timeline.
    pub(super) marks: TimelineMarks,
    /// The stretch of digests that were left out since the run ends early: everything older than its end.
    pub(super) left: Option<Interval>,
    /// A digest that lies elsewhere than recorded, by a move that was named, where it belongs, and how many there are.
    pub(super) relocated: Option<(Location, Location, u64)>,
    /// When CloudTrail delivered a digest that is newer than the newest one there.
    pub(super) newer_delivered: Option<Timestamp>,
    /// The folders in which a digest of the asked range lies, proved or not.
    pub(super) answered: BTreeSet<u32>,
    /// Whether any digest was judged.
    pub(super) begun: bool,

    /// What was found.
    pub(super) findings: Vec<Finding>,
    /// The keys that verified a digest.
    pub(super) keys: BTreeSet<UsedKey>,
    pub(super) counts: Counts,
    pub(super) digests: u64,
    pub(super) logs: u64,
    /// The state of every object, where that was asked for.
    pub(super) objects: Vec<(Timestamp, ObjectType, String, ObjectState)>,
    /// Log files that digests which are not proved claim to list.
    pub(super) claims: Vec<ClaimedLogs>,
    /// How many log files were not read since the run ends early, and the end of the oldest digest that lists one.
    pub(super) unread_logs: Option<(u64, Timestamp)>,
}

/// A proved digest whose predecessor is awaited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChainAnchor {
    pub(super) location: Location,
    pub(super) window: Interval,
    /// What it records; `None` where it starts a chain.
    pub(super) record: Option<Record>,
    /// Whether the recorded predecessor was met, or is known to be gone.
    pub(super) resolved: bool,
}

/// A proved digest that starts a chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChainStart {
    /// Its end: CloudTrail writes it for the hour before logging began, so that it covers nothing before.
    pub(super) end: Timestamp,
    pub(super) location: Location,
    /// Whether its window overlaps the asked range.
    pub(super) asked: bool,
}

/// A proved digest that lies between the anchor and the digest that the anchor records. Where that one starts a chain, this
/// one is of the chain that was stopped before: its last digest may end after logging began anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OverlappingDigest {
    pub(super) note: DigestNote,
    /// The signature in its metadata.
    pub(super) signature: Option<String>,
    /// What a record of it has to fit.
    pub(super) facts: DigestFacts,
    pub(super) found: Vec<Finding>,
    pub(super) anchor: ChainAnchor,
}

/// A digest that a finding is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DigestNote {
    pub(super) location: Location,
    pub(super) end: Timestamp,
    /// Whether its window overlaps the asked range.
    pub(super) asked: bool,
    /// The digest that records it.
    pub(super) successor: Option<Location>,
}

/// What a record says of a digest is held against.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct DigestFacts {
    pub(super) hash: Sha256Hash,
    pub(super) window: Interval,
}

impl DigestFacts {
    pub(super) const fn of(file: &DigestFile) -> Self {
        Self { hash: file.hash(), window: file.window() }
    }
}

impl ChainState {
    /// Nothing but what a listing shows.
    #[must_use]
    pub fn listing(mut listed: Vec<ListedDigest>) -> Self {
        listed.sort_unstable_by(|one, other| other.cmp(one));
        listed.dedup();
        Self { listed, ..Self::default() }
    }

    /// The digests that listings name, newest first.
    #[must_use]
    pub fn listed(&self) -> &[ListedDigest] {
        &self.listed
    }

    /// The newest end of a proved hourly digest, and which of the chain's folders it lies in.
    #[must_use]
    pub const fn newest(&self) -> Option<(Timestamp, u32)> {
        self.newest
    }

    /// The windows of proved digests in `folder`, asked for or not.
    #[must_use]
    pub fn covered_in(&self, folder: u32) -> &[Interval] {
        self.covered_in.get(&folder).map_or(&[], Vec::as_slice)
    }

    /// Whether a digest of the asked range lies in `folder`, proved or not.
    #[must_use]
    pub fn has_digest_in(&self, folder: u32) -> bool {
        self.answered.contains(&folder)
    }

    /// How many digests of the asked range there are, those that are known to be missing included.
    #[must_use]
    pub const fn digests(&self) -> u64 {
        self.digests
    }

    /// Whether any digest was judged.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether digests were left out, since the run ends early.
    #[must_use]
    pub const fn has_left_out(&self) -> bool {
        self.left.is_some()
    }

    /// Leaves a digest out, and with it all older ones, since the run ends early.
    pub(super) fn leave_out(&mut self, end: Timestamp) {
        let left = self.left.get_or_insert(Interval { start: end, end });
        left.start = left.start.min(end.plus(-HOUR));
        left.end = left.end.max(end);
    }

    /// Notes what a digest that could be parsed records of its predecessor.
    pub(super) fn note_record(&mut self, file: &DigestFile) {
        self.recorded.push_front(recorded_signature(file));
        self.recorded.truncate(MAX_BETWEEN);
    }
}

/// Which step the next older digest, or the end of the chain, is at. Each action is done whole or not at all, so that a
/// step that lacks an answer is taken again when the answer is there.
#[derive(Clone, Debug)]
pub(super) enum WalkStep {
    /// What its newer neighbours record as their predecessor is looked for by name.
    FindNamed {
        /// The end of the last one that was looked for: the next has to be older.
        newest: Timestamp,
        /// The end of the last one that the cadence led to: the next that it leads to has to be older.
        cadence: Timestamp,
    },
    /// What an unbroken cadence puts before it is looked for by name.
    FindCadence {
        /// The ends of the digests, newest first.
        ends: VecDeque<Timestamp>,
        folder: RegionFolder,
    },
    /// It is taken itself.
    TakeDigest,
}

impl Default for WalkStep {
    fn default() -> Self {
        let latest = Timestamp::from_unix(i64::MAX);
        Self::FindNamed { newest: latest, cadence: latest }
    }
}

/// The log files that a digest which is not proved claims to list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClaimedLogs {
    pub(super) digest: Location,
    pub(super) at: Timestamp,
    /// Each log file, where they are few.
    pub(super) named: Vec<Location>,
    /// [`reference`]s of all of them, where they are many.
    pub(super) hashed: Vec<u128>,
}
