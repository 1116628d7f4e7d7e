//! Report formats, one in each small file. A format is written from a [`Report`] when the run is over: [`render`].
//!
//! Three outputs are written as the run goes, since a run may check millions of objects: [`jsonl`] always, and with
//! [`Options::verbose`] the objects of text and the rows of [`mod@csv`].
//!
//! Every output is checked and opened before the work begins, so that a file that cannot be written stops a run of hours
//! at its first second; what stands in a file stays until the new report is whole. [`Fanout`] collects one report for all
//! outputs.

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
mod text;
#[cfg(feature = "aws")]
pub mod trails;

use std::io::{self, BufWriter, Write};
use std::str::FromStr;

use crate::event::{Event, Report, ReportCollector, Severity, Sink};
pub use file::{OpenReport, ReportError, ReportFile};
use replace::Replacement;

/// The form of a report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// For people, on a terminal or in a mail.
    Text,
    /// For programs, `trailproof/report/1`: one document, written when the run is over. Specified in [`json`].
    Json,
    /// For people, to be read in a browser, printed and filed: one file that needs no other and no script.
    Html,
    /// For programs that follow a run, `trailproof/events/1`: a line for each event as it happens. Specified in
    /// [`jsonl`].
    JsonLines,
    /// For spreadsheets. Specified in [`mod@csv`].
    Csv,
    /// For CI systems: JUnit XML. Specified in [`junit`].
    JUnit,
    /// For monitoring: node_exporter's textfile collector. Specified in [`prometheus`].
    Prometheus,
    /// For AWS Security Hub. Specified in [`asff`].
    Asff,
    /// For Amazon Security Lake and its like. Specified in [`ocsf`].
    Ocsf,
}

impl Format {
    /// Every format.
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

/// A word that names no format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no report format: choose one of {known}", known = known_formats())]
pub struct UnknownFormat(String);

fn known_formats() -> String {
    Format::ALL.map(|format| format!("`{}`", format.as_str())).join(", ")
}

/// How a text report looks. Of the other formats only CSV uses one: whether there will be objects.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Options {
    /// Colours the verdict and the severities. The words stand there in any case.
    pub colour: bool,
    /// Prints the verdict line and nothing else; outranks `verbose`.
    pub quiet: bool,
    /// Lists every object as it is judged, before the verdict, and every chain in the coverage table.
    pub verbose: bool,
}

/// A sink that writes a report of `format` to `writer`, buffered, and flushes it when the run is over.
///
/// Errors of the writer come back from [`Sink::event`] as they are, [`io::ErrorKind::BrokenPipe`] included.
pub fn to_writer(format: Format, options: Options, writer: Box<dyn Write + Send>) -> Box<dyn Sink> {
    Box::new(Single { renderer: renderer(format, options, writer), collector: ReportCollector::new() })
}

/// Writes `report` to `writer` in `format`, and flushes it.
///
/// # Errors
/// What `writer` returns.
pub fn render(
    report: &Report,
    format: Format,
    options: Options,
    writer: Box<dyn Write + Send>,
) -> io::Result<()> {
    let mut renderer = renderer(format, options, writer);
    report.tell(&mut Streamed(&mut *renderer))?;
    renderer.report(report)
}

/// One output alone.
struct Single {
    renderer: Box<dyn Renderer>,
    collector: ReportCollector,
}

impl Sink for Single {
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

/// Passes on what an output writes as the run goes.
struct Streamed<'r>(&'r mut dyn Renderer);

impl Sink for Streamed<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.0.event(event)
    }
}

/// One output of a run, in one format.
trait Renderer {
    /// Whether [`Renderer::report`] writes anything.
    fn needs_report(&self) -> bool {
        true
    }

    /// Takes an event as it happens.
    fn event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }

    /// Writes the report when the run is over, and flushes it.
    fn report(&mut self, report: &Report) -> io::Result<()>;
}

/// A format of which nothing is written before the run is over.
struct AtTheEnd {
    out: BufWriter<Box<dyn Write + Send>>,
    write: fn(&Report, &mut dyn Write) -> io::Result<()>,
}

impl Renderer for AtTheEnd {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        (self.write)(report, &mut self.out)?;
        self.out.flush()
    }
}

