//! The present of a run over a copy, where the clock of this machine is behind the evidence.
//!
//! Without a right clock, the newest digests would count as dated in the future and be left out. A name can have any
//! date, so only digests that are proved by a signature set the present.

use std::collections::BTreeMap;

use super::cancel::RunCancellation;
use super::context::RunContext;
use super::copies::judge;
use super::discover;
use super::request::{RunTools, ValidationRequest};
use super::workers::WorkerPool;
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::time::Timestamp;

/// Digests of a chain that are read together. Each group repeats the last digest of the group before, whose signature
/// may stand in the next digest.
const GROUP: usize = 256;

/// Sets the present of a run over a copy, and reports a clock that is behind the evidence. `has_end` tells whether the
/// user chose the end of the range, which then stays.
pub fn settle_present(request: &mut ValidationRequest, tools: RunTools<'_>, clock: Timestamp, has_end: bool) {
    let Some(newest) = newest_proved(request, tools, clock) else { return };
    request.now = request.now.max(newest);
    if !has_end {
        request.range.end = request.now;
    }
    request.findings.push(Finding::new(Fault::ClockBehind { clock, newest }, newest));
}

/// The end of the newest proved digest that ends after `clock`.
fn newest_proved(request: &ValidationRequest, tools: RunTools<'_>, clock: Timestamp) -> Option<Timestamp> {
    let cancellation = RunCancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, cancellation: &cancellation };
    let context = RunContext {
        request,
        tools,
        workers,
        cancellation: &cancellation,
        only: None,
        part: None,
        planned: None,
    };
    let found = discover::find_regions(context);
    let folders: Vec<&RegionFolder> =
        found.regions.iter().flatten().filter_map(discover::DiscoveredFolder::digests).collect();
    workers.ask(&folders, |folder| newest_in(context, folder, clock)).into_iter().flatten().max()
}

/// The end of the newest proved digest in `folder` that ends after `clock`.
fn newest_in(context: RunContext<'_>, folder: &RegionFolder, clock: Timestamp) -> Option<Timestamp> {
    let (tools, prefix) = (context.tools, folder.digest_prefix());
    let after = format!("{prefix}{}", clock.day_folder());
    let mut groups: BTreeMap<ChainId, Vec<Location>> = BTreeMap::new();
    let mut newest = None;
    for listed in tools.store.list(&folder.bucket, &prefix, Some(&after)).map_while(Result::ok) {
        let location = Location::new(folder.bucket.clone(), listed.key);
        let key = DigestKey::parse(&location).filter(|key| key.folder == *folder && key.end > clock);
        let Some(key) = key else { continue };
        let group = groups.entry(key.chain()).or_default();
        group.push(location);
        if group.len() == GROUP {
            newest = newest.max(newest_of(context, group, clock));
            group.drain(..GROUP - 1);
        }
    }
    groups.values().map(|group| newest_of(context, group, clock)).fold(newest, Option::max)
}

/// The end of the newest proved digest of `group` that ends after `clock`, whatever its name here.
fn newest_of(context: RunContext<'_>, group: &[Location], clock: Timestamp) -> Option<Timestamp> {
    let objects = group.iter().filter_map(|location| context.tools.store.get(location).ok()).collect();
    let judged = judge(objects, context.tools.keys, context.request.limits.digest);
    let proved = judged.into_iter().flatten().filter(|recorded| recorded.proved);
    // The signature binds the recorded key, whose name has the end.
    let ends = proved.filter_map(|recorded| Some(DigestKey::parse(&recorded.location)?.end));
    ends.filter(|end| *end > clock).max()
}
