//! The arguments of `validate-logs`: the AWS CLI's flags, and a few of trailproof's.

use std::path::PathBuf;

use clap::Args;

use super::{AwsArgs, LimitArgs, number};

/// Validate one trail with the flags, output and exit codes of `aws cloudtrail validate-logs`
///
/// For scripts that must not change. The AWS CLI misses deleted newest digests, gaps, additions, a second gzip member and
/// more: trailproof reports these on stderr, in lines that begin with `trailproof: `, and exits with 1. One run validates
/// one account and region; `validate` takes all at once.
#[derive(Args, Debug)]
pub(in crate::cli) struct ValidateLogsArgs {
    /// ARN of the trail
    #[arg(long, value_name = "ARN")]
    pub(in crate::cli) trail_arn: String,

    /// Validate log files delivered at or after this time; UTC unless the time has an offset
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) start_time: String,

    /// Validate log files delivered at or before this time [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) end_time: Option<String>,

    /// Bucket of the digest files [default: the trail's bucket, from CloudTrail]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) s3_bucket: Option<String>,

    /// Prefix of the trail in that bucket, before `AWSLogs/`
    #[arg(long, value_name = "PREFIX")]
    pub(in crate::cli) s3_prefix: Option<String>,

    /// Account whose log files to validate; required for an organization's trail [default: the ARN's]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) account_id: Option<String>,

    /// Region of the log files [default: the configured region, else the ARN's]
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) region: Option<String>,

    /// Print valid files too
    #[arg(long)]
    pub(in crate::cli) verbose: bool,

    /// Trust the public keys in this file, as for `validate`; repeatable [default: CloudTrail's keys]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) public_keys: Vec<PathBuf>,

    /// Number of concurrent requests [default: adapts to S3, up to 512]. The limit of open files may lower it
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u16>(text, 1..=1_024))]
    pub(in crate::cli) jobs: Option<u16>,

    #[command(flatten)]
    pub(in crate::cli) limits: LimitArgs,

    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,

    #[command(flatten)]
    pub(in crate::cli) ignored: IgnoredArgs,
}

/// Global flags of the AWS CLI that do not change the output of this command.
#[derive(Args, Debug)]
pub(in crate::cli) struct IgnoredArgs {
    #[arg(long, hide = true)]
    output: Option<String>,
    #[arg(long, hide = true)]
    query: Option<String>,
    #[arg(long, hide = true)]
    color: Option<String>,
    #[arg(long, hide = true)]
    no_paginate: bool,
    #[arg(long, hide = true)]
    no_cli_pager: bool,
}
