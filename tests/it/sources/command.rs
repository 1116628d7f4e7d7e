//! What the command line makes of sources in S3 and on disk.

use std::fs;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::account::{Account, json, kinds, now};
use crate::bodies::gzip;
use crate::cli::case::Done;
use crate::cloud::Trail;

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
const ACCOUNT: &str = "AWSLogs/111122223333";

fn validated(account: &Account, sources: &[&str], more: &[&str]) -> (Done, Value) {
    let done = account.run(&[&["validate", "--format", "json"], sources, more].concat());
    let report = json(&done);
    (done, report)
}

/// The keys of the bucket that hold `part`, in order.
fn keys(account: &Account, part: &str) -> Vec<String> {
    let keys = account.cloud.keys("trail-logs").into_iter();
    keys.filter(|key| key.contains(part)).collect()
}

#[test]
fn an_empty_bucket_beside_a_good_one_is_said() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    account.cloud.create_bucket("empty", crate::cloud::Bucket::default());
    for (sources, empty) in [
        (["s3://trail-logs", "s3://empty"], "s3://empty/"),
        (["s3://trail-logs/q", "s3://trail-logs/p"], "s3://trail-logs/q/"),
    ] {
        let (done, report) = validated(&account, &sources, &[]);
        assert_eq!((done.code, kinds(&report)), (Some(3), vec!["no-digests".to_owned()]), "{report}");
        let finding = report["findings"].as_array().unwrap().iter().find(|one| one["kind"] == "no-digests");
        assert_eq!(finding.unwrap()["uri"], empty, "{report}");
        assert_eq!(account.run(&["validate", "--dry-run", sources[0], sources[1]]).code, Some(3));
    }
    account.run(&["validate", "s3://trail-logs", "s3://emtpy"]).assert_cannot("there is no bucket `emtpy`");
}

#[test]
fn what_is_misspelt_below_awslogs_is_refused_before_a_report_is_opened() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    fs::write(account.at("kept.json"), "kept").unwrap();
    let report = format!("json={}", account.at("kept.json"));
    for (below, segment) in [
        ("11112222333", "11112222333"),
        ("o-short/111122223333", "o-short"),
        ("us-east-1", "us-east-1"),
        ("111122223333/Config", "Config"),
        ("111122223333/CloudTrail-Digests/us-east-1", "CloudTrail-Digests"),
        ("111122223333/CloudTrail-Digest/us_east_1/", "us_east_1"),
        ("111122223333/us-east-1", "us-east-1"),
        ("111122223333/CloudTrail/us-east-1/x.json.gz", "x.json.gz"),
    ] {
        let source = format!("s3://trail-logs/AWSLogs/{below}");
        for more in [&["--report", &report][..], &["--dry-run"]] {
            let done = account.run(&[&["validate", "s3://trail-logs", &source], more].concat());
            done.assert_cannot(&format!("`{segment}` is not "));
            assert!(done.stderr.contains("\nhint: "), "{}", done.stderr);
        }
    }
    let day = format!("s3://trail-logs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/09/01");
    account
        .run(&["validate", &day])
        .assert_cannot("--start-time 2026-09-01T00:00:00Z --end-time 2026-09-02T00:00:00Z");
    assert_eq!(fs::read_to_string(account.at("kept.json")).unwrap(), "kept");
}

#[test]
fn a_prefix_with_awslogs_or_slashes_in_it_is_found_by_bucket_prefix_and_arn() {
    for prefix in
        ["AWSLogs", "AWSLogs/central", "x/AWSLogs/y", "AWSLogs/111122223333", "cloudtrail/", "/x", "//"]
    {
        let account = Account::new();
        account.cloud.add_trail(Trail {
            name: "audit".to_owned(),
            bucket: "trail-logs".to_owned(),
            prefix: Some(prefix.to_owned()),
            latest_digest_delivery: Some(now() - 3_600),
            ..Trail::default()
        });
        crate::sources::deliver_signed(&account, prefix);
        let sources = ["s3://trail-logs".to_owned(), format!("s3://trail-logs/{prefix}/"), ARN.to_owned()];
        let age = ["--start-time", "12h"];
        for source in &sources {
            let (done, report) = validated(&account, &[source], &[]);
            assert_eq!(done.code, Some(0), "{prefix} by {source}: {report}");
            assert_eq!(report["counts"]["logs"]["valid"], 3, "{prefix} by {source}");
        }
        for more in [&[][..], &["--s3-bucket", "trail-logs", "--s3-prefix", prefix]] {
            let done = account.run(&[&["validate-logs", "--trail-arn", ARN], &age[..], more].concat());
            assert!(done.stdout.contains("3/3 log files valid"), "{prefix}: {}{}", done.stdout, done.stderr);
        }
        let log = keys(&account, "/CloudTrail/").remove(1);
        account.cloud.purge("trail-logs", &log);
        for source in &sources {
            let (done, report) = validated(&account, &[source], &[]);
            assert_eq!((done.code, kinds(&report)), (Some(1), vec!["log-missing".to_owned()]), "{report}");
        }
        let done = account.run(&[&["validate-logs", "--trail-arn", ARN], &age[..]].concat());
        assert!(done.stderr.contains("INVALID: not found"), "{prefix}: {}{}", done.stdout, done.stderr);
    }
}

