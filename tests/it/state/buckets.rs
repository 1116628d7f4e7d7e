//! States in a bucket, and what becomes of the evidence: buckets that are gone, and days that are not read again.

use serde_json::Value;

use super::cloud::{STATE, account, validate};
use crate::account::kinds;
use crate::cloud::Bucket;

#[test]
fn a_source_that_is_gone_is_told() {
    let account = account();
    account.deliver("s3://trail-logs/p", &[]);
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    assert_eq!(account.run(&["validate", "s3://trail-logs/p", "--state", STATE]).code, Some(0));
    for key in account.cloud.keys("trail-logs") {
        account.cloud.purge("trail-logs", &key);
    }
    for source in ["s3://trail-logs/p", "s3://trail-logs", "s3://trail-logs/p/AWSLogs/111122223333"] {
        let done = account.run(&["validate", source, "--state", STATE]);
        assert_eq!(done.code, Some(1), "{source}: {}{}", done.stdout, done.stderr);
    }
    // A source beside it did not lose anything.
    assert_eq!(account.run(&["validate", "s3://trail-logs/q", "--state", STATE]).code, Some(3));
}

/// A bucket that is gone is a record that is gone, once an earlier run knew it.
#[test]
fn a_deleted_bucket_is_told() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.create_bucket("other-logs", Bucket::default());
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    assert_eq!(account.run(&["validate", "s3://trail-logs", "--state", STATE]).code, Some(0));
    account.cloud.delete_bucket("trail-logs");
    for _ in 0..2 {
        let (done, report) = validate(&account, &["--state", STATE]);
        assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
        assert!(kinds(&report).contains(&"digest-missing".to_owned()), "{report}");
    }
    // Without memory of it, a bucket that is not there is a wrong name.
    account.run(&["validate", "s3://trail-logs"]).assert_cannot("no bucket `trail-logs`");
    account.run(&["validate", "s3://trail-logz", "--state", STATE]).assert_cannot("no bucket `trail-logz`");
    account
        .run(&["validate", "s3://trail-logs", "s3://trail-logz", "--state", STATE])
        .assert_cannot("no bucket `trail-logz`");
    // Another partition has other buckets.
    let mut elsewhere = account.command(&["validate", "s3://trail-logs", "--state", STATE]);
    let done: crate::cli::case::Done = elsewhere
        .env("AWS_REGION", "cn-north-1")
        .env("AWS_DEFAULT_REGION", "cn-north-1")
        .output()
        .unwrap()
        .into();
    assert_eq!(done.code, Some(2), "{}{}", done.stdout, done.stderr);
}

/// In S3 a listing tells size, entity tag and time of the last write as a GET does, so days are sealed.
#[test]
fn an_hourly_run_reads_what_is_new() {
    let account = account();
    account.deliver_hours("s3://trail-logs", 96);
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    let gets = || {
        let requests = account.cloud.requests();
        let of_trail =
            |one: &&crate::cloud::Request| one.operation == "GetObject" && one.bucket == "trail-logs";
        requests.iter().filter(of_trail).count()
    };
    let (done, report) = validate(&account, &["--state", STATE, "--recheck", "none"]);
    assert_eq!((done.code, &report["counts"]["digests"]["remembered"]), (Some(0), &Value::Null), "{report}");
    let first = gets();
    let (done, report) = validate(&account, &["--state", STATE, "--recheck", "none"]);
    assert_eq!(done.code, Some(0), "{report}");
    let count = |what: &str, state: &str| report["counts"][what][state].as_u64().unwrap_or_default();
    assert!(count("digests", "remembered") > 20, "{}", report["counts"]);
    let read = count("digests", "valid") + count("logs", "valid");
    assert_eq!(u64::try_from(gets() - first).unwrap(), read, "{}", report["counts"]);
    let stretch = &report["chains"][0]["remembered"][0];
    assert!(stretch["read"].is_string() && stretch["start"].is_string(), "{}", report["chains"]);
    let text = account.run(&["validate", "s3://trail-logs", "--state", STATE, "--recheck", "none"]).stdout;
    assert!(
        text.contains(" remembered and unchanged, each read ") && text.contains(" remembered, "),
        "{text}"
    );
    let shown = account.run(&["state", "show", STATE]).stdout;
    assert!(shown.contains("sealed days") && shown.contains(" to 20"), "{shown}");
    for wrong in ["1", "0/3", "4/3", "x", "1/0", "-1/2"] {
        let done = account.run(&["validate", "s3://trail-logs", "--state", STATE, "--recheck", wrong]);
        assert_eq!(done.code, Some(2), "{wrong}");
    }
    assert_eq!(account.run(&["validate", "s3://trail-logs", "--recheck", "all"]).code, Some(2));
}
