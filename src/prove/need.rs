//! What the prover needs next, and the answers that it takes.

use super::read::{ReadDigest, SeenBody};
use crate::event::{Excess, Trace};
use crate::ident::{Location, RegionFolder};
use crate::time::Timestamp;

/// What is needed before a chain can be judged further. Values are compared, so that an answer finds its need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ProverNeed {
    /// The digest at a place that no listing names; where nothing is there, what is left of it.
    Digest {
        /// Where it was delivered.
        location: Location,
        /// Its end.
        end: Timestamp,
    },
    /// A further read of an object that is not what it should be: nobody is accused on one.
    SecondRead {
        /// Where it lies.
        location: Location,
        /// What the first read showed.
        seen: SeenBody,
        /// How much is inflated.
        limit: ReadLimit,
    },
    /// What the stream of a digest shows that is too large to be held.
    Stream {
        /// Where it lies.
        location: Location,
    },
    /// The digests of this chain in an earlier place of it that end at `until` or before.
    EarlierPlace {
        /// The place.
        folder: RegionFolder,
        /// The end of the newest one that is needed.
        until: Timestamp,
    },
}

/// How much of an object is inflated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReadLimit {
    /// As much as of a digest file.
    Digest,
    /// As much as of a log file.
    Log,
}

/// The answer to a [`Need`].
#[derive(Clone, Debug)]
pub enum ProverAnswer {
    /// A digest that is there, or why it could not be read.
    Digest(Box<ReadDigest>),
    /// Nothing is there, and what is left of it.
    Gone(Trace),
    /// What a further read shows.
    SecondRead(SecondRead),
    /// What a stream shows.
    Stream(StreamRead),
    /// The ends of the digests in an earlier place, newest first; empty where it cannot be listed.
    EarlierPlace(Vec<Timestamp>),
    /// It was not looked at, since the run ends early.
    LeftOut,
}

/// What a further read of an object shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecondRead {
    /// The same bytes.
    Same {
        /// The signature in the metadata, this time.
        signature: Option<String>,
    },
    /// Other bytes.
    Different,
    /// Nothing is there any more.
    Gone,
    /// Nobody can say what it is, and why.
    Unsure(String),
}

/// What the stream of an object shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamRead {
    /// Content, or a body without any.
    Seen(SeenBody),
    /// Nothing is there any more.
    Gone,
    /// It is larger than what a log file may inflate to.
    Oversized(Excess),
    /// It could not be read to its end, and why.
    Unread(String),
}
