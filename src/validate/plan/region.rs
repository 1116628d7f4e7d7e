//! The plan for one region of one account: its chains, and the objects in its log folders.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::archived::{ArchiveListener, ArchivedAmount, ArchivedObjects};
use super::tally::{DigestTally, hour, is_inside};
use super::{Amount, ChainPlan, RegionPlan};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, Location, LogFolder, LogFolderKey, RegionFolder};
use crate::prove::{ChainProver, digest_location};
use crate::store::StoreError;
use crate::time::{self, DAY, Interval, Range, Timestamp};
use crate::validate::answered::AnsweringFolders;
use crate::validate::context::RunContext;
use crate::validate::discover::{self, DiscoveredFolder};
use crate::validate::parts::RegionWeight;
use crate::validate::region::{RegionRun, exceeds_notices};
use crate::validate::request::ValidationRequest;
use crate::validate::sealed::SealedFolder;
use crate::validate::unreferenced;

/// The planned reads of a region, with its findings.
pub(super) struct PlannedRegion {
    pub(super) chains: Vec<ChainPlan>,
    pub(super) logs: RegionPlan,
    pub(super) findings: Vec<Finding>,
    pub(super) answering: AnsweringFolders,
    pub(super) archived: ArchivedAmount,
}

/// Lists the digests of one region, then the log folders of the digests' days. With a listener, archived objects in
/// every log folder are told.
pub(super) fn plan(
    context: RunContext<'_>,
    discovered: &[DiscoveredFolder],
    listener: Option<&ArchiveListener<'_>>,
) -> PlannedRegion {
    let range = context.request.range;
    let mut tallies: BTreeMap<ChainId, DigestTally> = BTreeMap::new();
    // 1. List the digests, and add up their sizes.
    let mut region = discover::list_region_watched(context, discovered, &mut |id, entry, listed| {
        tallies.entry(id.clone()).or_default().add(range, entry, listed);
    });
    let mut archived = ArchivedObjects { amount: ArchivedAmount::default(), listener, untold: Vec::new() };
    let chain = |chain: &ChainProver| {
        let tally = tallies.remove(chain.id()).unwrap_or_default();
        for (entry, bytes) in tally.archived(chain) {
            let folder = region.folders.get(entry.folder as usize)?;
            archived.add_digest(digest_location(chain.id(), folder, entry.end), bytes);
        }
        chain_plan(range, chain, &tally)
    };
    let chains: Vec<ChainPlan> = region.chains.iter().filter_map(chain).collect();
    let mut findings = std::mem::take(&mut region.findings);
    // 2. List the log folders of the covered days.
    let folders = region.folders.iter().enumerate();
    let logs = folders
        .map(|(index, folder)| log_files(context, &region, (index, folder), &mut findings, &mut archived))
        .sum();
    if !exceeds_notices(&findings) {
        findings.extend(no_digests(context.request, &region, &chains));
    }
    // 3. Note which folders answer the request.
    let has_digest = |chain: &ChainProver| {
        let mut planned = chains.iter().filter(|planned| planned.id == *chain.id());
        planned.any(|planned| planned.inside.objects > 0)
    };
    let answering = AnsweringFolders::of(context.request, &region, has_digest);
    let (account, region) = (region.account.clone(), region.region.clone());
    let findings = findings.into_iter().map(|finding| finding.of_region(&account, &region)).collect();
    archived.tell();
    let archived = archived.amount;
    PlannedRegion { chains, logs: RegionPlan { account, region, logs }, findings, answering, archived }
}

/// Weighs a region: lists its digests and, if `counts_logs`, the log folders of those of the digests' days that are not
/// sealed. Failures to list are left to the run, which lists the same folders.
pub(in crate::validate) fn weigh(
    context: RunContext<'_>,
    discovered: &[DiscoveredFolder],
    sealed: &BTreeMap<RegionFolder, Arc<SealedFolder>>,
    counts_logs: bool,
) -> RegionWeight {
    let region = discover::list_region(context, discovered);
    let digests = region.chains.iter().map(|chain| chain.known().listed().len() as u64).sum();
    let mut archived =
        ArchivedObjects { amount: ArchivedAmount::default(), listener: None, untold: Vec::new() };
    let folders = region.folders.iter().enumerate().filter(|_| counts_logs);
    let logs = folders.map(|(number, folder)| {
        let days = sealed.get(folder).into_iter().flat_map(|sealed| sealed.days.keys());
        let whole: Vec<Interval> = days.map(|day| Interval { start: *day, end: day.plus(DAY) }).collect();
        let left_out = time::union(whole);
        listed_logs(context, &region, (number, folder), &left_out, &mut archived, &mut Vec::new())
    });
    let logs = logs.fold(Amount::default(), Amount::plus).objects;
    RegionWeight { digests, logs, listing: region.hash_of_listing(), chains: region.listed_chains() }
}

