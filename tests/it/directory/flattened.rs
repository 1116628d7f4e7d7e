//! Copies without S3's folders: files are found by their names, and nothing beside them goes unseen.

use std::fs;
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Verdict};
use trailproof::simulate::Spec;
use trailproof::validate::{ReadLimits, copies};

use super::{DIGESTS, LOGS, OnDisk};
use crate::bodies::{gzip, inflate};
use crate::fixtures::tree;
use crate::support::{Ran, request, run};

const ACCOUNT: &str = "trail-logs/AWSLogs/111122223333";

/// A flattened copy of a delivery.
fn flattened(disk: &OnDisk) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in tree::files(&disk.path().join("trail-logs")).unwrap() {
        let to = dir.path().join(file.file_name().unwrap());
        fs::copy(disk.path().join("trail-logs").join(file), to).unwrap();
    }
    dir
}

fn validate(disk: &OnDisk, paths: &[PathBuf], accounts: &[&str]) -> Ran {
    let opened = copies::open(paths, &disk.keys(), &ReadLimits::default()).unwrap();
    let mut asked = request(&[], disk.simulated.end);
    (asked.sources, asked.findings) = (opened.sources, opened.findings);
    asked.accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    run(&opened.store, &disk.keys(), &asked, 2)
}

#[test]
fn events_under_another_name_are_named() {
    let disk = OnDisk::make();
    for name in [
        "events-0210.json.gz",
        "events.json",
        "keys.json.gz",
        "111122223333_CloudTrail_us-east-1_20260901T0210Z_AAAA_BBBB.json.gz",
    ] {
        let copy = flattened(&disk);
        fs::write(copy.path().join(name), gzip(b"{\"Records\":[]}")).unwrap();
        let ran = validate(&disk, &[copy.path().to_owned()], &[]);
        assert_eq!(ran.verdict, Verdict::Incomplete, "`{name}`: {:#?}", ran.findings);
        assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "`{name}`: {:#?}", ran.findings);
        assert_eq!(ran.counts.logs.unreferenced, 1, "`{name}`");
        let uri = ran.findings.iter().find_map(|finding| finding.uri.clone()).unwrap();
        assert!(uri.ends_with(name), "`{name}`: {uri}");
    }
}

/// Public keys, reports and metadata are often saved beside the files of a copy.
#[test]
fn keys_reports_and_metadata_beside_are_no_events() {
    let disk = OnDisk::make();
    let copy = flattened(&disk);
    fs::write(copy.path().join("public-keys.json"), &disk.simulated.keys_json).unwrap();
    fs::write(copy.path().join("report.json"), "{\n\"format\": \"trailproof/report/1\"}").unwrap();
    fs::write(copy.path().join("notes.txt"), "x").unwrap();
    let ran = validate(&disk, &[copy.path().to_owned()], &[]);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
}

/// Writes a digest without a signature, which names another bucket, for an account's log files.
fn forge(disk: &OnDisk, folder: &Path) {
    let genuine = disk.files(DIGESTS)[2].clone();
    let mut digest: serde_json::Value =
        serde_json::from_slice(&inflate(&fs::read(&genuine).unwrap())).unwrap();
    let name = genuine.file_name().unwrap().to_str().unwrap().replace("_audit_", "_evil_");
    let object = digest["digestS3Object"].as_str().unwrap().replace("_audit_", "_evil_");
    digest["digestS3Bucket"] = "aaa-bucket".into();
    digest["digestS3Object"] = object.into();
    for log in digest["logFiles"].as_array_mut().unwrap() {
        log["s3Bucket"] = "aaa-bucket".into();
    }
    fs::write(folder.join(name), gzip(digest.to_string().as_bytes())).unwrap();
}

/// A digest without proof does not say where the log files of an account belong.
#[test]
fn an_unsigned_digest_takes_no_log_file_away() {
    let disk = OnDisk::make();
    let log = disk.files(LOGS)[3].clone();
    let text = String::from_utf8(inflate(&fs::read(&log).unwrap())).unwrap();
    fs::write(&log, gzip(text.replacen("us-east-1", "xx-east-1", 1).as_bytes())).unwrap();
    let apart = ["CloudTrail-Digest", "CloudTrail"].map(|kind| disk.path().join(ACCOUNT).join(kind));
    let flat = flattened(&disk);
    let digests = disk.path().join(DIGESTS).join("2026/09/01");
    for forged in [false, true] {
        if forged {
            forge(&disk, &digests);
            forge(&disk, flat.path());
        }
        for paths in [apart.to_vec(), vec![flat.path().to_owned()]] {
            let ran = validate(&disk, &paths, &[]);
            assert_eq!(ran.verdict, Verdict::Tampered, "{forged} {paths:?}: {:#?}", ran.findings);
            let counts = ran.counts.logs;
            assert_eq!((counts.valid, counts.tampered), (7, 1), "{forged} {paths:?}: {:#?}", ran.findings);
        }
    }
}

/// What a copy lacks of another account is not asked for.
#[test]
fn log_files_of_accounts_that_were_not_asked_for_are_left_out() {
    let accounts = ["111122223333", "444455556666"];
    let spec = Spec {
        hours: 4,
        logs_per_hour: 1,
        accounts: accounts.map(str::to_owned).to_vec(),
        ..Spec::default()
    };
    let disk = OnDisk::of(&spec);
    let copy = flattened(&disk);
    for file in tree::files(copy.path()).unwrap() {
        if file.to_str().unwrap().starts_with("444455556666_CloudTrail-Digest") {
            fs::remove_file(copy.path().join(file)).unwrap();
        }
    }
    let paths = [copy.path().to_owned()];
    assert_eq!(validate(&disk, &paths, &[]).verdict, Verdict::Incomplete);
    let ran = validate(&disk, &paths, &accounts[..1]);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!(validate(&disk, &paths, &accounts[1..]).verdict, Verdict::Incomplete);
}

/// Some programs unpack a zip of Windows into names with `\` in place of folders.
#[cfg(unix)]
#[test]
fn names_with_backslashes_are_named() {
    let disk = OnDisk::make();
    for name in [
        "trail-logs\\AWSLogs\\111122223333_CloudTrail_us-east-1_20260901T0210Z_AAAAAAAAAAAAAAAA.json.gz",
        "a\\111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T030657Z.json.gz.metadata.json",
    ] {
        let path = disk.path().join(name);
        fs::write(&path, gzip(b"{}")).unwrap();
        let ran = validate(&disk, &[disk.path().to_owned()], &[]);
        assert_eq!(ran.verdict, Verdict::Incomplete, "`{name}`: {:#?}", ran.findings);
        assert!(ran.findings[0].message().contains("give the archive itself"), "{:#?}", ran.findings);
        fs::remove_file(path).unwrap();
    }
}
