//! RSA signatures of digest files, and the public keys for verification.

mod verifier;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rsa::RsaPublicKey;
use rsa::pkcs1::{DecodeRsaPublicKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, SubjectPublicKeyInfoRef};
use rsa::traits::PublicKeyParts as _;

use crate::digest::DigestFile;
use crate::ident::Sha256Hash;
use crate::time::{HOUR, Interval, Timestamp};
use verifier::RsaVerifier;

/// Shortest accepted modulus, in bits. CloudTrail's keys have 2,048.
const MIN_BITS: usize = 2048;

/// Longest accepted modulus, in bits.
const MAX_BITS: usize = RsaPublicKey::MAX_SIZE;

/// Longest time from a digest's end to the signature, in seconds. A digest is signed at delivery: 7.7 to 201 minutes
/// after the end, in the observed deliveries.
pub const SIGNING_WINDOW: i64 = 4 * HOUR;

/// Why bytes are not a usable key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither a PKCS#1 `RSAPublicKey` nor a `SubjectPublicKeyInfo`.
    #[error("the value is neither a PKCS#1 nor a SubjectPublicKeyInfo RSA key")]
    Malformed,
    /// Not base64 (RFC 4648, section 4).
    #[error("the value is not base64")]
    Base64,
    /// An RSA key longer than any that is verified with.
    #[error("the key has {0} bits, more than the {MAX_BITS} that are accepted")]
    Long(usize),
    /// An RSA key too short for proof.
    #[error("the key has {0} bits, fewer than {MIN_BITS}")]
    Short(usize),
}

/// An RSA public key and its fingerprint.
#[derive(Clone, Debug)]
pub struct PublicKey {
    verifier: RsaVerifier,
    /// The published bytes. The fingerprint is the MD5 of these bytes.
    der: Box<[u8]>,
    fingerprint: String,
}

impl PartialEq for PublicKey {
    /// Whether both keys were read from the same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads a key of `ListPublicKeys`: DER, PKCS#1 (RFC 8017, A.1.1) or `SubjectPublicKeyInfo` (RFC 5280).
    ///
    /// # Errors
    /// [`KeyError::Malformed`], [`KeyError::Long`] or [`KeyError::Short`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let rsa = RsaPublicKey::from_pkcs1_der(der)
            .or_else(|_| RsaPublicKey::from_public_key_der(der))
            .map_err(|_| match modulus_bits(der) {
                Some(bits) if bits > MAX_BITS => KeyError::Long(bits),
                _ => KeyError::Malformed,
            })?;
        let bits = rsa.n().bits();
        if bits < MIN_BITS {
            return Err(KeyError::Short(bits));
        }
        Ok(Self { verifier: RsaVerifier::new(rsa, der), der: der.into(), fingerprint: fingerprint(der) })
    }

    /// Reads a key in base64, with white space ignored. See [`PublicKey::from_der`].
    ///
    /// # Errors
    /// The errors of [`PublicKey::from_der`], and [`KeyError::Base64`].
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        Self::from_der(&STANDARD.decode(compact).map_err(|_| KeyError::Base64)?)
    }

    /// The published bytes in base64, in the format of `ListPublicKeys`.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// MD5 of the published bytes in lower-case hex, in the format of `digestPublicKeyFingerprint`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Fingerprints of the key in both encodings: a PEM file may use another encoding than the published key.
    #[must_use]
    pub fn possible_fingerprints(&self) -> Vec<String> {
        let pkcs1 = self.verifier.rsa().to_pkcs1_der().map(|der| fingerprint(der.as_bytes()));
        let spki = self.verifier.rsa().to_public_key_der().map(|der| fingerprint(der.as_bytes()));
        pkcs1.into_iter().chain(spki).collect()
    }

    /// Whether `signature` is this key's RSASSA-PKCS1-v1_5 signature (RFC 8017, section 8.2) of a message with the
    /// SHA-256 value `hash`.
    #[must_use]
    pub fn verifies(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.verifier.verifies(hash, signature)
    }

    /// Like [`PublicKey::verifies`], but with the slower crate `rsa` only. Tests use this second opinion.
    #[must_use]
    pub fn verifies_plainly(&self, hash: Sha256Hash, signature: &[u8]) -> bool {
        self.verifier.verifies_plainly(hash, signature)
    }
}

/// Length of the modulus of a key in either encoding, in bits, whatever the length.
fn modulus_bits(der: &[u8]) -> Option<usize> {
    let inner = SubjectPublicKeyInfoRef::try_from(der).ok();
    let pkcs1 = inner.as_ref().and_then(|info| info.subject_public_key.as_bytes()).unwrap_or(der);
    let key = rsa::pkcs1::RsaPublicKey::try_from(pkcs1).ok()?;
    let bytes = key.modulus.as_bytes();
    let unused = bytes.first()?.leading_zeros();
    (bytes.len() * 8).checked_sub(usize::try_from(unused).ok()?)
}

fn fingerprint(der: &[u8]) -> String {
    hex::encode(Md5::digest(der))
}

/// A public key, with validity and source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When the key may sign; `None` if the source has no validity (PEM).
    pub validity: Option<Interval>,
    /// Source of the key: `cloudtrail`, or the path of a file.
    pub source: String,
    /// Region of the digests signed by the key; `None` if the source has no region.
    pub region: Option<String>,
}

impl TrustedKey {
    /// Whether the key may sign digests of `region`.
    pub(crate) fn is_of(&self, region: &str) -> bool {
        self.region.as_deref().is_none_or(|own| own == region)
    }

    /// Whether the key was valid at some time in the [`SIGNING_WINDOW`] after `signed_from`, both ends of the
    /// validity included.
    pub(crate) fn could_sign(&self, signed_from: Timestamp) -> bool {
        self.validity.is_none_or(|validity| {
            validity.start <= signed_from.plus(SIGNING_WINDOW) && signed_from <= validity.end
        })
    }
}

/// Proof that a key signed the digest with this hash. Only [`verify`] creates a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureProof {
    digest: Sha256Hash,
}

impl SignatureProof {
    /// Hash of the signed digest.
    #[must_use]
    pub const fn digest(self) -> Sha256Hash {
        self.digest
    }
}

/// Verifies a digest's signature (hex) with `key`. `None` if the signature is not valid or not hex.
#[must_use]
pub fn verify(file: &DigestFile, signature: &str, key: &PublicKey) -> Option<SignatureProof> {
    let signature = hex::decode(signature).ok()?;
    let hash = Sha256Hash::of(file.string_to_sign().as_bytes());
    key.verifies(hash, &signature).then_some(SignatureProof { digest: file.hash() })
}

/// Whether two signatures in hex have the same bytes.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
