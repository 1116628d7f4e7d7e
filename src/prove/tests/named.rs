//! Rule 2, the walk: what the chain names and no listing does is looked for by name, in its place or in an earlier one.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{Proved, World, at, chain, fields, follow, hours, key_at, made, signed};
use crate::event::{Kind, Trace};

#[test]
fn a_digest_that_no_listing_names_is_found_by_its_name() {
    for hidden in [vec![2], vec![0], vec![1, 2, 3, 4], vec![0, 1, 2, 3, 4]] {
        let mut world = hours(6);
        hidden.iter().for_each(|hour| world.hide(at(*hour)));
        let proved = world.prove();
        assert_eq!((proved.told(), proved.digest_counts()), (vec![], (6, 0, 0)), "{hidden:?}");
        assert_eq!(proved.asked(), hidden.len());
    }
    // Its signature is the one that the digest which names it records.
    let mut world = hours(6);
    world.hide(at(2));
    world.digest(at(2)).signature = None;
    assert_eq!(world.prove().told(), Vec::<String>::new());
    world.digest(at(2)).key = None;
    assert_eq!(world.prove().notices(), ["2 unknown-key"]);
}

/// What a digest found by name records counts for the next older digest, whose signature was checked before.
#[test]
fn a_signature_that_only_an_unlisted_digest_records_is_checked() {
    let told = |hides: bool| {
        let mut world = hours(6);
        world.digest(at(2)).signature = None;
        world.digest(at(2)).metadata_error = Some("not JSON".to_owned());
        if hides {
            world.hide(at(3));
        }
        let proved = world.prove();
        assert_eq!((proved.told(), proved.digest_counts()), (vec![], (6, 0, 0)));
        proved.notices()
    };
    assert_eq!(told(true), told(false));
    assert_eq!(told(true), ["2 metadata-lost"]);
}

#[test]
fn what_is_left_of_a_digest_tells_how_it_went() {
    for (trace, told) in [
        (Trace::Nothing, ["1 digests-missing", "2 digest-missing"]),
        (Trace::DeleteMarker { deleted: None, kept: None }, ["1 digests-missing", "2 digest-deleted"]),
        (Trace::Unknown { why: "no".to_owned() }, ["1 digests-missing", "2 digest-versions-unknown"]),
        (Trace::Contradiction { version: "v".to_owned() }, ["1 not-covered", "2 digest-contradiction"]),
    ] {
        let mut world = hours(6);
        world.lose(at(2));
        let contradicts = matches!(trace, Trace::Contradiction { .. });
        let proved = world.prove_with(|_| Some(ProverAnswer::Gone(trace.clone())));
        assert_eq!(proved.told(), told);
        assert_eq!(proved.digest_counts(), if contradicts { (5, 0, 1) } else { (5, 1, 0) });
        let found = proved.report.findings.iter().find(|finding| finding.at == at(2)).unwrap();
        assert_eq!(found.uri, Some(key_at(2).location().to_string()));
        assert_eq!(found.digest, Some(key_at(3).location().to_string()));
        assert_eq!(
            (found.start, found.end),
            if contradicts { (None, None) } else { (Some(at(1)), Some(at(2))) }
        );
    }
}

