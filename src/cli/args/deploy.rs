//! The arguments of `deploy`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::validate::{lonely_recheck, recheck};
use super::{LonelyOption, OutputArgs, RunArgs, TellingArgs, number};
use crate::deploy::Target;
use crate::validate::Recheck;

/// Print a recipe that runs a validation on many machines
///
/// The recipe is a script for an engine that you have. It plans, lets the engine carry out the shards and try failed ones
/// again, merges the results, and ends with the exit code of the verdict. It is made for the arguments that follow, and
/// complete apart from names that start with `YOUR_`, which its first lines list. It contains an IAM policy of the least
/// permissions, and the command that tells the cost. Nothing is sent anywhere: read the recipe before you run it.
#[derive(Args, Debug)]
#[command(override_usage = "trailproof deploy [OPTIONS] <TARGET> <SOURCE>...")]
pub(in crate::cli) struct DeployArgs {
    /// The engine
    #[arg(value_name = "TARGET", help_heading = "Recipe", display_order = 0)]
    #[arg(value_parser = PossibleValuesParser::new(Target::ALL.map(Target::as_str)))]
    pub(in crate::cli) target: String,

    /// What to validate, as for `validate`. A directory has to be at the same path on every machine
    #[arg(value_name = "SOURCE", required = true, help_heading = "Source", display_order = 0)]
    pub(in crate::cli) sources: Vec<PathBuf>,

    /// Where plans and results go, a folder for each run. A directory has to be at the same path on every machine. Those who
    /// can write the evidence should not be able to write here. `parallel` takes only a directory; `batch`, `kubernetes` and
    /// `step-functions` take only a bucket [default: a bucket to fill in; for `parallel` ./trailproof-runs]
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]|DIR", help_heading = "Recipe")]
    pub(in crate::cli) work: Option<PathBuf>,

    /// Number of jobs in the array of `batch`, `kubernetes` and `slurm`. A job carries out every N-th shard, and a job that
    /// fails repeats its shards
    #[arg(long, value_name = "N", default_value = "100", help_heading = "Recipe")]
    pub(in crate::cli) tasks: u32,

    /// Number of jobs at the same time, for `kubernetes`, `slurm` and `step-functions`
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Recipe")]
    #[arg(value_parser = |text: &str| number::<u32>(text, 1..=10_000))]
    pub(in crate::cli) tasks_at_once: u32,

    /// Number of attempts for each shard
    #[arg(long, value_name = "N", default_value = "3", help_heading = "Recipe")]
    #[arg(value_parser = |text: &str| number::<u32>(text, 1..=10))]
    pub(in crate::cli) tries: u32,

    /// Largest number of log files in a shard, as for `shards plan`
    #[arg(long, value_name = "N", default_value = "200000", help_heading = "Recipe")]
    #[arg(value_parser = |text: &str| number::<u64>(text, 1..=u64::MAX))]
    objects_per_shard: u64,

    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,

    /// Remember what is proved in this state, as for `validate`
    #[arg(long, value_name = "PLACE", help_heading = "Memory")]
    pub(in crate::cli) state: Option<PathBuf>,

    /// Read a part of the sealed days again, as for `validate`: K/N, all or none [default: 1/30]
    #[arg(long, value_name = "K/N", value_parser = recheck, help_heading = "Memory")]
    recheck: Option<Recheck>,

    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,

    #[command(flatten)]
    pub(in crate::cli) telling: TellingArgs,
}

impl DeployArgs {
    /// An option without the option that it works with.
    pub(super) fn lonely(&self) -> Option<LonelyOption> {
        lonely_recheck(self.recheck, self.state.as_ref()).or_else(|| self.telling.lonely())
    }
}
