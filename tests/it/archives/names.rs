//! Names, links and types of members that are refused, and names that several members have.

use trailproof::store::archive::MemberProblem;
use trailproof::store::files::FileKind;

use super::{LOG, all, content, gz, opened, problems, raw_member, raw_tar, tar_of, zip_of};

/// A tar, plain and compressed.
fn both(tar: &[u8]) -> [Vec<u8>; 2] {
    [tar.to_vec(), gz(tar)]
}

#[test]
fn bad_names_are_refused_and_the_rest_is_read() {
    for (name, right) in [
        (b"a/../b" as &[u8], MemberProblem::ParentInName),
        (b"/a/../b", MemberProblem::ParentInName),
        (b"../b", MemberProblem::ParentInName),
        (b"./", MemberProblem::EmptyName),
        (b"", MemberProblem::EmptyName),
    ] {
        let tar = raw_tar(&[raw_member(name, b'7', b"", b"bad"), raw_member(b"./good", b'0', b"", b"good")]);
        for bytes in both(&tar) {
            let archive = opened(&bytes);
            assert_eq!(problems(&archive), std::slice::from_ref(&right), "{name:?}");
            assert_eq!(archive.issues[0].member.as_ref().unwrap().number, 1);
            assert_eq!(all(&*archive.files).keys().collect::<Vec<_>>(), ["good"], "{name:?}");
            assert_eq!(content(&*archive.files, "good"), Ok(b"good".to_vec()));
        }
    }
    let long = "long/".repeat(1000);
    let archive = opened(&tar_of(&[(&format!("{long}x"), b"1")]));
    assert_eq!(problems(&archive), [MemberProblem::NameTooLong]);
    let archive =
        opened(&zip_of(&[("a/../b", b"1"), ("/c", b"2"), ("d", b"3")], zip::CompressionMethod::Stored));
    assert_eq!(problems(&archive), [MemberProblem::ParentInName]);
    assert_eq!(all(&*archive.files).keys().collect::<Vec<_>>(), ["c", "d"]);
}

#[test]
fn a_nul_byte_in_a_name_is_refused() {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", b"a\0b" as &[u8])]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "x", &b"1"[..]).unwrap();
    for bytes in both(&builder.into_inner().unwrap()) {
        assert_eq!(problems(&opened(&bytes)), [MemberProblem::NulInName]);
    }
}

/// The member exists, so its absence under the path that is asked for proves nothing.
#[test]
fn a_file_whose_path_was_refused_is_not_called_absent() {
    let name = LOG.rsplit('/').next().unwrap();
    let tar = raw_tar(&[raw_member(format!("../{}", &name[..60]).as_bytes(), b'0', b"", b"1")]);
    for bytes in both(&tar) {
        let archive = opened(&bytes);
        let kind = |name: &str| archive.files.facts(&archive.files.root().join(name)).unwrap_err().kind();
        assert_ne!(kind(&format!("b/{}", &name[..60])), std::io::ErrorKind::NotFound);
        assert_eq!(kind("b/other"), std::io::ErrorKind::NotFound);
    }
}

#[test]
fn links_are_listed_and_not_followed() {
    let tar = raw_tar(&[
        raw_member(b"file", b'0', b"", b"content"),
        raw_member(b"symbolic", b'2', b"file", b""),
        raw_member(b"outside", b'2', b"/etc/passwd", b""),
        raw_member(b"dangling", b'1', b"absent", b""),
        raw_member(b"later", b'1', b"zz", b""),
        raw_member(b"up", b'1', b"../file", b""),
        raw_member(b"pipe", b'6', b"", b""),
        raw_member(b"device", b'3', b"", b""),
        raw_member(b"zz", b'0', b"", b"z"),
    ]);
    for bytes in both(&tar) {
        let archive = opened(&bytes);
        let files = &archive.files;
        let said = problems(&archive);
        assert_eq!(said.iter().filter(|said| **said == MemberProblem::SymbolicLink).count(), 2);
        assert_eq!(said.iter().filter(|said| **said == MemberProblem::HardLink).count(), 3);
        assert_eq!(said.iter().filter(|said| **said == MemberProblem::Special).count(), 2);
        for name in ["symbolic", "outside", "dangling", "later", "up"] {
            let path = files.root().join(name);
            assert_eq!(files.facts(&path).unwrap().kind, FileKind::Link, "{name}");
            let errors = [
                files.facts_of_target(&path).map(|_| ()).unwrap_err(),
                files.resolve(&path).map(|_| ()).unwrap_err(),
                files.open(&path).map(|_| ()).unwrap_err(),
            ];
            for error in errors {
                assert!(error.to_string().contains("link"), "{error}");
                assert_ne!(error.kind(), std::io::ErrorKind::NotFound);
            }
        }
        let behind = files.facts(&files.root().join("symbolic/further/file")).unwrap_err();
        assert_ne!(behind.kind(), std::io::ErrorKind::NotFound);
        for name in ["pipe", "device"] {
            assert_eq!(files.facts(&files.root().join(name)).unwrap().kind, FileKind::Other);
            assert!(content(&**files, name).is_err());
        }
    }
}

