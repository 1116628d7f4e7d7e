//! Hooks: their environment, their output and their faults.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::case::{Case, Done, trailproof};

/// Longest time of a run whose hook does not wait: far less than the default timeout.
const SOON: Duration = Duration::from_secs(20);

/// A hook that writes its `TRAILPROOF_` variables to the file `told`.
fn writes(case: &Case) -> String {
    format!("env | grep ^TRAILPROOF_ > '{}'", case.text("told"))
}

/// The variables that the hook was told; `None` if it did not run.
fn told(case: &Case) -> Option<BTreeMap<String, String>> {
    let text = fs::read_to_string(case.path("told")).ok()?;
    let pairs = text.lines().map(|line| line.split_once('=').expect(line));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Runs `validate` with a hook that runs always.
fn always(case: &Case, hook: &str, more: &[&str]) -> Done {
    case.validate(&[&["--hook", hook, "--hook-on", "always"], more].concat())
}

/// Whether a process that the test started with this number is still there, zombies aside.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

/// Waits until a file has a whole line, and returns the line.
fn line_of(path: &Path) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < deadline, "nothing in {}", path.display()),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_environment_says_what_the_run_came_to() {
    for (tampers, code, verdict) in [
        (&[][..], 0, "intact"),
        (&["log-modified"][..], 1, "tampered"),
        (&["log-unreferenced"], 3, "incomplete"),
    ] {
        let case = Case::make(tampers);
        let (html, json) = (case.text("run.html"), case.text("run.json"));
        let reports = [format!("html={html}"), format!("json={json}")];
        let done = always(&case, &writes(&case), &["--report", &reports[0], "--report", &reports[1], "-q"]);
        done.assert_verdict(code, verdict);
        let told = told(&case).unwrap();
        let findings = serde_json::from_slice::<Value>(&fs::read(&json).unwrap()).unwrap();
        let findings = findings["findings"].as_array().unwrap().len().to_string();
        for (name, value) in [
            ("VERDICT", verdict),
            ("EXIT", &code.to_string()),
            ("SUMMARY", done.stdout.trim_end()),
            ("REPORT", &json),
            ("NEW", &findings),
            ("RESOLVED", "0"),
        ] {
            assert_eq!(told[&format!("TRAILPROOF_{name}")], value, "{name}");
        }
        assert_eq!(told.len(), 6, "{told:?}");
    }
}

#[test]
fn the_report_is_the_first_that_was_written() {
    let case = Case::make(&[]);
    let (csv, html) = (format!("csv={}", case.text("a.csv")), format!("html={}", case.text("b.html")));
    always(&case, &writes(&case), &["--report", &csv, "--report", &html]).assert_verdict(0, "intact");
    assert_eq!(told(&case).unwrap()["TRAILPROOF_REPORT"], case.text("a.csv"));

    let mut command = case.command(&["--hook", &writes(&case), "--hook-on", "always"]);
    command.env("TRAILPROOF_REPORT", "of another run");
    assert!(command.output().unwrap().status.success());
    assert_eq!(told(&case).unwrap().get("TRAILPROOF_REPORT"), None);
}

#[test]
fn a_report_that_was_not_written_is_not_named_and_hides_no_tampering() {
    let case = Case::make(&["log-modified"]);
    let html = format!("html={}", case.text("b.html"));
    let hook = writes(&case);
    let done = case.validate(&["--report", "json=/dev/full", "--report", &html, "--hook", &hook]);
    assert_eq!(done.code, Some(2));
    let told = told(&case).unwrap();
    assert_eq!(told["TRAILPROOF_VERDICT"], "error");
    assert_eq!(told["TRAILPROOF_REPORT"], case.text("b.html"));
    let summary = &told["TRAILPROOF_SUMMARY"];
    assert!(summary.starts_with("error: `/dev/full` cannot be written"), "{summary}");
    assert!(summary.contains("tampered: 1 of "), "{summary}");
}

