//! Digest documents that are almost right.

use serde_json::{Map, Value, json};
use trailproof::digest::{DigestError, DigestFile};

use super::good;
use crate::bodies::in_time;

/// The fields a digest has to have, and whether `null` may stand in them.
const FIELDS: [(&str, bool); 13] = [
    ("awsAccountId", false),
    ("digestStartTime", false),
    ("digestEndTime", false),
    ("digestS3Bucket", false),
    ("digestS3Object", false),
    ("digestPublicKeyFingerprint", false),
    ("digestSignatureAlgorithm", false),
    ("previousDigestS3Bucket", true),
    ("previousDigestS3Object", true),
    ("previousDigestHashValue", true),
    ("previousDigestHashAlgorithm", true),
    ("previousDigestSignature", true),
    ("logFiles", false),
];

const LOG_FIELDS: [&str; 4] = ["s3Bucket", "s3Object", "hashValue", "hashAlgorithm"];

fn document() -> Map<String, Value> {
    serde_json::from_slice(&good().digest).unwrap()
}

fn parse(document: &Map<String, Value>) -> Result<DigestFile, DigestError> {
    DigestFile::parse(&serde_json::to_vec(document).unwrap())
}

#[test]
fn every_field_has_to_be_there() {
    assert!(parse(&document()).is_ok());
    for (field, _) in FIELDS {
        let mut without = document();
        without.remove(field).unwrap_or_else(|| panic!("a digest has `{field}`"));
        let error = parse(&without).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(field), "`{field}` is missing: {error}");
    }
    for field in LOG_FIELDS {
        let mut without = document();
        without["logFiles"][0].as_object_mut().unwrap().remove(field).unwrap();
        assert!(parse(&without).is_err(), "a log file without `{field}`");
    }
}

#[test]
fn no_field_may_be_of_another_type() {
    for junk in [json!(null), json!(1), json!(true), json!({}), json!([1])] {
        for (field, nullable) in FIELDS {
            let mut document = document();
            document[field] = junk.clone();
            // Of bucket and key of the predecessor, neither is null alone.
            let allowed = nullable && junk.is_null() && !field.starts_with("previousDigestS3");
            assert_eq!(parse(&document).is_ok(), allowed, "`{field}`: {junk}");
        }
        for field in LOG_FIELDS {
            let mut document = document();
            document["logFiles"][0][field] = junk.clone();
            assert!(parse(&document).is_err(), "`{field}` of a log file: {junk}");
        }
    }
    let mut starting = document();
    FIELDS.iter().filter(|(_, nullable)| *nullable).for_each(|(field, _)| starting[*field] = Value::Null);
    assert!(parse(&starting).unwrap().previous().is_none());
}

#[test]
fn what_stands_in_an_objects_or_a_lists_place_is_told_without_its_text() {
    let told = |text: &[u8]| DigestFile::parse(text).unwrap_err().to_string();
    let long = "x".repeat(100_000);
    for text in ["[]", "1", "null", &json!(long).to_string()] {
        let error = told(text.as_bytes());
        assert!(error.contains("expected an object") && error.len() < 200, "{error}");
    }
    for junk in [json!({}), json!(1), json!(long)] {
        let mut document = document();
        document["logFiles"] = junk;
        let error = told(&serde_json::to_vec(&document).unwrap());
        assert!(error.contains("expected a list of log files") && error.len() < 200, "{error}");
    }
}

/// CloudTrail writes none that comes near 8 KiB.
#[test]
fn a_text_is_too_long_from_one_byte_to_another() {
    let kept = |field: &str, of_log: bool, length: usize| {
        let mut document = document();
        let place = if of_log { &mut document["logFiles"][0][field] } else { &mut document[field] };
        *place = json!("x".repeat(length));
        parse(&document)
    };
    for field in ["digestS3Object", "digestPublicKeyFingerprint", "previousDigestSignature"] {
        assert!(kept(field, false, 8 << 10).is_ok(), "{field}");
        assert_eq!(kept(field, false, (8 << 10) + 1), Err(DigestError::Field(field)));
    }
    for field in LOG_FIELDS {
        assert!(kept(field, true, 8 << 10).is_ok(), "{field}");
        let error = kept(field, true, (8 << 10) + 1).unwrap_err().to_string();
        assert!(error.contains(&format!("a log file's `{field}` is too long")), "{error}");
    }
}

#[test]
fn a_field_is_there_once() {
    let text = String::from_utf8(good().digest.clone()).unwrap();
    for (field, _) in FIELDS {
        let value = &document()[field];
        let twice = text.replacen('{', &format!("{{\"{field}\":{value},"), 1);
        assert!(DigestFile::parse(twice.as_bytes()).is_err(), "`{field}` twice");
    }
}

#[test]
fn what_is_unknown_is_ignored_whatever_it_is() {
    let text = String::from_utf8(good().digest.clone()).unwrap();
    let huge = format!("1{}", "0".repeat(5_000));
    for value in ["1", "-0.0", "1e308", "\"\\u0000\"", "[[[[{}]]]]", "null", &huge] {
        let more = text.replacen('{', &format!("{{\"new\":{value},"), 1);
        let parsed = in_time("an unknown field", move || DigestFile::parse(more.as_bytes()).is_ok());
        assert!(parsed, "{}", &value[..value.len().min(20)]);
    }
}

#[test]
fn depth_does_not_overflow() {
    let text = String::from_utf8(good().digest.clone()).unwrap();
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(2_000_000);
        let inside = text.replacen('{', &format!("{{\"new\":{deep},"), 1);
        let logs = text.replacen("\"logFiles\":", &format!("\"logFiles\":{deep}"), 1);
        for bomb in [deep, inside, logs] {
            assert!(in_time("depth", move || DigestFile::parse(bomb.as_bytes()).is_err()), "{open}");
        }
    }
}

#[test]
fn times_are_of_one_form() {
    for field in ["digestStartTime", "digestEndTime"] {
        for junk in
            ["", "2026-09-01", "2026-09-01T00:06:57+00:00", "2026-13-01T00:06:57Z", "99999-01-01T00:00:00Z"]
        {
            let mut document = document();
            document[field] = json!(junk);
            assert!(parse(&document).is_err(), "`{field}`: `{junk}`");
        }
    }
    let mut backwards = document();
    (backwards["digestStartTime"], backwards["digestEndTime"]) =
        (backwards["digestEndTime"].clone(), backwards["digestStartTime"].clone());
    assert!(parse(&backwards).is_err());
}

#[test]
fn ten_thousand_log_files_are_no_trouble() {
    let mut document = document();
    let log = document["logFiles"][0].clone();
    document["logFiles"] = Value::Array(vec![log; 10_000]);
    assert_eq!(parse(&document).unwrap().log_count(), 10_000);
}
