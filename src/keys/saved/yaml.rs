//! Parses `aws --output yaml` and `--output yaml-stream`.

use serde_json::Value;

use super::{KeysFileError, list};
use crate::text::shortened;
use crate::text::yaml::strict;

/// Longest YAML text, in bytes: some 15,000 keys. A parsed document is held in memory, unlike JSON.
const MAX_YAML: usize = 8 << 20;

/// The name of the list of keys in an answer.
const LIST: &str = "PublicKeyList:";

/// Whether the text has a line that begins an answer or an entry in block style. Text of other formats has none.
pub(super) fn is_yaml(text: &str) -> bool {
    let is_name = |line: &str| {
        let line = line.trim_start_matches([' ', '-']);
        [LIST, "Fingerprint:", "Value:", "ValidityStartTime:", "ValidityEndTime:"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    text.lines().any(is_name)
}

/// Passes each entry of the documents in `text` to `take`.
///
/// # Errors
/// [`KeysFileError`] if `text` is not YAML with keys, or exceeds a limit.
pub(super) fn read(text: &str, take: &mut dyn FnMut(Value)) -> Result<(), KeysFileError> {
    if text.len() > MAX_YAML {
        return Err(KeysFileError::Yaml(format!("longer than {MAX_YAML} bytes")));
    }
    answers(text).into_iter().try_for_each(|answer| {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple_with_options(answer, strict()).map_err(|error| {
                // Further lines repeat the text around the error, and what follows a comma names the library's options.
                let first = error.to_string().lines().next().unwrap_or_default().to_owned();
                let first = first.split(", set ").next().unwrap_or_default().to_owned();
                KeysFileError::Yaml(shortened(first))
            })?;
        documents.into_iter().try_for_each(|document| list::read_value(document, take))
    })
}

/// The answers in `text`: `>>` writes one answer after the other, so that the name of the list is there again.
fn answers(text: &str) -> Vec<&str> {
    let is_begin = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default();
        (before.is_empty() || before.ends_with('\n')) && !before.trim_end().ends_with("---")
    };
    let begins: Vec<usize> = text.match_indices(LIST).map(|(at, _)| at).filter(is_begin).skip(1).collect();
    let mut rest = text;
    let mut answers: Vec<&str> = Vec::new();
    for at in begins.into_iter().rev() {
        let (before, answer) = rest.split_at(at);
        answers.push(answer);
        rest = before;
    }
    answers.push(rest);
    answers.reverse();
    answers
}
