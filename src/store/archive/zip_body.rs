//! Content of a member of a zip: stored or deflated, with size and checksum verified at its end.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use crc32fast::Hasher;
use flate2::bufread::DeflateDecoder;

use super::content::WholeContent;
use super::positioned::{FileWindow, PositionedFile};
use super::problem::MemberProblem;
use super::zip_files::LOCAL_HEADER;

/// Size of the buffers of a member, in bytes.
pub(super) const BUFFER: usize = 32 << 10;

/// Identifier of the extra field with a name in UTF-8 (APPNOTE.TXT, section 4.6.9).
const UNICODE_PATH: u16 = 0x7075;

/// Compression of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ZipMethod {
    Stored,
    Deflated,
}

impl ZipMethod {
    /// From the number of the method (APPNOTE.TXT, section 4.4.5).
    pub(super) const fn of(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Stored),
            8 => Some(Self::Deflated),
            _ => None,
        }
    }
}

/// Where a member is, by the central directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ZipPlace {
    /// Position of the local header in the file, in bytes.
    pub(super) header_start: u64,
    /// Size of the stored content, in bytes.
    pub(super) compressed: u64,
    /// CRC-32 of the content.
    pub(super) crc: u32,
    /// CRC-32 of the name as stored.
    pub(super) name: u32,
    pub(super) method: ZipMethod,
}

/// The stored content.
///
/// # Errors
/// An error if the local header differs from the central directory: some programs read the one and some the other.
pub(super) fn stored(file: &Arc<PositionedFile>, place: &ZipPlace) -> io::Result<WholeContent<FileWindow>> {
    let length = usize::try_from(LOCAL_HEADER).unwrap_or_default();
    let header = file.read_up_to(length, place.header_start)?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
        bytes.map_or(0, u16::from_le_bytes)
    };
    if !header.starts_with(b"PK\x03\x04") || header.len() < length {
        return Err(MemberProblem::DamagedMember("no local header").into());
    }
    let (flags, method, name_length, extra_length) = (number(6), number(8), number(26), number(28));
    if flags & 1 != 0 {
        return Err(MemberProblem::Encrypted.into());
    }
    let variable = usize::from(name_length) + usize::from(extra_length);
    let after = file.read_up_to(variable, place.header_start.saturating_add(LOCAL_HEADER))?;
    let (name, extra) = after.split_at_checked(usize::from(name_length)).ok_or(MemberProblem::CutOff)?;
    let has_same_name = crc32fast::hash(name) == place.name || has_field(extra, UNICODE_PATH);
    if ZipMethod::of(method) != Some(place.method) || !has_same_name {
        return Err(MemberProblem::DamagedMember("its two headers differ").into());
    }
    let start = place.header_start.saturating_add(LOCAL_HEADER).saturating_add(variable as u64);
    let end = start.saturating_add(place.compressed);
    Ok(WholeContent { content: FileWindow::part(Arc::clone(file), start, end), left: place.compressed })
}

/// Length of the local header at `start`, in bytes, if it has a name of this length and CRC-32, or a further name in an
/// extra field.
///
/// # Errors
/// An error if the file cannot be read.
pub(super) fn header_length(
    file: &PositionedFile,
    start: u64,
    length: usize,
    crc: u32,
) -> io::Result<Option<u64>> {
    let fixed = usize::try_from(LOCAL_HEADER).unwrap_or_default();
    let header = file.read_up_to(fixed + length, start)?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
        usize::from(bytes.map_or(0, u16::from_le_bytes))
    };
    if !header.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let (name_length, extra_length) = (number(26), number(28));
    let whole_length = (fixed + name_length + extra_length) as u64;
    let name = header.get(fixed..).unwrap_or_default();
    if name_length == length && name.len() == length && crc32fast::hash(name) == crc {
        return Ok(Some(whole_length));
    }
    let at = start.saturating_add(LOCAL_HEADER).saturating_add(name_length as u64);
    Ok(has_field(&file.read_up_to(extra_length, at)?, UNICODE_PATH).then_some(whole_length))
}

/// Whether a list of extra fields has a field: two bytes of identifier, two of length, and the value.
fn has_field(mut extra: &[u8], wanted: u16) -> bool {
    while let [id0, id1, length0, length1, rest @ ..] = extra {
        if u16::from_le_bytes([*id0, *id1]) == wanted {
            return true;
        }
        extra = rest.get(usize::from(u16::from_le_bytes([*length0, *length1]))..).unwrap_or_default();
    }
    false
}

/// The content of a member of `size` bytes, as the central directory declares it.
///
/// # Errors
/// The errors of [`stored`]. Reading fails if the content has not the declared size and checksum, or more than `limit`
/// bytes.
pub(super) fn inflated(
    file: &Arc<PositionedFile>,
    place: &ZipPlace,
    size: u64,
    limit: u64,
) -> io::Result<ZipContent> {
    if size > limit {
        return Err(MemberProblem::TooLarge(limit).into());
    }
    let stored = stored(file, place)?;
    let stream = match place.method {
        ZipMethod::Stored => ZipStream::Stored(stored),
        ZipMethod::Deflated => ZipStream::Deflated(
            DeflateDecoder::new(BufReader::with_capacity(BUFFER, stored)),
            place.compressed,
        ),
    };
    Ok(ZipContent { stream, hasher: Hasher::new(), crc: place.crc, read: 0, size })
}

enum ZipStream {
    Stored(WholeContent<FileWindow>),
    /// The decoder, and the size of the stored content.
    Deflated(DeflateDecoder<BufReader<WholeContent<FileWindow>>>, u64),
}

/// The content of a member, verified while it is read.
pub(super) struct ZipContent {
    stream: ZipStream,
    hasher: Hasher,
    /// CRC-32 of the content, as declared.
    crc: u32,
    read: u64,
    /// Size of the content, as declared.
    size: u64,
}

impl ZipContent {
    /// Verifies the content at its end.
    fn verify(&self) -> Result<(), MemberProblem> {
        if self.read != self.size {
            return Err(MemberProblem::DamagedMember("fewer bytes than declared"));
        }
        if let ZipStream::Deflated(decoder, compressed) = &self.stream
            && decoder.total_in() != *compressed
        {
            return Err(MemberProblem::DamagedMember("bytes after the compressed content"));
        }
        if self.hasher.clone().finalize() == self.crc {
            Ok(())
        } else {
            Err(MemberProblem::DamagedMember("wrong checksum"))
        }
    }
}

impl Read for ZipContent {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.stream {
            ZipStream::Stored(stream) => stream.read(into)?,
            ZipStream::Deflated(stream, _) => stream.read(into)?,
        };
        if read == 0 {
            self.verify()?;
            return Ok(0);
        }
        self.read = self.read.saturating_add(read as u64);
        // Not believed: a small member may inflate to any size.
        if self.read > self.size {
            return Err(MemberProblem::DamagedMember("more bytes than declared").into());
        }
        self.hasher.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}
