//! Random worlds: what is touched between runs is judged with memory as it is without, and what is untouched is intact.
//!
//! `TRAILPROOF_SEALED=5000 TRAILPROOF_SEED=3 cargo test --test it sealed::random` tries more.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use trailproof::event::{Finding, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata, Store as _, StoreError};
use trailproof::validate::Recheck;

use super::super::{Memory, Remembered, World, begin};
use super::counted::Counted;
use super::proved;
use crate::bodies::read;

/// Findings graver than a notice, without those that only memory makes.
fn grave(findings: &[Finding]) -> BTreeSet<(String, Option<String>)> {
    let grave = findings.iter().filter(|finding| finding.severity > Severity::Notice);
    grave.map(|finding| (finding.kind.as_str().to_owned(), finding.uri.clone())).collect()
}

/// Kinds of findings on what a remembered head proves, or knows better.
const CURED: [&str; 5] = ["digest-unsigned", "log-unverifiable", "chain-gap", "chain-stale", "no-digests"];

pub(super) struct Random(ChaCha20Rng);

impl Random {
    /// Random choices for world `number` of a seed.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number)))
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn spec(&mut self) -> Spec {
        let mut spec = Spec {
            seed: self.0.next_u64() % 8,
            hours: 50 + u32::try_from(self.below(60)).unwrap(),
            logs_per_hour: u32::try_from(self.below(3)).unwrap(),
            events_per_log: 1,
            ..Spec::default()
        };
        if self.once_in(4) {
            spec.trails.push("security".to_owned());
        }
        if self.once_in(4) {
            spec.organization = Some("o-exampleorgid".to_owned());
        }
        if self.once_in(4) {
            spec.regions.push("eu-west-1".to_owned());
        }
        if self.once_in(4) {
            spec.stop = Some((
                10 + u32::try_from(self.below(30)).unwrap(),
                1 + u32::try_from(self.below(3)).unwrap(),
            ));
        }
        if self.once_in(5) {
            spec.quiet_every = Some(3);
        }
        if self.once_in(6) {
            spec.backfill_every = Some(7);
        }
        if self.once_in(6) {
            spec.rotate_keys_every = Some(20);
        }
        if self.once_in(8) {
            spec.metadata = false;
        }
        spec
    }

    /// Touches the world in a random way. Returns whether anything but the time of a write changed.
    pub(super) fn touch(&mut self, world: &World) -> bool {
        let all = world.store.locations();
        let all: Vec<Location> =
            all.into_iter().filter(|location| world.store.get(location).is_ok()).collect();
        let Some(target) = all.get(self.below(all.len())).cloned() else { return true };
        let (body, metadata) = read(&world.store, &target);
        match self.below(10) {
            0 => world.store.purge(&target),
            1 => world.store.delete(&target).unwrap(),
            2 => {
                let mut other = body.clone();
                let at = self.below(other.len());
                other[at] ^= 1 << self.below(8);
                world.store.put(&target, &other, &metadata).unwrap();
            }
            3 => world.store.put(&target, &body, &Metadata::new()).unwrap(),
            4 => {
                world.store.put(&target, &body, &metadata).unwrap();
                return false;
            }
            5 => {
                let name = target.key.replace(".json.gz", "x.json.gz");
                world.store.put(&Location::new(target.bucket.clone(), name), &body, &metadata).unwrap();
            }
            7 => {
                // An object that nobody lists, near midnight, where uncovered time beside it keeps a run silent.
                let (folder, name) = target.key.rsplit_once('/').unwrap();
                let minute = ["T0003Z", "T0030Z", "T2330Z", "T2358Z"][self.below(4)];
                let name: Vec<String> = name
                    .split('_')
                    .map(|part| match part.get(8..) {
                        Some(time) if time.len() == 6 && time.starts_with('T') => {
                            format!("{}{minute}", &part[..8])
                        }
                        _ => part.to_owned(),
                    })
                    .collect();
                let name = name.join("_").replace(".json.gz", "y.json.gz");
                world
                    .store
                    .put(&Location::new(target.bucket.clone(), format!("{folder}/{name}")), &body, &metadata)
                    .unwrap();
            }
            8 => world.store.refuse(&target, StoreError::Denied("for a time".to_owned())),
            6 => {
                let (body, metadata) = read(&world.store, &all[self.below(all.len())]);
                world.store.put(&target, &body, &metadata).unwrap();
            }
            _ => {
                // A whole day of a region's digests or log files.
                let (folder, _) = target.key.rsplit_once('/').unwrap();
                let gone: Vec<_> =
                    all.iter().filter(|other| other.key.starts_with(folder)).cloned().collect();
                world.purge(&gone);
            }
        }
        true
    }
}

