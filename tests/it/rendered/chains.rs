//! Findings and the chains they belong to, after a report was saved.

use serde_json::{Value, json};

use super::{render, report_of};

/// Chains that differ in nothing but one part of their name, each tampered with; and findings that belong to none of them.
fn alike() -> Value {
    let mut report = report_of(&["log-modified"]);
    let chain = report["chains"][0].clone();
    let findings = report["findings"].as_array().unwrap().clone();
    let mut chains = Vec::new();
    let mut all = Vec::new();
    // In the order of chains in a report.
    for [home_region, organization, backfill] in [
        [json!("eu-west-1"), Value::Null, json!(false)],
        [json!("us-east-1"), Value::Null, json!(false)],
        [json!("us-east-1"), Value::Null, json!(true)],
        [json!("us-east-1"), json!("o-abcdefghij"), json!(false)],
    ] {
        let named = |value: &Value| {
            let mut value = value.clone();
            value["home_region"] = home_region.clone();
            value["organization"] = organization.clone();
            value["backfill"] = backfill.clone();
            value
        };
        chains.push(named(&chain));
        all.extend(findings.iter().map(named));
    }
    let nowhere = |account: Value, region: Value| {
        let mut finding = findings.last().unwrap().clone();
        for name in ["trail", "home_region", "organization", "backfill", "uri"] {
            finding[name] = Value::Null;
        }
        (finding["account"], finding["region"]) = (account, region);
        finding
    };
    all.push(nowhere(Value::Null, Value::Null));
    all.push(nowhere(chain["account"].clone(), chain["region"].clone()));
    let mut unseen = findings.last().unwrap().clone();
    unseen["trail"] = "never-seen".into();
    all.push(unseen);
    report["chains"] = chains.into();
    report["findings"] = all.into();
    report
}

fn rendered(report: &Value, format: &str) -> String {
    let done = render(report.to_string().as_bytes(), &["--format", format]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{format}");
    done.stdout
}

#[test]
fn chains_of_one_trail_and_findings_of_none_come_back() {
    let report = alike();
    let again: Value = serde_json::from_str(&rendered(&report, "json")).unwrap();
    assert_eq!(again, report);
    let mut shuffled = report.clone();
    for name in ["chains", "findings"] {
        shuffled[name].as_array_mut().unwrap().reverse();
    }
    let again: Value = serde_json::from_str(&rendered(&shuffled, "json")).unwrap();
    assert_eq!(again["chains"], report["chains"]);
    let sorted = |report: &Value| {
        let mut all: Vec<String> =
            report["findings"].as_array().unwrap().iter().map(Value::to_string).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(sorted(&again), sorted(&report));
}

#[test]
fn a_chain_that_is_tampered_with_never_passes() {
    let junit = rendered(&alike(), "junit");
    let suites: Vec<&str> = junit.split("<testsuite ").skip(1).collect();
    // The run, four chains, and their region.
    assert_eq!(suites.len(), 6, "{junit}");
    assert!(
        suites.iter().all(|suite| suite.contains(" failures=\"1\"") || suite.contains(" failures=\"2\""))
    );
    let names: std::collections::BTreeSet<_> =
        suites.iter().filter_map(|suite| suite.split('"').nth(1)).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    let asff: Value = serde_json::from_str(&rendered(&alike(), "asff")).unwrap();
    let entries = asff.as_array().unwrap();
    let of_chains: Vec<_> =
        entries.iter().filter(|entry| entry["GeneratorId"] == "trailproof/chain").collect();
    assert_eq!(of_chains.len(), 4);
    assert!(of_chains.iter().all(|entry| entry["Compliance"]["Status"] == "FAILED"));
    let ids: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry["Id"].to_string()).collect();
    assert_eq!(ids.len(), entries.len(), "each has an `Id` of its own");
}

#[test]
fn a_report_of_another_version_is_read() {
    let mut report = report_of(&["log-modified"]);
    for gone in ["run_by", "command", "interrupted"] {
        report.as_object_mut().unwrap().remove(gone).unwrap();
    }
    let chain = report["chains"][0].as_object_mut().unwrap();
    chain.remove("gaps").unwrap();
    chain.remove("timeline").unwrap();
    report["version"] = "9.9.9".into();
    report["weather"] = json!({"fine": [true]});
    for format in ["text", "json", "jsonl", "html", "csv", "junit", "prometheus", "asff"] {
        let text = rendered(&report, format);
        assert!(text.contains("9.9.9") && !text.contains("weather"), "{format}: {text}");
    }
}

#[test]
fn every_chain_is_in_the_table_where_asked() {
    let report = report_of(&[]).to_string();
    let [short, long] = [&[][..], &["-v"]].map(|more| render(report.as_bytes(), more).stdout);
    assert!(short.contains("\n  1 chain is whole: ") && !short.contains("  account       region"), "{short}");
    assert!(!long.contains("whole") && long.contains("\n  account       region"), "{long}");
}
