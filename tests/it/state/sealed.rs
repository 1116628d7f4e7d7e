//! Sealed days: what is remembered is not read again, and whatever changed is read and judged as without memory.

mod counted;
mod random;
mod recheck;
mod sharded;

use serde_json::json;
use trailproof::event::Verdict;
use trailproof::ident::DigestKey;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{DAY, Range};
use trailproof::validate::{Recheck, RunMemory, ValidationRequest};

use super::{Memory, Remembered, World, begin};
use crate::bodies::{content, read};
use crate::signing;
use counted::Counted;

/// Six days of one trail, with a log file each hour.
fn days() -> Spec {
    Spec { hours: 144, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

impl Memory {
    /// A run that reads no sealed day again unless it has to.
    fn sparing(
        &self,
        world: &World,
        store: &Counted<'_>,
        request: &ValidationRequest,
        number: u32,
    ) -> Remembered {
        self.rechecking(world, store, request, number, Recheck::NONE)
    }

    fn rechecking(
        &self,
        world: &World,
        store: &Counted<'_>,
        request: &ValidationRequest,
        number: u32,
        recheck: Recheck,
    ) -> Remembered {
        let mut run = begin(&self.place, request, number).unwrap();
        let memory = run.request.memory.take().unwrap();
        run.request.memory = Some(RunMemory { recheck, ..memory });
        let told = run.tell(store, &world.keys);
        run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
        told
    }

    /// The sealed days, all folders together.
    fn sealed(&self) -> usize {
        let state = self.open();
        let folders = state.documents().flat_map(|document| document.sealed.values());
        folders.map(|folder| folder.days.len()).sum()
    }
}

/// What was proved, now or by an earlier run.
fn proved(told: &Remembered) -> (u64, u64) {
    let (digests, logs) = (told.counts.digests, told.counts.logs);
    (digests.valid + digests.remembered, logs.valid + logs.remembered)
}

#[test]
fn a_second_run_reads_what_is_new_and_the_edges() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    let first = memory.sparing(&world, &store, &world.request(), 1);
    assert_eq!(first.verdict, Verdict::Intact, "{}", first.said());
    let read = store.take();
    assert_eq!(read, proved(&first).0 + proved(&first).1);
    // The days that ended 36 hours ago.
    assert_eq!(memory.sealed(), 4);
    let second = memory.sparing(&world, &store, &world.request(), 2);
    assert_eq!(second.verdict, Verdict::Intact, "{}", second.said());
    assert_eq!(proved(&second), proved(&first));
    assert!(second.counts.digests.remembered > 90, "{:?}", second.counts);
    let reread = store.take();
    assert_eq!(reread, second.counts.digests.valid + second.counts.logs.valid);
    assert!(reread < read / 2, "{reread} of {read}");
}

#[test]
fn a_quiet_trail_is_sealed_too() {
    let (memory, world) = (Memory::new(), World::of(&Spec { logs_per_hour: 0, ..days() }));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let told = memory.sparing(&world, &store, &world.request(), 2);
    assert_eq!((told.verdict, memory.sealed()), (Verdict::Intact, 4), "{}", told.said());
    assert!(told.counts.digests.remembered > 90);
}

#[test]
fn a_day_that_changed_is_read_in_full() {
    let world = World::of(&days());
    let day = world.end.plus(-4 * DAY).day();
    let folder = format!("/{}/", day.day_folder());
    let of_day = world.with(&[&folder, "/CloudTrail/"]);
    for touched in [&of_day[3], &world.digests(&[&folder])[7]] {
        let world = World::of(&days());
        let memory = Memory::new();
        let store = Counted::new(&world.store);
        memory.sparing(&world, &store, &world.request(), 1);
        let remembered = memory.sparing(&world, &store, &world.request(), 2).counts.digests.remembered;
        // The same bytes, written again: nothing is wrong, and the day is read.
        let (body, metadata) = read(&world.store, touched);
        world.store.put(touched, &body, &metadata).unwrap();
        store.take();
        let told = memory.sparing(&world, &store, &world.request(), 3);
        assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
        assert!(told.counts.digests.remembered < remembered, "{:?}", told.counts);
        assert!(store.take() >= 48);
        // Then the day is sealed again.
        let told = memory.sparing(&world, &store, &world.request(), 4);
        assert_eq!(told.counts.digests.remembered, remembered, "{}", told.said());
        // Other bytes are found.
        world.store.put(touched, b"x", &metadata).unwrap();
        let told = memory.sparing(&world, &store, &world.request(), 5);
        assert_eq!(told.verdict, Verdict::Tampered, "{}", told.said());
        // As long as they are there, also in later runs.
        let told = memory.sparing(&world, &store, &world.request(), 6);
        assert_eq!(told.verdict, Verdict::Tampered, "{}", told.said());
        world.store.put(touched, &body, &metadata).unwrap();
        let told = memory.sparing(&world, &store, &world.request(), 7);
        assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
    }
}

#[test]
fn an_added_log_file_is_named_in_each_run() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let day = world.end.plus(-4 * DAY).day();
    let folder = format!("/{}/", day.day_folder());
    let beside = world.with(&[&folder, "/CloudTrail/"]).swap_remove(5);
    let added =
        trailproof::ident::Location::new(beside.bucket.clone(), beside.key.replace(".json.gz", "x.json.gz"));
    world.store.put(&added, b"x", &Metadata::new()).unwrap();
    for number in 2..4 {
        let told = memory.sparing(&world, &store, &world.request(), number);
        assert_eq!(
            (told.verdict, told.causes()),
            (Verdict::Incomplete, vec!["unlisted-log"]),
            "{}",
            told.said()
        );
    }
    world.store.purge(&added);
    // The listing is as it was sealed.
    let told = memory.sparing(&world, &store, &world.request(), 4);
    assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
}

