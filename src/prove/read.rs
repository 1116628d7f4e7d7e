//! A digest as it was read: bytes, metadata and key, none of it judged.

use std::sync::Arc;

use crate::digest::DigestFile;
use crate::event::{BodyFault, Excess, Fault, KeyLack};
use crate::gzip::Sizes;
use crate::ident::{Location, Sha256Hash};
use crate::signature::TrustedKey;
use crate::time::Timestamp;

/// What a read showed: the hash of the inflated content, or what is wrong with the body.
pub type SeenBody = Result<Sha256Hash, BodyFault>;

/// A digest as it was read.
#[derive(Clone, Debug)]
pub struct ReadDigest {
    /// Where it was looked for.
    pub location: Location,
    /// The end its name gives.
    pub end: Timestamp,
    /// What lies there.
    pub content: DigestContent,
    /// The signature in its metadata, hex.
    pub signature: Option<String>,
    /// Why its metadata could not be understood.
    pub metadata_error: Option<String>,
    /// When its metadata says that it was made. Only a backfill digest has it: no signature covers the metadata, and on an
    /// hour's digest, which is signed within hours of its end, it would let a later key stand for the one of that time.
    pub generated: Option<Timestamp>,
    /// The key that it names, or what is lacking; `None` where it is not parsed.
    pub key: Option<Result<Arc<TrustedKey>, KeyLack>>,
    /// Sizes of its body.
    pub sizes: Sizes,
}

/// What lies in the place of a digest.
#[derive(Clone, Debug)]
pub enum DigestContent {
    /// A digest file.
    Parsed(Box<DigestFile>),
    /// No digest file.
    Malformed {
        /// What is wrong with it.
        fault: Fault,
        /// What was seen.
        seen: SeenBody,
    },
    /// It inflates to more than is held in memory.
    Oversized(Excess),
    /// It could not be read, and why.
    Unreadable(String),
    /// GET found nothing.
    Gone,
}

impl ReadDigest {
    /// Nothing that was read.
    #[must_use]
    pub const fn gone(location: Location, end: Timestamp) -> Self {
        Self {
            location,
            end,
            content: DigestContent::Gone,
            signature: None,
            metadata_error: None,
            generated: None,
            key: None,
            sizes: Sizes { compressed: 0, inflated: 0 },
        }
    }

    /// The digest file, where it is one.
    #[must_use]
    pub const fn file(&self) -> Option<&DigestFile> {
        match &self.content {
            DigestContent::Parsed(file) => Some(file),
            DigestContent::Malformed { .. }
            | DigestContent::Oversized(_)
            | DigestContent::Unreadable(_)
            | DigestContent::Gone => None,
        }
    }

    /// From when on it may have been signed; `None` where it is no digest file.
    #[must_use]
    pub fn signed_from(&self) -> Option<Timestamp> {
        let end = self.file()?.window().end;
        Some(self.generated.unwrap_or(end).max(end))
    }

    /// What the read showed; `None` where it showed nothing.
    pub(super) fn seen(&self) -> Option<SeenBody> {
        match &self.content {
            DigestContent::Parsed(file) => Some(Ok(file.hash())),
            DigestContent::Malformed { seen, .. } => Some(*seen),
            DigestContent::Oversized(_) | DigestContent::Unreadable(_) | DigestContent::Gone => None,
        }
    }
}
