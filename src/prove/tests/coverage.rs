//! Rule 4: proved digests tile the asked interval, and a digest that starts a chain covers nothing before its end.

use super::super::*;
use super::names::*;
use super::world::{World, at, hours, key_at, made};
use crate::event::{Fault, Reason};
use crate::ident::Sha256Hash;
use crate::time::DELIVERY_GRACE;

fn covered(proved: &super::world::Proved) -> Vec<(i64, i64)> {
    let hour = |at: Timestamp| (at.unix() - super::world::at(0).unix()) / HOUR;
    proved.report.covered.iter().map(|one| (hour(one.start), hour(one.end))).collect()
}

#[test]
fn the_digest_that_starts_a_chain_covers_nothing() {
    let proved = hours(4).prove();
    assert_eq!((covered(&proved), proved.report.begins), (vec![(0, 3)], Some(at(0))));
    assert_eq!(proved.finding("record-begins").uri, Some(key_at(0).location().to_string()));
    // It is all there is.
    let proved = hours(1).prove();
    assert_eq!((proved.told(), covered(&proved)), (vec!["0 nothing-covered".to_owned()], vec![]));
    // An hour before the range: then it tells nothing, and something else does.
    let mut world = hours(4);
    world.ask(0, 3);
    assert_eq!((world.prove().told(), world.prove().report.begins), (vec![], None));
}

#[test]
fn the_asked_stretch_has_to_be_covered() {
    let mut world = hours(8);
    world.ask(2, 5);
    let proved = world.prove();
    assert_eq!((proved.told(), covered(&proved)), (vec![], vec![(2, 5)]));
    assert_eq!((proved.report.gaps.len(), proved.report.digests), (0, 3));
    // Before the record, and nobody can say whether that was all.
    world.ask(-5, 5);
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.report.gaps.clone()),
        (
            vec!["-5 before-the-record".to_owned()],
            vec![(Interval { start: at(-5), end: at(0) }, Reason::NotCovered)]
        )
    );
    // The digest that starts the chain cannot be proved: then nothing tells that it does.
    world.digest(at(0)).content = DigestContent::Unreadable("denied".to_owned());
    assert_eq!(world.prove().told(), ["-5 not-covered", "0 unreadable-digest"]);
}

#[test]
fn a_gap_says_why() {
    // Three hours are gone, and the digest after them is not proved.
    let mut world = hours(8);
    (2..4).for_each(|hour| world.lose(at(hour)));
    world.digest(at(5)).content = DigestContent::Unreadable("denied".to_owned());
    let proved = world.prove();
    let told =
        ["1 digests-missing", "2 digest-missing", "3 digest-missing", "4 not-covered", "5 unreadable-digest"];
    assert_eq!(proved.told(), told);
    let gap = |start: i64, end: i64, reason| (Interval { start: at(start), end: at(end) }, reason);
    assert_eq!(proved.report.gaps, [gap(1, 3, Reason::DigestsMissing), gap(4, 5, Reason::NotCovered)]);
}

/// A world of hours 0 to 3 and, after a stop, 10 to 13.
fn restarted() -> World {
    let mut world = hours(4);
    let later = super::world::chain(&(10..14).map(key_at).collect::<Vec<_>>(), |_, _| {});
    world.list(later.ends());
    world.lies.extend(later.lies);
    (world.scope.range.end, world.scope.now) = (at(13), at(13));
    world
}

#[test]
fn a_restart_is_a_gap_where_time_is_uncovered() {
    let proved = restarted().prove();
    assert_eq!(proved.told(), ["3 logging-stopped"]);
    assert_eq!(proved.report.gaps, [(Interval { start: at(3), end: at(10) }, Reason::LoggingStopped)]);
    assert_eq!(covered(&proved), [(0, 3), (10, 13)]);
    assert_eq!(proved.report.begins, Some(at(0)));
    // The old chain is not there at all: then the record begins with the new one.
    let mut world = restarted();
    (0..4).for_each(|hour| world.lose(at(hour)));
    assert_eq!((world.prove().told(), world.prove().report.begins), (vec![], Some(at(10))));
    // It ended before the asked range, and only the listing names it.
    let mut world = restarted();
    world.ask(5, 12);
    assert_eq!(world.prove().told(), ["5 logging-stopped"]);
    // It is there, unproved.
    let mut world = restarted();
    (0..4).for_each(|hour| world.digest(at(hour)).key = None);
    assert_eq!(world.prove().told()[0], "-1 not-covered");
    assert!(!world.prove().told().iter().any(|told| told.contains("begins")));
    assert_eq!(world.prove().report.begins, None);
}

