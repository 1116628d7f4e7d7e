//! Parses `aws --output text`: a line for each key, with a tab between the columns.
//!
//! Source: the text formatter of the AWS CLI, which sorts the columns by the name of the field and begins the line with
//! the name of the list, unless `--query` names the list.

use serde_json::{Value, json};

/// Label that the AWS CLI puts before the columns.
const LABEL: &str = "PUBLICKEYLIST";

/// Length of a fingerprint, in hex digits.
const FINGERPRINT: usize = 32;

/// Whether the first line with text is a key in columns.
pub(super) fn is_columns(text: &str) -> bool {
    text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| entry(line).is_some())
}

/// Passes each line as an entry to `take`; a line that is not a key as `null`, which is rejected by its number.
pub(super) fn read(text: &str, take: &mut dyn FnMut(Value)) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        take(entry(line).unwrap_or(Value::Null));
    }
}

fn entry(line: &str) -> Option<Value> {
    let mut columns: Vec<&str> = line.split('\t').map(str::trim).collect();
    if columns.first() == Some(&LABEL) {
        columns.remove(0);
    }
    let [fingerprint, end, start, value] = *columns else { return None };
    let is_hex = fingerprint.len() == FINGERPRINT && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| {
        json!({"Fingerprint": fingerprint, "ValidityEndTime": end, "ValidityStartTime": start, "Value": value})
    })
}
