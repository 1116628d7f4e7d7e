//! Keys files: what is read of them, and what is said of entries that are no usable keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
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
fn names_of_fields_may_begin_in_lower_case() {
    let lower = |entry: &Value| {
        let fields = entry.as_object().unwrap().iter();
        let lowered = fields.map(|(name, value)| (name[..1].to_lowercase() + &name[1..], value.clone()));
        Value::Object(lowered.collect())
    };
    let entry = lower(&signer().entry);
    for file in [json!({ "publicKeyList": [entry] }), json!([{ "PublicKeyList": [entry] }]), json!([entry])] {
        let (ring, loaded) = load(&file.to_string());
        assert_eq!((loaded, ring.len()), (Ok(()), 1), "{file}");
    }
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

/// Hex in capitals is the same number.
#[test]
fn a_fingerprint_in_capitals_is_the_keys_own() {
    let capitals = signer().fingerprint.to_uppercase();
    let (ring, loaded) = load(&list(&[entry("Fingerprint", json!(capitals))]));
    assert_eq!((loaded, ring.len(), ring.rejected()), (Ok(()), 1, Vec::new()));
    let found = ring.lookup(&signer().fingerprint, "us-east-1", time("2026-09-01T00:00:00Z"));
    let Lookup::Valid(found) = found else { panic!("{found:?}") };
    assert_eq!(found.key.fingerprint(), signer().fingerprint);
}

/// A key of any length is an RSA key; only the length is refused.
#[test]
fn a_key_with_a_long_modulus_is_told_by_its_length() {
    // SEQUENCE of two INTEGERs (RFC 8017, A.1.1): a modulus of 16,384 bits, and the exponent 65,537.
    let modulus = [&[0x02, 0x82, 0x08, 0x01, 0x00][..], &[0xff; 2_048]].concat();
    let pkcs1 = [&[0x30, 0x82, 0x08, 0x0a][..], &modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    // SubjectPublicKeyInfo: `rsaEncryption`, and the key in a BIT STRING (RFC 5280, section 4.1).
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let spki = [b"\x30\x82\x08\x22", &algorithm[..], b"\x03\x82\x08\x0f\x00", &pkcs1].concat();
    for der in [pkcs1, spki] {
        let error = PublicKey::from_der(&der).unwrap_err();
        assert_eq!(error.to_string(), "the key has 16384 bits, more than the 4096 that are accepted");
    }
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
    assert_eq!(rejected, [(1, "not an object with the fields of a key".to_owned()), (3, told)]);

    let (ring, loaded) = load(&list(&[json!(1), json!(2)]));
    let reason = "not an object with the fields of a key".to_owned();
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
        assert_eq!(load(&block("CERTIFICATE", base64)).1, Err(KeysFileError::OtherPem));
    }
}

/// Two keys of different regions, as entries of `list-public-keys`.
fn two_entries() -> [Value; 2] {
    let private = RsaPrivateKey::new(&mut ChaCha20Rng::from_seed([8; 32]), 2048).unwrap();
    let other = PublicKey::from_der(private.to_public_key().to_pkcs1_der().unwrap().as_bytes()).unwrap();
    let mut entry = signer().entry.clone();
    entry["Value"] = json!(other.to_base64());
    entry["Fingerprint"] = json!(other.fingerprint());
    [signer().entry.clone(), entry]
}

fn utf16(text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect()
}

fn count(bytes: &[u8]) -> Result<usize, KeysFileError> {
    let mut ring = KeyRing::new();
    saved::load(&mut ring, "keys", bytes)?;
    assert_eq!(ring.rejected(), []);
    Ok(ring.len())
}

#[test]
fn output_of_several_regions_and_shells_is_read() {
    let [one, other] = two_entries();
    let doc = |entry: &Value| json!({ "PublicKeyList": [entry] });
    let pretty = |entry: &Value| serde_json::to_string_pretty(&doc(entry)).unwrap();
    let both = list(&[one.clone(), other.clone()]);
    for file in [
        both.clone(),
        format!("\u{feff}{both}"),
        format!("{}\n{}\n", pretty(&one), pretty(&other)),
        format!("{}{}", doc(&one), doc(&other)),
        format!("[{},{}]", doc(&one), doc(&other)),
        format!("[{one},{other}]"),
        format!("{one}\n{other}\n"),
        json!({ "us-east-1": doc(&one), "eu-west-1": [other] }).to_string(),
        format!("{}\n{}", json!({ "PublicKeyList": [] }), both),
    ] {
        assert_eq!(count(file.as_bytes()), Ok(2), "{file}");
        assert_eq!(count(&utf16(&file, b"\xff\xfe", u16::to_le_bytes)), Ok(2), "{file}");
    }
    assert_eq!(count(&utf16(&both, b"\xfe\xff", u16::to_be_bytes)), Ok(2));
}

/// As `aws --output yaml`, `yaml-stream` and `text` print.
#[test]
fn output_in_yaml_and_text_is_read() {
    let entries = two_entries();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let (end, start) = ("2029-09-28T00:00:00+00:00", "2020-08-29T00:00:00+00:00");
    let yaml = |indent: &str| {
        let of = |entry: &Value| {
            let (fingerprint, value) = (text(entry, "Fingerprint"), text(entry, "Value"));
            format!(
                "{indent}- Fingerprint: {fingerprint}\n{indent}  ValidityEndTime: '{end}'\n\
                 {indent}  ValidityStartTime: '{start}'\n{indent}  Value: {value}\n"
            )
        };
        entries.iter().map(of).collect::<String>()
    };
    let line =
        |entry: &Value| format!("{}\t{end}\t{start}\t{}\n", text(entry, "Fingerprint"), text(entry, "Value"));
    let labelled: String = entries.iter().map(|entry| format!("PUBLICKEYLIST\t{}", line(entry))).collect();
    for file in [
        format!("PublicKeyList:\n{}", yaml("")),
        format!("PublicKeyList:\n{}", yaml("  ")),
        format!("- PublicKeyList:\n{}", yaml("  ")),
        format!("---\nPublicKeyList:\n{}---\nPublicKeyList:\n{}", yaml(""), yaml("")),
        yaml(""),
        // As `>>` writes.
        format!("PublicKeyList:\n{}PublicKeyList:\n{}", yaml(""), yaml("")),
        labelled.clone(),
        labelled.replace('\n', "\r\n"),
        entries.iter().map(line).collect(),
    ] {
        assert_eq!(count(file.as_bytes()), Ok(2), "{file}");
        assert_eq!(count(&utf16(&file, b"\xff\xfe", u16::to_le_bytes)), Ok(2), "{file}");
    }
    // A line that is no key is named, and the others count.
    let (ring, loaded) = load(&format!("{labelled}None\n"));
    assert_eq!((loaded, ring.len()), (Ok(()), 2));
    assert_eq!(ring.rejected().iter().map(|key| key.entry).collect::<Vec<_>>(), [3]);
}

#[test]
fn yaml_that_multiplies_or_nests_is_refused() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nPublicKeyList: [*b, *b]\n";
    let nested = format!("PublicKeyList:\n{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let long = "PublicKeyList:\n".to_owned() + &"- {}\n".repeat(3 << 20);
    for file in [bomb, &nested, &long, "PublicKeyList: [\n", "PublicKeyList: !!binary AAAA\n"] {
        let refused = count(file.as_bytes()).unwrap_err();
        assert!(matches!(refused, KeysFileError::Yaml(_) | KeysFileError::NotKeys), "{refused:?}");
        // The library's options are of no use to a reader.
        assert!(!refused.to_string().contains("Options"), "{refused}");
    }
}

#[test]
fn other_files_are_refused_by_what_they_look_like() {
    let table = "-----------------\n|ListPublicKeys |\n+---------------+\n||PublicKeyList||\n";
    for (file, told) in [
        (table, "a table"),
        ("<html><body>403</body></html>", "HTML or XML"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "PEM without a block `PUBLIC KEY`",
        ),
        ("{\"Records\": []}", "neither `list-public-keys` output nor PEM"),
        ("", "neither `list-public-keys` output nor PEM"),
    ] {
        let refused = count(file.as_bytes()).unwrap_err().to_string();
        assert!(refused.starts_with(told), "{refused}");
    }
    let gzip = count(b"\x1f\x8b\x08\x00").unwrap_err().to_string();
    assert!(gzip.starts_with("not text"), "{gzip}");
    for (value, told) in [
        (json!({"CanRead": true, "Length": 270}), "PowerShell describes a stream"),
        (json!("b'0\\x82'"), "Python's notation of bytes"),
    ] {
        let refused = count(json!([entry("Value", value)]).to_string().as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    assert_eq!(validity(json!("/Date(1577934245000)/")).unwrap().start, time("2020-01-02T03:04:05Z"));
}
