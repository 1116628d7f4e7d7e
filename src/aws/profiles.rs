//! The profiles in the shared configuration and credentials files.

use std::error::Error as _;

use aws_config::profile::{self, ProfileFileLoadError, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use crate::text::shortened;

/// The default profile of AWS's tools. The profile need not exist, unless the user names it.
const DEFAULT: &str = "default";

/// Most `source_profile` references followed.
const MAX_REFERENCES: usize = 16;

/// A named profile that does not exist.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct MissingProfile {
    /// The missing profile.
    pub name: String,
    /// The profile with `name` as `source_profile`; `None` if the user gave the name.
    pub referrer: Option<String>,
    /// The profiles that exist, sorted.
    pub known: Vec<String>,
}

impl std::fmt::Display for MissingProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.referrer {
            None => write!(f, "AWS profile `{}` does not exist", self.name),
            Some(referrer) => {
                write!(f, "AWS profile `{}`, the `source_profile` of `{referrer}`, does not exist", self.name)
            }
        }
    }
}

/// A shared configuration or credentials file that is not usable: the file, the line if known, and the reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the AWS configuration cannot be used: {0}")]
pub struct BrokenProfiles(pub String);

/// The first file that cannot be read or parsed.
pub(super) async fn broken(named: Option<&str>) -> Option<BrokenProfiles> {
    let named = named.map(|name| name.to_owned().into());
    let error = profile::load(&Fs::real(), &Env::real(), &Default::default(), named).await.err()?;
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    Some(BrokenProfiles(shortened(match error {
        ProfileFileLoadError::ParseError { .. } => on_one_line(&cause),
        error => format!("{error}: {cause}"),
    })))
}

/// The SDK's message about a line of a file, `error parsing FILE on line N:` and the reason below, on one line.
fn on_one_line(message: &str) -> String {
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = words.strip_prefix("error parsing ").and_then(|rest| {
        let (place, why) = rest.split_once(": ")?;
        let (file, line) = place.rsplit_once(" on line ")?;
        Some((file, line, why))
    });
    match parts {
        Some((file, line, why)) => format!("`{file}`, line {line}: {why}"),
        None => words.clone(),
    }
}

/// Checks that the profile `named` (else the profile in AWS_PROFILE) exists, and every profile reached through
/// `source_profile`. Unreadable or invalid files pass: the search for credentials reports such files.
pub(super) async fn check(named: Option<&str>) -> Result<(), MissingProfile> {
    let is_named = named.is_some();
    let named = named.map(|name| name.to_owned().into());
    let loaded = profile::load(&Fs::real(), &Env::real(), &Default::default(), named).await;
    loaded.map_or(Ok(()), |profiles| check_in(&profiles, is_named))
}

/// The value of `key` in the profile `named` (else the profile in AWS_PROFILE), with the profile's name. Unreadable files
/// have no settings: the search for credentials reports such files.
pub(super) async fn setting(named: Option<&str>, key: &str) -> Option<(String, String)> {
    let named = named.map(|name| name.to_owned().into());
    let profiles = profile::load(&Fs::real(), &Env::real(), &Default::default(), named).await.ok()?;
    let name = profiles.selected_profile();
    let value = profiles.get_profile(name)?.get(key).filter(|value| !value.is_empty())?;
    Some((name.to_owned(), value.to_owned()))
}

/// The way to sign in again, with the profile to sign in to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignIn {
    /// `aws login`.
    Login(String),
    /// `aws sso login`.
    Sso(String),
}

impl std::fmt::Display for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (command, name) = match self {
            Self::Login(name) => ("aws login", name),
            Self::Sso(name) => ("aws sso login", name),
        };
        match &**name {
            DEFAULT => f.write_str(command),
            name => write!(f, "{command} --profile {name}"),
        }
    }
}

/// How to sign in to the profile `named` (else the profile in AWS_PROFILE), or to the profile whose credentials it uses;
/// `None` for a profile without a session.
pub(super) async fn sign_in(named: Option<&str>) -> Option<SignIn> {
    let named = named.map(|name| name.to_owned().into());
    let profiles = profile::load(&Fs::real(), &Env::real(), &Default::default(), named).await.ok()?;
    sign_in_of(&profiles)
}

fn sign_in_of(profiles: &ProfileSet) -> Option<SignIn> {
    let mut name = profiles.selected_profile();
    for _ in 0..MAX_REFERENCES {
        let profile = profiles.get_profile(name)?;
        if profile.get("login_session").is_some() {
            return Some(SignIn::Login(name.to_owned()));
        }
        if profile.get("sso_session").or_else(|| profile.get("sso_start_url")).is_some() {
            return Some(SignIn::Sso(name.to_owned()));
        }
        name = profile.get("source_profile").filter(|source| *source != name)?;
    }
    None
}

fn check_in(profiles: &ProfileSet, is_named: bool) -> Result<(), MissingProfile> {
    let mut name = profiles.selected_profile();
    let mut referrer: Option<&str> = None;
    for _ in 0..MAX_REFERENCES {
        let Some(profile) = profiles.get_profile(name) else {
            if name == DEFAULT && referrer.is_none() && !is_named {
                return Ok(());
            }
            let mut known: Vec<String> = profiles.profiles().map(str::to_owned).collect();
            known.sort();
            return Err(MissingProfile {
                name: name.to_owned(),
                referrer: referrer.map(str::to_owned),
                known,
            });
        };
        // A profile with itself as source holds keys.
        match profile.get("source_profile").filter(|source| *source != name) {
            Some(source) => (referrer, name) = (Some(name), source),
            None => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_named_with_its_file() {
        assert_eq!(
            on_one_line("error parsing ~/.aws/config on line 3:\n  profile definition must end with ']'"),
            "`~/.aws/config`, line 3: profile definition must end with ']'"
        );
        assert_eq!(on_one_line("other\n words"), "other words");
    }
}
