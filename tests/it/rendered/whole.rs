//! No format says of a chain that it is whole, passed or intact, unless every digest and log file of the chain is proved;
//! and of an intact run each format says so.

use serde_json::Value;
use trailproof::report::Format;

/// Digests or log files of a chain that are not proved, by the chain's counts.
fn unproved(chain: &Value, objects: &str) -> u64 {
    let count = |state: &str| chain["counts"][objects][state].as_u64().unwrap_or_default();
    let (bad, proved) = (count("tampered") + count("unverified"), count("valid") + count("remembered"));
    assert_eq!(bad + proved, chain[objects].as_u64().unwrap(), "{chain}");
    bad
}

/// Holds the formats of one report against the counts in its JSON form. Reports with accepted findings are left out.
pub(crate) fn passes_only_what_is_proved(
    report: &Value,
    text: &dyn Fn(Format) -> String,
) -> Result<(), String> {
    let chains = report["chains"].as_array().unwrap();
    let bad: Vec<[u64; 2]> =
        chains.iter().map(|chain| ["digests", "logs"].map(|objects| unproved(chain, objects))).collect();
    let of_run = |objects: &str, state: &str| report["counts"][objects][state].as_u64().unwrap();
    for (at, objects) in ["digests", "logs"].into_iter().enumerate() {
        let all: u64 = bad.iter().map(|bad| bad[at]).sum();
        if all != of_run(objects, "tampered") + of_run(objects, "unverified") {
            return Err(format!("the chains have {all} unproved {objects}: {}", report["counts"]));
        }
    }
    let is_intact = report["verdict"] == "intact";
    if is_intact && bad.iter().any(|bad| *bad != [0, 0]) {
        return Err("an intact run with objects that are not proved".to_owned());
    }
    in_text(&text(Format::Text), &bad, is_intact)?;
    in_junit(&text(Format::JUnit), &bad, is_intact)?;
    in_asff(&text(Format::Asff), &bad, is_intact)?;
    in_html(&text(Format::Html), &bad)?;
    in_prometheus(&text(Format::Prometheus), chains, &bad)?;
    in_lines(&text(Format::JsonLines), chains)?;
    let is_told = is_intact || !text(Format::Ocsf).is_empty();
    let last = text(Format::Csv).lines().last().unwrap_or_default().to_owned();
    let state = format!("run,,{},", report["verdict"].as_str().unwrap());
    if is_told && last.starts_with(&state) { Ok(()) } else { Err(format!("OCSF {is_told}, CSV {last}")) }
}

fn in_text(text: &str, bad: &[[u64; 2]], is_intact: bool) -> Result<(), String> {
    let whole = text.lines().filter(|line| line.contains(" whole")).filter_map(|line| {
        let (number, rest) = line.trim_start().split_once(' ')?;
        rest.starts_with("chain").then(|| number.replace(',', "").parse::<usize>().unwrap())
    });
    let (whole, proved) = (whole.sum::<usize>(), bad.iter().filter(|bad| **bad == [0, 0]).count());
    if whole > proved || (is_intact && whole != proved) {
        return Err(format!("{whole} chains are whole, and {proved} are proved:\n{text}"));
    }
    let told = text.lines().filter(|line| line.ends_with(" not proved")).count();
    if told == bad.len() - proved { Ok(()) } else { Err(format!("{told} chains are told of:\n{text}")) }
}

fn in_junit(text: &str, bad: &[[u64; 2]], is_intact: bool) -> Result<(), String> {
    // The first suite is the run's; those of the chains follow.
    for (suite, bad) in text.split("<testsuite ").skip(2).zip(bad) {
        for (case, bad) in ["digests", "log files"].into_iter().zip(bad) {
            let passed = suite.contains(&format!("name=\"{case}\" time=\"0\"/>"));
            if passed && *bad > 0 {
                return Err(format!("`{case}` passed with {bad} not proved: {suite}"));
            }
        }
    }
    let passes = text.matches("<failure").count() + text.matches("<error").count() == 0;
    if passes == is_intact { Ok(()) } else { Err(text.to_owned()) }
}

fn in_asff(text: &str, bad: &[[u64; 2]], is_intact: bool) -> Result<(), String> {
    let entries: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let is_of_chain = |entry: &&Value| entry["GeneratorId"] == "trailproof/chain";
    let entries: Vec<&Value> = entries.as_array().unwrap().iter().filter(is_of_chain).collect();
    if entries.len() != bad.len() {
        return Err(format!("{} of {} chains", entries.len(), bad.len()));
    }
    for (entry, bad) in entries.into_iter().zip(bad) {
        let passed = entry["Compliance"]["Status"] == "PASSED";
        let said = entry["Description"].as_str().unwrap_or_default();
        if (passed && *bad != [0, 0]) || (is_intact && !passed) || passed != said.contains(" intact: ") {
            return Err(format!("{bad:?} not proved: {entry}"));
        }
    }
    Ok(())
}

fn in_html(text: &str, bad: &[[u64; 2]]) -> Result<(), String> {
    let cells = text.matches(" not proved</td>").count();
    let expected = bad.iter().flatten().filter(|bad| **bad > 0).count();
    // Many chains are listed twice: all, and those with trouble.
    let most = if bad.len() > 40 { 2 * expected } else { expected };
    if (expected..=most).contains(&cells) { Ok(()) } else { Err(format!("{cells} cells, not {expected}")) }
}

fn in_prometheus(text: &str, chains: &[Value], bad: &[[u64; 2]]) -> Result<(), String> {
    for (at, metric) in ["chain_unproved_digests{", "chain_unproved_logs{"].into_iter().enumerate() {
        let lines = text.lines().filter_map(|line| line.strip_prefix("trailproof_")?.strip_prefix(metric));
        let values: Vec<u64> =
            lines.map(|line| line.rsplit(' ').next().unwrap_or_default().parse().unwrap()).collect();
        let hourly = chains.iter().zip(bad).filter(|(chain, _)| chain["backfill"] == false);
        let expected: Vec<u64> = hourly.map(|(_, bad)| bad[at]).collect();
        if values != expected {
            return Err(format!("`{metric}` has {values:?}, not {expected:?}"));
        }
    }
    Ok(())
}

fn in_lines(text: &str, chains: &[Value]) -> Result<(), String> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let counts = |chain: &Value| chain["counts"].to_string();
    let mut told: Vec<String> =
        lines.filter(|line| line["event"] == "chain").map(|chain| counts(&chain)).collect();
    let mut expected: Vec<String> = chains.iter().map(counts).collect();
    told.sort_unstable();
    expected.sort_unstable();
    if told == expected { Ok(()) } else { Err(format!("{told:?}, not {expected:?}")) }
}
