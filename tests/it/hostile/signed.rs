//! Digests with a fitting signature that say the strangest things: a signature proves who wrote, not sense.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use trailproof::digest::DigestFile;
use trailproof::event::Verdict;
use trailproof::ident::{DigestKey, Location};
use trailproof::keys::KeyRing;
use trailproof::signature::PublicKey;
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit, Metadata};
use trailproof::time::Timestamp;

use super::{DIGEST_KEY, text};
use crate::bodies::{config, gzip, in_time};
use crate::support::{Ran, keys, request, run, time};

struct Signer {
    key: RsaPrivateKey,
    fingerprint: String,
    ring: KeyRing,
}

fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut ChaCha20Rng::from_seed([7; 32]), 2048).unwrap();
        let der = key.to_public_key().to_pkcs1_der().unwrap();
        let fingerprint = PublicKey::from_der(der.as_bytes()).unwrap().fingerprint().to_owned();
        let saved = json!({"PublicKeyList": [{
            "Value": STANDARD.encode(der.as_bytes()),
            "Fingerprint": fingerprint,
            "ValidityStartTime": 0,
            "ValidityEndTime": 9_999_999_999_u64,
        }]});
        Signer { ring: keys(saved.to_string().as_bytes()), key, fingerprint }
    })
}

/// A digest that ends at `end`, with what `more` says instead.
fn document(end: Timestamp, more: &Value) -> Value {
    let mut key = DigestKey::parse(&Location::new("b", DIGEST_KEY)).unwrap();
    (key.end, key.backfill) = (end, false);
    let mut document = json!({
        "awsAccountId": "111122223333",
        "digestStartTime": end.plus(-3_600).to_string(),
        "digestEndTime": end.to_string(),
        "digestS3Bucket": "b",
        "digestS3Object": key.location().key,
        "digestPublicKeyFingerprint": signer().fingerprint,
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "previousDigestSignature": null,
        "logFiles": [],
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

/// Signs a document and puts it where it says it belongs.
fn put(store: &dyn Deposit, document: &Value) {
    let content = document.to_string().into_bytes();
    let file = DigestFile::parse(&content).unwrap();
    let hash = Sha256::digest(file.string_to_sign().as_bytes());
    let signature = signer().key.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).unwrap();
    let metadata = Metadata::from([("signature".to_owned(), hex::encode(signature))]);
    store.put(file.location(), &gzip(&content), &metadata).unwrap();
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
