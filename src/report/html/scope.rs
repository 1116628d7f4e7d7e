//! What was asked, who ran it, what was looked at, and the keys that proved it.

use maud::{Markup, html};

use super::shown::Shown;
use super::{Begun, section};
use crate::event::{Counts, Summary, UsedKey};
use crate::report::text::layout::grouped;
use crate::time::Timestamp;

pub(super) fn scope(begun: &Begun, summary: &Summary) -> Markup {
    let start =
        begun.range.start.map_or_else(|| "where the record begins".to_owned(), |start| start.to_string());
    let took = summary.at.unix().saturating_sub(begun.at.unix());
    let took = if took > 0 { format!("{} s", grouped(took.unsigned_abs())) } else { "under 1 s".to_owned() };
    let content = html! {
        dl {
            dt { "sources" } dd { @for source in &begun.sources { div { code { (Shown(source)) } } } }
            dt { "asked time" } dd { (start) " to " (begun.range.end) }
            dt { "run" } dd { (begun.at) ", took " (took) @if summary.interrupted { ", interrupted" } }
            dt { "run by" } dd { (Shown(begun.origin.run_by.as_deref().unwrap_or("not told"))) }
            dt { "version" } dd { "trailproof " (Shown(&begun.origin.version)) }
            dt { "command" } dd {
                @match &begun.origin.command {
                    Some(command) => code.line { (Shown(command)) },
                    None => "not told",
                }
            }
        }
        (counts(&summary.counts))
    };
    section("scope", "Scope", &content)
}

fn counts(counts: &Counts) -> Markup {
    let (digests, logs) = (&counts.digests, &counts.logs);
    let rows = [
        ("digest files", digests.valid, digests.tampered, digests.unverified, None),
        ("log files", logs.valid, logs.tampered, logs.unverified, Some(logs.unreferenced)),
    ];
    html! {
        div.wide { table {
            caption {
                "What was looked at: " (grouped(counts.compressed_bytes)) " bytes as stored, "
                (grouped(counts.inflated_bytes)) " inflated"
            }
            thead { tr {
                th scope="col" { "" }
                @for title in ["valid", "tampered", "unverified", "unreferenced"] { th.n scope="col" { (title) } }
            } }
            tbody { @for (name, valid, tampered, unverified, unreferenced) in rows {
                tr {
                    th scope="row" { (name) }
                    td.n { (grouped(valid)) }
                    td.n.trouble[tampered > 0] { (grouped(tampered)) }
                    td.n.trouble[unverified > 0] { (grouped(unverified)) }
                    td.n.trouble[unreferenced > Some(0)] {
                        @if let Some(unreferenced) = unreferenced { (grouped(unreferenced)) }
                    }
                }
            } }
        } }
    }
}

/// Keys that are shown.
const MOST_KEYS: usize = 1_000;

pub(super) fn keys(keys: &[UsedKey]) -> Markup {
    let moment = |moment: Option<Timestamp>| {
        moment.map_or_else(|| "not given".to_owned(), |moment| moment.to_string())
    };
    html! {
        @if keys.is_empty() {
            p { "None: no signature was verified." }
        } @else {
            div.wide { table {
                thead { tr { @for title in ["fingerprint", "region", "valid from", "valid to", "from"] {
                    th scope="col" { (title) }
                } } }
                tbody { @for key in keys.iter().take(MOST_KEYS) {
                    tr {
                        td { code { (Shown(&key.fingerprint)) } }
                        td { (Shown(&key.region)) }
                        td { (moment(key.valid_from)) }
                        td { (moment(key.valid_to)) }
                        td { code { (Shown(&key.source)) } }
                    }
                } }
            } }
            @if keys.len() > MOST_KEYS { p { (keys.len() - MOST_KEYS) " more keys are in the JSON report." } }
        }
    }
}
