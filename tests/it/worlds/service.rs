//! Worlds through the real binary: its own patience, its exit codes, and where it writes nothing.

use std::fs;
use std::time::Duration;

use crate::account::{Account, json, kinds, message};
use crate::cli::case::Case;
use crate::cloud::{Fault, Faults, Rule};

const GET: &str = "GetObject";

fn failing(rules: Vec<Rule>) -> Account {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.set_faults(Faults { rules, ..Faults::default() });
    account
}

/// An answer that begins after the program's 30 seconds is asked for again.
#[test]
fn one_answer_that_takes_half_a_minute_changes_nothing() {
    let late = Rule::new(GET, Fault::Wait(Duration::from_secs(31))).on("/CloudTrail/").after(2).times(1);
    let account = failing(vec![late]);
    account.run(&["validate", "s3://trail-logs"]).assert_verdict(0, "intact");
}

#[test]
fn worlds_have_the_exit_code_of_their_verdict() {
    let log = |fault| Rule::new(GET, fault).on("/CloudTrail/");
    let digest = |fault| Rule::new(GET, fault).on("/CloudTrail-Digest/");
    for (rule, code, kind, says) in [
        (log(Fault::Flip).times(1), 3, "log-unreadable", "two reads of the log file gave different bytes"),
        (
            digest(Fault::Flip).times(1),
            3,
            "digest-unreadable",
            "two reads of the digest gave different bytes",
        ),
        (log(Fault::Flip), 1, "log-modified", ""),
        (log(Fault::Refuse(404, "NoSuchKey")), 3, "log-unreadable", "GET returned 404, but version"),
        (log(Fault::Refuse(403, "AccessDenied")), 3, "log-unreadable", "access denied"),
        (log(Fault::Refuse(400, "ExpiredToken")), 3, "log-unreadable", "credentials were not accepted"),
        (log(Fault::Refuse(503, "SlowDown")), 3, "log-unreadable", "SlowDown"),
    ] {
        let account = failing(vec![rule]);
        let done = account.run(&["validate", "s3://trail-logs", "--format", "json"]);
        let report = json(&done);
        assert_eq!(done.code, Some(code), "{kind}: {report}");
        assert!(kinds(&report).contains(&kind.to_owned()), "{kind}: {report}");
        assert!(message(&report, kind).contains(says), "{says}: {report}");
    }
}

/// A world that lasts for some requests is over for the next run.
#[test]
fn a_bit_that_was_another_one_once_is_right_the_next_time() {
    let account = failing(vec![Rule::new(GET, Fault::Flip).on("/CloudTrail/").times(1)]);
    account
        .run(&["validate", "s3://trail-logs"])
        .assert_verdict(3, "two reads of the log file gave different bytes");
    account.run(&["validate", "s3://trail-logs"]).assert_verdict(0, "intact");
}

/// Nothing is spooled: a folder for temporary files that is full, or not there, changes nothing.
#[test]
fn no_temporary_folder_is_needed() {
    let case = Case::make(&["log-modified"]);
    for format in ["text", "json", "jsonl", "html", "csv", "junit", "prometheus", "asff", "ocsf"] {
        let file = case.text("report");
        let mut command = case.command(&["--report", &format!("{format}={file}"), "--format", format]);
        let output = command.env("TMPDIR", case.path("no/where")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}: {output:?}");
        assert!(fs::read_to_string(&file).unwrap().contains("log-modified"), "{format}");
    }
}
