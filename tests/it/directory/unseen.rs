//! What nobody looked into is said, and what was not copied is nobody's tampering.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use trailproof::event::{Finding, Kind, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::directory::DirectoryStore;
use trailproof::store::{Store as _, StoreError};
use trailproof::validate::copies;
use trailproof::validate::{CancelFlag, ReadLimits};
use trailproof::words::hint;

use super::{DIGESTS, LOGS, OnDisk};
use crate::bodies::in_time;
use crate::support::{Ran, request, run, run_until};

impl OnDisk {
    /// Runs as the program does: over what opening the directory gives, with what opening it has to say.
    pub(super) fn run_opened(&self) -> Ran {
        self.run_opened_at(self.path())
    }

    /// The same over another folder.
    pub(super) fn run_opened_at(&self, root: &Path) -> Ran {
        let copies = copies::open(&[root.to_owned()], &self.keys(), &ReadLimits::default()).unwrap();
        let mut asked = request(&[], self.simulated.end);
        (asked.sources, asked.findings) = (copies.sources, copies.findings);
        run(&copies.store, &self.keys(), &asked, 2)
    }
}

#[test]
fn a_folder_that_a_link_leads_out_to_is_said() {
    let (disk, outside) = (OnDisk::make(), tempfile::tempdir().unwrap());
    let links = ["trail-logs/more", "other", "trail-logs/AWSLogs/444455556666"];
    for link in links {
        symlink(outside.path(), disk.path().join(link)).unwrap();
    }
    // A link to a folder inside hides nothing: that is looked into in its own place. Nor does one to a file.
    symlink("trail-logs", disk.path().join("again")).unwrap();
    fs::write(outside.path().join("notes"), "x").unwrap();
    symlink(outside.path().join("notes"), disk.path().join("notes")).unwrap();
    let ran = disk.run_opened();
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    let said = ran.findings.iter().filter(|finding| finding.kind == Kind::DigestUnreadable);
    let said: Vec<&str> = said.filter_map(|finding| finding.uri.as_deref()).collect();
    for link in links {
        assert!(said.iter().any(|uri| uri.contains(link)), "`{link}` is not said: {said:?}");
    }
    assert!(ran.kinds().iter().all(|kind| *kind == Kind::DigestUnreadable), "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8));
}

/// A link in the place of an object says that the object was there.
#[test]
fn a_link_that_leads_nowhere_or_to_itself_is_told() {
    for of_whom in [LOGS, DIGESTS] {
        let disk = OnDisk::make();
        let file = disk.files(of_whom)[2].clone();
        for target in [Path::new("gone"), &file, Path::new("gone/further")] {
            fs::remove_file(&file).unwrap();
            symlink(target, &file).unwrap();
            let ran = disk.run_opened();
            assert_eq!(ran.verdict, Verdict::Incomplete, "{target:?}: {:#?}", ran.findings);
            let told = |finding: &&Finding| finding.message().contains("leads nowhere or to itself");
            let finding = ran.findings.iter().find(told).unwrap_or_else(|| panic!("{:#?}", ran.findings));
            assert!(
                hint(finding).unwrap().starts_with("copy the object from the bucket in place of the link")
            );
        }
    }
}

/// A day may be a link to where it is kept. Its files are not evidence against anyone: the hint is to give the target too.
#[test]
fn the_target_of_a_link_that_leads_out_can_be_a_source() {
    for folder in [LOGS, DIGESTS] {
        let (disk, outside) = (OnDisk::make(), tempfile::tempdir().unwrap());
        let (day, kept) = (disk.path().join(folder).join("2026/09/01"), outside.path().join("kept"));
        fs::rename(&day, &kept).unwrap();
        symlink(&kept, &day).unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        for finding in ran.findings.iter().filter(|finding| finding.message().contains("link leads out")) {
            let hint = trailproof::words::hint(finding).unwrap();
            assert!(hint.contains("give the target of the link as a source too"), "{hint}");
        }
        let link = |finding: &&trailproof::event::Finding| {
            finding.uri.as_deref().is_some_and(|uri| uri.ends_with("2026/09/01"))
        };
        let told: Vec<Kind> = ran.findings.iter().filter(link).map(|finding| finding.kind).collect();
        assert_eq!(told, [Kind::DigestUnreadable], "{:#?}", ran.findings);

        let sources = [disk.path().to_owned(), kept];
        let copies = copies::open(&sources, &disk.keys(), &ReadLimits::default()).unwrap();
        let mut asked = request(&[], disk.simulated.end);
        (asked.sources, asked.findings) = (copies.sources, copies.findings);
        let ran = run(&copies.store, &disk.keys(), &asked, 2);
        assert_eq!(ran.verdict, Verdict::Intact, "{folder}: {:#?}", ran.findings);
    }
}

/// The search of a copy may take minutes: an interrupted run ends it, and says that the copy was not searched.
#[test]
fn an_interrupted_search_ends_at_once_and_is_said() {
    let (disk, stop) = (OnDisk::make(), CancelFlag::new());
    stop.set();
    let sources = [disk.path().to_owned()];
    let copies = copies::open_until(&sources, &disk.keys(), &ReadLimits::default(), &stop).unwrap();
    assert!(copies.sources.is_empty());
    let mut asked = request(&[], disk.simulated.end);
    (asked.sources, asked.findings, asked.typed) = (copies.sources, copies.findings, copies.typed);
    let ran = run_until(&copies.store, &disk.keys(), &asked, 2, &stop);
    assert!(ran.interrupted);
    assert_eq!((ran.verdict, ran.counts.digests.valid), (Verdict::Incomplete, 0));
    assert_eq!(ran.kinds(), [Kind::DigestUnreadable], "{:#?}", ran.findings);
    let message = ran.findings[0].message();
    assert!(message.contains("interrupted before the whole folder was searched"), "{message}");
    assert_eq!(ran.findings[0].uri.as_deref(), disk.path().to_str());
    let hint = trailproof::words::hint(&ran.findings[0]);
    assert_eq!(hint, Some("run again, and let the run finish"));
}

/// A folder above `AWSLogs/` may be called as the folders of log files are.
#[test]
fn a_prefix_that_is_called_as_a_log_folder_is_looked_into() {
    for prefix in ["CloudTrail", "CloudTrail-Insight", "111122223333/CloudTrail", "CloudTrail-Digest"] {
        let prefix = prefix.to_owned();
        let disk =
            OnDisk::of(&Spec { prefix: prefix.clone(), hours: 4, logs_per_hour: 2, ..Spec::default() });
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Intact, "`{prefix}`: {:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8), "`{prefix}`");
    }
}

/// A trail that was moved to another bucket after two of five hours.
fn moved() -> OnDisk {
    let move_at = Some((2, "trail-logs-new".to_owned()));
    OnDisk::of(&Spec { hours: 5, logs_per_hour: 1, move_at, ..Spec::default() })
}

#[test]
fn a_bucket_that_was_not_copied_is_out_of_reach_and_not_tampered_with() {
    let disk = moved();
    assert_eq!(disk.run_opened().verdict, Verdict::Intact);
    let log = disk.files(LOGS)[0].strip_prefix(disk.path().join("trail-logs")).unwrap().to_owned();
    fs::remove_dir_all(disk.path().join("trail-logs")).unwrap();
    let buckets = DirectoryStore::of_buckets(disk.path()).unwrap();
    let asked = request(&["trail-logs-new"], disk.simulated.end);
    for ran in [disk.run_opened(), run(&buckets, &disk.keys(), &asked, 2)] {
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert_eq!(ran.kinds(), [Kind::ChainGap, Kind::DigestUnreadable], "{:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (3, 3));
        assert_eq!((ran.counts.digests.unverified, ran.counts.digests.tampered), (1, 0));
    }
    let gone = buckets.get(&Location::new("trail-logs", log.to_str().unwrap())).err();
    assert!(matches!(gone, Some(StoreError::OutOfReach(_))), "{gone:?}");
    // The new bucket has log files of the hours before and after.
    let between = log.to_str().unwrap().replace("T00", "T03");
    let missing = buckets.get(&Location::new("trail-logs-new", between)).err();
    assert!(matches!(missing, Some(StoreError::NotFound)), "{missing:?}");
}

/// The same where a copy of the part below the buckets is named: of the other bucket it holds nothing.
#[test]
fn a_bucket_that_was_not_copied_is_out_of_reach_of_a_part_too() {
    let disk = moved();
    fs::rename(disk.path().join("trail-logs-new"), disk.path().join("new")).unwrap();
    fs::remove_dir_all(disk.path().join("trail-logs")).unwrap();
    let ran = disk.run_opened();
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
    assert_eq!(ran.kinds(), [Kind::ChainGap, Kind::DigestUnreadable], "{:#?}", ran.findings);
}

/// Eight folders with links from each to each: there are more ways through them than anybody could walk.
#[test]
fn a_net_of_links_is_walked_once() {
    for folder in [LOGS, DIGESTS] {
        let disk = OnDisk::make();
        let day = disk.path().join(folder).join("2026/09/01");
        for one in 0..8 {
            let knot = day.join(format!("knot{one}"));
            fs::create_dir(&knot).unwrap();
            for other in 0..8 {
                symlink(format!("../knot{other}"), knot.join(format!("to{other}"))).unwrap();
            }
        }
        let ran = in_time("a net of links", move || disk.run_opened());
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8), "{:#?}", ran.findings);
        if folder == LOGS {
            assert_eq!(ran.verdict, Verdict::Incomplete);
            assert!(ran.kinds().iter().all(|kind| *kind == Kind::LogUnreferenced), "{:?}", ran.kinds());
            assert!((1..=128).contains(&ran.kinds().len()), "{}", ran.kinds().len());
        } else {
            assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.kinds());
            let junk = ran.findings.iter().filter(|finding| finding.kind == Kind::ObjectUnrecognised);
            assert!((1..=128).contains(&junk.count()));
        }
    }
}