#[test]
fn a_hard_link_to_an_earlier_member_is_the_member() {
    for target in ["file", "x_CloudTrail_y.json.gz"] {
        let tar = raw_tar(&[
            raw_member(target.as_bytes(), b'0', b"", b"content"),
            raw_member(b"linked", b'1', target.as_bytes(), b""),
        ]);
        for bytes in both(&tar) {
            let archive = opened(&bytes);
            assert_eq!(problems(&archive), []);
            assert_eq!(content(&*archive.files, "linked"), Ok(b"content".to_vec()));
            assert_eq!(archive.files.facts(&archive.files.root().join("linked")).unwrap().size, 7);
        }
    }
}

#[test]
fn members_of_one_name_have_to_be_equal() {
    let large = vec![7; 2_000_000];
    let mut other = large.clone();
    other[1_999_999] = 8;
    for name in ["file", LOG] {
        for (one, two, same) in [
            (b"same".to_vec(), b"same".to_vec(), true),
            (b"one".to_vec(), b"two".to_vec(), false),
            (b"short".to_vec(), b"longer".to_vec(), false),
            (large.clone(), large.clone(), true),
            (large.clone(), other.clone(), false),
        ] {
            let tar = tar_of(&[(name, &one), ("between", b""), (name, &two)]);
            for bytes in both(&tar) {
                let archive = opened(&bytes);
                if same {
                    assert_eq!(problems(&archive), [MemberProblem::Duplicate { first: 1 }]);
                    assert_eq!((archive.duplicates, archive.skipped_issues), (1, 0));
                    assert!(content(&*archive.files, name) == Ok(one.clone()));
                } else {
                    assert_eq!(problems(&archive), [MemberProblem::Conflict { first: 1, second: 3 }]);
                    let said = content(&*archive.files, name).unwrap_err();
                    assert!(said.contains("members 1 and 3"), "{said}");
                }
            }
        }
    }
}

/// A third member of the name does not make up for two that differ.
#[test]
fn a_conflict_is_not_mended_by_a_further_member() {
    for contents in [["1", "2", "1"], ["1", "1", "2"], ["1", "2", "2"]] {
        let files: Vec<_> = contents.iter().map(|content| ("a", content.as_bytes())).collect();
        for bytes in both(&tar_of(&files)) {
            assert!(content(&*opened(&bytes).files, "a").is_err());
        }
    }
}

#[test]
fn a_link_and_a_file_of_one_name_are_a_conflict() {
    let tar = raw_tar(&[raw_member(b"a", b'0', b"", b"1"), raw_member(b"a", b'2', b"b", b"")]);
    for bytes in both(&tar) {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive).last(), Some(&MemberProblem::Conflict { first: 1, second: 2 }));
        assert!(content(&*archive.files, "a").is_err());
    }
}

#[test]
fn a_name_may_be_a_file_and_a_folder() {
    for members in [
        [raw_member(b"a", b'0', b"", b"file"), raw_member(b"a/b", b'0', b"", b"below")],
        [raw_member(b"a/b", b'0', b"", b"below"), raw_member(b"a", b'0', b"", b"file")],
    ] {
        for bytes in both(&raw_tar(&members)) {
            let archive = opened(&bytes);
            assert_eq!(problems(&archive), [MemberProblem::FileAndFolder]);
            let read = all(&*archive.files);
            assert_eq!(read["a"], Ok(b"file".to_vec()));
            assert_eq!(read["a/b"], Ok(b"below".to_vec()));
        }
    }
}

