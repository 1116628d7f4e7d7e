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
    let is_recorded = recorded
        .and_then(|it| it.signature.as_ref())
        .is_none_or(|other| metadata.is_none_or(|own| own.eq_ignore_ascii_case(other)));
    let overlaps = after.is_some_and(|after| document.end > after.start);
    if !signed && matches == Some(false) {
        return Worth { proved: false, by_record: false, said: tampered(Kind::DigestModified) };
    }
    if !signed {
        let weight = if matches.is_some() { Severity::Notice } else { Severity::Incomplete };
        let has_signature = metadata.is_some() || !hints.is_empty();
        let mut said = match (has_signature, keys.has(document)) {
            (true, false) => vec![(Kind::KeyUnknown, weight)],
            (true, true) if metadata.is_some() => {
                return by_record_alone(matches, tampered(Kind::DigestModified));
            }
            _ => vec![(Kind::DigestUnsigned, weight)],
        };
        // Nothing checks the signature in the metadata but the one that was recorded.
        match matches {
            Some(true) if !is_recorded => said.extend(tampered(Kind::DigestModified)),
            Some(true) if overlaps => said.extend(tampered(Kind::ChainBroken)),
            _ => {}
        }
        return by_record_alone(matches, said);
    }
    let fits = is_recorded && (own || metadata.is_none());
    let said = match (matches, fits) {
        (Some(false), _) => tampered(Kind::ChainBroken),
        (_, false) => tampered(Kind::DigestModified),
        _ if overlaps => tampered(Kind::ChainBroken),
        _ => Vec::new(),
    };
    Worth { proved: true, by_record: false, said }
}

/// A digest without a signature that fits is proved where the one after it records its hash.
const fn by_record_alone(matches: Option<bool>, said: Vec<(Kind, Severity)>) -> Worth {
    Worth { proved: matches.is_some(), by_record: matches.is_some(), said }
}