#[test]
fn a_run_that_cannot_begin_is_told() {
    let case = Case::make(&[]);
    fs::write(case.path("old.json"), "of an earlier run").unwrap();
    let report = format!("json={}", case.text("old.json"));
    let hook = writes(&case);
    for (wrong, what) in [
        (&["--format", "xml"][..], "unknown report format"),
        (&["--start-time", "never"], "invalid time"),
        (&["--region", "\u{1b}[2J\nmars"], "--region"),
        (&["/no/where"], "no such file"),
    ] {
        case.validate(&[wrong, &["--hook", &hook, "--report", &report]].concat()).assert_cannot(what);
        let told = told(&case).expect(what);
        assert_eq!((&*told["TRAILPROOF_VERDICT"], &*told["TRAILPROOF_EXIT"]), ("error", "2"), "{what}");
        assert!(told["TRAILPROOF_SUMMARY"].starts_with("error: "), "{told:?}");
        assert!(told["TRAILPROOF_SUMMARY"].contains(what), "{told:?}");
        assert!(!told["TRAILPROOF_SUMMARY"].contains('\u{1b}'), "{told:?}");
        assert_eq!((told["TRAILPROOF_NEW"].as_str(), told.get("TRAILPROOF_REPORT")), ("0", None));
        fs::remove_file(case.path("told")).unwrap();
    }
    trailproof(&["validate", "--hook", &hook]).assert_cannot("no source");
    assert!(told(&case).is_some());
}

#[test]
fn hooks_run_when_they_were_asked_to() {
    for (tampers, more, runs) in [
        (&[][..], &[][..], false),
        (&[], &["--hook-on", "finding"], false),
        (&[], &["--hook-on", "change"], false),
        (&[], &["--hook-on", "always"], true),
        (&["log-modified"], &[], true),
        (&["log-unreferenced"], &["--hook-on", "change"], true),
    ] {
        let case = Case::make(tampers);
        let done = case.validate(&[&["--hook", &writes(&case)], more].concat());
        assert_eq!((told(&case).is_some(), done.stderr.as_str()), (runs, ""), "{tampers:?} {more:?}");
    }
}

#[test]
fn several_hooks_run_in_order_and_the_number_says_which_failed() {
    let case = Case::make(&[]);
    let more = ["--hook", "echo two; exit 9", "--hook", "echo three >&2"];
    let done = always(&case, "echo one", &more);
    assert_eq!(done.code, Some(0));
    assert_eq!(done.stderr, "one\ntwo\nwarning: hook 2 of 3 failed: exit code 9\nthree\n");
}

#[test]
fn a_hook_that_fails_is_one_line_and_changes_nothing() {
    for (tampers, code) in [(&[][..], 0), (&["log-modified"][..], 1)] {
        let case = Case::make(tampers);
        for (hook, said) in [
            ("exit 9", "failed: exit code 9"),
            ("kill -9 $$", "failed: signal: 9"),
            ("exec no-such-program-of-ours 2>/dev/null", "failed: exit code 127 (command not found)"),
            ("'", "failed: exit code "),
        ] {
            let done = always(&case, hook, &[]);
            let warnings = done.stderr.lines().filter(|line| line.starts_with("warning: the hook "));
            assert_eq!((done.code, warnings.count()), (Some(code), 1), "{hook}: {}", done.stderr);
            assert!(done.stderr.contains(said), "{hook}: {}", done.stderr);
        }
    }
}

