//! `trails` and `keys`: what CloudTrail says of an account.

use std::fs;

use serde_json::Value;

use super::{Account, json, now};
use crate::cli::case::Done;
use crate::cloud::{Faults, PublicKey, Trail};

fn well(name: &str, region: &str) -> Trail {
    Trail {
        name: name.to_owned(),
        home_region: region.to_owned(),
        latest_delivery: Some(now() - 600),
        latest_digest_delivery: Some(now() - 3_600),
        ..Trail::default()
    }
}

fn with(trails: &[Trail]) -> Account {
    let account = Account::new();
    trails.iter().for_each(|trail| account.cloud.add_trail(trail.clone()));
    account
}

/// The names in the answer.
fn names(listed: &Value) -> Vec<&str> {
    listed["trails"].as_array().unwrap().iter().map(|trail| trail["name"].as_str().unwrap()).collect()
}

#[test]
fn trails_that_can_be_proved_are_listed_from_every_home() {
    let single = Trail { multi_region: false, ..well("single", "eu-west-1") };
    let account = with(&[well("audit", "us-east-1"), single]);
    let done = account.run(&["trails"]);
    done.assert_verdict(0, "2 trails, all of which can be validated");
    assert!(done.stdout.contains("s3://bucket/") && !done.stdout.contains("problem"), "{}", done.stdout);
    let done = account.run(&["trails", "--format", "json"]);
    let listed = json(&done);
    assert_eq!(
        (done.code, done.stderr.as_str(), &listed["schema"]),
        (Some(0), "", &"trailproof/trails/1".into())
    );
    assert!(listed["trails"].as_array().unwrap().iter().all(|trail| trail["provable"] == true), "{listed}");
    assert_eq!(names(&listed), ["single", "audit"]);
    let done = account.run(&["trails", "--format", "json", "--region", "eu-west-1"]);
    assert_eq!((done.code, names(&json(&done))), (Some(0), vec!["single"]));
}

#[test]
fn what_keeps_a_trail_from_being_proved_is_said_with_what_to_do() {
    let fine = well("audit", "us-east-1");
    let error = Some("AccessDenied".to_owned());
    for (trail, problem, remedy) in [
        (Trail { validation: false, ..fine.clone() }, "validation is off", "--enable-log-file-validation"),
        (
            Trail { logging: false, ..fine.clone() },
            "logging is off",
            "aws cloudtrail start-logging --name arn:",
        ),
        (Trail { latest_delivery_error: error.clone(), ..fine.clone() }, "log files cannot be", "policy"),
        (Trail { latest_digest_delivery_error: error, ..fine.clone() }, "digest files cannot be", "policy"),
        (Trail { latest_digest_delivery: None, ..fine.clone() }, "no digest file was delivered yet", "wait"),
        (Trail { latest_digest_delivery: Some(now() - 40_000), ..fine.clone() }, "since", "get-trail-status"),
    ] {
        let account = with(&[trail, well("other", "us-east-1")]);
        let done = account.run(&["trails"]);
        done.assert_verdict(3, "1 of 2 trails can be validated");
        assert!(done.stdout.contains(problem) && done.stdout.contains(remedy), "{problem}: {}", done.stdout);
        let listed = json(&account.run(&["trails", "--format", "json"]));
        let told = &listed["trails"][0];
        assert_eq!(
            (&told["provable"], told["obstacles"].as_array().unwrap().len()),
            (&false.into(), 1),
            "{told}"
        );
        assert!(told["obstacles"][0]["message"].as_str().unwrap().contains(problem), "{told}");
    }
}

#[test]
fn an_account_without_a_trail_is_no_success() {
    let account = Account::new();
    account.run(&["trails"]).assert_verdict(3, "no trail");
    let done = account.run(&["trails", "--format", "json"]);
    assert_eq!((done.code, names(&json(&done)).len()), (Some(3), 0));
    let account = with(&[well("audit", "us-east-1")]);
    account.run(&["trails", "--region", "eu-west-1"]).assert_verdict(3, "eu-west-1");
}

