//! An object that lies under another name in its folder, or of which a part does: the copy proves no deletion, and the hash
//! proves the object.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Verdict};
use trailproof::validate::{ReadLimits, copies};

use super::{DIGESTS, LOGS, OnDisk};
use crate::shards;
use crate::support::{Ran, request, run};

/// Names that programs make of `NAME.json.gz`.
const RENAMED: [&str; 12] = [
    "NAME (1).json.gz",
    "NAME.json - Copy.gz",
    "Copy of NAME.json.gz",
    "NAME.json copy.gz",
    "NAME.json.gz.bak",
    ".NAME.json.gz",
    "NAME_1.json.gz",
    "NAME.json.gz.8a7b6c5d.partial",
    ".NAME.json.gz.Ab3dE1",
    "NAME.json.gz.6eF3a1B2",
    "azDownload-0a1b2c3d-NAME.json.gz",
    "NAME.sync-conflict-20260902-101010-ABCDEFG.json.gz",
];

/// The path under another name.
fn renamed(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_name().unwrap().to_str().unwrap().strip_suffix(".json.gz").unwrap();
    file.with_file_name(name.replace("NAME", stem))
}

fn message_of(ran: &Ran, kind: Kind) -> String {
    ran.findings.iter().find(|finding| finding.kind == kind).map(|found| found.message()).unwrap_or_default()
}

#[test]
fn a_deleted_object_without_a_trace_is_missing() {
    let disk = OnDisk::make();
    fs::remove_file(&disk.files(LOGS)[3]).unwrap();
    assert_eq!(disk.run_opened().kinds(), [Kind::LogMissing]);
    let disk = OnDisk::make();
    // The sidecar of the digest is left, and another digest's name begins like its own.
    fs::remove_file(&disk.files(DIGESTS)[2]).unwrap();
    let ran = disk.run_opened();
    assert!(ran.kinds().contains(&Kind::DigestMissing), "{:#?}", ran.findings);
}

#[test]
fn the_listed_bytes_under_another_name_are_the_object() {
    for name in RENAMED {
        let disk = OnDisk::make();
        let log = disk.files(LOGS)[3].clone();
        fs::rename(&log, renamed(&log, name)).unwrap();
        let ran = disk.run_opened();
        assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Intact, 8), "{name}: {:#?}", ran.findings);

        let disk = OnDisk::make();
        let digest = disk.files(DIGESTS)[2].clone();
        fs::rename(&digest, renamed(&digest, name)).unwrap();
        let ran = disk.run_opened();
        let proved = (ran.verdict, ran.counts.digests.valid, ran.counts.logs.valid);
        assert_eq!(proved, (Verdict::Intact, 5, 8), "{name}: {:#?}", ran.findings);
    }
}

#[test]
fn other_bytes_under_another_name_neither_accuse_nor_excuse() {
    for name in RENAMED {
        for length in [0, 100] {
            let disk = OnDisk::make();
            let log = disk.files(LOGS)[3].clone();
            let bytes = fs::read(&log).unwrap();
            fs::write(renamed(&log, name), &bytes[..length]).unwrap();
            fs::remove_file(&log).unwrap();
            let ran = disk.run_opened();
            assert_eq!(ran.verdict, Verdict::Incomplete, "{name}: {:#?}", ran.findings);
            let shown = renamed(&log, name).file_name().unwrap().to_str().unwrap().to_owned();
            assert!(message_of(&ran, Kind::LogUnreadable).contains(&shown), "{name}: {:#?}", ran.findings);

            let disk = OnDisk::make();
            let digest = disk.files(DIGESTS)[2].clone();
            let bytes = fs::read(&digest).unwrap();
            fs::write(renamed(&digest, name), &bytes[..length]).unwrap();
            fs::remove_file(&digest).unwrap();
            let ran = disk.run_opened();
            assert_eq!(ran.verdict, Verdict::Incomplete, "{name}: {:#?}", ran.findings);
            assert!(ran.kinds().contains(&Kind::DigestUnreadable), "{name}: {:#?}", ran.findings);
        }
    }
}

/// The same for an inflated file, and for names in another case.
#[test]
fn an_inflated_file_and_names_in_another_case_are_the_object() {
    let disk = OnDisk::make();
    let files = disk.files(LOGS);
    let inflated = crate::bodies::inflate(&fs::read(&files[3]).unwrap());
    fs::write(renamed(&files[3], "NAME (1).json"), inflated).unwrap();
    fs::remove_file(&files[3]).unwrap();
    for (at, change) in [(4, str::to_ascii_uppercase as fn(&str) -> String), (5, str::to_ascii_lowercase)] {
        let name = change(files[at].file_name().unwrap().to_str().unwrap());
        fs::rename(&files[at], files[at].with_file_name(name)).unwrap();
    }
    let ran = disk.run_opened();
    assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Intact, 8), "{:#?}", ran.findings);
}

