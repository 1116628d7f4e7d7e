//! The chain: what makes a digest proved, what it records of its predecessor, and how the two must fit.

use crate::digest::{DigestFile, ListedLog};
use crate::ident::{Location, Sha256Hash};
use crate::signature::{self, SignatureProof};
use crate::time::{HOUR, Interval, Timestamp};

/// A digest that is CloudTrail's own: by its signature, or by the hash a proved successor records.
/// Only it shows the hashes of log files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvedDigest {
    file: DigestFile,
}

impl ProvedDigest {
    /// A digest proved by its own signature.
    ///
    /// # Errors
    /// Gives the file back where the proof is another digest's.
    #[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
    pub fn by_signature(file: DigestFile, proof: SignatureProof) -> Result<Self, DigestFile> {
        if proof.digest() == file.hash() { Ok(Self { file }) } else { Err(file) }
    }

    /// A digest proved by what a proved successor records.
    ///
    /// # Errors
    /// Gives the file back where the record is of another digest, or has no hash.
    #[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
    pub fn by_successor(file: DigestFile, record: &Record) -> Result<Self, DigestFile> {
        let fits = record.hash == Some(file.hash()) && record.location == *file.location();
        if fits { Ok(Self { file }) } else { Err(file) }
    }

    /// The digest file.
    #[must_use]
    pub const fn file(&self) -> &DigestFile {
        &self.file
    }

    /// The log files it lists, with their hashes.
    #[must_use]
    pub const fn logs(&self) -> &[ListedLog] {
        self.file.logs()
    }

    /// What it records of its predecessor; `None` where it starts a chain.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        let previous = self.file.previous()?;
        Some(Record {
            location: previous.location.clone(),
            hash: previous.hash,
            signature: previous.signature.clone(),
            successor: self.file.location().clone(),
            successor_start: self.file.window().start,
        })
    }
}

/// What a proved digest records of the digest before it. Only [`ProvedDigest::record`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    location: Location,
    hash: Option<Sha256Hash>,
    signature: Option<Box<str>>,
    successor: Location,
    successor_start: Timestamp,
}

impl Record {
    /// Where the predecessor was delivered.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// SHA-256 of the predecessor, inflated.
    #[must_use]
    pub const fn hash(&self) -> Option<Sha256Hash> {
        self.hash
    }

    /// The predecessor's signature, hex.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The digest that records this.
    #[must_use]
    pub const fn successor(&self) -> &Location {
        &self.successor
    }

    /// Where the record and the predecessor as found, with the signature its metadata holds, do not fit.
    #[must_use]
    pub fn misfit(&self, file: &DigestFile, metadata_signature: Option<&str>) -> Option<Misfit> {
        let recorded = self.signature.as_deref();
        if self.hash.is_some_and(|hash| hash != file.hash()) {
            Some(Misfit::Hash)
        } else if let (Some(recorded), Some(found)) = (recorded, metadata_signature)
            && !signature::same(recorded, found)
        {
            Some(Misfit::Signature)
        } else if file.window().end > self.successor_start {
            Some(Misfit::Overlap)
        } else {
            None
        }
    }
}

/// How a digest does not fit what its successor records. A window that ends early is no misfit but a gap in
/// coverage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// Its content is not what was recorded.
    Hash,
    /// The signature in its metadata is not what was recorded.
    Signature,
    /// It ends after its successor starts.
    Overlap,
}

/// The ends of the hourly digests that an unbroken cadence puts between a digest that ends at `older_end` and one
/// that starts at `newer_start`, newest first. Empty where the stretch is not a whole number of hours: then
/// logging was stopped and started between, and nothing says which hours there were.
#[must_use]
pub fn cadence(older_end: Timestamp, newer_start: Timestamp) -> Vec<Timestamp> {
    match Interval::new(older_end, newer_start).map(Interval::seconds) {
        Some(length) if length % HOUR == 0 => {
            (0..length / HOUR).map(|hours| newer_start.plus(-hours * HOUR)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cadence_names_whole_hours_only() {
        let at = |hours: i64| Timestamp::from_unix(hours * HOUR);
        assert_eq!(cadence(at(3), at(3)), []);
        assert_eq!(cadence(at(3), at(5)), [at(5), at(4)]);
        assert_eq!(cadence(at(3), at(5).plus(1)), []);
        assert_eq!(cadence(at(5), at(3)), []);
    }
}
