//! The HTML report: a single file without scripts or further files, to read in a browser, print and file.
//!
//! The report is written when the run is over. The size is bounded: findings are rendered up to a number of bytes, and
//! counted beyond that limit. The page is under 2 MB for a million log files, ten thousand findings and a year of 200
//! chains.
//!
//! All text from a bucket, a directory or the user goes through [`SafeText`](shown::SafeText). In addition, a content
//! security policy forbids the browser to run scripts and to fetch resources.

mod coverage;
mod days;
mod findings;
mod map;
mod method;
mod png;
mod reproduce;
mod scope;
mod shown;
mod time;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::text::verdict;
use crate::event::{ChainSummary, Report, ReportedChain, Verdict};
use crate::report::shell;
use shown::SafeText;

const STYLE: &str = include_str!("html/style.css");

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let why = verdict::why(report, &report.findings().collect());
    // A report on single objects says nothing of their chains.
    let chains = report.chains().filter(|_| !report.single_objects);
    let chains: Vec<PageChain<'_>> = chains.map(|chain| PageChain::of(report, chain)).collect();
    let parts = [
        head(report),
        header(report, &why),
        scope::scope(report),
        coverage::coverage(report, &chains),
        section("findings", "Findings", &findings::findings(report, &all(report))),
        section("days", "Day by day", &days::days(&chains)?),
        section("keys", "Keys used", &scope::keys(&report.keys)),
        section("method", "Method: what is proved, and what is not", &method::method(report)),
        section("controls", "Controls", &method::controls()),
        foot(report),
    ];
    parts.into_iter().try_for_each(|part| out.write_all(part.into_string().as_bytes()))
}

/// A chain on the page.
#[derive(Clone, Copy)]
struct PageChain<'r> {
    summary: &'r ChainSummary,
    /// Whether any of the chain's digests, log files or time is not proved.
    is_troubled: bool,
}

impl<'r> PageChain<'r> {
    fn of(report: &Report, chain: &'r ReportedChain) -> Self {
        let ReportedChain { summary, .. } = chain;
        let unproved = summary.unproved_digests().saturating_add(summary.unproved_logs());
        let is_intact = report.chain_verdict(chain) == Verdict::Intact;
        Self { summary, is_troubled: !is_intact || unproved > 0 || map::has_trouble(summary) }
    }
}

/// The command that writes a report with all findings.
fn all(report: &Report) -> String {
    match &report.origin.command {
        Some(command) => format!("{command} --report json=FILE"),
        None => {
            let sources = report.sources.iter().map(String::as_str);
            format!(
                "{} --report json=FILE",
                shell::line(["trailproof", "validate"].into_iter().chain(sources))
            )
        }
    }
}

const SECTIONS: [(&str, &str); 7] = [
    ("scope", "Scope"),
    ("coverage", "Coverage"),
    ("findings", "Findings"),
    ("days", "Day by day"),
    ("keys", "Keys"),
    ("method", "Method"),
    ("controls", "Controls"),
];

/// The document's head, and the beginning of the body.
fn head(report: &Report) -> Markup {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let title = format!("trailproof: {}, {}", report.verdict().as_str(), report.sources.join(" "));
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\" dir=\"ltr\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="referrer" content="no-referrer";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (SafeText(&title)) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        a.skip href="#findings" { "Skip to the findings" }
    }
}

fn header(report: &Report, why: &str) -> Markup {
    let word = report.verdict().as_str();
    html! {
        header {
            p.brand { "CloudTrail's record, validated by trailproof" }
            div.verdict.(word) {
                h1 { (word) }
                p.why { (SafeText(why)) }
            }
            nav aria-label="Sections" { ul {
                @for (id, title) in SECTIONS { li { a href=(format!("#{id}")) { (title) } } }
            } }
        }
        (PreEscaped("<main>"))
    }
}

fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (content) } }
}

fn foot(report: &Report) -> Markup {
    html! {
        (PreEscaped("</main>"))
        footer { "trailproof " (SafeText(&report.origin.version)) ", run at " (report.started) ". All times are UTC." }
        (PreEscaped("</body></html>\n"))
    }
}

/// A duration in hours, rounded down to tenths.
fn hours(seconds: u64) -> String {
    let tenths = seconds / 360;
    match (tenths / 10, tenths % 10) {
        (0, 0) => "under 0.1 h".to_owned(),
        (hours, 0) => format!("{} h", super::text::layout::grouped(hours)),
        (hours, tenth) => format!("{}.{tenth} h", super::text::layout::grouped(hours)),
    }
}

#[cfg(test)]
mod tests;