fn renderer(format: Format, options: Options, writer: Box<dyn Write + Send>) -> Box<dyn Renderer> {
    let write = match format {
        Format::Text => return Box::new(text::Text::new(options, writer)),
        Format::JsonLines => return Box::new(jsonl::JsonLines::new(writer)),
        Format::Csv => return Box::new(csv::Csv::new(options, writer)),
        Format::Json => json::write,
        Format::Html => html::write,
        Format::JUnit => junit::write,
        Format::Prometheus => prometheus::write,
        Format::Asff => asff::write,
        Format::Ocsf => ocsf::write,
    };
    Box::new(AtTheEnd { out: BufWriter::new(writer), write })
}

/// What is said of a verdict that no finding explains.
const UNEXPLAINED: &str = "not everything asked for could be proved";

/// The word for a severity in every report.
const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Incomplete => "incomplete",
        Severity::Tampered => "tampered",
    }
}

/// An output that could not be written to its end.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to `{name}`: {source}")]
pub struct OutputError {
    /// The output's name, as given to [`Fanout::add`].
    pub name: String,
    /// What the system says.
    pub source: io::Error,
}

impl OutputError {
    /// Whether the reader went away, as `head` does once it has seen enough.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes the same run to several outputs. One that fails is left out from then on; the others still get everything.
#[derive(Default)]
pub struct Fanout {
    outputs: Vec<Output>,
    failures: Vec<OutputError>,
    collector: ReportCollector,
}

struct Output {
    name: String,
    renderer: Box<dyn Renderer>,
    /// Where the report is to replace a file, once it is whole.
    replacement: Option<Replacement>,
}

impl Output {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        self.renderer.report(report)?;
        self.replacement.take().map_or(Ok(()), Replacement::commit)
    }
}

impl Fanout {
    /// No outputs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output; `name` is what an [`OutputError`] calls it: `stdout`, or the file's path.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        format: Format,
        options: Options,
        writer: Box<dyn Write + Send>,
    ) {
        let renderer = renderer(format, options, writer);
        self.outputs.push(Output { name: name.into(), renderer, replacement: None });
    }

    /// Adds a report in a file. What stands in a plain file is replaced when the report is whole, and stays where
    /// it never is, or cannot be.
    pub fn add_report(&mut self, report: OpenReport, options: Options) {
        let OpenReport { format, path, writer, replacement } = report;
        self.add(path.display().to_string(), format, options, writer);
        if let Some(output) = self.outputs.last_mut() {
            output.replacement = replacement;
        }
    }

    /// Writes a report of a run that is over to every output.
    ///
    /// # Errors
    /// As those of [`Sink::event`].
    pub fn render(&mut self, report: &Report) -> io::Result<()> {
        self.each(|output| {
            report.tell(&mut Streamed(&mut *output.renderer))?;
            output.report(report)
        })
    }

    /// Says whether every output was written to its end.
    ///
    /// # Errors
    /// The first failure. One that is no broken pipe comes before any that is, since a full disk must be told and a
    /// reader that went away need not be.
    pub fn finish(self) -> Result<(), OutputError> {
        let (gone, mut failed): (Vec<_>, Vec<_>) =
            self.failures.into_iter().partition(OutputError::is_broken_pipe);
        failed.extend(gone);
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// Runs `write` on each output, and leaves out those where it fails.
    fn each(&mut self, mut write: impl FnMut(&mut Output) -> io::Result<()>) -> io::Result<()> {
        let failures = &mut self.failures;
        self.outputs.retain_mut(|output| match write(output) {
            Ok(()) => true,
            Err(source) => {
                failures.push(OutputError { name: output.name.clone(), source });
                false
            }
        });
        match failures.first() {
            Some(first) if self.outputs.is_empty() => Err(first.source.kind().into()),
            _ => Ok(()),
        }
    }
}

impl Sink for Fanout {
    /// Takes one event.
    ///
    /// # Errors
    /// Only once no output is left, with the kind of the first failure: nobody would see the rest of the run.
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.each(|output| output.renderer.event(event))?;
        if self.outputs.iter().any(|output| output.renderer.needs_report()) {
            self.collector.event(event)?;
        }
        if !matches!(event, Event::Finished(_)) {
            return Ok(());
        }
        let collector = std::mem::take(&mut self.collector);
        match collector.into_report() {
            Some(report) => self.each(|output| output.report(&report)),
            None => self.each(|output| output.replacement.take().map_or(Ok(()), Replacement::commit)),
        }
    }
}

#[cfg(test)]
mod tests;
