//! Reads digests: bytes, metadata and the named keys.

use std::sync::Arc;

use super::batch::{self, BatchBudget};
use super::context::RunContext;
use super::days::ListedLine;
use super::region::RegionRun;
use crate::digest::{DigestFile, SIGNATURE_ALGORITHM, SignedFields};
use crate::event::{Excess, Fault, KeyLack};
use crate::gzip::{self, BodyError, Sizes};
use crate::ident::{DigestKey, Location, Sha256Hash};
use crate::keys::{KeyRing, Lookup, TrustedKey};
use crate::prove::{CheckedDigest, DigestContent, ListedDigest, ReadDigest};
use crate::store::{METADATA_ERROR, Metadata, Object, StoreError};
use crate::text::shortened;
use crate::time::Timestamp;

/// Digests that inflate to more bytes than this are read one at a time, so that memory does not grow with the number of
/// requests.
const LIGHT: u64 = 8 << 20;

/// A digest to read, with the indexes of its region and chain.
#[derive(Clone, Copy)]
pub(super) struct DigestTask {
    pub(super) region: usize,
    pub(super) chain: usize,
    listed: ListedDigest,
}

/// The next digests of `regions` to read, at most `most`: region by region, chain by chain, newest first.
pub(super) fn next_tasks(regions: &[RegionRun], most: usize) -> Vec<DigestTask> {
    let chains = regions.iter().enumerate().flat_map(|(region, run)| {
        run.chains.iter().enumerate().map(move |(chain, prover)| (region, chain, prover))
    });
    let tasks = chains.flat_map(|(region, chain, prover)| {
        prover.to_read().map(move |listed| DigestTask { region, chain, listed })
    });
    tasks.take(most).collect()
}

impl DigestTask {
    fn location(&self, regions: &[RegionRun]) -> Location {
        let chain = regions.get(self.region).and_then(|region| region.chains.get(self.chain));
        chain.map_or_else(|| Location::new("", ""), |chain| chain.location_of(self.listed))
    }
}

/// A batch of digests, read together.
pub(super) struct DigestBatch {
    pub(super) digests: Vec<ReadDigest>,
    /// The line of each digest in a listing, as the GET answered, in a run with memory.
    pub(super) lines: Vec<Option<ListedLine>>,
    /// Whether requested digests were postponed to the next batch, because the weight of the batch was used up.
    pub(super) is_cut: bool,
}

/// A digest on its way into a batch.
struct FetchedDigest {
    read: ReadDigest,
    line: Option<ListedLine>,
    /// Whether the digest is too large to be read beside others.
    is_heavy: bool,
    /// Whether the digest was left unread for the next batch.
    is_postponed: bool,
}

/// Reads the digests of the first `tasks`, up to a weight of [`batch::most_weight`]. At least one digest is read, unless the
/// run is cancelled.
pub(super) fn read_batch(
    context: RunContext<'_>,
    regions: &[RegionRun],
    tasks: &[DigestTask],
) -> DigestBatch {
    let limit = context.request.limits.digest.min(LIGHT);
    // 1. Read in parallel, until the digests weigh enough.
    let budget = BatchBudget::new(batch::most_weight(context));
    let make = |task: &DigestTask, mut object: Result<Object, StoreError>| {
        let read = ReadDigest::gone(task.location(regions), task.listed.end);
        let mut fetched = FetchedDigest { read, line: None, is_heavy: false, is_postponed: false };
        // The weight of a digest under way is a guess, so a digest that arrives after the limit is postponed.
        if budget.is_exceeded() && !tasks.first().is_some_and(|first| std::ptr::eq(first, task)) {
            fetched.is_postponed = true;
            return fetched;
        }
        if let (true, Ok(object)) = (context.request.memory.is_some(), &mut object) {
            fetched.line = ListedLine::of_read(&fetched.read.location, object);
        }
        fetched.is_heavy = fill(context, &mut fetched.read, object, limit);
        note_delivery(context, &mut fetched.read);
        // A heavy digest is read again alone, with nothing beside it.
        budget.end(if fetched.is_heavy { budget.limit } else { batch::weigh(&fetched.read) });
        fetched
    };
    let locate = |task: &DigestTask| {
        budget.begin();
        task.location(regions)
    };
    let fetched = context.workers.read_prefix(tasks, || budget.has_room(), locate, make);
    // 2. Keep the first digests, in the order of the tasks, up to the limit.
    let (read, mut weight) = (fetched.len(), 0);
    let (mut digests, mut lines) = (Vec::with_capacity(read), Vec::with_capacity(read));
    for mut digest in fetched {
        let is_stopped = !digests.is_empty() && digest.is_heavy && context.cancellation.stop.is_set();
        if digest.is_postponed || weight >= budget.limit || is_stopped {
            break;
        }
        if digest.is_heavy {
            read_whole(context, &mut digest.read, LIGHT);
            note_delivery(context, &mut digest.read);
            // The second answer may be of another object.
            digest.line = None;
        }
        context.tools.progress.digest(digest.read.sizes.compressed);
        weight += batch::weigh(&digest.read);
        digests.push(digest.read);
        lines.push(digest.line);
    }
    DigestBatch { is_cut: digests.len() < read, digests, lines }
}