/// A file under a changed name may be skipped or proved, which says nothing of a file called like its inflated content.
#[test]
fn a_forged_file_called_like_an_inflated_one_is_named() {
    for is_moved in [false, true] {
        let disk = OnDisk::make();
        let log = disk.files(LOGS)[3].clone();
        fs::copy(&log, renamed(&log, "NAME (1).json.gz")).unwrap();
        fs::write(renamed(&log, "NAME (1).json"), "{\"Records\":[]}").unwrap();
        if is_moved {
            fs::remove_file(&log).unwrap();
        }
        let ran = disk.run_opened();
        assert_ne!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
        assert_ne!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
        fs::write(
            renamed(&log, "NAME (1).json"),
            crate::bodies::inflate(&fs::read(renamed(&log, "NAME (1).json.gz")).unwrap()),
        )
        .unwrap();
        let ran = disk.run_opened();
        assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Intact, 8), "{:#?}", ran.findings);
    }
}

/// One of the files is the object; the other is an object that no digest lists.
#[test]
fn a_forged_file_beside_the_renamed_object_is_named() {
    let disk = OnDisk::make();
    let files = disk.files(LOGS);
    fs::rename(&files[3], renamed(&files[3], "NAME (1).json.gz")).unwrap();
    fs::copy(&files[4], renamed(&files[3], "NAME (2).json.gz")).unwrap();
    let ran = disk.run_opened();
    assert_eq!((ran.kinds(), ran.counts.logs.valid), (vec![Kind::LogUnreferenced], 8), "{:#?}", ran.findings);
}

/// One part of a run searches the log folders, and other parts hash the log files.
#[test]
fn parts_of_a_run_say_what_the_whole_says() {
    let disk = OnDisk::make();
    for log in &disk.files(LOGS)[2..6] {
        fs::rename(log, renamed(log, "NAME (1).json.gz")).unwrap();
    }
    let opened = copies::open(&[disk.path().to_owned()], &disk.keys(), &ReadLimits::default()).unwrap();
    let mut asked = request(&[], disk.simulated.end);
    (asked.sources, asked.findings) = (opened.sources, opened.findings);
    let whole = run(&opened.store, &disk.keys(), &asked, 2);
    assert_eq!((whole.verdict, whole.counts.logs.valid), (Verdict::Intact, 8), "{:#?}", whole.findings);
    let plan = shards::plan(&opened.store, &disk.keys(), &asked, Some(2));
    let lines = shards::shard_lines(&plan);
    assert!(lines.len() > 1);
    let results: Vec<_> =
        lines.into_iter().map(|line| shards::result(&opened.store, &disk.keys(), line)).collect();
    let merged = shards::merge(&plan, &results, &asked).unwrap();
    shards::same(&whole.json, &merged.json).unwrap();
}

#[test]
fn what_lies_in_the_objects_place_is_no_absence() {
    for (folder, at, kind) in [(LOGS, 3, Kind::LogUnreadable), (DIGESTS, 2, Kind::DigestUnreadable)] {
        let disk = OnDisk::make();
        let file = disk.files(folder)[at].clone();
        fs::remove_file(&file).unwrap();
        symlink("../.git/annex/objects/x", &file).unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
        assert!(message_of(&ran, kind).contains("symbolic link"), "{:#?}", ran.findings);

        for inner in [".rsync-partial/NAME.json.gz", "NAME.json.gz.download/data"] {
            let disk = OnDisk::make();
            let file = disk.files(folder)[at].clone();
            let part = renamed(&file, inner.split_once('/').unwrap().0)
                .join(renamed(&file, inner.split_once('/').unwrap().1).file_name().unwrap());
            fs::create_dir_all(part.parent().unwrap()).unwrap();
            fs::rename(&file, part).unwrap();
            let ran = disk.run_opened();
            assert_eq!(ran.verdict, Verdict::Incomplete, "{inner}: {:#?}", ran.findings);
            assert!(ran.kinds().contains(&kind), "{inner}: {:#?}", ran.findings);
        }
    }
}

/// Pointers that a clone holds in place of files that were not fetched.
#[test]
fn a_pointer_of_git_is_not_the_file() {
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let lfs = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
    let annex = format!("/annex/objects/SHA256E-s31390--{oid}.json.gz\n");
    for (pointer, told) in [(&lfs, "git lfs pull"), (&annex, "git annex get")] {
        for folder in [LOGS, DIGESTS] {
            let disk = OnDisk::make();
            disk.files(folder).iter().for_each(|file| fs::write(file, pointer).unwrap());
            let ran = disk.run_opened();
            assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", ran.findings);
            assert!(ran.findings.iter().any(|found| found.message().contains(told)), "{:#?}", ran.findings);
        }
    }
    let disk = OnDisk::make();
    fs::write(&disk.files(LOGS)[3], format!("{lfs}{{\"Records\":[]}}")).unwrap();
    assert_eq!(disk.run_opened().kinds(), [Kind::LogModified]);
}
