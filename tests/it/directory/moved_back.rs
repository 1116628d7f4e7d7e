//! A trail that moved to another bucket or prefix and back, with all places synced into one folder: each object is judged
//! where the digests say that it was delivered, however short the trail was away.

use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Sha256Hash};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Folder, Listing, Metadata, Object, Store, StoreError, Version};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::{ReadLimits, ValidationRequest, copies};

use crate::bodies::{gzip, read};
use crate::signing::{self, signer};
use crate::support::{Ran, request, run, time};

const HOURS: usize = 30;

/// Places in order, `BUCKET[/PREFIX/]` and hours; the trail stays at the last place.
type Stays<'s> = &'s [(&'s str, usize)];

/// The end of the digest of an hour, counted from 0. The digest of hour 0 starts the chain.
fn end(hour: usize) -> Timestamp {
    time("2026-09-01T00:06:57Z").plus(i64::try_from(hour).unwrap() * HOUR)
}

/// The deliveries of trails, and the location of each digest and its log file, by trail, region and hour.
#[derive(Default)]
struct Delivery {
    store: MemoryStore,
    digests: Vec<Location>,
    logs: Vec<Location>,
}

impl Delivery {
    fn of(stays: Stays<'_>) -> Self {
        let mut made = Self::default();
        made.deliver("audit", "us-east-1", stays);
        made
    }

    fn deliver(&mut self, trail: &str, region: &str, stays: Stays<'_>) {
        let away = stays.iter().flat_map(|(place, hours)| vec![*place; *hours]);
        let places = away.chain(std::iter::repeat(stays[stays.len() - 1].0)).take(HOURS);
        let mut previous = json!({});
        for (hour, place) in places.enumerate() {
            let (bucket, root) = place.split_once('/').unwrap_or((place, ""));
            let folder = RegionFolder {
                bucket: bucket.into(),
                root: root.into(),
                organization: None,
                account: "111122223333".into(),
                region: region.into(),
            };
            let (trail, end) = (trail.into(), end(hour));
            let key = DigestKey { folder, trail, home_region: "us-east-1".into(), end, backfill: false };
            let mut document = signing::document(&key, &previous);
            if hour > 0 {
                document["logFiles"] = json!([self.log(&key)]);
            }
            previous = signing::put(&self.store, &document);
            self.digests.push(key.location());
        }
    }

    /// Delivers the log file of an hour, and returns the entry of its digest.
    fn log(&mut self, digest: &DigestKey) -> Value {
        let minute = digest.end.plus(-HOUR / 2);
        let key = LogFolderKey::make(&digest.folder, minute, &format!("{:0>16}", &*digest.trail));
        let (location, content) = (Location::new(digest.folder.bucket.clone(), key), digest.end.to_string());
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

    /// Copies the objects of `buckets` into the folder `name` below `root`, without the prefixes of the trails. An empty
    /// `name` copies each bucket into a folder of its own, with the prefixes.
    fn copy(&self, root: &Path, name: &str, buckets: &[&str]) {
        let disk = DirectoryStore::of_buckets(root).unwrap();
        let is_copied = |location: &Location| buckets.is_empty() || buckets.contains(&&*location.bucket);
        for location in self.store.locations().into_iter().filter(is_copied) {
            let (body, metadata) = read(&self.store, &location);
            let key = &location.key[location.key.find("AWSLogs/").unwrap()..];
            let place = if name.is_empty() { location.clone() } else { Location::new(name, key) };
            disk.put(&place, &body, &metadata).unwrap();
        }
    }

    fn in_one_folder(&self, name: &str) -> Copy {
        let copy = Copy::new();
        self.copy(copy.0.path(), name, &[]);
        copy
    }

    fn apart(&self) -> Copy {
        let copy = Copy::new();
        self.copy(copy.0.path(), "", &[]);
        copy
    }
}

struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self, roots: &[&str]) -> (DirectoryStore, ValidationRequest) {
        let roots: Vec<_> = roots.iter().map(|root| self.0.path().join(root)).collect();
        let opened = copies::open(&roots, &signer().ring, &ReadLimits::default()).unwrap();
        let mut asked = request(&[], end(HOURS - 1));
        (asked.sources, asked.findings, asked.objects) = (opened.sources, opened.findings, opened.objects);
        (opened.store, asked)
    }

    fn ran(&self, asked: impl Fn(&mut ValidationRequest)) -> Ran {
        self.ran_in(&[""], asked)
    }

    fn ran_in(&self, roots: &[&str], change: impl Fn(&mut ValidationRequest)) -> Ran {
        let (store, mut asked) = self.open(roots);
        change(&mut asked);
        let one = run(&store, &signer().ring, &asked, 1);
        assert_eq!(one.json, run(&store, &signer().ring, &asked, 8).json, "`--jobs` 1 and 8 differ");
        one
    }
}

fn assert_intact(ran: &Ran, digests: usize, about: &str) {
    assert_eq!(ran.verdict, Verdict::Intact, "{about}: {:#?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, digests as u64, "{about}");
}

#[test]
fn however_short_and_often_a_trail_was_away_it_is_whole() {
    for stays in [
        &[("logs", 3), ("new", 1), ("logs", 1)][..],
        &[("logs", 3), ("new", 5), ("logs", 1)],
        &[("logs", 13), ("new", 3), ("logs", 1)],
        &[("logs", 25), ("new", 2), ("logs", 1)],
        &[("logs", 3), ("new", 2), ("logs", 5), ("mid", 2), ("logs", 1)],
        &[("logs", 3), ("new", 2), ("logs", 2), ("new", 2), ("logs", 1)],
        &[("logs", 3), ("new", 2), ("mid", 2), ("logs", 1)],
        &[("logs/p/", 5), ("logs/q/", 3), ("logs/p/", 1)],
        &[("logs", 5), ("logs/q/", 3), ("logs", 1)],
        &[("logs/p/", 5), ("new", 3), ("logs/p/", 1)],
    ] {
        let made = Delivery::of(stays);
        for name in ["copy", "logs", "new"] {
            let ran = made.in_one_folder(name).ran(|_| {});
            assert_intact(&ran, HOURS, &format!("{stays:?} in `{name}`"));
            assert_eq!(ran.counts.logs.valid, HOURS as u64 - 1, "{stays:?} in `{name}`");
        }
    }
}

#[test]
fn each_region_and_each_trail_is_whole() {
    let (away, stays): (Stays<'_>, Stays<'_>) = (&[("logs", 4), ("new", 3), ("logs", 1)], &[("logs", 1)]);
    let gone: Stays<'_> = &[("logs", 4), ("new", 3)];
    let mut regions = Delivery::of(away);
    regions.deliver("audit", "eu-west-1", &[("logs", 9), ("new", 2), ("logs", 1)]);
    regions.deliver("audit", "ap-south-1", stays);
    assert_intact(&regions.in_one_folder("copy").ran(|_| {}), 3 * HOURS, "regions");
    // The digests of one region name both buckets, so the other region is told apart as well.
    let mut known = Delivery::of(away);
    known.deliver("audit", "eu-west-1", gone);
    assert_intact(&known.in_one_folder("copy").ran(|_| {}), 2 * HOURS, "a region that is known");
    for other in [stays, gone, &[("new", 1)]] {
        let mut trails = Delivery::of(away);
        trails.deliver("zebra", "us-east-1", other);
        for name in ["copy", "logs"] {
            let ran = trails.in_one_folder(name).ran(|_| {});
            assert_intact(&ran, 2 * HOURS, &format!("{other:?} in `{name}`"));
        }
    }
}

#[test]
fn a_range_may_begin_end_or_lie_where_the_trail_was_away() {
    let copy = Delivery::of(&[("logs", 4), ("new", 8), ("logs", 1)]).in_one_folder("copy");
    for (first, last) in [(5, 7), (2, 6), (6, 20), (4, 5), (11, 13)] {
        let ran = copy.ran(|asked| {
            asked.range.start = Some(end(first));
            asked.range.end = end(last);
        });
        assert_intact(&ran, last - first, &format!("{first} to {last}"));
    }
}

/// What is done to a delivery at an hour.
type Change = fn(&Delivery, usize);

fn add_log(made: &Delivery, hour: usize) {
    let key = DigestKey::parse(&made.digests[hour]).unwrap();
    let name = LogFolderKey::make(&key.folder, key.end.plus(-HOUR / 3), "FORGEDforged1234");
    made.store.put(&Location::new(key.folder.bucket, name), &gzip(b"{}"), &Metadata::new()).unwrap();
}

fn change_digest(made: &Delivery, hour: usize) {
    let (_, metadata) = read(&made.store, &made.digests[hour]);
    let mut forged: Value =
        serde_json::from_slice(&crate::bodies::content(&made.store, &made.digests[hour])).unwrap();
    forged["logFiles"] = json!([]);
    made.store.put(&made.digests[hour], &gzip(forged.to_string().as_bytes()), &metadata).unwrap();
}

/// One folder says the same of a change as folders apart.
#[test]
fn a_change_where_the_trail_was_away_is_found() {
    let changes: [(Change, &[Kind]); 5] = [
        (|made, hour| made.store.purge(&made.digests[hour]), &[Kind::ChainGap, Kind::DigestMissing]),
        (|made, hour| made.store.purge(&made.logs[hour - 1]), &[Kind::LogMissing]),
        (
            |made, hour| {
                made.store.put(&made.logs[hour - 1], &gzip(b"forged"), &Metadata::new()).unwrap();
            },
            &[Kind::LogModified],
        ),
        (add_log, &[Kind::LogUnreferenced]),
        (change_digest, &[Kind::ChainGap, Kind::DigestModified]),
    ];
    for (number, (change, kinds)) in changes.into_iter().enumerate() {
        let made = Delivery::of(&[("logs", 4), ("new", 7), ("logs", 1)]);
        change(&made, 7);
        for name in ["copy", "logs"] {
            let ran = made.in_one_folder(name).ran(|_| {});
            assert_eq!(ran.kinds(), kinds, "{number} in `{name}`: {:#?}", ran.findings);
        }
        assert_eq!(made.apart().ran(|_| {}).kinds(), kinds, "{number}");
    }
}

/// The sync of the second bucket ended before the trail moved back.
#[test]
fn what_a_bucket_had_not_yet_when_it_was_copied_is_not_missing() {
    let made = Delivery::of(&[("logs", 4), ("new", 7), ("logs", 1)]);
    made.digests[8..11].iter().chain(&made.logs[7..10]).for_each(|object| made.store.purge(object));
    let ran = made.in_one_folder("copy").ran(|_| {});
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert!(ran.kinds().contains(&Kind::DigestUnreadable), "{:#?}", ran.findings);
}

/// The successor records a digest in its own bucket: a genuine digest of another bucket does not belong there.
#[test]
fn a_digest_in_the_place_of_another_stays_moved() {
    let (made, other) = (Delivery::of(&[("logs", 1)]), Delivery::of(&[("other", 1)]));
    let (body, metadata) = read(&other.store, &other.digests[12]);
    made.store.put(&made.digests[12], &body, &metadata).unwrap();
    for name in ["copy", "logs"] {
        let ran = made.in_one_folder(name).ran(|_| {});
        assert_eq!(ran.verdict, Verdict::Tampered, "{name}: {:#?}", ran.findings);
        assert!(ran.kinds().contains(&Kind::DigestMoved), "{name}: {:#?}", ran.findings);
    }
}

/// The bucket that the trail was in for some hours has a folder of its own, too.
#[test]
fn a_second_copy_of_the_other_bucket_is_no_contradiction() {
    let made = Delivery::of(&[("logs", 4), ("new", 7), ("logs", 1)]);
    let copy = made.in_one_folder("all");
    made.copy(copy.0.path(), "new", &["new"]);
    for roots in [&["all", "new"][..], &["new", "all"], &[""]] {
        assert_intact(&copy.ran_in(roots, |_| {}), HOURS, &format!("{roots:?}"));
    }
    // The folder called like the bucket stands for it: what it lacks is missing.
    let lacking = Delivery::of(&[("logs", 4), ("new", 7), ("logs", 1)]);
    lacking.store.purge(&lacking.digests[7]);
    let copy = made.in_one_folder("all");
    lacking.copy(copy.0.path(), "new", &["new"]);
    let ran = copy.ran_in(&["all", "new"], |_| {});
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
}

/// A second folder has a few files of both buckets, and only digests of one.
#[test]
fn a_part_has_the_files_of_both_buckets() {
    for (digests, logs) in [(&[6][..], &[20][..]), (&[6, 7], &[3, 19, 25]), (&[20], &[5]), (&[], &[4, 20])] {
        let made = Delivery::of(&[("logs", 11), ("new", 19)]);
        let copy = made.in_one_folder("m");
        let digests = digests.iter().map(|at: &usize| &made.digests[*at]);
        for object in digests.chain(logs.iter().map(|at: &usize| &made.logs[*at])) {
            for name in [object.key.to_string(), format!("{}.metadata.json", object.key)] {
                let [from, to] = ["m", "part2"].map(|folder| copy.0.path().join(folder).join(&name));
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                if from.exists() {
                    std::fs::rename(from, to).unwrap();
                }
            }
        }
        for roots in [&["m", "part2"][..], &["part2", "m"], &[""]] {
            assert_intact(&copy.ran_in(roots, |_| {}), HOURS, &format!("{roots:?} {logs:?}"));
        }
    }
}

#[test]
fn a_single_file_is_answered_where_the_trail_was_away() {
    let made = Delivery::of(&[("logs", 4), ("new", 7), ("logs", 1)]);
    let copy = made.in_one_folder("copy");
    for object in [&made.digests[7], &made.logs[6]] {
        let ran = copy.ran_in(&[&format!("copy/{}", object.key)], |_| {});
        assert_eq!(ran.verdict, Verdict::Intact, "{object}: {:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (1, 1), "{object}");
    }
}

/// Counts what a run reads.
struct Reads<'s> {
    inner: &'s DirectoryStore,
    gets: Mutex<u64>,
}

impl Store for Reads<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        self.inner.list_folder(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        *self.gets.lock().unwrap() += 1;
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }

    fn is_copy(&self) -> bool {
        true
    }

    fn shown_at(&self, location: &Location) -> Option<Location> {
        self.inner.shown_at(location)
    }
}

/// Only a digest that names another place than its own is read a second time.
#[test]
fn an_ordinary_copy_is_read_once() {
    for (stays, again) in [(&[("logs", 1)][..], 0), (&[("logs", 4), ("new", 7), ("logs", 1)], 7)] {
        let copy = Delivery::of(stays).in_one_folder("copy");
        let (inner, asked) = copy.open(&[""]);
        let store = Reads { inner: &inner, gets: Mutex::default() };
        assert_intact(&run(&store, &signer().ring, &asked, 1), HOURS, &format!("{stays:?}"));
        assert_eq!(store.gets.into_inner().unwrap(), 2 * HOURS as u64 - 1 + again, "{stays:?}");
    }
}
