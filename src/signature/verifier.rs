//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), by the fastest library at hand.
//!
//! `rsa` reads every key and decides whether it is one. With the feature `aws`, whose TLS brings AWS-LC along, that
//! library verifies, 16 times as fast; a key that it does not take, and every key without the feature, is `rsa`'s.
//! That both always say the same is shown by `tests/it/second.rs`.

#[cfg(feature = "aws")]
use std::sync::Arc;

#[cfg(feature = "aws")]
use aws_lc_rs::digest::{Digest, SHA256};
#[cfg(feature = "aws")]
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::Sha256;

use crate::ident::Sha256Hash;

/// A key, ready to verify.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    rsa: RsaPublicKey,
    #[cfg(feature = "aws")]
    fast: Option<Arc<ParsedPublicKey>>,
}

impl Verifier {
    /// Makes `rsa`, which was read from `der`, ready.
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

    /// Whether `signature` is that of a message with the SHA-256 value `hash`.
    pub(super) fn verifies(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        #[cfg(feature = "aws")]
        if let Some(fast) = &self.fast
            && let Ok(digest) = Digest::import_less_safe(&hash.0, &SHA256)
        {
            return fast.verify_digest_sig(&digest, signature).is_ok();
        }
        self.verifies_plainly(hash, signature)
    }

    /// The same by `rsa`.
    pub(super) fn verifies_plainly(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.rsa.verify(Pkcs1v15Sign::new::<Sha256>(), &hash.0, signature).is_ok()
    }
}
