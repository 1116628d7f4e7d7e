//! Merges the results of shards: the same end as that of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use sha2::{Digest as _, Sha256};

use super::lines::{ReadLine, next_line};
use super::plan::{PlanEnd, PlanHeader, PlanLine, Shard, is_plan_line, shown};
use super::regions::{JoinedRegion, PlannedRegion};
use super::result::{NewerDigests, ResultHead, ShardResult, hash as written_hash};
use super::{MAX_PLAN_LINE, ShardError, VERSION};
use crate::event::{Fault, Finding, ShardLack, Sink};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::{Interval, Timestamp};
use crate::validate::{EndNotes, RunMemory, RunMerge, RunOutcome, ValidationRequest};

/// How many regions with changed listings a finding names.
const EXAMPLES: usize = 3;

/// A plan, and the results taken so far.
#[derive(Debug)]
pub struct ShardMerge {
    header: PlanHeader,
    /// The hash of each shard, with the index of its region.
    shards: Vec<(Sha256Hash, u32)>,
    /// The regions, in the order of the plan.
    regions: Vec<PlannedRegion>,
    /// What the tools noted, by run.
    notes: Vec<EndNotes>,
    left_out: Option<LeftOut>,
    /// Findings of opening the sources where shards ran, by their hashes.
    opened: BTreeMap<Sha256Hash, Finding>,
    /// The newest end of the digests of each chain that were delivered after the plan.
    newer: BTreeMap<ChainId, Timestamp>,
    /// What earlier runs proved, as the state has it now.
    memory: Option<RunMemory>,
}

/// Lines among the results that were left out.
#[derive(Debug)]
struct LeftOut {
    count: u64,
    /// The first place, by name.
    first: (String, String),
}

impl ShardMerge {
    /// Reads a whole plan.
    ///
    /// # Errors
    /// [`ShardError`] for a plan that is cut off, damaged, or of another version.
    pub fn read_plan(plan: &mut impl BufRead) -> Result<Self, ShardError> {
        let Some(PlanLine::Plan(header)) = next_plan_line(plan)? else {
            return Err(ShardError::NoHeader);
        };
        let notes = header.runs.iter().map(|run| run.notes.clone()).collect();
        let (shards, regions) = (Vec::new(), Vec::new());
        let (left_out, opened, newer, memory) = Default::default();
        let mut merge = Self { header: *header, shards, regions, notes, left_out, opened, newer, memory };
        let mut all = Sha256::new();
        loop {
            match next_plan_line(plan)? {
                Some(PlanLine::Shard(shard)) => {
                    let line = written_hash(&*shard).map_err(io::Error::other)?;
                    all.update(line.0);
                    merge.plan(&shard, line)?;
                }
                Some(PlanLine::End(end)) => {
                    let PlanEnd { plan: id, shards, sha256, .. } = end;
                    let is_whole = id == merge.header.id
                        && shards == merge.shards.len() as u64
                        && sha256 == Sha256Hash(all.finalize().into())
                        && merge.has_whole_regions()
                        && next_plan_line(plan)?.is_none();
                    return if is_whole { Ok(merge) } else { Err(ShardError::Cut) };
                }
                Some(PlanLine::Plan(_)) | None => return Err(ShardError::Cut),
            }
        }
    }

