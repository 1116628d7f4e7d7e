//! CSV according to RFC 4180, for spreadsheets: UTF-8, a header, lines that end in CR LF.
//!
//! | column | of a `finding` | of an `object` (with `-v`) | of the `run` |
//! |---|---|---|---|
//! | `record` | `finding`, or `named`: one of the objects of the finding above, if the finding is on many | `object` | `run`: always the last row; a file without a `run` row is incomplete |
//! | `kind` | `log-modified` and so on | `digest` or `log` | empty |
//! | `state` | `tampered`, `incomplete`, `notice` | `valid`, `tampered`, `unverified` | the verdict |
//! | `account`, `region`, `trail` | account, region and trail of the finding | empty | empty |
//! | `uri` | the object, by the place that a digest records | the object | empty |
//! | `digest`, `message`, `expected`, `actual`, `reason` | as in [`json`](super::json) | empty | `message` alone: version and counts |
//! | `start`, `end` | the stretch of time | empty | the asked range |
//! | `id` | the id for `state accept`, in a run with memory | empty | empty |
//! | `copy`, `original`, `read_at` | as in [`json`](super::json): the copy that the finding is about, the proved original, where the object was read after a named move | empty | empty |
//!
//! A row `named` has the kind, state, account, region, trail and id of its finding, and the object in `uri`.
//!
//! Findings are rows in the order of the JSON report. With `-v`, rows are in order of occurrence: objects before the
//! findings of their chain. A spreadsheet must not take a cell for a formula: a cell that begins with a formula
//! character (`=`, `+`, `-`, `@`, and the full-width forms, also after spaces) is preceded by an apostrophe, as OWASP's
//! page "CSV Injection" recommends. Invisible characters, including tab and line ends, are written as `\u{…}`; the
//! exact name is in the JSON report.
//!
//! Without `-v`, all rows are written when the run is over, so that part of the findings cannot look like the whole.
//! With `-v`, rows are written during the run, since a run may have millions of objects.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::escape::for_terminal;
use super::text::memory;
use super::text::words::{object_state, object_type};
use super::{FormatRenderer, Options, severity_word};
use crate::event::{Event, Finding, Reason, Report};
use crate::time::{Range, Timestamp};

const COLUMNS: [&str; 18] = [
    "record", "kind", "state", "account", "region", "trail", "uri", "digest", "message", "expected",
    "actual", "start", "end", "reason", "id", "copy", "original", "read_at",
];

pub(super) struct CsvReport {
    out: Writer<Box<dyn Write + Send>>,
    /// Whether rows are written during the run.
    streams: bool,
    begun: bool,
}

impl CsvReport {
    pub(super) fn new(options: Options, writer: Box<dyn Write + Send>) -> Self {
        let out = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(writer);
        Self { out, streams: options.verbose, begun: false }
    }

    fn row(&mut self, row: &CsvRow<'_>) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            self.out.write_record(COLUMNS)?;
        }
        self.out.write_record(row.cells())?;
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.row(&CsvRow::of_finding(finding))?;
        finding.objects.iter().try_for_each(|object| self.row(&CsvRow::of_named(finding, object)))
    }
}

impl FormatRenderer for CsvReport {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Object { object, uri, state } => self.row(&CsvRow {
                record: "object",
                kind: object_type(*object),
                state: object_state(*state),
                uri: Some(uri),
                ..CsvRow::default()
            }),
            Event::Finding(finding) if self.streams => self.finding(finding),
            Event::Started { .. } | Event::Finding(_) | Event::Chain(_) | Event::Finished(_) => Ok(()),
        }
    }

    fn report(&mut self, report: &Report) -> io::Result<()> {
        if !self.streams {
            report.findings().try_for_each(|finding| self.finding(finding))?;
        }
        self.row(&CsvRow::of_run(report))?;
        self.out.flush()
    }
}

#[derive(Default)]
struct CsvRow<'a> {
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
    id: Option<&'a str>,
    copy: Option<&'a str>,
    original: Option<&'a str>,
    read_at: Option<&'a str>,
}

impl<'a> CsvRow<'a> {
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
            id: memory::id(finding),
            copy: finding.copy.as_deref(),
            original: finding.original.as_deref(),
            read_at: finding.read_at.as_deref(),
        }
    }

    /// The row of one of the objects of a finding on many.
    fn of_named(finding: &'a Finding, object: &'a str) -> Self {
        Self {
            record: "named",
            kind: finding.kind.as_str(),
            state: severity_word(finding.severity),
            account: finding.account.as_deref(),
            region: finding.region.as_deref(),
            trail: finding.trail.as_deref(),
            uri: Some(object),
            id: memory::id(finding),
            ..Self::default()
        }
    }

    fn of_run(report: &Report) -> Self {
        let (digests, logs) = (&report.counts.digests, &report.counts.logs);
        let message = format!(
            "trailproof {}: digests: {} valid, {} tampered, {} unverified; logs: {} valid, {} tampered, {} unverified, \
             {} unreferenced{}{}",
            report.origin.version,
            digests.valid,
            digests.tampered,
            digests.unverified,
            logs.valid,
            logs.tampered,
            logs.unverified,
            logs.unreferenced,
            match (digests.remembered, logs.remembered) {
                (0, 0) => String::new(),
                (digests, logs) => format!("; remembered: {digests} digests, {logs} logs"),
            },
            if report.interrupted { "; interrupted" } else { "" }
        );
        let (state, Range { start, end }) = (report.verdict().as_str(), report.range);
        CsvRow { record: "run", state, message, start, end: Some(end), ..Self::default() }
    }

    fn cells(&self) -> [String; 18] {
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
            text(self.id),
            text(self.copy),
            text(self.original),
            text(self.read_at),
        ]
    }
}

/// `text` as a cell that spreadsheets do not take for a formula.
fn cell(text: &str) -> String {
    let shown = for_terminal(text);
    match shown.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{shown}"),
        false => shown.into_owned(),
    }
}

#[cfg(test)]
mod tests;