pub(super) fn count(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn without_memory(world: &World) -> Remembered {
    let memory = Memory::new();
    let request = world.request();
    let mut run = begin(&memory.place, &request, 1).unwrap();
    run.request.memory = None;
    run.tell(&world.store, &world.keys)
}

#[test]
fn memory_sees_what_a_full_run_sees() {
    let (worlds, seed) = (count("TRAILPROOF_SEALED", 40), count("TRAILPROOF_SEED", 1));
    for number in 0..worlds {
        let mut random = Random::of(seed, number);
        let spec = random.spec();
        let (memory, world) = (Memory::new(), World::of(&spec));
        let store = Counted::new(&world.store);
        let name = format!("world {number} of seed {seed}: {spec:?}");
        let delivered: BTreeSet<String> = world.store.locations().iter().map(ToString::to_string).collect();
        let all = world.store.locations().into_iter();
        let before: Vec<_> = all.map(|location| (location.clone(), read(&world.store, &location))).collect();
        // 1. Untouched: with memory as without, in each run.
        let plain = without_memory(&world);
        for run in 1..4 {
            let told = memory.sparing(&world, &store, &world.request(), run);
            assert_eq!(told.verdict, plain.verdict, "{name}, run {run}\n{}", told.said());
            assert_eq!(grave(&told.findings), grave(&plain.findings), "{name}, run {run}");
            assert_eq!(proved(&told), proved(&plain), "{name}, run {run}");
        }
        // 2. Touched, once or more: everything that a run without memory finds.
        let mut changed = false;
        for run in 4..6 + u32::try_from(random.below(3)).unwrap() {
            for _ in 0..=random.below(3) {
                changed |= random.touch(&world);
            }
            // What could not be read for a time can be read again.
            if random.once_in(2) {
                for (location, (body, metadata)) in &before {
                    if world.store.get(location).is_err_and(|error| matches!(error, StoreError::Denied(_))) {
                        world.store.put(location, body, metadata).unwrap();
                    }
                }
            }
            let plain = without_memory(&world);
            let recheck = if random.once_in(3) { Recheck::new(1, 3).unwrap() } else { Recheck::NONE };
            let told = memory.rechecking(&world, &store, &world.request(), run, recheck);
            let (found, mut expected) = (grave(&told.findings), grave(&plain.findings));
            // What lost its signature is proved by memory.
            expected.retain(|(kind, _)| !CURED.contains(&kind.as_str()));
            // An untouched log file whose digest is gone was proved with the digest.
            let is_known = |uri: &Option<String>| uri.as_ref().is_some_and(|uri| delivered.contains(uri));
            expected.retain(|(kind, uri)| !(kind == "log-unreferenced" && is_known(uri)));
            assert!(
                expected.is_subset(&found),
                "{name}, run {run}\nmissing: {:?}\n{}",
                expected.difference(&found).collect::<Vec<_>>(),
                told.said()
            );
            assert!(
                told.verdict >= plain.verdict || expected.is_empty(),
                "{name}, run {run}\n{}",
                told.said()
            );
            // Only memory knows what is gone without a trace.
            if plain.verdict == Verdict::Intact && !changed {
                assert_eq!(told.verdict, Verdict::Intact, "{name}, run {run}\n{}", told.said());
            }
        }
    }
}