/// Where one is gone, an unbroken cadence says that those before it were there.
#[test]
fn the_cadence_tells_of_those_before_one_that_is_gone() {
    let mut world = hours(8);
    [2, 3, 5].into_iter().for_each(|hour| world.lose(at(hour)));
    world.hide(at(4));
    let proved = world.prove();
    assert_eq!(
        proved.told(),
        [
            "1 digests-missing",
            "2 digest-missing",
            "3 digest-missing",
            "4 digests-missing",
            "5 digest-missing"
        ]
    );
    assert_eq!(proved.digest_counts(), (5, 3, 0));
    // The first is gone: its successor says so.
    let mut world = hours(4);
    world.lose(at(0));
    assert_eq!(world.prove().told(), ["-1 digests-missing", "0 digest-missing"]);
    // A digest between that is not proved may be one that starts a chain.
    let mut world = hours(8);
    [2, 4].into_iter().for_each(|hour| world.lose(at(hour)));
    world.digest(at(3)).content = DigestContent::Unreadable("denied".to_owned());
    let proved = world.prove();
    assert_eq!(
        proved.told(),
        ["1 not-covered", "3 digests-missing", "3 unreadable-digest", "4 digest-missing"]
    );
    // No whole number of hours lies between the two: then logging was stopped there.
    let mut world = hours(3);
    let late = |hours: i64| DigestKey { end: at(hours).plus(600), ..key_at(0) };
    let later = chain(&[late(4), late(5), late(6)], |_, _| {});
    let mut world_with = world.clone();
    world_with.lies.extend(later.lies.clone());
    world_with.list([at(5).plus(600), at(6).plus(600)]);
    world_with.lies.remove(&late(4).location());
    (world_with.scope.range.end, world_with.scope.now) = (at(6).plus(600), at(6).plus(600));
    let proved = world_with.prove();
    assert_eq!(
        proved.kinds().iter().filter(|kind| **kind == Kind::DigestMissing).count(),
        1,
        "{:?}",
        proved.told()
    );
    // What is named in a listing is not looked for.
    world.digest(at(1)).content = DigestContent::Gone;
    assert_eq!(world.prove().asked(), 0);
}

/// Nothing outside the asked stretch is looked for: a neighbour is a witness where it is there.
#[test]
fn what_was_not_asked_about_is_not_looked_for() {
    for lost in [0, 1, 2, 3, 7, 8, 9] {
        let mut world = hours(10);
        world.lose(at(lost));
        world.ask(3, 6);
        let proved = world.prove();
        assert_eq!((proved.told(), proved.asked()), (vec![], 0), "{lost}");
    }
    for lost in [4, 5, 6] {
        let mut world = hours(10);
        world.lose(at(lost));
        world.ask(3, 6);
        assert!(world.prove().told().contains(&format!("{lost} digest-missing")));
    }
}

#[test]
fn what_was_left_out_is_not_judged() {
    let left = |world: &World, which: fn(&ProverNeed) -> bool| {
        world.prove_with(|need| which(need).then_some(ProverAnswer::LeftOut))
    };
    let interrupted = |proved: &Proved, until: i64| {
        assert!(proved.report.interrupted, "{:?}", proved.told());
        assert_eq!(proved.report.gaps.last().unwrap().0.end, at(until));
        assert_eq!(proved.kinds(), [Kind::ChainGap]);
    };
    // A digest that is named.
    let mut world = hours(8);
    world.lose(at(4));
    let proved = left(&world, |_| true);
    interrupted(&proved, 4);
    assert_eq!(proved.digests.len(), 3);
    // One that the cadence puts there.
    let mut world = hours(8);
    (2..5).for_each(|hour| world.lose(at(hour)));
    let proved = left(&world, |need| matches!(need, ProverNeed::Digest { end, .. } if *end == at(3)));
    assert_eq!(proved.told(), ["-1 digests-interrupted", "3 digests-missing", "4 digest-missing"]);
    // The one before the oldest that is listed.
    let mut world = hours(8);
    world.hide(at(0));
    interrupted(&left(&world, |_| true), 0);
    // The digests of an earlier place.
    let world = moved();
    interrupted(&left(&world, |need| matches!(need, ProverNeed::EarlierPlace { .. })), 2);
}

/// A chain that came from the bucket `old` after hour 2.
fn moved() -> World {
    let old = |hour: i64| {
        let key = key_at(hour);
        DigestKey { folder: RegionFolder { bucket: "old".into(), ..key.folder.clone() }, ..key }
    };
    chain(&[old(0), old(1), old(2), key_at(3), key_at(4), key_at(5)], |_, _| {})
}

