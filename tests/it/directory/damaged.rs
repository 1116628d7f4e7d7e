//! Archives that are damaged: what their own checksum contradicts accuses nobody, and what a hash proves stays proved.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use trailproof::event::{Kind, Verdict};
use trailproof::validate::ReadLimits;
use trailproof::validate::copies;

use super::{LOGS, OnDisk};
use crate::bodies;
use crate::fixtures::tree;
use crate::support::{Ran, request, run};

/// Damaged archives of each kind.
const CASES: usize = 24;

impl OnDisk {
    fn members(&self) -> Vec<(String, Vec<u8>)> {
        let named = |file: std::path::PathBuf| {
            let body = fs::read(self.path().join(&file)).unwrap();
            (file.to_str().unwrap().to_owned(), body)
        };
        tree::files(self.path()).unwrap().into_iter().map(named).collect()
    }

    /// Runs over an archive with these bytes.
    fn run_archive(&self, bytes: &[u8]) -> Option<Ran> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("archive");
        fs::write(&path, bytes).unwrap();
        self.run_source(&path)
    }

    fn run_source(&self, path: &Path) -> Option<Ran> {
        // What cannot be opened begins no run.
        let copies = copies::open(&[path.to_owned()], &self.keys(), &ReadLimits::default()).ok()?;
        let mut asked = request(&[], self.simulated.end);
        (asked.sources, asked.findings) = (copies.sources, copies.findings);
        Some(run(&copies.store, &self.keys(), &asked, 2))
    }
}

fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, body) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, body.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, body) in members {
        let stored = zip::CompressionMethod::Stored;
        let options = zip::write::SimpleFileOptions::default().compression_method(stored);
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(body).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The members with inflated bodies: a changed byte then changes an event, and not a checksum of the log file.
fn inflated(members: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let inflate = |(name, body): &(String, Vec<u8>)| {
        let is_gzip = name.ends_with(".gz");
        (name.clone(), if is_gzip { bodies::inflate(body) } else { body.clone() })
    };
    members.iter().map(inflate).collect()
}

#[test]
fn a_damaged_archive_accuses_nobody() {
    let disk = OnDisk::make();
    let members = disk.members();
    let plain = inflated(&members);
    let store = flate2::Compression::none();
    let mut random = ChaCha20Rng::seed_from_u64(7);
    for (what, whole) in [
        ("tgz", bodies::gzip(&tar(&members))),
        ("tgz, inflated", bodies::gzip(&tar(&plain))),
        ("tgz, stored and inflated", bodies::gzip_at(&tar(&plain), store)),
        ("zst", zstd::encode_all(&*tar(&plain), 1).unwrap()),
        ("zip", zip(&members)),
        ("zip, inflated", zip(&plain)),
    ] {
        let ran = disk.run_archive(&whole).unwrap();
        assert_eq!(ran.verdict, Verdict::Intact, "{what}: {:#?}", ran.findings);
        for case in 0..CASES {
            let mut damaged = whole.clone();
            let at = usize::try_from(random.next_u64() % damaged.len() as u64).unwrap();
            damaged[at] ^= 1 << (random.next_u32() % 8);
            // A frame of zstd has a checksum only where its writer asked for one.
            if what == "zst" {
                damaged.truncate(at.max(20));
            }
            let Some(ran) = disk.run_archive(&damaged) else { continue };
            let tampered = ran.counts.digests.tampered + ran.counts.logs.tampered;
            let accused = ran.verdict == Verdict::Tampered || tampered > 0;
            assert!(!accused, "{what}, case {case}, byte {at}: {:#?}", ran.findings);
        }
    }
}

#[test]
fn what_a_hash_proves_in_a_damaged_archive_stays_proved() {
    let disk = OnDisk::make();
    let mut members = disk.members();
    let (_, body) = members.iter_mut().find(|(name, _)| name.contains(LOGS)).unwrap();
    *body = bodies::gzip(b"{\"Records\":[]}");
    let whole = bodies::gzip(&tar(&members));
    assert_eq!(disk.run_archive(&whole).unwrap().kinds(), [Kind::LogModified]);
    // The checksum of the whole.
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    let ran = disk.run_archive(&damaged).unwrap();
    assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Incomplete, 7), "{:#?}", ran.findings);
    assert!(ran.kinds().contains(&Kind::LogUnreadable), "{:#?}", ran.findings);
}

/// The name in the central directory, in any place of it.
#[test]
fn a_wrong_name_in_the_list_of_a_zip_makes_nothing_missing() {
    let disk = OnDisk::make();
    let whole = zip(&disk.members());
    let log = disk.files(LOGS)[3].clone();
    let name = log.strip_prefix(disk.path()).unwrap().to_str().unwrap().as_bytes().to_owned();
    let at = (0..whole.len()).rev().find(|&at| whole[at..].starts_with(&name)).unwrap();
    for offset in [0, name.len() / 2, name.len() - 12, name.len() - 1] {
        for byte in [b'x', b'/', 0xff] {
            let mut damaged = whole.clone();
            damaged[at + offset] = byte;
            let Some(ran) = disk.run_archive(&damaged) else { continue };
            assert_eq!(ran.verdict, Verdict::Incomplete, "{offset} {byte}: {:#?}", ran.findings);
        }
    }
}

/// Programs write whole paths of a machine, which only name folders above the copy.
#[test]
fn absolute_names_are_read() {
    let disk = OnDisk::make();
    for root in ["/export/copy/", "//server/share/", "C:\\copy\\", "c:/copy/", "/"] {
        let named = |(name, body): (String, Vec<u8>)| {
            let name = if root.contains('\\') { name.replace('/', "\\") } else { name };
            (format!("{root}{name}"), body)
        };
        let members: Vec<_> = disk.members().into_iter().map(named).collect();
        let ran = disk.run_archive(&zip(&members)).unwrap();
        assert_eq!((ran.verdict, ran.counts.logs.valid), (Verdict::Intact, 8), "{root}: {:#?}", ran.findings);
    }
}

/// What is called like an archive is one, even where its first block cannot be inflated: the run says what is damaged.
#[test]
fn an_archive_that_is_damaged_at_its_start_is_told_as_such() {
    let disk = OnDisk::make();
    let mut bytes = bodies::gzip(&tar(&disk.members()));
    for byte in &mut bytes[12..40] {
        *byte = 0xff;
    }
    let place = tempfile::tempdir().unwrap();
    for (name, is_opened) in [("copy.tgz", true), ("copy.tar.gz", true), ("copy.json.gz", false)] {
        let path = place.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let ran = disk.run_source(&path);
        assert_eq!(ran.is_some(), is_opened, "{name}");
        let Some(ran) = ran else { continue };
        assert_eq!(ran.verdict, Verdict::Incomplete, "{name}");
        let says =
            |finding: &trailproof::event::Finding| finding.message().contains("later members are unknown");
        assert!(ran.findings.iter().any(says), "{name}: {:#?}", ran.findings);
    }
}
