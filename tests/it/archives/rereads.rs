//! Further reads of members that were hashed: each is a read of the archive, and members share it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use trailproof::ident::Sha256Hash;
use trailproof::store::HashedBody;
use trailproof::store::archive::{self, ArchiveLimits, OpenedArchive};

use super::{Format, LOG, OnDisk, as_slices, gz, small_limits, written};

fn logs(count: u32, version: u32) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|number| (log(number), gz(format!("{{\"{number}\":{version}}}").as_bytes()))).collect()
}

fn log(number: u32) -> String {
    LOG.replace("aaaaaaaa.json", &format!("{number:08}.json"))
}

/// Opens a member, without reading its body.
fn hashed(archive: &OpenedArchive, name: &str) -> std::io::Result<HashedBody> {
    Ok(archive.files.open(&archive.files.root().join(name))?.hashed.unwrap())
}

fn hash(body: HashedBody) -> Sha256Hash {
    body.content.unwrap().0
}

fn expected(number: u32, version: u32) -> Sha256Hash {
    Sha256Hash::of(format!("{{\"{number}\":{version}}}").as_bytes())
}

/// Writes other bytes into the same file.
fn overwrite(disk: &OnDisk, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).truncate(true).open(&disk.path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn each_opening_of_a_member_is_a_further_read() {
    for format in [Format::TarGz, Format::TarZst] {
        let disk = OnDisk::new(&written(format, &as_slices(&logs(20, 1))));
        let archive = disk.open().unwrap();
        for version in 1..=4 {
            overwrite(&disk, &written(format, &as_slices(&logs(20, version))));
            assert_eq!(hash(hashed(&archive, &log(7)).unwrap()), expected(7, version), "{format:?}");
        }
        // First read in the first pass, then in the fourth, which was made for another member.
        overwrite(&disk, &written(format, &as_slices(&logs(20, 9))));
        assert_eq!(hash(hashed(&archive, &log(8)).unwrap()), expected(8, 4), "{format:?}");
        assert_eq!(hash(hashed(&archive, &log(8)).unwrap()), expected(8, 9), "{format:?}");
        assert_eq!(hash(hashed(&archive, &log(7)).unwrap()), expected(7, 9), "{format:?}");
    }
}

#[test]
fn a_further_read_is_shared_by_all_members() {
    let disk = OnDisk::new(&written(Format::TarGz, &as_slices(&logs(50, 1))));
    let archive = disk.open().unwrap();
    for number in 0..50 {
        assert_eq!(hash(hashed(&archive, &log(number)).unwrap()), expected(number, 1));
    }
    overwrite(&disk, &written(Format::TarGz, &as_slices(&logs(50, 2))));
    assert_eq!(hash(hashed(&archive, &log(0)).unwrap()), expected(0, 2));
    // The archive is gone, but the second pass was made for all members.
    overwrite(&disk, b"");
    for number in 1..50 {
        assert_eq!(hash(hashed(&archive, &log(number)).unwrap()), expected(number, 2));
    }
    assert!(hashed(&archive, &log(0)).is_err());
}

#[test]
fn members_that_are_gone_or_elsewhere_are_errors() {
    let before = logs(20, 1);
    let mut other = before.clone();
    other[10].0 = log(99);
    for after in [
        written(Format::TarGz, &as_slices(&other)),
        written(Format::TarGz, &as_slices(&before[..10])),
        vec![0; 100],
    ] {
        let disk = OnDisk::new(&written(Format::TarGz, &as_slices(&before)));
        let archive = disk.open().unwrap();
        hashed(&archive, &log(10)).unwrap();
        overwrite(&disk, &after);
        let error = hashed(&archive, &log(10)).unwrap_err();
        assert_ne!(error.kind(), std::io::ErrorKind::NotFound);
        assert!(error.to_string().contains("changed"), "{error}");
    }
}

#[test]
fn bodies_are_read_from_the_archive_when_they_are_asked_for() {
    let disk = OnDisk::new(&written(Format::TarGz, &as_slices(&logs(20, 1))));
    let archive = disk.open().unwrap();
    for memory in [0, 1 << 20] {
        let archive = archive::open(&disk.path, &ArchiveLimits { memory, ..small_limits() }).unwrap();
        for (name, right) in logs(20, 1).iter().rev() {
            assert_eq!(super::content(&*archive.files, name).as_ref(), Ok(right));
        }
    }
    let mut file = archive.files.open(&archive.files.root().join(log(3))).unwrap();
    overwrite(&disk, b"");
    assert!(std::io::Read::read(&mut file.body, &mut [0; 10]).is_err());
}

/// Many threads, some of which wait for a pass that another makes.
#[test]
fn threads_share_passes() {
    let disk = OnDisk::new(&written(Format::TarGz, &as_slices(&logs(100, 1))));
    let archive = disk.open().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    pool.install(|| {
        use rayon::prelude::*;
        (0..400_u32).into_par_iter().for_each(|at| {
            let number = at % 100;
            assert_eq!(hash(hashed(&archive, &log(number)).unwrap()), expected(number, 1));
            let name = archive.files.root().join(log(number));
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut archive.files.open(&name).unwrap().body, &mut body).unwrap();
            assert_eq!(body, gz(format!("{{\"{number}\":1}}").as_bytes()));
        });
    });
}

#[test]
fn a_plain_tar_and_a_zip_are_read_from_disk_each_time() {
    for format in [Format::Tar, Format::ZipStored] {
        let disk = OnDisk::new(&written(format, &[("a", b"one")]));
        let archive = disk.open().unwrap();
        assert_eq!(super::content(&*archive.files, "a"), Ok(b"one".to_vec()));
        let bytes = fs::read(&disk.path).unwrap();
        let at = (0..bytes.len()).find(|&at| bytes[at..].starts_with(b"one")).unwrap();
        let mut other = bytes.clone();
        other[at] = b'O';
        overwrite(&disk, &other);
        let second = super::content(&*archive.files, "a");
        assert!(
            second == Ok(b"One".to_vec()) || second.is_err_and(|why| why.contains("checksum")),
            "{format:?}"
        );
        overwrite(&disk, &bytes[..at]);
        assert!(super::content(&*archive.files, "a").is_err());
    }
}
