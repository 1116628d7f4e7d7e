//! Digests of which several sources have a copy, at one recorded place: the chain has the digest once, and all copies have
//! to be equal.

use super::context::RunContext;
use super::region::RegionRun;
use super::request::ValidationRequest;
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder, Sha256Hash};
use crate::prove::ListedDigest;
use crate::store::StoreError;

/// A further copy of a digest in the listing of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DigestTwin {
    pub(super) id: ChainId,
    /// The entry that was set aside.
    pub(super) entry: ListedDigest,
    /// The copy that the chain has.
    listed: Location,
    /// The further copy.
    other: Location,
}

/// For each folder, the numbers of the folders that are copies of the same folder, its own included.
pub(super) fn copies_of_folders(request: &ValidationRequest, folders: &[RegionFolder]) -> Vec<Vec<u32>> {
    let originals = |folder: &RegionFolder| -> Vec<Location> {
        let digests = Location::new(folder.bucket.clone(), folder.digest_prefix());
        request.relocations.iter().filter_map(|moved| moved.original_of(&digests)).collect()
    };
    let originals: Vec<Vec<Location>> = folders.iter().map(originals).collect();
    let is_same = |one: usize, other: usize| {
        let of = |folder: usize| originals.get(folder).into_iter().flatten();
        one == other || of(one).any(|place| of(other).any(|other| other == place))
    };
    let numbers = || 0..folders.len();
    let number = |folder: usize| u32::try_from(folder).unwrap_or(u32::MAX);
    numbers().map(|one| numbers().filter(|other| is_same(one, *other)).map(number).collect()).collect()
}

/// Sets aside the entries of chain `id` that are further copies of an entry before.
pub(super) fn set_aside(
    request: &ValidationRequest,
    id: &ChainId,
    folders: &[RegionFolder],
    entries: Vec<ListedDigest>,
    twins: &mut Vec<DigestTwin>,
) -> Vec<ListedDigest> {
    if request.relocations.len() < 2 {
        return entries;
    }
    let place = |entry: &ListedDigest| {
        let folder = folders.get(entry.folder as usize)?.clone();
        let (trail, home_region) = (id.trail.clone(), id.home_region.clone());
        let key = DigestKey { folder, trail, home_region, end: entry.end, backfill: id.backfill };
        Some(key.location())
    };
    let recorded = |place: &Location| {
        let mut originals = request.relocations.iter().filter_map(|moved| moved.original_of(place));
        originals.next()
    };
    let mut kept: Vec<ListedDigest> = Vec::new();
    // The recorded places of the kept entries with the same end.
    let mut known: Vec<(Option<Location>, Location)> = Vec::new();
    for entry in entries {
        let Some(own) = place(&entry) else { continue };
        if kept.last().is_some_and(|last| last.end != entry.end) {
            known.clear();
        }
        let recorded = recorded(&own);
        let first = known.iter().find(|(one, _)| recorded.is_some() && *one == recorded);
        if let Some((_, listed)) = first {
            let (id, listed) = (id.clone(), listed.clone());
            twins.push(DigestTwin { id, entry, listed, other: own });
            continue;
        }
        known.push((recorded, own));
        kept.push(entry);
    }
    kept
}

/// Compares the copies that were set aside, and reports each that differs.
pub(super) fn compare(context: RunContext<'_>, run: &mut RegionRun) {
    if run.twins.is_empty() || context.cancellation.skips_work() {
        return;
    }
    let found = context.workers.ask_all(&run.twins, |twin| compare_one(context, twin));
    run.findings.extend(found.into_iter().flatten());
}

fn compare_one(context: RunContext<'_>, twin: &DigestTwin) -> Option<Finding> {
    let DigestTwin { id, entry, listed, other } = twin;
    let [one, two] = [listed, other].map(|location| content(context, location));
    let fault = match (one, two) {
        (Ok(one), Ok(two)) if are_equal(&one, &two) => return None,
        // The copy that the chain has is judged by the prover.
        (Err(_), _) => return None,
        (_, Err(why)) => Fault::UnreadableDigest { why },
        (Ok(_), Ok(_)) => {
            Fault::CopiesDiffer { is_digest: true, judged: listed.to_string(), other: other.to_string() }
        }
    };
    let finding = Finding::new(fault, entry.end).about(listed).of_chain(id);
    Some(Finding { copy: Some(other.to_string()), ..finding })
}

/// Whether two copies have the same bytes, and no metadata that contradict each other. A copy loses its metadata easily.
fn are_equal(one: &(Sha256Hash, Option<String>), other: &(Sha256Hash, Option<String>)) -> bool {
    let signatures = one.1.as_ref().zip(other.1.as_ref());
    one.0 == other.0 && signatures.is_none_or(|(one, other)| one == other)
}

/// The hash and the signature of a digest.
fn content(context: RunContext<'_>, location: &Location) -> Result<(Sha256Hash, Option<String>), String> {
    let read = context.tools.store.get(location);
    let mut object = read.map_err(|error: StoreError| error.to_string())?;
    let signature = object.metadata.remove("signature");
    let hashed = object.hash(context.request.limits.digest).map_err(|error| error.to_string())?;
    Ok((hashed.0, signature))
}
