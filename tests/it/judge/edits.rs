//! Touches that change what a digest says, how it is signed, and the keys.

use proptest::sample::Index;
use serde_json::{Value, json};
use trailproof::digest::DigestFile;
use trailproof::ident::{DigestKey, Location};
use trailproof::store::Deposit as _;
use trailproof::store::memory::MemoryStore;
use trailproof::time::Timestamp;

use super::touches::{Edit, Sign, Which, chosen, pick};
use crate::bodies::{gzip, read};
use crate::signing::{self, signer};
use crate::support::Delivered;

pub(super) fn json(content: &[u8]) -> Option<Value> {
    serde_json::from_slice(content).ok()
}

pub(super) fn sign_otherwise(store: &MemoryStore, at: &Index, sign: Sign) -> Option<()> {
    let all = chosen(store, Which::Digests);
    let place = if all.is_empty() { return None } else { at.index(all.len()) };
    let (body, mut metadata) = read(store, &all[place]);
    let signature = metadata.get("signature")?.clone();
    let last = signature.len().checked_sub(1)?;
    let new = match sign {
        Sign::Flip => format!("{}{}", &signature[..last], if signature.ends_with('0') { '1' } else { '0' }),
        Sign::Junk => "no hex".to_owned(),
        Sign::Upper => signature.to_uppercase(),
        Sign::OfNext => read(store, &all[(place + 1) % all.len()]).1.get("signature")?.clone(),
        Sign::Lose => String::new(),
    };
    metadata.insert("signature".to_owned(), new);
    if matches!(sign, Sign::Lose) {
        metadata.clear();
    }
    store.put(&all[place], &body, &metadata).unwrap();
    Some(())
}

/// A digest and what it says.
fn document(store: &MemoryStore, at: &Index) -> Option<(Location, Value)> {
    let location = pick(store, Which::Digests, at)?;
    let digest = json(&super::document::inflate(&read(store, &location).0)?)?;
    digest.as_object()?;
    Some((location, digest))
}

/// Changes what a digest says, and leaves its signature as it was.
pub(super) fn edit_digest(store: &MemoryStore, at: &Index, edit: Edit) -> Option<()> {
    let (location, mut digest) = document(store, at)?;
    apply(&mut digest, edit)?;
    let (_, metadata) = read(store, &location);
    store.put(&location, &gzip(digest.to_string().as_bytes()), &metadata).unwrap();
    Some(())
}

/// Changes what a digest says and signs it with a key that is trusted from now on: CloudTrail contradicts itself, but
/// stays in the chain. Where it is `between`, the genuine one stays, and this one is said to end half an hour before it.
pub(super) fn resign(delivered: &mut Delivered, at: &Index, edit: Edit, between: bool) -> Option<()> {
    let (location, mut digest) = document(&delivered.store, at)?;
    if digest["digestS3Object"] != *location.key || digest["digestS3Bucket"] != *location.bucket {
        return None;
    }
    apply(&mut digest, edit)?;
    digest["digestPublicKeyFingerprint"] = json!(signer().fingerprint);
    if between {
        let key = DigestKey::parse(&location)?;
        let key = DigestKey { end: key.end.plus(-1_800), ..key };
        digest["digestEndTime"] = json!(key.end.to_string());
        digest["digestS3Bucket"] = json!(&*location.bucket);
        digest["digestS3Object"] = json!(&*key.location().key);
    }
    DigestFile::parse(digest.to_string().as_bytes()).ok()?;
    signing::put(&delivered.store, &digest);
    edit_keys(delivered, |keys| keys.push(signer().entry.clone()))
}

fn apply(digest: &mut Value, edit: Edit) -> Option<()> {
    let zeros = "0".repeat(64);
    match edit {
        Edit::Unlist => drop(digest["logFiles"].as_array_mut()?.pop()?),
        Edit::Hash => digest["logFiles"].get_mut(0)?["hashValue"] = json!(zeros),
        Edit::Algorithm => digest["logFiles"].get_mut(0)?["hashAlgorithm"] = json!("SHA-3"),
        Edit::Start => {
            let start = Timestamp::parse_digest_field(digest["digestStartTime"].as_str()?)?;
            digest["digestStartTime"] = json!(start.plus(-1_800).to_string());
        }
        Edit::PreviousHash => digest["previousDigestHashValue"] = json!(zeros),
        Edit::PreviousSignature => digest["previousDigestSignature"] = json!("00ff"),
        Edit::NoPrevious => {
            for field in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
                digest[format!("previousDigest{field}")] = Value::Null;
            }
        }
        Edit::Fingerprint => digest["digestPublicKeyFingerprint"] = json!("0".repeat(32)),
    }
    Some(())
}

pub(super) fn edit_keys(delivered: &mut Delivered, edit: impl FnOnce(&mut Vec<Value>)) -> Option<()> {
    let mut keys: Value = serde_json::from_str(&delivered.simulated.keys_json).unwrap();
    let list = keys["PublicKeyList"].as_array_mut().unwrap();
    if list.is_empty() {
        return None;
    }
    edit(list);
    delivered.simulated.keys_json = keys.to_string();
    Some(())
}

/// A key that ends before its first digest, or begins after its last one.
pub(super) fn expire(keys: &mut [Value], at: &Index, late: bool) {
    let key = &mut keys[at.index(keys.len())];
    let time = |field: &Value| {
        Timestamp::parse_digest_field(&field.as_str().unwrap().replace("+00:00", "Z")).unwrap()
    };
    let (from, to) = (time(&key["ValidityStartTime"]), time(&key["ValidityEndTime"]));
    let written = |moment: Timestamp| json!(moment.to_string().replace('Z', "+00:00"));
    if late {
        key["ValidityStartTime"] = written(to.plus(-3_600));
    } else {
        key["ValidityEndTime"] = written(from.plus(86_400 + 3_600));
    }
}
