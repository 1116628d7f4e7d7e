//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), by the fastest available library.
//!
//! The crate `rsa` parses every key, and decides whether the key is valid. With the feature `aws`, AWS-LC (part of
//! the SDK's TLS) verifies signatures, 16 times as fast. `rsa` verifies if AWS-LC does not accept the key, or without
//! the feature. `tests/it/second.rs` tests that both libraries agree.

#[cfg(feature = "aws")]
use std::sync::Arc;

#[cfg(feature = "aws")]
use aws_lc_rs::digest::{Digest, SHA256};
#[cfg(feature = "aws")]
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::Sha256;

use crate::ident::Sha256Hash;

/// A parsed key, ready to verify signatures.
#[derive(Clone, Debug)]
pub(super) struct RsaVerifier {
    rsa: RsaPublicKey,
    #[cfg(feature = "aws")]
    fast: Option<Arc<ParsedPublicKey>>,
}

impl RsaVerifier {
    /// Prepares `rsa`, a key parsed from `der`.
    pub(super) fn new(rsa: RsaPublicKey, der: &[u8]) -> Self {
        #[cfg(feature = "aws")]
        let fast = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).ok().map(Arc::new);
        #[cfg(not(feature = "aws"))]
        let _ = der;
        Self {
            rsa,
            #[cfg(feature = "aws")]
            fast,
        }
    }

    pub(super) const fn rsa(&self) -> &RsaPublicKey {
        &self.rsa
    }

    /// Whether `signature` is a signature of a message with the SHA-256 value `hash`.
    pub(super) fn verifies(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        #[cfg(feature = "aws")]
        if let Some(fast) = &self.fast
            && let Ok(digest) = Digest::import_less_safe(&hash.0, &SHA256)
        {
            // The hash is already known, so AWS-LC need not hash the message again.
            return fast.verify_digest_sig(&digest, signature).is_ok();
        }
        self.verifies_plainly(hash, signature)
    }

    /// Verifies with the crate `rsa` only.
    pub(super) fn verifies_plainly(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.rsa.verify(Pkcs1v15Sign::new::<Sha256>(), &hash.0, signature).is_ok()
    }
}
