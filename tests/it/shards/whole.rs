//! Every fixture, whole and in shards.

use super::{Sharded, same, shard_lines};
use crate::fixtures::{every_case, memory};
use crate::support::run;

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
