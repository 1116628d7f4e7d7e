//! Bytes of a zip that are part of no listed member: a member may be hidden there that the central directory does not
//! name, and that some programs read.
//!
//! Programs leave few kinds of such bytes, and only those pass: data descriptors, zeros, the records around the central
//! directory, and other data before the first member, such as a program that unpacks the zip.

use std::io;
use std::ops::Range;

use super::positioned::PositionedFile;
use super::problem::MemberProblem;
use super::zip_files::{END_RECORD, LOCAL_HEADER};

/// Start of a local header (APPNOTE.TXT, section 4.3.7).
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// Most bytes read of one gap, and of all gaps between members.
const MAX_GAP: u64 = 1 << 20;
const MAX_GAPS: u64 = 64 << 20;

/// Most bytes read before the first member. Programs that unpack themselves are far smaller.
const MAX_PREFIX: u64 = 256 << 20;

/// Most bytes read after the central directory. The records there and the longest comment take 64 KiB.
const MAX_TAIL: u64 = 256 << 10;

/// Bytes of the prefix that are read at once.
const CHUNK: u64 = 1 << 20;

/// A member's bytes in the file, and what its data descriptor repeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberExtent {
    /// Position of the local header.
    pub(super) start: u64,
    /// End of the stored content.
    pub(super) end: u64,
    pub(super) crc: u32,
    /// Size of the stored content, in bytes.
    pub(super) compressed: u64,
    /// Size of the inflated content, in bytes.
    pub(super) size: u64,
}

/// The problem of bytes before, between and after members, up to the central directory at `directory`. A hidden member is
/// told before bytes of an unknown kind.
///
/// # Errors
/// An error if the file cannot be read.
pub(super) fn around_members(
    file: &PositionedFile,
    mut members: Vec<MemberExtent>,
    directory: u64,
) -> io::Result<Option<MemberProblem>> {
    members.sort_by_key(|member| member.start);
    let first = members.first().map_or(directory, |member| member.start);
    // 1. Before the first member, where other data is usual.
    let mut unknown = match hidden_in_prefix(file, first.min(directory))? {
        hidden @ Some(MemberProblem::HiddenMember { .. }) => return Ok(hidden),
        unknown => unknown,
    };
    // 2. Between members, and before the central directory.
    let mut left = MAX_GAPS;
    for (at, member) in members.iter().enumerate() {
        let end = members.get(at + 1).map_or(directory, |next| next.start.min(directory));
        if member.end >= end {
            continue;
        }
        let most = (end - member.end).min(MAX_GAP).min(left);
        left -= most;
        let is_whole = most == end - member.end;
        let gap = file.read_up_to(usize::try_from(most).unwrap_or_default(), member.end)?;
        match judge_gap(&gap, member, is_whole) {
            hidden @ Some(MemberProblem::HiddenMember { .. }) => return Ok(hidden),
            found => unknown = unknown.or(found),
        }
    }
    Ok(unknown)
}

/// Judges the bytes after a member. `is_whole` says whether `gap` has all of them.
fn judge_gap(gap: &[u8], member: &MemberExtent, is_whole: bool) -> Option<MemberProblem> {
    let descriptor = descriptor_length(gap, member);
    let after = gap.get(descriptor..).unwrap_or_default();
    // The archive extra data record, before the central directory (APPNOTE.TXT, section 4.3.11).
    let rest = match number(after, 4..8).filter(|_| after.starts_with(b"PK\x06\x08")) {
        Some(length) => usize::try_from(length)
            .ok()
            .and_then(|length| after.get(length.checked_add(8)?..))
            .unwrap_or(after),
        None => after,
    };
    let position = |at: usize| member.end + (descriptor + at) as u64;
    if let Some(at) = after.windows(LOCAL.len()).position(|bytes| bytes == LOCAL) {
        return Some(MemberProblem::HiddenMember { at: position(at) });
    }
    let is_harmless = is_whole && rest.iter().all(|&byte| byte == 0);
    (!is_harmless).then(|| MemberProblem::UnknownGap { at: position(0) })
}

