//! Parses what people save of `aws s3api head-object`: the whole output or its metadata alone, in JSON, YAML or text.

use serde_json::{Map, Value};

use crate::store::{Metadata, metadata_name};
use crate::text::yaml;

/// The metadata that has the proof of a digest.
const SIGNATURE: &str = "signature";

/// Fewest hex digits of a signature in text, where values have no names: those of a key of 1,024 bits.
const MIN_SIGNATURE: usize = 256;

/// The algorithm that CloudTrail names beside a signature.
const ALGORITHM: &str = "SHA256withRSA";

/// The metadata in `text`; `None` if the text is none of the known outputs.
pub(super) fn parse(text: &str) -> Option<Metadata> {
    // Damaged JSON may be YAML. Without the signature it is of no use, and the damage is told.
    let is_signed = |metadata: &Metadata| metadata.contains_key(SIGNATURE);
    let yaml = || serde_saphyr::from_str_with_options(text, yaml::strict()).ok();
    let of_text = || yaml().and_then(of_value).or_else(|| of_columns(text)).filter(is_signed);
    let json = serde_json::from_str(text).ok();
    json.and_then(of_value).or_else(of_text)
}

/// Whether `text` is the JSON of `head-object`, and has no events.
pub(super) fn is_output(text: &str) -> bool {
    !text.contains("\"Records\"")
        && serde_json::from_str(text).is_ok_and(|value| whole_output(&value).is_some())
}

fn whole_output(value: &Value) -> Option<&Map<String, Value>> {
    value.get("Metadata")?.as_object()
}

/// The metadata of the whole output, or a map of metadata with a signature.
fn of_value(value: Value) -> Option<Metadata> {
    if let Some(metadata) = whole_output(&value) {
        return of_map(metadata);
    }
    let metadata = of_map(value.as_object()?)?;
    metadata.contains_key(SIGNATURE).then_some(metadata)
}

/// Values in S3 are text without white space around. Programs may make numbers of values, which takes nothing from the
/// signature. `None` if the signature itself is no text.
fn of_map(map: &Map<String, Value>) -> Option<Metadata> {
    let mut metadata = Metadata::new();
    for (name, value) in map {
        let name = metadata_name(name);
        match value {
            Value::String(text) => drop(metadata.insert(name, text.trim().to_owned())),
            _ if name == SIGNATURE => return None,
            Value::Number(number) => drop(metadata.insert(name, number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }
    Some(metadata)
}

/// Text has the values in the order of their names, with a tab between: for a backfill digest the time of its generation,
/// the signature, and the algorithm. The line of the metadata begins with `METADATA`, unless it stands alone.
fn of_columns(text: &str) -> Option<Metadata> {
    let is_signature =
        |column: &&str| column.len() >= MIN_SIGNATURE && column.bytes().all(|byte| byte.is_ascii_hexdigit());
    let columns = |line: &'_ str| line.split('\t').map(|column| column.trim().to_owned()).collect::<Vec<_>>();
    let lines = text.lines().map(columns);
    let mut signed = lines.filter(|line| line.iter().any(|column| is_signature(&column.as_str())));
    let (line, None) = (signed.next()?, signed.next()) else { return None };
    let mut metadata = Metadata::new();
    for column in line {
        let name = match column.as_str() {
            column if is_signature(&column) => SIGNATURE,
            ALGORITHM => "signature-algorithm",
            column if column.parse::<jiff::Timestamp>().is_ok() => "backfill-generation-timestamp",
            _ => continue,
        };
        if metadata.insert(name.to_owned(), column).is_some() {
            return None;
        }
    }
    Some(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> String {
        "00ff".repeat(128)
    }

    #[test]
    fn the_metadata_is_read_in_every_output_format() {
        let signature = signature();
        let expected = [("signature", &*signature), ("signature-algorithm", ALGORITHM)];
        let expected = Metadata::from(expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for text in [
            format!(
                r#"{{"ETag": "x", "Metadata": {{"signature": "{signature}", "signature-algorithm": "{ALGORITHM}"}}}}"#
            ),
            format!(r#"{{"signature": "{signature}", "signature-algorithm": "{ALGORITHM}"}}"#),
            format!(
                r#"{{"Metadata": {{"signature": " {signature}\n", "x-amz-meta-Signature-Algorithm": "{ALGORITHM} "}}}}"#
            ),
            format!("ETag: x\nMetadata:\n  signature: {signature}\n  signature-algorithm: {ALGORITHM}\n"),
            format!("signature: {signature}\nsignature-algorithm: {ALGORITHM}\n"),
            format!("bytes\tapplication/json\t1\nMETADATA\t{signature}\t{ALGORITHM}\n"),
            format!("{signature}\t{ALGORITHM}\r\n"),
        ] {
            assert_eq!(parse(&text), Some(expected.clone()), "{text}");
        }
    }

    #[test]
    fn other_values_take_nothing_from_the_signature() {
        let text = r#"{"Metadata": {"a": 1, "b": null, "c": {}, "signature": "00ff"}}"#;
        let found = parse(text).unwrap();
        assert_eq!((found["signature"].as_str(), found["a"].as_str(), found.len()), ("00ff", "1", 2));
        assert_eq!(parse(r#"{"Metadata": {}}"#), Some(Metadata::new()));
        let generated = format!("2026-09-01T02:06:57Z\t{}\t{ALGORITHM}\n", signature());
        assert!(parse(&generated).unwrap().contains_key("backfill-generation-timestamp"));
    }

    #[test]
    fn other_text_is_no_metadata() {
        let two = format!("{0}\n{0}\n", signature());
        let in_one = format!("{0}\t{0}\n", signature());
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "x",
            "[[[[",
            "{\"a\": \"b\"}",
            "{\"Metadata\": 1}",
            "00ff",
            "\0",
            "{\"signature\": 1}",
            "{\"Metadata\": {\"signature\": null}}",
            &two,
            &in_one,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_output_of_head_object_is_one() {
        assert!(is_output(r#"{"Metadata": {}, "ContentLength": 1}"#));
        for other in ["{}", "", "{\"signature\": \"00\"}", r#"{"Metadata": {}, "Records": []}"#, "[]"] {
            assert!(!is_output(other), "{other}");
        }
    }
}
