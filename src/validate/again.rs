//! Looks once more at what is not as it was delivered, before anyone is accused of it.
//!
//! A body that came once is no proof of what lies in a bucket: a network, a proxy or a disk may have changed it on its
//! way. Two reads that agree are. Only objects that fail are read again, each once, and a body that is no content at all
//! twice: what is wrong with it says too little of its bytes for two reads to be held against each other.

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

use super::Context;
use crate::event::{BodyFault, Fault};
use crate::gzip::{self, BodyError};
use crate::ident::{Location, Sha256Hash};
use crate::store::{Object, StoreError};

/// How many bytes of a body that is no content are compared, as stored: a hostile one may have no end to speak of.
const COMPARED: u64 = 64 << 20;

/// What a read showed: the hash of the inflated content, or what is wrong with the body.
pub(super) type Seen = Result<Sha256Hash, BodyFault>;

/// An object that is not what it should be.
pub(super) struct Suspect {
    pub(super) location: Location,
    pub(super) seen: Seen,
}

/// What came of looking again.
pub(super) enum Again {
    /// The same bytes.
    Same {
        /// The signature in its metadata, this time.
        signature: Option<String>,
    },
    /// Nothing is there any more.
    Gone,
    /// Other bytes, or other metadata.
    Other,
    /// It could not be read again, and why.
    Unread(String),
}

impl Again {
    /// What is said of a digest that a second look does not bear out; `None` where that shows the same, or nothing at all.
    pub(super) fn digest_fault(self) -> Option<Fault> {
        match self {
            Self::Same { .. } | Self::Gone => None,
            Self::Other => Some(Fault::DigestReadsDiffer),
            Self::Unread(why) => Some(Fault::DigestUnconfirmed { why }),
        }
    }

    /// The same of a log file.
    pub(super) fn log_fault(self) -> Option<Fault> {
        match self {
            Self::Same { .. } | Self::Gone => None,
            Self::Other => Some(Fault::LogReadsDiffer),
            Self::Unread(why) => Some(Fault::LogUnconfirmed { why }),
        }
    }
}

/// Looks again at each of `suspects`, of which `limit` bytes are inflated. What was begun is brought to its end, even
/// where the run is to end.
pub(super) fn look(context: Context<'_>, suspects: &[Suspect], limit: u64) -> Vec<Again> {
    let locate = |suspect: &&Suspect| suspect.location.clone();
    let read = |suspects: &[&Suspect]| {
        context.workers.read_all(suspects, locate, |_, object| Look::at(object, limit))
    };
    let mut looks = read(&suspects.iter().collect::<Vec<_>>());
    let is_bodiless = |(_, look): &(&Suspect, &Look)| matches!(look, Look::Read { seen: Err(_), .. });
    let bodiless: Vec<&Suspect> =
        suspects.iter().zip(&looks).filter(is_bodiless).map(|(suspect, _)| suspect).collect();
    let mut third = read(&bodiless).into_iter();
    for look in &mut looks {
        if matches!(look, Look::Read { seen: Err(_), .. })
            && let Some(third) = third.next()
        {
            look.hold_against(third);
        }
    }
    suspects.iter().zip(looks).map(|(suspect, look)| look.verdict(&suspect.seen)).collect()
}

/// One read.
enum Look {
    Read {
        seen: Seen,
        /// Hash of the first [`COMPARED`] bytes of a body that is no content.
        raw: Option<Sha256Hash>,
        signature: Option<String>,
    },
    Not(Again),
}

impl Look {
    fn at(object: Result<Object, StoreError>, limit: u64) -> Self {
        let mut object = match object {
            Ok(object) => object,
            Err(StoreError::NotFound) => return Self::Not(Again::Gone),
            Err(error) => return Self::unreadable(error.to_string()),
        };
        let signature = object.metadata.remove("signature");
        let mut body = Raw { body: &mut *object.body, taken: 0, hasher: Sha256::new() };
        match gzip::hash(&mut body, object.encoding, limit) {
            Ok((hash, _)) => Self::Read { seen: Ok(hash), raw: None, signature },
            Err(BodyError::Malformed(fault)) => match body.finish() {
                Ok(raw) => Self::Read { seen: Err(fault), raw: Some(raw), signature },
                Err(error) => Self::unreadable(error.to_string()),
            },
            Err(error) => Self::unreadable(error.to_string()),
        }
    }

    const fn unreadable(why: String) -> Self {
        Self::Not(Again::Unread(why))
    }

    /// Takes back what a further read does not bear out.
    fn hold_against(&mut self, further: Self) {
        match (&*self, further) {
            (Self::Read { raw, .. }, Self::Read { raw: other, .. }) if *raw == other => {}
            (_, Self::Read { .. }) => *self = Self::Not(Again::Other),
            (_, not @ Self::Not(_)) => *self = not,
        }
    }

    fn verdict(self, first: &Seen) -> Again {
        match self {
            Self::Read { seen, signature, .. } if seen == *first => Again::Same { signature },
            Self::Read { .. } => Again::Other,
            Self::Not(again) => again,
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
