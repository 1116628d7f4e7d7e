//! Hints: what to do about each cause.

mod messages;

use crate::event::{FaultCause, Finding, Kind};
use crate::ident::is_log_name;
use messages::{has_unlisted_bytes, is_closed_sidecar, is_cut, is_joined, skipped, unread, without_keys};

#[cfg(feature = "aws")]
pub(crate) use messages::{is_expired, is_server_failure};

const READ_IT: &str = "make the object readable and run again";
const WHICH_COPY: &str =
    "find out which of the copies was changed; validate each copy alone to see which one is proved";
const LIST_IT: &str = "make the folder listable, and run again";
const READ_TWICE: &str =
    "run again; if two reads still differ, find out what changes the object or its transfer";
const WHOLE_ARCHIVE: &str = "get a complete copy of the archive, and run again";
const FINISH: &str = "run again, and let the run finish";
const NOT_A_DIGEST: &str = "find out who wrote the object, and look for an older version or a replica of the digest: \
                            until a copy is proved, the log files in the digest have no proof";
const METADATA_CHANGED: &str = "the content and the listed log files are proved all the same; find out who changed \
                                the metadata, and compare the metadata with an older version or a replica";
const ORIGINAL: &str = "keep the object as evidence; an older version or a replica with the expected hash is the \
                        original";
const TWO_DIGESTS: &str = "one of the two digests was replaced or inserted: compare both with a replica or with \
                           older versions";
const WHO_DELETED: &str = "look for an older version with `aws s3api list-object-versions`; S3 data events show who \
                           deleted the object";
const LIST_VERSIONS: &str = "allow `s3:ListBucketVersions` and run again, to learn whether the object was deleted \
                             and which version is left";
const DISAGREE: &str = "run again; if the listing and GET still disagree, ask the operator of the store";
const SEE_DIGEST: &str = "see the findings on the digest that lists it";
const FORGED: &str = "the object is forged, or the digest that lists it is missing: compare the events with another \
                      trail or with event history";
const OTHER_NAME: &str = "if it is a log file under another name or in another compression, give it the name and form that \
                          CloudTrail gave it, and run again; otherwise find out who put it there";
const NAME_MORE: &str = "raise `--max-named` to list more objects";
const JUNK: &str = "if it is a digest or a folder of digests under another name, give it the name that CloudTrail gave it, and \
                    run again; otherwise find out who put it there";
const SAVE_METADATA: &str =
    "save what `aws s3api head-object` prints beside the digest as `NAME.metadata.json`, and run again";
const COPY_METADATA: &str = "copy the next digest too, which contains the signature, copy with `trailproof collect`, \
                             which keeps the metadata, or save what `aws s3api head-object` prints beside the digest \
                             as `NAME.metadata.json`";
const SAVE_KEYS: &str = "save the keys of the digest's region and time with `trailproof keys` and give the file with \
                         `--public-keys`; if CloudTrail lists no key with the fingerprint, the digest is forged";
const MISSING_DIGEST: &str = "if a lifecycle rule expired older files, give a later `--start-time`; otherwise look for \
                              the digest in a replica or another copy: the log files of that time have no other proof";
const MISSING_LOG: &str =
    "check which lifecycle rules the bucket has; then look for the log file in a replica or another copy";
const PUT_BACK: &str = "if the file was moved in the copy, put it back into its folder; otherwise find out who moved it in \
                        the bucket";
const RESTORE_LOG: &str =
    "check which lifecycle rules the bucket has; the original in the other bucket has the same content";
const MOVED: &str = "if you moved the files yourself, name the move: `--relocated-from s3://OLD[/PREFIX]`; otherwise find \
                     out who put the digest there, and look for the original in a replica";
const GAP: &str = "see the findings on digests of this time; if there are none, look for the digests in a replica or \
                   another copy";
const RESTART: &str = "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events in the hour before: events \
                       while logging was off are in no log file";
const STALE: &str = "check with `aws cloudtrail get-trail-status` whether logging and digest delivery go on; if so, \
                     the newest digests were deleted, or are not yet copied: for an older copy give `--end-time` with the \
                     end of the newest digest";
const NOTHING: &str = "check source, times and filters; `trailproof trails` shows where the account's trails deliver, \
                       and whether they write digests";
const RUN_SHARD: &str = "run the shard again with `trailproof shards run PLAN --index N`, remove its old results, and \
                         merge again";
