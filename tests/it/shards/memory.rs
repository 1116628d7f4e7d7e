//! A run with memory in shards: the same report, and the same memory, as of one run.

use std::fs;
use std::path::Path;

use crate::cli::case::{Case, Done, program};
use crate::fixtures::without_run_times;

/// The files of a state, without what names the run.
fn content(state: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for folder in ["regions", "runs"] {
        let Ok(entries) = fs::read_dir(state.join(folder)) else { continue };
        for entry in entries {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
            for field in ["checksum", "run"] {
                document.as_object_mut().unwrap().remove(field);
            }
            for list in ["heads", "backfill", "begins", "findings"] {
                for one in document[list].as_array_mut().into_iter().flatten() {
                    one.as_object_mut().unwrap().remove("run");
                    one.as_object_mut().unwrap().remove("first_seen");
                }
            }
            all.push(document.to_string());
        }
    }
    all.sort();
    all
}

/// The report without times, without when findings were first seen, and without the names of runs, which stand in
/// backticks.
fn report(done: &Done) -> String {
    let text = without_run_times(done.stdout.as_bytes());
    let kept = text.lines().filter(|line| !line.contains("\"first_seen\""));
    let masked = kept.map(|line| {
        let parts = line.split('`').enumerate();
        parts.map(|(number, part)| if number % 2 == 0 { part } else { "…" }).collect::<String>()
    });
    masked.collect::<Vec<_>>().join("\n")
}

fn run(arguments: &[&str]) -> Done {
    program().args(arguments).output().unwrap().into()
}

/// Validates with the state `name`, in one run.
fn whole(case: &Case, name: &str) -> Done {
    case.validate(&["--state", &case.text(name), "--format", "json"])
}

/// The same in shards.
fn in_shards(case: &Case, name: &str) -> Done {
    let (buckets, keys, plan, results) =
        (case.text("buckets"), case.text("keys.json"), case.text("plan"), case.text("results"));
    drop(fs::remove_dir_all(&results));
    let validate = ["--public-keys", &keys, "--end-time", case.end(), "--state", &case.text(name)];
    let planned = run(&[
        &["shards", "plan", &buckets, "-o", &plan, "--objects-per-shard", "2"],
        &validate[..],
    ]
    .concat());
    assert_eq!(planned.code, Some(0), "{}", planned.stderr);
    let ran = run(&["shards", "run", &plan, "-o", &results]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    run(&["shards", "merge", &plan, &results, "--format", "json", "--state", &case.text(name)])
}

#[test]
fn memory_is_that_of_one_run() {
    let case = Case::make(&[]);
    for name in ["one", "many"] {
        assert_eq!(run(&["state", "init", &case.text(name)]).code, Some(0));
    }
    let digests = || {
        let mut all = Vec::new();
        let mut folders = vec![case.path("buckets")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_str().unwrap().contains("/CloudTrail-Digest/") {
                    all.push(path);
                }
            }
        }
        all.sort();
        all
    };
    // 1. The first run, a second one, and one after the newest digest is gone.
    for step in 0..3 {
        if step == 2 {
            let newest = digests().pop().unwrap();
            let stem = newest.to_str().unwrap().trim_end_matches(".metadata.json").to_owned();
            digests().into_iter().filter(|path| path.to_str().unwrap().starts_with(&stem)).for_each(|path| {
                fs::remove_file(path).unwrap();
            });
        }
        let (one, many) = (whole(&case, "one"), in_shards(&case, "many"));
        assert_eq!(one.code, many.code, "step {step}: {} {}", one.stderr, many.stderr);
        assert_eq!(one.code, Some(if step == 2 { 1 } else { 0 }), "{}", one.stdout);
        let (one, many) = (report(&one), report(&many));
        super::same(&one, &many).unwrap_or_else(|error| panic!("step {step}: {error}"));
        assert_eq!(content(&case.path("one")), content(&case.path("many")), "step {step}");
    }
}

#[test]
fn plan_and_merge_need_the_same_memory() {
    let case = Case::make(&[]);
    assert_eq!(run(&["state", "init", &case.text("state")]).code, Some(0));
    let (buckets, keys, plan, results) =
        (case.text("buckets"), case.text("keys.json"), case.text("plan"), case.text("results"));
    let asked = ["shards", "plan", &buckets, "--public-keys", &keys, "--end-time", case.end(), "-o", &plan];
    assert_eq!(run(&asked).code, Some(0));
    assert_eq!(run(&["shards", "run", &plan, "-o", &results]).code, Some(0));
    run(&["shards", "merge", &plan, &results, "--state", &case.text("state")])
        .assert_cannot("the plan was made without `--state`");
    assert_eq!(run(&[&asked[..], &["--state", &case.text("state")]].concat()).code, Some(0));
    run(&["shards", "merge", &plan, &results]).assert_cannot("the plan was made with `--state`");
}
