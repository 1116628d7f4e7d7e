//! A digest file as parsed: what it says, none of it trusted yet.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".

mod wire;

use crate::ident::{Location, Sha256Hash};
use crate::time::Interval;

/// The one signature algorithm CloudTrail uses.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// The one hash algorithm CloudTrail uses.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// Longest text in a digest, in bytes. The longest that CloudTrail writes is a key, of which S3 takes 1,024 bytes; without
/// a limit one text could be as long as the whole file, and be kept many times.
const MAX_TEXT: usize = 8 << 10;

/// Why bytes are no digest file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DigestError {
    /// Not JSON, or a field is missing, twice there or of another type.
    #[error("not a digest file: {0}")]
    Json(String),
    /// A field's text is not of the form CloudTrail writes.
    #[error("`{0}` is not of the form that CloudTrail writes")]
    Field(&'static str),
}

/// A log file's hash as a digest lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListedHash {
    /// SHA-256 of the inflated log file.
    Sha256(Sha256Hash),
    /// Something we cannot compare: an algorithm that is not SHA-256, or a value that is no hash. As written.
    Unknown(Box<str>),
}

/// A log file as a digest lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedLog {
    /// Where it lies.
    pub location: Location,
    /// Its hash.
    pub hash: ListedHash,
}

/// What a digest records of the one before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Previous {
    /// Where the previous digest lies.
    pub location: Location,
    /// SHA-256 of the previous digest, inflated; `None` where it is written in a way we cannot compare.
    pub hash: Option<Sha256Hash>,
    /// The previous digest's signature, hex, as written.
    pub signature: Option<Box<str>>,
}

/// A digest file: the fields that matter to proof, and the hash of the bytes it was parsed from.
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
    /// [`DigestError`] for anything that has not all of a digest's fields in their form.
    pub fn parse(bytes: &[u8]) -> Result<Self, DigestError> {
        wire::parse(bytes)
    }

    /// The same without its log files: what tells where it belongs and whether it is signed. It proves nothing of logs.
    pub(crate) fn head(self) -> Self {
        Self { logs: Box::default(), ..self }
    }

    /// SHA-256 of the bytes it was parsed from.
    #[must_use]
    pub const fn hash(&self) -> Sha256Hash {
        self.hash
    }

    /// The stretch of delivery time it says it covers.
    #[must_use]
    pub const fn window(&self) -> Interval {
        self.window
    }

    /// Where it says it belongs.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// Fingerprint of the key it says it was signed with.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The signature algorithm it names.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// What it records of the digest before it; `None` in a digest that starts a chain.
    #[must_use]
    pub const fn previous(&self) -> Option<&Previous> {
        self.previous.as_ref()
    }

    /// How many log files it lists.
    #[must_use]
    pub const fn log_count(&self) -> usize {
        self.logs.len()
    }

    /// Bytes of all the texts it holds.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let place = |location: &Location| location.bucket.len() + location.key.len();
        let log = |log: &ListedLog| {
            log.location.key.len() + if let ListedHash::Unknown(text) = &log.hash { text.len() } else { 0 }
        };
        let previous = self.previous.as_ref().map_or(0, |previous| place(&previous.location));
        let signature = self.previous_signature.as_ref().map_or(0, |text| text.len());
        let own = place(&self.location) + self.fingerprint.len() + self.algorithm.len();
        own + previous + 2 * signature + self.logs.iter().map(log).sum::<usize>()
    }

    /// Where the log files lie that it claims to list. Their hashes are shown only by a proved digest.
    pub fn claimed_logs(&self) -> impl Iterator<Item = &Location> {
        self.logs.iter().map(|log| &log.location)
    }

    /// The log files with their hashes; for [`crate::chain::ProvedDigest`] alone.
    pub(crate) const fn logs(&self) -> &[ListedLog] {
        &self.logs
    }

    /// The bytes that CloudTrail signs: end time, path, hash and previous signature, a line each.
    ///
    /// Source: AWS CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity validation".
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        let previous = self.previous_signature.as_deref().unwrap_or("null");
        let Location { bucket, key } = &self.location;
        format!("{}\n{bucket}/{key}\n{}\n{previous}", self.end_as_written, self.hash)
    }
}
