//! `trailproof validate --dry-run`: prints what a run would read and cost. The exit code is not a verdict.

use std::io::{self, BufWriter, Write};
use std::path::Path;
#[cfg(not(feature = "aws"))]
use std::path::PathBuf;

use super::args::ValidateArgs;
use super::inputs::Inputs;
#[cfg(feature = "aws")]
use super::restore_manifest::RestoreManifest;
#[cfg(feature = "aws")]
use super::say;
use super::{EXIT_CANNOT, Failure, outputs, sources, validate};
use crate::event::{NoProgress, Verdict};
use crate::report::plan::{Planned, write_json, write_text};
use crate::report::{Format, Options};
use crate::time::Timestamp;
#[cfg(feature = "aws")]
use crate::validate::plan::plan_with_archived;
use crate::validate::plan::{Plan, plan};
use crate::validate::{CancelFlag, RunTools, ValidationRequest};

/// Exit code where every requested folder could be listed.
const EXIT_PLANNED: u8 = 0;

/// Prints the plan. Keys serve only to find out which bucket a directory is a copy of, as in a run; without keys the plan
/// believes the digests.
pub(super) fn run(typed: ValidateArgs, now: Timestamp) -> Result<u8, Failure> {
    #[cfg(feature = "aws")]
    let manifest = typed.restore_manifest.clone();
    #[cfg(not(feature = "aws"))]
    let manifest: Option<PathBuf> = None;
    let arguments = &typed.into_run();
    if let Some(path) = &manifest {
        Inputs::of_run(arguments).check(path)?;
    }
    let write = writer(outputs::format(&arguments.output.format)?)?;
    let validate::Prepared { store, keys, request, pool, in_s3, .. } = validate::prepare(arguments, now)?;
    // Ending a plan early loses nothing.
    let stop = CancelFlag::new();
    let tools = RunTools { store: &*store, keys: &keys, pool: &pool, progress: &NoProgress, stop: &stop };
    let plan = planned(manifest.as_deref(), &request, tools, in_s3)?;
    let sources = validate::named(arguments);
    let planned = Planned {
        sources: &sources,
        range: request.range,
        in_s3,
        plan: &plan,
        manifest: manifest.as_deref(),
    };
    let mut out = BufWriter::new(io::stdout());
    let written = write(&planned, outputs::options(arguments.quiet, arguments.verbose), &mut out);
    // Dropping the buffer unflushed: a closed pipe would fail again.
    drop(out.into_parts());
    finish(written, if plan.is_complete() { EXIT_PLANNED } else { Verdict::Incomplete.exit_code() })
}

/// Makes the plan, and the restore manifest if asked for.
#[cfg(feature = "aws")]
fn planned(
    manifest: Option<&Path>,
    request: &ValidationRequest,
    tools: RunTools<'_>,
    in_s3: bool,
) -> Result<Plan, Failure> {
    let Some(path) = manifest else {
        return plan(request, tools).map_err(|error| sources::unusable(&error));
    };
    let manifest = RestoreManifest::open(path, in_s3)?;
    let planned = plan_with_archived(request, tools, &|objects| manifest.add(objects));
    let plan = planned.map_err(|error| sources::unusable(&error))?;
    let count = manifest.finish()?;
    say(&format!("archived objects in the manifest `{}`: {count}", path.display()));
    Ok(plan)
}

#[cfg(not(feature = "aws"))]
fn planned(
    _: Option<&Path>,
    request: &ValidationRequest,
    tools: RunTools<'_>,
    _: bool,
) -> Result<Plan, Failure> {
    plan(request, tools).map_err(|error| sources::unusable(&error))
}

type Writer = fn(&Planned<'_>, Options, &mut dyn Write) -> io::Result<()>;

/// The writer of a format. A plan has no findings, so only text and JSON can hold it.
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

/// The exit code. A closed pipe gives no message, but not a success either.
fn finish(written: io::Result<()>, code: u8) -> Result<u8, Failure> {
    match written {
        Ok(()) => Ok(code),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(EXIT_CANNOT),
        Err(error) => Err(Failure::new(
            format!("`stdout` cannot be written: {error}"),
            "free disk space, or redirect the output elsewhere",
        )),
    }
}
