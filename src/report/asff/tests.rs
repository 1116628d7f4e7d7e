use std::collections::BTreeSet;

use serde_json::Value;

use crate::event::Event;
use crate::report::tests::{
    HOSTILE, counts, finding, incomplete, intact, interrupted, log_modified, render, started, tampered,
};
use crate::report::{Format, Options};

fn entries(events: &[Event]) -> Vec<Value> {
    serde_json::from_str(&render(Format::Asff, Options::default(), events)).unwrap()
}

#[test]
fn an_intact_chain_passes() {
    let entries = entries(&intact());
    assert_eq!(entries.len(), 1);
    let check = &entries[0];
    assert_eq!(check["Compliance"]["Status"], "PASSED");
    assert_eq!(check["Severity"]["Label"], "INFORMATIONAL");
    assert_eq!(
        check["ProductArn"],
        "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"
    );
    assert_eq!(check["Resources"][0]["Id"], "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
}

#[test]
fn tampering_fails_the_chain_and_is_a_finding() {
    let entries = entries(&tampered());
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["Compliance"]["Status"], "FAILED");
    let found = &entries[1];
    assert_eq!([&found["GeneratorId"], &found["Severity"]["Label"]], ["trailproof/log-modified", "CRITICAL"]);
    assert_eq!(found["Resources"][0]["Type"], "AwsS3Object");
    assert_eq!(found["Resources"][0]["Id"], "arn:aws:s3:::trail-logs/a/log.json.gz");
    assert_eq!(found["ProductFields"]["trailproof/actual"], "22".repeat(32));
}

#[test]
fn notices_are_left_out_and_gaps_are_the_trails() {
    let entries = entries(&incomplete());
    let statuses: Vec<_> =
        entries.iter().map(|entry| entry["Compliance"]["Status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["WARNING", "PASSED", "WARNING"]);
    assert_eq!(entries[2]["Resources"][0]["Type"], "AwsCloudTrailTrail");
    assert_eq!(entries[2]["ProductFields"]["trailproof/reason"], "logging-stopped");
}

#[test]
fn what_is_resolved_is_archived_under_the_same_id() {
    let mut found = log_modified("a/log.json.gz");
    let mut memory = crate::event::FindingMemory::of("0".repeat(32));
    memory.status = Some(crate::event::FindingStatus::Known);
    found.memory = Some(Box::new(memory));
    let mut events = tampered();
    events[1] = finding(found.clone());
    let active = entries(&events)[1].clone();
    assert_eq!(active["RecordState"], "ACTIVE");

    let when = crate::report::tests::at("2026-08-01T00:00:00Z");
    let mut resolved = crate::event::ResolvedFinding::new("0".repeat(32), when, found.kind);
    (resolved.account, resolved.region, resolved.uri) = (found.account, found.region, found.uri);
    let mut events = intact();
    if let Some(Event::Finished(summary)) = events.last_mut() {
        summary.resolved = Some(vec![resolved]);
    }
    let archived = entries(&events)[1].clone();
    assert_eq!(archived["Id"], active["Id"]);
    assert_eq!(archived["RecordState"], "ARCHIVED");
    assert_eq!(archived["Resources"], active["Resources"]);
    assert_eq!(archived["CreatedAt"], "2026-08-01T00:00:00Z");
}

#[test]
fn a_verdict_that_no_finding_tells_of_is_told() {
    let entries = entries(&[started(None), interrupted(counts())]);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["Severity"]["Label"], "MEDIUM");
    assert_eq!(entries[0]["AwsAccountId"], "000000000000");
}

#[test]
fn long_and_hostile_names_fit_and_stay_apart() {
    let mut events = tampered();
    for last in ["x", "y"] {
        let mut hostile = log_modified(&format!("{}{HOSTILE}{last}", "é".repeat(490)));
        hostile = hostile.saying(HOSTILE.repeat(100));
        hostile.actual = Some(HOSTILE.repeat(100));
        events.insert(1, finding(hostile));
    }
    let entries = entries(&events);
    let ids: BTreeSet<_> =
        entries.iter().map(|entry| entry["Resources"][0]["Id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4);
    for entry in &entries {
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        assert!(length(&entry["Resources"][0]["Id"]) <= 512);
        assert!(length(&entry["Description"]) <= 1024 && length(&entry["Title"]) <= 256);
        assert!(entry["ProductFields"].as_object().unwrap().values().all(|value| length(value) <= 2048));
    }
}
