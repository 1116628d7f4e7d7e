//! Writes a plan: a line for each shard, as its region is weighed.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::plan::{PlanEnd, PlanHeader, PlannedRun, PlannedState, Shard};
use super::request::{ShardSources, WrittenRequest};
use super::result::hash as written_hash;
use super::{MAX_PARTS, SCHEMA, ShardError, VERSION};
use crate::ident::Sha256Hash;
use crate::time::Timestamp;
use crate::validate::{
    self, DiscoveredFolder, RegionWeight, RunMemory, RunPlan, RunTools, ValidationRequest,
};

/// How many regions are weighed before their lines are written.
const REGIONS_AT_ONCE: usize = 512;

/// What a plan says beside the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanFacts {
    /// When the run began.
    pub started: Timestamp,
    /// The sources as typed.
    pub sources: Vec<String>,
    /// The sources as memory knows them, absolute.
    pub identity: Vec<String>,
    /// The state that holds the memory of the run.
    pub state: Option<PlannedState>,
    /// Where every machine finds evidence and keys.
    pub places: ShardSources,
    /// The most log files of a shard; `None` to cut no region.
    pub most_logs: Option<u64>,
}

/// What a plan came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PlanTotals {
    /// Number of shards.
    pub shards: u64,
    /// Number of regions.
    pub regions: u64,
    /// Digests, by listings. The digests of a region in several parts count once.
    pub digests: u64,
    /// Log files, estimated by listings.
    pub logs: u64,
}

/// Finds the regions of `request`, weighs them, and writes the plan to `out`. `watch` is told the totals so far, and the
/// number of all regions. Memory does not grow with the number of objects.
///
/// # Errors
/// [`ShardError`]. What was written of the plan has no last line then, and is refused by every reader.
pub fn write_plan(
    request: &ValidationRequest,
    facts: &PlanFacts,
    tools: RunTools<'_>,
    out: &mut dyn Write,
    watch: &mut dyn FnMut(PlanTotals, u64),
) -> Result<PlanTotals, ShardError> {
    // 1. Find the regions of each run.
    let runs = validate::plan_runs(request, tools)?;
    let header = header(request, facts, &runs)?;
    let all = runs.iter().map(|run| run.regions.len() as u64).sum();
    let mut writer = PlanWriter {
        facts,
        plan: header.id.clone(),
        hash: Sha256::new(),
        totals: PlanTotals::default(),
        out,
    };
    check_stop(tools)?;
    writer.line(&header)?;
    drop(header);
    // 2. Weigh the regions, and write the shards of each.
    for (number, run) in runs.iter().enumerate() {
        let written = WrittenRequest::of(&run.request, &run.deliveries);
        for regions in run.regions.chunks(REGIONS_AT_ONCE) {
            watch(writer.totals, all);
            let weights = validate::weigh(run, tools, regions, facts.most_logs.is_some());
            check_stop(tools)?;
            for (folders, weight) in regions.iter().zip(weights) {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                writer.region(number, run, &written, folders, weight)?;
            }
        }
    }
    // 3. End the plan, so that a plan that was cut off is known.
    watch(writer.totals, all);
    writer.end()
}

fn check_stop(tools: RunTools<'_>) -> Result<(), ShardError> {
    if tools.stop.is_set() { Err(ShardError::Interrupted) } else { Ok(()) }
}

fn header(
    request: &ValidationRequest,
    facts: &PlanFacts,
    runs: &[RunPlan],
) -> Result<PlanHeader, ShardError> {
    let told: Vec<_> = runs.first().map(|run| run.deliveries.clone()).unwrap_or_default();
    let planned = runs.iter().map(|run| {
        Ok(PlannedRun {
            request: WrittenRequest::of(&run.request, &run.deliveries),
            findings: run.request.findings.clone(),
            found: run.found.clone(),
            notes: run.notes.clone(),
            regions: Sha256Hash::of(&serde_json::to_vec(&run.regions).map_err(io::Error::other)?),
        })
    });
    let header = PlanHeader {
        schema: SCHEMA.to_owned(),
        r#type: "plan".to_owned(),
        version: VERSION.to_owned(),
        id: String::new(),
        started: facts.started,
        sources: facts.sources.clone(),
        identity: facts.identity.clone(),
        memory: request.memory.is_some(),
        state: facts.state.clone(),
        request: WrittenRequest::of(request, &told),
        runs: planned.collect::<Result<_, ShardError>>()?,
    };
    Ok(PlanHeader { id: header.content_id()?, ..header })
}

