//! The prover's needs, and the answers to them.

use super::read::{ReadDigest, SeenBody};
use crate::event::{Excess, Trace};
use crate::ident::{Location, RegionFolder, Sha256Hash};
use crate::time::Timestamp;

/// A need of the prover, to be answered before the chain can be judged further. Needs are compared by value, so that an
/// answer finds its need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ProverNeed {
    /// The digest at a place that no listing names or, where no object exists, the trace of the digest.
    Digest {
        /// Where CloudTrail delivered the digest.
        location: Location,
        /// The digest's end.
        end: Timestamp,
    },
    /// A second read of an object that seems modified: a tampering finding needs two reads.
    SecondRead {
        /// Where the object lies.
        location: Location,
        /// The result of the first read.
        seen: SeenBody,
        /// The limit for inflated bytes.
        limit: ReadLimit,
    },
    /// The hash of a digest too large to be held in memory, taken from its stream.
    Stream {
        /// Where the digest lies.
        location: Location,
    },
    /// The digests of this chain in an earlier folder of the chain that end at `until` or before.
    EarlierPlace {
        /// The folder.
        folder: RegionFolder,
        /// The end of the newest needed digest.
        until: Timestamp,
    },
}

/// The limit for inflated bytes of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReadLimit {
    /// The limit of a digest file.
    Digest,
    /// The limit of a log file.
    Log,
}

/// The answer to a [`ProverNeed`].
#[derive(Clone, Debug)]
pub enum ProverAnswer {
    /// A digest that exists, or the reason why the digest could not be read.
    Digest(Box<ReadDigest>),
    /// No object, with the trace of the object in the versions.
    Gone(Trace),
    /// The result of a second read.
    SecondRead(SecondRead),
    /// The result of reading a stream.
    Stream(StreamRead),
    /// The ends of the digests in an earlier folder, newest first; empty if the folder cannot be listed.
    EarlierPlace(Vec<Timestamp>),
    /// The need was not looked into, because the run ended early.
    LeftOut,
}

/// The result of a second read of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecondRead {
    /// The same bytes.
    Same {
        /// The signature in the metadata of the second read.
        signature: Option<String>,
        /// Of a body that is not one whole gzip member, the SHA-256 of all stored bytes, which two further reads agree on.
        /// `None` for any other body, and for a body that is too long to be hashed to its end.
        stored: Option<Sha256Hash>,
    },
    /// Different bytes.
    Different,
    /// The object is gone.
    Gone,
    /// The second read failed, with the reason.
    Unsure(String),
}

/// The result of reading the stream of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamRead {
    /// The hash of the content, or the fault of the body.
    Seen(SeenBody),
    /// The object is gone.
    Gone,
    /// The object exceeds the limit of a log file.
    Oversized(Excess),
    /// The stream could not be read to its end, with the reason.
    Unread(String),
}
