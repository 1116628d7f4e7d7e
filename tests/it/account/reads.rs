//! Runs that end early, that only plan, and that ask CloudTrail about a copy.

use std::fs;

use super::{Account, json, kinds};
use crate::cloud::Faults;

#[test]
fn a_service_that_goes_away_midway_leaves_a_report_and_proves_no_tampering() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    account.cloud.forget_requests();
    let arguments = ["validate", "s3://trail-logs/p", "--format", "json", "--jobs", "1"];
    assert_eq!(account.run(&arguments).code, Some(0));
    let whole = account.cloud.requests().len() as u64;
    for gone in [whole / 2, whole - 1] {
        account.cloud.set_faults(Faults { gone_after: Some(gone), ..Faults::default() });
        let done = account.run(&arguments);
        let report = json(&done);
        assert_eq!((done.code, &report["verdict"]), (Some(3), &"incomplete".into()), "{gone}: {report}");
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["severity"] != "tampered"), "{gone}: {report}");
        assert!(!kinds(&report).is_empty(), "{gone}: {report}");
    }
}

#[test]
fn a_session_that_ends_midway_is_no_tampering() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    account.cloud.set_faults(Faults { expired_after: Some(10), ..Faults::default() });
    let done = account.run(&["validate", "s3://trail-logs/p", "--jobs", "1"]);
    done.assert_verdict(3, "ExpiredToken");
}

#[test]
fn a_plan_has_a_price_and_reads_nothing() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    account.cloud.forget_requests();
    let done = account.run(&["validate", "s3://trail-logs/p", "--dry-run"]);
    done.assert_verdict(0, "in the bucket's region");
    assert!(
        done.stdout.contains("over the internet") && done.stdout.contains("requests  "),
        "{}",
        done.stdout
    );
    assert_eq!((account.asked("GetObject"), account.asked("ListPublicKeys")), (0, 0));
    assert!(account.asked("ListObjectsV2") > 0);
}

#[test]
fn keys_for_a_copy_are_fetched_on_demand() {
    let account = Account::new();
    let made = account.run(&["simulate", "copy", "--hours", "3", "--logs-per-hour", "1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let keys = fs::read_to_string(account.at("copy/public-keys.json")).unwrap();
    account.run(&["validate", "copy"]).assert_cannot("no public keys");
    account.run(&["validate", "copy", "--fetch-keys"]).assert_verdict(3, "incomplete");
    account.cloud.add_keys_json("us-east-1", &keys);
    account.run(&["validate", "copy", "--fetch-keys"]).assert_verdict(0, "intact");
    assert!(account.cloud.requests().iter().all(|request| request.service == "cloudtrail"));
    account.cloud.deny_action("cloudtrail:ListPublicKeys", "");
    account.run(&["validate", "copy", "--fetch-keys"]).assert_verdict(3, "AccessDenied");
    let kept = account.at("copy/public-keys.json");
    account.run(&["validate", "copy", "--fetch-keys", "--public-keys", &kept]).assert_verdict(0, "intact");
}
