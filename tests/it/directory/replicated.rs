//! Buckets that were replicated into one: each account, and each trail of an account, is known by its own digests.

use std::fs;

use trailproof::event::{Kind, Verdict};
use trailproof::keys::{KeyRing, saved};
use trailproof::simulate::Spec;
use trailproof::validate::{ReadLimits, copies};

use super::OnDisk;
use crate::fixtures::tree;
use crate::support::{Ran, request, run};

/// The deliveries of several buckets in one folder.
struct Replica {
    dir: tempfile::TempDir,
    keys: KeyRing,
    end: trailproof::time::Timestamp,
}

impl Replica {
    fn of(specs: &[Spec]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut keys = KeyRing::new();
        let mut end = None;
        for spec in specs {
            let disk = OnDisk::of(spec);
            let from = disk.path().join(&spec.bucket);
            for file in tree::files(&from).unwrap() {
                let to = dir.path().join("central-replica").join(&file);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from.join(&file), to).unwrap();
            }
            saved::load(&mut keys, &spec.bucket, disk.simulated.keys_json.as_bytes()).unwrap();
            end = Some(disk.simulated.end);
        }
        Self { dir, keys, end: end.unwrap() }
    }

    fn run(&self, keys: &KeyRing) -> Ran {
        let opened = copies::open(&[self.dir.path().to_owned()], keys, &ReadLimits::default()).unwrap();
        let mut asked = request(&[], self.end);
        asked.sources = opened.sources;
        asked.findings = opened.findings;
        run(&opened.store, keys, &asked, 2)
    }

    /// Intact with keys, and no accusation without.
    fn assert_intact(&self) {
        let ran = self.run(&self.keys);
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
        let without_keys = self.run(&KeyRing::new());
        assert_eq!(without_keys.verdict, Verdict::Incomplete, "{:#?}", without_keys.findings);
    }
}

fn spec(bucket: &str) -> Spec {
    Spec { bucket: bucket.to_owned(), hours: 5, logs_per_hour: 2, events_per_log: 1, ..Spec::default() }
}

#[test]
fn accounts_of_several_buckets() {
    let account = |id: &str, bucket: &str| Spec { accounts: vec![id.to_owned()], ..spec(bucket) };
    Replica::of(&[account("111122223333", "one"), account("444455556666", "two")]).assert_intact();
}

#[test]
fn two_trails_of_one_account() {
    let trail = |name: &str, bucket: &str, seed| Spec { trails: vec![name.to_owned()], seed, ..spec(bucket) };
    Replica::of(&[trail("audit", "one", 0), trail("zebra", "two", 1)]).assert_intact();
}

