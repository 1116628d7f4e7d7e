//! Several copies of one bucket: none vouches for a bucket that holds it, and copies that differ are named.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use trailproof::event::{Kind, Verdict};
use trailproof::validate::ReadLimits;
use trailproof::validate::copies::{self, CopyError};

use super::{DIGESTS, LOGS, OnDisk, copy};
use crate::support::{Ran, request, run};

impl OnDisk {
    /// Validates these folders of the copy together.
    fn validate(&self, parts: &[&str]) -> Ran {
        let paths: Vec<PathBuf> = parts.iter().map(|part| self.path().join(part)).collect();
        let opened = copies::open(&paths, &self.keys(), &ReadLimits::default()).unwrap();
        let mut asked = request(&[], self.simulated.end);
        asked.sources = opened.sources;
        asked.findings = opened.findings;
        run(&opened.store, &self.keys(), &asked, 2)
    }

    /// These folders cannot be validated together: one is a copy inside of the folder of its bucket.
    fn assert_nested(&self, parts: &[&str]) {
        let paths: Vec<PathBuf> = parts.iter().map(|part| self.path().join(part)).collect();
        let opened = copies::open(&paths, &self.keys(), &ReadLimits::default());
        assert!(matches!(opened, Err(CopyError::Nested { .. })), "{parts:?}: {opened:#?}");
        let keys = tempfile::NamedTempFile::new().unwrap();
        fs::write(keys.path(), &self.simulated.keys_json).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_trailproof"))
            .args(["validate", "--end-time", &self.simulated.end.to_string(), "--public-keys"])
            .arg(keys.path())
            .args(paths)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
        assert!(stderr.contains("stands for the same bucket"), "{stderr}");
    }
}

/// Whole copies of the evidence lie in folders of the bucket, and the bucket's own digests are gone.
#[test]
fn a_tree_inside_a_bucket_does_not_vouch_for_the_bucket() {
    for shadow in ["trail-logs/zz", "trail-logs/a/b", "trail-logs/AWSLogs/zz"] {
        let disk = OnDisk::make();
        copy(&disk, "trail-logs/AWSLogs", "good");
        fs::create_dir_all(disk.path().join(shadow)).unwrap();
        fs::rename(disk.path().join("good"), disk.path().join(shadow).join("AWSLogs")).unwrap();
        for log in disk.files(LOGS) {
            fs::write(log, "{}").unwrap();
        }
        fs::remove_dir_all(disk.path().join(DIGESTS).parent().unwrap()).unwrap();
        disk.assert_nested(&[""]);
        disk.assert_nested(&["trail-logs", shadow]);
    }
}

/// The bucket's own digests are there as well, but the tree inside would be read instead.
#[test]
fn a_tree_inside_a_bucket_does_not_stand_beside_the_buckets_own() {
    let disk = OnDisk::make();
    copy(&disk, "trail-logs/AWSLogs", "trail-logs/zz/AWSLogs");
    disk.assert_nested(&[""]);
    disk.assert_nested(&["trail-logs"]);
}

/// The whole bucket, and a copy of one of its parts under another name.
fn whole_and_part(copied: &str, folder: &str) -> OnDisk {
    let disk = OnDisk::make();
    copy(&disk, copied, folder);
    fs::create_dir(disk.path().join("whole")).unwrap();
    fs::rename(disk.path().join("trail-logs"), disk.path().join("whole/trail-logs")).unwrap();
    disk
}

const PART: &str = "trail-logs/AWSLogs/111122223333/CloudTrail-Digest";

#[test]
fn copies_that_agree_are_one_record() {
    for (folder, copied) in [("parts/CloudTrail-Digest", PART), ("parts/us-east-1", DIGESTS)] {
        for parts in [vec!["whole", folder], vec![folder, "whole/trail-logs"], vec![""]] {
            let disk = whole_and_part(copied, folder);
            let ran = disk.validate(&parts);
            assert_eq!(ran.verdict, Verdict::Intact, "{parts:?}: {:#?}", ran.findings);
            assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8), "{parts:?}");
        }
    }
}

#[test]
fn copies_that_differ_are_named() {
    for (changed, verdict) in [
        (format!("whole/{DIGESTS}"), Verdict::Tampered),
        ("parts/CloudTrail-Digest/us-east-1".to_owned(), Verdict::Incomplete),
    ] {
        let disk = whole_and_part(PART, "parts/CloudTrail-Digest");
        let digests = disk.files(&changed);
        let digest = digests.get(2).unwrap();
        fs::write(digest, fs::read(digest).unwrap().split_last().unwrap().1).unwrap();
        let ran = disk.validate(&["whole", "parts"]);
        assert_eq!(ran.verdict, verdict, "{changed}: {:#?}", ran.findings);
        let differ = ran.findings.iter().find(|finding| finding.fault.cause() == Some("copies-differ"));
        let message = differ.unwrap().message();
        assert!(message.contains("whole/trail-logs") && message.contains("parts/"), "{message}");
    }
}

/// The folder called like the bucket stands for the bucket; another copy of it is a replica.
#[test]
fn a_replica_names_the_original_and_heals_nothing() {
    let disk = OnDisk::make();
    copy(&disk, "trail-logs", "trail-logs-dr");
    let logs = disk.files(LOGS);
    fs::remove_file(logs.get(4).unwrap()).unwrap();
    fs::write(logs.get(1).unwrap(), "{}").unwrap();
    let ran = disk.validate(&[""]);
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    assert_eq!((ran.counts.logs.valid, ran.counts.logs.tampered), (6, 2));
    for kind in [Kind::LogMissing, Kind::LogModified] {
        let found: Vec<_> = ran.findings.iter().filter(|finding| finding.kind == kind).collect();
        assert_eq!(found.len(), 1, "{kind:?}: {:#?}", ran.findings);
        let original = found.first().and_then(|finding| finding.original.as_deref()).unwrap();
        assert!(original.contains("trail-logs-dr/AWSLogs"), "{original}");
    }
}

/// Of two folders of other names, neither stands for the bucket: copies that differ contradict each other.
#[test]
fn of_two_equal_folders_none_stands_for_the_bucket() {
    let disk = OnDisk::make();
    copy(&disk, "trail-logs", "one");
    fs::rename(disk.path().join("trail-logs"), disk.path().join("other")).unwrap();
    assert_eq!(disk.validate(&[""]).verdict, Verdict::Intact);
    let logs = disk.files("one/AWSLogs/111122223333/CloudTrail/us-east-1");
    fs::remove_file(logs.first().unwrap()).unwrap();
    assert_eq!(disk.validate(&[""]).verdict, Verdict::Intact, "one part may hold what another lacks");
    fs::write(logs.get(3).unwrap(), "{}").unwrap();
    let ran = disk.validate(&[""]);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    let found = ran.findings.iter().find(|finding| finding.kind == Kind::LogUnreadable).unwrap();
    let original = found.original.as_deref().unwrap();
    assert!(original.contains("other/AWSLogs"), "{original}");
    for folder in ["one/AWSLogs", "other/AWSLogs"] {
        assert!(found.message().contains(folder), "{}", found.message());
    }
}
