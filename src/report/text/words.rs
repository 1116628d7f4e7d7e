//! What each kind of finding means, in a few words, and what to do about it.

use crate::event::{Kind, ObjectState, ObjectType};

/// Fits the heading's line with count and severity before it.
pub(in crate::report) const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::LogModified => "content is not what its digest records",
        Kind::LogDeleted | Kind::DigestDeleted => "a delete marker stands in its place",
        Kind::LogMissing => "a digest lists it, and it is gone",
        Kind::DigestModified => "not what CloudTrail signed",
        Kind::DigestMalformed => "in a digest's place, and no digest",
        Kind::DigestMoved => "says that it belongs elsewhere",
        Kind::DigestMissing => "the chain says it was there",
        Kind::ChainBroken => "two digests do not link as recorded",
        Kind::ChainGap => "time that no proved digest covers",
        Kind::ChainRestart => "logging or validation was stopped and started",
        Kind::ChainStale => "the newest digest is too old",
        Kind::NoDigests => "nothing found for what was asked",
        Kind::KeyUnknown => "no usable key with its fingerprint",
        Kind::DigestUnsigned => "no signature at hand",
        Kind::DigestUnreadable | Kind::LogUnreadable => "could not be read",
        Kind::LogUnverifiable => "no proof at hand to check it against",
        Kind::LogUnreferenced => "no proved digest lists it",
        Kind::ObjectUnrecognised => "no digest has such a name",
        Kind::Relocated => "a copy, proved at its recorded path",
        Kind::ChainStart => "the record begins here",
        Kind::ObjectProved => "it is what CloudTrail delivered",
    }
}

/// What to do next, where there is something to do.
pub(in crate::report) const fn hint(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::LogModified => Some(
            "keep it as evidence; an older version or a replica that still has the expected hash is the original",
        ),
        Kind::LogDeleted | Kind::DigestDeleted => Some(
            "an older version may hold it: `aws s3api list-object-versions`; S3 data events tell who deleted it",
        ),
        Kind::LogMissing => Some(
            "see whether this copy is whole and which lifecycle rules the bucket has; then look for a replica",
        ),
        Kind::DigestModified | Kind::DigestMalformed => Some(
            "find out who wrote it; until an older version or a replica is proved, nothing it lists is vouched for",
        ),
        Kind::DigestMoved => {
            Some("if you moved the files yourself, name the move: `--relocated-from s3://OLD[/PREFIX]`")
        }
        Kind::DigestMissing => Some(
            "see whether this copy is whole; where a lifecycle rule expired older files, ask from later on with \
             `--start-time`; else look for a replica: the log files of that time have no other proof",
        ),
        Kind::ChainBroken => Some(
            "one of the two was put in another's place: compare both with a replica or with older versions",
        ),
        Kind::ChainGap => Some(
            "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events before it, or validate a fuller copy",
        ),
        Kind::ChainRestart => Some(
            "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events in the hour before it: what happened while \
             logging was off is in no log file",
        ),
        Kind::ChainStale => Some(
            "`aws cloudtrail get-trail-status` tells whether logging and digest delivery go on; if they do, the \
             newest digests are not here: deleted, or not yet copied",
        ),
        Kind::NoDigests => Some(
            "check source, times and narrowing; `aws cloudtrail describe-trails` tells where digests are \
             delivered and whether `LogFileValidationEnabled` is true",
        ),
        Kind::KeyUnknown => Some(
            "save the keys of that region and time with `aws cloudtrail list-public-keys` and name the file with \
             `--public-keys`",
        ),
        Kind::DigestUnsigned => Some(
            "copy the digest after it too, which holds its signature, or save what `aws s3api head-object` prints \
             beside it as `NAME.metadata.json`",
        ),
        Kind::DigestUnreadable | Kind::LogUnreadable => Some(
            "make it readable and run again; where it is larger than a limit, raise that with `--max-digest-size` or \
             `--max-log-size`",
        ),
        Kind::LogUnverifiable => Some("what is found of its digest says what is lacking"),
        Kind::LogUnreferenced => Some(
            "forged, or its digest is not here: compare its events with another trail or with event history",
        ),
        Kind::ObjectUnrecognised => Some("no proof depends on it; find out who put it there"),
        Kind::Relocated | Kind::ObjectProved => None,
        Kind::ChainStart => Some("if the trail is older than that, find out what became of the time before"),
    }
}

/// The words of the counts in every report.
pub(in crate::report) const fn object_state(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Valid => "valid",
        ObjectState::Tampered => "tampered",
        ObjectState::Unverified => "unverified",
    }
}

pub(in crate::report) const fn object_type(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Digest => "digest",
        ObjectType::Log => "log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_of_up_to_999_findings_fits_80_columns() {
        for kind in Kind::ALL {
            let severity = crate::report::severity_word(kind.severity());
            let heading = format!("[{severity}] {} (999): {}", kind.as_str(), meaning(kind));
            assert!(heading.len() <= 80, "{heading}");
        }
    }

    #[test]
    fn words_are_fragments() {
        for kind in Kind::ALL {
            let text = [meaning(kind), hint(kind).unwrap_or_default()];
            assert!(text.iter().all(|text| !text.ends_with('.') && !text.starts_with(char::is_uppercase)));
        }
    }
}
