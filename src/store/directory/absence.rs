//! What it means that a copy lacks an object: that it was not delivered, or that it was not copied.
//!
//! A copy may be of some days, of some regions, of digests alone, or of what a sync had brought when it was interrupted.
//! `aws s3 sync` goes through the keys in their order, with several downloads at a time.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::mount::Mount;
use super::{droppings, walk};
use crate::ident::{Location, is_account};
use crate::store::StoreError;

/// Folders of which it is remembered what was not downloaded to its end; past that many the memory is emptied.
const REMEMBERED_FOLDERS: usize = 256;

/// The folder of a copy, and whether its objects of a trail are meant.
type CopiedPart = (PathBuf, bool);

/// What was found out of a copy's parts, for objects that were not found in it.
#[derive(Default, Debug)]
pub(super) struct Absences {
    /// The names of objects in a folder whose downloads were not finished.
    unfinished: Mutex<HashMap<PathBuf, Arc<BTreeSet<String>>>>,
    /// The last key that the copy of a bucket holds, by the folder of that copy and by whether it is of a trail.
    last: Mutex<HashMap<CopiedPart, Option<Arc<str>>>>,
}

impl Absences {
    /// Why the object at `location`, which would lie at `path`, is not there: [`StoreError::NotFound`] only where the copy
    /// holds the folder, and something that a sync would have brought later.
    pub(super) fn reason(&self, mount: &Mount, location: &Location, path: &Path) -> StoreError {
        let not_in_this_copy = |why: &str| StoreError::OutOfReach(format!("it is not in this copy: {why}"));
        let folder = path.parent().unwrap_or(&mount.dir);
        if !fs::metadata(folder).is_ok_and(|found| found.is_dir()) {
            return not_in_this_copy("the folder that it belongs in is not there");
        }
        match self.unfinished(folder) {
            Ok(names) if names.contains(location.name()) => {
                return not_in_this_copy("its download was interrupted");
            }
            Ok(_) => {}
            Err(error) => {
                return StoreError::OutOfReach(format!(
                    "whether its download was interrupted cannot be told, since its folder cannot be listed: {error}"
                ));
            }
        }
        let is_of_trail = is_in_trail(&location.key);
        match self.last(mount, &location.bucket, is_of_trail) {
            Some(last) if *location.key < *last => StoreError::NotFound,
            _ => not_in_this_copy("it comes after all that was copied of the bucket"),
        }
    }

    fn unfinished(&self, folder: &Path) -> io::Result<Arc<BTreeSet<String>>> {
        let mut known = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known.get(folder) {
            return Ok(Arc::clone(names));
        }
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            names.extend(name.to_str().and_then(droppings::unfinished).map(str::to_owned));
        }
        let names = Arc::new(names);
        if known.len() >= REMEMBERED_FOLDERS {
            known.clear();
        }
        known.insert(folder.to_owned(), Arc::clone(&names));
        Ok(names)
    }

    /// The last key of the copy of `bucket`. Among a trail's keys only what AWS delivers counts: whoever keeps a copy may
    /// have put keys and reports beside it.
    fn last(&self, mount: &Mount, bucket: &str, is_of_trail: bool) -> Option<Arc<str>> {
        let (folder, key_prefix) = mount.part(&format!("{bucket}/"), bucket)?;
        // Held while the copy is looked through: others that need the same wait for it.
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.entry((folder.clone(), is_of_trail)).or_insert_with(|| {
            let mut keys = walk::Walk::backwards(mount, folder, key_prefix).map_while(Result::ok);
            keys.find(|listed| !is_of_trail || is_delivered(&listed.key)).map(|listed| listed.key.into())
        });
        last.clone()
    }
}

fn is_in_trail(key: &str) -> bool {
    key.starts_with("AWSLogs/") || key.contains("/AWSLogs/")
}

/// Whether a key is of the form in which AWS delivers logs: below `AWSLogs/`, its name beginning with the account.
fn is_delivered(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    is_in_trail(key) && name.split_once('_').is_some_and(|(account, _)| is_account(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_says_nothing_of_downloads() {
        let dir = tempfile::tempdir().unwrap();
        let absences = Absences::default();
        assert!(absences.unfinished(&dir.path().join("none")).is_err());
        std::fs::write(dir.path().join("x.json.gz.6eF3a1B2"), "").unwrap();
        assert!(absences.unfinished(dir.path()).unwrap().contains("x.json.gz"));
    }
}
