//! Rules 1 and 2 for remembered heads: a digest that an earlier run proved is a record, like a successor's record. The
//! digest has to exist with the remembered hash, and the next digest has to link to it.

use super::need::{ProverAnswer, ProverNeed};
use super::prover::ChainProver;
use super::scope::ChainScope;
use super::signatures::CheckedDigest;
use super::state::RememberedHead;
use crate::chain::Record;
use crate::digest::DigestFile;
use crate::event::{Fault, Finding};
use crate::ident::Location;
use crate::time::Timestamp;

impl RememberedHead {
    pub(super) fn record(&self) -> Record {
        let Self { location, hash, signature, run, .. } = self;
        Record::remembered(location.clone(), *hash, signature.clone(), run.clone())
    }
}

impl ChainProver {
    /// The heads remembered at `place`. Several runs may have remembered heads that contradict.
    pub(super) fn remembered_at(&self, place: &Location) -> impl Iterator<Item = &RememberedHead> {
        self.state.remembered.iter().filter(move |head| head.location == *place)
    }

    /// The finding on a digest whose hash differs from the hash that an earlier run proved.
    pub(super) fn judge_by_memory(&self, place: &Location, file: Option<&DigestFile>) -> Option<Finding> {
        let file = file?;
        let head = self.remembered_at(place).find(|head| head.hash != file.hash())?;
        let fault = Fault::NotAsRemembered { run: head.run.clone() };
        Some(Finding::new(fault, head.end).with_hashes(Some(head.hash), Some(file.hash())))
    }

    /// Looks for remembered heads that are newer than `next`, the next listed digest, and were not met yet. Stops at
    /// the first head that exists, and returns its end.
    pub(super) fn look_for_remembered(
        &mut self,
        next: Option<&CheckedDigest>,
    ) -> Result<Option<Timestamp>, ProverNeed> {
        while let Some(head) = self.state.remembered.first().cloned() {
            let is_met = |next: &CheckedDigest| next.place == head.location || next.end() >= head.end;
            if self.state.has_left_out() || next.is_some_and(is_met) {
                return Ok(None);
            }
            // A listed digest is judged in its turn; only an unlisted head is looked for by name.
            let is_asked = self.scope.is_asked(ChainScope::hour_before(head.end));
            if is_asked && !self.is_listed(&head.location) {
                let need = ProverNeed::Digest { location: head.location.clone(), end: head.end };
                match self.answer_to(need.clone())? {
                    ProverAnswer::Gone(trace) => {
                        let trace = trace.clone();
                        let successor = self.state.anchor.as_ref().map(|anchor| anchor.location.clone());
                        self.judge_gone(need, trace, successor)?;
                    }
                    ProverAnswer::Digest(read) => {
                        let read = read.as_ref().clone();
                        self.take_found(need, read)?;
                        self.state.remembered.retain(|other| other.location != head.location);
                        return Ok(Some(head.end));
                    }
                    _ => {
                        self.state.leave_out(head.end);
                        return Ok(None);
                    }
                }
            }
            self.state.remembered.retain(|other| other.location != head.location);
        }
        Ok(None)
    }
}
