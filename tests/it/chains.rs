//! What proves a digest and what its successor records of it: the judges, asked one by one.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use serde_json::{Value, json};
use trailproof::chain::{ProvedDigest, Record};
use trailproof::digest::DigestFile;
use trailproof::event::{Event, Finding, Kind, TimeState, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::keys::{KeyRing, Lookup, TrustedKey};
use trailproof::signature::{self, PublicKey, SignatureProof};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, METADATA_ERROR, Metadata};
use trailproof::time::{HOUR, Interval, Timestamp};

use crate::bodies::{content, read};
use crate::signing::{document, key, put, signer};
use crate::support::{Delivered, Ran, deliver, request, run, time};

const KEY: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/\
    111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T010657Z.json.gz";

fn first() -> Timestamp {
    time("2026-09-01T01:06:57Z")
}

fn at(hour: i64) -> DigestKey {
    key(KEY, first().plus(hour * HOUR), false)
}

/// Two digests that follow each other; the second records of the first what `more` says instead.
fn pair(more: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    let mut record = put(&store, &document(&at(0), &json!({})));
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    put(&store, &document(&at(1), &record));
    store
}

fn file(store: &MemoryStore, location: &Location) -> (DigestFile, SignatureProof) {
    let file = DigestFile::parse(&content(store, location)).unwrap();
    let metadata = read(store, location).1;
    let Lookup::Valid(trusted) = signer().ring.lookup(file.fingerprint(), "us-east-1", first()) else {
        panic!("no key for {location}");
    };
    let proof = signature::verify(&file, &metadata["signature"], &trusted.key).unwrap();
    (file, proof)
}

/// The first digest and what the second, proved, records of it.
fn recorded(more: &Value) -> (DigestFile, Record) {
    let store = pair(more);
    let (second, proof) = file(&store, &at(1).location());
    let record = ProvedDigest::by_signature(second, proof).unwrap().record().unwrap();
    (file(&store, &at(0).location()).0, record)
}

#[test]
fn a_signature_proves_the_digest_it_is_of_and_no_other() {
    let store = pair(&json!({}));
    let ((first, of_first), (second, of_second)) =
        (file(&store, &at(0).location()), file(&store, &at(1).location()));
    assert_eq!(ProvedDigest::by_signature(first.clone(), of_second), Err(first.clone()));
    assert_eq!(ProvedDigest::by_signature(second.clone(), of_first), Err(second));
    assert_eq!(ProvedDigest::by_signature(first.clone(), of_first).unwrap().file(), &first);
}

#[test]
fn a_successor_proves_what_it_records_there_where_it_records_it() {
    let (file, record) = recorded(&json!({}));
    assert_eq!(ProvedDigest::by_record(file.clone(), &record).unwrap().file(), &file);
    let zeros = "0".repeat(64);
    for other in [
        json!({"previousDigestS3Object": &*at(5).location().key}),
        json!({"previousDigestS3Bucket": "another"}),
        json!({"previousDigestHashValue": zeros}),
        json!({"previousDigestHashAlgorithm": "SHA-512"}),
    ] {
        let (file, record) = recorded(&other);
        assert_eq!(ProvedDigest::by_record(file.clone(), &record), Err(file), "{other}");
    }
}

#[test]
fn a_record_is_what_the_successor_says() {
    let (file, record) = recorded(&json!({}));
    assert_eq!(record.location(), file.location());
    assert_eq!(record.hash(), Some(file.hash()));
    assert_eq!(record.successor(), Some(&at(1).location()));
    let store = pair(&json!({}));
    let signature = read(&store, &at(0).location()).1["signature"].clone();
    assert_eq!(record.signature(), Some(&*signature));
}

/// Where a hash cannot be compared, the signature that a successor records proves all the same.
#[test]
fn a_signature_that_only_the_successor_has_proves_a_digest_whose_hash_it_cannot_say() {
    let store = pair(&json!({"previousDigestHashAlgorithm": "SHA-512"}));
    let older = at(0).location();
    let body = read(&store, &older).0;
    store.put(&older, &body, &Metadata::new()).unwrap();
    let ran = run(&store, &signer().ring, &request(&["b"], at(1).end), 1);
    assert_eq!((ran.verdict, ran.counts.digests.valid), (Verdict::Intact, 2), "{:#?}", ran.findings);
    let without = pair(&json!({"previousDigestHashAlgorithm": "SHA-512", "previousDigestSignature": null}));
    without.put(&older, &body, &Metadata::new()).unwrap();
    let ran = run(&without, &signer().ring, &request(&["b"], at(1).end), 1);
    assert_eq!((ran.verdict, ran.counts.digests.unverified), (Verdict::Incomplete, 1), "{:#?}", ran.findings);
    let unsigned = "no signature in the metadata, a sidecar or the successor";
    assert_eq!(only(&ran), (Kind::DigestUnsigned, unsigned.to_owned()));
}

