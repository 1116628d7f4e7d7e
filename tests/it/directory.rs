//! Copies on disk: which part of S3 they are, and what a hostile directory may hold.

mod damaged;
mod droppings;
mod flattened;
mod misplaced;
mod moved_back;
mod parts;
mod renamed;
mod replicated;
mod shadows;
mod shared_logs;
mod spread;
mod unseen;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::keys::KeyRing;
use trailproof::simulate::{self, Simulated, Spec};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::directory::find::Tree;
use trailproof::store::directory::mount;
use trailproof::store::{METADATA_ERROR, Metadata, Store, StoreError};
use trailproof::validate::{ReadLimits, SourceFolder, ValidationRequest, copies};

use crate::bodies::{self, in_time};
use crate::support::{Ran, keys, request, run};

const DIGESTS: &str = "trail-logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1";
const LOGS: &str = "trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1";

/// A delivery in a directory of its own.
struct OnDisk {
    dir: tempfile::TempDir,
    simulated: Simulated,
}

impl OnDisk {
    fn make() -> Self {
        Self::of(&Spec { hours: 4, logs_per_hour: 2, events_per_log: 1, ..Spec::default() })
    }

    fn of(spec: &Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::of_buckets(dir.path()).unwrap();
        let simulated = simulate::simulate(spec, &store).unwrap();
        Self { dir, simulated }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn keys(&self) -> KeyRing {
        keys(self.simulated.keys_json.as_bytes())
    }

    /// The files in one folder, in order, without sidecars.
    fn files(&self, folder: &str) -> Vec<std::path::PathBuf> {
        let day = self.path().join(folder).join("2026/09/01");
        let mut files: Vec<_> = fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| !path.to_string_lossy().ends_with(".metadata.json"));
        files.sort();
        files
    }

    fn run(&self) -> Ran {
        self.run_in(self.path())
    }

    fn run_in(&self, root: &Path) -> Ran {
        let (store, request) = self.open(&[root]);
        run(&store, &self.keys(), &request, 2)
    }

    fn open(&self, roots: &[&Path]) -> (DirectoryStore, ValidationRequest) {
        let trees: Vec<Tree> = roots.iter().flat_map(|root| find(root, &self.keys())).collect();
        let mut asked = request(&[], self.simulated.end);
        asked.sources = trees.iter().map(source).collect();
        asked.sources.sort();
        asked.sources.dedup();
        (DirectoryStore::new(trees.into_iter().map(|tree| tree.mount).collect()), asked)
    }
}

fn source(tree: &Tree) -> SourceFolder {
    SourceFolder { bucket: tree.bucket.clone(), prefix: tree.prefix.clone() }
}

fn find(root: &Path, keys: &KeyRing) -> Vec<Tree> {
    copies::look(root, keys, 64 << 20).unwrap().trees
}

#[test]
fn any_part_of_a_copy_says_what_it_is() {
    let disk = OnDisk::make();
    let account = "trail-logs/AWSLogs/111122223333";
    for (part, logs) in [
        ("", true),
        ("trail-logs", true),
        ("trail-logs/AWSLogs", true),
        (account, true),
        (&format!("{account}/CloudTrail-Digest"), false),
        (DIGESTS, false),
        (&format!("{DIGESTS}/2026"), false),
        (&format!("{DIGESTS}/2026/09"), false),
        (&format!("{DIGESTS}/2026/09/01"), false),
    ] {
        let ran = disk.run_in(&disk.path().join(part));
        assert_eq!(ran.counts.digests.valid, 5, "`{part}`: {:#?}", ran.findings);
        let (verdict, logs) = if logs { (Verdict::Intact, 8) } else { (Verdict::Incomplete, 0) };
        assert_eq!((ran.verdict, ran.counts.logs.valid), (verdict, logs), "`{part}`: {:?}", ran.kinds());
        assert!(ran.kinds().iter().all(|kind| *kind == Kind::LogUnreadable), "`{part}`: {:?}", ran.kinds());
    }
}

