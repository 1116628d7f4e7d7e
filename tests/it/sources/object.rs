//! Single objects: proved and by which digest, modified, gone, or listed nowhere.

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, StoreError};
use trailproof::time::{DAY, HOUR};
use trailproof::validate::{SourceError, ValidationRequest};

use super::{Made, asking, at_root, refused};
use crate::bodies::gzip;
use crate::signing;
use crate::support::{self, Ran, request, run};

fn about(made: &Made, object: &Location) -> Ran {
    let asked = ValidationRequest {
        objects: vec![object.clone()],
        now: made.end.plus(90 * DAY),
        ..asking(&[], made.end)
    };
    made.ran(&asked)
}

/// Kind, address and digest of what is said of more than the run.
fn said(ran: &Ran) -> Vec<(Kind, Option<String>, Option<String>)> {
    ran.findings.iter().map(|finding| (finding.kind, finding.uri.clone(), finding.digest.clone())).collect()
}

fn said_of(
    kind: Kind,
    object: &Location,
    digest: Option<&Location>,
) -> Vec<(Kind, Option<String>, Option<String>)> {
    vec![(kind, Some(object.to_string()), digest.map(ToString::to_string))]
}

#[test]
fn a_log_file_is_proved_by_the_digest_that_lists_it() {
    for root in ["", "AWSLogs/central/", "x//"] {
        let made = at_root(root, "");
        // What is wrong elsewhere is not asked.
        made.store.put(&made.logs[2], &gzip(b"{}"), &Metadata::new()).unwrap();
        for (log, digest) in made.logs.iter().zip(&made.digests).take(2) {
            let ran = about(&made, log);
            assert_eq!(ran.verdict, Verdict::Intact, "{root:?}: {:#?}", ran.findings);
            assert_eq!(said(&ran), said_of(Kind::ObjectProved, log, Some(digest)));
            assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (1, 1), "{root:?}");
        }
    }
}

#[test]
fn a_log_file_that_is_not_what_was_delivered_is_told() {
    let made = at_root("", "");
    let (log, digest) = (&made.logs[1], &made.digests[1]);
    made.store.put(log, &gzip(b"{}"), &Metadata::new()).unwrap();
    let ran = about(&made, log);
    assert_eq!((ran.verdict, said(&ran)), (Verdict::Tampered, said_of(Kind::LogModified, log, Some(digest))));
    made.store.delete(log).unwrap();
    assert_eq!(said(&about(&made, log)), said_of(Kind::LogDeleted, log, Some(digest)));
    made.store.purge(log);
    let ran = about(&made, log);
    assert_eq!((ran.verdict, said(&ran)), (Verdict::Tampered, said_of(Kind::LogMissing, log, Some(digest))));
    made.store.refuse(log, StoreError::Denied("no".to_owned()));
    let ran = about(&made, log);
    assert_eq!(
        (ran.verdict, said(&ran)),
        (Verdict::Incomplete, said_of(Kind::LogUnreadable, log, Some(digest)))
    );
}

#[test]
fn what_no_digest_lists_is_never_intact() {
    let made = at_root("", "");
    let day = made.logs[1].key.rsplit_once('/').unwrap().0.to_owned();
    for (folder, name) in [
        ("", "111122223333_CloudTrail_us-east-1_20260901T0140Z_forged0000000000.json.gz"),
        ("", "forged.json.gz"),
        ("", "more/forged.json.gz"),
        ("-Insight", "111122223333_CloudTrail-Insight_us-east-1_20260901T0140Z_forged0000000000.json.gz"),
    ] {
        let day = day.replace("/CloudTrail/", &format!("/CloudTrail{folder}/"));
        let forged = Location::new("b", format!("{day}/{name}"));
        let ran = about(&made, &forged);
        assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::NoDigests]), "{name}");
        made.store.put(&forged, &gzip(b"{}"), &Metadata::new()).unwrap();
        let ran = about(&made, &forged);
        assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::LogUnreferenced]), "{name}");
        assert_eq!(ran.counts.logs.unreferenced, 1, "{name}");
    }
    // In another region and account there are no digests at all.
    for (from, to) in [("us-east-1", "eu-west-1"), ("111122223333", "222233334444")] {
        let forged = Location::new("b", made.logs[1].key.replace(from, to));
        assert_eq!(about(&made, &forged).kinds(), [Kind::NoDigests], "{to}");
        made.store.put(&forged, &gzip(b"{}"), &Metadata::new()).unwrap();
        assert_eq!(about(&made, &forged).kinds(), [Kind::LogUnreferenced], "{to}");
    }
}

