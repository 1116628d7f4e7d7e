//! Reads digests: their bytes, their metadata, and the keys that they name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::context::RunContext;
use super::region::RegionRun;
use crate::digest::{DigestFile, SIGNATURE_ALGORITHM};
use crate::event::{Excess, Fault, KeyLack};
use crate::gzip::{self, BodyError, Sizes};
use crate::ident::{DigestKey, Location, Sha256Hash};
use crate::keys::{KeyRing, Lookup, TrustedKey};
use crate::prove::{CheckedDigest, DigestContent, ListedDigest, ReadDigest};
use crate::store::{METADATA_ERROR, Metadata, Object, StoreError};
use crate::text::shortened;
use crate::time::Timestamp;

/// Digests that inflate to more than this, in bytes, are read one at a time, so that the memory they take does not grow
/// with the number of requests.
pub(super) const LIGHT: u64 = 8 << 20;

/// What the digests of a window may weigh together, each [`DIGEST_WEIGHT`] and one for each log file it lists: some 30 MB.
pub(super) const WINDOW_WEIGHT: u64 = 100_000;

/// How many digests may be read for one window.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
pub(super) const WINDOW_DIGESTS: usize = (WINDOW_WEIGHT / DIGEST_WEIGHT) as usize + 1;

/// What a digest without log files weighs in a window.
const DIGEST_WEIGHT: u64 = 12;

/// Bytes of texts that weigh as much as a log file does, where there are more of them than log files have.
const TEXT_WEIGHT: usize = 256;

/// A digest to be read: of which region and which of its chains.
#[derive(Clone, Copy)]
pub(super) struct DigestTask {
    pub(super) region: usize,
    pub(super) chain: usize,
    listed: ListedDigest,
}

/// The next digests of `regions` to be read, at most `most` of them: region by region, chain by chain, newest first.
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

/// The digests of a window.
pub(super) struct DigestWindow {
    pub(super) digests: Vec<ReadDigest>,
    /// Whether some that were asked for were left for the next window, since the budget was spent.
    pub(super) is_cut: bool,
}

/// A digest on its way.
struct Fetched {
    read: ReadDigest,
    /// Whether it is too large to be read beside others.
    is_heavy: bool,
    /// Whether it was left unread, for the next window.
    is_later: bool,
}

/// Reads the digests of the first `tasks`, until they weigh [`WINDOW_WEIGHT`] together: one at least, unless the run is to
/// end.
pub(super) fn read_window(
    context: RunContext<'_>,
    regions: &[RegionRun],
    tasks: &[DigestTask],
) -> DigestWindow {
    let limit = context.request.limits.digest.min(LIGHT);
    let weight = AtomicU64::new(0);
    let is_spent = || weight.load(Ordering::Relaxed) >= WINDOW_WEIGHT;
    let make = |task: &DigestTask, object| {
        let read = ReadDigest::gone(task.location(regions), task.listed.end);
        let mut fetched = Fetched { read, is_heavy: false, is_later: false };
        // Of what is under way when the budget is spent only the bytes came: what they weigh is not known yet.
        if is_spent() && !tasks.first().is_some_and(|first| std::ptr::eq(first, task)) {
            fetched.is_later = true;
            return fetched;
        }
        fetched.is_heavy = take(&mut fetched.read, object, limit);
        // A heavy one is read again, alone, and nothing more beside it.
        let own = if fetched.is_heavy { WINDOW_WEIGHT } else { weigh(&fetched.read) };
        weight.fetch_add(own, Ordering::Relaxed);
        fetched
    };
    let locate = |task: &DigestTask| task.location(regions);
    let fetched = context.workers.read_prefix(tasks, || !is_spent(), locate, make);
    let (read, mut weight, mut digests) = (fetched.len(), 0, Vec::new());
    for mut one in fetched {
        let is_stopped = !digests.is_empty() && one.is_heavy && context.halt.stop.is_set();
        if one.is_later || weight >= WINDOW_WEIGHT || is_stopped {
            break;
        }
        if one.is_heavy {
            read_whole(context, &mut one.read);
        }
        context.tools.progress.digest(one.read.sizes.compressed);
        weight += weigh(&one.read);
        digests.push(one.read);
    }
    DigestWindow { is_cut: digests.len() < read, digests }
}

