//! What faults are made of: evidence that several of them share.

use serde::{Deserialize, Serialize};

use crate::time::{Interval, Timestamp};

/// What is left of an object that should be there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Trace {
    /// Nothing.
    Nothing,
    /// A delete marker.
    DeleteMarker {
        /// When it was deleted, where the store tells.
        deleted: Option<Timestamp>,
        /// The version that may still hold it.
        kept: Option<String>,
    },
    /// Whether there is a version could not be looked up.
    Unknown {
        /// What the store says.
        why: String,
    },
    /// The store lists a version as current that GET does not find.
    Contradiction {
        /// That version.
        version: String,
    },
}

impl Trace {
    /// The version of the object that the store still has, where it names one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::DeleteMarker { kept, .. } => kept.as_deref(),
            Self::Contradiction { version } => Some(version),
            Self::Nothing | Self::Unknown { .. } => None,
        }
    }
}

/// What is wrong with a body that should be one whole gzip member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum BodyFault {
    /// No byte.
    Empty,
    /// It does not begin as a gzip member does.
    NotGzip,
    /// It ends before the member does.
    CutOff,
    /// Its deflate stream, checksum or length is wrong.
    Corrupt,
    /// Bytes follow the member.
    Trailing,
}

/// Why the hash of a digest was not taken that is too large to be held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UntakenHash {
    /// The run was interrupted.
    Interrupted,
    /// The stream could not be read to its end.
    Unread {
        /// What the store says.
        why: String,
    },
    /// It is larger than what a log file may inflate to.
    Oversized {
        /// Which limit.
        excess: Excess,
    },
}

/// A body that is larger than a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Excess {
    /// It inflates to more than the limit.
    Inflated {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It goes on for more bytes as stored than a body within the limit can have.
    Stored {
        /// The limit of what it may inflate to, in bytes.
        limit: u64,
    },
}

/// What kept a signature from being checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeyLack {
    /// No key with the fingerprint.
    Unknown {
        /// As the digest names it.
        fingerprint: String,
    },
    /// The key is not valid at the time of the signature.
    NotThen {
        /// As the digest names it.
        fingerprint: String,
        /// When it is valid.
        validity: Option<Interval>,
    },
    /// CloudTrail could not be asked for keys.
    Unreachable {
        /// As the digest names it.
        fingerprint: String,
        /// What kept it from being asked.
        why: String,
    },
    /// A signature algorithm that CloudTrail does not use.
    Algorithm {
        /// As the digest names it.
        name: String,
    },
}

/// Where discovery gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DiscoveryLimit {
    /// Folders lie too deep.
    Depth {
        /// How many folders deep is looked into.
        most: u64,
    },
    /// There are too many folders.
    Folders {
        /// How many are looked into.
        most: u64,
    },
}
