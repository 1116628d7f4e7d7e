//! Rule 3: a log file is proved by a proved digest that lists its SHA-256.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{World, at, fields, key_at, log_entry, made, signed};
use crate::digest::{ListedHash, ListedLog};
use crate::event::{BodyFault, Excess, Fault, Finding, ObjectState, ObjectType, Severity, Trace};
use crate::gzip::{BodyError, Sizes};
use crate::ident::Sha256Hash;

const SIZES: Sizes = Sizes { compressed: 3, inflated: 5 };

/// A chain of which hours 1 and 2 list a log file each.
fn listing(seen: fn(&ListedLog) -> LogSeen) -> World {
    let mut world = made(3, |hour, fields| {
        if hour > 0 {
            fields["logFiles"] = json!([log_entry(&format!("log-{hour}"))]);
        }
    });
    world.log_seen = seen;
    world
}

#[test]
fn what_is_seen_of_a_log_file_is_told() {
    type Case = (fn(&ListedLog) -> LogSeen, &'static str, (u64, u64, u64));
    let cases: [Case; 14] = [
        (|_| LogSeen::Valid(SIZES), "", (2, 0, 0)),
        (|_| LogSeen::Other(Sha256Hash([7; 32]), SIZES), "log-content", (0, 2, 0)),
        (|_| LogSeen::NoContent(BodyFault::Trailing, None), "log-body", (0, 2, 0)),
        (|_| LogSeen::Gone(Trace::Nothing), "log-missing", (0, 2, 0)),
        (|_| LogSeen::Gone(Trace::DeleteMarker { deleted: None, kept: None }), "log-deleted", (0, 2, 0)),
        (|_| LogSeen::Gone(Trace::Unknown { why: "no".to_owned() }), "log-versions-unknown", (0, 2, 0)),
        (|_| LogSeen::Gone(Trace::Contradiction { version: "v".to_owned() }), "log-contradiction", (0, 0, 2)),
        (|_| LogSeen::Different, "log-reads-differ", (0, 0, 2)),
        (|_| LogSeen::Unconfirmed("no".to_owned()), "log-unconfirmed", (0, 0, 2)),
        (|_| LogSeen::Oversized(Excess::Stored { limit: 1 }), "oversized-log", (0, 0, 2)),
        (|_| LogSeen::Unreadable("no".to_owned()), "unreadable-log", (0, 0, 2)),
        (|_| LogSeen::Absent("no".to_owned()), "unreadable-log", (0, 0, 2)),
        (|_| LogSeen::Incomparable, "unknown-hash", (0, 0, 2)),
        (|_| LogSeen::LeftOut, "logs-interrupted", (0, 0, 2)),
    ];
    for (seen, cause, counts) in cases {
        let world = listing(seen);
        let proved = world.prove();
        let told: Vec<String> = match cause {
            "" => vec![],
            "logs-interrupted" => vec![format!("1 {cause}")],
            _ => vec![format!("1 {cause}"), format!("2 {cause}")],
        };
        assert_eq!((proved.told(), proved.log_counts()), (told, counts), "{cause}");
        assert_eq!(proved.notices(), Vec::<String>::new(), "{cause}");
        assert_eq!((proved.report.logs, proved.report.interrupted), (2, cause == "logs-interrupted"));
        let sizes = if ["", "log-content"].contains(&cause) { SIZES } else { Sizes::default() };
        assert_eq!(proved.report.counts.compressed_bytes, 3 * 10 + 2 * sizes.compressed);
        assert_eq!(proved.report.counts.inflated_bytes, 3 * 20 + 2 * sizes.inflated);
        // What is proved of a digest does not change.
        assert_eq!(proved.digest_counts(), (3, 0, 0));
        if !["", "logs-interrupted"].contains(&cause) {
            let found = proved.finding(cause);
            assert_eq!(found.digest, Some(key_at(1).location().to_string()));
            assert!(found.uri.as_ref().unwrap().ends_with("log-1.json.gz"));
        }
    }
    let found = listing(|_| LogSeen::Other(Sha256Hash([7; 32]), SIZES)).prove();
    let found = found.finding("log-content");
    assert_eq!(found.expected, Some(Sha256Hash::of(b"log-1").to_string()));
    assert_eq!(found.actual, Some(Sha256Hash([7; 32]).to_string()));
    let body = listing(|_| LogSeen::NoContent(BodyFault::Trailing, Some(Sha256Hash([7; 32])))).prove();
    assert_eq!(body.finding("log-body").actual, Some(Sha256Hash([7; 32]).to_string()));
    let gone = listing(|_| LogSeen::Gone(Trace::Nothing)).prove();
    assert_eq!(gone.finding("log-missing").expected, Some(Sha256Hash::of(b"log-1").to_string()));
    assert_eq!(gone.finding("log-missing").actual, None);
    let absent = listing(|_| LogSeen::Absent("no".to_owned())).prove();
    assert_eq!(absent.finding("unreadable-log").content.as_deref(), Some("absent"));
    let left = listing(|_| LogSeen::LeftOut).prove();
    assert_eq!(left.finding("logs-interrupted").fault, Fault::LogsInterrupted { count: 2 });
}

/// Where the original lies, and the copy where the log file was read, are told with the finding.
#[test]
fn evidence_of_other_places_is_kept() {
    let world = listing(|_| LogSeen::Different);
    let mut prover = world.prover();
    world.take(&mut prover, 10);
    prover.advance();
    for proved in prover.take_proved() {
        for log in proved.digest.logs() {
            let seen = LogSeen::Gone(Trace::Nothing);
            let (original, copy) =
                (Some("s3://b/k?versionId=1".to_owned()), Some("s3://replica/k".to_owned()));
            prover.log(proved.digest.file(), log, LogRead { seen, original, copy });
        }
    }
    let report = prover.finish();
    let found: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.fault == Fault::LogGone(Trace::Nothing)).collect();
    assert_eq!(found.len(), 2);
    for finding in found {
        assert_eq!(finding.original.as_deref(), Some("s3://b/k?versionId=1"));
        assert_eq!(finding.copy.as_deref(), Some("s3://replica/k"));
    }
}

