//! Which files of the copies may be an object, and whether they agree.

mod standing;

use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::mount::Mount;
use super::names::is_plain;
use super::{
    DirectoryStore, MAX_DISAGREEMENTS, REMEMBERED_FOLDERS, collected, content, path_error, read_error,
    sidecar,
};
use crate::ident::{Location, name_after_inflating, name_before_inflating};
use crate::store::files::{CopyFiles, FileKind};
use crate::store::{
    Disagreement, Encoding, Listed, METADATA_ERROR, Metadata, Object, ObjectFacts, StoreError, pointer,
};
use standing::{LackingFolder, is_wrong_folder};

/// A file that may be the object at a location. The file with the lowest rank stands for the object.
pub(super) struct Candidate<'s> {
    pub(super) rank: Rank,
    pub(super) files: &'s dyn CopyFiles,
    pub(super) path: PathBuf,
    /// The mount that shows the file; `None` for a file that was found by name.
    pub(super) mount: Option<&'s Mount>,
}

/// Which copy stands for the object, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// In its place, in a folder called like the bucket that has nearly all that the others have.
    InBucket,
    /// The same, inflated by a tool.
    InBucketInflated,
    /// In its place, in another copy.
    InCopy,
    /// The same, inflated by a tool.
    InCopyInflated,
    /// Found by its name.
    ByName,
    /// In a folder that stands for another place of S3.
    InOtherPlace,
}

/// The files found for a location.
pub(super) struct Candidates<'s> {
    /// In order of rank.
    pub(super) found: Vec<Candidate<'s>>,
    /// Whether a folder called like the bucket holds later objects, but not this object, and the files that were found
    /// do not stand for it: see [`DirectoryStore::is_gone_from`].
    pub(super) bucket_lacks: bool,
    /// Why there is no file.
    pub(super) absence: StoreError,
    /// Whether the object is missing in its place, and only files in wrong folders of the same copy may be it.
    pub(super) is_misplaced: bool,
}

