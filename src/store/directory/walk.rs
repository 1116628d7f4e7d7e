//! Lazy walk through a directory, in S3's key order.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::leftovers::{FolderLeftovers, PassedOver};
use super::mount::Mount;
use super::names::key_segment;
use super::{collected, read_error, read_error_in, sidecar};
use crate::ident::name_before_inflating;
use crate::store::files::{FileEntry, FileFacts, FileKind};
use crate::store::{Listed, StoreError};

struct WalkEntry {
    /// Sort key, as in S3: the key of a file, or the key of a folder with a trailing slash.
    key: String,
    size: u64,
    /// Location of a folder. `None` for a file: a walk may hold a million files, and the key of a file is enough.
    folder: Option<WalkFolder>,
}

struct WalkFolder {
    path: PathBuf,
    /// The path with resolved links, built from the parent folder: resolving every path anew would take minutes in
    /// deeply nested folders.
    canonical: PathBuf,
}

/// The objects under a folder, depth first, in UTF-8 byte order of the keys.
pub(super) struct FolderWalk<'a> {
    mount: &'a Mount,
    /// Whether the folders below are entered.
    enters_folders: bool,
    after: Option<String>,
    /// Receives the number of skipped files.
    passed_over: &'a PassedOver,
    /// Entries left to visit, in reverse order: the next entry is at the end.
    pending: Vec<WalkEntry>,
    failure: Option<StoreError>,
    /// Target folders of followed links. The walk follows only one link to each folder: circular links would never
    /// end.
    linked: BTreeSet<PathBuf>,
}

impl<'a> FolderWalk<'a> {
    /// Walks the objects under `dir` with a key after `after`. The keys begin with `key_prefix`.
    pub(super) fn new(
        mount: &'a Mount,
        dir: PathBuf,
        key_prefix: String,
        after: Option<String>,
        passed_over: &'a PassedOver,
    ) -> Self {
        let (pending, failure, linked) = (Vec::new(), None, BTreeSet::new());
        let mut walk = Self { mount, enters_folders: true, after, passed_over, pending, failure, linked };
        match mount.files.resolve(&dir) {
            Ok(canonical) => {
                // The caller knows the name of this folder.
                let folder = WalkFolder { path: dir, canonical };
                walk.push_entries(&folder, &key_prefix, &|error| read_error(error));
            }
            Err(error) => walk.record_error(read_error(&error), &error),
        }
        walk
    }

    /// Leaves out what lies in the folders below.
    pub(super) fn without_folders(self) -> Self {
        Self { enters_folders: false, ..self }
    }

    fn push_entries(
        &mut self,
        folder: &WalkFolder,
        key_prefix: &str,
        told: &dyn Fn(&io::Error) -> StoreError,
    ) {
        match self.read_folder(folder, key_prefix) {
            Ok(mut entries) => {
                entries.retain(|entry| !self.is_before(entry));
                // Descending, because the next entry is popped from the end.
                entries.sort_unstable_by(|a, b| b.key.cmp(&a.key));
                self.pending.append(&mut entries);
            }
            Err(error) => self.record_error(told(&error), &error),
        }
    }

