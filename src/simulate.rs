//! A synthetic trail: deliveries made as CloudTrail makes them, with real RSA-2048 signatures, and tampered with.
//!
//! The same [`Spec`] always makes the same bytes. What belongs to one purpose (a key, one log file) is drawn from a
//! random stream of its own, so that one setting does not shift what another one makes.
//!
//! Source for the forms: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
//! CloudTrail log file integrity validation".

mod delivery;
mod document;
mod events;
mod keys;
mod kind;
mod pack;
mod real;
mod spec;
mod tamper;
mod tampering;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use crate::ident::{Location, Sha256Hash};
use crate::store::{Deposit, StoreError};
use crate::time::Timestamp;

pub use kind::TamperKind;
pub use real::spec_from_logs;
pub use spec::{LogContent, Spec};
pub use tamper::{BadTamper, Pick, Tamper, Where};

use delivery::Site;
use keys::KeyRing;
use tampering::Scene;

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// The public keys, as `aws cloudtrail list-public-keys` prints them.
    pub keys_json: String,
    /// What was done to the delivery, in the order of [`Spec::tampers`].
    pub answers: Vec<Answer>,
    /// Digest files delivered, backfill digests included; tampering is not counted.
    pub digests: u64,
    /// Log files delivered; tampering is not counted.
    pub logs: u64,
    /// End of the newest digest delivered.
    pub end: Timestamp,
}

/// What one tampering did: the answer that a verifier has to find.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Answer {
    /// The kind, as typed.
    pub tamper: TamperKind,
    /// The objects it touched, `s3://BUCKET/KEY`. Empty where only the saved keys were changed.
    pub uris: Vec<String>,
    /// What was done, for a person.
    pub what: String,
}

/// Why a delivery could not be made or tampered with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SimulateError {
    /// A setting makes no sense.
    #[error("{0}")]
    Spec(String),
    /// An object could not be written, read or deleted.
    #[error("`{}`: {source}", .location.to_string().escape_debug())]
    Store {
        /// Which object.
        location: Location,
        /// What kept it.
        source: StoreError,
    },
    /// A file with the content of a log file could not be used.
    #[error("`{}`: {why}", .path.display().to_string().escape_debug())]
    Content {
        /// Which file, or the directory they were looked for in.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An RSA key could not be made or used.
    #[error("RSA: {0}")]
    Rsa(String),
    /// A body could not be made.
    #[error("gzip: {0}")]
    Gzip(String),
    /// The delivery has nothing that this kind of tampering could be done to.
    #[error("cannot tamper with `{kind}`: {why}")]
    Tamper {
        /// Which kind.
        kind: TamperKind,
        /// What is missing.
        why: String,
    },
}

/// Makes the delivery that `spec` describes in `store`, then tampers with it.
///
/// Log files are made, written and forgotten one by one. What was delivered is remembered, by name only, where
/// something is to be tampered with.
///
/// # Errors
/// [`SimulateError`]; what was written until then stays.
pub fn simulate(spec: &Spec, store: &dyn Deposit) -> Result<Simulated, SimulateError> {
    let spec = tampering::prepare(spec);
    spec.check()?;
    let keys = KeyRing::make(&spec)?;
    let delivered = Site::new(&spec, &keys, store)?.deliver()?;
    let (digests, logs, end) = (delivered.digest_count, delivered.log_count, delivered.end);
    let mut scene = Scene::new(&spec, store, &keys, delivered);
    let answers = spec.tampers.iter().map(|tamper| scene.apply(tamper)).collect::<Result<_, _>>()?;
    Ok(Simulated { keys_json: keys::saved_json(&scene.saved)?, answers, digests, logs, end })
}

/// The random stream that belongs to one purpose.
fn stream(seed: u64, purpose: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(Sha256Hash::of(format!("{seed} {purpose}").as_bytes()).0)
}
