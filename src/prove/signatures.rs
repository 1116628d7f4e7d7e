//! Rule 1: what the signatures at hand say of a digest.

use std::sync::Arc;

use super::read::{Content, ReadDigest};
use super::{ChainProver, ChainScope};
use crate::digest::DigestFile;
use crate::event::KeyLack;
use crate::ident::Location;
use crate::signature::{self, SignatureProof, TrustedKey};
use crate::time::{Interval, Timestamp};

/// How many newer digests may lie between one and its successor for that one's record to be found.
pub(super) const MAX_BETWEEN: usize = 8;

/// What the signatures at hand say of a digest.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A signature fits.
    Signed {
        /// The proof.
        proof: SignatureProof,
        /// The key.
        key: Arc<TrustedKey>,
        /// Whether the signature in the metadata does: if not, the one that a newer digest records fits.
        metadata_fits: bool,
    },
    /// The signature in the metadata does not fit the key that the digest names, nor does a recorded one.
    Misfit,
    /// There is no signature, or none but recorded ones that do not fit.
    Unsigned,
    /// There is no key to check with.
    NoKey(KeyLack),
}

/// A digest as it was read, with what the signatures at hand say of it.
#[derive(Clone, Debug)]
pub struct CheckedDigest {
    pub(super) read: ReadDigest,
    /// Where CloudTrail delivered it, which is where it lies unless a move was named.
    pub(super) place: Location,
    /// The recorded signatures that were tried.
    pub(super) recorded: Vec<Box<str>>,
    /// `None` for what is no digest file, or one that lies in another place than it names: its signature is for that place.
    pub(super) proof: Option<Proof>,
}

impl CheckedDigest {
    pub(super) const fn end(&self) -> Timestamp {
        self.read.end
    }

    /// Its window, as far as it can be believed: that of its content where it is signed, and at least the hour before the
    /// end in its name where it is not.
    pub(super) fn window(&self) -> Interval {
        let named = ChainScope::hour_before(self.read.end);
        match (self.read.file(), &self.proof) {
            (Some(file), Some(Proof::Signed { .. })) => file.window(),
            (Some(file), _) if file.window().end == named.end => {
                Interval { start: file.window().start.min(named.start), end: named.end }
            }
            _ => named,
        }
    }

    /// Whether it is not as it was delivered, whatever its successor records.
    pub(super) const fn is_suspect(&self) -> bool {
        match (&self.read.content, &self.proof) {
            (Content::Malformed { .. }, _) | (Content::Parsed(_), None | Some(Proof::Misfit)) => true,
            (Content::Parsed(_), Some(Proof::Signed { metadata_fits, .. })) => !*metadata_fits,
            (Content::Parsed(_), Some(Proof::Unsigned | Proof::NoKey(_))) => false,
            (Content::Oversized(_) | Content::Unreadable(_) | Content::Gone, _) => false,
        }
    }

    pub(super) const fn is_signed(&self) -> bool {
        matches!(self.proof, Some(Proof::Signed { .. }))
    }
}

/// What a digest records of its predecessor: where it lies, and its signature.
pub(super) fn recorded_signature(file: &DigestFile) -> Option<(Location, Box<str>)> {
    let previous = file.previous()?;
    Some((previous.location.clone(), previous.signature.clone()?))
}

impl ChainProver {
    /// Checks the signatures of a digest that was read: its own, and those that newer digests record. `newer` are the
    /// digests of this chain that were read with it and are newer, the nearest first. Any thread may call it.
    #[must_use]
    pub fn check<'r>(
        &self,
        read: &ReadDigest,
        newer: impl Iterator<Item = &'r ReadDigest>,
    ) -> (Location, Vec<Box<str>>, Option<Proof>) {
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

impl CheckedDigest {
    /// The digest with what [`ChainProver::check`] said of it.
    #[must_use]
    pub fn new(read: ReadDigest, checked: (Location, Vec<Box<str>>, Option<Proof>)) -> Self {
        let (place, recorded, proof) = checked;
        Self { read, place, recorded, proof }
    }
}

impl ChainScope {
    /// Where a digest was delivered: where it lies, or where it says, if the user named that move.
    pub(super) fn place_of(&self, read: &ReadDigest) -> Location {
        let Some(recorded) = read.file().map(DigestFile::location) else { return read.location.clone() };
        if self.is_copy(recorded, &read.location) { recorded.clone() } else { read.location.clone() }
    }

    /// Whether the object at `lies` is the copy of the one recorded at `recorded`, by a move that the user named.
    pub(super) fn is_copy(&self, recorded: &Location, lies: &Location) -> bool {
        self.relocations.iter().any(|moved| moved.copy_of(recorded).as_ref() == Some(lies))
    }
}

/// The signatures that the nearest newer digests, proved or not, record for the one at `place`.
fn signatures_for(
    recorded: impl Iterator<Item = Option<(Location, Box<str>)>>,
    place: &Location,
) -> Vec<Box<str>> {
    let here = recorded.take(MAX_BETWEEN).flatten().filter(|(location, _)| location == place);
    here.map(|(_, signature)| signature).collect()
}

/// Checks the signature in the metadata, then those that newer digests record. That no recorded signature fits says
/// nothing: the digest that records it may be forged.
fn check(read: &ReadDigest, place: &Location, recorded: &[Box<str>]) -> Option<Proof> {
    let file = read.file().filter(|file| file.location() == place)?;
    let own = read.signature.as_deref();
    if own.is_none() && recorded.is_empty() {
        return Some(Proof::Unsigned);
    }
    let key = match &read.key {
        Some(Ok(key)) => key,
        Some(Err(lack)) => return Some(Proof::NoKey(lack.clone())),
        None => return Some(Proof::NoKey(KeyLack::Unknown { fingerprint: file.fingerprint().to_owned() })),
    };
    let check = |signature: &str| signature::verify(file, signature, &key.key);
    let signed = |proof, metadata_fits| Proof::Signed { proof, key: Arc::clone(key), metadata_fits };
    if let Some(proof) = own.and_then(check) {
        return Some(signed(proof, true));
    }
    Some(match recorded.iter().find_map(|signature| check(signature)) {
        Some(proof) => signed(proof, own.is_none()),
        None if own.is_some() => Proof::Misfit,
        None => Proof::Unsigned,
    })
}
