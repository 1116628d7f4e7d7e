//! Every fixture, whole and in shards.

use trailproof::ident::{Location, Relocation};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};

use super::{Sharded, same, shard_lines};
use crate::bodies::read;
use crate::fixtures::{every_case, memory};
use crate::support::{deliver, request, run};

#[test]
fn every_fixture_is_the_same_in_shards() {
    every_case(|case| {
        if case.expect_versioned().is_none() {
            return Ok(());
        }
        let memory::Filled { store, keys, request, .. } = memory::fill(case)?;
        let whole = run(&store, &keys, &request, 2);
        for (most_logs, seed) in [(None, 1), (Some(20), 2), (Some(8), 3), (Some(1), 4)] {
            let sharded = Sharded::run(&store, &keys, &request, most_logs).shuffled(seed);
            let merged = sharded.merge(&request);
            same(&whole.json, &merged.json).map_err(|error| {
                format!("{} shards of {most_logs:?}: {error}", shard_lines(&sharded.plan).len())
            })?;
        }
        Ok(())
    });
}

/// A bucket and its replica are two runs of one request, and two sets of shards of one plan.
#[test]
fn replicas_are_the_same_in_shards() {
    let delivered = deliver(&Spec { hours: 6, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
    let (store, keys) = (&delivered.store, &delivered.keys);
    for location in store.locations() {
        let (body, metadata) = read(store, &location);
        store.put(&Location::new("replica", location.key.clone()), &body, &metadata).unwrap();
    }
    let mut asked = request(&["trail-logs", "replica"], delivered.simulated.end);
    asked.relocations = vec![Relocation {
        from_bucket: "trail-logs".to_owned(),
        from_prefix: String::new(),
        to_bucket: "replica".to_owned(),
        to_prefix: String::new(),
    }];
    let logs: Vec<Location> =
        store.locations().into_iter().filter(|location| location.key.contains("/CloudTrail/")).collect();
    for step in 0..3 {
        match step {
            0 => {}
            1 => store.purge(&logs[1]),
            _ => store.put(&logs[logs.len() - 1], b"changed", &Metadata::new()).unwrap(),
        }
        let whole = run(store, keys, &asked, 2);
        for most_logs in [None, Some(5)] {
            let sharded = Sharded::run(store, keys, &asked, most_logs).shuffled(step);
            same(&whole.json, &sharded.merge(&asked).json).unwrap();
        }
    }
}
