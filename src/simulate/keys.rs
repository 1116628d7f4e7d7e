//! The key pairs that sign a delivery, and their public halves as CloudTrail publishes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{SimulateError, Spec, stream};
use crate::time::{DAY, Interval};

/// Length of CloudTrail's keys.
const KEY_BITS: usize = 2048;

/// A key pair that signs digests.
#[derive(Debug)]
pub(super) struct Signer {
    private: Arc<RsaPrivateKey>,
    /// The public key as published.
    pub(super) saved: SavedKey,
}

/// One public key as it is saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SavedKey {
    /// Base64 of the PKCS#1 DER form.
    pub(super) value: String,
    /// Lower-case hex MD5 of the DER form.
    pub(super) fingerprint: String,
    /// Validity, both ends included.
    pub(super) valid: Interval,
}

impl Signer {
    /// The key pair that the seed and a name give, which is made only once in a process: that is the slow part.
    fn make(seed: u64, name: &str, valid: Interval) -> Result<Self, SimulateError> {
        let private = private_key(seed, name)?;
        let der = private.to_public_key().to_pkcs1_der().map_err(rsa_error)?;
        let value = STANDARD.encode(der.as_bytes());
        let fingerprint = hex::encode(Md5::digest(der.as_bytes()));
        Ok(Self { private, saved: SavedKey { value, fingerprint, valid } })
    }

    /// The signature of `text`, as lower-case hex.
    pub(super) fn sign(&self, text: &str) -> Result<String, SimulateError> {
        let hash = Sha256::digest(text.as_bytes());
        let signature = self.private.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).map_err(rsa_error)?;
        Ok(hex::encode(signature))
    }
}

fn private_key(seed: u64, name: &str) -> Result<Arc<RsaPrivateKey>, SimulateError> {
    type Made = HashMap<(u64, String), Arc<RsaPrivateKey>>;
    static MADE: OnceLock<Mutex<Made>> = OnceLock::new();
    // The lock is held while a key is made, so that nobody else makes the same one meanwhile.
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let id = (seed, name.to_owned());
    if let Some(key) = made.get(&id) {
        return Ok(Arc::clone(key));
    }
    let mut random = stream(seed, &format!("key {name}"));
    let key = Arc::new(RsaPrivateKey::new(&mut random, KEY_BITS).map_err(rsa_error)?);
    made.insert(id, Arc::clone(&key));
    Ok(key)
}

fn rsa_error(error: impl std::fmt::Display) -> SimulateError {
    SimulateError::Rsa(error.to_string())
}

/// All key pairs of a delivery, in the order they are used.
#[derive(Debug)]
pub(super) struct KeyRing {
    seed: u64,
    every: u32,
    first: Signer,
    later: Vec<Signer>,
}

impl KeyRing {
    /// A key for each stretch of hours. Each is valid from a day before its first use to a day after its last, so
    /// that neighbours overlap as CloudTrail's do.
    pub(super) fn make(spec: &Spec) -> Result<Self, SimulateError> {
        let every = spec.rotate_keys_every.unwrap_or(spec.hours).max(1);
        let signer = |index: u32| {
            let from = index.saturating_mul(every);
            let last = from.saturating_add(every - 1).min(spec.hours - 1);
            let used = Interval { start: spec.window(from).end, end: spec.window(last).end };
            let valid = Interval { start: used.start.plus(-DAY), end: used.end.plus(DAY) };
            Signer::make(spec.seed, &index.to_string(), valid)
        };
        let later = (1..spec.hours.div_ceil(every)).map(signer).collect::<Result<_, _>>()?;
        Ok(Self { seed: spec.seed, every, first: signer(0)?, later })
    }

    /// The key that signs in `hour`; the last one where that is after the record's end.
    pub(super) fn at_hour(&self, hour: u32) -> &Signer {
        let index = usize::try_from(hour.checked_div(self.every).unwrap_or_default()).unwrap_or(usize::MAX);
        match index.min(self.later.len()).checked_sub(1) {
            Some(later) => self.later.get(later).unwrap_or(&self.first),
            None => &self.first,
        }
    }

    /// The key with this fingerprint.
    pub(super) fn by_fingerprint(&self, fingerprint: &str) -> Option<&Signer> {
        self.all().find(|signer| signer.saved.fingerprint == fingerprint)
    }

    /// The public keys as saved.
    pub(super) fn saved(&self) -> Vec<SavedKey> {
        self.all().map(|signer| signer.saved.clone()).collect()
    }

    /// A key that CloudTrail never published.
    pub(super) fn attacker(&self) -> Result<Signer, SimulateError> {
        Signer::make(self.seed, "attacker", self.first.saved.valid)
    }

    fn all(&self) -> impl Iterator<Item = &Signer> {
        std::iter::once(&self.first).chain(&self.later)
    }
}

/// The keys in the shape that `aws cloudtrail list-public-keys` prints.
pub(super) fn saved_json(keys: &[SavedKey]) -> Result<String, SimulateError> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        public_key_list: Vec<Entry>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        value: String,
        validity_start_time: String,
        validity_end_time: String,
        fingerprint: String,
    }
    let moment = |moment: crate::time::Timestamp| moment.to_string().replace('Z', "+00:00");
    let entry = |key: &SavedKey| Entry {
        value: key.value.clone(),
        validity_start_time: moment(key.valid.start),
        validity_end_time: moment(key.valid.end),
        fingerprint: key.fingerprint.clone(),
    };
    let answer = Answer { public_key_list: keys.iter().map(entry).collect() };
    serde_json::to_string_pretty(&answer).map_err(|error| SimulateError::Spec(error.to_string()))
}