    /// Adds a shard of the plan: the next part of its region.
    fn plan(&mut self, shard: &Shard, line: Sha256Hash) -> Result<(), ShardError> {
        let number = self.shards.len() as u64;
        if shard.number() != number || shard.plan() != self.header.id {
            return Err(ShardError::Cut);
        }
        if shard.run() as usize >= self.header.runs.len() {
            return Err(ShardError::Contradictory("no such run"));
        }
        let part = shard.part();
        if part.number == 0 {
            if !self.has_whole_regions() || self.regions.last().is_some_and(|last| last.run > shard.run()) {
                return Err(ShardError::Cut);
            }
            self.regions.push(PlannedRegion::new(shard));
        }
        let index = self.regions.len().saturating_sub(1);
        let is_next = self.regions.last().is_some_and(|region| {
            (region.run, &*region.account, &*region.region)
                == (shard.run(), shard.region().0, shard.region().1)
                && region.parts == part.of
                && region.first.saturating_add(u64::from(part.number)) == number
        });
        if !is_next {
            return Err(ShardError::Cut);
        }
        self.shards.push((line, u32::try_from(index).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// Whether the last region has all its shards.
    fn has_whole_regions(&self) -> bool {
        let next = self.shards.len() as u64;
        self.regions.last().is_none_or(|last| last.first.saturating_add(u64::from(last.parts)) == next)
    }

    /// The first line of the plan.
    #[must_use]
    pub const fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// The request of the plan, without memory.
    ///
    /// # Errors
    /// [`ShardError::Contradictory`].
    pub fn request(&self) -> Result<ValidationRequest, ShardError> {
        let request = self.header.request.clone().into_request();
        request.ok_or(ShardError::Contradictory("the range ends before its start"))
    }

    /// How many shards the plan has.
    #[must_use]
    pub fn shards(&self) -> u64 {
        self.shards.len() as u64
    }

    /// Takes a line among the results. `place` is where the line lies, for messages. Lines come in any order; a line that
    /// comes twice counts once.
    pub fn take(&mut self, line: ReadLine, place: &str) {
        let line = match line {
            ReadLine::Whole(line) => line,
            ReadLine::TooLong => return self.leave_out(place, "the line is too long"),
        };
        // The plan itself may lie among the results.
        if line.iter().all(u8::is_ascii_whitespace) || is_plan_line(&line) {
            return;
        }
        let Some(head) = ResultHead::of(&line) else {
            return self.leave_out(place, "not a whole result of a shard");
        };
        let (plan, number) = (head.plan.unwrap_or_default(), head.shard.unwrap_or(u64::MAX));
        let planned = usize::try_from(number).ok().and_then(|number| self.shards.get(number)).copied();
        let Some((own, index)) = planned else {
            return self.leave_out(place, "the plan has no shard of this number");
        };
        let Some(region) = self.regions.get_mut(index as usize) else { return };
        let part = u32::try_from(number.saturating_sub(region.first)).unwrap_or(u32::MAX);
        if plan != self.header.id {
            region.note_lack(part, ShardLack::OtherPlan { plan: shown(plan) });
            return self.leave_out(place, "a result of another plan");
        }
        let version = head.version.unwrap_or_default();
        if version != VERSION {
            region.note_lack(part, ShardLack::OtherVersion { version: shown(version) });
            return self.leave_out(place, "a result of another version of the program");
        }
        let result = match ShardResult::parse(&line) {
            Ok(result) => result,
            Err(why) => {
                region.note_lack(part, ShardLack::Damaged { why });
                return self.leave_out(place, "a damaged result");
            }
        };
        if result.line != own {
            region.note_lack(part, ShardLack::OtherLine);
            return self.leave_out(place, "a result of another line than the plan's");
        }
        let (notes, opened, newer) = (result.notes.clone(), result.opened.clone(), result.newer.clone());
        match region.take(part, result) {
            Ok(()) => {
                let hashed = opened.into_iter().filter_map(|found| Some((written_hash(&found).ok()?, found)));
                self.opened.extend(hashed);
                for NewerDigests { id, newest } in newer {
                    let known = self.newer.entry(id).or_insert(newest);
                    *known = newest.max(*known);
                }
                if let Some(known) = self.notes.get_mut(region.run as usize) {
                    known.add(notes);
                }
            }
            Err(why) => {
                region.note_lack(part, ShardLack::Damaged { why });
                self.leave_out(place, "a damaged result");
            }
        }
    }

    fn leave_out(&mut self, place: &str, why: &str) {
        let new = (place.to_owned(), why.to_owned());
        match &mut self.left_out {
            None => self.left_out = Some(LeftOut { count: 1, first: new }),
            Some(LeftOut { count, first }) => {
                *count = count.saturating_add(1);
                if new < *first {
                    *first = new;
                }
            }
        }
    }

    /// Gives the merge what the state has now. What other runs proved since the plan was made, the shards did not look for.
    pub fn remember(&mut self, memory: RunMemory) {
        self.memory = Some(memory);
    }

    /// Sends the events of the run to `sink`, as [`validate`](crate::validate::validate) does, and returns its outcome.
    ///
    /// # Errors
    /// Errors of `sink`.
    pub fn end(self, sink: &mut dyn Sink) -> io::Result<RunOutcome> {
        let Self { header, regions, notes, left_out, mut opened, newer, memory, .. } = self;
        for finding in header.runs.iter().flat_map(|run| &run.findings) {
            written_hash(finding).map(|hash| opened.remove(&hash)).map_err(io::Error::other)?;
        }
        let mut compared = ComparedMemory { newer, ..ComparedMemory::default() };
        let mut regions = regions.into_iter().peekable();
        let (mut whole, mut all_notes) = (None::<RunOutcome>, EndNotes::default());
        let mut changed = (0_u64, Vec::new());
        let mut is_whole = true;
        let runs = header.runs.len();
        for (number, (run, own)) in header.runs.into_iter().zip(notes).enumerate() {
            all_notes.add(own);
            let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the range ends before its start");
            let request = run.request.into_request().ok_or_else(invalid)?;
            let request = ValidationRequest { findings: run.findings, ..request };
            let mut merge = RunMerge::begin(request, run.found, &run.notes, sink)?;
            while let Some(region) = regions.next_if(|region| region.run as usize == number) {
                let name = format!("{} {}", region.account, region.region);
                let joined = region.join();
                if joined.has_changed {
                    changed.0 += 1;
                    changed.1.push(name);
                    changed.1.truncate(EXAMPLES);
                }
                is_whole &= joined.is_whole;
                compared.add(&joined);
                report(&mut merge, joined)?;
            }
            if number + 1 == runs {
                merge.findings(notices(&changed, left_out.as_ref()))?;
                merge.findings(std::mem::take(&mut opened).into_values().collect())?;
                let newer = memory.as_ref().map(|memory| compared.newer(memory, merge.request()));
                merge.findings(newer.unwrap_or_default())?;
            }
            let outcome = merge.end(&all_notes, is_whole)?;
            whole = Some(match whole {
                Some(whole) => whole.and(outcome),
                None => outcome,
            });
        }
        Ok(whole.unwrap_or_default())
    }
}

/// What the shards had of memory, and what they proved.
#[derive(Default)]
struct ComparedMemory {
    planned: BTreeSet<(Location, Sha256Hash)>,
    covered: BTreeMap<ChainId, Vec<Interval>>,
    /// The newest end of the digests of each chain that came after the plan, and that no shard read.
    newer: BTreeMap<ChainId, Timestamp>,
}

impl ComparedMemory {
    fn add(&mut self, joined: &JoinedRegion) {
        let heads = joined.memory.iter().flat_map(|memory| memory.chains.values());
        let heads = heads.flat_map(|chain| &chain.heads);
        self.planned.extend(heads.map(|head| (head.location.clone(), head.hash)));
        for chain in joined.part.iter().flat_map(|part| part.walk.chains()) {
            self.covered.entry(chain.id.clone()).or_default().extend(&chain.covered);
        }
    }

    /// The findings on chains of which the state has newer digests than the plan, and the shards do not show them.
    fn newer(&self, memory: &RunMemory, request: &ValidationRequest) -> Vec<Finding> {
        let is_asked =
            |end: Timestamp| request.range.start.is_none_or(|start| start < end) && end <= request.range.end;
        let chains = memory.chains.values().filter(|chain| request.asks_about(&chain.id));
        let newer = chains.filter_map(|chain| {
            let covered = self.covered.get(&chain.id).map(Vec::as_slice).unwrap_or_default();
            let newer = self.newer.get(&chain.id);
            let is_shown = |end: Timestamp| {
                covered.iter().any(|part| part.start < end && end <= part.end)
                    || newer.is_some_and(|newest| end <= *newest)
            };
            let unknown = chain.heads.iter().filter(|head| {
                let is_planned = self.planned.contains(&(head.location.clone(), head.hash));
                !is_planned && is_asked(head.end) && !is_shown(head.end)
            });
            let ends: Vec<Timestamp> = unknown.map(|head| head.end).collect();
            let newest = ends.iter().max()?;
            let fault = Fault::ShardMemoryNewer { count: ends.len() as u64 };
            Some(Finding::new(fault, *newest).of_chain(&chain.id))
        });
        newer.collect()
    }
}

fn report(merge: &mut RunMerge<'_>, joined: JoinedRegion) -> io::Result<()> {
    let JoinedRegion { part, memory, findings, is_sound, .. } = joined;
    if let Some(part) = part {
        merge.region(part, memory, is_sound)?;
    }
    merge.findings(findings)
}

/// The notices on the merge itself.
fn notices((count, examples): &(u64, Vec<String>), left_out: Option<&LeftOut>) -> Vec<Finding> {
    let notice = |fault| Finding::new(fault, Timestamp::from_unix(0)).as_notice();
    let changed = (*count > 0)
        .then(|| notice(Fault::ShardListingsChanged { count: *count, examples: examples.clone() }));
    let left_out = left_out.map(|LeftOut { count, first: (first, why) }| {
        notice(Fault::ShardResultsLeftOut { count: *count, first: first.clone(), why: why.clone() })
    });
    changed.into_iter().chain(left_out).collect()
}

/// The next line of a plan. Empty lines are passed over.
fn next_plan_line(plan: &mut impl BufRead) -> Result<Option<PlanLine>, ShardError> {
    loop {
        let line = match next_line(plan, MAX_PLAN_LINE)? {
            None => return Ok(None),
            Some(ReadLine::TooLong) => return Err(ShardError::TooLong(MAX_PLAN_LINE)),
            Some(ReadLine::Whole(line)) => line,
        };
        if !line.iter().all(u8::is_ascii_whitespace) {
            return PlanLine::parse(&line).map(Some);
        }
    }
}

/// Shard `index` of a plan, without reading what follows.
///
/// # Errors
/// [`ShardError`], [`ShardError::NoShard`] for a plan with fewer shards.
pub fn nth_shard(plan: &mut impl BufRead, index: u64) -> Result<Shard, ShardError> {
    let mut shards = 0;
    loop {
        match next_plan_line(plan)? {
            None => return Err(ShardError::Cut),
            Some(PlanLine::Plan(_)) => {}
            Some(PlanLine::End(_)) => return Err(ShardError::NoShard { index, shards }),
            Some(PlanLine::Shard(shard)) if shard.number() != shards => return Err(ShardError::Cut),
            Some(PlanLine::Shard(shard)) if shards == index => return Ok(*shard),
            Some(PlanLine::Shard(_)) => shards += 1,
        }
    }
}
