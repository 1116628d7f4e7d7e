//! The members of an archive as files of a copy.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use super::problem::{IssueLog, MemberProblem};
use super::tree::{Found, Member, MemberContent, MemberId, MemberTree};
use super::{names, tree};
use crate::store::Metadata;
use crate::store::files::{CopyFiles, FileEntry, FileFacts, FileKind, OpenFile};

/// Reads the content of members. `Place` says where the content of a member is.
pub(super) trait MemberBodies: Send + Sync + Debug {
    /// Where the content of a member is.
    type Place: Send + Sync + Debug;

    /// Opens a readable member.
    fn open(&self, member: &Member<Self::Place>, place: &Self::Place) -> io::Result<OpenFile>;
}

/// Members by name, and their bodies.
#[derive(Debug)]
pub(super) struct ArchiveFiles<B: MemberBodies> {
    /// Path of the archive, with resolved links. Members lie below the path.
    root: PathBuf,
    tree: MemberTree<B::Place>,
    bodies: B,
    /// Why members of the archive may be unknown. A path that is not found may then exist all the same.
    rest_unknown: Option<MemberProblem>,
    /// Why the content of members may not be what was stored.
    doubt: Option<MemberProblem>,
}

impl<B: MemberBodies> ArchiveFiles<B> {
    pub(super) fn new(
        root: PathBuf,
        tree: MemberTree<B::Place>,
        bodies: B,
        rest_unknown: Option<MemberProblem>,
        doubt: Option<MemberProblem>,
    ) -> Self {
        Self { root, tree, bodies, rest_unknown, doubt }
    }

    fn find(&self, path: &Path) -> io::Result<Found<'_, B::Place>> {
        let below = path.strip_prefix(&self.root).map_err(|_| io::ErrorKind::NotFound)?;
        self.tree.find(below).ok_or_else(|| self.absent(below))
    }

    /// The error for a path that is not in the tree. [`io::ErrorKind::NotFound`] is evidence of a missing file, so it
    /// is returned only if every member of the archive is known.
    fn absent(&self, below: &Path) -> io::Error {
        if let Some(problem) = &self.rest_unknown {
            return problem.clone().into();
        }
        // Behind a link there may be a file.
        for above in below.ancestors().skip(1) {
            let member = self.tree.find(above).and_then(|found| found.member);
            if let Some(Member { content: MemberContent::Link(why), .. }) = member {
                return (**why).clone().into();
            }
        }
        if below.file_name().is_some_and(|name| self.tree.is_refused(name)) {
            return io::Error::other("a member with this file name was refused because of its path");
        }
        io::ErrorKind::NotFound.into()
    }
}

impl<B: MemberBodies> CopyFiles for ArchiveFiles<B> {
    fn root(&self) -> &Path {
        &self.root
    }

