//! Archives read in place: the same files in every format, and what a hostile archive may hold.

mod cut;
mod limits;
mod measured;
mod names;
mod random;
mod rereads;
mod zips;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use trailproof::ident::Sha256Hash;
use trailproof::store::archive::{self, ArchiveError, ArchiveLimits, MemberProblem, OpenedArchive};
use trailproof::store::files::{CopyFiles, FileKind};

use crate::bodies::gzip as gz;

/// Name of a log file, which a compressed tar hashes.
const LOG: &str = "b/AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/111122223333_CloudTrail_us-east-1_20260901T0105Z_aaaaaaaaaaaaaaaa.json.gz";

/// Name of a digest file, which a compressed tar keeps.
const DIGEST: &str = "b/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20260901T020657Z.json.gz";

/// Formats that are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Tar,
    TarGz,
    TarZst,
    Zip,
    ZipStored,
}

const FORMATS: [Format; 5] = [Format::Tar, Format::TarGz, Format::TarZst, Format::Zip, Format::ZipStored];

/// Bytes of an archive of these files.
fn written(format: Format, files: &[(&str, &[u8])]) -> Vec<u8> {
    match format {
        Format::Tar => tar_of(files),
        Format::TarGz => gz(&tar_of(files)),
        Format::TarZst => zstd::encode_all(tar_of(files).as_slice(), 1).unwrap(),
        Format::Zip => zip_of(files, zip::CompressionMethod::Deflated),
        Format::ZipStored => zip_of(files, zip::CompressionMethod::Stored),
    }
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar member with any name and type, without the end marker.
fn raw_member(name: &[u8], kind: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.as_old_mut().linkflag = [kind];
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut member = header.as_bytes().to_vec();
    member.extend(content);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

/// A tar of members, with the end marker.
fn raw_tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = members.concat();
    tar.extend([0; 1024]);
    tar
}

fn zip_of(files: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An archive on disk.
struct OnDisk {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl OnDisk {
    fn new(bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(dir.path()).unwrap().join("copy.bin");
        fs::write(&path, bytes).unwrap();
        Self { dir, path }
    }

    fn open(&self) -> Result<OpenedArchive, ArchiveError> {
        archive::open(&self.path, &small_limits())
    }
}

/// Limits for small archives.
fn small_limits() -> ArchiveLimits {
    ArchiveLimits { threads: 2, log_content: 1 << 20, ..ArchiveLimits::default() }
}

fn opened(bytes: &[u8]) -> OpenedArchive {
    OnDisk::new(bytes).open().unwrap()
}

fn problems(archive: &OpenedArchive) -> Vec<MemberProblem> {
    archive.issues.iter().map(|issue| issue.problem.clone()).collect()
}

/// Reads a member: its content, or the error.
fn content(files: &dyn CopyFiles, name: &str) -> Result<Vec<u8>, String> {
    read_path(files, &files.root().join(name))
}

fn read_path(files: &dyn CopyFiles, path: &Path) -> Result<Vec<u8>, String> {
    let mut file = files.open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.body.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if let Some(hashed) = file.hashed {
        assert_eq!(hashed.stored, Sha256Hash::of(&bytes), "{}", path.display());
    }
    Ok(bytes)
}

/// All files below a folder, by their paths below the root.
fn all(files: &dyn CopyFiles) -> BTreeMap<String, Result<Vec<u8>, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![files.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in files.entries(&folder).unwrap() {
            let path = folder.join(&entry.name);
            match entry.kind {
                FileKind::Folder => folders.push(path),
                FileKind::File => {
                    let name = path.strip_prefix(files.root()).unwrap().to_string_lossy().into_owned();
                    found.insert(name, read_path(files, &path));
                }
                FileKind::Link | FileKind::Other => {
                    assert!(files.open(&path).is_err());
                }
            }
        }
    }
    found
}

/// Files of many kinds and sizes.
fn some_files() -> Vec<(String, Vec<u8>)> {
    let large: Vec<u8> =
        (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let mut files = vec![
        (LOG.to_owned(), gz(b"{\"Records\":[]}")),
        (LOG.replace("aaaa", "bbbb"), b"{\"Records\":[]}".to_vec()),
        (LOG.replace("aaaa", "cccc"), gz(&large)),
        (LOG.replace("aaaa", "dddd"), large.clone()),
        (LOG.replace("aaaa", "eeee"), Vec::new()),
        (DIGEST.to_owned(), gz(b"{}")),
        (format!("{DIGEST}.metadata.json"), b"{}".to_vec()),
        ("notes.txt".to_owned(), b"hello".to_vec()),
        ("large.bin".to_owned(), large),
        ("\u{fc}ml\u{e4}ut/\u{65e5}.txt".to_owned(), b"name".to_vec()),
        (format!("{}/long.txt", ["long-folder-name"; 20].join("/")), b"long".to_vec()),
    ];
    for number in 0..200 {
        files.push((format!("many/{number:03}"), vec![b'x'; number]));
    }
    files
}

fn as_slices(files: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect()
}

/// Small archives of every format, to start fuzzing from.
pub fn seeds() -> BTreeSet<Vec<u8>> {
    let log = gz(b"{\"Records\":[]}");
    let files: [(&str, &[u8]); 4] = [(LOG, &log), (DIGEST, &log), ("a/b", b"1"), ("c.metadata.json", b"{}")];
    let links = raw_tar(&[
        raw_member(b"file", b'0', b"", b"1"),
        raw_member(b"hard", b'1', b"file", b""),
        raw_member(b"symbolic", b'2', b"file", b""),
        raw_member(b"file", b'0', b"", b"1"),
        raw_member(b"file", b'x', b"", b"36 SCHILY.xattr.user.signature=0a1b\n"),
        raw_member(b"../up", b'0', b"", b"1"),
    ]);
    FORMATS
        .iter()
        .map(|format| written(*format, &files))
        .chain([gz(&links), links, zip_behind_a_header()])
        .collect()
}

/// An empty zip behind what would be a tar header, were there no NUL before its checksum.
fn zip_behind_a_header() -> Vec<u8> {
    let mut bytes = raw_member(b"file", b'0', b"", b"");
    bytes[148] = 0;
    bytes.extend(zip_of(&[], zip::CompressionMethod::Stored));
    bytes
}

#[test]
fn every_format_holds_the_same_files() {
    let files = some_files();
    let right: BTreeMap<_, _> =
        files.iter().map(|(name, content)| (name.clone(), Ok(content.clone()))).collect();
    for format in FORMATS {
        let archive = opened(&written(format, &as_slices(&files)));
        assert_eq!(problems(&archive), [], "{format:?}");
        assert!(archive.is_whole);
        let read = all(&*archive.files);
        assert_eq!(read.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>(), "{format:?}");
        assert!(read == right, "{format:?}");
        for (name, content) in &files {
            let path = archive.files.root().join(name);
            let facts = archive.files.facts(&path).unwrap();
            assert_eq!((facts.kind, facts.size), (FileKind::File, content.len() as u64), "{format:?} {name}");
            assert_eq!(archive.files.resolve(&path).unwrap(), path);
        }
        let absent = archive.files.root().join("absent/file");
        assert_eq!(archive.files.facts(&absent).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        assert_eq!(
            archive.files.facts(Path::new("/elsewhere")).unwrap_err().kind(),
            std::io::ErrorKind::NotFound
        );
        let folder = archive.files.root().join("many");
        assert_eq!(archive.files.facts(&folder).unwrap().kind, FileKind::Folder);
        assert_eq!(archive.files.open(&folder).err().unwrap().kind(), std::io::ErrorKind::IsADirectory);
        let not_a_folder = archive.files.entries(&archive.files.root().join("notes.txt"));
        assert_eq!(not_a_folder.unwrap_err().kind(), std::io::ErrorKind::NotADirectory);
    }
}

/// Without memory to keep members, each is hashed, and read again from the archive.
#[test]
fn members_that_are_not_kept_are_read_again() {
    let files = some_files();
    for format in [Format::TarGz, Format::TarZst] {
        let disk = OnDisk::new(&written(format, &as_slices(&files)));
        for memory in [0, 10, 1000] {
            let archive = archive::open(&disk.path, &ArchiveLimits { memory, ..small_limits() }).unwrap();
            for (name, right) in files.iter().rev().step_by(17) {
                assert!(content(&*archive.files, name).as_ref() == Ok(right), "{format:?} {name}");
            }
            assert!(content(&*archive.files, DIGEST).is_ok());
        }
    }
}

#[test]
fn hashed_members_have_the_hash_of_their_content() {
    let files = some_files();
    let archive = opened(&written(Format::TarGz, &as_slices(&files)));
    let of = |name: &str| archive.files.open(&archive.files.root().join(name)).unwrap();
    for name in [LOG.to_owned(), LOG.replace("aaaa", "bbbb")] {
        let (hash, sizes) = of(&name).hashed.unwrap().content.unwrap();
        assert_eq!(hash, Sha256Hash::of(b"{\"Records\":[]}"), "{name}");
        assert_eq!(sizes.inflated, 14);
    }
    // A large body is hashed in pieces.
    let large = &files.iter().find(|(name, _)| name == "large.bin").unwrap().1;
    for name in ["cccc", "dddd"] {
        // The limit of the test is 1 MiB of content.
        assert!(of(&LOG.replace("aaaa", name)).hashed.unwrap().content.is_err());
    }
    let disk = OnDisk::new(&written(Format::TarGz, &as_slices(&files)));
    let archive =
        archive::open(&disk.path, &ArchiveLimits { log_content: 1 << 30, ..small_limits() }).unwrap();
    for name in ["cccc", "dddd"] {
        let file = archive.files.open(&archive.files.root().join(LOG.replace("aaaa", name))).unwrap();
        assert_eq!(file.hashed.unwrap().content.unwrap().0, Sha256Hash::of(large), "{name}");
    }
    assert!(of(DIGEST).hashed.is_none());
}

#[test]
fn other_formats_are_refused_with_advice() {
    let refused = |bytes: &[u8]| OnDisk::new(bytes).open().unwrap_err().to_string();
    for (bytes, right) in [
        (gz(b"{\"Records\":[]}"), "a gzip file without a tar inside"),
        (zstd::encode_all(&b"{}"[..], 1).unwrap(), "a zstd file without a tar inside"),
        (b"BZh91AY&SY".to_vec(), "a bzip2 file is not read in place"),
        (b"\xfd7zXZ\0\0".to_vec(), "an xz file is not read in place"),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "a 7-Zip archive is not read in place"),
        (b"Rar!\x1a\x07\x01\0".to_vec(), "a RAR archive is not read in place"),
        (b"{\"Records\":[]}".to_vec(), "not a zip or tar archive"),
        (Vec::new(), "not a zip or tar archive"),
        (b"PK\x03\x04 and no more".to_vec(), "the end of the zip, with the list of its members, is lost"),
    ] {
        let said = refused(&bytes);
        assert!(said.starts_with(right), "{said}");
    }
}

#[test]
fn archives_are_told_by_content_and_names() {
    let dir = tempfile::tempdir().unwrap();
    let is = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        archive::is_archive(&path).unwrap()
    };
    for format in FORMATS {
        assert!(is("any.bin", &written(format, &[("a", b"b")])), "{format:?}");
    }
    assert!(is("evidence.7z", b"?") && is("evidence.tar.gz", &gz(b"{}")) && is("any", b"Rar!\x1a\x07\x01\0"));
    assert!(!is("log.json.gz", &gz(b"{}")) && !is("log.json", b"{}") && !is("empty", b""));
    assert!(!archive::is_archive(dir.path()).unwrap());
    assert!(archive::is_archive(&dir.path().join("absent")).is_err());
}

#[test]
fn empty_archives_have_no_files() {
    for format in FORMATS {
        let archive = opened(&written(format, &[]));
        assert_eq!((problems(&archive), archive.is_whole), (vec![], true), "{format:?}");
        assert!(archive.files.entries(archive.files.root()).unwrap().is_empty());
    }
}

#[test]
fn several_gzip_members_and_zstd_frames_are_one_stream() {
    let tar = tar_of(&[("a", b"one"), ("b", b"two")]);
    let (start, end) = tar.split_at(700);
    let mut gzip = [gz(start), gz(end)].concat();
    let frames = [start, end].map(|part| zstd::encode_all(part, 1).unwrap()).concat();
    for bytes in [gzip.clone(), frames] {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), []);
        assert_eq!(content(&*archive.files, "b"), Ok(b"two".to_vec()));
    }
    // gzip itself passes over zeros at the end, as tapes and some copies have them.
    gzip.extend([0; 5000]);
    assert_eq!(problems(&opened(&gzip)), []);
}

