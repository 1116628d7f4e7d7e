//! Messages about digest files.

use std::borrow::Cow;
use std::fmt;

use crate::event::{BodyFault, Excess, UntakenHash};

/// The defect, as the beginning of a message.
impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the file is empty",
            Self::NotGzip => "the file is not gzip",
            Self::CutOff => "the gzip stream is cut off",
            Self::Corrupt => "the gzip stream is corrupt",
            Self::Trailing => "bytes follow the end of the gzip member",
        })
    }
}

/// The exceeded limit, to follow the name of the file.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inflated { limit } => write!(f, "inflates to more than the limit of {limit} bytes"),
            Self::Stored { limit } => {
                write!(f, "is larger as stored than the limit of {limit} bytes allows")
            }
        }
    }
}

pub(super) fn oversized(excess: Excess, hash: Option<&UntakenHash>) -> String {
    let hash = match hash {
        None => String::new(),
        Some(UntakenHash::Interrupted) => "; interrupted before its hash was computed".to_owned(),
        Some(UntakenHash::Unread { why }) => format!("; its hash could not be computed: {why}"),
        Some(UntakenHash::Oversized { excess }) => {
            format!("; its hash was not computed: the digest {excess}")
        }
    };
    format!("the digest {excess}, so it was not parsed{hash}")
}

pub(super) fn not_as_remembered(run: &str) -> String {
    format!("the content does not have the hash that run {} proved", super::quoted(run))
}

pub(super) fn unknown_form(reason: &str) -> String {
    format!("CloudTrail wrote the digest, but in a form that this version does not know: {reason}")
}

pub(super) fn unconfirmed(why: &str) -> String {
    format!("the digest is not as delivered, but could not be read again to confirm that: {why}")
}

pub(super) fn unsigned(metadata: Option<&str>, proved: bool) -> String {
    let plain = "no signature in the metadata, a sidecar or the successor";
    let words = metadata.map_or_else(|| plain.to_owned(), |why| format!("{plain}: {why}"));
    with_proof(words, proved)
}

pub(super) fn metadata_lost(why: &str) -> String {
    format!("{why}; the signature that the successor records verifies the digest")
}

/// `words`, with a remark if a recorded hash proves the digest: that of the successor, or of an earlier run.
pub(super) fn with_proof(words: String, proved: bool) -> String {
    if proved { words + "; a recorded hash proves the digest" } else { words }
}

pub(super) fn without_room(words: &str) -> String {
    format!("{words}; the next digest names another predecessor, so this digest is not part of the chain")
}

pub(super) fn proved(logs: u64) -> Cow<'static, str> {
    match logs {
        0 => Cow::Borrowed("the digest is proved, and lists no log file"),
        1 => Cow::Borrowed("the digest is proved, and so is the log file that it lists"),
        more => {
            let files = super::counted(more, "log file");
            Cow::Owned(format!("the digest is proved, and so are the {files} that it lists"))
        }
    }
}
