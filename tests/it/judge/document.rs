//! Bodies and what they say: gzip by flate2, JSON by serde_json, hashes by sha2, signatures by `rsa`.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::GzDecoder;
use md5::Md5;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use trailproof::ident::Location;
use trailproof::time::{HOUR, Timestamp};

/// The content of a body that is exactly one whole gzip member; `None` for anything else.
pub(super) fn inflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    let mut content = Vec::new();
    GzDecoder::new(&mut rest).read_to_end(&mut content).ok()?;
    rest.is_empty().then_some(content)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What a digest says of another object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) location: Location,
    /// SHA-256 in lower-case hex; `None` for what nobody can compare.
    pub(super) hash: Option<String>,
}

/// What a digest says of the one before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Previous {
    pub(super) location: Location,
    pub(super) hash: Option<String>,
    pub(super) signature: Option<String>,
}

/// A digest's fields.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) location: Location,
    pub(super) fingerprint: String,
    algorithm: String,
    pub(super) previous: Option<Previous>,
    pub(super) logs: Vec<Listed>,
    /// SHA-256 of the inflated bytes.
    pub(super) hash: String,
    signed: String,
    /// From when on it was signed: its end, or later by the metadata of a backfill digest.
    pub(super) signed_from: Timestamp,
}

fn text(object: &Value, field: &str) -> Option<String> {
    object.get(field)?.as_str().map(str::to_owned)
}

/// A field that is there, and a text or null.
fn nullable(object: &Value, field: &str) -> Option<Option<String>> {
    match object.get(field)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    }
}

fn hash_of(algorithm: Option<&str>, value: &str) -> Option<String> {
    let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (algorithm == Some("SHA-256") && is_hash).then(|| value.to_ascii_lowercase())
}

impl Document {
    /// `None` where a field is missing or is not what CloudTrail writes.
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(content).ok()?;
        json.as_object()?;
        text(&json, "awsAccountId")?;
        let time = |field: &str| Timestamp::parse_digest_field(&text(&json, field)?);
        let (start, end) = (time("digestStartTime")?, time("digestEndTime")?);
        let (bucket, object) = (text(&json, "digestS3Bucket")?, text(&json, "digestS3Object")?);
        let signature = nullable(&json, "previousDigestSignature")?;
        let hash = sha256(content);
        let last = signature.as_deref().unwrap_or("null");
        let signed = format!("{}\n{bucket}/{object}\n{hash}\n{last}", text(&json, "digestEndTime")?);
        let logs = json.get("logFiles")?.as_array()?.iter().map(listed).collect::<Option<_>>()?;
        Some(Self {
            start,
            end,
            location: Location::new(bucket, object),
            fingerprint: text(&json, "digestPublicKeyFingerprint")?,
            algorithm: text(&json, "digestSignatureAlgorithm")?,
            previous: previous(&json, signature)?,
            logs,
            hash,
            signed,
            signed_from: end,
        })
        .filter(|document| document.start <= document.end)
    }
}

fn listed(entry: &Value) -> Option<Listed> {
    let location = Location::new(text(entry, "s3Bucket")?, text(entry, "s3Object")?);
    let hash = hash_of(Some(&text(entry, "hashAlgorithm")?), &text(entry, "hashValue")?);
    Some(Listed { location, hash })
}

/// `Some(None)` in a digest that starts a chain.
fn previous(json: &Value, signature: Option<String>) -> Option<Option<Previous>> {
    let bucket = nullable(json, "previousDigestS3Bucket")?;
    let object = nullable(json, "previousDigestS3Object")?;
    let value = nullable(json, "previousDigestHashValue")?;
    let algorithm = nullable(json, "previousDigestHashAlgorithm")?;
    let (bucket, object) = match (bucket, object) {
        (Some(bucket), Some(object)) => (bucket, object),
        (None, None) => return Some(None),
        _ => return None,
    };
    let hash = value.and_then(|value| hash_of(algorithm.as_deref(), &value));
    Some(Some(Previous { location: Location::new(bucket, object), hash, signature }))
}

/// The keys of a saved file, by fingerprint.
pub(super) struct Keys {
    known: BTreeMap<String, Vec<Key>>,
    /// How many entries are no usable keys.
    pub(super) rejected: usize,
    memory: std::cell::RefCell<HashMap<(String, String, String), bool>>,
}

struct Key {
    rsa: RsaPublicKey,
    from: Timestamp,
    to: Timestamp,
}

impl Keys {
    /// Reads `PublicKeyList`. An entry whose fingerprint is not that of its value is refused.
    pub(super) fn read(json: &str) -> Self {
        let json: Value = serde_json::from_str(json).unwrap();
        let mut keys = Self { known: BTreeMap::new(), rejected: 0, memory: Default::default() };
        for entry in json["PublicKeyList"].as_array().unwrap() {
            let fingerprint = entry["Fingerprint"].as_str().unwrap();
            let der = STANDARD.decode(entry["Value"].as_str().unwrap()).unwrap();
            if hex::encode(Md5::digest(&der)) != fingerprint {
                keys.rejected += 1;
                continue;
            }
            let rsa = RsaPublicKey::from_pkcs1_der(&der).or_else(|_| RsaPublicKey::from_public_key_der(&der));
            let time = |field: &str| {
                let text = entry[field].as_str().unwrap().replace("+00:00", "Z");
                Timestamp::parse_digest_field(&text).unwrap()
            };
            let (from, to) = (time("ValidityStartTime"), time("ValidityEndTime"));
            let known = keys.known.entry(fingerprint.to_owned()).or_default();
            known.push(Key { rsa: rsa.unwrap(), from, to });
        }
        // A file without a usable key is a usage error, and no run begins: the tests go on without keys.
        if keys.known.is_empty() {
            keys.rejected = 0;
        }
        keys
    }

    /// A key with that fingerprint which was valid at some time in the four hours after which it was signed.
    fn of(&self, document: &Document) -> Option<&Key> {
        let from = document.signed_from;
        let valid = |key: &&Key| key.from <= from.plus(4 * HOUR) && from <= key.to;
        self.known.get(&document.fingerprint)?.iter().find(valid)
    }

    /// Whether a signature of `document` could be checked: a key is known, and so is the algorithm.
    pub(super) fn has(&self, document: &Document) -> bool {
        self.of(document).is_some() && document.algorithm == "SHA256withRSA"
    }

    /// Whether `signature` is that of `document` by its key.
    pub(super) fn verify(&self, document: &Document, signature: &str) -> bool {
        let Some(key) = self.of(document).filter(|_| self.has(document)) else { return false };
        let case = (document.fingerprint.clone(), document.signed.clone(), signature.to_owned());
        *self.memory.borrow_mut().entry(case).or_insert_with(|| {
            let Ok(signature) = hex::decode(signature) else { return false };
            let hash = Sha256::digest(document.signed.as_bytes());
            key.rsa.verify(Pkcs1v15Sign::new::<Sha256>(), &hash, &signature).is_ok()
        })
    }
}
