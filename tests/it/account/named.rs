//! Trails named by their ARN: found by CloudTrail's word, and held to it.

use super::{Account, json, kinds, message, now};
use crate::cloud::Trail;

fn audit() -> Trail {
    Trail {
        name: "audit".to_owned(),
        bucket: "trail-logs".to_owned(),
        prefix: Some("p".to_owned()),
        latest_digest_delivery: Some(now() - 3_600),
        ..Trail::default()
    }
}

/// An account with the trail, which CloudTrail knows.
fn with(trail: &Trail) -> Account {
    let account = Account::new();
    account.cloud.add_trail(trail.clone());
    account
}

#[test]
fn a_trail_is_found_by_its_arn_and_proved() {
    let account = with(&audit());
    account.deliver("s3://trail-logs/p", &[]);
    let done = account.run(&["validate", &audit().arn()]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let found = format!("trail `{}` delivers to s3://trail-logs/p/AWSLogs/111122223333/\n", audit().arn());
    assert_eq!(done.stderr, found);
    let quiet = account.run(&["validate", "-q", &audit().arn()]);
    assert_eq!((quiet.code, quiet.stdout.lines().count(), quiet.stderr.as_str()), (Some(0), 1, ""));
}

#[test]
fn a_trail_of_a_bucket_is_validated_without_the_others_there() {
    let account = with(&audit());
    account.deliver(
        "s3://trail-logs/p",
        &["--trail", "audit", "--trail", "other", "--tamper", "digest-metadata@other"],
    );
    let report = json(&account.run(&["validate", "--format", "json", &audit().arn()]));
    let chains: Vec<_> = report["chains"].as_array().unwrap().iter().map(|chain| &chain["trail"]).collect();
    assert_eq!(report["verdict"], "intact", "{report}");
    assert_eq!(chains, ["audit"], "{report}");
}

#[test]
fn an_organizations_trail_is_validated_in_every_account() {
    let trail = Trail { organization: true, ..audit() };
    let account = with(&trail);
    let accounts = ["--account-id", "111122223333", "--account-id", "444455556666"];
    let trails = ["--organization", "o-abcde12345", "--trail", "audit", "--trail", "other"];
    account.deliver("s3://trail-logs/p", &[&accounts[..], &trails].concat());
    let done = account.run(&["validate", "--format", "json", &trail.arn()]);
    let report = json(&done);
    let chains = report["chains"].as_array().unwrap().iter();
    let chains: Vec<_> = chains.map(|chain| (&chain["account"], &chain["trail"])).collect();
    assert_eq!(done.code, Some(0), "{report}");
    let expected = [("111122223333", "audit"), ("444455556666", "audit")];
    assert!(
        chains.iter().zip(expected).all(|(chain, (id, name))| *chain.0 == id && *chain.1 == name),
        "{chains:?}"
    );
    assert_eq!(chains.len(), 2, "{chains:?}");
}

#[test]
fn digests_gone_from_the_end_are_missed_by_cloudtrails_word() {
    let account = with(&audit());
    account.deliver("s3://trail-logs/p", &["--start-time", "12h", "--tamper", "chain-stale"]);
    let arguments = ["validate", "--format", "json", &audit().arn()];
    let done = account.run(&arguments);
    let report = json(&done);
    assert_eq!((done.code, kinds(&report)), (Some(1), vec!["digest-missing".to_owned()]), "{report}");
    assert!(
        message(&report, "digest-missing").contains("CloudTrail reports the delivery of another digest"),
        "{report}"
    );
    account.cloud.deny_action("cloudtrail:GetTrailStatus", "");
    let done = account.run(&arguments);
    assert_eq!(
        (done.code, kinds(&json(&done))),
        (Some(3), vec!["chain-stale".to_owned()]),
        "{}",
        done.stdout
    );
}

#[test]
fn a_trail_without_a_digest_is_never_a_success() {
    let account = with(&audit());
    let done = account.run(&["validate", "--format", "json", &audit().arn()]);
    let report = json(&done);
    assert_eq!((done.code, kinds(&report)), (Some(3), vec!["no-digests".to_owned()]), "{report}");
    assert!(
        message(&report, "no-digests").contains("CloudTrail reports the delivery of a digest at"),
        "{report}"
    );
}

#[test]
fn a_trail_that_writes_no_digests_is_told_how_to() {
    let trail = Trail { validation: false, ..audit() };
    let done = with(&trail).run(&["validate", &trail.arn()]);
    done.assert_cannot("log file validation is off");
    let command = format!(
        "`aws cloudtrail update-trail --name {} --region us-east-1 --enable-log-file-validation`",
        trail.arn()
    );
    assert!(
        done.stderr.contains(&command) && done.stderr.contains("`s3://trail-logs/p/`"),
        "{}",
        done.stderr
    );
}

#[test]
fn an_arn_has_to_name_a_trail_that_is_there() {
    let account = with(&audit());
    let unknown = audit().arn().replace("audit", "other");
    account.run(&["validate", &unknown]).assert_cannot("there is no trail");
    for junk in [
        "arn:",
        "arn:aws:s3:::trail-logs",
        "arn:aws:cloudtrail:us-east-1:1111:trail/audit",
        "arn:aws:cloudtrail:nowhere:111122223333:trail/audit",
        "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/x",
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/a/b",
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/\u{1b}[2J\n",
    ] {
        account.run(&["validate", junk]).assert_cannot("arn:");
    }
    account.cloud.deny_action("cloudtrail:DescribeTrails", "");
    let denied = account.run(&["validate", &audit().arn()]);
    denied.assert_cannot("AccessDenied");
    assert!(denied.stderr.contains("`cloudtrail:DescribeTrails`"), "{}", denied.stderr);
}

#[test]
fn sources_of_one_run_are_of_one_kind() {
    let account = with(&audit());
    let (arn, home) = (audit().arn(), account.at(""));
    account.run(&["validate", &arn, "s3://trail-logs"]).assert_cannot("a trail and a bucket");
    account.run(&["validate", "s3://trail-logs", &home]).assert_cannot("is a directory");
    account.run(&["validate", &home, &arn]).assert_cannot("is a directory");
    assert_eq!(account.cloud.requests().len(), 0);
}
