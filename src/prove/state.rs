//! The state of a chain during the walk, and the counts of its objects.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::hashed::HashedLogs;
use super::marks::TimelineMarks;
use super::scope::ListedDigest;
use super::signatures::{MAX_BETWEEN, recorded_signature};
use super::stretch::RememberedStretch;
use crate::chain::Record;
use crate::digest::DigestFile;
use crate::event::{Counts, Finding, ObjectState, RememberedTime, UsedKey};
use crate::ident::{Location, RegionFolder, Sha256Hash};
use crate::time::{HOUR, Interval, Timestamp};

/// A proved digest that no newer proved digest of the asked range records, for the next run to [remember](RememberedHead). A chain without
/// gaps has one head, its newest digest. Each gap leaves the digest before the gap as a further head: no link leads back
/// to that digest, so only memory shows its deletion.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChainHead {
    /// Where CloudTrail delivered the digest.
    pub location: Location,
    /// The digest's end.
    pub end: Timestamp,
    /// SHA-256 of the inflated content.
    pub hash: Sha256Hash,
    /// The digest's signature, hex.
    pub signature: Option<Box<str>>,
}

/// A digest that an earlier run proved and remembered outside the bucket: a record, like a successor's record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RememberedHead {
    /// Where the digest lies.
    pub location: Location,
    /// The digest's end.
    pub end: Timestamp,
    /// SHA-256 of the inflated content.
    pub hash: Sha256Hash,
    /// The digest's signature, hex.
    pub signature: Option<Box<str>>,
    /// The run that proved the digest, as named in a report.
    pub run: String,
}

/// The state of a chain.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct ChainState {
    /// Listed digests, newest first.
    pub(super) listed: Vec<ListedDigest>,
    /// Digests that no listing names and that were looked for by name, whether found or not: where they belong.
    pub(super) named: BTreeSet<Location>,
    /// Folders that the chain came from and that were not asked for.
    pub(super) followed: Vec<RegionFolder>,
    /// Heads of earlier runs that were not met yet, newest first.
    pub(super) remembered: Vec<RememberedHead>,
    /// The ends of all remembered digests, in order, met or not.
    pub(super) remembered_ends: BTreeSet<Timestamp>,
    /// Stretches of remembered digests that were not met yet.
    pub(super) stretches: Vec<RememberedStretch>,
    /// Stretches of remembered digests that were met, newest first.
    pub(super) passed: Vec<RememberedTime>,

    /// The nearest newer proved digest.
    pub(super) anchor: Option<ChainAnchor>,
    /// Place and signature of the predecessor, as recorded in the last [`MAX_BETWEEN`] parsed digests, proved or not.
    /// The record of the oldest digest comes first.
    pub(super) recorded: VecDeque<Option<(Location, Box<str>)>>,
    /// Whether a digest since the anchor exists and is unproved.
    pub(super) doubtful: bool,
    /// Proved digests between the anchor and its recorded predecessor, newest first, until the predecessor is met.
    pub(super) overlaps: VecDeque<OverlappingDigest>,

    /// Backfill digests that a proved digest records out of the order of time, each with its successor. What no listing
    /// names of them is looked for at the end.
    pub(super) recorded_apart: Vec<(Location, Location)>,

    /// The newest proved digest, asked for or not: its end and the index of its folder.
    pub(super) newest: Option<(Timestamp, u32)>,
    /// The heads of the asked range for the next run to remember, newest first. Of a backfill chain every digest.
    pub(super) heads: Vec<ChainHead>,
    /// The oldest proved digest of the asked range.
    pub(super) oldest: Option<ChainHead>,
    /// Remembered heads that exist unchanged, and that a newer proved digest records: the newer digest implies them.
    pub(super) linked: Vec<Location>,
    /// Windows of proved digests that overlap the asked range.
    pub(super) covered: Vec<Interval>,
    /// Windows of proved digests, asked for or not, by folder.
    pub(super) covered_in: BTreeMap<u32, Vec<Interval>>,
    /// Windows of missing digests.
    pub(super) missing: Vec<Interval>,
    /// Hours of existing, unproved digests.
    pub(super) unproved: Vec<Interval>,
    /// Proved digests that start a chain.
    pub(super) restarts: Vec<ChainStart>,
    /// Marks for the timeline.
    pub(super) marks: TimelineMarks,
    /// The stretch left out because the run ends early: everything older than its end.
    pub(super) left: Option<Interval>,
    /// A digest moved by a named move: its location, its delivery place, and the count of moved digests.
    pub(super) relocated: Option<(Location, Location, u64)>,
    /// When CloudTrail delivered a digest newer than the newest existing digest.
    pub(super) newer_delivered: Option<Timestamp>,
    /// The folders with a digest of the asked range, proved or not.
    pub(super) answered: BTreeSet<u32>,
    /// Whether any digest was judged.
    pub(super) begun: bool,

    /// The findings.
    pub(super) findings: Vec<Finding>,
    /// The keys that verified a digest.
    pub(super) keys: BTreeSet<UsedKey>,
    pub(super) counts: Counts,
    pub(super) digests: u64,
    /// Log files that only unproved digests list.
    pub(super) logs: u64,
    /// The state of every digest, if the request asks for every object.
    pub(super) objects: Vec<(Timestamp, String, ObjectState)>,
    /// Log files that only unproved digests list.
    pub(super) claims: Vec<ClaimedLogs>,
    /// How many of the claims took their [room](super::ClaimRoom).
    pub(super) roomed_claims: usize,
    /// The results of hashed log files, apart from all that the digests alone show.
    pub(super) hashed: HashedLogs,
}

