//! Coverage: the heat map, and the same data as a table.

use maud::{Markup, html};

use super::PageChain;
use super::map;
use super::section;
use super::shown::SafeText;
use crate::event::{ChainSummary, Report, TimeState};
use crate::report::text::coverage::{NOT_JUDGED, without_digests as without};
use crate::report::text::layout::{grouped, plural};

/// Number of chains above which the table is folded, and the incompletely proved chains are listed separately.
const OPEN_ROWS: usize = 40;

/// Maximum number of rows in a table.
const MOST_ROWS: usize = 1_000;

pub(super) fn coverage(report: &Report, chains: &[PageChain<'_>]) -> Markup {
    let numbered: Vec<(usize, PageChain<'_>)> = chains.iter().copied().enumerate().collect();
    let troubled: Vec<(usize, PageChain<'_>)> =
        numbered.iter().copied().filter(|(_, chain)| chain.is_troubled).collect();
    let content = html! {
        (without_digests(report))
        @if report.single_objects {
            p { "Coverage was " (NOT_JUDGED) "." }
        } @else if chains.is_empty() {
            p { "No chain of digests was found." }
        } @else {
            (legend())
            (map::map(chains))
            @if chains.len() <= OPEN_ROWS {
                (table("All chains", &numbered))
            } @else {
                p {
                    (grouped(chains.len() as u64)) " chains: " (grouped((chains.len() - troubled.len()) as u64))
                    " completely proved, " (grouped(troubled.len() as u64)) " not."
                }
                @if !troubled.is_empty() {
                    (table("Chains that are not completely proved", troubled.get(..OPEN_ROWS).unwrap_or(&troubled)))
                }
                details { summary { "All chains" } (table("All chains", &numbered)) }
            }
        }
    };
    section("coverage", "Coverage", &content)
}

/// The regions that have no digests, and so no chain in the map and the table.
fn without_digests(report: &Report) -> Markup {
    let regions = without(report);
    html! {
        @if !regions.is_empty() {
            p.trouble {
                (plural(regions.len() as u64, "region")) " without digests, not in the map: "
                @for (index, (account, region)) in regions.iter().take(OPEN_ROWS).enumerate() {
                    @if index > 0 { ", " }
                    (SafeText(account)) " " (SafeText(region))
                }
                @if regions.len() > OPEN_ROWS { " and " (grouped((regions.len() - OPEN_ROWS) as u64)) " more" }
                ". See the findings " code { "no-digests" } "."
            }
        }
    }
}

fn legend() -> Markup {
    let meant = [
        (TimeState::Proved, "proved, with all log files"),
        (TimeState::Quiet, "proved, and quiet: no log file"),
        (TimeState::Remembered, "remembered from an earlier run, and unchanged"),
        (TimeState::Gap, "gap: no digest"),
        (TimeState::Unverified, "unverified"),
        (TimeState::Tampered, "tampered"),
    ];
    html! {
        ul.legend { @for (state, meaning) in meant {
            li {
                svg viewBox="0 0 36 16" aria-hidden="true" {
                    g transform="translate(0 8)scale(12 16)" { path class=(state.letter()) d="M0 0h3" {} }
                }
                (meaning)
            }
        } }
    }
}

fn table(caption: &str, rows: &[(usize, PageChain<'_>)]) -> Markup {
    html! {
        div.wide { table {
            caption { (caption) }
            thead { tr {
                @for title in ["account", "region", "trail", "covered"] { th scope="col" { (title) } }
                @for title in ["digests", "logs", "gaps", "hours tampered", "hours unverified", "hours uncovered"] {
                    th.n scope="col" { (title) }
                }
            } }
            tbody { @for (index, chain) in rows.iter().take(MOST_ROWS) { (row(*index, chain.summary)) } }
        } }
        @if rows.len() > MOST_ROWS { p { (rows.len() - MOST_ROWS) " more chains are in the JSON report." } }
    }
}

fn row(index: usize, chain: &ChainSummary) -> Markup {
    let seconds = |state| chain.timeline.as_ref().map_or(0, |timeline| timeline.seconds(state));
    let backfill = if chain.id.backfill { " (backfill)" } else { "" };
    let gaps = if chain.id.backfill { "-".to_owned() } else { grouped(chain.gaps) };
    html! {
        tr {
            td { (SafeText(&chain.id.account)) }
            td { (SafeText(&chain.id.region)) }
            th scope="row" { a href=(format!("#c{index}")) { (SafeText(&chain.id.trail)) } (backfill) }
            td { (covered(chain)) }
            (objects(chain.digests, chain.unproved_digests()))
            (objects(chain.logs, chain.unproved_logs()))
            td.n.trouble[chain.gaps > 0] { (gaps) }
            @for state in [TimeState::Tampered, TimeState::Unverified, TimeState::Gap] {
                @let seconds = seconds(state);
                td.n.trouble[seconds > 0] { @if seconds == 0 { "0" } @else { (super::hours(seconds)) } }
            }
        }
    }
}

/// A cell with a number of objects, and how many of them are not proved.
fn objects(all: u64, unproved: u64) -> Markup {
    html! {
        td.n.trouble[unproved > 0] {
            (grouped(all)) @if unproved > 0 { ", " (grouped(unproved)) " not proved" }
        }
    }
}

fn covered(chain: &ChainSummary) -> String {
    match (chain.covered.as_slice(), chain.id.backfill) {
        ([], true) => "log files that were delivered late".to_owned(),
        ([], false) => "nothing".to_owned(),
        ([only], _) => only.to_string(),
        ([.., newest], _) => format!("{newest}, newest of {} stretches", chain.covered.len()),
    }
}
