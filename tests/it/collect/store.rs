//! What is saved of a store, and what is not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use trailproof::collect::{CollectingStore, Collection, FolderError};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::{Location, Sha256Hash};
use trailproof::keys::KeyRing;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, Store as _, StoreError};
use trailproof::validate::{CancelFlag, ValidationRequest, copies};

use super::{Made, collect, options};
use crate::fixtures::tree;
use crate::support::{self, Delivered, Ran};

const BUCKET: &str = "trail-logs";
const LOGS: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01";

pub(super) fn delivered() -> Delivered {
    support::deliver(&Spec { hours: 4, logs_per_hour: 2, ..Spec::default() })
}

pub(super) fn request(of: &Delivered) -> ValidationRequest {
    support::request(&[BUCKET], of.simulated.end)
}

/// Validates the copy in `directory`, as `validate` does.
pub(super) fn validate_copy(directory: &Path, request: &ValidationRequest) -> Ran {
    let keys = KeyRing::from_file(directory.join("public-keys.json")).unwrap();
    let opened = copies::open(&[directory.to_owned()], &keys, &request.limits).unwrap();
    let request = ValidationRequest {
        sources: opened.sources,
        typed: opened.typed,
        findings: opened.findings,
        ..request.clone()
    };
    support::run(&opened.store, &keys, &request, 4)
}

fn manifest(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("collected.json")).unwrap()).unwrap()
}

/// What was not collected: the key and the reason of each.
pub(super) fn left_out(directory: &Path) -> BTreeMap<String, String> {
    let list = manifest(directory)["not_collected"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = |uri: &str| uri.strip_prefix(&format!("s3://{BUCKET}/")).unwrap().to_owned();
    list.iter().map(|entry| (key(&text(&entry["uri"])), text(&entry["reason"]))).collect()
}

/// The content of every file of a copy, beside `collected.json`, which has times.
pub(super) fn content(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = tree::files(directory).unwrap();
    let named = files.iter().filter(|path| **path != *Path::new("collected.json"));
    named.map(|path| (path.display().to_string(), fs::read(directory.join(path)).unwrap())).collect()
}

pub(super) fn collect_into(directory: &Path, of: Delivered) -> Made {
    let request = request(&of);
    collect(Box::new(of.store), &of.keys, &request, directory, 4)
}

#[test]
fn the_list_has_each_object_with_its_hash() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let locations = of.store.locations();
    let collected = collect_into(made.path(), of);
    assert_eq!(collected.counts.saved, locations.len() as u64);
    let manifest = manifest(made.path());
    assert_eq!(manifest["format"], "trailproof/collected/1");
    assert_eq!(manifest["runs"][0]["end"], collected.ran.json.parse::<Value>().unwrap()["range"]["end"]);
    let objects = manifest["objects"].as_array().unwrap();
    let mut uris: Vec<&str> = objects.iter().map(|object| object["uri"].as_str().unwrap()).collect();
    uris.sort_unstable();
    let expected: Vec<String> = locations.iter().map(ToString::to_string).collect();
    assert_eq!(uris, expected);
    for object in objects {
        let body = fs::read(made.path().join(object["path"].as_str().unwrap())).unwrap();
        assert_eq!(object["size"], body.len());
        assert_eq!(object["sha256"], Sha256Hash::of(&body).to_string());
    }
    let keys = fs::read(made.path().join("public-keys.json")).unwrap();
    assert_eq!(manifest["public_keys"][0]["sha256"], Sha256Hash::of(&keys).to_string());
    assert!(!made.path().join(".collecting").exists());
}

#[test]
fn objects_that_no_digest_lists_are_in_the_copy() {
    for (key, is_reported) in [
        (format!("{LOGS}/111122223333_CloudTrail_us-east-1_20260901T0205Z_forgedforged1234.json.gz"), true),
        (format!("{LOGS}/notes.txt"), true),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/stray".to_owned(), true),
        ("AWSLogs/111122223333/Config/us-east-1/other".to_owned(), false),
    ] {
        let made = tempfile::tempdir().unwrap();
        let of = delivered();
        let place = Location::new(BUCKET, key.as_str());
        of.store.put(&place, b"forged", &Metadata::new()).unwrap();
        let request = request(&of);
        let collected = collect_into(made.path(), of);
        let copy = validate_copy(made.path(), &request);
        assert_eq!(collected.ran.kinds().contains(&Kind::LogUnreferenced), is_reported, "{key}");
        assert_eq!(copy.kinds(), collected.ran.kinds(), "{key}");
        assert_eq!(made.path().join(BUCKET).join(&key).exists(), is_reported, "{key}");
    }
}

