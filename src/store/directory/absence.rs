//! Why a copy lacks an object: either the object was gone when the copy was made, or the object was not copied.
//!
//! A copy may hold only some days, some regions, only digests, or the part that an interrupted sync had finished. The
//! copies of two days may have been made before the last objects of each day were delivered, and may lie side by side or
//! in one directory. So nothing outside of an object's own folder, which is the folder of one day, proves that the object
//! was missing in S3. See [`FolderContent::proves_missing`] for what does.

mod collected_runs;
mod folder;
mod overlap;
mod traces;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::leftovers;
use super::mount::Mount;
use crate::ident::Location;
use crate::store::StoreError;
use crate::store::files::FileKind;
use collected_runs::CollectedRuns;
use folder::{DeliveredObject, FolderContent};
use overlap::OverlapId;
pub(super) use overlap::{FolderOverlap, HoldingFolder};
pub(super) use traces::ObjectTrace;

/// Most folders cached with their content. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 256;

/// Most comparisons of two folders that are cached. A full cache is emptied.
const REMEMBERED_OVERLAPS: usize = 1 << 14;

/// Cached facts about the parts of a copy, used to explain missing objects.
#[derive(Default, Debug)]
pub(super) struct MissingObjects {
    folders: Mutex<HashMap<(PathBuf, String), Arc<FolderContent>>>,
    /// For each mounted folder, what the collections say that made the copy, if the copy was made by collections.
    runs: Mutex<HashMap<PathBuf, Option<Arc<CollectedRuns>>>>,
    overlaps: Mutex<BTreeMap<OverlapId, FolderOverlap>>,
}

impl MissingObjects {
    /// Explains why the object at `location`, expected at `path`, is missing. Returns [`StoreError::NotFound`] only if
    /// the folder of the object proves that the copy was still being filled when the object must have been delivered.
    pub(super) fn reason(&self, mount: &Mount, location: &Location, path: &Path) -> StoreError {
        let not_in_this_copy = |why: &str| StoreError::OutOfReach(format!("not in this copy: {why}"));
        let folder = path.parent().unwrap_or(&mount.dir);
        if !mount.files.facts_of_target(folder).is_ok_and(|found| found.kind == FileKind::Folder) {
            return not_in_this_copy("the copy has no such folder");
        }
        // 1. The object under another name, and interrupted downloads.
        let content = match self.content(mount, folder) {
            Ok(content) => content,
            Err(error) => {
                return StoreError::OutOfReach(format!(
                    "not in this copy, or an interrupted download: the folder cannot be listed: {error}"
                ));
            }
        };
        if let Some(trace) = content.traces.of(location.name()).first() {
            return StoreError::OtherName(trace_message(mount, trace));
        }
        // 2. The copy has the folder. The objects beside say whether the object had to be there by then.
        let maybe_later = |why: &str| StoreError::MaybeLater(format!("not in this copy: {why}"));
        let Some(object) = DeliveredObject::of_name(location.name()) else {
            return not_in_this_copy("the name does not say when the object was delivered");
        };
        if let Err(why) = content.proves_missing(&object) {
            // A copy of new objects, such as of the last 24 hours, loses its oldest objects each time.
            return if content.ends_before(&object) { maybe_later(why) } else { not_in_this_copy(why) };
        }
        // 3. The runs of a collection can only excuse: whoever can change the copy can change what it says of itself.
        match self.runs(mount) {
            Some(runs) if !runs.would_have(&object) => {
                maybe_later("collected before the object had to be delivered, or for another range of time")
            }
            _ => StoreError::NotFound,
        }
    }

    /// Whether the object's folder proves that the object was missing, traces of the object apart.
    pub(super) fn is_proved(&self, mount: &Mount, location: &Location, path: &Path) -> bool {
        let content = path.parent().map(|folder| self.content(mount, folder));
        let object = DeliveredObject::of_name(location.name());
        content
            .and_then(Result::ok)
            .zip(object)
            .is_some_and(|(content, object)| content.proves_missing(&object).is_ok())
    }

    /// The files in the object's folder that may be the object under another name, if the object is expected at `path`.
    pub(super) fn traces(&self, mount: &Mount, location: &Location, path: &Path) -> Vec<ObjectTrace> {
        let content = path.parent().map(|folder| self.content(mount, folder));
        content.and_then(Result::ok).map_or_else(Vec::new, |content| content.traces.of(location.name()))
    }

    /// What a folder called like the bucket has of the objects in another folder, of the series of the object called `name`.
    /// Folders that cannot be compared have nothing in common.
    pub(super) fn overlap(
        &self,
        bucket: HoldingFolder<'_>,
        other: HoldingFolder<'_>,
        name: &str,
    ) -> FolderOverlap {
        let Some(DeliveredObject { series, .. }) = DeliveredObject::of_name(name) else {
            return FolderOverlap::default();
        };
        let base = bucket.mount.map(|mount| mount.base.clone()).unwrap_or_default();
        let id = (bucket.dir.to_owned(), other.dir.to_owned(), base, series);
        let mut known = self.overlaps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overlap) = known.get(&id) {
            return *overlap;
        }
        let overlap = FolderOverlap::of(bucket, other, &id.3).unwrap_or_default();
        if known.len() >= REMEMBERED_OVERLAPS {
            known.clear();
        }
        known.insert(id, overlap);
        overlap
    }

    /// What the folder holds of the mounted part.
    fn content(&self, mount: &Mount, folder: &Path) -> io::Result<Arc<FolderContent>> {
        let part = if mount.share.is_some() { mount.base.clone() } else { String::new() };
        let id = (folder.to_owned(), part);
        let mut known = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = known.get(&id) {
            return Ok(Arc::clone(content));
        }
        let content = FolderContent::read(&*mount.files, folder, |path| mount.is_evidence(path))?;
        let content = Arc::new(content);
        if known.len() >= REMEMBERED_FOLDERS {
            known.clear();
        }
        known.insert(id, Arc::clone(&content));
        Ok(content)
    }

    fn runs(&self, mount: &Mount) -> Option<Arc<CollectedRuns>> {
        let mut known = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = known.entry(mount.dir.clone());
        runs.or_insert_with(|| CollectedRuns::above(&*mount.files, &mount.dir).map(Arc::new)).clone()
    }
}

/// What a trace of an object says. The AWS CLI is known to leave parts of a download under its names.
fn trace_message(mount: &Mount, trace: &ObjectTrace) -> String {
    let name = mount.files.display(&trace.path);
    let is_unfinished = |name: &str| leftovers::unfinished_object(name).is_some();
    match trace.path.file_name().and_then(|name| name.to_str()) {
        Some(file) if is_unfinished(file) => {
            format!("not in this copy: the download was interrupted, and left `{name}`")
        }
        _ => format!(
            "not in this copy under its own name: `{name}` may be the object, or a part of an unfinished download"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_says_nothing_of_downloads() {
        let dir = tempfile::tempdir().unwrap();
        let missing = MissingObjects::default();
        let mount = Mount::of_directory(dir.path(), "").unwrap();
        assert!(missing.content(&mount, &dir.path().join("none")).is_err());
        let name = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json.gz";
        std::fs::write(dir.path().join(format!("{name}.6eF3a1B2")), "").unwrap();
        assert_eq!(missing.content(&mount, dir.path()).unwrap().traces.of(name).len(), 1);
    }
}
