//! Messages about the shards of a run.

use super::{counted, quoted};
use crate::event::ShardLack;

pub(super) fn lacking(shard: u64, (part, parts): (u32, u32), lack: &ShardLack) -> String {
    let of = if parts > 1 { format!(", part {} of {parts}", part.saturating_add(1)) } else { String::new() };
    let why = match lack {
        ShardLack::Missing => "has no result".to_owned(),
        ShardLack::OtherPlan { plan } => format!("has only a result of another plan, {}", quoted(plan)),
        ShardLack::OtherVersion { version } => {
            format!("has only a result of another version of the program, {}", quoted(version))
        }
        ShardLack::OtherLine => "has only a result of another line than the plan's".to_owned(),
        ShardLack::Damaged { why } => format!("has only a damaged result: {why}"),
    };
    let unknown = if parts > 1 { "its log files were not checked" } else { "its region was not checked" };
    format!("shard {shard}{of} {why}, so {unknown}")
}

pub(super) fn digests_gone(planned: u64, found: u64) -> String {
    format!(
        "the plan listed {} of this chain, and the listings of its shards have {found}: some are gone since, or were \
         not listed",
        counted(planned, "digest")
    )
}

pub(super) fn memory_newer(count: u64) -> String {
    format!(
        "another run proved {} of this chain since the plan was made, and the shards do not show the same",
        counted(count, "newer digest")
    )
}

pub(super) fn listings_changed(count: u64, examples: &[String]) -> String {
    let examples: Vec<String> = examples.iter().map(|name| quoted(name)).collect();
    format!(
        "{} had other digests when its shards ran than when the plan was made, such as {}",
        counted(count, "region"),
        examples.join(", ")
    )
}

pub(super) fn left_out(count: u64, first: &str, why: &str) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!(
        "{} among the results {verb} left out; the first is {}: {why}",
        counted(count, "line"),
        quoted(first)
    )
}