    /// Records an error. A missing folder is empty, not an error.
    fn record_error(&mut self, told: StoreError, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.failure = Some(told);
        }
    }

    fn read_folder(&mut self, folder: &WalkFolder, key_prefix: &str) -> io::Result<Vec<WalkEntry>> {
        let files = &*self.mount.files;
        let (mut read, mut left_out): (Vec<WalkEntry>, FolderLeftovers) =
            (Vec::new(), FolderLeftovers::default());
        for entry in files.entries(&folder.path)? {
            let path = folder.path.join(&entry.name);
            let is_shown = match entry.kind {
                FileKind::Folder => !self.mount.hides(&path),
                FileKind::File | FileKind::Link | FileKind::Other => self.mount.shows(&path),
            };
            if let Some(name) = collected::marked_object(files, &folder.path, &entry).filter(|_| is_shown) {
                read.push(self.read_mark(folder, &entry, format!("{key_prefix}{name}")));
                continue;
            }
            let is_left_out = left_out.records(files, &folder.path, &entry);
            if is_shown && !is_left_out && !self.is_sidecar(&folder.path, &entry, key_prefix) {
                read.push(self.read_entry(folder, &entry, key_prefix));
            }
        }
        self.passed_over.note(files, &folder.canonical, &left_out);
        Ok(read)
    }

    /// The object that a mark stands for. The size is the mark's: an object of 0 bytes could be taken for a folder.
    fn read_mark(&self, parent: &WalkFolder, entry: &FileEntry, key: String) -> WalkEntry {
        let found = self.mount.files.facts(&parent.path.join(&entry.name));
        WalkEntry { key, size: found.map_or(0, |found| found.size), folder: None }
    }

    /// Converts an entry of a folder. The walk follows a link to a folder if the target lies in the directory, does not
    /// contain the link, and was not entered through another link. Any other link to a folder is listed as an
    /// unreadable object, so that the report mentions the link.
    fn read_entry(&mut self, parent: &WalkFolder, entry: &FileEntry, key_prefix: &str) -> WalkEntry {
        let path = parent.path.join(&entry.name);
        let found = self.mount.files.facts_of_target(&path).ok();
        let is_folder = found.is_some_and(|found| found.kind == FileKind::Folder);
        let canonical = match (is_folder, entry.kind == FileKind::Link) {
            (false, _) => None,
            (true, false) => Some(parent.canonical.join(&entry.name)),
            (true, true) => self.followed_target(&parent.canonical, &path),
        };
        // S3 sorts a folder by the key with the slash: `a-b` comes before `a/`.
        let mut name = key_segment(&entry.name);
        match canonical {
            Some(_) => name.push('/'),
            None => name = name_before_inflating(&name).unwrap_or(name),
        }
        let folder = canonical.map(|canonical| WalkFolder { path, canonical });
        let size = found.map_or(0, |FileFacts { size, .. }| size);
        WalkEntry { key: format!("{key_prefix}{name}"), size, folder }
    }

    /// Whether the entry is the sidecar of an object. Outside of digest folders only the metadata of a log file is one: any
    /// other file with the suffix is an ordinary object. Folders and links with the suffix are never sidecars.
    fn is_sidecar(&self, parent: &Path, entry: &FileEntry, key_prefix: &str) -> bool {
        let name = key_segment(&entry.name);
        let Some(object) = name.strip_suffix(sidecar::SUFFIX) else { return false };
        // The object may have lost `.gz` since the sidecar was saved, or before.
        let variants = [object.to_owned(), format!("{object}.gz"), object.trim_end_matches(".gz").to_owned()];
        let is_object = |name: &String| {
            self.mount.files.facts(&parent.join(name)).is_ok_and(|found| found.kind != FileKind::Folder)
        };
        let is_of_digest = || {
            sidecar::is_in_digest_folder(&format!("{key_prefix}{object}")) && variants.iter().any(is_object)
        };
        let path = || parent.join(&entry.name);
        entry.kind == FileKind::File
            && (is_of_digest() || sidecar::is_beside_delivered(&*self.mount.files, &path()))
    }

    fn followed_target(&mut self, parent: &Path, link: &Path) -> Option<PathBuf> {
        let target = self.mount.files.resolve(link).ok()?;
        (!parent.starts_with(&target) && self.linked.insert(target.clone())).then_some(target)
    }

    /// Whether all keys under this entry come before the start of the walk.
    fn is_before(&self, entry: &WalkEntry) -> bool {
        let Some(after) = &self.after else { return false };
        // A folder that contains `after` still has later keys.
        entry.key <= *after && !(entry.folder.is_some() && after.starts_with(&entry.key))
    }
}

impl Iterator for FolderWalk<'_> {
    type Item = Result<Listed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            let entry = self.pending.pop()?;
            match entry.folder {
                None => {
                    return Some(Ok(Listed {
                        key: entry.key,
                        size: entry.size,
                        modified: None,
                        etag: None,
                        archived: None,
                    }));
                }
                Some(folder) if self.enters_folders => {
                    let mount = self.mount;
                    let told = |error: &io::Error| read_error_in(&mount.files.display(&folder.path), error);
                    self.push_entries(&folder, &entry.key, &told);
                }
                Some(_) => {}
            }
        }
    }
}

/// Names of the folders in `dir`, including links to folders; empty if `dir` does not exist.
pub(super) fn folders(
    mount: &Mount,
    dir: &Path,
    passed_over: &PassedOver,
) -> Result<Vec<String>, StoreError> {
    let files = &*mount.files;
    let read = || -> io::Result<Vec<String>> {
        let canonical = files.resolve(dir)?;
        let mut entries = files.entries(dir)?;
        let mut left_out = FolderLeftovers::default();
        entries.retain(|entry| !left_out.records(files, dir, entry));
        passed_over.note(files, &canonical, &left_out);
        let is_folder = |entry: &&FileEntry| {
            files.facts_of_target(&dir.join(&entry.name)).is_ok_and(|found| found.kind == FileKind::Folder)
                && mount.shows_folder(&dir.join(&entry.name))
        };
        Ok(entries.iter().filter(is_folder).map(|entry| key_segment(&entry.name)).collect())
    };
    match read() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        result => result.map_err(|error| read_error(&error)),
    }
}
