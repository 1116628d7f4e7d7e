//! Rule 2, `StopLogging` and `StartLogging`: chains that begin anew, and the digests of two that lie between each other.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{World, at, fields, follow, key_at, signed, world};
use crate::event::{Kind, Reason};
use crate::simulate::Spec;

/// A chain that stopped within hour 3, and began anew 20 minutes after, before the last digest's end.
fn paused() -> World {
    world(Spec { hours: 8, pause: Some((3, 20)), ..Spec::default() })
}

/// Of a paused chain, newest first: the last of the old chain, the one that starts the new, and that one's successor.
fn around(world: &World) -> [Timestamp; 3] {
    let ends = world.ends();
    let starting = ends.iter().position(|end| {
        let read = &world.lies[&world.place(*end)];
        read.file().unwrap().previous().is_none() && *end != *ends.last().unwrap()
    });
    let starting = starting.unwrap();
    [ends[starting - 1], ends[starting], ends[starting - 2]]
}

#[test]
fn a_pause_that_leaves_no_time_uncovered_is_a_restart() {
    let world = paused();
    let [last, starting, _] = around(&world);
    let proved = world.prove();
    assert_eq!((proved.kinds(), proved.batches.len()), (vec![Kind::ChainRestart], 0));
    assert_eq!(proved.finding("chain-restarts").start, Some(starting));
    // The next run has to know the newest digest of each chain, and no other.
    let heads: Vec<Timestamp> = proved.report.heads.iter().map(|head| head.end).collect();
    assert_eq!(heads, [world.ends()[0], last]);
    assert_eq!(proved.digest_counts(), (world.listed.len() as u64, 0, 0));
    assert_eq!(proved.report.covered.len(), 1);
}

#[test]
fn a_longer_stop_is_a_gap() {
    let world = world(Spec { hours: 12, stop: Some((5, 3)), ..Spec::default() });
    let proved = world.prove();
    assert_eq!((proved.kinds(), proved.batches.len()), (vec![Kind::ChainGap], 0));
    // The digest that starts the new chain is of the hour before, and covers nothing.
    let (gap, reason) = proved.report.gaps[0];
    assert_eq!((gap.seconds(), reason), (3 * HOUR, Reason::LoggingStopped));
}

#[test]
fn digests_around_a_pause_are_missed_only_where_something_records_them() {
    // The last digest of the old chain: nothing records it.
    let mut world = paused();
    let [last, starting, _] = around(&world);
    world.lose(last);
    let proved = world.prove();
    assert_eq!((proved.kinds(), proved.batches.len()), (vec![Kind::ChainGap], 0));
    assert_eq!(proved.report.gaps[0].1, Reason::LoggingStopped);
    assert_eq!(proved.report.gaps[0].0.end, starting);
    // The one that starts the new chain: its successor does. The one of the old chain is not accused.
    let mut world = paused();
    world.lose(starting);
    let proved = world.prove();
    assert_eq!((proved.kinds(), proved.batches.len()), (vec![Kind::DigestMissing], 1));
    assert_eq!(proved.digest_counts(), (world.listed.len() as u64, 1, 0));
    // It is there, and cannot be read.
    let mut world = paused();
    world.digest(starting).content = DigestContent::Unreadable("denied".to_owned());
    assert_eq!(world.prove().kinds(), [Kind::DigestUnreadable]);
    // Its successor is gone: it is met beside the digest of the old chain, and has room there.
    let mut world = paused();
    let [_, _, successor] = around(&world);
    world.lose(successor);
    let proved = world.prove();
    assert!(
        proved
            .kinds()
            .iter()
            .all(|kind| matches!(kind, Kind::DigestMissing | Kind::ChainGap | Kind::ChainRestart))
    );
    assert_eq!(proved.digest_counts().1, 1);
}

/// The key of a digest that ends so many minutes after hour 0.
fn minute(minutes: i64) -> DigestKey {
    DigestKey { end: at(0).plus(minutes * 60), ..key_at(0) }
}