/// Objects that a report counts and does not name are on days that nobody can tell.
#[test]
fn a_day_with_an_object_that_is_only_counted_is_not_sealed() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    for day in 2..5 {
        let day = world.end.plus(-day * DAY).day();
        let beside = world.with(&[&format!("/{}/", day.day_folder()), "/CloudTrail/"]).swap_remove(5);
        for number in 0..3 {
            let name = beside.key.replace(".json.gz", &format!("x{number}.json.gz"));
            let added = trailproof::ident::Location::new(beside.bucket.clone(), name);
            world.store.put(&added, b"x", &Metadata::new()).unwrap();
        }
    }
    let mut request = world.request();
    request.limits.named = 2;
    let first = memory.sparing(&world, &store, &request, 1);
    let second = memory.sparing(&world, &store, &request, 2);
    assert_eq!(first.causes(), ["more-unlisted", "unlisted-log"], "{}", first.said());
    assert_eq!((second.causes(), second.counts.logs.unreferenced), (first.causes(), 9), "{}", second.said());
}

#[test]
fn archived_objects_of_sealed_days_stay_vouched_for() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    // Objects go to the archive after two days: they are listed as before, and cannot be read.
    let until = world.end.plus(-4 * DAY).day();
    let old: Vec<_> = (0..3)
        .map(|day| until.plus(-day * DAY).day_folder())
        .flat_map(|day| world.with(&[&format!("/{day}/"), "/CloudTrail/"]))
        .collect();
    assert!(old.len() > 60);
    store.archive(old);
    for (number, recheck) in [(2, Recheck::NONE), (3, Recheck::ALL)] {
        let told = memory.rechecking(&world, &store, &world.request(), number, recheck);
        assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
        assert!(told.counts.logs.remembered > 60, "{:?}", told.counts);
    }
}

/// A forged digest lists log files of a sealed day, which is not read: earlier runs proved them.
#[test]
fn a_forged_digest_casts_no_doubt_on_a_sealed_day() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let sealed = memory.sealed();
    // 1. It lists every log file of a genuine digest, and one that nobody delivered.
    let day = world.end.plus(-4 * DAY).day().day_folder();
    let genuine = world.digests(&[&format!("/{day}/")]).swap_remove(5);
    let content: serde_json::Value = serde_json::from_slice(&content(&world.store, &genuine)).unwrap();
    let mut listed = content["logFiles"].as_array().unwrap().clone();
    let made_up = listed[0]["s3Object"].as_str().unwrap().replace(".json.gz", "x.json.gz");
    listed.push(listed[0].clone());
    listed.last_mut().unwrap()["s3Object"] = made_up.into();
    let newest = DigestKey::parse(&world.newest()).unwrap();
    let forged = DigestKey { trail: "forged".into(), ..newest };
    signing::put(&world.store, &signing::document(&forged, &json!({ "logFiles": listed })));
    // 2. Only what nobody delivered is doubted, in every run, and no day is opened.
    let unverified =
        |told: &Remembered| told.causes().iter().filter(|cause| **cause == "claimed-log").count();
    for number in 2..5 {
        let told = memory.sparing(&world, &store, &world.request(), number);
        assert_eq!((told.verdict, unverified(&told)), (Verdict::Incomplete, 1), "{}", told.said());
        assert!(told.counts.digests.remembered > 70, "{:?}", told.counts);
        assert!(memory.sealed() + 1 >= sealed);
    }
}

#[test]
fn a_narrowed_time_uses_and_keeps_the_days_within() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    memory.sparing(&world, &store, &world.request(), 1);
    let all = memory.sealed();
    let start = Some(world.end.plus(-5 * DAY));
    let request = world.request();
    let part = ValidationRequest { range: Range { start, ..request.range }, ..request };
    let told = memory.sparing(&world, &store, &part, 2);
    assert_eq!((told.verdict, memory.sealed()), (Verdict::Intact, all), "{}", told.said());
    assert!(told.counts.digests.remembered > 20, "{:?}", told.counts);
}

/// A log file that was read and is gone when its folder is listed.
#[test]
fn a_log_file_that_goes_during_the_run_is_missed_by_the_next() {
    for most_logs in [None, Some(5)] {
        let (memory, world, full) = (Memory::new(), World::of(&days()), World::of(&days()));
        let day = world.end.plus(-4 * DAY).day();
        world.store.purge(&world.with(&[&format!("/{}/", day.day_folder()), "/CloudTrail/"])[3]);
        let racing = Counted::lying(&world.store, &full.store);
        let first = match most_logs {
            None => memory.sparing(&world, &racing, &world.request(), 1),
            Some(most_logs) => {
                let cut = sharded::Cut { most_logs, recheck: Recheck::NONE };
                memory.in_shards(&world, &racing, (&world.request(), 1), cut, &mut |_| {}).0
            }
        };
        assert_eq!((first.verdict, memory.sealed()), (Verdict::Intact, 3), "{}", first.said());
        let next = memory.sparing(&world, &Counted::new(&world.store), &world.request(), 2);
        assert_eq!((next.verdict, next.causes()), (Verdict::Tampered, vec!["log-missing"]));
    }
}
