//! Report formats, each in its own file. [`render`] writes a format from a [`Report`] when the run is over, and
//! [`saved::read`] reads a report in JSON again.
//!
//! Three outputs are written during the run, since a run may check millions of objects: [`jsonl`] always, and with
//! [`Options::verbose`] the objects of text and the rows of [`mod@csv`].
//!
//! All outputs are checked and opened before the work begins: an unwritable file must stop a run of hours in its first
//! second. The old content of a file stays until the new report is complete. [`Fanout`] collects a single report for
//! all outputs.

pub mod asff;
mod cloud;
pub mod csv;
pub mod escape;
mod file;
mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod ocsf;
pub mod plan;
pub mod progress;
pub mod prometheus;
mod replace;
pub mod saved;
pub mod shell;
pub mod state;
mod text;
#[cfg(feature = "aws")]
pub mod trails;

use std::io::{self, BufWriter, Write};
use std::str::FromStr;

use crate::event::{Event, Report, ReportCollector, Severity, Sink};
pub use file::{OpenReport, ReportError, ReportFile, WholeFile, replaced_file};
use replace::FileReplacement;

/// A report format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// For people, on a terminal or in a mail.
    Text,
    /// For programs, `trailproof/report/1`: a document, written when the run is over. Specified in [`json`].
    Json,
    /// For people, to read in a browser, print and file: a single file without scripts or further files.
    Html,
    /// For programs that follow a run, `trailproof/events/1`: a line for each event at once. Specified in [`jsonl`].
    JsonLines,
    /// For spreadsheets. Specified in [`mod@csv`].
    Csv,
    /// For CI systems: JUnit XML. Specified in [`junit`].
    JUnit,
    /// For monitoring: node_exporter's textfile collector. Specified in [`prometheus`].
    Prometheus,
    /// For AWS Security Hub. Specified in [`asff`].
    Asff,
    /// For Amazon Security Lake and other OCSF consumers. Specified in [`ocsf`].
    Ocsf,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Json,
        Self::Html,
        Self::JsonLines,
        Self::Csv,
        Self::JUnit,
        Self::Prometheus,
        Self::Asff,
        Self::Ocsf,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Html => "html",
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::JUnit => "junit",
            Self::Prometheus => "prometheus",
            Self::Asff => "asff",
            Self::Ocsf => "ocsf",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let named = Self::ALL.into_iter().find(|format| format.as_str() == word);
        named.ok_or_else(|| UnknownFormat(escape::for_terminal(word).into_owned()))
    }
}

/// An unknown format name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown report format `{0}`: expected one of {known}", known = known_formats())]
pub struct UnknownFormat(String);

fn known_formats() -> String {
    Format::ALL.map(|format| format!("`{}`", format.as_str())).join(", ")
}

/// Appearance of a text report. Only CSV uses an option besides text: `verbose` adds objects.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Options {
    /// Colours the verdict and the severities. The words are printed with and without colours.
    pub colour: bool,
    /// Prints the verdict line only; overrides `verbose`.
    pub quiet: bool,
    /// Lists all objects, as judged, before the verdict, and all chains in the coverage table.
    pub verbose: bool,
}

/// A sink that writes a report of `format` to `writer`, buffered. The sink flushes `writer` when the run is over.
///
/// [`Sink::event`] returns the writer's errors unchanged, [`io::ErrorKind::BrokenPipe`] included.
pub fn to_writer(format: Format, options: Options, writer: Box<dyn Write + Send>) -> Box<dyn Sink> {
    Box::new(SingleOutput { renderer: renderer(format, options, writer), collector: ReportCollector::new() })
}

/// Writes `report` to `writer` in `format`, and flushes `writer`.
///
/// ```no_run
/// use std::fs::File;
///
/// use trailproof::Validator;
/// use trailproof::event::NoProgress;
/// use trailproof::keys::KeyRing;
/// use trailproof::report::{self, Format, Options, saved};
///
/// let keys = KeyRing::from_file("fixtures/log_modified/delivery/public-keys.json")?;
/// let report = Validator::new("fixtures/log_modified/delivery", keys).run(&mut NoProgress)?;
/// let file = File::create("run.json")?;
/// report::render(&report, Format::Json, Options::default(), Box::new(file))?;
///
/// // A saved report, here of at most 256 MiB, is the same value.
/// let again = saved::read(File::open("run.json")?, 256 << 20)?;
/// assert_eq!(again.verdict(), report.verdict());
/// report::render(&again, Format::Text, Options::default(), Box::new(std::io::stdout()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first error of `writer`.
pub fn render(
    report: &Report,
    format: Format,
    options: Options,
    writer: Box<dyn Write + Send>,
) -> io::Result<()> {
    let mut renderer = renderer(format, options, writer);
    report.tell(&mut EventRelay(&mut *renderer))?;
    renderer.report(report)
}

/// A sink for a single output.
struct SingleOutput {
    renderer: Box<dyn FormatRenderer>,
    collector: ReportCollector,
}

impl Sink for SingleOutput {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.renderer.event(event)?;
        if self.renderer.needs_report() {
            self.collector.event(event)?;
        }
        match self.collector.report() {
            Some(report) => self.renderer.report(report),
            None => Ok(()),
        }
    }
}

/// Passes events to a renderer that writes during the run.
struct EventRelay<'r>(&'r mut dyn FormatRenderer);

impl Sink for EventRelay<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.0.event(event)
    }
}

/// Writes a run in a format to an output.
trait FormatRenderer {
    /// Whether [`FormatRenderer::report`] writes the report.
    fn needs_report(&self) -> bool {
        true
    }

