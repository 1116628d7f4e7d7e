//! Selects, reads and writes objects.

use std::collections::HashSet;
use std::io::Read as _;

use super::super::document::{DigestDocument, SIGNATURE, SignedDigest, signature_metadata};
use super::super::keys::DigestSigner;
use super::super::{SimulateError, pack};
use super::{DeliveredDigest, DeliveredLog, TamperEffect, TamperScene, TamperTask};
use crate::ident::{ChainId, Location};
use crate::store::{Metadata, StoreError};
use crate::text::nearest;

/// An object as stored.
#[derive(Clone, Debug)]
pub(super) struct StoredObject {
    pub(super) body: Vec<u8>,
    pub(super) metadata: Metadata,
}

impl TamperScene<'_> {
    /// The selected digest.
    pub(super) fn digest(&self, task: TamperTask<'_>) -> Result<DeliveredDigest, SimulateError> {
        self.digest_where(task, |_| true)
    }

    /// The selected digest, among the digests that `fit`.
    pub(super) fn digest_where(
        &self,
        task: TamperTask<'_>,
        fit: impl Fn(&DeliveredDigest) -> bool,
    ) -> Result<DeliveredDigest, SimulateError> {
        let named = task.at.text.as_deref().is_some_and(|text| text.contains("backfill"));
        let fits = |digest: &&DeliveredDigest| (named || !digest.key.backfill) && fit(digest);
        // A chain's starting digest is empty, so it is selected only if no other digest matches.
        let hours = self.digests.iter().filter(fits).filter(|digest| !digest.starts);
        if let Ok(chosen) = choose(task, "digest", hours, |digest| &digest.location) {
            return Ok(chosen.clone());
        }
        choose(task, "digest", self.digests.iter().filter(fits), |digest| &digest.location).cloned()
    }

    /// The selected log file.
    pub(super) fn log(&self, task: TamperTask<'_>) -> Result<DeliveredLog, SimulateError> {
        choose(task, "log file", self.logs.iter(), |log| &log.location).cloned()
    }

    /// The digests of a chain, oldest first.
    pub(super) fn chain<'s>(&'s self, chain: &'s ChainId) -> impl Iterator<Item = &'s DeliveredDigest> {
        self.digests.iter().filter(move |digest| digest.key.chain() == *chain)
    }

    /// The selected digest and its successor; for the last digest of a chain, the digest and its predecessor.
    pub(super) fn two_digests(&self, task: TamperTask<'_>) -> Result<[DeliveredDigest; 2], SimulateError> {
        let chosen = self.digest(task)?;
        let chain: Vec<_> = self.chain(&chosen.key.chain()).cloned().collect();
        let mut pairs = chain.windows(2);
        let pair = pairs.find(|pair| pair.first() == Some(&chosen)).or_else(|| chain.windows(2).last());
        match pair {
            Some([older, newer]) => Ok([older.clone(), newer.clone()]),
            Some(_) | None => Err(task.lacks("needs two digests in the same chain")),
        }
    }

    /// Reads an object in its current state.
    pub(super) fn read(&self, location: &Location) -> Result<StoredObject, SimulateError> {
        let object = self.store.get(location).map_err(failed(location))?;
        let (mut reader, mut body) = (object.body, Vec::new());
        let unreadable = |error: std::io::Error| StoreError::Unreadable(error.to_string());
        reader.read_to_end(&mut body).map_err(unreadable).map_err(failed(location))?;
        Ok(StoredObject { body, metadata: object.metadata })
    }

    /// Writes an object.
    pub(super) fn put(&self, location: &Location, stored: &StoredObject) -> Result<(), SimulateError> {
        self.store.put(location, &stored.body, &stored.metadata).map_err(SimulateError::unwritten(location))
    }

    /// Writes a new object.
    pub(super) fn add(&mut self, location: &Location, stored: &StoredObject) -> Result<(), SimulateError> {
        self.put(location, stored)?;
        self.added.push(location.clone());
        Ok(())
    }

    /// `content` packed as a body, without metadata.
    pub(super) fn packed(&self, content: &[u8]) -> Result<StoredObject, SimulateError> {
        Ok(StoredObject { body: self.spec.pack(content)?, metadata: Metadata::new() })
    }

    /// Replaces an object's content and keeps the metadata.
    pub(super) fn replace(&self, location: &Location, content: &[u8]) -> Result<(), SimulateError> {
        let metadata = self.read(location)?.metadata;
        self.put(location, &StoredObject { metadata, ..self.packed(content)? })
    }

    /// Makes an object unreadable.
    pub(super) fn hide(&self, location: Location) -> Result<TamperEffect, SimulateError> {
        self.store.make_unreadable(&location).map_err(failed(&location))?;
        Ok(TamperEffect::to([location]))
    }

    /// Deletes objects from the store and from the scene.
    pub(super) fn delete(&mut self, gone: Vec<Location>) -> Result<TamperEffect, SimulateError> {
        for location in &gone {
            self.store.delete(location).map_err(failed(location))?;
        }
        let names: HashSet<&Location> = gone.iter().collect();
        self.digests.retain(|digest| !names.contains(&digest.location));
        self.logs.retain(|log| !names.contains(&log.location));
        self.added.retain(|location| !names.contains(location));
        Ok(TamperEffect::to(gone))
    }

    /// The current fields of a digest.
    pub(super) fn document(
        &self,
        task: TamperTask<'_>,
        digest: &DeliveredDigest,
    ) -> Result<DigestDocument, SimulateError> {
        let stored = self.read(&digest.location)?;
        let broken = || task.lacks(format!("`{}` is not a digest after an earlier tamper", digest.location));
        let content = pack::inflate(&stored.body).map_err(|_| broken())?;
        serde_json::from_slice(&content).map_err(|_| broken())
    }

    /// The real key that a digest names.
    pub(super) fn signer(
        &self,
        task: TamperTask<'_>,
        document: &DigestDocument,
    ) -> Result<&DigestSigner, SimulateError> {
        let fingerprint = &document.digest_public_key_fingerprint;
        self.keys.by_fingerprint(fingerprint).ok_or_else(|| task.lacks(format!("no key `{fingerprint}`")))
    }

    /// Writes a newly signed digest. The signature goes to the metadata if the delivery has signatures there.
    pub(super) fn put_signed(&self, location: &Location, signed: &SignedDigest) -> Result<(), SimulateError> {
        let mut stored =
            StoredObject { metadata: self.read(location)?.metadata, ..self.packed(&signed.content)? };
        if stored.metadata.contains_key(SIGNATURE) {
            stored.metadata.extend(signature_metadata(&signed.signature));
        }
        self.put(location, &stored)
    }
}

