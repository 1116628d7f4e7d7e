//! Access points in the place of buckets, and buckets whose requesters pay.

use super::{Account, json};
use crate::cli::case::Done;
use crate::cloud::{Bucket, Fault, Faults, Rule};

pub(crate) const ALIAS: &str = "audit-p3xr7s4zexample-s3alias";
const MOVE: [&str; 2] = ["--relocated-from", "s3://trail-logs"];

/// An account whose alias holds what was delivered to `trail-logs`.
pub(crate) fn with_alias() -> Account {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.create_bucket(ALIAS, Bucket::default());
    account.cloud.copy_objects("trail-logs", ALIAS);
    account
}

#[test]
fn an_alias_is_judged_as_the_bucket_that_the_user_names() {
    let account = with_alias();
    let source = format!("s3://{ALIAS}");
    account.cloud.forget_requests();
    account.run(&[&["validate", &source], &MOVE[..]].concat()).assert_verdict(0, "intact");
    assert!(account.cloud.requests().iter().all(|request| request.bucket != "trail-logs"));
    // Without a name for the bucket nothing is judged, and the message has the name that the digests record.
    let done = account.run(&["validate", &source]);
    done.assert_cannot("is an access point");
    assert!(done.stderr.contains("add `--relocated-from s3://trail-logs`"), "{}", done.stderr);
    account.run(&["validate", &format!("{source}/none/")]).assert_cannot("is an access point");
    // A tampered log file behind an access point is found as in the bucket.
    let log = account.cloud.keys(ALIAS).into_iter().find(|key| key.contains("/CloudTrail/")).unwrap();
    account.cloud.put(ALIAS, &log, "{}", std::collections::BTreeMap::new());
    let done = account.run(&[&["validate", &source, "--format", "json"], &MOVE[..]].concat());
    assert_eq!((done.code, super::kinds(&json(&done))), (Some(1), vec!["log-modified".to_owned()]));
}

/// Runs the program with the cloud as the proxy for every host, so that hosts of access points lead to the cloud.
pub(crate) fn by_proxy(account: &Account, arguments: &[&str]) -> Done {
    let mut command = account.command(arguments);
    command
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ENDPOINT_URL", "http://s3.test")
        .env("HTTP_PROXY", account.cloud.endpoint());
    command.output().unwrap().into()
}

#[test]
fn an_arn_is_asked_for_at_the_host_of_the_access_point() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    let keys = account.at("saved/public-keys.json");
    let arn = "arn:aws:s3:us-east-1:111122223333:accesspoint/trail-logs";
    for source in [arn.to_owned(), format!("{arn}/object/p/"), format!("s3://{arn}/p")] {
        account.cloud.forget_requests();
        let more = ["--public-keys", &keys];
        let done = by_proxy(&account, &[&["validate", &source], &MOVE[..], &more[..]].concat());
        done.assert_verdict(0, "intact");
        let asked = account.cloud.requests();
        assert!(!asked.is_empty() && asked.iter().all(|request| request.bucket == "trail-logs"), "{source}");
        assert!(asked.iter().all(|request| request.region_signed_for == "us-east-1"), "{source}");
        assert!(!asked.iter().any(|request| request.operation == "HeadBucket"), "{source}");
    }
}

#[test]
fn other_access_points_are_refused_with_what_to_do() {
    let account = Account::new();
    for (source, told) in [
        ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-01/accesspoint/x", "S3 on Outposts"),
        ("arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/x", "S3 Object Lambda"),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/x/AWSLogs/", "not the ARN of an S3 access point"),
        ("s3://mfzwi23gnjvgw.mrap", "only within the ARN"),
        ("s3://audit-x--ol-s3/p", "S3 Object Lambda"),
    ] {
        account.run(&["validate", source]).assert_cannot(told);
    }
    assert_eq!(account.cloud.requests().len(), 0);
}

/// Where the SDK cannot correct the clock, the message is about the clock and not about the credentials.
#[test]
fn a_signature_for_another_time_is_a_matter_of_the_clock() {
    let account = Account::new();
    let skewed = || Rule::new("ListObjectsV2", Fault::Refuse(403, "RequestTimeTooSkewed"));
    account.cloud.set_faults(Faults { rules: vec![skewed()], ..Faults::default() });
    let done = account.run(&["validate", "s3://trail-logs"]);
    done.assert_cannot("RequestTimeTooSkewed");
    assert!(done.stderr.contains("hint: set the clock of this machine"), "{}", done.stderr);
    assert!(!done.stderr.contains("credentials"), "{}", done.stderr);
}

#[test]
fn the_requester_pays_for_every_request_or_for_none() {
    let account = Account::new();
    account.cloud.create_bucket("paid", Bucket { versioned: true, ..Bucket::default() });
    account.deliver("s3://paid", &["--tamper", "log-deleted"]);
    for (more, pays) in [(&["--request-payer"][..], true), (&[], false)] {
        account.cloud.forget_requests();
        let done = account.run(&[&["validate", "s3://paid"], more].concat());
        assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
        let asked = account.cloud.requests();
        let of_s3: Vec<_> = asked.iter().filter(|request| request.service == "s3").collect();
        for operation in ["HeadBucket", "ListObjectsV2", "GetObject", "ListObjectVersions"] {
            assert!(of_s3.iter().any(|request| request.operation == operation), "{operation}");
        }
        assert!(of_s3.iter().any(|request| !request.by_sdk), "no direct request");
        for request in of_s3 {
            let names = request.signed_headers.split(';');
            assert_eq!(
                names.filter(|name| *name == "x-amz-request-payer").count(),
                usize::from(pays),
                "{request:?}"
            );
        }
    }
    account.cloud.deny_action("s3:ListBucket", "paid");
    account
        .run(&["validate", "s3://paid"])
        .assert_cannot("if the bucket's requesters pay, add `--request-payer`");
}
