//! States in a bucket, and the program's own commands.

use std::fs;
use std::process::Stdio;

use serde_json::Value;
use trailproof::state::place::S3Place;

use super::places::assert_contract;
use crate::account::{Account, json, kinds};
use crate::cloud::{Bucket, Conditions, Faults};

const STATE: &str = "s3://state/trailproof";

fn account() -> Account {
    let account = Account::new();
    account.cloud.create_bucket("state", Bucket { versioned: false, ..Bucket::default() });
    account
}

fn with(account: &Account, conditions: Conditions) {
    account.cloud.set_faults(Faults { conditions, ..Faults::default() });
}

fn validate(account: &Account, more: &[&str]) -> (crate::cli::case::Done, Value) {
    let done = account.run(&[&["validate", "s3://trail-logs", "--format", "json"], more].concat());
    let report = json(&done);
    (done, report)
}

#[test]
fn a_prefix_of_a_bucket_is_a_place() {
    for (prefix, versioned) in [("", false), ("a/b/", true)] {
        let account = Account::new();
        account.cloud.create_bucket("state", Bucket { versioned, ..Bucket::default() });
        let store = crate::remote::store(&account.cloud);
        assert_contract(&S3Place::new(store, "state".to_owned(), prefix.to_owned()));
    }
}

#[test]
fn a_server_without_conditions_is_refused() {
    for (conditions, says) in [
        (Conditions::IgnoresAbsent, "ignored `If-None-Match"),
        (Conditions::IgnoresMatch, "ignored `If-Match`"),
        (Conditions::IgnoresBoth, "ignored `If-None-Match"),
        (Conditions::RefusesAll, "refused to write"),
        (Conditions::WritesAnyway, "cannot be a state"),
        (Conditions::WritesNothing, "cannot be a state"),
    ] {
        let account = account();
        with(&account, conditions);
        account.run(&["state", "init", STATE]).assert_cannot(says);
        // Nothing is left that a run takes for a state.
        account.deliver("s3://trail-logs", &[]);
        let done = account.run(&["validate", "s3://trail-logs", "--state", STATE]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{conditions:?}: {}", done.stderr);
        // On a better server it becomes a state after all.
        with(&account, Conditions::Honoured);
        let done = account.run(&["state", "init", STATE]);
        assert_eq!(done.code, Some(0), "{conditions:?}: {}", done.stderr);
    }
}

#[test]
fn a_state_in_a_bucket_sees_a_rollback() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    account.run(&["validate", "s3://trail-logs", "--state", STATE]).assert_cannot("is not a state");
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    account.run(&["state", "init", STATE]).assert_cannot("is a state already");
    let (done, report) = validate(&account, &["--state", STATE]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{report}");
    assert_eq!(report["resolved"], Value::Array(Vec::new()));
    let newest =
        account.cloud.keys("trail-logs").into_iter().filter(|key| key.contains("-Digest/")).max().unwrap();
    account.cloud.delete("trail-logs", &newest);
    assert_eq!(validate(&account, &[]).1["verdict"], "intact");
    let (done, report) = validate(&account, &["--state", STATE]);
    assert_eq!(done.code, Some(1), "{report}");
    assert!(kinds(&report).contains(&"digest-deleted".to_owned()), "{report}");
    let found =
        report["findings"].as_array().unwrap().iter().find(|one| one["kind"] == "digest-deleted").unwrap();
    assert_eq!(
        (&found["status"], &found["uri"]),
        (&"new".into(), &format!("s3://trail-logs/{newest}").into())
    );
    // The findings are shown, and accepted by id.
    let ids: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["severity"] != "notice")
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let shown = account.run(&["state", "show", STATE]);
    assert!(
        ids.iter().all(|id| shown.stdout.contains(id)) && shown.stdout.contains(&newest),
        "{}",
        shown.stdout
    );
    for id in &ids {
        let done =
            account.run(&["state", "accept", STATE, id, "--reason", "a \u{1b}[2J drill", "--by", "alice"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }
    let (done, report) = validate(&account, &["--state", STATE]);
    assert_eq!((done.code, kinds(&report)), (Some(0), Vec::<String>::new()), "{report}");
    let shown = account.run(&["state", "show", STATE]).stdout;
    assert!(shown.contains("accepted by alice") && !shown.contains('\u{1b}'), "{shown}");
    let shown: Value =
        serde_json::from_str(&account.run(&["state", "show", STATE, "--format", "json"]).stdout).unwrap();
    assert_eq!(shown["files"][0]["findings"].as_array().unwrap().len(), ids.len(), "{shown}");
    let unknown = "0".repeat(32);
    account.run(&["state", "accept", STATE, &unknown, "--reason", "x"]).assert_cannot("no finding with id");
}

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

#[test]
fn memory_is_kept_only_after_every_report() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let has_file = || fs::read_dir(account.at("state/regions")).is_ok_and(|files| files.count() > 0);
    // A report that cannot be written.
    let full =
        account.run(&["validate", "s3://trail-logs", "--state", "state", "--report", "json=/dev/full"]);
    assert_eq!((full.code, has_file()), (Some(2), false), "{}", full.stderr);
    // A reader that goes away.
    let mut command = account.command(&["validate", "s3://trail-logs", "--state", "state"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let _ = child.wait().unwrap();
    assert!(!has_file());
    assert_eq!(account.run(&["validate", "s3://trail-logs", "--state", "state"]).code, Some(0));
    assert!(has_file());
    // A state that cannot be written hides the verdict.
    fs::remove_dir_all(account.at("state/lock")).ok();
    fs::remove_file(account.at("state/lock")).unwrap();
    fs::create_dir(account.at("state/lock")).unwrap();
    let done = account.run(&["validate", "s3://trail-logs", "--state", "state"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("state") && done.stdout.starts_with("intact"), "{}", done.stderr);
}

#[test]
fn a_state_in_the_evidence_is_warned_of() {
    let account = account();
    account.deliver("s3://trail-logs/p", &[]);
    for (place, warns) in [("s3://trail-logs/state", true), (STATE, false)] {
        assert_eq!(account.run(&["state", "init", place]).code, Some(0));
        let done = account.run(&["validate", "s3://trail-logs/p", "--state", place]);
        assert_eq!(
            (done.code, done.stderr.contains("warning: the state lies in the evidence")),
            (Some(0), warns)
        );
    }
}

#[test]
fn options_that_do_not_go_with_a_state_are_refused() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let log = account.cloud.keys("trail-logs").into_iter().find(|key| key.contains("/CloudTrail/")).unwrap();
    account
        .run(&["validate", &format!("s3://trail-logs/{log}"), "--state", "state"])
        .assert_cannot("does not apply to a single object");
    assert_eq!(account.run(&["validate", "s3://trail-logs", "--state", "state", "--dry-run"]).code, Some(2));
    account.run(&["state", "show", "nowhere"]).assert_cannot("is not a state");
    account
        .run(&["validate", "s3://trail-logs", "--state", "s3://nowhere/x"])
        .assert_cannot("s3://nowhere/x");
    assert_eq!(account.run(&["state", "accept", "state", "x", "--reason", ""]).code, Some(2));
}

/// A directory is a copy, and may lack what was not copied: a rollback is not tampering there, and never intact.
#[test]
fn a_copy_that_lost_its_end_is_incomplete() {
    let account = account();
    let made =
        account.run(&["simulate", "copy", "--hours", "5", "--logs-per-hour", "1", "--events-per-log", "1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let run = || {
        let keys = ["--public-keys", "copy/public-keys.json"];
        account.run(&[&["validate", "copy/trail-logs", "--state", "state"], &keys[..]].concat())
    };
    assert_eq!(run().code, Some(0));
    let mut files = Vec::new();
    walk(std::path::Path::new(&account.at("copy/trail-logs")), &mut files);
    let newest = files.iter().filter(|file| file.contains("_CloudTrail-Digest_")).max().unwrap().clone();
    let newest = newest.trim_end_matches(".metadata.json").to_owned();
    fs::remove_file(&newest).unwrap();
    fs::remove_file(format!("{newest}.metadata.json")).unwrap();
    let done = run();
    assert!(matches!(done.code, Some(1 | 3)), "{}{}", done.stdout, done.stderr);
    // The whole region, and then the whole bucket in favour of another.
    fs::remove_dir_all(account.at("copy/trail-logs/AWSLogs/111122223333/CloudTrail-Digest")).unwrap();
    assert!(matches!(run().code, Some(1 | 3)));
}

fn walk(folder: &std::path::Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path.to_str().unwrap().to_owned()) }
    }
}
