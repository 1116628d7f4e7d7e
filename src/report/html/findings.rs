//! Findings by kind, with evidence: folded in pages, and cut at a number of bytes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::reproduce::{self, ReportedRun};
use super::shown::SafeText;
use crate::event::{Finding, Kind, Reason, Report, Severity};
use crate::report::severity_word;
use crate::report::shell;
use crate::report::text::findings::{actual_label, stretch, subject};
use crate::report::text::layout::grouped;
use crate::report::text::memory;
use crate::words;

/// Number of findings of a kind to show openly, and number of further findings per fold.
const OPEN: usize = 10;
const PAGE: usize = 100;

/// Number of objects to show of a finding on many.
const OBJECTS: usize = 100;

/// Bytes reserved for each kind, and bytes that all kinds share beyond.
const BYTES_EACH: usize = 20_000;
const BYTES_SHARED: usize = 420_000;

/// Renders the findings. `all` is the command that writes all findings.
pub(super) fn findings(report: &Report, all: &str) -> Markup {
    let run = ReportedRun::of(report);
    let mut groups = FindingGroups::default();
    report.findings().for_each(|finding| groups.add(finding, &run));
    groups.render(all)
}

/// Groups of findings: gravest severity first, then in order of kinds.
#[derive(Default)]
struct FindingGroups {
    groups: BTreeMap<(Reverse<Severity>, Kind), KindGroup>,
    shared: usize,
}

#[derive(Default)]
struct KindGroup {
    count: u64,
    /// The hints, without duplicates, in order of first appearance.
    hints: Vec<&'static str>,
    /// The findings, each with its hint.
    rendered: Vec<(String, Option<&'static str>)>,
    bytes: usize,
    /// Whether a finding was left out. Then all later findings are left out too, so that the shown findings are the
    /// first.
    full: bool,
}

impl FindingGroups {
    fn add(&mut self, finding: &Finding, run: &ReportedRun) {
        let group = self.groups.entry((Reverse(finding.severity), finding.kind)).or_default();
        group.count += 1;
        let hint = words::hint(finding);
        if let Some(hint) = hint.filter(|hint| !group.hints.contains(hint)) {
            group.hints.push(hint);
        }
        if group.full {
            return;
        }
        let item = item(finding, run).into_string();
        let bytes = item.len() + hint.map_or(0, str::len);
        let own = BYTES_EACH.saturating_sub(group.bytes);
        let over = bytes.saturating_sub(own);
        // The first finding of a kind is always shown.
        if !group.rendered.is_empty() && self.shared + over > BYTES_SHARED {
            group.full = true;
            return;
        }
        self.shared += over;
        group.bytes += bytes;
        group.rendered.push((item, hint));
    }

    fn render(&self, all: &str) -> Markup {
        html! {
            @if self.groups.is_empty() { p { "None." } }
            @for ((severity, kind), group) in &self.groups { (group.render(severity.0, *kind, all)) }
        }
    }
}

impl KindGroup {
    /// A finding of the list, with its hint if the findings of the kind have different hints.
    fn item(&self, (item, hint): &(String, Option<&str>)) -> Markup {
        let own = hint.filter(|_| self.hints.len() > 1);
        html! { li { (PreEscaped(item)) @if let Some(hint) = own { (to_do(hint)) } } }
    }

    fn render(&self, severity: Severity, kind: Kind, all: &str) -> Markup {
        let (open, folded) = self.rendered.split_at(self.rendered.len().min(OPEN));
        let shown = self.rendered.len() as u64;
        html! {
            section.group id=(format!("{}-{}", severity_word(severity), kind.as_str())) {
                h3 {
                    span.badge.(severity_word(severity)) { (severity_word(severity)) }
                    " " (kind.as_str()) " (" (grouped(self.count)) "): " (words::meaning(kind))
                }
                @if let [hint] = *self.hints { (to_do(hint)) }
                ol.findings { @for item in open { (self.item(item)) } }
                @for (page, items) in folded.chunks(PAGE).enumerate() {
                    @let first = OPEN + page * PAGE;
                    details {
                        summary { (first + 1) " to " (first + items.len()) }
                        ol.findings start=(first + 1) { @for item in items { (self.item(item)) } }
                    }
                }
                @if self.count > shown {
                    p.more {
                        "… and " (grouped(self.count - shown)) " more, not on this page. To list all findings: "
                        code { (SafeText(all)) }
                    }
                }
            }
        }
    }
}

/// What to do next.
fn to_do(hint: &str) -> Markup {
    html! { p.hint { strong { "What to do next: " } (ticked(hint)) } }
}

/// A hint's text, with text between backticks marked as code.
fn ticked(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The content of a finding's entry.
fn item(finding: &Finding, run: &ReportedRun) -> Markup {
    let (stretch, memory) = (stretch(finding.start, finding.end), memory::status(finding));
    let chain: Vec<&str> = [&finding.account, &finding.region, &finding.trail]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let chain = chain.join(" ");
    let evidence = [
        ("recorded at", finding.recorded_at()),
        ("proved original", finding.original.as_deref()),
        ("expected", finding.expected.as_deref()),
        (actual_label(finding), finding.actual.as_deref()),
        ("digest", finding.digest.as_deref()),
        ("time", stretch.as_deref()),
        ("reason", finding.reason.map(Reason::as_str)),
        ("memory", memory.as_deref()),
        ("chain", Some(chain.as_str()).filter(|chain| !chain.is_empty())),
    ];
    let reproduce = reproduce::command(finding, run);
    html! {
        p.subject { code { (SafeText(finding.object().unwrap_or(&subject(finding)))) } }
        p { (SafeText(&finding.message())) }
        dl {
            @for (label, value) in evidence {
                @if let Some(value) = value { dt { (label) } dd { code { (SafeText(value)) } } }
            }
            @if let Some(line) = reproduce {
                dt { "reproduce" @if shell::needs_bash(&line) { " (in bash)" } }
                dd { code.line { (SafeText(&line)) } }
            }
        }
        (objects(&finding.objects))
    }
}

/// The objects of a finding on many.
fn objects(objects: &[String]) -> Markup {
    html! {
        @if !objects.is_empty() {
            details {
                summary { (grouped(objects.len() as u64)) " objects" }
                ul { @for object in objects.iter().take(OBJECTS) { li { code { (SafeText(object)) } } } }
                @if let more @ 1.. = objects.len().saturating_sub(OBJECTS) {
                    p.more { "… and " (grouped(more as u64)) " more: see the JSON report" }
                }
            }
        }
    }
}
