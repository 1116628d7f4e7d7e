//! Bytes of any kind in plans and results: never a panic, and never a better verdict.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use trailproof::event::Verdict;
use trailproof::shards::{PlanLine, ShardMerge};
use trailproof::simulate::Spec;

use super::{Sharded, merge};
use crate::support::{deliver, request};

/// How many changes each document gets.
const CHANGES: usize = 1_500;

/// Changes a few bytes, mostly to characters that JSON has.
fn changed(rng: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    const LIKELY: &[u8] = b"\"{}[]:,0123456789-eE.truefalsn\\u\x00\xff \n";
    let mut changed = bytes.to_vec();
    for _ in 0..rng.gen_range(1..4) {
        let at = rng.gen_range(0..changed.len());
        let new = if rng.gen_bool(0.8) { LIKELY[rng.gen_range(0..LIKELY.len())] } else { rng.r#gen() };
        match rng.gen_range(0..4) {
            0 => drop(changed.remove(at)),
            1 => changed.insert(at, new),
            2 => {
                let end = (at + rng.gen_range(1..40)).min(changed.len());
                let part = changed[at..end].to_vec();
                changed.splice(at..at, part);
            }
            _ => changed[at] = new,
        }
    }
    changed
}

#[test]
fn changed_results_never_make_a_better_report() {
    let spec = Spec { hours: 3, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&Spec { tampers: vec!["log-modified".parse().unwrap()], ..spec });
    let request = request(&["trail-logs"], delivered.simulated.end);
    let whole = Sharded::run(&delivered.store, &delivered.keys, &request, Some(3));
    let merged = whole.merge(&request);
    assert_eq!(merged.verdict, Verdict::Tampered);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..CHANGES {
        let mut other = whole.clone();
        let number = rng.gen_range(0..other.results.len());
        other.results[number] = changed(&mut rng, &whole.results[number]);
        let ran = other.merge(&request);
        let shown = || String::from_utf8_lossy(&other.results[number]).into_owned();
        assert_ne!(ran.verdict, Verdict::Intact, "{}", shown());
        assert!(ran.json == merged.json || ran.interrupted, "{}", shown());
    }
}

#[test]
fn changed_plans_are_refused_or_mean_the_same() {
    let spec = Spec { hours: 3, logs_per_hour: 2, events_per_log: 1, ..Spec::default() };
    let delivered = deliver(&spec);
    let request = request(&["trail-logs"], delivered.simulated.end);
    let whole = Sharded::run(&delivered.store, &delivered.keys, &request, Some(3));
    let merged = whole.merge(&request);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..CHANGES {
        let plan = changed(&mut rng, &whole.plan);
        for line in plan.split(|byte| *byte == b'\n') {
            drop(PlanLine::parse(line));
        }
        if let Ok(ran) = merge(&plan, &whole.results, &request) {
            assert!(ran.json == merged.json || ran.interrupted, "{}", String::from_utf8_lossy(&plan));
        }
    }
}

#[test]
fn junk_is_refused() {
    for junk in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"{\"schema\":\"trailproof/shard/2\"}",
        b"{\"schema\":\"trailproof/shard/1\",\"version\":\"0.1.0\",\"type\":\"shard\"}",
        b"{\"schema\":\"trailproof/shard/1\",\"version\":\"0.1.0\",\"type\":\"sharp\"}",
        b"{\"schema\":\"trailproof/shard-result/1\"}",
    ] {
        let said = PlanLine::parse(junk).unwrap_err();
        assert!(!said.to_string().is_empty() && !said.hint().is_empty());
        assert!(ShardMerge::read_plan(&mut &*junk).is_err());
    }
    let deep = "[".repeat(100_000);
    assert!(PlanLine::parse(deep.as_bytes()).is_err());
}