impl DirectoryStore {
    /// Looks for the object in every copy.
    pub(super) fn candidates(&self, location: &Location) -> Candidates<'_> {
        let full = format!("{}/{}", location.bucket, location.key);
        let (mut found, mut absence) = (Vec::new(), not_held());
        let mut lacking = Vec::new();
        // 1. The object in its place in each copy.
        for (mount, rest) in self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?))) {
            let lacks = |path, has_trace| LackingFolder { mount, path, has_trace };
            match self.files_in(mount, location, rest) {
                Ok(paths) => found.extend(paths.into_iter().map(|(path, inflated)| Candidate {
                    rank: Rank::of(mount.is_called_like_bucket(), inflated),
                    files: &*mount.files,
                    path,
                    mount: Some(mount),
                })),
                Err(StoreError::NotFound) => {
                    lacking.extend(path_below(mount, rest).map(|path| lacks(path, false)));
                    if !matches!(absence, StoreError::OtherName(_)) {
                        absence = StoreError::NotFound;
                    }
                }
                // A file that may be the object outweighs every lack.
                Err(error @ StoreError::OtherName(_)) => {
                    let place = path_below(mount, rest).ok();
                    let missed = place.filter(|path| self.missing.is_proved(mount, location, path));
                    lacking.extend(missed.map(|path| lacks(path, true)));
                    absence = error;
                }
                // A copy that says that the object is missing outweighs a copy that has only the folder, and this one a
                // copy that does not reach so far.
                Err(error) => match absence {
                    StoreError::NotFound | StoreError::MaybeLater(_) | StoreError::OtherName(_) => {}
                    _ => absence = error,
                },
            }
        }
        self.demote_parts(location, &mut found);
        // 2. Files that were found by name.
        let placed = self.placed.at(location).iter();
        found.extend(placed.map(|file| Candidate {
            rank: Rank::ByName,
            files: &*file.files,
            path: file.path.clone(),
            mount: None,
        }));
        found.sort_by_key(|candidate| candidate.rank);
        // 3. Folders that stand for other places.
        if found.is_empty() {
            found = self.in_other_place(location).map(|(_, found)| found).unwrap_or_default();
        }
        let mut is_misplaced = is_wrong_folder(location, &found, &lacking);
        let bucket_lacks = !found.iter().any(|candidate| candidate.is_called_like_bucket())
            && lacking.iter().any(|folder| self.is_gone_from(location, folder, &found));
        if found.is_empty()
            && lacking.is_empty()
            && matches!(absence, StoreError::OutOfReach(_))
            && let Some(other) = self.absence_in_other_place(location)
        {
            is_misplaced = other == StoreError::NotFound;
            absence = other;
        }
        Candidates { found, bucket_lacks, absence, is_misplaced }
    }

    /// The files of the object in one mount: the file in its place, and the file that `gunzip` makes of it, with
    /// whether the file was inflated. Symbolic links are followed inside the directory only.
    pub(super) fn files_in(
        &self,
        mount: &Mount,
        location: &Location,
        rest: &str,
    ) -> Result<Vec<(PathBuf, bool)>, StoreError> {
        let path = path_below(mount, rest)?;
        // The mount holds a folder for each bucket. A missing bucket folder must not look like a missing object.
        if mount.base.is_empty() {
            self.check_bucket(mount, &location.bucket)?;
        }
        let exact = self.check_file(mount, &path);
        let inflated = name_after_inflating(location.name()).map(|name| path.with_file_name(name));
        let inflated = inflated.filter(|inflated| self.check_file(mount, inflated).is_ok());
        match (exact, inflated) {
            (Ok(()), None) => Ok(vec![(path, false)]),
            (Ok(()), Some(inflated)) => Ok(vec![(path, false), (inflated, true)]),
            (Err(_), Some(inflated)) => Ok(vec![(inflated, true)]),
            (Err(StoreError::NotFound), None) => Err(collected::reason(&*mount.files, &path)
                .unwrap_or_else(|| self.missing.reason(mount, location, &path))),
            (Err(error), None) => Err(error),
        }
    }

    /// Checks that `path` is a regular file inside the directory.
    fn check_file(&self, mount: &Mount, path: &Path) -> Result<(), StoreError> {
        if !mount.shows(path) {
            return Err(StoreError::NotFound);
        }
        let files = &*mount.files;
        self.check_inside(mount, path.parent().unwrap_or(&mount.dir))?;
        let mut found = files.facts(path).map_err(|error| path_error(&error))?;
        // The target must lie inside the directory: otherwise a link could present any file as evidence.
        if found.kind == FileKind::Link {
            files.resolve(path).map_err(|error| link_error(&error))?;
            found = files.facts_of_target(path).map_err(|error| read_error(&error))?;
        }
        match found.kind {
            FileKind::File => Ok(()),
            FileKind::Folder | FileKind::Link | FileKind::Other => {
                Err(StoreError::Unreadable("not a regular file".to_owned()))
            }
        }
    }

    /// Checks that the copy has a folder for the bucket. A bucket without a folder was not copied, so the content of
    /// the bucket is unknown.
    fn check_bucket(&self, mount: &Mount, bucket: &str) -> Result<(), StoreError> {
        match self.check_inside(mount, &mount.dir.join(bucket)) {
            Err(StoreError::NotFound) => {
                Err(StoreError::OutOfReach("the copy does not hold this bucket".to_owned()))
            }
            result => result,
        }
    }

    fn check_inside(&self, mount: &Mount, folder: &Path) -> Result<(), StoreError> {
        if self.inside.read().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        mount.files.resolve(folder).map_err(|error| path_error(&error))?;
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        // A hostile copy may have any number of folders.
        if inside.len() >= REMEMBERED_FOLDERS {
            inside.clear();
        }
        inside.insert(folder.to_owned());
        Ok(())
    }

    /// The files that may be the object at `location` under other names, with their own locations.
    pub(super) fn other_names(&self, location: &Location) -> Vec<(Location, Object)> {
        let full = format!("{}/{}", location.bucket, location.key);
        let covering = self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?)));
        let traces = covering.filter_map(|(mount, rest)| {
            let path = path_below(mount, rest).ok()?;
            self.check_inside(mount, path.parent()?).ok()?;
            Some((mount, self.missing.traces(mount, location, &path)))
        });
        let files = traces.flat_map(|(mount, traces)| {
            let whole = traces.into_iter().filter(|trace| trace.may_be_object);
            whole.filter_map(|trace| {
                let place = mount.full_path_of(&trace.path)?;
                let (bucket, key) = place.split_once('/')?;
                // As a listing names the file.
                let key = match key.rsplit_once('/') {
                    Some((folder, name)) if let Some(before) = name_before_inflating(name) => {
                        format!("{folder}/{before}")
                    }
                    _ => key.to_owned(),
                };
                let candidate =
                    Candidate { rank: Rank::ByName, files: &*mount.files, path: trace.path, mount: None };
                Some((Location::new(bucket, key), read(&candidate, location).ok()?))
            })
        });
        files.collect()
    }

    /// The metadata in a sidecar that another copy holds in the object's folder: programs that split a folder over several
    /// archives part a digest from its sidecar.
    pub(super) fn parted_sidecar(&self, location: &Location) -> Option<Metadata> {
        if !sidecar::may_be_digest(&location.key) {
            return None;
        }
        let full = format!("{}/{}", location.bucket, location.key);
        let covering = self.mounts.iter().filter_map(|mount| Some((mount, mount.below(&full)?)));
        let mut found = covering.filter_map(|(mount, rest)| {
            let path = path_below(mount, rest).ok()?;
            self.check_inside(mount, path.parent()?).ok()?;
            let inflated = name_after_inflating(location.name()).map(|name| path.with_file_name(name));
            [Some(path), inflated].into_iter().flatten().find_map(|path| {
                let found = sidecar::read(&*mount.files, &path);
                found.contains_key("signature").then_some(found)
            })
        });
        found.next()
    }

    /// Whether `listed` is the sidecar of a digest that another copy holds.
    pub(super) fn is_parted_sidecar(&self, bucket: &str, listed: &Listed) -> bool {
        let Some(object) = listed.key.strip_suffix(sidecar::SUFFIX) else { return false };
        let variants = [object.to_owned(), format!("{object}.gz"), object.trim_end_matches(".gz").to_owned()];
        sidecar::is_in_digest_folder(object)
            && variants
                .iter()
                .any(|key| !self.candidates(&Location::new(bucket, key.as_str())).found.is_empty())
    }

    /// Compares the object in `first` with the other copies. Takes the signature from another copy if `object` has
    /// lost it.
    ///
    /// # Errors
    /// [`StoreError::Contradictory`] if a copy of the same rank differs: nothing says which of the two is the object.
    pub(super) fn compare(
        &self,
        location: &Location,
        first: &Candidate<'_>,
        others: &[Candidate<'_>],
        object: &mut Object,
    ) -> Result<(), StoreError> {
        for other in others {
            let is_same = match &object.hashed {
                Some(body) => content::has_content_of(body, other.files, &other.path),
                None => content::same_content(first.files, &first.path, other.files, &other.path),
            };
            let signature = metadata(other, location).remove("signature");
            let is_same = is_same.unwrap_or(false)
                && match (object.metadata.get("signature"), signature) {
                    (Some(own), Some(theirs)) => *own == theirs,
                    (None, Some(theirs)) => {
                        object.metadata.remove(METADATA_ERROR);
                        object.metadata.insert("signature".to_owned(), theirs);
                        true
                    }
                    (_, None) => true,
                };
            if is_same {
                continue;
            }
            let [one, other_name] = [first, other].map(|copy| copy.files.display(&copy.path));
            if other.rank == first.rank {
                return Err(StoreError::Contradictory { one, other: other_name });
            }
            let mut all = self.disagreements.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < MAX_DISAGREEMENTS {
                all.insert(Disagreement { location: location.clone(), judged: one, other: other_name });
            }
        }
        Ok(())
    }
}

