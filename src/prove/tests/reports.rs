//! The report of a chain: what it counts, in which order, and how its parts join.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{World, at, chain, fields, follow, hours, key_at, log_entry, made, signed};
use crate::digest::ListedLog;
use crate::event::{Counts, Fault, Finding, Kind, ObjectState, ObjectType, TimeState, Timeline, Trace};
use crate::gzip::Sizes;

const SIZES: Sizes = Sizes { compressed: 3, inflated: 5 };

/// A chain of so many hours, of which some list log files.
fn listing(count: i64, hours: &[i64], seen: fn(&ListedLog) -> LogSeen) -> World {
    let mut world = made(count, |hour, fields| {
        if hours.contains(&hour) {
            fields["logFiles"] = json!([log_entry(&format!("log-{hour}"))]);
        }
    });
    world.log_seen = seen;
    world
}

#[test]
fn the_timeline_tells_quiet_hours_from_others() {
    let world = listing(8, &[2, 3, 5, 6], |log| match log.location.key.contains("log-5") {
        true => LogSeen::Gone(Trace::Nothing),
        false => LogSeen::Valid(SIZES),
    });
    let timeline = world.prove().report.timeline.unwrap();
    assert_eq!((timeline.step(), timeline.to_string().as_str()), (HOUR.unsigned_abs(), "1q2p1q1t1p1q"));
    // The digest that starts the chain covers nothing, and a gap is shown as one.
    let mut world = listing(8, &[2, 3], |_| LogSeen::Valid(SIZES));
    world.digest(at(5)).content = DigestContent::Unreadable("denied".to_owned());
    assert_eq!(world.prove().report.timeline.unwrap().to_string(), "1q2p1q1u2q");
    // What lies outside of the asked range is not shown.
    world.ask(2, 4);
    assert_eq!(world.prove().report.timeline.unwrap().to_string(), "1p1q");
    // Backfill digests cover no time, and their hours are shown.
    let keys: Vec<DigestKey> = (0..3).map(|hour| DigestKey { backfill: true, ..key_at(hour) }).collect();
    let backfill = chain(&keys, |hour, fields| {
        if hour == 1 {
            fields["logFiles"] = json!([log_entry("late")]);
        }
    });
    assert_eq!(backfill.prove().report.timeline.unwrap().to_string(), "1q1p1q");
}

#[test]
fn the_timeline_shows_uncovered_time() {
    let shown = |world: &World| world.prove().report.timeline.unwrap().to_string();
    // Logging was stopped, and began anew.
    let mut world = hours(4);
    let later = chain(&(10..14).map(key_at).collect::<Vec<_>>(), |_, _| {});
    world.list(later.ends());
    world.lies.extend(later.lies);
    (world.scope.range.end, world.scope.now) = (at(13), at(13));
    assert_eq!(shown(&world), "3q7g3q");
    // The newest digest is out of date.
    let mut stale = hours(4);
    (stale.scope.range.end, stale.scope.now) = (at(6), at(90));
    assert_eq!(shown(&stale), "1q1g");
    // Findings with a time of their own are no gaps, but for newest digests that nothing names.
    for (fault, timeline) in [
        (Fault::ChainRestarts, "1q"),
        (Fault::DigestGone(Trace::Nothing), "1q1g"),
        (Fault::NewerDelivered { late: HOUR, delivered: at(5) }, "1q1g"),
    ] {
        let mut world = hours(4);
        world.scope.range.end = at(6);
        let mut prover = world.prover();
        world.take(&mut prover, 10);
        assert!(prover.advance().is_empty());
        prover.report(Finding::new(fault, at(6)).over(Interval { start: at(3), end: at(6) }));
        assert_eq!(prover.finish().timeline.unwrap().to_string(), timeline);
    }
    // The run ended early.
    let mut prover = world.prover();
    world.take(&mut prover, 3);
    assert!(prover.advance().is_empty());
    prover.leave_out_rest();
    assert_eq!(prover.finish().timeline.unwrap().to_string(), "11u3q");
}

/// The hour before logging began has log files with or without findings.
#[test]
fn a_finding_on_a_log_file_says_more_than_that_nothing_is_covered() {
    for (seen, told) in [
        (LogSeen::Valid(SIZES), "0 nothing-covered"),
        (LogSeen::Gone(Trace::Nothing), "0 log-missing"),
        (LogSeen::Different, "0 log-reads-differ"),
    ] {
        let mut world = listing(1, &[0], |_| LogSeen::Valid(SIZES));
        world.scope.report_proved = true;
        let mut prover = world.prover();
        world.take(&mut prover, 10);
        assert!(prover.advance().is_empty());
        for proved in prover.take_proved() {
            proved.digest.logs().iter().for_each(|log| prover.log(proved.digest.file(), log, seen.clone()));
        }
        let report = prover.finish();
        let causes: Vec<_> = report.findings.iter().filter_map(|finding| finding.fault.cause()).collect();
        assert_eq!(causes.contains(&"nothing-covered"), told.contains("nothing-covered"), "{causes:?}");
        assert!(causes.iter().any(|cause| told.ends_with(cause)), "{causes:?}");
    }
}