#[test]
fn a_range_in_which_no_digest_lies_is_told_of() {
    for ((start, end), told) in
        [((5, 7), vec!["5 logging-stopped"]), ((-5, -3), vec![]), ((15, 17), vec!["13 stale"])]
    {
        let mut world = restarted();
        world.ask(start, end);
        world.scope.now = at(40);
        assert_eq!(world.prove().told(), told, "{start} {end}");
        assert_eq!(world.prove().report.digests, 0);
    }
    // The newer chain does not begin there: nothing says why no digest is.
    let mut world = restarted();
    world.digest(at(10)).content = DigestContent::Unreadable("denied".to_owned());
    world.ask(5, 7);
    assert_eq!(world.prove().told(), ["5 not-covered"]);
    let mut world = hours(4);
    world.hide(at(0));
    world.ask(-5, -3);
    assert_eq!(world.prove().told(), ["-5 not-covered"]);
    // Without a start, everything is asked for, and the digest after the end records an older one.
    world.scope.range.start = None;
    assert_eq!(world.prove().told(), ["-4 not-covered"]);
    // The names of later digests show no chain.
    let mut world = hours(4);
    (0..4).for_each(|hour| world.digest(at(hour)).content = DigestContent::Unreadable("denied".to_owned()));
    world.scope.range = Range { start: None, end: at(-3) };
    assert_eq!(world.prove().report.gaps, []);
    // It was stopped less than an hour before the asked end, and began anew after it.
    let mut world = restarted();
    world.scope.range.end = at(3).plus(HOUR / 2);
    assert_eq!(world.prove().told(), ["3 stale"]);
    let mut world = hours(4);
    // A digest that ends where the range ends lies in it; one that ends where it starts does not.
    world.ask(3, 3);
    assert_eq!(world.prove().report.digests, 0);
}

#[test]
fn the_newest_digest_may_be_so_late_and_no_later() {
    for (end, now, is_stale) in [
        (HOUR, DELIVERY_GRACE, false),
        (HOUR, DELIVERY_GRACE + 1, true),
        (HOUR - 1, 10 * DELIVERY_GRACE, false),
        (HOUR, 10 * DELIVERY_GRACE, true),
    ] {
        let mut world = hours(4);
        world.scope.range.end = at(3).plus(end);
        world.scope.now = at(3).plus(now);
        let proved = world.prove();
        assert_eq!(proved.told(), if is_stale { vec!["3 stale"] } else { vec![] }, "{end} {now}");
        if is_stale {
            assert_eq!(proved.finding("stale").fault, Fault::Stale { late: HOUR });
            assert_eq!(proved.finding("stale").end, Some(at(3).plus(HOUR)));
        }
    }
}

#[test]
fn cloudtrail_may_know_of_a_newer_digest() {
    for (late, told) in [(0, vec![]), (1, vec!["3 newer-delivered"]), (2 * HOUR, vec!["3 newer-delivered"])] {
        let mut world = hours(4);
        world.scope.range.end = at(3).plus(late);
        let mut prover = world.prover();
        prover.note_newer_delivered(at(5));
        let proved = world.prove_by(prover, 10, &mut |need| world.answer(need));
        assert_eq!(proved.told(), told);
        if late > 0 {
            let fault = Fault::NewerDelivered { late, delivered: at(5) };
            assert_eq!(proved.finding("newer-delivered").fault, fault);
        }
    }
}

