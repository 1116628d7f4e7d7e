//! How often a request is tried: `AWS_RETRY_MODE` and `AWS_MAX_ATTEMPTS`, or `retry_mode` and `max_attempts` of the
//! profile.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Retry behavior". The SDK for Rust reads the settings too, and panics on a
//! value that it does not know. So the settings are read here, and the SDK is given the result.

use aws_config::retry::{RetryConfig, RetryMode};
use aws_types::os_shim_internal::Env;

use super::profiles;

/// A setting about retries with an invalid value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{setting}: invalid value `{}`: expected {expected}", value.escape_debug())]
pub struct RetrySettingError {
    /// The setting: a variable, or a setting of a profile.
    pub setting: String,
    /// The value.
    pub value: String,
    /// The valid values.
    pub expected: &'static str,
}

/// A setting: its variable, and its name in a profile.
struct RetrySetting {
    variable: &'static str,
    key: &'static str,
    expected: &'static str,
}

const MODE: RetrySetting = RetrySetting {
    variable: "AWS_RETRY_MODE",
    key: "retry_mode",
    expected: "`standard`, `adaptive` or `legacy`",
};

const ATTEMPTS: RetrySetting =
    RetrySetting { variable: "AWS_MAX_ATTEMPTS", key: "max_attempts", expected: "a whole number, 1 or more" };

impl RetrySetting {
    /// The configured value, with the name of the setting. As in AWS's own tools, an empty variable counts as unset.
    async fn configured(&self, named: Option<&str>) -> Option<(String, String)> {
        match Env::real().get(self.variable).ok().filter(|value| !value.trim().is_empty()) {
            Some(value) => Some((format!("`{}`", self.variable), value)),
            None => {
                let (profile, value) = profiles::setting(named, self.key).await?;
                Some((format!("`{}` of the profile `{profile}`", self.key), value))
            }
        }
    }

    /// The parsed value; `None` if the setting is not configured.
    async fn read<T>(
        &self,
        named: Option<&str>,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, RetrySettingError> {
        let Some((setting, value)) = self.configured(named).await else { return Ok(None) };
        match parse(value.trim()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(RetrySettingError { setting, value, expected: self.expected }),
        }
    }
}

/// The retries that the environment or the profile `named` (else the profile in AWS_PROFILE) configures.
///
/// # Errors
/// [`RetrySettingError`].
pub(super) async fn config(named: Option<&str>) -> Result<RetryConfig, RetrySettingError> {
    let mode = MODE.read(named, mode).await?.unwrap_or(RetryMode::Standard);
    let config = RetryConfig::standard().with_retry_mode(mode);
    let attempts = ATTEMPTS.read(named, attempts).await?;
    Ok(attempts.map_or(config.clone(), |attempts| config.with_max_attempts(attempts)))
}

/// Parses a retry mode. The SDK for Rust has no `legacy`, the older default of the AWS CLI; `standard` takes its place.
fn mode(text: &str) -> Option<RetryMode> {
    match text.to_ascii_lowercase().as_str() {
        "standard" | "legacy" => Some(RetryMode::Standard),
        "adaptive" => Some(RetryMode::Adaptive),
        _ => None,
    }
}

fn attempts(text: &str) -> Option<u32> {
    text.parse().ok().filter(|attempts| *attempts > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_values_are_parsed() {
        assert_eq!(mode("standard"), Some(RetryMode::Standard));
        assert_eq!(mode("Legacy"), Some(RetryMode::Standard));
        assert_eq!(mode("adaptive"), Some(RetryMode::Adaptive));
        assert_eq!(mode("fast"), None);
        for (text, parsed) in [("1", Some(1)), ("12", Some(12)), ("0", None), ("abc", None), ("-1", None)] {
            assert_eq!(attempts(text), parsed, "{text}");
        }
    }
}
