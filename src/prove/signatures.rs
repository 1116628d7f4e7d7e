//! Rule 1: what the signatures at hand say of a digest.

use std::sync::Arc;

use super::read::{DigestContent, ReadDigest};
use super::scope::ChainScope;
use crate::digest::DigestFile;
use crate::event::KeyLack;
use crate::ident::Location;
use crate::signature::{self, SignatureProof, TrustedKey};
use crate::time::{Interval, Timestamp};

/// How many newer digests may lie between one and its successor for that one's record to be found.
pub(super) const MAX_BETWEEN: usize = 8;

/// What the signatures at hand say of a digest.
#[derive(Clone, Debug)]
pub enum SignatureCheck {
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
    pub(super) proof: Option<SignatureCheck>,
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
            (Some(file), Some(SignatureCheck::Signed { .. })) => file.window(),
            (Some(file), _) if file.window().end == named.end => {
                Interval { start: file.window().start.min(named.start), end: named.end }
            }
            _ => named,
        }
    }

    /// Whether it is not as it was delivered, whatever its successor records.
    pub(super) const fn is_suspect(&self) -> bool {
        match (&self.read.content, &self.proof) {
            (DigestContent::Malformed { .. }, _)
            | (DigestContent::Parsed(_), None | Some(SignatureCheck::Misfit)) => true,
            (DigestContent::Parsed(_), Some(SignatureCheck::Signed { metadata_fits, .. })) => !*metadata_fits,
            (DigestContent::Parsed(_), Some(SignatureCheck::Unsigned | SignatureCheck::NoKey(_))) => false,
            (DigestContent::Oversized(_) | DigestContent::Unreadable(_) | DigestContent::Gone, _) => false,
        }
    }

    pub(super) const fn is_signed(&self) -> bool {
        matches!(self.proof, Some(SignatureCheck::Signed { .. }))
    }
}

/// What a digest records of its predecessor: where it lies, and its signature.
pub(super) fn recorded_signature(file: &DigestFile) -> Option<(Location, Box<str>)> {
    let previous = file.previous()?;
    Some((previous.location.clone(), previous.signature.clone()?))
}

impl CheckedDigest {
    /// The digest with what [`ChainProver::check`] said of it.
    #[must_use]
    pub fn new(read: ReadDigest, checked: (Location, Vec<Box<str>>, Option<SignatureCheck>)) -> Self {
        let (place, recorded, proof) = checked;
        Self { read, place, recorded, proof }
    }
}

/// The signatures that the nearest newer digests, proved or not, record for the one at `place`.
pub(super) fn signatures_for(
    recorded: impl Iterator<Item = Option<(Location, Box<str>)>>,
    place: &Location,
) -> Vec<Box<str>> {
    let here = recorded.take(MAX_BETWEEN).flatten().filter(|(location, _)| location == place);
    here.map(|(_, signature)| signature).collect()
}

/// Checks the signature in the metadata, then those that newer digests record. That no recorded signature fits says
/// nothing: the digest that records it may be forged.
pub(super) fn check(read: &ReadDigest, place: &Location, recorded: &[Box<str>]) -> Option<SignatureCheck> {
    let file = read.file().filter(|file| file.location() == place)?;
    let own = read.signature.as_deref();
    if own.is_none() && recorded.is_empty() {
        return Some(SignatureCheck::Unsigned);
    }
    let key = match &read.key {
        Some(Ok(key)) => key,
        Some(Err(lack)) => return Some(SignatureCheck::NoKey(lack.clone())),
        None => {
            return Some(SignatureCheck::NoKey(KeyLack::Unknown {
                fingerprint: file.fingerprint().to_owned(),
            }));
        }
    };
    let check = |signature: &str| signature::verify(file, signature, &key.key);
    let signed = |proof, metadata_fits| SignatureCheck::Signed { proof, key: Arc::clone(key), metadata_fits };
    if let Some(proof) = own.and_then(check) {
        return Some(signed(proof, true));
    }
    Some(match recorded.iter().find_map(|signature| check(signature)) {
        Some(proof) => signed(proof, own.is_none()),
        None if own.is_some() => SignatureCheck::Misfit,
        None => SignatureCheck::Unsigned,
    })
}
