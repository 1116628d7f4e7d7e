//! Digests that a copy holds in a folder that stands for another place of S3: see [`ReadDigest::delivered`].
//!
//! [`ReadDigest::delivered`]: super::ReadDigest::delivered

use super::prover::{ChainProver, ProvedDigestLogs};
use super::read::{DigestContent, ReadDigest};
use super::scope::ListedDigest;
use super::signatures::{CheckedDigest, SignatureCheck};
use crate::chain::ProvedDigest;
use crate::ident::{DigestKey, Location};

impl ChainProver {
    /// Keeps a digest where it lies if the chain, or an earlier run, says that a digest was delivered there: then the digest
    /// lies in the place of another.
    pub(super) fn settle_place(&self, digest: &mut CheckedDigest) {
        if digest.read.delivered.as_ref() != Some(&digest.place) {
            return;
        }
        let lies = &digest.read.location;
        let anchor = self.state.anchor.as_ref().filter(|anchor| !anchor.resolved);
        let is_awaited =
            anchor.and_then(|anchor| anchor.record.as_ref()).is_some_and(|record| record.location() == lies);
        if is_awaited || self.remembered_at(lies).next().is_some() {
            digest.place = lies.clone();
            // The signature covers the place.
            digest.proof = None;
        }
    }

    /// Whether the chain has the digest already, or lists the digest in the digest's own folder: copies may overlap.
    pub(super) fn is_second_copy(&self, digest: &CheckedDigest) -> bool {
        let delivered = digest.read.delivered.as_ref().filter(|_| digest.is_signed());
        delivered.is_some_and(|place| self.state.named.contains(place) || self.lists(place))
    }

    /// Passes on the log files of a second copy, which may lie beside it. They are known as listed, and not counted.
    pub(super) fn take_second_copy(&mut self, digest: CheckedDigest) {
        let ReadDigest { content: DigestContent::Parsed(file), location, .. } = digest.read else { return };
        let Some(SignatureCheck::Signed { proof, .. }) = digest.proof else { return };
        if let Ok(digest) = ProvedDigest::by_signature(*file, proof) {
            self.proved.push(ProvedDigestLogs { digest, counted: false, lies: Some(location) });
        }
    }

    /// Whether a listing names the digest at `location` in this chain.
    pub(super) fn lists(&self, location: &Location) -> bool {
        let Some(key) = DigestKey::parse(location).filter(|key| key.chain() == self.scope.id) else {
            return false;
        };
        let Some(folder) = self.index_of(&key.folder) else { return false };
        let listed = ListedDigest { end: key.end, folder };
        // The list is sorted newest first.
        self.state.listed.binary_search_by(|other| listed.cmp(other)).is_ok()
    }
}