#[test]
fn a_log_file_whose_digest_is_gone_or_not_proved_is_not_vouched_for() {
    let made = at_root("", "");
    made.store.delete(&made.digests[1]).unwrap();
    let ran = about(&made, &made.logs[1]);
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    assert!(ran.kinds().contains(&Kind::DigestDeleted) && ran.kinds().contains(&Kind::LogUnreferenced));
    let made = at_root("", "");
    let (bytes, _) = crate::bodies::read(&made.store, &made.digests[2]);
    made.store.put(&made.digests[2], &bytes, &Metadata::new()).unwrap();
    let ran = about(&made, &made.logs[2]);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert_eq!(ran.kinds(), [Kind::DigestUnsigned, Kind::LogUnverifiable], "{:#?}", ran.findings);
}

/// CloudTrail tries for 30 days to deliver a log file, so a later digest may list it.
#[test]
fn a_later_digest_may_list_a_log_file() {
    let made = at_root("", "");
    let name = made.logs[0].key.replace("2026/09/01", "2026/08/20").replace("20260901T", "20260820T");
    let early = Location::new("b", name);
    assert_eq!(about(&made, &early).kinds(), [Kind::NoDigests]);
    let content = b"{\"Records\":[]}";
    made.store.put(&early, &gzip(content), &Metadata::new()).unwrap();
    assert_eq!(about(&made, &early).kinds(), [Kind::LogUnreferenced]);
    let more = serde_json::json!({"logFiles": [{
        "s3Bucket": "b", "s3Object": &*early.key,
        "hashValue": trailproof::ident::Sha256Hash::of(content).to_string(), "hashAlgorithm": "SHA-256",
        "newestEventTime": null, "oldestEventTime": null,
    }]});
    let key = trailproof::ident::DigestKey::parse(&made.digests[2]).unwrap();
    let key = trailproof::ident::DigestKey { end: key.end.plus(5 * HOUR), ..key };
    signing::put(&made.store, &signing::document(&key, &more));
    let ran = about(&made, &early);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!(said(&ran), said_of(Kind::ObjectProved, &early, Some(&key.location())));
}

#[test]
fn every_object_of_a_delivery_answers_for_itself() {
    let spec =
        Spec { hours: 6, logs_per_hour: 2, backfill_every: Some(2), shared_body: true, ..Spec::default() };
    let delivered = support::deliver(&Spec { trails: vec!["audit".to_owned(), "second".to_owned()], ..spec });
    for object in delivered.store.locations() {
        let asked =
            ValidationRequest { objects: vec![object.clone()], ..request(&[], delivered.simulated.end) };
        let ran = run(&delivered.store, &delivered.keys, &asked, 2);
        assert_eq!(ran.verdict, Verdict::Intact, "{object}: {:#?}", ran.findings);
        let proved = ran.findings.iter().filter(|finding| finding.kind == Kind::ObjectProved);
        assert!(proved.count() >= 1, "{object}");
        delivered.store.put(&object, b"x", &Metadata::new()).unwrap();
        let ran = run(&delivered.store, &delivered.keys, &asked, 2);
        assert_eq!(ran.verdict, Verdict::Tampered, "{object}: {:#?}", ran.findings);
        return_to(&delivered, &object);
    }
}

