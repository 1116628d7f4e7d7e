//! CSV by RFC 4180, UTF-8, with a header and lines that end in CR LF: for spreadsheets.
//!
//! | column | of a `finding` | of an `object` (with `-v`) | of the `run` |
//! |---|---|---|---|
//! | `record` | `finding` | `object` | `run`: always the last row; a file without it is not whole |
//! | `kind` | `log-modified` and so on | `digest` or `log` | empty |
//! | `state` | `tampered`, `incomplete`, `notice` | `valid`, `tampered`, `unverified` | the verdict |
//! | `account`, `region`, `trail` | what it concerns | empty | empty |
//! | `uri` | the object | the object | empty |
//! | `digest`, `message`, `expected`, `actual`, `reason` | as in [`json`](super::json) | empty | `message` alone: version and counts |
//! | `start`, `end` | the stretch it concerns | empty | the asked range |
//!
//! Findings are rows in the order of the JSON report. With `-v` they are in the order they come, objects before the
//! findings of their chain. A cell is what it is to a
//! spreadsheet, too: where it begins with a character that begins a formula (`=`, `+`, `-`, `@`, and their full-width
//! forms, behind spaces as well), an apostrophe stands before it, as OWASP's page "CSV Injection" has it. Characters
//! that nobody sees, tab and line ends among them, are written as `\u{…}`; the exact name is in the JSON report.
//!
//! Findings alone are written when the run is over, so that a part of them cannot be read as the whole. Where every
//! object is listed, rows are written as they come, as a run may have millions.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::escape::for_terminal;
use super::text::words::{object_state, object_type};
use super::{Options, Renderer, severity_word};
use crate::event::{Event, Finding, Reason, Report};
use crate::time::{Range, Timestamp};

const COLUMNS: [&str; 14] = [
    "record", "kind", "state", "account", "region", "trail", "uri", "digest", "message", "expected",
    "actual", "start", "end", "reason",
];

pub(super) struct Csv {
    out: Writer<Box<dyn Write + Send>>,
    /// Whether rows are written as they come.
    streams: bool,
    begun: bool,
}

impl Csv {
    pub(super) fn new(options: Options, writer: Box<dyn Write + Send>) -> Self {
        let out = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(writer);
        Self { out, streams: options.verbose, begun: false }
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            self.out.write_record(COLUMNS)?;
        }
        self.out.write_record(row.cells())?;
        Ok(())
    }
}

impl Renderer for Csv {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Object { object, uri, state } => self.row(&Row {
                record: "object",
                kind: object_type(*object),
                state: object_state(*state),
                uri: Some(uri),
                ..Row::default()
            }),
            Event::Finding(finding) if self.streams => self.row(&Row::of_finding(finding)),
            Event::Started { .. } | Event::Finding(_) | Event::Chain(_) | Event::Finished(_) => Ok(()),
        }
    }

    fn report(&mut self, report: &Report) -> io::Result<()> {
        if !self.streams {
            report.findings().try_for_each(|finding| self.row(&Row::of_finding(finding)))?;
        }
        self.row(&Row::of_run(report))?;
        self.out.flush()
    }
}

#[derive(Default)]
struct Row<'a> {
    record: &'static str,
    kind: &'static str,
    state: &'static str,
    account: Option<&'a str>,
    region: Option<&'a str>,
    trail: Option<&'a str>,
    uri: Option<&'a str>,
    digest: Option<&'a str>,
    message: String,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    reason: Option<Reason>,
}

impl<'a> Row<'a> {
    fn of_finding(finding: &'a Finding) -> Self {
        Self {
            record: "finding",
            kind: finding.kind.as_str(),
            state: severity_word(finding.severity),
            account: finding.account.as_deref(),
            region: finding.region.as_deref(),
            trail: finding.trail.as_deref(),
            uri: finding.uri.as_deref(),
            digest: finding.digest.as_deref(),
            message: finding.message(),
            expected: finding.expected.as_deref(),
            actual: finding.actual.as_deref(),
            start: finding.start,
            end: finding.end,
            reason: finding.reason,
        }
    }

    fn of_run(report: &Report) -> Self {
        let (digests, logs) = (&report.counts.digests, &report.counts.logs);
        let message = format!(
            "trailproof {}: digests: {} valid, {} tampered, {} unverified; logs: {} valid, {} tampered, {} unverified, \
             {} unreferenced{}",
            report.origin.version,
            digests.valid,
            digests.tampered,
            digests.unverified,
            logs.valid,
            logs.tampered,
            logs.unverified,
            logs.unreferenced,
            if report.interrupted { "; interrupted" } else { "" }
        );
        let (state, Range { start, end }) = (report.verdict().as_str(), report.range);
        Row { record: "run", state, message, start, end: Some(end), ..Self::default() }
    }

    fn cells(&self) -> [String; 14] {
        let text = |text: Option<&str>| cell(text.unwrap_or_default());
        let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string()).unwrap_or_default();
        [
            self.record.to_owned(),
            self.kind.to_owned(),
            self.state.to_owned(),
            text(self.account),
            text(self.region),
            text(self.trail),
            text(self.uri),
            text(self.digest),
            cell(&self.message),
            text(self.expected),
            text(self.actual),
            moment(self.start),
            moment(self.end),
            self.reason.map(Reason::as_str).unwrap_or_default().to_owned(),
        ]
    }
}

/// `text` as a cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let shown = for_terminal(text);
    match shown.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{shown}"),
        false => shown.into_owned(),
    }
}

#[cfg(test)]
mod tests;
