//! A tar that is not compressed: the headers are read once, and members are then read by position.

use std::io::{self, BufRead as _, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::members::{Listing, ListingFull, MemberBodies};
use super::positioned::{FileWindow, PositionedFile};
use super::problem::MemberProblem;
use super::tar_walk::{TarEnd, TarKind, TarMember, TarWalk};
use super::tree::{Member, MemberContent};
use super::{ArchiveLimits, OpenedArchive};
use crate::store::files::OpenFile;

/// Largest member read in one step, in bytes; larger members are streamed.
const READ_AT_ONCE: u64 = 1 << 20;

/// Size of the buffer of a streamed member, in bytes.
const BUFFER: usize = 128 << 10;

pub(super) fn open(root: PathBuf, file: Arc<PositionedFile>, limits: &ArchiveLimits) -> OpenedArchive {
    let mut listing = Listing::new(limits.names);
    let mut walk = TarWalk::new(FileWindow::whole(Arc::clone(&file)));
    let mut previous = None;
    loop {
        match walk.next() {
            Ok(member) if member.number > limits.members => {
                listing.end(MemberProblem::TooManyMembers(limits.members));
                break;
            }
            Ok(member) => match add(&mut listing, &member) {
                Ok(id) => previous = id.map(|id| (id, member)),
                Err(ListingFull) => break,
            },
            Err(TarEnd::Whole) => {
                report_rest(&mut listing, &mut walk);
                break;
            }
            Err(end) => {
                // The content of the last member may end early with the archive.
                if let Some((id, member)) = previous.filter(|_| !walk.is_whole()) {
                    listing.cut_off(id, &member.name);
                }
                listing.rest_is_unknown(end);
                break;
            }
        }
    }
    let bodies = PlainTarBodies { file };
    listing.compare_taken(|first, later| bodies.are_same(first, later));
    OpenedArchive::of(root, listing, bodies)
}

/// Looks for bytes after the end marker.
fn report_rest<P>(listing: &mut Listing<P>, walk: &mut TarWalk<FileWindow>) {
    match walk.has_trailing_bytes() {
        Ok(false) => {}
        Ok(true) => listing.issues.of_archive(MemberProblem::Trailing),
        Err(error) => listing.issues.of_archive(MemberProblem::DamagedEnd(error.to_string())),
    }
}

/// Adds a member of a plain tar. The place is the position of the content in the file.
fn add(listing: &mut Listing<u64>, member: &TarMember) -> Result<Option<u32>, ListingFull> {
    let readable = MemberContent::Readable(member.offset);
    listing.add_of_tar(member, readable, |target, place| (target.size, MemberContent::Readable(*place)))
}

impl<P> Listing<P> {
    /// Adds a member of a tar. `content` is the content of a file; `linked` is the size and content of a hard link to
    /// an earlier readable member. GNU tar writes hard links for further names of a file, so they are read like the
    /// earlier member.
    pub(super) fn add_of_tar(
        &mut self,
        member: &TarMember,
        content: MemberContent<P>,
        linked: impl FnOnce(&Member<P>, &P) -> (u64, MemberContent<P>),
    ) -> Result<Option<u32>, ListingFull> {
        let link = |problem| MemberContent::Link(Box::new(problem));
        let (size, content) = match member.kind {
            TarKind::Folder => return self.add_folder(member.number, &member.name).map(|()| None),
            TarKind::File => (member.size, content),
            TarKind::Sparse => (member.size, MemberContent::Refused(Box::new(MemberProblem::Sparse))),
            TarKind::SymbolicLink => (0, link(MemberProblem::SymbolicLink)),
            TarKind::HardLink => match self.readable(&member.link) {
                Some((target, place)) => linked(target, place),
                None => (0, link(MemberProblem::HardLink)),
            },
            TarKind::Special => (0, MemberContent::Special),
        };
        let attributes = member.attributes.clone();
        self.add(&member.name, Member { number: member.number, size, content, attributes })
    }

    /// Records that the archive ends within a member.
    pub(super) fn cut_off(&mut self, id: u32, name: &[u8]) {
        if let Some(member) = self.tree.member_mut(id) {
            member.content = MemberContent::Refused(Box::new(MemberProblem::CutOff));
            self.issues.of_member(member.number, name, MemberProblem::CutOff);
        }
    }

    /// Records that a tar has no readable header where its members end.
    pub(super) fn rest_is_unknown(&mut self, end: TarEnd) {
        if let Some(problem) = end.into_problem() {
            self.end(problem);
        }
    }
}

/// Content of members by position.
#[derive(Debug)]
struct PlainTarBodies {
    file: Arc<PositionedFile>,
}

impl PlainTarBodies {
    fn reader(&self, offset: u64, size: u64) -> WholeContent<FileWindow> {
        let end = offset.saturating_add(size);
        WholeContent { content: FileWindow::part(Arc::clone(&self.file), offset, end), left: size }
    }

    fn are_same(&self, first: &Member<u64>, later: &Member<u64>) -> bool {
        match (&first.content, &later.content) {
            (MemberContent::Readable(one), MemberContent::Readable(other)) => {
                first.size == later.size
                    && (one == other
                        || have_same_bytes(
                            Ok(self.reader(*one, first.size)),
                            Ok(self.reader(*other, later.size)),
                        ))
            }
            _ => false,
        }
    }
}

impl MemberBodies for PlainTarBodies {
    type Place = u64;

    fn open(&self, member: &Member<u64>, &offset: &u64) -> io::Result<OpenFile> {
        if member.size > READ_AT_ONCE {
            let body = Box::new(BufReader::with_capacity(BUFFER, self.reader(offset, member.size)));
            return Ok(OpenFile { body, hashed: None });
        }
        let length = usize::try_from(member.size).unwrap_or_default();
        let bytes = self.file.read_up_to(length, offset)?;
        if bytes.len() < length {
            return Err(cut_off());
        }
        Ok(OpenFile { body: Box::new(Cursor::new(bytes)), hashed: None })
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, MemberProblem::CutOff)
}

/// Content of a known length: fewer bytes are an error, not an end. The file may have become shorter.
pub(super) struct WholeContent<R> {
    pub(super) content: R,
    pub(super) left: u64,
}

impl<R: Read> Read for WholeContent<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        let read = self.content.read(into)?;
        if read == 0 {
            return Err(cut_off());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Compares two contents. Unreadable content is not the same as any other.
pub(super) fn have_same_bytes(one: io::Result<impl Read>, other: io::Result<impl Read>) -> bool {
    let (Ok(one), Ok(other)) = (one, other) else { return false };
    let mut readers = (BufReader::with_capacity(BUFFER, one), BufReader::with_capacity(BUFFER, other));
    loop {
        match (readers.0.fill_buf(), readers.1.fill_buf()) {
            (Ok([]), Ok([])) => return true,
            (Ok(one), Ok(other)) => {
                let length = one.len().min(other.len());
                if length == 0 || one.get(..length) != other.get(..length) {
                    return false;
                }
                readers.0.consume(length);
                readers.1.consume(length);
            }
            _ => return false,
        }
    }
}
