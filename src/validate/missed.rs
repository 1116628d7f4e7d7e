//! Digests that CloudTrail states as delivered, and that no listing names.

use std::sync::Arc;

use super::context::RunContext;
use super::discover::RECENT_WRITE;
use super::region::RegionRun;
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location};
use crate::prove::{ChainProver, ListedDigest};
use crate::signature::SIGNING_WINDOW;
use crate::store::StoreError;
use crate::time::{HOUR, Timestamp};

/// Seconds by which CloudTrail's delivery time and S3's write time of the same digest may differ.
const CLOCK_DIFFERENCE: i64 = 5 * 60;

/// Notes for each chain whether CloudTrail states the delivery of a digest that is missing. An apparently missing
/// digest is looked for again: a finding needs two listings, and a failing second listing is reported.
pub(super) fn note_missed(context: RunContext<'_>, regions: &mut [RegionRun]) {
    if context.request.named.is_empty() {
        return;
    }
    let shared: &[RegionRun] = regions;
    let chains = shared.iter().enumerate().flat_map(|(number, region)| {
        let chains = region.chains.iter().enumerate();
        chains
            .filter_map(move |(index, chain)| Some((number, index, missed_delivery(context, region, chain)?)))
    });
    let suspects: Vec<(usize, usize, Timestamp)> = chains.collect();
    let still = context.workers.ask(&suspects, |(number, index, latest)| {
        let region = shared.get(*number)?;
        is_still_unlisted(context, region, region.chains.get(*index)?, *latest)
    });
    for ((number, index, latest), still) in suspects.into_iter().zip(still) {
        let Some(chain) = regions.get_mut(number).and_then(|region| region.chains.get_mut(index)) else {
            continue;
        };
        match still {
            Some(Ok(true)) => chain.note_newer_delivered(latest),
            Some(Ok(false)) | None => {}
            Some(Err(finding)) => chain.report(*finding),
        }
    }
}

/// The delivery time of a digest of `chain` that belongs to the asked time and matches no listed digest.
fn missed_delivery(context: RunContext<'_>, region: &RegionRun, chain: &ChainProver) -> Option<Timestamp> {
    // Only hourly digests of asked chains are compared.
    let (newest, _) = chain.known().newest().filter(|_| chain.is_selected() && !chain.id().backfill)?;
    let end = context.request.range.end;
    let latest = context.request.named.iter().find_map(|trail| trail.latest(chain.id()))?;
    let is_asked = newest < end && latest.plus(-HOUR) < end;
    let is_trail =
        |other: &ChainProver| ChainId { backfill: other.id().backfill, ..chain.id().clone() } == *other.id();
    // Write times are kept for recent digests only.
    let is_told = region.recent_writes.iter().any(|written| !written.is_empty());
    let is_kept = is_told && latest >= context.request.now.plus(-RECENT_WRITE);
    let chains = region.chains.iter().zip(&region.recent_writes).filter(|(other, _)| is_trail(other));
    let mut listed = chains.flat_map(|(chain, written)| {
        chain.known().listed().iter().map(move |entry| (chain, entry, written.get(&entry.end)))
    });
    let is_there = listed.any(|(chain, entry, written)| match written {
        None if is_kept => false,
        // A backfill digest may be delivered at any time.
        None if chain.id().backfill => true,
        _ => may_be_delivery(latest, newest, entry, written.copied()),
    });
    (is_asked && !is_there).then_some(latest)
}

/// Whether the digest delivered at `latest` may be the listed digest. A writer to the bucket cannot choose the time
/// `written`. A digest written anew since then has to end within the hours before the delivery, whole hours after the
/// newest proved digest.
fn may_be_delivery(
    latest: Timestamp,
    newest: Timestamp,
    entry: &ListedDigest,
    written: Option<Timestamp>,
) -> bool {
    let is_on_time = (0..=SIGNING_WINDOW).contains(&(latest.unix() - entry.end.unix()));
    match written {
        Some(written) if written < latest.plus(-CLOCK_DIFFERENCE) => false,
        Some(written) if written <= latest.plus(CLOCK_DIFFERENCE) => true,
        Some(_) => is_on_time && (entry.end.unix() - newest.unix()) % HOUR == 0,
        None => is_on_time,
    }
}

/// Whether a second listing shows no newer digest of `chain` than the first listing, or the failure of the second
/// listing.
fn is_still_unlisted(
    context: RunContext<'_>,
    region: &RegionRun,
    chain: &ChainProver,
    latest: Timestamp,
) -> Option<Result<bool, Box<Finding>>> {
    let newest = chain.known().listed().iter().max()?;
    let folder = region.folders.get(newest.folder as usize)?;
    let prefix = folder.digest_prefix();
    let after = format!("{prefix}{}", newest.end.day_folder());
    let is_new = |key: String| {
        let key = DigestKey::parse(&Location::new(Arc::clone(&folder.bucket), key));
        key.is_some_and(|key| key.folder == *folder && key.chain() == *chain.id() && key.end > newest.end)
    };
    let cannot_list = |error: StoreError| {
        let fault = Fault::DeliveryUnchecked { delivered: latest, why: error.to_string() };
        let folder = Location::new(Arc::clone(&folder.bucket), prefix.as_str());
        Box::new(Finding::new(fault, newest.end).about(&folder))
    };
    let mut listing = context.tools.store.list(&folder.bucket, &prefix, Some(&after));
    let found = listing.find_map(|listed| match listed {
        Ok(listed) => is_new(listed.key).then_some(Ok(false)),
        Err(error) => Some(Err(cannot_list(error))),
    });
    Some(found.unwrap_or(Ok(true)))
}
