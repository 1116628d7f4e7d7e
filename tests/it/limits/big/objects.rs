//! Very large objects, and very many of them or of folders.

use std::fs::{self, File};
use std::io::Write as _;

use super::{Big, Row, again, gzip_file};
use crate::limits::padded;

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

#[test]
#[ignore = "large"]
fn log_files() {
    let big = Big::make();
    let log = big.objects("CloudTrail").remove(3);
    gzip_file(&log, |out| again(out, &[0], 20 * GIB));
    let name = "a log of 20 GiB of zeros, gzip";
    let says = &["log-unreadable", "limit of 17179869184 bytes", "raise `--max-log-size`"];
    big.row(&Row { name, arguments: &[], code: 3, says, peak: 60.0 });
    big.row(&Row {
        name,
        arguments: &["--max-log-size", "32G"],
        code: 1,
        says: &["log-modified"],
        peak: 60.0,
    });
    fs::write(&log, padded(b"{}", 50 << 20)).unwrap();
    let name = "a log of 250 MiB of blocks without content, gzip";
    let says = &["log-unreadable", "as stored", "limit of 67108864 bytes", "raise `--max-log-size`"];
    big.row(&Row { name, arguments: &["--max-log-size", "64M"], code: 3, says, peak: 60.0 });
    File::create(&log).unwrap().set_len(20 * GIB).unwrap();
    let name = "a log of 20 GiB of zeros, not gzip";
    let says = &["log-unreadable", "raise `--max-log-size`"];
    big.row(&Row { name, arguments: &[], code: 3, says, peak: 60.0 });
}

#[test]
#[ignore = "large"]
fn digest_files() {
    let big = Big::make();
    let digest = big.objects("CloudTrail-Digest").remove(1);
    let says = &["digest-modified", "is not what its successor records"];
    gzip_file(&digest, |out| again(out, b" ", 4 * GIB));
    big.row(&Row { name: "a digest of 4 GiB of spaces, gzip", arguments: &[], code: 1, says, peak: 250.0 });
    File::create(&digest).unwrap().set_len(GIB).unwrap();
    big.row(&Row {
        name: "a digest of 1 GiB of zeros, not gzip",
        arguments: &[],
        code: 1,
        says,
        peak: 250.0,
    });
    gzip_file(&digest, |out| {
        // Whatever cannot be compressed: the state of a generator, again and again another.
        let mut state = 1_u64;
        (0..GIB / 8).try_for_each(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            out.write_all(&(state ^ (state >> 29)).to_le_bytes())
        })
    });
    let name = "a digest of 1 GiB that cannot be compressed, gzip";
    big.row(&Row { name, arguments: &[], code: 1, says, peak: 250.0 });
    let raised = Row {
        name,
        arguments: &["--max-digest-size", "2G"],
        code: 1,
        says: &["digest-malformed"],
        peak: 2_500.0,
    };
    big.row(&raised);
}

/// Fills a folder with junk beside its objects.
fn litter(big: &Big, kind: &str, count: u32) {
    let beside = big.objects(kind).remove(3);
    let name = beside.file_name().unwrap().to_str().unwrap();
    let stem = beside.with_file_name(name.rsplit_once('_').unwrap().0);
    for number in 0..count {
        let path = format!("{}_junk{number:08}", stem.display());
        File::create(path).unwrap().write_all(b"x").unwrap();
    }
}

#[test]
#[ignore = "large"]
fn junk_among_digests() {
    let big = Big::make();
    litter(&big, "CloudTrail-Digest", 100_000);
    let name = "100,000 junk objects among digests";
    big.row(&Row {
        name,
        arguments: &[],
        code: 0,
        says: &["object-unrecognised (100,000)", "and 99,9"],
        peak: 250.0,
    });
    big.row(&Row { name, arguments: &["--format", "json"], code: 0, says: &[], peak: 400.0 });
    let says = &["object-unrecognised (1,001)", "99000 more objects"];
    big.row(&Row {
        name,
        arguments: &["--max-named", "1000", "--format", "json"],
        code: 0,
        says: &["99000 more objects"],
        peak: 150.0,
    });
    big.row(&Row { name, arguments: &["--max-named", "1000"], code: 0, says: &says[..1], peak: 150.0 });
}

#[test]
#[ignore = "large"]
fn junk_among_logs() {
    for (count, shown) in [(100_000, "100,000"), (1_000_000, "1,000,000")] {
        let big = Big::make();
        litter(&big, "CloudTrail", count);
        let name = &*format!("{shown} objects among log files that nothing lists");
        for format in ["text", "json"] {
            big.row(&Row {
                name,
                arguments: &["--format", format],
                code: 3,
                says: &["log-unreferenced"],
                peak: 700.0,
            });
        }
        big.row(&Row {
            name,
            arguments: &["--max-named", "1000"],
            code: 3,
            says: &["log-unreferenced (1,001)"],
            peak: 600.0,
        });
    }
}

/// The folder of a copy is searched for trails, the newest names first.
#[test]
#[ignore = "large"]
fn folders_before_the_trail() {
    let big = Big::make();
    let above = big.path("buckets/zeros");
    fs::create_dir(&above).unwrap();
    (0..200_000).for_each(|number| fs::create_dir(above.join(format!("{number:06}"))).unwrap());
    let name = "200,000 folders before the trail's";
    let says = &["the search stops after 200000 folders", "name the folder of the copy"];
    big.row(&Row { name, arguments: &[], code: 3, says, peak: 250.0 });
}
