//! The arguments that `validate` and `collect` share: what is asked for, keys, reports, limits, AWS.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use super::AwsArgs;
use super::{LimitArgs, OutputArgs, number};
use crate::validate::Recheck;

/// The arguments of a run.
#[derive(Args, Default, Debug)]
pub(in crate::cli) struct RunArgs {
    /// The sources, which each command declares with a help of its own.
    #[arg(skip)]
    pub(in crate::cli) sources: Vec<PathBuf>,

    /// Whether nothing is verified, so that no keys are needed.
    #[arg(skip)]
    pub(in crate::cli) dry_run: bool,

    /// The place of the memory, of a command that has one.
    #[arg(skip)]
    pub(in crate::cli) state: Option<PathBuf>,

    /// The slice of the sealed days to read again, of a command that has a memory.
    #[arg(skip)]
    pub(in crate::cli) recheck: Recheck,

    /// Where the report goes, of a command that makes one.
    #[arg(skip)]
    pub(in crate::cli) output: OutputArgs,

    /// Treat the source as a copy of files that were delivered to this bucket or folder; repeatable
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]", help_heading = "Source")]
    pub(in crate::cli) relocated_from: Vec<String>,

    /// Start of the range [default: where the record begins]. An age such as 24h reaches back 5 more hours, for digests
    /// that were still on their way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Time and narrowing")]
    pub(in crate::cli) start_time: Option<String>,

    /// End of the range [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Time and narrowing")]
    pub(in crate::cli) end_time: Option<String>,

    /// Validate only this account; repeatable
    #[arg(long, value_name = "ID", help_heading = "Time and narrowing")]
    pub(in crate::cli) account_id: Vec<String>,

    /// Validate only log files from this region; repeatable
    #[arg(long, value_name = "REGION", help_heading = "Time and narrowing")]
    pub(in crate::cli) region: Vec<String>,

    /// Validate only the trail of this name; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Time and narrowing")]
    pub(in crate::cli) trail: Vec<String>,

    /// Trust the public keys in this file, from `trailproof keys` or `aws cloudtrail list-public-keys` (JSON, YAML or
    /// text), or PEM; repeatable
    /// [default: CloudTrail's keys for S3; required for a directory or an archive]
    #[arg(long, value_name = "FILE", help_heading = "Keys")]
    pub(in crate::cli) public_keys: Vec<PathBuf>,

    /// Ask CloudTrail for keys that are in no file, for a directory too
    #[cfg(feature = "aws")]
    #[arg(long, help_heading = "Keys")]
    pub(in crate::cli) fetch_keys: bool,

    /// List every digest, and every log file that a digest lists, with its result
    #[arg(short, long, help_heading = "Report")]
    pub(in crate::cli) verbose: bool,

    /// Print only the verdict line on stdout, and show no progress. Formats other than text, and files of `--report`, are
    /// whole
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Report")]
    pub(in crate::cli) quiet: bool,

    /// Number of worker threads [default: one for each processor]. In S3, number of concurrent requests [default: adapts to
    /// S3, up to 512]. From 1 to 1,024; the limit of open files may lower it
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u16>(text, 1..=1_024), help_heading = "Running")]
    pub(in crate::cli) jobs: Option<u16>,

    /// Show no progress on stderr: neither bars on a terminal nor a line a minute elsewhere
    // Recipes of `deploy` give it too.
    #[arg(long, overrides_with = "no_progress", help_heading = "Running")]
    pub(in crate::cli) no_progress: bool,

    #[command(flatten)]
    pub(in crate::cli) limits: LimitArgs,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,

    /// Require this account to own every bucket
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "ID", help_heading = "AWS")]
    pub(in crate::cli) expected_bucket_owner: Option<String>,

    /// Pay for requests to a bucket whose owner requires it (requester pays)
    #[cfg(feature = "aws")]
    #[arg(long, help_heading = "AWS")]
    pub(in crate::cli) request_payer: bool,
}