#[test]
fn logs_and_digests_apart_are_one_record() {
    let disk = OnDisk::make();
    let account = disk.path().join("trail-logs/AWSLogs/111122223333");
    let (digests, logs) = (account.join("CloudTrail-Digest"), disk.path().join("other/111122223333"));
    fs::create_dir_all(&logs).unwrap();
    fs::rename(account.join("CloudTrail"), logs.join("CloudTrail")).unwrap();
    let base = "trail-logs/AWSLogs/111122223333";
    let mounts = vec![
        mount::Mount::of_directory(&digests, format!("{base}/CloudTrail-Digest")).unwrap(),
        mount::Mount::of_directory(&logs, base).unwrap(),
    ];
    let ran =
        run(&DirectoryStore::new(mounts), &disk.keys(), &request(&["trail-logs"], disk.simulated.end), 2);
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8));
}

/// More of the newest digests than are sampled say nothing: the others still do, and are not taken for moved ones.
#[test]
fn a_renamed_folder_is_known_by_the_digests_that_can_be_read() {
    let disk = OnDisk::of(&Spec { hours: 66, logs_per_hour: 0, ..Spec::default() });
    fs::rename(disk.path().join("trail-logs"), disk.path().join("copy")).unwrap();
    let mut digests = Vec::new();
    for day in fs::read_dir(disk.path().join(DIGESTS.replace("trail-logs", "copy")).join("2026/09")).unwrap()
    {
        digests.extend(fs::read_dir(day.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    digests.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    digests.sort();
    digests.iter().skip(2).for_each(|path| fs::write(path, "x").unwrap());
    let trees = find(disk.path(), &disk.keys());
    assert_eq!(trees.len(), 1);
    assert_eq!(trees[0].bucket, "trail-logs");
    let ran = disk.run();
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (2, 65), "{:#?}", ran.findings);
}

#[test]
fn a_renamed_folder_is_known_by_its_digests() {
    let disk = OnDisk::make();
    fs::rename(disk.path().join("trail-logs"), disk.path().join("évidence 1")).unwrap();
    let trees = find(disk.path(), &disk.keys());
    assert_eq!(trees.len(), 1);
    assert_eq!((trees[0].bucket.as_str(), trees[0].prefix.as_str()), ("trail-logs", ""));
    assert_eq!(trees[0].renamed, Some(disk.path().join("évidence 1")));
    let opened = copies::open(&[disk.path().to_owned()], &disk.keys(), &ReadLimits::default()).unwrap();
    let [finding] = &*opened.findings else { panic!("{:#?}", opened.findings) };
    assert_eq!(finding.kind, Kind::Relocated);
    assert_eq!(finding.uri, Some(disk.path().join("évidence 1").display().to_string()));
    assert_eq!(finding.expected.as_deref(), Some("s3://trail-logs/"));
    assert_eq!(disk.run().verdict, Verdict::Intact);
}

/// Puts `count` digests that claim another bucket beside the genuine ones, dated after them.
fn forge(disk: &OnDisk, count: usize) {
    let genuine = disk.files(DIGESTS)[1].clone();
    let text = String::from_utf8(bodies::inflate(&fs::read(&genuine).unwrap())).unwrap();
    for second in 0..count {
        let end = format!("20260901T2359{second:02}Z");
        let forged = text.replace("trail-logs", "attackers").replace("20260901T010657Z", &end);
        let name = genuine.file_name().unwrap().to_str().unwrap().replace("20260901T010657Z", &end);
        fs::write(genuine.with_file_name(name), bodies::gzip(forged.as_bytes())).unwrap();
    }
}

#[test]
fn a_forged_digest_does_not_move_the_copy() {
    let disk = OnDisk::make();
    forge(&disk, 1);
    let trees = find(disk.path(), &disk.keys());
    assert_eq!(trees.iter().map(source).collect::<Vec<_>>(), [source_of("trail-logs")], "{trees:#?}");
    assert_eq!(disk.run().counts.digests.valid, 5);
}

#[test]
fn more_forged_digests_than_are_sampled_do_not_move_the_copy_either() {
    let disk = OnDisk::make();
    forge(&disk, 20);
    let trees = find(disk.path(), &disk.keys());
    assert_eq!(trees.iter().map(source).collect::<Vec<_>>(), [source_of("trail-logs")], "{trees:#?}");
    assert_eq!(disk.run().counts.digests.valid, 5);
}

fn source_of(bucket: &str) -> SourceFolder {
    SourceFolder { bucket: bucket.to_owned(), prefix: String::new() }
}

/// Copies a folder of the copy to another place in it.
fn copy(disk: &OnDisk, from: &str, to: &str) {
    fs::create_dir_all(disk.path().join(to).parent().unwrap()).unwrap();
    let copied = Command::new("cp").arg("-r").args([from, to]).current_dir(disk.path()).status();
    assert!(copied.unwrap().success());
}

#[test]
fn two_copies_of_one_part_are_found_as_two() {
    let disk = OnDisk::make();
    copy(&disk, "trail-logs", "copy");
    let trees = find(disk.path(), &disk.keys());
    assert_eq!(trees.len(), 2, "{trees:#?}");
    assert!(trees.iter().all(|tree| tree.bucket == "trail-logs"), "{trees:#?}");
}

#[test]
fn links_out_of_the_directory_are_not_followed() {
    let (disk, outside) = (OnDisk::make(), tempfile::tempdir().unwrap());
    let log = disk.files(LOGS)[2].clone();
    fs::rename(&log, outside.path().join("log")).unwrap();
    symlink(outside.path().join("log"), &log).unwrap();
    assert_eq!(disk.run().kinds(), [Kind::LogUnreadable]);

    let disk = OnDisk::make();
    let folder = disk.path().join(LOGS);
    fs::rename(&folder, outside.path().join("logs")).unwrap();
    symlink(outside.path().join("logs"), &folder).unwrap();
    let ran = disk.run();
    assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Incomplete, 0), "{:#?}", ran.findings);
    assert_eq!(ran.counts.logs.unverified, 8);

    let disk = OnDisk::make();
    let digests = disk.path().join(DIGESTS);
    fs::rename(&digests, outside.path().join("digests")).unwrap();
    symlink(outside.path().join("digests"), &digests).unwrap();
    assert_eq!(disk.run().verdict, Verdict::Incomplete);
}