/// Looks up the keys named in digests, then checks the signatures in parallel.
pub(super) fn check(
    context: RunContext<'_>,
    regions: &[RegionRun],
    tasks: &[DigestTask],
    mut digests: Vec<ReadDigest>,
) -> Vec<CheckedDigest> {
    look_up_keys(context, tasks, &mut digests);
    let numbers: Vec<usize> = (0..digests.len()).collect();
    let checked = context.workers.map(&numbers, |number| {
        let (task, read) = (tasks.get(*number)?, digests.get(*number)?);
        let newer = tasks.iter().zip(&digests).take(*number).rev();
        let is_same =
            |(other, _): &(&DigestTask, _)| (other.region, other.chain) == (task.region, task.chain);
        let newer = newer.take_while(is_same).map(|(_, read)| read);
        Some(regions.get(task.region)?.chains.get(task.chain)?.check(read, newer))
    });
    let mut proofs = Vec::with_capacity(digests.len());
    let each = digests.into_iter().zip(checked);
    proofs.extend(each.filter_map(|(read, checked)| Some(CheckedDigest::new(read, checked?))));
    proofs
}

/// Looks up the keys named in digests. First one request for each region in parallel, then the rest from the answers at
/// hand.
fn look_up_keys(context: RunContext<'_>, tasks: &[DigestTask], digests: &mut [ReadDigest]) {
    let mut firsts: Vec<(usize, &ReadDigest)> = Vec::new();
    for (task, read) in tasks.iter().zip(&*digests).filter(|(_, read)| read.file().is_some()) {
        if firsts.last().is_none_or(|(region, _)| *region != task.region) {
            firsts.push((task.region, read));
        }
    }
    context.workers.ask_all(&firsts, |(_, read)| {
        let _ = look_up_key(read, context.tools.keys);
    });
    digests.iter_mut().for_each(|read| read.key = look_up_key(read, context.tools.keys));
}

/// Reads the digest at `location`, up to `limit` inflated bytes and the limit of the request. Returns the digest, and
/// whether its size exceeds the limit.
pub(super) fn read_one(
    context: RunContext<'_>,
    location: Location,
    end: Timestamp,
    limit: u64,
) -> (ReadDigest, bool) {
    let mut read = ReadDigest::gone(location, end);
    let object = context.tools.store.get(&read.location);
    let is_heavy = fill(context, &mut read, object, limit.min(context.request.limits.digest));
    if !is_heavy {
        read.key = look_up_key(&read, context.tools.keys);
    }
    (read, is_heavy)
}

/// Reads the files that may be the digest under other names. A file that is too large to be read beside others is left
/// out.
pub(super) fn read_renamed(context: RunContext<'_>, absent: &ReadDigest) -> Vec<ReadDigest> {
    let limit = context.request.limits.digest.min(LIGHT);
    let renamed = context.tools.store.renamed(&absent.location).into_iter().filter_map(|(_, object)| {
        let mut read = ReadDigest::gone(absent.location.clone(), absent.end);
        fill(context, &mut read, Ok(object), limit);
        read.key = look_up_key(&read, context.tools.keys);
        read.file().is_some().then_some(read)
    });
    renamed.collect()
}

/// Reads a digest again, alone, that inflates to more than the `tried` bytes.
pub(super) fn read_whole(context: RunContext<'_>, read: &mut ReadDigest, tried: u64) {
    let limit = context.request.limits.digest;
    if limit > tried {
        let object = context.tools.store.get(&read.location);
        fill(context, read, object, limit);
    }
    read.key = look_up_key(read, context.tools.keys);
}

/// Fills `read` with an object's content and metadata. Returns whether the object inflates to more than `limit` bytes.
fn fill(
    context: RunContext<'_>,
    read: &mut ReadDigest,
    object: Result<Object, StoreError>,
    limit: u64,
) -> bool {
    let mut object = match object {
        Ok(object) => object,
        Err(error) => {
            read.content = match error {
                StoreError::NotFound => DigestContent::Gone,
                StoreError::OutOfReach(_) | StoreError::MaybeLater(_) | StoreError::OtherName(_) => {
                    DigestContent::Absent(error.to_string())
                }
                error => DigestContent::Unreadable(error.to_string()),
            };
            return false;
        }
    };
    fill_metadata(read, object.metadata);
    let inflated = gzip::inflate(&mut *object.body, object.encoding, limit);
    let is_heavy = matches!(inflated, Err(BodyError::TooLarge(_) | BodyError::TooLong(_)));
    (read.content, read.sizes) = parse_content(inflated, |bytes| is_signed(bytes, read, context.tools.keys));
    if is_of_other_place(context, read) {
        read.content = DigestContent::Absent("the copy has the digest of another place only".to_owned());
    }
    is_heavy
}

