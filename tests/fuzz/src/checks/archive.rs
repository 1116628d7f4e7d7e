//! Any bytes as an archive: what is listed can be asked for, two readings agree, and a tar is the same compressed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use trailproof::ident::Sha256Hash;
use trailproof::store::archive::{self, ArchiveLimits, MemberProblem, OpenedArchive};
use trailproof::store::files::{CopyFiles, FileKind};

/// Largest content compared, in bytes.
const LARGEST: u64 = 1 << 20;

/// What was found: the files with their content, and the problems.
#[derive(PartialEq, Debug)]
struct Seen {
    files: BTreeMap<PathBuf, Option<Sha256Hash>>,
    links: Vec<PathBuf>,
    problems: Vec<MemberProblem>,
}

/// Opens any bytes as an archive, and holds the answers against each other.
pub fn check(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.zip");
    fs::write(&path, bytes).unwrap();
    archive::is_archive(&path).unwrap();
    let Ok(first) = archive::open(&path, &limits()) else { return };
    let seen = seen(&first);
    let again = archive::open(&path, &limits()).unwrap();
    assert_eq!(seen, self::seen(&again));
    // A second reading of the same archive, which is a second pass over a compressed tar.
    assert_eq!(seen, self::seen(&first));
    if is_tar(bytes) {
        let compressed = dir.path().join("copy.tar.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        fs::write(&compressed, encoder.finish().unwrap()).unwrap();
        let other = archive::open(&compressed, &limits()).unwrap();
        assert_eq!(first.is_whole, other.is_whole);
        let other = self::seen(&other);
        assert_eq!((seen.files, seen.links), (other.files, other.links));
    }
}

fn limits() -> ArchiveLimits {
    ArchiveLimits {
        members: 1_000,
        names: 1 << 20,
        member: 1 << 30,
        stream: 1 << 26,
        memory: 1 << 16,
        log_content: LARGEST,
        threads: 1,
    }
}

/// Whether the bytes begin with a tar header. A hint: headers that only old programs wrote are left out. The checksum ends
/// at its first NUL: bytes with a NUL before the digits may be a zip behind other data.
fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..512).filter(|_| !bytes.starts_with(b"PK")) else { return false };
    let stored = header[148..156].split(|&byte| byte == 0).next();
    let stored = stored.and_then(|digits| std::str::from_utf8(digits).ok());
    let stored = stored.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
    let counted = |(at, &byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(byte) };
    stored == Some(header.iter().enumerate().map(counted).sum())
}

fn seen(archive: &OpenedArchive) -> Seen {
    let files = &*archive.files;
    let mut seen = Seen {
        files: BTreeMap::new(),
        links: Vec::new(),
        problems: archive.issues.iter().map(|issue| issue.problem.clone()).collect(),
    };
    assert_eq!(archive.is_whole, !seen.problems.iter().any(MemberProblem::hides_later_members));
    let mut folders = vec![files.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in files.entries(&folder).unwrap() {
            let path = folder.join(&entry.name);
            assert!(path.starts_with(files.root()));
            let below = path.strip_prefix(files.root()).unwrap().to_owned();
            match entry.kind {
                FileKind::Folder => folders.push(path),
                FileKind::File => {
                    let facts = files.facts(&path).unwrap();
                    assert_eq!(facts.kind, FileKind::File);
                    assert_eq!(files.resolve(&path).unwrap(), path);
                    let content =
                        if facts.size <= LARGEST { content(files, &path, facts.size) } else { None };
                    seen.files.insert(below, content);
                }
                FileKind::Link => {
                    assert!(files.resolve(&path).is_err() && files.open(&path).is_err());
                    seen.links.push(below);
                }
                FileKind::Other => assert!(files.open(&path).is_err()),
            }
        }
    }
    let absent = files.facts(&files.root().join("a file that is in no archive")).unwrap_err();
    assert_eq!(absent.kind() == ErrorKind::NotFound, archive.is_whole);
    seen.links.sort();
    seen
}

/// Hash of a file's stored bytes. `None` if the file cannot be read.
fn content(files: &dyn CopyFiles, path: &Path, size: u64) -> Option<Sha256Hash> {
    let mut file = match files.open(path) {
        Ok(file) => file,
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::NotFound);
            return None;
        }
    };
    let mut bytes = Vec::new();
    (&mut file.body).take(size + 1).read_to_end(&mut bytes).ok()?;
    assert_eq!(bytes.len() as u64, size);
    let hash = Sha256Hash::of(&bytes);
    if let Some(hashed) = file.hashed {
        assert_eq!(hashed.stored, hash);
    }
    Some(hash)
}
