//! Digests written by hand and signed with a key that the tests hold, for what no delivery would make.

#[cfg(feature = "aws")]
use std::sync::LazyLock;
use std::sync::OnceLock;

#[cfg(feature = "aws")]
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair as KeyPair},
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
#[cfg(not(feature = "aws"))]
use rsa::Pkcs1v15Sign;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
#[cfg(feature = "aws")]
use rsa::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};
#[cfg(not(feature = "aws"))]
use sha2::{Digest as _, Sha256};
use trailproof::digest::DigestFile;
use trailproof::ident::{DigestKey, Location, Sha256Hash};
use trailproof::keys::KeyRing;
use trailproof::signature::PublicKey;
use trailproof::store::{Deposit, Metadata};
use trailproof::time::{HOUR, Timestamp};

use crate::bodies::gzip;
use crate::support::keys;

pub struct Signer {
    pub key: RsaPrivateKey,
    pub fingerprint: String,
    /// The public key's entry in a keys file.
    pub entry: Value,
    pub ring: KeyRing,
    /// The public key as saved.
    pub saved: String,
}

pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut ChaCha20Rng::from_seed([7; 32]), 2048).unwrap();
        let der = key.to_public_key().to_pkcs1_der().unwrap();
        let fingerprint = PublicKey::from_der(der.as_bytes()).unwrap().fingerprint().to_owned();
        let entry = json!({
            "Value": STANDARD.encode(der.as_bytes()),
            "Fingerprint": fingerprint,
            "ValidityStartTime": "1970-01-01T00:00:00+00:00",
            "ValidityEndTime": "2286-11-20T17:46:39+00:00",
        });
        let saved = json!({"PublicKeyList": [entry]}).to_string();
        Signer { ring: keys(saved.as_bytes()), key, fingerprint, saved, entry }
    })
}

/// A digest to lie at `key`, of the hour before its end, with what `more` says instead.
pub fn document(key: &DigestKey, more: &Value) -> Value {
    let location = key.location();
    let mut document = json!({
        "awsAccountId": &*key.folder.account,
        "digestStartTime": key.end.plus(-3_600).to_string(),
        "digestEndTime": key.end.to_string(),
        "digestS3Bucket": &*location.bucket,
        "digestS3Object": &*location.key,
        "digestPublicKeyFingerprint": signer().fingerprint,
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "previousDigestSignature": null,
        "logFiles": [],
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

/// Signs a document and puts it where it says it belongs. Returns what a digest that follows it records of it.
pub fn put(store: &dyn Deposit, document: &Value) -> Value {
    let content = document.to_string().into_bytes();
    let location = DigestFile::parse(&content).unwrap().location().clone();
    put_content(store, &location, &content)
}

/// Puts the digest of the hour that ends at the end of `key`, with what `more` says, and before it the one that starts
/// its chain.
pub fn put_hour(store: &dyn Deposit, key: &DigestKey, more: &Value) {
    let start = DigestKey { end: key.end.plus(-HOUR), ..key.clone() };
    let mut record = put(store, &document(&start, &json!({})));
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    put(store, &document(key, &record));
}

/// The same for any content and any place. What is no digest is signed as it is.
pub fn put_content(store: &dyn Deposit, location: &Location, content: &[u8]) -> Value {
    let signature = match DigestFile::parse(content) {
        Ok(file) => sign(file.string_to_sign().as_bytes()),
        Err(_) => sign(content),
    };
    let metadata = Metadata::from([("signature".to_owned(), signature.clone())]);
    store.put(location, &gzip(content), &metadata).unwrap();
    json!({
        "previousDigestS3Bucket": &*location.bucket,
        "previousDigestS3Object": &*location.key,
        "previousDigestHashValue": Sha256Hash::of(content).to_string(),
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": signature,
    })
}

#[cfg(not(feature = "aws"))]
pub fn sign(text: &[u8]) -> String {
    hex::encode(signer().key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)).unwrap())
}

/// The same signature, sooner: `rsa` is slow where every branch is counted, as it is for fuzzing.
#[cfg(feature = "aws")]
pub fn sign(text: &[u8]) -> String {
    static PAIR: LazyLock<KeyPair> =
        LazyLock::new(|| KeyPair::from_pkcs8(signer().key.to_pkcs8_der().unwrap().as_bytes()).unwrap());
    let mut signature = vec![0; PAIR.public_modulus_len()];
    PAIR.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
    hex::encode(signature)
}

/// The key `text` in the bucket `b`, of another end.
pub fn key(text: &str, end: Timestamp, backfill: bool) -> DigestKey {
    let key = DigestKey::parse(&Location::new("b", text)).unwrap();
    DigestKey { end, backfill, ..key }
}
