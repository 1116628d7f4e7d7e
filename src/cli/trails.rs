//! `trailproof trails`: lists the account's trails and whether each trail can be validated.

use super::args::TrailsArgs;
use super::aws::{cloudtrail_failed, connect};
use super::{EXIT_INCOMPLETE, Failure, print, typed};
use crate::report::trails as report;
use crate::time::Timestamp;
use crate::trails;

/// Prints the list. Exit code 0 means that every trail can be validated.
pub(super) fn run(arguments: &TrailsArgs, now: Timestamp) -> Result<u8, Failure> {
    typed::regions("--region", &arguments.region)?;
    let aws = connect(&arguments.aws)?;
    let listed = trails::of_account(&aws, &arguments.region);
    let (trails, notes) = listed.map_err(|failure| cloudtrail_failed("ListTrails", &failure))?;
    let write = if arguments.format == "json" { report::json } else { report::text };
    print(&write(&trails, &notes, now))?;
    let proved = trails.iter().all(|trail| trail.obstacles(now).is_empty());
    Ok(if proved && notes.is_empty() && !trails.is_empty() { 0 } else { EXIT_INCOMPLETE })
}
