//! Few file handles, for the real binary: on disk and in S3, what could not be opened is named as such.

use std::process::Command;

use serde_json::Value;

use crate::account::Account;
use crate::cli::case::{Case, Done};

/// The same command with so few file handles.
fn limited(command: &Command, handles: u32) -> Done {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -n {handles}; exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    if command.get_envs().any(|(name, _)| name == "AWS_REGION") {
        shell.env_clear();
    }
    for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell.output().unwrap().into()
}

/// Holds what came of few handles to what may come of them; whether everything was read.
fn held(done: &Done, handles: u32, is_tampered: bool, objects: u64) -> bool {
    let shown = format!("{handles}: {:?}\n{}\n{}", done.code, done.stdout, done.stderr);
    assert!(!done.stderr.contains("panicked"), "{shown}");
    // What starts the program needs handles as well, how many depends on who runs the tests: then nothing has begun.
    if done.code == Some(127) && done.stderr.contains("error while loading shared libraries") {
        return false;
    }
    let says = done.stdout.contains("Too many open files") || done.stderr.contains("Too many open files");
    let report: Value = match done.code {
        Some(2) => {
            assert!(says && done.stdout.is_empty(), "{shown}");
            return false;
        }
        _ => serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {shown}")),
    };
    let count = |of: &str, state: &str| report["counts"][of][state].as_u64().unwrap();
    let judged = ["digests", "logs"].map(|of| count(of, "valid") + count(of, "tampered")).iter().sum::<u64>();
    let findings = report["findings"].as_array().unwrap();
    let tampered: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["severity"] == "tampered")
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    match done.code {
        Some(0) => assert!(!is_tampered && judged == objects, "{shown}"),
        Some(1) => assert!(is_tampered && tampered == ["log-modified"], "{shown}"),
        Some(3) => assert!(tampered.is_empty() && says, "{shown}"),
        _ => panic!("{shown}"),
    }
    judged == objects
}

/// From none to spare to enough.
const HANDLES: [u32; 14] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 32, 64];

#[test]
fn on_disk() {
    for tampers in [&[][..], &["log-modified"]] {
        let case = Case::make(tampers);
        for jobs in ["1", "8", "64"] {
            let command = case.command(&["--format", "json", "--jobs", jobs]);
            let whole =
                HANDLES.map(|handles| held(&limited(&command, handles), handles, !tampers.is_empty(), 8));
            assert!(!whole[0] && whole[HANDLES.len() - 1], "{whole:?}");
        }
    }
}

#[test]
fn in_s3() {
    for tampers in [&[][..], &["--tamper", "log-modified"]] {
        let account = Account::new();
        account.deliver("s3://trail-logs", tampers);
        account.cloud.set_faults(crate::cloud::Faults {
            latency: std::time::Duration::from_millis(20),
            ..Default::default()
        });
        for jobs in ["1", "8", "64"] {
            let command =
                account.command(&["validate", "s3://trail-logs", "--format", "json", "--jobs", jobs]);
            for handles in HANDLES {
                held(&limited(&command, handles), handles, !tampers.is_empty(), 10);
            }
            assert!(held(&limited(&command, 256), 256, !tampers.is_empty(), 10));
        }
    }
}
