//! Measurements of large archives, each in a process of its own:
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo nextest run --run-ignored only --no-capture archives::measured`.

#![allow(clippy::print_stdout, reason = "figures are for a reader")]

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rayon::prelude::*;
use trailproof::gzip::{self, Encoding};
use trailproof::store::archive::{self, ArchiveLimits, OpenedArchive};

use super::{LOG, gz, peak_memory, raw_member};

/// Bytes of the archive with members of the usual size.
const SIZE: u64 = 1 << 30;

/// Stored bytes of a member.
const MEMBER: usize = 30 << 10;

/// Name of a log file short enough for a tar header.
fn name(number: u64) -> String {
    format!("{}{number:016}.json.gz", &LOG[LOG.len() - 83..LOG.len() - 24])
}

fn end(mut file: BufWriter<File>) {
    file.write_all(&[0; 1024]).unwrap();
    file.flush().unwrap();
}

fn compress(from: &Path, to: &Path) {
    let mut encoder = flate2::write::GzEncoder::new(File::create(to).unwrap(), flate2::Compression::fast());
    std::io::copy(&mut File::open(from).unwrap(), &mut encoder).unwrap();
    encoder.finish().unwrap();
}

fn open(what: &str, path: &Path, members: u64) -> OpenedArchive {
    let (before, start) = (peak_memory(), Instant::now());
    let archive = archive::open(path, &ArchiveLimits::default()).unwrap();
    let (took, taken) = (start.elapsed(), peak_memory() - before);
    println!("{what}: opened in {took:?}, peak +{} MiB, {} bytes a member", taken >> 20, taken / members);
    assert!(archive.is_whole && archive.issues.is_empty());
    archive
}

#[test]
#[ignore = "takes a minute and 2 GB of disk"]
fn a_gibibyte_of_compressed_log_files() {
    let dir = tempfile::tempdir().unwrap();
    let (tar, compressed) = (dir.path().join("logs.tar"), dir.path().join("logs.tar.gz"));
    let members = SIZE / MEMBER as u64;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut file = BufWriter::new(File::create(&tar).unwrap());
    let mut content = vec![0; MEMBER];
    for number in 0..members {
        random.fill_bytes(&mut content);
        // Hexadecimal digits, so that content is compressed once, as log files are.
        file.write_all(&raw_member(
            name(number).as_bytes(),
            b'0',
            b"",
            &gz(hex::encode(&content).as_bytes()),
        ))
        .unwrap();
    }
    end(file);
    compress(&tar, &compressed);
    let size = fs::metadata(&tar).unwrap().len() >> 20;
    let start = Instant::now();
    let archive = open("tar.gz", &compressed, members);
    println!("tar.gz: {size} MiB hashed at {:.0} MiB/s", size as f64 / start.elapsed().as_secs_f64());
    let start = Instant::now();
    for _ in 0..2 {
        assert!(archive.files.open(&archive.files.root().join(name(7))).unwrap().hashed.is_some());
    }
    println!("tar.gz: second pass at {:.0} MiB/s", size as f64 / start.elapsed().as_secs_f64());
    drop(archive);
    let start = Instant::now();
    let archive = open("tar", &tar, members);
    (0..members).into_par_iter().for_each(|number| {
        let mut file = archive.files.open(&archive.files.root().join(name(number))).unwrap();
        gzip::hash(&mut *file.body, Encoding::GzipOrPlain, 1 << 30).unwrap();
    });
    println!("tar: {size} MiB hashed at {:.0} MiB/s", size as f64 / start.elapsed().as_secs_f64());
}

#[test]
#[ignore = "takes a minute and 3 GB of disk"]
fn a_million_members() {
    let dir = tempfile::tempdir().unwrap();
    let (tar, compressed) = (dir.path().join("million.tar"), dir.path().join("million.tar.gz"));
    let mut file = BufWriter::new(File::create(&tar).unwrap());
    for number in 0..1_000_000 {
        file.write_all(&raw_member(name(number).as_bytes(), b'0', b"", &[b'x'; 1400])).unwrap();
    }
    end(file);
    compress(&tar, &compressed);
    drop(open("tar", &tar, 1_000_000));
    drop(open("tar.gz", &compressed, 1_000_000));
}

#[test]
#[ignore = "takes a minute and 300 MB of disk"]
fn a_zip_of_a_million_members() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("million.zip");
    let mut writer = zip::ZipWriter::new(BufWriter::new(File::create(&path).unwrap()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..1_000_000 {
        writer.start_file(name(number), options).unwrap();
        writer.write_all(b"x").unwrap();
    }
    writer.finish().unwrap().flush().unwrap();
    drop(open("zip", &path, 1_000_000));
}

#[test]
#[ignore = "takes a minute"]
fn ten_gigabytes_of_zeros() {
    let dir = tempfile::tempdir().unwrap();
    for name in [&name(1), "other"] {
        let path = dir.path().join("bomb.tar.gz");
        let encoder =
            flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::best());
        let mut builder = tar::Builder::new(encoder);
        let mut header = tar::Header::new_gnu();
        header.set_size(10 << 30);
        builder.append_data(&mut header, name, std::io::repeat(0).take(10 << 30)).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        println!("{name}: {} kB", fs::metadata(&path).unwrap().len() >> 10);
        drop(open("bomb", &path, 1));
    }
}