/// A folder that cannot be listed may hold more. Root lists every folder, and sees that it is empty.
#[test]
fn a_folder_of_a_mixed_account_that_cannot_be_listed_is_named() {
    let trail = |name: &str, bucket: &str, seed| Spec { trails: vec![name.to_owned()], seed, ..spec(bucket) };
    let replica = Replica::of(&[trail("audit", "one", 0), trail("zebra", "two", 1)]);
    let account = replica.dir.path().join("central-replica/AWSLogs/111122223333");
    let unreadable = account.join("CloudTrail/us-east-1/2026/09/02");
    fs::create_dir_all(&unreadable).unwrap();
    fs::set_permissions(&unreadable, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(&unreadable).is_ok();
    let ran = replica.run(&replica.keys);
    fs::set_permissions(&unreadable, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let verdict = if is_root { Verdict::Intact } else { Verdict::Incomplete };
    assert_eq!(ran.verdict, verdict, "{:#?}", ran.findings);
}

#[test]
fn a_trail_of_the_organization_and_one_of_the_account() {
    let organization = Spec { organization: Some("o-abcdefghij".to_owned()), ..spec("two") };
    Replica::of(&[spec("one"), organization]).assert_intact();
}

/// A forged digest that names another bucket does not tear the account from its bucket.
#[test]
fn a_forged_digest_moves_nothing() {
    let forged = Spec { trails: vec!["forged".to_owned()], logs_per_hour: 0, seed: 7, ..spec("elsewhere") };
    let mut replica = Replica::of(&[forged, spec("one")]);
    let only_one = Replica::of(&[spec("one")]);
    replica.keys = only_one.keys;
    let log = tree::files(replica.dir.path()).unwrap();
    let log = log.into_iter().filter(|file| file.to_str().unwrap().contains("/CloudTrail/")).nth(3).unwrap();
    fs::remove_file(replica.dir.path().join(log)).unwrap();
    let ran = replica.run(&replica.keys);
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
}

/// The bucket `one`, and in its folder the first `count` digests and log files of another trail and bucket.
fn with_foreign_digests(count: usize) -> Replica {
    let trail = |name: &str, bucket: &str, seed| Spec { trails: vec![name.to_owned()], seed, ..spec(bucket) };
    let (own, other) = (trail("audit", "one", 0), trail("zebra", "two", 1));
    let alone = Replica::of(std::slice::from_ref(&own));
    let mut replica = Replica::of(&[own, other]);
    let mut foreign = tree::files(replica.dir.path()).unwrap();
    foreign.retain(|file| {
        let is_sidecar = file.to_str().unwrap().ends_with(".metadata.json");
        !is_sidecar && !alone.dir.path().join(file).exists()
    });
    foreign.sort_by_key(|file| !file.to_str().unwrap().contains("CloudTrail-Digest"));
    for file in foreign.iter().skip(count).map(|file| replica.dir.path().join(file)) {
        let _ = fs::remove_file(format!("{}.metadata.json", file.display()));
        fs::remove_file(file).unwrap();
    }
    replica.rename("one");
    replica
}

impl Replica {
    fn rename(&mut self, bucket: &str) {
        fs::rename(self.dir.path().join("central-replica"), self.dir.path().join(bucket)).unwrap();
    }

    /// The log files of the trail `audit` in the bucket `one`.
    fn logs(&self) -> Vec<std::path::PathBuf> {
        let own = Self::of(&[spec("one")]);
        let files = tree::files(&own.dir.path().join("central-replica")).unwrap();
        let logs = files.into_iter().filter(|file| file.to_str().unwrap().contains("/CloudTrail/"));
        logs.map(|file| self.dir.path().join("one").join(file)).collect()
    }
}

/// Files of another bucket in the folder of a bucket neither hide an addition nor excuse a deletion.
#[test]
fn files_of_another_bucket_hide_no_change() {
    for count in [0, 1, 2, usize::MAX] {
        let replica = with_foreign_digests(count);
        let folder = replica.logs()[0].parent().unwrap().to_owned();
        for name in
            ["events-0210.json.gz", "111122223333_CloudTrail_us-east-1_20260901T0210Z_AAAA_BBBB.json.gz"]
        {
            fs::write(folder.join(name), crate::bodies::gzip(b"{\"Records\":[]}")).unwrap();
        }
        let ran = replica.run(&replica.keys);
        assert_eq!(ran.verdict, Verdict::Incomplete, "{count}: {:#?}", ran.findings);
        assert_eq!(ran.counts.logs.unreferenced, 2, "{count}: {:#?}", ran.findings);

        let replica = with_foreign_digests(count);
        let logs = replica.logs();
        fs::remove_file(&logs[4]).unwrap();
        let ran = replica.run(&replica.keys);
        assert_eq!(ran.verdict, Verdict::Tampered, "{count}: {:#?}", ran.findings);
        assert!(ran.kinds().contains(&Kind::LogMissing), "{count}: {:#?}", ran.findings);
    }
}

/// A log file of a bucket that was copied earlier than another bucket into the same folder is no deletion.
#[test]
fn later_files_of_another_bucket_prove_no_deletion() {
    let trail = |name: &str, bucket: &str, seed| Spec { trails: vec![name.to_owned()], seed, ..spec(bucket) };
    let replica = Replica::of(&[trail("audit", "one", 0), trail("zebra", "two", 1)]);
    let own = Replica::of(&[trail("audit", "one", 0)]);
    let is_late = |file: &&std::path::PathBuf| {
        let name = file.to_str().unwrap();
        name.contains("/CloudTrail/") && ["T03", "T04"].iter().any(|hour| name.contains(hour))
    };
    for file in tree::files(own.dir.path()).unwrap().iter().filter(is_late) {
        fs::remove_file(replica.dir.path().join(file)).unwrap();
    }
    let ran = replica.run(&replica.keys);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert!(ran.kinds().iter().all(|kind| *kind == Kind::LogUnreadable), "{:?}", ran.kinds());
}

#[test]
fn a_trail_of_an_organization_with_several_accounts_and_one_of_a_member() {
    let accounts = vec!["111122223333".to_owned(), "444455556666".to_owned()];
    let organization = Some("o-abcdefghij".to_owned());
    let whole = Spec { hours: 12, accounts, organization, seed: 1, ..spec("one") };
    let team = Spec { hours: 12, trails: vec!["team".to_owned()], seed: 2, ..spec("two") };
    Replica::of(&[whole, team]).assert_intact();
}

#[test]
fn regions_of_an_account_in_several_buckets() {
    let region = |id: &str, bucket: &str, seed| Spec {
        hours: 71,
        logs_per_hour: 1,
        regions: vec![id.to_owned()],
        trails: vec![bucket.to_owned()],
        seed,
        ..spec(bucket)
    };
    Replica::of(&[region("us-east-1", "one", 1), region("ap-south-1", "two", 2)]).assert_intact();
}

#[test]
fn a_trail_that_moved_to_another_bucket() {
    for (hours, at) in [(30, 15), (30, 1), (30, 28), (60, 30)] {
        let spec = Spec { hours, logs_per_hour: 1, move_at: Some((at, "two".to_owned())), ..spec("one") };
        let disk = OnDisk::of(&spec);
        let mut replica = Replica::of(&[spec]);
        let from = disk.path().join("two");
        for file in tree::files(&from).unwrap() {
            let to = replica.dir.path().join("central-replica").join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from.join(&file), to).unwrap();
        }
        replica.assert_intact();
        replica.rename("two");
        let ran = replica.run(&replica.keys);
        assert_eq!(ran.verdict, Verdict::Intact, "{hours} {at}: {:#?}", ran.findings);
    }
}

/// Forged digests in a region without a trail say nothing about other regions.
#[test]
fn forged_digests_of_another_region_move_nothing() {
    let accounts = vec!["111122223333".to_owned(), "444455556666".to_owned()];
    let mut replica = Replica::of(&[Spec { hours: 12, accounts, ..spec("one") }]);
    let account = replica.dir.path().join("central-replica/AWSLogs/111122223333/CloudTrail-Digest");
    let day = account.join("us-east-1/2026/09/01");
    let genuine = tree::files(&day).unwrap().into_iter().nth(2).unwrap();
    let text = crate::bodies::inflate(&fs::read(day.join(genuine)).unwrap());
    let mut forged: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for minute in 0..20 {
        let name = format!(
            "111122223333_CloudTrail-Digest_us-west-2_xxx_us-west-2_20260901T05{minute:02}00Z.json.gz"
        );
        let key = format!("AWSLogs/111122223333/CloudTrail-Digest/us-west-2/2026/09/01/{name}");
        forged["digestS3Bucket"] = "evil".into();
        forged["digestS3Object"] = key.clone().into();
        let path = replica.dir.path().join("central-replica").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, crate::bodies::gzip(forged.to_string().as_bytes())).unwrap();
    }
    for name in ["central-replica", "one"] {
        if name == "one" {
            replica.rename(name);
        }
        let ran = replica.run(&replica.keys);
        assert_eq!(ran.counts.digests.valid, 26, "{name}: {:#?}", ran.findings);
        assert_ne!(ran.verdict, Verdict::Intact, "{name}");
    }
}

