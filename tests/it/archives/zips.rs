//! Zips: methods, encryption, headers that differ, overlapping members, odd programs.

use trailproof::store::archive::{self, ArchiveError, ArchiveLimits, MemberProblem};
use trailproof::store::files::FileKind;

use super::{Format, OnDisk, all, content, opened, problems, written};

/// Positions of a signature.
fn positions(bytes: &[u8], signature: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature)).collect()
}

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

fn two() -> Vec<u8> {
    written(Format::Zip, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300])])
}

/// Sets a number of two bytes in the first member's headers.
fn set(bytes: &mut [u8], local: usize, central: usize, value: u16) {
    for (signature, offset) in [(LOCAL, local), (CENTRAL, central)] {
        let at = positions(bytes, signature)[0] + offset;
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
}

#[test]
fn encrypted_members_are_refused() {
    let mut bytes = two();
    set(&mut bytes, 6, 8, 1);
    let archive = opened(&bytes);
    assert_eq!(problems(&archive), [MemberProblem::Encrypted]);
    assert!(content(&*archive.files, "a").unwrap_err().contains("encrypted"));
    assert_eq!(content(&*archive.files, "b"), Ok(vec![b'b'; 300]));
}

#[test]
fn unknown_methods_are_refused() {
    for method in [1, 9, 12, 14, 93, 99, 1000] {
        let mut bytes = two();
        set(&mut bytes, 8, 10, method);
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), [MemberProblem::UnknownMethod(method)]);
        assert!(content(&*archive.files, "a").unwrap_err().contains(&method.to_string()));
        assert!(content(&*archive.files, "b").is_ok());
    }
}

#[test]
fn damaged_members_are_errors_when_they_are_read() {
    for format in [Format::Zip, Format::ZipStored] {
        let whole = written(format, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300])]);
        let data = positions(&whole, LOCAL)[0] + 31;
        let central = positions(&whole, CENTRAL)[0];
        // The content, the checksum, and the size in the central directory.
        for at in [data, data + 2, central + 16, central + 24] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let archive = opened(&bytes);
            assert!(content(&*archive.files, "a").is_err(), "{format:?} byte {at}");
            assert!(content(&*archive.files, "b").is_ok(), "{format:?} byte {at}");
        }
    }
}

/// Some programs read the local header and some the central directory.
#[test]
fn headers_that_differ_are_errors_when_they_are_read() {
    let whole = two();
    let local = positions(&whole, LOCAL)[0];
    // Flags, method, and name of the local header.
    for (at, bits) in [(local + 6, 1), (local + 8, 8), (local + 30, 3)] {
        let mut bytes = whole.clone();
        bytes[at] ^= bits;
        let archive = opened(&bytes);
        assert!(content(&*archive.files, "a").is_err(), "byte {at}");
    }
}

#[test]
fn overlapping_members_are_refused() {
    let mut bytes = two();
    let [_, second] = positions(&bytes, CENTRAL)[..] else { panic!() };
    // The second member is where the first is.
    bytes[second + 42..second + 46].fill(0);
    let archive = opened(&bytes);
    let expected = [MemberProblem::DamagedDirectory, MemberProblem::Overlaps, MemberProblem::Overlaps];
    assert_eq!(problems(&archive), expected);
    assert!(content(&*archive.files, "a").is_err() && content(&*archive.files, "b").is_err());
    // The first member holds the second.
    let mut bytes = written(Format::ZipStored, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300])]);
    set(&mut bytes, 18, 20, 500);
    set(&mut bytes, 22, 24, 500);
    let archive = opened(&bytes);
    assert_eq!(problems(&archive), [MemberProblem::Overlaps, MemberProblem::Overlaps]);
    // The last member reaches into the central directory.
    let mut bytes = written(Format::ZipStored, &[("a", &[b'a'; 300])]);
    set(&mut bytes, 18, 20, 320);
    assert_eq!(problems(&opened(&bytes)), [MemberProblem::Overlaps]);
}

/// Removes a member's entry from the central directory.
fn without_entry(mut bytes: Vec<u8>, number: usize) -> Vec<u8> {
    let central = positions(&bytes, CENTRAL);
    let end = positions(&bytes, END)[0];
    let next = central.get(number + 1).copied().unwrap_or(end);
    let length = next - central[number];
    bytes.drain(central[number]..next);
    let end = &mut bytes[end - length..];
    let count = u16::try_from(central.len() - 1).unwrap();
    let size =
        u32::try_from(positions(end, END)[0]).unwrap() + u32::from_le_bytes(end[12..16].try_into().unwrap());
    end[8..10].copy_from_slice(&count.to_le_bytes());
    end[10..12].copy_from_slice(&count.to_le_bytes());
    end[12..16].copy_from_slice(&(size - u32::try_from(length).unwrap()).to_le_bytes());
    bytes
}

