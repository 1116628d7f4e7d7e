//! Every kind of rollback between two runs, with the verdict of a run without memory beside.

mod sealed;

use trailproof::event::Verdict::{self, Incomplete, Intact, Tampered};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, StoreError};

use super::{Memory, World, small};
use crate::bodies::{gzip, read};
use crate::support::run;

/// A change between two runs: its name, the delivery, the change, the verdict of the second run without and with memory,
/// and a cause of the findings with memory.
type Row = (&'static str, Spec, fn(&World), Verdict, Verdict, &'static str);

fn two_regions() -> Spec {
    Spec { regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()], ..small() }
}

fn two_accounts() -> Spec {
    Spec { accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()], ..small() }
}

fn two_trails() -> Spec {
    Spec { trails: vec!["audit".to_owned(), "security".to_owned()], ..small() }
}

/// Logging stops in hour 2 and begins anew in hour 3.
fn stopped() -> Spec {
    Spec { stop: Some((2, 1)), ..small() }
}

/// Puts another delivery in place of what is there.
fn replace(world: &World, spec: &Spec) {
    world.purge(&world.store.locations());
    let other = World::of(spec);
    for location in other.store.locations() {
        let (body, metadata) = read(&other.store, &location);
        world.store.put(&location, &body, &metadata).unwrap();
    }
}

