//! The fixture kit in `fixtures/`: every case on every store, judged by what its `case.json` expects.
//!
//! A case is a folder with `case.json` and `delivery/`, which is what `trailproof simulate` writes. To write the
//! deliveries anew: `TRAILPROOF_REGENERATE=1 cargo test --test it fixtures::deliveries`.

pub(crate) mod case;
mod delivery;
mod memory;
pub(crate) mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use trailproof::event::Kind;
use trailproof::report::escape::is_hidden;
use trailproof::simulate::{Tamper, TamperKind};

use case::{Case, Found};

/// What is not shown by any case, and why. Nothing so far.
const UNSHOWN_KINDS: [(Kind, &str); 1] =
    [(Kind::ObjectProved, "a case asks for folders; `sources::object` asks for single objects")];

/// Bytes that the kit may take.
const MOST_BYTES: u64 = 10_000_000;

pub(crate) fn kit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Judges all cases, in parallel, and fails with everything that was found wrong.
///
/// Not by rayon: a thread of its pool that waits for a run takes up further cases meanwhile, one within the other, until
/// its stack is used up.
pub(crate) fn every_case(judge: impl Fn(&Case) -> Result<(), String> + Sync) {
    let cases = case::all(&kit());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = judge(case) {
                wrong.lock().unwrap().push(format!("\n== {} ==\n{case}\n{error}", case.name));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort_unstable();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Runs the program in the folder of `case`, so that reports name paths that are the same everywhere.
pub(crate) fn trailproof(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trailproof"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

fn validate(case: &Case, more: &[&str]) -> Output {
    trailproof(
        &case.folder,
        &[case.validate_arguments(), more.iter().map(|a| (*a).to_owned()).collect()].concat(),
    )
}

/// Judges an exit code and a JSON report by what the case expects.
fn judge(expected: &case::Expect, exit: Option<i32>, report: &Value) -> Result<(), String> {
    let actual = case::Expect {
        verdict: report["verdict"].as_str().unwrap_or_default().to_owned(),
        exit: exit.unwrap_or(-1),
        findings: report["findings"].as_array().into_iter().flatten().map(Found::from_report).collect(),
    };
    if actual.is_as(expected) {
        return Ok(());
    }
    Err(format!("expected\n{expected}\nbut was, as `case.json` would say it,\n{actual}"))
}

/// The report without the times of the run and its command line.
fn without_run_times(report: &[u8]) -> String {
    let text = String::from_utf8_lossy(report);
    let of_the_run = ["  \"started\":", "  \"finished\":", "  \"command\":"];
    let is_of_the_run = |line: &&str| of_the_run.iter().any(|field| line.starts_with(field));
    text.lines().filter(|line| !is_of_the_run(line)).collect::<Vec<_>>().join("\n")
}

fn same(one: &str, other: &str) -> Result<(), String> {
    let mut lines = one.lines().zip(other.lines()).enumerate();
    match lines.find(|(_, (one, other))| one != other) {
        _ if one == other => Ok(()),
        Some((number, (one, other))) => {
            Err(format!("the reports of 1 and of many jobs differ in line {}:\n{one}\n{other}", number + 1))
        }
        None => Err("the report of 1 job is not as long as that of many".to_owned()),
    }
}

#[test]
fn on_disk() {
    every_case(|case| {
        let mut reports = Vec::new();
        for jobs in ["1", "8"] {
            let output = validate(case, &["--format", "json", "--jobs", jobs]);
            let report = serde_json::from_slice(&output.stdout)
                .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
            judge(&case.expect, output.status.code(), &report)?;
            reports.push(without_run_times(&output.stdout));
        }
        same(&reports[0], &reports[1])
    });
}

#[test]
fn in_a_store_with_versions() {
    every_case(|case| {
        let Some(expected) = case.expect_versioned() else { return Ok(()) };
        let runs = [1, 8].map(|jobs| memory::run(case, jobs));
        for run in &runs {
            let report = serde_json::from_str(&run.json).map_err(|error| error.to_string())?;
            judge(expected, Some(run.verdict.exit_code().into()), &report)?;
        }
        same(&runs[0].json, &runs[1].json)
    });
}

/// Through the real client, on a server of our own.
#[cfg(feature = "aws")]
#[test]
fn in_s3() {
    every_case(|case| {
        let Some(expected) = case.expect_versioned() else { return Ok(()) };
        let runs = memory::run_in_s3(case, &[1, 64]);
        for run in &runs {
            let report = serde_json::from_str(&run.json).map_err(|error| error.to_string())?;
            judge(expected, Some(run.verdict.exit_code().into()), &report)?;
        }
        same(&runs[0].json, &runs[1].json)
    });
}

#[test]
fn as_text() {
    every_case(|case| {
        let output = validate(case, &["--verbose"]);
        if output.status.code() != Some(case.expect.exit) {
            return Err(format!("exit code {:?}, expected {}", output.status.code(), case.expect.exit));
        }
        let verdict = format!("{}: ", case.expect.verdict);
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8(bytes.clone()).map_err(|error| format!("{name}: {error}"))?;
            if let Some(hidden) = text.chars().find(|&c| c != '\n' && is_hidden(c)) {
                return Err(format!("{name} has a raw {hidden:?}:\n{}", text.escape_debug()));
            }
            if name == "stdout" && !text.lines().any(|line| line.starts_with(&verdict)) {
                return Err(format!("no line says `{verdict}`:\n{text}"));
            }
        }
        Ok(())
    });
}

/// Also writes them anew, where the environment asks for it.
#[test]
fn deliveries_are_what_simulate_makes() {
    let regenerates = std::env::var_os("TRAILPROOF_REGENERATE").is_some();
    every_case(|case| {
        let made = tempfile::tempdir().map_err(|error| error.to_string())?;
        delivery::make(case, made.path())?;
        if regenerates {
            return tree::replace(&case.folder.join("delivery"), made.path())
                .map_err(|error| error.to_string());
        }
        tree::same(&case.folder.join("delivery"), made.path())
    });
}

/// The other test makes deliveries through the library, and understands the arguments itself.
#[test]
fn the_program_makes_the_same() {
    let cases = case::all(&kit());
    for case in delivery::with_each_flag(&cases) {
        let made = tempfile::tempdir().unwrap();
        let output = trailproof(made.path(), &case.simulate_arguments());
        assert!(output.status.success(), "{case}\n{}", String::from_utf8_lossy(&output.stderr));
        let same = tree::same(&case.folder.join("delivery"), &made.path().join("delivery"));
        assert!(same.is_ok(), "{case}\n{}", same.unwrap_err());
    }
}

#[test]
fn everything_is_shown() {
    let cases = case::all(&kit());
    let expected: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| [Some(&case.expect), case.expect_versioned.as_ref()])
        .flatten()
        .flat_map(|expect| expect.findings.iter().map(|found| found.kind.as_str()))
        .collect();
    for kind in Kind::ALL {
        let unshown = UNSHOWN_KINDS.iter().any(|(unshown, _)| *unshown == kind);
        let shown = expected.contains(kind.as_str());
        assert!(
            shown != unshown,
            "no case expects `{}`, or it is listed as unshown and is not",
            kind.as_str()
        );
    }
    let tampers: Vec<Tamper> = cases.iter().flat_map(Case::tampers).collect();
    for kind in TamperKind::ALL {
        assert!(tampers.iter().any(|tamper| tamper.kind == kind), "no case tampers with `{kind}`");
    }
}

#[test]
fn names_and_readme_fit() {
    let readme = fs::read_to_string(kit().join("README.md")).unwrap();
    let mut lines = Vec::new();
    for case in case::all(&kit()) {
        let intact = case.expect.verdict == "intact";
        assert!(!case.name.starts_with("intact_") || intact, "`{}` is not intact", case.name);
        let line = case.readme_line();
        if !readme.contains(&line) {
            lines.push(line);
        }
    }
    assert!(lines.is_empty(), "fixtures/README.md lacks\n{}", lines.join("\n"));
    let bytes = tree::size(&kit()).unwrap();
    assert!(bytes < MOST_BYTES, "the kit has {bytes} bytes");
}
