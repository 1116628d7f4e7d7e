//! The arguments of `validate`.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use super::AwsArgs;
use super::{LimitArgs, TellingArgs, pages};

/// Validate digest files, their chain and every log file they list
///
/// SOURCE is `s3://BUCKET[/PREFIX]`, an access point, a trail's ARN, a directory, or an archive (.zip, .tar, .tar.gz,
/// .tar.zst). In S3, one run finds and validates every organization, account, region and trail below the prefix, with public
/// keys from CloudTrail. A directory or archive holds a copy: a folder of buckets, one bucket, or any part of a bucket, gzip or
/// inflated, with or without `NAME.metadata.json` sidecars. Files in other folders are found by their CloudTrail names, and
/// several copies may hold parts of one bucket. An access point (its ARN, or `s3://ALIAS-s3alias[/PREFIX]`) needs
/// `--relocated-from s3://BUCKET`, since digest files name their bucket and an access point does not. Every SOURCE must contain
/// a digest file in the range. For a single log or digest file, in
/// S3 or in a copy, the report says whether the file is proved and by which digest, was modified, is gone, or is listed
/// nowhere.
#[derive(Args, Debug)]
#[command(override_usage = "trailproof validate [OPTIONS] <SOURCE>...")]
#[command(after_long_help = pages::help("validate"))]
pub(in crate::cli) struct ValidateArgs {
    /// What to validate: s3://BUCKET[/PREFIX], an access point's ARN, a trail's ARN, a directory, an archive, or one log or
    /// digest file. Several sources are
    /// validated as one record
    #[arg(value_name = "SOURCE", help_heading = "Source", display_order = 0)]
    pub(in crate::cli) sources: Vec<PathBuf>,

    /// Treat the source as a copy of files that were delivered to this bucket or folder; repeatable
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]", help_heading = "Source")]
    pub(in crate::cli) relocated_from: Vec<String>,

    /// Start of the range [default: where the record begins]. An age such as 24h reaches back 5 more hours, for digests
    /// that were still on their way
    #[arg(long, value_name = "TIME", help_heading = "Time and narrowing")]
    pub(in crate::cli) start_time: Option<String>,

    /// End of the range [default: now]
    #[arg(long, value_name = "TIME", help_heading = "Time and narrowing")]
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
    /// [default: CloudTrail's keys for S3; required for a directory, except with `--dry-run`]
    #[arg(long, value_name = "FILE", help_heading = "Keys")]
    pub(in crate::cli) public_keys: Vec<PathBuf>,

    /// Ask CloudTrail for keys that are in no file, for a directory too
    #[cfg(feature = "aws")]
    #[arg(long, help_heading = "Keys")]
    pub(in crate::cli) fetch_keys: bool,

    /// Format of stdout: text, json, html, jsonl, csv, junit, prometheus, asff or ocsf
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(in crate::cli) format: String,

    /// Also write a report to a file, such as `json=run.json`; repeatable. An existing file is replaced once the new report
    /// is complete
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Report")]
    pub(in crate::cli) report: Vec<String>,

    /// Name of the person or system that runs this, for the report [default: user and host]
    #[arg(long, value_name = "WHO", help_heading = "Report")]
    pub(in crate::cli) run_by: Option<String>,

    /// List every digest and log file with its result
    #[arg(short, long, help_heading = "Report")]
    pub(in crate::cli) verbose: bool,

    /// Print only the verdict line, or only the first line of the plan
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Report")]
    pub(in crate::cli) quiet: bool,

    /// List what would be read and estimate its cost; verify nothing
    #[arg(long, conflicts_with = "report", help_heading = "Running")]
    pub(in crate::cli) dry_run: bool,

    /// With `--dry-run`: write the archived objects to a file, as the CSV manifest of an S3 Batch Operations restore job
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub(in crate::cli) restore_manifest: Option<PathBuf>,

    /// Number of worker threads [default: one for each processor]. In S3, number of concurrent requests [default: adapts to
    /// S3, up to 512]. The limit of open files may lower both
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Running")]
    pub(in crate::cli) jobs: Option<u16>,

    /// Show no progress on stderr: neither bars on a terminal nor a line a minute elsewhere
    #[arg(long, help_heading = "Running")]
    pub(in crate::cli) no_progress: bool,

    #[command(flatten)]
    pub(in crate::cli) telling: TellingArgs,

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
