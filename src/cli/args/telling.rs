//! Whom `validate` tells about a finished run: `--hook` and `--ping`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::LonelyOption;

/// Longest time for each hook without `--hook-timeout`.
const HOOK_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest `--hook-timeout`, in seconds: a day.
const MAX_TIMEOUT: u64 = 24 * 60 * 60;

/// Notifications.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Notifications")]
pub(in crate::cli) struct TellingArgs {
    /// Run this shell command after the reports are written; repeatable. The command also runs where the run could not begin,
    /// unless the command line could not be parsed. The environment has the result: TRAILPROOF_VERDICT and others
    #[arg(long, value_name = "CMD", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) hook: Vec<String>,

    /// When to run the hooks [default: finding; with `--state`: change]
    #[arg(long, value_name = "WHEN", value_enum)]
    pub(in crate::cli) hook_on: Option<HookOn>,

    /// Longest time for each hook, such as 10s or 2m. A hook that takes longer is killed with all its processes
    /// [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    hook_timeout: Option<Duration>,

    /// Send a POST to URL/start when the run starts, and to URL/EXITCODE with the verdict line when it ends, as
    /// healthchecks.io takes them
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) ping: Option<String>,
}

impl TellingArgs {
    /// Longest time for each hook.
    pub(in crate::cli) fn hook_timeout(&self) -> Duration {
        self.hook_timeout.unwrap_or(HOOK_TIMEOUT)
    }

    /// An option without the option that it works with.
    pub(super) fn lonely(&self) -> Option<LonelyOption> {
        let given = [("--hook-on", self.hook_on.is_some()), ("--hook-timeout", self.hook_timeout.is_some())];
        let (option, _) = given.into_iter().find(|(_, is_given)| *is_given && self.hook.is_empty())?;
        Some(LonelyOption { option, needs: "--hook CMD" })
    }
}

/// When hooks run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(in crate::cli) enum HookOn {
    /// A finding is new or resolved, or the run failed; without `--state`, the same as `finding`
    Change,
    /// Any verdict but `intact`, and any run that could not begin
    Finding,
    /// Always
    Always,
}

/// Parses a time with its unit: `s`, `m` or `h`.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    let expected = || "give seconds or minutes, such as 10s or 2m, up to 24h".to_owned();
    let units = [('s', 1), ('m', 60), ('h', 60 * 60)];
    let unit = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, unit) = unit.ok_or_else(expected)?;
    // `parse` accepts a plus sign.
    let number = Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = number.and_then(|number| number.parse::<u64>().ok()?.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (1..=MAX_TIMEOUT).contains(seconds)).ok_or_else(expected)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_a_unit() {
        for (text, seconds) in [("10s", 10), ("2m", 120), ("24h", 86_400), ("86400s", 86_400), ("01s", 1)] {
            assert_eq!(parse_timeout(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for junk in
            ["", "s", "60", "0s", "-1s", "+1s", "1.5m", "25h", "1 m", "10S", "99999999999999999999h", "é"]
        {
            assert!(parse_timeout(junk).is_err(), "{junk}");
        }
    }
}
