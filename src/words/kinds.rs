//! The meaning of each kind of finding, in a few words.

use crate::event::Kind;

/// The meaning of a kind. Fits the heading's line, after kind, count and severity.
#[must_use]
pub const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::LogModified => "the content is not what the digest lists",
        Kind::LogDeleted | Kind::DigestDeleted => "a delete marker is in place of the object",
        Kind::LogMissing => "a listed log file is gone",
        Kind::DigestModified => "not what CloudTrail signed",
        Kind::DigestMalformed => "the object is not a digest file",
        Kind::DigestMoved => "the digest names another location",
        Kind::DigestMissing => "a digest of the chain is gone",
        Kind::ChainBroken => "two digests do not link as recorded",
        Kind::ChainGap => "time that no proved digest covers",
        Kind::ChainRestart => "logging or validation was stopped and started",
        Kind::ChainStale => "the newest digest is too old",
        Kind::NoDigests => "nothing found for what was asked",
        Kind::KeyUnknown => "no usable key with the fingerprint",
        Kind::DigestUnsigned => "no signature found",
        Kind::DigestUnreadable | Kind::LogUnreadable => "could not be read",
        Kind::LogUnverifiable => "no proof to compare with",
        Kind::LogUnreferenced => "no proved digest lists the object",
        Kind::ObjectUnrecognised => "not the name of a digest file",
        Kind::Relocated => "a copy, proved at its recorded path",
        Kind::ChainStart => "the record begins here",
        Kind::Accepted => "accepted earlier, and still there",
        Kind::ObjectProved => "the object is as delivered by CloudTrail",
        Kind::ShardIncomplete => "a part of the run is missing or differs",
        Kind::ClockBehind => "this machine's clock is behind the evidence",
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
