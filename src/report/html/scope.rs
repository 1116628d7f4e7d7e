//! Asked scope, user, counts and used keys.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::section;
use super::shown::SafeText;
use crate::event::{Counts, Report, UsedKey};
use crate::report::text::layout::grouped;
use crate::report::text::memory;
use crate::time::Timestamp;

/// The most resolved findings to name; the JSON report has all.
const SHOWN: usize = 20;

pub(super) fn scope(report: &Report) -> Markup {
    let start =
        report.range.start.map_or_else(|| "where the record begins".to_owned(), |start| start.to_string());
    let took = match report.seconds() {
        0 => "under 1 s".to_owned(),
        seconds => format!("{} s", grouped(seconds)),
    };
    let content = html! {
        dl {
            dt { "sources" } dd { @for source in &report.sources { div { code { (SafeText(source)) } } } }
            dt { "range" } dd { (start) " to " (report.range.end) }
            dt { "run" } dd { (report.started) ", took " (took) @if report.interrupted { ", interrupted" } }
            @if let Some(summary) = memory::summary(report) {
                dt { "memory" } dd {
                    (summary)
                    @if let Some(unread) = memory::unread(report) { div { (unread) } }
                    @for finding in report.resolved.iter().flatten().take(SHOWN) {
                        div { "resolved " (SafeText(&memory::resolved(finding))) }
                    }
                }
            }
            dt { "run by" } dd { (SafeText(report.origin.run_by.as_deref().unwrap_or("unknown"))) }
            dt { "version" } dd { "trailproof " (SafeText(&report.origin.version)) }
            dt { "command" } dd {
                @match &report.origin.command {
                    Some(command) => code.line { (SafeText(command)) },
                    None => "unknown",
                }
            }
        }
        (counts(&report.counts))
    };
    section("scope", "Scope", &content)
}

fn counts(counts: &Counts) -> Markup {
    let (digests, logs) = (&counts.digests, &counts.logs);
    let rows = [
        ("digest files", digests.valid, digests.remembered, digests.tampered, digests.unverified, None),
        ("log files", logs.valid, logs.remembered, logs.tampered, logs.unverified, Some(logs.unreferenced)),
    ];
    let remembers = digests.remembered.saturating_add(logs.remembered) > 0;
    html! {
        div.wide { table {
            caption {
                "Checked: " (grouped(counts.compressed_bytes)) " bytes as stored, "
                (grouped(counts.inflated_bytes)) " inflated"
            }
            thead { tr {
                th scope="col" { "" }
                th.n scope="col" { "valid" }
                @if remembers { th.n scope="col" { "remembered" } }
                @for title in ["tampered", "unverified", "unreferenced"] { th.n scope="col" { (title) } }
            } }
            tbody { @for (name, valid, remembered, tampered, unverified, unreferenced) in rows {
                tr {
                    th scope="row" { (name) }
                    td.n { (grouped(valid)) }
                    @if remembers { td.n { (grouped(remembered)) } }
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

/// Maximum number of keys to show.
const MOST_KEYS: usize = 1_000;

pub(super) fn keys(keys: &BTreeSet<UsedKey>) -> Markup {
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
                        td { code { (SafeText(&key.fingerprint)) } }
                        td { (SafeText(&key.region)) }
                        td { (moment(key.valid_from)) }
                        td { (moment(key.valid_to)) }
                        td { code { (SafeText(&key.source)) } }
                    }
                } }
            } }
            @if keys.len() > MOST_KEYS { p { (keys.len() - MOST_KEYS) " more keys are in the JSON report." } }
        }
    }
}
