//! `trailproof shards`: one run on many machines.

mod evidence;
mod input;
mod merge;
mod output;
mod plan;
mod run;

use std::ffi::OsString;

use super::Failure;
use super::args::{ShardsArgs, ShardsCommand};
use crate::shards::ShardError;
use crate::time::Timestamp;

/// Exit code where the command did what was asked.
const EXIT_DONE: u8 = 0;

/// Runs a command on shards.
pub(super) fn run(arguments: ShardsArgs, now: Timestamp, line: &[OsString]) -> Result<u8, Failure> {
    match arguments.command {
        ShardsCommand::Plan(arguments) => plan::run(*arguments, now),
        ShardsCommand::Run(arguments) => run::run(&arguments),
        ShardsCommand::Merge(arguments) => merge::run(&arguments, line),
    }
}

/// The error message for a plan that cannot be used. `name` is the plan.
fn unusable(name: &str, error: &ShardError) -> Failure {
    match error {
        ShardError::Source(error) => super::sources::unusable(error),
        ShardError::NotAPlan => Failure::new(format!("`{name}` is not a plan: {error}"), error.hint()),
        ShardError::NoShard { .. } => Failure::new(error.to_string(), error.hint()),
        error => Failure::new(format!("the plan `{name}` cannot be used: {error}"), error.hint()),
    }
}
