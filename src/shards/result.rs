//! The result of a shard.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::plan::{Shard, shown};
use super::{RESULT_SCHEMA, VERSION};
use crate::event::Finding;
use crate::ident::{ChainId, Sha256Hash};
use crate::prove::ChainLogs;
use crate::time::Timestamp;
use crate::validate::{EndNotes, RegionPart, RegionWalk, UnreferencedLogs};

/// The first fields of a result.
#[derive(Deserialize)]
pub(super) struct ResultHead {
    pub(super) schema: Option<String>,
    pub(super) version: Option<String>,
    pub(super) plan: Option<String>,
    pub(super) shard: Option<u64>,
}

impl ResultHead {
    /// The first fields of a line; `None` for a line that is no result.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(line).ok()?;
        (head.schema.as_deref() == Some(RESULT_SCHEMA)).then_some(head)
    }
}

/// The result of a shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardResult {
    schema: String,
    version: String,
    /// The id of the plan.
    pub(super) plan: String,
    /// The number of the shard.
    pub(super) shard: u64,
    /// SHA-256 of the shard, as `plan` writes it.
    pub(super) line: Sha256Hash,
    pub(super) part: RegionPart,
    /// The findings of opening the sources, if others than the plan has.
    pub(super) opened: Vec<Finding>,
    /// The newest end of the digests of each chain that were delivered after the plan.
    pub(super) newer: Vec<NewerDigests>,
    /// What the tools noted: of this shard, and of earlier shards of the process.
    pub(super) notes: EndNotes,
    /// SHA-256 of all fields before.
    sha256: Sha256Hash,
}

/// The digests of a chain that were delivered after the plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewerDigests {
    pub(super) id: ChainId,
    /// The newest end.
    pub(super) newest: Timestamp,
}

impl ShardResult {
    /// The result of `shard`. `opened` are the findings of opening the sources on this machine.
    ///
    /// # Errors
    /// The serializer's error.
    pub fn new(
        shard: &Shard,
        part: RegionPart,
        opened: &[Finding],
        notes: EndNotes,
    ) -> Result<Self, serde_json::Error> {
        let line = hash(shard)?;
        let opened = if hash(&opened)? == shard.opened { Vec::new() } else { opened.to_vec() };
        let (plan, shard) = (shard.plan().to_owned(), shard.number());
        let newer = part.newer.iter().map(|(id, newest)| NewerDigests { id: id.clone(), newest: *newest });
        let newer: Vec<_> = newer.collect();
        let sha256 = hash(&(&plan, shard, line, &part, &opened, &newer, &notes))?;
        let (schema, version) = (RESULT_SCHEMA.to_owned(), VERSION.to_owned());
        Ok(Self { schema, version, plan, shard, line, part, opened, newer, notes, sha256 })
    }

    /// The line of the result, with its end.
    ///
    /// # Errors
    /// The serializer's error.
    pub fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Parses a line, and checks its hash and its form.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let result: Self = serde_json::from_slice(line).map_err(|error| shown(error.to_string()))?;
        let Self { plan, shard, line, part, opened, newer, notes, .. } = &result;
        if hash(&(plan, shard, line, part, opened, newer, notes)).ok() != Some(result.sha256) {
            return Err("its hash is not that of its content".to_owned());
        }
        check(&result.part).map_err(str::to_owned)?;
        Ok(result)
    }
}

/// The hash of a value in its written form.
pub(super) fn hash(value: &impl Serialize) -> Result<Sha256Hash, serde_json::Error> {
    serde_json::to_vec(value).map(|bytes| Sha256Hash::of(&bytes))
}

/// Checks what the end of a run relies on.
fn check(part: &RegionPart) -> Result<(), &'static str> {
    let (account, region) = part.walk.region();
    let chains = part.walk.chains();
    if chains.len() != part.logs.len() {
        return Err("it has other log files than chains");
    }
    let mut ids: BTreeSet<&ChainId> = BTreeSet::new();
    for chain in chains {
        if *chain.id.account != *account || *chain.id.region != *region || !ids.insert(&chain.id) {
            return Err("it has a chain of another region, or a chain twice");
        }
        if chain.covered.iter().any(|part| part.end < part.start) {
            return Err("a stretch of time ends before its start");
        }
    }
    if part.logs.iter().any(|logs| logs.unread.is_some()) {
        return Err("it is the result of an interrupted run");
    }
    let of_coverage = chains.iter().filter_map(|chain| chain.nothing_covered.as_deref());
    if !findings(part).chain(of_coverage).all(|finding| finding.kind == finding.fault.kind()) {
        return Err("the kind of a finding is not that of its cause");
    }
    Ok(())
}

/// All findings of a part.
pub(super) fn findings(part: &RegionPart) -> impl Iterator<Item = &Finding> {
    let RegionPart { walk, logs, search, .. } = part;
    findings_of_walk(walk).chain(findings_of_rest(logs, search.as_ref()))
}

pub(super) fn findings_of_walk(walk: &RegionWalk) -> impl Iterator<Item = &Finding> {
    walk.chains().iter().flat_map(|chain| &chain.findings).chain(walk.findings())
}

pub(super) fn findings_of_rest<'p>(
    logs: &'p [ChainLogs],
    search: Option<&'p UnreferencedLogs>,
) -> impl Iterator<Item = &'p Finding> {
    let searched = search.into_iter().flat_map(|search| &search.findings);
    logs.iter().flat_map(|logs| &logs.findings).chain(searched)
}
