//! The plan for one region of one account: its chains, and the objects in its log folders.

use std::collections::BTreeMap;

use super::tally::{Tally, hour, is_inside};
use super::{Amount, ChainPlan, RegionPlan};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, Location, LogFolder, LogFolderKey, RegionFolder};
use crate::prove::ChainProver;
use crate::store::StoreError;
use crate::time::{self, Interval, Range, Timestamp};
use crate::validate::answered::Answering;
use crate::validate::context::RunContext;
use crate::validate::discover::{self, Place};
use crate::validate::region::{RegionRun, says_something};
use crate::validate::request::Request;
use crate::validate::unreferenced;

/// What would be read of a region, and what is said of it.
pub(super) struct Region {
    pub(super) chains: Vec<ChainPlan>,
    pub(super) logs: RegionPlan,
    pub(super) findings: Vec<Finding>,
    pub(super) answering: Answering,
}

/// Lists the digests of one region, then the log folders of the days these are of.
pub(super) fn plan(context: RunContext<'_>, places: &[Place]) -> Region {
    let range = context.request.range;
    let mut tallies: BTreeMap<ChainId, Tally> = BTreeMap::new();
    let mut unit = discover::list_watched(context, places, &mut |id, entry, bytes| {
        tallies.entry(id.clone()).or_default().add(range, entry, bytes);
    });
    let chain =
        |chain: &ChainProver| chain_plan(range, chain, &tallies.remove(chain.id()).unwrap_or_default());
    let chains: Vec<ChainPlan> = unit.chains.iter().filter_map(chain).collect();
    let mut findings = std::mem::take(&mut unit.findings);
    let folders = unit.folders.iter().enumerate();
    let logs = folders.map(|(index, folder)| log_files(context, &unit, (index, folder), &mut findings)).sum();
    if !says_something(&findings) {
        findings.extend(no_digests(context.request, &unit, &chains));
    }
    let has_digest = |chain: &ChainProver| {
        let mut planned = chains.iter().filter(|planned| planned.id == *chain.id());
        planned.any(|planned| planned.inside.objects > 0)
    };
    let answering = Answering::of(context.request, &unit, has_digest);
    let (account, region) = (unit.account.clone(), unit.region.clone());
    let findings = findings.into_iter().map(|finding| finding.of_region(&account, &region)).collect();
    Region { chains, logs: RegionPlan { account, region, logs }, findings, answering }
}

fn chain_plan(range: Range, chain: &ChainProver, tally: &Tally) -> Option<ChainPlan> {
    let (inside, witnesses) = tally.amounts(range, chain);
    // Newest first.
    let listed = chain.known().listed();
    let (last, first) = (listed.first()?.end, listed.last()?.end);
    Some(ChainPlan { id: chain.id().clone(), selected: chain.is_selected(), inside, witnesses, first, last })
}

/// The log files in one folder whose minutes the digests of the asked range beside it cover by their names. Where there
/// is no such digest none is read, and that is said.
fn log_files(
    context: RunContext<'_>,
    unit: &RegionRun,
    (index, folder): (usize, &RegionFolder),
    findings: &mut Vec<Finding>,
) -> Amount {
    let range = context.request.range;
    let all = covered(range, unit.chains.iter(), index);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        findings.extend(unreferenced::without_digests(context, unit, folder));
        return Amount::default();
    };
    let stretch = Interval { start: first.start, end: last.end };
    let asked = covered(range, unit.chains.iter().filter(|chain| chain.is_selected()), index);
    let is_read =
        |minute: Timestamp| time::overlaps_any(&asked, Interval { start: minute, end: minute.plus(1) });
    let mut logs = Amount::default();
    for listed in unreferenced::listing(context, (folder, LogFolder::CloudTrail), stretch) {
        match listed {
            Ok((listed, LogFolderKey::Minute(minute))) if is_read(minute) => {
                logs = logs.plus(Amount { objects: 1, bytes: listed.size });
            }
            Ok(_) => {}
            Err(error) => findings.push(cannot_list(folder, stretch.start, &error)),
        }
    }
    let mut beside = unreferenced::failures_beside(context, unit, index);
    beside.retain(|failure| {
        !findings.iter().any(|known| (known.kind, &known.uri) == (failure.kind, &failure.uri))
    });
    findings.extend(beside);
    logs
}

/// The hours of the asked range that the digests of `chains` in one folder cover by their names, as [`time::union`]
/// returns them.
fn covered<'c>(range: Range, chains: impl Iterator<Item = &'c ChainProver>, folder: usize) -> Vec<Interval> {
    let mut covered: Vec<Interval> = Vec::new();
    for chain in chains {
        let in_folder = chain.known().listed().iter().filter(|entry| entry.folder as usize == folder);
        for entry in in_folder.filter(|entry| is_inside(range, entry.end)) {
            let hour = hour(entry.end);
            match covered.last_mut() {
                // Entries come newest first, and most hours touch the next.
                Some(last) if last.start == hour.end => last.start = hour.start,
                _ => covered.push(hour),
            }
        }
    }
    time::union(covered)
}

fn cannot_list(folder: &RegionFolder, at: Timestamp, error: &StoreError) -> Finding {
    Finding::new(Fault::UnplannedFolder { why: error.to_string() }, at)
        .about(&Location::new(folder.bucket.clone(), folder.log_prefix()))
}

/// Says of a region with a folder of digests that none of them is of the asked range, as a run does.
fn no_digests(request: &Request, unit: &RegionRun, chains: &[ChainPlan]) -> Option<Finding> {
    let has_one = chains.iter().any(|chain| chain.inside.objects > 0);
    (unit.has_digest_folder && request.trails.is_empty() && request.named.is_empty() && !has_one)
        .then(|| Finding::new(Fault::EmptyDigestFolder, request.range.end))
}
