//! Reads a suspect object again, before a tampering finding.
//!
//! One read does not prove what lies in a bucket: a network, a proxy or a disk may have changed the bytes. Two reads
//! that agree prove it. Only a failing object is read again, once. A body without content is read again twice: the
//! fault alone says too little about the bytes to compare two reads.

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

use crate::gzip::{self, BodyError};
use crate::ident::{Location, Sha256Hash};
use crate::prove::{SecondRead, SeenBody};
use crate::store::{Object, Store, StoreError};

/// The most stored bytes to compare of a body without content. A hostile body may be endless.
const MAX_COMPARED: u64 = 64 << 20;

/// Reads the object at `location` again, after a first read that showed `seen`. Inflates at most `limit` bytes.
pub(super) fn read_again(store: &dyn Store, location: &Location, seen: &SeenBody, limit: u64) -> SecondRead {
    let mut attempt = ReadAttempt::of(store.get(location), limit);
    if matches!(attempt, ReadAttempt::Read { seen: Err(_), .. }) {
        // A fault has no hash of the content, so two new reads are compared by their stored bytes.
        attempt.compare_with(ReadAttempt::of(store.get(location), limit));
    }
    attempt.compared_with_first(seen)
}

/// The result of one read.
enum ReadAttempt {
    Read {
        seen: SeenBody,
        /// The stored bytes of a body without content.
        stored: Option<StoredBytes>,
        signature: Option<String>,
    },
    Failed(SecondRead),
}

impl ReadAttempt {
    fn of(object: Result<Object, StoreError>, limit: u64) -> Self {
        let mut object = match object {
            Ok(object) => object,
            Err(StoreError::NotFound) => return Self::Failed(SecondRead::Gone),
            Err(error) => return Self::unreadable(&error.to_string()),
        };
        if let Some(doubt) = &object.facts.doubt {
            return Self::unreadable(doubt);
        }
        let signature = object.metadata.remove("signature");
        let mut body = BodyTee { body: &mut *object.body, taken: 0, hasher: Sha256::new() };
        let (content, stored) = match object.hashed {
            Some(hashed) => (hashed.content, Some(StoredBytes { hash: hashed.stored, is_whole: true })),
            None => (gzip::hash(&mut body, object.encoding, limit), None),
        };
        match content {
            Ok((hash, _)) => Self::Read { seen: Ok(hash), stored: None, signature },
            Err(BodyError::Malformed(reason)) => match stored.map_or_else(|| body.finish(), Ok) {
                Ok(stored) => Self::Read { seen: Err(reason), stored: Some(stored), signature },
                Err(error) => Self::unreadable(&error.to_string()),
            },
            Err(error) => Self::unreadable(&error.to_string()),
        }
    }

    fn unreadable(why: &str) -> Self {
        Self::Failed(SecondRead::Unsure(why.to_owned()))
    }

    /// Replaces the result if a further read differs or fails.
    fn compare_with(&mut self, further: Self) {
        match (&*self, further) {
            (Self::Read { stored, .. }, Self::Read { stored: other, .. }) if *stored == other => {}
            (_, Self::Read { .. }) => *self = Self::Failed(SecondRead::Different),
            (_, failed @ Self::Failed(_)) => *self = failed,
        }
    }

    fn compared_with_first(self, first: &SeenBody) -> SecondRead {
        match self {
            Self::Read { seen, stored, signature } if seen == *first => {
                SecondRead::Same { signature, stored: stored.and_then(StoredBytes::whole) }
            }
            Self::Read { .. } => SecondRead::Different,
            Self::Failed(other) => other,
        }
    }
}

/// The stored bytes of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct StoredBytes {
    /// SHA-256 of the first [`MAX_COMPARED`] bytes.
    hash: Sha256Hash,
    /// Whether no byte follows the hashed bytes.
    is_whole: bool,
}

impl StoredBytes {
    /// The hash, if it is over every byte.
    fn whole(self) -> Option<Sha256Hash> {
        self.is_whole.then_some(self.hash)
    }
}

/// The SHA-256 of the stored bytes of an object; `None` if the object cannot be read to its end, or is too long.
pub(super) fn stored_hash(object: Object) -> Option<Sha256Hash> {
    let Object { mut body, hashed, .. } = object;
    match hashed {
        Some(hashed) => Some(hashed.stored),
        None => BodyTee { body: &mut *body, taken: 0, hasher: Sha256::new() }.finish().ok()?.whole(),
    }
}

/// A body that hashes its first bytes while they are read.
struct BodyTee<'b> {
    body: &'b mut dyn BufRead,
    taken: u64,
    hasher: Sha256,
}

impl BodyTee<'_> {
    /// Reads on until a byte follows the compared bytes, or no byte is left.
    fn finish(mut self) -> io::Result<StoredBytes> {
        while self.taken <= MAX_COMPARED {
            let length = match self.fill_buf() {
                Ok([]) => break,
                Ok(bytes) => bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.consume(length);
        }
        let is_whole = self.taken <= MAX_COMPARED;
        Ok(StoredBytes { hash: Sha256Hash(self.hasher.finalize().into()), is_whole })
    }
}

impl BufRead for BodyTee<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let compared =
            usize::try_from(MAX_COMPARED.saturating_sub(self.taken)).unwrap_or(usize::MAX).min(amount);
        // `fill_buf` returns the buffered bytes without a further read.
        if compared > 0
            && let Ok(bytes) = self.body.fill_buf()
            && let Some(bytes) = bytes.get(..compared)
        {
            self.hasher.update(bytes);
        }
        self.taken += amount as u64;
        self.body.consume(amount);
    }
}

impl Read for BodyTee<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
