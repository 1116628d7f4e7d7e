//! The profiles in the shared configuration and credentials files.

use aws_config::profile::{self, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

/// The profile that AWS's tools use where none is named. It need not exist.
const DEFAULT: &str = "default";

/// How many `source_profile` references are followed.
const MAX_REFERENCES: usize = 16;

/// A profile that is named and does not exist.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct MissingProfile {
    /// The missing profile.
    pub name: String,
    /// The profile that names `name` as its `source_profile`; `None` where the user named it.
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

/// Checks that the profile `named` (else that of AWS_PROFILE) exists, and each `source_profile` that it refers to.
/// Files that cannot be read or parsed pass: the search for credentials reports them.
pub(super) async fn check(named: Option<&str>) -> Result<(), MissingProfile> {
    let named = named.map(|name| name.to_owned().into());
    let loaded = profile::load(&Fs::real(), &Env::real(), &Default::default(), named).await;
    loaded.map_or(Ok(()), |profiles| check_in(&profiles))
}

fn check_in(profiles: &ProfileSet) -> Result<(), MissingProfile> {
    let mut name = profiles.selected_profile();
    let mut referrer: Option<&str> = None;
    for _ in 0..MAX_REFERENCES {
        let Some(profile) = profiles.get_profile(name) else {
            if name == DEFAULT && referrer.is_none() {
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
        // A profile that is its own source holds keys of its own.
        match profile.get("source_profile").filter(|source| *source != name) {
            Some(source) => (referrer, name) = (Some(name), source),
            None => return Ok(()),
        }
    }
    Ok(())
}
