//! Digests that CloudTrail says it delivered, and that no listing names.

use std::sync::Arc;

use super::context::RunContext;
use super::discover::LATELY;
use super::region::RegionRun;
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location};
use crate::prove::{ChainProver, ListedDigest};
use crate::signature::SIGNING_WINDOW;
use crate::store::StoreError;
use crate::time::{HOUR, Timestamp};

/// How far apart the time at which CloudTrail says that it delivered a digest and the time at which S3 says that it was
/// written may be, in seconds.
const CLOCKS: i64 = 5 * 60;

/// Notes of each chain whether CloudTrail says that it delivered a digest which is not there. Those that seem to be missing
/// are looked for once more: nobody is accused on one listing, and none is passed over where the further one fails.
pub(super) fn note_missed(context: RunContext<'_>, units: &mut [RegionRun]) {
    if context.request.named.is_empty() {
        return;
    }
    let shared: &[RegionRun] = units;
    let chains = shared.iter().enumerate().flat_map(|(number, unit)| {
        let chains = unit.chains.iter().enumerate();
        chains.filter_map(move |(index, chain)| Some((number, index, missed(context, unit, chain)?)))
    });
    let suspects: Vec<(usize, usize, Timestamp)> = chains.collect();
    let still = context.workers.ask(&suspects, |(number, index, latest)| {
        let unit = shared.get(*number)?;
        is_unlisted(context, unit, unit.chains.get(*index)?, *latest)
    });
    for ((number, index, latest), still) in suspects.into_iter().zip(still) {
        let Some(chain) = units.get_mut(number).and_then(|unit| unit.chains.get_mut(index)) else { continue };
        match still {
            Some(Ok(true)) => chain.note_newer_delivered(latest),
            Some(Ok(false)) | None => {}
            Some(Err(finding)) => chain.report(*finding),
        }
    }
}

/// When CloudTrail delivered a digest of `chain` that no listed digest can be and that belongs to the asked time.
fn missed(context: RunContext<'_>, unit: &RegionRun, chain: &ChainProver) -> Option<Timestamp> {
    let (newest, _) = chain.known().newest().filter(|_| chain.is_selected() && !chain.id().backfill)?;
    let end = context.request.range.end;
    let latest = context.request.named.iter().find_map(|trail| trail.latest(chain.id()))?;
    let is_asked = newest < end && latest.plus(-HOUR) < end;
    let is_trail =
        |other: &ChainProver| ChainId { backfill: other.id().backfill, ..chain.id().clone() } == *other.id();
    // Of what was written long ago no time is kept.
    let is_told = unit.written.iter().any(|written| !written.is_empty());
    let is_kept = is_told && latest >= context.request.now.plus(-LATELY);
    let chains = unit.chains.iter().zip(&unit.written).filter(|(other, _)| is_trail(other));
    let mut listed = chains.flat_map(|(chain, written)| {
        chain.known().listed().iter().map(move |entry| (chain, entry, written.get(&entry.end)))
    });
    let is_there = listed.any(|(chain, entry, written)| match written {
        None if is_kept => false,
        // A backfill digest may be delivered at any time.
        None if chain.id().backfill => true,
        _ => may_be(latest, newest, entry, written.copied()),
    });
    (is_asked && !is_there).then_some(latest)
}

/// Whether the digest that was delivered at `latest` may be the listed one, which was `written` at a time that a writer to
/// the bucket cannot choose. One that was written anew since then has to end within the hours before its delivery, whole
/// hours from the newest proved one.
fn may_be(latest: Timestamp, newest: Timestamp, entry: &ListedDigest, written: Option<Timestamp>) -> bool {
    let is_on_time = (0..=SIGNING_WINDOW).contains(&(latest.unix() - entry.end.unix()));
    match written {
        Some(written) if written < latest.plus(-CLOCKS) => false,
        Some(written) if written <= latest.plus(CLOCKS) => true,
        Some(_) => is_on_time && (entry.end.unix() - newest.unix()) % HOUR == 0,
        None => is_on_time,
    }
}

/// Whether a further listing shows no newer digest of `chain` than the first one did, or what kept it from being listed.
fn is_unlisted(
    context: RunContext<'_>,
    unit: &RegionRun,
    chain: &ChainProver,
    latest: Timestamp,
) -> Option<Result<bool, Box<Finding>>> {
    let newest = chain.known().listed().iter().max()?;
    let folder = unit.folders.get(newest.folder as usize)?;
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
