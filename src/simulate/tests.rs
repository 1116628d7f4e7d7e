//! The delivery is checked here by reading it as CloudTrail's documentation says, with nothing of the maker's own code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use base64::Engine as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::ident::DigestKey;
use crate::store::memory::MemoryStore;
use crate::store::{Metadata, Store as _};
use crate::time::HOUR;

type Objects = BTreeMap<String, Result<(Vec<u8>, Metadata), StoreError>>;

/// A short delivery whose keys are made once for all tests.
fn small() -> Spec {
    Spec { seed: 7, hours: 6, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

fn tampered(kind: TamperKind) -> Spec {
    Spec { tampers: vec![Tamper { kind, at: Where::default() }], ..small() }
}

fn make(spec: &Spec) -> (Simulated, Objects) {
    let store = MemoryStore::new();
    let made = simulate(spec, &store).unwrap();
    let read = |location: Location| {
        let object = store.get(&location).map(|mut object| {
            let mut body = Vec::new();
            object.body.read_to_end(&mut body).unwrap();
            (body, object.metadata)
        });
        (location.to_string(), object)
    };
    (made, store.locations().into_iter().map(read).collect())
}

fn inflate(body: &[u8]) -> Vec<u8> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return body.to_vec();
    }
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut content).unwrap();
    content
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Public keys by fingerprint, each checked against its value, with the time it is valid.
fn read_keys(json: &str) -> BTreeMap<String, (RsaPublicKey, Timestamp, Timestamp)> {
    let value: Value = serde_json::from_str(json).unwrap();
    let time = |value: &Value| {
        let text = value.as_str().unwrap().replace("+00:00", "Z");
        Timestamp::parse_digest_field(&text).unwrap()
    };
    let key = |entry: &Value| {
        let der = base64::engine::general_purpose::STANDARD.decode(entry["Value"].as_str().unwrap()).unwrap();
        let fingerprint = hex::encode(md5::Md5::digest(&der));
        assert_eq!(entry["Fingerprint"], *fingerprint);
        let valid = (time(&entry["ValidityStartTime"]), time(&entry["ValidityEndTime"]));
        (fingerprint, (RsaPublicKey::from_pkcs1_der(&der).unwrap(), valid.0, valid.1))
    };
    value["PublicKeyList"].as_array().unwrap().iter().map(key).collect()
}

/// Checks every signature, link and log hash; returns the digests' fields by URI.
fn verify(made: &Simulated, objects: &Objects) -> BTreeMap<String, Value> {
    let keys = read_keys(&made.keys_json);
    let mut digests = BTreeMap::new();
    let mut listed = 0;
    for (uri, object) in objects.iter().filter(|(uri, _)| uri.contains("/CloudTrail-Digest/")) {
        let (body, metadata) = object.as_ref().unwrap();
        let content = inflate(body);
        let digest: Value = serde_json::from_slice(&content).unwrap();
        let text = |field: &str| digest[field].as_str().unwrap().to_owned();
        let place = format!("{}/{}", text("digestS3Bucket"), text("digestS3Object"));
        assert_eq!(*uri, format!("s3://{place}"));
        let previous = digest["previousDigestSignature"].as_str().unwrap_or("null");
        let to_sign = format!("{}\n{place}\n{}\n{previous}", text("digestEndTime"), hash(&content));
        let (key, from, to) = &keys[&text("digestPublicKeyFingerprint")];
        let end = Timestamp::parse_digest_field(&text("digestEndTime")).unwrap();
        assert!(*from <= end && end <= *to);
        if let Some(signature) = metadata.get("signature") {
            let signature = hex::decode(signature).unwrap();
            key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&to_sign), &signature).unwrap();
        }
        for log in digest["logFiles"].as_array().unwrap() {
            let uri =
                format!("s3://{}/{}", log["s3Bucket"].as_str().unwrap(), log["s3Object"].as_str().unwrap());
            let (body, _) = objects[&uri].as_ref().unwrap();
            assert_eq!(log["hashValue"], *hash(&inflate(body)));
            listed += 1;
        }
        if digest["logFiles"].as_array().unwrap().is_empty() {
            assert!(digest["newestEventTime"].is_null() && digest["oldestEventTime"].is_null());
        }
        digests.insert(uri.clone(), digest);
    }
    assert_eq!((digests.len() as u64, listed), (made.digests, made.logs));
    assert_eq!(objects.len() as u64, made.digests + made.logs);
    for digest in digests.values().filter(|digest| !digest["previousDigestS3Object"].is_null()) {
        let field = |name: &str| digest[name].as_str().unwrap();
        let uri = format!("s3://{}/{}", field("previousDigestS3Bucket"), field("previousDigestS3Object"));
        let (body, metadata) = objects[&uri].as_ref().unwrap();
        assert_eq!(field("previousDigestHashValue"), hash(&inflate(body)));
        if let Some(signature) = metadata.get("signature") {
            assert_eq!(field("previousDigestSignature"), signature);
        }
    }
    digests
}

