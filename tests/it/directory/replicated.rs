//! Buckets that were replicated into one: each account, and each trail of an account, is known by its own digests.

use std::fs;

use trailproof::event::Verdict;
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
