//! Digests that were taken already when an older one records them: they are held against that, and do not count twice.

use super::{Walker, judge};
use crate::chain::Misfit;
use crate::event::{Fault, Finding};
use crate::ident::{DigestKey, Location};
use crate::time::Timestamp;
use crate::validate::chain::Entry;
use crate::validate::fetch::{self, Proof};

impl Walker<'_, '_> {
    /// Whether a listing names the digest at `location` in this chain. One that is newer than the last was taken then,
    /// and is not taken twice: backfill digests may follow each other in any order.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let Some(chain) = self.unit.chains.get(self.chain) else { return false };
        let moves = &self.context.request.relocations;
        let copy = moves.iter().find_map(|moved| moved.copy_of(location));
        let key = DigestKey::parse(copy.as_ref().unwrap_or(location));
        let Some(key) = key.filter(|key| key.chain() == chain.id) else { return false };
        let folder = self.unit.folders.iter().position(|folder| *folder == key.folder);
        let Some(folder) = folder.and_then(|folder| u32::try_from(folder).ok()) else { return false };
        let entry = Entry { end: key.end, folder };
        // The newest is the first.
        chain.entries.binary_search_by(|other| entry.cmp(other)).is_ok()
    }

    /// Looks again at a digest that was taken before the one that records it: whether the two fit. Only what is signed
    /// is held to it: other bytes may be what a network made of them, and are judged where the digest is taken.
    pub(super) fn check_link(&mut self, location: Location, end: Timestamp) {
        let fetched = fetch::digest(self.context, location, end);
        let place = judge::place(self.context.request, &fetched);
        // A copy without metadata has the signatures only where newer digests record them.
        let recorded = self.recorded(&place);
        let proof = fetch::prove(&fetched, &place, &recorded, self.context.tools.keys);
        let Some(Proof::Signed { .. }) = proof else { return };
        let Some(chain) = self.unit.chains.get_mut(self.chain) else { return };
        let anchor = chain.walk.anchor.as_ref().and_then(|anchor| anchor.record.clone());
        let (Some(record), Some(file)) = (anchor, fetched.file()) else { return };
        let fault = match record.misfit(file, None) {
            Some(Misfit::Overlap) if chain.id.backfill => return,
            Some(Misfit::Overlap) => Fault::EarlierFollowsIt,
            Some(Misfit::Hash) => Fault::EarlierRecordsOther,
            Some(Misfit::Signature) | None => return,
        };
        let finding = Finding::new(fault, end).about(&fetched.location);
        chain.say(finding.by_digest(record.successor()));
    }
}
