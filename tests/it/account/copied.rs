//! A changed copy in another bucket, whose original is as delivered: every report names the copy, and so does the command
//! that shows it.

use std::fs;

use super::Account;
use crate::bodies::gzip;
use crate::cloud::Bucket;

const FORMATS: [&str; 8] = ["text", "html", "json", "csv", "junit", "asff", "ocsf", "jsonl"];

/// The bucket `trail-logs`, and its copy `copied` with a changed log file. Returns the key of the file.
fn changed_copy() -> (Account, String) {
    let account = Account::new();
    account.deliver("s3://trail-logs", &[]);
    account.cloud.create_bucket("copied", Bucket::default());
    account.cloud.copy_objects("trail-logs", "copied");
    let mut keys = account.cloud.keys("copied").into_iter();
    let log = keys.find(|key| key.contains("/CloudTrail/")).unwrap();
    account.cloud.put("copied", &log, gzip(b"{}"), Default::default());
    (account, log)
}

#[test]
fn the_copy_is_named_and_its_original_is_not_accused() {
    let (account, log) = changed_copy();
    for sources in [&["s3://copied"][..], &["s3://trail-logs", "s3://copied"]] {
        let reports = FORMATS.map(|format| format!("{format}={format}"));
        let reports = reports.iter().flat_map(|report| ["--report", report]);
        let options = ["--relocated-from", "s3://trail-logs"].into_iter().chain(reports);
        let asked: Vec<&str> =
            ["validate"].into_iter().chain(sources.iter().copied()).chain(options).collect();
        let done = account.run(&asked);
        assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
        let read = |name: &str| fs::read_to_string(account.at(name)).unwrap();

        let command = format!("aws s3 cp s3://copied/{log} - | gzip -dcf | sha256sum");
        assert!(read("html").contains(&command), "{sources:?}: {command}");
        assert!(!read("html").contains("s3 cp s3://trail-logs/"), "{sources:?}");
        let (copy, original) =
            (format!("arn:aws:s3:::copied/{log}"), format!("arn:aws:s3:::trail-logs/{log}"));
        for format in ["asff", "ocsf"] {
            let report = read(format);
            assert!(report.contains(&copy) && !report.contains(&original), "{sources:?}: {format}: {report}");
        }
        for format in ["text", "csv", "junit", "json", "jsonl"] {
            assert!(read(format).contains(&format!("s3://copied/{log}")), "{sources:?}: {format}");
        }
        // The saved report says the same.
        for format in FORMATS.into_iter().filter(|format| *format != "jsonl") {
            let again = account.run(&["report", "json", "--format", format]);
            assert_eq!((again.code, again.stdout), (Some(0), read(format)), "{sources:?}: {format}");
        }
    }
}