#[test]
fn a_hash_that_cannot_be_compared_is_told_as_written() {
    let mut world = made(2, |_, fields| {
        let mut entry = log_entry("a");
        entry["hashAlgorithm"] = json!("MD5");
        fields["logFiles"] = json!([entry]);
    });
    world.log_seen = |log| {
        assert!(matches!(log.hash, ListedHash::Unknown(_)));
        LogSeen::Incomparable
    };
    let proved = world.prove();
    let Fault::UnknownHash { written } = &proved.finding("unknown-hash").fault else { panic!() };
    assert!(!written.is_empty(), "{written}");
}

/// Where single objects are asked about, each that is proved is a notice.
#[test]
fn a_proved_log_file_is_told_where_that_was_asked() {
    let mut world = listing(|_| LogSeen::Valid(SIZES));
    world.scope.report_proved = true;
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.notices()),
        (vec![], vec!["1 log-proved".to_owned(), "2 log-proved".to_owned()])
    );
    assert_eq!(proved.finding("log-proved").severity, Severity::Notice);
    assert_eq!(proved.finding("log-proved").actual, Some(Sha256Hash::of(b"log-1").to_string()));
}

#[test]
fn one_read_shows_what_it_shows() {
    let log = ListedLog { location: Location::new("b", "k"), hash: ListedHash::Sha256(Sha256Hash([1; 32])) };
    let of = |read| LogSeen::of(&log, read);
    assert_eq!(of(Ok((Sha256Hash([1; 32]), SIZES))), LogSeen::Valid(SIZES));
    assert_eq!(of(Ok((Sha256Hash([2; 32]), SIZES))), LogSeen::Other(Sha256Hash([2; 32]), SIZES));
    assert_eq!(of(Err(BodyError::Malformed(BodyFault::Empty))), LogSeen::NoContent(BodyFault::Empty, None));
    assert_eq!(of(Err(BodyError::TooLarge(9))), LogSeen::Oversized(Excess::Inflated { limit: 9 }));
    assert_eq!(of(Err(BodyError::TooLong(9))), LogSeen::Oversized(Excess::Stored { limit: 9 }));
    assert_eq!(of(Err(BodyError::Unreadable("no".to_owned()))), LogSeen::Unreadable("no".to_owned()));
    let unknown = ListedLog { hash: ListedHash::Unknown("x".into()), ..log.clone() };
    assert_eq!(
        LogSeen::of(&unknown, Ok((Sha256Hash([1; 32]), SIZES))),
        LogSeen::Other(Sha256Hash([1; 32]), SIZES)
    );
}

#[test]
fn every_object_is_kept_in_order_where_that_was_asked() {
    let mut world = listing(|_| LogSeen::Valid(SIZES));
    let objects = world.prove().report.objects;
    let kinds: Vec<ObjectType> = objects.iter().map(|(object, ..)| *object).collect();
    assert_eq!(
        kinds,
        [ObjectType::Digest, ObjectType::Digest, ObjectType::Log, ObjectType::Digest, ObjectType::Log]
    );
    assert!(objects.iter().all(|(.., state)| *state == ObjectState::Valid));
    assert!(objects[0].1 < objects[1].1 && objects[2].1.ends_with("log-1.json.gz"));
    world.scope.every_object = false;
    assert_eq!(world.prove().report.objects, []);
}

/// A chain whose hour 2 is a forged digest that lists so many log files.
fn claiming(count: usize) -> World {
    let mut world = made(3, |_, _| {});
    let mut forged = fields(&key_at(2));
    forged["logFiles"] = (0..count).map(|number| log_entry(&number.to_string())).collect();
    let mut forged = signed(&forged);
    forged.signature = None;
    world.put(forged);
    world
}

