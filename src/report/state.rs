//! What a state remembers, as text and as JSON (`state show`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::for_terminal;
use super::json::document;
use super::severity_word;
use super::text::layout::plural;
use crate::event::Kind;
use crate::ident::ChainId;
use crate::state::{OpenState, RememberedDigest, RememberedFinding, StateDocument};
use crate::time::Timestamp;

/// The state as text, for the terminal.
#[must_use]
pub fn text(place: &str, state: &OpenState) -> String {
    let mut text = format!("state {}\n", for_terminal(place));
    let digests =
        |of: fn(&StateDocument) -> &Vec<RememberedDigest>| state.documents().flat_map(of).collect::<Vec<_>>();
    for (title, all) in [
        ("newest proved digests", digests(|document| &document.heads)),
        ("oldest proved digests", digests(|document| &document.begins)),
        ("backfill digests", digests(|document| &document.backfill)),
    ] {
        let _ = writeln!(text, "\n{title}");
        for RememberedDigest { chain, location, end, run, .. } in &all {
            let uri = location.to_string();
            let _ = writeln!(text, "  {}  {end}  run {}", chain_name(chain), for_terminal(run));
            let _ = writeln!(text, "    {}", for_terminal(&uri));
        }
        if all.is_empty() {
            text.push_str("  none\n");
        }
    }
    write_sealed(&mut text, state);
    let findings = || state.documents().flat_map(|document| &document.findings);
    for (title, is_accepted) in [("open findings", false), ("accepted findings", true)] {
        let _ = writeln!(text, "\n{title}");
        let mut shown: Vec<_> = findings().filter(|finding| finding.is_accepted() == is_accepted).collect();
        shown.sort_by_key(|finding| order(finding));
        shown.iter().for_each(|finding| write_finding(&mut text, finding));
        if shown.is_empty() {
            text.push_str("  none\n");
        }
    }
    text
}

/// The sealed days of each folder, with the time from which on every object of them was read.
fn write_sealed(text: &mut String, state: &OpenState) {
    text.push_str("\nsealed days\n");
    let mut any = false;
    for document in state.documents() {
        for (organization, folder) in &document.sealed {
            let (Some(first), Some(last)) = (folder.days.keys().next(), folder.days.keys().next_back())
            else {
                continue;
            };
            any = true;
            let organization = organization.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
            let scope = document.scope.to_string();
            let days = plural(folder.days.len() as u64, "day");
            let _ = writeln!(text, "  {}{}", for_terminal(&scope), for_terminal(&organization));
            let [first, last] = [first, last].map(|day| day.day_folder().replace('/', "-"));
            let _ = writeln!(text, "    {days}, {first} to {last}");
            if let Some(read) = folder.days.values().map(|day| day.read).min() {
                let _ = writeln!(text, "    each read {read} or later");
            }
        }
    }
    if !any {
        text.push_str("  none\n");
    }
}

fn write_finding(text: &mut String, finding: &RememberedFinding) {
    let severity = severity_word(finding.severity);
    let _ = writeln!(
        text,
        "  {}  [{severity}] {}  since {}",
        finding.id,
        finding.kind.as_str(),
        finding.first_seen
    );
    let _ = writeln!(text, "    {}", subject(finding));
    if let (Some(start), Some(end)) = (finding.start, finding.end) {
        let _ = writeln!(text, "    {start} to {end}");
    }
    if let Some(accepted) = finding.accepted.as_ref().filter(|_| finding.is_accepted()) {
        let (by, reason) = (for_terminal(&accepted.by), for_terminal(&accepted.reason));
        let _ = writeln!(text, "    accepted by {by} at {}: {reason}", accepted.at);
    }
}

/// The order to show findings in: by kind, time and object. Files have them in the order of their ids.
fn order(finding: &RememberedFinding) -> (Kind, Timestamp, Option<&str>, &str) {
    (finding.kind, finding.start.unwrap_or(finding.at), finding.uri.as_deref(), &finding.id)
}

/// The object, chain, or account and region of a remembered finding.
#[must_use]
pub fn subject(finding: &RememberedFinding) -> String {
    if let Some(uri) = &finding.uri {
        return for_terminal(uri).into_owned();
    }
    if let Some(chain) = &finding.chain {
        return chain_name(chain);
    }
    let parts: Vec<_> = [&finding.account, &finding.region].into_iter().flatten().collect();
    match parts.is_empty() {
        true => "the whole run".to_owned(),
        false => parts.into_iter().map(|part| for_terminal(part)).collect::<Vec<_>>().join(" "),
    }
}

fn chain_name(chain: &ChainId) -> String {
    for_terminal(&chain.to_string()).into_owned()
}

/// The state as JSON: the place, and the content of each file in the form of the files, findings in the order of the text.
#[must_use]
pub fn json(place: &str, state: &OpenState) -> String {
    let sorted = |document: &StateDocument| {
        let mut document = document.clone();
        document.findings.sort_by(|one, other| order(one).cmp(&order(other)));
        document.to_json()
    };
    let files: Vec<Value> = state.documents().map(sorted).collect();
    document(&json!({ "place": place, "files": files }))
}
