//! What may not be read, and what S3 tells of what is not there.

use trailproof::event::{Finding, Kind};
use trailproof::ident::Location;

use super::{BUCKET, Remote, assert_only_incomplete, named};
use crate::support::Ran;

/// When objects are deleted here: 2026-10-01T00:00:00Z.
const DELETED_AT: i64 = 1_790_812_800;

fn about<'r>(ran: &'r Ran, log: &Location) -> &'r Finding {
    let uri = log.to_string();
    ran.findings.iter().find(|finding| finding.uri.as_ref() == Some(&uri)).expect("nothing is said of it")
}

#[test]
fn a_denied_and_an_archived_log_are_both_named() {
    let remote = Remote::small();
    let logs = remote.logs("");
    remote.cloud.deny(BUCKET, &logs[1].key);
    remote.cloud.archive(BUCKET, &logs[4].key);
    let ran = remote.run(8);
    assert_only_incomplete(&ran);
    assert_eq!(ran.kinds(), [Kind::LogUnreadable; 2]);
    assert_eq!(named(&ran, Kind::LogUnreadable), [logs[1].to_string(), logs[4].to_string()]);
    assert!(about(&ran, &logs[1]).message().contains("access denied"), "{:?}", ran.findings);
    assert!(about(&ran, &logs[4]).message().contains("archived"), "{:?}", ran.findings);
    assert_eq!((ran.counts.logs.valid, ran.counts.logs.unverified), (6, 2));
}

#[test]
fn a_purged_log_is_missing_where_the_listing_tells_and_unreadable_where_it_may_not() {
    let remote = Remote::small();
    let log = remote.logs("").remove(2);
    remote.cloud.purge(BUCKET, &log.key);
    let ran = remote.run(8);
    assert_eq!(ran.kinds(), [Kind::LogMissing], "{:?}", ran.findings);
    // S3 then answers 403 for what is not there.
    remote.cloud.deny_action("s3:ListBucket", &format!("{BUCKET}/{}", log.key));
    let ran = remote.run(8);
    assert_only_incomplete(&ran);
    assert_eq!(ran.kinds(), [Kind::LogUnreadable], "{:?}", ran.findings);
}

#[test]
fn a_403_is_settled_by_a_listing_that_has_it() {
    let remote = Remote::small();
    let log = remote.logs("").remove(2);
    remote.cloud.deny_action("s3:GetObject", &format!("{BUCKET}/{}", log.key));
    assert_eq!(remote.run(8).kinds(), [Kind::LogUnreadable]);
    remote.cloud.purge(BUCKET, &log.key);
    assert_eq!(remote.run(8).kinds(), [Kind::LogMissing]);
}

#[test]
fn log_files_that_may_not_be_listed_are_not_missing() {
    let remote = Remote::small();
    let log = remote.logs("").remove(2);
    remote.cloud.purge(BUCKET, &log.key);
    remote.cloud.deny_action("s3:ListBucket", &format!("{BUCKET}/AWSLogs/111122223333/CloudTrail/"));
    let ran = remote.run(8);
    assert_only_incomplete(&ran);
    assert_eq!(about(&ran, &log).kind, Kind::LogUnreadable);
}

#[test]
fn a_deleted_log_tells_when_and_which_version_is_left() {
    let remote = Remote::small();
    let log = remote.logs("").remove(2);
    remote.cloud.set_clock(Some(DELETED_AT));
    remote.cloud.put(BUCKET, &log.key, "kept", trailproof::store::Metadata::new());
    remote.cloud.set_clock(Some(DELETED_AT + 172_800));
    remote.cloud.delete(BUCKET, &log.key);
    let ran = remote.run(8);
    assert_eq!(ran.kinds(), [Kind::LogDeleted], "{:?}", ran.findings);
    let found = about(&ran, &log);
    let version = found.actual.as_ref().expect("no version is named");
    assert!(found.message().contains(version.as_str()), "{found:?}");
    assert!(found.message().contains("deleted at 20"), "{found:?}");
    remote.cloud.deny_action("s3:ListBucketVersions", "");
    let ran = remote.run(8);
    assert_eq!(ran.kinds(), [Kind::LogDeleted], "{:?}", ran.findings);
    assert!(about(&ran, &log).message().contains("deleted at an unknown time"), "{:?}", ran.findings);
}
