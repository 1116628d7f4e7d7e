//! What can be typed: plain records, checked for their form and nothing else.

mod limits;
mod simulate;
#[cfg(feature = "aws")]
mod validate_logs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(super) use limits::LimitArgs;
pub(super) use simulate::SimulateArgs;
#[cfg(feature = "aws")]
pub(super) use validate_logs::ValidateLogsArgs;

/// Prove that AWS CloudTrail's record is whole.
#[derive(Parser, Debug)]
#[command(name = "trailproof", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit codes of `validate`: 0 intact, 1 tampered, 2 could not begin, 3 incomplete. \
                        Any other code is a failure.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    Validate(Box<ValidateArgs>),
    #[cfg(feature = "aws")]
    Trails(TrailsArgs),
    #[cfg(feature = "aws")]
    Keys(KeysArgs),
    #[cfg(feature = "aws")]
    ValidateLogs(Box<ValidateLogsArgs>),
    Report(ReportArgs),
    Simulate(Box<SimulateArgs>),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Which AWS account is asked, beyond what the environment and the shared configuration files say.
#[cfg(feature = "aws")]
#[derive(Args, Clone, Default, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// Profile of the shared configuration [default: AWS_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Endpoint of S3 and CloudTrail, in place of AWS's [default: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3]
    #[arg(long, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
}

/// Validate digest files, their chain and every log file they list.
///
/// SOURCE is `s3://BUCKET[/PREFIX]`, a trail's ARN, or a directory. In S3, every organization, account, region and
/// trail below the prefix is found and validated in one run, with keys that CloudTrail gives. A directory holds a copy:
/// a folder of buckets, one bucket, or any synced part of one, gzip or inflated, with or without `NAME.metadata.json`
/// sidecars. Each SOURCE has to hold a digest of what is asked. One log or digest file, in S3 or in a copy, is answered
/// for alone: proved and by which digest, not as delivered, gone, or listed nowhere.
#[derive(Args, Debug)]
#[command(
    after_help = "Formats: text and json say all; jsonl is every event as it happens; csv is for spreadsheets, junit \
                        for CI, prometheus for node_exporter's textfile collector, asff for AWS Security Hub, ocsf for \
                        Amazon Security Lake.\nTimes: RFC 3339 with an offset (2026-09-01T00:00:00Z), a date (its \
                        midnight in UTC), or an age (24h, 7d).\nVerdicts: intact (exit 0), tampered (1), incomplete (3); 2 means that it could not \
                        begin. Any other code is a failure."
)]
pub(super) struct ValidateArgs {
    /// What to validate: s3://BUCKET[/PREFIX], a trail's ARN, a directory, or one log or digest file; several are validated
    /// as one record
    #[arg(value_name = "SOURCE")]
    pub(super) sources: Vec<PathBuf>,

    /// Start of the asked range [default: where the record begins]. An age such as 24h reaches back 5 hours further,
    /// for digests that were on their way
    #[arg(long, value_name = "TIME")]
    pub(super) start_time: Option<String>,

    /// End of the asked range [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) end_time: Option<String>,

    /// Only this account; repeatable
    #[arg(long, value_name = "ID")]
    pub(super) account_id: Vec<String>,

    /// Only this region, the one the log files are from; repeatable
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,

    /// Only this trail; repeatable
    #[arg(long, value_name = "NAME")]
    pub(super) trail: Vec<String>,

    /// Public keys to trust: saved by `trailproof keys` or `aws cloudtrail list-public-keys`, or PEM; repeatable
    /// [default: CloudTrail's, for S3; required for a directory, but for `--dry-run`]
    #[arg(long, value_name = "FILE")]
    pub(super) public_keys: Vec<PathBuf>,

    /// Ask CloudTrail for the keys that are not in a file, for a directory too
    #[cfg(feature = "aws")]
    #[arg(long)]
    pub(super) fetch_keys: bool,