#[test]
fn a_hook_that_cannot_be_started_is_said() {
    let case = Case::make(&["log-modified"]);
    let output = case.command(&["--hook", "true"]).env("PATH", case.path("")).output().unwrap();
    let done = Done::from(output);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.starts_with("warning: the hook cannot be started: "), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
fn a_hook_that_hangs_is_killed_with_its_processes() {
    let case = Case::make(&[]);
    let pid = case.text("pid");
    let hook = format!("sleep 300 & echo $! > '{pid}'; trap '' TERM INT HUP; sleep 300");
    let begun = Instant::now();
    let done = always(&case, &hook, &["--hook-timeout", "1s"]);
    assert!((Duration::from_secs(1)..SOON).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(done.code, Some(0));
    assert_eq!(done.stderr, "warning: the hook was killed: it had not ended after 1 s\n");
    assert!(!is_alive(&fs::read_to_string(pid).unwrap()));
}

#[test]
fn a_process_that_keeps_the_output_open_is_not_waited_for() {
    let case = Case::make(&[]);
    let pid = case.text("pid");
    let begun = Instant::now();
    let done = always(&case, &format!("sleep 300 & echo $! > '{pid}'; echo done"), &[]);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(done.code, Some(0));
    assert_eq!(
        done.stderr,
        "done\nwarning: the hook left processes behind that kept its output open; its process group was killed\n"
    );
    assert!(!is_alive(&fs::read_to_string(&pid).unwrap()));

    // A process of its own group cannot be killed, and is not waited for either.
    let begun = Instant::now();
    let done = always(&case, &format!("setsid sleep 60 & echo $! > '{pid}'"), &[]);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!((done.code, done.stderr.lines().count()), (Some(0), 1), "{}", done.stderr);
    let _ = Command::new("kill").arg(fs::read_to_string(pid).unwrap().trim()).status();
}

#[test]
fn a_process_in_the_background_without_the_output_may_stay() {
    let case = Case::make(&[]);
    let pid = case.text("pid");
    let done = always(&case, &format!("sleep 60 >/dev/null 2>&1 & echo $! > '{pid}'"), &[]);
    done.assert_verdict(0, "intact");
    let pid = fs::read_to_string(pid).unwrap();
    assert!(is_alive(&pid));
    assert!(Command::new("kill").arg(pid.trim()).status().unwrap().success());
}

#[test]
fn a_hook_that_prints_too_much_is_cut() {
    let case = Case::make(&["log-modified"]);
    let begun = Instant::now();
    let done = always(&case, "head -c 100000000 /dev/zero | tr '\\0' x; exit 9", &[]);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let (output, warning) = done.stderr.split_once('\n').unwrap();
    assert_eq!((done.code, output.len()), (Some(1), 64 << 10));
    assert_eq!(
        warning,
        "warning: the hook failed: exit code 9; it printed too much: the first 65536 bytes are shown, and 99934464 are \
         not\n"
    );
    let done = always(&case, "yes", &["--hook-timeout", "1s"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.len() < 70_000 && done.stderr.contains("warning: the hook was killed: "));
}

#[test]
fn the_output_of_a_hook_goes_to_stderr_and_is_safe_to_print() {
    let case = Case::make(&[]);
    let done = always(&case, "printf 'a\\033[2Jb\\n'; read line || echo no input; echo c >&2", &[]);
    assert_eq!(done.code, Some(0));
    assert_eq!(done.stderr, "a\\u{1b}[2Jb\nno input\nc\n");
    assert!(!done.stdout.contains("no input"));
}

#[test]
fn what_is_typed_wrong_is_refused() {
    let case = Case::make(&[]);
    for wrong in [
        &["--hook", ""][..],
        &["--hook", "true", "--hook-on", "never"],
        &["--hook", "true", "--hook-timeout", "10"],
        &["--hook", "true", "--hook-timeout", "0s"],
        &["--hook-on", "always"],
        &["--hook-timeout", "10s"],
        &["--hook", "true", "--dry-run"],
    ] {
        let done = case.validate(wrong);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{wrong:?}: {}", done.stderr);
    }
}

#[test]
fn hooks_are_not_in_the_report() {
    let case = Case::make(&[]);
    let done = always(&case, "true secret-token", &["--format", "json"]);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let command = report["command"].as_str().unwrap();
    assert!(command.contains("--hook") && !done.stdout.contains("secret-token"), "{command}");
}

#[test]
fn a_reader_who_goes_away_does_not_keep_the_hook_from_running() {
    let case = Case::make(&["log-modified"]);
    let mut command = case.command(&["-v", "--hook", &writes(&case)]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(told(&case).unwrap()["TRAILPROOF_VERDICT"], "tampered");
}

#[test]
fn an_interrupted_run_is_told() {
    let case = Case::make(&["log-modified"]);
    let pipe = case.path("keys.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = case.command(&["--hook", &writes(&case)]);
    let mut child = command.arg("--public-keys").arg(&pipe).stderr(Stdio::piped()).spawn().unwrap();
    let mut keys = fs::File::options().write(true).open(&pipe).unwrap();
    signal(child.id(), "-INT");
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(stderr.next().unwrap().unwrap().starts_with("interrupted: "));
    keys.write_all(&fs::read(case.path("keys.json")).unwrap()).unwrap();
    drop(keys);
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let told = told(&case).unwrap();
    assert_eq!(told["TRAILPROOF_SUMMARY"], "incomplete: interrupted before any digest was checked");
}

#[test]
fn the_second_signal_ends_a_hook_at_once() {
    let case = Case::make(&[]);
    let pid = case.path("pid");
    let hook = format!("sleep 300 & echo $! > '{}'; wait", pid.display());
    let mut command = case.command(&["--hook", &hook, "--hook", &writes(&case), "--hook-on", "always"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let sleeping = line_of(&pid);
    signal(child.id(), "-INT");
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = stderr.next().unwrap().unwrap();
    assert!(said.starts_with("interrupted: the run is over"), "{said}");
    assert!(is_alive(&sleeping), "the first signal does not end a hook");
    signal(child.id(), "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let deadline = Instant::now() + SOON;
    while is_alive(&sleeping) {
        assert!(Instant::now() < deadline, "the hook outlives the program");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(told(&case), None, "no further hook starts");
}

fn signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").arg(signal).arg(pid.to_string()).status().unwrap().success());
}
