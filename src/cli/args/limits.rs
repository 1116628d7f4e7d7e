//! How much is read before giving up, and how much is named one by one. Whatever reaches a limit is said, with the option that
//! raises it.

use clap::Args;

use super::parse_size;
use crate::validate::Limits;

/// Limits.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct LimitArgs {
    /// Most bytes a digest file may inflate to
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = parse_size)]
    max_digest_size: u64,

    /// Most bytes a log file may inflate to
    #[arg(long, value_name = "SIZE", default_value = "16G", value_parser = parse_size)]
    max_log_size: u64,

    /// Most bytes a file of public keys may have
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    pub(in crate::cli) max_keys_size: u64,

    /// Most unlisted log files, and most junk names among digests, that are named one by one in a region; more are counted
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    max_named: u32,
}

impl LimitArgs {
    /// What the engine is held to.
    pub(in crate::cli) fn of_run(self) -> Limits {
        let named = usize::try_from(self.max_named).unwrap_or(usize::MAX);
        Limits { digest: self.max_digest_size, log: self.max_log_size, named }
    }
}
