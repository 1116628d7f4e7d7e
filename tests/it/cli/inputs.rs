//! No output is written over an input: evidence, keys, memory, plans and results stay as they are.

use std::fs;
use std::path::PathBuf;

use super::case::{Case, program, trailproof};
use crate::fixtures::tree;

/// Runs the program, which may not begin and may not change the file.
fn refused(case: &Case, arguments: &[&str], file: &str) {
    let before = fs::read(case.path(file)).unwrap();
    trailproof(arguments).assert_cannot("would be written over");
    assert_eq!(fs::read(case.path(file)).unwrap(), before, "{arguments:?}");
}

/// A file of the delivery whose path contains `part`.
fn file_of(case: &Case, part: &str) -> String {
    let files: Vec<PathBuf> = tree::files(&case.path("buckets")).unwrap();
    let file = files.iter().find(|file| file.to_str().unwrap().contains(part)).unwrap();
    format!("buckets/{}", file.display())
}

#[test]
fn no_report_is_written_over_evidence_keys_or_memory() {
    let case = Case::make(&[]);
    let (source, keys, state) = (case.text("buckets"), case.text("keys.json"), case.text("state"));
    let [log, digest] = ["_CloudTrail_", "_CloudTrail-Digest_"].map(|part| file_of(&case, part));
    let sidecar = file_of(&case, ".metadata.json");
    assert_eq!(trailproof(&["state", "init", &state]).code, Some(0));
    case.validate(&["--state", &state, "-q"]).assert_verdict(0, "intact");
    let remembered = fs::read_dir(&state).unwrap().next().unwrap().unwrap().path();
    let remembered = remembered.strip_prefix(case.dir.path()).unwrap().to_str().unwrap().to_owned();
    for file in [&log, &digest, &sidecar, "keys.json", &remembered] {
        let report = format!("html={}", case.text(file));
        let run = ["validate", &source, "--public-keys", &keys, "--state", &state, "--report", &report];
        if case.path(file).is_file() {
            refused(&case, &run, file);
        }
    }
    // The files around a single object prove the object.
    let report = format!("html={}", case.text(&digest));
    refused(&case, &["validate", &case.text(&log), "--public-keys", &keys, "--report", &report], &digest);
    // Nor has the state a file that is not its own, or the copy a file that CloudTrail did not deliver.
    let folder = log.rsplit_once('/').unwrap().0;
    for new in ["state/regions/new.json", "state/new.json", &format!("{folder}/new.json")] {
        let report = format!("json={}", case.text(new));
        case.validate(&["--state", &state, "--report", &report]).assert_cannot("would lie");
        assert!(!case.path(new).exists());
    }
    case.validate(&["--state", &state, "-q"]).assert_verdict(0, "intact");
    // A new file elsewhere is no harm, nor is the report of an earlier run.
    let new = format!("html={}", case.text("buckets/run.html"));
    for _ in 0..2 {
        case.validate(&["--report", &new, "-q"]).assert_verdict(0, "intact");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_to_the_input() {
    let case = Case::make(&[]);
    fs::copy(case.path(&file_of(&case, "_CloudTrail_")), case.path("w1.zip")).unwrap();
    std::os::unix::fs::symlink(case.path("w1.zip"), case.path("link")).unwrap();
    let keys = case.text("keys.json");
    for (source, report) in
        [("w1.zip", "link"), ("link", "w1.zip"), ("w1.zip", "../w1.zip"), ("link", "link")]
    {
        let report = match report.strip_prefix("../") {
            Some(name) => format!("{}/buckets/../{name}", case.dir.path().display()),
            None => case.text(report),
        };
        let report = format!("json={report}");
        let run = ["validate", &case.text(source), "--public-keys", &keys, "--report", &report];
        refused(&case, &run, "w1.zip");
    }
}

#[test]
fn no_other_output_is_written_over_an_input() {
    let case = Case::make(&[]);
    let (source, keys, copy) = (case.text("buckets"), case.text("keys.json"), case.text("copy"));
    let log = file_of(&case, "_CloudTrail_");
    let run = [source.as_str(), "--public-keys", &keys, "--end-time", case.end()];
    for file in [&log, "keys.json"] {
        let (path, report) = (case.text(file), format!("html={}", case.text(file)));
        let collect = ["collect", &source, &copy, "--public-keys", &keys, "--report", &report];
        refused(&case, &collect, file);
        refused(&case, &[&["shards", "plan"][..], &run, &["-o", &path]].concat(), file);
        refused(&case, &[&["deploy", "parallel"][..], &run, &["--report", &report]].concat(), file);
        if cfg!(feature = "aws") {
            let manifest = ["--dry-run", "--restore-manifest", &path];
            refused(&case, &[&["validate"][..], &run, &manifest].concat(), file);
        }
    }
    assert!(!case.path("copy").exists());
    let (plan, result) = (case.text("plan.jsonl"), case.text("result.jsonl"));
    let done = program().args([&["shards", "plan"][..], &run, &["-q", "-o", &plan]].concat()).status();
    assert!(done.unwrap().success());
    refused(&case, &["shards", "run", &plan, "-o", &plan], "plan.jsonl");
    assert!(program().args(["shards", "run", &plan, "-o", &result]).status().unwrap().success());
    for file in ["plan.jsonl", "result.jsonl", &log] {
        let report = format!("json={}", case.text(file));
        refused(&case, &["shards", "merge", &plan, &result, "--report", &report], file);
    }
}
