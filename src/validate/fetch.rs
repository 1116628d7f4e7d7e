//! Reads one digest: its bytes, its metadata, and whether a signature at hand proves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::digest::{DigestFile, SIGNATURE_ALGORITHM};
use crate::event::{BodyFault, Excess, Fault, KeyLack};
use crate::gzip::{self, BodyError, Sizes};
use crate::ident::{DigestKey, Location, Sha256Hash};
use crate::keys::{KeyRing, Lookup, TrustedKey};
use crate::signature::{self, SignatureProof};
use crate::store::{METADATA_ERROR, Metadata, Object, StoreError};
use crate::text::shortened;
use crate::time::Timestamp;

use super::Context;
use super::again::{self, Again, Seen, Suspect};
use super::unit::{Item, Unit};

/// Digests that inflate to more than this, in bytes, are read one at a time, so that the memory they take does not
/// grow with the number of requests.
const LIGHT: u64 = 8 << 20;

/// What a digest without log files weighs in a window.
pub(super) const DIGEST_WEIGHT: u64 = 12;

/// Bytes of texts that weigh as much as a log file does, where there are more of them than log files have.
const TEXT_WEIGHT: usize = 256;

/// A digest as it was read.
pub(super) struct Fetched {
    /// Where it was looked for.
    pub(super) location: Location,
    /// The end its name gives.
    pub(super) end: Timestamp,
    pub(super) content: Content,
    /// The signature in its metadata, hex.
    pub(super) signature: Option<String>,
    /// Why its metadata could not be understood.
    pub(super) metadata_error: Option<String>,
    /// When a backfill digest says it was made.
    pub(super) generated: Option<Timestamp>,
    pub(super) sizes: Sizes,
    too_large: bool,
    /// Whether two reads of it agree.
    pub(super) sure: bool,
    /// Whether it was left unread, for the next window.
    later: bool,
}

/// What was found in a digest's place.
pub(super) enum Content {
    Parsed(Box<DigestFile>),
    /// Not exactly one whole gzip member.
    Bodiless(BodyFault),
    /// No digest, why, and the hash of what it inflates to.
    Malformed(String, Sha256Hash),
    /// It inflates to more than is held in memory: its hash alone can be looked at.
    TooLarge(Excess),
    /// It could not be read, and what is said of that.
    Unreadable(Box<Fault>),
    Gone,
}

impl Fetched {
    pub(super) fn weight(&self) -> u64 {
        let texts =
            self.file().map_or(0, DigestFile::text_bytes) + self.signature.as_ref().map_or(0, String::len);
        let logs = self.file().map_or(0, DigestFile::log_count);
        DIGEST_WEIGHT + logs.max(texts / TEXT_WEIGHT) as u64
    }

    /// From when on it may have been signed.
    fn signed_from(&self, file: &DigestFile) -> Timestamp {
        self.generated.unwrap_or(file.window().end).max(file.window().end)
    }

    pub(super) const fn file(&self) -> Option<&DigestFile> {
        match &self.content {
            Content::Parsed(file) => Some(file),
            Content::Bodiless(_)
            | Content::Malformed(..)
            | Content::TooLarge(_)
            | Content::Unreadable(_)
            | Content::Gone => None,
        }
    }
}

impl Content {
    /// What the store says kept the digest from being read.
    fn unreadable(why: String) -> Self {
        Self::Unreadable(Box::new(Fault::UnreadableDigest { why }))
    }

    /// What the read showed; `None` where it showed nothing.
    pub(super) fn seen(&self) -> Option<Seen> {
        match self {
            Self::Parsed(file) => Some(Ok(file.hash())),
            Self::Bodiless(fault) => Some(Err(*fault)),
            Self::Malformed(_, hash) => Some(Ok(*hash)),
            Self::TooLarge(_) | Self::Unreadable(_) | Self::Gone => None,
        }
    }

    /// What is to be said of a digest instead, after a second look at it; `None` where that bears out the first one,
    /// in which `signature` was its metadata's.
    pub(super) fn after(again: Again, signature: Option<&str>) -> Option<Self> {
        match again {
            Again::Same { signature: other } if other.as_deref() == signature => None,
            Again::Same { .. } => Self::after(Again::Other, signature),
            Again::Gone => Some(Self::Gone),
            again => again.digest_fault().map(|fault| Self::Unreadable(Box::new(fault))),
        }
    }
}

/// The digests of a window.
pub(super) struct Window {
    pub(super) fetched: Vec<Fetched>,
    /// Whether some that were asked for were left for the next window, since the budget was spent.
    pub(super) is_cut: bool,
}

