//! What every report and every page is held to.

use std::collections::BTreeSet;

use serde_json::Value;
use trailproof::event::{TimeState, Timeline};
use trailproof::report::escape::is_hidden;

use crate::support::time;

/// The schema allows for fields of later versions; those of this version it has to name. Fields of a run with memory are
/// not required, and may be absent.
pub(super) fn unknown_fields(report: &Value, schema: &Value) -> Result<(), String> {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    };
    let chains = report["chains"].as_array().into_iter().flatten();
    let findings = report["findings"].as_array().into_iter().flatten();
    let parts = std::iter::once((report, schema))
        .chain(chains.clone().map(|chain| (chain, &schema["$defs"]["chain"])))
        .chain(
            chains
                .map(|chain| &chain["timeline"])
                .filter(|line| !line.is_null())
                .map(|line| (line, &schema["$defs"]["timeline"])),
        )
        .chain(findings.map(|finding| (finding, &schema["$defs"]["finding"])));
    for (value, schema) in parts {
        let required: BTreeSet<String> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let named = keys(&schema["properties"]);
        if !keys(value).is_subset(&named) || !required.is_subset(&keys(value)) {
            return Err(format!("{:?} are the fields, {:?} the schema's", keys(value), named));
        }
    }
    Ok(())
}

/// A timeline says of covered time that it is proved, or what is wrong with it; and of a record that is intact nothing else.
pub(super) fn timelines_fit(report: &Value) -> Result<(), String> {
    let moment = |value: &Value| time(value.as_str().unwrap()).unix();
    let mut letters = String::new();
    for chain in report["chains"].as_array().into_iter().flatten() {
        let line = &chain["timeline"];
        let Some(runs) = line["runs"].as_str() else {
            return Err(format!("{chain} has no timeline"));
        };
        let step = line["step"].as_u64().unwrap();
        let timeline = Timeline::parse(time(line["start"].as_str().unwrap()), step, runs).unwrap();
        letters.push_str(runs);
        let covered: i64 = chain["covered"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|stretch| moment(&stretch["end"]) - moment(&stretch["start"]))
            .sum();
        let seconds = |states: &[TimeState]| states.iter().map(|state| timeline.seconds(*state)).sum::<u64>();
        let sound = seconds(&[TimeState::Proved, TimeState::Quiet]);
        let unsound = seconds(&[TimeState::Tampered, TimeState::Unverified]);
        let fits = (sound..=sound + unsound).contains(&covered.unsigned_abs());
        if chain["backfill"] == false && !fits {
            return Err(format!("{runs} of {step} s does not fit the covered {covered} s"));
        }
        if (chain["gaps"] != 0) && !runs.contains(['g', 't', 'u']) {
            return Err(format!("{runs} shows none of {} gaps", chain["gaps"]));
        }
    }
    let tampered = |of: &str| report["counts"][of]["tampered"] != 0;
    if (tampered("digests") || tampered("logs")) && !letters.contains('t') {
        return Err(format!("{letters} shows no tampering"));
    }
    if report["verdict"] == "intact" && letters.contains(['g', 't', 'u']) {
        return Err(format!("{letters} of an intact record"));
    }
    Ok(())
}

/// Nothing hidden, nothing to run, nothing to fetch, every tag closed, and everything said that the report says.
pub(super) fn page_is_sound(page: &str, report: &Value) -> Result<(), String> {
    if let Some(hidden) = page.chars().find(|&c| c != '\n' && is_hidden(c)) {
        return Err(format!("the page has a raw {hidden:?}"));
    }
    for never in ["<script", "javascript:", " onload", " onclick", "http://", "https://", " style="] {
        if page.contains(never) {
            return Err(format!("the page has `{never}`"));
        }
    }
    tags_are_closed(page)?;
    let verdict = format!("<h1>{}</h1>", report["verdict"].as_str().unwrap_or_default());
    let findings = report["findings"].as_array().map_or(0, Vec::len);
    let (shown, chains) =
        (page.matches("<p class=\"subject\">").count(), report["chains"].as_array().map_or(0, Vec::len));
    let drawn = page.matches("<details class=\"day\"").count();
    if !page.contains(&verdict) || shown != findings || drawn != chains {
        return Err(format!("{shown} of {findings} findings, {drawn} of {chains} chains, verdict {verdict}"));
    }
    Ok(())
}

/// Elements that have no end tag.
const VOID: [&str; 2] = ["meta", "br"];

pub(super) fn tags_are_closed(page: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').ok_or_else(|| format!("`<{tag}` does not end"))?;
        let name = inside.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.last() == Some(&name) => drop(open.pop()),
            Some(name) => return Err(format!("`</{name}>` closes {open:?}")),
            None if name.starts_with('!') || VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are left open")) }
}
