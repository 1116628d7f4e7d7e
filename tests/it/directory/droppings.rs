//! What desktops, browsers and sync programs leave in a copy, and sidecars: neither is an addition, nor hides one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};

use super::{DIGESTS, LOGS, OnDisk, copy};
use crate::support::{Ran, deliver, request, run};

/// The notices on names that are no object's.
fn notices(ran: &Ran) -> Vec<String> {
    let notices = ran.findings.iter().filter(|finding| finding.kind == Kind::ObjectUnrecognised);
    notices.map(|finding| finding.message()).collect()
}

fn day(disk: &OnDisk, folder: &str) -> PathBuf {
    disk.path().join(folder).join("2026/09/01")
}

/// Every folder from `root` on.
fn folders(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut at) = (vec![root.to_owned()], 0);
    while let Some(folder) = found.get(at).cloned() {
        at += 1;
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.is_dir()));
    }
    found
}

#[test]
fn what_desktops_leave_in_every_folder_is_counted_once() {
    let disk = OnDisk::make();
    let mut litter = 0;
    for folder in folders(disk.path()) {
        for name in [".DS_Store", "._.DS_Store", "Thumbs.db", "desktop.ini", "Desktop.ini"] {
            fs::write(folder.join(name), "junk").unwrap();
            litter += 1;
        }
    }
    for folder in [LOGS, DIGESTS] {
        for file in
            disk.files(folder).into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "gz"))
        {
            let name = file.file_name().unwrap().to_str().unwrap();
            fs::write(file.with_file_name(format!("._{name}")), "attributes").unwrap();
            fs::write(file.with_file_name(format!("{name}.6eF3a1B2")), "half").unwrap();
            for number in [" (1).json.gz", ".json (2).gz", "(3).json.gz"] {
                fs::copy(&file, file.with_file_name(name.replace(".json.gz", number))).unwrap();
            }
            litter += 5;
        }
    }
    copy(&disk, "trail-logs/AWSLogs", "__MACOSX");
    for file in crate::fixtures::tree::files(&disk.path().join("__MACOSX")).unwrap() {
        let file = disk.path().join("__MACOSX").join(file);
        let name = format!("._{}", file.file_name().unwrap().to_str().unwrap());
        fs::rename(&file, file.with_file_name(name)).unwrap();
    }
    fs::create_dir_all(disk.path().join("trail-logs/AWSLogs/__MACOSX/AWSLogs")).unwrap();
    litter += crate::fixtures::tree::files(&disk.path().join("__MACOSX")).unwrap().len();
    let ran = disk.run_opened();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (5, 8));
    let expected = format!("{litter} files that desktops and sync programs leave were passed over");
    assert_eq!(notices(&ran), [expected.as_str()]);
    assert!(ran.findings.iter().all(|finding| finding.severity == Severity::Notice));
}

/// macOS puts only `._NAME` into its folder of attributes: a delivery there is looked at.
#[test]
fn a_delivery_in_the_folder_of_attributes_is_no_dropping() {
    for to in ["__MACOSX", "trail-logs/__MACOSX", "trail-logs/AWSLogs/__MACOSX/x"] {
        let accounts = ["111122223333", "444455556666"].map(str::to_owned).to_vec();
        let disk = OnDisk::of(&Spec { hours: 3, logs_per_hour: 1, accounts, ..Spec::default() });
        fs::create_dir_all(disk.path().join(to)).unwrap();
        let account = "trail-logs/AWSLogs/444455556666";
        fs::rename(disk.path().join(account), disk.path().join(to).join("444455556666")).unwrap();
        let ran = disk.run_opened();
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (8, 6), "{to}: {:#?}", ran.findings);
        let logs = disk.path().join(to).join("444455556666/CloudTrail/us-east-1/2026/09/01");
        let log = fs::read_dir(logs).unwrap().next().unwrap().unwrap().path();
        fs::write(log, "{}").unwrap();
        assert_eq!(disk.run_opened().verdict, Verdict::Tampered, "{to}");
    }
}