#[test]
fn what_is_not_told_of_trails_is_said() {
    let single = Trail { multi_region: false, ..well("single", "eu-west-1") };
    let account = with(&[well("audit", "us-east-1"), single]);
    account.cloud.deny_action("cloudtrail:GetTrailStatus", "eu-west-1");
    account.run(&["trails"]).assert_verdict(3, "allow `cloudtrail:GetTrailStatus`");
    account.cloud.deny_action("cloudtrail:DescribeTrails", "eu-west-1");
    account.run(&["trails"]).assert_verdict(3, "trails with their home in `eu-west-1` are unknown");
    account.cloud.allow_actions();
    account.cloud.deny_action("cloudtrail:ListTrails", "");
    account.run(&["trails"]).assert_verdict(3, "note: only trails that show in `us-east-1` are listed");
    let listed = json(&account.run(&["trails", "--format", "json"]));
    assert_eq!((names(&listed), listed["notes"].as_array().unwrap().len()), (vec!["audit"], 1), "{listed}");
    account.cloud.deny_action("cloudtrail:DescribeTrails", "");
    account.run(&["trails"]).assert_cannot("AccessDenied");
}

#[test]
fn a_trail_whose_name_cannot_be_read_is_named() {
    let odd = Trail { account: "4242".to_owned(), ..well("odd", "us-east-1") };
    let account = with(&[well("audit", "us-east-1"), odd]);
    let note = "the trail `arn:aws:cloudtrail:us-east-1:4242:trail/odd` is not listed: invalid ARN: the \
                account is not 12 digits";
    let listed = json(&account.run(&["trails", "--format", "json"]));
    assert_eq!((names(&listed), &listed["notes"][0]), (vec!["audit"], &note.into()), "{listed}");
    account
        .run(&["trails"])
        .assert_verdict(3, "note: the trail `arn:aws:cloudtrail:us-east-1:4242:trail/odd`");
    account.cloud.deny_action("cloudtrail:ListTrails", "");
    account.run(&["trails"]).assert_verdict(3, "the account is not 12 digits");
}

#[test]
fn a_key_of_cloudtrails_that_is_none_is_named_and_the_others_are_used() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    let (valid_from, valid_to) = (now() - 86_400, now() + 86_400);
    for (value_base64, fingerprint) in [("AAAA", "0123"), ("", "4567")] {
        let (value_base64, fingerprint) = (value_base64.to_owned(), fingerprint.to_owned());
        let key = PublicKey { value_base64, fingerprint, valid_from, valid_to };
        account.cloud.add_keys("us-east-1", vec![key]);
    }
    let done = account.run(&["validate", "s3://trail-logs", "--format", "json"]);
    let report = json(&done);
    assert_eq!((done.code, &report["verdict"]), (Some(0), &"intact".into()), "{report}");
    let findings = report["findings"].as_array().unwrap().iter();
    let said: Vec<&Value> = findings.filter(|finding| finding["kind"] == "key-unknown").collect();
    assert_eq!(said.len(), 2, "{report}");
    for (finding, begins) in said.iter().zip(["key 2 that CloudTrail", "key 3 that CloudTrail"]) {
        assert_eq!((&finding["severity"], &finding["region"]), (&"notice".into(), &"us-east-1".into()));
        assert!(finding["message"].as_str().unwrap().starts_with(begins), "{finding}");
    }
    assert!(said[0]["message"].as_str().unwrap().contains("`0123`"), "{report}");
    let saved = account.run(&["keys", "--start-time", "1d"]);
    assert_eq!(saved.code, Some(3), "{}", saved.stderr);
    assert!(saved.stderr.contains("warning: key 2 of `us-east-1` was not saved: `0123`"), "{}", saved.stderr);
    assert_eq!(json_keys(&saved.stdout), 1);
}