#[test]
fn one_object_in_a_bucket_answers_for_itself() {
    let account = Account::new();
    account.deliver("s3://trail-logs/p", &[]);
    let log = keys(&account, "/CloudTrail/").remove(2);
    let digest = keys(&account, "/CloudTrail-Digest/").remove(2);
    let uri = |key: &str| format!("s3://trail-logs/{key}");
    let (done, report) = validated(&account, &[&uri(&log)], &[]);
    assert_eq!((done.code, &report["verdict"]), (Some(0), &Value::from("intact")), "{report}");
    let proof = &report["findings"][0];
    assert_eq!((&proof["kind"], &proof["uri"]), (&"object-proved".into(), &uri(&log).into()), "{report}");
    assert!(proof["digest"].as_str().unwrap().contains("/CloudTrail-Digest/"), "{report}");
    let text = account.run(&["validate", &uri(&log)]);
    assert!(text.stdout.contains(proof["digest"].as_str().unwrap()), "{}", text.stdout);
    assert_eq!(validated(&account, &[&uri(&digest)], &[]).0.code, Some(0));
    assert_eq!(account.run(&["validate", "--dry-run", &uri(&log)]).code, Some(0));
    account
        .run(&["validate", &uri(&log), "--start-time", "1d"])
        .assert_cannot("do not apply to a single object");
    account.run(&["validate", &uri(&log), "s3://trail-logs"]).assert_cannot("are named together");
    let (nowhere, forged) = (log.replace(".json.gz", "x.json.gz"), log.replace(".json.gz", "y.json.gz"));
    account.cloud.put("trail-logs", &forged, gzip(b"{}"), std::collections::BTreeMap::new());
    for (key, kind) in [(&nowhere, "no-digests"), (&forged, "log-unreferenced")] {
        let (done, report) = validated(&account, &[&uri(key)], &[]);
        assert_eq!((done.code, kinds(&report)), (Some(3), vec![kind.to_owned()]), "{report}");
    }
    account.cloud.delete("trail-logs", &log);
    let (done, report) = validated(&account, &[&uri(&log)], &[]);
    assert_eq!((done.code, kinds(&report)), (Some(1), vec!["log-deleted".to_owned()]), "{report}");
}

