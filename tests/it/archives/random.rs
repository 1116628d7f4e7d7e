//! Random bytes, cuts and flips of every format: no panic, no hang, and every answer is one of the contract.

use proptest::prelude::*;

use super::{FORMATS, LOG, gz, some_files, written};
use crate::checks;

fn whole(format: usize) -> Vec<u8> {
    let log = gz(b"{\"Records\":[]}");
    let files: [(&str, &[u8]); 5] =
        [(LOG, &log), ("a/b", b"1"), ("a/c", &[7; 2000]), ("a/b", b"1"), ("d.metadata.json", b"{}")];
    // A zip has no two members of one name.
    let most = if format < 3 { 5 } else { 3 };
    written(FORMATS[format], &files[..most])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        checks::archive::check(&bytes);
    }

    #[test]
    fn any_cut_and_flips_are_answered(
        format in 0..5_usize,
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4),
    ) {
        let mut bytes = whole(format);
        for (at, bits) in &flips {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        if flips.len() % 2 == 0 {
            let length = cut.index(bytes.len() + 1);
            bytes.truncate(length);
        }
        checks::archive::check(&bytes);
    }

    /// Flips of a tar within an intact stream, so that more than the stream's checksum is tried.
    #[test]
    fn any_tar_within_gzip_is_answered(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = whole(0);
        for (at, value) in &flips {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        checks::archive::check(&bytes);
        checks::archive::check(&gz(&bytes));
    }
}

#[test]
fn whole_archives_are_answered() {
    let files = some_files();
    for format in FORMATS {
        checks::archive::check(&written(format, &super::as_slices(&files)));
    }
}
