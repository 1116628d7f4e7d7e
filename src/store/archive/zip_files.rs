//! A zip: the central directory is read once, and members are then read by position.
//!
//! The crate `zip` parses the central directory. Its `ZipArchive` keeps one of several members of the same name and
//! some 500 bytes for each, so the entries are iterated, and members are read by `zip_body.rs`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::zip::read::Config;
use ::zip::result::ZipError;
use ::zip::unstable::read::{ZipIterable, ZipIterableFiles};

use super::content::have_same_bytes;
use super::members::{Listing, ListingFull, MemberBodies};
use super::positioned::{FileWindow, PositionedFile};
use super::problem::{ArchiveError, MemberProblem};
use super::tree::{Member, MemberContent, MemberId};
use super::zip_body::{self, ZipMethod, ZipPlace};
use super::zip_gaps::{self, MemberExtent};
use super::{ArchiveLimits, OpenedArchive, names};
use crate::store::files::OpenFile;

/// Size of a local header without name and extra fields, in bytes (APPNOTE.TXT, section 4.3.7).
pub(super) const LOCAL_HEADER: u64 = 30;

/// Longest end of a zip, in bytes: the end record, and the longest comment (APPNOTE.TXT, section 4.3.16).
const ZIP_END: u64 = END_RECORD + 0xffff;
pub(super) const END_RECORD: u64 = 22;

/// Most bytes compared of two members of one name that are stored in different ways.
const MAX_COMPARED: u64 = 64 << 20;

/// Type of a file in a Unix mode, and its value for regular files (inode(7)).
const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

type Entry = ::zip::read::ZipFileEntry<'static>;

pub(super) fn open(
    root: PathBuf,
    file: Arc<PositionedFile>,
    limits: &ArchiveLimits,
) -> Result<OpenedArchive, ArchiveError> {
    let zip = ZipIterable::try_new(FileWindow::whole(Arc::clone(&file)), Config::default());
    let mut zip = match zip.map_err(no_directory) {
        Err(ArchiveError::NoCentralDirectory(_)) if is_part(&root, &file)? => {
            return Err(ArchiveError::SplitArchive);
        }
        zip => zip?,
    };
    let mut listing = Listing::new(limits.names);
    let (mut spans, mut listed) = (Vec::new(), Vec::new());
    let entries = zip.files().map_err(no_directory)?;
    let start = entries.reader_mut().position();
    let end = list(entries, limits, &mut listing, &mut spans, &mut listed);
    if listed.is_empty() && listing.rest_unknown.is_none() && !starts_with_end(&file)? {
        return Err(ArchiveError::NoMemberNamed(file.size()));
    }
    let members = check_names(&file, &mut listing, &listed);
    refuse_overlapping(&mut listing, spans, start);
    let has_trailing_bytes = has_trailing_bytes(&file)?;
    if has_trailing_bytes {
        listing.issues.of_archive(MemberProblem::Trailing);
    }
    if listing.rest_unknown.is_none() {
        let around_members = zip_gaps::around_members(&file, members, start)?;
        let after_directory = if has_trailing_bytes { None } else { zip_gaps::after_directory(&file, end)? };
        around_members.into_iter().chain(after_directory).for_each(|problem| listing.end(problem));
    }
    let bodies = ZipBodies { file, limit: limits.member };
    listing.compare_taken(|first, later| bodies.are_same(first, later));
    Ok(OpenedArchive::of(root, listing, bodies))
}

fn no_directory(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            ArchiveError::Unreadable(error)
        }
        error => ArchiveError::NoCentralDirectory(error.to_string()),
    }
}

/// Whether a zip without a readable central directory is a part of a split zip: by the marker at the start of the first
/// part (APPNOTE.TXT, section 8.5.3), the number of its disk in the end record (section 4.3.16), or the name.
fn is_part(path: &Path, file: &PositionedFile) -> io::Result<bool> {
    if names::is_part_of_archive(path.as_os_str().as_encoded_bytes()) {
        return Ok(true);
    }
    let is_first = file.read_up_to(4, 0)?.starts_with(b"PK\x07\x08");
    let is_last = |record: &[u8]| {
        record.starts_with(b"PK\x05\x06")
            && record.get(4..6).is_some_and(|disk| !matches!(disk, [0, 0] | [0xff, 0xff]))
    };
    Ok(is_first || read_end(file)?.windows(6).any(is_last))
}

