//! `trailproof report`: renders a saved JSON report in another format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::args::ReportArgs;
use super::inputs::{InputRole, Inputs};
use super::{EXIT_CANNOT, Failure, outputs, print};
use crate::event::Report;
use crate::report::json::{PLAN_SCHEMA_FILE, SCHEMA_FILE, TRAILS_SCHEMA_FILE};
use crate::report::saved::{self, SavedError};

/// Exit code where every report was written. The verdict does not matter.
const EXIT_RENDERED: u8 = 0;

/// Renders the saved report, or prints a JSON Schema.
pub(super) fn run(arguments: &ReportArgs) -> Result<u8, Failure> {
    let Some(path) = &arguments.run else {
        return print(schema(arguments.schema.as_deref())).map(|()| EXIT_RENDERED);
    };
    let format = outputs::format(&arguments.format)?;
    let inputs = Inputs::default().with(InputRole::Report, [path]);
    let files = outputs::files(&arguments.report, &inputs)?;
    let report = read(path, arguments.max_size)?;
    let options = outputs::options(arguments.quiet, arguments.verbose);
    let mut fanout = outputs::open(format, files, options)?;
    let told = fanout.render(&report);
    match fanout.finish() {
        Err(error) if error.is_broken_pipe() => Ok(EXIT_CANNOT),
        Err(error) => Err(outputs::failed(&error)),
        Ok(()) => told.map(|()| EXIT_RENDERED).map_err(|error| {
            Failure::new(format!("the report cannot be written: {error}"), "write the report elsewhere")
        }),
    }
}

fn schema(of: Option<&str>) -> &'static str {
    match of {
        Some("plan") => PLAN_SCHEMA_FILE,
        Some("trails") => TRAILS_SCHEMA_FILE,
        Some("state") => crate::state::SCHEMA_FILE,
        Some("shard") => crate::shards::SCHEMA_FILE,
        Some("shard-result") => crate::shards::RESULT_SCHEMA_FILE,
        Some(_) | None => SCHEMA_FILE,
    }
}

fn read(path: &Path, limit: u64) -> Result<Report, Failure> {
    let shown = path.display();
    let opened: io::Result<Box<dyn Read>> = match path.to_str() {
        Some("-") => Ok(Box::new(io::stdin())),
        _ => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let other_file = "give a file written by `trailproof validate --format json` or `--report json=FILE`";
    let opened = opened.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "make the file readable",
            _ => other_file,
        };
        Failure::new(format!("the report `{shown}` cannot be read: {error}"), hint)
    })?;
    saved::read(opened, limit).map_err(|error| {
        let hint = match error {
            SavedError::TooLarge(_) => "`--max-size` raises the limit",
            _ => other_file,
        };
        Failure::new(format!("the report `{shown}` cannot be used: {error}"), hint)
    })
}
