//! A parsed digest file. All content is untrusted until proved.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".

mod signed;
mod wire;

use crate::ident::{Location, Sha256Hash};
use crate::time::Interval;
pub(crate) use signed::SignedFields;

/// The signature algorithm of all CloudTrail digests.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// The hash algorithm of all CloudTrail digests.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// Longest text in a digest, in bytes. CloudTrail's longest text is a key, and S3 allows 1,024 bytes for a key.
/// Without a limit, a single text could be as long as the file, and be stored many times.
const MAX_TEXT: usize = 8 << 10;

/// Why bytes are not a digest file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DigestError {
    /// Not JSON, or a field is missing, repeated or of the wrong type.
    #[error("not a digest file: {0}")]
    Json(String),
    /// A field has a text that CloudTrail does not write.
    #[error("`{0}` has a form that CloudTrail does not write")]
    Field(&'static str),
}

/// A log file's hash, as listed in a digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListedHash {
    /// SHA-256 of the inflated log file.
    Sha256(Sha256Hash),
    /// A hash that cannot be compared: another algorithm than SHA-256, or an invalid value. Keeps the text as
    /// written.
    Unknown(Box<str>),
}

/// A log file, as listed in a digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedLog {
    /// Location of the log file.
    pub location: Location,
    /// Hash of the log file.
    pub hash: ListedHash,
}

/// A digest's record of the previous digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Previous {
    /// Location of the previous digest.
    pub location: Location,
    /// SHA-256 of the inflated previous digest; `None` if the value cannot be compared.
    pub hash: Option<Sha256Hash>,
    /// Signature of the previous digest in hex, as written.
    pub signature: Option<Box<str>>,
}

/// A digest file: the fields needed for proof, and the hash of the parsed bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DigestFile {
    hash: Sha256Hash,
    window: Interval,
    end_as_written: Box<str>,
    location: Location,
    fingerprint: Box<str>,
    algorithm: Box<str>,
    previous: Option<Previous>,
    previous_signature: Option<Box<str>>,
    logs: Box<[ListedLog]>,
}

impl DigestFile {
    /// Parses the inflated bytes of a digest file. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`DigestError`] unless every field of a digest is present and well-formed.
    pub fn parse(bytes: &[u8]) -> Result<Self, DigestError> {
        wire::parse(bytes)
    }

    /// Drops the log files and keeps the fields for location and signature. The result proves no log file.
    pub(crate) fn head(self) -> Self {
        Self { logs: Box::default(), ..self }
    }

    /// SHA-256 of the parsed bytes.
    #[must_use]
    pub const fn hash(&self) -> Sha256Hash {
        self.hash
    }

    /// Delivery times covered by the digest, as recorded.
    #[must_use]
    pub const fn window(&self) -> Interval {
        self.window
    }

    /// Location of the digest, as recorded.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// Fingerprint of the signing key, as recorded.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Signature algorithm, as recorded.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Record of the previous digest; `None` in a digest that starts a chain.
    #[must_use]
    pub const fn previous(&self) -> Option<&Previous> {
        self.previous.as_ref()
    }

    /// Number of listed log files.
    #[must_use]
    pub const fn log_count(&self) -> usize {
        self.logs.len()
    }

    /// Size of all texts, in bytes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let place = |location: &Location| location.bucket.len() + location.key.len();
        let log = |log: &ListedLog| {
            log.location.key.len() + if let ListedHash::Unknown(text) = &log.hash { text.len() } else { 0 }
        };
        let previous = self.previous.as_ref().map_or(0, |previous| place(&previous.location));
        let signature = self.previous_signature.as_ref().map_or(0, |text| text.len());
        let own = place(&self.location) + self.fingerprint.len() + self.algorithm.len();
        // The previous signature is stored twice: in the record, and for the string to sign.
        own + previous + 2 * signature + self.logs.iter().map(log).sum::<usize>()
    }

    /// Locations of the listed log files, without proof. Hashes need a [`crate::chain::ProvedDigest`].
    pub fn claimed_logs(&self) -> impl Iterator<Item = &Location> {
        self.logs.iter().map(|log| &log.location)
    }

    /// Listed log files with hashes; only for [`crate::chain::ProvedDigest`].
    pub(crate) const fn logs(&self) -> &[ListedLog] {
        &self.logs
    }

    /// The bytes signed by CloudTrail: end time, path, hash and previous signature, in one line each.
    ///
    /// Source: AWS CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity validation".
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        string_to_sign(&self.end_as_written, &self.location, self.hash, self.previous_signature.as_deref())
    }
}

fn string_to_sign(end: &str, location: &Location, hash: Sha256Hash, previous: Option<&str>) -> String {
    // The first digest of a chain is signed with the text `null` in place of a signature.
    let previous = previous.unwrap_or("null");
    let Location { bucket, key } = location;
    format!("{end}\n{bucket}/{key}\n{hash}\n{previous}")
}
