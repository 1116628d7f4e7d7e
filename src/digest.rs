//! A digest file as parsed: what it says, none of it trusted yet.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::ident::{Location, Sha256Hash};
use crate::time::{Interval, Timestamp};

/// The one signature algorithm CloudTrail uses.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// The one hash algorithm CloudTrail uses.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// Why bytes are no digest file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DigestError {
    /// Not JSON, or a field is missing, twice there or of another type.
    #[error("it is not a digest file: {0}")]
    Json(String),
    /// A field's text is not of the form CloudTrail writes.
    #[error("its `{0}` is not of the form CloudTrail writes")]
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
        // JSON is UTF-8 (RFC 8259, section 8.1), in the fields that nobody asks for as well, which serde_json skips unread.
        let text = std::str::from_utf8(bytes).map_err(|error| DigestError::Json(error.to_string()))?;
        let wire: Wire<'_> =
            serde_json::from_str(text).map_err(|error| DigestError::Json(error.to_string()))?;
        let location = Location::new(&*wire.digest_s3_bucket, &*wire.digest_s3_object);
        let previous = wire.previous(&location.bucket)?;
        let logs = wire.log_files.iter().map(|log| log.listed(&location.bucket)).collect();
        Ok(Self {
            hash: Sha256Hash::of(bytes),
            window: wire.window()?,
            end_as_written: wire.digest_end_time.into(),
            location,
            fingerprint: wire.digest_public_key_fingerprint.into(),
            algorithm: wire.digest_signature_algorithm.into(),
            previous,
            previous_signature: wire.previous_digest_signature.map(Into::into),
            logs,
        })
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

/// The JSON object; strings are borrowed where they hold no escapes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a digest file")]
struct Wire<'a> {
    #[serde(borrow, rename = "awsAccountId")]
    _aws_account_id: Cow<'a, str>,
    #[serde(borrow)]
    digest_start_time: Cow<'a, str>,
    #[serde(borrow)]
    digest_end_time: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Bucket")]
    digest_s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Object")]
    digest_s3_object: Cow<'a, str>,
    #[serde(borrow)]
    digest_public_key_fingerprint: Cow<'a, str>,
    #[serde(borrow)]
    digest_signature_algorithm: Cow<'a, str>,
    #[serde(borrow, rename = "previousDigestS3Bucket", deserialize_with = "required")]
    previous_digest_s3_bucket: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "previousDigestS3Object", deserialize_with = "required")]
    previous_digest_s3_object: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_hash_value: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_hash_algorithm: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "required")]
    previous_digest_signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    log_files: Vec<WireLog<'a>>,
}

/// A field that may be `null` but has to be there: `Option` alone would take its absence for `null`.
fn required<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map(|text| text.0))
}

impl Wire<'_> {
    fn window(&self) -> Result<Interval, DigestError> {
        let parse = |text: &str, field| Timestamp::parse_digest_field(text).ok_or(DigestError::Field(field));
        let start = parse(&self.digest_start_time, "digestStartTime")?;
        let end = parse(&self.digest_end_time, "digestEndTime")?;
        Interval::new(start, end).ok_or(DigestError::Field("digestEndTime"))
    }

    fn previous(&self, bucket: &Arc<str>) -> Result<Option<Previous>, DigestError> {
        let (previous_bucket, key) = match (&self.previous_digest_s3_bucket, &self.previous_digest_s3_object)
        {
            (Some(bucket), Some(key)) => (bucket, key),
            (None, None) => return Ok(None),
            _ => return Err(DigestError::Field("previousDigestS3Object")),
        };
        let comparable = self.previous_digest_hash_algorithm.as_deref() == Some(HASH_ALGORITHM);
        let hash = self.previous_digest_hash_value.as_deref().filter(|_| comparable);
        Ok(Some(Previous {
            location: Location::new(shared(previous_bucket, bucket), &**key),
            hash: hash.and_then(Sha256Hash::parse),
            signature: self.previous_digest_signature.as_deref().map(Into::into),
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a log file of a digest")]
struct WireLog<'a> {
    #[serde(borrow, rename = "s3Bucket")]
    s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "s3Object")]
    s3_object: Cow<'a, str>,
    #[serde(borrow)]
    hash_value: Cow<'a, str>,
    #[serde(borrow)]
    hash_algorithm: Cow<'a, str>,
}

impl WireLog<'_> {
    fn listed(&self, bucket: &Arc<str>) -> ListedLog {
        let hash = Some(&*self.hash_value).filter(|_| self.hash_algorithm == HASH_ALGORITHM);
        let hash = match hash.and_then(Sha256Hash::parse) {
            Some(hash) => ListedHash::Sha256(hash),
            None => ListedHash::Unknown(format!("{} {}", self.hash_algorithm, self.hash_value).into()),
        };
        ListedLog { location: Location::new(shared(&self.s3_bucket, bucket), &*self.s3_object), hash }
    }
}

/// The digest's own bucket name where `name` is the same, so that a million log files share it.
fn shared(name: &str, bucket: &Arc<str>) -> Arc<str> {
    if name == &**bucket { Arc::clone(bucket) } else { Arc::from(name) }
}