/// Looks up the keys that digests name, then checks their signatures in parallel.
pub(super) fn check(
    context: RunContext<'_>,
    regions: &[RegionRun],
    tasks: &[DigestTask],
    mut digests: Vec<ReadDigest>,
) -> Vec<CheckedDigest> {
    look_keys_up(context, tasks, &mut digests);
    let numbers: Vec<usize> = (0..digests.len()).collect();
    let checked = context.workers.map(&numbers, |number| {
        let (task, read) = (tasks.get(*number)?, digests.get(*number)?);
        let newer = tasks.iter().zip(&digests).take(*number).rev();
        let is_same =
            |(other, _): &(&DigestTask, _)| (other.region, other.chain) == (task.region, task.chain);
        let newer = newer.take_while(is_same).map(|(_, read)| read);
        Some(regions.get(task.region)?.chains.get(task.chain)?.check(read, newer))
    });
    digests
        .into_iter()
        .zip(checked)
        .filter_map(|(read, checked)| Some(CheckedDigest::new(read, checked?)))
        .collect()
}

/// Looks up the keys that digests name, which may have to be asked for: one request for each region, in parallel, then the
/// rest from what is at hand.
fn look_keys_up(context: RunContext<'_>, tasks: &[DigestTask], digests: &mut [ReadDigest]) {
    let mut firsts: Vec<(usize, &ReadDigest)> = Vec::new();
    for (task, read) in tasks.iter().zip(&*digests).filter(|(_, read)| read.file().is_some()) {
        if firsts.last().is_none_or(|(region, _)| *region != task.region) {
            firsts.push((task.region, read));
        }
    }
    context.workers.ask_all(&firsts, |(_, read)| {
        let _ = known_key(read, context.tools.keys);
    });
    digests.iter_mut().for_each(|read| read.key = known_key(read, context.tools.keys));
}

/// Reads the digest at `location`, however large, up to the limit.
pub(super) fn read_one(
    context: RunContext<'_>,
    location: Location,
    end: Timestamp,
    limit: u64,
) -> (ReadDigest, bool) {
    let mut read = ReadDigest::gone(location, end);
    let object = context.tools.store.get(&read.location);
    let is_heavy = take(&mut read, object, limit.min(context.request.limits.digest));
    if !is_heavy {
        read.key = known_key(&read, context.tools.keys);
    }
    (read, is_heavy)
}

/// Reads a digest again that is too large to be read beside others.
pub(super) fn read_whole(context: RunContext<'_>, read: &mut ReadDigest) {
    let limit = context.request.limits.digest;
    if limit > LIGHT {
        let object = context.tools.store.get(&read.location);
        take(read, object, limit);
    }
    read.key = known_key(read, context.tools.keys);
}

/// What a digest weighs in memory.
pub(super) fn weigh(read: &ReadDigest) -> u64 {
    let texts =
        read.file().map_or(0, DigestFile::text_bytes) + read.signature.as_ref().map_or(0, String::len);
    let logs = read.file().map_or(0, DigestFile::log_count);
    DIGEST_WEIGHT + logs.max(texts / TEXT_WEIGHT) as u64
}

/// Takes what was read into `read`. Returns whether it inflates to more than `limit`.
fn take(read: &mut ReadDigest, object: Result<Object, StoreError>, limit: u64) -> bool {
    let mut object = match object {
        Ok(object) => object,
        Err(error) => {
            read.content = match error {
                StoreError::NotFound => DigestContent::Gone,
                error => DigestContent::Unreadable(error.to_string()),
            };
            return false;
        }
    };
    take_metadata(read, object.metadata);
    let inflated = gzip::inflate(&mut *object.body, object.encoding, limit);
    let is_heavy = matches!(inflated, Err(BodyError::TooLarge(_) | BodyError::TooLong(_)));
    (read.content, read.sizes) = parse(inflated);
    is_heavy
}

fn take_metadata(read: &mut ReadDigest, mut metadata: Metadata) {
    read.signature = metadata.remove("signature");
    read.metadata_error = metadata.remove(METADATA_ERROR);
    let is_backfill = DigestKey::parse(&read.location).is_some_and(|key| key.backfill);
    let generated = metadata.get("backfill-generation-timestamp").filter(|_| is_backfill);
    read.generated = generated
        .and_then(|text| Some(Timestamp::from_unix(text.parse::<jiff::Timestamp>().ok()?.as_second())));
}

fn parse(inflated: Result<(Vec<u8>, Sizes), BodyError>) -> (DigestContent, Sizes) {
    match inflated {
        Ok((bytes, sizes)) => match DigestFile::parse(&bytes) {
            Ok(file) => (DigestContent::Parsed(Box::new(file)), sizes),
            Err(error) => {
                let (fault, seen) =
                    (Fault::NotADigest { reason: error.to_string() }, Ok(Sha256Hash::of(&bytes)));
                (DigestContent::Malformed { fault, seen }, sizes)
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

/// The key that a digest names, or what is lacking; `None` where it is no digest file.
fn known_key(read: &ReadDigest, keys: &KeyRing) -> Option<Result<Arc<TrustedKey>, KeyLack>> {
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
