//! Evidence that several faults share.

use serde::{Deserialize, Serialize};

use crate::ident::ChainId;
use crate::time::{Interval, Timestamp};

/// A stretch of time that another chain of the same account and region covers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CoveringChain {
    /// The other chain.
    pub chain: ChainId,
    /// The stretch that the other chain covers.
    pub stretch: Interval,
}

/// The remains of a missing object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Trace {
    /// No version and no delete marker.
    Nothing,
    /// A delete marker.
    DeleteMarker {
        /// Time of the deletion, if the store reports the time.
        deleted: Option<Timestamp>,
        /// The version that may still have the object's content.
        kept: Option<String>,
    },
    /// The object's versions could not be listed.
    Unknown {
        /// The store's error.
        why: String,
    },
    /// The store lists a version as current, but GET finds no object.
    Contradiction {
        /// The listed version.
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

/// Why a body is not exactly one whole gzip member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum BodyFault {
    /// The body is empty.
    Empty,
    /// The body does not begin with a gzip header.
    NotGzip,
    /// The body ends before the end of the gzip member.
    CutOff,
    /// The deflate stream, the checksum or the length is wrong.
    Corrupt,
    /// Bytes follow the gzip member.
    Trailing,
}

/// Why an oversized digest was not hashed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UntakenHash {
    /// The run was interrupted.
    Interrupted,
    /// The stream could not be read to the end.
    Unread {
        /// The store's error.
        why: String,
    },
    /// The digest exceeds the size limit of log files.
    Oversized {
        /// The exceeded limit.
        excess: Excess,
    },
}

/// The limit that a body exceeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Excess {
    /// The body inflates to more than the limit.
    Inflated {
        /// Limit of the inflated size, in bytes.
        limit: u64,
    },
    /// The stored body is larger than any body that inflates to the limit.
    Stored {
        /// Limit of the inflated size, in bytes.
        limit: u64,
    },
}

/// Why a signature could not be checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeyLack {
    /// No key has the fingerprint.
    Unknown {
        /// The text in the digest.
        fingerprint: String,
    },
    /// The key was not valid at the time of the signature.
    NotThen {
        /// The text in the digest.
        fingerprint: String,
        /// The key's validity.
        validity: Option<Interval>,
    },
    /// CloudTrail could not be asked for keys.
    Unreachable {
        /// The text in the digest.
        fingerprint: String,
        /// The reason.
        why: String,
    },
    /// CloudTrail does not use the digest's signature algorithm.
    Algorithm {
        /// The text in the digest.
        name: String,
    },
}

/// The limit at which discovery stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DiscoveryLimit {
    /// Folders are nested too deeply.
    Depth {
        /// Maximum depth of the search, in folders.
        most: u64,
    },
    /// The source has too many folders.
    Folders {
        /// Maximum number of folders to list.
        most: u64,
    },
}

/// Why a shard has no usable result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ShardLack {
    /// There is no result.
    Missing,
    /// The only result is of another plan.
    OtherPlan {
        /// The other plan's id.
        plan: String,
    },
    /// The only result is of another version of the program.
    OtherVersion {
        /// The other version.
        version: String,
    },
    /// The only result is of another line than the plan has: the line was changed on its way.
    OtherLine,
    /// The only result is damaged.
    Damaged {
        /// The reader's error.
        why: String,
    },
}
