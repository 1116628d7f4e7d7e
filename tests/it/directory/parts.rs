//! Copies that lack a part: nobody is accused of what was not copied, and what is missing between other files is missing.

use std::fs;
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DeliveredName, Location, Relocation};
use trailproof::simulate::Spec;
use trailproof::store::directory::DirectoryStore;
use trailproof::store::relocated::RelocatedStore;
use trailproof::store::{Store as _, StoreError};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ReadLimits;
use trailproof::validate::copies;

use super::OnDisk;
use crate::fixtures::tree;
use crate::support::{Ran, request, run};

const SIDECAR: &str = ".metadata.json";

/// Two accounts and two regions on two days, with backfill digests.
fn two_days() -> OnDisk {
    let texts = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    OnDisk::of(&Spec {
        start: crate::support::time("2026-09-01T21:06:57Z"),
        hours: 5,
        logs_per_hour: 2,
        events_per_log: 1,
        backfill_every: Some(4),
        accounts: texts(["111122223333", "444455556666"]),
        regions: texts(["eu-west-1", "us-east-1"]),
        ..Spec::default()
    })
}

/// One trail in one region, on two days.
fn small() -> OnDisk {
    let start = crate::support::time("2026-09-01T21:06:57Z");
    OnDisk::of(&Spec { start, hours: 6, logs_per_hour: 2, events_per_log: 1, ..Spec::default() })
}

impl OnDisk {
    /// The objects of the bucket in the order of their keys.
    fn keys_in_order(&self) -> Vec<String> {
        let files = tree::files(&self.path().join("trail-logs")).unwrap().into_iter();
        let mut keys: Vec<String> = files.map(|file| file.to_str().unwrap().to_owned()).collect();
        keys.retain(|key| !key.ends_with(SIDECAR));
        keys.sort_unstable();
        keys
    }

    /// A copy of these objects alone, with their metadata.
    fn part<'k>(&self, keys: impl IntoIterator<Item = &'k String>) -> tempfile::TempDir {
        let part = tempfile::tempdir().unwrap();
        for key in keys {
            for name in [key.clone(), format!("{key}{SIDECAR}")] {
                let (from, to) =
                    (self.path().join("trail-logs").join(&name), part.path().join("trail-logs").join(name));
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                if from.exists() {
                    fs::hard_link(from, to).unwrap();
                }
            }
        }
        part
    }

    fn run_part(&self, root: &Path) -> Ran {
        self.run_parts(&[root.to_owned()])
    }

    fn run_parts(&self, roots: &[PathBuf]) -> Ran {
        let copies = copies::open(roots, &self.keys(), &ReadLimits::default()).unwrap();
        let mut asked = request(&[], self.simulated.end);
        (asked.sources, asked.findings) = (copies.sources, copies.findings);
        let ran = run(&copies.store, &self.keys(), &asked, 1);
        assert_eq!(ran.json, run(&copies.store, &self.keys(), &asked, 4).json);
        ran
    }
}

/// Nobody is accused, and a copy that lacks something is not taken for a whole one.
fn assert_incomplete(ran: &Ran, what: &str) {
    assert_eq!(ran.verdict, Verdict::Incomplete, "{what}: {:#?}", ran.findings);
    assert_eq!((ran.counts.digests.tampered, ran.counts.logs.tampered), (0, 0), "{what}");
}

#[test]
fn what_a_sync_brought_before_it_was_interrupted_is_not_tampered_with() {
    for (disk, is_two_days) in [(small(), false), (two_days(), true)] {
        let keys = disk.keys_in_order();
        for number in 1..keys.len() {
            let part = disk.part(&keys[..number]);
            // Whoever keeps the copy may keep more beside it.
            fs::write(part.path().join("keys.json"), "{}").unwrap();
            fs::write(part.path().join("trail-logs/keys.json"), "{}").unwrap();
            fs::write(part.path().join("trail-logs/AWSLogs/zz-report.html"), "").unwrap();
            let ran = disk.run_part(part.path());
            assert_ne!(ran.verdict, Verdict::Tampered, "the first {number}: {:#?}", ran.findings);
            assert_eq!((ran.counts.digests.tampered, ran.counts.logs.tampered), (0, 0), "the first {number}");
            // The first account may be there whole, and nothing of the second.
            let is_whole_account = is_two_days && number == keys.len() / 2;
            assert_eq!(
                ran.verdict == Verdict::Intact,
                is_whole_account,
                "the first {number}: {:#?}",
                ran.findings
            );
        }
        assert_eq!(disk.run_part(disk.path()).verdict, Verdict::Intact);
    }
}

