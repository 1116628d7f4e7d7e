//! Sealed days are read again, slice by slice.

use trailproof::event::Verdict;
use trailproof::store::Deposit as _;
use trailproof::time::{DAY, Timestamp};
use trailproof::validate::Recheck;

use super::super::{Memory, World};
use super::counted::Counted;
use super::{days, proved};
use crate::bodies::read;

/// When the sealed days were read last.
fn last_read(memory: &Memory) -> Vec<Timestamp> {
    let state = memory.open();
    let folders = state.documents().flat_map(|document| document.sealed.values());
    folders.flat_map(|folder| folder.days.values().map(|day| day.read)).collect()
}

#[test]
fn each_day_is_read_again_within_the_runs() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    let first = memory.sparing(&world, &store, &world.request(), 1);
    let begun = world.request().now;
    let recheck = Recheck::new(1, 4).unwrap();
    for number in 1..=4 {
        let mut request = world.request();
        request.now = begun.plus(i64::from(number) * 60);
        request.range.end = request.now;
        let told = memory.rechecking(&world, &store, &request, 1 + number, recheck);
        assert_eq!((told.verdict, proved(&told)), (Verdict::Intact, proved(&first)), "{}", told.said());
        let rest = last_read(&memory).iter().filter(|read| **read == begun).count();
        assert!(number < 4 || rest == 0, "{rest} days were not read again");
    }
}

#[test]
fn all_is_all_and_none_is_none() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let all = store.take();
    let told = memory.rechecking(&world, &store, &world.request(), 2, Recheck::ALL);
    assert_eq!((told.counts.digests.remembered, told.counts.logs.remembered, store.take()), (0, 0, all));
    let told = memory.rechecking(&world, &store, &world.request(), 3, Recheck::NONE);
    assert!(told.counts.digests.remembered > 90);
}

/// What a listing cannot show, a second read finds: here a store that lies about an object.
#[test]
fn a_second_read_finds_what_the_listing_hides() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let lying = World::of(&days());
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    // The other store lists the same lines; its body is another one, so only the write count tells.
    let day = world.end.plus(-4 * DAY).day();
    let touched = lying.with(&[&format!("/{}/", day.day_folder()), "/CloudTrail/"]).swap_remove(2);
    let (body, metadata) = read(&lying.store, &touched);
    lying.store.put(&touched, &body[..body.len() - 1], &metadata).unwrap();
    let shown = Counted::lying(&world.store, &lying.store);
    let told = memory.rechecking(&world, &shown, &world.request(), 2, Recheck::NONE);
    assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
    let told = memory.rechecking(&world, &shown, &world.request(), 3, Recheck::ALL);
    assert_eq!(told.verdict, Verdict::Tampered, "{}", told.said());
    // The day is no longer sealed, so the next run finds it too.
    let told = memory.rechecking(&world, &shown, &world.request(), 4, Recheck::NONE);
    assert_eq!(told.verdict, Verdict::Tampered, "{}", told.said());
}