/// A chain by hand: digests that end at these minutes, the first one starting it, all of them of one hour.
fn put_chain(world: &mut World, minutes: &[i64]) {
    let mut previous: Option<ReadDigest> = None;
    for end in minutes {
        let mut fields = fields(&minute(*end));
        if let Some(previous) = &previous {
            follow(&mut fields, previous);
        }
        let read = signed(&fields);
        world.put(read.clone());
        previous = Some(read);
    }
    world.scope.range.end = world.ends()[0];
    world.scope.now = world.ends()[0];
}

#[test]
fn logging_that_stops_twice_within_an_hour_makes_three_chains() {
    let mut world = super::world::hours(1);
    put_chain(&mut world, &[0, 60, 120]);
    put_chain(&mut world, &[78, 138]);
    put_chain(&mut world, &[96, 156, 216]);
    let proved = world.prove();
    assert_eq!((proved.kinds(), proved.batches.len()), (vec![Kind::ChainRestart, Kind::ChainRestart], 0));
    assert_eq!(proved.digest_counts(), (world.listed.len() as u64, 0, 0));
}

/// Logging was stopped somewhere within the last digest of the old chain, and the asked range ends before the new one begins.
#[test]
fn a_stop_that_may_lie_before_the_asked_end_is_told() {
    for begins in [121, 150, 179] {
        let mut world = super::world::hours(1);
        put_chain(&mut world, &[0, 60]);
        put_chain(&mut world, &[begins, begins + 60, begins + 120]);
        // The last digest of the old chain, from minute 60 to 180, was delivered late and covers two hours.
        let mut last = fields(&minute(180));
        follow(&mut last, &world.lies[&minute(60).location()]);
        last["digestStartTime"] = json!(minute(60).end.to_string());
        world.put(signed(&last));
        for end in [59, 60, 61, 90, 119, 120, 121, 149, 150, 151, 178, 179, 180] {
            world.scope.range.end = minute(end).end;
            world.scope.now = minute(400).end;
            let told = world.prove().told();
            let is_told = told.iter().any(|told| told.contains("chain-restarts"));
            // A session's digests end at the same minute of each hour: this one was stopped after minute 120.
            assert_eq!(is_told, end > 120, "begins at {begins}, asked to {end}: {told:?}");
        }
    }
}

/// A genuine digest that lies between, and ends too late to be the last one of the chain that was stopped.
#[test]
fn only_a_digest_that_was_under_way_is_the_last_of_a_stopped_chain() {
    let mut world = super::world::hours(1);
    put_chain(&mut world, &[0, 60, 120]);
    put_chain(&mut world, &[75, 135]);
    assert_eq!(world.prove().kinds(), [Kind::ChainRestart]);
    // It begins where the new chain does: two digests follow the one that starts it, and one is in the other's place.
    let mut world = super::world::hours(1);
    put_chain(&mut world, &[0, 60]);
    put_chain(&mut world, &[75, 135]);
    let starting = world.lies[&minute(75).location()].clone();
    let mut second = fields(&minute(150));
    follow(&mut second, &starting);
    world.put(signed(&second));
    (world.scope.range.end, world.scope.now) = (minute(150).end, minute(150).end);
    let proved = world.prove();
    assert!(proved.told().contains(&"2 not-the-predecessor".to_owned()), "{:?}", proved.told());
    assert_eq!(proved.finding("not-the-predecessor").uri, Some(minute(135).location().to_string()));
}

/// The chain goes on from the last digest of the stopped chain, and those before it are held against its record.
#[test]
fn digests_that_were_set_aside_are_held_against_their_records() {
    let hash = crate::ident::Sha256Hash([7; 32]).to_string();
    for (other_hash, told) in [(None, "1 overlaps-successor"), (Some(hash), "1 other-digest-recorded")] {
        let mut world = super::world::hours(1);
        // Of the old chain two digests end after the one that starts the new chain.
        put_chain(&mut world, &[0, 60, 110]);
        let first = world.lies[&minute(110).location()].clone();
        let mut last = fields(&minute(130));
        follow(&mut last, &first);
        last["digestStartTime"] = json!(minute(80).end.to_string());
        if let Some(hash) = other_hash {
            last["previousDigestHashValue"] = json!(hash);
        }
        world.put(signed(&last));
        put_chain(&mut world, &[90, 150]);
        let proved = world.prove();
        // The digest before them overlaps too, by the time that this chain was made of.
        assert_eq!(proved.told(), ["1 overlaps-successor", "1 chain-restarts", told][..].to_vec());
        assert_eq!((proved.batches.len(), proved.digests.len()), (0, 6));
    }
}

