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

const SIGNATURE: &str = "signature";

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// A sidecar gives the metadata that it has as JSON. Other text gives a signature, or an error and nothing else.
pub fn check(bytes: &[u8]) {
    let metadata = FOLDER.with(|folder| read(folder.get_or_init(made), bytes));
    let is_error = metadata.len() == 1 && metadata.contains_key(METADATA_ERROR);
    match plainly(bytes) {
        _ if bytes.len() > LARGEST => assert!(is_error, "{metadata:?}"),
        // It may be UTF-16.
        _ if bytes.contains(&0) => {}
        Some(expected) => assert_eq!(metadata, expected),
        None => assert!(is_error || metadata.contains_key(SIGNATURE), "{metadata:?}"),
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

/// By another way: as a JSON value that is then looked at. The value is the output of `head-object`, or its metadata alone.
fn plainly(bytes: &[u8]) -> Option<Metadata> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: BTreeMap<String, Value> = serde_json::from_slice(text).ok()?;
    let (pairs, is_whole) = match value.get("Metadata") {
        Some(Value::Object(pairs)) => (pairs.clone().into_iter().collect(), true),
        _ => (value, false),
    };
    let plain = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("x-amz-meta-").map(str::to_owned).unwrap_or(name)
    };
    let mut metadata = Metadata::new();
    for (name, value) in pairs {
        match value {
            Value::String(text) => drop(metadata.insert(plain(&name), text.trim().to_owned())),
            _ if plain(&name) == SIGNATURE => return None,
            Value::Number(number) => drop(metadata.insert(plain(&name), number.to_string())),
            _ => {}
        }
    }
    (is_whole || metadata.contains_key(SIGNATURE)).then_some(metadata)
}