const READ_SKIPPED: &str =
    "if the copy needs what lies there, make it readable or give it as a source of its own, and run again";
const UNPACK: &str = "if the copy needs what was left out, unpack the archive with a tool you trust and give the \
                      directory; a cut archive has to be copied again";
const SPLIT_TARS: &str = "if several tars were joined to one, unpack all of them with `tar --ignore-zeros -xf TAR` and give the \
                          directory: without the option `tar` leaves out all but the first";
const SALVAGE: &str = "get a complete copy of the zip; or save what is there with `zip -FF ZIP --out FIXED.zip`, and give \
                       FIXED.zip";
const READ_SIDECAR: &str = "let the user who runs trailproof read the sidecar, and run again";
const SET_CLOCK: &str = "set the clock of this machine; the evidence was judged by the time of its digests, or by \
                         `--end-time`";
const BEGINNING: &str = "if the trail is older, find out what happened to the earlier digests";

const REPLACED: &str = "if the other trail replaced this trail, check with `aws cloudtrail get-event-selectors` that \
                        it records the same events: an attacker can put a trail that records nothing in its place";

/// The hint for a finding, by cause or, if the cause is unknown, by kind; `None` if no action is needed.
#[must_use]
pub fn hint(finding: &Finding) -> Option<&'static str> {
    let cause = finding.fault.known_cause();
    // Digests of this time exist or existed: the other trail is not their replacement.
    let is_of_digests = matches!(cause, Some(FaultCause::NotCovered));
    if !finding.covered_by.is_empty() && !is_of_digests {
        return Some(REPLACED);
    }
    if matches!(cause, Some(FaultCause::KeysUnreachable | FaultCause::KeysUnfetched))
        && let Some(hint) = without_keys(&finding.message())
    {
        return Some(hint);
    }
    let hint = cause.map_or_else(|| by_kind(finding.kind), by_cause);
    match hint {
        Some(MISSING_LOG) => Some(match &finding.original {
            None => MISSING_LOG,
            Some(original) if original.starts_with("s3://") => RESTORE_LOG,
            Some(_) => PUT_BACK,
        }),
        Some(FORGED) if has_other_name(finding) => Some(OTHER_NAME),
        Some(READ_IT | LIST_IT) => Some(unread(&finding.message(), hint == Some(LIST_IT))),
        Some(READ_SKIPPED) => Some(skipped(&finding.message())),
        Some(UNPACK) if is_cut(&finding.message()) => Some(WHOLE_ARCHIVE),
        Some(UNPACK) if is_joined(&finding.message()) => Some(SPLIT_TARS),
        Some(UNPACK) if has_unlisted_bytes(&finding.message()) => Some(SALVAGE),
        Some(COPY_METADATA | SAVE_METADATA) if is_closed_sidecar(&finding.message()) => Some(READ_SIDECAR),
        hint => hint,
    }
}

/// Whether the finding is on one object whose name is not that of a log file.
fn has_other_name(finding: &Finding) -> bool {
    let name = finding.uri.as_deref().and_then(|uri| uri.rsplit('/').next());
    finding.objects.is_empty() && name.is_some_and(|name| !name.is_empty() && !is_log_name(name))
}

