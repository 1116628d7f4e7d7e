//! Looks once more at what is not as it was delivered, before anyone is accused of it.
//!
//! A body that came once is no proof of what lies in a bucket: a network, a proxy or a disk may have changed it on its
//! way. Two reads that agree are. Only objects that fail are read again, each once, and a body that is no content at all
//! twice: what is wrong with it says too little of its bytes for two reads to be held against each other.

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

use crate::gzip::{self, BodyError};
use crate::ident::{Location, Sha256Hash};
use crate::prove::{SecondRead, SeenBody};
use crate::store::{Object, Store, StoreError};

/// How many bytes of a body that is no content are compared, as stored: a hostile one may have no end to speak of.
const COMPARED: u64 = 64 << 20;

/// Reads the object at `location` again, which showed `seen` before, and inflates at most `limit` bytes of it.
pub(super) fn read(store: &dyn Store, location: &Location, seen: &SeenBody, limit: u64) -> SecondRead {
    let mut look = Look::at(store.get(location), limit);
    if matches!(look, Look::Read { seen: Err(_), .. }) {
        look.hold_against(Look::at(store.get(location), limit));
    }
    look.verdict(seen)
}

/// One read.
enum Look {
    Read {
        seen: SeenBody,
        /// Hash of the first [`COMPARED`] bytes of a body that is no content.
        raw: Option<Sha256Hash>,
        signature: Option<String>,
    },
    Not(SecondRead),
}

impl Look {
    fn at(object: Result<Object, StoreError>, limit: u64) -> Self {
        let mut object = match object {
            Ok(object) => object,
            Err(StoreError::NotFound) => return Self::Not(SecondRead::Gone),
            Err(error) => return Self::unreadable(&error.to_string()),
        };
        let signature = object.metadata.remove("signature");
        let mut body = Raw { body: &mut *object.body, taken: 0, hasher: Sha256::new() };
        match gzip::hash(&mut body, object.encoding, limit) {
            Ok((hash, _)) => Self::Read { seen: Ok(hash), raw: None, signature },
            Err(BodyError::Malformed(reason)) => match body.finish() {
                Ok(raw) => Self::Read { seen: Err(reason), raw: Some(raw), signature },
                Err(error) => Self::unreadable(&error.to_string()),
            },
            Err(error) => Self::unreadable(&error.to_string()),
        }
    }

    fn unreadable(why: &str) -> Self {
        Self::Not(SecondRead::Unsure(why.to_owned()))
    }

    /// Takes back what a further read does not bear out.
    fn hold_against(&mut self, further: Self) {
        match (&*self, further) {
            (Self::Read { raw, .. }, Self::Read { raw: other, .. }) if *raw == other => {}
            (_, Self::Read { .. }) => *self = Self::Not(SecondRead::Different),
            (_, not @ Self::Not(_)) => *self = not,
        }
    }

    fn verdict(self, first: &SeenBody) -> SecondRead {
        match self {
            Self::Read { seen, signature, .. } if seen == *first => SecondRead::Same { signature },
            Self::Read { .. } => SecondRead::Different,
            Self::Not(other) => other,
        }
    }
}

/// A body whose first bytes are hashed as they are taken.
struct Raw<'b> {
    body: &'b mut dyn BufRead,
    taken: u64,
    hasher: Sha256,
}

impl Raw<'_> {
    /// The hash of what is compared, read to there.
    fn finish(mut self) -> io::Result<Sha256Hash> {
        while self.taken < COMPARED {
            let length = match self.fill_buf() {
                Ok([]) => break,
                Ok(bytes) => bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.consume(length);
        }
        Ok(Sha256Hash(self.hasher.finalize().into()))
    }
}

impl BufRead for Raw<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let compared = usize::try_from(COMPARED.saturating_sub(self.taken)).unwrap_or(usize::MAX).min(amount);
        // What is consumed was filled before: nothing is read for it.
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

impl Read for Raw<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
