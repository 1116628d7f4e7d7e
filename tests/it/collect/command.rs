//! The real binary and a directory: a new user's way, and what is refused.

use std::fs;

use serde_json::Value;

use crate::cli::case::{Done, program};

/// Runs the program in a folder.
fn run(folder: &tempfile::TempDir, arguments: &[&str]) -> Done {
    program().args(arguments).current_dir(folder.path()).output().unwrap().into()
}

fn simulated(more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = run(&folder, &[&["simulate", "drill", "--hours", "4"], more].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    folder
}

fn assert_collected(done: &Done, code: i32, word: &str) {
    let shown = format!("{:?}\n{}\n{}", done.code, done.stdout, done.stderr);
    assert_eq!(done.code, Some(code), "{shown}");
    assert!(done.stdout.contains(word) && done.stderr.starts_with("collected "), "{shown}");
}

const KEYS: [&str; 2] = ["--public-keys", "drill/public-keys.json"];

#[test]
fn simulate_collect_validate() {
    for (more, code, verdict) in [
        (&[][..], 0, "intact"),
        (&["--tamper", "log-modified"], 1, "tampered"),
        (&["--tamper", "log-unreferenced"], 3, "incomplete"),
    ] {
        let folder = simulated(more);
        let collected = run(&folder, &[&["collect", "drill", "copy"], &KEYS[..]].concat());
        assert_collected(&collected, code, verdict);
        let line =
            collected.stderr.lines().find_map(|line| line.strip_prefix("validate the copy: trailproof "));
        let words: Vec<&str> = line.unwrap().split(' ').collect();
        fs::remove_dir_all(folder.path().join("drill")).unwrap();
        run(&folder, &words).assert_verdict(code, verdict);
        let manifest = fs::read(folder.path().join("copy/collected.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["runs"][0]["sources"][0], "drill");
    }
}

#[test]
fn a_quiet_collection_prints_the_verdict_line_alone() {
    let folder = simulated(&[]);
    for _ in 0..2 {
        let done = run(&folder, &[&["collect", "drill", "copy", "-q"], &KEYS[..]].concat());
        assert_eq!((done.code, done.stdout.lines().count(), done.stderr.as_str()), (Some(0), 1, ""));
    }
}

#[test]
fn keys_from_pem_are_saved() {
    let folder = simulated(&[]);
    let saved = fs::read(folder.path().join("drill/public-keys.json")).unwrap();
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    let key = saved["PublicKeyList"][0]["Value"].as_str().unwrap();
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{key}\n-----END RSA PUBLIC KEY-----\n");
    fs::write(folder.path().join("key.pem"), pem).unwrap();
    let collected = run(&folder, &["collect", "drill", "copy", "--public-keys", "key.pem"]);
    assert_collected(&collected, 0, "intact");
    assert!(!folder.path().join("copy/public-keys.json").exists());
    run(&folder, &["validate", "copy", "--public-keys", "copy/public-keys.pem"]).assert_verdict(0, "intact");
}

#[test]
fn what_cannot_begin_is_refused() {
    let folder = simulated(&[]);
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/notes.txt"), "").unwrap();
    let collect = |more: &[&str]| run(&folder, &[&["collect"], more, &KEYS[..]].concat());
    collect(&["drill", "mine"]).assert_cannot("was not made by `trailproof collect`");
    collect(&["drill", "mine/notes.txt"]).assert_cannot("not a directory");
    collect(&["drill", "drill/copy"]).assert_cannot("lies in the source");
    collect(&["drill", "drill"]).assert_cannot("was not made by");
    collect(&["drill", "s3://copy"]).assert_cannot("is no directory");
    collect(&["drill", "/proc/nowhere/copy"]).assert_cannot("cannot be written");
    run(&folder, &["collect", "drill", "copy"]).assert_cannot("no public keys");
    let done = run(&folder, &["collect", "s3://my-trail-logs"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    let missing = done.stderr.split("Usage:").next().unwrap();
    assert!(missing.contains("<DIR>") && !missing.contains("<SOURCE>"), "{}", done.stderr);
    let missing = run(&folder, &["collect"]).stderr;
    assert!(missing.split("Usage:").next().unwrap().contains("<SOURCE>"), "{missing}");
    assert!(!folder.path().join("copy").exists());
    let done = run(&folder, &["collect", "drill", KEYS[0], KEYS[1], "copy"]);
    assert_eq!(done.code, Some(0), "the directory may follow options: {}", done.stderr);
    assert!(folder.path().join("copy/collected.json").exists());
}

/// `/dev/full` as the disk is only a file, so a small limit of file sizes stands for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_copy() {
    let folder = simulated(&["--events-per-log", "200"]);
    let binary = env!("CARGO_BIN_EXE_trailproof");
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec {binary} collect drill copy --public-keys drill/public-keys.json -q"
    );
    let done: Done = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap()
        .into();
    assert_eq!(done.code, Some(2), "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("cannot be written, and is not complete"), "{}", done.stderr);
    assert!(!folder.path().join("copy/collected.json").exists());
    let again = run(&folder, &[&["collect", "drill", "copy"], &KEYS[..]].concat());
    assert_collected(&again, 0, "intact");
}

/// A key is valid for about a month, and a copy is continued for longer.
#[test]
fn keys_of_earlier_runs_stay() {
    let folder = simulated(&[]);
    let other = run(&folder, &["simulate", "other", "--hours", "1", "--seed", "77"]);
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    let collect = |keys: &str| run(&folder, &["collect", "drill", "copy", "--public-keys", keys]);
    assert_collected(&collect("drill/public-keys.json"), 0, "intact");
    let first = fs::read(folder.path().join("copy/public-keys.json")).unwrap();
    assert_collected(&collect("drill/public-keys.json"), 0, "intact");
    assert_eq!(fs::read(folder.path().join("copy/public-keys.json")).unwrap(), first);
    assert_eq!(collect("other/public-keys.json").code, Some(3));
    let saved = fs::read(folder.path().join("copy/public-keys.json")).unwrap();
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved["PublicKeyList"].as_array().unwrap().len(), 2);
    run(&folder, &["validate", "copy", "--public-keys", "copy/public-keys.json"]).assert_verdict(0, "intact");
    // What is no file of keys is written anew.
    fs::write(folder.path().join("copy/public-keys.json"), "junk").unwrap();
    assert_collected(&collect("drill/public-keys.json"), 0, "intact");
    assert_eq!(fs::read(folder.path().join("copy/public-keys.json")).unwrap(), first);
}
