//! One chain while it is walked: what is known of it, what is said of it, what it counts to.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest as _, Sha256};

use super::Request;
use super::timeline::Marks;
use crate::chain::Record;
use crate::digest::DigestFile;
use crate::event::{Counts, Fault, Finding, ObjectState, ObjectType};
use crate::ident::{ChainId, Location};
use crate::time::{HOUR, Interval, Timestamp};

/// How many newer digests may lie between one and its successor for that one's record to be found.
pub(super) const MAX_BETWEEN: usize = 8;

/// How many log files that only an unproved digest lists are named one by one. A forged digest may list a million.
const MAX_NAMED: usize = 1_000;

/// A digest that a listing names: its end and which of its unit's folders it lies in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    pub(super) end: Timestamp,
    pub(super) folder: u32,
}

/// A chain while it is walked.
pub(super) struct Chain {
    pub(super) id: ChainId,
    /// Whether it was asked for. A chain that was not is read for what it lists, and nothing is said of it.
    pub(super) selected: bool,
    /// Its digests, newest first.
    pub(super) entries: Vec<Entry>,
    pub(super) walk: Walk,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) digests: u64,
    pub(super) logs: u64,
    pub(super) objects: Vec<(Timestamp, ObjectType, String, ObjectState)>,
    /// Log files that digests which are not proved claim to list.
    pub(super) claims: Vec<Claims>,
    /// How many log files were not read since the run was to end, and the end of the oldest digest that lists one.
    pub(super) unread: Option<(u64, Timestamp)>,
    /// Of the digests that were written lately, when: by their ends.
    pub(super) written: BTreeMap<Timestamp, Timestamp>,
    /// CloudTrail's word, borne out by a second listing, that it delivered a digest which is not there, and when.
    pub(super) missed: Option<Timestamp>,
}

/// The log files that a digest which is not proved claims to list.
pub(super) struct Claims {
    digest: Location,
    at: Timestamp,
    /// Each log file, where they are few.
    named: Vec<Location>,
    /// [`reference`]s of all of them, where they are many.
    hashed: Vec<u128>,
}

impl Chain {
    pub(super) fn new(id: ChainId, selected: bool, entries: Vec<Entry>) -> Self {
        Self {
            id,
            selected,
            entries,
            walk: Walk::default(),
            findings: Vec::new(),
            counts: Counts::default(),
            digests: 0,
            logs: 0,
            objects: Vec::new(),
            claims: Vec::new(),
            unread: None,
            written: BTreeMap::new(),
            missed: None,
        }
    }

    /// Where the chain begins by its oldest digest in `folder` of its unit: at the end of one that starts it.
    pub(super) fn begins(&self, folder: usize) -> Option<Timestamp> {
        let here = self.entries.iter().filter(|entry| entry.folder as usize == folder && !self.id.backfill);
        let oldest = here.map(|entry| entry.end).min()?;
        let starts = self.walk.restarts.iter().any(|restart| restart.end == oldest);
        Some(if starts { oldest } else { oldest.plus(-HOUR) })
    }

    /// Leaves a digest out, and with it all older ones, since the run is to end.
    pub(super) fn leave(&mut self, end: Timestamp) {
        let left = self.walk.left.get_or_insert(Interval { start: end, end });
        left.start = left.start.min(end.plus(-HOUR));
        left.end = left.end.max(end);
    }

    /// Counts a log file that is left out since the run is to end.
    pub(super) fn leave_log(&mut self, request: &Request, at: Timestamp, log: &Location) {
        self.count(request, ObjectType::Log, at, log, ObjectState::Unverified);
        let (unread, oldest) = self.unread.unwrap_or((0, at));
        self.unread = Some((unread + 1, oldest.min(at)));
    }

    /// Says how many log files were left out.
    pub(super) fn say_unread(&mut self) {
        let Some((count, oldest)) = self.unread else { return };
        self.say(Finding::new(Fault::LogsInterrupted { count }, oldest));
    }

    pub(super) fn say(&mut self, finding: Finding) {
        if self.selected {
            self.findings.push(finding.of_chain(&self.id));
        }
    }

    /// Counts one object, and keeps it where every object is asked for.
    pub(super) fn count(
        &mut self,
        request: &Request,
        object: ObjectType,
        at: Timestamp,
        uri: &Location,
        state: ObjectState,
    ) {
        let count = match (object, state) {
            (ObjectType::Digest, ObjectState::Valid) => &mut self.counts.digests.valid,
            (ObjectType::Digest, ObjectState::Tampered) => &mut self.counts.digests.tampered,
            (ObjectType::Digest, ObjectState::Unverified) => &mut self.counts.digests.unverified,
            (ObjectType::Log, ObjectState::Valid) => &mut self.counts.logs.valid,
            (ObjectType::Log, ObjectState::Tampered) => &mut self.counts.logs.tampered,
            (ObjectType::Log, ObjectState::Unverified) => &mut self.counts.logs.unverified,
        };
        *count += 1;
        self.walk.marks.note(at, state);
        match object {
            ObjectType::Digest => self.digests += 1,
            ObjectType::Log => self.logs += 1,
        }
        if request.every_object {
            self.objects.push((at, object, uri.to_string(), state));
        }
    }