/// Puts bytes before the second member, before the central directory, or before the end record.
fn with_gap(mut bytes: Vec<u8>, before: &[u8], gap: &[u8]) -> Vec<u8> {
    let at =
        *positions(&bytes, before).get(usize::from(before == LOCAL)).unwrap_or(&positions(&bytes, before)[0]);
    let (second, end) = (positions(&bytes, CENTRAL)[1], positions(&bytes, END)[0]);
    let length = u32::try_from(gap.len()).unwrap();
    let mut offsets = Vec::new();
    offsets.extend((before == LOCAL).then_some(second + 42));
    offsets.extend((before != END).then_some(end + 16));
    for offset in offsets {
        let field = u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap());
        bytes[offset..offset + 4].copy_from_slice(&(field + length).to_le_bytes());
    }
    bytes.splice(at..at, gap.iter().copied());
    bytes
}

/// Some programs read the members one after the other, and see a member that the list does not name.
#[test]
fn a_member_that_the_list_does_not_name_is_told() {
    for format in [Format::Zip, Format::ZipStored] {
        let whole = written(format, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300]), ("c", &[b'c'; 300])]);
        for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
            let archive = opened(&without_entry(whole.clone(), number));
            let at = positions(&whole, LOCAL)[number] as u64;
            assert_eq!(problems(&archive), [MemberProblem::HiddenMember { at }], "{name}");
            assert!(!archive.is_whole);
            assert_eq!(all(&*archive.files).len(), 2, "{name}");
            let error = archive.files.facts(&archive.files.root().join(name)).unwrap_err();
            assert_ne!(error.kind(), std::io::ErrorKind::NotFound, "{name}");
        }
    }
}

/// The forms of a data descriptor: with and without a signature, with sizes of 4 and of 8 bytes.
fn descriptors(content: &[u8]) -> [Vec<u8>; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let (crc, size) = (crc.sum().to_le_bytes(), content.len() as u64);
    let short = [&crc[..], &size.to_le_bytes()[..4], &size.to_le_bytes()[..4]].concat();
    let long = [&crc[..], &size.to_le_bytes(), &size.to_le_bytes()].concat();
    let signed = |fields: &[u8]| [b"PK\x07\x08", fields].concat();
    [signed(&short), signed(&long), short, long]
}

#[test]
fn what_programs_leave_between_members_is_harmless() {
    let whole = written(Format::ZipStored, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300])]);
    let zeros = vec![0; 5_000];
    for (before, content) in [(LOCAL, [b'a'; 300]), (CENTRAL, [b'b'; 300])] {
        for descriptor in descriptors(&content) {
            for gap in [descriptor.clone(), [&descriptor[..], &zeros].concat()] {
                let archive = opened(&with_gap(whole.clone(), before, &gap));
                assert_eq!(problems(&archive), [], "{gap:?}");
                assert_eq!(content_of_both(&archive), [vec![b'a'; 300], vec![b'b'; 300]]);
            }
        }
        assert_eq!(problems(&opened(&with_gap(whole.clone(), before, &zeros))), []);
    }
    let extra_data = b"PK\x06\x08\x05\0\0\0extra";
    let signature = b"PK\x05\x05\x04\0sign";
    for (before, record) in [(CENTRAL, &extra_data[..]), (END, signature), (END, &[0; 7])] {
        assert_eq!(problems(&opened(&with_gap(whole.clone(), before, record))), [], "{record:?}");
    }
}

fn content_of_both(archive: &trailproof::store::archive::OpenedArchive) -> [Vec<u8>; 2] {
    ["a", "b"].map(|name| content(&*archive.files, name).unwrap())
}

#[test]
fn other_bytes_between_members_are_told() {
    let whole = written(Format::ZipStored, &[("a", &[b'a'; 300]), ("b", &[b'b'; 300])]);
    let [signed, _, unsigned, _] = descriptors(&[b'a'; 300]);
    let hidden = whole[..positions(&whole, LOCAL)[1]].to_vec();
    for before in [LOCAL, CENTRAL, END] {
        let at = |skipped: usize| {
            let found = positions(&whole, before);
            (found[usize::from(before == LOCAL)] + skipped) as u64
        };
        for junk in [&b"x"[..], &[7; 40], &[0, 0, 1]] {
            let found = problems(&opened(&with_gap(whole.clone(), before, junk)));
            assert!(matches!(found[..], [MemberProblem::UnknownGap { .. }]), "{junk:?}: {found:?}");
        }
        let archive = opened(&with_gap(whole.clone(), before, &hidden));
        assert_eq!(problems(&archive), [MemberProblem::HiddenMember { at: at(0) }]);
        assert!(!archive.is_whole);
    }
    // A descriptor hides nothing behind itself, and is no descriptor of another member.
    let first = positions(&whole, LOCAL)[1] as u64;
    let found = problems(&opened(&with_gap(whole.clone(), LOCAL, &[&signed[..], &hidden].concat())));
    assert_eq!(found, [MemberProblem::HiddenMember { at: first + 16 }]);
    let found = problems(&opened(&with_gap(whole.clone(), CENTRAL, &unsigned)));
    assert!(matches!(found[..], [MemberProblem::UnknownGap { .. }]), "{found:?}");
    // More zeros than are read.
    let found = problems(&opened(&with_gap(whole, LOCAL, &vec![0; 2 << 20])));
    assert_eq!(found, [MemberProblem::UnknownGap { at: first }]);
}

