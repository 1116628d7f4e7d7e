//! The memory of copies on disk: what a copy lost, and what an older copy never had.

use std::fs;
use std::path::Path;

use super::cloud::account;

/// A directory that lost what an earlier run read there is tampered with. Another copy of the same bucket may be older, and a
/// copy may lack folders that were not copied: never intact, and no tampering.
#[test]
fn a_copy_that_lost_its_end_is_told_from_an_older_copy() {
    const START: &str = "2026-09-01T01:06:57Z";
    const END: &str = "2026-09-01T06:06:57Z";
    let account = account();
    let made = account.run(&["simulate", "copy", "--hours", "5", "--start-time", START]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let run = || {
        let keys = ["--public-keys", "copy/public-keys.json", "--end-time", END];
        account.run(&[&["validate", "copy/trail-logs", "--state", "state"], &keys[..]].concat())
    };
    assert_eq!(run().code, Some(0));
    let mut files = Vec::new();
    walk(Path::new(&account.at("copy/trail-logs")), &mut files);
    let newest = files.iter().filter(|file| file.contains("_CloudTrail-Digest_")).max().unwrap().clone();
    let newest = newest.trim_end_matches(".metadata.json").to_owned();
    fs::remove_file(&newest).unwrap();
    fs::remove_file(format!("{newest}.metadata.json")).unwrap();
    let done = run();
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    fs::rename(account.at("copy/trail-logs"), account.at("copy/older")).unwrap();
    let keys = ["--public-keys", "copy/public-keys.json", "--end-time", END, "--state", "state"];
    let older = account.run(&[&["validate", "copy/older"], &keys[..]].concat());
    assert_eq!(older.code, Some(3), "{}{}", older.stdout, older.stderr);
    // An older copy that was validated before lost nothing since, whatever a newer copy showed in between.
    assert_eq!(account.run(&["state", "init", "both"]).code, Some(0));
    let whole = account.run(&["simulate", "whole", "--hours", "5", "--start-time", START]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let of = |copy: &str| {
        let keys = ["--public-keys", "copy/public-keys.json", "--end-time", END, "--state", "both"];
        account.run(&[&["validate", copy], &keys[..]].concat())
    };
    assert_ne!(of("copy/older").code, Some(1));
    assert_eq!(of("whole/trail-logs").code, Some(0));
    let older = of("copy/older");
    assert_eq!(older.code, Some(3), "{}{}", older.stdout, older.stderr);
    fs::rename(account.at("copy/older"), account.at("copy/trail-logs")).unwrap();
    // A copy of the last hours, made again at the same place, begins later each time.
    let again = account.run(&["simulate", "new", "--hours", "5", "--start-time", START]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(account.run(&["state", "init", "rolling"]).code, Some(0));
    let rolling = || {
        let keys = ["--public-keys", "new/public-keys.json", "--end-time", END, "--state", "rolling"];
        account.run(&[&["validate", "new/trail-logs"], &keys[..]].concat())
    };
    assert_eq!(rolling().code, Some(0));
    let mut files = Vec::new();
    walk(Path::new(&account.at("new/trail-logs")), &mut files);
    let oldest = files.iter().filter(|file| file.contains("_CloudTrail-Digest_")).min().unwrap();
    let oldest = oldest.trim_end_matches(".metadata.json");
    fs::remove_file(oldest).unwrap();
    fs::remove_file(format!("{oldest}.metadata.json")).unwrap();
    let done = rolling();
    assert_eq!(done.code, Some(3), "{}{}", done.stdout, done.stderr);
    // The whole region, and then the whole bucket in favour of another.
    fs::remove_dir_all(account.at("copy/trail-logs/AWSLogs/111122223333/CloudTrail-Digest")).unwrap();
    assert!(matches!(run().code, Some(1 | 3)));
}

fn walk(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path.to_str().unwrap().to_owned()) }
    }
}

/// What a directory no longer has at all is asked about, since the directory was validated before.
#[test]
fn a_bucket_that_is_gone_from_a_directory_is_told() {
    let account = account();
    for (bucket, seed) in [("one", "1"), ("other", "2")] {
        let made = account.run(&[
            "simulate",
            bucket,
            "--bucket",
            bucket,
            "--hours",
            "3",
            "--logs-per-hour",
            "1",
            "--seed",
            seed,
        ]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
    }
    fs::create_dir(account.at("copies")).unwrap();
    fs::rename(account.at("one/one"), account.at("copies/one")).unwrap();
    assert_eq!(account.run(&["state", "init", "state"]).code, Some(0));
    let keys = ["--public-keys", "one/public-keys.json", "--public-keys", "other/public-keys.json"];
    let run = || account.run(&[&["validate", "copies", "--state", "state"], &keys[..]].concat());
    let first = run();
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    fs::rename(account.at("copies/one"), account.at("elsewhere")).unwrap();
    fs::rename(account.at("other/other"), account.at("copies/other")).unwrap();
    let second = run();
    assert_eq!(second.code, Some(3), "{}{}", second.stdout, second.stderr);
    assert!(second.stdout.contains("s3://one/"), "{}", second.stdout);
}
