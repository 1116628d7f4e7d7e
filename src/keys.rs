//! The public keys a run trusts. They never come from the evidence: only from files the user names.

pub mod saved;

use std::collections::HashMap;

use crate::signature::PublicKey;
use crate::time::{HOUR, Interval, Timestamp};

/// How long after its end a digest may be signed, in seconds. It is signed when it is delivered, which is 7.7 to
/// 201 minutes after its end in the deliveries we have seen.
pub const SIGNING_WINDOW: i64 = 4 * HOUR;

/// A public key, when it is valid, and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When it may sign; `None` where its source does not say (PEM).
    pub validity: Option<Interval>,
    /// Where it came from: `cloudtrail`, or the file's path.
    pub source: String,
}

impl TrustedKey {
    /// Whether the key was valid at some time in the hours after `signed_from`, both ends of its validity included.
    fn could_sign(&self, signed_from: Timestamp) -> bool {
        self.validity.is_none_or(|validity| {
            validity.start <= signed_from.plus(SIGNING_WINDOW) && signed_from <= validity.end
        })
    }
}

/// An entry of a keys file that is no usable key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RejectedKey {
    /// The file's path.
    pub source: String,
    /// Its place in the file, from 1.
    pub entry: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What is known of a fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup<'a> {
    /// A key that was valid then.
    Valid(&'a TrustedKey),
    /// A key, but not valid then.
    NotThen(&'a TrustedKey),
    /// No key.
    Unknown,
}

/// The keys of a run, by fingerprint.
#[derive(Clone, Default, Debug)]
pub struct KeyRing {
    keys: HashMap<String, Vec<TrustedKey>>,
    rejected: Vec<RejectedKey>,
}

impl KeyRing {
    /// A ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key under its fingerprint.
    pub fn add(&mut self, key: TrustedKey) {
        let fingerprint = key.key.fingerprint().to_owned();
        self.add_as(fingerprint, key);
    }

    fn add_as(&mut self, fingerprint: String, key: TrustedKey) {
        let known = self.keys.entry(fingerprint).or_default();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    /// How many fingerprints are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Entries of keys files that could not be used.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedKey] {
        &self.rejected
    }

    /// The key with `fingerprint` for a digest signed in the [`SIGNING_WINDOW`] from `signed_from` on.
    #[must_use]
    pub fn lookup(&self, fingerprint: &str, signed_from: Timestamp) -> Lookup<'_> {
        let Some(known) = self.keys.get(fingerprint) else { return Lookup::Unknown };
        match known.iter().find(|key| key.could_sign(signed_from)) {
            Some(key) => Lookup::Valid(key),
            None => known.first().map_or(Lookup::Unknown, Lookup::NotThen),
        }
    }
}
