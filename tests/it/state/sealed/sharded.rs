//! Sealed days in shards: what one run remembers, compares and seals, shards do too.
//!
//! `TRAILPROOF_SEALED_SHARDS=1000 TRAILPROOF_SEED=3 cargo test --test it sealed::sharded` tries more.

use trailproof::event::{Event, Verdict};
use trailproof::shards::{ReadLine, ShardMerge};
use trailproof::simulate::Spec;
use trailproof::store::Deposit as _;
use trailproof::validate::{Recheck, RunMemory, ValidationRequest};

use super::super::{Memory, Remembered, World, begin};
use super::counted::Counted;
use super::days;
use super::random::{Random, count};
use crate::bodies::read;
use crate::shards::{plan, result, shard_lines};

/// How a run is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) most_logs: u64,
    pub(super) recheck: Recheck,
}

impl Memory {
    /// A run in shards. `between` is called before each shard, with its number.
    pub(super) fn in_shards(
        &self,
        world: &World,
        store: &Counted<'_>,
        (request, number): (&ValidationRequest, u32),
        cut: Cut,
        between: &mut dyn FnMut(usize),
    ) -> (Remembered, usize) {
        let mut run = begin(&self.place, request, number).unwrap();
        let memory = run.request.memory.take().unwrap();
        run.request.memory = Some(RunMemory { recheck: cut.recheck, ..memory });
        let plan = plan(store, &world.keys, &run.request, Some(cut.most_logs));
        let lines = shard_lines(&plan);
        let shards = lines.len();
        let mut merge = ShardMerge::read_plan(&mut &*plan).unwrap();
        merge.remember(run.session.memory());
        let numbered = lines.into_iter().enumerate();
        let results: Vec<Vec<u8>> = numbered
            .map(|(shard, line)| {
                between(shard);
                result(store, &world.keys, line)
            })
            .collect();
        // The order of the results says nothing.
        for (shard, result) in results.into_iter().enumerate().rev() {
            let line = result.strip_suffix(b"\n").unwrap_or(&result).to_vec();
            merge.take(ReadLine::Whole(line), &format!("results:{shard}"));
        }
        let mut events: Vec<Event> = Vec::new();
        let outcome = merge.end(&mut events).unwrap();
        let told = run.remembered(events, outcome);
        run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
        (told, shards)
    }

    /// Everything that the state remembers.
    fn all(&self) -> String {
        format!("{:#?}", self.open().documents().collect::<Vec<_>>())
    }
}

#[test]
fn a_first_run_in_shards_spares_the_next_run_the_days() {
    let (memory, world) = (Memory::new(), World::of(&days()));
    let store = Counted::new(&world.store);
    let cut = Cut { most_logs: 20, recheck: Recheck::NONE };
    let (told, shards) = memory.in_shards(&world, &store, (&world.request(), 1), cut, &mut |_| {});
    assert_eq!((told.verdict, memory.sealed()), (Verdict::Intact, 4), "{}", told.said());
    assert!(shards > 5, "{shards}");
    store.take();
    // 1. One run remembers what the shards sealed.
    let one = memory.sparing(&world, &store, &world.request(), 2);
    assert_eq!(one.verdict, Verdict::Intact, "{}", one.said());
    assert!(one.counts.digests.remembered > 90 && one.counts.logs.remembered > 90, "{:?}", one.counts);
    let read = store.take();
    // 2. Shards remember it too. There are fewer: log files of sealed days do not count.
    let (many, fewer) = memory.in_shards(&world, &store, (&world.request(), 3), cut, &mut |_| {});
    assert_eq!(many.counts, one.counts, "{}", many.said());
    assert!(one.unread.iter().any(|(_, time)| !time.is_empty()) && many.unread == one.unread);
    assert!(fewer < shards, "{fewer} of {shards}");
    // Each part reads the digests that are not remembered.
    assert!(store.take() < read * fewer as u64);
}

#[test]
fn a_day_that_changes_between_two_shards_is_not_sealed() {
    for key in ["/CloudTrail/", "/CloudTrail-Digest/"] {
        let (memory, world) = (Memory::new(), World::of(&days()));
        let day = world.end.plus(-4 * trailproof::time::DAY).day();
        let touched = world.with(&[&format!("/{}/", day.day_folder()), key])[7].clone();
        let (body, metadata) = read(&world.store, &touched);
        let store = Counted::new(&world.store);
        let cut = Cut { most_logs: 20, recheck: Recheck::NONE };
        // The same bytes, written again: nothing is wrong, and the listing is another one.
        let mut between = |shard: usize| {
            if shard == 3 {
                world.store.put(&touched, &body, &metadata).unwrap();
            }
        };
        let (told, _) = memory.in_shards(&world, &store, (&world.request(), 1), cut, &mut between);
        assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
        let (next, _) = memory.in_shards(&world, &store, (&world.request(), 2), cut, &mut |_| {});
        assert_eq!(next.verdict, Verdict::Intact, "{}", next.said());
        assert!(next.counts.digests.remembered < 96, "{key}: {:?}", next.counts);
        // Then it is.
        let (last, _) = memory.in_shards(&world, &store, (&world.request(), 3), cut, &mut |_| {});
        assert_eq!((last.verdict, memory.sealed()), (Verdict::Intact, 4), "{}", last.said());
    }
}

#[test]
fn random_worlds_are_remembered_in_shards_as_in_one_run() {
    let (worlds, seed) = (count("TRAILPROOF_SEALED_SHARDS", 6), count("TRAILPROOF_SEED", 1));
    let mut cut_days = 0;
    for number in 0..worlds {
        let mut random = Random::of(seed, number.wrapping_add(1 << 40));
        let spec: Spec = random.spec();
        let world = World::of(&spec);
        let (one, many) = (Memory::new(), Memory::new());
        let store = Counted::new(&world.store);
        for run in 1..6 {
            let name = format!("world {number} of seed {seed}, run {run}: {spec:?}");
            let recheck = [Recheck::NONE, Recheck::new(1, 3).unwrap(), Recheck::ALL][random.below(3)];
            let cut = Cut { most_logs: [1, 5, 30, 1_000][random.below(4)], recheck };
            let whole = one.rechecking(&world, &store, &world.request(), run, recheck);
            let (merged, shards) = many.in_shards(&world, &store, (&world.request(), run), cut, &mut |_| {});
            assert_eq!(whole.verdict, merged.verdict, "{name}\n{}\n{}", whole.said(), merged.said());
            assert_eq!(whole.counts, merged.counts, "{name}");
            assert_eq!(whole.findings, merged.findings, "{name}\n{}\n{}", whole.said(), merged.said());
            assert_eq!(whole.resolved, merged.resolved, "{name}");
            assert_eq!(whole.unread, merged.unread, "{name}");
            let (remembered, in_shards) = (one.all(), many.all());
            crate::shards::same(&remembered, &in_shards).unwrap_or_else(|error| panic!("{name}: {error}"));
            cut_days += usize::from(shards > 2) * many.sealed();
            if run > 1 {
                for _ in 0..random.below(3) {
                    random.touch(&world);
                }
            }
        }
    }
    assert!(cut_days > 0, "no region with sealed days was cut");
}
