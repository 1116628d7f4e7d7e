//! The fixture kit in `fixtures/`: every case on every store, judged by what its `case.json` expects.
//!
//! A case is a folder with `case.json`, which has the hash of the delivery that `trailproof simulate` makes of it. The
//! deliveries of [`KEPT`] are kept there as well. To write these and all hashes anew:
//! `TRAILPROOF_REGENERATE=1 cargo test --test it fixtures::deliveries`.

pub(crate) mod case;
pub(crate) mod delivery;
pub(crate) mod memory;
pub(crate) mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::io;
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

/// What is not shown by any case, and why.
const UNSHOWN_KINDS: [(Kind, &str); 4] = [
    (Kind::ObjectProved, "a case asks for folders; `sources::object` asks for single objects"),
    (Kind::ClockBehind, "a case has its own present; `cli::clock` has the clock of this machine"),
    (Kind::ShardIncomplete, "a case is one run; `shards::results` loses and changes results"),
    (Kind::Accepted, "a case has no memory; `state::over_time` accepts findings"),
];

/// The cases whose deliveries are kept as files: those that the README's commands read, and one of each shape of copy.
const KEPT: [&str; 10] = [
    "chain_stopped",
    "digest_modified",
    "intact_day",
    "intact_inflated",
    "intact_move",
    "key_unknown",
    "log_modified",
    "metadata_lost",
    "part_logs_only",
    "relocated",
];

/// Bytes that the kit may take.
const MOST_BYTES: u64 = 1_000_000;

pub(crate) fn kit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The folder `delivery/` of every case.
pub(crate) fn deliveries() -> Vec<PathBuf> {
    let found = |case: &Case| delivery::folder(case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    case::all(&kit()).iter().map(|case| found(case).join("delivery")).collect()
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

/// Runs the program in the folder of a case, so that reports name paths that are the same everywhere.
pub(crate) fn trailproof(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trailproof"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

fn validate(case: &Case, more: &[&str]) -> Result<Output, String> {
    let more = more.iter().map(|argument| (*argument).to_owned()).collect();
    Ok(trailproof(&delivery::folder(case)?, &[case.validate_arguments(), more].concat()))
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
pub(crate) fn without_run_times(report: &[u8]) -> String {
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
            let output = validate(case, &["--format", "json", "--jobs", jobs])?;
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
        let runs = [memory::run(case, 1)?, memory::run(case, 8)?];
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
        let runs = memory::run_in_s3(case, &[1, 64])?;
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
        let output = validate(case, &["--verbose"])?;
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

/// Makes every delivery anew. Also writes what is kept of them, where the environment asks for it.
#[test]
fn deliveries_are_what_simulate_makes() {
    let regenerates = std::env::var_os("TRAILPROOF_REGENERATE").is_some();
    every_case(|case| {
        let made = tempfile::tempdir().map_err(|error| error.to_string())?;
        delivery::make(case, made.path())?;
        if regenerates { keep(case, made.path()) } else { is_kept(case, made.path()) }
    });
}

fn keeps_files(case: &Case) -> bool {
    KEPT.contains(&case.name.as_str())
}

/// Writes the hash of a delivery into `case.json`, and the delivery beside it if it is one of [`KEPT`].
fn keep(case: &Case, made: &Path) -> Result<(), String> {
    let write = || {
        case.write_hash(&tree::sha256(made)?)?;
        if keeps_files(case) { tree::replace(&case.folder.join("delivery"), made) } else { Ok(()) }
    };
    write().map_err(|error: io::Error| error.to_string())
}

/// Holds a delivery to the hash in `case.json`, and to the files beside it, which only those of [`KEPT`] have.
fn is_kept(case: &Case, made: &Path) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let files = case.folder.join("delivery");
    if files.exists() != keeps_files(case) {
        return Err(format!("`{}` is there, or should be: the list `KEPT` says which are", files.display()));
    }
    let differences =
        if keeps_files(case) { tree::differences(&files, made).map_err(text)? } else { String::new() };
    let hash = tree::sha256(made).map_err(text)?;
    if hash == case.delivery_sha256 && differences.is_empty() {
        return Ok(());
    }
    // What a run before made tells which files are others.
    let before = tree::differences(&delivery::place(case).join("delivery"), made).unwrap_or_default();
    Err(format!(
        "`simulate` makes a delivery of the SHA-256 {hash}, and `case.json` says `{}`\n{differences}\n{before}\n{}",
        case.delivery_sha256,
        delivery::HINT
    ))
}

/// The other test makes deliveries through the library, and understands the arguments itself.
#[test]
fn the_program_makes_the_same() {
    let cases = case::all(&kit());
    for case in delivery::with_each_flag(&cases) {
        let made = tempfile::tempdir().unwrap();
        let output = trailproof(made.path(), &case.simulate_arguments());
        assert!(output.status.success(), "{case}\n{}", String::from_utf8_lossy(&output.stderr));
        let hash = tree::sha256(&made.path().join("delivery")).unwrap();
        assert_eq!(hash, case.delivery_sha256, "{case}");
    }
}

/// For whoever reads deliveries without these tests: each case with its delivery, as `tests/peer/` takes them.
#[test]
#[ignore = "writes all cases with their deliveries to the folder that `TRAILPROOF_FIXTURES` names"]
fn write() {
    let target = std::env::var_os("TRAILPROOF_FIXTURES").expect("`TRAILPROOF_FIXTURES` names the folder");
    every_case(|case| {
        let (made, target) = (delivery::folder(case)?, Path::new(&target).join(&case.name));
        let copy = || {
            tree::replace(&target.join("delivery"), &made.join("delivery"))?;
            fs::copy(case.folder.join("case.json"), target.join("case.json"))
        };
        copy().map(drop).map_err(|error| error.to_string())
    });
}

/// A changed byte, file or sidecar gives another hash, and the comparison names the file.
#[test]
fn another_byte_or_name_is_another_delivery() {
    let kept = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let write = |folder: &tempfile::TempDir, name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    for (name, content) in [("b/a", "1"), ("b.json", "2"), ("b/a.metadata.json", "{}")] {
        write(&kept, name, content);
        write(&other, name, content);
    }
    let hash = tree::sha256(kept.path()).unwrap();
    // `sha256sum` over `b.json`, `b/a` and `b/a.metadata.json`, and over what it prints.
    assert_eq!(hash, "07a7d8ff0f8839fcd9371718d4f46bbffd963575d47695a9eae6cbd2feb0b4ae");
    assert_eq!(tree::sha256(other.path()).unwrap(), hash);
    assert_eq!(tree::differences(kept.path(), other.path()).unwrap(), "");
    for (name, content) in [("b/a", "3"), ("b/c", ""), ("b/a.metadata.json", "{ }")] {
        write(&other, name, content);
        assert_ne!(tree::sha256(other.path()).unwrap(), hash, "{name}");
        assert!(tree::differences(kept.path(), other.path()).unwrap().contains(name));
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
    for name in KEPT {
        assert!(kit().join(name).join("delivery").is_dir(), "`{name}` has no delivery");
        assert!(readme.contains(&format!("\n- `{name}`: ")), "fixtures/README.md says nothing of `{name}`");
    }
    assert!(lines.is_empty(), "fixtures/README.md lacks\n{}", lines.join("\n"));
    let bytes = tree::size(&kit()).unwrap();
    assert!(bytes < MOST_BYTES, "the kit has {bytes} bytes");
}