#[test]
fn a_second_download_with_other_bytes_is_no_dropping() {
    let second = |file: &Path, bytes: &[u8]| {
        let name = file.file_name().unwrap().to_str().unwrap().replace(".json.gz", " (1).json.gz");
        fs::write(file.with_file_name(name), bytes).unwrap();
    };
    for folder in [LOGS, DIGESTS] {
        let disk = OnDisk::make();
        let files = disk.files(folder);
        let [one, other, third, ..] = &files[files.len() / 2 - 1..] else { panic!("{files:?}") };
        let mut changed = fs::read(other).unwrap();
        second(one, &changed);
        *changed.last_mut().unwrap() ^= 1;
        second(other, &changed);
        changed.pop();
        second(third, &changed);
        let ran = disk.run_opened();
        if folder == LOGS {
            assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 3], "{:#?}", ran.findings);
        } else {
            assert_eq!((ran.verdict, notices(&ran).len()), (Verdict::Intact, 3), "{:#?}", ran.findings);
        }
    }
    // The number alone makes it none: there has to be the file that it is a second one of.
    let disk = OnDisk::make();
    fs::write(day(&disk, LOGS).join("x (1).json.gz"), "x").unwrap();
    assert_eq!(disk.run_opened().kinds(), [Kind::LogUnreferenced]);
}

#[test]
fn what_is_only_called_like_a_dropping_is_named() {
    let disk = OnDisk::make();
    let (day, log) = (day(&disk, LOGS), disk.files(LOGS)[4].clone());
    fs::create_dir(day.join("._folder")).unwrap();
    fs::write(day.join("._folder/forged.json.gz"), "x").unwrap();
    symlink("nowhere", day.join(".DS_Store")).unwrap();
    symlink(&log, day.join(log.file_name().unwrap().to_str().unwrap().replace(".json.gz", " (1).json.gz")))
        .unwrap();
    for name in ["DS_Store", "x.6eF3a1B2", "x.json.gz.6eF3a1B", "_x", "a__MACOSX"] {
        fs::write(day.join(name), "x").unwrap();
    }
    let ran = disk.run_opened();
    assert!(ran.kinds().iter().all(|kind| *kind == Kind::LogUnreferenced), "{:?}", ran.kinds());
    assert_eq!((ran.kinds().len(), notices(&ran)), (8, Vec::new()), "{:#?}", ran.findings);
}

/// Equal bytes beside the original, under names of Explorer, Finder, Syncthing, Dropbox and others, and what other programs
/// write of files.
#[test]
fn copies_beside_and_notes_of_programs_are_counted() {
    let disk = OnDisk::make();
    let mut litter = 0;
    for folder in [LOGS, DIGESTS] {
        let file = disk.files(folder)[2].clone();
        let name = file.file_name().unwrap().to_str().unwrap().strip_suffix(".json.gz").unwrap();
        for copied in [
            "NAME.json - Copy.gz",
            "NAME.json copy.gz",
            "NAME.json 2.gz",
            "Copy of NAME.json.gz",
            "NAME.json.sync-conflict-20260902-101010-ABCDEFG.gz",
            "NAME.json (anna's conflicted copy 2026-09-02).gz",
            "NAME.json.gz.bak",
        ] {
            fs::copy(&file, file.with_file_name(copied.replace("NAME", name))).unwrap();
            litter += 1;
        }
        for (noted, content) in [
            (".NAME.json.gz.crc", "crc"),
            ("NAME.json.gz:Zone.Identifier", "[ZoneTransfer]"),
            ("_SUCCESS", ""),
            ("x_$folder$", ""),
            (".nfs0000000001a2b3c400000001", "x"),
            ("@eaDir/NAME.json.gz@SynoEAStream", "x"),
        ] {
            let path = day(&disk, folder).join(noted.replace("NAME", name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            litter += 1;
        }
    }
    let ran = disk.run_opened();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let expected = format!("{litter} files that desktops and sync programs leave were passed over");
    assert_eq!(notices(&ran), [expected.as_str()]);
}

#[test]
fn notes_of_programs_hide_no_object() {
    let disk = OnDisk::make();
    let (day, logs) = (day(&disk, LOGS), disk.files(LOGS));
    let name = logs[2].file_name().unwrap().to_str().unwrap();
    let forged = format!("{}Z.json.gz", &name[..name.len() - ".json.gz".len() - 1]);
    fs::create_dir(day.join("@eaDir")).unwrap();
    fs::write(day.join("@eaDir").join(&forged), "x").unwrap();
    for (other, content) in [
        ("_SUCCESS", "x"),
        ("x_$folder$", "x"),
        (".nfs", "x"),
        (".gone.json.gz.crc", "x"),
        ("gone.json.gz:Zone.Identifier", "x"),
    ] {
        fs::write(day.join(other), content).unwrap();
    }
    fs::write(day.join(name.replace(".json", ".json - Copy")), "x").unwrap();
    fs::write(day.join(&forged), "x").unwrap();
    let ran = disk.run_opened();
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 8], "{:#?}", ran.findings);
}