#[test]
fn links_within_the_directory_are_followed_and_loops_end() {
    let disk = OnDisk::make();
    let (folder, elsewhere) = (disk.path().join(LOGS), disk.path().join("kept"));
    fs::rename(&folder, &elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    assert_eq!(disk.run().verdict, Verdict::Intact);

    let disk = OnDisk::make();
    let day = disk.path().join(LOGS).join("2026/09/01");
    symlink("../../..", day.join("up")).unwrap();
    symlink("itself", day.join("itself")).unwrap();
    symlink("b", day.join("a")).unwrap();
    symlink("a", day.join("b")).unwrap();
    symlink("../../../../../..", disk.path().join(DIGESTS).join("up")).unwrap();
    let ran = in_time("loops", move || disk.run());
    assert_eq!(ran.counts.logs.valid, 8, "{:#?}", ran.findings);
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 4], "each is named, none is walked");
}

#[test]
fn a_fifo_in_an_objects_place_is_not_waited_for() {
    for (folder, kind) in [(LOGS, Kind::LogUnreadable), (DIGESTS, Kind::DigestUnreadable)] {
        let disk = OnDisk::make();
        let path = disk.files(folder)[2].clone();
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let ran = in_time("a fifo", move || disk.run());
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert!(ran.kinds().contains(&kind), "{:?}", ran.kinds());
    }
    let disk = OnDisk::make();
    let sidecar = disk.files(DIGESTS)[4].with_extension("gz.metadata.json");
    fs::remove_file(&sidecar).unwrap();
    assert!(Command::new("mkfifo").arg(&sidecar).status().unwrap().success());
    assert_unproved(&in_time("a fifo for a sidecar", move || disk.run()), Kind::DigestUnsigned);
}

