//! The command that validates a simulated delivery, and what to expect of it where no alarm follows.

use crate::report::escape::for_terminal;
use crate::simulate::{Answer, Simulated, Spec, TamperKind};
use crate::time::{DELIVERY_GRACE, HOUR, Timestamp};

/// Digests that `chain-stale` and `end-deleted` delete, an hour each.
const DELETED_HOURS: i64 = 3;

/// The most names of touched objects to print.
const NAMED: usize = 3;

/// How much earlier than now a delivery ends if the time is not given, in seconds: what was deleted within the delivery
/// grace cannot be told from what is not delivered yet.
pub(super) fn lead(tampers: impl IntoIterator<Item = TamperKind>) -> i64 {
    if tampers.into_iter().any(deletes_end) { DELIVERY_GRACE } else { 0 }
}

/// The options that show the tampering: the end of the delivery, and its start if the beginning was deleted.
pub(super) fn options(spec: &Spec, simulated: &Simulated) -> String {
    let is_of_start = |answer: &Answer| answer.tamper == TamperKind::OlderDeleted;
    let start = match simulated.answers.iter().any(is_of_start) {
        true => format!(" --start-time {}", spec.start),
        false => String::new(),
    };
    format!("{start} --end-time {}", simulated.end)
}

/// The names of touched objects, as lines to print under the tampering.
pub(super) fn names(answer: &Answer) -> Vec<String> {
    let named = answer.uris.iter().take(NAMED).map(|uri| format!("  {}", for_terminal(uri)));
    let more = answer.uris.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("  and {more} more: `tampered.json` lists all"));
    named.chain(more).collect()
}

/// What to expect of the command if this was the only tampering: for a kind that gives no alarm, or only with an option of
/// the command. `None` for a kind that is reported in any run.
pub(super) fn expectation(kind: TamperKind, simulated: &Simulated, now: Timestamp) -> Option<String> {
    let text = match kind {
        TamperKind::OlderDeleted => "exit code 3, since the command has `--start-time`; without that option exit code 0, \
                                     since no object that is left tells of the time before: give `--start-time`, or use \
                                     a memory (`--state`) from before the deletion"
            .to_owned(),
        TamperKind::ChainStale | TamperKind::EndDeleted => {
            let seen = simulated.end.plus((-DELETED_HOURS) * HOUR + DELIVERY_GRACE);
            if seen < now {
                return None;
            }
            format!(
                "exit code 0 until {seen}, since digests may arrive five hours after their end, and exit code 3 \
                 afterwards; a memory (`--state`) from before the deletion shows it at once"
            )
        }
        TamperKind::KeyBadEntry => {
            "exit code 0 and a warning: the forged key is not used, and the real key verifies the digests".to_owned()
        }
        TamperKind::ObjectUnrecognised => {
            "exit code 0 and a notice: no proof depends on an object without a digest's name".to_owned()
        }
        TamperKind::Relocated => {
            "exit code 0 and a notice: in a copy on disk every object is proved at its recorded path; in S3 exit code 1"
                .to_owned()
        }
        _ => return None,
    };
    Some(format!("expect of `{kind}` alone: {text}"))
}

/// Whether the newest digests are deleted.
const fn deletes_end(kind: TamperKind) -> bool {
    matches!(kind, TamperKind::ChainStale | TamperKind::EndDeleted)
}
