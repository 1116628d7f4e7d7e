//! A digest as read: bytes, metadata and key, unjudged.

use std::sync::Arc;

use crate::digest::DigestFile;
use crate::event::{BodyFault, Excess, Fault, KeyLack};
use crate::gzip::Sizes;
use crate::ident::{Location, Sha256Hash};
use crate::signature::TrustedKey;
use crate::time::Timestamp;

/// The result of reading a body: the hash of the inflated content, or the fault of the body.
pub type SeenBody = Result<Sha256Hash, BodyFault>;

/// A digest as read.
#[derive(Clone, Debug)]
pub struct ReadDigest {
    /// Where the digest was looked for.
    pub location: Location,
    /// Where the digest was delivered, if a copy holds the digest in a folder that stands for another place. Only a digest
    /// of a listing has such a place.
    pub delivered: Option<Location>,
    /// The end in the digest's name.
    pub end: Timestamp,
    /// The content of the object.
    pub content: DigestContent,
    /// The signature in the metadata, hex.
    pub signature: Option<String>,
    /// Why the metadata could not be parsed.
    pub metadata_error: Option<String>,
    /// The generation time in the metadata. Only a backfill digest has a generation time: no signature covers the
    /// metadata, and an hourly digest is signed within hours of its end. On an hourly digest, a forged time would let a
    /// later key stand for the right key.
    pub generated: Option<Timestamp>,
    /// The key named in the digest, or the reason for its lack; `None` for an unparsed digest.
    pub key: Option<Result<Arc<TrustedKey>, KeyLack>>,
    /// Sizes of the body.
    pub sizes: Sizes,
    /// Files of a copy that lacks the digest, which may be the digest under other names. Only a recorded hash proves which
    /// one is.
    pub renamed: Vec<Self>,
}

/// The content at the place of a digest.
#[derive(Clone, Debug)]
pub enum DigestContent {
    /// A digest file.
    Parsed(Box<DigestFile>),
    /// Not a digest file.
    Malformed {
        /// The fault of the content.
        fault: Fault,
        /// The hash or the body fault of the read.
        seen: SeenBody,
    },
    /// The digest exceeds the size that is held in memory.
    Oversized(Excess),
    /// The digest could not be read, with the reason.
    Unreadable(String),
    /// The copy under validation does not hold the digest, with the reason: nothing tells whether S3 does.
    Absent(String),
    /// GET found no object.
    Gone,
}

impl ReadDigest {
    /// A read that found no object.
    #[must_use]
    pub const fn gone(location: Location, end: Timestamp) -> Self {
        Self {
            location,
            delivered: None,
            end,
            content: DigestContent::Gone,
            signature: None,
            metadata_error: None,
            generated: None,
            key: None,
            sizes: Sizes { compressed: 0, inflated: 0 },
            renamed: Vec::new(),
        }
    }

    /// The digest file, if the content is one.
    #[must_use]
    pub const fn file(&self) -> Option<&DigestFile> {
        match &self.content {
            DigestContent::Parsed(file) => Some(file),
            DigestContent::Malformed { .. }
            | DigestContent::Oversized(_)
            | DigestContent::Unreadable(_)
            | DigestContent::Absent(_)
            | DigestContent::Gone => None,
        }
    }

    /// The earliest time of signing; `None` without a digest file.
    #[must_use]
    pub fn signed_from(&self) -> Option<Timestamp> {
        let end = self.file()?.window().end;
        Some(self.generated.unwrap_or(end).max(end))
    }

    /// The hash or the body fault of the read; `None` without content.
    pub(super) fn seen(&self) -> Option<SeenBody> {
        match &self.content {
            DigestContent::Parsed(file) => Some(Ok(file.hash())),
            DigestContent::Malformed { seen, .. } => Some(*seen),
            DigestContent::Oversized(_)
            | DigestContent::Unreadable(_)
            | DigestContent::Absent(_)
            | DigestContent::Gone => None,
        }
    }
}
