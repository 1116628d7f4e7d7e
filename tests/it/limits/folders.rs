//! Folders in folders, deeper and more of them than anybody would look into.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Verdict};
use trailproof::ident::Location;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};

use super::assert_says;
use crate::bodies::in_time;
use crate::cli::case::Case;
use crate::signing;
use crate::support::{request, run, time};

const REGION: &str = "buckets/trail-logs/AWSLogs/111122223333";

/// A log file of a region without digests.
const LOG: &str = "111122223333_CloudTrail_eu-west-1_20240229T0010Z_GDKJSwZPyt7qo2at.json.gz";

/// A chain of folders too long for any path. Each level is put over those there are, so that no path is long meanwhile.
struct Nested {
    top: PathBuf,
    depth: usize,
}

impl Nested {
    fn make(top: &Path, depth: usize) -> Self {
        let (chain, next) = (top.with_extension("chain"), top.with_extension("next"));
        fs::create_dir(&chain).unwrap();
        for _ in 1..depth {
            fs::create_dir(&next).unwrap();
            fs::rename(&chain, next.join("d")).unwrap();
            fs::rename(&next, &chain).unwrap();
        }
        fs::rename(&chain, top).unwrap();
        Self { top: top.to_owned(), depth }
    }
}

impl Drop for Nested {
    /// Takes the levels off again from above.
    fn drop(&mut self) {
        let rest = self.top.with_extension("rest");
        for _ in 1..self.depth {
            let _ = fs::rename(self.top.join("d"), &rest);
            let _ = fs::remove_dir(&self.top);
            let _ = fs::rename(&rest, &self.top);
        }
        let _ = fs::remove_dir(&self.top);
    }
}

#[test]
fn ten_thousand_folders_in_one_another_are_said_and_walked_no_further() {
    for (at, said) in [
        ("buckets/deep", "not read: "),
        (&*format!("{REGION}/CloudTrail/us-east-1/2024/02/29/deep"), "log-unreferenced"),
        (&*format!("{REGION}/CloudTrail-Digest/us-east-1/2024/02/29/deep"), "not read: "),
    ] {
        let case = Case::make(&[]);
        let nested = Nested::make(&case.path(at), 10_000);
        let done = case.validate(&["--format", "json"]);
        drop(nested);
        // The path of the folder that is too deep is 4,096 bytes of `d/`: it is not shown.
        let shown = done.stdout.replace("d/", "");
        assert_eq!(done.code, Some(3), "{at}: {shown}\n{}", done.stderr);
        assert!(shown.contains(said), "{at}: {shown}");
    }
}

/// A link to a device has no end; like every other link that leads out it is not followed.
#[test]
fn a_link_to_a_device_in_an_objects_place_is_not_read() {
    for (part, code) in [("CloudTrail", 3), ("CloudTrail-Digest", 3)] {
        let case = Case::make(&[]);
        let day = case.path(REGION).join(part).join("us-east-1/2024/02/29");
        let mut files: Vec<PathBuf> = fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
        files.sort();
        fs::remove_file(&files[0]).unwrap();
        symlink("/dev/zero", &files[0]).unwrap();
        let done = case.validate(&["--format", "json"]);
        assert_eq!(done.code, Some(code), "{}\n{}", done.stdout, done.stderr);
        assert!(done.stdout.contains("leads out of the directory"), "{}", done.stdout);
    }
    let case = Case::make(&[]);
    let day = case.path(REGION).join("CloudTrail-Digest/us-east-1/2024/02/29");
    let sidecars = fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path());
    let mut sidecars: Vec<PathBuf> =
        sidecars.filter(|path| path.to_string_lossy().ends_with(".metadata.json")).collect();
    sidecars.sort();
    let newest = sidecars.pop().unwrap();
    fs::remove_file(&newest).unwrap();
    symlink("/dev/zero", &newest).unwrap();
    let done = case.validate(&["--format", "json"]);
    assert_eq!(done.code, Some(3), "{}\n{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("digest-unsigned"), "{}", done.stdout);
}