#[test]
fn nested_archives_are_named() {
    for bytes in both(&tar_of(&[("in/logs.TAR.GZ", b"x"), ("in/file.json.gz", b"y")])) {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), [MemberProblem::NestedArchive]);
        assert_eq!(archive.issues[0].member.as_ref().unwrap().name, "in/logs.TAR.GZ");
        assert_eq!(content(&*archive.files, "in/logs.TAR.GZ"), Ok(b"x".to_vec()));
    }
}

#[test]
fn sparse_files_are_refused_and_passed_over() {
    // A GNU sparse header whose map goes on in one further block.
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..6].copy_from_slice(b"sparse");
    header.as_old_mut().linkflag = [b'S'];
    header.set_size(3);
    header.as_gnu_mut().unwrap().set_is_extended(true);
    header.set_cksum();
    let mut sparse = header.as_bytes().to_vec();
    sparse.extend([0; 512]);
    sparse.extend(b"abc");
    sparse.resize(2048 - 512, 0);
    let old = raw_tar(&[sparse, raw_member(b"after", b'0', b"", b"after")]);
    let mut builder = tar::Builder::new(Vec::new());
    let extensions = [("GNU.sparse.major", b"1" as &[u8]), ("GNU.sparse.name", b"sparse")];
    builder.append_pax_extensions(extensions).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "GNUSparseFile.0/sparse", &b"x"[..]).unwrap();
    header.set_size(5);
    builder.append_data(&mut header, "after", &b"after"[..]).unwrap();
    let new = builder.into_inner().unwrap();
    for bytes in [both(&old), both(&new)].concat() {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), [MemberProblem::Sparse]);
        assert!(content(&*archive.files, "sparse").unwrap_err().contains("sparse"));
        assert_eq!(content(&*archive.files, "after"), Ok(b"after".to_vec()));
    }
}

/// `tar -V LABEL` in GNU's format leaves the size of the label empty.
#[test]
fn labels_without_a_size_are_passed_over() {
    let mut label = tar::Header::new_gnu();
    label.set_path("backup of 2026").unwrap();
    label.set_entry_type(tar::EntryType::new(b'V'));
    label.as_old_mut().size = [0; 12];
    label.set_cksum();
    let tar = raw_tar(&[label.as_bytes().to_vec(), raw_member(b"file", b'0', b"", b"1")]);
    let archive = opened(&tar);
    assert_eq!(problems(&archive), []);
    assert_eq!(all(&*archive.files).len(), 1);
    // A file has to tell its size.
    let mut file = tar::Header::new_gnu();
    file.set_path("file").unwrap();
    file.as_old_mut().size = [0; 12];
    file.set_cksum();
    assert!(!opened(&raw_tar(&[file.as_bytes().to_vec()])).is_whole);
}

#[test]
fn global_headers_with_comments_are_passed_over() {
    let comment = b"16 comment=0123\n";
    let path = b"11 path=xy\n";
    let file = raw_member(b"file", b'0', b"", b"1");
    let archive = opened(&raw_tar(&[raw_member(b"pax_global_header", b'g', b"", comment), file.clone()]));
    assert_eq!(problems(&archive), []);
    assert_eq!(all(&*archive.files).len(), 1);
    let archive = opened(&raw_tar(&[raw_member(b"pax_global_header", b'g', b"", path), file]));
    assert!(matches!(&problems(&archive)[..], [MemberProblem::Damaged { at: 0, .. }]));
    assert!(!archive.is_whole);
}

/// Programs disagree on where the next member begins.
#[test]
fn a_folder_or_link_with_content_ends_the_archive() {
    for kind in *b"123456" {
        let hidden = raw_tar(&[raw_member(b"hidden", b'0', b"", b"1")]);
        let tar =
            raw_tar(&[raw_member(b"first", b'0', b"", b"1"), raw_member(b"x", kind, b"first", &hidden)]);
        for bytes in both(&tar) {
            let archive = opened(&bytes);
            assert!(problems(&archive).iter().any(MemberProblem::hides_later_members), "{}", kind as char);
            assert!(!archive.is_whole);
            assert_eq!(content(&*archive.files, "first"), Ok(b"1".to_vec()));
        }
    }
}

#[cfg(unix)]
#[test]
fn names_are_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    for bytes in both(&raw_tar(&[raw_member(b"a\xff\x1b[31m", b'0', b"", b"1")])) {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), []);
        let path = archive.files.root().join(OsStr::from_bytes(b"a\xff\x1b[31m"));
        assert_eq!(archive.files.facts(&path).unwrap().size, 1);
    }
}