    /// Notes what an unproved digest claims to list: unless a proved one lists it too, nobody vouches for it.
    pub(super) fn claim(&mut self, file: &DigestFile, digest: &Location, at: Timestamp) {
        let mut claims = Claims { digest: digest.clone(), at, named: Vec::new(), hashed: Vec::new() };
        if file.log_count() > MAX_NAMED {
            claims.hashed = file.claimed_logs().map(reference).collect();
        } else {
            claims.named = file.claimed_logs().cloned().collect();
        }
        self.claims.push(claims);
    }

    /// Says which of the claimed log files nobody vouches for: those that `is_alone` says are listed nowhere else.
    pub(super) fn settle(&mut self, claims: Claims, mut is_alone: impl FnMut(u128) -> bool) {
        let Claims { digest, at, named, hashed } = claims;
        let mut alone = 0;
        for log in named.iter().filter(|log| is_alone(reference(log))) {
            alone += 1;
            self.say(Finding::new(Fault::ClaimedLog, at).about(log).by_digest(&digest));
        }
        let many = hashed.into_iter().filter(|hash| is_alone(*hash)).count() as u64;
        if many > 0 {
            let fault = Fault::ClaimedLogs { count: many };
            self.say(Finding::new(fault, at).about(&digest).by_digest(&digest));
        }
        self.counts.logs.unverified += alone + many;
        self.logs += alone + many;
    }
}

/// 128 bits of the SHA-256 of a location: a million of them fit in 16 MB, and nobody can make two that are alike.
pub(super) fn reference(location: &Location) -> u128 {
    let hash = Sha256::new()
        .chain_update(&*location.bucket)
        .chain_update("/")
        .chain_update(&*location.key)
        .finalize();
    hash.iter().take(16).fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

/// What is known of a chain between one digest and the next older one.
#[derive(Default)]
pub(super) struct Walk {
    /// The nearest newer digest that is proved.
    pub(super) anchor: Option<Anchor>,
    /// What the last [`MAX_BETWEEN`] digests that could be parsed, proved or not, record of their predecessors, the
    /// oldest digest's first: where it lies, and its signature.
    pub(super) recorded: VecDeque<Option<(Location, Box<str>)>>,
    /// Whether a digest since the anchor is there, but not proved.
    pub(super) doubtful: bool,
    /// The newest end of a proved hourly digest, asked for or not, and the unit's folder that it lies in.
    pub(super) newest: Option<(Timestamp, usize)>,
    /// Windows of proved digests that overlap the asked range.
    pub(super) covered: Vec<Interval>,
    /// What is noted for the picture of its coverage.
    pub(super) marks: Marks,
    /// Windows of digests that are known to be gone.
    pub(super) missing: Vec<Interval>,
    /// Windows of digests that are there and not proved.
    pub(super) unproved: Vec<Interval>,
    /// Proved digests that start a chain: their ends, before which they cover nothing, where they lie, and whether the
    /// run asked for them.
    pub(super) restarts: Vec<Restart>,
    /// Proved digests that the anchor leaves no room for, newest first, until the digest before the anchor is met.
    pub(super) overlaps: VecDeque<Overlap>,
    /// The stretch of digests that were left out since the run was to end: everything older than its end.
    pub(super) left: Option<Interval>,
    /// The unit's folders, by index, that were listed because this chain comes from there.
    pub(super) followed: Vec<u32>,
    /// Where digests that lie elsewhere than recorded, by a move that was named, lie and belong.
    pub(super) relocated: Option<(Location, Location, u64)>,
}

impl Walk {
    /// Notes what a digest that could be parsed records of its predecessor.
    pub(super) fn note(&mut self, file: &DigestFile) {
        self.recorded.push_front(recorded(file));
        self.recorded.truncate(MAX_BETWEEN);
    }
}

/// What a digest records of its predecessor: where it lies, and its signature.
pub(super) fn recorded(file: &DigestFile) -> Option<(Location, Box<str>)> {
    let previous = file.previous()?;
    Some((previous.location.clone(), previous.signature.clone()?))
}

/// A proved digest that starts a chain.
pub(super) struct Restart {
    /// Its end: CloudTrail writes it for the hour before logging began, so that it covers nothing before.
    pub(super) end: Timestamp,
    pub(super) location: Location,
    /// Whether its window overlaps the asked range.
    pub(super) asked: bool,
}

/// A digest of which something is told.
pub(super) struct Told {
    pub(super) location: Location,
    pub(super) end: Timestamp,
    /// Whether its window overlaps the asked range.
    pub(super) asked: bool,
    /// The digest that records it.
    pub(super) successor: Option<Location>,
}

/// A proved digest that lies between the anchor and the digest that the anchor records. Where that one starts a chain,
/// this one is of the chain that was stopped before: its last digest may end after logging began anew.
pub(super) struct Overlap {
    pub(super) told: Told,
    /// Whether it is of the trail's backfill digests.
    pub(super) backfill: bool,
    /// The signature in its metadata.
    pub(super) signature: Option<String>,
    /// What its record is to be compared with: the digest without its log files.
    pub(super) file: DigestFile,
    pub(super) said: Vec<Finding>,
    pub(super) anchor: Anchor,
}

/// A proved digest whose predecessor is awaited.
pub(super) struct Anchor {
    pub(super) location: Location,
    pub(super) window: Interval,
    /// What it records; `None` where it starts a chain.
    pub(super) record: Option<Record>,
    /// Whether the recorded predecessor was met, or is known to be gone.
    pub(super) resolved: bool,
}
