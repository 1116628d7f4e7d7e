//! Why a copy lacks an object: either AWS did not deliver the object, or the object was not copied.
//!
//! A copy may hold only some days, some regions, only digests, or the part an interrupted sync had finished. `aws s3
//! sync` copies keys in key order, with several downloads in parallel.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::mount::Mount;
use super::{leftovers, walk};
use crate::ident::{Location, is_account};
use crate::store::StoreError;
use crate::store::files::{CopyFiles, FileKind};

/// Most folders cached with a list of unfinished downloads. A full cache is emptied.
const REMEMBERED_FOLDERS: usize = 256;

/// Folder of a copy, the key prefix of its objects, and whether only the objects of a trail count.
type CopiedPart = (PathBuf, String, bool);

/// Cached facts about the parts of a copy, used to explain missing objects.
#[derive(Default, Debug)]
pub(super) struct MissingObjects {
    /// For each folder, the names of the objects with an unfinished download.
    unfinished: Mutex<HashMap<PathBuf, Arc<BTreeSet<String>>>>,
    /// For each copied part, the last key in the copy.
    last: Mutex<HashMap<CopiedPart, Option<Arc<str>>>>,
}

impl MissingObjects {
    /// Explains why the object at `location`, expected at `path`, is missing. Returns [`StoreError::NotFound`] only
    /// if the copy holds the folder, the download was not interrupted, and the copy holds a later key: a sync would
    /// have copied the object before that key.
    pub(super) fn reason(&self, mount: &Mount, location: &Location, path: &Path) -> StoreError {
        let not_in_this_copy = |why: &str| StoreError::OutOfReach(format!("not in this copy: {why}"));
        let folder = path.parent().unwrap_or(&mount.dir);
        if !mount.files.facts_of_target(folder).is_ok_and(|found| found.kind == FileKind::Folder) {
            return not_in_this_copy("the copy has no such folder");
        }
        match self.unfinished(&*mount.files, folder) {
            Ok(names) if names.contains(location.name()) => {
                return not_in_this_copy("the download was interrupted");
            }
            Ok(_) => {}
            Err(error) => {
                return StoreError::OutOfReach(format!(
                    "not in this copy, or an interrupted download: the folder cannot be listed: {error}"
                ));
            }
        }
        let is_of_trail = is_in_trail(&location.key);
        match self.last(mount, &location.bucket, is_of_trail) {
            // A sync copies in key order: a sync that reached a later key had passed this key.
            Some(last) if *location.key < *last => StoreError::NotFound,
            _ => not_in_this_copy("the copy of the bucket ends before this key"),
        }
    }

    fn unfinished(&self, files: &dyn CopyFiles, folder: &Path) -> io::Result<Arc<BTreeSet<String>>> {
        let mut known = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known.get(folder) {
            return Ok(Arc::clone(names));
        }
        let mut names = BTreeSet::new();
        for entry in files.entries(folder)? {
            names.extend(entry.name.to_str().and_then(leftovers::unfinished_object).map(str::to_owned));
        }
        let names = Arc::new(names);
        if known.len() >= REMEMBERED_FOLDERS {
            known.clear();
        }
        known.insert(folder.to_owned(), Arc::clone(&names));
        Ok(names)
    }

    /// Last key in the copy of `bucket`. In a trail, only keys delivered by AWS count: the owner of a copy may have
    /// added saved keys and reports.
    fn last(&self, mount: &Mount, bucket: &str, is_of_trail: bool) -> Option<Arc<str>> {
        let (folder, key_prefix) = mount.part(&format!("{bucket}/"), bucket)?;
        // Lock during the walk, so that other threads wait for the result instead of walking the same copy.
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.entry((folder.clone(), key_prefix.clone(), is_of_trail)).or_insert_with(|| {
            let mut keys = walk::FolderWalk::backwards(mount, folder, key_prefix).map_while(Result::ok);
            keys.find(|listed| !is_of_trail || is_delivered(&listed.key)).map(|listed| listed.key.into())
        });
        last.clone()
    }
}

fn is_in_trail(key: &str) -> bool {
    key.starts_with("AWSLogs/") || key.contains("/AWSLogs/")
}

/// Whether `key` looks like a delivery by AWS: below `AWSLogs/`, with a file name that begins with an account ID.
fn is_delivered(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    is_in_trail(key) && name.split_once('_').is_some_and(|(account, _)| is_account(account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::DiskFiles;

    #[test]
    fn a_folder_that_cannot_be_listed_says_nothing_of_downloads() {
        let dir = tempfile::tempdir().unwrap();
        let missing = MissingObjects::default();
        let files = DiskFiles::new(dir.path()).unwrap();
        assert!(missing.unfinished(&files, &dir.path().join("none")).is_err());
        std::fs::write(dir.path().join("x.json.gz.6eF3a1B2"), "").unwrap();
        assert!(missing.unfinished(&files, dir.path()).unwrap().contains("x.json.gz"));
    }
}