fn rows() -> Vec<Row> {
    vec![
        ("nothing", small(), |_| {}, Intact, Intact, ""),
        ("newest digest deleted", small(), |world| world.roll_back(1), Intact, Tampered, "digest-missing"),
        (
            "newest digest behind a delete marker",
            small(),
            |world| {
                let newest = world.newest();
                world.roll_back(1);
                world.store.put(&newest, b"x", &Metadata::new()).unwrap();
                world.store.delete(&newest).unwrap();
            },
            Intact,
            Tampered,
            "digest-deleted",
        ),
        ("three hours deleted", small(), |world| world.roll_back(3), Intact, Tampered, "digest-missing"),
        (
            "last day deleted",
            Spec { hours: 40, ..small() },
            |world| world.roll_back(24),
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "everything deleted",
            small(),
            |world| world.purge(&world.store.locations()),
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "everything but an unrelated file deleted",
            small(),
            |world| {
                world.purge(&world.store.locations());
                let readme = trailproof::ident::Location::new("trail-logs", "README.txt");
                world.store.put(&readme, b"x", &Metadata::new()).unwrap();
            },
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "digests deleted, log files left",
            small(),
            |world| world.purge_with(&["/CloudTrail-Digest/"]),
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "log files deleted, digests left",
            small(),
            |world| world.purge_with(&["/CloudTrail/"]),
            Tampered,
            Tampered,
            "log-missing",
        ),
        (
            "region gone",
            two_regions(),
            |world| world.purge_with(&["/eu-west-1/"]),
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "account gone",
            two_accounts(),
            |world| world.purge_with(&["/444455556666/"]),
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "account of an organization gone",
            Spec { organization: Some("o-abcdefghij".to_owned()), ..two_accounts() },
            |world| world.purge_with(&["/444455556666/"]),
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "digests of a region gone",
            two_regions(),
            |world| world.purge_with(&["/CloudTrail-Digest/eu-west-1/"]),
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "one of two trails gone",
            two_trails(),
            |world| {
                let digests = world.with(&["_security_us-east-1_"]);
                let keeps: Vec<_> = digests.clone();
                world.purge(&keeps);
            },
            // Its log files are left, and no digest lists them.
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "trail replaced by another trail",
            small(),
            |world| replace(world, &Spec { trails: vec!["other".to_owned()], ..small() }),
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "trail created anew",
            small(),
            |world| {
                let spec = small();
                replace(world, &Spec { start: spec.start.plus(4 * 3_600 + 60), hours: 2, ..spec });
            },
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "whole chain replaced by another genuine one",
            small(),
            |world| replace(world, &Spec { logs_per_hour: 2, ..small() }),
            Intact,
            Tampered,
            "not-as-remembered",
        ),
        (
            "older digest in place of the newest",
            small(),
            |world| {
                let older = world.digests(&[])[2].clone();
                let (body, metadata) = read(&world.store, &older);
                world.store.put(&world.newest(), &body, &metadata).unwrap();
            },
            Tampered,
            Tampered,
            "digest-elsewhere",
        ),
        (
            "newest digest replaced by junk",
            small(),
            |world| world.store.put(&world.newest(), b"junk", &Metadata::new()).unwrap(),
            Tampered,
            Tampered,
            "digest-body",
        ),
        (
            "newest digest replaced by an unsigned one",
            small(),
            |world| {
                let newest = world.newest();
                let text = String::from_utf8(crate::bodies::content(&world.store, &newest)).unwrap();
                let forged = text.replace("\"SHA-256\"", "\"SHA-256\" ");
                assert_ne!(forged, text);
                world.store.put(&newest, &gzip(forged.as_bytes()), &Metadata::new()).unwrap();
            },
            Incomplete,
            Tampered,
            "not-as-remembered",
        ),
        (
            "metadata of the newest digest lost: memory proves it",
            small(),
            |world| {
                let newest = world.newest();
                let body = read(&world.store, &newest).0;
                world.store.put(&newest, &body, &Metadata::new()).unwrap();
            },
            Incomplete,
            Intact,
            "",
        ),
        (
            "digest in the middle deleted",
            small(),
            |world| world.store.purge(&world.digests(&[])[3]),
            Tampered,
            Tampered,
            "digest-missing",
        ),
        (
            "everything before a stop deleted",
            stopped(),
            |world| {
                let all = world.digests(&[]);
                let stop = world.end.plus(-3 * 3_600);
                let old = all.into_iter().filter(|digest| {
                    trailproof::ident::DigestKey::parse(digest).is_some_and(|key| key.end < stop)
                });
                let old: Vec<_> = old.collect();
                assert!(!old.is_empty());
                world.purge(&old);
                let logs = world.with(&["/CloudTrail/"]);
                let is_old = |log: &&trailproof::ident::Location| {
                    let minute =
                        log.name().split('_').nth(3).and_then(trailproof::time::Timestamp::parse_log_name);
                    minute.is_some_and(|minute| minute < stop)
                };
                world.purge(&logs.iter().filter(is_old).cloned().collect::<Vec<_>>());
            },
            Intact,
            Tampered,
            "digest-missing",
        ),
        (
            "backfill digests gone",
            Spec { backfill_every: Some(2), ..small() },
            |world| world.purge_with(&["_backfill.json.gz"]),
            // The log files that only backfill digests list are left.
            Incomplete,
            Tampered,
            "digest-missing",
        ),
        (
            "newest digest cannot be read",
            small(),
            |world| {
                let newest = world.newest();
                world.store.refuse(&newest, StoreError::Denied("on purpose".to_owned()));
            },
            Incomplete,
            Incomplete,
            "unreadable-digest",
        ),
        (
            "deleted region cannot be asked about",
            two_regions(),
            |world| {
                let gone = world.digests(&["/eu-west-1/"]);
                world.purge_with(&["/eu-west-1/"]);
                for digest in gone {
                    world.store.refuse(&digest, StoreError::Archived("on purpose".to_owned()));
                }
            },
            Incomplete,
            Incomplete,
            "unreadable-digest",
        ),
    ]
}

