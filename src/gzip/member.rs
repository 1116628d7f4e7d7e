//! Strict reader for one gzip member (RFC 1952): header, deflate stream, checksum and length.
//!
//! The crate flate2 inflates the deflate stream. Header and trailer are read here, so that each thread reuses one
//! decoder: creating a decoder costs as much as inflating a small log file.

use std::cell::RefCell;
use std::io::{self, BufRead};

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::BodyError;
use crate::event::BodyFault;

/// Size of each thread's output buffer, in bytes.
const BUFFER: usize = 256 * 1024;

/// Compression method of every gzip file: deflate.
const DEFLATE: u8 = 8;

/// Flags of the header; `RESERVED` covers the bits without meaning.
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
const RESERVED: u8 = 0b1110_0000;

/// Decoder and buffer of a thread, reused for all members.
struct ThreadDecoder {
    inflate: Decompress,
    buffer: Vec<u8>,
}

thread_local! {
    static DECODER: RefCell<ThreadDecoder> =
        RefCell::new(ThreadDecoder { inflate: Decompress::new(false), buffer: vec![0; BUFFER] });
}

/// Why a member cannot be read to the end.
enum MemberError {
    /// The file ends before the end of the member.
    CutOff,
    /// The bytes are not gzip, or the checksum or length is wrong.
    Corrupt,
    /// The content exceeds the limit, in bytes.
    TooLarge(u64),
}

impl From<io::Error> for MemberError {
    /// The source records read errors, and the caller reports the recorded error first. So the kind chosen here does
    /// not matter.
    fn from(_: io::Error) -> Self {
        Self::CutOff
    }
}

impl From<MemberError> for BodyError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::CutOff => Self::Malformed(BodyFault::CutOff),
            MemberError::Corrupt => Self::Malformed(BodyFault::Corrupt),
            MemberError::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// Inflates the member at the start of `source`, up to `limit` bytes, and passes the content to `take` in pieces.
/// Returns the inflated size, and leaves the bytes after the member in `source`.
pub(super) fn read(source: &mut impl BufRead, limit: u64, take: impl FnMut(&[u8])) -> Result<u64, BodyError> {
    DECODER.with_borrow_mut(|decoder| Ok(read_with(decoder, source, limit, take)?))
}

/// Passes an uncompressed body to `take`, up to the same limit.
pub(super) fn copy(
    source: &mut impl BufRead,
    limit: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, BodyError> {
    let mut total = 0;
    loop {
        let piece = source.fill_buf().map_err(MemberError::from)?;
        if piece.is_empty() {
            return Ok(total);
        }
        let length = piece.len();
        total += length as u64;
        if total > limit {
            return Err(BodyError::TooLarge(limit));
        }
        take(piece);
        source.consume(length);
    }
}

fn read_with(
    decoder: &mut ThreadDecoder,
    source: &mut impl BufRead,
    limit: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, MemberError> {
    HeaderReader { source, checksum: Hasher::new() }.read()?;
    let ThreadDecoder { inflate, buffer } = decoder;
    // `false` selects a raw deflate stream: the gzip header is already read.
    inflate.reset(false);
    let (mut checksum, mut total) = (Hasher::new(), 0_u64);
    loop {
        let input = source.fill_buf()?;
        let is_end = input.is_empty();
        let (consumed, produced) = (inflate.total_in(), inflate.total_out());
        let status =
            inflate.decompress(input, buffer, FlushDecompress::None).map_err(|_| MemberError::Corrupt)?;
        let consumed = bytes_between(consumed, inflate.total_in());
        let piece = buffer.get(..bytes_between(produced, inflate.total_out())).unwrap_or_default();
        source.consume(consumed);
        total += piece.len() as u64;
        if total > limit {
            return Err(MemberError::TooLarge(limit));
        }
        checksum.update(piece);
        take(piece);
        // No progress with input left means corrupt data; no progress without input means a truncated file.
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if consumed > 0 || !piece.is_empty() => {}
            Status::Ok | Status::BufError if is_end => return Err(MemberError::CutOff),
            Status::Ok | Status::BufError => return Err(MemberError::Corrupt),
        }
    }
    check_trailer(source, checksum.finalize(), total)?;
    Ok(total)
}

fn bytes_between(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or_default()
}

/// Checks the trailer: CRC-32 of the content, and length modulo 2³² (RFC 1952, section 2.3.1).
fn check_trailer(source: &mut impl BufRead, checksum: u32, length: u64) -> Result<(), MemberError> {
    let expected = u64::from(checksum) | (length & 0xffff_ffff) << 32;
    let mut found = [0; 8];
    source.read_exact(&mut found)?;
    if u64::from_le_bytes(found) == expected { Ok(()) } else { Err(MemberError::Corrupt) }
}

/// Reads and skips the header.
struct HeaderReader<'s, S> {
    source: &'s mut S,
    checksum: Hasher,
}

impl<S: BufRead> HeaderReader<'_, S> {
    fn read(mut self) -> Result<(), MemberError> {
        let [magic, number, method, flags, ..] = self.bytes::<10>()?;
        if (magic, number, method) != (0x1f, 0x8b, DEFLATE) || flags & RESERVED != 0 {
            return Err(MemberError::Corrupt);
        }
        if flags & HAS_EXTRA != 0 {
            let length = u16::from_le_bytes(self.bytes()?);
            // Byte by byte, so that a length from a hostile file sizes no buffer.
            (0..length).try_for_each(|_| self.bytes::<1>().map(drop))?;
        }
        for _ in [HAS_NAME, HAS_COMMENT].iter().filter(|text| flags & **text != 0) {
            self.skip_text()?;
        }
        if flags & HAS_CHECKSUM != 0 {
            // The header checksum is the lower half of the CRC-32 of the header (RFC 1952, section 2.3.1).
            let [low, high, ..] = self.checksum.clone().finalize().to_le_bytes();
            if self.bytes::<2>()? != [low, high] {
                return Err(MemberError::Corrupt);
            }
        }
        Ok(())
    }

    /// Skips a name or a comment, up to the terminating zero byte. RFC 1952 sets no limit; the source limits the
    /// length.
    fn skip_text(&mut self) -> Result<(), MemberError> {
        loop {
            let piece = self.source.fill_buf()?;
            if piece.is_empty() {
                return Err(MemberError::CutOff);
            }
            let zero = piece.iter().position(|byte| *byte == 0);
            let length = zero.map_or(piece.len(), |at| at + 1);
            self.checksum.update(piece.get(..length).unwrap_or_default());
            self.source.consume(length);
            if zero.is_some() {
                return Ok(());
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], MemberError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }
}
