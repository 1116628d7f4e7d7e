//! Commands that wait for an input: they say for what, and a signal ends the wait.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStderr, Command, Stdio};

use super::case::{Case, program, trailproof};

/// A command that waits, and what it says.
struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Reads what the command says, until a line contains `part`.
    fn hears(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended without `{part}`");
        }
    }

    /// Ends the wait by one signal, and returns the exit code and the last words.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(kill.unwrap().success());
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn pipe(case: &Case, name: &str) -> String {
    let made = Command::new("mkfifo").arg(case.path(name)).status().unwrap();
    assert!(made.success());
    case.text(name)
}

#[test]
fn a_signal_ends_the_wait_for_a_pipe() {
    let case = Case::make(&[]);
    let (fifo, source) = (pipe(&case, "pipe"), case.text("buckets"));
    for (arguments, what) in [
        (&["validate", &source, "--public-keys", &fifo][..], &fifo[..]),
        (&["shards", "run", &fifo], &fifo),
        (&["shards", "merge", &fifo, &fifo], &fifo),
    ] {
        let mut command = program();
        command.args(arguments);
        let mut waiting = Waiting::start(command);
        waiting.hears(&format!("waiting for `{what}`"));
        let (code, said) = waiting.interrupt();
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains("interrupted: ending before anything is checked"), "{said}");
        assert!(said.contains("cannot be read: interrupted\nhint: run the same command again"), "{said}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_lines_on_stdin() {
    let mut command = program();
    command.args(["shards", "run"]).stdin(Stdio::piped());
    let mut waiting = Waiting::start(command);
    waiting.hears("waiting for lines of a plan on stdin");
    let (code, said) = waiting.interrupt();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("interrupted before every shard was carried out"), "{said}");
}

/// What comes through a pipe is read as what lies in a file.
#[test]
fn keys_are_read_from_a_pipe() {
    let case = Case::make(&[]);
    let (fifo, end) = (pipe(&case, "pipe"), case.end().to_owned());
    let mut command = program();
    command.args(["validate", &case.text("buckets"), "--public-keys", &fifo, "--end-time", &end, "-q"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    for part in fs::read(case.path("keys.json")).unwrap().chunks(100) {
        writer.write_all(part).unwrap();
    }
    drop(writer);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn a_signal_ends_the_wait_for_the_lock_of_a_state() {
    let case = Case::make(&[]);
    let state = case.text("state");
    assert_eq!(trailproof(&["state", "init", &state]).code, Some(0));
    let lock = fs::OpenOptions::new().write(true).open(case.path("state/lock")).unwrap();
    lock.lock().unwrap();
    let mut waiting = Waiting::start(case.command(&["--state", &state]));
    waiting.hears("waiting for the lock of the state, which another process holds");
    let (code, said) = waiting.interrupt();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("interrupted while another process held its lock"), "{said}");
}

/// A pipe in place of a file of the state would be waited for.
#[test]
fn a_pipe_in_a_state_is_refused() {
    for file in ["lock", "place.json"] {
        let case = Case::make(&[]);
        let state = case.text("state");
        assert_eq!(trailproof(&["state", "init", &state]).code, Some(0));
        fs::remove_file(case.path("state").join(file)).unwrap();
        pipe(&case, &format!("state/{file}"));
        case.validate(&["--state", &state]).assert_cannot("it is not a regular file");
    }
}