    fn entries(&self, folder: &Path) -> io::Result<Vec<FileEntry>> {
        match self.find(folder)? {
            Found { folder: Some(folder), .. } => Ok(self.tree.entries(folder)),
            Found { folder: None, .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// A name that is a file and a folder has the facts of the file.
    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        Ok(match self.find(path)?.member {
            Some(member) => FileFacts { kind: member.kind(), size: member.size },
            None => FileFacts { kind: FileKind::Folder, size: 0 },
        })
    }

    /// Links in an archive are not followed: the facts of a link's target are an error.
    fn facts_of_target(&self, path: &Path) -> io::Result<FileFacts> {
        match self.find(path)?.member {
            Some(Member { content: MemberContent::Link(why), .. }) => Err((**why).clone().into()),
            _ => self.facts(path),
        }
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.facts_of_target(path)?;
        Ok(path.to_owned())
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        let found = self.find(path)?;
        let Some(member) = found.member else { return Err(io::ErrorKind::IsADirectory.into()) };
        match &member.content {
            MemberContent::Readable(place) => self.bodies.open(member, place),
            MemberContent::Refused(why) | MemberContent::Link(why) => Err((**why).clone().into()),
            MemberContent::Special => Err(MemberProblem::Special.into()),
        }
    }

    fn attributes(&self, path: &Path) -> io::Result<Metadata> {
        match self.find(path)?.member.and_then(|member| member.attributes.as_deref()) {
            Some(Ok(attributes)) => Ok(attributes.clone()),
            Some(Err(())) => Err(MemberProblem::BadAttributes.into()),
            None => Ok(Metadata::new()),
        }
    }

    fn doubt(&self) -> Option<String> {
        self.doubt.as_ref().map(ToString::to_string)
    }

    fn display(&self, path: &Path) -> String {
        path.display().to_string()
    }
}

/// Lists the members of an archive: the tree, the issues, and members whose names are taken.
#[derive(Debug)]
pub(super) struct Listing<P> {
    pub(super) tree: MemberTree<P>,
    pub(super) issues: IssueLog,
    /// Members whose names are taken by earlier members, with their stored names.
    taken: Vec<(MemberId, Member<P>, Box<[u8]>)>,
    max_names: u64,
    pub(super) rest_unknown: Option<MemberProblem>,
    /// Why the content of members may not be what was stored.
    pub(super) doubt: Option<MemberProblem>,
}

/// The listing is full: the rest of the archive is not looked at.
pub(super) struct ListingFull;

impl<P> Listing<P> {
    pub(super) fn new(max_names: u64) -> Self {
        let tree = MemberTree::new(max_names);
        let (issues, taken) = (IssueLog::default(), Vec::new());
        Self { tree, issues, taken, max_names, rest_unknown: None, doubt: None }
    }

    /// Records a problem that leaves later members unknown.
    pub(super) fn end(&mut self, problem: MemberProblem) {
        self.rest_unknown.get_or_insert_with(|| problem.clone());
        self.issues.of_archive(problem);
    }

    /// Adds a folder entry.
    pub(super) fn add_folder(&mut self, number: u64, name: &[u8]) -> Result<(), ListingFull> {
        let added = match names::components(name) {
            // `./` is the root.
            Err(MemberProblem::EmptyName) if !name.is_empty() => Ok(false),
            // A folder without a usable name holds no file: each file has a name of its own.
            Err(problem) => {
                self.issues.of_member(number, name, problem);
                Ok(false)
            }
            Ok(parts) => self.tree.add_folder(&parts),
        };
        match added {
            Ok(is_file_too) => {
                if is_file_too {
                    self.issues.of_member(number, name, MemberProblem::FileAndFolder);
                }
                Ok(())
            }
            Err(tree::TreeFull) => Err(self.full()),
        }
    }

    /// Adds any other entry. Returns the member's number in the tree, or `None` if the member was refused or its name
    /// is taken.
    pub(super) fn add(&mut self, name: &[u8], member: Member<P>) -> Result<Option<MemberId>, ListingFull> {
        let number = member.number;
        let parts = match names::components(name) {
            Ok(parts) => parts,
            Err(problem) => {
                self.refuse(number, name, problem);
                return Ok(None);
            }
        };
        match &member.content {
            MemberContent::Refused(why) | MemberContent::Link(why) => {
                self.issues.of_member(number, name, (**why).clone());
            }
            MemberContent::Special => self.issues.of_member(number, name, MemberProblem::Special),
            MemberContent::Readable(_) if names::is_archive(name) => {
                self.issues.of_member(number, name, MemberProblem::NestedArchive);
            }
            MemberContent::Readable(_) => {}
        }
        if matches!(member.attributes.as_deref(), Some(Err(()))) {
            self.issues.of_member(number, name, MemberProblem::BadAttributes);
        }
        match self.tree.add(&parts, member) {
            Ok(tree::Insertion::New(id)) => Ok(Some(id)),
            Ok(tree::Insertion::NewBesideFolder(id)) => {
                self.issues.of_member(number, name, MemberProblem::FileAndFolder);
                Ok(Some(id))
            }
            Ok(tree::Insertion::Taken(id, member)) => {
                self.taken.push((id, member, name.into()));
                Ok(None)
            }
            Err(tree::TreeFull) => Err(self.full()),
        }
    }

    /// The readable member with this stored name, for a hard link to the member.
    pub(super) fn readable(&self, name: &[u8]) -> Option<(&Member<P>, &P)> {
        let path: PathBuf = names::components(name).ok()?.into_iter().collect();
        let member = self.tree.find(&path)?.member?;
        match &member.content {
            MemberContent::Readable(place) => Some((member, place)),
            _ => None,
        }
    }

    /// Refuses a member because of its name.
    fn refuse(&mut self, number: u64, name: &[u8], problem: MemberProblem) {
        if let Some(last) = names::last_part(name) {
            self.tree.add_refused(last);
        }
        self.issues.of_member(number, name, problem);
    }

    fn full(&mut self) -> ListingFull {
        self.end(MemberProblem::NamesTooLong(self.max_names));
        ListingFull
    }

    /// Compares members of the same name. Members that differ refuse each other: a reader that takes the first, and a
    /// reader that takes the last, would see different files.
    pub(super) fn compare_taken(&mut self, mut is_same: impl FnMut(&Member<P>, &Member<P>) -> bool) {
        for (id, later, name) in std::mem::take(&mut self.taken) {
            let Some(first) = self.tree.member_mut(id) else { continue };
            if is_conflict(first) || first.attributes != later.attributes || !is_same(first, &later) {
                let problem = MemberProblem::Conflict { first: first.number, second: later.number };
                if !is_conflict(first) {
                    first.content = MemberContent::Refused(Box::new(problem.clone()));
                }
                self.issues.of_member(later.number, &name, problem);
            } else {
                let first = first.number;
                self.issues.of_member(later.number, &name, MemberProblem::Duplicate { first });
            }
        }
    }
}

fn is_conflict<P>(member: &Member<P>) -> bool {
    matches!(&member.content, MemberContent::Refused(why) if matches!(**why, MemberProblem::Conflict { .. }))
}
