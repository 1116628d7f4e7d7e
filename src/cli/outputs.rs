//! What a run is written to: stdout in one form, and files in others, all checked first, and opened before the work
//! begins.

use std::io::{self, IsTerminal as _};

use super::Failure;
use crate::report::{self, Fanout, Format, Options, OutputError, ReportError, ReportFile};

/// The form that the user named for stdout.
pub(super) fn format(word: &str) -> Result<Format, Failure> {
    word.parse().map_err(|error: report::UnknownFormat| {
        Failure::new(error.to_string(), "the default is `--format text`")
    })
}

/// How the text on stdout looks.
pub(super) fn options(quiet: bool, verbose: bool) -> Options {
    let colour =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Options { colour, quiet, verbose }
}

/// What the user named for `--report`, checked; nothing is opened yet.
pub(super) fn files(specs: &[String]) -> Result<Vec<ReportFile>, Failure> {
    ReportFile::parse_all(specs).map_err(|error| unusable(&error))
}

/// Opens stdout for `format`, and each of `files`.
pub(super) fn open(format: Format, files: Vec<ReportFile>, options: Options) -> Result<Fanout, Failure> {
    let mut fanout = Fanout::new();
    fanout.add("stdout", format, options, Box::new(io::stdout()));
    for file in files {
        let report = file.open().map_err(|error| unusable(&error))?;
        fanout.add_report(report, Options { colour: false, ..options });
    }
    Ok(fanout)
}

fn unusable(error: &ReportError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// What is said of an output that could not be written to its end.
pub(super) fn failed(error: &OutputError) -> Failure {
    Failure::new(
        format!("`{}` cannot be written: {}", error.name, error.source),
        "make room, or write it elsewhere",
    )
}