/// Bytes of a member in the file: at least the header, the name and the stored content.
struct Span {
    start: u64,
    end: u64,
    id: Option<MemberId>,
    number: u64,
    name: Box<[u8]>,
}

/// A member, as the central directory describes it.
struct ListedMember {
    /// Length of the name, in bytes.
    name_length: usize,
    /// CRC-32 of the name.
    name: u32,
    /// The member's bytes. The end is that of a member without local header.
    extent: MemberExtent,
}

impl ListedMember {
    fn of(entry: &Entry) -> Self {
        let (name, start, compressed) = (entry.name_raw(), entry.header_start(), entry.compressed_size());
        // The content of a folder is never read: only so few bytes pass that hold no member.
        let is_folder = name.ends_with(b"/") || name.ends_with(b"\\");
        let content = if is_folder && compressed >= LOCAL_HEADER { 0 } else { compressed };
        let end = start.saturating_add(content);
        let extent = MemberExtent { start, end, crc: entry.crc32(), compressed, size: entry.size() };
        Self { name_length: name.len(), name: crc32fast::hash(name), extent }
    }
}

/// Compares the two names of each member. The central directory has no checksum, so where a name differs, the list of
/// members is not sure: a member that seems to be missing may be there under the other name. Returns the bytes of each
/// member if all names are equal.
fn check_names(
    file: &PositionedFile,
    listing: &mut Listing<ZipPlace>,
    listed: &[ListedMember],
) -> Vec<MemberExtent> {
    let extent = |ListedMember { name_length, name, extent }: &ListedMember| {
        let header = zip_body::header_length(file, extent.start, *name_length, *name).ok()??;
        Some(MemberExtent { end: extent.end.saturating_add(header), ..*extent })
    };
    listed.iter().map(extent).collect::<Option<_>>().unwrap_or_else(|| {
        listing.end(MemberProblem::DamagedDirectory);
        Vec::new()
    })
}

/// Lists the members. Returns the end of the central directory.
fn list(
    entries: &mut ZipIterableFiles<FileWindow>,
    limits: &ArchiveLimits,
    listing: &mut Listing<ZipPlace>,
    spans: &mut Vec<Span>,
    listed: &mut Vec<ListedMember>,
) -> u64 {
    for number in 1.. {
        let at = entries.reader_mut().position();
        match entries.next() {
            Some(Ok(_)) if number > limits.members => {
                listing.end(MemberProblem::TooManyMembers(limits.members));
                return at;
            }
            Some(Ok(entry)) => match add(listing, number, &entry) {
                Ok(span) => {
                    listed.push(ListedMember::of(&entry));
                    spans.extend(span);
                }
                Err(ListingFull) => return at,
            },
            Some(Err(error)) => {
                listing.end(MemberProblem::Damaged { at, why: error.to_string() });
                return at;
            }
            None => break,
        }
    }
    // The end record counts up to 65,535 members, and some programs write more without the record of zip64.
    let reader = entries.reader_mut();
    let at = reader.position();
    let mut next = [0; 4];
    if reader.read_exact(&mut next).is_ok() && next == *b"PK\x01\x02" {
        listing.end(MemberProblem::Damaged {
            at,
            why: "more members than the zip's end record counts".to_owned(),
        });
    }
    at
}

fn add(listing: &mut Listing<ZipPlace>, number: u64, entry: &Entry) -> Result<Option<Span>, ListingFull> {
    let Some(name) = decoded_name(entry) else {
        listing.issues.of_member(number, entry.name_raw(), MemberProblem::UnusableName);
        return Ok(None);
    };
    if name.ends_with(b"/") {
        return listing.add_folder(number, &name).map(|()| None);
    }
    let content = content_of(entry);
    let member = Member { number, size: entry.size(), content, attributes: None };
    let id = listing.add(&name, member)?;
    let length = LOCAL_HEADER + entry.name_raw().len() as u64;
    let start = entry.header_start();
    let end = start.saturating_add(length).saturating_add(entry.compressed_size());
    Ok(Some(Span { start, end, id, number, name: name.into() }))
}

/// The name in UTF-8, from UTF-8 or code page 437. Names in a zip have `/` between folders (APPNOTE.TXT, 4.4.17.1); some
/// programs for Windows write `\`, in a whole name or after a first folder. CloudTrail's names have no `\`.
fn decoded_name(entry: &Entry) -> Option<Vec<u8>> {
    let name = entry.name().ok()?;
    Some(name.replace('\\', "/").into_bytes())
}

