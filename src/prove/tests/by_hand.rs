//! Digests written by hand and signed, one by one.

use std::sync::{Arc, LazyLock};

use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::*;
use super::names::*;
use crate::digest::DigestFile;
use crate::event::{BodyFault, Fault};
use crate::gzip::Sizes;
use crate::ident::Sha256Hash;
use crate::signature::{PublicKey, TrustedKey};

/// The end of the first digest of a chain that is written by hand.
pub(super) const FIRST: i64 = 1_788_221_217;

/// The end of the digest of `hour`.
pub(super) fn at(hour: i64) -> Timestamp {
    Timestamp::from_unix(FIRST + hour * HOUR)
}

/// The primes of a key that signs what is written by hand, and nothing else. Each test would take seconds to make one.
const PRIMES: [&str; 2] = [
    "ff0c054943ef6f250bfa0396390a82d325fdb4362fbeb2f534de1ef6dfe7621453c05b26f7c69c7adc524d62ec6ddf61\
     96ccd212a4f67464581a11ca21d3d9044f12c96972fb620a3299fce8dc1d95027187b2ccb2d5e00ca3f765ad10bbeea6\
     57e9dbf837c7e2f624e8aa3f0f0eb6e0bc3330feecae4959e9495e56eb29d15f",
    "b7d538e20bb040f7e2f7a85731239ebc385f7d4c664975664f3dc63fb2c0350efba604cbb01b8b68386f8e0cdd7170f8\
     34c9ef6512fbdf66af75fdcd66a23a5c48fab54a13d937125316d02a771c42ce677c127a33a78cfebbcae4f023b33b9b\
     9d6751f96e90ea4eb96c1309fcbb14d71299a066c788ea6137dc09d87d118fef",
];

/// The key that signs what is written by hand.
fn signer() -> &'static (RsaPrivateKey, Arc<TrustedKey>) {
    static SIGNER: LazyLock<(RsaPrivateKey, Arc<TrustedKey>)> = LazyLock::new(|| {
        let primes = PRIMES.map(|prime| BigUint::parse_bytes(prime.as_bytes(), 16).unwrap());
        let [p, q] = primes;
        let private = RsaPrivateKey::from_p_q(p, q, 65_537_u32.into()).unwrap();
        let der = private.to_public_key().to_pkcs1_der().unwrap();
        let key = PublicKey::from_der(der.as_bytes()).unwrap();
        (private, Arc::new(TrustedKey { key, validity: None, source: "by hand".to_owned(), region: None }))
    });
    &SIGNER
}

/// Where the digest of `hour` belongs.
pub(super) fn key_at(hour: i64) -> DigestKey {
    let folder = RegionFolder {
        bucket: "b".into(),
        root: "".into(),
        organization: None,
        account: "111122223333".into(),
        region: "us-east-1".into(),
    };
    let trail: Arc<str> = "audit".into();
    DigestKey { home_region: Arc::clone(&folder.region), folder, trail, end: at(hour), backfill: false }
}

/// The fields of a digest that belongs at `key` and starts a chain.
pub(super) fn fields(key: &DigestKey) -> Value {
    let location = key.location();
    json!({
        "awsAccountId": &*key.folder.account,
        "digestStartTime": key.end.plus(-HOUR).to_string(),
        "digestEndTime": key.end.to_string(),
        "digestS3Bucket": &*location.bucket,
        "digestS3Object": &*location.key,
        "digestPublicKeyFingerprint": signer().1.key.fingerprint(),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "previousDigestSignature": null,
        "logFiles": [],
    })
}

/// Adds what a digest records of the one before it.
pub(super) fn follow(fields: &mut Value, previous: &ReadDigest) {
    fields["previousDigestS3Bucket"] = json!(&*previous.location.bucket);
    fields["previousDigestS3Object"] = json!(&*previous.location.key);
    fields["previousDigestHashValue"] = json!(previous.file().unwrap().hash().to_string());
    fields["previousDigestHashAlgorithm"] = json!("SHA-256");
    fields["previousDigestSignature"] = json!(previous.signature);
}

/// A log file as a digest lists it.
pub(super) fn log_entry(name: &str) -> Value {
    json!({
        "s3Bucket": "b",
        "s3Object": format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/{name}.json.gz"),
        "hashValue": Sha256Hash::of(name.as_bytes()).to_string(),
        "hashAlgorithm": "SHA-256",
    })
}

/// The digest with these fields, signed, where it says it belongs.
pub(super) fn signed(fields: &Value) -> ReadDigest {
    let content = fields.to_string().into_bytes();
    let file = DigestFile::parse(&content).unwrap();
    let hash = Sha256::digest(file.string_to_sign().as_bytes());
    let end = DigestKey::parse(file.location()).map_or(file.window().end, |key| key.end);
    let mut read = ReadDigest::gone(file.location().clone(), end);
    read.signature = Some(hex::encode(signer().0.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).unwrap()));
    read.key = Some(Ok(Arc::clone(&signer().1)));
    read.sizes = Sizes { compressed: 10, inflated: 20 };
    read.content = DigestContent::Parsed(Box::new(file));
    read
}

/// Any body that is not gzip.
pub(super) fn malformed() -> DigestContent {
    let body = BodyFault::NotGzip;
    DigestContent::Malformed { fault: Fault::DigestBody { body }, seen: Err(body) }
}