/// The files of an account of which no digest tells the bucket are of no bucket in a folder of several.
#[test]
fn an_account_without_digests_among_several_buckets_is_named() {
    let account = |id: &str, bucket: &str| Spec { accounts: vec![id.to_owned()], ..spec(bucket) };
    let lacking = "777788889999";
    let replica = Replica::of(&[
        account("111122223333", "one"),
        account("444455556666", "two"),
        account(lacking, "three"),
    ]);
    replica.assert_intact();
    let digests = replica.dir.path().join(format!("central-replica/AWSLogs/{lacking}/CloudTrail-Digest"));
    fs::remove_dir_all(digests).unwrap();
    let ran = replica.run(&replica.keys);
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    let is_named = ran.findings.iter().any(|finding| finding.account.as_deref() == Some(lacking));
    assert!(is_named, "{:#?}", ran.findings);
}

/// An addition is named in the bucket that the trail delivered to at the time.
#[test]
fn additions_before_and_after_a_move_are_named() {
    let disk = OnDisk::of(&Spec {
        hours: 60,
        logs_per_hour: 1,
        events_per_log: 1,
        move_at: Some((30, "two".to_owned())),
        ..spec("one")
    });
    for day in ["01", "02", "03"] {
        for name in
            ["events.json.gz", "111122223333_CloudTrail_us-east-1_202609DAYT0340Z_FORGEDforged1234.json.gz"]
        {
            let copy = tempfile::tempdir().unwrap();
            for bucket in ["one", "two"] {
                for file in tree::files(&disk.path().join(bucket)).unwrap() {
                    let to = copy.path().join("central").join(&file);
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::copy(disk.path().join(bucket).join(&file), to).unwrap();
                }
            }
            let folder =
                copy.path().join("central/AWSLogs/111122223333/CloudTrail/us-east-1/2026/09").join(day);
            let name = name.replace("DAY", day);
            fs::write(folder.join(&name), crate::bodies::gzip(b"{\"Records\":[]}")).unwrap();
            let replica = Replica { dir: copy, keys: disk.keys(), end: disk.simulated.end };
            let ran = replica.run(&replica.keys);
            assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{day} {name}: {:#?}", ran.findings);
        }
    }
}
