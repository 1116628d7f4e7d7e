//! `trailproof shards` as a command: stdin and stdout, files and folders, exit codes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use trailproof::shards::{RESULT_SCHEMA_FILE, SCHEMA_FILE};

use super::same;
use crate::cli::case::{Case, Done, program, trailproof as run};
use crate::fixtures::{case, delivery, every_case, trailproof, without_run_times};

/// Runs the program in a folder, with `input` on stdin.
fn piped(folder: &Path, arguments: &[&str], input: &[u8]) -> Done {
    let mut command: Command = program();
    command.args(arguments).current_dir(folder);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().into()
    })
}

/// The arguments of `shards plan` for a case.
fn plan_arguments(case: &case::Case) -> Vec<String> {
    let validate = case.validate_arguments();
    let fixed = ["shards", "plan", "--objects-per-shard", "5"].map(str::to_owned);
    [fixed.to_vec(), validate[1..].to_vec()].concat()
}

fn errors(schema: &str, line: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let document: Value = serde_json::from_str(line).unwrap();
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Every fixture on disk, through pipes: plan, run line by line, merge.
#[test]
fn every_fixture_on_disk_is_the_same_in_shards() {
    every_case(|case| {
        let folder = delivery::folder(case)?;
        let whole = trailproof(
            &folder,
            &[case.validate_arguments(), vec!["--format".into(), "json".into()]].concat(),
        );
        let planned = trailproof(&folder, &plan_arguments(case));
        if planned.status.code() != Some(0) {
            return Err(format!("plan: {}", String::from_utf8_lossy(&planned.stderr)));
        }
        let ran = piped(&folder, &["shards", "run"], &planned.stdout);
        if ran.code != Some(0) || !ran.stderr.is_empty() {
            return Err(format!("run: {:?} {}", ran.code, ran.stderr));
        }
        let place = tempfile::tempdir().unwrap();
        let [plan, results] = ["plan", "results"].map(|name| place.path().join(name));
        fs::write(&plan, &planned.stdout).unwrap();
        fs::write(&results, &ran.stdout).unwrap();
        let arguments =
            ["shards", "merge", plan.to_str().unwrap(), results.to_str().unwrap(), "--format", "json"];
        let merged = trailproof(&folder, &arguments.map(str::to_owned));
        if merged.status.code() != whole.status.code() {
            let said = String::from_utf8_lossy(&merged.stderr);
            return Err(format!("{:?} instead of {:?}: {said}", merged.status.code(), whole.status.code()));
        }
        same(&without_run_times(&whole.stdout), &without_run_times(&merged.stdout))?;
        let plan = String::from_utf8(planned.stdout).unwrap();
        let wrong = plan.lines().flat_map(|line| errors(SCHEMA_FILE, line));
        let wrong = wrong.chain(ran.stdout.lines().flat_map(|line| errors(RESULT_SCHEMA_FILE, line)));
        match wrong.take(3).collect::<Vec<_>>() {
            none if none.is_empty() => Ok(()),
            wrong => Err(wrong.join("\n")),
        }
    });
}

/// A plan of a small delivery in parts.
fn planned(case: &Case) -> String {
    let plan = case.text("plan.jsonl");
    let (buckets, keys) = (case.text("buckets"), case.text("keys.json"));
    let asked = ["--public-keys", &keys, "--end-time", case.end(), "--objects-per-shard", "1"];
    let done = run(&[&["shards", "plan", &buckets, "-o", &plan], &asked[..]].concat());
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{}", done.stderr);
    assert!(
        done.stderr.starts_with("planned ") && done.stderr.contains(" shards of 1 region: "),
        "{}",
        done.stderr
    );
    plan
}

#[test]
fn shards_are_run_one_by_one_in_any_way() {
    let case = Case::make(&["log-modified"]);
    let whole = case.validate(&["--format", "json"]);
    let plan = planned(&case);
    let (folder, file) = (case.text("results"), case.text("all.jsonl"));
    let shards = fs::read_to_string(&plan).unwrap().lines().count() - 2;
    assert!(shards >= 2, "{shards}");
    // 1. By number, each into a file of its own; one of them twice, as a job that was tried again.
    for number in (0..shards).rev().chain([1]) {
        let done =
            run(&["shards", "run", &plan, "--index", &number.to_string(), "-o", &format!("{folder}/")]);
        assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), shards);
    // By jobs of an array that is larger than the plan.
    let array = case.text("array");
    let of = (shards + 1).to_string();
    for job in 0..=shards {
        let (index, folder) = (job.to_string(), format!("{array}/"));
        let done = run(&["shards", "run", &plan, "--index", &index, "--of", &of, "-o", &folder]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
        assert_eq!(fs::read_dir(&array).unwrap().count(), shards.min(job + 1));
    }
    let done = run(&["shards", "run", &plan, "--index", &of, "--of", &of]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    // 2. All at once, into one file.
    assert_eq!(run(&["shards", "run", &plan, "-o", &file, "--at-once", "1"]).code, Some(0));
    for results in [&folder, &array, &file] {
        let html = case.text("run.html");
        let merged = run(&[
            "shards",
            "merge",
            &plan,
            results,
            "--format",
            "json",
            "--report",
            &format!("html={html}"),
        ]);
        assert_eq!((merged.code, merged.stderr.as_str()), (Some(1), ""));
        same(&without_run_times(whole.stdout.as_bytes()), &without_run_times(merged.stdout.as_bytes()))
            .unwrap();
        assert!(fs::read_to_string(html).unwrap().contains("log-modified"));
    }
    // 3. A result is lost: incomplete would hide behind tampered, so the finding is looked for.
    let lost = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(lost).unwrap();
    let merged = run(&["shards", "merge", &plan, &folder, "--format", "json"]);
    assert!(merged.stdout.contains("\"shard-missing\""), "{}", merged.stdout);
    assert_ne!(merged.code, Some(0));
    let hook = case.text("told");
    let merged =
        run(&["shards", "merge", &plan, &folder, "-q", "--hook", &format!("echo $TRAILPROOF_EXIT > {hook}")]);
    assert_eq!(fs::read_to_string(hook).unwrap().trim(), merged.code.unwrap().to_string());
}

#[test]
fn lines_that_are_no_shards_are_named_and_the_others_are_answered() {
    let case = Case::make(&[]);
    let plan = planned(&case);
    let text = fs::read_to_string(&plan).unwrap();
    let shards = text.lines().count() - 2;
    let mut input = text.replacen('\n', "\nnot a shard\n\n{\"schema\":\"x\"}\n", 1).into_bytes();
    input.extend(b"\xff\xff");
    let done = piped(case.path("").as_path(), &["shards", "run"], &input);
    assert_eq!((done.code, done.stdout.lines().count()), (Some(2), shards), "{}", done.stderr);
    for line in
        ["line 2 of stdin: not a line of a plan", "line 4 of stdin: schema `x`", "of stdin: not a line"]
    {
        assert!(done.stderr.contains(line), "{line}: {}", done.stderr);
    }
    assert!(!done.stderr.contains("struct"), "{}", done.stderr);
    assert!(!done.stderr.contains("parts"), "a limit of parts has nothing to do with it: {}", done.stderr);
    // The results are whole all the same.
    let results = case.text("results.jsonl");
    fs::write(&results, &done.stdout).unwrap();
    run(&["shards", "merge", &plan, &results, "-q"]).assert_verdict(0, "intact");
}

#[test]
fn a_plan_on_stdin_has_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let done = piped(folder.path(), &["shards", "run", "-"], b"");
    done.assert_cannot("`-` is not the name of a plan");
    assert!(done.stderr.contains("hint: leave PLAN out"), "{}", done.stderr);
    piped(folder.path(), &["shards", "merge", "-", "x"], b"").assert_cannot("the plan `-` cannot be read");
}

#[test]
fn of_many_lines_that_are_no_shards_some_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let done = piped(folder.path(), &["shards", "run", "--at-once", "1"], "[]\n".repeat(23).as_bytes());
    let named = done.stderr.lines().filter(|line| line.starts_with("error: line ")).count();
    assert_eq!((done.code, named, done.stderr.lines().last()), (Some(2), 20, Some("… and 3 more")));
    assert!(!done.stderr.contains("struct"), "{}", done.stderr);
    // An empty partition of Spark's is no failure.
    let done = piped(folder.path(), &["shards", "run"], b"");
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""));
    assert_eq!(done.stderr, "note: no shard was given: stdin has no lines\n");
}

