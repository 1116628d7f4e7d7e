//! Runs one shard.

use super::ShardError;
use super::plan::Shard;
use super::result::ShardResult;
use crate::event::Finding;
use crate::time::Timestamp;
use crate::validate::{self, EndNotes, PlannedListing, RunTools};

/// Runs `shard`. `opened` are the findings of opening the sources, `clock` is the time by the clock. `None` if the run was
/// cancelled: the shard has to be run again.
///
/// Digests that were delivered after the plan are left out: the run is that of the moment of the plan.
///
/// # Errors
/// [`ShardError`] for a shard whose fields contradict each other. Failures to read evidence are findings.
pub fn run_shard(
    shard: &Shard,
    tools: RunTools<'_>,
    opened: &[Finding],
    clock: Timestamp,
) -> Result<Option<ShardResult>, ShardError> {
    let request = shard.request()?;
    let planned = PlannedListing { chains: &shard.chains, clock };
    let Some(part) = validate::run_part(&request, tools, &shard.folders, shard.part(), planned) else {
        return Ok(None);
    };
    let result = ShardResult::new(shard, part, opened, EndNotes::of(tools));
    Ok(Some(result.map_err(std::io::Error::other)?))
}
