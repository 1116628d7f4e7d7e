//! Two runs at once, and a run that ends between its report and its state.

use std::thread;

use trailproof::event::Verdict;
use trailproof::simulate::Spec;

use super::{Memory, World, begin, small};

#[test]
fn two_runs_at_once_keep_what_both_saw() {
    let memory = Memory::new();
    let (early, late) = (World::of(&Spec { hours: 4, ..small() }), World::of(&Spec { hours: 6, ..small() }));
    memory.run(&early, &early.request(), 1);
    for late_first in [false, true] {
        let (one, other) = if late_first { (&late, &early) } else { (&early, &late) };
        let (ask_one, ask_other) = (one.request(), other.request());
        let mut first = begin(&memory.place, &ask_one, 2).unwrap();
        let mut second = begin(&memory.place, &ask_other, 3).unwrap();
        let told = [first.tell(&one.store, &one.keys), second.tell(&other.store, &other.keys)];
        first.session.commit(&told[0].proved, &told[0].sealed, false).unwrap();
        second.session.commit(&told[1].proved, &told[1].sealed, false).unwrap();
        assert!(memory.heads().contains(&late.end), "{:?}", memory.heads());
    }
    assert_eq!(memory.run(&late, &late.request(), 4).verdict, Verdict::Intact);
    assert_eq!(memory.heads(), [late.end]);
}

#[test]
fn many_runs_at_once_all_end() {
    let memory = Memory::new();
    let world = World::of(&small());
    let request = world.request();
    thread::scope(|scope| {
        for number in 0..6 {
            let (memory, world, request) = (&memory, &world, &request);
            scope.spawn(move || {
                for round in 0..3 {
                    assert_eq!(memory.run(world, request, number * 10 + round).verdict, Verdict::Intact);
                }
            });
        }
    });
    let generation = memory.open().documents().next().unwrap().generation;
    assert_eq!((memory.heads(), generation), (vec![world.end], 18));
}

#[test]
fn a_run_that_never_commits_changes_nothing() {
    let memory = Memory::new();
    let world = World::of(&small());
    memory.run(&world, &world.request(), 1);
    let before: Vec<_> = memory.files().iter().map(|file| std::fs::read(file).unwrap()).collect();
    world.roll_back(2);
    let request = world.request();
    let mut run = begin(&memory.place, &request, 2).unwrap();
    assert_eq!(run.tell(&world.store, &world.keys).verdict, Verdict::Tampered);
    drop(run);
    let after: Vec<_> = memory.files().iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert_eq!(before, after);
    assert_eq!(memory.run(&world, &world.request(), 3).verdict, Verdict::Tampered);
}

/// A finding that is accepted while a run is under way stays accepted.
#[test]
fn an_acceptance_during_a_run_is_kept() {
    let memory = Memory::new();
    let world = World::of(&small());
    memory.run(&world, &world.request(), 1);
    world.roll_back(1);
    memory.run(&world, &world.request(), 2);
    let request = world.request();
    let mut run = begin(&memory.place, &request, 3).unwrap();
    let told = run.tell(&world.store, &world.keys);
    let state = memory.open();
    let ids: Vec<String> =
        state.documents().flat_map(|document| &document.findings).map(|finding| finding.id.clone()).collect();
    let acceptance = trailproof::state::StoredAcceptance {
        reason: "a drill".to_owned(),
        by: "alice".to_owned(),
        at: world.end,
    };
    for id in &ids {
        memory.open().accept(&memory.place, id, &acceptance).unwrap();
    }
    run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
    assert_eq!(memory.run(&world, &world.request(), 4).verdict, Verdict::Intact);
}
