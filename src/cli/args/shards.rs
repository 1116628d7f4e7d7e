//! The arguments of `shards`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[cfg(feature = "aws")]
use super::AwsArgs;
use super::validate::{lonely_recheck, recheck};
use super::{LonelyOption, OutputArgs, RunArgs, TellingArgs, number, pages, parse_size};
use crate::validate::Recheck;

/// Run one validation on many machines
///
/// `plan` writes a line of JSON for each shard: a region of an account, or a part of its log files. `run` carries shards out,
/// on any machine, in any order, and writes a line of JSON for each. `merge` merges the results of the shards into one report. Any
/// engine that distributes lines will do: GNU parallel, Spark (`rdd.pipe`), a queue, or array jobs with `--index`.
#[derive(Args, Debug)]
#[command(mut_subcommands(pages::with_sections))]
pub(in crate::cli) struct ShardsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ShardsCommand,
}

impl ShardsArgs {
    /// An option without the option that it works with.
    pub(super) fn lonely(&self) -> Option<LonelyOption> {
        match &self.command {
            ShardsCommand::Plan(typed) => lonely_recheck(typed.recheck, typed.state.as_ref()),
            ShardsCommand::Run(_) => None,
            ShardsCommand::Merge(typed) => typed.telling.lonely(),
        }
    }
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum ShardsCommand {
    Plan(Box<PlanArgs>),
    Run(Box<RunShardsArgs>),
    Merge(Box<MergeArgs>),
}

/// List what is to be validated, and cut it into shards
///
/// Reads listings only, as `validate --dry-run` does. The plan fixes what all machines have to agree on: the present, the
/// range, and what is asked. Directories and files of public keys have to be at the same paths on every machine, so give
/// absolute paths. Keep the plan where those who can write the evidence cannot: whoever can write the plan decides what is
/// validated, and with which keys.
#[derive(Args, Debug)]
#[command(override_usage = "trailproof shards plan [OPTIONS] [SOURCE]...")]
#[command(mut_arg("quiet", |option| option.help("Print neither progress nor the line `planned N shards` on stderr")))]
#[command(mut_arg("verbose", |option| {
    option.help("Keep the result of every digest and log file, so that `shards merge -v` can list them")
}))]
pub(in crate::cli) struct PlanArgs {
    /// What to validate, as for `validate`. Without a source, the error message lists the account's trails
    #[arg(value_name = "SOURCE", help_heading = "Source", display_order = 0)]
    sources: Vec<PathBuf>,

    #[command(flatten)]
    run: RunArgs,

    /// Compare with what earlier runs proved, as for `validate`. `merge` needs the option too
    #[arg(long, value_name = "PLACE", help_heading = "Memory")]
    state: Option<PathBuf>,

    /// Read a part of the sealed days again, as for `validate`: K/N, all or none [default: 1/30]
    #[arg(long, value_name = "K/N", value_parser = recheck, help_heading = "Memory")]
    recheck: Option<Recheck>,

    /// Largest number of log files in a shard. A region with more is cut into parts, each of which reads all digests of the region
    #[arg(long, value_name = "N", default_value = "200000", help_heading = "Plan")]
    #[arg(value_parser = |text: &str| number::<u64>(text, 1..=u64::MAX))]
    pub(in crate::cli) objects_per_shard: u64,

    /// Write the plan to this file or object [default: stdout]
    #[arg(short, long, value_name = "FILE|s3://BUCKET/KEY", help_heading = "Plan")]
    pub(in crate::cli) output: Option<PathBuf>,
}

impl PlanArgs {
    /// The arguments of the run.
    pub(in crate::cli) fn into_run(self) -> RunArgs {
        let recheck = self.recheck.unwrap_or_default();
        RunArgs { sources: self.sources, state: self.state, recheck, ..self.run }
    }
}

/// Carry out shards
///
/// Without PLAN, reads lines of a plan from stdin, and writes the result of each shard to stdout as soon as it is there. With
/// PLAN, carries out all its shards, or one of them. A line that is not a shard is named on stderr, and the others are
/// carried out all the same. What evidence shows does not change the exit code: an engine that retries what failed would run
/// a shard with findings for ever.
#[derive(Args, Debug)]
pub(in crate::cli) struct RunShardsArgs {
    /// The plan: a file or s3://BUCKET/KEY [default: lines from stdin]
    #[arg(value_name = "PLAN")]
    pub(in crate::cli) plan: Option<PathBuf>,

    /// Carry out only the shard of this number, from 0
    #[arg(long, value_name = "N", requires = "plan")]
    pub(in crate::cli) index: Option<u64>,

    /// Carry out every N-th shard from `--index` on, for an array of N jobs that is made before the plan
    #[arg(long, value_name = "N", requires = "index", value_parser = |text: &str| number::<u64>(text, 1..=100_000))]
    pub(in crate::cli) of: Option<u64>,

    /// Write all results to a file or object, or each result to a file or object of its own in a folder or prefix that ends
    /// in a slash, or in an existing directory [default: stdout]
    #[arg(short, long, value_name = "FILE|DIR/|s3://BUCKET/KEY|s3://BUCKET/PREFIX/")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Use this file of public keys in place of the file with the same content that the plan names; repeatable
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) public_keys: Vec<PathBuf>,

    /// Number of shards to carry out at the same time. A large shard needs some 30 MB of memory. For many small regions in S3,
    /// give 64: their shards mostly wait for S3
    #[arg(long, value_name = "N", default_value = "4", value_parser = |text: &str| number::<u16>(text, 1..=256))]
    pub(in crate::cli) at_once: u16,

    /// Show no progress on stderr
    #[arg(long)]
    pub(in crate::cli) no_progress: bool,

    /// Number of worker threads; in S3, of concurrent requests [default: that of the plan]. From 1 to 1,024
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u16>(text, 1..=1_024))]
    pub(in crate::cli) jobs: Option<u16>,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,
}

/// Merge the results of the shards into one report
///
/// The report is that of `validate`, byte for byte in JSON apart from times and command line. A shard without a usable result
/// is a finding that names the shard, and the verdict is `incomplete` at best.
#[derive(Args, Debug)]
pub(in crate::cli) struct MergeArgs {
    /// The plan: a file or s3://BUCKET/KEY
    #[arg(value_name = "PLAN")]
    pub(in crate::cli) plan: PathBuf,

    /// The results: files, folders with files, s3://BUCKET/KEY or s3://BUCKET/PREFIX/; `-` for stdin
    #[arg(value_name = "RESULT", required = true)]
    pub(in crate::cli) results: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,

    /// List every digest and log file with its result, if the plan was made with `-v`
    #[arg(short, long, help_heading = "Report")]
    pub(in crate::cli) verbose: bool,

    /// Print only the verdict line on stdout. Formats other than text, and files of `--report`, are whole
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Report")]
    pub(in crate::cli) quiet: bool,

    /// Remember what is proved in this state, as for `validate`: the state that the plan was made with
    #[arg(long, value_name = "PLACE", help_heading = "Memory")]
    pub(in crate::cli) state: Option<PathBuf>,

    /// Largest result of a shard
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size, help_heading = "Limits")]
    pub(in crate::cli) max_size: u64,

    #[command(flatten)]
    pub(in crate::cli) telling: TellingArgs,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,
}
