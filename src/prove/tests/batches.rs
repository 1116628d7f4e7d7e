//! What is needed is asked for together, and what comes of a chain depends on nothing else than what was read.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use super::world::{World, at, hours, malformed, world};
use crate::event::{BodyFault, Kind, Trace};
use crate::ident::Sha256Hash;
use crate::simulate::Spec;

#[test]
fn an_untouched_chain_is_proved_and_asks_for_nothing() {
    let world = world(Spec { hours: 30, ..Spec::default() });
    for window in [1, 7, 100] {
        let proved = world.prove_by(world.prover(), window, &mut |need| world.answer(need));
        assert_eq!((proved.kinds(), proved.batches.len()), (Vec::new(), 0));
        assert_eq!(proved.digest_counts(), (31, 0, 0));
        assert_eq!(proved.report.covered.len(), 1);
        assert_eq!(proved.report.heads[0].end, world.ends()[0]);
    }
}

/// However many digests are gone, and wherever: what is missing of one window is asked for in one batch.
#[test]
fn the_digests_of_all_gaps_are_asked_for_in_one_batch() {
    let whole = world(Spec { hours: 200, ..Spec::default() });
    let ends = whole.ends();
    let inner = 1..ends.len() - 1;
    let every_other: BTreeSet<usize> = inner.clone().filter(|at| at % 2 == 1).collect();
    let a_week: BTreeSet<usize> = inner.filter(|at| (10..178).contains(at)).collect();
    for gone in [every_other, a_week] {
        let mut world = whole.clone();
        gone.iter().for_each(|at| world.lose(ends[*at]));
        let proved = world.prove_by(world.prover(), 1_000, &mut |need| world.answer(need));
        let missing = proved.kinds().into_iter().filter(|kind| *kind == Kind::DigestMissing).count();
        assert_eq!((missing, proved.batches.len()), (gone.len(), 1));
        assert_eq!(proved.batches[0].len(), gone.len());
    }
}

/// So are second reads and streams, and what the chain cannot go on without comes first.
#[test]
fn further_reads_are_asked_for_in_one_batch() {
    let mut world = hours(13);
    // One that is other than its record, and is signed by nobody; two with wrong signatures, that are as recorded.
    let forged = {
        let mut fields = super::world::fields(&super::world::key_at(10));
        super::world::follow(&mut fields, world.digest(at(9)));
        fields["x"] = serde_json::json!(1);
        ReadDigest { signature: None, ..super::world::signed(&fields) }
    };
    world.digest(at(11)).signature = Some("00".to_owned());
    world.put(forged);
    world.digest(at(9)).signature = Some("00".to_owned());
    // One without signature and key, that is as recorded: it is not read again.
    world.digest(at(8)).signature = None;
    world.digest(at(8)).key = None;
    world.digest(at(7)).content = malformed();
    world.digest(at(5)).content = DigestContent::Oversized(crate::event::Excess::Inflated { limit: 1 });
    world.lose(at(3));
    let other = world.digest(at(0)).clone();
    let here = world.digest(at(1));
    (here.content, here.signature) = (other.content, other.signature);
    let proved = world.prove_by(world.prover(), 100, &mut |need| world.answer(need));
    assert_eq!(proved.batches.len(), 1, "{:?}", proved.batches);
    let ProverNeed::SecondRead { location, .. } = &proved.batches[0][0] else {
        panic!("{:?}", proved.batches)
    };
    assert_eq!((location, proved.batches[0].len()), (&world.place(at(11)), 7));
    let seen: BTreeSet<&ProverNeed> = proved.batches[0].iter().collect();
    assert_eq!(seen.len(), 7, "nothing is asked for twice");
    // An answer may be lacking: what is left is asked for again, and what was answered is not.
    let mut prover = world.prover();
    world.take(&mut prover, 100);
    let mut last = prover.advance();
    while let Some(need) = last.pop() {
        prover.answer(need.clone(), world.answer(&need));
        if last.is_empty() {
            break;
        }
        let next = prover.advance();
        assert!(!next.contains(&need) && next.len() == last.len(), "{next:?}");
        last = next;
    }
    world.settle(&mut prover, &mut |need| panic!("{need:?}"), &mut Vec::new());
    prover.settle_claims(|_| true, |_| None);
    assert_eq!(prover.finish(), proved.report);
}

/// A batch has an end, and all of it is asked for in the next ones.
#[test]
fn very_many_needs_make_more_batches() {
    let mut world = hours(3);
    // A later one records a digest, and is no start: 1,097 hours are missing before it.
    let later = super::world::chain(&[super::world::key_at(1_099), super::world::key_at(1_100)], |_, _| {});
    world.list([at(1_100)]);
    world.lies.extend(later.lies);
    world.lies.remove(&super::world::key_at(1_099).location());
    (world.scope.range.end, world.scope.now) = (at(1_100), at(1_100));
    let proved = world.prove_by(world.prover(), 100, &mut |need| world.answer(need));
    let missing = proved.kinds().into_iter().filter(|kind| *kind == Kind::DigestMissing).count();
    assert!(proved.batches.iter().all(|batch| batch.len() <= 1_024));
    assert_eq!((missing, proved.batches[0].len()), (1_097, 1_024));
    assert_eq!(proved.batches.len(), 2);
}

