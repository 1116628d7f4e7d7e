//! What a plan says of archived objects, and the manifest of a job that restores them.

use std::collections::BTreeSet;
use std::fs;

use crate::account::{Account, json};
use crate::cli::case::Case;

/// A delivery of which every second object is in Glacier, with the keys of these.
fn archived() -> (Account, BTreeSet<String>) {
    let account = Account::new();
    account.deliver("s3://trail-logs/a b,c", &[]);
    let keys = account.cloud.keys("trail-logs").into_iter().filter(|key| key.ends_with(".json.gz"));
    let archived: BTreeSet<String> = keys.step_by(2).collect();
    archived.iter().for_each(|key| account.cloud.archive("trail-logs", key));
    (account, archived)
}

#[test]
fn archived_objects_are_counted_and_written_to_a_manifest() {
    let (account, archived) = archived();
    let is_digest = |key: &&String| key.contains("/CloudTrail-Digest/");
    let digests = archived.iter().filter(is_digest).count();
    let logs = archived.len() - digests;
    assert!(digests > 0 && logs > 0);
    let file = account.at("manifest.csv");
    fs::write(&file, "old").unwrap();
    let done = account.run(&[
        "validate",
        "s3://trail-logs",
        "--dry-run",
        "--format",
        "json",
        "--restore-manifest",
        &file,
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let said = format!("archived objects in the manifest `{file}`: {}", archived.len());
    assert!(done.stderr.contains(&said), "{said}: {}", done.stderr);
    let plan = json(&done);
    assert_eq!((&plan["archived"]["digests"], &plan["archived"]["logs"]), (&digests.into(), &logs.into()));
    assert!(plan["archived"]["log_bytes"].as_u64().unwrap() > 0);
    let manifest = fs::read_to_string(&file).unwrap();
    let lines: BTreeSet<String> = manifest.lines().map(str::to_owned).collect();
    let encoded = |key: &String| format!("trail-logs,{}", key.replace("a b,c", "a%20b%2Cc"));
    assert_eq!(lines, archived.iter().map(encoded).collect());
    assert_eq!(manifest.lines().count(), archived.len());
    let text = account.run(&["validate", "s3://trail-logs", "--dry-run", "--restore-manifest", &file]);
    let said = format!("to be restored first: the manifest `{file}` lists them\n");
    assert!(text.stdout.contains(&said), "{}", text.stdout);
    let done = account.run(&["validate", "s3://trail-logs", "--dry-run"]);
    let said = format!("  archived  {digests} digests, {logs} log files, ");
    assert!(done.stdout.contains(&said) && done.stdout.contains("Intelligent-Tiering"), "{}", done.stdout);
}

#[test]
fn a_manifest_is_written_by_a_plan_of_s3_only() {
    let (account, _) = archived();
    let file = account.at("manifest.csv");
    let done = account.run(&["validate", "s3://trail-logs", "--restore-manifest", &file]);
    done.assert_cannot("`--restore-manifest` works only with `--dry-run`");
    let done =
        account.run(&["validate", "s3://trail-logs", "--dry-run", "--restore-manifest", "/nowhere/x.csv"]);
    done.assert_cannot("cannot write `/nowhere/x.csv`");
    let case = Case::make(&[]);
    let done = case.validate(&["--dry-run", "--restore-manifest", &file]);
    done.assert_cannot("needs a source in S3");
    assert!(!fs::exists(&file).unwrap());
}
