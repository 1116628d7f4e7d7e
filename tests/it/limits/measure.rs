//! What a run of the program takes, seen from outside.
#![expect(clippy::print_stdout, reason = "what the process that measures says to the one that asked")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

/// The program's command line, for the process that only the program is a child of.
const COMMAND: &str = "TRAILPROOF_MEASURED";

/// A program to measure in place of the one that was built along with the tests.
const PROGRAM: &str = "TRAILPROOF_PROGRAM";

/// What a run came to and took.
pub struct Measured {
    pub code: Option<i64>,
    pub stdout: String,
    pub stderr: String,
    /// Seconds by the clock.
    pub wall: f64,
    /// Peak memory in MiB.
    pub peak: f64,
}

/// Runs the program, its output going to files in `dir`.
pub fn measure(dir: &Path, arguments: &[String]) -> Measured {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| env!("CARGO_BIN_EXE_trailproof").to_owned());
    let words = [&[program], arguments].concat();
    let command = json!({"dir": dir, "command": words});
    let mut helper = Command::new(std::env::current_exe().unwrap());
    helper.args(["limits::measure::in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"]);
    let output = helper.env(COMMAND, command.to_string()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let answer = printed.lines().find_map(|line| line.split_once("measured ")).expect(&printed).1;
    let answer: Value = serde_json::from_str(answer).unwrap();
    let text = |name: &str| String::from_utf8_lossy(&std::fs::read(dir.join(name)).unwrap()).into_owned();
    Measured {
        code: answer["code"].as_i64(),
        stdout: text("stdout"),
        stderr: text("stderr"),
        wall: answer["wall"].as_f64().unwrap(),
        peak: answer["peak"].as_f64().unwrap(),
    }
}

#[test]
#[ignore = "no test: what `measure` starts this program as"]
fn in_a_process_of_its_own() {
    let Ok(told) = std::env::var(COMMAND) else { return };
    let told: Value = serde_json::from_str(&told).unwrap();
    let dir = Path::new(told["dir"].as_str().unwrap());
    let words: Vec<&str> =
        told["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let file = |name: &str| std::fs::File::create(dir.join(name)).unwrap();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_remove(COMMAND).stdin(Stdio::null());
    command.stdout(file("stdout")).stderr(file("stderr"));
    let begun = Instant::now();
    let status = command.status().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as f64 / 1024.0;
    println!("measured {}", json!({"code": status.code(), "wall": wall, "peak": peak}));
}
