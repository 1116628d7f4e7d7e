//! Every hostile size has a limit: what reaches it is said, with the option that raises it, and is never `intact`.
//!
//! Small sizes against lowered limits here; the sizes themselves in [`big`], which are asked for by name.

mod big;
mod folders;
mod measure;
mod named;
mod typed;

use serde_json::json;
use trailproof::digest::{DigestError, DigestFile};
use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::{ReadLimits, ValidationRequest};
use trailproof::words::hint;

use crate::bodies::{content, gzip, read};
use crate::signing;
use crate::support::{Delivered, Ran, deliver, request, run, time};

/// Four hours of one trail, two log files each.
fn small() -> Delivered {
    deliver(&Spec { hours: 4, logs_per_hour: 2, events_per_log: 1, ..Spec::default() })
}

fn asked(delivered: &Delivered, limits: ReadLimits) -> ValidationRequest {
    ValidationRequest { limits, ..request(&["trail-logs"], delivered.simulated.end) }
}

/// The objects whose key has `part`, in order.
fn objects(delivered: &Delivered, part: &str) -> Vec<Location> {
    let mut found = delivered.store.locations();
    found.retain(|location| location.key.contains(part));
    found
}

/// Puts `body` in the place of an object, which keeps its metadata.
fn replace(delivered: &Delivered, location: &Location, body: &[u8]) {
    let (_, metadata) = read(&delivered.store, location);
    delivered.store.put(location, body, &metadata).unwrap();
}

/// The one finding of `kind`, whose message or hint has each of `parts`.
fn assert_says(ran: &Ran, kind: Kind, parts: &[&str]) {
    let mut found = ran.findings.iter().filter(|finding| finding.kind == kind);
    let (Some(finding), None) = (found.next(), found.next()) else { panic!("{:#?}", ran.findings) };
    let words = format!("{}: {}", finding.message(), hint(finding).unwrap_or_default());
    assert!(parts.iter().all(|part| words.contains(part)), "{parts:?}: {words}");
}

/// A gzip stream with blocks that have no content before those that do.
fn padded(content: &[u8], blocks: usize) -> Vec<u8> {
    let whole = gzip(content);
    [&whole[..10], &[0, 0, 0, 0xff, 0xff].repeat(blocks), &whole[10..]].concat()
}

#[test]
fn a_log_file_beyond_its_limit_is_unreadable_and_says_so() {
    let delivered = small();
    let log = objects(&delivered, "/CloudTrail/").remove(3);
    let run = |limit| {
        run(
            &delivered.store,
            &delivered.keys,
            &asked(&delivered, ReadLimits { log: limit, ..ReadLimits::default() }),
            2,
        )
    };
    replace(&delivered, &log, &gzip(&vec![0; 1 << 20]));
    let ran = run(64 << 10);
    assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreadable]));
    assert_says(&ran, Kind::LogUnreadable, &["the limit of 65536 bytes", "raise `--max-log-size`"]);
    let ran = run(1 << 20);
    assert_eq!((ran.verdict, ran.kinds()), (Verdict::Tampered, vec![Kind::LogModified]));
}

#[test]
fn a_log_file_padded_with_blocks_without_content_is_unreadable_and_says_so() {
    let delivered = small();
    let log = objects(&delivered, "/CloudTrail/").remove(3);
    let content = crate::bodies::content(&delivered.store, &log);
    replace(&delivered, &log, &padded(&content, 1 << 19));
    let run = |limit| {
        run(
            &delivered.store,
            &delivered.keys,
            &asked(&delivered, ReadLimits { log: limit, ..ReadLimits::default() }),
            2,
        )
    };
    let ran = run(64 << 10);
    assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreadable]));
    assert_says(&ran, Kind::LogUnreadable, &["as stored", "65536 bytes", "raise `--max-log-size`"]);
    assert_eq!(run(4 << 20).verdict, Verdict::Intact);
}

/// A digest that is too large to be held is hashed as a stream, and held against what its successor records.
#[test]
fn a_digest_beyond_its_limit_is_held_against_the_recorded_hash() {
    let delivered = small();
    let digests = objects(&delivered, "/CloudTrail-Digest/");
    let run = |limits| run(&delivered.store, &delivered.keys, &asked(&delivered, limits), 2);
    let within = |digest| run(ReadLimits { digest, ..ReadLimits::default() });
    let unreadable = |ran: &Ran, says| {
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert_says(ran, Kind::DigestUnreadable, says);
    };
    let padded_bomb = [padded(b"{}", 1 << 19), vec![0]].concat();
    for (body, kind) in [
        (gzip(&vec![b' '; 1 << 20]), Kind::DigestModified),
        (padded(b"{}", 2 << 20), Kind::DigestModified),
        ([gzip(&vec![b' '; 1 << 20]), vec![0]].concat(), Kind::DigestMalformed),
        ([padded(b"{}", 2 << 20), vec![0]].concat(), Kind::DigestMalformed),
        (padded_bomb, Kind::DigestMalformed),
    ] {
        replace(&delivered, &digests[1], &body);
        let ran = within(64 << 10);
        assert_eq!(
            (ran.verdict, ran.kinds()),
            (Verdict::Tampered, vec![Kind::ChainGap, kind]),
            "{:#?}",
            ran.findings
        );
        assert_eq!(ran.counts.digests.tampered, 1);
        let ran = within(16 << 20);
        assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
        assert!(ran.kinds().contains(&Kind::DigestMalformed), "{:#?}", ran.findings);
    }
    // What a log file may inflate to is the most that is read of it.
    replace(&delivered, &digests[1], &gzip(&vec![b' '; 1 << 20]));
    let ran = run(ReadLimits { digest: 64 << 10, log: 128 << 10, ..ReadLimits::default() });
    unreadable(&ran, &["raise `--max-digest-size`", "its hash was not computed", "`--max-log-size`"]);
    // No successor records the newest one.
    replace(&delivered, digests.last().unwrap(), &gzip(&vec![b' '; 1 << 20]));
    delivered.store.purge(&digests[1]);
    let ran = within(64 << 10);
    assert_says(&ran, Kind::DigestUnreadable, &["the limit of 65536 bytes"]);
}

