//! Decodes foreign texts, and prepares them for messages.

pub(crate) mod encoding;
pub(crate) mod yaml;

use std::io;

/// Longest part of a text shown in a message, in bytes.
const SHOWN: usize = 300;

/// Most edits (insert, delete, replace, swap two neighbours) in a misspelled word.
const MAX_EDITS: usize = 2;

/// The candidate closest to the misspelled word `typed`, ignoring case; `None` if no candidate is close. The first of
/// equally close candidates counts.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    // Two edits in a short word leave nothing of the original. A very long word is not a misspelling.
    let most = (typed.chars().count() / 3).min(MAX_EDITS);
    if typed.len() > SHOWN {
        return None;
    }
    let edits = |candidate: &str| strsim::osa_distance(&typed, &candidate.to_lowercase());
    let measured = candidates.into_iter().map(|candidate| (edits(candidate), candidate));
    let (edits, candidate) = measured.min_by_key(|(edits, _)| *edits)?;
    (edits <= most).then_some(candidate)
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 gap`, `2 gaps`, `1,000 gaps`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

/// A size as it is typed: `16 MiB`, `1,000 bytes`.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = |(shift, _): &(u32, &str)| bytes > 0 && bytes.is_multiple_of(1 << shift);
    match units.into_iter().find(whole) {
        Some((shift, unit)) => format!("{} {unit}", grouped(bytes >> shift)),
        None => plural(bytes, "byte"),
    }
}

/// The text of an error about JSON, without the names of this program's types.
pub(crate) fn without_type_names(text: &str) -> String {
    for expected in ["expected struct ", "expected enum "] {
        if let Some((before, after)) = text.rsplit_once(expected) {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            return format!("{before}expected an object{rest}");
        }
    }
    text.to_owned()
}

/// Whether a text begins as a JSON object does.
pub(crate) fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

/// The text of an error without what only programmers read: the number of the system's error, and the position where a text
/// without any JSON begins.
pub(crate) fn plain(mut text: String) -> String {
    for position in [" at line 1 column 0", " at line 1 column 1"] {
        if text.ends_with(position) {
            text.truncate(text.len() - position.len());
        }
    }
    while let Some((before, number, after)) = text.split_once(" (os error ").and_then(|(before, rest)| {
        let (number, after) = rest.split_once(')')?;
        Some((before, number, after))
    }) {
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        text = format!("{before}{after}");
    }
    text
}

/// The error without the name of the temporary file, which the crate `tempfile` adds: the user typed another name.
pub(crate) fn without_temporary_name(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.rsplit_once(" at path ") {
        Some((why, _)) => io::Error::new(error.kind(), why.to_owned()),
        None => error,
    }
}

/// The beginning of `text`, with `…` for the rest: an error message may repeat a long input in full.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
        // A run may keep many messages, so the memory of the long text is released.
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_recognised() {
        let regions = ["eu-west-1", "us-east-1", "us-east-2"];
        for (typed, meant) in [
            ("us-east1", Some("us-east-1")),
            ("US-EAST-1", Some("us-east-1")),
            ("su-east-2", Some("us-east-2")),
            ("us-east-1a", Some("us-east-1")),
            ("", None),
            ("x", None),
            ("mars", None),
        ] {
            assert_eq!(nearest(typed, regions), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), regions), None);
    }

    #[test]
    fn errors_do_not_name_temporary_files() {
        let missing = without_temporary_name(tempfile::NamedTempFile::new_in("/nowhere").unwrap_err());
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(!missing.to_string().contains("/nowhere"), "{missing}");
        let named = io::Error::new(io::ErrorKind::StorageFull, "full at path \"/tmp/x.tmp\"");
        assert_eq!(without_temporary_name(named).to_string(), "full");
        assert_eq!(without_temporary_name(io::Error::other("plain")).to_string(), "plain");
    }

    #[test]
    fn errors_are_plain() {
        for (text, shown) in [
            ("`x`: No such file or directory (os error 2)", "`x`: No such file or directory"),
            ("a (os error 2); b (os error 13)", "a; b"),
            ("a (os error x)", "a (os error x)"),
            ("expected value at line 1 column 1", "expected value"),
            ("expected value at line 1 column 12", "expected value at line 1 column 12"),
            ("expected value at line 11 column 1", "expected value at line 11 column 1"),
        ] {
            assert_eq!(plain(text.to_owned()), shown);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("é".repeat(150)), "é".repeat(150));
        assert_eq!(shortened("a".to_owned() + &"é".repeat(150)), "a".to_owned() + &"é".repeat(149) + "…");
    }
}