/// Puts an object back as it was delivered, and makes sure that nothing is said of the whole.
fn return_to(delivered: &support::Delivered, object: &Location) {
    delivered.store.purge(object);
    let again = support::deliver(&Spec {
        hours: 6,
        logs_per_hour: 2,
        backfill_every: Some(2),
        shared_body: true,
        trails: vec!["audit".to_owned(), "second".to_owned()],
        ..Spec::default()
    });
    let (bytes, metadata) = crate::bodies::read(&again.store, object);
    delivered.store.put(object, &bytes, &metadata).unwrap();
}

#[test]
fn a_digest_answers_for_itself_and_its_log_files() {
    let made = at_root("p/", "");
    for digest in &made.digests {
        let ran = about(&made, digest);
        assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Intact, 1), "{:#?}", ran.findings);
        assert_eq!(said(&ran), said_of(Kind::ObjectProved, digest, None));
    }
    // Its log files are its own, and other digests' are not.
    made.store.put(&made.logs[1], &gzip(b"{}"), &Metadata::new()).unwrap();
    assert_eq!(about(&made, &made.digests[0]).verdict, Verdict::Intact);
    let ran = about(&made, &made.digests[1]);
    assert_eq!(said(&ran), said_of(Kind::LogModified, &made.logs[1], Some(&made.digests[1])));
    made.store.purge(&made.digests[1]);
    let ran = about(&made, &made.digests[1]);
    assert_eq!(
        (ran.verdict, ran.kinds()),
        (Verdict::Tampered, vec![Kind::DigestMissing]),
        "{:#?}",
        ran.findings
    );
    let nowhere = Location::new("b", made.digests[1].key.replace("020657Z", "023000Z"));
    let ran = about(&made, &nowhere);
    assert_eq!(
        (ran.verdict, ran.kinds()),
        (Verdict::Incomplete, vec![Kind::NoDigests]),
        "{:#?}",
        ran.findings
    );
    made.store.put(&nowhere, b"x", &Metadata::new()).unwrap();
    let ran = about(&made, &nowhere);
    assert_eq!(
        (ran.verdict, ran.kinds()),
        (Verdict::Tampered, vec![Kind::DigestMalformed]),
        "{:#?}",
        ran.findings
    );
}

#[test]
fn what_is_no_place_of_an_object_is_refused() {
    let made = at_root("", "");
    for (from, to) in
        [("_audit_", "_a_"), (".json.gz", ".txt"), ("20260901T", "20260902T"), ("/2026/09/01/", "/2026/")]
    {
        let digest = Location::new("b", made.digests[1].key.replace(from, to));
        let asked = ValidationRequest { objects: vec![digest], ..asking(&[], made.end) };
        let error = refused(&made.store, &asked);
        assert!(matches!(error, Some(SourceError::Segment { .. })), "{from} {to}: {error:?}");
    }
    let mixed = ValidationRequest { objects: vec![made.logs[0].clone()], ..asking(&[("b", "")], made.end) };
    assert!(matches!(refused(&made.store, &mixed), Some(SourceError::Mixed { .. })));
}

#[test]
fn narrowing_that_leaves_an_object_out_is_said() {
    let made = at_root("", "");
    for (account, region) in [("222233334444", "us-east-1"), ("111122223333", "eu-west-1")] {
        let mut asked = ValidationRequest { objects: vec![made.logs[0].clone()], ..asking(&[], made.end) };
        (asked.accounts, asked.regions) = (vec![account.to_owned()], vec![region.to_owned()]);
        let ran = made.ran(&asked);
        assert_eq!((ran.verdict, ran.kinds()), (Verdict::Incomplete, vec![Kind::NoDigests]));
        assert!(ran.findings.iter().all(|finding| finding.severity < Severity::Tampered));
    }
}
