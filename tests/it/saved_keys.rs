//! Keys files: what is read of them, and what is said of entries that are no usable keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};
use trailproof::keys::saved::{self, KeysFileError};
use trailproof::keys::{KeyRing, Lookup, TrustedKey};
use trailproof::signature::PublicKey;
use trailproof::time::{DAY, Interval, Timestamp};

use crate::signing::signer;
use crate::support::time;

fn load(file: &str) -> (KeyRing, Result<(), KeysFileError>) {
    let mut ring = KeyRing::new();
    let loaded = saved::load(&mut ring, "keys.json", file.as_bytes());
    (ring, loaded)
}

fn list(entries: &[Value]) -> String {
    json!({ "PublicKeyList": entries }).to_string()
}

/// The entry of a genuine key, with `value` in the place of one field.
fn entry(field: &str, value: Value) -> Value {
    let mut entry = signer().entry.clone();
    entry[field] = value;
    entry
}

/// The validity that a file with this start gives its key.
fn validity(start: Value) -> Result<Interval, String> {
    let (ring, loaded) = load(&list(&[entry("ValidityStartTime", start)]));
    loaded.map_err(|error| error.to_string())?;
    let Lookup::Valid(key) = ring.lookup(&signer().fingerprint, "eu-west-1", time("2026-09-01T00:00:00Z"))
    else {
        panic!("the key is not there");
    };
    Ok(key.validity.unwrap())
}

#[test]
fn the_start_of_validity_is_seconds_or_rfc_3339() {
    let moment = time("2020-01-02T03:04:05Z");
    for written in [
        json!(moment.unix()),
        json!(1_577_934_245.9),
        json!("1577934245"),
        json!("1577934245.0"),
        json!("2020-01-02T03:04:05Z"),
        json!("2020-01-02T12:04:05+09:00"),
    ] {
        assert_eq!(validity(written.clone()).unwrap().start, moment, "{written}");
    }
    for junk in
        [json!(null), json!(true), json!([]), json!(""), json!("x"), json!("inf"), json!("NaN"), json!(1e12)]
    {
        let told = validity(junk.clone()).unwrap_err();
        assert_eq!(
            told, "no key in the file is usable: entry 1: the validity times are missing or not valid",
            "{junk}"
        );
    }
    let told = validity(json!("2999-01-01T00:00:00Z")).unwrap_err();
    assert!(told.ends_with("entry 1: the validity ends before it starts"), "{told}");
    assert_eq!(validity(json!(-999_999_999_999_i64)).unwrap().start.unix(), -999_999_999_999);
}

#[test]
fn what_was_saved_is_read_again() {
    let key = TrustedKey {
        key: PublicKey::from_base64(signer().entry["Value"].as_str().unwrap()).unwrap(),
        validity: Interval::new(Timestamp::from_unix(0), Timestamp::from_unix(DAY)),
        source: "keys.json".to_owned(),
        region: None,
    };
    let without = TrustedKey { validity: None, ..key.clone() };
    let (ring, loaded) = load(&saved::to_json(&[key.clone(), without]));
    assert_eq!((loaded, ring.len(), ring.rejected()), (Ok(()), 1, Vec::new()));
    let found = ring.lookup(&signer().fingerprint, "us-east-1", Timestamp::from_unix(DAY));
    let Lookup::Valid(found) = found else { panic!("{found:?}") };
    assert_eq!(*found, key);
    assert!(matches!(
        ring.lookup(&signer().fingerprint, "us-east-1", Timestamp::from_unix(DAY + 1)),
        Lookup::NotThen(_)
    ));
}

#[test]
fn an_entry_that_is_no_key_is_named_by_its_place_and_the_others_count() {
    let other = "0".repeat(32);
    let file = list(&[json!("x"), signer().entry.clone(), entry("Fingerprint", json!(other))]);
    let (ring, loaded) = load(&file);
    assert_eq!((loaded, ring.len()), (Ok(()), 1));
    let rejected: Vec<(usize, String)> =
        ring.rejected().into_iter().map(|key| (key.entry, key.reason)).collect();
    let told = format!(
        "fingerprint `{other}` does not match the key, whose fingerprint is `{}`",
        signer().fingerprint
    );
    assert_eq!(rejected, [(1, "not a JSON object".to_owned()), (3, told)]);

    let (ring, loaded) = load(&list(&[json!(1), json!(2)]));
    let reason = "not a JSON object".to_owned();
    assert_eq!(loaded, Err(KeysFileError::AllRejected { entry: 1, reason }));
    assert!(ring.is_empty() && ring.rejected().is_empty());
}

#[test]
fn a_thousand_entries_that_are_no_keys_are_named_and_the_others_counted() {
    for (count, named) in [(1_000, 1_000), (1_003, 1_001)] {
        let mut entries = vec![json!(0); count];
        entries.push(signer().entry.clone());
        let rejected = load(&list(&entries)).0.rejected();
        assert_eq!(rejected.len(), named);
        let told = rejected.last().unwrap().reason.clone();
        let more = "and 3 more entries are not usable";
        assert_eq!(told == more, count > 1_000, "{told}");
    }
}

#[test]
fn a_file_that_is_no_list_of_keys_gives_none() {
    let entry = &signer().entry;
    for file in [
        "".to_owned(),
        "x".to_owned(),
        json!([entry]).to_string(),
        json!("PublicKeyList").to_string(),
        json!({"Keys": [entry]}).to_string(),
        json!({"PublicKeyList": "x"}).to_string(),
        json!({"PublicKeyList": entry}).to_string(),
        format!("{}x", list(std::slice::from_ref(entry))),
        format!(r#"{{"PublicKeyList": [{entry}], "publicKeyList": [{entry}]}}"#),
    ] {
        let (ring, loaded) = load(&file);
        assert_eq!((loaded, ring.len()), (Err(KeysFileError::NotKeys), 0), "{file}");
    }
    assert_eq!(load(&list(&[])).1, Err(KeysFileError::Empty));
    let (ring, loaded) = load(&json!({"Other": "x", "publicKeyList": [entry]}).to_string());
    assert_eq!((loaded, ring.len()), (Ok(()), 1));
}

/// A PEM key counts at any time, under the fingerprints of both of its encodings. Other blocks are no keys.
#[test]
fn keys_are_read_from_pem() {
    let spki = signer().key.to_public_key().to_public_key_der().unwrap();
    let pkcs1 = signer().entry["Value"].as_str().unwrap();
    for (label, base64) in [("PUBLIC KEY", &*STANDARD.encode(spki.as_bytes())), ("RSA PUBLIC KEY", pkcs1)] {
        let block =
            |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        let file = block("CERTIFICATE", "AAAA") + &block(label, base64);
        let (ring, loaded) = load(&file);
        assert_eq!((loaded, ring.rejected()), (Ok(()), Vec::new()), "{label}");
        for moment in ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
            let found = ring.lookup(&signer().fingerprint, "us-east-1", time(moment));
            assert!(matches!(found, Lookup::Valid(_)), "{label}: {found:?}");
        }
        let (ring, loaded) = load(&(file + &block(label, "AAAA")));
        assert_eq!(loaded, Ok(()));
        assert_eq!(ring.rejected().into_iter().map(|key| key.entry).collect::<Vec<_>>(), [2], "{label}");
        assert_eq!(load(&block("CERTIFICATE", base64)).1, Err(KeysFileError::Empty));
    }
}
