//! The public keys a run trusts. They never come from the evidence: only from CloudTrail, or from files the user
//! names.

#[cfg(feature = "aws")]
pub mod cloudtrail;
pub mod saved;
mod source;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use crate::signature::{SIGNING_WINDOW, TrustedKey};
use crate::time::Timestamp;
use source::Asked;

pub use source::{KeySource, KeySourceError, SourceKeys};

/// With how many others of its fingerprint a key is compared before it is added.
const COMPARED: usize = 64;

/// An entry of a keys file, or of CloudTrail's answer, that is no usable key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RejectedKey {
    /// The file's path, or `cloudtrail`.
    pub source: String,
    /// The region that CloudTrail was asked about; `None` for a file.
    pub region: Option<String>,
    /// Its place in the file or in the answer, from 1.
    pub entry: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What is known of a fingerprint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// A key that was valid then.
    Valid(Arc<TrustedKey>),
    /// A key, but not valid then.
    NotThen(Arc<TrustedKey>),
    /// No key.
    Unknown,
    /// No key at hand, and those of the region could not be had.
    Unreachable(String),
}

/// The keys of a run, by fingerprint. Where it has a [`KeySource`], keys that are not at hand are asked for when they
/// are looked up, once for each region and stretch of time.
#[derive(Default, Debug)]
pub struct KeyRing {
    keys: RwLock<HashMap<String, Vec<Arc<TrustedKey>>>>,
    rejected: RwLock<Vec<RejectedKey>>,
    asked: Option<Asked>,
}

impl KeyRing {
    /// A ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same ring, which asks `source` for keys it lacks.
    #[must_use]
    pub fn asking(mut self, source: Box<dyn KeySource>) -> Self {
        self.asked = Some(Asked::new(source));
        self
    }

    /// Adds a key under its fingerprint.
    pub fn add(&mut self, key: TrustedKey) {
        self.learn(key.key.fingerprint().to_owned(), key);
    }

    fn learn(&self, fingerprint: String, key: TrustedKey) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let known = keys.entry(fingerprint).or_default();
        // Very many that differ in their validity alone are not all compared; twice there, a key is what it is.
        if !known.iter().rev().take(COMPARED).any(|other| **other == key) {
            known.push(Arc::new(key));
        }
    }

    /// How many fingerprints are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries of keys files, and of what a [`KeySource`] has answered so far, that could not be used; each once, those of
    /// a source in order of their regions.
    #[must_use]
    pub fn rejected(&self) -> Vec<RejectedKey> {
        self.rejected.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reject(&self, rejected: Vec<RejectedKey>) {
        let mut known = self.rejected.write().unwrap_or_else(PoisonError::into_inner);
        for one in rejected {
            // One that was asked about twice may have another place the second time.
            let is_same = |other: &RejectedKey| (&other.region, &other.reason) == (&one.region, &one.reason);
            if one.region.is_none() || !known.iter().any(is_same) {
                known.push(one);
            }
        }
        // Regions are asked at the same time; files keep their order.
        known.sort_by(|one, other| one.region.cmp(&other.region));
    }

    /// Announces that digests of `region` which end at `ends`, in any order, are going to be looked up, so that one question
    /// to the source is enough for all of them that are not far apart. Nothing was signed after `now`. Asks nothing.
    pub fn expect(&self, region: &str, ends: impl IntoIterator<Item = Timestamp>, now: Timestamp) {
        if let Some(asked) = &self.asked {
            asked.expect(region, ends, now);
        }
    }

    /// The key with `fingerprint` for a digest of `region` signed in the [`SIGNING_WINDOW`] from `signed_from` on.
    #[must_use]
    pub fn lookup(&self, fingerprint: &str, region: &str, signed_from: Timestamp) -> Lookup {
        let at_hand = self.at_hand(fingerprint, region, signed_from);
        let Some(asked) = self.asked.as_ref().filter(|_| !matches!(at_hand, Lookup::Valid(_))) else {
            return at_hand;
        };
        let learn = |SourceKeys { keys, rejected }: SourceKeys| {
            keys.into_iter().for_each(|key| self.learn(key.key.fingerprint().to_owned(), key));
            self.reject(rejected);
        };
        let answered = asked.ask(region, signed_from, learn);
        match (self.at_hand(fingerprint, region, signed_from), answered) {
            (Lookup::Unknown, Err(error)) => Lookup::Unreachable(error.to_string()),
            (found, _) => found,
        }
    }

    fn at_hand(&self, fingerprint: &str, region: &str, signed_from: Timestamp) -> Lookup {
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
