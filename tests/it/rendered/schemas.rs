//! The schemas, and who ran it.

use std::fs;
use std::process::Command;

use serde_json::Value;
use trailproof::report::json::{PLAN_SCHEMA_FILE, SCHEMA_FILE, TRAILS_SCHEMA_FILE};

use trailproof::shards::{RESULT_SCHEMA_FILE, SCHEMA_FILE as SHARD_FILE};

use super::{errors, report_of, schema};
use crate::cli::case::{Case, trailproof};
use crate::fixtures::{delivery, every_case, trailproof as run_in};

#[test]
fn every_plan_is_as_its_schema_says() {
    every_case(|case| {
        let more = ["--dry-run", "--format", "json"].map(str::to_owned);
        let output = run_in(&delivery::folder(case)?, &[case.validate_arguments(), more.to_vec()].concat());
        let plan: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let wrong = errors(&plan);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    });
}

#[test]
fn what_contradicts_itself_is_no_report_by_the_schema_either() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let report = report_of(&["log-modified"]);
    assert!(validator.is_valid(&report));
    for (pointer, value) in [
        ("/verdict", Value::from("intact")),
        ("/verdict", Value::from("fine")),
        ("/schema", Value::from("trailproof/report/2")),
        ("/range/end", Value::from("yesterday")),
        ("/counts/logs/valid", Value::from(-1)),
        ("/findings/0/kind", Value::from("log-eaten")),
        ("/chains/0/timeline/runs", Value::from("3x")),
        ("/chains/0/timeline/step", Value::from(0)),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
}

#[test]
fn the_schema_is_printed_and_stdin_is_read() {
    let done = trailproof(&["report", "--schema"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), SCHEMA_FILE));
    for (which, schema) in [
        ("report", SCHEMA_FILE),
        ("plan", PLAN_SCHEMA_FILE),
        ("trails", TRAILS_SCHEMA_FILE),
        ("shard", SHARD_FILE),
        ("shard-result", RESULT_SCHEMA_FILE),
    ] {
        assert_eq!(trailproof(&["report", "--schema", which]).stdout, schema);
    }
    assert_eq!(trailproof(&["report"]).code, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    fs::write(&file, report_of(&[]).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailproof"));
    let output = command.args(["report", "-", "-q"]).stdin(fs::File::open(file).unwrap()).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"intact: "));
}

#[test]
fn who_ran_it_is_told() {
    let case = Case::make(&[]);
    let report = |more: &[&str]| -> Value {
        serde_json::from_str(&case.validate(&[&["--format", "json"], more].concat()).stdout).unwrap()
    };
    let named = report(&["--run-by", "the night watch; $(id)"]);
    assert_eq!(named["run_by"], "the night watch; $(id)");
    let command = named["command"].as_str().unwrap();
    assert!(
        command.starts_with("trailproof validate ") && command.ends_with("--run-by 'the night watch; $(id)'")
    );
    assert!(report(&[])["run_by"].as_str().is_some_and(|who| who.contains('@')));
}
