//! Sidecars: metadata in files beside copies.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use trailproof::ident::Location;
use trailproof::store::directory::DirectoryStore;
use trailproof::store::{METADATA_ERROR, Metadata, Store as _};

/// Largest sidecar that is read, in bytes.
const LARGEST: usize = 64 << 10;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// A sidecar gives the metadata that it has as JSON, or an error and nothing else.
pub fn check(bytes: &[u8]) {
    let metadata = FOLDER.with(|folder| read(folder.get_or_init(made), bytes));
    match plainly(bytes) {
        Some(expected) => assert_eq!(metadata, expected),
        None => assert!(metadata.len() == 1 && metadata.contains_key(METADATA_ERROR), "{metadata:?}"),
    }
}

fn made() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bucket")).unwrap();
    fs::write(folder.path().join("bucket/a_CloudTrail-Digest_b.json.gz"), "x").unwrap();
    folder
}

fn read(folder: &TempDir, bytes: &[u8]) -> Metadata {
    fs::write(folder.path().join("bucket/a_CloudTrail-Digest_b.json.gz.metadata.json"), bytes).unwrap();
    let store = DirectoryStore::of_buckets(folder.path()).unwrap();
    store.get(&Location::new("bucket", "a_CloudTrail-Digest_b.json.gz")).unwrap().metadata
}

/// By another way: as a JSON value that is then looked at.
fn plainly(bytes: &[u8]) -> Option<Metadata> {
    if bytes.len() > LARGEST {
        return None;
    }
    // Read as a map, which refuses what is twice there only where it is looked at.
    let value: BTreeMap<String, Value> = serde_json::from_slice(bytes).ok()?;
    let pairs = value.get("Metadata")?.as_object()?;
    let pairs: Option<Vec<(String, String)>> =
        pairs.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let plain = |name: String| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("x-amz-meta-").map(str::to_owned).unwrap_or(name)
    };
    let mut pairs = pairs?;
    pairs.sort();
    Some(pairs.into_iter().map(|(name, value)| (plain(name), value)).collect())
}
