//! The outputs of a run: stdout in one format, report files in others. All are checked first, and opened before the
//! run begins.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::inputs::Inputs;
use super::{Failure, typed};
use crate::report::{self, Fanout, Format, Options, OutputError, ReportError, ReportFile};

/// The format of stdout, from `--format`.
pub(super) fn format(word: &str) -> Result<Format, Failure> {
    word.parse().map_err(|error: report::UnknownFormat| {
        let names = Format::ALL.map(|format| format.as_str());
        let hint = typed::with_nearest("--format", word, names, "the default is `--format text`");
        Failure::new(error.to_string(), hint)
    })
}

/// How to print text on stdout.
pub(super) fn options(quiet: bool, verbose: bool) -> Options {
    let is_asked = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let is_able = std::env::var_os("TERM").is_none_or(|value| value != "dumb");
    let colour = is_asked && is_able && io::stdout().is_terminal();
    Options { colour, quiet, verbose }
}

/// The report files of `--report`, checked but not opened. None may be written over one of the inputs.
pub(super) fn files(specs: &[String], inputs: &Inputs) -> Result<Vec<ReportFile>, Failure> {
    for spec in specs {
        if let Some(meant) = with_format(spec) {
            let what = format!("invalid report `{spec}`: expected FORMAT=FILE");
            return Err(Failure::new(what, format!("did you mean `--report {meant}`?")));
        }
        let parts = spec.split_once('=').filter(|(format, _)| format.parse::<Format>().is_ok());
        let Some((format, path)) = parts else { continue };
        if path == "-" {
            let what = format!("`--report {spec}`: `-` names no file, and stdout has a format of its own");
            return Err(Failure::new(what, format!("for stdout, give `--format {format}`")));
        }
        typed::local_file("a report", &format!("--report {format}="), Path::new(path))?;
    }
    let files = ReportFile::parse_all(specs).map_err(|error| unusable(&error))?;
    files.iter().try_for_each(|file| inputs.check(file.path()))?;
    Ok(files)
}

/// The report that was meant by a file without a format, by the ending of its name.
fn with_format(spec: &str) -> Option<String> {
    let (_, ending) = spec.rsplit_once('.').filter(|_| !spec.contains('='))?;
    let format = match ending.to_ascii_lowercase().as_str() {
        "txt" => "text",
        "htm" => "html",
        "prom" => "prometheus",
        "xml" => "junit",
        ending => Format::ALL.into_iter().map(Format::as_str).find(|format| *format == ending)?,
    };
    Some(format!("{format}={spec}"))
}

/// Opens stdout for `format`, and each report file. `quiet` is for stdout only: a file has the whole report.
pub(super) fn open(format: Format, files: Vec<ReportFile>, options: Options) -> Result<Fanout, Failure> {
    let mut fanout = Fanout::new();
    fanout.add("stdout", format, options, Box::new(io::stdout()));
    for file in files {
        let report = file.open().map_err(|error| unusable(&error))?;
        fanout.add_report(report, Options { colour: false, quiet: false, ..options });
    }
    Ok(fanout)
}

pub(super) fn unusable(error: &ReportError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}

/// The error message for an output that could not be written to the end.
pub(super) fn failed(error: &OutputError) -> Failure {
    Failure::new(
        format!("`{}` cannot be written: {}", error.name, error.source),
        "free disk space, or write the report elsewhere",
    )
}
