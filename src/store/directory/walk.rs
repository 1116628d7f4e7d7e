//! Walks a directory lazily, in the order S3 lists keys.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::droppings::{LeftOut, PassedOver};
use super::mount::Mount;
use super::names::key_segment;
use super::{look_failure, sidecar};
use crate::handles::patiently;
use crate::store::{Listed, StoreError};

struct Entry {
    /// Key of a file, or of a folder with its slash: what S3 sorts by.
    key: String,
    size: u64,
    /// Where a folder is. Of a file, of which there may be a million, the key is enough.
    folder: Option<Folder>,
}

struct Folder {
    path: PathBuf,
    /// The same with links resolved. Known from the folder above: resolving the path of each of very many folders in one
    /// another would take minutes.
    canonical: PathBuf,
}

/// The objects under a folder, depth first, in UTF-8 byte order of their keys.
pub(super) struct Walk<'a> {
    mount: &'a Mount,
    after: Option<String>,
    /// Whether the last key comes first.
    backwards: bool,
    /// Where it is noted how many files were passed over.
    passed_over: Option<&'a PassedOver>,
    /// Entries still to come, the next one last.
    pending: Vec<Entry>,
    failure: Option<StoreError>,
    /// Folders that a link has led to. Each is entered once by a link: links in a circle, or in a net, would never end.
    linked: BTreeSet<PathBuf>,
}

impl<'a> Walk<'a> {
    /// The objects under `dir`, whose keys begin with `key_prefix`, that come after `after`.
    pub(super) fn new(
        mount: &'a Mount,
        dir: PathBuf,
        key_prefix: String,
        after: Option<String>,
        passed_over: &'a PassedOver,
    ) -> Self {
        let walk = Self { after, passed_over: Some(passed_over), ..Self::nowhere(mount) };
        walk.begin(dir, &key_prefix)
    }

    /// The same from the last one on, for looking at them alone.
    pub(super) fn backwards(mount: &'a Mount, dir: PathBuf, key_prefix: String) -> Self {
        Self { backwards: true, ..Self::nowhere(mount) }.begin(dir, &key_prefix)
    }

    const fn nowhere(mount: &'a Mount) -> Self {
        Self {
            mount,
            after: None,
            backwards: false,
            passed_over: None,
            pending: Vec::new(),
            failure: None,
            linked: BTreeSet::new(),
        }
    }

    fn begin(mut self, dir: PathBuf, key_prefix: &str) -> Self {
        match self.mount.resolve(&dir) {
            Ok(canonical) => self.open(&Folder { path: dir, canonical }, key_prefix),
            Err(error) => self.fail(&error),
        }
        self
    }

    fn open(&mut self, folder: &Folder, key_prefix: &str) {
        match self.read_folder(folder, key_prefix) {
            Ok(mut entries) => {
                entries.retain(|entry| !self.is_before(entry));
                entries.sort_unstable_by(|a, b| b.key.cmp(&a.key));
                if self.backwards {
                    entries.reverse();
                }
                self.pending.append(&mut entries);
            }
            Err(error) => self.fail(&error),
        }
    }

    /// A folder that is not there holds nothing.
    fn fail(&mut self, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.failure = Some(look_failure(error));
        }
    }

    fn read_folder(&mut self, folder: &Folder, key_prefix: &str) -> io::Result<Vec<Entry>> {
        let (mut read, mut left_out): (Vec<Entry>, LeftOut) = (Vec::new(), LeftOut::default());
        for entry in patiently(|| fs::read_dir(&folder.path))? {
            let entry = entry?;
            let is_left_out = left_out.takes(&folder.path, &entry.file_name(), entry.file_type()?);
            if !is_left_out && !is_sidecar(&entry, key_prefix) {
                read.push(self.read_entry(&folder.canonical, &entry, key_prefix));
            }
        }
        if let Some(all) = self.passed_over {
            all.note(&folder.canonical, &left_out);
        }
        Ok(read)
    }

    /// A link to a folder is followed where that lies in the directory, is not one the link stands in, and was not
    /// entered by a link before. Any other link to a folder is listed as an object, which nobody can read, so that it
    /// is not passed over in silence.
    fn read_entry(&mut self, parent: &Path, entry: &DirEntry, key_prefix: &str) -> Entry {
        let path = entry.path();
        let found = fs::metadata(&path);
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let is_folder = found.as_ref().is_ok_and(fs::Metadata::is_dir);
        let canonical = match (is_folder, is_link) {
            (false, _) => None,
            (true, false) => Some(parent.join(entry.file_name())),
            (true, true) => self.leads_on(parent, &path),
        };
        let slash = if canonical.is_some() { "/" } else { "" };
        let key = format!("{key_prefix}{}{slash}", key_segment(&entry.file_name()));
        let folder = canonical.map(|canonical| Folder { path, canonical });
        Entry { key, size: found.map_or(0, |found| found.len()), folder }
    }

    fn leads_on(&mut self, parent: &Path, link: &Path) -> Option<PathBuf> {
        let target = self.mount.resolve(link).ok()?;
        (!parent.starts_with(&target) && self.linked.insert(target.clone())).then_some(target)
    }

    /// Whether everything under this entry comes before what was asked for.
    fn is_before(&self, entry: &Entry) -> bool {
        let Some(after) = &self.after else { return false };
        entry.key <= *after && !(entry.folder.is_some() && after.starts_with(&entry.key))
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Listed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(failure) = self.failure.take() {
                self.pending.clear();
                return Some(Err(failure));
            }
            let entry = self.pending.pop()?;
            match entry.folder {
                None => return Some(Ok(Listed { key: entry.key, size: entry.size, modified: None })),
                Some(folder) => self.open(&folder, &entry.key),
            }
        }
    }
}

/// Whether this holds the metadata of an object beside it. Only what lies in a digest folder needs them: any other file of
/// that name is an object like others, and so is a folder or a link.
fn is_sidecar(entry: &DirEntry, key_prefix: &str) -> bool {
    let name = key_segment(&entry.file_name());
    let Some(object) = name.strip_suffix(sidecar::SUFFIX) else { return false };
    let path = entry.path().with_file_name(object);
    entry.file_type().is_ok_and(|kind| kind.is_file())
        && sidecar::is_in_digest_folder(&format!("{key_prefix}{object}"))
        && path.symlink_metadata().is_ok_and(|found| !found.is_dir())
}

/// The names of the folders in `dir`, links to folders included; none where it does not exist.
pub(super) fn folders(
    mount: &Mount,
    dir: &Path,
    passed_over: &PassedOver,
) -> Result<Vec<String>, StoreError> {
    let read = || -> io::Result<Vec<String>> {
        let canonical = mount.resolve(dir)?;
        let entries = patiently(|| fs::read_dir(dir))?.map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?))
        });
        let mut entries = entries.collect::<io::Result<Vec<(OsString, FileType)>>>()?;
        let mut left_out = LeftOut::default();
        entries.retain(|(name, kind)| !left_out.takes(dir, name, *kind));
        passed_over.note(&canonical, &left_out);
        let is_folder = |(name, _): &&(OsString, FileType)| {
            fs::metadata(dir.join(name)).is_ok_and(|found| found.is_dir())
        };
        Ok(entries.iter().filter(is_folder).map(|(name, _)| key_segment(name)).collect())
    };
    match read() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        result => result.map_err(|error| look_failure(&error)),
    }
}
