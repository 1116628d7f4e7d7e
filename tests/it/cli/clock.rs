//! A clock that is behind the evidence.

use std::fs;

use serde_json::Value;

use super::case::{Case, Done, program};

/// A delivery that begins 70 years after these tests were written.
const FUTURE: &str = "2096-02-28T22:06:57Z";

fn report(done: &Done) -> Value {
    serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr))
}

/// The causes of a report's findings, in order.
fn causes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["cause"].as_str().unwrap()).collect()
}

/// A run without an end of the range.
fn open_ended(case: &Case, keys: &str) -> Done {
    let mut command = program();
    command.arg("validate").arg(case.path("buckets")).arg("--public-keys").arg(case.path(keys));
    command.args(["--format", "json"]).output().unwrap().into()
}

#[test]
fn evidence_from_after_the_clock_is_judged_and_the_clock_is_named() {
    let case = Case::begun(FUTURE, &[]);
    for done in [case.validate(&["--format", "json"]), open_ended(&case, "keys.json")] {
        let report = report(&done);
        assert_eq!(done.code, Some(0), "{report}");
        assert_eq!(causes(&report).iter().filter(|cause| **cause == "clock-behind").count(), 1, "{report}");
        assert_eq!(report["counts"]["digests"]["valid"], 5, "{report}");
        assert_eq!(report["counts"]["logs"]["valid"], 4, "{report}");
    }
    assert_ne!(case.validate(&["--start-time", "2096-02-28T22:06:57Z"]).code, Some(2));
    let tampered = Case::begun(FUTURE, &["log-modified"]);
    assert_eq!(open_ended(&tampered, "keys.json").code, Some(1));
}

#[test]
fn a_date_that_nobody_signed_does_not_move_the_present() {
    let case = Case::make(&[]);
    let folder = "buckets/trail-logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1";
    let digest =
        fs::read_dir(case.path(&format!("{folder}/2024/02/29"))).unwrap().next().unwrap().unwrap().path();
    let forged = case.path(&format!("{folder}/2090/01/01"));
    fs::create_dir_all(&forged).unwrap();
    for suffix in ["", ".metadata.json"] {
        let name = "111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20900101T000000Z.json.gz";
        let digest = digest.to_str().unwrap().trim_end_matches(".metadata.json");
        fs::copy(format!("{digest}{suffix}"), forged.join(format!("{name}{suffix}"))).unwrap();
    }
    let report = report(&open_ended(&case, "keys.json"));
    let causes = causes(&report);
    assert!(causes.contains(&"future-digest") && !causes.contains(&"clock-behind"), "{report}");
    assert!(report["range"]["end"].as_str().unwrap() < "2090", "{report}");
    // Digests of the future whose keys are not trusted are named, and nothing is proved.
    let future = Case::begun(FUTURE, &[]);
    fs::copy(case.path("keys.json"), future.path("other.json")).unwrap();
    let done = open_ended(&future, "other.json");
    let report = self::report(&done);
    assert_eq!(done.code, Some(3), "{report}");
    assert!(self::causes(&report).contains(&"future-digest"), "{report}");
}

#[test]
fn an_end_that_was_typed_is_the_present_of_a_copy() {
    let case = Case::make(&[]);
    let done = case.validate(&["--end-time", "2090-01-01", "--format", "json"]);
    let report = report(&done);
    assert_eq!(done.code, Some(3), "{report}");
    assert!(causes(&report).contains(&"stale"), "{report}");
    assert_eq!(report["range"]["end"], "2090-01-01T00:00:00Z");
    assert!(
        done.stderr.contains("note: the end, 2090-01-01T00:00:00Z, is in the future: "),
        "{}",
        done.stderr
    );
    let past = case.validate(&["--end-time", "2024-02-29T12:00:00Z"]);
    assert!(!past.stderr.contains("note: the end"), "{}", past.stderr);
}
