//! Forged digests among genuine ones: they take nothing from those, and cost little.

use serde_json::{Value, json};
use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location, LogFolderKey};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{DAY, HOUR};

use super::{digests, forge, hour, ran};
use crate::bodies::in_time;
use crate::support::{Delivered, deliver, request, run};

/// A delivery that lost its metadata.
fn bare(hours: u32, logs_per_hour: u32) -> Delivered {
    deliver(&Spec { metadata: false, hours, logs_per_hour, events_per_log: 1, ..Spec::default() })
}

fn keys(delivered: &Delivered) -> Vec<DigestKey> {
    digests(&delivered.store, "audit").into_iter().map(|(key, _)| key).collect()
}

/// A log file's entry of the shortest form.
fn entry(number: usize) -> Value {
    json!({"s3Bucket": "b", "s3Object": format!("x{number}"), "hashValue": "", "hashAlgorithm": ""})
}

#[test]
fn a_wrong_signature_recorded_by_a_forged_digest_is_not_held_against_a_genuine_one() {
    for wrong in [json!("00"), json!("junk"), json!("ab".repeat(256)), Value::Null] {
        let delivered = bare(6, 1);
        let keys = keys(&delivered);
        forge(&delivered.store, &keys[3], keys[2].end.plus(HOUR / 2), |document| {
            document["previousDigestSignature"] = wrong.clone();
        });
        // The newest digest of a copy without metadata is a witness.
        let ran = ran(&delivered, &request(&["trail-logs"], hour(5)));
        assert_eq!(
            (ran.kinds(), ran.verdict),
            (vec![Kind::DigestUnsigned], Verdict::Incomplete),
            "{wrong}: {:#?}",
            ran.findings
        );
        let digests = ran.counts.digests;
        assert_eq!((digests.valid, digests.tampered, digests.unverified), (6, 0, 1));
        assert_eq!(ran.counts.logs.valid, 5);
    }
}

#[test]
fn a_forged_digest_that_lists_thousands_of_log_files_is_one_finding() {
    let delivered = deliver(&Spec { hours: 4, logs_per_hour: 3, events_per_log: 1, ..Spec::default() });
    let keys = keys(&delivered);
    // Those that a genuine digest lists too, or that are listed twice, are not nobody's.
    let make = |document: &mut Value| {
        let logs = document["logFiles"].as_array_mut().unwrap();
        assert_eq!(logs.len(), 3);
        logs.extend((0..4_990).map(entry));
        logs.extend((0..7).map(entry));
    };
    let end = keys[1].end.plus(HOUR / 2);
    forge(&delivered.store, &keys[2], end, make);
    let ran = ran(&delivered, &request(&["trail-logs"], hour(4)));
    assert_eq!(ran.kinds(), [Kind::DigestUnsigned, Kind::LogUnverifiable], "{:#?}", ran.kinds());
    assert_eq!(ran.verdict, Verdict::Incomplete);
    let said = ran.findings.iter().find(|finding| finding.kind == Kind::LogUnverifiable).unwrap();
    let forged = DigestKey { end, ..keys[2].clone() }.location().to_string();
    assert_eq!((said.uri.as_ref(), said.digest.as_ref()), (Some(&forged), Some(&forged)));
    assert!(said.message().starts_with("4,990 "), "{}", said.message());
    assert_eq!((ran.counts.logs.unverified, ran.counts.logs.valid), (4_990, 12));
}

/// Names of trails cost an attacker nothing.
#[test]
fn a_forged_trail_that_seems_late_hides_no_forged_log_file() {
    let delivered = deliver(&Spec { hours: 8, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let key = keys(&delivered).remove(3);
    let trail = DigestKey { trail: "another".into(), ..key.clone() };
    let log = LogFolderKey::make(&key.folder, hour(6), "abcdefgh12345678");
    for location in [trail.location(), Location::new("trail-logs", log.as_str())] {
        delivered.store.put(&location, b"forged", &Metadata::new()).unwrap();
    }
    let mut asked = request(&["trail-logs"], hour(8));
    asked.now = asked.range.end;
    asked.trails = vec!["audit".to_owned()];
    let ran = ran(&delivered, &asked);
    assert_eq!(
        (ran.kinds(), ran.verdict),
        (vec![Kind::LogUnreferenced], Verdict::Incomplete),
        "{:#?}",
        ran.findings
    );
}

#[test]
fn thousands_of_forged_trails_are_listed_in_a_moment() {
    let delivered = deliver(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
    let genuine = keys(&delivered)[0].clone();
    let junk = |trail: &str, end| {
        let key = DigestKey { trail: trail.into(), end, ..genuine.clone() };
        delivered.store.put(&key.location(), b"junk", &Metadata::new()).unwrap();
    };
    // Each has its witnesses but the last.
    for number in 0..10_000 {
        let trail = format!("forged-{number}");
        junk(&trail, hour(4));
        junk(&trail, hour(5));
    }
    junk("last", hour(2));
    for second in 0..40_000 {
        junk("audit", hour(0).plus(2 * DAY + second));
    }
    let ran = in_time("thousands of trails", move || {
        let mut asked = request(&["trail-logs"], hour(3));
        asked.now = hour(0).plus(60 * DAY);
        run(&delivered.store, &delivered.keys, &asked, 2)
    });
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (4, 3));
    assert_eq!(ran.counts.digests.tampered, 1);
}

/// Before each genuine end lies a forged digest that lists so much that a window ends after some twenty-five of them,
/// and where it ends is up to the number of threads.
#[test]
fn the_number_of_jobs_does_not_show_however_windows_are_cut() {
    let delivered = bare(60, 0);
    let keys = keys(&delivered);
    let logs: Vec<Value> = (0..4_000).map(entry).collect();
    for (number, key) in keys.iter().enumerate() {
        forge(&delivered.store, key, key.end.plus(-60), |document| {
            document["logFiles"] = Value::Array(logs.clone());
            match number % 3 {
                0 => document["previousDigestSignature"] = json!("00"),
                1 => ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"]
                    .iter()
                    .for_each(|field| document[format!("previousDigest{field}")] = Value::Null),
                _ => {}
            }
        });
    }
    let asked = request(&["trail-logs"], hour(59));
    let one = run(&delivered.store, &delivered.keys, &asked, 1);
    assert_eq!((one.counts.digests.valid, one.counts.digests.tampered), (60, 0), "{:#?}", one.kinds());
    assert_eq!(one.verdict, Verdict::Incomplete);
    for jobs in [2, 3, 8] {
        let other = run(&delivered.store, &delivered.keys, &asked, jobs);
        assert!(one.json == other.json, "`--jobs` 1 and {jobs} differ");
    }
}
