//! The real binary and an account: how much is asked, what a second run reads, and what is said at the end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::account::{Account, access_points, json, kinds};
use crate::cloud::Faults;
use crate::fixtures::tree;

pub(super) const SOURCE: &str = "s3://trail-logs/p";

pub(super) fn delivered() -> Account {
    let account = Account::new();
    account.deliver(SOURCE, &[]);
    account.cloud.forget_requests();
    account
}

fn bodies(copy: &str) -> Vec<(String, Vec<u8>)> {
    let copy = Path::new(copy);
    let files = tree::files(copy).unwrap().into_iter().filter(|path| path != Path::new("collected.json"));
    files.map(|path| (path.display().to_string(), fs::read(copy.join(path)).unwrap())).collect()
}

pub(super) fn manifest(account: &Account, copy: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(&account.at(copy)).join("collected.json")).unwrap()).unwrap()
}

/// The words of the command on stderr that validates the copy.
pub(super) fn offline(stderr: &str) -> Vec<String> {
    let line = stderr.lines().find_map(|line| line.strip_prefix("validate the copy: trailproof "));
    line.unwrap_or_else(|| panic!("{stderr}")).split(' ').map(str::to_owned).collect()
}

/// The first and the last example of the help, for one day instead of thirty.
#[test]
fn the_examples_of_the_help_make_a_copy_that_is_intact() {
    let account = Account::new();
    account.deliver_hours(SOURCE, 40);
    let help = account.run(&["collect", "--help"]).stdout;
    let lines =
        help.lines().map(str::trim).filter(|line| line.starts_with("trailproof ") && line.ends_with("30d"));
    let lines: Vec<String> =
        lines.map(|line| line.replace("s3://my-trail-logs", SOURCE).replace("30d", "1d")).collect();
    assert_eq!(lines.len(), 2, "{help}");
    for line in &lines {
        let done = account.run(&line.split(' ').skip(1).collect::<Vec<_>>());
        assert_eq!(done.code, Some(0), "{line}: {}{}", done.stdout, done.stderr);
    }
}

