//! Rule 1, before a digest is judged: the signatures of what was read are checked, by any thread.

use super::prover::ChainProver;
use super::read::ReadDigest;
use super::signatures::{CheckedDigest, SignatureCheck, check, recorded_signature, signatures_for};
use crate::ident::Location;

impl ChainProver {
    /// Checks the signatures of a digest that was read: its own, and those that newer digests record. `newer` are the
    /// digests of this chain that were read with it and are newer, the nearest first. Any thread may call it.
    #[must_use]
    pub fn check<'r>(
        &self,
        read: &ReadDigest,
        newer: impl Iterator<Item = &'r ReadDigest>,
    ) -> (Location, Vec<Box<str>>, Option<SignatureCheck>) {
        let place = self.scope.place_of(read);
        let parsed = newer.filter_map(ReadDigest::file).map(recorded_signature);
        let recorded = signatures_for(parsed.chain(self.state.recorded.iter().cloned()), &place);
        let proof = check(read, &place, &recorded);
        (place, recorded, proof)
    }

    /// The same of a digest that comes next.
    pub(super) fn check_next(&self, read: ReadDigest) -> CheckedDigest {
        let (place, recorded, proof) = self.check(&read, std::iter::empty());
        CheckedDigest { read, place, recorded, proof }
    }

    /// Checks a digest anew where digests that were found by name have something to say of it, so that the outcome does not
    /// depend on which digests were read together.
    pub(super) fn check_again(&self, digest: &mut CheckedDigest) {
        let recorded = signatures_for(self.state.recorded.iter().cloned(), &digest.place);
        if recorded != digest.recorded {
            digest.proof = check(&digest.read, &digest.place, &recorded);
            digest.recorded = recorded;
        }
    }
}