/// Keys that a directory cannot hold, or would read as something else. A copy with one of them is never intact where the
/// bucket is not.
#[test]
fn keys_that_are_no_paths_are_marked() {
    let of = delivered();
    let log = of.store.locations().into_iter().find(|place| place.key.contains("T0210Z")).unwrap();
    let name = log.name().to_owned();
    let long = "x".repeat(300);
    for hostile in [
        format!("{LOGS}/../escaped"),
        format!("{LOGS}/../../../../../../../escaped"),
        format!("{LOGS}//double"),
        format!("{LOGS}/./dot"),
        format!("{LOGS}/{long}"),
        format!("{LOGS}/folder/"),
        format!("{LOGS}/{name}/below"),
        format!("{LOGS}/{}", name.trim_end_matches(".gz")),
        format!("{LOGS}/{name}.6eF3a1B2"),
        format!("{LOGS}/{}", name.replace(".json.gz", " (1).json.gz")),
        format!("{LOGS}/._hidden"),
        format!("{LOGS}/x.not-collected"),
        format!("{LOGS}/%2F..%2Fx\n"),
    ] {
        let made = tempfile::tempdir().unwrap();
        let directory = made.path().join("copy");
        let of = delivered();
        let body = match hostile.contains(" (1)") {
            true => {
                let mut body = Vec::new();
                of.store.get(&log).unwrap().body.read_to_end(&mut body).unwrap();
                body
            }
            false => b"hostile".to_vec(),
        };
        of.store.put(&Location::new(BUCKET, hostile.as_str()), &body, &Metadata::new()).unwrap();
        let request = request(&of);
        let collected = collect_into(&directory, of);
        assert_eq!(collected.ran.verdict, Verdict::Incomplete, "{hostile}");
        let copy = validate_copy(&directory, &request);
        assert_eq!(copy.verdict, Verdict::Incomplete, "{hostile}: {:?}", copy.findings);
        assert_eq!(copy.counts.logs.valid, collected.ran.counts.logs.valid, "{hostile}");
        // Nothing lies beside the copy.
        assert_eq!(fs::read_dir(made.path()).unwrap().count(), 1, "{hostile}");
        let is_plain = hostile.ends_with('\n');
        assert_eq!(collected.counts.not_collected, u64::from(!is_plain), "{hostile}");
        assert_eq!(left_out(&directory).contains_key(&hostile), !is_plain, "{hostile}");
    }
}

/// An object in the place of a digest's metadata file must not become the metadata.
#[test]
fn a_key_like_a_metadata_file_changes_no_metadata() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let newest = of.store.locations().into_iter().rfind(|place| place.key.contains("-Digest/")).unwrap();
    let forged = Location::new(BUCKET, format!("{}.metadata.json", newest.key));
    of.store.put(&forged, b"{\"Metadata\": {\"signature\": \"00\"}}", &Metadata::new()).unwrap();
    let request = request(&of);
    let collected = collect_into(made.path(), of);
    assert_eq!(collected.ran.verdict, Verdict::Intact, "{:?}", collected.ran.findings);
    assert_eq!(collected.counts.not_collected, 1);
    assert_eq!(validate_copy(made.path(), &request).verdict, Verdict::Intact);
}

#[test]
fn unreadable_objects_are_unreadable_in_the_copy() {
    for part in ["/CloudTrail/", "-Digest/"] {
        // The newest, too, which nothing else names.
        for is_last in [true, false] {
            let made = tempfile::tempdir().unwrap();
            let of = delivered();
            let mut found: Vec<_> =
                of.store.locations().into_iter().filter(|place| place.key.contains(part)).collect();
            let place = if is_last { found.pop().unwrap() } else { found.swap_remove(2) };
            of.store.refuse(&place, StoreError::Denied("the policy forbids it".to_owned()));
            let request = request(&of);
            let collected = collect_into(made.path(), of);
            assert_eq!(collected.counts.not_collected, 1);
            let copy = validate_copy(made.path(), &request);
            assert_eq!(copy.kinds(), collected.ran.kinds(), "{place}");
            assert_eq!(copy.verdict, Verdict::Incomplete);
            let why = copy.findings.iter().any(|finding| finding.message().contains("the policy forbids it"));
            assert!(why, "{:?}", copy.findings);
        }
    }
}

/// A day whose objects are gone: the collection says so, and the copy alone cannot prove it.
#[test]
fn a_day_without_objects_is_not_in_the_copy() {
    let spec = Spec { hours: 30, logs_per_hour: 1, shared_body: true, ..Spec::default() };
    for (part, expected) in [
        ("/CloudTrail/us-east-1/2026/09/01/", Kind::LogUnreadable),
        ("-Digest/us-east-1/2026/09/01/", Kind::DigestUnreadable),
    ] {
        let made = tempfile::tempdir().unwrap();
        let of = support::deliver(&spec);
        let mut gone = of.store.locations();
        gone.retain(|place| place.key.contains(part));
        assert!(gone.len() > 10, "{gone:?}");
        gone.iter().for_each(|place| of.store.purge(place));
        let request = request(&of);
        let collected = collect_into(made.path(), of);
        assert_eq!(collected.ran.verdict, Verdict::Tampered);
        let copy = validate_copy(made.path(), &request);
        assert_eq!(copy.verdict, Verdict::Incomplete, "{part}: {:#?}", copy.findings);
        assert!(copy.kinds().contains(&expected), "{part}: {:?}", copy.kinds());
    }
}

