//! What every store has to keep to, on each of them.

use std::collections::BTreeSet;

use trailproof::ident::Location;
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit, Metadata, Store, StoreError};

use crate::bodies::read;

const BUCKET: &str = "bucket";

/// Runs one check on every store.
fn on_each(check: impl Fn(&dyn Deposit)) {
    check(&MemoryStore::new());
    let dir = tempfile::tempdir().unwrap();
    check(&DirectoryStore::of_buckets(dir.path()).unwrap());
    on_s3(check);
}

/// S3 in pages of two, so that every listing of more has several.
#[cfg(feature = "aws")]
fn on_s3(check: impl Fn(&dyn Deposit)) {
    use crate::cloud::{Bucket, Cloud, Faults};

    let cloud = Cloud::start();
    cloud.create_bucket(BUCKET, Bucket::default());
    cloud.set_faults(Faults { page_size: 2, ..Faults::default() });
    check(&crate::remote::store(&cloud));
}

#[cfg(not(feature = "aws"))]
fn on_s3(_: impl Fn(&dyn Deposit)) {}

fn at(key: &str) -> Location {
    Location::new(BUCKET, key)
}

fn fill(store: &dyn Deposit, keys: &[&str]) {
    for key in keys {
        store.put(&at(key), key.as_bytes(), &Metadata::new()).unwrap();
    }
}

fn listed(store: &dyn Store, prefix: &str, after: Option<&str>) -> Vec<String> {
    store.list(BUCKET, prefix, after).map(|listed| listed.unwrap().key).collect()
}

/// In the order of a listing: bytes of UTF-8, a slash among them, and no regard to what is a folder.
const ORDERED: [&str; 11] =
    ["B", "a", "a-b/c", "a.txt", "a/.x", "a/b", "a/b/c", "a/b0", "a0", "é/1", "\u{10000}"];

/// [`ORDERED`] without names that a directory cannot hold, being file and folder at once.
fn ordered() -> Vec<&'static str> {
    ORDERED.into_iter().filter(|key| !["a", "a/b"].contains(key)).collect()
}

#[test]
fn keys_are_listed_in_the_order_of_their_bytes() {
    on_each(|store| {
        let mut shuffled = ordered();
        shuffled.reverse();
        fill(store, &shuffled);
        assert_eq!(listed(store, "", None), ordered());
    });
    let store = MemoryStore::new();
    fill(&store, &ORDERED);
    assert_eq!(listed(&store, "", None), ORDERED);
}

#[test]
fn a_listing_goes_on_after_any_key() {
    on_each(|store| {
        fill(store, &ordered());
        let between = ["", "0", "a", "a/", "a/a", "a/b", "a/b/", "a/b/c/d", "a/b1", "b", "é/", "\u{10ffff}"];
        for after in ordered().into_iter().chain(between) {
            let later: Vec<&str> = ordered().into_iter().filter(|key| *key > after).collect();
            assert_eq!(listed(store, "", Some(after)), later, "after `{after}`");
            let below: Vec<&str> = later.into_iter().filter(|key| key.starts_with("a/b/")).collect();
            assert_eq!(listed(store, "a/b/", Some(after)), below, "after `{after}` below `a/b/`");
        }
    });
}

#[test]
fn a_prefix_is_whole_segments() {
    on_each(|store| {
        fill(store, &ordered());
        assert_eq!(listed(store, "a/", None), ["a/.x", "a/b/c", "a/b0"]);
        assert_eq!(listed(store, "a/b/", None), ["a/b/c"]);
        assert_eq!(listed(store, "é/", None), ["é/1"]);
        assert_eq!(store.list_dirs(BUCKET, "").unwrap(), ["a", "a-b", "é"]);
        assert_eq!(store.list_dirs(BUCKET, "a/").unwrap(), ["b"]);
    });
}

#[test]
fn nothing_there_is_an_empty_listing() {
    on_each(|store| {
        fill(store, &["a/b"]);
        for prefix in ["b/", "a/b/", "a/c/", "a/b/c/d/"] {
            assert_eq!(listed(store, prefix, None), [""; 0], "{prefix}");
            assert_eq!(store.list_dirs(BUCKET, prefix), Ok(Vec::new()), "{prefix}");
        }
        assert_eq!(store.list("other", "", None).count(), 0);
        assert_eq!(store.list_dirs("other", ""), Ok(Vec::new()));
    });
}

