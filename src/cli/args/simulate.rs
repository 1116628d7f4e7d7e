//! The arguments of `simulate`.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use super::AwsArgs;

/// Make a synthetic trail with real signatures, and tamper with it, to test the alarm
///
/// Writes buckets into DIR as CloudTrail delivers them, with metadata sidecars. `DIR/public-keys.json` has the public keys,
/// `DIR/tampered.json` lists the tampering. With `s3://BUCKET[/PREFIX]` the objects go into that bucket, and both files
/// into the folder of `--save`.
#[derive(Args, Debug)]
pub(in crate::cli) struct SimulateArgs {
    /// Directory to write to, or s3://BUCKET[/PREFIX]. It must be empty
    #[arg(value_name = "DIR")]
    pub(in crate::cli) target: PathBuf,

    /// Folder for public-keys.json and tampered.json of a delivery to S3 [default: the current folder]
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) save: Option<PathBuf>,

    /// Seed of keys and content. The same arguments give the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) seed: u64,

    /// When logging begins. The first digest covers the hour before [default: the last digest ends within the last hour,
    /// or five hours earlier if a tamper deletes the newest digests]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) start_time: Option<String>,

    /// Hours of delivery
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(in crate::cli) hours: u32,

    /// Name of the bucket, in a directory. In S3 the address names it [default: trail-logs]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) bucket: Option<String>,

    /// Prefix of the trail, in a directory. In S3 the address has it
    #[arg(long, value_name = "PREFIX")]
    pub(in crate::cli) prefix: Option<String>,

    /// Organization id, for an organization's trail
    #[arg(long, value_name = "o-ID")]
    pub(in crate::cli) organization: Option<String>,

    /// Account id; repeatable
    #[arg(long, value_name = "ID", default_value = "111122223333")]
    pub(in crate::cli) account_id: Vec<String>,

    /// Region of log files; repeatable. The first region is the trail's home region
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub(in crate::cli) region: Vec<String>,

    /// Home region of the trail [default: the first region]
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) home_region: Option<String>,

    /// Name of the trail; repeatable. Several trails deliver to one prefix
    #[arg(long, value_name = "NAME", default_value = "audit")]
    pub(in crate::cli) trail: Vec<String>,

    /// Log files per hour and chain
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(in crate::cli) logs_per_hour: u32,

    /// Events per log file
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(in crate::cli) events_per_log: u32,

    /// Make every N-th hour quiet: a digest without log files
    #[arg(long, value_name = "N")]
    pub(in crate::cli) quiet_every: Option<u32>,

    /// Sign with a new key every N hours
    #[arg(long, value_name = "N")]
    pub(in crate::cli) rotate_keys_every: Option<u32>,

    /// Stop logging after hour N, for M hours
    #[arg(long, value_name = "N:M", value_parser = parse_stop)]
    pub(in crate::cli) stop: Option<(u32, u32)>,

    /// Stop logging in hour N for M minutes (fewer than 60, not 50). The last digest of the stopped chain may overlap the new
    /// chain
    #[arg(long, value_name = "N:M", value_parser = parse_stop)]
    pub(in crate::cli) pause: Option<(u32, u32)>,

    /// Leave out hour N without breaking the chain
    #[arg(long, value_name = "N")]
    pub(in crate::cli) skip_hour: Option<u32>,

    /// Deliver to another bucket from hour N on
    #[arg(long, value_name = "N:BUCKET", value_parser = parse_move)]
    pub(in crate::cli) move_at: Option<(u32, String)>,

    /// Leave one log file of every N-th hour to a backfill digest
    #[arg(long, value_name = "N")]
    pub(in crate::cli) backfill_every: Option<u32>,

    /// Use the log files in this directory as content
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) logs: Option<PathBuf>,

    /// Write no metadata sidecars, as in a plain copy
    #[arg(long)]
    pub(in crate::cli) no_metadata: bool,

    /// Write inflated bodies under `.json.gz` names, as some clients do
    #[arg(long)]
    pub(in crate::cli) inflated: bool,

    /// Give all log files the same content (for very large trails)
    #[arg(long)]
    pub(in crate::cli) shared_body: bool,

    /// Tamper with the delivery; repeatable. WHERE is first, last, middle, a number, a part of the key, or both as in
    /// PART:first. The digest that starts a chain lists no log file and does not count: `digest-deleted@first` deletes the
    /// digest after it, the first that lists log files
    #[arg(long, value_name = "KIND[@WHERE]")]
    pub(in crate::cli) tamper: Vec<String>,

    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(in crate::cli) aws: AwsArgs,
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
