//! Why a memory cannot be used. A failure of memory ends the run: a damaged memory is never taken for an empty one.

use super::place::PlaceError;
use crate::text::plural;
use crate::time::Timestamp;

/// Why a memory cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The place has no marker.
    #[error("`{place}` is not a state: it has no `place.json`")]
    NotAState {
        /// The place.
        place: String,
    },
    /// `state init` did not finish.
    #[error("`{place}` is not ready: `state init` did not finish")]
    Unfinished {
        /// The place.
        place: String,
    },
    /// `state init` on a place that is a state.
    #[error("`{place}` is a state already")]
    AlreadyAState {
        /// The place.
        place: String,
    },
    /// `state init` on a place that has files of a state, and no marker.
    #[error("`{place}` has {} of a state, such as `{first}`, and no `place.json`", plural(*files, "file"))]
    MarkerLost {
        /// The place.
        place: String,
        /// The number of files.
        files: u64,
        /// The first file's name in the place.
        first: String,
    },
    /// The store of the place does not honour conditional writes.
    #[error("`{place}` cannot be a state: {why}")]
    Unconditional {
        /// The place.
        place: String,
        /// What the store did.
        why: String,
    },
    /// A file is damaged or cut.
    #[error("`{file}` in the state is damaged: {why}")]
    Damaged {
        /// The file's name in the place.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A file has a version that this program does not know.
    #[error("`{file}` in the state has schema `{schema}`, expected `trailproof/state/1`")]
    Version {
        /// The file's name in the place.
        file: String,
        /// The schema.
        schema: String,
    },
    /// A file belongs to another scope than its name says.
    #[error("`{file}` in the state belongs elsewhere: {why}")]
    Foreign {
        /// The file's name in the place.
        file: String,
        /// What the file says.
        why: String,
    },
    /// A file is older than the marker says.
    #[error("`{file}` in the state is older than the file that a run wrote: generation {found}, not {seen}")]
    Older {
        /// The file's name in the place.
        file: String,
        /// The file's generation.
        found: u64,
        /// The generation in the marker.
        seen: u64,
    },
    /// A file that the marker names is gone.
    #[error("`{file}` in the state is gone: an earlier run wrote the file, and no run removes one")]
    Gone {
        /// The file's name in the place.
        file: String,
        /// The generation in the marker.
        seen: u64,
    },
    /// A file would exceed the limit.
    #[error("`{file}` in the state would be larger than the limit of {limit} bytes")]
    TooLarge {
        /// The file's name in the place.
        file: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Other runs changed a file again and again.
    #[error("`{file}` in the state was changed by other runs {times} times in a row")]
    Busy {
        /// The file's name in the place.
        file: String,
        /// The number of attempts.
        times: u32,
    },
    /// No open finding has the id.
    #[error("no finding with id `{id}` is open in the state")]
    NoSuchFinding {
        /// The id.
        id: String,
    },
    /// The finding is about an object that was not read.
    #[error(
        "the finding `{id}` cannot be accepted: the object was not read, so any content could hide behind the acceptance"
    )]
    Unseen {
        /// The id.
        id: String,
    },
    /// The finding is accepted already.
    #[error("already accepted by {by} at {at}: `{reason}`")]
    AlreadyAccepted {
        /// Who accepted the finding.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// The finding stands for objects that it does not name.
    #[error("finding `{id}` cannot be accepted: it does not name each object that it is about")]
    Uncountable {
        /// The id.
        id: String,
    },
    /// The place could not be read or written.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl StateError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAState { .. } => {
                "make the state once with `trailproof state init PLACE`; check the name of an older state"
            }
            Self::Unfinished { .. } => "run `trailproof state init PLACE` again",
            Self::AlreadyAState { .. } => "use the state with `--state`, or give another place",
            Self::MarkerLost { .. } => {
                "find out what became of `place.json`, and put its newest copy back; or make a new state elsewhere, and \
                 keep this one as evidence"
            }
            Self::Unconditional { .. } => {
                "give a directory, or a bucket on a server that honours `If-Match` and `If-None-Match` on PUT, as S3 does"
            }
            Self::Damaged { .. } | Self::Older { .. } | Self::Gone { .. } | Self::Foreign { .. } => {
                "find out who changed the state; put back the newest copy of the file, or make a new state elsewhere \
                 and keep this one as evidence"
            }
            Self::Version { .. } => "use the version of trailproof that wrote the file, or a later one",
            Self::TooLarge { .. } => {
                "validate accounts and regions with fewer findings, or accept no further findings"
            }
            Self::Busy { .. } => "let fewer runs write to the state at the same time, and run again",
            Self::NoSuchFinding { .. } => "`trailproof state show PLACE` lists the findings and their ids",
            Self::Unseen { .. } => "make the object readable, or leave it out of the run",
            Self::AlreadyAccepted { .. } => "give `--replace` to record another reason",
            Self::Uncountable { .. } => {
                "mend the cause, narrow the run to what can be looked at, or raise `--max-named` so that each object is named"
            }
            Self::Place(PlaceError::NoBucket { .. }) => {
                "check the name of the bucket, or create it with `aws s3 mb`; then make the state with \
                 `trailproof state init PLACE`"
            }
            Self::Place(PlaceError::Failed { name, .. }) if name.starts_with("s3://") => {
                "check that the endpoint answers, and allow `s3:ListBucket`, `s3:GetObject` and `s3:PutObject` there"
            }
            Self::Place(_) => {
                "let this user read and write the place; if a file there was changed, put back its newest copy"
            }
        }
    }
}
