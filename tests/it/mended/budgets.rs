//! What forged digests make a run ask CloudTrail for: it takes no key from the genuine ones.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trailproof::event::{Fault, Kind};
use trailproof::ident::DigestKey;
use trailproof::keys::{KeyRing, KeySource, KeySourceError, SourceKeys, TrustedKey};
use trailproof::signature::PublicKey;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{DAY, HOUR, Interval, Timestamp};
use trailproof::validate::ValidationRequest;

use super::{digests, document, hour};
use crate::bodies::{gzip, read};
use crate::signing::{self, signer};
use crate::support::{Delivered, Ran, deliver, keys, request, run, time};

/// CloudTrail, which has `keys` and notes what it is asked.
#[derive(Clone)]
struct Published {
    keys: Vec<TrustedKey>,
    asked: Arc<Mutex<Vec<Interval>>>,
}

impl Published {
    fn new(keys: Vec<TrustedKey>) -> Self {
        Self { keys, asked: Arc::default() }
    }

    /// The keys of a delivery.
    fn of(delivered: &Delivered) -> Self {
        let saved: Value = serde_json::from_str(&delivered.simulated.keys_json).unwrap();
        let time = |value: &Value| {
            let moment: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
            Timestamp::from_unix(moment.as_second())
        };
        let key = |key: &Value| {
            let (start, end) = (time(&key["ValidityStartTime"]), time(&key["ValidityEndTime"]));
            published(key, Interval { start, end })
        };
        Self::new(saved["PublicKeyList"].as_array().unwrap().iter().map(key).collect())
    }

    fn asked(&self) -> Vec<Interval> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort_unstable();
        asked
    }

    /// A run that has asked nothing yet.
    fn run(&self, store: &MemoryStore, request: &ValidationRequest, jobs: usize) -> Ran {
        self.asked.lock().unwrap().clear();
        run(store, &KeyRing::new().asking(Box::new(self.clone())), request, jobs)
    }
}

fn published(entry: &Value, validity: Interval) -> TrustedKey {
    let key = PublicKey::from_base64(entry["Value"].as_str().unwrap()).unwrap();
    TrustedKey { key, validity: Some(validity), source: "cloudtrail".to_owned(), region: None }
}

impl KeySource for Published {
    fn keys(&self, _: &str, span: Interval) -> Result<SourceKeys, KeySourceError> {
        self.asked.lock().unwrap().push(span);
        let is_valid = |key: &&TrustedKey| {
            key.validity.is_some_and(|valid| valid.start <= span.end && span.start <= valid.end)
        };
        Ok(SourceKeys { keys: self.keys.iter().filter(is_valid).cloned().collect(), rejected: Vec::new() })
    }
}

/// Puts a digest whose signature is none in the place of `key`, as if it had been made at `made`.
fn forge(store: &MemoryStore, genuine: &DigestKey, key: &DigestKey, made: Timestamp) {
    let mut document = document(store, genuine);
    document["digestStartTime"] = key.end.plus(-HOUR).to_string().into();
    document["digestEndTime"] = key.end.to_string().into();
    document["digestS3Object"] = key.location().key.to_string().into();
    document["digestPublicKeyFingerprint"] = "0".repeat(32).into();
    let metadata = Metadata::from([
        ("signature".to_owned(), "00".repeat(256)),
        ("backfill-generation-timestamp".to_owned(), made.to_string()),
    ]);
    store.put(&key.location(), &gzip(document.to_string().as_bytes()), &metadata).unwrap();
}

/// Puts a genuine digest of the tests' own key in the place of `key`, made at `made`.
fn put(store: &MemoryStore, key: &DigestKey, made: Timestamp) {
    signing::put(store, &signing::document(key, &json!({})));
    let (body, mut metadata) = read(store, &key.location());
    metadata.insert("backfill-generation-timestamp".to_owned(), made.to_string());
    store.put(&key.location(), &body, &metadata).unwrap();
}

/// A day of a trail with backfill digests, one of which was made three weeks later, when another key signed.
fn backfilled() -> (Delivered, Published, DigestKey) {
    let spec = Spec { hours: 24, logs_per_hour: 1, backfill_every: Some(6), ..Spec::default() };
    let delivered = deliver(&Spec { rotate_keys_every: Some(8), ..spec });
    let genuine = digests(&delivered.store, "audit").remove(1).0;
    let late = DigestKey { end: hour(11), backfill: true, ..genuine.clone() };
    let made = hour(11).plus(21 * DAY);
    put(&delivered.store, &late, made);
    let mut published = Published::of(&delivered);
    published.keys.push(self::published(&signer().entry, Interval { start: made, end: made.plus(DAY) }));
    (delivered, published, genuine)
}

/// A year after the record.
fn asked() -> ValidationRequest {
    ValidationRequest { now: hour(24).plus(365 * DAY), ..request(&["trail-logs"], hour(24)) }
}

