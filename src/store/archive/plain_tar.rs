//! A tar that is not compressed: the headers are read once, and members are then read by position.

use std::io::{self, BufReader, Cursor};
use std::path::PathBuf;
use std::sync::Arc;

use super::content::{self, WholeContent, have_same_bytes};
use super::members::{Listing, ListingFull, MemberBodies};
use super::positioned::{FileWindow, PositionedFile};
use super::problem::MemberProblem;
use super::tar_header::{TarEnd, TarMember};
use super::tar_walk::TarWalk;
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
                listing.report_bytes_after(walk.has_trailing_bytes());
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

/// Adds a member of a plain tar. The place is the position of the content in the file.
fn add(listing: &mut Listing<u64>, member: &TarMember) -> Result<Option<u32>, ListingFull> {
    let readable = MemberContent::Readable(member.offset);
    listing.add_of_tar(member, readable, |target, place| (target.size, MemberContent::Readable(*place)))
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
            return Err(content::cut_off());
        }
        Ok(OpenFile { body: Box::new(Cursor::new(bytes)), hashed: None })
    }
}
