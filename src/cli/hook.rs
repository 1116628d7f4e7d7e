//! `--hook CMD`: shell commands that run when the reports are closed.
//!
//! The hook learns the result from its environment, and its output goes to stderr. A hook never changes the exit code: what
//! goes wrong with a hook is one line on stderr.

mod output;
mod processes;

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::args::{HookOn, TellingArgs};
use super::telling::RunOutcome;
use super::{say, say_lines};
use output::HookOutput;
pub(super) use processes::kill_for_ever;

/// Pause between two looks at a running hook.
const PAUSE: Duration = Duration::from_millis(10);

/// How long processes that a hook leaves behind may keep the hook's output open.
const MAX_LINGER: Duration = Duration::from_secs(2);

/// How long the system may take to end a killed hook. A process that waits for a disk cannot be killed.
const MAX_DYING: Duration = Duration::from_secs(1);

/// Exit code of a shell that does not find the command (POSIX, "Shell Command Language", 2.8.2).
const NOT_FOUND: i32 = 127;

/// Runs the hooks in order, one at a time, if the outcome is one they are for.
pub(super) fn run_all(arguments: &TellingArgs, outcome: &RunOutcome) {
    let default = if outcome.remembers { HookOn::Change } else { HookOn::Finding };
    let is_due = match arguments.hook_on.unwrap_or(default) {
        HookOn::Always => true,
        // A run that failed is a change. Without a memory of the last run, whatever is found is one.
        HookOn::Change if outcome.remembers => {
            outcome.new + outcome.resolved > 0 || outcome.exit == super::EXIT_CANNOT
        }
        HookOn::Change | HookOn::Finding => outcome.exit != 0,
    };
    if !is_due {
        return;
    }
    let all = arguments.hook.len();
    for (at, line) in arguments.hook.iter().enumerate() {
        let (output, problem) = run(line, outcome, arguments.hook_timeout());
        if let Some(output) = output.shown() {
            say_lines(output.lines());
        }
        if let Some(problem) = problem {
            // The command may contain a password, and stderr often goes to a log: its number has to do.
            let name = if all == 1 { "the hook".to_owned() } else { format!("hook {} of {all}", at + 1) };
            say(&format!("warning: {name} {problem}"));
        }
    }
}

/// Runs a hook to its end, and returns its output and what went wrong.
fn run(line: &str, outcome: &RunOutcome, timeout: Duration) -> (HookOutput, Option<String>) {
    let output = HookOutput::default();
    let mut command = shell(line);
    tell(&mut command, outcome);
    let started = output.receive(&mut command).and_then(|()| processes::start(&mut command));
    // The command has the writing end of the pipe.
    drop(command);
    if let Err(error) = started {
        return (output, Some(format!("cannot be started: {error}")));
    }
    let ending = wait(&output, timeout);
    let problem = problem(&ending, timeout, output.excess());
    (output, problem)
}

/// Writes the outcome into the environment.
fn tell(command: &mut Command, outcome: &RunOutcome) {
    command.env("TRAILPROOF_VERDICT", outcome.verdict);
    command.env("TRAILPROOF_EXIT", outcome.exit.to_string());
    command.env("TRAILPROOF_SUMMARY", &outcome.summary);
    command.env("TRAILPROOF_NEW", outcome.new.to_string());
    command.env("TRAILPROOF_RESOLVED", outcome.resolved.to_string());
    match &outcome.report {
        Some(path) => command.env("TRAILPROOF_REPORT", path),
        // The environment of this program may have the variable, if a hook started this program.
        None => command.env_remove("TRAILPROOF_REPORT"),
    };
}

#[cfg(unix)]
fn shell(line: &str) -> Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = Command::new("sh");
    command.arg("-c").arg(line).process_group(0).stdin(Stdio::null());
    command
}

#[cfg(windows)]
fn shell(line: &str) -> Command {
    use std::os::windows::process::CommandExt as _;

    let mut command = Command::new("cmd");
    // `cmd` has quoting rules of its own.
    command.raw_arg("/C").raw_arg(line).stdin(Stdio::null());
    command
}

/// How a hook ended.
#[derive(Debug)]
enum HookEnd {
    /// The hook ended by itself.
    Exited(ExitStatus),
    /// The hook ended by itself, and processes that it left behind were killed.
    LeftProcesses,
    /// The hook was killed after its time.
    TimedOut,
    /// The system does not say how the hook ended.
    Unknown(io::Error),
}

/// Waits for the hook and for the end of its output. Kills what remains after the time.
fn wait(output: &HookOutput, timeout: Duration) -> HookEnd {
    let deadline = Instant::now() + timeout;
    let is_out_of_time = !until(deadline, processes::has_ended);
    // The last output may still be in the pipe, and processes in the background may hold the pipe for ever.
    let is_left = !is_out_of_time && !until(deadline.min(Instant::now() + MAX_LINGER), || output.is_closed());
    if is_out_of_time || is_left {
        processes::kill();
        until(Instant::now() + MAX_DYING, || processes::has_ended() && output.is_closed());
    }
    match processes::forget() {
        _ if is_out_of_time => HookEnd::TimedOut,
        Ok(status) if is_left && status.success() => HookEnd::LeftProcesses,
        Ok(status) => HookEnd::Exited(status),
        Err(error) => HookEnd::Unknown(error),
    }
}

/// Waits until `is_so`, at most until `deadline`. Returns whether it is so.
fn until(deadline: Instant, is_so: impl Fn() -> bool) -> bool {
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
}

/// What went wrong, in one line; `None` for a hook that succeeded.
fn problem(ending: &HookEnd, timeout: Duration, excess: Option<String>) -> Option<String> {
    let what = match ending {
        HookEnd::Exited(status) if status.success() => return excess,
        HookEnd::Exited(status) => exited(*status),
        HookEnd::LeftProcesses => {
            "left processes behind that kept its output open; its process group was killed".to_owned()
        }
        HookEnd::TimedOut => format!("was killed: it had not ended after {} s", timeout.as_secs()),
        HookEnd::Unknown(error) => format!("may have failed: {error}"),
    };
    Some(excess.map_or(what.clone(), |excess| format!("{what}; it {excess}")))
}

fn exited(status: ExitStatus) -> String {
    match status.code() {
        Some(NOT_FOUND) => "failed: exit code 127 (command not found)".to_owned(),
        Some(code) => format!("failed: exit code {code}"),
        None => format!("failed: {status}"),
    }
}
