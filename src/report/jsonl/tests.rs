use serde_json::{Value, json};

use crate::event::{Event, ObjectState, ObjectType};
use crate::report::tests::{HOSTILE, finding, log_modified, render, tampered};
use crate::report::{Format, Options};

#[test]
fn every_event_is_a_line_of_its_own() {
    let mut events = tampered();
    let uri = format!("s3://trail-logs/{HOSTILE}");
    events.insert(1, Event::Object { object: ObjectType::Log, uri, state: ObjectState::Unverified });
    events.insert(2, finding(log_modified(HOSTILE)));
    let text = render(Format::JsonLines, Options::default(), &events);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "object", "finding", "finding", "chain", "finished"]);
    assert_eq!(lines[0]["schema"], "trailproof/events/1");
    assert_eq!(lines[0]["range"]["start"], "2026-09-01T00:00:00Z");
    assert_eq!(
        lines[1],
        json!({"event": "object", "object": "log", "state": "unverified", "uri": format!("s3://trail-logs/{HOSTILE}")})
    );
    assert_eq!(lines[2]["uri"], format!("s3://trail-logs/{HOSTILE}"));
    assert_eq!([&lines[3]["kind"], &lines[3]["reason"]], [&json!("log-modified"), &Value::Null]);
    assert_eq!(lines[4]["covered"][0]["end"], "2026-09-01T12:06:57Z");
    assert_eq!(
        [&lines[5]["verdict"], &lines[5]["counts"]["logs"]["tampered"]],
        [&json!("tampered"), &json!(1)]
    );
}

#[test]
fn a_line_can_be_read_as_soon_as_it_is_told() {
    let events = tampered();
    for told in 1..=events.len() {
        let text = render(Format::JsonLines, Options::default(), &events[..told]);
        assert_eq!(text.matches('\n').count(), told);
    }
}