/// What comes of a chain does not depend on how many digests are read together.
#[test]
fn the_report_does_not_depend_on_the_window() {
    let mut world = world(Spec { hours: 40, stop: Some((11, 3)), ..Spec::default() });
    let ends = world.ends();
    [3, 4, 9, 20, 21, 22].into_iter().for_each(|at| world.lose(ends[at]));
    let whole = world.prove().report;
    for window in 2..8 {
        let proved = world.prove_by(world.prover(), window, &mut |need| world.answer(need));
        assert_eq!(proved.report, whole);
    }
}

#[test]
fn a_state_that_was_stored_goes_on_as_if_it_had_not_been() {
    let mut world = world(Spec { hours: 20, pause: Some((11, 20)), ..Spec::default() });
    let ends = world.ends();
    world.lose(ends[5]);
    world.digest(ends[9]).key = None;
    let whole = world.prove().report;
    for cut in 0..=world.listed.len() {
        let mut first = world.prover();
        world.take(&mut first, cut);
        assert_eq!(first.state().is_some(), cut == 0, "no state while a digest waits");
        world.settle(&mut first, &mut |need| world.answer(need), &mut Vec::new());
        let (state, to_read) = first.state().unwrap();
        let state: ChainState = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
        let to_read = to_read.iter().copied().collect();
        let resumed = ChainProver::resume(world.scope.clone(), state, to_read);
        let proved = world.prove_by(resumed, 1_000, &mut |need| world.answer(need));
        assert_eq!(proved.report, whole, "cut at {cut}");
    }
}

/// A listing may name an object twice, and in any order.
#[test]
fn a_listing_may_be_out_of_order() {
    let world = hours(6);
    let mut listed = world.listed.clone();
    listed.rotate_left(3);
    listed.extend(world.listed.clone());
    let prover = ChainProver::new(world.scope.clone(), listed);
    assert_eq!(prover.unread(), 6);
    let proved = world.prove_by(prover, 4, &mut |need| world.answer(need));
    assert_eq!(proved.report, world.prove().report);
}

/// What an answer may be, whatever was asked.
fn any_answer(world: &World, choice: u8, need: &ProverNeed) -> ProverAnswer {
    let ends = world.ends();
    let other = ends[usize::from(choice) % ends.len()];
    match choice % 11 {
        0 => ProverAnswer::LeftOut,
        1 => ProverAnswer::Gone(Trace::Nothing),
        2 => ProverAnswer::Gone(Trace::Contradiction { version: "v".to_owned() }),
        3 => ProverAnswer::Digest(Box::new(world.get(&world.place(other), other))),
        4 => ProverAnswer::SecondRead(SecondRead::Different),
        5 => ProverAnswer::SecondRead(SecondRead::Gone),
        6 => ProverAnswer::Stream(StreamRead::Seen(Err(BodyFault::Corrupt))),
        7 => ProverAnswer::EarlierPlace(vec![other]),
        8 => ProverAnswer::SecondRead(SecondRead::Unsure("no".to_owned())),
        9 => ProverAnswer::SecondRead(SecondRead::Same { signature: None, stored: None }),
        _ => world.answer(need),
    }
}

static SHORT: std::sync::LazyLock<World> =
    std::sync::LazyLock::new(|| world(Spec { hours: 13, stop: Some((6, 2)), ..Spec::default() }));

proptest! {
    /// Whatever is listed, read, remembered and answered: it ends, without a panic, and proves nothing that was not there.
    #[test]
    fn it_ends_whatever_it_is_given(
        listed in proptest::collection::vec(0_usize..14, 0..14),
        contents in proptest::collection::vec(0_u8..7, 14),
        heads in proptest::collection::vec((0_usize..14, any::<bool>()), 0..4),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
        window in 1_usize..15,
    ) {
        let whole = &*SHORT;
        let ends = whole.ends();
        let end = |at: usize| ends[at % ends.len()];
        let mut world = whole.clone();
        world.listed.clear();
        world.list(listed.into_iter().map(end));
        for (end, content) in ends.iter().zip(contents) {
            let read = world.digest(*end);
            match content {
                0 => read.signature = Some("00".to_owned()),
                1 => read.signature = None,
                2 => read.content = DigestContent::Unreadable("no".to_owned()),
                3 => read.content = malformed(),
                4 => read.key = None,
                _ => {}
            }
        }
        let mut prover = world.prover();
        prover.remember(heads.into_iter().map(|(at, is_true)| {
            let head = whole.head(end(at));
            if is_true { head } else { RememberedHead { hash: Sha256Hash([0; 32]), ..head } }
        }));
        let mut choice = choices.iter().cycle();
        let proved = world.prove_by(prover, window, &mut |need| any_answer(whole, *choice.next().unwrap(), need));
        prop_assert!(proved.digests.iter().all(|(location, _)| whole.lies.contains_key(location)));
        prop_assert!(proved.report.counts.digests.valid <= ends.len() as u64 + 1);
    }
}