/// The run ends early: what is older than the last digest that was judged is left, and nothing else is said of it.
#[test]
fn what_is_left_out_is_interrupted() {
    let world = hours(8);
    let mut prover = world.prover();
    world.take(&mut prover, 3);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    assert!(!prover.known().has_left_out());
    prover.leave_out_rest();
    assert!(prover.known().has_left_out() && prover.unread() == 0);
    let report = prover.finish();
    assert!(report.interrupted);
    // The record before has no known start: the digests left out tell how far it goes.
    assert_eq!(report.gaps, [(Interval { start: at(-1), end: at(4) }, Reason::Interrupted)]);
    // Nothing was judged.
    for start in [None, Some(at(2))] {
        let mut world = hours(8);
        world.scope.range.start = start;
        let mut prover = world.prover();
        prover.leave_out_rest();
        let report = prover.finish();
        let from = start.unwrap_or(at(-1));
        assert_eq!(report.gaps, [(Interval { start: from, end: at(7) }, Reason::Interrupted)]);
        assert!(report.interrupted && report.findings.len() == 1);
    }
}

#[test]
fn backfill_digests_cover_nothing() {
    let keys: Vec<DigestKey> = (0..4).map(|hour| DigestKey { backfill: true, ..key_at(hour) }).collect();
    let world = super::world::chain(&keys, |_, _| {});
    let proved = world.prove();
    assert_eq!((proved.told(), proved.report.covered.len(), proved.report.findings.len()), (vec![], 0, 0));
    let mut prover = world.prover();
    world.take(&mut prover, 2);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    assert_eq!((prover.begins_in(0), prover.known().newest()), (None, None));
    prover.leave_out_rest();
    let report = prover.finish();
    assert_eq!(report.gaps, [(Interval { start: at(-1), end: at(1) }, Reason::Interrupted)]);
}

/// What the search for additions asks: from where to where digests of a folder reach.
#[test]
fn a_folder_knows_its_stretches() {
    let world = hours(4);
    let mut prover = world.prover();
    world.take(&mut prover, 10);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    assert_eq!(prover.begins_in(0), Some(at(0)));
    assert_eq!(prover.begins_in(1), None);
    assert_eq!(prover.known().newest(), Some((at(3), 0)));
    assert_eq!(prover.known().covered_in(0), [Interval { start: at(0), end: at(3) }]);
    assert_eq!(prover.known().covered_in(1), []);
    assert!(
        prover.known().has_digest_in(0) && !prover.known().has_digest_in(1) && prover.known().has_begun()
    );
    assert_eq!((prover.known().digests(), prover.known().listed().len()), (4, 4));
    assert!(prover.is_selected() && *prover.id() == world.scope.id);
    // The oldest does not start the chain: its hour counts.
    let mut world = made(4, |_, _| {});
    world.hide(at(0));
    let mut prover = world.prover();
    world.take(&mut prover, 10);
    assert_eq!(prover.begins_in(0), Some(at(0)));
    assert!(!prover.known().has_begun());
}

/// An acceptance of a gap covers the digests that were listed in it, and no others.
#[test]
fn a_gap_is_told_by_the_digests_listed_in_it() {
    let content = |unread: &[i64]| {
        let mut world = hours(8);
        for hour in unread {
            world.digest(at(*hour)).content = DigestContent::Unreadable("no".to_owned());
        }
        let proved = world.prove();
        let gap = proved.finding("not-covered");
        assert_eq!((gap.start, gap.end), (Some(at(unread[0] - 1)), Some(at(unread[unread.len() - 1]))));
        gap.content.clone()
    };
    for unread in [&[3][..], &[3, 4], &[2, 3, 4, 5]] {
        let ends: Vec<u8> = unread.iter().rev().flat_map(|hour| at(*hour).unix().to_be_bytes()).collect();
        assert_eq!(content(unread), Some(format!("{} listed {}", unread.len(), Sha256Hash::of(&ends))));
    }
    let mut world = hours(8);
    world.lose(at(3));
    assert_eq!(world.prove().finding("digests-missing").content, None);
}