#[test]
fn objects_are_in_order_of_time_each_digest_before_its_log_files() {
    // Some names sort before the digest's, and some after.
    let names = ["A", "a", "AWSLogs/111122223333/CloudTrail/z", "zz", "0"];
    let world = made(3, |hour, fields| {
        let entries = names.map(|name| {
            let mut entry = log_entry("x");
            entry["s3Object"] = json!(format!("{name}-{hour}"));
            entry
        });
        fields["logFiles"] = json!(entries);
    });
    let objects = world.prove().report.objects;
    let mut expected = Vec::new();
    for hour in 0..3 {
        expected.push((ObjectType::Digest, key_at(hour).location().to_string()));
        let mut logs = names.map(|name| format!("s3://b/{name}-{hour}"));
        logs.sort();
        expected.extend(logs.map(|log| (ObjectType::Log, log)));
    }
    let told: Vec<_> = objects.into_iter().map(|(object, uri, _)| (object, uri)).collect();
    assert_eq!(told, expected);
}

#[test]
fn log_files_that_an_earlier_run_proved_are_counted_apart() {
    let report = listing(4, &[1, 3], |log| match log.location.key.contains("log-1") {
        true => LogSeen::Remembered,
        false => LogSeen::Valid(SIZES),
    })
    .prove()
    .report;
    assert_eq!((report.logs, report.counts.logs.remembered, report.counts.logs.valid), (2, 1, 1));
}

/// Log files that were hashed in parts make the report that they make at once.
#[test]
fn parts_of_log_files_add_up() {
    let seen: fn(&ListedLog) -> LogSeen = |log| match log.location.key.as_bytes() {
        key if key.ends_with(b"log-1.json.gz") => LogSeen::Gone(Trace::Nothing),
        key if key.ends_with(b"log-2.json.gz") => LogSeen::LeftOut,
        key if key.ends_with(b"log-4.json.gz") => LogSeen::Different,
        key if key.ends_with(b"log-6.json.gz") => LogSeen::LeftOut,
        _ => LogSeen::Valid(SIZES),
    };
    let world = listing(8, &[1, 2, 3, 4, 5, 6, 7], seen);
    let whole = world.prove().report;
    assert_eq!((whole.logs, whole.counts.logs.unverified, whole.interrupted), (7, 3, true));
    for cut in 0..8 {
        let part = |hours: std::ops::Range<i64>| {
            let mut prover = world.prover();
            world.take(&mut prover, 10);
            assert!(prover.advance().is_empty());
            for proved in prover.take_proved() {
                let end = proved.digest.file().window().end;
                if hours.clone().any(|hour| at(hour) == end) {
                    let logs = proved.digest.logs().iter();
                    logs.for_each(|log| prover.log(proved.digest.file(), log, seen(log)));
                }
            }
            prover.end()
        };
        let ((walk, mut logs), (_, rest)) = (part(0..cut), part(cut..8));
        logs.add(rest);
        assert_eq!(walk.finish(logs), whole, "cut at {cut}");
    }
    // The oldest of those left out is told, whichever part has it.
    let unread = |count, hour| ChainLogs { unread: Some((count, at(hour))), ..ChainLogs::default() };
    let none = ChainLogs::default;
    for (one, other, told) in [
        (unread(2, 5), unread(3, 4), Some((5, at(4)))),
        (unread(3, 4), unread(2, 5), Some((5, at(4)))),
        (none(), unread(2, 5), Some((2, at(5)))),
        (unread(2, 5), none(), Some((2, at(5)))),
        (none(), none(), None),
    ] {
        let mut joined = one;
        joined.add(other);
        assert_eq!(joined.unread, told);
    }
    let timeline = |state| {
        let mut timeline = Timeline::starting(at(0));
        timeline.push(HOUR.unsigned_abs(), state);
        Some(timeline)
    };
    let of = |state| ChainLogs { timeline: timeline(state), ..ChainLogs::default() };
    let mut joined = of(TimeState::Unverified);
    joined.add(of(TimeState::Tampered));
    assert_eq!(joined.timeline, timeline(TimeState::Tampered));
}

