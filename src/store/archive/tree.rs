//! The folders of an archive, derived from the names of the members.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path};

use super::problem::MemberProblem;
use crate::store::Metadata;
use crate::store::files::{FileEntry, FileKind};

/// Estimated memory for a name beside the bytes of the name.
const COST_OF_NAME: u64 = 64;

/// Estimated memory for a folder beside the name.
const COST_OF_FOLDER: u64 = 320;

/// Extended attributes of a member in the namespace `user`. `Err` if the archive's attributes cannot be read.
pub(super) type Attributes = Option<Box<Result<Metadata, ()>>>;

/// A member that has a name in the tree. `P` says where the content is.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Member<P> {
    /// Position in the archive, from 1.
    pub(super) number: u64,
    /// Size of the content, in bytes, as the archive declares it.
    pub(super) size: u64,
    pub(super) content: MemberContent<P>,
    pub(super) attributes: Attributes,
}

#[derive(PartialEq, Eq, Debug)]
pub(super) enum MemberContent<P> {
    /// A file that can be opened.
    Readable(P),
    /// A file that cannot be opened.
    Refused(Box<MemberProblem>),
    /// A link, with the reason why it is not followed.
    Link(Box<MemberProblem>),
    /// A device or a pipe.
    Special,
}

impl<P> Member<P> {
    pub(super) const fn kind(&self) -> FileKind {
        match self.content {
            MemberContent::Readable(_) | MemberContent::Refused(_) => FileKind::File,
            MemberContent::Link(_) => FileKind::Link,
            MemberContent::Special => FileKind::Other,
        }
    }
}

/// Number of a member in [`MemberTree`].
pub(super) type MemberId = u32;

/// A name in a folder. Like a key in S3, a name may be a file and a folder.
#[derive(Clone, Copy, Default, Debug)]
struct TreeNode {
    folder: Option<u32>,
    member: Option<MemberId>,
}

type FolderNode = BTreeMap<Box<OsStr>, TreeNode>;

/// What became of a new name.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Insertion<P> {
    /// The name is new.
    New(MemberId),
    /// The name is new as a file, and also the name of a folder.
    NewBesideFolder(MemberId),
    /// An earlier member has the name. Returns the later member.
    Taken(MemberId, Member<P>),
}

/// The names exceed the limit; nothing was added.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct TreeFull;

/// Folders and members by name.
#[derive(Debug)]
pub(super) struct MemberTree<P> {
    folders: Vec<FolderNode>,
    members: Vec<Member<P>>,
    /// Last components of refused names: their members exist, though not under a path of the tree.
    refused: BTreeSet<Box<OsStr>>,
    /// Estimated memory of all names and attributes, in bytes.
    cost: u64,
    max_cost: u64,
}

/// What a path is in the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'t, P> {
    pub(super) folder: Option<u32>,
    pub(super) member: Option<&'t Member<P>>,
}

impl<P> MemberTree<P> {
    pub(super) fn new(max_cost: u64) -> Self {
        let root = FolderNode::new();
        Self { folders: vec![root], members: Vec::new(), refused: BTreeSet::new(), cost: 0, max_cost }
    }

    pub(super) fn member(&self, id: MemberId) -> Option<&Member<P>> {
        self.members.get(id as usize)
    }

    pub(super) fn member_mut(&mut self, id: MemberId) -> Option<&mut Member<P>> {
        self.members.get_mut(id as usize)
    }

    /// Adds a folder and the folders above it. Returns whether one of the names is also the name of a file.
    ///
    /// # Errors
    /// [`TreeFull`].
    pub(super) fn add_folder(&mut self, parts: &[&OsStr]) -> Result<bool, TreeFull> {
        self.folder_of(parts).map(|(_, is_file_too)| is_file_too)
    }

