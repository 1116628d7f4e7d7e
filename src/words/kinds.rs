//! What each kind of finding means, in a few words.

use crate::event::Kind;

/// What a kind of finding means. Fits the heading's line, with count and severity before it.
#[must_use]
pub const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::LogModified => "the content is not what its digest lists",
        Kind::LogDeleted | Kind::DigestDeleted => "a delete marker stands in its place",
        Kind::LogMissing => "a digest lists it, and it is gone",
        Kind::DigestModified => "not what CloudTrail signed",
        Kind::DigestMalformed => "in a digest's place, but not a digest",
        Kind::DigestMoved => "names another place than where it lies",
        Kind::DigestMissing => "the chain says it was there",
        Kind::ChainBroken => "two digests do not link as recorded",
        Kind::ChainGap => "time that no proved digest covers",
        Kind::ChainRestart => "logging or validation was stopped and started",
        Kind::ChainStale => "the newest digest is too old",
        Kind::NoDigests => "nothing found for what was asked",
        Kind::KeyUnknown => "no usable key with its fingerprint",
        Kind::DigestUnsigned => "no signature found",
        Kind::DigestUnreadable | Kind::LogUnreadable => "could not be read",
        Kind::LogUnverifiable => "no proof to check it against",
        Kind::LogUnreferenced => "no proved digest lists it",
        Kind::ObjectUnrecognised => "not the name of a digest file",
        Kind::Relocated => "a copy, proved at its recorded path",
        Kind::ChainStart => "the record begins here",
        Kind::ObjectProved => "it is what CloudTrail delivered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_of_up_to_999_findings_fits_80_columns() {
        for kind in Kind::ALL {
            let severity = kind.severity();
            let heading = format!("[{severity:?}] {} (999): {}", kind.as_str(), meaning(kind));
            assert!(heading.len() <= 80, "{heading}");
        }
    }
}
