use serde_json::{Value, json};

use crate::event::{Finding, Kind};
use crate::report::tests::{at, finding, incomplete, intact, log_modified, render, tampered};
use crate::report::{Format, Options};

fn document(events: &[crate::event::Event]) -> (String, Value) {
    let text = render(Format::Json, Options::default(), events);
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

#[test]
fn every_field_is_there_in_its_order() {
    let (text, _) = document(&tampered());
    let expected = concat!(
        r#"{
  "schema": "trailproof/report/1",
  "version": ""#,
        env!("CARGO_PKG_VERSION"),
        r#"",
  "verdict": "tampered",
  "sources": [
    "s3://trail-logs"
  ],
  "range": {
    "start": "2026-09-01T00:00:00Z",
    "end": "2026-09-01T12:06:57Z"
  },
  "started": "2026-09-02T08:00:00Z",
  "finished": "2026-09-02T08:00:12Z",
  "run_by": "auditor@host",
  "command": "trailproof validate s3://trail-logs",
  "interrupted": false,
  "counts": {
    "digests": {
      "valid": 12,
      "tampered": 0,
      "unverified": 0
    },
    "logs": {
      "valid": 35,
      "tampered": 1,
      "unverified": 0,
      "unreferenced": 0
    },
    "compressed_bytes": 54321,
    "inflated_bytes": 1234567
  },
  "keys": [
    {
      "fingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
      "region": "us-east-1",
      "valid_from": "2026-08-15T00:00:00Z",
      "valid_to": "2026-09-15T00:00:00Z",
      "source": "keys.json"
    },
    {
      "fingerprint": "d41d8cd98f00b204e9800998ecf8427e",
      "region": "us-east-1",
      "valid_from": null,
      "valid_to": null,
      "source": "keys.json"
    }
  ],
  "chains": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "trail": "audit",
      "home_region": "us-east-1",
      "organization": null,
      "backfill": false,
      "covered": [
        {
          "start": "2026-09-01T00:06:57Z",
          "end": "2026-09-01T12:06:57Z"
        }
      ],
      "digests": 12,
      "logs": 36,
      "counts": {
        "digests": {
          "valid": 12,
          "tampered": 0,
          "unverified": 0
        },
        "logs": {
          "valid": 36,
          "tampered": 0,
          "unverified": 0
        }
      },
      "gaps": 0,
      "timeline": {
        "start": "2026-09-01T00:06:57Z",
        "step": 43200,
        "runs": "1p"
      }
    }
  ],
  "findings": [
    {
      "kind": "log-modified",
      "severity": "tampered",
      "account": "111122223333",
      "region": "us-east-1",
      "trail": "audit",
      "home_region": "us-east-1",
      "organization": null,
      "backfill": false,
      "uri": "s3://trail-logs/a/log.json.gz",
      "digest": "s3://trail-logs/digest.json.gz",
      "cause": null,
      "message": "the SHA-256 of its content differs",
      "hint": "keep the object as evidence; an older version or a replica with the expected hash is the original",
      "expected": "1111111111111111111111111111111111111111111111111111111111111111",
      "actual": "2222222222222222222222222222222222222222222222222222222222222222",
      "original": null,
      "start": null,
      "end": null,
      "reason": null,
      "covered_by": [],
      "objects": []
    }
  ]
}
"#
    );
    assert_eq!(text, expected);
}

#[test]
fn what_is_open_or_absent_is_null() {
    let (_, report) = document(&intact());
    assert_eq!(report["range"]["start"], Value::Null);
    assert_eq!(report["verdict"], "intact");
    assert_eq!(report["findings"], json!([]));
    let (_, report) = document(&incomplete());
    let gap = &report["findings"][0];
    assert_eq!(gap["reason"], "logging-stopped");
    assert_eq!(gap["start"], "2026-09-01T04:06:57Z");
    assert_eq!([&gap["uri"], &gap["expected"]], [&Value::Null, &Value::Null]);
    assert_eq!(report["findings"][1]["severity"], "notice");
    assert_eq!(report["chains"][0]["covered"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["chains"][1]["backfill"], true);
}

#[test]
fn hostile_names_stay_what_they_are_and_are_not_seen_raw() {
    let name = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{feff}\u{e0041}\"\\\n</script>é監\u{301}";
    let mut events = tampered();
    events.insert(1, finding(log_modified(name)));
    events.insert(1, finding(Finding::told(Kind::NoDigests, at("2026-09-01T00:00:00Z"), name)));
    let (text, report) = document(&events);
    assert_eq!(report["findings"][0]["uri"], format!("s3://trail-logs/{name}"));
    assert_eq!(report["findings"][2]["message"], name);
    assert!(text.contains(r#"a\u001b[2J\u009b31m\u007f\u202e\ufeff\udb40\udc41\"\\\n</script>é監"#));
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{feff}', '\u{e0041}']));
}
