//! What to do about each cause.

use crate::event::{Cause, Finding, Kind};

const READ_IT: &str = "make it readable (`s3:GetObject`, `kms:Decrypt`, `restore-object` where it is archived, or a \
                       fuller copy) and run again";
const LIST_IT: &str = "allow `s3:ListBucket` on the folder, or make the directory readable, and run again";
const READ_TWICE: &str =
    "run again; if two reads still differ, find out what changes the object or its transfer";
const FINISH: &str = "run again, and let the run finish";
const NOT_A_DIGEST: &str = "find out who wrote it, and look for an older version or a replica of the digest: until one is \
                            proved, nothing that it listed is vouched for";
const METADATA_CHANGED: &str = "the content and the log files it lists are proved all the same; find out who changed the \
                                metadata, and compare it with an older version or a replica";
const ORIGINAL: &str =
    "keep it as evidence; an older version or a replica that still has the expected hash is the original";
const TWO_DIGESTS: &str =
    "one of the two was put in another's place: compare both with a replica or with older versions";
const WHO_DELETED: &str =
    "an older version may hold it: `aws s3api list-object-versions`; S3 data events tell who deleted it";
const LIST_VERSIONS: &str =
    "allow `s3:ListBucketVersions` and run again, to learn whether it was deleted and which version is left";
const DISAGREE: &str = "run again; if the listing and GET still disagree, ask whoever operates the store";
const SEE_DIGEST: &str = "see the findings on the digest that lists it";
const FORGED: &str =
    "forged, or its digest is not here: compare its events with another trail or with event history";
const NAME_MORE: &str = "raise `--max-named` to list more of them";
const JUNK: &str = "no proof depends on it; find out who put it there";
const SAVE_METADATA: &str =
    "save what `aws s3api head-object` prints beside the digest as `NAME.metadata.json`, and run again";
const COPY_METADATA: &str = "copy the digest after it too, which holds its signature, or save what `aws s3api head-object` \
                             prints beside it as `NAME.metadata.json`";
const SAVE_KEYS: &str = "save the keys of that region and time with `aws cloudtrail list-public-keys` and name the file \
                         with `--public-keys`";
const MISSING_DIGEST: &str = "see whether this copy is whole; where a lifecycle rule expired older files, ask from later on \
                              with `--start-time`; else look for a replica: the log files of that time have no other proof";
const MISSING_LOG: &str =
    "see whether this copy is whole and which lifecycle rules the bucket has; then look for a replica";
const MOVED: &str = "if you moved the files yourself, name the move: `--relocated-from s3://OLD[/PREFIX]`";
const GAP: &str = "look for digests of this time in a replica or a fuller copy, and see the findings on digests of this time";
const RESTART: &str = "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events in the hour before it: what happened \
                       while logging was off is in no log file";
const STALE: &str = "`aws cloudtrail get-trail-status` tells whether logging and digest delivery go on; if they do, the \
                     newest digests are not here: deleted, or not yet copied";
const NOTHING: &str = "check source, times and narrowing; `aws cloudtrail describe-trails` tells where digests are delivered \
                       and whether `LogFileValidationEnabled` is true";
const BEGINNING: &str = "if the trail is older than that, find out what became of the digests before";

/// What to do about a finding, where there is something to do: by its cause or, where that is not known, by its kind.
#[must_use]
pub fn hint(finding: &Finding) -> Option<&'static str> {
    finding.fault.known_cause().map_or_else(|| by_kind(finding.kind), by_cause)
}

