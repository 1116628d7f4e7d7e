//! The signed fields of a digest file in a form that this version does not know.

use serde::Deserialize;

use super::string_to_sign;
use crate::ident::{Location, Sha256Hash};

/// What CloudTrail's signature covers, read from content that is not that of a [`DigestFile`](super::DigestFile). Nothing
/// else of the content is read, and nothing in it is believed: a signature only shows who wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SignedFields {
    /// Location of the digest, as recorded.
    pub(crate) location: Location,
    /// Fingerprint of the signing key, as recorded.
    pub(crate) fingerprint: String,
    /// The bytes that CloudTrail would sign.
    pub(crate) string_to_sign: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFields {
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    key: String,
    digest_public_key_fingerprint: String,
    #[serde(default)]
    previous_digest_signature: Option<String>,
}

impl SignedFields {
    /// Reads the fields from inflated bytes; `None` unless they are all there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let wire: WireFields = serde_json::from_slice(bytes).ok()?;
        let location = Location::new(wire.bucket, wire.key);
        let previous = wire.previous_digest_signature.as_deref();
        let string_to_sign =
            string_to_sign(&wire.digest_end_time, &location, Sha256Hash::of(bytes), previous);
        Some(Self { location, fingerprint: wire.digest_public_key_fingerprint, string_to_sign })
    }
}