/// The kind and the message of the only thing that is said of the first digest, beside that it is the first.
fn only(ran: &Ran) -> (Kind, String) {
    let first = at(0).location().to_string();
    let of_first = ran.findings.iter().filter(|finding| finding.uri.as_ref() == Some(&first));
    let mut said = of_first.filter(|finding| finding.kind != Kind::ChainStart);
    let (Some(finding), None) = (said.next(), said.next()) else { panic!("{:#?}", ran.findings) };
    (finding.kind, finding.message())
}

/// What is said of [`pair`] with other metadata of the first digest, and none of the second where that is left `bare`.
fn said_with_metadata(more: &Value, metadata: (&str, &str), bare: bool) -> Ran {
    let store = pair(more);
    let metadata = Metadata::from([(metadata.0.to_owned(), metadata.1.to_owned())]);
    for (digest, metadata) in [(at(0), Some(metadata)), (at(1), bare.then(Metadata::new))] {
        if let Some(metadata) = metadata {
            let body = read(&store, &digest.location()).0;
            store.put(&digest.location(), &body, &metadata).unwrap();
        }
    }
    run(&store, &signer().ring, &request(&["b"], at(1).end), 1)
}

#[test]
fn metadata_that_cannot_be_understood_is_told_whatever_proves_the_digest() {
    let why = (METADATA_ERROR, "its sidecar is cut off");
    let proved = said_with_metadata(&json!({}), why, false);
    let told = "its sidecar is cut off; the signature that the successor records verifies the digest";
    assert_eq!(only(&proved), (Kind::DigestUnsigned, told.to_owned()));
    assert_eq!((proved.verdict, proved.counts.digests.valid), (Verdict::Intact, 2));

    let lost = json!({"previousDigestHashValue": null, "previousDigestSignature": null});
    let unproved = said_with_metadata(&lost, why, false);
    let told = "no signature in the metadata, a sidecar or the successor: its sidecar is cut off";
    assert_eq!(only(&unproved), (Kind::DigestUnsigned, told.to_owned()));
    assert_eq!((unproved.verdict, unproved.counts.digests.valid), (Verdict::Incomplete, 1));
}

/// A signature that does not fit is another one than CloudTrail's, whatever proves the content.
#[test]
fn a_wrong_signature_in_metadata_is_tampering_whatever_proves_the_digest() {
    let wrong = ("signature", "00");
    let by_hash = said_with_metadata(&json!({"previousDigestSignature": null}), wrong, false);
    let told = "the signature in the metadata does not verify the content, which the successor proves";
    assert_eq!(only(&by_hash), (Kind::DigestModified, told.to_owned()));
    assert_eq!((by_hash.verdict, by_hash.counts.digests.tampered), (Verdict::Tampered, 1));

    // Its successor is not proved, but the signature that it records fits.
    let by_signature = said_with_metadata(&json!({}), wrong, true);
    assert_eq!(by_signature.verdict, Verdict::Tampered, "{:#?}", by_signature.findings);
    let told = "the signature in the metadata differs from the signature that the successor records";
    let found = by_signature.findings.iter().find(|finding| finding.kind == Kind::DigestModified).unwrap();
    assert_eq!((&*found.message(), found.actual.as_deref()), (told, Some("00")));
}

/// Backfill digests are of any hours, also of some that another one is of.
#[test]
fn an_hourly_digest_that_ends_after_its_successor_starts_is_a_broken_chain() {
    for backfill in [false, true] {
        let [older, newer] = [at(0), at(1)].map(|key| DigestKey { backfill, ..key });
        let store = MemoryStore::new();
        let mut record = put(&store, &document(&older, &json!({})));
        record["digestStartTime"] = json!(older.end.plus(-60).to_string());
        put(&store, &document(&newer, &record));
        let ran = run(&store, &signer().ring, &request(&["b"], newer.end), 1);
        let told = ran.findings.iter().any(|finding| {
            finding.kind == Kind::ChainBroken
                && finding.message() == "the digest ends after its successor starts"
        });
        assert_eq!(told, !backfill, "{:#?}", ran.findings);
        assert_eq!(ran.verdict == Verdict::Tampered, !backfill, "{:#?}", ran.findings);
    }
}

