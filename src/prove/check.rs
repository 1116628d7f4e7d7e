//! Rule 1, before a digest is judged: checks the signatures of a digest. Any thread may do so.

use super::prover::ChainProver;
use super::read::ReadDigest;
use super::signatures::{CheckedDigest, SignatureCheck, check, recorded_signature, signatures_for};
use crate::ident::Location;

impl ChainProver {
    /// Checks the signatures of a digest: the signature in its metadata, and the signatures that newer digests record.
    /// `newer` are the newer digests of the same chain that were read in the same batch, nearest first. Any thread may
    /// call this function.
    #[must_use]
    pub fn check<'r>(
        &self,
        read: &ReadDigest,
        newer: impl Iterator<Item = &'r ReadDigest>,
    ) -> (Location, Vec<Box<str>>, Option<SignatureCheck>) {
        let place = self.scope.place_of(read);
        // Digests of the same batch come first: they are nearer than the digests of earlier batches.
        let parsed = newer.filter_map(ReadDigest::file).map(recorded_signature);
        let recorded = signatures_for(parsed.chain(self.state.recorded.iter().cloned()), &place);
        let proof = check(read, &place, &recorded);
        (place, recorded, proof)
    }

    /// Checks a digest that the prover takes next, without newer digests of the same batch.
    pub(super) fn check_next(&self, read: ReadDigest) -> CheckedDigest {
        let (place, recorded, proof) = self.check(&read, std::iter::empty());
        CheckedDigest { read, place, recorded, proof, stretch: None }
    }

    /// Checks a digest again if digests found by name record a signature for the digest. So the result does not depend
    /// on how the digests were batched.
    pub(super) fn check_again(&self, digest: &mut CheckedDigest) {
        let recorded = signatures_for(self.state.recorded.iter().cloned(), &digest.place);
        if recorded != digest.recorded {
            digest.proof = check(&digest.read, &digest.place, &recorded);
            digest.recorded = recorded;
        }
    }
}
