//! Files of CloudTrail's in other folders of a copy than S3's: each is found by its name and judged, or reported.

use std::fs;
use std::path::{Path, PathBuf};

use trailproof::event::{Kind, Verdict};
use trailproof::ident::{DeliveredName, DeliveredType};
use trailproof::simulate::Spec;

use super::OnDisk;
use crate::bodies::{gzip, inflate};
use crate::fixtures::tree;
use crate::support::Ran;

const SECOND: &str = "444455556666";
const ACCOUNT: &str = "trail-logs/AWSLogs/111122223333";

/// Two accounts with 4 digests and 3 log files each in the asked range.
fn two_accounts() -> OnDisk {
    let accounts = ["111122223333", SECOND].map(str::to_owned).to_vec();
    OnDisk::of(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, accounts, ..Spec::default() })
}

/// The files of the copy whose paths hold `part`, below the root.
fn files_with(disk: &OnDisk, part: &str) -> Vec<PathBuf> {
    let files = tree::files(disk.path()).unwrap().into_iter();
    files.filter(|path| path.to_str().unwrap().contains(part)).collect()
}

/// Moves the files whose paths hold `part`; `to` gives the folder below the root, of the old path and the name.
fn move_files(disk: &OnDisk, part: &str, to: &dyn Fn(&Path, &str) -> PathBuf) {
    for file in files_with(disk, part) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let place = disk.path().join(to(&file, name)).join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::rename(disk.path().join(&file), place).unwrap();
    }
    remove_empty(disk.path());
}

fn remove_empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            remove_empty(&entry);
        }
    }
    drop(fs::remove_dir(folder));
}

/// Changes a log file of the account wherever the log file lies.
fn change_log(disk: &OnDisk, account: &str) {
    let log = files_with(disk, &format!("{account}_CloudTrail_")).remove(1);
    let path = disk.path().join(log);
    let mut text = inflate(&fs::read(&path).unwrap());
    text.push(b' ');
    fs::write(path, gzip(&text)).unwrap();
}

/// The copy is intact, and a changed log file of the second account is noticed.
fn assert_judged(disk: &OnDisk, roots: &[&str], counts: (u64, u64), about: &str) {
    let run = |disk: &OnDisk, root: &str| -> Ran { disk.run_opened_at(&disk.path().join(root)) };
    for root in roots {
        let ran = run(disk, root);
        assert_eq!(ran.verdict, Verdict::Intact, "{about} `{root}`: {:#?}", ran.findings);
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), counts, "{about} `{root}`");
    }
    let second = files_with(disk, SECOND).is_empty();
    change_log(disk, if second { "111122223333" } else { SECOND });
    for root in roots {
        let ran = run(disk, root);
        assert_eq!(ran.verdict, Verdict::Tampered, "{about} `{root}`: {:#?}", ran.findings);
        assert_eq!(ran.kinds(), [Kind::LogModified], "{about} `{root}`: {:#?}", ran.findings);
    }
}

/// Gives the folder of a file, of its old path and its name.
type FolderOf = Box<dyn Fn(&Path, &str) -> PathBuf>;

/// The folder of a file of the second account, below the folder that stands for the bucket.
fn places_beside() -> Vec<(&'static str, FolderOf)> {
    let below_account = |path: &Path| -> PathBuf {
        path.parent().unwrap().iter().skip_while(|part| *part != SECOND).skip(1).collect()
    };
    let day =
        |name: &str| DeliveredName::parse(name.trim_end_matches(".metadata.json")).unwrap().time.day_folder();
    vec![
        ("the account", Box::new(move |path, _| Path::new(SECOND).join(below_account(path)))),
        ("flat", Box::new(|_, _| "old".into())),
        ("in the bucket", Box::new(|_, _| PathBuf::new())),
        ("renamed", Box::new(move |path, _| Path::new("logs").join(SECOND).join(below_account(path)))),
        ("lower case", Box::new(move |path, _| Path::new("awslogs").join(SECOND).join(below_account(path)))),
        ("by day", Box::new(move |_, name| Path::new("d/us").join(day(name)))),
        ("partitions", Box::new(|_, _| format!("t/account={SECOND}/year=2026/month=09/day=01").into())),
        (
            "another account",
            Box::new(move |path, _| Path::new("AWSLogs/999988887777").join(below_account(path))),
        ),
        (
            "a name for the account",
            Box::new(move |path, _| Path::new("AWSLogs/prod").join(below_account(path))),
        ),
        (
            "a prefix",
            Box::new(move |path, _| Path::new("AWSLogs/prod").join(SECOND).join(below_account(path))),
        ),
        (
            "twice",
            Box::new(move |path, _| Path::new("AWSLogs").join(SECOND).join(SECOND).join(below_account(path))),
        ),
        (
            "other kinds",
            Box::new(move |path, _| {
                let below = below_account(path);
                let below = below
                    .to_str()
                    .unwrap()
                    .replace("CloudTrail-Digest", "Digest")
                    .replace("CloudTrail/", "Trail/");
                Path::new("AWSLogs").join(SECOND).join(below)
            }),
        ),
        ("flat in AWSLogs", Box::new(|_, _| "AWSLogs".into())),
        (
            "flat in the first account's digests",
            Box::new(|_, _| "AWSLogs/111122223333/CloudTrail-Digest".into()),
        ),
        ("flat in the first account", Box::new(|_, _| "AWSLogs/111122223333".into())),
        ("flat in the first account's logs", Box::new(|_, _| "AWSLogs/111122223333/CloudTrail".into())),
    ]
}

