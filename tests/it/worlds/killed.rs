//! Killed at any moment: a report file is the old one, byte for byte, or the new one, whole, and nothing else is left in
//! its folder. The moments come from a seed, and fall anywhere between the first step and the last.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::account::Account;
use crate::cloud::Faults;

const FORMATS: [&str; 9] = ["text", "json", "jsonl", "html", "csv", "junit", "prometheus", "asff", "ocsf"];

/// How many moments for each signal and place.
const MOMENTS: u64 = 14;

/// What an earlier run left.
const OLD: &str = "of an earlier run";

/// Whether a reader of this format takes `text` for whole. OCSF has no end: each line stands for itself.
fn reads_as_whole(format: &str, text: &str) -> bool {
    let last = text.lines().last().unwrap_or_default();
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    match format {
        "json" | "asff" => is_json(text),
        "jsonl" => is_json(last) && last.starts_with("{\"event\":\"finished\""),
        "html" => text.trim_end().ends_with("</html>"),
        "csv" => last.starts_with("run,"),
        "junit" => text.trim_end().ends_with("</testsuites>"),
        "prometheus" => text.contains("trailproof_verdict{") && text.ends_with('\n'),
        "text" => text.contains("\nkeys used\n"),
        "ocsf" => !text.is_empty() && text.lines().all(is_json),
        _ => unreachable!(),
    }
}

/// A run with a report of every format, one of them on stdout as well.
struct Runs {
    account: Account,
    source: Vec<String>,
}

impl Runs {
    fn on_disk() -> Self {
        let account = Account::new();
        let made = account.run(&["simulate", "copy", "--hours", "12", "--logs-per-hour", "20"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let source = ["copy", "--public-keys", "copy/public-keys.json"].map(str::to_owned).to_vec();
        Self { account, source }
    }

    fn in_s3() -> Self {
        let account = Account::new();
        account.deliver("s3://trail-logs", &[]);
        let latency = Duration::from_millis(25);
        account.cloud.set_faults(Faults { latency, ..Faults::default() });
        Self { account, source: vec!["s3://trail-logs".to_owned()] }
    }

    fn file(&self, format: &str) -> String {
        self.account.at(&format!("report.{format}"))
    }

    fn command(&self, stdout: &str) -> Command {
        let mut command = self.account.command(&["validate", "--format", stdout]);
        command.args(&self.source).stdout(Stdio::piped()).stderr(Stdio::null());
        for format in FORMATS {
            fs::write(self.file(format), OLD).unwrap();
            command.arg("--report").arg(format!("{format}={}", self.file(format)));
        }
        command
    }

    /// What is left where it is sent `signal` so long after its start: its exit code, stdout, and its report files.
    fn killed(&self, stdout: &str, signal: &str, after: Duration) -> (Option<i32>, String, Vec<String>) {
        let mut child = self.command(stdout).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text).unwrap_or_default()
        });
        thread::sleep(after);
        // It may be over already.
        let _ = Command::new("kill").arg(signal).arg(child.id().to_string()).stderr(Stdio::null()).status();
        let code = child.wait().unwrap().code();
        let files = FORMATS.map(|format| fs::read_to_string(self.file(format)).unwrap_or_default());
        (code, reader.join().unwrap(), files.to_vec())
    }

    /// What is in the folder of the reports.
    fn names(&self) -> Vec<OsString> {
        let mut names: Vec<OsString> =
            fs::read_dir(self.account.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort_unstable();
        names
    }

    fn judge(&self) {
        let begun = Instant::now();
        let whole = self.killed("json", "-0", Duration::ZERO);
        assert_eq!(whole.0, Some(0), "{}", whole.1);
        let length = begun.elapsed();
        assert!(FORMATS.iter().zip(&whole.2).all(|(format, text)| reads_as_whole(format, text)), "{whole:?}");
        let names = self.names();
        let (mut cut, mut ended) = (0, 0);
        for moment in 0..3 * MOMENTS {
            let signal = if moment % 3 == 0 { "-TERM" } else { "-KILL" };
            let format = FORMATS[moment as usize % FORMATS.len()];
            // Spread evenly, in no order: the golden ratio's multiples. Every third falls into the end, where reports
            // take their files' places.
            let part = (moment as f64 * 0.618_034).fract();
            let after = length.mul_f64(if moment % 3 == 2 { 0.6 + part * 0.5 } else { part * 1.1 });
            let (code, stdout, files) = self.killed(format, signal, after);
            let shown = format!("{signal} after {after:?}: {code:?}\n{stdout}");
            ended += usize::from(code.is_some());
            cut += usize::from(code.is_none());
            let prints = FORMATS.iter().zip(&files).chain([(&format, &stdout)]);
            for (format, text) in prints.filter(|(format, text)| reads_as_whole(format, text)) {
                let reference = &whole.2[FORMATS.iter().position(|one| one == format).unwrap()];
                assert_reads_alike(format, text, reference, code, &shown);
            }
            for (format, text) in FORMATS.iter().zip(&files) {
                assert!(text == OLD || reads_as_whole(format, text), "{format}: {shown}{text}");
                // After an exit code that stands for a verdict, no old report reads as this run's.
                assert!(text != OLD || !matches!(code, Some(0 | 1 | 3)), "{format}: {shown}");
            }
            // A kill between two system calls leaves the temporary file of one report: see below.
            let left: Vec<OsString> = self.names().into_iter().filter(|name| !is_leftover(name)).collect();
            assert_eq!(left, names, "{shown}");
        }
        // The next run removes what killed runs left.
        let after_all = self.killed("json", "-0", Duration::ZERO);
        assert_eq!((after_all.0, self.names()), (Some(0), names), "{}", after_all.1);
        assert!(cut > 0 && ended > 0, "{cut} were cut, {ended} ended");
    }
}

/// Whether a file is the temporary file of a report.
fn is_leftover(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(".trailproof-") && name.ends_with(".tmp"))
}

/// What reads as whole is the whole of a run that ended, or says itself that it was interrupted.
fn assert_reads_alike(format: &str, text: &str, whole: &str, code: Option<i32>, shown: &str) {
    if code == Some(3) {
        let says = ["interrupt", "incomplete", "INCOMPLETE"].iter().any(|word| text.contains(word));
        assert!(says && !text.contains("\"verdict\": \"intact\""), "{format}: {shown}\n{text}");
        return;
    }
    // Times of the run differ, and what took a second tells its speed; nothing else does.
    let shape = |text: &str| text.lines().filter(|line| !line.starts_with("  speed ")).count();
    assert_eq!(shape(text), shape(whole), "{format}: {shown}\n{text}");
}

#[test]
fn at_any_moment_on_disk() {
    Runs::on_disk().judge();
}

#[test]
fn at_any_moment_in_s3() {
    Runs::in_s3().judge();
}