/// The content of a folder is read by nobody.
#[test]
fn a_member_in_the_content_of_a_folder_is_told() {
    let hidden = written(Format::ZipStored, &[("c", &[b'c'; 300])]);
    let hidden = &hidden[..positions(&hidden, CENTRAL)[0]];
    for (content, is_told) in [(hidden, true), (&[7; 29], false)] {
        let mut bytes = written(Format::ZipStored, &[("a", &[b'a'; 300]), ("b!", content)]);
        for at in positions(&bytes, b"b!") {
            bytes[at + 1] = b'/';
        }
        let at = positions(&bytes, LOCAL)[1] as u64 + 32;
        let right: Vec<MemberProblem> =
            is_told.then_some(MemberProblem::HiddenMember { at }).into_iter().collect();
        assert_eq!(problems(&opened(&bytes)), right);
    }
}

/// A program before the zip may have the signature of a member among its constants, but holds no member.
#[test]
fn a_member_before_the_first_one_is_told() {
    let program = [&[0x7f, b'E', b'L', b'F'][..], LOCAL, &[0xff; 40], &vec![1; 3 << 20]].concat();
    for (before, hidden) in [(program.clone(), None), ([program, two()].concat(), Some(()))] {
        let disk = OnDisk::new(&[&before[..], &two()].concat());
        let named = disk.dir.path().join("copy.zip");
        std::fs::rename(&disk.path, &named).unwrap();
        let found = problems(&archive::open(&named, &super::small_limits()).unwrap());
        let at = (before.len() - two().len()) as u64;
        let right: Vec<MemberProblem> =
            hidden.map(|()| MemberProblem::HiddenMember { at }).into_iter().collect();
        assert_eq!(found, right);
    }
}

#[test]
fn a_list_without_members_is_no_empty_zip() {
    let whole = two();
    let start = positions(&whole, CENTRAL)[0];
    let counted = |from: usize| {
        let mut end = whole[positions(&whole, END)[0]..].to_vec();
        end[8..from].fill(0);
        [&whole[..start], &end].concat()
    };
    // The counts and the size alone, or the position too.
    for bytes in [counted(16), counted(20)] {
        let error = OnDisk::new(&bytes).open().unwrap_err();
        let size = bytes.len() as u64;
        assert!(matches!(error, ArchiveError::NoMemberNamed(named) if named == size), "{error}");
    }
    assert_eq!(problems(&opened(&written(Format::Zip, &[]))), []);
}

#[test]
fn data_before_a_zip_is_passed_over() {
    let mut bytes = b"#!/bin/sh\nexit\n".repeat(100);
    bytes.extend(two());
    let disk = OnDisk::new(&bytes);
    // Such a file is a zip only by its name.
    assert!(disk.open().is_err());
    let named = disk.dir.path().join("copy.zip");
    std::fs::rename(&disk.path, &named).unwrap();
    let archive = trailproof::store::archive::open(&named, &super::small_limits()).unwrap();
    assert_eq!(problems(&archive), []);
    assert_eq!(content(&*archive.files, "b"), Ok(vec![b'b'; 300]));
}

