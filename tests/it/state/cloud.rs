//! States in a bucket, and the program's own commands.

use std::fs;
use std::process::Stdio;

use serde_json::Value;
use trailproof::event::Kind;
use trailproof::state::place::S3Place;

use super::places::assert_contract;
use crate::account::{Account, json, kinds};
use crate::cloud::{Bucket, Conditions, Fault, Faults, Rule};

pub(super) const STATE: &str = "s3://state/trailproof";

pub(super) fn account() -> Account {
    let account = Account::new();
    account.cloud.create_bucket("state", Bucket { versioned: false, ..Bucket::default() });
    account
}

fn with(account: &Account, conditions: Conditions) {
    account.cloud.set_faults(Faults { conditions, ..Faults::default() });
}

pub(super) fn validate(account: &Account, more: &[&str]) -> (crate::cli::case::Done, Value) {
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
    // All or none: one id has a typing error.
    let mistyped = [&["state", "accept", STATE][..], &ids, &["f00"], &["--reason", "x"]].concat();
    let done = account.run(&mistyped);
    done.assert_cannot("no finding with id");
    assert!(done.stderr.contains("; no finding was accepted\n"), "{}", done.stderr);
    assert!(!account.run(&["state", "show", STATE]).stdout.contains("accepted by"));
    let accept = [&["state", "accept", STATE][..], &ids, &["--reason", "a \u{1b}[2J drill", "--by", "alice"]];
    let done = account.run(&accept.concat());
    assert_eq!((done.code, done.stderr.lines().count()), (Some(0), ids.len()), "{}", done.stderr);
    let (done, report) = validate(&account, &["--state", STATE]);
    assert_eq!((done.code, kinds(&report)), (Some(0), Vec::<String>::new()), "{report}");
    let shown = account.run(&["state", "show", STATE]).stdout;
    assert!(shown.contains("accepted by alice") && !shown.contains('\u{1b}'), "{shown}");
    let shown: Value =
        serde_json::from_str(&account.run(&["state", "show", STATE, "--format", "json"]).stdout).unwrap();
    let remembered = shown["files"][0]["findings"].as_array().unwrap();
    assert_eq!(remembered.len(), ids.len(), "{shown}");
    let order = |finding: &Value| Kind::ALL.iter().position(|kind| finding["kind"] == kind.as_str()).unwrap();
    assert!(remembered.is_sorted_by_key(order), "{shown}");
    // A recorded reason is replaced only on request, and the old one is printed.
    let again = ["state", "accept", STATE, ids[0], "--reason", "another", "--by", "bob"];
    let done = account.run(&again);
    done.assert_cannot("already accepted by alice at ");
    assert!(done.stderr.contains("drill`\nhint: give `--replace`"), "{}", done.stderr);
    let done = account.run(&[&again[..], &["--replace"]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("replaced: accepted by alice at "), "{}", done.stderr);
    let shown = account.run(&["state", "show", STATE]).stdout;
    assert!(shown.contains("accepted by bob"), "{shown}");
    let unknown = "0".repeat(32);
    account.run(&["state", "accept", STATE, &unknown, "--reason", "x"]).assert_cannot("no finding with id");
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
    // A state that cannot be written is said before the run, where that can be told.
    fs::remove_file(account.at("state/lock")).unwrap();
    fs::create_dir(account.at("state/lock")).unwrap();
    account.run(&["validate", "s3://trail-logs", "--state", "state"]).assert_cannot("the state `state/lock`");
    // Otherwise the report is written, and no verdict stands for it.
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    let refuse = Rule::new("PutObject", Fault::Refuse(403, "AccessDenied"));
    account.cloud.set_faults(Faults { rules: vec![refuse], ..Faults::default() });
    let done = account.run(&["validate", "s3://trail-logs", "--state", STATE]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(
        done.stderr.contains("cannot be read or written") && done.stdout.starts_with("intact"),
        "{}",
        done.stderr
    );
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

/// A mistyped source in a scheduled job would look like a run that compared something.
#[test]
fn a_state_of_other_sources_is_warned_of() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.create_bucket("other-logs", Bucket::default());
    fs::remove_dir_all(account.at("saved")).unwrap();
    account.deliver("s3://other-logs", &[]);
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    for (source, warns) in [("trail-logs", false), ("other-logs", true), ("other-logs", false)] {
        let done = account.run(&["validate", &format!("s3://{source}"), "--state", STATE]);
        let warned = done.stderr.contains("remembers other sources and nothing of this one");
        assert_eq!((done.code, warned), (Some(0), warns), "{source}: {}", done.stderr);
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
    for place in ["S3://state/x", "s3:state", "arn:aws:s3:::state", "https://state.s3.amazonaws.com/x"] {
        let done = account.run(&["state", "init", place]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{place}");
        assert!(done.stderr.contains("did you mean `s3://state"), "{place}: {}", done.stderr);
        assert_eq!(account.run(&["validate", "s3://trail-logs", "--state", place]).code, Some(2), "{place}");
    }
    account
        .run(&["validate", "s3://trail-logs", "--state", "s3://nowhere/x"])
        .assert_cannot("`trailproof state init s3://nowhere/x`");
    account.run(&["state", "init", "s3://nowhere/x"]).assert_cannot("there is no bucket `nowhere`");
    for reason in ["", " \t"] {
        assert_eq!(account.run(&["state", "accept", "state", "x", "--reason", reason]).code, Some(2));
    }
}

/// Formats that are written when the run is over, and that a saved report is rendered in again.
const FORMATS: [&str; 8] = ["text", "json", "html", "csv", "junit", "prometheus", "asff", "ocsf"];

#[test]
fn a_saved_report_of_a_run_with_memory_says_the_same() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let digests: Vec<String> =
        account.cloud.keys("trail-logs").into_iter().filter(|key| key.contains("-Digest/")).collect();
    let log = account.cloud.keys("trail-logs").into_iter().find(|key| key.contains("/CloudTrail/")).unwrap();
    account.cloud.put("trail-logs", &log, crate::bodies::gzip(b"{}"), std::collections::BTreeMap::new());
    let first = account.run(&["validate", "s3://trail-logs", "--state", "state", "--format", "json"]);
    let id = json(&first)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["kind"] == "log-modified")
        .unwrap()["id"]
        .clone();
    account.run(&["state", "accept", "state", id.as_str().unwrap(), "--reason", "a <b>drill</b>\u{202e}"]);
    account.cloud.delete("trail-logs", digests.iter().max().unwrap());
    let more: Vec<String> =
        FORMATS.iter().map(|format| format!("{format}={}", account.at(&format!("run.{format}")))).collect();
    let mut command =
        account.command(&["validate", "s3://trail-logs", "--state", "state", "--format", "jsonl"]);
    for spec in &more {
        command.arg("--report").arg(spec);
    }
    let done: crate::cli::case::Done = command.output().unwrap().into();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.lines().last().unwrap().contains("\"resolved\":[]"), "{}", done.stdout);
    let saved = account.at("run.json");
    let report: Value = serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
    crate::rendered::assert_as_its_schema(&report);
    let accepted =
        report["findings"].as_array().unwrap().iter().find(|one| one["kind"] == "accepted").unwrap();
    assert_eq!(
        (&accepted["accepted"]["kind"], &accepted["status"]),
        (&"log-modified".into(), &"known".into())
    );
    for format in FORMATS {
        let direct = fs::read_to_string(account.at(&format!("run.{format}"))).unwrap();
        let again = account.run(&["report", &saved, "--format", format]);
        assert_eq!(again.stdout, direct, "{format}");
        assert!(
            !direct.contains('\u{202e}') && (format != "html" || !direct.contains("<b>drill")),
            "{format}: {direct}"
        );
    }
    // Without a state, no field of memory appears.
    let plain = account.run(&["validate", "s3://trail-logs", "--format", "json"]).stdout;
    for field in ["\"id\"", "\"first_seen\"", "\"status\"", "\"resolved\""] {
        assert!(!plain.contains(field), "{field}");
    }
}

/// Killed at any moment, the state is the old or the new one, and is read by the next run. `TRAILPROOF_KILLS=500` kills so
/// many runs for each kind of place.
#[test]
fn a_killed_run_leaves_a_state_that_is_read() {
    let account = account();
    account.deliver("s3://trail-logs", &["--region", "us-east-1", "--region", "eu-west-1"]);
    let keys = fs::read_to_string(account.at("saved/public-keys.json")).unwrap();
    account.cloud.add_keys_json("eu-west-1", &keys);
    for place in ["state", STATE] {
        assert_eq!(account.run(&["state", "init", place]).code, Some(0));
        let begun = std::time::Instant::now();
        let first = account.run(&["validate", "s3://trail-logs", "--state", place]);
        assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
        let took = begun.elapsed();
        let kills = std::env::var("TRAILPROOF_KILLS").ok().map_or(12, |text| text.parse::<u32>().unwrap());
        for moment in 0..kills {
            let mut command = account.command(&["validate", "s3://trail-logs", "--state", place]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // From a third of the run to a little after its end, in no order.
            let share = (moment * 7919) % kills * 5 / 6 + kills / 3;
            std::thread::sleep(took * share / kills);
            let _ = child.kill();
            let _ = child.wait();
            let shown = account.run(&["state", "show", place]);
            assert_eq!(shown.code, Some(0), "{place} {moment}: {}", shown.stderr);
            assert_eq!(
                shown.stdout.matches("_CloudTrail-Digest_").count(),
                4,
                "{place} {moment}: {}",
                shown.stdout
            );
        }
        assert_eq!(account.run(&["validate", "s3://trail-logs", "--state", place]).code, Some(0));
    }
}

/// A replica has a memory of its own: it may lag behind the original, which is no rollback.
#[test]
fn a_replica_that_lags_behind_is_not_accused() {
    let account = account();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.create_bucket("replica", Bucket::default());
    account.cloud.copy_objects("trail-logs", "replica");
    let lose_newest = || {
        let digests = account.cloud.keys("replica").into_iter().filter(|key| key.contains("-Digest/"));
        account.cloud.purge("replica", &digests.max().unwrap());
    };
    let moved = ["--relocated-from", "s3://trail-logs"];
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    let original = || account.run(&["validate", "s3://trail-logs", "--state", STATE]).code;
    let replica =
        || account.run(&[&["validate", "s3://replica", "--state", STATE], &moved[..]].concat()).code;
    lose_newest();
    assert_eq!((original(), replica()), (Some(0), Some(0)));
    assert_eq!((original(), replica()), (Some(0), Some(0)));
    // What the replica once had, it has to keep.
    lose_newest();
    assert_eq!((original(), replica()), (Some(0), Some(1)));
}

/// What lies behind an access point is remembered under the name of the access point.
#[test]
fn an_access_point_has_a_memory() {
    const ALIAS: &str = "audit-p3xr7s4zexample-s3alias";
    let account = account();
    account.deliver("s3://trail-logs/a/b", &[]);
    account.cloud.create_bucket(ALIAS, Bucket::default());
    account.cloud.copy_objects("trail-logs", ALIAS);
    assert_eq!(account.run(&["state", "init", STATE]).code, Some(0));
    let source = format!("s3://{ALIAS}/a/b");
    let run = || {
        let more = ["--relocated-from", "s3://trail-logs", "--state", STATE];
        account.run(&[&["validate", &source], &more[..]].concat())
    };
    for number in 0..2 {
        let done = run();
        assert_eq!(done.code, Some(0), "{number}: {}{}", done.stdout, done.stderr);
    }
    for key in account.cloud.keys(ALIAS) {
        account.cloud.purge(ALIAS, &key);
    }
    let done = run();
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
}
