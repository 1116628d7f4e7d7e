//! Stretches that earlier runs proved and that are not read: what is around them is judged as if they were.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{Proved, World, at, chain, follow, hours, key_at, made, signed};
use crate::event::RememberedTime;
use crate::ident::Sha256Hash;

/// The stretch of the digests that end at these hours, each with a log file.
fn stretch(world: &World, from: i64, to: i64) -> RememberedStretch {
    let edge = |hour: i64| {
        let head = world.head(at(hour));
        StretchEdge { location: head.location, end: head.end, hash: head.hash }
    };
    let oldest = world.lies[&world.place(at(from))].file().unwrap().clone();
    let digests = (from..=to).map(|hour| ListedDigest { end: at(hour), folder: 0 });
    let logs = (from..=to).map(|hour| world.lies[&world.place(at(hour))].file().unwrap().logs().len() as u64);
    RememberedStretch {
        newest: edge(to),
        oldest: edge(from),
        start: oldest.window().start,
        previous: oldest.previous().map(|previous| (previous.location.clone(), previous.hash.unwrap())),
        digests: digests.collect(),
        logs: logs.sum(),
        read: at(90),
    }
}

fn prover(world: &World, stretches: &[RememberedStretch]) -> ChainProver {
    let skipped = |listed: &ListedDigest| stretches.iter().any(|stretch| stretch.digests.contains(listed));
    let to_read = world.listed.iter().filter(|listed| !skipped(listed)).copied().collect();
    let mut prover =
        ChainProver::resume(world.scope.clone(), ChainState::listing(world.listed.clone()), to_read);
    prover.pass_over(stretches.to_vec());
    prover
}

/// Proves the chain around stretches, digest by digest and all at once, which has to give the same.
fn prove(world: &World, stretches: &[RememberedStretch]) -> Proved {
    let mut answer = |need: &ProverNeed| world.answer(need);
    let one_by_one = world.prove_by(prover(world, stretches), 1, &mut answer);
    let at_once = world.prove_by(prover(world, stretches), 1_000, &mut answer);
    assert_eq!(one_by_one.report, at_once.report);
    at_once
}

/// What a report says, but for what it remembers.
fn said(proved: &Proved) -> (Vec<String>, Vec<Interval>, u64, u64, u64) {
    let ChainReport { covered, digests, logs, counts, .. } = &proved.report;
    let all = counts.digests.valid + counts.digests.remembered + counts.logs.valid + counts.logs.remembered;
    (proved.told(), covered.clone(), *digests, *logs, all)
}

#[test]
fn a_stretch_is_as_good_as_its_digests() {
    let world = hours(12);
    let plain = world.prove();
    for of in [
        vec![(3, 6)],
        vec![(0, 5)],
        vec![(6, 11)],
        vec![(0, 11)],
        vec![(1, 3), (5, 8)],
        vec![(4, 4)],
        vec![(2, 4), (5, 7)],
        vec![(0, 0)],
    ] {
        let stretches: Vec<_> = of.iter().map(|(from, to)| stretch(&world, *from, *to)).collect();
        let proved = prove(&world, &stretches);
        assert_eq!(said(&proved), said(&plain), "{of:?}");
        let count: i64 = of.iter().map(|(from, to)| to - from + 1).sum();
        assert_eq!(proved.report.counts.digests.remembered, count.unsigned_abs(), "{of:?}");
        assert_eq!(proved.digests.len(), 12 - usize::try_from(count).unwrap(), "{of:?}");
        let ends = |report: &ChainReport| (report.heads[0].end, report.oldest.as_ref().unwrap().end);
        assert_eq!((proved.report.heads.len(), ends(&proved.report)), (1, (at(11), at(0))), "{of:?}");
        assert_eq!(proved.report.begins, plain.report.begins, "{of:?}");
        let remembered = |(from, to): &(i64, i64)| {
            // The digest that starts the chain covers nothing.
            let start = if *from == 0 { at(0) } else { at(from - 1) };
            RememberedTime { start, end: at(*to), read: at(90) }
        };
        assert_eq!(proved.report.remembered, of.iter().map(remembered).collect::<Vec<_>>(), "{of:?}");
        assert!(proved.batches.is_empty(), "{of:?}");
    }
}

/// What the newer digest records is another digest: the stretch is read, and what is wrong is found.
#[test]
fn a_stretch_that_does_not_fit_is_read() {
    let world = hours(12);
    let plain = world.prove();
    let mut other = stretch(&world, 3, 6);
    other.newest.hash = Sha256Hash([7; 32]);
    let proved = prove(&world, &[other]);
    assert_eq!((said(&proved), proved.digests.len()), (said(&plain), 12));
    assert_eq!(proved.report.counts.digests.remembered, 0);
    // The digest above was written anew, and is signed: it records what never was.
    let mut world = hours(12);
    let mut fields = super::world::fields(&key_at(7));
    follow(&mut fields, &world.lies[&world.place(at(6))].clone());
    fields["previousDigestHashValue"] = json!("77".repeat(32));
    world.put(signed(&fields));
    let (plain, proved) = (world.prove(), prove(&world, &[stretch(&world, 3, 6)]));
    assert!(plain.told().iter().any(|told| told.contains("other-digest-recorded")), "{:?}", plain.told());
    assert_eq!(proved.told(), plain.told());
}