/// A trail's `AWSLogs/` that lies too deep, and one that lies behind too many folders.
#[test]
fn what_is_not_searched_for_trails_is_said() {
    let end = time("2026-09-01T03:06:57Z");
    for (prefix, said) in [("a/b/c/d/e/f/g/h/i/", "8 folders deep"), ("z/z/z/", "after 10,000 folders")] {
        let store = MemoryStore::new();
        let key = signing::key(&format!("{prefix}{}", crate::hostile::DIGEST_KEY), end, false);
        signing::put_hour(&store, &key, &serde_json::json!({}));
        for number in 0..(if prefix.starts_with('z') { 10_000 } else { 0 }) {
            let location = Location::new("b", format!("{number:05}/x"));
            store.put(&location, b"x", &Metadata::new()).unwrap();
        }
        let (searched, named) = in_time("a search for trails", move || {
            let mut asked = request(&["b"], end);
            let searched = run(&store, &signing::signer().ring, &asked, 2);
            prefix.clone_into(&mut asked.sources[0].prefix);
            (searched, run(&store, &signing::signer().ring, &asked, 2))
        });
        assert_eq!(searched.verdict, Verdict::Incomplete, "{:#?}", searched.findings);
        assert_says(&searched, Kind::DigestUnreadable, &[said, "give the trail's prefix"]);
        assert_eq!(named.verdict, Verdict::Intact, "{:#?}", named.findings);
    }
}

/// What one folder hides is unknown, and what lies elsewhere is judged: in another region, and on another day.
#[test]
fn a_folder_that_cannot_be_read_hides_no_tampering_elsewhere() {
    let digests = |region: &str| format!("{REGION}/CloudTrail-Digest/{region}");
    let folders = [
        digests("eu-west-1"),
        format!("{}/2024/01/01", digests("eu-west-1")),
        format!("{}/2024/01/01", digests("us-east-1")),
        format!("{REGION}/CloudTrail-Digest/deep"),
        format!("{REGION}/deep"),
    ];
    for unreadable in folders {
        let case = Case::make(&["log-modified"]);
        let folder = case.path(&unreadable);
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(case.path(&format!("{REGION}/CloudTrail/eu-west-1/2024/02/29"))).unwrap();
        fs::write(case.path(&format!("{REGION}/CloudTrail/eu-west-1/2024/02/29/{LOG}")), "a log file")
            .unwrap();
        let set = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        set(0o000);
        let done = case.as_nobody(case.command(&[]));
        set(0o755);
        assert_eq!(done.code, Some(1), "{unreadable}: {}{}", done.stdout, done.stderr);
        assert!(done.stdout.starts_with("tampered: 1 of 4 log files"), "{unreadable}: {}", done.stdout);
        let says_none = unreadable.contains("us-east-1") || unreadable.ends_with("deep");
        assert_eq!(done.stdout.contains("no-digests"), says_none, "{unreadable}: {}", done.stdout);
        assert!(done.stdout.contains("ermission denied"), "{unreadable}: {}", done.stdout);
    }
}

/// The message names the folder itself, not the folder of its region, and one finding is enough.
#[test]
fn a_day_that_cannot_be_listed_is_named_once() {
    for part in ["CloudTrail-Digest", "CloudTrail"] {
        let case = Case::make(&[]);
        let day = case.path(&format!("{REGION}/{part}/us-east-1/2024/02/29"));
        let set = |mode| fs::set_permissions(&day, fs::Permissions::from_mode(mode)).unwrap();
        set(0o000);
        let done = case.as_nobody(case.command(&["--format", "json"]));
        set(0o755);
        assert_eq!(done.code, Some(3), "{}{}", done.stdout, done.stderr);
        let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let messages =
            report["findings"].as_array().unwrap().iter().filter_map(|one| one["message"].as_str());
        let told: Vec<&str> = messages
            .filter(|told| told.contains("could not be listed") || told.contains("not read: "))
            .collect();
        assert_eq!(told.len(), 1, "{part}: {told:#?}");
        let folder = format!("{part}/us-east-1/2024/02/29`: Permission denied");
        assert!(told[0].contains(&folder), "{told:#?}");
    }
}
