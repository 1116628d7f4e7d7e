//! Why a line of a plan, or a plan as a whole, cannot be used.

use std::io;

use super::{MAX_PARTS, SCHEMA};
use crate::validate::SourceError;

/// Why a plan or a line cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The plan could not be read or written.
    #[error("cannot be read or written: {0}")]
    Failed(#[from] io::Error),
    /// The sources cannot be validated.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The line is longer than allowed.
    #[error("the line is longer than {0} bytes")]
    TooLong(usize),
    /// The line is not a line of a plan.
    #[error("not a line of a plan: {0}")]
    Malformed(String),
    /// The line has another schema.
    #[error("schema `{0}`, expected `{SCHEMA}`")]
    Schema(String),
    /// Another version of the program made the plan.
    #[error("planned by trailproof {theirs}, and this is {ours}")]
    Version {
        /// The version that made the plan.
        theirs: String,
        /// This version.
        ours: &'static str,
    },
    /// The fields of a line contradict each other.
    #[error("contradictory: {0}")]
    Contradictory(&'static str),
    /// The first line is a line of something else.
    #[error("its first line is not of `{SCHEMA}`")]
    NotAPlan,
    /// The plan has no first line, or another line in its place.
    #[error("the plan does not begin with its first line")]
    NoHeader,
    /// The plan has no last line, or does not have the lines that its last line counts.
    #[error("the plan is cut off, or lines are missing or changed")]
    Cut,
    /// The plan has no shard of the number.
    #[error("no shard {index}: {}", numbers(*shards))]
    NoShard {
        /// The number that was asked for.
        index: u64,
        /// How many shards the plan has.
        shards: u64,
    },
    /// The run was interrupted.
    #[error("interrupted before the plan was complete")]
    Interrupted,
}

impl ShardError {
    /// What to do about the error.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Failed(_) => "make the plan readable, or write it elsewhere".to_owned(),
            Self::Source(error) => error.hint(),
            Self::TooLong(_) | Self::Malformed(_) | Self::Schema(_) => {
                "give a line that `trailproof shards plan` wrote".to_owned()
            }
            Self::Contradictory(_) => {
                format!(
                    "give a line that `trailproof shards plan` wrote; a region has at most {MAX_PARTS} parts"
                )
            }
            Self::Version { .. } => {
                "install the same version of trailproof on every machine, or make the plan again".to_owned()
            }
            Self::NoHeader | Self::Cut => {
                "give the whole file that `trailproof shards plan` wrote".to_owned()
            }
            Self::NotAPlan => "give the file that `trailproof shards plan` wrote".to_owned(),
            Self::NoShard { .. } => {
                "give the number of a shard; without `--index` all are carried out".to_owned()
            }
            Self::Interrupted => "run the same command again".to_owned(),
        }
    }
}

/// The numbers of a plan's shards, in words.
fn numbers(shards: u64) -> String {
    match shards.checked_sub(1) {
        None => "the plan has no shards".to_owned(),
        Some(0) => "the plan has 1 shard, number 0".to_owned(),
        Some(last) => format!("the plan has {shards} shards, numbers 0 to {last}"),
    }
}
