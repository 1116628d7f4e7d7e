//! Two copies of one part of S3 never stand for each other: whichever is read, the other's tampering would be hidden.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use trailproof::validate::copies::{self, CopyError};

use super::{DIGESTS, LOGS, OnDisk, copy};

impl OnDisk {
    /// Why these folders of the copy cannot be validated together: two of them are copies of the same part.
    fn assert_twice(&self, parts: &[&str]) {
        let paths: Vec<PathBuf> = parts.iter().map(|part| self.path().join(part)).collect();
        let opened = copies::open(&paths, &self.keys(), 64 << 20);
        assert!(matches!(opened, Err(CopyError::Twice { .. })), "{parts:?}: {opened:#?}");
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
        assert!(stderr.contains("copies of the same part"), "{stderr}");
    }
}

/// Whole copies of the evidence lie in folders of the bucket, and the bucket's own digests are gone.
#[test]
fn a_tree_inside_a_bucket_does_not_vouch_for_the_bucket() {
    for shadow in ["trail-logs/zz", "trail-logs/a/b", "trail-logs/AWSLogs/zz", "elsewhere"] {
        let disk = OnDisk::make();
        copy(&disk, "trail-logs/AWSLogs", "good");
        fs::create_dir_all(disk.path().join(shadow)).unwrap();
        fs::rename(disk.path().join("good"), disk.path().join(shadow).join("AWSLogs")).unwrap();
        for log in disk.files(LOGS) {
            fs::write(log, "{}").unwrap();
        }
        fs::remove_dir_all(disk.path().join(DIGESTS).parent().unwrap()).unwrap();
        disk.assert_twice(&[""]);
        disk.assert_twice(&["trail-logs", shadow]);
    }
}

/// The bucket's own digests are there as well, but the tree inside would be read instead.
#[test]
fn a_tree_inside_a_bucket_does_not_stand_beside_the_buckets_own() {
    let disk = OnDisk::make();
    copy(&disk, "trail-logs/AWSLogs", "trail-logs/zz/AWSLogs");
    disk.assert_twice(&[""]);
    disk.assert_twice(&["trail-logs"]);
}

#[test]
fn a_copy_of_a_part_does_not_stand_beside_the_whole() {
    let part = "trail-logs/AWSLogs/111122223333/CloudTrail-Digest";
    for (folder, copied) in [("parts/CloudTrail-Digest", part), ("parts/us-east-1", DIGESTS)] {
        let disk = OnDisk::make();
        copy(&disk, copied, folder);
        fs::create_dir(disk.path().join("whole")).unwrap();
        fs::rename(disk.path().join("trail-logs"), disk.path().join("whole/trail-logs")).unwrap();
        disk.assert_twice(&["whole", folder]);
        disk.assert_twice(&[folder, "whole/trail-logs"]);
        disk.assert_twice(&["whole/trail-logs/AWSLogs/111122223333", folder]);
        disk.assert_twice(&[""]);
    }
}