#[test]
fn one_file_of_a_copy_answers_for_itself() {
    let account = Account::new();
    let made =
        account.run(&["simulate", "copy", "--hours", "4", "--logs-per-hour", "1", "--events-per-log", "1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let region = account.at(&format!("copy/trail-logs/{ACCOUNT}/CloudTrail/us-east-1"));
    let mut files = Vec::new();
    walk(std::path::Path::new(&region), &mut files);
    files.sort();
    let keys = ["--public-keys", "copy/public-keys.json"];
    let log = files.remove(1);
    assert_eq!(validated(&account, &[&log], &keys).0.code, Some(0));
    let relative = log.replace(&account.at(""), "");
    assert_eq!(validated(&account, &[&relative], &keys).0.code, Some(0));
    // The same without its gzip stream.
    let inflated = log.trim_end_matches(".gz").to_owned();
    let mut body = Vec::new();
    GzDecoder::new(fs::File::open(&log).unwrap()).read_to_end(&mut body).unwrap();
    fs::write(&inflated, &body).unwrap();
    fs::rename(&log, account.at("aside")).unwrap();
    let (done, report) = validated(&account, &[&inflated], &keys);
    assert_eq!(done.code, Some(0), "{report}");
    fs::remove_file(&inflated).unwrap();
    fs::rename(account.at("aside"), &log).unwrap();
    let nowhere = log.replace(".json.gz", "x.json.gz");
    assert_eq!(validated(&account, &[&nowhere], &keys).0.code, Some(3));
    fs::copy(&log, &nowhere).unwrap();
    let (done, report) = validated(&account, &[&nowhere], &keys);
    assert_eq!((done.code, kinds(&report)), (Some(3), vec!["log-unreferenced".to_owned()]), "{report}");
    fs::write(&log, gzip(b"{}")).unwrap();
    let (done, report) = validated(&account, &[&log], &keys);
    assert_eq!((done.code, kinds(&report)), (Some(1), vec!["log-modified".to_owned()]), "{report}");
    fs::write(account.at("alone.json.gz"), "x").unwrap();
    let done = account.run(&["validate", "alone.json.gz", keys[0], keys[1]]);
    done.assert_cannot("not a zip or tar archive");
    assert!(done.stderr.contains("one file is validated where it lies"), "{}", done.stderr);
    fs::create_dir_all(account.at("copy/trail-logs/AWSLogs/11112222333")).unwrap();
    fs::write(account.at("copy/trail-logs/AWSLogs/11112222333/x"), "x").unwrap();
    let done = account.run(&["validate", "copy/trail-logs/AWSLogs/11112222333", keys[0], keys[1]]);
    done.assert_cannot("`11112222333` is not an account or organization id");
    fs::create_dir_all(account.at("notes")).unwrap();
    fs::write(account.at("notes/x"), "x").unwrap();
    let (done, report) = validated(&account, &["copy/trail-logs", "notes"], &keys);
    let unanswered = report["findings"].as_array().unwrap().iter().find(|one| one["kind"] == "no-digests");
    assert_eq!(
        (done.code.unwrap_or_default() > 0, &unanswered.unwrap()["uri"]),
        (true, &"notes".into()),
        "{report}"
    );
}

/// What was found of one object must not stand for the chain, whose other objects may be tampered with.
#[test]
fn one_object_says_nothing_of_its_chain_in_any_format() {
    let account = Account::new();
    account.run(&["simulate", "copy", "--hours", "4", "--logs-per-hour", "2", "--events-per-log", "1"]);
    let region = account.at(&format!("copy/trail-logs/{ACCOUNT}/CloudTrail/us-east-1"));
    let mut files = Vec::new();
    walk(std::path::Path::new(&region), &mut files);
    files.sort();
    fs::write(&files[0], gzip(b"{}")).unwrap();
    for (file, code, checks) in [(&files[0], 1, &["verdict", "log files"][..]), (&files[1], 0, &["verdict"])]
    {
        let keys = ["--public-keys", "copy/public-keys.json"];
        let (done, report) = validated(&account, &[file], &keys);
        assert_eq!((done.code, &report["single_objects"]), (Some(code), &true.into()), "{report}");
        fs::write(account.at("run.json"), &done.stdout).unwrap();
        let formats = ["text", "html", "junit", "asff", "prometheus"];
        let [text, html, junit, asff, prometheus] = formats.map(|format| {
            let run = account.run(&["validate", file, "--format", format, keys[0], keys[1]]);
            assert_eq!(run.code, Some(code), "{}", run.stderr);
            let again = account.run(&["report", "run.json", "--format", format]);
            assert_eq!(again.stdout.lines().count(), run.stdout.lines().count(), "{format}");
            run.stdout
        });
        assert!(text.contains("not judged: only single objects were asked for"), "{text}");
        assert!(!text.contains("whole") && html.contains("Coverage was not judged"), "{text}");
        assert!(html.contains("Only single objects and the digests that prove them were checked"));
        let cases = junit.lines().filter(|line| line.contains("<testcase"));
        let names: Vec<&str> = cases.filter_map(|line| line.split('"').nth(3)).collect();
        assert_eq!(names, checks, "{junit}");
        assert!(!asff.contains("trailproof/chain") && !prometheus.contains("trailproof_chain_digests{"));
    }
}

fn walk(folder: &std::path::Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path.to_str().unwrap().to_owned());
        }
    }
}