fn starts(digests: &BTreeMap<String, Value>) -> Vec<&str> {
    let starting = digests.values().filter(|digest| digest["previousDigestSignature"].is_null());
    starting.map(|digest| digest["digestStartTime"].as_str().unwrap()).collect()
}

#[test]
fn a_plain_delivery_is_whole_and_repeatable() {
    let (made, objects) = make(&small());
    let digests = verify(&made, &objects);
    // One for each hour, and one of the hour before that starts the chain.
    assert_eq!((made.digests, made.logs, made.end), (6 + 1, 6, small().start.plus(6 * HOUR)));
    assert_eq!(starts(&digests), ["2026-08-31T23:06:57Z"]);
    assert!(digests.keys().all(|uri| {
        let location = Location::new("trail-logs", uri.strip_prefix("s3://trail-logs/").unwrap());
        DigestKey::parse(&location).is_some()
    }));
    assert_eq!((made, objects), make(&small()));
    let (_, other) = make(&Spec { events_per_log: 2, ..small() });
    assert_eq!(other.len(), digests.len() + 6);
}

#[test]
fn the_fifteen_keys_stand_in_their_order() {
    let (_, objects) = make(&Spec { hours: 1, ..small() });
    let (_, digest) = objects.iter().rfind(|(uri, _)| uri.contains("-Digest_")).unwrap();
    let text = String::from_utf8(inflate(&digest.as_ref().unwrap().0)).unwrap();
    let keys = "awsAccountId digestStartTime digestEndTime digestS3Bucket digestS3Object digestPublicKeyFingerprint \
                digestSignatureAlgorithm newestEventTime oldestEventTime previousDigestS3Bucket \
                previousDigestS3Object previousDigestHashValue previousDigestHashAlgorithm \
                previousDigestSignature logFiles s3Bucket s3Object hashValue hashAlgorithm";
    let mut from = 0;
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        from += text[from..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {text}"));
    }
}

#[test]
fn an_organization_with_many_trails_is_whole() {
    let spec = Spec {
        hours: 4,
        logs_per_hour: 2,
        prefix: "a/b".to_owned(),
        organization: Some("o-abcdefghij".to_owned()),
        accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
        regions: vec!["us-east-1".to_owned(), "eu-west-3".to_owned()],
        home_region: Some("us-west-2".to_owned()),
        trails: vec!["audit".to_owned(), "audit_us-east-1_x".to_owned()],
        ..small()
    };
    let (made, objects) = make(&spec);
    let digests = verify(&made, &objects);
    assert_eq!((made.digests, made.logs), (32 + 8, 64));
    assert_eq!(starts(&digests).len(), 8);
    assert!(objects.keys().all(|uri| uri.starts_with("s3://trail-logs/a/b/AWSLogs/o-abcdefghij/")));
}

#[test]
fn everything_that_may_happen_to_a_trail_leaves_it_verifiable() {
    let spec = Spec {
        hours: 14,
        logs_per_hour: 2,
        quiet_every: Some(5),
        rotate_keys_every: Some(6),
        stop: Some((3, 2)),
        skip_hour: Some(8),
        move_at: Some((10, "other-bucket".to_owned())),
        backfill_every: Some(7),
        ..small()
    };
    let (made, objects) = make(&spec);
    let digests = verify(&made, &objects);
    assert_eq!(read_keys(&made.keys_json).len(), 3);
    // Fourteen hours less two stopped and one skipped, two backfill digests, and two that start a chain.
    assert_eq!(made.digests, 13 + 2);
    assert_eq!(starts(&digests).len(), 2 + 2);
    let backfill = objects.iter().rfind(|(uri, _)| uri.ends_with("_backfill.json.gz")).unwrap();
    let stamp = &backfill.1.as_ref().unwrap().1["backfill-generation-timestamp"];
    assert_eq!(*stamp, spec.start.plus(10 * HOUR).to_string());
    assert!(objects.keys().any(|uri| uri.starts_with("s3://other-bucket/AWSLogs/")));
}

#[test]
fn copies_may_lack_metadata_and_compression() {
    let spec = Spec { metadata: false, inflated: true, shared_body: true, ..small() };
    let (made, objects) = make(&spec);
    verify(&made, &objects);
    let bodies = || objects.values().map(|object| object.as_ref().unwrap());
    assert!(bodies().all(|(body, metadata)| body.starts_with(b"{") && metadata.is_empty()));
}

