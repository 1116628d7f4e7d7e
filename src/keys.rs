//! Trusted public keys of a run. Keys come only from CloudTrail or from files given by the user, never from the
//! evidence.

#[cfg(feature = "aws")]
pub mod cloudtrail;
pub mod saved;
mod source;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

pub use crate::signature::{SIGNING_WINDOW, TrustedKey};
use crate::time::{Interval, Timestamp};
use source::RequestedKeys;

pub use source::{KeySource, KeySourceError, SourceKeys};

/// Number of known keys with the same fingerprint compared with a new key, to leave out duplicates.
const COMPARED: usize = 64;

/// An unusable entry in a keys file, or in an answer of CloudTrail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RejectedKey {
    /// Path of the file, or `cloudtrail`.
    pub source: String,
    /// Region of the CloudTrail request; `None` for a file.
    pub region: Option<String>,
    /// Number of the entry in the file or the answer, from 1.
    pub entry: usize,
    /// Why the entry is unusable.
    pub reason: String,
}

/// Result of looking up a fingerprint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// A key that was valid at the time of signing.
    Valid(Arc<TrustedKey>),
    /// A key that was not valid at the time of signing.
    NotThen(Arc<TrustedKey>),
    /// No key.
    Unknown,
    /// No known key, and the request for the region's keys failed.
    Unreachable(String),
}

/// What [`KeyRing::all`] sorts by.
fn order(key: &TrustedKey) -> (&str, Option<Interval>) {
    (key.key.fingerprint(), key.validity)
}

/// Keys of a run, by fingerprint. A ring with a [`KeySource`] requests missing keys during a lookup, once for each
/// region and span of time.
#[derive(Default, Debug)]
pub struct KeyRing {
    keys: RwLock<HashMap<String, Vec<Arc<TrustedKey>>>>,
    rejected: RwLock<Vec<RejectedKey>>,
    requested: Option<RequestedKeys>,
}

impl KeyRing {
    /// Creates a ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the ring request missing keys from `source`.
    #[must_use]
    pub fn asking(mut self, source: Box<dyn KeySource>) -> Self {
        self.requested = Some(RequestedKeys::new(source));
        self
    }

    /// Adds a key under the key's fingerprint.
    pub fn add(&mut self, key: TrustedKey) {
        self.learn(key.key.fingerprint().to_owned(), key);
    }

    fn learn(&self, fingerprint: String, key: TrustedKey) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let known = keys.entry(fingerprint).or_default();
        // A hostile file may repeat a key with many validities, so only the latest entries are compared. A duplicate
        // does no harm.
        if !known.iter().rev().take(COMPARED).any(|other| **other == key) {
            known.push(Arc::new(key));
        }
    }

    /// All keys so far, each once, in order of fingerprint and validity.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<TrustedKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<TrustedKey>> = keys.values().flatten().cloned().collect();
        all.sort_by(|one, other| order(one).cmp(&order(other)));
        // The same key may be known from several files and regions, and a PEM key under two fingerprints.
        all.dedup_by(|one, other| order(one) == order(other));
        all
    }

    /// Number of known fingerprints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the ring holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Unusable entries of keys files and of the [`KeySource`]'s answers so far, without duplicates, sorted by
    /// region.
    #[must_use]
    pub fn rejected(&self) -> Vec<RejectedKey> {
        self.rejected.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reject(&self, rejected: Vec<RejectedKey>) {
        let mut known = self.rejected.write().unwrap_or_else(PoisonError::into_inner);
        for one in rejected {
            // Two answers may list the same entry at different positions.
            let is_same = |other: &RejectedKey| (&other.region, &other.reason) == (&one.region, &one.reason);
            if one.region.is_none() || !known.iter().any(is_same) {
                known.push(one);
            }
        }
        // Regions are requested in parallel, so sorting makes the order repeatable. The sort is stable: entries of
        // files keep the order of the files.
        known.sort_by(|one, other| one.region.cmp(&other.region));
    }

    /// Announces lookups for digests of `region` with the given end times, in any order, so that a single request
    /// covers all digests close in time. Ignores end times after `now`, with a day's tolerance. Sends no request.
    pub fn expect(&self, region: &str, ends: impl IntoIterator<Item = Timestamp>, now: Timestamp) {
        if let Some(requested) = &self.requested {
            requested.expect(region, ends, now);
        }
    }

    /// Looks up the key `fingerprint` for a digest of `region` signed within the [`SIGNING_WINDOW`] after
    /// `signed_from`.
    #[must_use]
    pub fn lookup(&self, fingerprint: &str, region: &str, signed_from: Timestamp) -> Lookup {
        let known = self.known_key(fingerprint, region, signed_from);
        let Some(requested) = self.requested.as_ref().filter(|_| !matches!(known, Lookup::Valid(_))) else {
            return known;
        };
        let learn = |SourceKeys { keys, rejected }: SourceKeys| {
            keys.into_iter().for_each(|key| self.learn(key.key.fingerprint().to_owned(), key));
            self.reject(rejected);
        };
        let answered = requested.fetch(region, signed_from, learn);
        match (self.known_key(fingerprint, region, signed_from), answered) {
            // A key outside the validity is an answer, so only an unknown key reports the failed request.
            (Lookup::Unknown, Err(error)) => Lookup::Unreachable(error.to_string()),
            (found, _) => found,
        }
    }

    fn known_key(&self, fingerprint: &str, region: &str, signed_from: Timestamp) -> Lookup {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut known =
            keys.get(fingerprint).into_iter().flatten().filter(|key| key.is_of(region)).peekable();
        let Some(first) = known.peek().copied() else { return Lookup::Unknown };
        match known.find(|key| key.could_sign(signed_from)) {
            Some(key) => Lookup::Valid(Arc::clone(key)),
            None => Lookup::NotThen(Arc::clone(first)),
        }
    }
}
