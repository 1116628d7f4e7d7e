//! Digests with a fitting signature that say the strangest things: a signature proves who wrote, not sense.

use proptest::prelude::*;
use serde_json::{Value, json};
use trailproof::event::Verdict;
use trailproof::ident::{DigestKey, Location};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{HOUR, Timestamp};

use super::{DIGEST_KEY, text};
use crate::bodies::{config, in_time};
use crate::signing::{self, put, signer};
use crate::support::{Ran, request, run, time};

/// A digest that ends at `end`, with what `more` says instead.
fn document(end: Timestamp, more: &Value) -> Value {
    signing::document(&signing::key(DIGEST_KEY, end, false), more)
}

fn end() -> Timestamp {
    time("2026-09-01T03:06:57Z")
}

/// Runs over one digest in memory and on disk.
fn ran(more: &Value) -> [Ran; 2] {
    let asked = request(&["b"], end());
    let memory = MemoryStore::new();
    put(&memory, &document(end(), more));
    let dir = tempfile::tempdir().unwrap();
    let disk = DirectoryStore::of_buckets(dir.path()).unwrap();
    put(&disk, &document(end(), more));
    [run(&memory, &signer().ring, &asked, 2), run(&disk, &signer().ring, &asked, 2)]
}

fn location() -> impl Strategy<Value = (String, String)> {
    let bucket = prop_oneof![Just("b".to_owned()), Just("..".to_owned()), any::<String>()];
    let key = prop_oneof![
        text(DIGEST_KEY),
        Just("../../../../etc/passwd".to_owned()),
        Just("/etc/passwd".to_owned()),
        Just(String::new()),
        Just("\0".to_owned()),
        Just("x".repeat(300)),
        Just("x/".repeat(3_000)),
    ];
    (bucket, key)
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_listed_log_may_have_any_name((bucket, key) in location(), hash in text("00"), algorithm in text("SHA-256")) {
        let log = json!({"s3Bucket": bucket, "s3Object": key, "hashValue": hash, "hashAlgorithm": algorithm});
        for ran in ran(&json!({"logFiles": [log]})) {
            prop_assert_ne!(ran.verdict, Verdict::Intact);
            prop_assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (1, 0));
        }
    }

    #[test]
    fn a_predecessor_may_have_any_name((bucket, key) in location(), hash in text("00"), signature in any::<String>()) {
        // One of a later time than what is asked about is no concern of the run.
        let named = DigestKey::parse(&Location::new(bucket.as_str(), key.as_str()));
        prop_assume!(named.is_none_or(|named| named.end.plus(-HOUR) < end()));
        let previous = json!({
            "previousDigestS3Bucket": bucket,
            "previousDigestS3Object": key,
            "previousDigestHashValue": hash,
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": signature,
        });
        for ran in ran(&previous) {
            prop_assert_ne!(ran.verdict, Verdict::Intact);
            prop_assert!(ran.counts.digests.valid <= 1, "{:#?}", ran.findings);
        }
    }

    #[test]
    fn a_window_may_be_of_any_length(start in 0..1_788_231_997_i64) {
        let start = Timestamp::from_unix(start).to_string();
        for ran in ran(&json!({"digestStartTime": start})) {
            prop_assert_eq!(ran.counts.digests.valid, 1, "{:#?}", ran.findings);
        }
    }
}

/// A digest that names itself as its predecessor, and two that name each other.
#[test]
fn a_chain_in_a_circle_comes_to_an_end() {
    let name = |end: Timestamp| document(end, &json!({}))["digestS3Object"].clone();
    let previous = |end: Timestamp| {
        json!({
            "previousDigestS3Bucket": "b",
            "previousDigestS3Object": name(end),
            "previousDigestHashValue": "00".repeat(32),
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": "00",
        })
    };
    for (older, newer) in [(end(), end()), (end().plus(-3_600), end()), (end().plus(3_600), end())] {
        let store = MemoryStore::new();
        put(&store, &document(older, &previous(newer)));
        put(&store, &document(newer, &previous(older)));
        let ran = in_time("a circle", move || run(&store, &signer().ring, &request(&["b"], end()), 2));
        assert_ne!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    }
}