/// Adds the object's location to a store error.
fn failed(location: &Location) -> impl FnOnce(StoreError) -> SimulateError + '_ {
    |source| SimulateError::Store { location: location.clone(), source }
}

fn choose<'a, T>(
    task: TamperTask<'_>,
    what: &str,
    from: impl Iterator<Item = &'a T>,
    location: impl Fn(&T) -> &Location,
) -> Result<&'a T, SimulateError> {
    let matches = |item: &&T| task.at.text.as_deref().is_none_or(|text| location(item).key.contains(text));
    let found: Vec<&T> = from.filter(matches).collect();
    let chosen = task.pick().of(found.len()).and_then(|place| found.get(place).copied());
    chosen.ok_or_else(|| task.lacks(unmatched(task, what, found.len())))
}

/// Why no object was selected among the `count` objects that the text of WHERE leaves.
fn unmatched(task: TamperTask<'_>, what: &str, count: usize) -> String {
    match (task.at.text.as_deref(), count.checked_sub(1)) {
        (None, None) => format!("the delivery has no {what}"),
        (Some(text), None) => {
            let meant = nearest(text, ["first", "middle", "last"]);
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            format!("no {what}'s key contains `{}`{meant}", text.escape_debug())
        }
        (_, Some(last)) => {
            format!("invalid WHERE `{}`: the {what}s have the numbers 0 to {last}", task.pick())
        }
    }
}
