//! Messages about missing objects.

use super::quoted;
use crate::event::Trace;

/// A log file that its own folder lacks, and that another place has. The place follows.
pub(super) const FOUND_ELSEWHERE: &str =
    "the folder of the log file lacks the file, which was found elsewhere";

/// The remains of a missing object. `noun` is the object's type.
pub(super) fn words(noun: &str, trace: &Trace) -> String {
    match trace {
        Trace::Nothing => format!("the {noun} was delivered, and no trace of it is left"),
        Trace::Unknown { why } => {
            format!("the {noun} was delivered and is gone; its versions could not be listed: {why}")
        }
        Trace::Contradiction { version } => {
            format!("GET returned 404, but version {} is listed as current", quoted(version))
        }
        Trace::DeleteMarker { deleted, kept } => {
            let when = deleted.map_or_else(|| "an unknown time".to_owned(), |deleted| deleted.to_string());
            let kept = kept.as_deref().map(quoted);
            let kept = kept.map_or_else(
                || "no older version is left".to_owned(),
                |kept| format!("version {kept} may still have the content"),
            );
            format!("deleted at {when}; {kept}")
        }
    }
}

/// The remains of a digest that an earlier run proved.
pub(super) fn remembered(run: &str, trace: &Trace) -> String {
    format!("run {} proved the digest: {}", quoted(run), words("digest", trace))
}
