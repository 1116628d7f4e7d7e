//! Stored bodies: gzip that is equal in all runs, and broken gzip.

use std::io::{Read, Write};

use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, GzBuilder};

use super::SimulateError;

/// Maximum inflated size of an object that is read back, in bytes. Only the simulator's own bombs are larger.
const INFLATE_LIMIT: u64 = 256 << 20;

/// Inflated size of a bomb's pieces, in bytes.
const BOMB_PIECE: usize = 1 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// `content` as a gzip member without time or name, so that the same content gives the same bytes.
pub(super) fn gzip(content: &[u8]) -> Result<Vec<u8>, SimulateError> {
    let mut encoder =
        GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
    encoder.write_all(content).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// The content of a stored body, gzip or not. Bytes after the first member are ignored: the body may have been tampered
/// with.
pub(super) fn inflate(body: &[u8]) -> Result<Vec<u8>, SimulateError> {
    if is_gzip(body) { Ok(inflate_member(body)?.0) } else { Ok(body.to_vec()) }
}

/// The content of a body that must be a single gzip member.
pub(super) fn inflate_whole(body: &[u8]) -> Result<Vec<u8>, SimulateError> {
    let (content, rest) = inflate_member(body)?;
    if rest.is_empty() { Ok(content) } else { Err(failed("bytes follow the gzip member")) }
}

/// Whether a body begins like gzip.
pub(super) fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&GZIP_MAGIC)
}

/// The content of the first gzip member, and the remaining bytes.
fn inflate_member(body: &[u8]) -> Result<(Vec<u8>, &[u8]), SimulateError> {
    let (mut decoder, mut content) = (GzDecoder::new(body), Vec::new());
    decoder.by_ref().take(INFLATE_LIMIT).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 == INFLATE_LIMIT {
        return Err(failed(format!("inflates to {INFLATE_LIMIT} bytes or more")));
    }
    Ok((content, decoder.into_inner()))
}

/// A small gzip member that inflates to `pieces` MiB of spaces.
///
/// A single deflated piece is repeated: after a full flush a piece does not refer to earlier bytes and ends on a whole
/// byte.
pub(super) fn bomb(pieces: u32) -> Result<Vec<u8>, SimulateError> {
    let content = vec![b' '; BOMB_PIECE];
    let piece = flushed(&content)?;
    let mut one = Crc::new();
    one.update(&content);
    let mut all = Crc::new();
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..pieces {
        body.extend_from_slice(&piece);
        all.combine(&one);
    }
    body.extend_from_slice(&[0x03, 0x00]); // an empty last block
    body.extend_from_slice(&all.sum().to_le_bytes());
    body.extend_from_slice(&all.amount().to_le_bytes());
    Ok(body)
}

fn flushed(content: &[u8]) -> Result<Vec<u8>, SimulateError> {
    let mut piece = Vec::with_capacity(1 << 16);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(content, &mut piece, FlushCompress::Full).map_err(failed)?;
    Ok(piece)
}

fn failed(error: impl std::fmt::Display) -> SimulateError {
    SimulateError::Gzip(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_valid_gzip() {
        let body = bomb(3).unwrap();
        assert!(body.len() < 5_000, "{}", body.len());
        let content = inflate(&body).unwrap();
        assert_eq!(content.len(), 3 << 20);
        assert!(content.iter().all(|&byte| byte == b' '));
    }

    #[test]
    fn gzip_is_repeatable_and_plain_bodies_are_taken_as_they_are() {
        let body = gzip(b"content").unwrap();
        assert_eq!(body, gzip(b"content").unwrap());
        assert_eq!(inflate(&body).unwrap(), b"content");
        assert_eq!(inflate(b"{}").unwrap(), b"{}");
        assert_eq!(inflate_whole(&body).unwrap(), b"content");
        let two = [&*body, &*body].concat();
        assert_eq!(inflate(&two).unwrap(), b"content");
        assert!(inflate_whole(&two).is_err() && inflate_whole(b"{}").is_err());
        assert!(inflate(&body[..body.len() - 8]).is_err());
    }
}
