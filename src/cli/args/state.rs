//! The arguments of `state`.

use clap::{Args, Subcommand};

#[cfg(feature = "aws")]
use super::AwsArgs;
use super::{pages, parse_words};

/// Make, show and change the memory of runs (`validate --state`)
///
/// A run with `--state PLACE` remembers outside the evidence what it proved, and the next run compares: a bucket that was
/// rolled back, cut or emptied in between is `tampered`. PLACE is a directory or `s3://BUCKET/PREFIX`, best in another
/// account: whoever can write both the evidence and the state can hide a change.
#[derive(Args, Debug)]
#[command(mut_subcommands(pages::with_sections))]
pub(in crate::cli) struct StateArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: StateCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum StateCommand {
    Init(InitArgs),
    Show(ShowArgs),
    Accept(AcceptArgs),
}

/// Make a state
///
/// In a bucket, tests first that the server honours `If-Match` and `If-None-Match` on PUT, as S3 does: without them, one of
/// two runs at the same time would overwrite what the other remembers.
#[derive(Args, Debug)]
pub(in crate::cli) struct InitArgs {
    #[command(flatten)]
    pub(in crate::cli) place: PlaceArgs,
}

/// Show what a state remembers: the newest proved digests, and findings open and accepted
#[derive(Args, Debug)]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    pub(in crate::cli) place: PlaceArgs,

    /// Format of stdout: text or json. In JSON, `files` has the content of each file in the place,
    /// in the schema of `trailproof report --schema state`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(in crate::cli) format: String,
}

/// Accept a finding: later reports show it as a notice, with the reason
///
/// Only findings with exactly these ids are accepted. A finding that changes in any way is a new one.
#[derive(Args, Debug)]
pub(in crate::cli) struct AcceptArgs {
    #[command(flatten)]
    pub(in crate::cli) place: PlaceArgs,

    /// Id of the finding, from a report or from `state show`; several ids get the same reason
    #[arg(value_name = "ID", required = true)]
    pub(in crate::cli) ids: Vec<String>,

    /// Why the finding is accepted
    #[arg(long, value_name = "TEXT", value_parser = parse_words)]
    pub(in crate::cli) reason: String,

    /// Who accepts the finding [default: user and host]
    #[arg(long, value_name = "WHO", value_parser = parse_words)]
    pub(in crate::cli) by: Option<String>,

    /// Replace the reason of a finding that is accepted already
    #[arg(long)]
    pub(in crate::cli) replace: bool,
}

/// The place of a state.
#[derive(Args, Debug)]
pub(in crate::cli) struct PlaceArgs {
    /// Directory, or s3://BUCKET/PREFIX
    #[arg(value_name = "PLACE")]
    pub(in crate::cli) place: std::path::PathBuf,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,
}