#[test]
fn log_files_that_only_an_unproved_digest_lists_are_claims() {
    for (count, cause, findings) in
        [(0, "", 0), (2, "claimed-log", 2), (1_000, "claimed-log", 1_000), (1_001, "claimed-logs", 1)]
    {
        let proved = claiming(count).prove();
        let claims: Vec<String> = proved.told().into_iter().filter(|told| told.contains("claimed")).collect();
        assert_eq!(claims, vec![format!("2 {cause}"); findings]);
        assert_eq!(proved.log_counts(), (0, 0, count as u64));
        assert_eq!(proved.report.logs, count as u64);
        if cause == "claimed-logs" {
            let found = proved.finding(cause);
            assert_eq!(found.fault, Fault::ClaimedLogs { count: 1_001 });
            assert_eq!((&found.uri, &found.digest), (&Some(key_at(2).location().to_string()), &found.uri));
        }
    }
}

/// A log file that a proved digest lists as well is no claim, many or few.
#[test]
fn a_proved_digest_settles_a_claim() {
    for count in [2, 1_001] {
        let world = claiming(count);
        let mut prover = world.prover();
        world.take(&mut prover, 10);
        world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
        let entry = log_entry("1");
        let vouched = reference(&Location::new("b", entry["s3Object"].as_str().unwrap()));
        prover.settle_claims(|hash| hash != vouched, |log| Some(format!("seen {}", log.key)));
        let report = prover.finish();
        assert_eq!(report.counts.logs.unverified, count as u64 - 1);
        let claims = report.findings.iter().filter(|finding| finding.fault == Fault::ClaimedLog);
        for claim in claims {
            let (uri, content) = (claim.uri.as_ref().unwrap(), claim.content.as_ref().unwrap());
            assert_eq!(
                uri.strip_prefix("s3://b/"),
                content.strip_prefix("seen "),
                "what a read showed of it"
            );
        }
        // Nothing is left of them.
        assert_eq!(report.logs, count as u64 - 1);
    }
    // All are listed elsewhere.
    let world = claiming(1_001);
    let mut prover = world.prover();
    world.take(&mut prover, 10);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    prover.settle_claims(|_| false, |_| None);
    assert!(
        prover.finish().findings.iter().all(|finding| !matches!(finding.fault, Fault::ClaimedLogs { .. }))
    );
}

/// Without room for the names of what unproved digests list, the log files are counted by references, and without room for
/// these as they are.
#[test]
fn claims_take_bounded_room() {
    let world = claiming(20);
    let vouched = reference(&Location::new("b", log_entry("1")["s3Object"].as_str().unwrap()));
    let lengths: usize =
        (0..20).map(|number| log_entry(&number.to_string())["s3Object"].as_str().unwrap().len()).sum();
    let exact = lengths + 20 * 512;
    for (room, named, counted) in [
        (ClaimRoom::of(exact, 0), 19, None),
        (ClaimRoom::of(exact - 1, 20), 0, Some(19)),
        (ClaimRoom::default(), 19, None),
        (ClaimRoom::of(usize::MAX, 0), 19, None),
        (ClaimRoom::of(600, 20), 0, Some(19)),
        (ClaimRoom::of(0, 19), 0, Some(20)),
    ] {
        let mut prover = world.prover();
        world.take(&mut prover, 10);
        world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
        let mut left = room.clone();
        prover.make_room_for_claims(&mut left);
        let once = left.clone();
        prover.make_room_for_claims(&mut left);
        assert_eq!(left, once, "room is taken once");
        assert_eq!(prover.claimed_logs().count(), if named > 0 { 20 } else { 0 });
        prover.settle_claims(|hash| hash != vouched, |_| None);
        let report = prover.finish();
        let found = |finding: &&Finding| finding.fault == Fault::ClaimedLog;
        assert_eq!(report.findings.iter().filter(found).count(), named, "{room:?}");
        let count = report.findings.iter().find_map(|finding| match finding.fault {
            Fault::ClaimedLogs { count } => Some(count),
            _ => None,
        });
        assert_eq!(count, counted, "{room:?}");
    }
}

#[test]
fn a_claim_of_a_neighbour_is_nobodys_concern() {
    let mut world = claiming(2);
    world.ask(0, 1);
    let proved = world.prove();
    assert_eq!((proved.told(), proved.log_counts()), (vec![], (0, 0, 0)));
    assert_eq!(proved.report.covered, [Interval { start: at(0), end: at(1) }]);
}

#[test]
fn references_tell_locations_apart() {
    let of = |bucket: &str, key: &str| reference(&Location::new(bucket, key));
    assert_eq!(of("b", "k"), of("b", "k"));
    let all = [of("b", "k"), of("b", "l"), of("c", "k"), of("b/k", ""), of("", "b/k")];
    assert_eq!(BTreeSet::from(all).len(), all.len());
}