struct PlanWriter<'w> {
    facts: &'w PlanFacts,
    plan: String,
    /// Over the hashes of the lines of all shards.
    hash: Sha256,
    totals: PlanTotals,
    out: &'w mut dyn Write,
}

impl PlanWriter<'_> {
    fn line(&mut self, line: &impl Serialize) -> Result<Sha256Hash, ShardError> {
        let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
        let hash = Sha256Hash::of(&bytes);
        bytes.push(b'\n');
        self.out.write_all(&bytes)?;
        Ok(hash)
    }

    fn region(
        &mut self,
        number: u32,
        run: &RunPlan,
        written: &WrittenRequest,
        folders: &[DiscoveredFolder],
        weight: RegionWeight,
    ) -> Result<(), ShardError> {
        let RegionWeight { digests, logs, listing, chains } = weight;
        let Some(first) = folders.first() else { return Ok(()) };
        let (account, region) = (first.folder.account.to_string(), first.folder.region.to_string());
        let sealed = folders.iter().filter_map(|discovered| {
            Some((discovered.folder.clone(), Arc::clone(run.sealed.get(&discovered.folder)?)))
        });
        let memory = run.request.memory.as_ref().map(|memory| memory.of_region(&account, &region));
        let memory = memory.map(|memory| RunMemory { sealed: sealed.collect(), ..memory });
        let parts = parts_of(logs, self.facts.most_logs);
        let mut shard = Shard {
            schema: SCHEMA.to_owned(),
            r#type: "shard".to_owned(),
            version: VERSION.to_owned(),
            plan: self.plan.clone(),
            shard: 0,
            run: number,
            account,
            region,
            part: 0,
            parts,
            digests,
            logs: logs.div_ceil(u64::from(parts)),
            listing,
            chains,
            folders: folders.to_vec(),
            memory,
            opened: written_hash(&run.request.findings).map_err(io::Error::other)?,
            request: written.clone(),
            sources: self.facts.places.clone(),
        };
        for part in 0..parts {
            (shard.shard, shard.part) = (self.totals.shards, part);
            let hash = self.line(&shard)?;
            self.hash.update(hash.0);
            self.totals.shards += 1;
        }
        self.totals.regions += 1;
        self.totals.digests = self.totals.digests.saturating_add(digests);
        self.totals.logs = self.totals.logs.saturating_add(logs);
        Ok(())
    }

    fn end(mut self) -> Result<PlanTotals, ShardError> {
        let end = PlanEnd {
            schema: SCHEMA.to_owned(),
            r#type: "end".to_owned(),
            version: VERSION.to_owned(),
            plan: self.plan.clone(),
            shards: self.totals.shards,
            sha256: Sha256Hash(std::mem::take(&mut self.hash).finalize().into()),
        };
        self.line(&end)?;
        self.out.flush()?;
        Ok(self.totals)
    }
}

/// In how many parts a region with `logs` log files is cut.
fn parts_of(logs: u64, most: Option<u64>) -> u32 {
    let parts = most.map_or(1, |most| logs.div_ceil(most.max(1)));
    u32::try_from(parts).unwrap_or(MAX_PARTS).clamp(1, MAX_PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_cut_where_its_logs_outweigh_the_target() {
        for (logs, most, parts) in [
            (0, Some(10), 1),
            (10, Some(10), 1),
            (11, Some(10), 2),
            (u64::MAX, Some(1), MAX_PARTS),
            (5, Some(0), 5),
            (u64::MAX, None, 1),
        ] {
            assert_eq!(parts_of(logs, most), parts, "{logs} {most:?}");
        }
    }
}
