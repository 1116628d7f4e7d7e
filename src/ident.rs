//! Identifiers: locations of objects, chains of digests, hashes.

mod changed_name;
mod digest_key;
mod file_name;
mod log_key;
mod relocation;

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

pub use changed_name::{is_delivered_as, stem_of, stems_in};
pub use digest_key::{DigestKey, RegionFolder};
pub use file_name::{DeliveredName, DeliveredType, name_after_inflating, name_before_inflating};
pub use log_key::{LogFolder, LogFolderKey, is_log_name};
pub use relocation::Relocation;

/// Location of an object in S3: bucket and key. An object in a directory has the location of the original in S3.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Location {
    /// Bucket name.
    pub bucket: Arc<str>,
    /// Object key. A leading slash belongs to the key, because a trail's prefix may begin with a slash.
    pub key: Box<str>,
}

impl Location {
    /// Creates the location of the object `key` in `bucket`.
    pub fn new(bucket: impl Into<Arc<str>>, key: impl Into<Box<str>>) -> Self {
        Self { bucket: bucket.into(), key: key.into() }
    }

    /// Last segment of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Location {
    /// Writes `s3://BUCKET/KEY` without escaping; the caller escapes the text for the output.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash(pub [u8; 32]);

impl Sha256Hash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses 64 hex digits, in any case.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        let mut value = [0; 32];
        hex::decode_to_slice(hex, &mut value).ok()?;
        Some(Self(value))
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha256Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Self::parse(&hex).ok_or_else(|| D::Error::custom("not a SHA-256 value: expected 64 hex digits"))
    }
}

/// Identifies a chain of digests. A trail's backfill digests form a separate chain.
///
/// The order of the fields is the order of chains in every report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ChainId {
    /// Account ID, 12 digits.
    pub account: Arc<str>,
    /// Region of the log files.
    pub region: Arc<str>,
    /// Trail name.
    pub trail: Arc<str>,
    /// Home region of the trail.
    pub home_region: Arc<str>,
    /// Organization ID, for an organization trail: an account's own trail may have the same name.
    pub organization: Option<Arc<str>>,
    /// Whether the chain consists of backfill digests.
    pub backfill: bool,
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.backfill { " (backfill)" } else { "" };
        write!(f, "{} {} {}{kind}", self.account, self.region, self.trail)
    }
}

/// Whether `text` is an account ID: 12 digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` is an organization ID: `o-` and 10 to 32 lower-case letters or digits.
///
/// Source: AWS Organizations API Reference, data type `Organization`.
#[must_use]
pub fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    })
}

/// Whether `text` looks like a region's name, such as `us-east-1` or `us-gov-west-1`: words of lower-case letters,
/// then a number.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.len() <= 32
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.contains('-')
        && words.split('-').all(is_word)
}

/// Whether `text` is a valid trail name: 3 to 128 of `[A-Za-z0-9._-]`.
///
/// Source: CloudTrail API Reference, `CreateTrail`.
#[must_use]
pub fn is_trail(text: &str) -> bool {
    (3..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_junk() {
        for region in
            ["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eusc-de-east-1"]
        {
            assert!(is_region(region), "{region}");
        }
        for junk in
            ["", "us", "us-east", "us-1", "US-EAST-1", "us--east-1", "us-east-1x", "us-east-100", "../..-1"]
        {
            assert!(!is_region(junk), "{junk}");
        }
        assert!(
            is_account("111122223333")
                && !is_account("11112222333")
                && !is_account("１１１１２２２２３３３３")
        );
        assert!(
            is_organization("o-abcdefghij") && !is_organization("o-abc") && !is_organization("o-ABCDEFGHIJ")
        );
        assert!(
            is_trail("a_us-east-1_x") && !is_trail("ab") && !is_trail("a b c") && !is_trail(&"a".repeat(129))
        );
    }
}
