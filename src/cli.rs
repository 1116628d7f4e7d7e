//! The command line: from what was typed to a plan, a store, keys, threads and reports, and an exit code.
//!
//! This is the edge: here, and nowhere else, the program prints, reads the clock and looks at the environment.

mod args;
#[cfg(feature = "aws")]
mod aws;
mod describe;
#[cfg(feature = "aws")]
mod keys;
mod origin;
mod outputs;
mod plan;
mod report;
mod signals;
mod simulate;
mod sources;
#[cfg(feature = "aws")]
mod trails;
mod validate;
#[cfg(feature = "aws")]
mod validate_logs;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;

use crate::handles;
use crate::report::escape::for_terminal;
use crate::time::Timestamp;
use args::{Cli, Command};

/// Exit code where the program could not begin, or could not write what it was asked to.
const EXIT_CANNOT: u8 = 2;

/// Exit code where nothing is wrong, as far as was seen, and not all was.
#[cfg(feature = "aws")]
const EXIT_INCOMPLETE: u8 = 3;

/// Runs the program with the arguments of the process, its name first.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    handles::raise_limit();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let done = match cli.command {
        Command::Validate(arguments) if arguments.dry_run => plan::run(&arguments, now()),
        Command::Validate(typed) => {
            let origin = origin::of(&arguments, typed.run_by.clone());
            validate::run(&typed, now(), origin)
        }
        #[cfg(feature = "aws")]
        Command::Trails(arguments) => trails::run(&arguments, now()),
        #[cfg(feature = "aws")]
        Command::Keys(arguments) => keys::run(&arguments, now()),
        #[cfg(feature = "aws")]
        Command::ValidateLogs(arguments) => validate_logs::run(&arguments, now()),
        Command::Report(arguments) => report::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments, now()),
        Command::Completions(arguments) => describe::completions(&arguments),
        Command::Man(arguments) => describe::man(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(EXIT_CANNOT)
        }
    }
}

/// Prints help and version to stdout, usage errors to stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to tell whom when the terminal is gone.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_CANNOT))
}

/// File handles that have to be left before anything is read, so that no object is unreadable for want of one.
const HANDLES: usize = 4;

/// Says at the start that there are too few file handles.
fn require_handles() -> Result<(), Failure> {
    handles::spare(HANDLES).map_err(|error| {
        let what = format!("there are too few file handles to begin: {error}");
        Failure::new(what, "allow more open files (`ulimit -n`)")
    })
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

/// Says something to the person at stderr.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Prints an answer to stdout. A reader who went away ends it quietly.
fn print(answer: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            format!("stdout cannot be written: {error}"),
            "make room, or write it elsewhere",
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What kept the program from its work, and what to do about it.
#[derive(Debug)]
struct Failure {
    what: String,
    hint: String,
}

impl Failure {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhint: {}", for_terminal(&self.what), for_terminal(&self.hint))
    }
}