/// Whose key is unknown is proved by its successor; that its metadata has another signature than was recorded is said
/// all the same. How the hex is written tells nothing.
#[test]
fn another_signature_than_the_successor_records_is_tampering_even_where_no_key_can_check_it() {
    let ran = |change: fn(&str) -> String| {
        let store = MemoryStore::new();
        let record = put(&store, &document(&at(0), &json!({"digestPublicKeyFingerprint": "0".repeat(32)})));
        put(&store, &document(&at(1), &record));
        let older = at(0).location();
        let (body, mut metadata) = read(&store, &older);
        let signature = change(&metadata["signature"]);
        metadata.insert("signature".to_owned(), signature);
        store.put(&older, &body, &metadata).unwrap();
        run(&store, &signer().ring, &request(&["b"], at(1).end), 1)
    };
    let same = ran(str::to_ascii_uppercase);
    assert_eq!((same.verdict, same.counts.digests.valid), (Verdict::Intact, 2), "{:#?}", same.findings);
    let other = ran(|signature| signature.replace('0', "1"));
    assert_eq!(
        (other.verdict, other.kinds()),
        (Verdict::Tampered, vec![Kind::DigestModified]),
        "{:#?}",
        other.findings
    );
}

#[test]
fn keys_are_the_same_only_where_their_bytes_are() {
    let key = |seed: u8| {
        let private = RsaPrivateKey::new(&mut ChaCha20Rng::from_seed([seed; 32]), 2048).unwrap();
        PublicKey::from_der(private.to_public_key().to_pkcs1_der().unwrap().as_bytes()).unwrap()
    };
    let (one, other) = (key(1), key(2));
    assert!(one == PublicKey::from_base64(&one.to_base64()).unwrap() && one != other);
    assert_ne!(one.fingerprint(), other.fingerprint());
}

/// CloudTrail has keys of its own in each region.
#[test]
fn a_key_of_one_region_proves_no_digest_of_another() {
    let store = pair(&json!({}));
    let (own, other) = (Some("us-east-1"), Some("eu-west-1"));
    for (regions, is_proved) in
        [(&[None][..], true), (&[own], true), (&[other], false), (&[other, own], true), (&[own, other], true)]
    {
        let mut ring = KeyRing::new();
        for region in regions {
            ring.add(TrustedKey {
                key: PublicKey::from_base64(signer().entry["Value"].as_str().unwrap()).unwrap(),
                validity: None,
                source: "the test".to_owned(),
                region: region.map(str::to_owned),
            });
        }
        assert_eq!(ring.len(), 1);
        let ran = run(&store, &ring, &request(&["b"], at(1).end), 1);
        let verdict = if is_proved { Verdict::Intact } else { Verdict::Incomplete };
        assert_eq!(ran.verdict, verdict, "{regions:?}: {:#?}", ran.findings);
        assert_eq!(ran.kinds().contains(&Kind::KeyUnknown), !is_proved, "{regions:?}");
    }
}

/// Two trails in one prefix, each with the digest that starts it, four more and eight log files.
fn two_trails() -> Delivered {
    let trails = vec!["audit".to_owned(), "other".to_owned()];
    deliver(&Spec { hours: 4, logs_per_hour: 2, events_per_log: 1, trails, ..Spec::default() })
}

/// Digests and log files of each chain, as the report has them.
fn of_chains(ran: &Ran) -> Vec<(u64, u64)> {
    let chains = ran.events.iter().filter_map(|event| match event {
        Event::Chain(chain) => Some((chain.digests, chain.logs)),
        _ => None,
    });
    chains.collect()
}