/// The end record counts two bytes' worth of members, and some programs write more.
#[test]
fn more_members_than_the_end_record_counts_are_named() {
    let mut bytes = two();
    let end = positions(&bytes, END)[0];
    bytes[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    let archive = opened(&bytes);
    assert!(matches!(&problems(&archive)[..], [MemberProblem::Damaged { .. }]), "{:?}", problems(&archive));
    assert!(!archive.is_whole);
}

#[test]
fn members_of_one_name_are_compared() {
    // The writer refuses two members of one name, so the second is renamed afterwards.
    let renamed = |content: &[u8], other: &[u8], format| {
        let mut bytes = written(format, &[("a", content), ("b", other)]);
        for (signature, offset) in [(LOCAL, 30), (CENTRAL, 46)] {
            let at = positions(&bytes, signature)[1] + offset;
            bytes[at] = b'a';
        }
        bytes
    };
    for format in [Format::Zip, Format::ZipStored] {
        let archive = opened(&renamed(b"one", b"one", format));
        assert_eq!(problems(&archive), [MemberProblem::Duplicate { first: 1 }]);
        assert_eq!(content(&*archive.files, "a"), Ok(b"one".to_vec()));
        let archive = opened(&renamed(b"one", b"two", format));
        assert_eq!(problems(&archive), [MemberProblem::Conflict { first: 1, second: 2 }]);
        assert!(content(&*archive.files, "a").unwrap_err().contains("members 1 and 2"));
    }
}

#[test]
fn links_and_folders_of_a_zip() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.add_directory("folder", options).unwrap();
    writer.add_symlink("link", "/etc/passwd", options).unwrap();
    let archive = opened(&writer.finish().unwrap().into_inner());
    assert_eq!(problems(&archive), [MemberProblem::SymbolicLink]);
    let kind = |name: &str| archive.files.facts(&archive.files.root().join(name)).unwrap().kind;
    assert_eq!((kind("folder"), kind("link")), (FileKind::Folder, FileKind::Link));
    assert!(content(&*archive.files, "link").is_err());
}

/// Programs for Windows write `\` between folders, whatever system they name in the zip, and some only after a first folder.
#[test]
fn backslashes_of_windows_are_slashes() {
    for name in [b"a\\b\\c", b"a/b\\c"] {
        let mut bytes = written(Format::Zip, &[("a|b|c", b"1")]);
        for at in positions(&bytes, b"a|b|c") {
            bytes[at..at + 5].copy_from_slice(name);
        }
        let central = positions(&bytes, CENTRAL)[0];
        for system in [0, 3, 10] {
            bytes[central + 5] = system;
            let archive = opened(&bytes);
            assert_eq!(all(&*archive.files).keys().collect::<Vec<_>>(), ["a/b/c"], "{system}");
            assert_eq!(content(&*archive.files, "a/b/c").unwrap(), b"1");
        }
    }
}

/// A member that is the same name with `/` is not hidden by one with `\`.
#[test]
fn names_that_differ_in_backslashes_are_one_name() {
    let mut bytes = written(Format::Zip, &[("a/b", b"1"), ("a|b", b"2")]);
    for at in positions(&bytes, b"a|b") {
        bytes[at + 1] = b'\\';
    }
    assert_eq!(problems(&opened(&bytes)), [MemberProblem::Conflict { first: 1, second: 2 }]);
}

#[test]
fn names_of_dos_are_decoded() {
    let mut bytes = written(Format::Zip, &[("a~b", b"1")]);
    for at in positions(&bytes, b"a~b") {
        bytes[at + 1] = 0x81;
    }
    assert_eq!(all(&*opened(&bytes).files).keys().collect::<Vec<_>>(), ["a\u{fc}b"]);
}

#[test]
fn a_zip_of_more_than_65535_members_is_read() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    for number in 0..70_000 {
        writer.start_file(format!("{}/{number}", number % 10), options).unwrap();
        std::io::Write::write_all(&mut writer, b"x").unwrap();
    }
    let archive = opened(&writer.finish().unwrap().into_inner());
    assert_eq!(problems(&archive), []);
    assert_eq!(archive.files.entries(&archive.files.root().join("7")).unwrap().len(), 7_000);
    assert_eq!(content(&*archive.files, "9/69999"), Ok(b"x".to_vec()));
}

/// The parts of a split zip, under the names that Info-ZIP, 7-Zip and split(1) give them: what to do is said.
#[test]
fn parts_of_a_split_zip_are_told() {
    let whole = two();
    let (first, last) = whole.split_at(whole.len() / 2);
    let marked = [b"PK\x07\x08", first].concat();
    let mut numbered = last.to_vec();
    let end = positions(&numbered, END)[0];
    numbered[end + 4..end + 8].copy_from_slice(&[1, 0, 1, 0]);
    let named = [
        ("copy.z01", &marked[..]),
        ("copy.zip", &numbered),
        ("copy.zip", &marked),
        ("copy.zip.001", first),
        ("copy.zip.aa", first),
    ];
    for (name, bytes) in named {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(archive::is_archive(&path).unwrap(), "{name}");
        let error = archive::open(&path, &ArchiveLimits::default()).unwrap_err();
        assert!(matches!(error, ArchiveError::SplitArchive), "{name}: {error}");
    }
    for name in ["copy.zip.001", "COPY.Z12", "a/copy.tar.gz.aa", "copy.7z.002"] {
        assert!(archive::is_named_like_archive(name), "{name}");
    }
    for name in ["copy.z", "copy.zip.json", "notes.001", "z01", "copy.zip.0"] {
        assert!(!archive::is_named_like_archive(name), "{name}");
    }
}