/// A proved digest whose predecessor is awaited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChainAnchor {
    pub(super) location: Location,
    pub(super) window: Interval,
    /// The recorded predecessor; `None` for a digest that starts a chain.
    pub(super) record: Option<Record>,
    /// Whether the recorded predecessor was met, or is known as missing.
    pub(super) resolved: bool,
    /// Whether the next run will know the digest: as a head, or because newer digests up to a head record each other.
    pub(super) known_later: bool,
}

/// A proved digest that starts a chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChainStart {
    /// The digest's end. CloudTrail writes the digest for the hour before logging began, so the digest covers nothing
    /// before its end.
    pub(super) end: Timestamp,
    pub(super) location: Location,
    /// Whether the window overlaps the asked range.
    pub(super) asked: bool,
}

/// A proved digest between the anchor and the anchor's recorded predecessor. If the predecessor starts a chain, the
/// overlapping digest belongs to the chain that was stopped before: the last digest of a stopped chain may end after
/// logging began anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OverlappingDigest {
    pub(super) note: DigestNote,
    /// The signature in the metadata.
    pub(super) signature: Option<String>,
    /// The values that a record of this digest has to fit.
    pub(super) facts: DigestFacts,
    pub(super) found: Vec<Finding>,
    pub(super) anchor: ChainAnchor,
}

/// The digest that a finding is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DigestNote {
    pub(super) location: Location,
    pub(super) end: Timestamp,
    /// Whether the window overlaps the asked range.
    pub(super) asked: bool,
    /// The digest that records this digest.
    pub(super) successor: Option<Location>,
}

/// The values of a digest that a record is compared with.
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
    /// The state of a chain of which only the listing is known.
    #[must_use]
    pub fn listing(mut listed: Vec<ListedDigest>) -> Self {
        listed.sort_unstable_by(|one, other| other.cmp(one));
        listed.dedup();
        Self { listed, ..Self::default() }
    }

    /// The listed digests, newest first.
    #[must_use]
    pub fn listed(&self) -> &[ListedDigest] {
        &self.listed
    }

    /// The end of the newest proved hourly digest, and the index of its folder.
    #[must_use]
    pub const fn newest(&self) -> Option<(Timestamp, u32)> {
        self.newest
    }

    /// The windows of proved digests in `folder`, asked for or not.
    #[must_use]
    pub fn covered_in(&self, folder: u32) -> &[Interval] {
        self.covered_in.get(&folder).map_or(&[], Vec::as_slice)
    }

    /// The windows of all proved digests of a chain with such a digest in `folder`, wherever the others lie: a log file in
    /// the folder from which a trail moved, or to which it moved later, is in covered time too.
    pub(crate) fn covered_with(&self, folder: u32) -> impl Iterator<Item = Interval> {
        let is_here = !self.covered_in(folder).is_empty();
        let all = self.covered_in.values().flatten().chain(&self.covered);
        all.copied().filter(move |_| is_here)
    }

    /// Whether a digest of the asked range lies in `folder`, proved or not.
    #[must_use]
    pub fn has_digest_in(&self, folder: u32) -> bool {
        self.answered.contains(&folder)
    }

    /// The number of digests in the asked range, known missing digests included.
    #[must_use]
    pub const fn digests(&self) -> u64 {
        self.digests
    }

    /// Whether any digest was judged.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether digests were left out because the run ends early.
    #[must_use]
    pub const fn has_left_out(&self) -> bool {
        self.left.is_some()
    }

    /// Leaves out a digest and all older digests, because the run ends early.
    pub(super) fn leave_out(&mut self, end: Timestamp) {
        let left = self.left.get_or_insert(Interval { start: end, end });
        left.start = left.start.min(end.plus(-HOUR));
        left.end = left.end.max(end);
    }

    /// Stores the place and signature that a parsed digest records of its predecessor.
    pub(super) fn note_record(&mut self, file: &DigestFile) {
        self.recorded.push_front(recorded_signature(file));
        self.recorded.truncate(MAX_BETWEEN);
    }
}

/// The step of the walk for the next older digest, or for the end of the chain. A step is done whole or not at all: a
/// step that lacks an answer is repeated when the answer has arrived.
#[derive(Clone, Debug)]
pub(super) enum WalkStep {
    /// Look by name for the predecessors that newer digests record.
    FindNamed {
        /// The end of the last digest looked for: the next has to be older.
        newest: Timestamp,
        /// The end of the last digest found by cadence: the next has to be older.
        cadence: Timestamp,
    },
    /// Look by name for the digests that an unbroken cadence implies.
    FindCadence {
        /// The ends of the digests, newest first.
        ends: VecDeque<Timestamp>,
        folder: RegionFolder,
    },
    /// Take the next listed digest itself.
    TakeDigest,
}

impl Default for WalkStep {
    fn default() -> Self {
        let latest = Timestamp::from_unix(i64::MAX);
        Self::FindNamed { newest: latest, cadence: latest }
    }
}

/// The log files that an unproved digest lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClaimedLogs {
    pub(super) digest: Location,
    pub(super) at: Timestamp,
    /// Each log file, if the digest lists few.
    pub(super) named: Vec<Location>,
    /// [`reference`]s of all log files, if the digest lists many.
    pub(super) hashed: Vec<u128>,
    /// The number of all log files, if there was no [room](super::ClaimRoom) for any name or reference.
    pub(super) counted: u64,
}