pub(super) const fn by_cause(cause: FaultCause) -> Option<&'static str> {
    Some(match cause {
        FaultCause::DigestBody | FaultCause::NotADigest => NOT_A_DIGEST,
        FaultCause::UnknownDigestForm => {
            "look for a newer trailproof: the recorded hash or the signature shows that nobody changed the digest"
        }
        FaultCause::OversizedDigest => {
            "raise `--max-digest-size`, and also `--max-log-size` if lower, and run again"
        }
        FaultCause::UnreadableDigest
        | FaultCause::DigestUnconfirmed
        | FaultCause::UnreadableLog
        | FaultCause::LogUnconfirmed
        | FaultCause::ObjectUnreadable => READ_IT,
        FaultCause::DigestReadsDiffer | FaultCause::LogReadsDiffer => READ_TWICE,
        FaultCause::DigestVanished => "run again: a deleted digest is then reported as deleted or missing",
        FaultCause::DigestElsewhere => MOVED,
        FaultCause::SignatureMisfit => {
            "find out who wrote the digest, and look for an older version or a replica that verifies: until then the \
             log files in the digest have no proof"
        }
        FaultCause::MetadataSignatureMisfit | FaultCause::OtherSignatureRecorded => METADATA_CHANGED,
        FaultCause::Unsigned => COPY_METADATA,
        FaultCause::SignatureLost => {
            "the proof holds; to keep the signature too, save what `aws s3api head-object` prints beside the digest \
             as `NAME.metadata.json`"
        }
        FaultCause::MetadataLost => SAVE_METADATA,
        FaultCause::UnknownKey => SAVE_KEYS,
        FaultCause::KeyNotValidThen => {
            "give the keys of the digest's time with `--public-keys`; if CloudTrail lists no other key with the \
             fingerprint, the digest is forged or names a wrong key"
        }
        FaultCause::KeysUnreachable => {
            "allow `cloudtrail:ListPublicKeys` in the region of the digest, or give saved keys with `--public-keys`"
        }
        FaultCause::KeysUnfetched => {
            "allow `cloudtrail:ListPublicKeys` in the region, and enable the region if it is off; or save its keys \
             with `trailproof keys` where that is allowed, and give the file with `--public-keys`"
        }
        FaultCause::UnknownSignatureAlgorithm => {
            "look for a newer trailproof; if there is none, find out who wrote the digest: CloudTrail signs with \
             `SHA256withRSA`"
        }
        FaultCause::RejectedKey => {
            "save the keys again with `aws cloudtrail list-public-keys`; the rejected key verifies no digest"
        }
        FaultCause::NotAsRecorded | FaultCause::NotAsRemembered => {
            "find out who replaced the digest, and look for an older version or a replica with the expected hash: \
             until then the log files in the digest have no proof"
        }
        FaultCause::OtherDigestRecorded
        | FaultCause::OverlapsSuccessor
        | FaultCause::NotThePredecessor
        | FaultCause::EarlierRecordsOther
        | FaultCause::EarlierFollowsIt => TWO_DIGESTS,
        FaultCause::DigestMissing => MISSING_DIGEST,
        FaultCause::DigestDeleted | FaultCause::LogDeleted => WHO_DELETED,
        FaultCause::DigestVersionsUnknown | FaultCause::LogVersionsUnknown => LIST_VERSIONS,
        FaultCause::DigestContradiction | FaultCause::LogContradiction => DISAGREE,
        FaultCause::LogContent | FaultCause::LogBody => ORIGINAL,
        FaultCause::LogMissing => MISSING_LOG,
        FaultCause::OversizedLog => "raise `--max-log-size` and run again",
        FaultCause::UnknownHash => {
            "look for a newer trailproof: the digest is proved, so CloudTrail lists hashes that this version does \
             not know"
        }
        FaultCause::ClaimedLog => SEE_DIGEST,
        FaultCause::ClaimedLogs => "see the other findings on the digest",
        FaultCause::LogsInterrupted
        | FaultCause::DigestsInterrupted
        | FaultCause::RegionInterrupted
        | FaultCause::FolderInterrupted
        | FaultCause::SearchInterrupted
        | FaultCause::DiscoveryInterrupted => FINISH,
        FaultCause::ObjectExcluded | FaultCause::NotAskedDigest => {
            "leave out `--account-id`, `--region` and `--trail`, or give the values of the object"
        }
        FaultCause::NoSuchObject => {
            "check the name; in a bucket, `aws s3api list-object-versions` shows whether the object was deleted; if a copy \
             lacks the object, look in the bucket or in another copy"
        }
        FaultCause::ObjectUnlisted | FaultCause::UnlistedLog => FORGED,
        FaultCause::UnlistedLogs => {
            "does another trail without log file validation deliver here? `aws cloudtrail describe-trails` shows \
             `LogFileValidationEnabled`; if not, the objects are forged, or the digests that list them are missing"
        }
        FaultCause::StrayDigest | FaultCause::MoreStrayDigests => {
            "the digest is forged, or was moved or copied: find out who put the digest there; if it was moved, put it \
             back in the folder that its name gives"
        }
        FaultCause::StrayLog => "the object is forged, or was moved: find out who put the object there",
        FaultCause::DigestsMissing => "see the findings on the missing digests",
        FaultCause::LoggingStopped => {
            "look for `StopLogging`, `DeleteTrail` and `UpdateTrail` events before: events while logging was off are \
             in no log file"
        }
        FaultCause::BeforeTheRecord => {
            "if the trail is older, look for its digests in a replica or another copy; otherwise give a later \
             `--start-time`"
        }
        FaultCause::NotCovered => GAP,
        FaultCause::ChainRestarts => RESTART,
        FaultCause::RecordBegins => BEGINNING,
        FaultCause::NewChain => {
            "if nobody made a trail, find out who did: `CreateTrail` events name the caller"
        }
        FaultCause::NothingCovered => {
            "run again after CloudTrail has delivered the next digest, an hour later"
        }
        FaultCause::Stale => STALE,
        FaultCause::NewerDelivered => {
            "look for the newest digest in older versions or a replica: `aws s3api list-object-versions`; S3 data \
             events show who deleted the digest"
        }
        FaultCause::DeliveryUnchecked
        | FaultCause::UnlistedFolder
        | FaultCause::UnsearchedFolder
        | FaultCause::UnplannedFolder => LIST_IT,
        FaultCause::BackfillAlone => {
            "look for the hourly digests in a replica or another copy: backfill digests cover no time"
        }
        FaultCause::EmptyDigestFolder => {
            "check `--start-time` and `--end-time`; `aws cloudtrail get-trail-status` shows whether digest delivery \
             goes on"
        }
        FaultCause::LogsWithoutDigests => {
            "look for the digests in a replica or another copy; `aws cloudtrail describe-trails` shows whether \
             `LogFileValidationEnabled` is true"
        }
        FaultCause::DiscoveryLimit => "give the trail's prefix as the source: `s3://BUCKET/PREFIX`",
        FaultCause::NestedAwsLogs => "if a trail delivers there, give the folder as a source",
        FaultCause::SkippedFolder => READ_SKIPPED,
        FaultCause::NothingFound => NOTHING,
        FaultCause::MoreUnlisted | FaultCause::MoreJunk => NAME_MORE,
        FaultCause::NotADigestName | FaultCause::NotARegion => JUNK,
        FaultCause::FutureDigest => {
            "if the clock of this machine is behind, set the clock and run again; otherwise find out who put the \
             object there: no proof depends on the object"
        }
        FaultCause::ClockBehind => SET_CLOCK,
        FaultCause::ShardMissing
        | FaultCause::ShardOtherPlan
        | FaultCause::ShardOtherLine
        | FaultCause::ShardDamaged
        | FaultCause::ShardContradictory => RUN_SHARD,
        FaultCause::ShardOtherVersion => {
            "install the same version of trailproof on every machine, then run the shard again"
        }
        FaultCause::ShardWalksDiffer => {
            "run all shards of the region again; if they differ again, find out what changes the digests"
        }
        FaultCause::ShardDigestsGone => {
            "find out what deleted them since the plan was made; then make a new plan and run all shards again"
        }
        FaultCause::ShardMemoryNewer => {
            "make a new plan and run all shards again, or run `trailproof validate`"
        }
        FaultCause::ShardListingsChanged => {
            "if digests arrived since the plan was made, nothing is wrong; otherwise find out what changed the bucket"
        }
        FaultCause::ShardResultsLeftOut => "keep the results of each plan in a folder of their own",
        FaultCause::UnreadMember | FaultCause::MoreUnreadMembers => UNPACK,
        FaultCause::CopiesDiffer => WHICH_COPY,
        FaultCause::LogProved
        | FaultCause::DigestProved
        | FaultCause::Relocated
        | FaultCause::RenamedFolder
        | FaultCause::Droppings => return None,
    })
}

/// The hint for a kind, for reports without causes.
pub(super) const fn by_kind(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::LogModified => ORIGINAL,
        Kind::LogDeleted | Kind::DigestDeleted => WHO_DELETED,
        Kind::LogMissing => MISSING_LOG,
        Kind::DigestModified => {
            "find out who wrote the digest, and compare the digest with an older version or a \
                                 replica"
        }
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
            "make the object readable and run again; for an oversized object, raise `--max-digest-size` or \
             `--max-log-size`"
        }
        Kind::LogUnverifiable => SEE_DIGEST,
        Kind::LogUnreferenced => FORGED,
        Kind::ObjectUnrecognised => JUNK,
        Kind::Relocated | Kind::ObjectProved | Kind::Accepted => return None,
        Kind::ClockBehind => SET_CLOCK,
        Kind::ShardIncomplete => RUN_SHARD,
        Kind::ChainStart => BEGINNING,
    })
}
