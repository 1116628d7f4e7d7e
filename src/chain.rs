//! The chain of digests: how a digest is proved, and how a record must match the digest before it.

use serde::{Deserialize, Serialize};

use crate::digest::{DigestFile, ListedLog};
use crate::ident::{Location, Sha256Hash};
use crate::signature::{self, SignatureProof};
use crate::time::{HOUR, Interval, Timestamp};

/// A digest proved as CloudTrail's own, by a signature or by the hash in a proved successor. Only a proved digest
/// gives access to the hashes of log files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvedDigest {
    file: DigestFile,
}

impl ProvedDigest {
    /// Proves a digest by the digest's own signature.
    ///
    /// # Errors
    /// Returns the file if the proof belongs to another digest.
    #[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
    pub fn by_signature(file: DigestFile, proof: SignatureProof) -> Result<Self, DigestFile> {
        if proof.digest() == file.hash() { Ok(Self { file }) } else { Err(file) }
    }

    /// Proves a digest by the record of a proved successor, or of an earlier run.
    ///
    /// # Errors
    /// Returns the file if the record has no hash or belongs to another digest.
    #[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
    pub fn by_record(file: DigestFile, record: &Record) -> Result<Self, DigestFile> {
        if record.proves(&file) { Ok(Self { file }) } else { Err(file) }
    }

    /// The digest file.
    #[must_use]
    pub const fn file(&self) -> &DigestFile {
        &self.file
    }

    /// The listed log files, with hashes.
    #[must_use]
    pub const fn logs(&self) -> &[ListedLog] {
        self.file.logs()
    }

    /// Record of the previous digest; `None` if this digest starts a chain.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        let previous = self.file.previous()?;
        Some(Record {
            location: previous.location.clone(),
            hash: previous.hash,
            signature: previous.signature.clone(),
            witness: RecordWitness::Successor {
                location: self.file.location().clone(),
                start: self.file.window().start,
            },
        })
    }
}

/// The recorded hash and signature of a digest, from a proved successor ([`ProvedDigest::record`]) or from an earlier
/// run ([`Record::remembered`]).
///
/// Records are serialised in the state of a prover. The state is trusted like a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    location: Location,
    hash: Option<Sha256Hash>,
    signature: Option<Box<str>>,
    witness: RecordWitness,
}

/// Origin of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum RecordWitness {
    Successor {
        location: Location,
        start: Timestamp,
    },
    /// An earlier run, with the run's name in reports.
    Memory(String),
}

impl Record {
    /// A record from the earlier run `run`, stored outside the bucket. Never create a record from files beside the
    /// evidence.
    #[must_use]
    pub const fn remembered(
        location: Location,
        hash: Sha256Hash,
        signature: Option<Box<str>>,
        run: String,
    ) -> Self {
        Self { location, hash: Some(hash), signature, witness: RecordWitness::Memory(run) }
    }

    /// The record that a digest holds which an earlier run proved and this run does not read. The digest lies at
    /// `successor` and begins at `start`.
    #[must_use]
    pub const fn of_remembered_digest(
        location: Location,
        hash: Sha256Hash,
        successor: Location,
        start: Timestamp,
    ) -> Self {
        let witness = RecordWitness::Successor { location: successor, start };
        Self { location, hash: Some(hash), signature: None, witness }
    }

    /// Delivery location of the digest.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// SHA-256 of the inflated digest.
    #[must_use]
    pub const fn hash(&self) -> Option<Sha256Hash> {
        self.hash
    }

    /// The digest's signature, in hex.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The digest that holds the record; `None` for a record of an earlier run.
    #[must_use]
    pub const fn successor(&self) -> Option<&Location> {
        match &self.witness {
            RecordWitness::Successor { location, .. } => Some(location),
            RecordWitness::Memory(_) => None,
        }
    }

    /// Whether `file` is the recorded digest.
    #[must_use]
    pub fn proves(&self, file: &DigestFile) -> bool {
        self.hash == Some(file.hash()) && self.location == *file.location()
    }

    /// Compares the record with a found digest, by SHA-256, end time and the signature in the metadata. Returns the
    /// first mismatch.
    #[must_use]
    pub fn misfit(
        &self,
        hash: Sha256Hash,
        end: Timestamp,
        metadata_signature: Option<&str>,
    ) -> Option<Misfit> {
        let recorded = self.signature.as_deref();
        let starts_before = |successor: &RecordWitness| match successor {
            RecordWitness::Successor { start, .. } => *start < end,
            RecordWitness::Memory(_) => false,
        };
        // The most serious mismatch comes first: other content also needs another signature.
        if self.hash.is_some_and(|recorded| recorded != hash) {
            Some(Misfit::Hash)
        } else if let (Some(recorded), Some(found)) = (recorded, metadata_signature)
            && !signature::same(recorded, found)
        {
            Some(Misfit::Signature)
        } else if starts_before(&self.witness) {
            Some(Misfit::Overlap)
        } else {
            None
        }
    }
}

/// A mismatch between a digest and the successor's record. A window that ends early is a gap in coverage, not a
/// mismatch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// The content differs from the record.
    Hash,
    /// The signature in the metadata differs from the record.
    Signature,
    /// The digest ends after the successor starts.
    Overlap,
}

/// End times of the hourly digests missing between a digest that ends at `older_end` and a digest that starts at
/// `newer_start`, newest first. Includes `newer_start` and excludes `older_end`. Empty if the span is not a whole
/// number of hours: logging was stopped and started in between, so the hours of the digests are unknown.
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
