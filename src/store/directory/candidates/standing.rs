//! Which folder stands for the bucket: a folder called like it, unless the folder has only a part of what others have.

use std::path::{Path, PathBuf};

use super::{Candidate, Rank};
use crate::ident::Location;
use crate::store::directory::DirectoryStore;
use crate::store::directory::absence::HoldingFolder;
use crate::store::directory::mount::Mount;
use crate::store::files::CopyFiles;

/// A folder that lacks an object, as the files beside show.
pub(super) struct LackingFolder<'s> {
    pub(super) mount: &'s Mount,
    /// The place of the object.
    pub(super) path: PathBuf,
    /// Whether a file beside may be the object under another name.
    pub(super) has_trace: bool,
}

impl DirectoryStore {
    /// Whether a folder called like the bucket shows that the object is gone, although files elsewhere are the object or
    /// may be. A second copy of the same objects is a replica, and the folder stands for the bucket. A part of the bucket
    /// takes nothing from the folder: the folder is a part itself.
    pub(super) fn is_gone_from(
        &self,
        location: &Location,
        folder: &LackingFolder<'_>,
        found: &[Candidate<'_>],
    ) -> bool {
        let own = holding(&*folder.mount.files, &folder.path, Some(folder.mount));
        let is_replica =
            |other: &Candidate<'_>| self.missing.overlap(own, other.folder(), location.name()).is_second_copy;
        folder.mount.is_called_like_bucket()
            && !folder.has_trace
            && (is_wrong_folder(location, found, std::slice::from_ref(folder))
                || found.iter().any(is_replica))
    }

    /// Takes the rank of the bucket from each file whose folder is called like the bucket, and holds only a part of what
    /// another folder holds.
    pub(super) fn demote_parts(&self, location: &Location, found: &mut [Candidate<'_>]) {
        let is_part = |candidate: &Candidate<'_>| {
            let mut others = found.iter().filter(|other| !other.is_called_like_bucket());
            candidate.is_called_like_bucket()
                && others.any(|other| {
                    let overlap = self.missing.overlap(candidate.folder(), other.folder(), location.name());
                    !overlap.stands_for_bucket
                })
        };
        let parts: Vec<bool> = found.iter().map(is_part).collect();
        for (candidate, _) in found.iter_mut().zip(parts).filter(|(_, is_part)| *is_part) {
            candidate.rank = candidate.rank.of_part();
        }
    }
}

impl Candidate<'_> {
    pub(super) fn is_called_like_bucket(&self) -> bool {
        self.mount.is_some_and(Mount::is_called_like_bucket)
    }

    fn folder(&self) -> HoldingFolder<'_> {
        holding(self.files, &self.path, self.mount)
    }
}

/// The folder of the file at `path`.
fn holding<'f>(files: &'f dyn CopyFiles, path: &'f Path, mount: Option<&'f Mount>) -> HoldingFolder<'f> {
    HoldingFolder { files, dir: path.parent().unwrap_or(path), mount }
}

/// Whether each file that was found lies in a wrong folder of a copy whose own folder lacks the object.
pub(super) fn is_wrong_folder(
    location: &Location,
    found: &[Candidate<'_>],
    lacking: &[LackingFolder<'_>],
) -> bool {
    let is_in_copy =
        |path: &Path| lacking.iter().any(|folder| path.starts_with(above_key(&folder.path, &location.key)));
    !found.is_empty()
        && found.iter().all(|candidate| candidate.rank == Rank::ByName && is_in_copy(&candidate.path))
}

/// The folder of a copy above the part of a key that the copy has.
fn above_key<'p>(path: &'p Path, key: &str) -> &'p Path {
    let segments = path.iter().rev().zip(key.rsplit('/'));
    let equal = segments.take_while(|(segment, part)| segment == part).count();
    path.ancestors().nth(equal).unwrap_or(path)
}
