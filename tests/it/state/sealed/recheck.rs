//! Sealed days are read again, slice by slice.

use trailproof::event::Verdict;
use trailproof::store::{Deposit as _, Metadata};
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

/// S3 Intelligent-Tiering moves objects to archives that no listing shows: only GET fails. They stay vouched for while the
/// listing is the same, and their days no longer take the place of days that can be read again.
#[test]
fn unseen_archives_stay_vouched_for() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    let first = memory.sparing(&world, &store, &world.request(), 1);
    let begun = world.request().now;
    let day = world.end.plus(-4 * DAY).day();
    store.archive_unseen(world.with(&[&format!("/{}/", day.day_folder()), "/CloudTrail/"]));
    let mut later = world.request();
    let mut at = |minutes: i64| {
        later.now = begun.plus(minutes * 60);
        later.range.end = later.now;
        later.clone()
    };
    // 1. All are read again but the archived ones, which are remembered.
    let told = memory.rechecking(&world, &store, &at(1), 2, Recheck::ALL);
    assert_eq!((told.verdict, proved(&told)), (Verdict::Intact, proved(&first)), "{}", told.said());
    assert!((20..30).contains(&told.counts.logs.remembered), "{:?}", told.counts);
    let left = |memory: &Memory| last_read(memory).iter().filter(|read| **read == begun).count();
    assert!((1..3).contains(&left(&memory)), "{:?}", last_read(&memory));
    // 2. A slice is of the days that can be read.
    let (sealed, archived) = (memory.sealed(), left(&memory));
    for number in 0..sealed - archived {
        let number = u32::try_from(number).unwrap();
        let told = memory.rechecking(
            &world,
            &store,
            &at(2 + i64::from(number)),
            3 + number,
            Recheck::new(1, 100).unwrap(),
        );
        assert_eq!((told.verdict, proved(&told)), (Verdict::Intact, proved(&first)), "{}", told.said());
    }
    let recent = |memory: &Memory| last_read(memory).iter().filter(|read| **read > begun.plus(60)).count();
    assert_eq!((recent(&memory), left(&memory)), (sealed - archived, archived));
    // 3. What is restored is read again where all is.
    store.restore();
    let told = memory.rechecking(&world, &store, &at(90), 90, Recheck::ALL);
    assert_eq!((told.verdict, told.counts.logs.remembered), (Verdict::Intact, 0), "{}", told.said());
    assert_eq!((memory.sealed(), left(&memory)), (sealed, 0));
}

/// A bucket whose objects lost their metadata: every digest but the newest is proved by its successor.
#[test]
fn digests_without_metadata_are_sealed() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    for digest in world.with(&["/CloudTrail-Digest/"]) {
        let (body, _) = read(&world.store, &digest);
        world.store.put(&digest, &body, &Metadata::default()).unwrap();
    }
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let sealed = memory.sealed();
    assert!(sealed >= 4, "{sealed}");
    let told = memory.rechecking(&world, &store, &world.request(), 2, Recheck::ALL);
    assert_eq!((memory.sealed(), told.counts.digests.remembered), (sealed, 0), "{}", told.said());
    let told = memory.sparing(&world, &store, &world.request(), 3);
    assert!(told.counts.digests.remembered > 90, "{:?}", told.counts);
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