fn chain_plan(range: Range, chain: &ChainProver, tally: &DigestTally) -> Option<ChainPlan> {
    let (inside, witnesses) = tally.amounts(range, chain);
    // The list is newest first.
    let listed = chain.known().listed();
    let (last, first) = (listed.first()?.end, listed.last()?.end);
    Some(ChainPlan { id: chain.id().clone(), selected: chain.is_selected(), inside, witnesses, first, last })
}

/// The log files in one folder whose minutes the digests of the asked range cover, by their names. A folder without
/// such a digest has no log files to read, and gets a finding.
fn log_files(
    context: RunContext<'_>,
    region: &RegionRun,
    (index, folder): (usize, &RegionFolder),
    findings: &mut Vec<Finding>,
    archived: &mut ArchivedObjects<'_>,
) -> Amount {
    let range = context.request.range;
    let all = covered(range, region.chains.iter(), index);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        findings.extend(unreferenced::logs_without_digests(context, region, folder));
        note_failures_beside(context, region, index, findings);
        return Amount::default();
    };
    let stretch = Interval { start: first.start, end: last.end };
    let logs = listed_logs(context, region, (index, folder), &[], archived, findings);
    let asked = covered(range, region.chains.iter().filter(|chain| chain.is_selected()), index);
    let is_read =
        |minute: Timestamp| time::overlaps_any(&asked, Interval { start: minute, end: minute.plus(1) });
    // A plan estimates the log files of `CloudTrail/` only; whoever restores objects needs all log folders.
    let is_needed = archived.listener.is_some();
    let others = LogFolder::ALL.into_iter().filter(|logs| is_needed && *logs != LogFolder::CloudTrail);
    for folder_of_logs in others {
        for listed in unreferenced::list_log_folder(context, (folder, folder_of_logs), stretch) {
            match listed {
                Ok((listed, LogFolderKey::Minute(minute))) if is_read(minute) => {
                    archived.add_log(folder, listed)
                }
                Ok(_) => {}
                Err(error) => findings.push(cannot_list(folder, stretch.start, &error)),
            }
        }
    }
    note_failures_beside(context, region, index, findings);
    logs
}

/// Adds the failures to list the folders beside the days of a log folder, each folder once.
fn note_failures_beside(
    context: RunContext<'_>,
    region: &RegionRun,
    folder: usize,
    findings: &mut Vec<Finding>,
) {
    let mut beside = unreferenced::listing_failures(context, region, folder);
    beside.retain(|failure| {
        !findings.iter().any(|known| (known.kind, &known.uri) == (failure.kind, &failure.uri))
    });
    findings.extend(beside);
}

/// The log files in `CloudTrail/` of one folder whose minutes the digests of the asked range cover, by their names. Those
/// within `left_out` do not count.
fn listed_logs(
    context: RunContext<'_>,
    region: &RegionRun,
    (index, folder): (usize, &RegionFolder),
    left_out: &[Interval],
    archived: &mut ArchivedObjects<'_>,
    findings: &mut Vec<Finding>,
) -> Amount {
    let range = context.request.range;
    let rest = |covered: Vec<Interval>| -> Vec<Interval> {
        covered.into_iter().flat_map(|stretch| time::complement(stretch, left_out)).collect()
    };
    let all = rest(covered(range, region.chains.iter(), index));
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Amount::default() };
    let stretch = Interval { start: first.start, end: last.end };
    let asked = rest(covered(range, region.chains.iter().filter(|chain| chain.is_selected()), index));
    let mut logs = Amount::default();
    for listed in unreferenced::list_log_folder(context, (folder, LogFolder::CloudTrail), stretch) {
        match listed {
            Ok((listed, LogFolderKey::Minute(minute)))
                if time::overlaps_any(&asked, Interval { start: minute, end: minute.plus(1) }) =>
            {
                logs = logs.plus(Amount { objects: 1, bytes: listed.size });
                archived.add_log(folder, listed);
            }
            Ok(_) => {}
            Err(error) => findings.push(cannot_list(folder, stretch.start, &error)),
        }
    }
    logs
}

/// The hours of the asked range that the digests of `chains` in one folder cover, by their names, in the form of
/// [`time::union`].
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

/// The finding on a region with a digest folder and without digests in the asked range, as in a run.
fn no_digests(request: &ValidationRequest, region: &RegionRun, chains: &[ChainPlan]) -> Option<Finding> {
    let has_one = chains.iter().any(|chain| chain.inside.objects > 0);
    (region.has_digest_folder && request.trails.is_empty() && request.named.is_empty() && !has_one)
        .then(|| Finding::new(Fault::EmptyDigestFolder, request.range.end))
}