#[test]
fn each_chain_counts_its_own_proved_or_not() {
    let delivered = two_trails();
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let proved = run(&delivered.store, &delivered.keys, &asked, 2);
    assert_eq!(of_chains(&proved), [(5, 8), (5, 8)]);
    assert_eq!((proved.counts.digests.valid, proved.counts.logs.valid), (10, 16));
    let unproved = run(&delivered.store, &KeyRing::new(), &asked, 2);
    assert_eq!(of_chains(&unproved), [(5, 8), (5, 8)]);
    assert_eq!((unproved.counts.digests.unverified, unproved.counts.logs.unverified), (10, 16));
    // There is room for each: what is not proved is no intruder for that.
    let said = unproved.findings.iter().map(Finding::message);
    assert_eq!(said.filter(|message| message.contains("no place for the digest")).count(), 0);
}

/// What is read beside the range or beside what is asked for is a witness: its bytes are not the run's.
#[test]
fn only_what_is_asked_for_is_counted() {
    let delivered = two_trails();
    let mut asked = request(&["trail-logs"], delivered.simulated.end.plus(-HOUR));
    asked.range.start = Some(delivered.simulated.end.plus(-2 * HOUR));
    asked.trails = vec!["audit".to_owned()];
    let ran = run(&delivered.store, &delivered.keys, &asked, 1);
    assert_eq!((ran.verdict, ran.counts.digests.valid, ran.counts.logs.valid), (Verdict::Intact, 1, 2));
    let locations = delivered.store.locations();
    let end = asked.range.end;
    let digest = locations.iter().find(|location| {
        DigestKey::parse(location).is_some_and(|key| key.end == end && &*key.trail == "audit")
    });
    let digest = digest.unwrap();
    let file = DigestFile::parse(&content(&delivered.store, digest)).unwrap();
    let objects: Vec<&Location> = file.claimed_logs().chain([digest]).collect();
    let stored: usize = objects.iter().map(|location| read(&delivered.store, location).0.len()).sum();
    let inflated: usize = objects.iter().map(|location| content(&delivered.store, location).len()).sum();
    assert_eq!((ran.counts.compressed_bytes, ran.counts.inflated_bytes), (stored as u64, inflated as u64));
}

/// Backfill digests are no hours of delivery: they cover nothing, and show in their own row alone. What has no log files, or only ones that a backfill digest lists, is quiet.
#[test]
fn a_chain_covers_its_own_hours_proved_or_quiet() {
    let spec = Spec {
        hours: 5,
        logs_per_hour: 1,
        events_per_log: 1,
        backfill_every: Some(2),
        quiet_every: Some(5),
        ..Spec::default()
    };
    let delivered = deliver(&spec);
    let ran = run(&delivered.store, &delivered.keys, &request(&["trail-logs"], delivered.simulated.end), 1);
    let whole = Interval::new(spec.start, delivered.simulated.end).unwrap();
    for event in &ran.events {
        let Event::Chain(chain) = event else { continue };
        let covered = if chain.id.backfill { vec![] } else { vec![whole] };
        assert_eq!(chain.covered, covered, "{}", chain.id);
        let kind = if chain.id.backfill { " (backfill)" } else { "" };
        assert_eq!(chain.id.to_string(), format!("111122223333 us-east-1 audit{kind}"));
        let quiet = chain.timeline.as_ref().map_or(0, |timeline| timeline.seconds(TimeState::Quiet));
        let proved = chain.timeline.as_ref().map_or(0, |timeline| timeline.seconds(TimeState::Proved));
        let hours = if chain.id.backfill { (2, 0) } else { (2, 3) };
        assert_eq!((proved / 3_600, quiet / 3_600), hours, "{}", chain.id);
    }
}

/// Where the chain leaves no room for a digest, both what is wrong with it and that is said.
#[test]
fn a_forged_digest_between_two_is_said_to_have_no_room() {
    let store = pair(&json!({}));
    let between = DigestKey { end: at(0).end.plus(1_800), ..at(0) };
    store.put(&between.location(), b"no digest", &Metadata::new()).unwrap();
    let ran = run(&store, &signer().ring, &request(&["b"], at(1).end), 1);
    let messages: Vec<String> = ran.findings.iter().map(Finding::message).collect();
    let of_it =
        messages.iter().filter(|message| message.ends_with("so this digest is not part of the chain"));
    // Half of its hour is before the end of the digest that starts the chain, which covers nothing.
    let kinds = vec![Kind::ChainGap, Kind::DigestMalformed];
    assert_eq!((of_it.count(), ran.kinds()), (1, kinds), "{messages:#?}");
}