pub(super) const fn by_cause(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::DigestBody | Cause::NotADigest => NOT_A_DIGEST,
        Cause::OversizedDigest => {
            "raise `--max-digest-size`, and `--max-log-size` where that is lower, and run again"
        }
        Cause::UnreadableDigest
        | Cause::DigestUnconfirmed
        | Cause::UnreadableLog
        | Cause::LogUnconfirmed
        | Cause::ObjectUnreadable => READ_IT,
        Cause::DigestReadsDiffer | Cause::LogReadsDiffer => READ_TWICE,
        Cause::DigestVanished => {
            "run again: a digest that was deleted is then reported as deleted or missing"
        }
        Cause::DigestElsewhere => MOVED,
        Cause::SignatureMisfit => {
            "find out who wrote it, and look for an older version or a replica that verifies: until then nothing that it \
             lists is vouched for"
        }
        Cause::MetadataSignatureMisfit | Cause::OtherSignatureRecorded => METADATA_CHANGED,
        Cause::Unsigned => COPY_METADATA,
        Cause::SignatureLost => {
            "the proof holds; to keep the signature too, save what `aws s3api head-object` prints beside the digest as \
             `NAME.metadata.json`"
        }
        Cause::MetadataLost => SAVE_METADATA,
        Cause::UnknownKey => SAVE_KEYS,
        Cause::KeyNotValidThen => {
            "name the keys of the time of the digest with `--public-keys`; if CloudTrail lists no other key with that \
             fingerprint, somebody else signed the digest or misnamed its key"
        }
        Cause::KeysUnreachable => {
            "allow `cloudtrail:ListPublicKeys` in the region of the digest, or name saved keys with `--public-keys`"
        }
        Cause::UnknownSignatureAlgorithm => {
            "look for a newer trailproof; if there is none, find out who wrote the digest: CloudTrail signs with \
             `SHA256withRSA`"
        }
        Cause::RejectedKey => {
            "save the keys again with `aws cloudtrail list-public-keys`; no digest is verified with the rejected one"
        }
        Cause::NotAsRecorded | Cause::NotAsRemembered => {
            "find out who replaced it, and look for an older version or a replica with the expected hash: until then nothing \
             that it lists is vouched for"
        }
        Cause::OtherDigestRecorded
        | Cause::OverlapsSuccessor
        | Cause::NotThePredecessor
        | Cause::EarlierRecordsOther
        | Cause::EarlierFollowsIt => TWO_DIGESTS,
        Cause::DigestMissing => MISSING_DIGEST,
        Cause::DigestDeleted | Cause::LogDeleted => WHO_DELETED,
        Cause::DigestVersionsUnknown | Cause::LogVersionsUnknown => LIST_VERSIONS,
        Cause::DigestContradiction | Cause::LogContradiction => DISAGREE,
        Cause::LogContent | Cause::LogBody => ORIGINAL,
        Cause::LogMissing => MISSING_LOG,
        Cause::OversizedLog => "raise `--max-log-size` and run again",
        Cause::UnknownHash => {
            "look for a newer trailproof: the digest is proved, so CloudTrail lists hashes that this version does not know"
        }
        Cause::ClaimedLog => SEE_DIGEST,
        Cause::ClaimedLogs => "see the other findings on the digest",
        Cause::LogsInterrupted
        | Cause::DigestsInterrupted
        | Cause::RegionInterrupted
        | Cause::FolderInterrupted
        | Cause::SearchInterrupted
        | Cause::DiscoveryInterrupted => FINISH,
        Cause::ObjectExcluded | Cause::NotAskedDigest => {
            "leave out `--account-id`, `--region` and `--trail`, or name those of the object"
        }
        Cause::NoSuchObject => {
            "check the name; `aws s3api list-object-versions` tells whether it was deleted"
        }
        Cause::ObjectUnlisted | Cause::UnlistedLog => FORGED,
        Cause::StrayLog => "forged, or moved from where CloudTrail delivered it: find out who put it there",
        Cause::DigestsMissing => "see the findings on the missing digests",
        Cause::LoggingStopped => {
            "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events before it: what happened while logging was off \
             is in no log file"
        }
        Cause::BeforeTheRecord => {
            "if the trail is older, look for its digests in a replica or a fuller copy; else ask from later on with \
             `--start-time`"
        }
        Cause::NotCovered => GAP,
        Cause::ChainRestarts => RESTART,
        Cause::RecordBegins => BEGINNING,
        Cause::NothingCovered => "run again after CloudTrail has delivered the next digest, an hour later",
        Cause::Stale => STALE,
        Cause::NewerDelivered => {
            "look for the newest digest in older versions or a replica: `aws s3api list-object-versions`; S3 data events \
             tell who deleted it"
        }
        Cause::DeliveryUnchecked
        | Cause::UnlistedFolder
        | Cause::UnsearchedFolder
        | Cause::UnplannedFolder => LIST_IT,
        Cause::BackfillAlone => {
            "look for the hourly digests in a replica or a fuller copy: backfill digests cover no time"
        }
        Cause::EmptyDigestFolder => {
            "check `--start-time` and `--end-time`; `aws cloudtrail get-trail-status` tells whether digest delivery goes on"
        }
        Cause::LogsWithoutDigests => {
            "look for the digests in a fuller copy; `aws cloudtrail describe-trails` tells whether \
             `LogFileValidationEnabled` is true"
        }
        Cause::DiscoveryLimit => "name the trail's prefix as the source: `s3://BUCKET/PREFIX`",
        Cause::NestedAwsLogs => "if a trail delivers there, name the folder as a source",
        Cause::SkippedFolder => {
            "if it is part of the copy, make it readable or name it as a source, and run again"
        }
        Cause::NothingFound => NOTHING,
        Cause::MoreUnlisted | Cause::MoreJunk => NAME_MORE,
        Cause::NotADigestName | Cause::FutureDigest | Cause::NotARegion => JUNK,
        Cause::LogProved
        | Cause::DigestProved
        | Cause::Relocated
        | Cause::RenamedFolder
        | Cause::Droppings => return None,
    })
}

/// What to do about a kind of finding, for reports without causes.
pub(super) const fn by_kind(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::LogModified => ORIGINAL,
        Kind::LogDeleted | Kind::DigestDeleted => WHO_DELETED,
        Kind::LogMissing => MISSING_LOG,
        Kind::DigestModified => "find out who wrote it, and compare it with an older version or a replica",
        Kind::DigestMalformed => NOT_A_DIGEST,
        Kind::DigestMoved => MOVED,
        Kind::DigestMissing => MISSING_DIGEST,
        Kind::ChainBroken => TWO_DIGESTS,
        Kind::ChainGap => GAP,
        Kind::ChainRestart => RESTART,
        Kind::ChainStale => STALE,
        Kind::NoDigests => NOTHING,
        Kind::KeyUnknown => SAVE_KEYS,
        Kind::DigestUnsigned => COPY_METADATA,
        Kind::DigestUnreadable | Kind::LogUnreadable => {
            "make it readable and run again; where it is larger than a limit, raise that with `--max-digest-size` or \
             `--max-log-size`"
        }
        Kind::LogUnverifiable => SEE_DIGEST,
        Kind::LogUnreferenced => FORGED,
        Kind::ObjectUnrecognised => JUNK,
        Kind::Relocated | Kind::ObjectProved => return None,
        Kind::ChainStart => BEGINNING,
    })
}