#[test]
fn lists_that_do_not_end_are_given_up_and_said() {
    let account = with(&[well("audit", "us-east-1")]);
    account.deliver("s3://trail-logs", &[]);
    account.cloud.set_faults(Faults { repeat_page: true, ..Faults::default() });
    account.run(&["trails"]).assert_verdict(3, "the list of trails does not end after 1000 pages");
    assert_eq!(account.asked("ListTrails"), 1_000);
    account
        .run(&["keys", "--start-time", "1d"])
        .assert_cannot("the list of keys does not end after 200 pages");
    account.cloud.set_faults(Faults::default());
    let many = (0..12_000).map(|_| well("audit", "us-east-1"));
    let account = with(&many.collect::<Vec<_>>());
    account.cloud.set_faults(Faults { repeat_page: true, ..Faults::default() });
    account.cloud.deny_action("cloudtrail:DescribeTrails", "");
    account.run(&["trails"]).assert_cannot("does not end after 1000 pages or 100000 trails");
    assert_eq!(account.asked("ListTrails"), 9);
}

/// How many keys were saved.
fn json_keys(saved: &str) -> usize {
    let saved: Value = serde_json::from_str(saved).unwrap();
    saved["PublicKeyList"].as_array().unwrap().len()
}

#[test]
fn saved_keys_prove_a_delivery_without_cloudtrail() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &["--rotate-keys-every", "2"]);
    let done = account.run(&["keys", "--start-time", "1d"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    fs::write(account.at("keys.json"), &done.stdout).unwrap();
    account.cloud.deny_action("cloudtrail:ListPublicKeys", "");
    let keys = account.at("keys.json");
    account.run(&["validate", "s3://trail-logs", "--public-keys", &keys]).assert_verdict(0, "intact");
    let denied = account.run(&["validate", "s3://trail-logs"]);
    denied.assert_verdict(3, "AccessDenied");
}

/// An account with keys in us-east-1 and in eu-west-1.
fn two_regions() -> Account {
    let account = Account::new();
    account.deliver("s3://trail-logs/one", &[]);
    fs::rename(account.at("saved"), account.at("first")).unwrap();
    let made = account.simulate("s3://trail-logs/two", &["--region", "eu-west-1", "--seed", "1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let keys = fs::read_to_string(account.at("saved/public-keys.json")).unwrap();
    account.cloud.add_keys_json("eu-west-1", &keys);
    account
}

#[test]
fn keys_of_several_regions_are_saved_together() {
    let account = two_regions();
    let both = ["keys", "--start-time", "1d", "--region", "us-east-1", "--region", "eu-west-1"];
    let count =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["PublicKeyList"].as_array().unwrap().len();
    let all = account.run(&both);
    assert_eq!((all.code, count(&all.stdout), all.stderr.as_str()), (Some(0), 2, ""));
    account.cloud.deny_action("cloudtrail:ListPublicKeys", "eu-west-1");
    let some = account.run(&both);
    assert_eq!((some.code, count(&some.stdout)), (Some(3), 1), "{}", some.stderr);
    assert!(some.stderr.starts_with("warning: ") && some.stderr.contains("eu-west-1"), "{}", some.stderr);
    account.run(&["keys", "--start-time", "1d", "--region", "eu-west-1"]).assert_cannot("AccessDenied");
}

#[test]
fn no_key_is_no_answer() {
    let account = two_regions();
    let none = account.run(&["keys", "--start-time", "1d", "--region", "ap-south-1"]);
    none.assert_cannot("`ap-south-1` has no public keys for that time");
    assert!(none.stderr.contains("hint: check `--start-time`"), "{}", none.stderr);
    // An empty variable counts as unset.
    let empty = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let mut unset = account.command(&["keys", "--start-time", "1d"]);
    empty.iter().for_each(|name| {
        unset.env(name, "");
    });
    let unset: Done = unset.output().unwrap().into();
    assert_eq!(unset.code, Some(0), "{}", unset.stderr);
    account.run(&["keys", "--start-time", "1d", "--end-time", "2d"]).assert_cannot("is not before the end");
    account.run(&["keys", "--start-time", "2999-01-01"]).assert_cannot("the start is in the future");
    account.run(&["keys", "--start-time", "never"]).assert_cannot("`--start-time`");
    account.run(&["keys", "--start-time", "1d", "--end-time", "x"]).assert_cannot("`--end-time`");
}
