//! Adds up the sizes of a chain's digests during the listing, in memory that does not grow with their number.

use std::collections::BTreeMap;

use super::Amount;
use crate::prove::{ChainProver, ListedDigest};
use crate::store::Listed;
use crate::time::{HOUR, Interval, Range, Timestamp};
use crate::validate::discover::LOOK_AHEAD;

/// Whether the hour before `end`, the window of a digest by its name, overlaps the asked range.
pub(super) fn is_inside(range: Range, end: Timestamp) -> bool {
    hour(end).overlaps(range.interval())
}

/// The hour before `end`: the window of a digest by its name.
pub(super) fn hour(end: Timestamp) -> Interval {
    Interval { start: end.plus(-HOUR), end }
}

/// Sizes of the digests of one chain. The witnesses to read are known only at the end of the listing, so candidates are
/// kept.
#[derive(Default)]
pub(super) struct DigestTally {
    /// Bytes of the digests in the asked range.
    inside: u64,
    /// Bytes of the witnesses that are read in any case.
    near: u64,
    /// The newest digest before the range.
    before: Option<(ListedDigest, u64)>,
    /// The oldest later digests, which are read only if there are too few nearer witnesses.
    later: Vec<(ListedDigest, u64)>,
    newest: Option<ListedDigest>,
    /// Bytes of the archived digests.
    archived: BTreeMap<ListedDigest, u64>,
}

impl DigestTally {
    /// Adds the next digest of a listing. A repeated entry is not added again.
    pub(super) fn add(&mut self, range: Range, entry: ListedDigest, listed: &Listed) {
        if self.newest.replace(entry) == Some(entry) {
            return;
        }
        let bytes = listed.size;
        if listed.archived.is_some() {
            self.archived.insert(entry, bytes);
        }
        if is_inside(range, entry.end) {
            self.inside = self.inside.saturating_add(bytes);
        } else if entry.end <= range.interval().start {
            self.before = self.before.max(Some((entry, bytes)));
        } else if entry.end <= range.end.plus(LOOK_AHEAD.0) {
            self.near = self.near.saturating_add(bytes);
        } else {
            self.later.push((entry, bytes));
            self.later.sort_unstable();
            self.later.truncate(LOOK_AHEAD.1);
        }
    }

    /// The archived digests of `chain` to read, with their sizes in bytes.
    pub(super) fn archived(&self, chain: &ChainProver) -> impl Iterator<Item = (ListedDigest, u64)> {
        let listed = chain.known().listed().iter();
        listed.filter_map(|entry| Some((*entry, *self.archived.get(entry)?)))
    }

    /// The digests of `chain` to read: digests in the asked range, and witnesses.
    pub(super) fn amounts(&self, range: Range, chain: &ChainProver) -> (Amount, Amount) {
        let listed = chain.known().listed();
        let inside = listed.iter().filter(|entry| is_inside(range, entry.end)).count() as u64;
        let witnesses = listed.len() as u64 - inside;
        let candidates = self.before.iter().chain(&self.later);
        let kept = candidates.filter(|(entry, _)| listed.contains(entry)).map(|(_, bytes)| *bytes);
        let beside = kept.fold(self.near, u64::saturating_add);
        (Amount { objects: inside, bytes: self.inside }, Amount { objects: witnesses, bytes: beside })
    }
}
