//! The files of one bucket spread over several folders: each is proved where it lies, whatever the folders are called.

use std::fs;
use std::path::{Path, PathBuf};

use trailproof::event::{Finding, Kind, Verdict};
use trailproof::simulate::Spec;
use trailproof::validate::{ReadLimits, copies};

use super::OnDisk;
use crate::fixtures::tree;
use crate::support::{Ran, request, run};

const ACCOUNT: &str = "AWSLogs/111122223333";

/// A bucket of a day, as the folder `name`.
fn whole(name: &str) -> OnDisk {
    let disk = OnDisk::of(&Spec { hours: 22, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
    if name != "trail-logs" {
        fs::create_dir_all(disk.path().join(name).parent().unwrap()).unwrap();
        fs::rename(disk.path().join("trail-logs"), disk.path().join(name)).unwrap();
    }
    disk
}

impl OnDisk {
    /// The keys of one type in the folder `name`, in order of time.
    fn keys_of(&self, name: &str, kind: &str) -> Vec<String> {
        let folder = format!("{name}/{ACCOUNT}/{kind}/us-east-1");
        let keys = self.files(&folder).into_iter();
        keys.map(|path| path.strip_prefix(self.path().join(name)).unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    /// Copies an object from one folder into another.
    fn pick(&self, from: &str, into: &str, key: &str) -> PathBuf {
        let to = self.path().join(into).join(key);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(self.path().join(from).join(key), &to).unwrap();
        to
    }

    fn pass(&self, from: &str, into: &str, key: &str) {
        self.pick(from, into, key);
        fs::remove_file(self.path().join(from).join(key)).unwrap();
    }

    /// Validates the whole directory, and the folders as sources of their own: both say the same of the verdict.
    fn ran_both(&self, folders: &[&str]) -> Ran {
        let ran = |roots: &[&str]| {
            let roots: Vec<PathBuf> = roots.iter().map(|root| self.path().join(root)).collect();
            let opened = copies::open(&roots, &self.keys(), &ReadLimits::default()).unwrap();
            let mut asked = request(&[], self.simulated.end);
            (asked.sources, asked.findings) = (opened.sources, opened.findings);
            run(&opened.store, &self.keys(), &asked, 2)
        };
        let (one, apart) = (ran(&[""]), ran(folders));
        assert_eq!(one.verdict, apart.verdict, "{folders:?}: {:#?} {:#?}", one.findings, apart.findings);
        one
    }
}

fn assert_intact(ran: &Ran, about: &str) {
    assert_eq!(ran.verdict, Verdict::Intact, "{about}: {:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (23, 44), "{about}");
}

/// Nothing is tampered with, and a finding names both files.
fn assert_conflict(ran: &Ran, names: [&str; 2], about: &str) {
    assert_eq!(ran.verdict, Verdict::Incomplete, "{about}: {:#?}", ran.findings);
    let names_both = |finding: &Finding| names.iter().all(|name| finding.message().contains(name));
    assert!(ran.findings.iter().any(names_both), "{about}: {:#?}", ran.findings);
}

#[test]
fn a_few_files_in_a_folder_called_like_the_bucket_accuse_nobody() {
    for name in ["whole", "trail-logs-backup"] {
        for part in ["trail-logs", "extract/trail-logs"] {
            for kind in ["CloudTrail", "CloudTrail-Digest"] {
                for picked in [&[1, 19][..], &[3, 5, 6, 8], &[2, 5, 8, 11, 14, 17, 20]] {
                    let disk = whole(name);
                    let keys = disk.keys_of(name, kind);
                    picked.iter().for_each(|at| drop(disk.pick(name, part, &keys[*at])));
                    assert_intact(&disk.ran_both(&[name, part]), &format!("{name} {part} {kind} {picked:?}"));
                }
            }
        }
    }
}

#[test]
fn files_moved_between_folders_are_found_where_they_lie() {
    for (from, into) in [
        ("trail-logs", "part2"),
        ("main", "day2/trail-logs"),
        ("main", "part2"),
        ("one/trail-logs", "two/trail-logs"),
    ] {
        for kind in ["CloudTrail", "CloudTrail-Digest"] {
            for moved in [&[5][..], &[4, 11, 15]] {
                let disk = whole(from);
                let keys = disk.keys_of(from, kind);
                moved.iter().for_each(|at| disk.pass(from, into, &keys[*at]));
                assert_intact(&disk.ran_both(&[from, into]), &format!("{from} {into} {kind} {moved:?}"));
            }
        }
    }
}

#[test]
fn flattened_files_beside_the_bucket_are_found_where_they_lie() {
    for from in ["trail-logs", "main"] {
        let disk = whole(from);
        let (digests, logs) = (disk.keys_of(from, "CloudTrail-Digest"), disk.keys_of(from, "CloudTrail"));
        fs::create_dir(disk.path().join("flat")).unwrap();
        for key in [&digests[7], &logs[9], &logs[30]] {
            let name = Path::new(key).file_name().unwrap();
            fs::rename(disk.path().join(from).join(key), disk.path().join("flat").join(name)).unwrap();
        }
        assert_intact(&disk.ran_both(&[from, "flat"]), from);
    }
}

/// The replica is whole, and the bucket lacks a digest and a log file.
#[test]
fn a_digest_that_only_the_replica_has_is_missing() {
    let disk = whole("trail-logs");
    for file in tree::files(&disk.path().join("trail-logs")).unwrap() {
        disk.pick("trail-logs", "dr", file.to_str().unwrap());
    }
    assert_intact(&disk.ran_both(&["trail-logs", "dr"]), "two whole copies");
    let keys = disk.keys_of("trail-logs", "CloudTrail-Digest");
    fs::remove_file(disk.path().join("trail-logs").join(&keys[9])).unwrap();
    let ran = disk.ran_both(&["trail-logs", "dr"]);
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    let missing = ran.findings.iter().find(|finding| finding.kind == Kind::DigestMissing);
    assert!(
        missing.is_some_and(|missing| missing.uri.as_ref().unwrap().ends_with(&keys[9])),
        "{:#?}",
        ran.findings
    );
    assert!(!ran.kinds().contains(&Kind::DigestUnreadable), "{:#?}", ran.findings);
}

#[test]
fn a_damaged_second_copy_of_a_digest_is_a_conflict() {
    for from in ["trail-logs", "main"] {
        for at in [0, 5, 22] {
            for bytes in [0, 300] {
                let disk = whole(from);
                let key = disk.keys_of(from, "CloudTrail-Digest")[at].clone();
                let copy = disk.pick(from, "part2", &key);
                fs::write(&copy, &fs::read(&copy).unwrap()[..bytes]).unwrap();
                let ran = disk.ran_both(&[from, "part2"]);
                let name = Path::new(&key).file_name().unwrap().to_str().unwrap();
                let about = format!("{from} {at} {bytes}");
                assert_conflict(&ran, [&format!("{from}/{ACCOUNT}"), "part2/AWSLogs"], &about);
                let is_named =
                    |finding: &&Finding| finding.uri.as_ref().is_some_and(|uri| uri.ends_with(name));
                let uris = ran.findings.iter().filter(is_named).filter_map(|finding| finding.uri.as_ref());
                assert!(uris.into_iter().all(|uri| uri.starts_with("s3://trail-logs/")), "{about}");
                assert_eq!(ran.counts.digests.tampered, 0, "{about}");
                if from == "trail-logs" {
                    assert!(!ran.kinds().contains(&Kind::ChainGap), "{about}: {:#?}", ran.findings);
                }
            }
        }
    }
}

#[test]
fn a_damaged_second_copy_of_a_log_file_is_a_conflict_whatever_the_folders_are_called() {
    for (from, part) in
        [("trail-logs", "A"), ("B", "A"), ("main", "day2/trail-logs"), ("one/trail-logs", "trail-logs")]
    {
        let disk = whole(from);
        let key = disk.keys_of(from, "CloudTrail")[23].clone();
        let copy = disk.pick(from, part, &key);
        fs::write(&copy, &fs::read(&copy).unwrap()[..100]).unwrap();
        let ran = disk.ran_both(&[from, part]);
        assert_conflict(&ran, [&format!("{from}/{ACCOUNT}"), &format!("{part}/{ACCOUNT}")], part);
        // Damage in both copies is damage, also if only one can be read as the listed bytes of nothing.
        fs::write(disk.path().join(from).join(&key), "{}").unwrap();
        assert_eq!(disk.ran_both(&[from, part]).verdict, Verdict::Tampered, "{from} {part}");
    }
}

#[test]
fn a_bucket_without_digests_is_not_a_part_of_another_bucket() {
    let disk = whole("trail-logs");
    let other = Spec {
        bucket: "other-logs".to_owned(),
        trails: vec!["second".to_owned()],
        hours: 22,
        ..Spec::default()
    };
    let other = OnDisk::of(&other);
    for file in tree::files(&other.path().join("other-logs")).unwrap() {
        let file = file.to_str().unwrap();
        if !file.contains("CloudTrail-Digest") {
            let to = disk.path().join("other-logs").join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(other.path().join("other-logs").join(file), to).unwrap();
        }
    }
    let ran = disk.ran_both(&["trail-logs", "other-logs"]);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert_eq!(ran.kinds(), [Kind::NoDigests], "{:#?}", ran.findings);
    let named = ran.findings.iter().find(|finding| finding.kind == Kind::NoDigests).unwrap();
    assert!(named.uri.as_ref().unwrap().starts_with("s3://other-logs/"), "{named:#?}");
}