#[test]
fn forged_digests_use_up_no_questions_about_genuine_ones() {
    for shape in 0..4 {
        let (delivered, published, genuine) = backfilled();
        let before = published.run(&delivered.store, &asked(), 2);
        assert_eq!(before.counts.digests.valid, 1 + 24 + 4 + 1, "{:#?}", before.findings);
        assert!(published.asked().len() <= 3, "{:?}", published.asked());
        for number in 0..300_i64 {
            let trail = if shape % 2 == 0 { "audit" } else { "another" };
            let end = hour(23).plus(number);
            let backfill = shape < 2 || number % 2 == 0;
            let key = DigestKey { end, backfill, trail: trail.into(), ..genuine.clone() };
            // Before CloudTrail was, all the time since, and in the future.
            forge(&delivered.store, &genuine, &key, time("2000-01-01T00:00:00Z").plus(number * 60 * DAY));
        }
        let ran = published.run(&delivered.store, &asked(), 1);
        assert_eq!(ran.counts.digests.valid, before.counts.digests.valid, "{shape}: {:#?}", ran.kinds());
        assert_eq!(ran.counts.logs.valid, before.counts.logs.valid, "{shape}");
        let spans = published.asked();
        assert!(spans.len() <= 40, "{shape}: {} questions", spans.len());
        assert!(spans.iter().all(|span| span.start >= time("2013-11-01T00:00:00Z")), "{spans:?}");
        assert_eq!(ran.json, published.run(&delivered.store, &asked(), 8).json, "{shape}");
    }
}

#[test]
fn a_date_in_a_name_does_not_widen_the_question_about_others() {
    let delivered = deliver(&Spec { hours: 6, logs_per_hour: 1, ..Spec::default() });
    let published = Published::of(&delivered);
    let genuine = digests(&delivered.store, "audit").remove(1).0;
    let announced = Interval { start: hour(0), end: hour(6).plus(4 * HOUR) };
    for (date, own) in [
        ("0000-01-01T00:00:00Z", false),
        ("0001-06-01T00:00:00Z", false),
        ("1970-01-01T00:00:00Z", false),
        ("2013-10-31T23:59:59Z", false),
        ("2015-01-01T00:00:00Z", true),
        ("2026-06-01T00:00:00Z", true),
    ] {
        for trail in ["audit", "another"] {
            let end = time(date);
            let key = DigestKey { end, trail: trail.into(), ..genuine.clone() };
            forge(&delivered.store, &genuine, &key, end);
            let ran = published.run(&delivered.store, &request(&["trail-logs"], hour(6)), 2);
            assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (7, 6), "{:#?}", ran.findings);
            let apart = own.then(|| Interval { start: end, end: end.plus(4 * HOUR) });
            let expected: Vec<Interval> = apart.into_iter().chain([announced]).collect();
            assert_eq!(published.asked(), expected, "{date}");
            delivered.store.purge(&key.location());
        }
    }
}

/// An hour's digest is signed within hours of its end, whatever stands in its metadata, which no signature covers.
#[test]
fn a_generation_time_counts_for_backfill_digests_alone() {
    let made = hour(4).plus(21 * DAY);
    for backfill in [false, true] {
        let delivered = deliver(&Spec { hours: 6, logs_per_hour: 0, ..Spec::default() });
        let genuine = digests(&delivered.store, "audit").remove(3).0;
        let key = DigestKey { backfill, ..genuine.clone() };
        put(&delivered.store, &key, made);
        let mut published = Published::of(&delivered);
        published.keys.push(self::published(&signer().entry, Interval { start: made, end: made.plus(DAY) }));
        let ran = published.run(&delivered.store, &asked(), 2);
        let uri = key.location().to_string();
        let said = ran.findings.iter().any(|finding| finding.uri.as_ref() == Some(&uri));
        assert_eq!(said, !backfill, "{:#?}", ran.findings);
        assert_eq!(ran.counts.digests.valid, if backfill { 8 } else { 6 });
    }
    // Nor does such a time take a genuine digest's key from it.
    let delivered = deliver(&Spec { hours: 6, logs_per_hour: 0, ..Spec::default() });
    for (key, _) in digests(&delivered.store, "audit") {
        let (body, mut metadata) = read(&delivered.store, &key.location());
        metadata.insert("backfill-generation-timestamp".to_owned(), made.to_string());
        delivered.store.put(&key.location(), &body, &metadata).unwrap();
    }
    let ran = run(&delivered.store, &keys(delivered.simulated.keys_json.as_bytes()), &asked(), 2);
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.unverified), (7, 0), "{:#?}", ran.findings);
}

/// A source that answers nothing costs a few questions a region, and is never a reason to accuse.
#[test]
fn keys_that_cannot_be_had_are_asked_for_a_few_times() {
    #[derive(Clone, Default)]
    struct Down(Arc<Mutex<usize>>);
    impl KeySource for Down {
        fn keys(&self, region: &str, _: Interval) -> Result<SourceKeys, KeySourceError> {
            *self.0.lock().unwrap() += 1;
            Err(KeySourceError { region: region.to_owned(), why: "it is down".to_owned() })
        }
    }
    let (delivered, _, genuine) = backfilled();
    for number in 0..100_i64 {
        let key = DigestKey { end: hour(23).plus(number), backfill: true, ..genuine.clone() };
        forge(&delivered.store, &genuine, &key, hour(0).plus(-number * 40 * DAY));
    }
    let down = Down::default();
    let ran = run(&delivered.store, &KeyRing::new().asking(Box::new(down.clone())), &asked(), 4);
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (0, 0), "{:?}", ran.kinds());
    let unknown = ran.findings.iter().filter(|finding| finding.kind == Kind::KeyUnknown);
    let digests = unknown.map(|finding| match &finding.fault {
        Fault::KeysUnfetched { digests, why, .. } if why.contains("it is down") => *digests,
        fault => panic!("{fault:?}"),
    });
    assert!(digests.sum::<u64>() >= 29);
    assert!(*down.0.lock().unwrap() <= 4, "{}", down.0.lock().unwrap());
}
