//! Every case of the kit: the copy has the verdict and the findings of its source.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::fixtures::case::{Case, Found};
use crate::fixtures::{delivery, every_case, memory, trailproof};

/// Cases whose copy says something else than the source, and why.
const ON_DISK: [(&str, &str); 5] = [
    ("key_bad_entry", REFUSED),
    ("key_bad_entry_resigned", REFUSED),
    ("relocated", NAMED),
    ("relocated_modified", NAMED),
    ("relocated_named", NAMED),
];

/// The same, for sources that keep versions.
const VERSIONED: [(&str, &str); 15] = [
    ("digest_deleted", NO_VERSIONS),
    ("digest_deleted_before_move", NO_VERSIONS),
    ("digest_deleted_metadata_lost", NO_VERSIONS),
    ("digest_deleted_trail", NO_VERSIONS),
    ("digest_deleted_two", NO_VERSIONS),
    ("digest_moved", NO_VERSIONS),
    ("key_bad_entry", REFUSED),
    ("key_bad_entry_resigned", REFUSED),
    ("log_deleted", NO_VERSIONS),
    ("log_deleted_backfill", NO_VERSIONS),
    ("relocated", RENAMED),
    ("relocated_modified", RENAMED),
    ("relocated_named", RENAMED),
    ("start_deleted", NO_VERSIONS),
    ("start_deleted_asked", NO_VERSIONS),
];

const NO_VERSIONS: &str = "a copy has no versions: what was deleted is missing";
const REFUSED: &str = "the refused entry of the keys file is not saved, so there is no notice on it";
const NAMED: &str = "the notice on a renamed folder has the folder's path, which is another one";
const RENAMED: &str =
    "on disk the name of a bucket's folder is no evidence, so the copy stands for the recorded bucket";

fn report(folder: &Path, arguments: &[&str]) -> Result<(i32, Value), String> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let output = trailproof(folder, &arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {errors}"))?;
    Ok((output.status.code().unwrap_or(-1), report))
}

/// The findings of a report, each with how often it is there.
fn findings(report: &Value) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for finding in report["findings"].as_array().into_iter().flatten() {
        *all.entry(serde_json::to_string(&Found::from_report(finding)).unwrap()).or_default() += 1;
    }
    all
}

/// Fails where two reports differ, except for the cases of `known`, whose copies are never intact.
fn compare(case: &Case, known: &[(&str, &str)], source: &Value, copy: &Value) -> Result<(), String> {
    let (of_source, of_copy) = (findings(source), findings(copy));
    let is_same = of_source == of_copy && source["verdict"] == copy["verdict"];
    let is_known = known.iter().any(|(name, _)| *name == case.name);
    if is_known && !is_same {
        let is_milder = source["verdict"] != "intact" && copy["verdict"] == "intact";
        return if is_milder { Err("the copy is intact".to_owned()) } else { Ok(()) };
    }
    let list = |one: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>| {
        let missing = one.iter().filter(|(finding, count)| other.get(*finding) != Some(*count));
        missing.map(|(finding, count)| format!("\n  {count} {finding}")).collect::<String>()
    };
    match is_same && !is_known {
        true => Ok(()),
        false => Err(format!(
            "source: {}{}\ncopy: {}{}",
            source["verdict"],
            list(&of_source, &of_copy),
            copy["verdict"],
            list(&of_copy, &of_source)
        )),
    }
}

fn validate_copy(case: &Case, folder: &Path, copy: &Path) -> Result<(i32, Value), String> {
    let (text, keys) = (copy.to_str().unwrap(), copy.join("public-keys.json"));
    let more = case.validate.iter().map(String::as_str);
    let fixed = ["validate", text, "--public-keys", keys.to_str().unwrap(), "--format", "json"];
    report(folder, &fixed.into_iter().chain(more).collect::<Vec<_>>())
}

#[test]
fn a_copy_of_a_copy_says_the_same() {
    every_case(|case| {
        let folder = delivery::folder(case)?;
        let made = tempfile::tempdir().map_err(|error| error.to_string())?;
        let copy = made.path().join("copy");
        let arguments = case.validate_arguments();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let json = ["--format", "json"];
        let (exit, source) = report(&folder, &[&words, json.as_slice()].concat())?;
        let collect: Vec<&str> = ["collect", words[1], copy.to_str().unwrap()]
            .into_iter()
            .chain(words[2..].iter().copied())
            .collect();
        let (collected, reported) = report(&folder, &[&collect, json.as_slice()].concat())?;
        if findings(&reported) != findings(&source) || (collected != exit && (exit, collected) != (0, 3)) {
            return Err(format!("`collect` exits with {collected}, and `validate` with {exit}"));
        }
        let (_, again) = validate_copy(case, &folder, &copy)?;
        compare(case, &ON_DISK, &source, &again)
    });
}

#[test]
fn a_copy_of_a_store_with_versions_says_the_same() {
    every_case(|case| {
        if case.expect_versioned().is_none() {
            return Ok(());
        }
        let made = tempfile::tempdir().map_err(|error| error.to_string())?;
        let copy = made.path().join("copy");
        let filled = memory::fill(case)?;
        let collected = super::collect(Box::new(filled.store), &filled.keys, &filled.request, &copy, 4);
        let plain = memory::run(case, 4)?;
        if plain.json != collected.ran.json {
            return Err(format!("`collect` reports\n{}\nand `validate`\n{}", collected.ran.json, plain.json));
        }
        let source = serde_json::from_str(&plain.json).map_err(|error| error.to_string())?;
        let (_, again) = validate_copy(case, made.path(), &copy)?;
        compare(case, &VERSIONED, &source, &again)
    });
}