/// Reads the digests of the first `items`, until they weigh `budget` together: one at least, unless the run is to end.
pub(super) fn window(context: Context<'_>, units: &[Unit], items: &[Item], budget: u64) -> Window {
    let limit = context.request.limits.digest.min(LIGHT);
    let weight = AtomicU64::new(0);
    let is_spent = || weight.load(Ordering::Relaxed) >= budget;
    let make = |item: &Item, object| {
        let mut fetched = Fetched::new(item.location(units), item.end);
        // Of what is under way when the budget is spent only the bytes came: what they weigh is not known yet.
        if is_spent() && !items.first().is_some_and(|first| std::ptr::eq(first, item)) {
            fetched.later = true;
            return fetched;
        }
        fetched.take(object, limit);
        // A heavy one is read again, alone, and nothing more beside it.
        let own = if fetched.too_large { budget } else { fetched.weight() };
        weight.fetch_add(own, Ordering::Relaxed);
        fetched
    };
    let mut fetched = context.workers.read_prefix(items, || !is_spent(), |item| item.location(units), make);
    let (read, mut weight, mut kept) = (fetched.len(), 0, 0);
    for one in &mut fetched {
        let is_stopped = kept > 0 && one.too_large && context.halt.stop.is_set();
        if one.later || weight >= budget || is_stopped {
            break;
        }
        one.read_again(context);
        context.tools.progress.digest(one.sizes.compressed);
        weight += one.weight();
        kept += 1;
    }
    fetched.truncate(kept);
    Window { fetched, is_cut: kept < read }
}

/// Has the keys of all that was read at hand, which may have to be asked for: of each region at the same time, and once.
pub(super) fn look_keys_up(context: Context<'_>, items: &[Item], fetched: &[Fetched]) {
    let mut regions: Vec<(usize, &Fetched)> = Vec::new();
    for (item, one) in items.iter().zip(fetched).filter(|(_, one)| one.file().is_some()) {
        if regions.last().is_none_or(|(unit, _)| *unit != item.unit) {
            regions.push((item.unit, one));
        }
    }
    context.workers.ask_all(&regions, |(_, one)| {
        if let Some(file) = one.file() {
            let _ = known_key(file, one.signed_from(file), context.tools.keys);
        }
    });
}

/// Reads the digest at `location`.
pub(super) fn digest(context: Context<'_>, location: Location, end: Timestamp) -> Fetched {
    let mut fetched = Fetched::new(location, end);
    fetched.take(context.tools.store.get(&fetched.location), context.request.limits.digest.min(LIGHT));
    fetched.read_again(context);
    context.tools.progress.digest(fetched.sizes.compressed);
    fetched
}

fn parse(inflated: Result<(Vec<u8>, Sizes), BodyError>) -> (Content, Sizes) {
    match inflated {
        Ok((bytes, sizes)) => match DigestFile::parse(&bytes) {
            Ok(file) => (Content::Parsed(Box::new(file)), sizes),
            Err(error) => (Content::Malformed(error.to_string(), Sha256Hash::of(&bytes)), sizes),
        },
        Err(BodyError::Malformed(fault)) => (Content::Bodiless(fault), Sizes::default()),
        Err(BodyError::TooLarge(limit)) => (Content::TooLarge(Excess::Inflated { limit }), Sizes::default()),
        Err(BodyError::TooLong(limit)) => (Content::TooLarge(Excess::Stored { limit }), Sizes::default()),
        Err(BodyError::Unreadable(why)) => (Content::unreadable(why), Sizes::default()),
    }
}

impl Fetched {
    const fn new(location: Location, end: Timestamp) -> Self {
        Self {
            location,
            end,
            content: Content::Gone,
            signature: None,
            metadata_error: None,
            generated: None,
            sizes: Sizes { compressed: 0, inflated: 0 },
            too_large: false,
            sure: false,
            later: false,
        }
    }

    /// Reads a digest again that is too large to be read beside others.
    fn read_again(&mut self, context: Context<'_>) {
        let limit = context.request.limits.digest;
        if self.too_large && limit > LIGHT {
            self.take(context.tools.store.get(&self.location), limit);
        }
    }

    fn take(&mut self, object: Result<Object, StoreError>, limit: u64) {
        match object {
            Ok(mut object) => {
                self.take_metadata(object.metadata);
                let inflated = gzip::inflate(&mut *object.body, object.encoding, limit);
                self.too_large = matches!(inflated, Err(BodyError::TooLarge(_) | BodyError::TooLong(_)));
                (self.content, self.sizes) = parse(inflated);
            }
            Err(StoreError::NotFound) => self.content = Content::Gone,
            Err(error) => self.content = Content::unreadable(error.to_string()),
        }
    }

    fn take_metadata(&mut self, mut metadata: Metadata) {
        self.signature = metadata.remove("signature");
        self.metadata_error = metadata.remove(METADATA_ERROR);
        // No signature covers the metadata: on an hour's digest, which is signed within hours of its end, the generation
        // time would let a later key stand for the one of that time.
        let is_backfill = DigestKey::parse(&self.location).is_some_and(|key| key.backfill);
        let generated = metadata.get("backfill-generation-timestamp").filter(|_| is_backfill);
        self.generated = generated
            .and_then(|text| Some(Timestamp::from_unix(text.parse::<jiff::Timestamp>().ok()?.as_second())));
    }
}

