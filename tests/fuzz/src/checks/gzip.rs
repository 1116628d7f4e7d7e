//! Bodies.

use std::io::{BufReader, Read as _};

use flate2::bufread::GzDecoder;
use trailproof::gzip::{self, BodyError};
use trailproof::ident::Sha256Hash;
use trailproof::store::Encoding;

/// Most that is inflated, in bytes.
const LIMIT: u64 = 1 << 20;

/// A body is what flate2 makes of it, whichever way it is read, and never more than the limit.
pub fn check(bytes: &[u8]) {
    let ours = gzip::inflate(&mut &*bytes, Encoding::Gzip, LIMIT);
    match (&ours, one_member(bytes)) {
        (Ok((content, sizes)), Some(expected)) => {
            assert!(*content == expected, "another content");
            assert_eq!((sizes.compressed, sizes.inflated), (bytes.len() as u64, content.len() as u64));
        }
        (Err(BodyError::Malformed(_)), None) | (Err(BodyError::TooLarge(_) | BodyError::TooLong(_)), _) => {}
        (_, expected) => panic!("{ours:?}, where flate2 finds {:?}", expected.map(|content| content.len())),
    }
    let hashed = gzip::hash(&mut &*bytes, Encoding::Gzip, LIMIT);
    assert_eq!(hashed, ours.clone().map(|(content, sizes)| (Sha256Hash::of(&content), sizes)));
    let mut pieces = BufReader::with_capacity(1 + bytes.len() % 7, bytes);
    assert_eq!(gzip::inflate(&mut pieces, Encoding::Gzip, LIMIT), ours);
    let plain = gzip::inflate(&mut &*bytes, Encoding::GzipOrPlain, LIMIT);
    if bytes.first() == Some(&0x1f) {
        assert_eq!(plain, ours);
    } else if let Ok((content, _)) = plain {
        assert_eq!(content, bytes);
    }
}

/// The content where `body` is exactly one whole member, by flate2's reader.
pub fn one_member(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    let mut content = Vec::new();
    GzDecoder::new(&mut rest).take(LIMIT + 1).read_to_end(&mut content).ok()?;
    rest.is_empty().then_some(content)
}