/// A digest of the stopped chain was set aside, and the one that the new chain records cannot be read: nobody is accused, and
/// the digest counts.
#[test]
fn what_was_set_aside_counts_where_the_digest_before_stays_unknown() {
    for (gone, is_alone) in [(false, false), (true, false), (true, true)] {
        let mut world = super::world::hours(1);
        put_chain(&mut world, &[0, 60, 120]);
        put_chain(&mut world, &[80, 140, 200]);
        let starting = minute(80);
        if gone {
            world.lose(starting.end);
        } else {
            world.digest(starting.end).content = DigestContent::Unreadable("denied".to_owned());
        }
        // The digest before it in its own chain is gone as well.
        if is_alone {
            world.lose(minute(60).end);
        }
        let proved = world.prove();
        let counts = if gone { (5 - u64::from(is_alone), 1, 0) } else { (5, 0, 1) };
        assert_eq!(proved.digest_counts(), counts, "{:?}", proved.told());
        assert!(!proved.kinds().contains(&Kind::ChainBroken), "{:?}", proved.told());
    }
}

/// Backfill digests follow each other in any order.
#[test]
fn backfill_digests_may_overlap_and_follow_in_any_order() {
    let backfill = |hour: i64| DigestKey { backfill: true, ..key_at(hour) };
    let keys: Vec<DigestKey> = (0..5).map(backfill).collect();
    let mut world = super::world::chain(&keys, |hour, fields| {
        if hour == 3 {
            fields["digestStartTime"] = json!(at(1).to_string());
        }
    });
    let proved = world.prove();
    assert_eq!((proved.told(), proved.report.covered.len()), (vec![], 0));
    // No cadence is kept by them: what is gone is asked for where it is recorded, and nowhere else.
    world.lose(at(2));
    world.lose(at(1));
    let proved = world.prove();
    assert_eq!(proved.told(), ["2 digest-missing"]);
    assert_eq!(proved.batches.concat().len(), 1);
    // A digest that starts a chain of its own lies between two that follow each other.
    let mut world = super::world::chain(&keys, |_, _| {});
    let mut skips = fields(&backfill(4));
    follow(&mut skips, world.digest(at(2)));
    world.put(signed(&skips));
    world.put(signed(&fields(&backfill(3))));
    assert_eq!(world.prove().told(), Vec::<String>::new());
    // Hours 3, 5 and 4 were backfilled one after the other, and others in other orders.
    for order in [&[3, 5, 4][..], &[3, 6, 4, 5], &[4, 3, 5], &[3, 4, 6, 5, 7], &[7, 3, 6, 5]] {
        let mut world = super::world::chain(&keys[..1], |_, _| {});
        let mut previous = world.digest(at(0)).clone();
        for hour in order {
            let mut fields = fields(&backfill(*hour));
            follow(&mut fields, &previous);
            previous = signed(&fields);
            world.put(previous.clone());
        }
        (world.scope.range.end, world.scope.now) = (at(8), at(8));
        assert_eq!(world.prove().told(), Vec::<String>::new(), "{order:?}");
        // What is gone is missed where its successor records it.
        if let [.., gone, _] = order {
            world.lose(at(*gone));
            assert_eq!(world.prove().told(), [format!("{gone} digest-missing")], "{order:?}");
        }
    }
}

/// Logging stopped, began and stopped again within an hour: the last digest of the first session keeps its hour, and the
/// last digest of the second session ends when logging stopped.
#[test]
fn a_short_session_within_the_last_hour_of_another_is_no_broken_chain() {
    let mut world = super::world::hours(1);
    put_chain(&mut world, &[0, 60]);
    put_chain(&mut world, &[9]);
    let mut last = fields(&minute(33));
    follow(&mut last, &world.lies[&minute(9).location()].clone());
    last["digestStartTime"] = json!(minute(9).end.to_string());
    world.put(signed(&last));
    (world.scope.range.end, world.scope.now) = (minute(60).end, minute(60).end);
    let proved = world.prove();
    assert!(proved.kinds().iter().all(|kind| *kind == Kind::ChainRestart), "{:?}", proved.told());
}
