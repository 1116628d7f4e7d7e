//! Saves the public keys of a run.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
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
    /// Saves all keys of the run, from CloudTrail or from files of the user, beside the keys of earlier runs into the same
    /// directory: each key is valid for about a month, and a copy is continued for longer. Keys without validity, from PEM,
    /// go into a file of their own, because `list-public-keys` has no form for them. Without keys no file is written.
    ///
    /// # Errors
    /// The error of writing.
    pub fn save_keys(&self, keys: &KeyRing) -> io::Result<Vec<SavedKeys>> {
        let mut all = keys.all();
        for earlier in self.earlier_keys() {
            let is_same = |key: &Arc<TrustedKey>| {
                (key.key.fingerprint(), key.validity) == (earlier.key.fingerprint(), earlier.validity)
            };
            if !all.iter().any(is_same) {
                all.push(earlier);
            }
        }
        all.sort_by_key(|key| {
            (key.key.fingerprint().to_owned(), key.validity.map(|validity| (validity.start, validity.end)))
        });
        let (dated, undated): (Vec<Arc<TrustedKey>>, Vec<Arc<TrustedKey>>) =
            all.into_iter().partition(|key| key.validity.is_some());
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

    /// The keys that earlier runs saved. A file that is not usable is written anew.
    fn earlier_keys(&self) -> Vec<Arc<TrustedKey>> {
        let mut ring = KeyRing::new();
        for name in [KEYS, PEM_KEYS] {
            let path = self.folder.root().join(name);
            let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            let mut bytes = Vec::new();
            let read = File::open(&path).ok().filter(|_| is_file);
            let read = read.and_then(|file| file.take(MAX_KEYS + 1).read_to_end(&mut bytes).ok());
            if read.is_some() && bytes.len() as u64 <= MAX_KEYS {
                let _ = saved::load(&mut ring, name, &bytes);
            }
        }
        ring.all()
    }
}

/// The most bytes of a file of keys that an earlier run saved.
const MAX_KEYS: u64 = 16 << 20;

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