/// The engine stops at the first byte that is not gzip, or after the gzip member. The copy has all bytes.
#[test]
fn bodies_that_the_engine_stops_reading_are_whole() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let logs: Vec<_> =
        of.store.locations().into_iter().filter(|place| place.key.contains("/CloudTrail/")).collect();
    let mut trailing = Vec::new();
    of.store.get(&logs[1]).unwrap().body.read_to_end(&mut trailing).unwrap();
    trailing.extend(vec![7; 3 << 20]);
    let plain = b"not gzip".repeat(500_000);
    for (place, body) in [(&logs[0], &plain), (&logs[1], &trailing)] {
        of.store.put(place, body, &Metadata::new()).unwrap();
    }
    let request = request(&of);
    let collected = collect_into(made.path(), of);
    assert_eq!(collected.ran.kinds(), [Kind::LogModified; 2]);
    assert_eq!(validate_copy(made.path(), &request).kinds(), [Kind::LogModified; 2]);
    for (place, body) in [(&logs[0], &plain), (&logs[1], &trailing)] {
        assert!(fs::read(made.path().join(BUCKET).join(&*place.key)).unwrap() == *body, "{place}");
    }
}

#[test]
fn an_object_over_the_limit_is_marked() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let place = Location::new(BUCKET, format!("{LOGS}/large"));
    of.store.put(&place, &vec![7; 100_000], &Metadata::new()).unwrap();
    let request = request(&of);
    let mut options = options(made.path(), &request);
    options.max_object = 50_000;
    let collection = Arc::new(Collection::open(options, || ()).unwrap());
    let store = CollectingStore::new(Box::new(of.store), Arc::clone(&collection));
    support::run(&store, &of.keys, &request, 2);
    assert!(store.collect_rest(&CancelFlag::new()));
    let saved = collection.save_keys(&of.keys).unwrap();
    collection.finish(&saved, request.now).unwrap();
    assert!(left_out(made.path())[&*place.key].contains("--max-object-size"));
    assert_eq!(validate_copy(made.path(), &request).kinds(), [Kind::LogUnreferenced]);
}

#[test]
fn directories_of_others_are_refused() {
    let made = tempfile::tempdir().unwrap();
    let of = delivered();
    let open = |path: &Path| Collection::open(options(path, &request(&of)), || ()).err();
    fs::write(made.path().join("notes.txt"), "mine").unwrap();
    assert!(matches!(open(made.path()), Some(FolderError::Foreign(_))));
    assert!(matches!(open(&made.path().join("notes.txt")), Some(FolderError::NotDirectory(_))));
    let free = made.path().join("new/copy");
    let held = Collection::open(options(&free, &request(&of)), || ()).unwrap();
    assert!(matches!(open(&free), Some(FolderError::Busy(_))));
    drop(held);
    assert!(open(&free).is_none());
}

#[cfg(unix)]
#[test]
fn links_in_the_directory_are_not_followed() {
    let made = tempfile::tempdir().unwrap();
    let (copy, outside) = (made.path().join("copy"), made.path().join("outside"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(copy.join(".collecting")).unwrap();
    std::os::unix::fs::symlink(&outside, copy.join(BUCKET)).unwrap();
    std::os::unix::fs::symlink(outside.join("keys"), copy.join("public-keys.json")).unwrap();
    std::os::unix::fs::symlink(outside.join("journal"), copy.join(".collecting/journal.jsonl")).unwrap();
    let collected = collect_into(&copy, delivered());
    assert_eq!(collected.counts.saved, 0);
    assert!(collected.counts.not_collected > 0);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

/// The directory goes away during the run: the collection fails, and says so.
#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_ends_the_collection() {
    let made = tempfile::tempdir().unwrap();
    let copy = made.path().join("copy");
    let of = delivered();
    let request = request(&of);
    let stop = Arc::new(CancelFlag::new());
    let listener = Arc::clone(&stop);
    let on_failure = move || {
        listener.set();
    };
    let collection = Arc::new(Collection::open(options(&copy, &request), on_failure).unwrap());
    fs::remove_dir_all(&copy).unwrap();
    let store = CollectingStore::new(Box::new(of.store), Arc::clone(&collection));
    let ran = support::run_until(&store, &of.keys, &request, 2, &stop);
    assert!(stop.is_set() && collection.failure().is_some());
    assert_ne!(ran.verdict, Verdict::Intact);
    assert!(!store.collect_rest(&CancelFlag::new()));
    assert!(!copy.join("collected.json").exists());
}
