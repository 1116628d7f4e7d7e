//! Limits on what a run reads and lists. A message about a reached limit names the option that raises it.

use clap::Args;

use super::{number, parse_size};
use crate::validate::ReadLimits;

/// Limits.
#[derive(Args, Clone, Copy, Default, Debug)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct LimitArgs {
    /// Largest inflated digest file
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = parse_size)]
    max_digest_size: u64,

    /// Largest inflated log file
    #[arg(long, value_name = "SIZE", default_value = "16G", value_parser = parse_size)]
    max_log_size: u64,

    /// Largest file of public keys
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    pub(in crate::cli) max_keys_size: u64,

    /// How many unlisted log files, and how many odd names among digest files, are listed one by one for each region; the rest
    /// is counted
    #[arg(long, value_name = "N", default_value = "100000", value_parser = |text: &str| number::<u32>(text, 1..=u64::from(u32::MAX)))]
    max_named: u32,
}

impl LimitArgs {
    /// The same limits as the engine takes them.
    pub(in crate::cli) fn of_run(self) -> ReadLimits {
        let named = usize::try_from(self.max_named).unwrap_or(usize::MAX);
        ReadLimits { digest: self.max_digest_size, log: self.max_log_size, named }
    }
}
