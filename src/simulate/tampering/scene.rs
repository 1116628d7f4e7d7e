//! Choosing objects, reading them back and writing them anew.

use std::collections::HashSet;
use std::io::Read as _;

use super::super::document::{Document, SIGNATURE, Signed, signature_metadata};
use super::super::keys::Signer;
use super::super::{SimulateError, pack};
use super::{DeliveredDigest, DeliveredLog, Done, Scene, Task};
use crate::ident::{ChainId, Location};
use crate::store::{Metadata, StoreError};

/// An object as stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) body: Vec<u8>,
    pub(super) metadata: Metadata,
}

impl Scene<'_> {
    /// The digest that is chosen among all.
    pub(super) fn digest(&self, task: Task<'_>) -> Result<DeliveredDigest, SimulateError> {
        self.digest_where(task, |_| true)
    }

    /// The digest that is chosen among those that `fit`.
    pub(super) fn digest_where(
        &self,
        task: Task<'_>,
        fit: impl Fn(&DeliveredDigest) -> bool,
    ) -> Result<DeliveredDigest, SimulateError> {
        let named = task.at.text.as_deref().is_some_and(|text| text.contains("backfill"));
        let fits = |digest: &&DeliveredDigest| (named || !digest.key.backfill) && fit(digest);
        // A digest that starts a chain is empty: it is chosen where nothing else is called so.
        let hours = self.digests.iter().filter(fits).filter(|digest| !digest.starts);
        if let Ok(chosen) = choose(task, "digest", hours, |digest| &digest.location) {
            return Ok(chosen.clone());
        }
        choose(task, "digest", self.digests.iter().filter(fits), |digest| &digest.location).cloned()
    }

    /// The log file that is chosen.
    pub(super) fn log(&self, task: Task<'_>) -> Result<DeliveredLog, SimulateError> {
        choose(task, "log file", self.logs.iter(), |log| &log.location).cloned()
    }

    /// The digests of a chain, oldest first.
    pub(super) fn chain<'s>(&'s self, chain: &'s ChainId) -> impl Iterator<Item = &'s DeliveredDigest> {
        self.digests.iter().filter(move |digest| digest.key.chain() == *chain)
    }

    /// The chosen digest and the next one of its chain; of the last one, itself and the one before.
    pub(super) fn two_digests(&self, task: Task<'_>) -> Result<[DeliveredDigest; 2], SimulateError> {
        let chosen = self.digest(task)?;
        let chain: Vec<_> = self.chain(&chosen.key.chain()).cloned().collect();
        let mut pairs = chain.windows(2);
        let pair = pairs.find(|pair| pair.first() == Some(&chosen)).or_else(|| chain.windows(2).last());
        match pair {
            Some([older, newer]) => Ok([older.clone(), newer.clone()]),
            Some(_) | None => Err(task.lacks("it takes two digests in one chain")),
        }
    }

    /// An object as it is now.
    pub(super) fn read(&self, location: &Location) -> Result<Stored, SimulateError> {
        let object = self.store.get(location).map_err(failed(location))?;
        let (mut reader, mut body) = (object.body, Vec::new());
        let unreadable = |error: std::io::Error| StoreError::Unreadable(error.to_string());
        reader.read_to_end(&mut body).map_err(unreadable).map_err(failed(location))?;
        Ok(Stored { body, metadata: object.metadata })
    }

    /// Writes an object.
    pub(super) fn put(&self, location: &Location, stored: &Stored) -> Result<(), SimulateError> {
        self.store.put(location, &stored.body, &stored.metadata).map_err(failed(location))
    }

    /// Writes an object that was not there.
    pub(super) fn add(&mut self, location: &Location, stored: &Stored) -> Result<(), SimulateError> {
        self.put(location, stored)?;
        self.added.push(location.clone());
        Ok(())
    }

    /// A body made of `content`, with no metadata.
    pub(super) fn packed(&self, content: &[u8]) -> Result<Stored, SimulateError> {
        Ok(Stored { body: self.spec.pack(content)?, metadata: Metadata::new() })
    }

    /// Replaces an object's content and keeps its metadata.
    pub(super) fn replace(&self, location: &Location, content: &[u8]) -> Result<(), SimulateError> {
        let metadata = self.read(location)?.metadata;
        self.put(location, &Stored { metadata, ..self.packed(content)? })
    }

    /// Leaves an object in place, but unreadable.
    pub(super) fn hide(&self, location: Location) -> Result<Done, SimulateError> {
        self.store.make_unreadable(&location).map_err(failed(&location))?;
        Ok(Done::to([location]))
    }

    /// Deletes objects and forgets them.
    pub(super) fn delete(&mut self, gone: Vec<Location>) -> Result<Done, SimulateError> {
        for location in &gone {
            self.store.delete(location).map_err(failed(location))?;
        }
        let names: HashSet<&Location> = gone.iter().collect();
        self.digests.retain(|digest| !names.contains(&digest.location));
        self.logs.retain(|log| !names.contains(&log.location));
        self.added.retain(|location| !names.contains(location));
        Ok(Done::to(gone))
    }

    /// The fields of a digest as it is now.
    pub(super) fn document(
        &self,
        task: Task<'_>,
        digest: &DeliveredDigest,
    ) -> Result<Document, SimulateError> {
        let stored = self.read(&digest.location)?;
        let broken = || task.lacks(format!("`{}` is no digest any more", digest.location));
        let content = pack::inflate(&stored.body).map_err(|_| broken())?;
        serde_json::from_slice(&content).map_err(|_| broken())
    }

    /// The real key that a digest names.
    pub(super) fn signer(&self, task: Task<'_>, document: &Document) -> Result<&Signer, SimulateError> {
        let fingerprint = &document.digest_public_key_fingerprint;
        self.keys.by_fingerprint(fingerprint).ok_or_else(|| task.lacks(format!("no key `{fingerprint}`")))
    }

    /// Writes a digest that is signed anew, with its signature where the delivery has signatures.
    pub(super) fn put_signed(&self, location: &Location, signed: &Signed) -> Result<(), SimulateError> {
        let mut stored = Stored { metadata: self.read(location)?.metadata, ..self.packed(&signed.content)? };
        if stored.metadata.contains_key(SIGNATURE) {
            stored.metadata.extend(signature_metadata(&signed.signature));
        }
        self.put(location, &stored)
    }
}

/// What an error of the store means for the object at `location`.
fn failed(location: &Location) -> impl FnOnce(StoreError) -> SimulateError + '_ {
    |source| SimulateError::Store { location: location.clone(), source }
}

fn choose<'a, T>(
    task: Task<'_>,
    what: &str,
    from: impl Iterator<Item = &'a T>,
    location: impl Fn(&T) -> &Location,
) -> Result<&'a T, SimulateError> {
    let matches = |item: &&T| task.at.text.as_deref().is_none_or(|text| location(item).key.contains(text));
    let found: Vec<&T> = from.filter(matches).collect();
    let chosen = task.pick().of(found.len()).and_then(|place| found.get(place).copied());
    chosen.ok_or_else(|| task.lacks(format!("there are {} {what}s to choose from", found.len())))
}