    /// Adds a member under the components of its name.
    ///
    /// # Errors
    /// [`TreeFull`].
    pub(super) fn add(&mut self, parts: &[&OsStr], member: Member<P>) -> Result<Insertion<P>, TreeFull> {
        let Some((name, above)) = parts.split_last() else { return Err(TreeFull) };
        let (folder, is_file_too) = self.folder_of(above)?;
        let of_attributes =
            member.attributes.as_deref().and_then(|read| read.as_ref().ok()).map_or(0, cost_of);
        self.charge(of_attributes)?;
        let id = u32::try_from(self.members.len()).map_err(|_| TreeFull)?;
        let node = self.node(folder, name)?;
        match node.member {
            Some(taken) => {
                let length: usize = parts.iter().map(|part| part.len() + 1).sum();
                self.charge(2 * COST_OF_NAME + length as u64)?;
                Ok(Insertion::Taken(taken, member))
            }
            None => {
                node.member = Some(id);
                let beside = node.folder.is_some();
                self.members.push(member);
                Ok(if beside || is_file_too { Insertion::NewBesideFolder(id) } else { Insertion::New(id) })
            }
        }
    }

    /// Remembers the last component of a refused name.
    pub(super) fn add_refused(&mut self, last_part: &OsStr) {
        if !self.refused.contains(last_part) && self.charge(COST_OF_NAME + last_part.len() as u64).is_ok() {
            self.refused.insert(last_part.into());
        }
    }

    pub(super) fn is_refused(&self, last_part: &OsStr) -> bool {
        self.refused.contains(last_part)
    }

    fn charge(&mut self, bytes: u64) -> Result<(), TreeFull> {
        let cost = self.cost.saturating_add(bytes);
        if cost > self.max_cost {
            return Err(TreeFull);
        }
        self.cost = cost;
        Ok(())
    }

    fn node(&mut self, folder: u32, name: &OsStr) -> Result<&mut TreeNode, TreeFull> {
        let is_new = !self.folders.get(folder as usize).is_some_and(|names| names.contains_key(name));
        if is_new {
            self.charge(COST_OF_NAME + name.len() as u64)?;
        }
        let names = self.folders.get_mut(folder as usize).ok_or(TreeFull)?;
        Ok(names.entry(name.into()).or_default())
    }

    fn folder_of(&mut self, parts: &[&OsStr]) -> Result<(u32, bool), TreeFull> {
        let mut folder = 0;
        let mut is_file_too = false;
        for part in parts {
            let next = u32::try_from(self.folders.len()).map_err(|_| TreeFull)?;
            let known = self.node(folder, part)?.folder;
            folder = match known {
                Some(known) => known,
                None => {
                    self.charge(COST_OF_FOLDER)?;
                    self.folders.push(FolderNode::new());
                    let node = self.node(folder, part)?;
                    node.folder = Some(next);
                    // Said once: a further name in the folder finds the folder.
                    is_file_too |= node.member.is_some();
                    next
                }
            };
        }
        Ok((folder, is_file_too))
    }

    /// Finds a path relative to the root.
    pub(super) fn find(&self, path: &Path) -> Option<Found<'_, P>> {
        let mut found = Found { folder: Some(0), member: None };
        for part in path.components() {
            let Component::Normal(name) = part else { return None };
            let node = self.folders.get(found.folder? as usize)?.get(name)?;
            found = Found { folder: node.folder, member: node.member.and_then(|id| self.member(id)) };
        }
        Some(found)
    }

    /// Entries of a folder. A name that is a file and a folder is two entries.
    pub(super) fn entries(&self, folder: u32) -> Vec<FileEntry> {
        let names = self.folders.get(folder as usize).into_iter().flatten();
        let entries = names.flat_map(|(name, node)| {
            let member = node.member.and_then(|id| self.member(id)).map(Member::kind);
            let folder = node.folder.map(|_| FileKind::Folder);
            member.into_iter().chain(folder).map(|kind| FileEntry { name: name.to_os_string(), kind })
        });
        entries.collect()
    }
}

fn cost_of(attributes: &Metadata) -> u64 {
    attributes.iter().map(|(name, value)| 2 * COST_OF_NAME + name.len() as u64 + value.len() as u64).sum()
}
