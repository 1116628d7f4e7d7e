//! `trailproof validate --dry-run`: from arguments to a plan, and an exit code that is no verdict.

use std::io::{self, BufWriter, Write};

use super::args::ValidateArgs;
use super::{EXIT_CANNOT, Failure, outputs, sources, validate};
use crate::event::{NoProgress, Verdict};
use crate::report::plan::{Planned, write_json, write_text};
use crate::report::{Format, Options};
use crate::time::Timestamp;
use crate::validate::plan::plan;
use crate::validate::{Stop, Tools};

/// Exit code where everything that was asked for could be listed.
const EXIT_PLANNED: u8 = 0;

/// Prints what a run would read. The keys are needed for nothing but to find out, as a run does, what a directory is
/// a copy of; without them its digests are taken at their word.
pub(super) fn run(arguments: &ValidateArgs, now: Timestamp) -> Result<u8, Failure> {
    let write = writer(outputs::format(&arguments.format)?)?;
    let validate::Prepared { store, keys, request, pool, in_s3 } = validate::prepare(arguments, now)?;
    // Nothing is lost where a plan is ended early.
    let stop = Stop::new();
    let tools = Tools { store: &*store, keys: &keys, pool: &pool, progress: &NoProgress, stop: &stop };
    let plan = plan(&request, tools).map_err(|error| sources::unusable(&error))?;
    let sources = validate::named(arguments);
    let planned = Planned { sources: &sources, range: request.range, in_s3, plan: &plan };
    let mut out = BufWriter::new(io::stdout());
    let written = write(&planned, outputs::options(arguments.quiet, arguments.verbose), &mut out);
    // What a reader who went away did not take is not tried again.
    drop(out.into_parts());
    finish(written, if plan.is_complete() { EXIT_PLANNED } else { Verdict::Incomplete.exit_code() })
}

type Writer = fn(&Planned<'_>, Options, &mut dyn Write) -> io::Result<()>;

/// A plan is no report: it has no findings that another format could hold.
fn writer(format: Format) -> Result<Writer, Failure> {
    match format {
        Format::Text => Ok(|planned, options, out| write_text(planned, options, out)),
        Format::Json => Ok(|planned, _, out| write_json(planned, out)),
        Format::Html
        | Format::JsonLines
        | Format::Csv
        | Format::JUnit
        | Format::Prometheus
        | Format::Asff
        | Format::Ocsf => Err(Failure::new(
            format!("a plan cannot be written as `{}`", format.as_str()),
            "give `--format text` or `--format json` with `--dry-run`",
        )),
    }
}

/// A reader who went away ends it quietly, and not as a success.
fn finish(written: io::Result<()>, code: u8) -> Result<u8, Failure> {
    match written {
        Ok(()) => Ok(code),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(EXIT_CANNOT),
        Err(error) => Err(Failure::new(
            format!("`stdout` cannot be written: {error}"),
            "make room, or write it elsewhere",
        )),
    }
}
