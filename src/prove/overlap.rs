//! Rule 2 for overlapping digests: after `StopLogging` and `StartLogging` the last digest of the stopped chain may end
//! after the first digest of the new chain. Then digests of two chains lie in between.

use std::mem;

use super::link::{DigestLink, content_of, digest_state, link_findings};
use super::prover::ChainProver;
use super::scope::ChainScope;
use super::state::{ChainAnchor, DigestNote, OverlappingDigest};
use crate::event::{Fault, Finding};
use crate::ident::DigestKey;

impl ChainProver {
    /// Counts a judged digest, and reports the findings on the digest.
    pub(super) fn report_digest(&mut self, note: &DigestNote, found: Vec<Finding>, proved: bool) {
        if !note.asked {
            return;
        }
        self.count_digest(note.end, &note.location, digest_state(&found, proved));
        for finding in found {
            let finding = finding.about(&note.location);
            self.report(match &note.successor {
                Some(successor) => finding.by_digest(successor),
                None => finding,
            });
        }
    }

    /// Judges the digests set aside, now that the digest before them is the anchor. If the anchor `starts` a chain, the
    /// newest digest set aside may be the last digest of the stopped chain, and the chain goes on from there. A digest
    /// that itself starts a chain takes no other digest's place: with its successor lost, the prover meets it only
    /// here.
    pub(super) fn settle_overlaps(&mut self, mut starts: bool) {
        let mut is_resumed = false;
        for mut aside in mem::take(&mut self.state.overlaps) {
            let anchor = self.state.anchor.as_ref();
            let record = anchor.and_then(|anchor| anchor.record.as_ref());
            // 1. Does the chain go on from the digest set aside?
            let goes_on = if starts {
                anchor.is_some_and(|anchor| aside.anchor.window.start < anchor.window.end)
            } else {
                is_resumed && record.is_some_and(|record| *record.location() == aside.anchor.location)
            };
            // 2. A digest that does not fit yet waits for the next anchor.
            if !goes_on && is_resumed && record.is_some() {
                self.state.overlaps.push_back(aside);
                continue;
            }
            // 3. Rule 2: compare the link that the anchor records.
            if goes_on && let Some(record) = record {
                aside.note.successor = record.successor().cloned();
                let link = DigestLink {
                    end: aside.note.end,
                    backfill: self.scope.id.backfill,
                    record: Some(record),
                    signature: aside.signature.as_deref(),
                    facts: aside.facts,
                };
                let new = link_findings(&link, true);
                aside.found.extend(new);
            }
            let content = content_of(aside.facts.hash, aside.signature.as_deref());
            // 4. Move the anchor, or report a digest where no digest belongs.
            let OverlappingDigest { note, mut found, anchor, .. } = aside;
            let takes_place = self.takes_the_place_of_another(&anchor);
            if goes_on {
                (starts, is_resumed) = (anchor.record.is_none(), true);
                self.state.anchor = Some(anchor);
            } else if takes_place {
                found.push(Finding::new(Fault::NotThePredecessor, note.end));
            }
            found.iter_mut().for_each(|finding| finding.content = Some(content.clone()));
            self.report_digest(&note, found, true);
        }
    }

    /// Whether the digest set aside lies where another digest belongs. A digest that begins where a digest of its own ends,
    /// which the anchor does not follow, is of another session of logging. Hours may be backfilled in any order, and
    /// nothing public says what a backfill digest records.
    fn takes_the_place_of_another(&self, aside: &ChainAnchor) -> bool {
        let Some(record) = aside.record.as_ref().filter(|_| !self.scope.id.backfill) else { return false };
        let own = record.location();
        let begins_after = DigestKey::parse(own).is_some_and(|key| key.end == aside.window.start);
        let is_followed = self.state.anchor.as_ref().is_some_and(|anchor| {
            let recorded = anchor.record.as_ref().map(|record| record.location());
            anchor.location == *own || recorded == Some(own)
        });
        // Of digests from before the asked range the list has the newest alone.
        let is_gone = || {
            let is_asked = |key: DigestKey| self.scope.is_asked(ChainScope::hour_before(key.end));
            !self.is_listed(own) && DigestKey::parse(own).is_none_or(is_asked)
        };
        is_followed || !begins_after || is_gone()
    }

    /// Reports the digests set aside when the digest before the anchor stays unknown. Each is genuine, and nothing
    /// proves that a digest is in the wrong place.
    pub(super) fn release_overlaps(&mut self) {
        for aside in mem::take(&mut self.state.overlaps) {
            self.report_digest(&aside.note, aside.found, true);
        }
    }

    /// Sets a proved digest aside that lies between the anchor and its recorded predecessor. Only the predecessor shows
    /// whether a chain was stopped here.
    pub(super) fn set_aside(&mut self, aside: OverlappingDigest) {
        self.state.overlaps.push_back(aside);
    }

    /// Makes a proved digest the anchor, and settles digests set aside before.
    pub(super) fn move_anchor(&mut self, anchor: ChainAnchor, was_awaited: bool) {
        let starts = anchor.record.is_none() && !self.scope.id.backfill;
        self.state.anchor = Some(anchor);
        self.state.doubtful = false;
        if was_awaited {
            self.settle_overlaps(starts);
        }
    }
}
