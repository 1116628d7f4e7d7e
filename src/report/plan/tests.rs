//! Plans made by hand, in both forms.

use serde_json::{Value, json};

use super::*;
use crate::event::{Finding, Kind};
use crate::ident::ChainId;
use crate::time::Timestamp;
use crate::validate::plan::{Amount, ArchivedAmount, ChainPlan, RegionPlan};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_digest_field(text).unwrap()
}

fn chain(region: &str, trail: &str) -> ChainPlan {
    ChainPlan {
        id: ChainId {
            account: "111122223333".into(),
            region: region.into(),
            trail: trail.into(),
            home_region: "us-east-1".into(),
            organization: None,
            backfill: false,
        },
        selected: true,
        inside: Amount { objects: 1_200, bytes: 1_000_000 },
        witnesses: Amount { objects: 3, bytes: 2_500 },
        first: at("2026-07-13T00:06:57Z"),
        last: at("2026-09-01T02:06:57Z"),
    }
}

fn plan() -> Plan {
    let logs = Amount { objects: 36_000, bytes: 2_000_000_000 };
    let region =
        |region: &str, logs| RegionPlan { account: "111122223333".into(), region: region.into(), logs };
    Plan {
        chains: vec![
            ChainPlan { selected: false, ..chain("eu-west-3", "other") },
            chain("us-east-1", "audit"),
        ],
        regions: vec![region("eu-west-3", Amount::default()), region("us-east-1", logs)],
        list_requests: 42,
        archived: ArchivedAmount::default(),
        findings: Vec::new(),
    }
}

fn planned<'a>(plan: &'a Plan, sources: &'a [String], in_s3: bool) -> Planned<'a> {
    Planned {
        sources,
        range: Range { start: None, end: at("2026-09-01T00:00:00Z") },
        in_s3,
        plan,
        manifest: None,
    }
}

fn text(plan: &Plan, in_s3: bool, options: Options) -> String {
    let mut out = Vec::new();
    write_text(&planned(plan, &["s3://trail-logs".to_owned()], in_s3), options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn document(plan: &Plan, in_s3: bool) -> Value {
    let mut out = Vec::new();
    write_json(&planned(plan, &["s3://trail-logs".to_owned()], in_s3), &mut out).unwrap();
    assert_eq!(out.last(), Some(&b'\n'));
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_plan_of_s3_as_text() {
    let expected = concat!(
        "plan: 2,406 digests and about 36,000 log files to read, 2,002,005,000 bytes; nothing was verified

sources  s3://trail-logs
range    where the record begins to 2026-09-01T00:00:00Z
plan     trailproof ",
        env!("CARGO_PKG_VERSION"),
        ", from listings alone

digests to read
  account       region          trail                     in range  neighbours
  111122223333  eu-west-3       other                        1,200           3
    ending 2026-07-13T00:06:57Z to 2026-09-01T02:06:57Z, 1,002,500 bytes
    home us-east-1
    not asked for: read for its lists of log files
  111122223333  us-east-1       audit                        1,200           3
    ending 2026-07-13T00:06:57Z to 2026-09-01T02:06:57Z, 1,002,500 bytes

log files to read, estimated
  account       region                  files                bytes
  111122223333  eu-west-3                   0                    0
  111122223333  us-east-1              36,000        2,000,000,000

findings
  none

totals
  digests   1,200 in range, 1,206 neighbours, read but not counted
  logs      about 36,000
  bytes     2,002,005,000
  requests  42 LIST, 38,406 GET
  cost      $0.02 in the bucket's region
            $0.20 over the internet, less with free transfer (100 GB a month)
            at the prices of S3 Standard in us-east-1
  archived  none
            Listings do not show the archive tiers of S3 Intelligent-Tiering, and
            show restored objects as archived.

This is a plan: nothing was verified. Log files are estimated by the minutes in
their names, up to 20 minutes off, whether or not a digest lists them.
"
    );
    assert_eq!(text(&plan(), true, Options::default()), expected);
}

#[test]
fn a_directory_has_files_and_no_price() {
    let report = text(&plan(), false, Options::default());
    assert!(report.contains("\n  files     38,406, 2,002,005,000 bytes\n\nThis is a plan"), "{report}");
    assert!(!report.contains('$') && !report.contains("LIST"), "{report}");
    assert_eq!(document(&plan(), false)["cost_usd"], Value::Null);
}

#[test]
fn quiet_is_the_first_line() {
    for plan in [plan(), Plan::default()] {
        let line = text(&plan, true, Options { quiet: true, ..Options::default() });
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(text(&plan, true, Options::default()).starts_with(&line));
    }
}

#[test]
fn what_could_not_be_listed_is_said_and_escaped() {
    let mut plan = plan();
    let message = "the folder cannot be listed\u{1b}[2J";
    plan.findings.push(Finding::told(Kind::DigestUnreadable, Timestamp::from_unix(0), message));
    plan.chains[1].id.trail = "au\u{202e}dit".into();
    let report = text(&plan, true, Options { colour: true, ..Options::default() });
    assert!(report.starts_with("\u{1b}[1;33mincomplete plan\u{1b}[0m: 2,406 digests"), "{report}");
    assert!(report.contains("digest-unreadable (1)") && report.contains("listed\\u{1b}[2J"), "{report}");
    assert!(report.contains("au\\u{202e}dit") && !report.contains('\u{202e}'), "{report}");
    assert_eq!(document(&plan, true)["findings"][0]["message"], message);
}

#[test]
fn a_plan_of_nothing_is_no_success() {
    let report = text(&Plan::default(), true, Options::default());
    assert!(report.starts_with("incomplete plan: no digests found"), "{report}");
    assert!(report.contains("no chain of digests was found"), "{report}");
    assert!(!Plan::default().is_complete());
}

#[test]
fn a_plan_as_json() {
    let report = document(&plan(), true);
    assert_eq!(report["schema"], "trailproof/plan/1");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["sources"], json!(["s3://trail-logs"]));
    assert_eq!(report["range"], json!({"start": null, "end": "2026-09-01T00:00:00Z"}));
    let chain = json!({
        "account": "111122223333", "region": "eu-west-3", "trail": "other", "home_region": "us-east-1",
        "organization": null, "backfill": false, "selected": false,
        "digests": 1_200, "digest_bytes": 1_000_000, "witnesses": 3, "witness_bytes": 2_500,
        "first": "2026-07-13T00:06:57Z", "last": "2026-09-01T02:06:57Z",
    });
    assert_eq!(report["chains"][0], chain);
    let region =
        json!({"account": "111122223333", "region": "us-east-1", "logs": 36_000, "bytes": 2_000_000_000_u64});
    assert_eq!(report["regions"][1], region);
    assert_eq!(report["requests"], json!({"list": 42, "get": 38_406}));
    assert_eq!(report["bytes"], 2_002_005_000_u64);
    assert_eq!(report["cost_usd"], json!({"requests": 0.0155724, "transfer_to_internet": 0.18018045}));
    assert_eq!(report["findings"], json!([]));
}
