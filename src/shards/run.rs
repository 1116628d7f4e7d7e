//! Runs one shard.

use super::ShardError;
use super::plan::Shard;
use super::result::ShardResult;
use crate::event::Finding;
use crate::validate::{self, EndNotes, RunTools};

/// Runs `shard`. `opened` are the findings of opening the sources. `None` if the run was cancelled: the shard has to be run again.
///
/// # Errors
/// [`ShardError`] for a shard whose fields contradict each other. Failures to read evidence are findings.
pub fn run_shard(
    shard: &Shard,
    tools: RunTools<'_>,
    opened: &[Finding],
) -> Result<Option<ShardResult>, ShardError> {
    let request = shard.request()?;
    let Some(part) = validate::run_part(&request, tools, &shard.folders, shard.part()) else {
        return Ok(None);
    };
    let result = ShardResult::new(shard, part, opened, EndNotes::of(tools));
    Ok(Some(result.map_err(std::io::Error::other)?))
}
