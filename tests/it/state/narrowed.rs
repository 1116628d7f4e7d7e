//! Runs over a part of the remembered time: a chain that is gone is missed, although no remembered digest lies in the range.

use std::fs;

use super::cloud::account;
use crate::cli::case::Done;

const START: &str = "2026-11-20T00:00:00Z";

#[test]
fn a_chain_that_is_gone_is_missed_in_any_part_of_its_time() {
    let account = account();
    let ids = ["--account-id", "111122223333", "--account-id", "444455556666"];
    let size = ["--hours", "60", "--logs-per-hour", "1", "--start-time", START];
    let made = account.run(&[&["simulate", "w"], &ids[..], &size[..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let run = |range: &[&str]| -> Done {
        let fixed = ["validate", "w", "--public-keys", "w/public-keys.json", "--state", "state"];
        account.run(&[&fixed[..], range].concat())
    };
    assert_eq!(run(&["--end-time", "2026-11-22T12:00:00Z"]).code, Some(0));
    let narrow = [
        ["--start-time", "2026-11-20T12:00:00Z", "--end-time", "2026-11-22T00:00:00Z"],
        ["--start-time", "2026-11-21T00:00:00Z", "--end-time", "2026-11-21T06:00:00Z"],
        ["--start-time", "2026-11-21T00:00:00Z", "--end-time", "2026-11-21T00:30:00Z"],
    ];
    for range in &narrow {
        let done = run(range);
        assert_eq!(done.code, Some(0), "{range:?} {}", done.stdout);
    }
    fs::remove_dir_all(account.at("w/trail-logs/AWSLogs/444455556666")).unwrap();
    for range in &narrow {
        let done = run(range);
        assert_eq!(done.code, Some(3), "{range:?} {}", done.stdout);
        assert!(done.stdout.contains("444455556666"), "{}", done.stdout);
    }
    // What is not asked for is not missed.
    let other = run(&[&["--account-id", "111122223333"], &narrow[0][..]].concat());
    assert_eq!(other.code, Some(0), "{}", other.stdout);
}

/// The state remembers the source in another region: it does not remember other sources only.
#[test]
fn a_state_that_knows_nothing_of_a_region_is_warned_of_as_such() {
    let account = account();
    let regions = ["--region", "us-east-1", "--region", "eu-west-1"];
    let made =
        account.run(&[&["simulate", "w", "--hours", "6", "--start-time", START], &regions[..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let fixed = ["validate", "w", "--public-keys", "w/public-keys.json", "--state", "state"];
    let end = ["--end-time", "2026-11-20T06:00:00Z"];
    for (region, warns) in [("us-east-1", false), ("eu-west-1", true), ("eu-west-1", false)] {
        let done = account.run(&[&fixed[..], &["--region", region], &end].concat());
        let said = format!("the state remembers nothing of what was asked (region {region}): ");
        assert_eq!((done.code, done.stderr.contains(&said)), (Some(0), warns), "{}", done.stderr);
        assert!(!done.stderr.contains("other sources"), "{}", done.stderr);
    }
}
