//! One gzip member (RFC 1952), read strictly: header, deflate stream, checksum and length.
//!
//! The deflate stream is flate2's to inflate. Header and trailer are read here, so that a thread keeps one decoder for
//! all its members: setting a new one up costs as much as inflating a small log file does.

use std::cell::RefCell;
use std::io::{self, BufRead};

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::BodyError;
use crate::event::BodyFault;

/// Bytes inflated at a time, a buffer kept by each thread.
const BUFFER: usize = 256 * 1024;

/// The method of every gzip file: deflate.
const DEFLATE: u8 = 8;

/// Flags of the header; there are no others.
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
const RESERVED: u8 = 0b1110_0000;

/// What each thread keeps.
struct Kept {
    inflate: Decompress,
    buffer: Vec<u8>,
}

thread_local! {
    static KEPT: RefCell<Kept> =
        RefCell::new(Kept { inflate: Decompress::new(false), buffer: vec![0; BUFFER] });
}

/// Why a member cannot be read to its end.
enum Broken {
    /// The file ends before the member does.
    CutOff,
    /// It is no gzip, or its checksum or length are those of something else.
    Corrupt,
    /// It goes on after so many bytes.
    TooLarge(u64),
}

impl From<io::Error> for Broken {
    /// The source keeps its own failures; what comes of them here is not looked at.
    fn from(_: io::Error) -> Self {
        Self::CutOff
    }
}

impl From<Broken> for BodyError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::CutOff => Self::Malformed(BodyFault::CutOff),
            Broken::Corrupt => Self::Malformed(BodyFault::Corrupt),
            Broken::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// Inflates the member that `source` begins with, up to `limit` bytes, which go to `take` piece by piece. Returns how
/// many there were. What follows the member is left in `source`.
pub(super) fn read(source: &mut impl BufRead, limit: u64, take: impl FnMut(&[u8])) -> Result<u64, BodyError> {
    KEPT.with_borrow_mut(|kept| Ok(read_with(kept, source, limit, take)?))
}

/// Passes what is not compressed to `take`, with the same limit.
pub(super) fn copy(
    source: &mut impl BufRead,
    limit: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, BodyError> {
    let mut total = 0;
    loop {
        let piece = source.fill_buf().map_err(Broken::from)?;
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
    kept: &mut Kept,
    source: &mut impl BufRead,
    limit: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, Broken> {
    Header { source, checksum: Hasher::new() }.read()?;
    let Kept { inflate, buffer } = kept;
    inflate.reset(false);
    let (mut checksum, mut total) = (Hasher::new(), 0_u64);
    loop {
        let input = source.fill_buf()?;
        let is_end = input.is_empty();
        let (consumed, produced) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, buffer, FlushDecompress::None).map_err(|_| Broken::Corrupt)?;
        let consumed = between(consumed, inflate.total_in());
        let piece = buffer.get(..between(produced, inflate.total_out())).unwrap_or_default();
        source.consume(consumed);
        total += piece.len() as u64;
        if total > limit {
            return Err(Broken::TooLarge(limit));
        }
        checksum.update(piece);
        take(piece);
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if consumed > 0 || !piece.is_empty() => {}
            Status::Ok | Status::BufError if is_end => return Err(Broken::CutOff),
            Status::Ok | Status::BufError => return Err(Broken::Corrupt),
        }
    }
    trailer(source, checksum.finalize(), total)?;
    Ok(total)
}

fn between(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or_default()
}

/// The checksum of the content, and its length modulo 2³² (RFC 1952, section 2.3.1).
fn trailer(source: &mut impl BufRead, checksum: u32, length: u64) -> Result<(), Broken> {
    let expected = u64::from(checksum) | (length & 0xffff_ffff) << 32;
    let mut found = [0; 8];
    source.read_exact(&mut found)?;
    if u64::from_le_bytes(found) == expected { Ok(()) } else { Err(Broken::Corrupt) }
}

/// The header, read and forgotten.
struct Header<'s, S> {
    source: &'s mut S,
    checksum: Hasher,
}

impl<S: BufRead> Header<'_, S> {
    fn read(mut self) -> Result<(), Broken> {
        let [magic, number, method, flags, ..] = self.bytes::<10>()?;
        if (magic, number, method) != (0x1f, 0x8b, DEFLATE) || flags & RESERVED != 0 {
            return Err(Broken::Corrupt);
        }
        if flags & HAS_EXTRA != 0 {
            let length = u16::from_le_bytes(self.bytes()?);
            (0..length).try_for_each(|_| self.bytes::<1>().map(drop))?;
        }
        for _ in [HAS_NAME, HAS_COMMENT].iter().filter(|text| flags & **text != 0) {
            self.text()?;
        }
        if flags & HAS_CHECKSUM != 0 {
            let [low, high, ..] = self.checksum.clone().finalize().to_le_bytes();
            if self.bytes::<2>()? != [low, high] {
                return Err(Broken::Corrupt);
            }
        }
        Ok(())
    }

    /// A name or a comment, which ends with a zero. RFC 1952 sets no limit: the source does.
    fn text(&mut self) -> Result<(), Broken> {
        loop {
            let piece = self.source.fill_buf()?;
            if piece.is_empty() {
                return Err(Broken::CutOff);
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

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }
}