#[test]
fn a_collection_asks_what_a_validation_asks() {
    let account = delivered();
    assert_eq!(account.run(&["validate", SOURCE]).code, Some(0));
    let operations = ["GetObject", "ListObjectsV2", "ListPublicKeys", "HeadBucket"];
    let asked = |account: &Account| operations.map(|operation| account.asked(operation));
    let of_validate = asked(&account);
    account.cloud.forget_requests();
    let done = account.run(&["collect", SOURCE, "copy"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(asked(&account), of_validate);
    // One more for an object that no digest lists.
    let log = account.cloud.keys("trail-logs").into_iter().rfind(|key| key.contains("/CloudTrail/")).unwrap();
    let stray =
        log.split("/CloudTrail/us-east-1/").next().unwrap().to_owned() + "/CloudTrail/us-east-1/stray";
    account.cloud.put("trail-logs", &stray, "stray", Default::default());
    account.cloud.forget_requests();
    let done = account.run(&["collect", SOURCE, "other"]);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert_eq!(account.asked("GetObject"), of_validate[0] + 1);
    assert!(Path::new(&account.at("other/trail-logs")).join(stray).exists());
}

#[test]
fn the_command_at_the_end_validates_without_aws() {
    let account = delivered();
    let start = trailproof::time::Timestamp::from_unix(crate::account::now() - 3 * 3_600).to_string();
    let collected = account.run(&["collect", SOURCE, "copy", "--format", "json", "--start-time", &start]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    let words = offline(&collected.stderr);
    account.cloud.set_faults(Faults { gone_after: Some(0), ..Faults::default() });
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--format", "json"]).collect();
    let copy = account.run(&words);
    assert_eq!(copy.code, Some(0), "{}{}", copy.stdout, copy.stderr);
    let (source, copy) = (json(&collected), json(&copy));
    assert_eq!(source["counts"]["digests"], copy["counts"]["digests"]);
    assert_eq!(source["counts"]["logs"], copy["counts"]["logs"]);
    let keys = fs::read(account.at("copy/public-keys.json")).unwrap();
    let hash = trailproof::ident::Sha256Hash::of(&keys).to_string();
    assert!(collected.stderr.contains(&hash), "{}", collected.stderr);
    let manifest = manifest(&account, "copy");
    for object in manifest["objects"].as_array().unwrap() {
        for fact in ["modified", "etag", "version"] {
            assert!(object[fact].is_string(), "{fact}: {object}");
        }
    }
    let sidecar = tree::files(Path::new(&account.at("copy"))).unwrap();
    let sidecar = sidecar.iter().find(|path| path.to_str().unwrap().ends_with(".metadata.json")).unwrap();
    let head: Value =
        serde_json::from_slice(&fs::read(account.home.path().join("copy").join(sidecar)).unwrap()).unwrap();
    assert!(head["LastModified"].as_str().unwrap().ends_with("+00:00"), "{head}");
    assert!(head["Metadata"]["signature"].is_string() && head["ETag"].is_string(), "{head}");
}

#[test]
fn a_second_run_reads_only_what_changed() {
    let account = delivered();
    assert_eq!(account.run(&["collect", SOURCE, "copy"]).code, Some(0));
    let objects = manifest(&account, "copy")["objects"].as_array().unwrap().len();
    account.cloud.forget_requests();
    let again = account.run(&["collect", SOURCE, "copy"]);
    // The metadata of digest files are in no listing.
    let digests = account.cloud.keys("trail-logs").iter().filter(|key| key.contains("-Digest/")).count();
    assert_eq!((again.code, account.asked("GetObject")), (Some(0), digests), "{}", again.stderr);
    assert!(again.stderr.contains(&format!("already there: {objects}")), "{}", again.stderr);
    // Of the same size, in S3 and in the directory.
    let keys = account.cloud.keys("trail-logs");
    let logs: Vec<&String> = keys.iter().filter(|key| key.contains("/CloudTrail/")).collect();
    let file = |key: &str| account.home.path().join("copy/trail-logs").join(key);
    let size = fs::metadata(file(logs[1])).unwrap().len();
    account.cloud.put("trail-logs", logs[1], vec![7; usize::try_from(size).unwrap()], Default::default());
    let genuine = fs::read(file(logs[2])).unwrap();
    fs::write(file(logs[2]), vec![7; genuine.len()]).unwrap();
    let digest = keys.iter().find(|key| key.contains("-Digest/")).unwrap();
    fs::remove_file(file(&format!("{digest}.metadata.json"))).unwrap();
    account.cloud.forget_requests();
    let third = account.run(&["collect", SOURCE, "copy", "--format", "json"]);
    assert_eq!(
        (third.code, kinds(&json(&third))),
        (Some(1), vec!["log-modified".to_owned()]),
        "{}",
        third.stderr
    );
    let mut read: Vec<String> = account
        .cloud
        .requests()
        .into_iter()
        .filter(|asked| asked.operation == "GetObject")
        .map(|asked| asked.key)
        .collect();
    read.sort_unstable();
    read.dedup();
    let mut expected: Vec<String> = keys.iter().filter(|key| key.contains("-Digest/")).cloned().collect();
    expected.extend([logs[1].clone(), logs[2].clone()]);
    expected.sort_unstable();
    assert_eq!(read, expected);
    assert_eq!(fs::read(file(logs[1])).unwrap(), vec![7; usize::try_from(size).unwrap()]);
    assert_eq!(fs::read(file(logs[2])).unwrap(), genuine);
    assert!(file(&format!("{digest}.metadata.json")).exists());
    assert_eq!(manifest(&account, "copy")["runs"].as_array().unwrap().len(), 3);
    assert_eq!(manifest(&account, "copy")["objects"].as_array().unwrap().len(), objects);
}

/// Kills the program at different moments. The next run completes the copy.
#[test]
fn a_killed_collection_is_completed() {
    let account = delivered();
    assert_eq!(account.run(&["collect", SOURCE, "whole"]).code, Some(0));
    let objects = manifest(&account, "whole")["objects"].as_array().unwrap().len();
    account.cloud.set_faults(Faults { latency: Duration::from_millis(30), ..Faults::default() });
    for (number, most) in [1, 3, 6].into_iter().enumerate() {
        let copy = format!("copy{number}");
        let mut child = account.command(&["collect", SOURCE, &copy, "--jobs", "1", "-q"]).spawn().unwrap();
        let journal = Path::new(&account.at(&copy)).join(".collecting/journal.jsonl");
        let text = || fs::read_to_string(&journal).unwrap_or_default();
        let saved = || text().matches("{\"object\"").count();
        let since = Instant::now();
        while saved() < most && since.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = saved();
        assert!(kept >= most && kept < objects, "{kept} of {objects}");
        assert!(!Path::new(&account.at(&copy)).join("collected.json").exists());
        let refused =
            account.run(&["validate", &copy, "--public-keys", &account.at("whole/public-keys.json")]);
        refused.assert_cannot("unfinished collection");
        let is_log = |line: &&str| line.starts_with("{\"object\"") && line.contains("/CloudTrail/");
        let kept_logs = text().lines().filter(is_log).count();
        account.cloud.forget_requests();
        let done = account.run(&["collect", SOURCE, &copy]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(account.asked("GetObject"), objects - kept_logs, "{}", done.stderr);
        assert!(bodies(&account.at(&copy)) == bodies(&account.at("whole")));
    }
}

#[test]
fn what_cannot_be_read_is_incomplete_in_the_copy_too() {
    let account = delivered();
    let logs: Vec<String> =
        account.cloud.keys("trail-logs").into_iter().filter(|key| key.contains("/CloudTrail/")).collect();
    account.cloud.archive("trail-logs", &logs[1]);
    account.cloud.deny("trail-logs", &logs[2]);
    let collected = account.run(&["collect", SOURCE, "copy", "--format", "json"]);
    assert_eq!(collected.code, Some(3), "{}", collected.stderr);
    assert!(collected.stderr.contains("not collected: 2"), "{}", collected.stderr);
    let words = offline(&collected.stderr);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--format", "json"]).collect();
    let copy = account.run(&words);
    assert_eq!((copy.code, kinds(&json(&copy))), (Some(3), kinds(&json(&collected))));
}

#[test]
fn a_trail_is_collected_by_its_arn_and_validated_offline() {
    let account = delivered();
    account.cloud.add_trail(crate::cloud::Trail {
        name: "audit".to_owned(),
        bucket: "trail-logs".to_owned(),
        prefix: Some("p".to_owned()),
        validation: true,
        ..Default::default()
    });
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
    let collected = account.run(&["collect", arn, "copy", "--format", "json"]);
    assert_eq!(json(&collected)["counts"]["digests"]["valid"], 6, "{}{}", collected.stdout, collected.stderr);
    let words = offline(&collected.stderr);
    assert!(words.windows(2).any(|pair| pair == ["--trail", "audit"]), "{words:?}");
    let copy = account.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(copy.code, Some(0), "{}{}", copy.stdout, copy.stderr);
}

/// Behind an access point the bucket has no name of its own: the user names it, and the copy holds it.
#[test]
fn objects_behind_access_points_are_collected() {
    let moved = ["--relocated-from", "s3://trail-logs"];
    let validated = |account: &Account, collected: &crate::cli::case::Done| {
        assert_eq!(collected.code, Some(0), "{}{}", collected.stdout, collected.stderr);
        let words = offline(&collected.stderr);
        let copy = account.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(copy.code, Some(0), "{}{}", copy.stdout, copy.stderr);
    };
    let account = access_points::with_alias();
    let alias = format!("s3://{}", access_points::ALIAS);
    validated(&account, &account.run(&[&["collect", &alias, "copy"], &moved[..]].concat()));
    let account = delivered();
    let arn = "arn:aws:s3:us-east-1:111122223333:accesspoint/trail-logs";
    let keys = account.at("saved/public-keys.json");
    for copy in ["copy", "copy"] {
        account.cloud.forget_requests();
        let more = [copy, "--public-keys", &keys];
        let words = [&["collect", arn], &more[..], &moved[..]].concat();
        validated(&account, &access_points::by_proxy(&account, &words));
    }
    let digests = account.cloud.keys("trail-logs").iter().filter(|key| key.contains("-Digest/")).count();
    assert_eq!(account.asked("GetObject"), digests);
    assert!(Path::new(&account.at("copy/trail-logs/p/AWSLogs")).is_dir());
}
