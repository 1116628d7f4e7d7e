//! RSA signatures of digest files, and the public keys they are checked with.

mod verifier;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rsa::RsaPublicKey;
use rsa::pkcs1::{DecodeRsaPublicKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use rsa::traits::PublicKeyParts as _;

use crate::digest::DigestFile;
use crate::ident::Sha256Hash;
use crate::time::{HOUR, Interval, Timestamp};
use verifier::Verifier;

/// Shortest modulus taken, in bits. CloudTrail's keys have 2,048.
const MIN_BITS: usize = 2048;

/// How long after its end a digest may be signed, in seconds. It is signed when it is delivered, which is 7.7 to
/// 201 minutes after its end in the deliveries we have seen.
pub const SIGNING_WINDOW: i64 = 4 * HOUR;

/// Why bytes are no usable key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither a PKCS#1 `RSAPublicKey` nor a `SubjectPublicKeyInfo`.
    #[error("its value is neither a PKCS#1 nor a SubjectPublicKeyInfo RSA key")]
    Malformed,
    /// Not base64 (RFC 4648, section 4).
    #[error("its value is not base64")]
    Base64,
    /// An RSA key too short to prove anything.
    #[error("its key has {0} bits, fewer than {MIN_BITS}")]
    Short(usize),
}

/// An RSA public key and its fingerprint.
#[derive(Clone, Debug)]
pub struct PublicKey {
    verifier: Verifier,
    /// As it was published: the fingerprint is that of these bytes.
    der: Box<[u8]>,
    fingerprint: String,
}

impl PartialEq for PublicKey {
    /// Whether both were read from the same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads a key as `ListPublicKeys` gives it: DER, PKCS#1 (RFC 8017, A.1.1) or `SubjectPublicKeyInfo` (RFC 5280).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] or [`KeyError::Short`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let rsa = RsaPublicKey::from_pkcs1_der(der)
            .or_else(|_| RsaPublicKey::from_public_key_der(der))
            .map_err(|_| KeyError::Malformed)?;
        let bits = rsa.n().bits();
        if bits < MIN_BITS {
            return Err(KeyError::Short(bits));
        }
        Ok(Self { verifier: Verifier::new(rsa, der), der: der.into(), fingerprint: fingerprint(der) })
    }

    /// Reads the base64 form of [`PublicKey::from_der`]; white space is ignored.
    ///
    /// # Errors
    /// As [`PublicKey::from_der`], and [`KeyError::Base64`].
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        Self::from_der(&STANDARD.decode(compact).map_err(|_| KeyError::Base64)?)
    }

    /// The bytes it was read from in base64, as `ListPublicKeys` writes them.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// Lower-case hex MD5 of the DER bytes it was read from, as `digestPublicKeyFingerprint` writes it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The fingerprints the key has in either of its two encodings: a PEM file need not hold the published one.
    #[must_use]
    pub fn possible_fingerprints(&self) -> Vec<String> {
        let pkcs1 = self.verifier.rsa().to_pkcs1_der().map(|der| fingerprint(der.as_bytes()));
        let spki = self.verifier.rsa().to_public_key_der().map(|der| fingerprint(der.as_bytes()));
        pkcs1.into_iter().chain(spki).collect()
    }

    /// Whether `signature` is this key's RSASSA-PKCS1-v1_5 signature (RFC 8017, section 8.2) of a message with
    /// the SHA-256 value `hash`.
    #[must_use]
    pub fn verifies(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.verifier.verifies(hash, signature)
    }

    /// The same as [`PublicKey::verifies`] by the crate `rsa` alone, slowly: the second opinion of the tests.
    #[must_use]
    pub fn verifies_plainly(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.verifier.verifies_plainly(hash, signature)
    }
}

fn fingerprint(der: &[u8]) -> String {
    hex::encode(Md5::digest(der))
}

/// A public key, when it is valid, and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When it may sign; `None` where its source does not say (PEM).
    pub validity: Option<Interval>,
    /// Where it came from: `cloudtrail`, or the file's path.
    pub source: String,
    /// The region whose digests it signs; `None` where its source does not say.
    pub region: Option<String>,
}

impl TrustedKey {
    /// Whether it may sign digests of `region`.
    pub(crate) fn is_of(&self, region: &str) -> bool {
        self.region.as_deref().is_none_or(|own| own == region)
    }

    /// Whether the key was valid at some time in the hours after `signed_from`, both ends of its validity included.
    pub(crate) fn could_sign(&self, signed_from: Timestamp) -> bool {
        self.validity.is_none_or(|validity| {
            validity.start <= signed_from.plus(SIGNING_WINDOW) && signed_from <= validity.end
        })
    }
}

/// Proof that the digest with this hash was signed by a key. Only [`verify`] makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureProof {
    digest: Sha256Hash,
}

impl SignatureProof {
    /// Hash of the digest that was signed.
    #[must_use]
    pub const fn digest(self) -> Sha256Hash {
        self.digest
    }
}

/// Checks a digest's signature (hex) with `key`. `None` where it does not fit, hex or not.
#[must_use]
pub fn verify(file: &DigestFile, signature: &str, key: &PublicKey) -> Option<SignatureProof> {
    let signature = hex::decode(signature).ok()?;
    let hash = Sha256Hash::of(file.string_to_sign().as_bytes());
    key.verifies(hash, &signature).then_some(SignatureProof { digest: file.hash() })
}

/// Whether two signatures in hex are the same bytes.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