#[test]
fn every_tampering_changes_something_and_says_where() {
    let (plain, whole) = make(&small());
    for kind in TamperKind::ALL {
        let (made, objects) = make(&tampered(kind));
        assert!((&made.keys_json, &objects) != (&plain.keys_json, &whole), "{kind}");
        let [answer] = &*made.answers else { panic!("{kind}") };
        assert_eq!(answer.tamper, kind);
        assert_eq!(answer.uris.is_empty(), made.keys_json != plain.keys_json, "{kind}");
        if matches!(kind, TamperKind::ChainGap | TamperKind::OlderDeleted) {
            continue; // these are made otherwise from the beginning
        }
        let uris: BTreeSet<&String> = whole.keys().chain(objects.keys()).collect();
        let differs = |uri: &&String| whole.get(*uri) != objects.get(*uri) && !uri.ends_with("README.txt");
        let touched: BTreeSet<&String> = uris.into_iter().filter(differs).collect();
        let told: BTreeSet<&String> = answer.uris.iter().collect();
        match kind {
            // The originals' names are not told, and neither are the digests that were only linked again.
            TamperKind::Relocated | TamperKind::LogUnverifiable => {
                assert!(told.intersection(&touched).count() > 0, "{kind}");
            }
            _ => assert_eq!(touched, told, "{kind}"),
        }
    }
}

#[test]
fn what_only_cloudtrail_could_have_signed_verifies() {
    let (made, objects) = make(&tampered(TamperKind::LogUnverifiable));
    let digests = verify(&made, &objects);
    let unknown = digests.values().filter(|digest| digest["logFiles"][0]["hashAlgorithm"] == "SHA3-256");
    assert_eq!(unknown.count(), 1);

    let (made, objects) = make(&tampered(TamperKind::ChainGap));
    let digests = verify(&made, &objects);
    assert_eq!((digests.len(), starts(&digests).len()), (5 + 1, 1));
    assert!(made.answers[0].uris.iter().all(|uri| !objects.contains_key(uri)));
}

#[test]
fn places_are_chosen_by_number_and_text() {
    let uri = |typed: &str| {
        let tampers = vec![typed.parse().unwrap()];
        make(&Spec { backfill_every: Some(3), tampers, ..small() }).0.answers.remove(0).uris.remove(0)
    };
    assert!(uri("digest-deleted@first").ends_with("_20260901T010657Z.json.gz"));
    assert!(uri("digest-deleted@4").ends_with("_20260901T050657Z.json.gz"));
    assert!(uri("digest-deleted@_backfill:last").ends_with("_20260901T060657Z_backfill.json.gz"));
    assert!(uri("digest-unsigned").ends_with("_20260901T060657Z.json.gz"));
    assert!(uri("chain-gap@1").ends_with("_20260901T020657Z.json.gz"));
    assert!(uri("log-deleted@20260901T0210").contains("CloudTrail_us-east-1_20260901T0210Z_"));
}

#[test]
fn several_tamperings_follow_each_other() {
    let tampers = ["log-unreferenced", "digest-deleted@1", "relocated", "log-modified@last", "key-bad-entry"];
    let tampers: Vec<Tamper> = tampers.iter().map(|typed| typed.parse().unwrap()).collect();
    let (made, objects) = make(&Spec { tampers, ..small() });
    assert_eq!(made.answers.len(), 5);
    assert_eq!(objects.len(), 13);
    assert!(objects.keys().all(|uri| uri.starts_with("s3://trail-logs-copy/")));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |spec: Spec| simulate(&spec, &MemoryStore::new()).unwrap_err().to_string();
    let with =
        |typed: &str| Spec { tampers: vec![typed.parse().unwrap()], hours: 1, logs_per_hour: 0, ..small() };
    for typed in [
        "log-modified",
        "chain-gap",
        "digest-swapped@7",
        "digest-deleted@7",
        "older-deleted",
        "digest-hash-changed",
    ] {
        assert!(refused(with(typed)).contains("cannot tamper with"), "{typed}");
    }
    assert_eq!(refused(Spec { regions: vec!["nowhere".to_owned()], ..small() }), "invalid region `nowhere`");
    assert_eq!(refused(Spec { trails: Vec::new(), ..small() }), "no trail");
    assert!(refused(Spec { prefix: "/a".to_owned(), ..small() }).contains("prefix"));
    assert!(refused(Spec { hours: 0, ..small() }).contains("hours"));
    assert!(
        refused(Spec { hours: u32::MAX, start: Timestamp::from_unix(i64::MAX), ..small() }).contains("9999")
    );
}

/// A disk that is full, too, says that it cannot write.
#[test]
fn what_cannot_be_written_is_not_called_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trail-logs"), "").unwrap();
    let store = crate::store::directory::DirectoryStore::of_buckets(dir.path()).unwrap();
    let error = simulate(&small(), &store).unwrap_err();
    assert!(matches!(error, SimulateError::Unwritten { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("` cannot be written: ") && !error.contains("unreadable"), "{error}");
}
