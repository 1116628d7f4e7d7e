//! A synthetic trail: deliveries like CloudTrail's, with real RSA-2048 signatures, and tampering.
//!
//! The same [`Spec`] always gives the same bytes. Every purpose (a key, a log file) has its own random stream, so that
//! a setting for one purpose does not change the bytes of another.
//!
//! Source of the formats: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
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

use delivery::DeliverySite;
use keys::SigningKeys;
use tampering::TamperScene;

/// The result of a simulation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// The public keys, as `aws cloudtrail list-public-keys` prints them.
    pub keys_json: String,
    /// The effects of the tampers, in the order of [`Spec::tampers`].
    pub answers: Vec<Answer>,
    /// Number of delivered digest files, including backfill digests; tampering is not counted.
    pub digests: u64,
    /// Number of delivered log files; tampering is not counted.
    pub logs: u64,
    /// End of the newest delivered digest.
    pub end: Timestamp,
}

/// The effect of a tamper: the answer that a verifier must find.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Answer {
    /// The kind of tampering.
    pub tamper: TamperKind,
    /// The touched objects, as `s3://BUCKET/KEY`. Empty if only the saved keys were changed.
    pub uris: Vec<String>,
    /// Description of the effect, for people.
    pub what: String,
}

/// Why a delivery could not be made or tampered with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SimulateError {
    /// An invalid setting.
    #[error("{0}")]
    Spec(String),
    /// An object could not be written.
    #[error("`{}` cannot be written: {why}", .location.to_string().escape_debug())]
    Unwritten {
        /// The object.
        location: Location,
        /// The reason, such as a full disk.
        why: String,
    },
    /// An object could not be written, read or deleted.
    #[error("`{}`: {source}", .location.to_string().escape_debug())]
    Store {
        /// The object.
        location: Location,
        /// The store's error.
        source: StoreError,
    },
    /// An existing log file could not be used.
    #[error("`{}`: {why}", .path.display().to_string().escape_debug())]
    Content {
        /// The file, or the searched directory.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// An RSA key could not be made or used.
    #[error("RSA: {0}")]
    Rsa(String),
    /// A body could not be compressed or inflated.
    #[error("gzip: {0}")]
    Gzip(String),
    /// The delivery has no object for the kind of tampering.
    #[error("cannot tamper with `{kind}`: {why}")]
    Tamper {
        /// The kind.
        kind: TamperKind,
        /// What the delivery lacks.
        why: String,
    },
}

impl SimulateError {
    /// The error of a failed write of the object at `location`.
    fn unwritten(location: &Location) -> impl FnOnce(StoreError) -> Self + '_ {
        |source| match source {
            StoreError::Unreadable(why) => Self::Unwritten { location: location.clone(), why },
            source => Self::Store { location: location.clone(), source },
        }
    }
}

/// Makes the delivery of `spec` in `store`, then tampers with the delivery.
///
/// Log files are made, written and dropped one by one. Names of delivered objects are kept only for tampering.
///
/// # Errors
/// [`SimulateError`]; objects written before the error stay.
pub fn simulate(spec: &Spec, store: &dyn Deposit) -> Result<Simulated, SimulateError> {
    let spec = tampering::prepare(spec);
    spec.check()?;
    let keys = SigningKeys::make(&spec)?;
    let delivered = DeliverySite::new(&spec, &keys, store)?.deliver()?;
    let (digests, logs, end) = (delivered.digest_count, delivered.log_count, delivered.end);
    let mut scene = TamperScene::new(&spec, store, &keys, delivered);
    let answers = spec.tampers.iter().map(|tamper| scene.apply(tamper)).collect::<Result<_, _>>()?;
    Ok(Simulated { keys_json: keys::saved_json(&scene.saved)?, answers, digests, logs, end })
}

/// The random stream for a purpose.
fn stream(seed: u64, purpose: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(Sha256Hash::of(format!("{seed} {purpose}").as_bytes()).0)
}
