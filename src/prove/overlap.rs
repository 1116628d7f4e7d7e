//! Rule 2, digests that overlap: after `StopLogging` and `StartLogging` the last digest of the stopped chain may end after
//! the first one of the new chain, so that the digests of two chains lie between each other.

use std::mem;

use super::digest::{DigestLink, digest_state, link_findings};
use super::prover::ChainProver;
use super::state::{ChainAnchor, DigestNote, OverlappingDigest};
use crate::event::{Fault, Finding, ObjectType};

impl ChainProver {
    /// Counts a digest that was judged, and reports what was found of it.
    pub(super) fn report_digest(&mut self, note: &DigestNote, found: Vec<Finding>, proved: bool) {
        if !note.asked || !self.scope.selected {
            return;
        }
        self.count(ObjectType::Digest, note.end, &note.location, digest_state(&found, proved));
        for finding in found {
            let finding = finding.about(&note.location);
            self.report(match &note.successor {
                Some(successor) => finding.by_digest(successor),
                None => finding,
            });
        }
    }

    /// Judges the digests that were set aside, now that the digest before them is the anchor. Where it `starts` a chain,
    /// the newest of them may be the last one of the chain that was stopped, and the chain goes on from there. A digest that
    /// starts a chain itself is in no other digest's place: where its successor is lost, it is met only here.
    pub(super) fn settle_overlaps(&mut self, mut starts: bool) {
        let mut is_resumed = false;
        for mut aside in mem::take(&mut self.state.overlaps) {
            let anchor = self.state.anchor.as_ref();
            let record = anchor.and_then(|anchor| anchor.record.as_ref());
            let goes_on = if starts {
                anchor.is_some_and(|anchor| aside.anchor.window.start < anchor.window.end)
            } else {
                is_resumed && record.is_some_and(|record| *record.location() == aside.anchor.location)
            };
            if !goes_on && is_resumed && record.is_some() {
                self.state.overlaps.push_back(aside);
                continue;
            }
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
            let OverlappingDigest { note, mut found, anchor, .. } = aside;
            if goes_on {
                (starts, is_resumed) = (anchor.record.is_none(), true);
                self.state.anchor = Some(anchor);
            } else if anchor.record.is_some() || self.scope.id.backfill {
                found.push(Finding::new(Fault::NotThePredecessor, note.end));
            }
            self.report_digest(&note, found, true);
        }
    }

    /// Reports the digests that were set aside, where nothing shows which digest was before the anchor: each is genuine,
    /// and nothing proves that it is in another's place.
    pub(super) fn release_overlaps(&mut self) {
        for aside in mem::take(&mut self.state.overlaps) {
            self.report_digest(&aside.note, aside.found, true);
        }
    }

    /// Keeps a proved digest that the anchor leaves no room for until the digest before the anchor is met: only that one
    /// tells whether a chain was stopped here.
    pub(super) fn set_aside(&mut self, aside: OverlappingDigest) {
        self.state.overlaps.push_back(aside);
    }

    /// Goes on from a proved digest, which the chain has room for.
    pub(super) fn move_anchor(&mut self, anchor: ChainAnchor, was_awaited: bool) {
        let starts = anchor.record.is_none() && !self.scope.id.backfill;
        self.state.anchor = Some(anchor);
        self.state.doubtful = false;
        if was_awaited {
            self.settle_overlaps(starts);
        }
    }
}
