//! A trail that was moved: the chain is followed to the buckets and prefixes it was delivered to before, though only the
//! newest was named.

use std::sync::Mutex;

use serde_json::{Value, json};
use trailproof::event::{Event, Kind, Severity, Verdict};
use trailproof::ident::{ChainId, DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Folder, Listing, Metadata, Object, Store, StoreError, Version};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::{SourceFolder, ValidationRequest};

use crate::bodies::{gzip, in_time};
use crate::signing::{self, signer};
use crate::support::{Ran, deliver, request, run, time};

/// Counts what is listed and what is read, and refuses to list some buckets.
struct Counting<'s> {
    inner: &'s MemoryStore,
    unlistable: &'s [&'s str],
    lists: Mutex<Vec<String>>,
    gets: Mutex<Vec<Location>>,
}

impl<'s> Counting<'s> {
    fn of(inner: &'s MemoryStore, unlistable: &'s [&'s str]) -> Self {
        Self { inner, unlistable, lists: Mutex::default(), gets: Mutex::default() }
    }

    fn digest_lists(&self) -> Vec<String> {
        let mut lists = self.lists.lock().unwrap().clone();
        lists.retain(|prefix| prefix.contains("/CloudTrail-Digest/"));
        lists
    }
}

impl Store for Counting<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        if self.unlistable.contains(&bucket) {
            return Box::new(std::iter::once(Err(StoreError::Denied("by the test".to_owned()))));
        }
        self.lists.lock().unwrap().push(format!("{bucket}/{prefix}"));
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        self.inner.list_folder(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.gets.lock().unwrap().push(location.clone());
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

/// The end of the digest of an hour, counted from 0.
fn end(hour: usize) -> Timestamp {
    time("2026-09-01T01:06:57Z").plus(i64::try_from(hour).unwrap() * HOUR)
}

fn folder(place: &str) -> RegionFolder {
    let (bucket, root) = place.split_once('/').unwrap_or((place, ""));
    RegionFolder {
        bucket: bucket.into(),
        root: root.into(),
        organization: None,
        account: "111122223333".into(),
        region: "us-east-1".into(),
    }
}

/// A chain that was delivered to one place after another, `BUCKET[/PREFIX/]` for each hour.
struct Moved {
    store: MemoryStore,
    digests: Vec<Location>,
    logs: Vec<Location>,
}

impl Moved {
    fn deliver(trail: &str, store: MemoryStore, places: &[&str]) -> Self {
        let mut made = Self { store, digests: Vec::new(), logs: Vec::new() };
        let mut previous = json!({});
        for (hour, place) in places.iter().enumerate() {
            let key = DigestKey {
                folder: folder(place),
                trail: trail.into(),
                home_region: "us-east-1".into(),
                end: end(hour),
                backfill: false,
            };
            let mut document = signing::document(&key, &previous);
            document["logFiles"] = json!([made.log(&key)]);
            previous = signing::put(&made.store, &document);
            made.digests.push(key.location());
        }
        made
    }

    fn log(&mut self, digest: &DigestKey) -> Value {
        let minute = digest.end.plus(-HOUR / 2);
        let name = LogFolderKey::make(&digest.folder, minute, &format!("{:0>16}", &*digest.trail));
        let location = Location::new(digest.folder.bucket.clone(), name);
        let content = format!("{{\"Records\":[\"{}\"]}}", digest.end);
        self.store.put(&location, &gzip(content.as_bytes()), &Metadata::new()).unwrap();
        let entry = json!({
            "s3Bucket": &*location.bucket,
            "s3Object": &*location.key,
            "hashValue": Sha256Hash::of(content.as_bytes()).to_string(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": minute.to_string(),
            "oldestEventTime": minute.to_string(),
        });
        self.logs.push(location);
        entry
    }

    /// Asks about the newest place alone.
    fn request(&self) -> ValidationRequest {
        let newest = DigestKey::parse(self.digests.last().unwrap()).unwrap();
        let mut asked = request(&[], newest.end);
        let prefix = newest.folder.root.to_string();
        asked.sources = vec![SourceFolder { bucket: newest.folder.bucket.to_string(), prefix }];
        asked
    }

    fn ran(&self) -> Ran {
        ran(&self.store, &self.request())
    }
}

fn ran(store: &dyn Store, asked: &ValidationRequest) -> Ran {
    let one = run(store, &signer().ring, asked, 1);
    assert_eq!(one.json, run(store, &signer().ring, asked, 8).json, "`--jobs` 1 and 8 differ");
    one
}

fn made(places: &[&str]) -> Moved {
    Moved::deliver("audit", MemoryStore::new(), places)
}

/// So many hours in one place after the other.
fn stretches(parts: &[(&'static str, usize)]) -> Vec<&'static str> {
    parts.iter().flat_map(|(place, hours)| vec![*place; *hours]).collect()
}

fn assert_intact(ran: &Ran, digests: u64) {
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (digests, digests));
}

fn covered(ran: &Ran) -> Vec<(ChainId, usize)> {
    let chain = |event: &Event| match event {
        Event::Chain(chain) => Some((chain.id.clone(), chain.covered.len())),
        _ => None,
    };
    ran.events.iter().filter_map(chain).collect()
}

#[test]
fn a_simulated_move_is_followed() {
    let move_at = Some((3, "trail-logs-new".to_owned()));
    let trails = vec!["audit".to_owned(), "zebra".to_owned()];
    let delivered = deliver(&Spec { hours: 9, logs_per_hour: 2, move_at, trails, ..Spec::default() });
    let asked = request(&["trail-logs-new"], delivered.simulated.end);
    let ran: Vec<Ran> =
        [1, 8].map(|jobs| run(&delivered.store, &delivered.keys, &asked, jobs)).into_iter().collect();
    assert_eq!(ran[0].json, ran[1].json);
    assert_eq!(ran[0].verdict, Verdict::Intact, "{:#?}", ran[0].findings);
    assert_eq!((ran[0].counts.digests.valid, ran[0].counts.logs.valid), (20, 36));
    assert_eq!(covered(&ran[0]).into_iter().map(|(_, parts)| parts).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_chain_is_followed_through_every_place_it_was_in() {
    for parts in [
        [("old", 3), ("middle", 3), ("new", 2)],
        [("b/first/", 3), ("b", 2), ("b/new/", 2)],
        [("new", 3), ("old", 4), ("new", 2)],
        [("old", 1), ("middle", 1), ("new", 1)],
    ] {
        let moved = made(&stretches(&parts));
        assert_intact(&moved.ran(), moved.digests.len() as u64);
    }
    let moved = made(&stretches(&[("old", 2), ("middle", 2), ("old", 2), ("middle", 2), ("new", 1)]));
    assert_intact(&moved.ran(), 9);
}

#[test]
fn the_older_place_is_listed_once_and_everything_is_read_once() {
    let moved = made(&stretches(&[("older", 20), ("old", 20), ("new", 3)]));
    for jobs in [1, 8] {
        let store = Counting::of(&moved.store, &[]);
        assert_intact(&run(&store, &signer().ring, &moved.request(), jobs), 43);
        let lists = store.digest_lists();
        let buckets: Vec<_> = lists.iter().map(|prefix| prefix.split('/').next().unwrap()).collect();
        assert_eq!(buckets, ["new", "old", "older"]);
        let mut gets = store.gets.into_inner().unwrap();
        assert_eq!(gets.len(), 86);
        gets.sort();
        gets.dedup();
        assert_eq!(gets.len(), 86);
    }
}

/// The buckets whose digests were listed, in order.
fn listed(moved: &Moved, asked: &ValidationRequest) -> Vec<String> {
    let store = Counting::of(&moved.store, &[]);
    assert_eq!(run(&store, &signer().ring, asked, 1).verdict, Verdict::Intact);
    let lists = store.digest_lists();
    lists.iter().map(|prefix| prefix.split('/').next().unwrap().to_owned()).collect()
}

#[test]
fn a_place_is_listed_once_however_often_the_chain_comes_back_to_it() {
    for (parts, buckets) in [
        // Between digests that are listed it is read by name.
        (&[("new", 3), ("old", 4), ("new", 2)][..], &["new"][..]),
        (&[("old", 2), ("middle", 2), ("old", 2), ("middle", 2), ("new", 1)], &["new", "middle", "old"]),
    ] {
        let moved = made(&stretches(parts));
        assert_eq!(listed(&moved, &moved.request()), buckets);
    }
}

#[test]
fn a_place_that_was_left_before_the_asked_start_is_not_listed() {
    let moved = made(&stretches(&[("old", 4), ("new", 2)]));
    let mut asked = moved.request();
    for (start, buckets) in [(end(3), &["new"][..]), (end(3).plus(-1), &["new", "old"])] {
        asked.range.start = Some(start);
        assert_eq!(listed(&moved, &asked), buckets, "{start}");
    }
}

#[test]
fn a_place_that_cannot_be_listed_is_read_by_name() {
    let moved = made(&stretches(&[("old", 4), ("new", 2)]));
    let store = Counting::of(&moved.store, &["old"]);
    let by_name = ran(&store, &moved.request());
    assert_intact(&by_name, 6);
    assert_eq!(by_name.json, moved.ran().json);
}

#[test]
fn a_digest_deleted_in_the_older_place_is_named() {
    for (hour, traceless) in [(3, true), (3, false), (1, true), (1, false)] {
        let moved = made(&stretches(&[("old", 4), ("new", 2)]));
        if traceless {
            moved.store.purge(&moved.digests[hour]);
        } else {
            moved.store.delete(&moved.digests[hour]).unwrap();
        }
        let ran = moved.ran();
        let kind = if traceless { Kind::DigestMissing } else { Kind::DigestDeleted };
        let named = ran.findings.iter().find(|finding| finding.kind == kind);
        assert_eq!(named.unwrap().uri, Some(moved.digests[hour].to_string()), "{:#?}", ran.findings);
        assert_eq!(ran.kinds(), [Kind::ChainGap, kind], "{:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (5, 1));
    }
}

#[test]
fn two_digests_deleted_in_the_older_place_are_both_named() {
    let moved = made(&stretches(&[("old", 5), ("new", 2)]));
    [4, 3].iter().for_each(|hour| moved.store.purge(&moved.digests[*hour]));
    let ran = moved.ran();
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (5, 2), "{:#?}", ran.findings);
    let missing = ran.findings.iter().filter(|finding| finding.kind == Kind::DigestMissing);
    let uris: Vec<_> = missing.filter_map(|finding| finding.uri.clone()).collect();
    assert_eq!(uris, [3, 4].map(|hour| moved.digests[hour].to_string()));
}

#[test]
fn a_log_file_modified_or_deleted_in_the_older_place_is_found() {
    let moved = made(&stretches(&[("old", 4), ("new", 2)]));
    moved.store.put(&moved.logs[0], &gzip(b"forged"), &Metadata::new()).unwrap();
    moved.store.delete(&moved.logs[2]).unwrap();
    let ran = moved.ran();
    assert_eq!(ran.kinds(), [Kind::LogModified, Kind::LogDeleted], "{:#?}", ran.findings);
    assert_eq!((ran.counts.logs.valid, ran.counts.logs.tampered), (4, 2));
}

#[test]
fn a_range_may_begin_or_lie_in_the_older_place() {
    let moved = made(&stretches(&[("old", 6), ("new", 4)]));
    let mut asked = moved.request();
    asked.range.start = Some(end(2));
    let store = Counting::of(&moved.store, &[]);
    let begins = ran(&store, &asked);
    assert_intact(&begins, 7);
    let gets = store.gets.into_inner().unwrap();
    assert!(gets.contains(&moved.digests[2]), "the neighbour before the start is a witness");
    assert!(!gets.contains(&moved.digests[1]) && !gets.contains(&moved.logs[2]));

    asked.range.end = end(4);
    assert_intact(&ran(&moved.store, &asked), 2);
}

#[test]
fn what_others_left_in_the_older_place_is_not_searched() {
    let other = Moved::deliver("zebra", MemoryStore::new(), &stretches(&[("old", 6)]));
    let moved = Moved::deliver("audit", other.store, &stretches(&[("old", 4), ("new", 2)]));
    let ran = moved.ran();
    assert_intact(&ran, 6);
    assert_eq!(covered(&ran).len(), 1);
}

#[test]
fn two_trails_that_moved_together_are_both_followed() {
    let places = stretches(&[("older", 2), ("old", 3), ("new", 2)]);
    let one = Moved::deliver("audit", MemoryStore::new(), &places);
    let two = Moved::deliver("zebra", one.store, &places);
    assert_intact(&two.ran(), 14);
}

/// A forged digest in the older place, older than what is awaited and newer than what follows.
#[test]
fn a_forged_digest_in_the_older_place_is_told_from_the_chain() {
    let moved = made(&stretches(&[("old", 4), ("new", 2)]));
    let genuine = DigestKey::parse(&moved.digests[2]).unwrap();
    let forged = DigestKey { end: genuine.end.plus(-60), ..genuine }.location();
    moved.store.put(&forged, b"forged", &Metadata::new()).unwrap();
    let ran = moved.ran();
    assert_eq!(ran.kinds(), [Kind::DigestMalformed], "{:#?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, 6);
}

/// Predecessors that lead on for ever, each in another bucket, or in a circle of buckets.
#[test]
fn a_chain_that_goes_in_circles_comes_to_an_end() {
    let name = |bucket: &str, hour: usize| DigestKey {
        folder: folder(bucket),
        trail: "audit".into(),
        home_region: "us-east-1".into(),
        end: end(hour),
        backfill: false,
    };
    for ends in [[3, 3, 3], [3, 4, 5], [5, 4, 3]] {
        let store = MemoryStore::new();
        let keys: Vec<DigestKey> =
            ["new", "old", "older"].iter().zip(ends).map(|(bucket, hour)| name(bucket, hour)).collect();
        for (at, key) in keys.iter().enumerate() {
            let previous = keys[(at + 1) % 3].location();
            let previous = json!({
                "previousDigestS3Bucket": &*previous.bucket,
                "previousDigestS3Object": &*previous.key,
                "previousDigestHashValue": "00".repeat(32),
                "previousDigestHashAlgorithm": "SHA-256",
                "previousDigestSignature": "00",
            });
            signing::put(&store, &signing::document(key, &previous));
        }
        let ran = in_time("a circle", move || ran(&store, &request(&["new"], end(5))));
        assert_ne!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
        assert!(ran.findings.iter().any(|finding| finding.severity > Severity::Notice));
    }
}
