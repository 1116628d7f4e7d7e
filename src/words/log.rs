//! Messages about log files.

use super::{counted, quoted};
use crate::event::Excess;

pub(super) fn oversized(excess: Excess) -> String {
    format!("the log file {excess}, so its hash was not computed")
}

pub(super) fn unconfirmed(why: &str) -> String {
    format!("the log file is not as delivered, but could not be read again to confirm that: {why}")
}

pub(super) fn unknown_hash(written: &str) -> String {
    format!("the digest lists a hash of an unknown form: {}", quoted(written))
}

pub(super) fn claimed(count: u64) -> String {
    let (files, verb) = (counted(count, "log file"), if count == 1 { "is" } else { "are" });
    format!("{files} {verb} listed by this unproved digest alone")
}

pub(super) fn interrupted(count: u64) -> String {
    let (files, verb) = (counted(count, "log file"), if count == 1 { "was" } else { "were" });
    format!("interrupted before {files} {verb} read")
}

pub(super) fn unreadable_object(why: &str) -> String {
    format!("no proved digest lists the object, and the object cannot be read: {why}")
}