impl Rank {
    /// The rank of the same file in a folder that is a part of the bucket.
    const fn of_part(self) -> Self {
        match self {
            Self::InBucket => Self::InCopy,
            Self::InBucketInflated => Self::InCopyInflated,
            rank => rank,
        }
    }

    const fn of(is_bucket: bool, inflated: bool) -> Self {
        match (is_bucket, inflated) {
            (true, false) => Self::InBucket,
            (true, true) => Self::InBucketInflated,
            (false, false) => Self::InCopy,
            (false, true) => Self::InCopyInflated,
        }
    }
}

/// Converts an error from following a link in an object's place. The link says that the object was there, so a target that
/// is gone is no absence: git-annex, for example, links to content that was not fetched.
fn link_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
        _ if is_loop(error) => {}
        _ => return path_error(error),
    }
    StoreError::Unreadable("a symbolic link that leads nowhere or to itself".to_owned())
}

/// Whether links lead to each other.
#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}

pub(super) fn not_held() -> StoreError {
    StoreError::OutOfReach("the copy does not hold this part of S3".to_owned())
}

/// The path of a key below a mount.
pub(super) fn path_below(mount: &Mount, rest: &str) -> Result<PathBuf, StoreError> {
    if !is_plain(rest) {
        return Err(StoreError::OutOfReach("the key is not usable as a path on disk".to_owned()));
    }
    Ok(mount.dir.join(rest))
}

/// Opens a file as the object at `location`.
pub(super) fn read(candidate: &Candidate<'_>, location: &Location) -> Result<Object, StoreError> {
    // The sidecar is closed before the object is opened: a thread with an open handle must never wait for a second
    // handle.
    let metadata = metadata(candidate, location);
    let mut file = candidate.files.open(&candidate.path).map_err(|error| read_error(&error))?;
    // The body of a hashed member would have to be read from the start of its archive.
    if file.hashed.is_none() {
        let start = file.body.fill_buf().map_err(|error| read_error(&error))?;
        if let Some(what) = pointer::of(start) {
            return Err(StoreError::Unreadable(what.to_owned()));
        }
    }
    Ok(Object {
        body: file.body,
        encoding: Encoding::GzipOrPlain,
        metadata,
        hashed: file.hashed,
        facts: ObjectFacts { doubt: candidate.files.doubt(), ..ObjectFacts::default() },
    })
}

/// The metadata of a digest: from a sidecar, or from extended attributes. Only digests need metadata; looking for a
/// sidecar beside every log file would double the work.
fn metadata(candidate: &Candidate<'_>, location: &Location) -> Metadata {
    if !sidecar::may_be_digest(&location.key) {
        return Metadata::new();
    }
    let Candidate { files, path, .. } = candidate;
    // A tool that inflates a digest leaves the sidecar with the old name.
    let name = location.name();
    let names = [name, name_after_inflating(name).unwrap_or(name)];
    let mut paths = vec![path.clone()];
    paths.extend(names.map(|name| path.with_file_name(name)));
    paths.dedup();
    let found = paths.iter().map(|path| sidecar::read(*files, path)).find(|found| !found.is_empty());
    found.unwrap_or_else(|| sidecar::read_attributes(*files, path))
}
