//! Messages about the asked scope, the searched folders, and objects without proof.

use super::{counted, quoted};
use crate::event::DiscoveryLimit;
use crate::text::nearest;
use crate::time::Timestamp;

/// Maximum number of names to list.
const LISTED: usize = 5;

/// The message for an unlisted folder, with the consequence.
pub(super) fn unlisted(consequence: &str, why: &str) -> String {
    format!("the folder could not be listed, so {consequence}: {why}")
}

pub(super) fn discovery_limit(limit: DiscoveryLimit) -> String {
    match limit {
        DiscoveryLimit::Depth { most } => {
            format!("`AWSLogs/` was not looked for more than {most} folders deep")
        }
        DiscoveryLimit::Folders { most } => {
            format!("the search for `AWSLogs/` stopped after {}", counted(most, "folder"))
        }
    }
}

pub(super) fn skipped(why: &str) -> String {
    format!("not read: {why}")
}

pub(super) fn renamed(belongs: &str) -> String {
    format!("according to the digests, the folder is a copy of {}", quoted(belongs))
}

pub(super) fn nothing_found(
    names: [(&str, &Option<String>); 3],
    delivered: Option<Timestamp>,
    found: &[String],
) -> String {
    let named = names.iter().filter_map(|(word, name)| Some(format!("{word} {}", quoted(name.as_deref()?))));
    let asked = match named.collect::<Vec<_>>().as_slice() {
        [] => "no digest of the asked time was found below the source".to_owned(),
        named => format!("no digest of the asked range was found for {}", named.join(", ")),
    };
    let delivered = delivered
        .map(|at| format!("; CloudTrail reports the delivery of a digest at {at}, here or elsewhere"))
        .unwrap_or_default();
    let meant = names.iter().filter_map(|(_, name)| name.as_deref());
    let meant = meant.filter_map(|name| nearest(name, found.iter().map(String::as_str))).next();
    let meant = meant.map(|meant| format!("; did you mean {}?", quoted(meant))).unwrap_or_default();
    format!("{asked}{delivered}{}{meant}", others(found))
}

/// The names that were found instead.
fn others(found: &[String]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let names: Vec<String> = found.iter().take(LISTED).map(|name| quoted(name)).collect();
    let more = found.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; found: {}{more}", names.join(", "))
}

pub(super) fn unlisted_logs(count: u64, examples: &[String]) -> String {
    let examples: Vec<String> = examples.iter().map(|name| quoted(name)).collect();
    let files = counted(count, "log file");
    format!("no proved digest lists these {files}, such as {}", examples.join(", "))
}

pub(super) fn more_unlisted(count: u64) -> String {
    let (objects, verb) = objects(count, "lies", "lie");
    let them = if count == 1 { "it" } else { "them" };
    format!("{objects} {verb} among the log files, and no proved digest lists {them}")
}

pub(super) fn more_junk(count: u64, folder: &str) -> String {
    let (objects, verb) = objects(count, "has", "have");
    format!("{objects} in `{folder}` {verb} no valid digest file name")
}

pub(super) fn more_stray_digests(count: u64) -> String {
    let (digests, verb) = (counted(count, "more digest"), if count == 1 { "lies" } else { "lie" });
    format!("{digests} {verb} where CloudTrail delivers no digests")
}

fn objects<'v>(count: u64, one: &'v str, many: &'v str) -> (String, &'v str) {
    (counted(count, "more object"), if count == 1 { one } else { many })
}

pub(super) fn unread_member(member: Option<&(u64, String)>, why: &str) -> String {
    match member {
        Some((number, name)) => {
            format!("member {number} of the archive, {}, was not read: {why}", quoted(name))
        }
        None => format!("a part of the archive was not read: {why}"),
    }
}

pub(super) fn more_unread_members(count: u64) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} of the archive {verb} not read", counted(count, "more member"))
}

pub(super) fn copies_differ(judged: &str, other: &str) -> String {
    format!("two copies of the object differ: {} was checked, {} was not", quoted(judged), quoted(other))
}

pub(super) fn clock_behind(clock: Timestamp, newest: Timestamp) -> String {
    format!("the clock of this machine, {clock}, is behind the evidence: a proved digest ends {newest}")
}

pub(super) fn droppings(count: u64) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} that desktops and sync programs leave {verb} passed over", counted(count, "file"))
}
