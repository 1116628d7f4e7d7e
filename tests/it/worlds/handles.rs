//! Few file handles, for the real binary: on disk and in S3, everything is read with however few there are, or it is said
//! at the start that there are too few.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::account::Account;
use crate::cli::case::{Case, Done};
use crate::cloud::Faults;

/// The same command with so few file handles: `limit` is what bash's `ulimit` takes.
fn limited(command: &Command, limit: &str) -> Done {
    limited_after("", command, limit)
}

/// The same after bash has done something else.
fn limited_after(first: &str, command: &Command, limit: &str) -> Done {
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("{first}ulimit {limit}; exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    if command.get_envs().any(|(name, _)| name == "AWS_REGION") {
        shell.env_clear();
    }
    for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell.output().unwrap().into()
}

/// What few handles may come to: `None` where the run says that it cannot begin, else its report, in which nothing is
/// unread.
fn read(done: &Done, limit: &str, objects: u64) -> Option<Value> {
    let shown = format!("{limit}: {:?}\n{}\n{}", done.code, done.stdout, done.stderr);
    assert!(!done.stderr.contains("panicked"), "{shown}");
    // What starts the program needs handles as well, how many depends on who runs the tests: then nothing has begun.
    if done.code == Some(127) && done.stderr.contains("error while loading shared libraries") {
        return None;
    }
    if done.code == Some(2) {
        done.assert_cannot("Too many open files");
        assert!(done.stderr.contains("`ulimit -n`") || done.stderr.contains("cannot write"), "{shown}");
        return None;
    }
    let report: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {shown}"));
    let count = |of: &str, state: &str| report["counts"][of][state].as_u64().unwrap();
    let judged = ["digests", "logs"].map(|of| count(of, "valid") + count(of, "tampered")).iter().sum::<u64>();
    assert_eq!(judged, objects, "{shown}");
    Some(report)
}

/// Holds a run with few handles to its delivery; whether it began.
fn held(done: &Done, limit: &str, is_tampered: bool, objects: u64) -> bool {
    let Some(report) = read(done, limit, objects) else { return false };
    let findings = report["findings"].as_array().unwrap().iter();
    let serious: Vec<_> = findings.filter(|finding| finding["severity"] != "notice").collect();
    let expected: &[&str] = if is_tampered { &["log-modified"] } else { &[] };
    assert!(serious.iter().map(|finding| &finding["kind"]).eq(expected), "{limit}: {serious:#?}");
    assert_eq!(done.code, Some(i32::from(is_tampered)), "{limit}");
    true
}

/// From none to spare to enough.
const HANDLES: [u32; 14] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 32, 64];

/// So many have to be enough, whatever the run is.
const ENOUGH: u32 = 48;

#[test]
fn on_disk() {
    for tampers in [&[][..], &["log-modified"]] {
        let case = Case::make(tampers);
        for jobs in ["1", "8", "64"] {
            let command = case.command(&["--format", "json", "--jobs", jobs]);
            for handles in HANDLES {
                let limit = format!("-n {handles}");
                let begun = held(&limited(&command, &limit), &limit, !tampers.is_empty(), 9);
                assert!(if handles >= 16 { begun } else { handles > 4 || !begun }, "{handles}");
            }
        }
    }
}

#[test]
fn in_s3() {
    for tampers in [&[][..], &["--tamper", "log-modified"]] {
        let account = Account::new();
        account.deliver("s3://trail-logs", tampers);
        account.cloud.set_faults(Faults { latency: Duration::from_millis(20), ..Faults::default() });
        for jobs in [&[][..], &["--jobs", "1"], &["--jobs", "64"]] {
            let mut command = account.command(&["validate", "s3://trail-logs", "--format", "json"]);
            command.args(jobs);
            for handles in HANDLES {
                let limit = format!("-n {handles}");
                let begun = held(&limited(&command, &limit), &limit, !tampers.is_empty(), 11);
                assert!(if handles >= ENOUGH { begun } else { handles > 4 || !begun }, "{handles}");
            }
        }
    }
}

/// Reports of every format besides, which take handles as well.
fn with_reports(command: &mut Command, folder: &Path) {
    for format in ["text", "json", "jsonl", "html", "csv", "junit", "prometheus", "asff", "ocsf"] {
        command.arg("--report").arg(format!("{format}={}", folder.join(format).display()));
    }
}

#[test]
fn hundreds_of_objects_on_disk() {
    let account = Account::new();
    let made = account.run(&["simulate", "copy", "--hours", "12", "--logs-per-hour", "40"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let folder = tempfile::tempdir().unwrap();
    for (handles, jobs) in [(24, "64"), (48, "1"), (48, "1024"), (64, "64"), (128, "1024"), (256, "1024")] {
        let mut command = account.command(&["validate", "copy", "--format", "json", "--jobs", jobs]);
        command.args(["--public-keys", "copy/public-keys.json"]);
        if handles >= ENOUGH {
            with_reports(&mut command, folder.path());
        }
        let limit = format!("-n {handles}");
        assert!(held(&limited(&command, &limit), &limit, false, 12 * 41 + 1), "{handles}");
    }
}

#[test]
fn hundreds_of_objects_in_s3() {
    let account = Account::new();
    let made = account.run(&[
        "simulate",
        "s3://trail-logs",
        "--save",
        "saved",
        "--hours",
        "12",
        "--logs-per-hour",
        "40",
    ]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    account
        .cloud
        .add_keys_json("us-east-1", &fs::read_to_string(account.at("saved/public-keys.json")).unwrap());
    // Requests that wait are under way together.
    account.cloud.set_faults(Faults { latency: Duration::from_millis(40), ..Faults::default() });
    let folder = tempfile::tempdir().unwrap();
    for (handles, jobs) in
        [(48, None), (48, Some("1024")), (64, None), (128, None), (128, Some("512")), (256, None)]
    {
        let mut command = account.command(&["validate", "s3://trail-logs", "--format", "json"]);
        command.args(jobs.iter().flat_map(|jobs| ["--jobs", jobs]));
        with_reports(&mut command, folder.path());
        let limit = format!("-n {handles}");
        assert!(held(&limited(&command, &limit), &limit, false, 12 * 41 + 1), "{handles} {jobs:?}");
    }
}

#[test]
fn handles_that_are_open_already_are_counted() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.set_faults(Faults { latency: Duration::from_millis(20), ..Faults::default() });
    let command = account.command(&["validate", "s3://trail-logs", "--format", "json", "--jobs", "64"]);
    let open = "for n in $(seq 10 209); do eval \"exec $n</dev/null\"; done; ";
    for handles in [216, 240, 248] {
        let limit = format!("-n {handles}");
        let begun = held(&limited_after(open, &command, &limit), &limit, false, 11);
        assert!(if handles == 248 { begun } else { handles > 216 || !begun }, "{handles}");
    }
}

#[test]
fn a_soft_limit_is_raised_as_far_as_the_hard_one_allows() {
    let case = Case::make(&[]);
    let command = case.command(&["--format", "json", "--jobs", "64"]);
    let begun = ["-Sn 10", "-Sn 6", "-n 6"].map(|limit| held(&limited(&command, limit), limit, false, 9));
    assert_eq!(begun, [true, true, false]);
}
