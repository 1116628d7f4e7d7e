//! Ctrl-C through the real binary. Where it waits for an answer or for a pipe, the moment is sure.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::case::Case;
use crate::account::Account;
use crate::cloud::{Fault, Faults, Rule};

/// What an earlier run left.
const OLD: &str = "of an earlier run";

fn kill(child: &Child, signal: &str) {
    let kill = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
}

/// A run over six digests, each of which is a second on its way, one at a time.
struct Running {
    account: Account,
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Running {
    /// Starts it, and waits until the second digest was asked for.
    fn start() -> Self {
        let account = Account::new();
        account.deliver("s3://trail-logs", &[]);
        let slow = Rule::new("GetObject", Fault::Wait(Duration::from_secs(1))).on("/CloudTrail-Digest/");
        account.cloud.set_faults(Faults { rules: vec![slow], ..Faults::default() });
        fs::write(account.at("report.json"), OLD).unwrap();
        let report = format!("json={}", account.at("report.json"));
        let mut command =
            account.command(&["validate", "s3://trail-logs", "--jobs", "1", "--report", &report]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while account.asked("GetObject") < 2 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { account, child, stderr }
    }

    fn signal(&self, signal: &str) {
        kill(&self.child, signal);
    }

    /// Asks it to end, and waits until it says so.
    fn interrupt(&mut self, signal: &str) {
        self.signal(signal);
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        let expected =
            "interrupted: writing a report of everything checked so far; interrupt again to end at once\n";
        assert_eq!(line, expected);
    }

    fn report(&self) -> String {
        fs::read_to_string(self.account.at("report.json")).unwrap()
    }
}

#[test]
fn the_first_signal_ends_it_with_a_report_of_what_was_looked_at() {
    for signal in ["-INT", "-TERM"] {
        let mut running = Running::start();
        running.interrupt(signal);
        let mut text = String::new();
        running.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(running.child.wait().unwrap().code(), Some(3), "{text}");
        assert!(text.starts_with("incomplete: interrupted before all objects were checked: "), "{text}");

        let report: Value = serde_json::from_str(&running.report()).unwrap();
        assert_eq!(report["interrupted"], Value::Bool(true));
        assert_eq!(report["verdict"], "incomplete");
        let looked_at = report["counts"]["digests"]["valid"].as_u64().unwrap();
        assert!((1..6).contains(&looked_at), "{looked_at}");
        let findings = report["findings"].as_array().unwrap().iter();
        let left: Vec<_> = findings.filter(|finding| finding["severity"] == "incomplete").collect();
        let gap = left.iter().find(|finding| finding["kind"] == "chain-gap").expect(&text);
        assert_eq!(gap["reason"], "interrupted", "{left:#?}");
    }
}

#[test]
fn the_second_signal_ends_it_at_once_and_leaves_the_old_report() {
    let mut running = Running::start();
    running.interrupt("-INT");
    running.signal("-INT");
    assert_eq!(running.child.wait().unwrap().code(), Some(130));
    assert_eq!(running.report(), OLD);
    let names = fs::read_dir(running.account.at("")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["report.json", "saved"]);
}

/// A run that waits for its keys, which come through a pipe: its set-up takes as long as the test wants.
struct SettingUp {
    case: Case,
    child: Child,
    keys: fs::File,
}

impl SettingUp {
    fn start() -> Self {
        let case = Case::make(&["log-modified"]);
        let pipe = case.path("keys.pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(case.path("report.json"), OLD).unwrap();
        let mut command = case.command(&["--report", &format!("json={}", case.text("report.json"))]);
        command.arg("--public-keys").arg(&pipe).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // Returns when the run opens the other end.
        let keys = fs::File::options().write(true).open(&pipe).unwrap();
        Self { case, child, keys }
    }

    /// Sends `signal` and returns when the run has said that it was heard.
    fn interrupt(&mut self, signal: &str) {
        kill(&self.child, signal);
        let mut line = String::new();
        BufReader::new(self.child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("interrupted: "), "{line}");
    }

    fn report(&self) -> String {
        fs::read_to_string(self.case.path("report.json")).unwrap()
    }
}

#[test]
fn a_signal_during_set_up_is_a_run_that_was_interrupted() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut run = SettingUp::start();
        run.interrupt(signal);
        let SettingUp { case, mut child, mut keys } = run;
        keys.write_all(&fs::read(case.path("keys.json")).unwrap()).unwrap();
        drop(keys);
        assert_eq!(child.wait().unwrap().code(), Some(3), "{signal}");
        let report: Value = serde_json::from_slice(&fs::read(case.path("report.json")).unwrap()).unwrap();
        assert_eq!((&report["interrupted"], &report["verdict"]), (&Value::Bool(true), &"incomplete".into()));
        assert_eq!(report["counts"]["digests"]["valid"], 0);
        let findings = report["findings"].as_array().unwrap();
        let told =
            |finding: &Value| finding["message"].as_str().is_some_and(|text| text.contains("searched"));
        assert!(findings.iter().any(told), "{findings:#?}");
    }
}

#[test]
fn the_second_signal_ends_a_set_up_that_waits() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut run = SettingUp::start();
        run.interrupt(signal);
        kill(&run.child, signal);
        assert_eq!(run.child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(run.report(), OLD, "{signal}");
    }
}

/// A pipe that a report goes to opens when somebody reads it.
#[test]
fn the_second_signal_ends_a_run_whose_report_nobody_reads() {
    let case = Case::make(&[]);
    let pipe = case.text("report.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(case.path("report.json"), OLD).unwrap();
    let mut command = case.command(&["--report", &format!("json={}", case.text("report.json"))]);
    command.arg("--report").arg(format!("html={pipe}")).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It waits once it has got so far; before, the signals find it on its way there.
    std::thread::sleep(std::time::Duration::from_millis(300));
    kill(&child, "-TERM");
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("interrupted: "), "{line}");
    kill(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_to_string(case.path("report.json")).unwrap(), OLD);
}
