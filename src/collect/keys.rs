//! Saves the public keys of a run.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::Collection;
use super::folder::{CopyFolder, KEYS, PEM_KEYS, PlaceError};
use crate::ident::Sha256Hash;
use crate::keys::{KeyRing, TrustedKey, saved};

/// A file with public keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SavedKeys {
    /// Path in the directory.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Sha256Hash,
}

impl Collection {
    /// Saves all keys of the run: from CloudTrail, or from files of the user. Keys without validity, from PEM, go into
    /// a file of their own, because `list-public-keys` has no form for them. Without keys no file is written.
    ///
    /// # Errors
    /// The error of writing.
    pub fn save_keys(&self, keys: &KeyRing) -> io::Result<Vec<SavedKeys>> {
        let (dated, undated): (Vec<Arc<TrustedKey>>, Vec<Arc<TrustedKey>>) =
            keys.all().into_iter().partition(|key| key.validity.is_some());
        let dated: Vec<TrustedKey> = dated.iter().map(|key| (**key).clone()).collect();
        let mut files = Vec::new();
        if !dated.is_empty() {
            files.push(save(&self.folder, KEYS, &saved::to_json(&dated))?);
        }
        if !undated.is_empty() {
            files.push(save(&self.folder, PEM_KEYS, &pem(&undated))?);
        }
        Ok(files)
    }
}

fn save(folder: &CopyFolder, name: &str, content: &str) -> io::Result<SavedKeys> {
    let written = folder.write(&folder.root().join(name), content.as_bytes());
    written.map_err(|error| match error {
        PlaceError::Io(error) => error,
        PlaceError::Unfit(reason) => io::Error::other(reason),
    })?;
    Ok(SavedKeys { path: name.into(), sha256: Sha256Hash::of(content.as_bytes()) })
}

/// Keys as PEM (RFC 7468), in the encoding of each key.
fn pem(keys: &[Arc<TrustedKey>]) -> String {
    let mut text = String::new();
    for key in keys {
        let _ = writeln!(text, "-----BEGIN PUBLIC KEY-----");
        let base64 = key.key.to_base64();
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            let _ = writeln!(text, "{line}");
            rest = after;
        }
        let _ = writeln!(text, "-----END PUBLIC KEY-----");
    }
    text
}