#[test]
fn a_chain_is_followed_to_its_earlier_place() {
    let world = moved();
    let proved = world.prove();
    assert_eq!((proved.told(), proved.digest_counts()), (vec![], (6, 0, 0)));
    let [need] = &proved.batches.concat()[..] else { panic!("{:?}", proved.batches) };
    let ProverNeed::EarlierPlace { folder, until } = need else { panic!("{need:?}") };
    assert_eq!((&*folder.bucket, *until), ("old", at(2)));
    // What is gone there is looked for there.
    let mut world = moved();
    let gone = world.lies.keys().find(|location| &*location.bucket == "old").unwrap().clone();
    world.lies.remove(&gone);
    let proved = world.prove();
    assert_eq!(proved.told(), ["-1 digests-missing", "0 digest-missing"]);
    assert!(proved.finding("digest-missing").uri.as_ref().unwrap().starts_with("s3://old/"));
    // It cannot be listed: each is asked for by its name.
    let world = moved();
    let by_name = world.prove_with(|need| {
        matches!(need, ProverNeed::EarlierPlace { .. }).then(|| ProverAnswer::EarlierPlace(Vec::new()))
    });
    assert_eq!((by_name.told(), by_name.digest_counts()), (vec![], (6, 0, 0)));
    // It is asked for once.
    assert_eq!(by_name.asked(), 4);
    // What the earlier place covers is told apart.
    let mut prover = world.prover();
    world.take(&mut prover, 10);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    assert_eq!(prover.unread(), 3);
    let next = prover.to_read().next().unwrap();
    assert_eq!(
        (next, prover.location_of(next).bucket.as_ref()),
        (ListedDigest { end: at(2), folder: 1 }, "old")
    );
    assert_eq!(prover.location_of(ListedDigest { end: at(2), folder: 2 }), Location::new("", ""));
    world.take(&mut prover, 10);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    assert_eq!(prover.known().covered_in(0), [Interval { start: at(2), end: at(5) }]);
    assert_eq!(prover.known().covered_in(1), [Interval { start: at(0), end: at(2) }]);
    // In the time of the other place, this one may have no log file either.
    let with = |folder| crate::time::union(prover.known().covered_with(folder).collect());
    assert_eq!((with(0), with(1), with(2)), (with(1), vec![Interval { start: at(0), end: at(5) }], vec![]));
    assert_eq!((prover.begins_in(0), prover.begins_in(1)), (Some(at(2)), Some(at(0))));
    assert_eq!(prover.known().newest(), Some((at(5), 0)));
    assert!(prover.known().has_digest_in(1));
}

#[test]
fn an_earlier_place_is_not_asked_for_without_need() {
    // It ends where the asked stretch begins.
    for (start, needs) in [(1, 1), (2, 0), (3, 0)] {
        let mut world = moved();
        world.ask(start, 5);
        let proved = world.prove();
        assert_eq!((proved.told(), proved.asked()), (vec![], needs), "{start}");
    }
    // It was asked for itself.
    let mut world = moved();
    let old = RegionFolder { bucket: "old".into(), ..key_at(0).folder };
    world.scope.folders = [key_at(0).folder, old].into();
    world.listed.extend((0..3).map(|hour| ListedDigest { end: at(hour), folder: 1 }));
    let proved = world.prove();
    assert_eq!((proved.told(), proved.asked(), proved.digest_counts()), (vec![], 0, (6, 0, 0)));
    // A digest records one of another chain: that is not where this one came from.
    let mut world = hours(3);
    let mut starts = fields(&key_at(0));
    let other = DigestKey { trail: "other".into(), end: at(-1), ..key_at(0) };
    follow(&mut starts, &signed(&fields(&other)));
    let starts = signed(&starts);
    world.put(starts.clone());
    let mut next = fields(&key_at(1));
    follow(&mut next, &starts);
    let next = signed(&next);
    world.put(next.clone());
    let mut last = fields(&key_at(2));
    follow(&mut last, &next);
    world.put(signed(&last));
    let proved = world.prove();
    assert_eq!(proved.told(), ["-2 digests-missing", "-1 digest-missing"]);
    assert!(matches!(proved.batches.concat()[..], [ProverNeed::Digest { .. }]));
    // That chain is there too: it judges the digest, unless the digest is gone, which only this record tells.
    let there = |need: &ProverNeed| match need {
        ProverNeed::Digest { end, .. } if *end == at(-1) => {
            Some(ProverAnswer::Digest(Box::new(signed(&fields(&other)))))
        }
        _ => None,
    };
    let proved = world.prove_remembering(&[], there);
    assert_eq!((proved.told(), proved.asked(), proved.digests.len()), (vec![], 1, 3));
    let not_in_this_copy = |need: &ProverNeed| {
        let mut read = signed(&fields(&other));
        read.content = DigestContent::Absent("not in this copy".to_owned());
        there(need).map(|_| ProverAnswer::Digest(Box::new(read)))
    };
    let proved = world.prove_remembering(&[], not_in_this_copy);
    assert_eq!(proved.told(), ["-1 unreadable-digest"]);
    assert_eq!(proved.finding("unreadable-digest").content.as_deref(), Some("absent"));
    let proved = world.prove();
    assert_eq!(proved.told(), ["-2 digests-missing", "-1 digest-missing"]);
    assert_eq!(proved.finding("digest-missing").digest, Some(key_at(0).location().to_string()));
}

