//! What others may name, such as a trail's prefix, reaches no terminal as it is.

use trailproof::report::escape::is_hidden;

use super::{Account, now};
use crate::cli::case::Done;
use crate::cloud::Trail;

/// Clears the screen, writes a line of its own, turns the reading direction, and sets the terminal's title.
const HOSTILE: &str = "a\u{1b}[2J\nintact: all is well\r\u{9b}1A\u{202e}\u{1b}]0;x\u{7}b";

fn assert_safe(done: &Done, what: &str) {
    for text in [&done.stdout, &done.stderr] {
        let hidden = text.chars().find(|&c| c != '\n' && is_hidden(c));
        assert_eq!(hidden, None, "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("intact: all is well")), "{what}: {text}");
        assert!(!text.contains("\\\\u{"), "escaped twice: {what}: {text}");
    }
}

fn account(validation: bool, bucket: &str) -> (Account, String) {
    let account = Account::new();
    let trail = Trail {
        name: "audit".to_owned(),
        bucket: bucket.to_owned(),
        prefix: Some(HOSTILE.to_owned()),
        latest_digest_delivery: Some(now() - 3_600),
        latest_delivery_error: Some(HOSTILE.to_owned()),
        validation,
        ..Trail::default()
    };
    let arn = trail.arn();
    account.cloud.add_trail(trail);
    (account, arn)
}

#[test]
fn a_trails_prefix_writes_nothing_on_the_terminal() {
    for (validation, bucket) in [(true, "trail-logs"), (false, "trail-logs"), (true, "elsewhere")] {
        let (account, arn) = account(validation, bucket);
        for arguments in [
            &["validate", &arn][..],
            &["validate", &arn, "--format", "json"],
            &["validate", &arn, "--dry-run"],
            &["validate"],
            &["collect", &arn, "copy"],
            &["shards", "plan", &arn],
            &["trails"],
            &["trails", "--format", "json"],
            &["validate-logs", "--trail-arn", &arn, "--start-time", "1d"],
        ] {
            let done = account.run(arguments);
            assert_safe(&done, &format!("{arguments:?}"));
            let is_told = done.stderr.contains("\\u{1b}")
                || done.stdout.contains("u{1b}")
                || done.stdout.contains("u001b");
            assert!(
                is_told || bucket == "elsewhere" || arguments[0] != "trails",
                "{arguments:?}: {}",
                done.stdout
            );
        }
    }
}

#[test]
fn a_trails_prefix_is_told_on_one_line() {
    let (account, arn) = account(true, "trail-logs");
    let done = account.run(&["validate", &arn]);
    let shown = "delivers to s3://trail-logs/a\\u{1b}[2J\\u{a}intact: all is well\\u{d}\\u{9b}1A\\u{202e}\\u{1b}]0;x\\u{7}b/AWSLogs/";
    assert!(done.stderr.lines().any(|line| line.contains(shown)), "{}", done.stderr);
}