#[test]
fn what_is_put_is_what_is_got() {
    on_each(|store| {
        let digest = at("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/x.json.gz");
        let metadata = Metadata::from([
            ("signature".to_owned(), "00ff".to_owned()),
            ("note".to_owned(), "a \"b\"; c=d".to_owned()),
        ]);
        let large = vec![7; (1 << 20) + 1];
        for body in [&b""[..], b"\x00\xff", &large] {
            store.put(&digest, body, &metadata).unwrap();
            assert!(read(store, &digest) == (body.to_vec(), metadata.clone()), "{} bytes", body.len());
        }
        assert_eq!(listed(store, "", None), [&*digest.key], "metadata is no object");
        let size = store.list(BUCKET, "", None).next().unwrap().unwrap().size;
        assert_eq!(size, large.len() as u64);
        store.put(&digest, b"new", &Metadata::new()).unwrap();
        assert_eq!(read(store, &digest), (b"new".to_vec(), Metadata::new()));
    });
}

/// In S3 metadata are headers, which hold less.
#[test]
fn on_disk_metadata_may_hold_any_character() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::of_buckets(dir.path()).unwrap();
    let metadata = Metadata::from([("note".to_owned(), "\u{1b}[2J\"é\nx".to_owned())]);
    let digest = at("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/x.json.gz");
    store.put(&digest, b"x", &metadata).unwrap();
    assert_eq!(read(&store, &digest), (b"x".to_vec(), metadata));
}

/// Whether nothing is there: for sure, or in this copy.
fn is_absent(error: Option<StoreError>) -> bool {
    matches!(error, Some(StoreError::NotFound | StoreError::OutOfReach(_)))
}

#[test]
fn only_what_is_not_there_is_not_found() {
    on_each(|store| {
        fill(store, &["a/b", "c"]);
        // A copy may lack any of these, unless their names and those beside them say when they were delivered.
        for key in ["a/x", "x", "a/b/c", "x/y/z"] {
            assert!(is_absent(store.get(&at(key)).err()), "{key}");
        }
        let other = store.get(&Location::new("other", "c")).err();
        assert!(is_absent(other), "a bucket that was not copied");
        store.delete(&at("a/b")).unwrap();
        assert!(is_absent(store.get(&at("a/b")).err()));
        assert_eq!(listed(store, "", None), ["c"]);
        assert_eq!(store.list_dirs(BUCKET, "").unwrap(), [""; 0], "no empty folder is left");
    });
}

#[test]
fn what_cannot_be_read_is_there_all_the_same() {
    on_each(|store| {
        fill(store, &["a/b", "a/c"]);
        store.make_unreadable(&at("a/b")).unwrap();
        let error = store.get(&at("a/b")).err();
        assert!(
            matches!(
                error,
                Some(StoreError::Denied(_) | StoreError::Archived(_) | StoreError::Unreadable(_))
            ),
            "a failure to look: {error:?}"
        );
        assert_eq!(listed(store, "", None), ["a/b", "a/c"]);
        assert_eq!(read(store, &at("a/c")).0, b"a/c");
    });
}

#[test]
fn versions_tell_of_a_deletion_where_they_are_kept() {
    on_each(|store| {
        fill(store, &["a"]);
        assert_eq!(store.versions(&at("never")).unwrap(), []);
        store.delete(&at("a")).unwrap();
        let versions = store.versions(&at("a")).unwrap();
        let ids: BTreeSet<&str> = versions.iter().map(|version| version.id.as_str()).collect();
        assert_eq!(ids.len(), versions.len());
        if let Some((newest, older)) = versions.split_first() {
            assert!(newest.delete_marker && older.iter().all(|version| !version.delete_marker));
            assert!(older.iter().all(|version| version.modified < newest.modified));
        }
    });
    let store = MemoryStore::new();
    fill(&store, &["a"]);
    store.delete(&at("a")).unwrap();
    assert_eq!(store.versions(&at("a")).unwrap().len(), 2, "a memory store keeps versions");
    store.purge(&at("a"));
    assert_eq!(store.versions(&at("a")).unwrap(), []);
}