/// Several downloads are under way at a time: some that come later in order of the keys are done before.
#[test]
fn downloads_that_were_under_way_are_not_tampered_with() {
    let disk = small();
    let keys = disk.keys_in_order();
    for number in 1..keys.len() - 4 {
        let (under_way, done) = (&keys[number..number + 3], &keys[number + 3..number + 4]);
        let part = disk.part(keys[..number].iter().chain(done));
        for (key, random) in under_way.iter().zip(["6eF3a1B2", "00000000", "ZZZZZZZZ"]) {
            let path = part.path().join("trail-logs").join(format!("{key}.{random}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let ran = disk.run_part(part.path());
        assert_incomplete(&ran, &format!("after {number}"));
        let is_named = |finding: &trailproof::event::Finding| {
            finding.kind == Kind::LogUnreferenced
                || finding.uri.as_ref().is_some_and(|uri| uri.ends_with("6eF3a1B2"))
        };
        assert!(!ran.findings.iter().any(is_named), "{:#?}", ran.findings);
    }
}

#[test]
fn a_part_by_kind_day_region_or_account_is_not_tampered_with() {
    let disk = two_days();
    let keys = disk.keys_in_order();
    let parts =
        ["/CloudTrail-Digest/", "/CloudTrail/", "/2026/09/01/", "/2026/09/02/", "/eu-west-1/", "/us-east-1/"];
    let parts = parts.into_iter().chain(["/111122223333/", "/444455556666/"]);
    let mut tried = 0;
    for one in parts.clone() {
        for other in parts.clone() {
            let of_both: Vec<&String> =
                keys.iter().filter(|key| key.contains(one) && key.contains(other)).collect();
            let of_either: Vec<&String> =
                keys.iter().filter(|key| key.contains(one) || key.contains(other)).collect();
            let without: Vec<&String> =
                keys.iter().filter(|key| !(key.contains(one) && key.contains(other))).collect();
            for part in [of_both, of_either, without] {
                if part.is_empty() {
                    continue;
                }
                tried += 1;
                let copied = disk.part(part.iter().copied());
                let ran = disk.run_part(copied.path());
                assert_ne!(ran.verdict, Verdict::Tampered, "{one} {other}: {:#?}", ran.findings);
                assert_eq!((ran.counts.digests.tampered, ran.counts.logs.tampered), (0, 0), "{one} {other}");
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// The time in the name of an object.
fn time_in(key: &str) -> Timestamp {
    DeliveredName::parse(key.rsplit('/').next().unwrap()).unwrap().time
}

/// Each file alone. The first and the last digest of a day, and the log files within an hour of the first and the last,
/// may not have been copied: the folder of the day may have been copied too early, and a copy of the last 24 hours begins
/// within a day.
#[test]
fn a_file_that_is_missing_between_others_is_missing() {
    let start = crate::support::time("2026-09-01T18:06:57Z");
    let disk = OnDisk::of(&Spec { start, hours: 11, logs_per_hour: 2, events_per_log: 1, ..Spec::default() });
    let keys = disk.keys_in_order();
    let mut missing = 0;
    for key in &keys {
        let rest: Vec<&String> = keys.iter().filter(|other| *other != key).collect();
        let ran = disk.run_part(disk.part(rest.iter().copied()).path());
        let folder = key.rsplit_once('/').unwrap().0;
        let least = if key.contains("CloudTrail-Digest") { 1 } else { HOUR };
        let apart = |other: &str| time_in(other).unix() - time_in(key).unix();
        let beside: Vec<i64> =
            rest.iter().filter(|other| other.starts_with(folder)).map(|other| apart(other)).collect();
        if beside.iter().all(|apart| *apart > -least) || beside.iter().all(|apart| *apart < least) {
            assert_incomplete(&ran, key);
            continue;
        }
        missing += 1;
        assert_eq!(ran.verdict, Verdict::Tampered, "{key}: {:#?}", ran.findings);
        let kind = if key.contains("CloudTrail-Digest") { Kind::DigestMissing } else { Kind::LogMissing };
        assert!(ran.kinds().contains(&kind), "{key}: {:?}", ran.kinds());
    }
    assert!(missing * 2 > keys.len(), "{missing} of {}", keys.len());
}

/// A file beside with the object's name in its own may be the object, or a part. A sidecar is neither.
#[test]
fn only_a_file_that_may_be_the_object_explains_a_missing_file() {
    let disk = small();
    let keys = disk.keys_in_order();
    for key in [&keys[1], &keys[9]] {
        for (suffix, is_explained, is_interrupted) in [
            (".6eF3a1B2", true, true),
            (".6eF3a1B", true, false),
            (".6eF3a1B2c", true, false),
            (".6eF3a1-2", true, false),
            (".metadata.json", false, false),
        ] {
            let part = disk.part(keys.iter().filter(|other| *other != key));
            fs::write(part.path().join("trail-logs").join(format!("{key}{suffix}")), "x").unwrap();
            let ran = disk.run_part(part.path());
            let tampered = !is_explained;
            assert_eq!(ran.verdict == Verdict::Tampered, tampered, "{key}{suffix}: {:#?}", ran.findings);
            let says = |finding: &trailproof::event::Finding| {
                finding.message().contains("the download was interrupted")
            };
            assert_eq!(ran.findings.iter().any(says), is_interrupted);
        }
    }
}

/// The folders of a copy may be links to where it is kept.
#[test]
fn a_file_may_be_missing_behind_a_link() {
    let disk = small();
    let (logs, kept) = (disk.path().join(super::LOGS), disk.path().join("kept"));
    fs::rename(&logs, &kept).unwrap();
    std::os::unix::fs::symlink(&kept, &logs).unwrap();
    let day = kept.join("2026/09/02");
    let mut files: Vec<PathBuf> = fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    fs::remove_file(&files[3]).unwrap();
    assert_eq!(disk.run_part(disk.path()).kinds(), [Kind::LogMissing]);
}

/// A copy of a bucket that lacks a folder says nothing of what another copy of it does not have.
#[test]
fn a_copy_that_lacks_a_folder_stands_for_no_absence() {
    let dir = tempfile::tempdir().unwrap();
    let log = |hour: &str| {
        format!("b/111122223333_CloudTrail_us-east-1_20260901T{hour}00Z_abcdefgh12345678.json.gz")
    };
    let (before, between, after) = (log("08"), log("10"), log("12"));
    let file = |path: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    };
    file("one/a/x");
    for copy in ["two", "three"] {
        file(&format!("{copy}/{before}"));
        file(&format!("{copy}/{after}"));
    }
    file(&format!("four/{after}"));
    let store = DirectoryStore::of_buckets(dir.path()).unwrap();
    let moved = |to: &str| Relocation {
        from_bucket: "from".to_owned(),
        from_prefix: String::new(),
        to_bucket: to.to_owned(),
        to_prefix: String::new(),
    };
    let get = |copies: &[&str], key: &str| {
        let relocations: Vec<Relocation> = copies.iter().map(|to| moved(to)).collect();
        let store = RelocatedStore { inner: &store, relocations: &relocations, replicas: &[] };
        store.get(&Location::new("from", key)).map(drop)
    };
    assert_eq!(get(&["one", "two"], &before), Ok(()));
    assert_eq!(get(&["two", "one"], &before), Ok(()));
    for copies in [&["one", "two"][..], &["two", "one"], &["one"], &["four"], &["two", "four"]] {
        let got = get(copies, &between);
        assert!(matches!(got, Err(StoreError::OutOfReach(_) | StoreError::MaybeLater(_))), "{copies:?}");
    }
    assert_eq!(get(&["two", "three"], &between), Err(StoreError::NotFound));
}

/// Programs that split a folder over several archives part digests from their sidecars.
#[test]
fn a_sidecar_in_another_copy_belongs_to_its_digest() {
    let disk = small();
    let apart = tempfile::tempdir().unwrap();
    let sidecars: Vec<PathBuf> = tree::files(&disk.path().join("trail-logs")).unwrap().into_iter().collect();
    let is_sidecar = |path: &&PathBuf| path.to_str().unwrap().ends_with(SIDECAR);
    for sidecar in sidecars.iter().filter(is_sidecar) {
        let (from, to) =
            (disk.path().join("trail-logs").join(sidecar), apart.path().join("trail-logs").join(sidecar));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(from, to).unwrap();
    }
    assert_incomplete(&disk.run_part(disk.path()), "without sidecars");
    let roots = [disk.path().to_owned(), apart.path().to_owned()];
    let ran = disk.run_parts(&roots);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    // A sidecar without a digest is not a digest.
    let folder = sidecars.iter().find(is_sidecar).unwrap().parent().unwrap();
    let folder = apart.path().join("trail-logs").join(folder);
    fs::write(folder.join("x.json.gz.metadata.json"), "{}").unwrap();
    let ran = disk.run_parts(&roots);
    assert!(
        ran.findings.iter().any(|finding| finding.kind == Kind::ObjectUnrecognised),
        "{:#?}",
        ran.findings
    );
}
