//! One chain while it is walked: what is known of it, what is said of it, what it counts to.

use std::sync::Arc;

use super::Request;
use crate::chain::Record;
use crate::event::{Counts, Finding, ObjectState, ObjectType};
use crate::ident::{ChainId, Location};
use crate::time::{Interval, Timestamp};

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
    pub(super) claims: Vec<Claim>,
}

/// A log file that a digest which is not proved claims to list.
pub(super) struct Claim {
    pub(super) log: Location,
    pub(super) digest: Arc<str>,
    pub(super) at: Timestamp,
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
        }
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
        match object {
            ObjectType::Digest => self.digests += 1,
            ObjectType::Log => self.logs += 1,
        }
        if request.every_object {
            self.objects.push((at, object, uri.to_string(), state));
        }
    }

    /// Notes what an unproved digest claims to list: unless a proved one lists it too, nobody vouches for it.
    pub(super) fn claim<'l>(
        &mut self,
        logs: impl Iterator<Item = &'l Location>,
        digest: &Location,
        at: Timestamp,
    ) {
        let digest: Arc<str> = digest.to_string().into();
        self.claims.extend(logs.map(|log| Claim { log: log.clone(), digest: Arc::clone(&digest), at }));
    }
}

/// What is known of a chain between one digest and the next older one.
#[derive(Default)]
pub(super) struct Walk {
    /// The nearest newer digest that is proved.
    pub(super) anchor: Option<Anchor>,
    /// What the nearest newer digest that could be parsed, proved or not, records of its predecessor.
    pub(super) recorded: Option<(Location, Option<Box<str>>)>,
    /// Whether a digest since the anchor is there, but not proved.
    pub(super) doubtful: bool,
    /// Windows of proved digests that overlap the asked range.
    pub(super) covered: Vec<Interval>,
    /// Windows of digests that are known to be gone.
    pub(super) missing: Vec<Interval>,
    /// Windows of digests that are there and not proved.
    pub(super) unproved: Vec<Interval>,
    /// Proved digests that start a chain: when, and where they lie.
    pub(super) restarts: Vec<(Timestamp, Location)>,
    /// Where digests that lie elsewhere than recorded, by a move that was named, lie and belong.
    pub(super) relocated: Option<(Location, Location, u64)>,
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