/// Nobody is accused of a digest that is too large to be held and has the recorded hash.
#[test]
fn a_digest_beyond_its_limit_that_is_as_delivered_is_unreadable() {
    let delivered = deliver(&Spec { hours: 2, logs_per_hour: 2, quiet_every: Some(2), ..Spec::default() });
    let digests = objects(&delivered, "/CloudTrail-Digest/");
    let mut sizes: Vec<usize> =
        digests.iter().map(|digest| content(&delivered.store, digest).len()).collect();
    sizes.sort_unstable();
    let limits = ReadLimits { digest: sizes[1] as u64, ..ReadLimits::default() };
    for limits in [limits, ReadLimits { log: 16, ..limits }] {
        let ran = run(&delivered.store, &delivered.keys, &asked(&delivered, limits), 2);
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert_says(&ran, Kind::DigestUnreadable, &["raise `--max-digest-size`"]);
        assert_eq!((ran.counts.digests.valid, ran.counts.digests.unverified), (2, 1));
    }
}

/// A digest that is read one at a time, being large, is what a small one is.
#[test]
fn a_digest_of_more_than_is_read_beside_others_is_proved() {
    let store = trailproof::store::memory::MemoryStore::new();
    let end = time("2026-09-01T03:06:57Z");
    let key = signing::key(crate::hostile::DIGEST_KEY, end, false);
    signing::put_hour(&store, &key, &json!({"padding": "x".repeat(9 << 20)}));
    let ran = run(&store, &signing::signer().ring, &request(&["b"], end), 2);
    assert_eq!((ran.counts.digests.valid, ran.verdict), (2, Verdict::Intact), "{:#?}", ran.findings);
    let limits = ReadLimits { digest: 9 << 20, ..ReadLimits::default() };
    let ran = run_limited(&store, limits);
    assert_says(&ran, Kind::DigestUnreadable, &["raise `--max-digest-size`"]);
}

fn run_limited(store: &trailproof::store::memory::MemoryStore, limits: ReadLimits) -> Ran {
    let end = time("2026-09-01T03:06:57Z");
    run(store, &signing::signer().ring, &ValidationRequest { limits, ..request(&["b"], end) }, 2)
}

/// No text of a digest is repeated by what is said of it, and none is kept that is longer than any CloudTrail writes.
#[test]
fn what_is_said_of_a_digest_is_short_whatever_is_in_it() {
    let end = time("2026-09-01T03:06:57Z");
    let key = signing::key(crate::hostile::DIGEST_KEY, end, false);
    let long = "\u{7f}".repeat(1 << 20);
    let log = |field: &str| {
        let mut log =
            json!({"s3Bucket": "b", "s3Object": "k", "hashValue": "00", "hashAlgorithm": "SHA-256"});
        log[field] = json!(long);
        log
    };
    let mut documents = vec![json!(long), json!([long]), json!({"logFiles": long})];
    documents.extend(
        [json!(long), json!([long]), json!({"s3Bucket": [long]})]
            .map(|log| signing::document(&key, &json!({"logFiles": [log]}))),
    );
    let fields = ["s3Bucket", "s3Object", "hashValue", "hashAlgorithm"];
    documents.extend(fields.map(|field| signing::document(&key, &json!({"logFiles": [log(field)]}))));
    for field in signing::document(&key, &json!({})).as_object().unwrap().keys() {
        let mut document = signing::document(&key, &json!({}));
        document[field] = json!(long);
        documents.push(document);
    }
    for document in documents {
        let text = document.to_string();
        match DigestFile::parse(text.as_bytes()) {
            Err(error @ (DigestError::Json(_) | DigestError::Field(_))) => {
                assert!(error.to_string().len() < 300, "{}", error.to_string().len());
            }
            Ok(file) => assert!(file.text_bytes() < 64 << 10, "{}", file.text_bytes()),
        }
    }
}

/// As large as S3 lets a key be, and as large as a file system lets a name be.
#[test]
fn names_as_long_as_they_may_be_are_named_whole() {
    let delivered = small();
    let log = objects(&delivered, "/CloudTrail/").remove(3);
    let stem = log.key.rsplit_once('_').unwrap().0.to_owned() + "_";
    let long = [1_024 - stem.len(), 255].map(|length| format!("{stem}{}", "n".repeat(length)));
    for key in &long {
        delivered
            .store
            .put(&Location::new(log.bucket.clone(), key.as_str()), b"x", &Metadata::new())
            .unwrap();
    }
    let ran = run(&delivered.store, &delivered.keys, &asked(&delivered, ReadLimits::default()), 2);
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 2], "{:#?}", ran.findings);
    for key in &long {
        let uri = format!("s3://{}/{key}", log.bucket);
        assert!(ran.findings.iter().any(|finding| finding.uri.as_ref() == Some(&uri)));
    }
    assert!(ran.findings.iter().all(|finding| finding.severity < Severity::Tampered));
}