/// A worker of a queue: it is given a line, answers before the next one, and is killed at any moment.
#[test]
fn a_worker_answers_each_line_and_may_be_killed() {
    let case = Case::make(&[]);
    let plan = planned(&case);
    let text = fs::read_to_string(&plan).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut command = program();
    let mut worker =
        command.args(["shards", "run"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    let mut stdout = BufReader::new(worker.stdout.take().unwrap());
    let mut killed = String::new();
    for line in &lines[..3] {
        writeln!(stdin, "{line}").unwrap();
        if line.contains("\"type\":\"shard\"") {
            stdout.read_line(&mut killed).unwrap();
        }
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(killed.lines().count(), 2);
    // What it had written is there, the last result only in part; all shards are run again.
    killed.truncate(killed.len() - 100);
    fs::create_dir(case.path("results")).unwrap();
    fs::write(case.path("results/killed.jsonl"), &killed).unwrap();
    let again = piped(&case.path(""), &["shards", "run"], text.as_bytes());
    fs::write(case.path("results/again.jsonl"), &again.stdout).unwrap();
    let merged = run(&["shards", "merge", &plan, &case.text("results"), "--format", "json"]);
    let report: Value = serde_json::from_str(&merged.stdout).unwrap();
    let whole: Value = serde_json::from_str(&case.validate(&["--format", "json"]).stdout).unwrap();
    assert_eq!((merged.code, &report["verdict"]), (Some(0), &whole["verdict"]));
    assert_eq!((&report["counts"], &report["chains"]), (&whole["counts"], &whole["chains"]));
    let notices =
        report["findings"].as_array().unwrap().iter().filter(|one| one["kind"] == "shard-incomplete");
    let causes: Vec<&str> = notices.map(|one| one["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["shard-results-left-out"], "the cut line is said");
}

#[test]
fn what_cannot_be_used_is_named() {
    let case = Case::make(&[]);
    let plan = planned(&case);
    let text = fs::read_to_string(&plan).unwrap();
    run(&["shards", "run", &plan, "--index", "999"]).assert_cannot("no shard 999: the plan has ");
    run(&["shards", "run", &case.text("keys.json")])
        .assert_cannot("keys.json` is not a plan: its first line is not of `trailproof/shard/1`");
    run(&["shards", "run", &case.text("buckets")]).assert_cannot("buckets` is a directory, not a plan");
    run(&["shards", "merge", &plan, &plan]).assert_cannot("plan.jsonl` is a plan, not a result");
    run(&["shards", "run", &case.text("nowhere")]).assert_cannot("cannot be read");
    run(&["shards", "merge", &case.text("keys.json"), &plan]).assert_cannot("is not a plan");
    run(&["shards", "merge", &plan, &case.text("nowhere")]).assert_cannot("cannot be read");
    let cut = case.text("cut.jsonl");
    fs::write(&cut, text.lines().take(2).collect::<Vec<_>>().join("\n")).unwrap();
    run(&["shards", "merge", &cut, &plan]).assert_cannot("the plan is cut off");
    let done = run(&["shards", "run", &cut]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("cut off") && done.stdout.lines().count() == 1, "{}", done.stderr);
    // Other keys than those of the plan.
    let keys = case.text("keys.json");
    fs::rename(&keys, case.text("moved.json")).unwrap();
    run(&["shards", "run", &plan, "--index", "0"]).assert_cannot("is not here, or has another content");
    let moved = run(&["shards", "run", &plan, "--index", "0", "--public-keys", &case.text("moved.json")]);
    assert_eq!((moved.code, moved.stdout.lines().count()), (Some(0), 1), "{}", moved.stderr);
    // A single object.
    let log = text.lines().next().map(|_| ()).and_then(|()| find_log(&case.path("buckets"))).unwrap();
    run(&["shards", "plan", log.to_str().unwrap(), "--public-keys", &case.text("moved.json")])
        .assert_cannot("a single object is not cut into shards");
}

fn find_log(folder: &Path) -> Option<std::path::PathBuf> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(found) = find_log(&path) {
                return Some(found);
            }
        } else if path.to_str().unwrap().contains("/CloudTrail/") {
            return Some(path);
        }
    }
    None
}
