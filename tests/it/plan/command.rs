//! `validate --dry-run` through the real binary.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::cli::case::{Case, Done, trailproof};

fn json(done: &Done) -> Value {
    assert_eq!(done.stderr, "");
    serde_json::from_str(&done.stdout).unwrap()
}

#[test]
fn no_keys_are_needed() {
    let case = Case::make(&[]);
    for source in ["buckets", "buckets/trail-logs"] {
        let done = trailproof(&["validate", &case.text(source), "--dry-run"]);
        done.assert_verdict(0, "plan: 5 digests and about 4 log files to read, ");
        for what in
            ["digests to read", "totals\n  digests   5 in range", "  files     9, ", "nothing was verified"]
        {
            assert!(done.stdout.contains(what), "`{what}`: {}", done.stdout);
        }
        assert!(!done.stdout.contains('$') && !done.stdout.contains("intact"), "{}", done.stdout);
    }
}

#[test]
fn the_plan_is_what_the_run_reads() {
    let case = Case::make(&[]);
    for more in [&[][..], &["--start-time", "2024-02-28T23:30:00Z"], &["--jobs", "1"]] {
        let report = json(&case.validate(&[more, &["--format", "json"]].concat()));
        let done = case.validate(&[more, &["--format", "json", "--dry-run"]].concat());
        let plan = json(&done);
        assert_eq!((done.code, &plan["schema"]), (Some(0), &Value::from("trailproof/plan/1")));
        assert_eq!((&plan["sources"], &plan["range"]), (&report["sources"], &report["range"]));
        assert_eq!(plan["chains"][0]["digests"], report["counts"]["digests"]["valid"]);
        assert_eq!(plan["regions"][0]["logs"], report["counts"]["logs"]["valid"]);
        assert_eq!(plan["cost_usd"], Value::Null);
    }
}

#[test]
fn what_is_not_there_is_incomplete() {
    let case = Case::make(&[]);
    for wrong in [&["--trail", "other"][..], &["--end-time", "2020-01-01"], &["--account-id", "999999999999"]]
    {
        let done = case.validate(&[wrong, &["--dry-run"]].concat());
        done.assert_verdict(3, "incomplete plan: no digests found");
        assert!(done.stdout.contains("[incomplete] no-digests"), "{}", done.stdout);
        let done = case.validate(&[wrong, &["--dry-run", "--format", "json"]].concat());
        assert_eq!((done.code, &json(&done)["findings"][0]["kind"]), (Some(3), &Value::from("no-digests")));
    }
    fs::create_dir(case.path("empty")).unwrap();
    trailproof(&["validate", &case.text("empty"), "--dry-run"]).assert_cannot("is empty");
}

#[test]
fn quiet_is_one_line_and_other_reports_are_refused() {
    let case = Case::make(&["log-name-escape"]);
    let done = case.validate(&["--dry-run", "-q"]);
    assert_eq!((done.stdout.lines().count(), done.stderr.as_str()), (1, ""), "{}", done.stdout);
    assert!(case.validate(&["--dry-run"]).stdout.starts_with(&done.stdout));
    let file = case.text("report.json");
    let done = case.validate(&["--dry-run", "--report", &format!("json={file}")]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr.contains("cannot be used with") && !case.path("report.json").exists(),
        "{}",
        done.stderr
    );
    case.validate(&["--dry-run", "--format", "xml"]).assert_cannot("unknown report format");
    case.validate(&["--dry-run", "--public-keys", "nowhere"]).assert_cannot("cannot be read");
}

#[test]
fn tampering_does_not_stop_a_plan() {
    for tamper in ["log-modified", "digest-modified", "digest-malformed", "log-name-escape"] {
        let case = Case::make(&[tamper]);
        let done = case.validate(&["--dry-run"]);
        done.assert_verdict(0, "nothing was verified");
        assert!(!done.stdout.contains('\u{1b}'), "{}", done.stdout);
    }
}

#[test]
fn a_reader_who_goes_away_is_no_error_and_a_full_disk_is() {
    let case = Case::make(&[]);
    for more in [&["--dry-run"][..], &["--dry-run", "--format", "json"], &["--dry-run", "-q"]] {
        let mut child = case.command(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((stderr.as_str(), child.wait().unwrap().code()), ("", Some(2)), "{more:?}");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = case.command(more).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(stderr.starts_with("error: `stdout` cannot be written") && stderr.lines().count() == 2);
    }
}
