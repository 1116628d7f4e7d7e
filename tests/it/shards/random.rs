//! Random deliveries, touched in random ways, asked about in random ranges, cut in random parts.
//!
//! `TRAILPROOF_SHARDS` says how many, `TRAILPROOF_SEED` which, `TRAILPROOF_FIRST` from which one on.

use super::{Sharded, same, shard_lines};
use crate::judge::recipe::Bases;
use crate::judge::{nth, setting};
use crate::support::run;
use trailproof::validate::ValidationRequest;

/// How many deliveries `cargo test` cuts.
const DELIVERIES: u64 = 200;

#[test]
fn random_deliveries_are_the_same_in_shards() {
    let (count, seed) = (setting("TRAILPROOF_SHARDS", DELIVERIES), setting("TRAILPROOF_SEED", 0));
    let first = setting("TRAILPROOF_FIRST", 0);
    let bases = Bases::default();
    let (mut wrong, mut cut) = (Vec::new(), 0_u64);
    for number in first..first + count {
        let recipe = nth(seed, number);
        let (delivered, _) = recipe.deliver(&bases);
        let request = ValidationRequest {
            every_object: number % 7 == 0,
            joins_findings: number % 3 != 0,
            ..recipe.request(&delivered)
        };
        let (store, keys) = (&delivered.store, &delivered.keys);
        let whole = run(store, keys, &request, 1);
        let most_logs = [None, Some(1), Some(2), Some(3), Some(7)][(number % 5) as usize];
        let sharded = Sharded::run(store, keys, &request, most_logs).shuffled(number);
        cut += u64::from(shard_lines(&sharded.plan).len() > 1);
        let merged = sharded.merge(&request);
        let is_same = same(&whole.json, &merged.json).and_then(|()| match whole.events == merged.events {
            true => Ok(()),
            false => Err("the events differ".to_owned()),
        });
        if let Err(error) = is_same {
            wrong.push(format!(
                "number {number} of seed {seed}, at most {most_logs:?} log files: {error}\n{recipe:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n\n"));
    assert!(count < 100 || cut * 2 > count, "only {cut} of {count} deliveries were cut");
}
