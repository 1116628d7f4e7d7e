//! The examples in every command's help: each is run, and begins its work.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Account, now};
use crate::cloud::{Bucket, Trail};

/// The example command lines in a command's help.
fn examples(account: &Account, command: &str) -> Vec<String> {
    let done = account.run(&[command, "--help"]);
    let text =
        done.stdout.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{command}: {}", done.stdout));
    let text = text.split("\n\n").next().unwrap().replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("trailproof "));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_example_of_the_help_runs() {
    let account = Account::new();
    for bucket in ["my-trail-logs", "my-drill-bucket", "audit-state"] {
        account.cloud.create_bucket(bucket, Bucket::default());
    }
    account.cloud.add_trail(Trail {
        bucket: "my-trail-logs".to_owned(),
        latest_delivery: Some(now() - 600),
        latest_digest_delivery: Some(now() - 3_600),
        name: "audit".to_owned(),
        ..Trail::default()
    });
    account.deliver("s3://my-trail-logs", &[]);
    account.run(&["simulate", "copy", "--hours", "2"]);
    for folder in [".zfunc", ".config/fish/completions", ".local/share/bash-completion/completions"] {
        fs::create_dir_all(account.at(folder)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_trailproof")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut run = 0;
    for command in [
        "simulate",
        "keys",
        "state",
        "validate",
        "shards",
        "trails",
        "validate-logs",
        "report",
        "completions",
        "man",
    ] {
        // An acceptance needs the id of a finding that is there.
        let lines = examples(&account, command).into_iter();
        for line in lines.filter(|line| !line.contains(" state accept ")) {
            let prepared = account.command(&[]);
            let mut shell = Command::new("sh");
            for (name, value) in prepared.get_envs() {
                shell.env(name, value.unwrap());
            }
            let output =
                shell.env("PATH", &path).current_dir(account.home.path()).args(["-c", &line]).output();
            let output = output.unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{line}: {:?}: {stderr}", output.status);
            assert!(!stderr.contains("error:"), "{line}: {stderr}");
            run += 1;
        }
    }
    assert!(run > 15, "{run}");
}