/// Looks again at those digests that are not as they were delivered by what `proofs` say, and takes back what a second
/// read does not bear out.
pub(super) fn make_sure<'p>(
    context: Context<'_>,
    fetched: &mut [Fetched],
    proofs: impl Iterator<Item = &'p mut Option<Proof>>,
) {
    let mut doubtful: Vec<(&mut Fetched, &mut Option<Proof>)> =
        fetched.iter_mut().zip(proofs).filter(|(one, proof)| one.is_suspect(proof.as_ref())).collect();
    let suspects: Vec<Suspect> = doubtful.iter().filter_map(|(one, _)| one.suspect()).collect();
    let looks = again::look(context, &suspects, context.request.limits.digest);
    for ((one, proof), again) in doubtful.iter_mut().zip(looks) {
        match Content::after(again, one.signature.as_deref()) {
            None => one.sure = true,
            Some(content) => (one.content, **proof) = (content, None),
        }
    }
}

impl Fetched {
    fn suspect(&self) -> Option<Suspect> {
        Some(Suspect { location: self.location.clone(), seen: self.content.seen()? })
    }

    /// Whether it is not as it was delivered, whatever its successor says.
    const fn is_suspect(&self, proof: Option<&Proof>) -> bool {
        match (&self.content, proof) {
            (Content::Bodiless(_) | Content::Malformed(..), _)
            | (Content::Parsed(_), None | Some(Proof::Misfit)) => true,
            (Content::Parsed(_), Some(Proof::Signed { metadata_fits, .. })) => !*metadata_fits,
            (Content::Parsed(_), Some(Proof::Unsigned | Proof::NoKey(_))) => false,
            (Content::TooLarge(_) | Content::Unreadable(_) | Content::Gone, _) => false,
        }
    }
}

/// What the signatures at hand say of a digest.
pub(super) enum Proof {
    /// One fits.
    Signed {
        proof: SignatureProof,
        key: Arc<TrustedKey>,
        /// Whether the one in the metadata does: if not, the one its successor records fits.
        metadata_fits: bool,
    },
    /// The one in its metadata does not fit the key it names, nor does a recorded one.
    Misfit,
    /// There is none, or none but recorded ones that do not fit.
    Unsigned,
    /// There is no key to check with, and why.
    NoKey(KeyLack),
}

/// Checks the signature in the metadata, then those that newer digests record. `None` for what is no digest, or one
/// that lies in another place than it names: its signature is for that place.
///
/// That no recorded signature fits says nothing: the digest that records it may be forged.
pub(super) fn prove(
    fetched: &Fetched,
    place: &Location,
    recorded: &[Box<str>],
    keys: &KeyRing,
) -> Option<Proof> {
    let file = fetched.file().filter(|file| file.location() == place)?;
    let own = fetched.signature.as_deref();
    if own.is_none() && recorded.is_empty() {
        return Some(Proof::Unsigned);
    }
    let key = match known_key(file, fetched.signed_from(file), keys) {
        Ok(key) => key,
        Err(lack) => return Some(Proof::NoKey(lack)),
    };
    let check = |signature: &str| signature::verify(file, signature, &key.key);
    let signed = |proof, metadata_fits| Proof::Signed { proof, key: Arc::clone(&key), metadata_fits };
    if let Some(proof) = own.and_then(check) {
        return Some(signed(proof, true));
    }
    Some(match recorded.iter().find_map(|signature| check(signature)) {
        Some(proof) => signed(proof, own.is_none()),
        None if own.is_some() => Proof::Misfit,
        None => Proof::Unsigned,
    })
}

fn known_key(file: &DigestFile, signed_from: Timestamp, keys: &KeyRing) -> Result<Arc<TrustedKey>, KeyLack> {
    let fingerprint = || shortened(file.fingerprint().to_owned());
    if file.algorithm() != SIGNATURE_ALGORITHM {
        return Err(KeyLack::Algorithm { name: shortened(file.algorithm().to_owned()) });
    }
    let region = DigestKey::parse(file.location()).map(|key| key.folder.region).unwrap_or_default();
    match keys.lookup(file.fingerprint(), &region, signed_from) {
        Lookup::Valid(key) => Ok(key),
        Lookup::NotThen(key) => Err(KeyLack::NotThen { fingerprint: fingerprint(), validity: key.validity }),
        Lookup::Unknown => Err(KeyLack::Unknown { fingerprint: fingerprint() }),
        Lookup::Unreachable(why) => Err(KeyLack::Unreachable { fingerprint: fingerprint(), why }),
    }
}
