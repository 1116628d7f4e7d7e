//! One run in shards: merged, the results give the report of one run.

#[cfg(feature = "aws")]
mod between;
#[cfg(feature = "aws")]
mod cloud;
mod command;
mod hostile;
mod live;
mod memory;
mod random;
mod results;
mod whole;

use trailproof::event::NoProgress;
use trailproof::keys::KeyRing;
use trailproof::shards::{
    PlanFacts, PlanLine, ReadLine, ShardError, ShardMerge, ShardSources, run_shard, write_plan,
};
use trailproof::store::Store;
use trailproof::time::Timestamp;
use trailproof::validate::{CancelFlag, RunTools, ValidationRequest};

use crate::support::{self, Ran, pool};

/// A plan and the results of its shards, in order.
#[derive(Clone)]
struct Sharded {
    plan: Vec<u8>,
    results: Vec<Vec<u8>>,
}

/// Plans a run whose shards have at most so many log files.
pub(crate) fn plan(
    store: &dyn Store,
    keys: &KeyRing,
    request: &ValidationRequest,
    most_logs: Option<u64>,
) -> Vec<u8> {
    let (pool, stop) = (pool(2), CancelFlag::new());
    let tools = RunTools { store, keys, pool: &pool, progress: &NoProgress, stop: &stop };
    let facts = PlanFacts {
        started: request.now,
        sources: request.sources.iter().map(|source| format!("s3://{}", source.bucket)).collect(),
        identity: Vec::new(),
        state: None,
        places: ShardSources::default(),
        most_logs,
    };
    let mut plan = Vec::new();
    write_plan(request, &facts, tools, &mut plan, &mut |_, _| {}).unwrap();
    plan
}

/// The lines of a plan that are shards.
pub(crate) fn shard_lines(plan: &[u8]) -> Vec<&[u8]> {
    let lines = plan.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter(|line| matches!(PlanLine::parse(line).unwrap(), PlanLine::Shard(_))).collect()
}

/// The result of a shard, as another process would make it.
pub(crate) fn result(store: &dyn Store, keys: &KeyRing, line: &[u8]) -> Vec<u8> {
    result_at(store, keys, line, Timestamp::from_unix(0))
}

/// The result of a shard, as another process would make it when its clock says `clock`.
fn result_at(store: &dyn Store, keys: &KeyRing, line: &[u8], clock: Timestamp) -> Vec<u8> {
    let PlanLine::Shard(shard) = PlanLine::parse(line).unwrap() else { panic!("no shard") };
    let (pool, stop) = (pool(2), CancelFlag::new());
    let tools = RunTools { store, keys, pool: &pool, progress: &NoProgress, stop: &stop };
    run_shard(&shard, tools, &[], clock).unwrap().unwrap().to_line().unwrap()
}

impl Sharded {
    fn run(store: &dyn Store, keys: &KeyRing, request: &ValidationRequest, most_logs: Option<u64>) -> Self {
        let plan = plan(store, keys, request, most_logs);
        let results = shard_lines(&plan).into_iter().map(|line| result(store, keys, line)).collect();
        Self { plan, results }
    }

    /// The results in another order.
    fn shuffled(mut self, seed: u64) -> Self {
        let mut state = seed | 1;
        for at in (1..self.results.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.results.swap(at, (state >> 33) as usize % (at + 1));
        }
        self
    }

    fn merge(&self, request: &ValidationRequest) -> Ran {
        merge(&self.plan, &self.results, request).unwrap()
    }
}

pub(crate) fn merge(
    plan: &[u8],
    results: &[Vec<u8>],
    request: &ValidationRequest,
) -> Result<Ran, ShardError> {
    let mut merge = ShardMerge::read_plan(&mut &*plan)?;
    for (number, result) in results.iter().enumerate() {
        let line = result.strip_suffix(b"\n").unwrap_or(result).to_vec();
        merge.take(ReadLine::Whole(line), &format!("results:{number}"));
    }
    Ok(support::ran(request, |events| merge.end(events).unwrap()))
}

/// The first line in which two texts differ.
pub(crate) fn same(whole: &str, merged: &str) -> Result<(), String> {
    let mut lines = whole.lines().zip(merged.lines()).enumerate();
    match lines.find(|(_, (one, other))| one != other) {
        _ if whole == merged => Ok(()),
        Some((number, (one, other))) => {
            Err(format!("line {}\n  whole:  {one}\n  merged: {other}", number + 1))
        }
        None => Err(format!("{} lines, merged {}", whole.lines().count(), merged.lines().count())),
    }
}