#[test]
fn the_digest_before_a_stretch_is_held_against_it() {
    // It is gone.
    let mut world = hours(12);
    let remembered = stretch(&world, 3, 6);
    world.lose(at(2));
    let plain = world.prove();
    let proved = prove(&world, std::slice::from_ref(&remembered));
    assert_eq!(proved.told(), plain.told());
    assert!(proved.told().iter().any(|told| told.contains("digest-missing")), "{:?}", proved.told());
    // It is another one, validly signed.
    let mut world = hours(12);
    let mut fields = super::world::fields(&key_at(2));
    follow(&mut fields, &world.lies[&world.place(at(1))].clone());
    fields["logFiles"] = json!([]);
    fields["newestEventTime"] = json!(null);
    world.put(signed(&fields));
    let (plain, proved) = (world.prove(), prove(&world, &[remembered]));
    assert!(!proved.told().is_empty());
    assert_eq!(proved.told(), plain.told());
}

/// Where a chain was stopped, a stretch stands for itself, and the gap is told.
#[test]
fn gaps_around_a_stretch_are_told() {
    for restart in [4, 8] {
        let mut keys: Vec<DigestKey> = (0..12).filter(|hour| *hour != restart - 1).map(key_at).collect();
        keys.sort_by_key(|key| key.end);
        let world = chain(&keys, |number, fields| {
            // One of the hours before has no digest.
            if number == restart - 1 {
                for name in [
                    "previousDigestS3Bucket",
                    "previousDigestS3Object",
                    "previousDigestHashValue",
                    "previousDigestSignature",
                ] {
                    fields[name] = json!(null);
                }
            }
        });
        let plain = world.prove();
        let proved = prove(&world, &[stretch(&world, 4, 6)]);
        assert_eq!(said(&proved), said(&plain), "{restart}");
        assert!(proved.told().iter().any(|told| told.contains("logging-stopped")), "{:?}", proved.told());
    }
}

#[test]
fn heads_within_a_stretch_are_met() {
    let world = hours(12);
    for hour in [3, 5, 6, 9, 11] {
        let mut prover = prover(&world, &[stretch(&world, 3, 6)]);
        prover.remember([world.head(at(hour))]);
        let proved = world.prove_by(prover, 4, &mut |need| world.answer(need));
        assert!(proved.told().is_empty() && proved.batches.is_empty(), "{hour}: {:?}", proved.told());
        let linked: Vec<_> = proved.report.linked.iter().map(Location::to_string).collect();
        let expected = (hour < 11).then(|| world.place(at(hour)).to_string());
        assert_eq!(linked, expected.into_iter().collect::<Vec<_>>(), "{hour}");
    }
}

/// What earlier runs know of a stretch is not what they know of the digests around it.
#[test]
fn heads_around_a_stretch_are_looked_for() {
    let whole = hours(12);
    for lost in [1, 7, 8] {
        let mut world = whole.clone();
        world.lose(at(lost));
        let mut prover = prover(&world, &[stretch(&world, 3, 6)]);
        prover.remember([whole.head(at(lost))]);
        let proved = world.prove_by(prover, 4, &mut |need| world.answer(need));
        let fault = &proved.finding("digest-missing").fault;
        assert!(matches!(fault, crate::event::Fault::RememberedGone { .. }), "{lost}: {fault:?}");
        // The stretch is not read for that.
        assert_eq!(proved.report.counts.digests.remembered, 4, "{lost}");
    }
    // Of the newest stretch, the newest digest is the head again, and no digest records it.
    let mut prover = prover(&whole, &[stretch(&whole, 6, 11)]);
    prover.remember([whole.head(at(11)), whole.head(at(8))]);
    let report = whole.prove_by(prover, 4, &mut |need| whole.answer(need)).report;
    assert_eq!(report.linked, [whole.place(at(8))]);
    assert_eq!((report.heads.len(), report.heads[0].end), (1, at(11)));
    // The timeline tells it from what was read.
    let timeline = prove(&whole, &[stretch(&whole, 3, 6)]).report.timeline.unwrap();
    assert_eq!(timeline.to_string(), "2q4r5q");
}

#[test]
fn what_is_left_out_is_not_covered() {
    let world = hours(12);
    let mut prover = prover(&world, &[stretch(&world, 3, 6)]);
    world.take(&mut prover, 2);
    world.settle(&mut prover, &mut |need| world.answer(need), &mut Vec::new());
    prover.leave_out_rest();
    let report = prover.finish();
    assert!(report.interrupted && report.counts.digests.remembered == 0);
    assert_eq!(report.covered, [Interval::new(at(9), at(11)).unwrap()]);
}

#[test]
fn a_chain_of_stretches_alone_is_due() {
    let world = made(6, |_, _| {});
    let prover = prover(&world, &[stretch(&world, 0, 5)]);
    assert!(prover.is_due() && prover.unread() == 0);
    let state = serde_json::to_string(prover.state().unwrap().0).unwrap();
    let state: ChainState = serde_json::from_str(&state).unwrap();
    let resumed = ChainProver::resume(world.scope.clone(), state, Vec::new());
    let proved = world.prove_by(resumed, 4, &mut |need| world.answer(need));
    assert_eq!(said(&proved), said(&world.prove()));
}