    /// Takes an event during the run.
    fn event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }

    /// Writes the report when the run is over, and flushes the output.
    fn report(&mut self, report: &Report) -> io::Result<()>;
}

/// A format that is written only when the run is over.
struct FinalWriter {
    out: BufWriter<Box<dyn Write + Send>>,
    write: fn(&Report, &mut dyn Write) -> io::Result<()>,
}

impl FormatRenderer for FinalWriter {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        (self.write)(report, &mut self.out)?;
        self.out.flush()
    }
}

fn renderer(format: Format, options: Options, writer: Box<dyn Write + Send>) -> Box<dyn FormatRenderer> {
    let write = match format {
        Format::Text => return Box::new(text::TextReport::new(options, writer)),
        Format::JsonLines => return Box::new(jsonl::JsonLines::new(writer)),
        Format::Csv => return Box::new(csv::CsvReport::new(options, writer)),
        Format::Json => json::write,
        Format::Html => html::write,
        Format::JUnit => junit::write,
        Format::Prometheus => prometheus::write,
        Format::Asff => asff::write,
        Format::Ocsf => ocsf::write,
    };
    Box::new(FinalWriter { out: BufWriter::new(writer), write })
}

/// The explanation of a verdict that no finding explains.
const UNEXPLAINED: &str = "not everything asked for could be proved";

/// The word for a severity in all reports.
pub(crate) const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Incomplete => "incomplete",
        Severity::Tampered => "tampered",
    }
}

/// An output that could not be written completely.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to `{name}`: {source}")]
pub struct OutputError {
    /// The output's name, as passed to [`Fanout::add`].
    pub name: String,
    /// The operating system's error.
    pub source: io::Error,
}

impl OutputError {
    /// Whether the reader closed the pipe, for example `head` after enough lines.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes the same run to several outputs. A failed output is dropped; the others still receive the whole run.
#[derive(Default)]
pub struct Fanout {
    outputs: Vec<FanoutOutput>,
    failures: Vec<OutputError>,
    collector: ReportCollector,
}

struct FanoutOutput {
    name: String,
    renderer: Box<dyn FormatRenderer>,
    /// Moves the complete report to its file; `None` for stdout, a pipe or a device.
    replacement: Option<FileReplacement>,
}

impl FanoutOutput {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        self.renderer.report(report)?;
        self.replacement.take().map_or(Ok(()), FileReplacement::commit)
    }
}

impl Fanout {
    /// A fanout without outputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output. [`OutputError`] shows `name`: `stdout`, or the file's path.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        format: Format,
        options: Options,
        writer: Box<dyn Write + Send>,
    ) {
        let renderer = renderer(format, options, writer);
        self.outputs.push(FanoutOutput { name: name.into(), renderer, replacement: None });
    }

    /// Adds a report file. The old content of a plain file is replaced when the report is complete. If the report stays
    /// incomplete or cannot replace the file, the old content stays.
    pub fn add_report(&mut self, report: OpenReport, options: Options) {
        let OpenReport { format, path, writer, replacement } = report;
        self.add(path.display().to_string(), format, options, writer);
        if let Some(output) = self.outputs.last_mut() {
            output.replacement = replacement;
        }
    }

    /// Writes a report to all outputs, after the run.
    ///
    /// # Errors
    /// As for [`Sink::event`].
    pub fn render(&mut self, report: &Report) -> io::Result<()> {
        self.each(|output| {
            report.tell(&mut EventRelay(&mut *output.renderer))?;
            output.report(report)
        })
    }

    /// Checks that all outputs were written completely.
    ///
    /// # Errors
    /// The first failure. Broken pipes come last: the user must learn of a full disk, but not of a reader that stopped.
    pub fn finish(self) -> Result<(), OutputError> {
        let (gone, mut failed): (Vec<_>, Vec<_>) =
            self.failures.into_iter().partition(OutputError::is_broken_pipe);
        failed.extend(gone);
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// Whether an output was written without a failure so far.
    #[must_use]
    pub fn is_whole(&self, name: &str) -> bool {
        self.outputs.iter().any(|output| output.name == name)
            && !self.failures.iter().any(|failure| failure.name == name)
    }

    /// Runs `write` on all outputs, and drops the outputs that fail.
    fn each(&mut self, mut write: impl FnMut(&mut FanoutOutput) -> io::Result<()>) -> io::Result<()> {
        let failures = &mut self.failures;
        self.outputs.retain_mut(|output| match write(output) {
            Ok(()) => true,
            Err(source) => {
                failures.push(OutputError { name: output.name.clone(), source });
                false
            }
        });
        // Without outputs, the rest of the run would be wasted.
        match failures.first() {
            Some(first) if self.outputs.is_empty() => Err(first.source.kind().into()),
            _ => Ok(()),
        }
    }
}

impl Sink for Fanout {
    /// Takes an event.
    ///
    /// # Errors
    /// The kind of the first failure, once no output is left to write to.
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.each(|output| output.renderer.event(event))?;
        if self.outputs.iter().any(|output| output.renderer.needs_report()) {
            self.collector.event(event)?;
        }
        if !matches!(event, Event::Finished(_)) {
            return Ok(());
        }
        // The collector has a report only if a renderer needed a report; replacements must be committed in both cases.
        let collector = std::mem::take(&mut self.collector);
        match collector.into_report() {
            Some(report) => self.each(|output| output.report(&report)),
            None => self.each(|output| output.replacement.take().map_or(Ok(()), FileReplacement::commit)),
        }
    }
}

#[cfg(test)]
mod tests;