#[test]
fn extended_attributes_are_read() {
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_pax_extensions([
            ("SCHILY.xattr.user.signature", b"0a1b" as &[u8]),
            ("LIBARCHIVE.xattr.user.signature-algorithm", b"U0hBMjU2d2l0aFJTQQ"),
        ])
        .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(2);
    builder.append_data(&mut header, "signed", &b"{}"[..]).unwrap();
    builder.append_pax_extensions([("SCHILY.xattr.user.signature", b"\xff\xfe" as &[u8])]).unwrap();
    builder.append_data(&mut header, "broken", &b"{}"[..]).unwrap();
    builder.append_data(&mut header, "plain", &b"{}"[..]).unwrap();
    let tar = builder.into_inner().unwrap();
    for bytes in [tar.clone(), gz(&tar)] {
        let archive = opened(&bytes);
        assert_eq!(problems(&archive), [MemberProblem::BadAttributes]);
        let attributes = |name: &str| archive.files.attributes(&archive.files.root().join(name));
        let signed = attributes("signed").unwrap();
        assert_eq!(signed["signature"], "0a1b");
        assert_eq!(signed["signature-algorithm"], "SHA256withRSA");
        assert!(attributes("broken").is_err());
        assert!(attributes("plain").unwrap().is_empty());
        assert_eq!(content(&*archive.files, "broken"), Ok(b"{}".to_vec()));
    }
}

/// Highest resident memory of this process so far, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}
