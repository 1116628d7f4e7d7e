//! The key pairs that sign a delivery, and the public keys as CloudTrail publishes them.

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

/// Length of CloudTrail's keys, in bits.
const KEY_BITS: usize = 2048;

/// A key pair that signs digests.
#[derive(Debug)]
pub(super) struct DigestSigner {
    private: Arc<RsaPrivateKey>,
    /// The public key as published.
    pub(super) saved: SavedKey,
}

/// A saved public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SavedKey {
    /// Base64 of the PKCS#1 DER form.
    pub(super) value: String,
    /// Lower-case hex MD5 of the DER form.
    pub(super) fingerprint: String,
    /// Validity, both ends included.
    pub(super) valid: Interval,
}

impl DigestSigner {
    /// The key pair for a seed and a name. Making an RSA key is slow, so a process makes a key pair only once.
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
    type MadeKeys = HashMap<(u64, String), Arc<RsaPrivateKey>>;
    static MADE: OnceLock<Mutex<MadeKeys>> = OnceLock::new();
    // The lock is held while a key is made, so that no other thread makes the same key.
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

/// All key pairs of a delivery, in order of use.
#[derive(Debug)]
pub(super) struct SigningKeys {
    seed: u64,
    every: u32,
    first: DigestSigner,
    later: Vec<DigestSigner>,
}

impl SigningKeys {
    /// Makes a key for each interval of rotation. A key is valid from a day before the first use to a day after the
    /// last use, so that neighbours overlap like CloudTrail's keys.
    pub(super) fn make(spec: &Spec) -> Result<Self, SimulateError> {
        let every = spec.rotate_keys_every.unwrap_or(spec.hours).max(1);
        let signer = |index: u32| {
            let from = index.saturating_mul(every);
            let last = from.saturating_add(every - 1).min(spec.hours - 1);
            let used = Interval { start: spec.window(from).end, end: spec.window(last).end };
            let valid = Interval { start: used.start.plus(-DAY), end: used.end.plus(DAY) };
            DigestSigner::make(spec.seed, &index.to_string(), valid)
        };
        let later = (1..spec.hours.div_ceil(every)).map(signer).collect::<Result<_, _>>()?;
        Ok(Self { seed: spec.seed, every, first: signer(0)?, later })
    }

    /// The key that signs in `hour`; after the record's end, the last key.
    pub(super) fn at_hour(&self, hour: u32) -> &DigestSigner {
        let index = usize::try_from(hour.checked_div(self.every).unwrap_or_default()).unwrap_or(usize::MAX);
        match index.min(self.later.len()).checked_sub(1) {
            Some(later) => self.later.get(later).unwrap_or(&self.first),
            None => &self.first,
        }
    }

    /// The key with a given fingerprint.
    pub(super) fn by_fingerprint(&self, fingerprint: &str) -> Option<&DigestSigner> {
        self.all().find(|signer| signer.saved.fingerprint == fingerprint)
    }

    /// The saved public keys.
    pub(super) fn saved(&self) -> Vec<SavedKey> {
        self.all().map(|signer| signer.saved.clone()).collect()
    }

    /// A key that CloudTrail never published.
    pub(super) fn attacker(&self) -> Result<DigestSigner, SimulateError> {
        DigestSigner::make(self.seed, "attacker", self.first.saved.valid)
    }

    /// A key of CloudTrail's that signed none of the digests.
    pub(super) fn unused(&self) -> Result<DigestSigner, SimulateError> {
        DigestSigner::make(self.seed, "unused", self.first.saved.valid)
    }

    fn all(&self) -> impl Iterator<Item = &DigestSigner> {
        std::iter::once(&self.first).chain(&self.later)
    }
}

/// The keys as JSON, in the form that `aws cloudtrail list-public-keys` prints.
pub(super) fn saved_json(keys: &[SavedKey]) -> Result<String, SimulateError> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct KeyListAnswer {
        public_key_list: Vec<KeyListEntry>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct KeyListEntry {
        value: String,
        validity_start_time: String,
        validity_end_time: String,
        fingerprint: String,
    }
    let moment = |moment: crate::time::Timestamp| moment.to_string().replace('Z', "+00:00");
    let entry = |key: &SavedKey| KeyListEntry {
        value: key.value.clone(),
        validity_start_time: moment(key.valid.start),
        validity_end_time: moment(key.valid.end),
        fingerprint: key.fingerprint.clone(),
    };
    let answer = KeyListAnswer { public_key_list: keys.iter().map(entry).collect() };
    serde_json::to_string_pretty(&answer).map_err(|error| SimulateError::Spec(error.to_string()))
}
