//! Buckets: filled by `simulate`, proved by `validate` with CloudTrail's keys.

use std::fs;

use super::{Account, json, kinds};
use crate::cloud::Bucket;

#[test]
fn what_simulate_puts_into_a_bucket_is_proved_with_keys_from_cloudtrail() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    account.run(&["validate", "s3://trail-logs/p"]).assert_verdict(0, "intact");
    account.run(&["validate", "s3://trail-logs"]).assert_verdict(0, "intact");
    let report = json(&account.run(&["validate", "s3://trail-logs/p/", "--format", "json"]));
    assert_eq!(report["counts"]["logs"]["valid"], 5, "{report}");
    let source = format!("cloudtrail at {}", account.cloud.endpoint());
    assert_eq!(report["keys"][0]["source"], source, "{report}");
}

#[test]
fn tampering_in_a_bucket_is_told_and_named() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &["--tamper", "log-modified"]);
    let done = account.run(&["validate", "s3://trail-logs/p", "--format", "json"]);
    let report = json(&done);
    assert_eq!((done.code, kinds(&report)), (Some(1), vec!["log-modified".to_owned()]), "{report}");
    let uri = report["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "log-modified");
    let uri = uri.unwrap()["uri"].as_str().unwrap().to_owned();
    let answers = fs::read_to_string(account.at("saved/tampered.json")).unwrap();
    assert!(uri.starts_with("s3://trail-logs/p/AWSLogs/111122223333/CloudTrail/us-east-1/"), "{uri}");
    assert!(answers.contains(uri.rsplit('/').next().unwrap()), "{uri}: {answers}");
}

#[test]
fn a_log_file_in_the_archive_is_not_vouched_for() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &["--tamper", "log-unreadable"]);
    let done = account.run(&["validate", "s3://trail-logs/p", "--format", "json"]);
    let report = json(&done);
    assert_eq!((done.code, kinds(&report)), (Some(3), vec!["log-unreadable".to_owned()]), "{report}");
    let said = super::message(&report, "log-unreadable");
    assert!(said.contains("archived"), "{said}");
}

#[test]
fn nothing_is_mixed_with_what_is_in_a_bucket() {
    let account = Account::new();
    account.cloud.put("trail-logs", "p/notes.txt", "kept", std::collections::BTreeMap::new());
    account.simulate("s3://trail-logs/p", &[]).assert_cannot("is not empty");
    account.simulate("s3://trail-logs", &[]).assert_cannot("is not empty");
    assert_eq!(account.asked("PutObject"), 0);
    account.deliver("s3://trail-logs/pp", &[]);
    account.run(&["validate", "s3://trail-logs/pp"]).assert_verdict(0, "intact");
}

#[test]
fn a_delivery_needs_a_bucket_that_is_there_and_may_be_listed() {
    let account = Account::new();
    account.simulate("s3://nowhere/p", &[]).assert_cannot("there is no bucket `nowhere`");
    account.simulate("s3://", &[]).assert_cannot("names no bucket");
    account.cloud.create_bucket("closed", Bucket::default());
    account.cloud.deny_action("s3:ListBucket", "closed/");
    account.simulate("s3://closed/p", &[]).assert_cannot("the bucket `closed` cannot be listed");
    account.cloud.allow_actions();
    account.cloud.deny_action("s3:PutObject", "closed/");
    account.simulate("s3://closed/p", &[]).assert_cannot("AccessDenied");
}

#[test]
fn saved_keys_are_never_overwritten() {
    let account = Account::new();
    fs::create_dir(account.at("saved")).unwrap();
    for name in ["saved/public-keys.json", "saved/tampered.json"] {
        fs::write(account.at(name), "kept").unwrap();
        account.simulate("s3://trail-logs/p", &[]).assert_cannot("is there already");
        assert_eq!(fs::read_to_string(account.at(name)).unwrap(), "kept");
        fs::remove_file(account.at(name)).unwrap();
    }
    assert_eq!(account.cloud.requests().len(), 0);
}
