//! Rule 1: checks a digest against the known signatures.

use std::sync::Arc;

use super::read::{DigestContent, ReadDigest};
use super::scope::ChainScope;
use super::stretch::RememberedStretch;
use crate::digest::DigestFile;
use crate::event::KeyLack;
use crate::ident::Location;
use crate::signature::{self, SignatureProof, TrustedKey};
use crate::time::{Interval, Timestamp};

/// How many newer digests may lie between a digest and its successor for the record of the successor to be found.
pub(super) const MAX_BETWEEN: usize = 8;

/// The result of checking a digest against the known signatures.
#[derive(Clone, Debug)]
pub enum SignatureCheck {
    /// A signature fits.
    Signed {
        /// The proof.
        proof: SignatureProof,
        /// The key.
        key: Arc<TrustedKey>,
        /// Whether the signature in the metadata fits. If not, a signature recorded in a newer digest fits.
        metadata_fits: bool,
    },
    /// The signature in the metadata does not fit the key named in the digest, and no recorded signature fits either.
    Misfit,
    /// No signature in the metadata, and no fitting recorded signature.
    Unsigned,
    /// No key to check with.
    NoKey(KeyLack),
}

/// A digest as read, with the result of its signature check.
#[derive(Clone, Debug)]
pub struct CheckedDigest {
    pub(super) read: ReadDigest,
    /// Where CloudTrail delivered the digest: its location, unless the user named a move, or a copy holds the digests of
    /// several places in one folder.
    pub(super) place: Location,
    /// The recorded signatures that were tried.
    pub(super) recorded: Vec<Box<str>>,
    /// `None` for an unparsed digest, and for a digest outside the place named in its text: the signature covers the
    /// place.
    pub(super) proof: Option<SignatureCheck>,
    /// The stretch of remembered digests that stands here in place of a digest.
    pub(super) stretch: Option<Box<RememberedStretch>>,
}

impl CheckedDigest {
    pub(super) const fn end(&self) -> Timestamp {
        self.read.end
    }

    /// The window, as far as it can be believed: the window in the text of a signed digest; for an unsigned digest, at
    /// least the hour before the end in the name.
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

    /// Whether the digest seems modified by itself, whatever its successor records.
    pub(super) const fn is_suspect(&self) -> bool {
        match (&self.read.content, &self.proof) {
            (DigestContent::Malformed { .. }, _)
            | (DigestContent::Parsed(_), None | Some(SignatureCheck::Misfit)) => true,
            (DigestContent::Parsed(_), Some(SignatureCheck::Signed { metadata_fits, .. })) => !*metadata_fits,
            (DigestContent::Parsed(_), Some(SignatureCheck::Unsigned | SignatureCheck::NoKey(_))) => false,
            (
                DigestContent::Oversized(_)
                | DigestContent::Unreadable(_)
                | DigestContent::Absent(_)
                | DigestContent::Gone,
                _,
            ) => false,
        }
    }

    pub(super) const fn is_signed(&self) -> bool {
        matches!(self.proof, Some(SignatureCheck::Signed { .. }))
    }
}

/// The place and the signature that a digest records of its predecessor.
pub(super) fn recorded_signature(file: &DigestFile) -> Option<(Location, Box<str>)> {
    let previous = file.previous()?;
    Some((previous.location.clone(), previous.signature.clone()?))
}

impl CheckedDigest {
    /// Joins a digest with the result of [`ChainProver::check`](crate::prove::ChainProver::check).
    #[must_use]
    pub fn new(read: ReadDigest, checked: (Location, Vec<Box<str>>, Option<SignatureCheck>)) -> Self {
        let (place, recorded, proof) = checked;
        Self { read, place, recorded, proof, stretch: None }
    }
}

/// The signatures that the nearest newer digests, proved or not, record for the digest at `place`.
pub(super) fn signatures_for(
    recorded: impl Iterator<Item = Option<(Location, Box<str>)>>,
    place: &Location,
) -> Vec<Box<str>> {
    let here = recorded.take(MAX_BETWEEN).flatten().filter(|(location, _)| location == place);
    here.map(|(_, signature)| signature).collect()
}

/// Checks the signature in the metadata, then the signatures that newer digests record. A recorded signature that does
/// not fit proves nothing: the recording digest may be forged.
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
    // The digest's own signature has precedence: a recorded signature only replaces lost metadata.
    if let Some(proof) = own.and_then(check) {
        return Some(signed(proof, true));
    }
    Some(match recorded.iter().find_map(|signature| check(signature)) {
        Some(proof) => signed(proof, own.is_none()),
        None if own.is_some() => SignatureCheck::Misfit,
        None => SignatureCheck::Unsigned,
    })
}