#[test]
fn an_account_in_other_folders_of_the_bucket_is_judged() {
    for bucket in ["trail-logs", "evidence"] {
        for (about, place) in places_beside() {
            let disk = two_accounts();
            fs::rename(disk.path().join("trail-logs"), disk.path().join(bucket)).unwrap();
            move_files(&disk, SECOND, &|path, name| Path::new(bucket).join(place(path, name)));
            assert_judged(&disk, &["", bucket], (8, 6), &format!("{bucket}: {about}"));
        }
    }
}

#[test]
fn an_account_beside_the_bucket_is_judged() {
    for (about, place) in places_beside() {
        let disk = two_accounts();
        // A second `AWSLogs/` above the bucket's is another bucket's.
        if place(
            Path::new(&format!("{SECOND}/x/x")),
            &format!("{SECOND}_CloudTrail_us-east-1_20260901T0210Z_A.json.gz"),
        )
        .starts_with("AWSLogs")
        {
            continue;
        }
        move_files(&disk, SECOND, &|path, name| place(path, name));
        assert_judged(&disk, &[""], (8, 6), about);
    }
}

/// The folders of a region, a day or a kind were left out or renamed, and the folders above were not.
#[test]
fn a_partly_flattened_copy_is_judged() {
    type Place = fn(&Path, &str) -> PathBuf;
    let places: [(&str, Place); 12] = [
        ("region", |path, _| path.ancestors().nth(4).unwrap().to_owned()),
        ("partitions", |path, _| path.ancestors().nth(4).unwrap().join("year=2026/month=09/day=01")),
        ("dashes", |path, _| path.ancestors().nth(4).unwrap().join("2026-09-01")),
        ("short", |path, _| path.ancestors().nth(4).unwrap().join("2026/9/1")),
        ("other day", |path, _| path.ancestors().nth(4).unwrap().join("2026/09/17")),
        ("hours", |path, name| {
            let time = name.rsplit_once('_').unwrap().0.len() % 24;
            path.parent().unwrap().join(format!("{time:02}"))
        }),
        ("region renamed", |path, _| path.ancestors().nth(5).unwrap().join("eu-west-1/2026/09/01")),
        ("kinds", |path, _| path.ancestors().nth(5).unwrap().to_owned()),
        ("account", |path, _| path.ancestors().nth(6).unwrap().to_owned()),
        ("logs", |path, _| path.ancestors().nth(6).unwrap().join("CloudTrail")),
        ("AWSLogs", |path, _| path.ancestors().nth(7).unwrap().to_owned()),
        ("bucket", |path, _| path.ancestors().nth(8).unwrap().to_owned()),
    ];
    for bucket in ["trail-logs", "evidence"] {
        for (about, place) in places {
            for kinds in ["/111122223333/", "/CloudTrail-Digest/", "/CloudTrail/"] {
                let disk =
                    OnDisk::of(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
                fs::rename(disk.path().join("trail-logs"), disk.path().join(bucket)).unwrap();
                move_files(&disk, kinds, &place);
                assert_judged(&disk, &["", bucket], (4, 3), &format!("{bucket}: {about} of {kinds}"));
            }
        }
    }
}

/// The digests lie in the root of the copy, and the log files in a folder of it.
#[test]
fn log_files_below_flat_digests_are_judged() {
    for (digests, logs) in [("", "logs"), ("digests", ""), ("a", "a/logs")] {
        let disk = OnDisk::of(&Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
        move_files(&disk, "/AWSLogs/", &|_, name| {
            let name = name.trim_end_matches(".metadata.json");
            let kind = DeliveredName::parse(name).unwrap().kind;
            Path::new("in").join(if kind == DeliveredType::Digest { digests } else { logs })
        });
        assert_judged(&disk, &["in"], (4, 3), &format!("`{digests}` `{logs}`"));
    }
}

/// Every digest is proved at the place that it records, whatever the copy calls the organization's folder.
#[test]
fn an_organizations_folder_may_be_left_out_renamed_or_added() {
    let accounts = ["111122223333", SECOND].map(str::to_owned).to_vec();
    let spec = Spec { hours: 3, logs_per_hour: 1, events_per_log: 1, accounts, ..Spec::default() };
    let of_organization = Spec { organization: Some("o-abc1234567".to_owned()), ..spec.clone() };
    for (spec, folder, moved) in [
        (&of_organization, "AWSLogs", "AWSLogs"),
        (&of_organization, "AWSLogs/o-zzz1234567", "AWSLogs"),
        (&spec, "AWSLogs/o-zzz1234567", "AWSLogs"),
        (&of_organization, "AWSLogs", SECOND),
        (&of_organization, "AWSLogs/o-zzz1234567", SECOND),
        (&spec, "AWSLogs/o-zzz1234567", SECOND),
    ] {
        for bucket in ["trail-logs", "copy"] {
            let disk = OnDisk::of(spec);
            fs::rename(disk.path().join("trail-logs"), disk.path().join(bucket)).unwrap();
            let is_account = |part: &std::ffi::OsStr| part == SECOND || part == "111122223333";
            move_files(&disk, moved, &|path, _| {
                let below: PathBuf =
                    path.parent().unwrap().iter().skip_while(|part| !is_account(part)).collect();
                Path::new(bucket).join(folder).join(below)
            });
            let aws_logs = format!("{bucket}/AWSLogs");
            assert_judged(&disk, &["", bucket, &aws_logs], (8, 6), &format!("{folder} {moved} in {bucket}"));
        }
    }
}

/// The folder of a bucket lacks a file that lies in another of its folders: the file was moved.
#[test]
fn a_file_in_another_folder_does_not_stand_for_a_missing_one() {
    let folders = ["old", "AWSLogs", "AWSLogs/111122223333", "AWSLogs/111122223333/CloudTrail-Digest"];
    for (bucket, verdict) in [("trail-logs", Verdict::Tampered), ("evidence", Verdict::Incomplete)] {
        for folder in folders {
            for kind in ["CloudTrail-Digest", "CloudTrail"] {
                let disk = OnDisk::make();
                fs::rename(disk.path().join("trail-logs"), disk.path().join(bucket)).unwrap();
                let root = disk.path().join(bucket);
                let file = disk.files(&format!("{bucket}/AWSLogs/111122223333/{kind}/us-east-1"))[2].clone();
                fs::create_dir_all(root.join(folder)).unwrap();
                fs::rename(&file, root.join(folder).join(file.file_name().unwrap())).unwrap();
                let ran = disk.run_opened();
                // Log files of the hours before and after have to lie beside.
                let is_proof = kind == "CloudTrail-Digest" || ran.verdict == Verdict::Tampered;
                let expected = if is_proof { verdict } else { Verdict::Incomplete };
                assert_eq!(ran.verdict, expected, "{bucket}/{folder} {kind}: {:#?}", ran.findings);
            }
        }
    }
}

/// A log file that no digest lists is named wherever it lies in the copy.
#[test]
fn an_added_log_file_is_named_wherever_it_lies() {
    let folders = [
        "trail-logs",
        "trail-logs/old",
        "trail-logs/AWSLogs",
        "trail-logs/AWSLogs/prod",
        ACCOUNT,
        "trail-logs/AWSLogs/111122223333/CloudTrail",
        "trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1",
        "trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/02",
        "trail-logs/AWSLogs/111122223333/CloudTrail-Digest",
        "trail-logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1",
    ];
    for folder in folders {
        let disk = OnDisk::make();
        let added = "111122223333_CloudTrail_us-east-1_20260901T0210Z_FORGEDforged1234.json.gz";
        fs::create_dir_all(disk.path().join(folder)).unwrap();
        fs::write(disk.path().join(folder).join(added), gzip(b"{\"Records\":[]}")).unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "{folder}: {:#?}", ran.findings);
        assert_eq!(ran.kinds(), [Kind::LogUnreferenced], "{folder}: {:#?}", ran.findings);
    }
}

/// Copies of the bucket's own files in another folder of the bucket say nothing, unless they differ.
#[test]
fn a_second_copy_in_another_folder_has_to_be_equal() {
    for kind in ["CloudTrail-Digest", "CloudTrail"] {
        let disk = OnDisk::make();
        let file = disk.files(&format!("{ACCOUNT}/{kind}/us-east-1"))[2].clone();
        let old = disk.path().join("trail-logs/old");
        fs::create_dir(&old).unwrap();
        let copy = old.join(file.file_name().unwrap());
        fs::copy(&file, &copy).unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Intact, "{kind}: {:#?}", ran.findings);
        fs::write(&copy, gzip(b"{}")).unwrap();
        let ran = disk.run_opened();
        assert_eq!(ran.verdict, Verdict::Incomplete, "{kind}: {:#?}", ran.findings);
    }
}

/// Objects of other services, and notes, lie beside CloudTrail's in real buckets.
#[test]
fn other_objects_of_a_bucket_are_left_alone() {
    let disk = OnDisk::make();
    for path in [
        "notes/a.json",
        "a.json.gz",
        "AWSLogs/readme.json",
        "AWSLogs/111122223333/Config/us-east-1/2026/9/1/111122223333_Config_us-east-1_ConfigHistory_1.json.gz",
        "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/09/01/111122223333_vpcflowlogs_us-east-1_fl-1.log.gz",
    ] {
        let path = disk.path().join("trail-logs").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, gzip(b"{}")).unwrap();
    }
    let ran = disk.run_opened();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    assert!(ran.kinds().is_empty(), "{:#?}", ran.findings);
}