/// A whole organization with two accounts, of which the second has a trail of its own.
fn organization() -> OnDisk {
    let accounts = vec!["111122223333".to_owned(), "444455556666".to_owned()];
    let organization = Some("o-abc123def4".to_owned());
    OnDisk::of(&Spec { hours: 3, logs_per_hour: 1, accounts, organization, ..Spec::default() })
}

/// An archive in place of a folder on any of CloudTrail's levels, or above, hides what nobody looks into.
#[test]
fn an_archive_in_place_of_a_folder_is_said() {
    let account = "trail-logs/AWSLogs/o-abc123def4/444455556666";
    let other = "trail-logs/AWSLogs/o-abc123def4/111122223333";
    let packed = [
        (account.to_owned(), "tar"),
        (format!("{account}/CloudTrail-Digest"), "tar.gz"),
        (format!("{other}/CloudTrail-Digest/eu-west-1"), "tgz"),
        (format!("{other}/CloudTrail-Digest/us-east-1/2025"), "zip"),
        (format!("{other}/CloudTrail-Digest/us-east-1/2026/08"), "tar.zst"),
        (format!("{other}/CloudTrail-Digest/us-east-1/2026/08/31"), "zip"),
        (format!("{other}/CloudTrail-Digest/us-east-1/2026/09/01/more"), "zip"),
        ("trail-logs/AWSLogs/o-zzz123def4".to_owned(), "tar"),
        ("trail-logs/AWSLogs".to_owned(), "tar"),
        ("trail-logs".to_owned(), "zip"),
    ];
    for (folder, extension) in packed {
        let disk = organization();
        assert_eq!(disk.run_opened().verdict, Verdict::Intact);
        // Nothing says that an account was there, except its archive. Further archives come before it.
        if folder == account {
            fs::remove_dir_all(disk.path().join(account)).unwrap();
        }
        for number in 0..200 {
            let place = disk.path().join(format!("trail-logs/zip{}/x{number}.zip", number % 3));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "PK").unwrap();
        }
        assert_eq!(disk.run_opened().verdict, Verdict::Intact, "`{folder}`");
        let archive = disk.path().join(format!("{folder}.{extension}"));
        fs::create_dir_all(archive.parent().unwrap()).unwrap();
        fs::write(&archive, "PK").unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "`{folder}`: {:#?}", ran.findings);
        let said = ran.findings.iter().filter(|finding| finding.fault.cause() == Some("skipped-folder"));
        let said: Vec<&str> = said.filter_map(|finding| finding.uri.as_deref()).collect();
        let name = archive.file_name().unwrap().to_str().unwrap();
        assert!(matches!(said.as_slice(), [uri] if uri.ends_with(name)), "`{folder}`: {said:?}");
    }
}