#[test]
fn every_rollback_is_seen() {
    let rows: Vec<Row> = rows().into_iter().chain(sealed::rows()).collect();
    assert!(rows.len() >= 40, "{}", rows.len());
    for (name, spec, change, without, with, cause) in rows {
        let world = World::of(&spec);
        let memory = Memory::new();
        let request = world.request();
        let first = memory.run(&world, &request, 1);
        let before = memory.heads();
        assert!(!first.interrupted, "{name}");
        assert!(!before.is_empty(), "{name}: nothing is remembered: {}", first.said());
        change(&world);
        let plain = run(&world.store, &world.keys, &request, 2);
        assert_eq!(plain.verdict, without, "{name}, without memory: {:?}", plain.kinds());
        let second = memory.run(&world, &request, 2);
        assert_eq!(second.verdict, with, "{name}: {}", second.said());
        assert!(cause.is_empty() || second.causes().contains(&cause), "{name}: {}", second.said());
        // A tampered run gives up no head, and the next run is as severe.
        let after = memory.heads();
        assert!(before.iter().all(|head| after.contains(head)), "{name}: {before:?} {after:?}");
        let third = memory.run(&world, &request, 3);
        assert_eq!((third.verdict, third.causes()), (with, second.causes()), "{name}");
        let new = |told: &super::Remembered| {
            let status = |finding: &trailproof::event::Finding| {
                finding.memory.as_ref().and_then(|memory| memory.status)
            };
            told.findings
                .iter()
                .filter(|finding| status(finding) == Some(trailproof::event::FindingStatus::New))
                .count()
        };
        assert_eq!(new(&third), 0, "{name}: {}", third.said());
    }
}

#[test]
fn the_run_that_proved_a_lost_digest_is_named() {
    let world = World::of(&small());
    let memory = Memory::new();
    memory.run(&world, &world.request(), 1);
    world.roll_back(2);
    let second = memory.run(&world, &world.request(), 2);
    assert!(second.said().contains("run `run-1` proved the digest"), "{}", second.said());
}

#[test]
fn what_was_never_there_is_a_notice() {
    let world = World::of(&small());
    let memory = Memory::new();
    let first = memory.run(&world, &world.request(), 1);
    assert!(!first.notices().contains(&"new-chain"), "{}", first.said());
    let other = World::of(&Spec { regions: vec!["eu-west-1".to_owned()], ..small() });
    for location in other.store.locations() {
        let (body, metadata) = read(&other.store, &location);
        world.store.put(&location, &body, &metadata).unwrap();
    }
    let world = World { keys: World::of(&two_regions()).keys, ..world };
    let second = memory.run(&world, &world.request(), 2);
    assert!(second.notices().contains(&"new-chain"), "{}", second.said());
    let third = memory.run(&world, &world.request(), 3);
    assert!(!third.notices().contains(&"new-chain"), "{}", third.said());
}

/// What was not asked about is not judged, and its memory stays as it was.
#[test]
fn narrowed_runs_judge_what_was_asked() {
    let spec = Spec { accounts: two_accounts().accounts, trails: two_trails().trails, ..two_regions() };
    let world = World::of(&spec);
    let memory = Memory::new();
    memory.run(&world, &world.request(), 1);
    world.purge_with(&["/eu-west-1/"]);
    world.purge_with(&["/444455556666/"]);
    let before = memory.heads();
    let asked = |accounts: &[&str], regions: &[&str], trails: &[&str]| {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut request = world.request();
        (request.accounts, request.regions, request.trails) = (own(accounts), own(regions), own(trails));
        request
    };
    let whole = ["111122223333"];
    for (number, (request, verdict)) in [
        (asked(&whole, &["us-east-1"], &[]), Intact),
        (asked(&whole, &["us-east-1"], &["audit"]), Intact),
        (asked(&whole, &[], &[]), Tampered),
        (asked(&[], &["us-east-1"], &["security"]), Tampered),
        (asked(&["444455556666"], &[], &[]), Tampered),
        (asked(&["777788889999"], &[], &[]), Incomplete),
    ]
    .into_iter()
    .enumerate()
    {
        let told = memory.run(&world, &request, 2 + u32::try_from(number).unwrap());
        assert_eq!(told.verdict, verdict, "{number}: {}", told.said());
        assert_eq!(memory.heads(), before, "{number}");
    }
    // What ended before the asked start is not asked for.
    let mut late = World::of(&small()).request();
    late.range.start = Some(world.end.plus(7_200));
    late.range.end = world.end.plus(10_800);
    late.now = late.range.end;
    let told = memory.run(&world, &late, 9);
    assert!(!told.causes().contains(&"digest-missing"), "{}", told.said());
    assert_eq!(memory.heads(), before);
}