/// People save `head-object` of every object.
#[test]
fn the_metadata_of_log_files_is_no_object() {
    let disk = OnDisk::make();
    for log in disk.files(LOGS) {
        fs::write(format!("{}.metadata.json", log.display()), r#"{"ContentLength": 1, "Metadata": {}}"#)
            .unwrap();
    }
    assert_eq!(disk.run_opened().verdict, Verdict::Intact);
    // Log files without the folders of S3.
    for log in disk.files(LOGS) {
        for file in [log.clone(), PathBuf::from(format!("{}.metadata.json", log.display()))] {
            fs::rename(&file, disk.path().join("trail-logs").join(file.file_name().unwrap())).unwrap();
        }
    }
    fs::remove_dir_all(disk.path().join(LOGS)).unwrap();
    let ran = disk.run_opened();
    assert!(!ran.kinds().contains(&Kind::LogUnreferenced), "{:#?}", ran.findings);

    let disk = OnDisk::make();
    let log = disk.files(LOGS)[4].clone();
    for (place, content) in [
        (day(&disk, LOGS).join("gone.json.gz.metadata.json"), r#"{"Metadata": {}}"#),
        (PathBuf::from(format!("{}.metadata.json", log.display())), r#"{"Metadata": {}, "Records": []}"#),
    ] {
        fs::write(place, content).unwrap();
    }
    assert_eq!(disk.run_opened().kinds(), [Kind::LogUnreferenced; 2]);
}

/// Nobody's desktop writes to S3.
#[test]
fn in_a_bucket_they_are_objects_like_others() {
    let delivered = deliver(&trailproof::simulate::Spec { hours: 4, logs_per_hour: 1, ..Default::default() });
    let key = |name: &str| format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/{name}");
    let names =
        [".DS_Store", "._x.json.gz", "Thumbs.db", "x.json.gz.6eF3a1B2", "__MACOSX/x", "x.metadata.json"];
    for name in names {
        let location = Location::new("trail-logs", key(name));
        delivered.store.put(&location, b"x", &Metadata::new()).unwrap();
    }
    let ran = run(&delivered.store, &delivered.keys, &request(&["trail-logs"], delivered.simulated.end), 2);
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 6], "{:#?}", ran.findings);
}

/// Only a digest has need of one.
#[test]
fn a_sidecar_of_nothing_that_needs_one_is_an_object() {
    let disk = OnDisk::make();
    let logs = day(&disk, LOGS);
    let log = disk.files(LOGS)[4].clone();
    let beside = |file: &Path| PathBuf::from(format!("{}.metadata.json", file.display()));
    fs::write(beside(&log), "{}").unwrap();
    fs::write(logs.join("gone.json.gz.metadata.json"), "{}").unwrap();
    fs::create_dir(beside(&disk.files(LOGS)[1])).unwrap();
    fs::write(beside(&disk.files(LOGS)[1]).join("forged.json.gz"), "x").unwrap();
    symlink("nowhere", logs.join("link.metadata.json")).unwrap();
    let ran = disk.run_opened();
    assert_eq!(ran.kinds(), [Kind::LogUnreferenced; 4], "{:#?}", ran.findings);

    let disk = OnDisk::make();
    let digests = disk.files(DIGESTS);
    fs::write(day(&disk, DIGESTS).join("gone.json.gz.metadata.json"), "{}").unwrap();
    fs::create_dir(beside(&day(&disk, DIGESTS).join("folder"))).unwrap();
    fs::write(beside(&day(&disk, DIGESTS).join("folder")).join("x"), "x").unwrap();
    // That of a digest is hidden, and so it is where the digest cannot be read.
    fs::remove_file(&digests[0]).unwrap();
    symlink(digests[0].file_name().unwrap(), &digests[0]).unwrap();
    let ran = disk.run_opened();
    assert_eq!(
        (ran.kinds(), notices(&ran).len()),
        (vec![Kind::ChainGap, Kind::DigestUnreadable], 2),
        "{:#?}",
        ran.findings
    );
}
