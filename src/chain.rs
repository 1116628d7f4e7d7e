//! The chain: what makes a digest proved, what it records of its predecessor, and how the two must fit.

use serde::{Deserialize, Serialize};

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

    /// A digest proved by what a proved successor, or a remembered head, records.
    ///
    /// # Errors
    /// Gives the file back where the record is of another digest, or has no hash.
    #[expect(clippy::result_large_err, reason = "the file is given back, not lost")]
    pub fn by_record(file: DigestFile, record: &Record) -> Result<Self, DigestFile> {
        if record.proves(&file) { Ok(Self { file }) } else { Err(file) }
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
            witness: Witness::Successor {
                location: self.file.location().clone(),
                start: self.file.window().start,
            },
        })
    }
}

/// What is recorded of a digest: by a proved successor ([`ProvedDigest::record`]), or by an earlier run that proved it
/// ([`Record::remembered`]).
///
/// It is serialised as part of a prover's state, which is trusted as a key is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    location: Location,
    hash: Option<Sha256Hash>,
    signature: Option<Box<str>>,
    witness: Witness,
}

/// Who records a digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Witness {
    Successor {
        location: Location,
        start: Timestamp,
    },
    /// An earlier run, as a report names it.
    Memory(String),
}

impl Record {
    /// What an earlier run, called `run`, proved and remembered outside the bucket. Never make one from what lies beside the
    /// evidence.
    #[must_use]
    pub const fn remembered(
        location: Location,
        hash: Sha256Hash,
        signature: Option<Box<str>>,
        run: String,
    ) -> Self {
        Self { location, hash: Some(hash), signature, witness: Witness::Memory(run) }
    }

    /// Where the digest was delivered.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// SHA-256 of the digest, inflated.
    #[must_use]
    pub const fn hash(&self) -> Option<Sha256Hash> {
        self.hash
    }

    /// The digest's signature, hex.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The digest that records this; `None` where an earlier run does.
    #[must_use]
    pub const fn successor(&self) -> Option<&Location> {
        match &self.witness {
            Witness::Successor { location, .. } => Some(location),
            Witness::Memory(_) => None,
        }
    }

    /// Whether `file` is the recorded digest.
    #[must_use]
    pub fn proves(&self, file: &DigestFile) -> bool {
        self.hash == Some(file.hash()) && self.location == *file.location()
    }

    /// How the recorded digest does not fit what was found: a digest of this hash that ends at `end`, with the signature
    /// that its metadata holds.
    #[must_use]
    pub fn misfit(
        &self,
        hash: Sha256Hash,
        end: Timestamp,
        metadata_signature: Option<&str>,
    ) -> Option<Misfit> {
        let recorded = self.signature.as_deref();
        let starts_before = |successor: &Witness| match successor {
            Witness::Successor { start, .. } => *start < end,
            Witness::Memory(_) => false,
        };
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
