//! Lists the members of a tar, plain or compressed.

use std::io;

use super::members::{Listing, ListingFull};
use super::problem::MemberProblem;
use super::tar_header::{TarEnd, TarKind, TarMember};
use super::tree::{Member, MemberContent};

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

    /// Reports bytes after the end marker, or a stream that is damaged there.
    pub(super) fn report_bytes_after(&mut self, has_trailing_bytes: io::Result<bool>) {
        match has_trailing_bytes {
            Ok(false) => {}
            Ok(true) => self.end(MemberProblem::AfterEnd),
            Err(error) => self.end(MemberProblem::DamagedEnd(error.to_string())),
        }
    }

    /// Records that a tar has no readable header where its members end.
    pub(super) fn rest_is_unknown(&mut self, end: TarEnd) {
        if let Some(problem) = end.into_problem() {
            self.end(problem);
        }
    }
}