/// A copy lacks the digest, and holds others under names that are not theirs: the one with the recorded hash is it.
#[test]
fn a_digest_under_another_name_is_known_by_its_hash() {
    let whole = hours(6);
    let found = |hour: i64, others: &[i64]| {
        let mut read = ReadDigest::gone(key_at(hour).location(), at(hour));
        read.content = DigestContent::Absent("not in this copy".to_owned());
        read.renamed = others.iter().map(|other| whole.get(&key_at(*other).location(), at(*other))).collect();
        read
    };
    for (hour, others, told) in [
        (3, &[1, 3, 2][..], vec![]),
        (3, &[1, 2], vec!["2 not-covered", "3 unreadable-digest"]),
        (3, &[], vec!["2 not-covered", "3 unreadable-digest"]),
    ] {
        let mut world = whole.clone();
        world.hide(at(hour));
        world.lies.insert(key_at(hour).location(), found(hour, others));
        assert_eq!(world.prove().told(), told, "{others:?}");
    }
    // No digest records the newest: an earlier run remembers its hash.
    let head = whole.head(at(5));
    for (others, told) in [(&[4, 5][..], vec![]), (&[4, 3], vec!["4 not-covered", "5 unreadable-digest"])] {
        let mut world = whole.clone();
        world.hide(at(5));
        world.lies.insert(key_at(5).location(), found(5, others));
        let proved = world.prove_remembering(std::slice::from_ref(&head), |_| None);
        assert_eq!(proved.told(), told, "{others:?}");
    }
}

/// A record of another chain, or of a digest that is not earlier, names no earlier place of this chain.
#[test]
fn only_an_earlier_digest_of_the_chain_names_an_earlier_place() {
    let there = RegionFolder { bucket: "old".into(), ..key_at(0).folder };
    for recorded in [
        DigestKey { trail: "other".into(), folder: there.clone(), ..key_at(-1) },
        DigestKey { folder: there.clone(), ..key_at(0) },
        DigestKey { folder: there, ..key_at(1) },
    ] {
        let mut starts = fields(&key_at(0));
        follow(&mut starts, &signed(&fields(&recorded)));
        let mut world = hours(1);
        world.put(signed(&starts));
        let needs = world.prove().batches.concat();
        assert!(
            needs.iter().all(|need| !matches!(need, ProverNeed::EarlierPlace { .. })),
            "{recorded:?}: {needs:?}"
        );
    }
}

/// A backfill digest may record an hour's digest, which its chain tells of.
#[test]
fn a_backfill_digest_may_record_an_hours() {
    let key = DigestKey { backfill: true, ..key_at(3) };
    let mut backfill = fields(&key);
    follow(&mut backfill, hours(3).digest(at(2)));
    let mut world = chain(std::slice::from_ref(&key), |_, _| {});
    world.put(signed(&backfill));
    let proved = world.prove();
    assert_eq!((proved.told(), proved.asked(), proved.digests.len()), (vec![], 0, 1));
}

/// A record of a place that no digest has: it is asked for as it is written.
#[test]
fn a_record_of_a_place_without_a_digests_name_is_looked_for() {
    let world = made(4, |hour, fields| {
        if hour == 2 {
            fields["previousDigestS3Object"] = json!("x");
        }
    });
    let proved = world.prove();
    // It has no end, so the next digest is taken before it is looked for.
    assert_eq!(
        proved.kinds().iter().filter(|kind| **kind == Kind::DigestMissing).count(),
        proved.batches.len()
    );
    let mut world = world;
    (0..2).for_each(|hour| world.lose(at(hour)));
    let proved = world.prove();
    assert!(proved.kinds().contains(&Kind::DigestMissing), "{:?}", proved.told());
    assert!(proved.finding("digest-missing").uri.as_ref().unwrap().ends_with("/x"));
}
