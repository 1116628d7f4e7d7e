//! What `simulate` takes.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use super::AwsArgs;
use crate::simulate::{Tamper, TamperKind};

/// Make a synthetic trail with real signatures, and tamper with it to prove that the alarm works.
///
/// Writes buckets into DIR as CloudTrail delivers them, with metadata sidecars, the public keys in
/// `DIR/public-keys.json` and what was tampered with in `DIR/tampered.json`. Validate it with
/// `trailproof validate DIR --public-keys DIR/public-keys.json`. For `s3://BUCKET[/PREFIX]` the objects go into that
/// bucket, and the two files into the folder that `--save` names.
#[derive(Args, Debug)]
#[command(after_help = tamper_help())]
pub(in crate::cli) struct SimulateArgs {
    /// Directory to write to, or s3://BUCKET[/PREFIX]; nothing may be there yet
    #[arg(value_name = "DIR")]
    pub(in crate::cli) target: PathBuf,

    /// Folder for the keys and the answers of a delivery to S3 [default: the current one]
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) save: Option<PathBuf>,

    /// Seed of keys and content: the same arguments give the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) seed: u64,

    /// When logging begins; the first digest is of the hour before [default: so that the last one ends within the last hour]
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) start_time: Option<String>,

    /// Hours of delivery
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(in crate::cli) hours: u32,

    /// Bucket
    #[arg(long, value_name = "NAME", default_value = "trail-logs")]
    pub(in crate::cli) bucket: String,

    /// Prefix of the trail
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub(in crate::cli) prefix: String,

    /// Organization id, for an organization's trail
    #[arg(long, value_name = "o-ID")]
    pub(in crate::cli) organization: Option<String>,

    /// Account; repeatable
    #[arg(long, value_name = "ID", default_value = "111122223333")]
    pub(in crate::cli) account_id: Vec<String>,

    /// Region; repeatable, the first is the trail's home
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub(in crate::cli) region: Vec<String>,

    /// Home region of the trail [default: the first region]
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) home_region: Option<String>,

    /// Trail; repeatable: several deliver to one prefix
    #[arg(long, value_name = "NAME", default_value = "audit")]
    pub(in crate::cli) trail: Vec<String>,

    /// Log files an hour, for each chain
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(in crate::cli) logs_per_hour: u32,

    /// Events in a log file
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(in crate::cli) events_per_log: u32,

    /// Every N-th hour is quiet: a digest without log files
    #[arg(long, value_name = "N")]
    pub(in crate::cli) quiet_every: Option<u32>,

    /// Sign with a new key every N hours
    #[arg(long, value_name = "N")]
    pub(in crate::cli) rotate_keys_every: Option<u32>,

    /// Logging stops after hour N, for M hours
    #[arg(long, value_name = "N:M", value_parser = parse_stop)]
    pub(in crate::cli) stop: Option<(u32, u32)>,

    /// In hour N logging stops for M minutes, fewer than 60 and not 50: the stopped chain's last digest may overlap the new chain
    #[arg(long, value_name = "N:M", value_parser = parse_stop)]
    pub(in crate::cli) pause: Option<(u32, u32)>,

    /// Leave hour N out, without breaking the chain
    #[arg(long, value_name = "N")]
    pub(in crate::cli) skip_hour: Option<u32>,

    /// Deliver to another bucket from hour N on
    #[arg(long, value_name = "N:BUCKET", value_parser = parse_move)]
    pub(in crate::cli) move_at: Option<(u32, String)>,

    /// Every N-th hour one log file is left to a backfill digest
    #[arg(long, value_name = "N")]
    pub(in crate::cli) backfill_every: Option<u32>,

    /// Take the log files in this directory as content, in place of made-up ones
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) logs: Option<PathBuf>,

    /// Write no metadata sidecars, as a plain copy has none
    #[arg(long)]
    pub(in crate::cli) no_metadata: bool,

    /// Write bodies inflated under their `.json.gz` names, as some clients save them
    #[arg(long)]
    pub(in crate::cli) inflated: bool,

    /// Give all log files one content (for very large trails)
    #[arg(long)]
    pub(in crate::cli) shared_body: bool,

    /// Tamper with the delivery; repeatable. WHERE: first, last, middle, a number, or a part of the key, or
    /// PART:first and so on
    #[arg(long, value_name = "KIND[@WHERE]")]
    pub(in crate::cli) tamper: Vec<Tamper>,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,
}

fn tamper_help() -> String {
    let kinds = TamperKind::ALL.iter().map(|kind| format!("  {:22} {}", kind.as_str(), kind.description()));
    format!("Kinds of tampering:\n{}", kinds.collect::<Vec<_>>().join("\n"))
}

fn parse_stop(text: &str) -> Result<(u32, u32), String> {
    let parts =
        text.split_once(':').and_then(|(after, hours)| Some((after.parse().ok()?, hours.parse().ok()?)));
    parts.ok_or_else(|| "give N:M, such as 5:3".to_owned())
}

fn parse_move(text: &str) -> Result<(u32, String), String> {
    let parts = text.split_once(':').and_then(|(hour, bucket)| Some((hour.parse().ok()?, bucket.to_owned())));
    parts
        .filter(|(_, bucket)| !bucket.is_empty())
        .ok_or_else(|| "give N:BUCKET, such as 6:new-logs".to_owned())
}
