//! Each fixture in each format: what `trailproof report RUN.json` writes is what the run wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use trailproof::report::Format;

use super::sound::{page_is_sound, timelines_fit, unknown_fields};
use super::whole::passes_only_what_is_proved;
use super::{errors, schema};
use crate::fixtures::{case, delivery, every_case, trailproof as run_in};

/// The arguments that write a report of every format into `folder`.
fn every_format_in(folder: &Path) -> Vec<String> {
    let spec = |format: Format| format!("{0}={1}", format.as_str(), file(folder, format).display());
    let reports = Format::ALL.into_iter().flat_map(|format| ["--report".to_owned(), spec(format)]);
    reports.collect()
}

fn file(folder: &Path, format: Format) -> std::path::PathBuf {
    folder.join(format.as_str())
}

fn text(folder: &Path, format: Format) -> String {
    fs::read_to_string(file(folder, format)).unwrap()
}

/// Runs the program in the folder of `case`, and returns its stdout.
fn run(case: &case::Case, arguments: Vec<String>, into: &Path, code: i32) -> Result<Vec<u8>, String> {
    let output = run_in(&delivery::folder(case)?, &[arguments, every_format_in(into)].concat());
    if output.status.code() == Some(code) {
        return Ok(output.stdout);
    }
    Err(format!("exit code {:?}: {}", output.status.code(), String::from_utf8_lossy(&output.stderr)))
}

/// Validates a case, and renders the JSON report of it again into another folder.
fn rendered_twice(case: &case::Case) -> Result<[tempfile::TempDir; 2], String> {
    let [direct, again] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let said = run(case, case.validate_arguments(), direct.path(), case.expect.exit)?;
    let saved = file(direct.path(), Format::Json).display().to_string();
    let said_again = run(case, vec!["report".to_owned(), saved], again.path(), 0)?;
    if said == said_again { Ok([direct, again]) } else { Err("another text on stdout".to_owned()) }
}

#[test]
fn every_fixture_is_rendered_again_to_the_same_bytes() {
    every_case(|case| {
        let [direct, again] = rendered_twice(case)?;
        for format in Format::ALL {
            let [one, two] = [&direct, &again].map(|folder| text(folder.path(), format));
            let same = if format == Format::JsonLines { same_events(&one, &two) } else { one == two };
            // An intact run without notices has nothing to tell in OCSF.
            if !same || (one.is_empty() && format != Format::Ocsf) {
                return Err(format!(
                    "`{}` differs when it is rendered again:\n{one}\n{two}",
                    format.as_str()
                ));
            }
        }
        let report = text(direct.path(), Format::Json);
        let report: Value = serde_json::from_str(&report).map_err(|error| error.to_string())?;
        let wrong = errors(&report);
        unknown_fields(&report, &schema())?;
        timelines_fit(&report)?;
        page_is_sound(&text(direct.path(), Format::Html), &report)?;
        passes_only_what_is_proved(&report, &|format| text(direct.path(), format))?;
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    });
}

/// The same lines, in any order but for the first and the last.
fn same_events(one: &str, two: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let ends = |text: &str| (text.lines().next().map(str::to_owned), text.lines().last().map(str::to_owned));
    sorted(one) == sorted(two) && ends(one) == ends(two)
}

#[test]
fn a_report_without_full_names_of_chains_gives_each_finding_to_its_chain() {
    every_case(|case| {
        let [direct, again] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        run(case, case.validate_arguments(), direct.path(), case.expect.exit)?;
        let mut report: Value = serde_json::from_str(&text(direct.path(), Format::Json)).unwrap();
        let chains: Vec<_> = report["chains"].as_array().unwrap().clone();
        let short = |chain: &Value| ["account", "region", "trail"].map(|name| chain[name].to_string());
        let names: BTreeSet<_> = chains.iter().map(short).collect();
        if names.len() != chains.len() {
            return Ok(());
        }
        for finding in report["findings"].as_array_mut().unwrap() {
            for name in ["home_region", "organization", "backfill"] {
                finding.as_object_mut().unwrap().remove(name).unwrap();
            }
        }
        let old = again.path().join("old.json");
        fs::write(&old, report.to_string()).unwrap();
        run(case, vec!["report".to_owned(), old.display().to_string()], again.path(), 0)?;
        for format in [Format::JUnit, Format::Text, Format::Prometheus] {
            if text(direct.path(), format) != text(again.path(), format) {
                return Err(format!("another `{}`", format.as_str()));
            }
        }
        Ok(())
    });
}
