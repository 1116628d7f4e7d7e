use serde_json::{Value, json};

use crate::event::Event;
use crate::report::tests::{
    HOSTILE, counts, finding, incomplete, intact, interrupted, log_modified, render, started, tampered,
};
use crate::report::{Format, Options};

fn detections(events: &[Event]) -> Vec<Value> {
    let text = render(Format::Ocsf, Options::default(), events);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_intact_run_detects_nothing() {
    assert!(detections(&intact()).is_empty());
}

#[test]
fn tampering_is_a_critical_alert_with_its_evidence() {
    let found = &detections(&tampered())[0];
    assert_eq!([&found["class_uid"], &found["type_uid"], &found["severity_id"]], [2004, 200_401, 5]);
    assert_eq!([&found["is_alert"], &found["time"]], [&json!(true), &json!(1_788_336_012_000_i64)]);
    assert_eq!(found["cloud"]["account"]["uid"], "111122223333");
    assert_eq!(found["resources"][0]["uid"], "arn:aws:s3:::trail-logs/a/log.json.gz");
    let evidence = &found["evidences"][0];
    assert_eq!(evidence["file"]["hashes"][0]["value"], "22".repeat(32));
    assert_eq!(evidence["data"]["expected"], "11".repeat(32));
    assert_eq!(found["observables"].as_array().map(Vec::len), Some(3));
}

#[test]
fn gaps_have_their_time_and_notices_are_informational() {
    let detections = detections(&incomplete());
    assert_eq!([&detections[0]["severity_id"], &detections[1]["severity_id"]], [3, 1]);
    assert_eq!(detections[0]["start_time"], 1_788_235_617_000_i64);
    assert_eq!(detections[0]["evidences"][0]["file"], Value::Null);
}

#[test]
fn a_verdict_that_no_finding_tells_of_is_told() {
    let detections = detections(&[started(None), interrupted(counts())]);
    assert_eq!(detections.len(), 1);
    assert_eq!(detections[0]["severity_id"], 3);
}

#[test]
fn names_are_exact() {
    let mut events = tampered();
    events.insert(1, finding(log_modified(HOSTILE)));
    let found = &detections(&events)[0];
    assert_eq!(found["evidences"][0]["file"]["path"], format!("s3://trail-logs/{HOSTILE}"));
}
