//! `validate-logs`: the AWS CLI's lines on their streams, and what it does not see. That they are the AWS CLI's, line by
//! line, is shown by `tests/peer/moto.py`.

use std::collections::BTreeMap;

use super::{Account, now};
use crate::cloud::Trail;

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
/// From within the second hour of the delivery on.
const AGE: [&str; 4] = ["--trail-arn", ARN, "--start-time", "210m"];

fn account(tampers: &[&str]) -> Account {
    let account = Account::new();
    let trail = Trail {
        name: "audit".to_owned(),
        bucket: "trail-logs".to_owned(),
        latest_digest_delivery: Some(now() - 3_600),
        ..Trail::default()
    };
    account.cloud.add_trail(trail);
    let tampers: Vec<_> = tampers.iter().flat_map(|tamper| ["--tamper", tamper]).collect();
    account.deliver("s3://trail-logs", &tampers);
    account
}

fn validate_logs(account: &Account, more: &[&str]) -> crate::cli::case::Done {
    account.run(&[&["validate-logs"], &AGE[..], more].concat())
}

#[test]
fn an_intact_trail_is_said_in_the_aws_clis_lines() {
    let account = account(&[]);
    let done = validate_logs(&account, &["--verbose"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    let lines: Vec<_> = done.stdout.lines().collect();
    let begins = [
        &format!("Validating log files for trail {ARN} between ")[..],
        "",
        "Digest file\ts3://",
        "Log file\ts3://",
    ];
    begins.iter().zip(&lines).for_each(|(begin, line)| assert!(line.starts_with(begin), "{}", done.stdout));
    let digests: Vec<_> = lines.iter().filter(|line| line.starts_with("Digest")).collect();
    assert_eq!(digests.len(), 4);
    assert!(digests.is_sorted_by(|newer, older| newer > older), "{}", done.stdout);
    assert!(done.stdout.ends_with(":\n\n4/4 digest files valid\n4/4 log files valid\n"), "{}", done.stdout);
    let plain = validate_logs(&account, &["--output", "text", "--no-cli-pager"]);
    assert_eq!((plain.code, plain.stdout.matches("valid\n").count()), (Some(0), 2), "{}", plain.stdout);
}

#[test]
fn what_is_invalid_goes_to_stderr() {
    let done = validate_logs(&account(&["log-modified@last", "digest-deleted@2"]), &[]);
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    let lines: Vec<_> = done.stderr.lines().filter(|line| !line.is_empty()).collect();
    assert!(
        lines.iter().any(|line| line.ends_with("\tINVALID: hash value doesn't match")),
        "{}",
        done.stderr
    );
    assert!(
        lines.iter().any(|line| line.starts_with("Digest") && line.ends_with("\tINVALID: not found")),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("3/4 digest files valid, 1/4 digest files INVALID"), "{}", done.stdout);
}

#[test]
fn what_the_aws_cli_does_not_see_is_said_beside_its_lines() {
    for (tamper, kind) in [
        ("log-unreferenced", "log-unreferenced"),
        ("digest-trailing", "digest-malformed"),
        ("chain-broken", "chain-broken"),
    ] {
        let done = validate_logs(&account(&[tamper]), &[]);
        assert_eq!(done.code, Some(1), "{tamper}: {}{}", done.stdout, done.stderr);
        let is_said = |line: &str| line.starts_with("trailproof: ") || line.contains("\tINVALID: ");
        assert!(done.stderr.lines().any(is_said), "{tamper} {kind}: {}", done.stderr);
    }
}

#[test]
fn an_hour_before_the_record_is_no_success() {
    let account = account(&[]);
    let done = account.run(&["validate-logs", "--trail-arn", ARN, "--start-time", "6h"]);
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.starts_with("trailproof: chain-gap: "), "{}", done.stderr);
}

#[test]
fn nothing_found_is_no_success() {
    let account = account(&[]);
    let done = account.run(&[
        "validate-logs",
        "--trail-arn",
        ARN,
        "--start-time",
        "2020-01-01",
        "--end-time",
        "2020-01-02T00:00:00",
    ]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.ends_with("to 2020-01-02T00:00:00Z\nNo digests found\n"), "{}", done.stdout);
    assert!(done.stderr.starts_with("trailproof: no-digests: "), "{}", done.stderr);
}

#[test]
fn a_bucket_that_is_named_is_not_asked_for() {
    let account = account(&[]);
    let done = validate_logs(&account, &["--s3-bucket", "trail-logs"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(account.asked("DescribeTrails"), 0);
    let done = validate_logs(&account, &["--s3-bucket", "trail-logs", "--s3-prefix", "elsewhere"]);
    assert_eq!(done.code, Some(1), "{}", done.stdout);
}

#[test]
fn what_cannot_begin_is_said() {
    let account = account(&[]);
    for (arguments, what) in [
        (&["--trail-arn", "arn:aws:s3:::x", "--start-time", "1d"][..], "Invalid trail ARN provided"),
        (&["--trail-arn", &format!("{ARN}-of-nobody"), "--start-time", "1d"], "A trail could not be found"),
        (&["--trail-arn", ARN, "--start-time", "never"], "Unable to parse date value: never"),
        (&["--trail-arn", ARN, "--start-time", "1h", "--end-time", "2h"], "Invalid time range specified"),
        (&["--trail-arn", ARN, "--start-time", "2999-01-01"], "Invalid time range specified"),
    ] {
        account.run(&[&["validate-logs"], arguments].concat()).assert_cannot(what);
    }
    for arguments in [&["--trail-arn", ARN][..], &["--start-time", "1d"], &["--unknown"]] {
        let done = account.run(&[&["validate-logs"], arguments].concat());
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{}", done.stderr);
    }
}

/// An organization's trail, and an account's own trail of the same name, the newest digest of which is junk.
#[test]
fn findings_before_a_chain_of_the_same_name_are_told() {
    const MEMBER: &str = "444455556666";
    let account = Account::new();
    account.cloud.add_trail(Trail {
        name: "audit".to_owned(),
        bucket: "trail-logs".to_owned(),
        organization: true,
        latest_digest_delivery: Some(now() - 3_600),
        ..Trail::default()
    });
    let organization = ["--account-id", MEMBER, "--organization", "o-abc1234567", "--trail", "audit"];
    account.deliver("s3://trail-logs", &organization);
    let run = || validate_logs(&account, &["--account-id", MEMBER]);
    let put = |key: &str| account.cloud.put("trail-logs", key, "junk", BTreeMap::new());
    // 1. Intact.
    let done = run();
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    // 2. A digest of the account's own trail is not of the organization's trail.
    let keys = account.cloud.keys("trail-logs");
    let newest = keys.iter().filter(|key| key.contains("/CloudTrail-Digest/")).max().unwrap();
    let own = newest.replacen("o-abc1234567/", "", 1);
    put(&own);
    let done = run();
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    // 3. A folder that was not searched is told, with that digest and without it.
    put(&format!("AWSLogs/o-abc1234567/{MEMBER}/CloudTrail-Digest/AWSLogs/x/y.json.gz"));
    for with_own in [true, false] {
        if !with_own {
            account.cloud.purge("trail-logs", &own);
        }
        let done = run();
        assert_eq!(done.code, Some(1), "{with_own}: {}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains("the folder was not searched"), "{with_own}: {}", done.stderr);
        assert!(!done.stderr.contains(&own), "{with_own}: {}", done.stderr);
    }
}
