//! Digests that overlap: after `StopLogging` and `StartLogging` the last digest of the stopped chain may end after the
//! first one of the new chain, so that the digests of two chains lie between each other.

use std::mem;

use super::Walker;
use super::judge::{self, Arrival, Link};
use crate::digest::DigestFile;
use crate::event::{Fault, Finding, ObjectType};
use crate::validate::Request;
use crate::validate::chain::{Anchor, Chain, Overlap, Told};

impl Walker<'_, '_> {
    /// Keeps a proved digest that the anchor leaves no room for until the digest before the anchor is met: only that one
    /// tells whether a chain was stopped here.
    pub(super) fn set_aside(
        &mut self,
        arrival: &Arrival,
        file: DigestFile,
        anchor: Anchor,
        said: Vec<Finding>,
    ) {
        let (told, backfill) = (arrival.told(), arrival.backfill);
        let overlap = Overlap { told, backfill, signature: arrival.signature.clone(), file, said, anchor };
        if let Some(chain) = self.chain() {
            chain.walk.overlaps.push_back(overlap);
        }
    }
}

impl Chain {
    /// Counts a digest that was judged, and says what was found of it.
    pub(super) fn tell(&mut self, request: &Request, told: &Told, said: Vec<Finding>, proved: bool) {
        if !told.asked || !self.selected {
            return;
        }
        let state = judge::state(&said, proved);
        self.count(request, ObjectType::Digest, told.end, &told.location, state);
        for finding in said {
            let finding = finding.about(&told.location);
            self.say(match &told.successor {
                Some(successor) => finding.by_digest(successor),
                None => finding,
            });
        }
    }

    /// Judges the digests that were set aside, now that the digest before them is the anchor. Where it `starts` a chain,
    /// the newest of them may be the last one of the chain that was stopped, and the chain goes on from there. A digest that
    /// starts a chain itself is in no other digest's place: where its successor is lost, it is met only here.
    pub(super) fn settle_overlaps(&mut self, request: &Request, mut starts: bool) {
        let mut is_resumed = false;
        for mut overlap in mem::take(&mut self.walk.overlaps) {
            let anchor = self.walk.anchor.as_ref();
            let record = anchor.and_then(|anchor| anchor.record.as_ref());
            let goes_on = if starts {
                anchor.is_some_and(|anchor| overlap.anchor.window.start < anchor.window.end)
            } else {
                is_resumed && record.is_some_and(|record| *record.location() == overlap.anchor.location)
            };
            if !goes_on && is_resumed && record.is_some() {
                self.walk.overlaps.push_back(overlap);
                continue;
            }
            if goes_on && let Some(record) = record {
                let Overlap { backfill, signature, file, told, said, .. } = &mut overlap;
                told.successor = Some(record.successor().clone());
                let (record, signature) = (Some(record), signature.as_deref());
                let link = Link { end: told.end, backfill: *backfill, record, signature, file };
                judge::say_misfits(&link, true, said);
            }
            let Overlap { told, mut said, anchor, backfill, .. } = overlap;
            if goes_on {
                (starts, is_resumed) = (anchor.record.is_none(), true);
                self.walk.anchor = Some(anchor);
            } else if anchor.record.is_some() || backfill {
                said.push(Finding::new(Fault::NotThePredecessor, told.end));
            }
            self.tell(request, &told, said, true);
        }
    }

    /// Tells of the digests that were set aside, where nothing shows which digest was before the anchor: each is genuine,
    /// and nothing proves that it is in another's place.
    pub(in crate::validate) fn release_overlaps(&mut self, request: &Request) {
        for overlap in mem::take(&mut self.walk.overlaps) {
            self.tell(request, &overlap.told, overlap.said, true);
        }
    }
}
