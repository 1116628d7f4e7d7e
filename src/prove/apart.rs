//! Rule 2 for records that the walk from the newest digest to the oldest does not come to: of a backfill chain, whose digests
//! follow each other in any order, and of a chain that goes on under another id.

use super::claims::ABSENT;
use super::need::{ProverAnswer, ProverNeed};
use super::prover::ChainProver;
use super::read::DigestContent;
use super::scope::ChainScope;
use super::state::ChainAnchor;
use crate::event::{Fault, Finding};
use crate::ident::DigestKey;

impl ChainProver {
    /// Notes the digest that the digest `by` records, if nothing else looks for it: in a backfill chain out of the order of
    /// time, or in the chain that a trail had before it was given to its organization.
    pub(super) fn note_apart(&mut self, by: &ChainAnchor) {
        let Some(record) = by.record.as_ref() else { return };
        let key = DigestKey::parse(record.location());
        let key = key.filter(|key| match self.scope.id.backfill {
            true => key.chain() == self.scope.id,
            false => self.is_of_another_chain(record),
        });
        if key.is_some_and(|key| self.scope.is_asked(ChainScope::hour_before(key.end))) {
            self.state.recorded_apart.push((record.location().clone(), by.location.clone()));
        }
    }

    /// Looks for the digests noted by [`ChainProver::note_apart`] that no listing names.
    pub(super) fn look_for_apart(&mut self) -> Result<(), ProverNeed> {
        while let Some((location, successor)) = self.state.recorded_apart.last().cloned() {
            if self.state.has_left_out() {
                break;
            }
            let Some(key) = DigestKey::parse(&location).filter(|_| !self.is_listed(&location)) else {
                self.state.recorded_apart.pop();
                continue;
            };
            // What is found by name may record a further digest, which is added to the list.
            let (end, at) = (key.end, self.state.recorded_apart.len().saturating_sub(1));
            if key.chain() == self.scope.id {
                let is_there = self.look_for_recorded_by(location.clone(), end, Some(successor))?;
                let found =
                    self.state.anchor.clone().filter(|anchor| is_there && anchor.location == location);
                found.iter().for_each(|anchor| self.note_apart(anchor));
            } else {
                // A digest of another chain is judged there, if it is there.
                let need = ProverNeed::Digest { location, end };
                match self.answer_to(need.clone())? {
                    ProverAnswer::Gone(trace) => {
                        let trace = trace.clone();
                        self.judge_gone(need, trace, Some(successor))?;
                    }
                    // Nothing lists a digest that the copy lacks, so its own chain does not tell of it.
                    ProverAnswer::Digest(read) if let DigestContent::Absent(why) = &read.content => {
                        let fault = Fault::UnreadableDigest { why: why.clone() };
                        let finding = Finding::new(fault, end).about(&read.location).by_digest(&successor);
                        self.report(Finding { content: Some(ABSENT.to_owned()), ..finding });
                    }
                    _ => {}
                }
            }
            self.state.recorded_apart.remove(at);
        }
        Ok(())
    }
}