/// Whether a copy answered with a digest that lies in a folder of another place, and that does not name the asked place:
/// then the copy lacks the asked digest.
fn is_of_other_place(context: RunContext<'_>, read: &ReadDigest) -> bool {
    let store = context.tools.store;
    read.file().is_some_and(|file| *file.location() != read.location)
        && store.is_copy()
        && store.shown_at(&read.location).is_some()
}

/// Notes where a digest was delivered whose text names the same digest in another bucket or prefix, if a copy holds the
/// digest for that place. Costs a read for such a digest alone.
fn note_delivery(context: RunContext<'_>, read: &mut ReadDigest) {
    let store = context.tools.store;
    let Some(file) = read.file().filter(|file| *file.location() != read.location && store.is_copy()) else {
        return;
    };
    let named = file.location();
    let is_same_digest = || {
        let (named, lies) = (DigestKey::parse(named), DigestKey::parse(&read.location));
        named.zip(lies).is_some_and(|(named, lies)| named.is_elsewhere(&lies))
    };
    let limit = context.request.limits.digest;
    let held = || store.get(named).ok()?.hash(limit).ok();
    let is_held = is_same_digest() && held().is_some_and(|(hash, _)| hash == file.hash());
    read.delivered = is_held.then(|| named.clone());
}

fn fill_metadata(read: &mut ReadDigest, mut metadata: Metadata) {
    read.signature = metadata.remove("signature");
    read.metadata_error = metadata.remove(METADATA_ERROR);
    let is_backfill = DigestKey::parse(&read.location).is_some_and(|key| key.backfill);
    let generated = metadata.get("backfill-generation-timestamp").filter(|_| is_backfill);
    read.generated = generated
        .and_then(|text| Some(Timestamp::from_unix(text.parse::<jiff::Timestamp>().ok()?.as_second())));
}

/// The content of a digest. `is_signed` answers whether the signature in the metadata fits content that cannot be parsed.
fn parse_content(
    inflated: Result<(Vec<u8>, Sizes), BodyError>,
    is_signed: impl Fn(&[u8]) -> bool,
) -> (DigestContent, Sizes) {
    match inflated {
        Ok((bytes, sizes)) => match DigestFile::parse(&bytes) {
            Ok(file) => (DigestContent::Parsed(Box::new(file)), sizes),
            Err(error) => {
                let reason = error.to_string();
                let fault = match is_signed(&bytes) {
                    true => Fault::UnknownDigestForm { reason },
                    false => Fault::NotADigest { reason },
                };
                (DigestContent::Malformed { fault, seen: Ok(Sha256Hash::of(&bytes)) }, sizes)
            }
        },
        Err(BodyError::Malformed(body)) => (
            DigestContent::Malformed { fault: Fault::DigestBody { body }, seen: Err(body) },
            Sizes::default(),
        ),
        Err(BodyError::TooLarge(limit)) => {
            (DigestContent::Oversized(Excess::Inflated { limit }), Sizes::default())
        }
        Err(BodyError::TooLong(limit)) => {
            (DigestContent::Oversized(Excess::Stored { limit }), Sizes::default())
        }
        Err(BodyError::Unreadable(why)) => (DigestContent::Unreadable(why), Sizes::default()),
    }
}

/// Whether content that cannot be parsed has the signature in the metadata of the digest `read`, by a key that could sign
/// then, and names that digest.
fn is_signed(bytes: &[u8], read: &ReadDigest, keys: &KeyRing) -> bool {
    let Some((fields, signature)) = SignedFields::parse(bytes).zip(read.signature.as_deref()) else {
        return false;
    };
    let region = DigestKey::parse(&fields.location).map(|key| key.folder.region).unwrap_or_default();
    let signed_from = read.generated.unwrap_or(read.end).max(read.end);
    match keys.lookup(&fields.fingerprint, &region, signed_from) {
        Lookup::Valid(key) if fields.location.name() == read.location.name() => {
            let hash = Sha256Hash::of(fields.string_to_sign.as_bytes());
            hex::decode(signature).is_ok_and(|signature| key.key.verifies(hash, &signature))
        }
        _ => false,
    }
}

/// The key named in a digest, or the reason for its lack; `None` without a digest file.
fn look_up_key(read: &ReadDigest, keys: &KeyRing) -> Option<Result<Arc<TrustedKey>, KeyLack>> {
    let (file, signed_from) = (read.file()?, read.signed_from()?);
    if file.algorithm() != SIGNATURE_ALGORITHM {
        return Some(Err(KeyLack::Algorithm { name: shortened(file.algorithm().to_owned()) }));
    }
    let fingerprint = || shortened(file.fingerprint().to_owned());
    let region = DigestKey::parse(file.location()).map(|key| key.folder.region).unwrap_or_default();
    Some(match keys.lookup(file.fingerprint(), &region, signed_from) {
        Lookup::Valid(key) => Ok(key),
        Lookup::NotThen(key) => Err(KeyLack::NotThen { fingerprint: fingerprint(), validity: key.validity }),
        Lookup::Unknown => Err(KeyLack::Unknown { fingerprint: fingerprint() }),
        Lookup::Unreachable(why) => Err(KeyLack::Unreachable { fingerprint: fingerprint(), why }),
    })
}
