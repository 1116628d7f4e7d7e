//! The command line's arguments: plain records. Only the form of numbers and sizes is checked here.

mod collect;
mod deploy;
mod limits;
mod output;
pub(super) mod pages;
mod run;
mod shards;
mod simulate;
mod state;
mod telling;
mod validate;
#[cfg(feature = "aws")]
mod validate_logs;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::text::grouped;

pub(super) use collect::CollectArgs;
pub(super) use deploy::DeployArgs;
pub(super) use limits::LimitArgs;
pub(super) use output::OutputArgs;
pub(super) use run::RunArgs;
pub(super) use shards::{MergeArgs, PlanArgs, RunShardsArgs, ShardsArgs, ShardsCommand};
pub(super) use simulate::SimulateArgs;
pub(super) use state::{AcceptArgs, InitArgs, ShowArgs, StateArgs, StateCommand};
pub(super) use telling::{HookOn, TellingArgs};
pub(super) use validate::ValidateArgs;
#[cfg(feature = "aws")]
pub(super) use validate_logs::ValidateLogsArgs;

/// Prove that AWS CloudTrail's record is whole
#[derive(Parser, Debug)]
#[command(name = "trailproof", version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Exit codes of `validate`: 0 intact, 1 tampered, 2 could not begin, or could not write a report \
                        or the state, 3 incomplete. Any other code is a failure."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// The command line with the arguments of every command. A parse makes those of the typed command alone.
    pub(super) fn whole() -> clap::Command {
        Self::with_arguments(Self::command())
    }

    /// `program` with the arguments of every command.
    pub(super) fn with_arguments(mut program: clap::Command) -> clap::Command {
        program.build();
        program
    }
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub(super) enum Command {
    Validate(Box<ValidateArgs>),
    Collect(Box<CollectArgs>),
    #[cfg(feature = "aws")]
    Trails(TrailsArgs),
    #[cfg(feature = "aws")]
    Keys(KeysArgs),
    #[cfg(feature = "aws")]
    ValidateLogs(Box<ValidateLogsArgs>),
    Shards(Box<ShardsArgs>),
    Deploy(Box<DeployArgs>),
    State(StateArgs),
    Report(ReportArgs),
    Simulate(Box<SimulateArgs>),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// An option that was given without the option that it works with.
pub(super) struct LonelyOption {
    pub(super) option: &'static str,
    /// The other option, with the name of its value.
    pub(super) needs: &'static str,
}

impl Command {
    /// An option without the option that it works with.
    pub(super) fn lonely(&self) -> Option<LonelyOption> {
        match self {
            Self::Validate(typed) => typed.lonely(),
            Self::Shards(typed) => typed.lonely(),
            Self::Deploy(typed) => typed.lonely(),
            _ => None,
        }
    }
}

/// The AWS account. The environment and the shared configuration files are read too.
#[cfg(feature = "aws")]
#[derive(Args, Clone, Default, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// Use this profile of the shared configuration [default: AWS_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Send requests for S3 and CloudTrail to this endpoint [default: AWS_ENDPOINT_URL_S3 and
    /// AWS_ENDPOINT_URL_CLOUDTRAIL, else AWS_ENDPOINT_URL, else AWS]
    #[arg(long, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
}

/// List the account's trails and whether each can be validated
///
/// For every trail of the account, in all regions, the list shows the bucket, whether logging and digest files are on, the
/// times of the last deliveries and their errors. For each problem the list shows the command that fixes it.
#[cfg(feature = "aws")]
#[derive(Args, Debug)]
pub(super) struct TrailsArgs {
    /// List only trails whose home region is this one; repeatable
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,

    /// Format of stdout: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(super) format: String,

    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Save the public keys of regions and times, to validate without CloudTrail later
///
/// Prints the output of `aws cloudtrail list-public-keys` for all regions together. Save the output to a file, and give the
/// file to `validate --public-keys`.
#[cfg(feature = "aws")]
#[derive(Args, Debug)]
pub(super) struct KeysArgs {
    /// Save the keys of this region; repeatable [default: the configured region]
    #[arg(long, value_name = "REGION")]
    pub(super) region: Vec<String>,

    /// Start of the range that the digest files to verify cover
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) start_time: String,

    /// End of that range [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) end_time: Option<String>,

    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Render a saved JSON report in another format
///
/// Reads a report from `validate --format json` or `--report json=FILE`. Nothing is validated again, and reports are not
/// signed: keep them in a safe place. The list of every object (`validate -v`) is not part of a JSON report.
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// The JSON report; `-` for stdin
    #[arg(value_name = "RUN.json", required_unless_present = "schema")]
    pub(super) run: Option<PathBuf>,

    /// Format of stdout: text, json, html, jsonl, csv, junit, prometheus, asff or ocsf
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: String,

    /// Also write a report to a file, such as `html=run.html`; repeatable. An existing file is replaced once the new report
    /// is complete
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) report: Vec<String>,

    /// Print only the verdict line on stdout. Formats other than text, and files of `--report`, are whole
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// List every chain in the coverage table, as text
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Largest JSON report to read
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size)]
    pub(super) max_size: u64,

    /// Print a JSON Schema and exit: of reports, of plans (`--dry-run`), of the list of trails, of state files, or of the lines
    /// of `shards plan` and `shards run`
    #[arg(long, value_name = "WHICH", exclusive = true, num_args = 0..=1, default_missing_value = "report")]
    #[arg(value_parser = ["report", "plan", "trails", "state", "shard", "shard-result"])]
    pub(super) schema: Option<String>,
}

/// Print completions for a shell
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

/// Write man pages into a directory, one for the program and one for each command
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Directory, such as ~/.local/share/man/man1. A missing directory is created
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
}

/// A text that says something: it is in every later report.
fn parse_words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the text is blank".to_owned()),
        words => Ok(words.to_owned()),
    }
}

/// Parses a number in `range`. A range up to the largest value of a type has no limit that anybody would type.
fn number<T: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Result<T, String> {
    let (least, most) = (*range.start(), *range.end());
    let parsed = text.parse().ok().filter(|number| range.contains(number));
    parsed.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match most < u64::from(u32::MAX) {
        true => format!("give a number from {} to {}", grouped(least), grouped(most)),
        false => format!("give a number of {} or more", grouped(least)),
    })
}

/// Parses a size in bytes, with an optional K, M, G or T (binary: 1K is 1,024).
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
    number.checked_mul(1 << shift).ok_or_else(|| "the size is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::whole().debug_assert();
    }

    #[test]
    fn numbers_name_their_limits() {
        assert_eq!(number::<u16>("1024", 1..=1_024), Ok(1_024));
        assert_eq!(number::<u64>("9999999999", 1..=u64::MAX), Ok(9_999_999_999));
        for junk in ["0", "1025", "-1", "x", "", "99999999999999999999"] {
            let said = number::<u16>(junk, 1..=1_024).unwrap_err();
            assert_eq!(said, "give a number from 1 to 1,024", "{junk}");
        }
        assert_eq!(number::<u32>("0", 1..=u64::from(u32::MAX)).unwrap_err(), "give a number of 1 or more");
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
