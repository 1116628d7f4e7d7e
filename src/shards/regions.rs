//! The results of one region's shards, joined.

use std::collections::BTreeMap;

use super::result::{ShardResult, findings, findings_of_rest, findings_of_walk, hash};
use crate::event::{Fault, Finding, Severity, ShardLack};
use crate::ident::{ChainId, RegionFolder, Sha256Hash};
use crate::prove::ChainLogs;
use crate::time::Timestamp;
use crate::validate::{ListedChain, ReadDays, RegionPart, RegionWalk, RunMemory, UnreferencedLogs};

/// A region of a plan, and the results of its shards so far.
#[derive(Debug)]
pub(super) struct PlannedRegion {
    pub(super) run: u32,
    pub(super) account: String,
    pub(super) region: String,
    /// What earlier runs proved, without the sealed days.
    pub(super) memory: Option<RunMemory>,
    folders: Vec<RegionFolder>,
    /// The hash over the digests that were listed for the plan.
    pub(super) listing: Sha256Hash,
    /// The digests of each asked chain that were listed for the plan.
    chains: Vec<ListedChain>,
    /// Number of the first shard, and how many shards there are.
    pub(super) first: u64,
    pub(super) parts: u32,
    taken: BTreeMap<u32, TakenPart>,
    /// Each distinct walk once: mostly one.
    walks: BTreeMap<Sha256Hash, RegionWalk>,
    /// Why a shard without a result has none.
    lacks: BTreeMap<u32, ShardLack>,
    /// Shards with results that differ.
    contradictory: Vec<u32>,
    /// Grave findings of results that were not taken.
    extras: Vec<Finding>,
}

/// The result of a shard, without its walk.
#[derive(Debug)]
struct TakenPart {
    content: Sha256Hash,
    walk: Sha256Hash,
    logs: Vec<ChainLogs>,
    search: Option<UnreferencedLogs>,
    days: ReadDays,
}

/// What the results of a region come to.
pub(super) struct JoinedRegion {
    /// `None` without any result.
    pub(super) part: Option<RegionPart>,
    pub(super) memory: Option<RunMemory>,
    /// Findings on the shards, and grave findings of results that were not taken.
    pub(super) findings: Vec<Finding>,
    /// Whether every shard has one result, and all saw the same digests.
    pub(super) is_sound: bool,
    /// Whether every shard has a result.
    pub(super) is_whole: bool,
    /// Whether the digests were others than those that were listed for the plan.
    pub(super) has_changed: bool,
}