fn content_of(entry: &Entry) -> MemberContent<ZipPlace> {
    let refused = |problem| MemberContent::Refused(Box::new(problem));
    if entry.is_symlink() {
        return MemberContent::Link(Box::new(MemberProblem::SymbolicLink));
    }
    if entry.unix_mode().is_some_and(|mode| ![0, REGULAR].contains(&(mode & FILE_TYPE))) {
        return MemberContent::Special;
    }
    if entry.encrypted() {
        return refused(MemberProblem::Encrypted);
    }
    #[expect(deprecated, reason = "the number of a method that the crate does not know has no other access")]
    let method = entry.compression().to_u16();
    let Some(method) = ZipMethod::of(method) else { return refused(MemberProblem::UnknownMethod(method)) };
    MemberContent::Readable(ZipPlace {
        header_start: entry.header_start(),
        compressed: entry.compressed_size(),
        crc: entry.crc32(),
        name: crc32fast::hash(entry.name_raw()),
        method,
    })
}

/// Refuses members that share bytes with other members or with the central directory. No program writes such zips;
/// they make a small file inflate to any size.
fn refuse_overlapping(listing: &mut Listing<ZipPlace>, mut spans: Vec<Span>, directory: u64) {
    spans.sort_by_key(|span| (span.start, span.number));
    let mut end_before = 0;
    let mut ids = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        let next = spans.get(at + 1).map_or(directory, |next| next.start.min(directory));
        if span.start < end_before || span.end > next {
            ids.push(at);
        }
        end_before = end_before.max(span.end);
    }
    for span in ids.into_iter().filter_map(|at| spans.get(at)) {
        if let Some(member) = span.id.and_then(|id| listing.tree.member_mut(id)) {
            member.content = MemberContent::Refused(Box::new(MemberProblem::Overlaps));
        }
        listing.issues.of_member(span.number, &span.name, MemberProblem::Overlaps);
    }
}

/// The last bytes of a file: the end record and its comment, if the file is a zip.
pub(super) fn read_end(file: &PositionedFile) -> io::Result<Vec<u8>> {
    let length = ZIP_END.min(file.size());
    file.read_up_to(usize::try_from(length).unwrap_or_default(), file.size() - length)
}

/// Whether the file begins with the records at the end of a zip, as a zip without members does.
fn starts_with_end(file: &PositionedFile) -> io::Result<bool> {
    let start = file.read_up_to(4, 0)?;
    Ok(start == b"PK\x05\x06" || start == b"PK\x06\x06")
}

/// Whether bytes follow the end record and its comment.
fn has_trailing_bytes(file: &PositionedFile) -> io::Result<bool> {
    let end = read_end(file)?;
    let ends_here = |record: &[u8]| {
        let comment =
            record.get(20..22).and_then(|length| <[u8; 2]>::try_from(length).ok()).map(u16::from_le_bytes);
        record.starts_with(b"PK\x05\x06")
            && comment.is_some_and(|comment| record.len() as u64 == END_RECORD + u64::from(comment))
    };
    Ok(!(0..end.len()).any(|at| end.get(at..).is_some_and(ends_here)))
}

/// Content of members by position.
#[derive(Debug)]
struct ZipBodies {
    file: Arc<PositionedFile>,
    /// Largest inflated member, in bytes.
    limit: u64,
}

impl ZipBodies {
    fn are_same(&self, first: &Member<ZipPlace>, later: &Member<ZipPlace>) -> bool {
        let (MemberContent::Readable(one), MemberContent::Readable(other)) = (&first.content, &later.content)
        else {
            return false;
        };
        if (first.size, one.crc) != (later.size, other.crc) {
            return false;
        }
        let stored = |place: &ZipPlace| zip_body::stored(&self.file, place);
        let is_stored_the_same = (one.method, one.compressed) == (other.method, other.compressed)
            && have_same_bytes(stored(one), stored(other));
        let inflated = |place: &ZipPlace| zip_body::inflated(&self.file, place, first.size, MAX_COMPARED);
        is_stored_the_same || first.size <= MAX_COMPARED && have_same_bytes(inflated(one), inflated(other))
    }
}

impl MemberBodies for ZipBodies {
    type Place = ZipPlace;

    fn open(&self, member: &Member<ZipPlace>, place: &ZipPlace) -> io::Result<OpenFile> {
        let content = zip_body::inflated(&self.file, place, member.size, self.limit)?;
        Ok(OpenFile { body: Box::new(io::BufReader::with_capacity(zip_body::BUFFER, content)), hashed: None })
    }
}
