//! What a run is written to: stdout in one form, and files in others, all opened before the work begins.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::Failure;
use crate::report::{self, Fanout, Format, Options, OutputError};

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

/// Opens stdout for `format`, and a file for each of `specs`. Returns the files too that are emptied
/// now and not whole before the work ends.
pub(super) fn open(
    format: Format,
    specs: &[String],
    options: Options,
) -> Result<(Fanout, Vec<PathBuf>), Failure> {
    let mut fanout = Fanout::new();
    fanout.add("stdout", report::to_writer(format, options, Box::new(io::stdout())));
    let (mut paths, mut emptied) = (Vec::new(), Vec::new());
    for spec in specs {
        let (format, path, writer) =
            report::open_report(spec).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
        if paths.contains(&path) {
            return Err(Failure::new(
                format!("`{}` is named twice", path.display()),
                "give each report a file of its own",
            ));
        }
        let options = Options { colour: false, ..options };
        fanout.add(path.display().to_string(), report::to_writer(format, options, writer));
        if !format.is_replaced() {
            emptied.push(path.clone());
        }
        paths.push(path);
    }
    Ok((fanout, emptied))
}

/// What is said of an output that could not be written to its end.
pub(super) fn failed(error: &OutputError) -> Failure {
    Failure::new(
        format!("`{}` cannot be written: {}", error.name, error.source),
        "make room, or write it elsewhere",
    )
}
