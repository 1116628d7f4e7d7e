//! The command line: turns arguments into a run, its reports and an exit code.
//!
//! Only this module and its children print, read the clock or look at the environment.

mod args;
#[cfg(feature = "aws")]
mod aws;
mod collect;
mod deploy;
mod describe;
mod hook;
mod inputs;
#[cfg(feature = "aws")]
mod keys;
mod memory;
mod origin;
mod outputs;
#[cfg(feature = "aws")]
mod ping;
mod plan;
mod relocation;
mod report;
#[cfg(feature = "aws")]
mod restore_manifest;
mod shards;
mod signals;
mod simulate;
mod sources;
mod state;
mod telling;
#[cfg(feature = "aws")]
mod trails;
mod typed;
mod validate;
#[cfg(feature = "aws")]
mod validate_logs;
mod waiting;
mod without_source;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::handles;
use crate::report::escape::for_terminal;
use crate::report::progress::beside_bars;
use crate::text::plain;
use crate::time::Timestamp;
use args::{Cli, Command, LonelyOption, pages};

/// Exit code where the program could not begin, or could not write a report.
const EXIT_CANNOT: u8 = 2;

/// Exit code where nothing wrong was found, but part of the answer is missing.
#[cfg(feature = "aws")]
const EXIT_INCOMPLETE: u8 = 3;

/// Runs the program. The first argument is the program's name.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    handles::raise_limit();
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if let Some(LonelyOption { option, needs }) = cli.command.lonely() {
        let name = needs.split(' ').next().unwrap_or_default();
        let what = format!("`{option}` works only with `{name}`");
        let failure = Failure::new(what, format!("give `{needs}` too, or leave `{option}` out"));
        return ExitCode::from(exit_code(Err(failure)));
    }
    let done = match cli.command {
        Command::Validate(typed) if typed.dry_run => plan::run(*typed, now()),
        Command::Validate(typed) => validate::run(*typed, now(), &arguments),
        Command::Collect(typed) => collect::run(*typed, now(), &arguments),
        #[cfg(feature = "aws")]
        Command::Trails(arguments) => trails::run(&arguments, now()),
        #[cfg(feature = "aws")]
        Command::Keys(arguments) => keys::run(&arguments, now()),
        #[cfg(feature = "aws")]
        Command::ValidateLogs(arguments) => validate_logs::run(&arguments, now()),
        Command::Shards(typed) => shards::run(*typed, now(), &arguments),
        Command::Deploy(typed) => deploy::run(&typed, now(), &arguments),
        Command::State(arguments) => state::run(&arguments, now()),
        Command::Report(arguments) => report::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments, now()),
        Command::Completions(arguments) => describe::completions(&arguments),
        Command::Man(arguments) => describe::man(&arguments),
    };
    ExitCode::from(exit_code(done))
}

/// The exit code of a command. Prints the error of a command that failed.
fn exit_code(done: Result<u8, Failure>) -> u8 {
    done.unwrap_or_else(|failure| {
        failure.say();
        EXIT_CANNOT
    })
}

/// Width of help where the width of the terminal is not known, in columns.
const UNKNOWN_WIDTH: usize = 100;

/// The command line as typed. `collect` takes sources and a directory in one list, which needs two.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let program = || {
        // As everywhere, a width of 0 means that the width is not known.
        let is_unknown = std::env::var("COLUMNS").is_ok_and(|columns| columns.trim() == "0");
        let program = Cli::command();
        if is_unknown { program.term_width(UNKNOWN_WIDTH) } else { program }
    };
    let parse_by = |mut program: clap::Command| {
        let mut matches = program.try_get_matches_from_mut(arguments)?;
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut program))
    };
    let is_help = |error: &clap::Error| {
        matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
    };
    // What few command lines need is made for these alone: it takes longer than to parse.
    let cli = match parse_by(program()) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayVersion => return Err(error),
        Err(error) if is_help(&error) => parse_by(Cli::with_arguments(pages::with_sections(program())))?,
        Err(_) => parse_by(with_negative_numbers(Cli::with_arguments(program())))?,
    };
    match &cli.command {
        Command::Collect(typed) if typed.lacks_directory() => {
            let mut program = Cli::whole();
            let missing = "the following required arguments were not provided:\n  <DIR>";
            Err(match program.find_subcommand_mut("collect") {
                Some(collect) => collect.error(ErrorKind::MissingRequiredArgument, missing),
                None => program.error(ErrorKind::MissingRequiredArgument, missing),
            })
        }
        _ => Ok(cli),
    }
}

/// Lets every option take `-1` as its value, so that the error message tells which numbers the option takes.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let take = |arg: clap::Arg| match arg.get_long().is_some() && arg.get_action().takes_values() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    };
    command.mut_args(take).mut_subcommands(with_negative_numbers)
}

/// Prints help and version to stdout, usage errors to stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed terminal can show no error about itself.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_CANNOT))
}

/// File handles that a run needs beside the handles of its objects.
const HANDLES: usize = 4;

/// Checks that enough file handles are free: an object must not become unreadable because a handle is missing.
fn require_handles() -> Result<(), Failure> {
    handles::spare(HANDLES).map_err(|error| {
        let what = format!("too few file handles to begin: {error}");
        Failure::new(what, "raise the limit of open files (`ulimit -n`)")
    })
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

/// Prints a message to stderr, on one line and safe for a terminal: a message may have names from buckets, trails,
/// archives and files. Text that is escaped already stays as it is.
fn say(message: &str) {
    say_lines([message]);
}

/// Prints lines to stderr, each as [`say`] does. The lines of a message stay together.
fn say_lines<'l>(lines: impl IntoIterator<Item = &'l str>) {
    let text: String = lines.into_iter().map(|line| for_terminal(line).into_owned() + "\n").collect();
    beside_bars(|| {
        let _ = io::stderr().write_all(text.as_bytes());
    });
}

/// Prints an answer to stdout. A closed pipe is no error.
fn print(answer: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            format!("`stdout` cannot be written: {error}"),
            "free disk space, or redirect the output elsewhere",
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An error message: what happened, and a hint on what to do.
#[derive(Debug)]
struct Failure {
    what: String,
    hint: String,
    /// Lines that follow the hint, such as commands to copy.
    lines: Vec<String>,
}

impl Failure {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: plain(what.into()), hint: hint.into(), lines: Vec::new() }
    }

    fn with_lines(self, lines: Vec<String>) -> Self {
        Self { lines, ..self }
    }

    /// Adds words to the message.
    fn adding(self, words: &str) -> Self {
        Self { what: format!("{}{words}", self.what), ..self }
    }

    /// Prints the message to stderr.
    fn say(&self) {
        let Self { what, hint, lines } = self;
        let (what, hint) = (format!("error: {what}"), format!("hint: {hint}"));
        say_lines([&*what, &*hint].into_iter().chain(lines.iter().map(String::as_str)));
    }
}