#[test]
fn odd_names_are_named_and_nothing_else_happens() {
    use std::os::unix::ffi::OsStrExt as _;
    let disk = OnDisk::make();
    let day = disk.path().join(LOGS).join("2026/09/01");
    let names =
        [&b"\xff\xfe.json.gz"[..], b"\x1b[2J\x1b]0;x\x07", b"a\nb", "\u{202e}gz".as_bytes(), b" ", b"..."];
    for name in names {
        fs::write(day.join(std::ffi::OsStr::from_bytes(name)), b"x").unwrap();
    }
    let ran = disk.run();
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 6], "{:#?}", ran.findings);
    assert!(ran.findings.iter().any(|finding| finding.uri.as_ref().is_some_and(|uri| uri.contains("\\xFF"))));
    assert!(!ran.json.contains('\u{1b}') && !ran.json.contains('\u{7}'), "escape codes in the JSON");

    let disk = OnDisk::make();
    fs::write(disk.path().join(DIGESTS).join("2026/09/01").join(std::ffi::OsStr::from_bytes(b"\xff")), b"x")
        .unwrap();
    fs::create_dir(disk.path().join(std::ffi::OsStr::from_bytes(b"\xff\xff"))).unwrap();
    let ran = disk.run();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert!(ran.findings.iter().any(|finding| finding.kind == Kind::ObjectUnrecognised));
}

#[test]
fn a_key_that_is_no_path_is_out_of_reach() {
    let disk = OnDisk::make();
    fs::write(disk.path().join("secret"), b"x").unwrap();
    let inside = disk.path().join("trail-logs");
    let store = DirectoryStore::new(vec![mount::Mount::of_directory(&inside, "trail-logs").unwrap()]);
    for key in ["../secret", "AWSLogs/../../secret", "/etc/passwd", "a//b", "a/./b", "", "a/", "a\0b"] {
        let error = store.get(&Location::new("trail-logs", key)).err();
        assert!(matches!(error, Some(StoreError::OutOfReach(_))), "`{}`: {error:?}", key.escape_debug());
    }
    let long = store.get(&Location::new("trail-logs", "x".repeat(5_000))).err();
    assert!(matches!(long, Some(StoreError::OutOfReach(_) | StoreError::Unreadable(_))), "{long:?}");
    assert_eq!(store.list("..", "", None).count() + store.list("trail-logs", "../", None).count(), 0);
    assert_eq!(store.list_dirs("trail-logs", "../"), Ok(Vec::new()));
}

#[test]
fn a_sidecar_that_is_none_is_said() {
    let disk = OnDisk::make();
    let newest = disk.files(DIGESTS)[4].clone();
    let sidecar = newest.with_extension("gz.metadata.json");
    let large = format!(r#"{{"Metadata":{{"signature":"{}"}}}}"#, "0".repeat(70_000));
    for junk in
        ["", "{}", "[]", "null", r#"{"Metadata":{"signature":1}}"#, &"[".repeat(10_000), "\u{0}", &large]
    {
        fs::write(&sidecar, junk).unwrap();
        let metadata = self::metadata(&disk, &newest);
        assert!(metadata.contains_key(METADATA_ERROR) && metadata.len() == 1, "{metadata:?}");
        assert_unproved(&disk.run(), Kind::DigestUnsigned);
    }
    for (spelling, kind) in [
        (r#"{"Metadata":{"X-Amz-Meta-Signature":"00"},"ContentLength":1}"#, Kind::DigestModified),
        (r#"{"Metadata":{}}"#, Kind::DigestUnsigned),
    ] {
        fs::write(&sidecar, spelling).unwrap();
        assert_unproved(&disk.run(), kind);
    }
}

/// One digest, the newest, is not proved, and so are its hour and its two log files.
fn assert_unproved(ran: &Ran, kind: Kind) {
    let expected = [Kind::ChainGap, kind, Kind::LogUnverifiable, Kind::LogUnverifiable];
    assert_eq!(ran.kinds(), expected, "{:#?}", ran.findings);
}

fn metadata(disk: &OnDisk, digest: &Path) -> Metadata {
    let (store, _) = disk.open(&[disk.path()]);
    let key = digest.strip_prefix(disk.path().join("trail-logs")).unwrap().to_str().unwrap();
    let location = Location::new("trail-logs", key);
    assert!(DigestKey::parse(&location).is_some());
    store.get(&location).map(|object| object.metadata).unwrap()
}