/// Length of the data descriptor at the start of a gap: CRC-32 and the two sizes, with or without a signature, each size
/// in 4 or, for zip64, 8 bytes (APPNOTE.TXT, section 4.3.9). 0 if there is none.
fn descriptor_length(gap: &[u8], member: &MemberExtent) -> usize {
    const SIGNATURE: &[u8] = b"PK\x07\x08";
    let fields = if gap.starts_with(SIGNATURE) { SIGNATURE.len() } else { 0 };
    for width in [8, 4] {
        let sizes = [member.compressed, member.size].map(u64::to_le_bytes);
        let sizes = sizes.iter().flat_map(|size| size.iter().copied().take(width));
        let descriptor: Vec<u8> = member.crc.to_le_bytes().into_iter().chain(sizes).collect();
        if gap.get(fields..).is_some_and(|rest| rest.starts_with(&descriptor)) {
            return fields + descriptor.len();
        }
    }
    // Other values contradict the central directory, which decides. So few bytes hold no member.
    if fields > 0 && (gap.len() as u64) < LOCAL_HEADER { gap.len() } else { 0 }
}

/// Looks for the local header of a member before `end`. Other data there passes.
fn hidden_in_prefix(file: &PositionedFile, end: u64) -> io::Result<Option<MemberProblem>> {
    if end > MAX_PREFIX {
        return Ok(Some(MemberProblem::UnknownGap { at: 0 }));
    }
    let mut start = 0;
    while start < end {
        // A header may reach over the end of the chunk.
        let length = (CHUNK + LOCAL_HEADER).min(end - start);
        let chunk = file.read_up_to(usize::try_from(length).unwrap_or_default(), start)?;
        let is_header = |at: &usize| chunk.get(*at..).is_some_and(is_local_header);
        if let Some(at) = (0..chunk.len()).find(is_header) {
            return Ok(Some(MemberProblem::HiddenMember { at: start + at as u64 }));
        }
        start += CHUNK;
    }
    Ok(None)
}

/// Whether bytes start with a local header. A program may have the signature alone among its constants.
fn is_local_header(bytes: &[u8]) -> bool {
    /// Highest version of the format that a member needs (APPNOTE.TXT, section 4.4.3.2), times ten.
    const MAX_VERSION: u8 = 63;
    let is_plausible = || {
        let version = bytes.get(4).is_some_and(|version| (1..=MAX_VERSION).contains(version));
        let method = number(bytes, 8..10).is_some_and(|method| method <= 99);
        let name = number(bytes, 26..28).is_some_and(|length| (1..=4_096).contains(&length));
        version && method && name
    };
    bytes.starts_with(&LOCAL) && is_plausible()
}

/// The problem of the bytes from the end of the central directory at `start` to the end of the file. A digital signature,
/// the end record of zip64 and its locator, the end record and the comment pass (APPNOTE.TXT, sections 4.3.13 to 4.3.16).
///
/// # Errors
/// An error if the file cannot be read.
pub(super) fn after_directory(file: &PositionedFile, start: u64) -> io::Result<Option<MemberProblem>> {
    let length = file.size().saturating_sub(start);
    let tail = file.read_up_to(usize::try_from(length.min(MAX_TAIL)).unwrap_or_default(), start)?;
    if let Some(at) = tail.windows(LOCAL.len()).position(|bytes| bytes == LOCAL) {
        return Ok(Some(MemberProblem::HiddenMember { at: start + at as u64 }));
    }
    let mut at = 0_u64;
    loop {
        let rest = usize::try_from(at).ok().and_then(|at| tail.get(at..)).unwrap_or_default();
        let record = match rest.get(..4) {
            Some(b"PK\x05\x05") => number(rest, 4..6).map(|length| 6 + length),
            Some(b"PK\x06\x06") => number(rest, 4..12).and_then(|length| length.checked_add(12)),
            Some(b"PK\x06\x07") => Some(20),
            Some(b"PK\x05\x06") => {
                let end = number(rest, 20..22).map(|comment| END_RECORD + comment);
                let is_end = end == Some(length - at);
                return Ok((!is_end).then_some(MemberProblem::UnknownGap { at: start + at }));
            }
            Some([0, ..]) => Some(1),
            _ => None,
        };
        match record.and_then(|record| at.checked_add(record)) {
            Some(next) => at = next,
            None => return Ok(Some(MemberProblem::UnknownGap { at: start + at })),
        }
    }
}

/// A little-endian number of at most 8 bytes.
fn number(bytes: &[u8], range: Range<usize>) -> Option<u64> {
    let bytes = bytes.get(range)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}
