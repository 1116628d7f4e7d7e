//! When heads move, and when not.

use trailproof::event::Verdict;
use trailproof::simulate::Spec;
use trailproof::store::StoreError;
use trailproof::time::Range;
use trailproof::validate::{CancelFlag, ValidationRequest};

use super::{Memory, World, begin, small};

#[test]
fn a_head_moves_over_proved_time() {
    let memory = Memory::new();
    let mut ends = Vec::new();
    for (number, hours) in [4, 5, 9].into_iter().enumerate() {
        let world = World::of(&Spec { hours, ..small() });
        let told = memory.run(&world, &world.request(), u32::try_from(number).unwrap());
        assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
        assert_eq!(memory.heads(), [world.end], "after {hours} hours");
        ends.push(world.end);
    }
    assert!(ends.is_sorted());
    let state = memory.open();
    let document = state.documents().next().unwrap();
    // The record still begins where it began, with the run that saw it.
    assert_eq!(
        (document.begins.len(), document.begins[0].run.as_str(), document.generation),
        (1, "run-0", 3)
    );
}

#[test]
fn a_head_stays_before_a_gap() {
    let memory = Memory::new();
    let stopped = Spec { stop: Some((3, 2)), hours: 3, ..small() };
    let young = World::of(&Spec { stop: None, ..stopped.clone() });
    memory.run(&young, &young.request(), 1);
    // Logging stops for two hours and goes on: the head before the gap is kept, and the time after it has its own.
    let world = World::of(&Spec { hours: 8, ..stopped });
    let told = memory.run(&world, &world.request(), 2);
    assert_eq!(told.verdict, Verdict::Incomplete, "{}", told.said());
    let heads = memory.heads();
    assert!(heads.len() == 2 && heads[1] == world.end && heads[0] < world.end, "{heads:?}");
    memory.run(&world, &world.request(), 3);
    assert_eq!(memory.heads(), heads);
}

#[test]
fn an_asked_end_before_the_newest_digest_gives_up_no_head() {
    let memory = Memory::new();
    let world = World::of(&small());
    let until = |end| ValidationRequest { range: Range { start: None, end }, ..world.request() };
    memory.run(&world, &until(world.end.plus(-2 * 3_600)), 1);
    let first = memory.heads();
    assert_eq!(first.len(), 1);
    memory.run(&world, &until(world.end.plus(-3_600)), 2);
    let second = memory.heads();
    assert!(second.len() == 1 && second[0] > first[0], "{first:?} {second:?}");
    // An earlier end is no step back.
    memory.run(&world, &until(world.end.plus(-3 * 3_600)), 3);
    assert!(memory.heads().contains(&second[0]));
    memory.run(&world, &world.request(), 4);
    assert_eq!(memory.heads(), [world.end]);
}

#[test]
fn runs_over_parts_of_the_time_keep_what_they_do_not_see() {
    let memory = Memory::new();
    let world = World::of(&Spec { hours: 20, ..small() });
    let part = |from: i64, to: i64| {
        let (start, end) = (world.end.plus(-from * 3_600), world.end.plus(-to * 3_600));
        ValidationRequest { range: Range { start: Some(start), end }, ..world.request() }
    };
    memory.run(&world, &part(18, 12), 1);
    memory.run(&world, &part(6, 2), 2);
    assert_eq!(memory.heads().len(), 2);
    // A run over everything links them.
    memory.run(&world, &world.request(), 3);
    assert_eq!(memory.heads(), [world.end]);
}

#[test]
fn an_interrupted_run_gives_up_no_head() {
    let memory = Memory::new();
    let world = World::of(&small());
    memory.run(&world, &world.request(), 1);
    let before = memory.heads();
    world.roll_back(2);
    let stop = CancelFlag::new();
    stop.set();
    let request = world.request();
    let mut run = begin(&memory.place, &request, 2).unwrap();
    let told = run.tell_until(&world.store, &world.keys, &stop);
    assert!(told.interrupted && told.verdict == Verdict::Incomplete, "{}", told.said());
    run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
    assert_eq!(memory.heads(), before);
    // A run that is stopped before it looks for a region that is gone is not intact either.
    world.purge(&world.store.locations());
    let mut run = begin(&memory.place, &request, 3).unwrap();
    let told = run.tell_until(&world.store, &world.keys, &stop);
    assert_eq!(told.verdict, Verdict::Incomplete, "{}", told.said());
    assert_eq!(memory.run(&world, &request, 4).verdict, Verdict::Tampered);
}

#[test]
fn an_unreadable_newest_digest_leaves_the_head() {
    let memory = Memory::new();
    let world = World::of(&small());
    memory.run(&world, &world.request(), 1);
    let newest = world.newest();
    world.store.refuse(&newest, StoreError::Unreadable("on purpose".to_owned()));
    let told = memory.run(&world, &world.request(), 2);
    assert_eq!(told.verdict, Verdict::Incomplete, "{}", told.said());
    assert!(memory.heads().contains(&world.end));
    world.store.purge(&newest);
    assert_eq!(memory.run(&world, &world.request(), 3).verdict, Verdict::Tampered);
}
