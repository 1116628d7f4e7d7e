//! The arguments of `validate`.

use std::path::PathBuf;

use clap::Args;

use super::{LonelyOption, OutputArgs, RunArgs, TellingArgs};
use crate::validate::Recheck;

/// Options that a plan has no use for.
#[cfg(feature = "aws")]
const DRY_RUN_CONFLICTS: [&str; 3] = ["report", "hook", "ping"];
#[cfg(not(feature = "aws"))]
const DRY_RUN_CONFLICTS: [&str; 2] = ["report", "hook"];

/// Validate digest files, their chain and every log file they list
///
/// SOURCE is `s3://BUCKET[/PREFIX]`, an access point, a trail's ARN, a directory, or an archive (.zip, .tar, .tar.gz,
/// .tar.zst). In S3, one run finds and validates every organization, account, region and trail below the prefix, with public
/// keys from CloudTrail. A directory or archive holds a copy: a folder of buckets, one bucket, or any part of a bucket, gzip or
/// inflated, with or without `NAME.metadata.json` sidecars. Files in other folders are found by their CloudTrail names, and
/// several copies may hold parts of one bucket. An access point (its ARN, or `s3://ALIAS-s3alias[/PREFIX]`) needs
/// `--relocated-from s3://BUCKET`, since digest files name their bucket and an access point does not. In S3, every SOURCE
/// must contain a digest file in the range; directories and archives are parts of one copy. For a single log or digest file,
/// in S3 or in a copy, the report says whether the file is proved and by which digest, was modified, is gone, or is listed
/// nowhere.
#[derive(Args, Debug)]
#[command(override_usage = "trailproof validate [OPTIONS] [SOURCE]...")]
pub(in crate::cli) struct ValidateArgs {
    /// What to validate: s3://BUCKET[/PREFIX], an access point's ARN, a trail's ARN, a directory, an archive, or one log or
    /// digest file. Several sources are validated as one record. Without a source, the error message lists the account's
    /// trails as commands
    #[arg(value_name = "SOURCE", help_heading = "Source", display_order = 0)]
    sources: Vec<PathBuf>,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    output: OutputArgs,

    /// Remember what is proved in this state, and compare with what earlier runs proved: a directory or s3://BUCKET/PREFIX,
    /// made by `trailproof state init`. Keep the state where those who can write the evidence cannot. Not with `--dry-run`,
    /// which proves nothing
    #[arg(long, value_name = "PLACE", conflicts_with = "dry_run", help_heading = "Memory")]
    state: Option<PathBuf>,

    /// Read a part of the sealed days again in each run: K/N (each day within N/K runs), all or none. A sealed day is a day that
    /// an earlier run proved whole; later runs compare its listing, and read the day if anything differs [default: 1/30]
    #[arg(long, value_name = "K/N", value_parser = recheck, help_heading = "Memory")]
    recheck: Option<Recheck>,

    /// List what would be read and estimate its cost; verify nothing. Needs no public keys. With `-q`, print only the first
    /// line
    #[arg(long, conflicts_with_all = DRY_RUN_CONFLICTS, help_heading = "Running")]
    pub(in crate::cli) dry_run: bool,

    /// With `--dry-run`: write the archived objects to a file, as the CSV manifest of an S3 Batch Operations restore job
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub(in crate::cli) restore_manifest: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) telling: TellingArgs,
}

impl ValidateArgs {
    /// An option without the option that it works with.
    pub(super) fn lonely(&self) -> Option<LonelyOption> {
        lonely_recheck(self.recheck, self.state.as_ref()).or_else(|| self.telling.lonely())
    }

    /// The arguments of the run.
    pub(in crate::cli) fn into_run(self) -> RunArgs {
        let Self { sources, dry_run, state, recheck, output, run, .. } = self;
        let recheck = recheck.unwrap_or_default();
        RunArgs { sources, dry_run, state, recheck, output, ..run }
    }
}

/// `--recheck` without a memory.
pub(super) fn lonely_recheck(recheck: Option<Recheck>, state: Option<&PathBuf>) -> Option<LonelyOption> {
    (recheck.is_some() && state.is_none())
        .then_some(LonelyOption { option: "--recheck", needs: "--state PLACE" })
}

/// Parses a slice such as `1/30`.
pub(super) fn recheck(text: &str) -> Result<Recheck, String> {
    let slice = |text: &str| {
        let (slice, of) = text.split_once('/')?;
        Recheck::new(slice.parse().ok()?, of.parse().ok()?)
    };
    match text {
        "all" => Ok(Recheck::ALL),
        "none" => Ok(Recheck::NONE),
        text => slice(text)
            .ok_or_else(|| "expected K/N with K from 1 to N, such as 1/30, or `all` or `none`".to_owned()),
    }
}
