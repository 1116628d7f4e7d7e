//! Limits on files that the user names, and the options that raise them.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::bodies::in_time;
use crate::cli::case::{Case, trailproof};

/// `1,234`.
fn grouped(number: u64) -> String {
    match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        small => small.to_string(),
    }
}

#[test]
fn a_keys_file_beyond_its_limit_is_refused_and_the_limit_can_be_raised() {
    let case = Case::make(&[]);
    let size = fs::metadata(case.path("keys.json")).unwrap().len();
    let enough = case.validate(&["--max-keys-size", &size.to_string()]);
    enough.assert_verdict(0, "intact");
    for less in [0, 1, size - 1] {
        let done = case.validate(&["--max-keys-size", &less.to_string()]);
        let bytes = if less == 1 { "1 byte\n".to_owned() } else { format!("{} bytes\n", grouped(less)) };
        done.assert_cannot(&format!("larger than the limit of {bytes}"));
        assert!(done.stderr.contains("hint: raise `--max-keys-size`"), "{}", done.stderr);
    }
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}", "A".repeat(2_000));
    fs::write(case.path("keys.pem"), pem).unwrap();
    case.with_keys(&["keys.pem"]).assert_cannot("cannot be used");
    fs::write(case.path("keys.pem"), "-----BEGIN PUBLIC KEY-----\n".to_owned() + &"A".repeat(17 << 20))
        .unwrap();
    case.with_keys(&["keys.pem"]).assert_cannot("larger than the limit of 16 MiB\n");
    case.with_keys(&["keys.json", "/dev/zero"]).assert_cannot("raise `--max-keys-size`");
}

/// Shells hand over what a command prints by a FIFO: that is read like a file, and no further than one.
#[test]
fn a_fifo_of_keys_is_read_to_the_limit() {
    let case = Case::make(&[]);
    for (name, endless) in [("fine", false), ("endless", true)] {
        let path = case.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let keys = fs::read(case.path("keys.json")).unwrap();
        let writer = thread::spawn(move || {
            let mut fifo = File::options().write(true).open(path).unwrap();
            while fifo.write_all(&keys).is_ok() && endless {}
        });
        let done = case.with_keys(&[name]);
        writer.join().unwrap();
        match endless {
            true => done.assert_cannot("raise `--max-keys-size`"),
            false => done.assert_verdict(0, "intact"),
        }
    }
}

#[test]
fn of_very_many_bad_keys_the_first_are_named_and_the_rest_counted() {
    let case = Case::make(&[]);
    let mut keys: Value = serde_json::from_slice(&fs::read(case.path("keys.json")).unwrap()).unwrap();
    let list = keys["PublicKeyList"].as_array_mut().unwrap();
    list.extend((0..3_000).map(|_| json!("\u{7f}".repeat(400))));
    fs::write(case.path("keys.json"), keys.to_string()).unwrap();
    let done = case.validate(&["--format", "json"]);
    assert_eq!((done.code, done.stderr.lines().count()), (Some(0), 1_001), "{}", done.stdout);
    let last = done.stderr.lines().next_back().unwrap();
    assert!(last.contains("and 2000 more entries are not usable"), "{last}");
    assert!(done.stderr.lines().all(|line| line.len() < 2_000));
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let said = report["findings"].as_array().unwrap().iter().filter(|found| found["kind"] == "key-unknown");
    assert_eq!(said.count(), 1_001);
}

#[test]
fn what_is_said_of_a_report_is_short_whatever_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let long = "\u{7f}".repeat(1 << 20);
    for report in [json!(long), json!([long]), json!({"schema": long}), json!({"schema": [long]})] {
        let path = dir.path().join("run.json");
        fs::write(&path, report.to_string()).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let done = in_time("a report", move || trailproof(&["report", &path]));
        done.assert_cannot("cannot be used");
        assert!(done.stderr.len() < 3_000, "{}", done.stderr.len());
    }
}

#[test]
fn limits_have_to_be_numbers_that_mean_something() {
    let case = Case::make(&[]);
    for bad in [
        ["--max-named", "0"],
        ["--max-named", "5000000000"],
        ["--max-keys-size", "x"],
        ["--max-digest-size", "1X"],
    ] {
        let done = case.validate(&bad);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{}", done.stderr);
        assert!(done.stderr.contains(bad[0]), "{}", done.stderr);
    }
}