impl PlannedRegion {
    pub(super) fn new(shard: &super::Shard) -> Self {
        let (account, region) = shard.region();
        Self {
            run: shard.run(),
            account: account.to_owned(),
            region: region.to_owned(),
            memory: shard.memory.as_ref().map(|memory| memory.of_region(account, region)),
            folders: shard.folders.iter().map(|found| found.folder.clone()).collect(),
            listing: shard.listing,
            chains: shard.chains.iter().filter(|listed| listed.asked).cloned().collect(),
            first: shard.number(),
            parts: shard.part().of,
            taken: BTreeMap::new(),
            walks: BTreeMap::new(),
            lacks: BTreeMap::new(),
            contradictory: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Takes a result of part `number`. Of results that differ, the one with the lowest hash is kept, whatever their
    /// order, and the grave findings of the others.
    pub(super) fn take(&mut self, number: u32, result: ShardResult) -> Result<(), String> {
        let part = result.part;
        if part.walk.region() != (&self.account, &self.region) {
            return Err("it is about another account or region".to_owned());
        }
        if part.search.is_some() != (number == 0) {
            return Err("the search for additions belongs to the first part of a region".to_owned());
        }
        let of_region = |id: &ChainId| *id.account == *self.account && *id.region == *self.region;
        part.days.check(|folder| self.folders.contains(folder), of_region)?;
        let failed = |error: serde_json::Error| error.to_string();
        let content = hash(&(&part.walk, &part.logs, &part.search)).map_err(failed)?;
        if let Some(known) = self.taken.get_mut(&number) {
            // A day that changed between two runs of a shard is not sealed.
            if known.days != part.days {
                known.days = ReadDays::default();
            }
            if known.content == content {
                return Ok(());
            }
            if !self.contradictory.contains(&number) {
                self.contradictory.push(number);
            }
            if known.content < content {
                self.extras.extend(grave(findings(&part)));
                return Ok(());
            }
            let rest = findings_of_rest(&known.logs, known.search.as_ref());
            let walk = self.walks.get(&known.walk).into_iter().flat_map(findings_of_walk);
            let extras: Vec<Finding> = grave(rest.chain(walk)).collect();
            self.extras.extend(extras);
        }
        let walk = hash(&part.walk).map_err(failed)?;
        let RegionPart { walk: content_of_walk, logs, search, days, .. } = part;
        self.walks.entry(walk).or_insert(content_of_walk);
        self.taken.insert(number, TakenPart { content, walk, logs, search, days });
        Ok(())
    }

    /// Notes why a result of part `number` was not taken.
    pub(super) fn note_lack(&mut self, number: u32, lack: ShardLack) {
        // The gravest reason, independent of the order of results.
        let rank = |lack: &ShardLack| match lack {
            ShardLack::Missing => 0,
            ShardLack::OtherPlan { .. } => 1,
            ShardLack::OtherVersion { .. } => 2,
            ShardLack::OtherLine => 3,
            ShardLack::Damaged { .. } => 4,
        };
        let order = |lack: &ShardLack| (rank(lack), format!("{lack:?}"));
        match self.lacks.get_mut(&number) {
            Some(known) if order(known) >= order(&lack) => {}
            Some(known) => *known = lack,
            None => drop(self.lacks.insert(number, lack)),
        }
    }

    /// Joins the results.
    pub(super) fn join(mut self) -> JoinedRegion {
        let mut notes = self.findings_on_shards();
        let walks: Vec<Sha256Hash> = self.taken.values().map(|part| part.walk).collect();
        let differ = walks.windows(2).any(|pair| pair.first() != pair.last());
        let is_whole = self.taken.len() == self.parts as usize;
        let base = walks.first().and_then(|hash| self.walks.remove(hash));
        let gone: Vec<Finding> = base.iter().flat_map(|walk| self.digests_gone(walk)).collect();
        let is_sound = is_whole && !differ && gone.is_empty() && self.contradictory.is_empty();
        notes.extend(gone);
        let has_changed = base.as_ref().is_some_and(|walk| walk.listing() != Some(self.listing));
        let mut extras = std::mem::take(&mut self.extras);
        if differ {
            let last = self.first.saturating_add(u64::from(self.parts)).saturating_sub(1);
            notes.push(self.finding(Fault::ShardWalksDiffer { shards: (self.first, last) }));
            extras
                .extend(self.walks.values().flat_map(findings_of_walk).filter(|one| is_grave(one)).cloned());
        }
        let part = base.map(|walk| self.join_onto(walk, walks.first().copied(), &mut extras));
        // Findings of results that were not taken, unless the joined results have them too.
        let mut seen: Vec<Finding> = part.iter().flat_map(findings).cloned().collect();
        for extra in extras {
            if !seen.contains(&extra) {
                seen.push(extra.clone());
                notes.push(extra);
            }
        }
        JoinedRegion { part, memory: self.memory, findings: notes, is_sound, is_whole, has_changed }
    }

    fn join_onto(
        &mut self,
        walk: RegionWalk,
        base: Option<Sha256Hash>,
        extras: &mut Vec<Finding>,
    ) -> RegionPart {
        let ids: Vec<ChainId> = walk.chains().iter().map(|chain| chain.id.clone()).collect();
        let logs = vec![ChainLogs::default(); ids.len()];
        let mut taken = std::mem::take(&mut self.taken);
        let mut days = taken.iter_mut().map(|(number, part)| (*number, std::mem::take(&mut part.days)));
        let mut all_days = days.next().map(|(_, days)| days).unwrap_or_default();
        all_days.join(days);
        let mut joined = RegionPart { walk, logs, search: None, days: all_days, newer: BTreeMap::new() };
        for part in taken.into_values() {
            let is_same = Some(part.walk) == base;
            let own: Vec<ChainId> = match self.walks.get(&part.walk).filter(|_| !is_same) {
                Some(walk) => walk.chains().iter().map(|chain| chain.id.clone()).collect(),
                None => ids.clone(),
            };
            let mut by_id: BTreeMap<ChainId, ChainLogs> = own.into_iter().zip(part.logs).collect();
            let in_order = ids.iter().map(|id| by_id.remove(id).unwrap_or_default()).collect();
            joined.add(in_order, part.search);
            // Log files of a chain that the first part did not see.
            extras.extend(grave(by_id.values().flat_map(|logs| &logs.findings)));
        }
        joined
    }

    /// The findings on shards without a result, and on shards with results that differ.
    fn findings_on_shards(&mut self) -> Vec<Finding> {
        self.contradictory.sort_unstable();
        let mut found = Vec::new();
        for part in 0..self.parts {
            let shard = self.first.saturating_add(u64::from(part));
            if !self.taken.contains_key(&part) {
                let lack = self.lacks.remove(&part).unwrap_or(ShardLack::Missing);
                found.push(self.finding(Fault::ShardLacking { shard, part, parts: self.parts, lack }));
            } else if self.contradictory.contains(&part) {
                found.push(self.finding(Fault::ShardContradictory { shard }));
            }
        }
        found
    }

    /// The findings on chains of which the plan listed more than its shards did.
    fn digests_gone(&self, walk: &RegionWalk) -> Vec<Finding> {
        let gone = self.chains.iter().filter_map(|planned| {
            let listed = walk.listed(&planned.id);
            let is_there =
                |listed: &ListedChain| listed.digests >= planned.digests && listed.newest >= planned.newest;
            if listed.is_some_and(is_there) {
                return None;
            }
            let found = listed.map_or(0, |listed| listed.digests);
            let fault = Fault::ShardDigestsGone { planned: planned.digests, found };
            let finding = Finding::new(fault, planned.newest);
            let start = listed.map(|listed| listed.newest).filter(|newest| *newest < planned.newest);
            let end = start.map(|_| planned.newest);
            Some(Finding { start, end, ..finding }.of_chain(&planned.id))
        });
        gone.collect()
    }

    fn finding(&self, fault: Fault) -> Finding {
        Finding::new(fault, Timestamp::from_unix(0)).of_region(&self.account, &self.region)
    }
}

fn is_grave(finding: &Finding) -> bool {
    finding.severity > Severity::Notice
}

fn grave<'f>(findings: impl Iterator<Item = &'f Finding>) -> impl Iterator<Item = Finding> {
    findings.filter(|finding| is_grave(finding)).cloned()
}