    /// The source is a copy of what was delivered to this bucket or folder; repeatable
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]")]
    pub(super) relocated_from: Vec<String>,

    /// What goes to stdout: text, json, html, jsonl, csv, junit, prometheus, asff or ocsf
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,

    /// One more report of the same run, such as `json=run.json`; what is in the file stays until the report is whole;
    /// repeatable
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) report: Vec<String>,

    /// Who runs it, for whoever files the report [default: user and host]
    #[arg(long, value_name = "WHO")]
    pub(super) run_by: Option<String>,

    /// Say what would be read, from listings alone, and verify nothing
    #[arg(long, conflicts_with = "report")]
    pub(super) dry_run: bool,

    /// Threads that read, inflate, hash and verify [default: one for each processor]; of S3, requests at a time
    /// [default: as many as it answers at once, up to 512]; fewer where there are too few file handles
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,

    /// No progress on stderr: neither bars on a terminal nor a line a minute elsewhere
    #[arg(long)]
    pub(super) no_progress: bool,

    /// List every digest and log file as it is judged
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Only the verdict line, or that of the plan
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) limits: LimitArgs,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(super) aws: AwsArgs,

    /// Account that has to own every bucket
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "ID", help_heading = "AWS")]
    pub(super) expected_bucket_owner: Option<String>,
}

/// List the account's trails, and whether each can be proved.
///
/// Says of every trail of the account, in any region, where it delivers, whether it logs and whether it writes digest
/// files, when it last did and with what error; and for what is off, the command that turns it on. Exit code 0: every
/// trail can be proved; 3: one cannot, or there is none; 2: it could not ask.
#[cfg(feature = "aws")]
#[derive(Args, Debug)]
pub(super) struct TrailsArgs {
    /// Only trails at home in this region; repeatable
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,

    /// What goes to stdout: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(super) format: String,

    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Save the public keys of regions and times, to validate without CloudTrail later.
///
/// Prints what `aws cloudtrail list-public-keys` prints, for all regions together. Save it to a file, and give that
/// to `validate --public-keys`.
#[cfg(feature = "aws")]
#[derive(Args, Debug)]
pub(super) struct KeysArgs {
    /// Region whose keys to save; repeatable [default: the configured one]
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,

    /// Start of the range of digests that are to be verified
    #[arg(long, value_name = "TIME")]
    pub(super) start_time: String,

    /// End of that range [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) end_time: Option<String>,

    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Render a saved JSON report again, in any other format.
///
/// Reads what `validate --format json` or `--report json=FILE` wrote, and validates nothing: nothing vouches for a report
/// but whoever kept it. Exit code 0: it was rendered, whatever its verdict; 2: it was not.
#[derive(Args, Debug)]
#[command(
    after_help = "Every object, as `validate -v` lists them, is not in a JSON report, and so is in none of these either."
)]
pub(super) struct ReportArgs {
    /// The JSON report; `-` for stdin
    #[arg(value_name = "RUN.json", required_unless_present = "schema")]
    pub(super) run: Option<PathBuf>,

    /// What goes to stdout: text, json or html
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,

    /// One more report of the same run, such as `html=run.html`; what is in the file stays until the report is whole;
    /// repeatable
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) report: Vec<String>,

    /// Only the verdict line, as text
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// List every chain in the coverage table, as text
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Most bytes the JSON report may have
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size)]
    pub(super) max_size: u64,

    /// Print the JSON Schema of JSON reports, and render nothing; or that of plans, or of lists of trails
    #[arg(long, value_name = "WHICH", exclusive = true, num_args = 0..=1, default_missing_value = "report")]
    #[arg(value_parser = ["report", "plan", "trails"])]
    pub(super) schema: Option<String>,
}

/// Print completions for a shell.
///
/// For bash: `trailproof completions bash > ~/.local/share/bash-completion/completions/trailproof`; README has the others.
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

/// Write man pages into a directory, one for the program and one for each command.
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Directory, such as ~/.local/share/man/man1; it is made where it is not there
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
}

/// A size in bytes, with an optional K, M or G (binary: 1K is 1,024).
fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.trim_end_matches("iB").char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (text.get(..at).unwrap_or_default(), unit),
        _ => (text, 'B'),
    };
    let shift = match unit.to_ascii_uppercase() {
        'B' => 0,
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return Err("give bytes, or a number with K, M, G or T".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "give bytes, or a number with K, M, G or T".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "it is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(parse_size("1024"), Ok(1024));
        assert_eq!(parse_size("2K"), Ok(2048));
        assert_eq!(parse_size("16GiB"), Ok(16 << 30));
        for junk in ["", "K", "-1", "1x", "99999999999T", "é"] {
            assert!(parse_size(junk).is_err(), "{junk}");
        }
    }
}
