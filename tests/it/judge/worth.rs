//! What a digest is worth that lies where it says.

use trailproof::event::{Kind, Severity};

use super::chain::Seen;
use super::document::{Document, Keys};

/// What a digest at its place is worth.
pub(super) struct Worth {
    pub(super) proved: bool,
    /// Only by what its successor records of it.
    pub(super) by_record: bool,
    pub(super) said: Vec<(Kind, Severity)>,
}

/// Judges it by its signatures and by what the digest after it records.
pub(super) fn genuine(
    keys: &Keys,
    document: &Document,
    metadata: Option<&str>,
    hints: &[String],
    successor: Option<&Seen>,
) -> Worth {
    let after = successor.and_then(Seen::document);
    let recorded = after.and_then(|it| it.previous.as_ref());
    let matches = recorded.and_then(|it| it.hash.as_ref()).map(|hash| *hash == document.hash);
    let own = metadata.is_some_and(|own| keys.verify(document, own));
    // What a digest records that is not proved itself can prove, but nothing follows where it does not.
    let signed = own || hints.iter().any(|hint| keys.verify(document, hint));
    let tampered = |kind| vec![(kind, Severity::Tampered)];
    if !signed && matches == Some(false) {
        return Worth { proved: false, by_record: false, said: tampered(Kind::DigestModified) };
    }
    let said = if signed {
        let alike = |other: &String| metadata.is_none_or(|own| own.eq_ignore_ascii_case(other));
        let fits =
            recorded.and_then(|it| it.signature.as_ref()).is_none_or(alike) && (own || metadata.is_none());
        let overlaps = after.is_some_and(|after| document.end > after.start);
        match (matches, fits) {
            (Some(false), _) => tampered(Kind::ChainBroken),
            (_, false) => tampered(Kind::DigestModified),
            _ if overlaps => tampered(Kind::ChainBroken),
            _ => Vec::new(),
        }
    } else {
        let weight = if matches.is_some() { Severity::Notice } else { Severity::Incomplete };
        let has_signature = metadata.is_some() || !hints.is_empty();
        match (has_signature, keys.has(document)) {
            (true, false) => vec![(Kind::KeyUnknown, weight)],
            (true, true) if metadata.is_some() => tampered(Kind::DigestModified),
            _ => vec![(Kind::DigestUnsigned, weight)],
        }
    };
    let by_record = !signed && matches.is_some();
    Worth { proved: signed || by_record, by_record, said }
}
