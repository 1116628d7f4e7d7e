//! Archives as sources of the real binary: whole, cut, contradicting themselves, and in the way.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::case::{Case, Done, trailproof};
use crate::bodies::gzip;
use crate::fixtures::tree;

impl Case {
    /// The delivery's files, by their paths in an archive.
    fn members(&self) -> Vec<(String, Vec<u8>)> {
        let buckets = self.path("buckets");
        let read =
            |file: PathBuf| (file.to_str().unwrap().to_owned(), fs::read(buckets.join(&file)).unwrap());
        tree::files(&buckets).unwrap().into_iter().map(read).collect()
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, body) in self.members() {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(body.len()).unwrap());
            header.set_mode(0o644);
            tar.append_data(&mut header, name, body.as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn zip(&self, name: &str, members: &[(String, Vec<u8>)]) {
        let mut zip = ZipWriter::new(File::create(self.path(name)).unwrap());
        for (member, body) in members {
            zip.start_file(member, SimpleFileOptions::default()).unwrap();
            zip.write_all(body).unwrap();
        }
        zip.finish().unwrap();
    }

    fn of(&self, source: &str) -> Done {
        let (source, keys) = (self.text(source), self.text("keys.json"));
        trailproof(&["validate", &source, "--public-keys", &keys, "--end-time", &self.end])
    }
}

fn is_log(name: &str) -> bool {
    name.contains("_CloudTrail_")
}

#[test]
fn an_archive_is_validated_in_place() {
    let case = Case::make(&[]);
    fs::write(case.path("evidence.tgz"), gzip(&case.tar())).unwrap();
    case.zip("evidence.zip", &case.members());
    for archive in ["evidence.tgz", "evidence.zip"] {
        case.of(archive).assert_verdict(0, "5 digests and 4 log files proved");
    }
    let mut members = case.members();
    let log = members.iter().position(|(name, _)| is_log(name)).unwrap();
    members[log].1 = gzip(b"{}");
    case.zip("modified.zip", &members);
    case.of("modified.zip").assert_verdict(1, "log-modified (1)");
}

#[test]
fn what_an_archive_does_not_show_is_never_intact() {
    let case = Case::make(&[]);
    let tar = case.tar();
    fs::write(case.path("cut.tar"), &tar[..tar.len() * 6 / 10]).unwrap();
    case.of("cut.tar").assert_verdict(3, "the archive ends early");
    let compressed = gzip(&tar);
    fs::write(case.path("cut.tgz"), &compressed[..compressed.len() * 6 / 10]).unwrap();
    case.of("cut.tgz").assert_verdict(3, "later members are");

    let mut members = case.members();
    members.push(("more.zip".to_owned(), b"PK".to_vec()));
    case.zip("nested.zip", &members);
    case.of("nested.zip").assert_verdict(3, "`more.zip`, was not read");

    let mut members = case.members();
    let log = members.iter().position(|(name, _)| is_log(name)).unwrap();
    members[log].0.insert_str(0, "../");
    case.zip("dots.zip", &members);
    case.of("dots.zip").assert_verdict(3, "`..`");
}

/// The start of an ISO image: an area for the system, and a volume descriptor.
fn iso() -> Vec<u8> {
    [&[0; 16 << 11][..], b"\x01CD001\x01\0"].concat().into_iter().enumerate().map(unzeroed).collect()
}

/// The first block of zeros would be the end of a tar.
fn unzeroed((at, byte): (usize, u8)) -> u8 {
    if at == 0 { 0xeb } else { byte }
}

#[test]
fn what_is_no_archive_is_refused() {
    let case = Case::make(&[]);
    for (name, bytes, what) in [
        ("text.zip", &b"text"[..], "not a zip or tar archive"),
        ("x.tar.bz2", b"BZh91AY&SY", "a bzip2 file is not read in place"),
        ("void.zip", b"", "not a zip or tar archive"),
        ("disk.iso", &iso(), "an ISO image is not read in place"),
    ] {
        fs::write(case.path(name), bytes).unwrap();
        case.of(name).assert_cannot(what);
    }
}

#[test]
fn a_zip_that_hides_a_member_is_never_intact() {
    let case = Case::make(&[]);
    let mut members = case.members();
    members.push(("AWSLogs/hidden.json".to_owned(), b"{}".to_vec()));
    case.zip("hiding.zip", &members);
    let mut bytes = fs::read(case.path("hiding.zip")).unwrap();
    let find = |bytes: &[u8], signature: &[u8]| {
        (0..bytes.len()).rev().find(|&at| bytes[at..].starts_with(signature)).unwrap()
    };
    // The last entry of the list, and the end record's counts and size.
    let (entry, end) = (find(&bytes, b"PK\x01\x02"), find(&bytes, b"PK\x05\x06"));
    let lower = |bytes: &mut [u8], at: usize, by: usize| {
        let field = u16::from_le_bytes([bytes[at], bytes[at + 1]]) - u16::try_from(by).unwrap();
        bytes[at..at + 2].copy_from_slice(&field.to_le_bytes());
    };
    for (field, by) in [(8, 1), (10, 1), (12, end - entry)] {
        lower(&mut bytes, end + field, by);
    }
    bytes.drain(entry..end);
    fs::write(case.path("hiding.zip"), &bytes).unwrap();
    let done = case.of("hiding.zip");
    done.assert_verdict(3, "in the zip's list of members, and was not looked at");
    assert!(done.stdout.contains("zip -FF"), "{}", done.stdout);

    // A list that names nothing.
    let end = find(&bytes, b"PK\x05\x06");
    bytes[end + 8..end + 20].fill(0);
    fs::write(case.path("unlisted.zip"), &bytes).unwrap();
    let done = case.of("unlisted.zip");
    done.assert_cannot("and its list of members names none");
    assert!(done.stderr.contains("zip -FF"), "{}", done.stderr);
}

/// An archive beside the evidence, or in a folder above the accounts, may hold more of it; an archive in another folder of
/// the bucket is an object.
#[test]
fn an_archive_in_a_directory_is_named() {
    let case = Case::make(&[]);
    let place = case.path("buckets/trail-logs/backups");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("backup.zip"), b"PK").unwrap();
    case.of("buckets").assert_verdict(0, "intact");
    for name in
        ["buckets/evidence.tar.gz", "buckets/trail-logs/backup.zip", "buckets/trail-logs/AWSLogs/1.tar"]
    {
        fs::write(case.path(name), b"PK").unwrap();
        case.of("buckets").assert_verdict(3, "an archive in a");
        fs::remove_file(case.path(name)).unwrap();
    }
    // Beside the folders of an account's log files. A file that is only compressed is no archive by its name.
    let account = "buckets/trail-logs/AWSLogs/111122223333";
    for (name, is_archive) in [
        ("x.iso", true),
        ("x.tar.lz4", true),
        ("x.TAR.Z", true),
        ("x.vmdk", true),
        ("x.7z", true),
        ("x.lz4", false),
    ] {
        let path = case.path(&format!("{account}/{name}"));
        fs::write(&path, b"PK").unwrap();
        match is_archive {
            true => case.of("buckets").assert_verdict(3, "an archive in a"),
            false => case.of("buckets").assert_verdict(0, "intact"),
        };
        fs::remove_file(path).unwrap();
    }
}

/// The list of members is at the end of a zip.
#[test]
fn a_cut_zip_is_told_in_plain_words() {
    let case = Case::make(&[]);
    case.zip("whole.zip", &case.members());
    let bytes = fs::read(case.path("whole.zip")).unwrap();
    fs::write(case.path("cut.zip"), &bytes[..bytes.len() / 2]).unwrap();
    let done = case.of("cut.zip");
    done.assert_cannot("cut.zip`: the end of the zip, with the list of its members, is lost or damaged\n");
    let command = format!("`zip -FF {} --out FIXED.zip`", case.text("cut.zip"));
    assert!(done.stderr.contains(&command) && !done.stderr.contains("EOCD"), "{}", done.stderr);
}