/// The folders of log files are searched by the run, which names every object that no digest lists.
#[test]
fn an_archive_among_log_files_is_said() {
    for place in ["444455556666/CloudTrail/us-east-1.tar", "111122223333/CloudTrail/us-east-1/2026/09.zip"] {
        let disk = organization();
        fs::write(disk.path().join("trail-logs/AWSLogs/o-abc123def4").join(place), "PK").unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "`{place}`: {:#?}", ran.findings);
        assert!(
            ran.findings.iter().any(|finding| finding.uri.as_ref().is_some_and(|uri| uri.ends_with(place)))
        );
    }
}

/// A mark of `collect` and the leftover of a sync may be objects that a writer to the bucket put there. They never excuse
/// a missing object to the point that the copy is intact.
#[test]
fn a_forged_excuse_for_a_missing_object_is_not_intact() {
    for suffix in [".not-collected", ".6eF3a1B2"] {
        for folder in [LOGS, DIGESTS] {
            for at in [0, 2, 3] {
                let disk = OnDisk::make();
                let gone = disk.files(folder)[at].clone();
                let name = gone.file_name().unwrap().to_str().unwrap();
                fs::write(gone.with_file_name(format!("{name}{suffix}")), "{}").unwrap();
                fs::remove_file(&gone).unwrap();
                let ran = disk.run_opened();
                assert_ne!(ran.verdict, Verdict::Intact, "`{name}{suffix}`: {:#?}", ran.findings);
            }
        }
    }
}
