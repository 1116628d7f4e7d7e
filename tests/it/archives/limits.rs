//! Limits on members, names, memory and inflated bytes, and archives that are made to exceed them.

use std::io::Read as _;

use trailproof::store::archive::{self, ArchiveLimits, MemberProblem};

use super::{
    FORMATS, Format, LOG, OnDisk, all, content, encoder, gz, peak_memory, problems, raw_member, small_limits,
    tar_of, written,
};

#[test]
fn members_above_the_limit_are_not_looked_at() {
    let names: Vec<String> = (0..10).map(|number| format!("file{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x" as &[u8])).collect();
    for format in FORMATS {
        let disk = OnDisk::new(&written(format, &files));
        let open = |members| archive::open(&disk.path, &ArchiveLimits { members, ..small_limits() }).unwrap();
        assert_eq!(problems(&open(10)), [], "{format:?}");
        let archive = open(9);
        assert_eq!(problems(&archive), [MemberProblem::TooManyMembers(9)], "{format:?}");
        assert!(!archive.is_whole);
        assert_eq!(all(&*archive.files).len(), 9);
        let error = archive.files.facts(&archive.files.root().join("file9")).unwrap_err();
        assert_ne!(error.kind(), std::io::ErrorKind::NotFound);
    }
}

#[test]
fn names_above_the_limit_are_not_looked_at() {
    let names: Vec<String> = (0..100).map(|number| format!("folder{number}/file")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x" as &[u8])).collect();
    for format in FORMATS {
        let disk = OnDisk::new(&written(format, &files));
        let archive = archive::open(&disk.path, &ArchiveLimits { names: 10_000, ..small_limits() }).unwrap();
        assert_eq!(problems(&archive), [MemberProblem::NamesTooLong(10_000)], "{format:?}");
        assert!(!archive.is_whole && all(&*archive.files).len() < 30);
    }
}

#[test]
fn members_that_are_too_large_are_errors() {
    let large = vec![7; 5_000];
    for format in [Format::TarGz, Format::TarZst, Format::Zip, Format::ZipStored] {
        let disk = OnDisk::new(&written(format, &[("large", &large), ("small", b"s")]));
        let archive = archive::open(&disk.path, &ArchiveLimits { member: 4_999, ..small_limits() }).unwrap();
        assert!(content(&*archive.files, "large").unwrap_err().contains("4999"), "{format:?}");
        assert_eq!(content(&*archive.files, "small"), Ok(b"s".to_vec()));
        let archive = archive::open(&disk.path, &ArchiveLimits { member: 5_000, ..small_limits() }).unwrap();
        assert_eq!(content(&*archive.files, "large"), Ok(large.clone()));
    }
}

#[test]
fn a_stream_that_is_too_long_ends_with_an_issue() {
    let tar = tar_of(&[("a", &[7; 5_000]), ("b", &[8; 5_000])]);
    for format in [Format::TarGz, Format::TarZst] {
        let disk = OnDisk::new(&written(format, &[("a", &[7; 5_000]), ("b", &[8; 5_000])]));
        let open = |stream| archive::open(&disk.path, &ArchiveLimits { stream, ..small_limits() }).unwrap();
        assert_eq!(problems(&open(tar.len() as u64)), []);
        let archive = open(9_000);
        assert_eq!(problems(&archive).last(), Some(&MemberProblem::StreamTooLong(9_000)), "{format:?}");
        assert_eq!(content(&*archive.files, "a"), Ok(vec![7; 5_000]));
        assert!(!archive.is_whole);
    }
}

/// A declared size is no size: the deflated content of a zip inflates to more, or to less.
#[test]
fn declared_sizes_are_not_believed() {
    let whole = written(Format::Zip, &[("a", &vec![0; 1 << 20])]);
    let central = (0..whole.len()).find(|&at| whole[at..].starts_with(b"PK\x01\x02")).unwrap();
    for declared in [0_u32, 1, 1000, (1 << 20) - 1, (1 << 20) + 1, u32::MAX - 1] {
        let mut bytes = whole.clone();
        bytes[central + 24..central + 28].copy_from_slice(&declared.to_le_bytes());
        let disk = OnDisk::new(&bytes);
        let archive = disk.open().unwrap();
        let mut file = archive.files.open(&archive.files.root().join("a")).unwrap();
        let mut read = Vec::new();
        assert!(file.body.read_to_end(&mut read).is_err(), "{declared}");
        assert!(read.len() <= declared as usize + (64 << 10), "{declared}");
    }
}

#[test]
fn issues_are_counted_above_what_is_kept() {
    let bad: Vec<Vec<u8>> =
        (0..1500).map(|number| raw_member(format!("../{number}").as_bytes(), b'0', b"", b"")).collect();
    let mut members = bad;
    members.extend((0..150).map(|_| raw_member(b"same", b'0', b"", b"1")));
    let archive = super::opened(&gz(&super::raw_tar(&members)));
    assert_eq!((archive.issues.len(), archive.skipped_issues, archive.duplicates), (1_100, 500, 149));
}

/// A member of zeros, one of a log file's name, and one that is no log file: 128 MiB of content in some 600 kB.
#[test]
fn a_bomb_takes_little_memory() {
    const ZEROS: u64 = 128 << 20;
    for name in [LOG, "other"] {
        let mut header = tar::Header::new_gnu();
        let mut tar = encoder();
        {
            let mut builder = tar::Builder::new(&mut tar);
            header.set_size(ZEROS);
            builder.append_data(&mut header, name, std::io::repeat(0).take(ZEROS)).unwrap();
            header.set_size(1);
            builder.append_data(&mut header, "after", &b"1"[..]).unwrap();
            builder.finish().unwrap();
        }
        let bytes = tar.finish().unwrap();
        let before = peak_memory();
        let archive = super::opened(&bytes);
        assert_eq!(content(&*archive.files, "after"), Ok(b"1".to_vec()));
        let taken = peak_memory() - before;
        assert!(taken < 24 << 20, "{name}: {taken} bytes");
    }
}
