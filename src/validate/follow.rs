//! Follows a chain to where it was delivered before: a trail may have been moved from another bucket or prefix.
//!
//! The folder that a chain comes from was not asked for. It is read for what this chain left there, and not searched
//! for unreferenced log files: other trails, which nobody asked about, may deliver there too.

use super::chain::Entry;
use super::unit::{Item, Trace, Unit};
use super::{Context, discover, walk};
use crate::time::Timestamp;

/// Lists where each trace leads, and returns the digests found there, to be read next. A chain for which nothing is
/// listed is followed by name, and one whose folder was not listed since the run is to end is left there.
pub(super) fn follow(context: Context<'_>, units: &mut [Unit], traces: Vec<Trace>) -> Vec<Item> {
    let shared: &[Unit] = units;
    let found = context.workers.ask(&traces, |trace| {
        let chain = shared.get(trace.unit).and_then(|unit| unit.chains.get(trace.chain));
        chain.and_then(|chain| discover::older(context, &chain.id, &trace.folder, trace.end))
    });
    let found = found.into_iter().chain(std::iter::repeat(None));
    let mut items = Vec::new();
    for (trace, ends) in traces.into_iter().zip(found) {
        let Some(unit) = units.get_mut(trace.unit) else { continue };
        match ends {
            None => unit.leave(trace.chain, trace.end),
            Some(ends) if ends.is_empty() => walk::by_name(context, unit, trace.chain),
            Some(ends) => items.extend(enter(unit, trace, &ends)),
        }
    }
    context.tools.progress.plan_digests(items.len() as u64);
    items
}

/// Adds what was found, newest first, to the unit and to the chain.
fn enter(unit: &mut Unit, trace: Trace, ends: &[Timestamp]) -> Vec<Item> {
    let folder = unit.add_folder(trace.folder);
    let Some(chain) = unit.chains.get_mut(trace.chain) else { return Vec::new() };
    chain.walk.followed.push(folder);
    chain.entries.extend(ends.iter().map(|end| Entry { end: *end, folder }));
    chain.entries.sort_unstable_by(|one, other| other.cmp(one));
    let item = |(index, end): (usize, &Timestamp)| Item {
        unit: trace.unit,
        chain: trace.chain,
        folder,
        end: *end,
        last: index + 1 == ends.len(),
    };
    ends.iter().enumerate().map(item).collect()
}
