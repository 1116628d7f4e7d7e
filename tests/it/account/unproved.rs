//! Failures that one finding on a region tells of: no format says that the region's chains are whole.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use trailproof::report::Format;

use super::{Account, json, kinds};
use crate::cloud::{Fault, Faults, Rule};
use crate::rendered::whole::passes_only_what_is_proved;

const SOURCE: &str = "s3://trail-logs";

/// Validates in every format, and renders the saved report again in every format.
fn every_format(account: &Account, more: &[&str]) -> (Value, [BTreeMap<Format, String>; 2]) {
    let specs = |folder: &str| -> Vec<String> {
        fs::create_dir_all(account.at(folder)).unwrap();
        let spec = |format: Format| format!("{}={}", format.as_str(), account.at(&file(folder, format)));
        Format::ALL.into_iter().flat_map(|format| ["--report".to_owned(), spec(format)]).collect()
    };
    let run = |arguments: &[&str], folder: &str| {
        let specs = specs(folder);
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        account.run(&[arguments, &specs].concat())
    };
    let done = run(&[&["validate", SOURCE, "--format", "json"], more].concat(), "direct");
    let report = json(&done);
    let saved = account.at(&file("direct", Format::Json));
    let again = run(&["report", &saved], "again");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let texts = ["direct", "again"].map(|folder| {
        let text = |format| fs::read_to_string(account.at(&file(folder, format))).unwrap();
        Format::ALL.into_iter().map(|format| (format, text(format))).collect()
    });
    (report, texts)
}

fn file(folder: &str, format: Format) -> String {
    format!("{folder}/{}", format.as_str())
}

/// Holds both renderings to the counts, and returns the report and its JUnit XML.
fn held(account: &Account, more: &[&str]) -> (Value, String) {
    let (report, texts) = every_format(account, more);
    for text in &texts {
        passes_only_what_is_proved(&report, &|format| text[&format].clone())
            .unwrap_or_else(|why| panic!("{why}\n{report}"));
    }
    let [mut direct, again] = texts;
    for (format, text) in &again {
        assert!(*format == Format::JsonLines || *text == direct[format], "{}", format.as_str());
    }
    (report, direct.remove(&Format::JUnit).unwrap())
}

#[test]
fn chains_whose_keys_cannot_be_fetched_pass_in_no_format() {
    let account = Account::new();
    account.deliver(SOURCE, &["--backfill-every", "2"]);
    let refused = Rule::new("ListPublicKeys", Fault::Refuse(500, "InternalFailure"));
    account.cloud.set_faults(Faults { rules: vec![refused], ..Faults::default() });
    let (report, junit) = held(&account, &[]);
    let counts = &report["counts"];
    assert_eq!((&counts["digests"]["valid"], &counts["logs"]["valid"]), (&0.into(), &0.into()), "{report}");
    let chains = report["chains"].as_array().unwrap();
    assert_eq!(chains.iter().filter(|chain| chain["backfill"] == true).count(), 1, "{report}");
    assert!(kinds(&report).contains(&"key-unknown".to_owned()), "{report}");
    // Digests and log files of two chains, coverage, additions, keys of the region, and the verdict.
    assert!(junit.contains(" failures=\"0\" errors=\"8\" "), "{junit}");
    // An intact run passes in each.
    account.cloud.set_faults(Faults::default());
    let (report, _) = held(&account, &[]);
    assert_eq!(report["verdict"], "intact", "{report}");
}

/// A chain with a modified log file keeps its findings, and its digests do not pass either.
#[test]
fn keys_of_some_digests_and_tampering_with_others_are_both_told() {
    let account = Account::new();
    account.deliver(SOURCE, &["--tamper", "log-modified@last", "--rotate-keys-every", "2"]);
    let keys: Value =
        serde_json::from_str(&fs::read_to_string(account.at("saved/public-keys.json")).unwrap()).unwrap();
    let newest = keys["PublicKeyList"].as_array().unwrap().last().unwrap().clone();
    let file = account.at("some.json");
    fs::write(&file, serde_json::json!({ "PublicKeyList": [newest] }).to_string()).unwrap();
    let refused = Rule::new("ListPublicKeys", Fault::Refuse(500, "InternalFailure"));
    account.cloud.set_faults(Faults { rules: vec![refused], ..Faults::default() });
    let (report, _) = held(&account, &["--public-keys", &file]);
    assert_eq!(report["verdict"], "tampered", "{report}");
}

#[test]
fn folders_that_cannot_be_listed_to_the_end_pass_in_no_format() {
    let account = Account::new();
    account.deliver(SOURCE, &["--backfill-every", "2"]);
    for (part, case) in [("/CloudTrail-Digest/", "digests"), ("/CloudTrail/", "additions")] {
        for after in 0..8 {
            let refused =
                Rule::new("ListObjectsV2", Fault::Refuse(500, "InternalError")).on(part).after(after);
            account.cloud.set_faults(Faults { rules: vec![refused], page_size: 3, ..Faults::default() });
            let (report, junit) = held(&account, &[]);
            if report["verdict"] == "intact" {
                assert!(after > 0, "no listing of `{part}` was refused");
                continue;
            }
            let passed = format!("name=\"{case}\" time=\"0\"/>");
            assert!(!junit.contains(&passed), "`{case}` passed, {after}: {report}\n{junit}");
        }
    }
}