#[test]
fn a_chain_without_digests_and_findings_is_not_reported() {
    let mut world = hours(4);
    world.ask(-9, -5);
    let mut report = world.prove().report;
    assert!(!report.is_reportable());
    report.report_backfill_alone(at(2));
    assert!(report.is_reportable());
    let [found] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert_eq!((&found.fault, found.kind, found.at), (&Fault::BackfillAlone, Kind::NoDigests, at(2)));
    assert_eq!(found.trail.as_deref(), Some("audit"));
    assert!(hours(4).prove().report.is_reportable());
    let mut silent = hours(4).prove().report;
    silent.findings.clear();
    assert!(silent.is_reportable());
}

/// A finding on a digest tells its content from any other in that place, so that an acceptance covers no other.
#[test]
fn findings_on_digests_name_the_content() {
    let mut world = hours(4);
    let mut other = fields(&key_at(2));
    follow(&mut other, world.digest(at(1)));
    other["newestEventTime"] = json!("2026-09-01T00:00:00Z");
    let other = signed(&other);
    world.put(other.clone());
    let proved = world.prove();
    let found = proved.finding("other-digest-recorded");
    let content = format!("{} {}", other.file().unwrap().hash(), other.signature.unwrap());
    assert_eq!(found.content.as_ref(), Some(&content));
    let mut unsigned = hours(4);
    unsigned.digest(at(3)).signature = None;
    let hash = unsigned.digest(at(3)).file().unwrap().hash();
    assert_eq!(unsigned.prove().finding("unsigned").content, Some(format!("{hash} ")));
}

/// A digest is signed after it is generated, and not before its end.
#[test]
fn a_digest_is_signed_from_its_end_on() {
    let mut read = signed(&fields(&key_at(2)));
    for (generated, from) in [(None, at(2)), (Some(at(1)), at(2)), (Some(at(2).plus(600)), at(2).plus(600))] {
        read.generated = generated;
        assert_eq!(read.signed_from(), Some(from));
    }
    assert_eq!(ReadDigest::gone(key_at(2).location(), at(2)).signed_from(), None);
}

/// A prover without digests to read has work where an earlier run remembers some.
#[test]
fn a_prover_is_due_for_what_is_remembered() {
    let world = hours(3);
    let head = world.head(at(2));
    let mut plain = world.prover();
    assert!(!plain.is_due());
    world.take(&mut plain, 10);
    assert!(!plain.is_due());
    assert!(plain.advance().is_empty() && !plain.is_due());
    let mut gone = world.clone();
    (0..3).for_each(|hour| gone.lose(at(hour)));
    assert!(!gone.prover().is_due());
    let mut prover = gone.prover();
    prover.remember([head.clone()]);
    assert!(prover.is_due());
    // Not yet: digests are to be read, and to be judged.
    let mut beside = world.prover();
    beside.remember([RememberedHead { location: key_at(9).location(), end: at(9), ..head.clone() }]);
    assert!(!beside.is_due());
    world.take(&mut beside, 10);
    assert!(!beside.is_due());
    // What is left out is not looked for.
    prover.leave_out_rest();
    assert!(!prover.is_due());
}

/// A chain that was not asked for is read as a witness, and nothing is said of it.
#[test]
fn a_chain_that_was_not_selected_is_silent() {
    let mut world = listing(5, &[1, 2], |_| LogSeen::Gone(Trace::Nothing));
    world.lose(at(3));
    world.scope.selected = false;
    assert!(!world.prover().is_selected());
    let proved = world.prove();
    assert_eq!((proved.told(), proved.notices(), proved.report.counts), (vec![], vec![], Counts::default()));
    assert!(proved.digests.iter().all(|(_, counted)| !counted));
    assert_eq!((proved.report.objects.len(), proved.report.timeline), (0, None));
}

#[test]
fn a_state_is_that_of_the_gravest_finding() {
    let of = |fault| Finding::new(fault, at(0));
    let (tampered, unverified) = (of(Fault::DigestGone(Trace::Nothing)), of(Fault::DigestReadsDiffer));
    let notice = of(Fault::RecordBegins);
    for (found, proved, state) in [
        (vec![], true, ObjectState::Valid),
        (vec![], false, ObjectState::Unverified),
        (vec![notice.clone()], true, ObjectState::Valid),
        (vec![notice.clone()], false, ObjectState::Unverified),
        (vec![notice.clone(), unverified.clone()], true, ObjectState::Unverified),
        (vec![unverified, tampered, notice], true, ObjectState::Tampered),
    ] {
        assert_eq!(super::super::link::digest_state(&found, proved), state);
    }
}
