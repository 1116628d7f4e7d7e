//! A digest file's JSON, as CloudTrail writes the fields, and the signature.

use serde::{Deserialize, Serialize};

use super::SimulateError;
use super::keys::DigestSigner;
use crate::ident::{DigestKey, Location, Sha256Hash};
use crate::store::Metadata;
use crate::time::{Interval, Timestamp};

const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
const HASH_ALGORITHM: &str = "SHA-256";

/// The metadata name of a digest's signature.
pub(super) const SIGNATURE: &str = "signature";

/// A digest file's fields, in AWS's order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DigestDocument {
    pub(super) aws_account_id: String,
    pub(super) digest_start_time: String,
    pub(super) digest_end_time: String,
    pub(super) digest_s3_bucket: String,
    pub(super) digest_s3_object: String,
    pub(super) digest_public_key_fingerprint: String,
    pub(super) digest_signature_algorithm: String,
    pub(super) newest_event_time: Option<String>,
    pub(super) oldest_event_time: Option<String>,
    pub(super) previous_digest_s3_bucket: Option<String>,
    pub(super) previous_digest_s3_object: Option<String>,
    pub(super) previous_digest_hash_value: Option<String>,
    pub(super) previous_digest_hash_algorithm: Option<String>,
    pub(super) previous_digest_signature: Option<String>,
    pub(super) log_files: Vec<LogEntry>,
}

/// The entry for a log file in a digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogEntry {
    pub(super) s3_bucket: String,
    pub(super) s3_object: String,
    pub(super) hash_value: String,
    pub(super) hash_algorithm: String,
    pub(super) newest_event_time: String,
    pub(super) oldest_event_time: String,
}

/// A signed digest: the delivered parts, and the source of the next digest's record.
#[derive(Clone, Debug)]
pub(super) struct SignedDigest {
    pub(super) location: Location,
    pub(super) content: Vec<u8>,
    pub(super) signature: String,
}

impl LogEntry {
    pub(super) fn new(location: &Location, hash: Sha256Hash, oldest: Timestamp, newest: Timestamp) -> Self {
        Self {
            s3_bucket: location.bucket.to_string(),
            s3_object: location.key.to_string(),
            hash_value: hash.to_string(),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest_event_time: newest.to_string(),
            oldest_event_time: oldest.to_string(),
        }
    }

    /// The location of the log file.
    pub(super) fn location(&self) -> Location {
        Location::new(self.s3_bucket.as_str(), self.s3_object.as_str())
    }
}

impl DigestDocument {
    /// A chain's starting digest of `window`, with location `key`.
    pub(super) fn starting(key: &DigestKey, window: Interval, logs: Vec<LogEntry>) -> Self {
        let location = key.location();
        Self {
            aws_account_id: key.folder.account.to_string(),
            digest_start_time: window.start.to_string(),
            digest_end_time: window.end.to_string(),
            digest_s3_bucket: location.bucket.to_string(),
            digest_s3_object: location.key.to_string(),
            digest_public_key_fingerprint: String::new(),
            digest_signature_algorithm: SIGNATURE_ALGORITHM.to_owned(),
            // The written form of a time sorts like the time.
            newest_event_time: logs.iter().map(|log| &log.newest_event_time).max().cloned(),
            oldest_event_time: logs.iter().map(|log| &log.oldest_event_time).min().cloned(),
            previous_digest_s3_bucket: None,
            previous_digest_s3_object: None,
            previous_digest_hash_value: None,
            previous_digest_hash_algorithm: None,
            previous_digest_signature: None,
            log_files: logs,
        }
    }

    /// The same digest with links to `previous`.
    pub(super) fn following(mut self, previous: &SignedDigest) -> Self {
        self.previous_digest_s3_bucket = Some(previous.location.bucket.to_string());
        self.previous_digest_s3_object = Some(previous.location.key.to_string());
        self.previous_digest_hash_value = Some(Sha256Hash::of(&previous.content).to_string());
        self.previous_digest_hash_algorithm = Some(HASH_ALGORITHM.to_owned());
        self.previous_digest_signature = Some(previous.signature.clone());
        self
    }

    /// The same digest with the fingerprint of `signer`.
    pub(super) fn naming_key(mut self, signer: &DigestSigner) -> Self {
        self.digest_public_key_fingerprint.clone_from(&signer.saved.fingerprint);
        self
    }

    /// The location that the digest names.
    pub(super) fn location(&self) -> Location {
        Location::new(self.digest_s3_bucket.as_str(), self.digest_s3_object.as_str())
    }

    /// The bytes of the digest: compact JSON.
    pub(super) fn content(&self) -> Result<Vec<u8>, SimulateError> {
        serde_json::to_vec(self).map_err(|error| SimulateError::Spec(error.to_string()))
    }

    /// Signs the digest, whatever key the digest names.
    pub(super) fn sign(&self, signer: &DigestSigner) -> Result<SignedDigest, SimulateError> {
        self.sign_content(signer, self.content()?)
    }

    /// Signs `content`, which must have the digest's fields.
    pub(super) fn sign_content(
        &self,
        signer: &DigestSigner,
        content: Vec<u8>,
    ) -> Result<SignedDigest, SimulateError> {
        let signature = signer.sign(&self.string_to_sign(&content))?;
        Ok(SignedDigest { location: self.location(), content, signature })
    }

    /// The string to sign. Source: AWS CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity
    /// validation".
    fn string_to_sign(&self, content: &[u8]) -> String {
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.digest_end_time,
            self.digest_s3_bucket,
            self.digest_s3_object,
            Sha256Hash::of(content),
            self.previous_digest_signature.as_deref().unwrap_or("null"),
        )
    }
}

/// The metadata for a signature.
pub(super) fn signature_metadata(signature: &str) -> Metadata {
    Metadata::from([
        (SIGNATURE.to_owned(), signature.to_owned()),
        ("signature-algorithm".to_owned(), SIGNATURE_ALGORITHM.to_owned()),
    ])
}
