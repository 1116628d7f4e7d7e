//! Archives that are cut, damaged, or followed by other bytes.

use trailproof::store::archive::{ArchiveError, MemberProblem};

use super::{FORMATS, Format, LOG, OnDisk, all, content, encoder, gz, opened, problems, tar_of, written};

/// Members without padding, and a log file that is hashed.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a", vec![b'a'; 512]),
        (LOG, gz(b"{\"Records\":[]}")),
        ("c", vec![b'c'; 100]),
        ("d", vec![b'd'; 512]),
    ]
}

fn of(format: Format) -> Vec<u8> {
    let files = files();
    let slices: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    written(format, &slices)
}

/// Whatever can be read of a cut tar has its content, and what cannot be found is not called absent.
#[test]
fn a_cut_tar_keeps_what_lies_before_the_cut() {
    let files = files();
    for format in [Format::Tar, Format::TarGz, Format::TarZst] {
        let whole = of(format);
        let step = if format == Format::Tar { 29 } else { 5 };
        for cut in (100..whole.len()).step_by(step) {
            let archive = match OnDisk::new(&whole[..cut]).open() {
                Ok(archive) => archive,
                // The first header is cut.
                Err(ArchiveError::NoTarInside(_) | ArchiveError::NotAnArchive) => continue,
                Err(error) => panic!("{format:?} cut at {cut}: {error}"),
            };
            let said = problems(&archive);
            let marker_is_read = archive.is_whole;
            // A plain tar without a part of its second block of zeros is whole.
            assert!(format == Format::Tar || !said.is_empty(), "{format:?} cut at {cut}");
            let read = all(&*archive.files);
            for (name, right) in &files {
                match read.get(*name) {
                    Some(Ok(bytes)) => assert_eq!(bytes, right, "{format:?} cut at {cut}"),
                    Some(Err(why)) => assert!(why.contains("ends within"), "{format:?} cut at {cut}: {why}"),
                    None => assert!(!marker_is_read, "{format:?} cut at {cut}"),
                }
            }
            let error = archive.files.facts(&archive.files.root().join("absent")).unwrap_err();
            assert_eq!(
                error.kind() == std::io::ErrorKind::NotFound,
                marker_is_read,
                "{format:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn a_tar_that_is_cut_between_members_ends_early() {
    let tar = of(Format::Tar);
    let archive = opened(&tar[..1024]);
    assert_eq!(problems(&archive), [MemberProblem::EndsEarly { at: 1024 }]);
    assert_eq!(content(&*archive.files, "a"), Ok(vec![b'a'; 512]));
    let archive = opened(&tar[..1000]);
    assert_eq!(problems(&archive), [MemberProblem::CutOff, MemberProblem::EndsEarly { at: 1000 }]);
    assert!(content(&*archive.files, "a").is_err());
}

#[test]
fn a_zip_without_its_directory_is_an_error() {
    for format in [Format::Zip, Format::ZipStored] {
        let whole = of(format);
        for cut in 4..whole.len() {
            let error = OnDisk::new(&whole[..cut]).open().unwrap_err();
            assert!(matches!(error, ArchiveError::NoCentralDirectory(_)), "{format:?} cut at {cut}: {error}");
        }
    }
}

#[test]
fn bytes_after_the_end_are_named() {
    for format in FORMATS {
        let mut bytes = of(format);
        bytes.extend(b"something else");
        let archive = opened(&bytes);
        let said = problems(&archive);
        let right = match format {
            // The checksum of each gzip member fits.
            Format::Tar | Format::TarGz => matches!(&said[..], [MemberProblem::AfterEnd]),
            Format::TarZst => matches!(&said[..], [MemberProblem::DamagedEnd(_)]),
            Format::Zip | Format::ZipStored => matches!(&said[..], [MemberProblem::Trailing]),
        };
        assert!(right, "{format:?}: {said:?}");
        assert_eq!(all(&*archive.files).len(), 4, "{format:?}");
        assert_eq!(archive.is_whole, matches!(format, Format::Zip | Format::ZipStored));
        assert_eq!(archive.files.doubt().is_some(), format == Format::TarZst);
    }
    // A second tar after the first, as `cat` makes it.
    for compress in [false, true] {
        let two = [tar_of(&[("a", b"1")]), tar_of(&[("b", b"2")])].concat();
        let archive = opened(&if compress { gz(&two) } else { two });
        assert_eq!(problems(&archive), [MemberProblem::AfterEnd]);
        assert_eq!(all(&*archive.files).len(), 1);
        let error = archive.files.facts(&archive.files.root().join("b")).unwrap_err();
        assert_ne!(error.kind(), std::io::ErrorKind::NotFound);
    }
}

#[test]
fn a_wrong_checksum_at_the_end_of_gzip_is_named() {
    let mut bytes = of(Format::TarGz);
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    let archive = opened(&bytes);
    assert!(matches!(&problems(&archive)[..], [MemberProblem::DamagedEnd(_)]), "{:?}", problems(&archive));
    assert!(!archive.is_whole && archive.files.doubt().is_some());
}

#[test]
fn a_damaged_header_hides_later_members() {
    let mut tar = of(Format::Tar);
    tar[1024 + 100] ^= 1;
    for bytes in [tar.clone(), gz(&tar)] {
        let archive = opened(&bytes);
        let said = problems(&archive);
        assert!(matches!(&said[..], [MemberProblem::Damaged { at: 1024, .. }]), "{said:?}");
        assert_eq!(content(&*archive.files, "a"), Ok(vec![b'a'; 512]));
        let error = archive.files.facts(&archive.files.root().join("d")).unwrap_err();
        assert_ne!(error.kind(), std::io::ErrorKind::NotFound);
    }
}

/// Extended headers of any declared size.
#[test]
fn a_huge_extended_header_is_not_read() {
    for kind in *b"LKxg" {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().linkflag = [kind];
        header.set_size(1 << 40);
        header.set_cksum();
        let mut encoder = encoder();
        std::io::Write::write_all(&mut encoder, header.as_bytes()).unwrap();
        let archive = opened(&encoder.finish().unwrap());
        assert!(matches!(&problems(&archive)[..], [MemberProblem::Damaged { at: 512, .. }]));
    }
}
