//! What `validate-logs` takes: the AWS CLI's flags, and few of our own.

use std::path::PathBuf;

use clap::Args;

use super::{AwsArgs, LimitArgs};

/// Validate one trail with the AWS CLI's own flags, lines and exit codes, for scripts that must not change.
///
/// Takes what `aws cloudtrail validate-logs` takes and prints what it prints, for all that both judge alike. What it
/// does not see (deleted newest digests, gaps, additions, a second gzip member and so on) is said on stderr, each line
/// beginning with `trailproof: `, and ends with exit code 1. One account and region a run; `validate` takes all.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all of it is proved, 1 it is not, 2 could not begin (the AWS CLI's 252 to 255). Any \
                  other code is a failure."
)]
pub(in crate::cli) struct ValidateLogsArgs {
    /// ARN of the trail
    #[arg(long, value_name = "ARN")]
    pub(in crate::cli) trail_arn: String,

    /// Log files delivered at this time or later; in UTC where it has no offset
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) start_time: String,

    /// Log files delivered at this time or before [default: now]
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) end_time: Option<String>,

    /// Bucket of the digest files [default: by CloudTrail's word]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) s3_bucket: Option<String>,

    /// What stands before `AWSLogs/` in that bucket
    #[arg(long, value_name = "PREFIX")]
    pub(in crate::cli) s3_prefix: Option<String>,

    /// Account whose log files to validate, for an organization's trail [default: the ARN's]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) account_id: Option<String>,

    /// Region the log files are from [default: the configured one, else the ARN's]
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) region: Option<String>,

    /// Print every file that is valid, too
    #[arg(long)]
    pub(in crate::cli) verbose: bool,

    /// Public keys to trust, as for `validate`; repeatable [default: CloudTrail's]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) public_keys: Vec<PathBuf>,

    /// Requests at a time [default: as many as S3 answers at once, up to 512]; fewer where there are too few file handles
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(in crate::cli) jobs: Option<u16>,

    #[command(flatten)]
    pub(in crate::cli) limits: LimitArgs,

    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,

    #[command(flatten)]
    pub(in crate::cli) ignored: IgnoredArgs,
}

/// Flags that the AWS CLI takes with every command, and that change nothing of this one's lines.
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
