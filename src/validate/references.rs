//! Where listings show the log files that proved digests list, so that the search for additions knows them.

use super::context::RunContext;
use super::logs::ProvedInChain;
use super::region::RegionRun;
use crate::ident::{DigestKey, Location, Relocation};
use crate::prove::{ProvedDigestLogs, reference};

/// Tells the regions which log files the digests list: at their delivery places, and at the other places that listings may
/// show.
pub(super) fn note_references(context: RunContext<'_>, regions: &mut [RegionRun], proved: &[ProvedInChain]) {
    let places = context.workers.map(proved, |in_chain| {
        let others = other_places(context, &in_chain.proved);
        let delivered = in_chain.proved.digest.logs().iter().map(|log| &log.location);
        let references: Vec<u128> = delivered.chain(&others).map(reference).collect();
        (references, others)
    });
    for (in_chain, (references, others)) in proved.iter().zip(places) {
        if let Some(run) = regions.get_mut(in_chain.region) {
            let delivered = in_chain.proved.digest.logs().iter().map(|log| &log.location);
            run.note_references(references, delivered.chain(&others));
        }
    }
}

/// The places beside the delivery places at which listings may show the log files of a digest.
fn other_places(context: RunContext<'_>, proved: &ProvedDigestLogs) -> Vec<Location> {
    let (store, digest) = (context.tools.store, &proved.digest);
    // 1. After a named move, and beside a digest that a copy holds in a folder of another place.
    let beside = move_of(proved);
    let moves = || context.request.relocations.iter().chain(&beside);
    // 2. In a folder of another place: the trail moved, and a copy has files of both places in one folder.
    let shown = |log: &Location| store.is_copy().then(|| store.shown_at(log)).flatten();
    let logs = digest.logs().iter().map(|log| &log.location);
    logs.flat_map(|log| moves().filter_map(|moved| moved.copy_of(log)).chain(shown(log))).collect()
}

/// The move of a digest that a copy holds in a folder of another place.
fn move_of(proved: &ProvedDigestLogs) -> Option<Relocation> {
    let from = DigestKey::parse(proved.digest.file().location())?.folder;
    let to = DigestKey::parse(proved.lies.as_ref()?)?.folder;
    Some(Relocation {
        from_bucket: from.bucket.to_string(),
        from_prefix: from.root.to_string(),
        to_bucket: to.bucket.to_string(),
        to_prefix: to.root.to_string(),
    })
}
