//! Tells the format of an archive by its bytes.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use ::tar::Header;

use super::inflated::{Compression, inflate};
use super::positioned::PositionedFile;
use super::tar_header::has_right_checksum;
use super::{names, zip_files};

/// Size of a tar header, in bytes.
const HEADER: usize = 512;

/// Most bytes inflated to see what is in a compressed file.
const PROBED: u64 = 1 << 20;

/// Format of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ArchiveFormat {
    Zip,
    Tar,
    /// A compressed tar.
    Compressed(Compression),
    /// A known format that is not read in place, by its name.
    Unsupported(&'static str),
    /// A compressed file without a tar, by the name of the compression.
    NoTarInside(&'static str),
    /// No known format.
    Unknown,
}

/// Start of the first volume descriptor of an ISO image after its type, and its position (ECMA-119, sections 7.2.1 and
/// 8.1).
const ISO: (&[u8], u64) = (b"CD001", 16 * 2_048 + 1);

/// Formats that are not read in place, by their first bytes.
const UNSUPPORTED: [(&[u8], &str); 7] = [
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"LZIP", "an lzip file"),
    (b"!<arch>\n", "an ar archive"),
];

/// The format of a file, from its content. The name matters only if a zip follows other data.
pub(super) fn of(file: &Arc<PositionedFile>, path: &Path) -> io::Result<ArchiveFormat> {
    let start = file.read_up_to(HEADER, 0)?;
    let is_named = names::is_archive(path.as_os_str().as_encoded_bytes());
    if starts_like_zip(&start) {
        return Ok(ArchiveFormat::Zip);
    }
    // Before other formats: the first bytes of a tar are a name, which anybody may choose.
    if starts_like_tar(&start) {
        return Ok(ArchiveFormat::Tar);
    }
    if let Some((_, name)) = UNSUPPORTED.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Ok(ArchiveFormat::Unsupported(name));
    }
    if let Some(compression) = Compression::of(&start) {
        return inside(file, is_named, compression);
    }
    if file.read_up_to(ISO.0.len(), ISO.1)? == ISO.0 {
        return Ok(ArchiveFormat::Unsupported("an ISO image"));
    }
    Ok(if is_named && has_end_of_zip(file)? { ArchiveFormat::Zip } else { ArchiveFormat::Unknown })
}

/// Local header, end record of an empty zip, or marker of a split zip.
fn starts_like_zip(start: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|magic| start.starts_with(*magic))
}

/// A header with a right checksum, or the end marker of an empty tar.
fn starts_like_tar(start: &[u8]) -> bool {
    let Ok(block) = <&[u8; HEADER]>::try_from(start) else { return false };
    block.iter().all(|&byte| byte == 0) || has_right_checksum(Header::from_byte_slice(block))
}

/// A zip may follow other data, such as a program that unpacks the zip.
fn has_end_of_zip(file: &PositionedFile) -> io::Result<bool> {
    let end = zip_files::read_end(file)?;
    Ok(end.windows(4).any(|window| window == b"PK\x05\x06"))
}

/// Inflates the start of a compressed file.
fn inside(file: &Arc<PositionedFile>, is_named: bool, compression: Compression) -> io::Result<ArchiveFormat> {
    let mut start = Vec::with_capacity(HEADER);
    let read = inflate(Arc::clone(file), compression, PROBED)
        .and_then(|body| body.take(HEADER as u64).read_to_end(&mut start));
    Ok(match read {
        Ok(_) if starts_like_tar(&start) => ArchiveFormat::Compressed(compression),
        // A damaged archive, whose damage is told when it is opened. Other invalid streams hold no tar that could be read.
        Err(_) if is_named => ArchiveFormat::Compressed(compression),
        _ => ArchiveFormat::NoTarInside(compression.name()),
    })
}
