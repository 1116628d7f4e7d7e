//! Leftover files of desktops, browsers and sync programs in a copy. S3 never held these files.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{content, sidecar};
use crate::ident::{DeliveredName, is_delivered_as, name_before_inflating, stems_in};
use crate::store::files::{CopyFiles, FileEntry, FileKind};

/// Folder with file attributes, added to zip archives by macOS.
const MACOS_ATTRIBUTES: &str = "__MACOSX";

/// Folder with file attributes on Synology's network storage.
const SYNOLOGY_ATTRIBUTES: &str = "@eaDir";

/// Files created by desktops in every opened folder, in any case.
const DESKTOP_FILES: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// The character that stands for the colon where a file system allows none in names.
const MAPPED_COLON: char = '\u{f03a}';

/// Length of the random suffix of an unfinished download, in characters.
const SUFFIX_LENGTH: usize = 8;

/// Number of skipped files by folder. A folder read twice counts once.
#[derive(Default, Debug)]
pub(super) struct PassedOver(Mutex<BTreeMap<PathBuf, u64>>);

impl PassedOver {
    /// Starts with the given counts by folder.
    pub(super) const fn new(folders: BTreeMap<PathBuf, u64>) -> Self {
        Self(Mutex::new(folders))
    }

    /// Records the skipped entries of `folder`, a path with resolved links.
    pub(super) fn note(&self, files: &dyn CopyFiles, folder: &Path, left_out: &FolderLeftovers) {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left_out.files > 0 {
            folders.insert(folder.to_owned(), left_out.files);
        }
        // A skipped folder is walked once, however often the parent folder is listed.
        for name in &left_out.folders {
            folders.entry(folder.join(name)).or_insert_with_key(|inner| files_below(files, inner));
        }
    }

    /// The counts by folder so far.
    pub(super) fn folders(&self) -> BTreeMap<PathBuf, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The counts by folder.
    pub(super) fn into_folders(self) -> BTreeMap<PathBuf, u64> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries of one folder that are neither objects nor folders of objects.
#[derive(Default, Debug)]
pub(super) struct FolderLeftovers {
    files: u64,
    folders: Vec<OsString>,
}

impl FolderLeftovers {
    pub(super) const fn is_empty(&self) -> bool {
        self.files == 0 && self.folders.is_empty()
    }

    /// Whether an entry of `folder` is a leftover; if so, records the entry. Symbolic links are never leftovers.
    pub(super) fn records(&mut self, files: &dyn CopyFiles, folder: &Path, entry: &FileEntry) -> bool {
        let FileEntry { name, kind } = entry;
        let is_folder = *kind == FileKind::Folder
            && (name == MACOS_ATTRIBUTES || name == SYNOLOGY_ATTRIBUTES)
            && !holds_deliveries(files, &folder.join(name));
        let is_file = *kind == FileKind::File && is_leftover(files, folder, name);
        self.files += u64::from(is_file);
        self.folders.extend(is_folder.then(|| name.clone()));
        is_file || is_folder
    }
}

fn is_leftover(files: &dyn CopyFiles, folder: &Path, name: &OsStr) -> bool {
    if name.as_encoded_bytes().starts_with(b"._") {
        return true;
    }
    let Some(name) = name.to_str() else { return false };
    DESKTOP_FILES.iter().any(|made| name.eq_ignore_ascii_case(made))
        || unfinished_object(name).is_some()
        || is_marker(name) && files.facts(&folder.join(name)).is_ok_and(|found| found.size == 0)
        || is_deleted_on_nfs(name)
        || described_object(name).is_some_and(|object| is_file(files, &folder.join(object)))
        || is_duplicate(files, folder, name)
        || is_inflated_duplicate(files, folder, name)
}

fn is_file(files: &dyn CopyFiles, path: &Path) -> bool {
    files.facts(path).is_ok_and(|found| found.kind == FileKind::File)
}

/// Whether a program describes the file beside in a file of this name, or keeps its attributes there: such a file never
/// holds the bytes of the other.
pub(super) fn is_beside_object(name: &str) -> bool {
    name.starts_with("._") || described_object(name).is_some()
}

/// The name of the file that a file of this name describes: `.NAME.crc` has Hadoop's checksums of `NAME`, and
/// `NAME:Zone.Identifier` is Windows' note of where `NAME` came from.
fn described_object(name: &str) -> Option<&str> {
    let hadoop = || name.strip_prefix('.')?.strip_suffix(".crc");
    let zone = || name.strip_suffix("Zone.Identifier")?.strip_suffix([':', MAPPED_COLON]);
    hadoop().or_else(zone).filter(|object| !object.is_empty())
}

/// Whether Hadoop and Spark make empty files of this name: the marker of a folder, and of a finished job.
fn is_marker(name: &str) -> bool {
    name == "_SUCCESS" || name.ends_with("_$folder$")
}

/// Whether NFS made the name for a file that was deleted while a program had it open.
fn is_deleted_on_nfs(name: &str) -> bool {
    let number = name.strip_prefix(".nfs");
    number.is_some_and(|number| number.len() >= 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether the store may skip a file at `key` as a leftover, or a file in a folder of the key.
pub(super) fn resembles_leftover(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    name.starts_with("._")
        || DESKTOP_FILES.iter().any(|made| name.eq_ignore_ascii_case(made))
        || key.split('/').any(|folder| [MACOS_ATTRIBUTES, SYNOLOGY_ATTRIBUTES].contains(&folder))
        || unfinished_object(name).is_some()
        || is_marker(name)
        || is_deleted_on_nfs(name)
        || described_object(name).is_some()
        || originals(name).next().is_some()
}

/// Name of the object with an interrupted download, if `name` is an unfinished download. `aws s3` writes to
/// `NAME.json.gz.6eF3a1B2`, and renames the finished file.
pub(super) fn unfinished_object(name: &str) -> Option<&str> {
    let (object, random) = name.rsplit_once('.')?;
    let is_random = random.len() == SUFFIX_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_random && object.ends_with(".json.gz")).then_some(object)
}

/// Whether a browser, a desktop or a sync program made the file of a second download, a copy or a conflict: its name is
/// made of the name of a file beside, and has the same bytes. A file with other bytes is not skipped.
fn is_duplicate(files: &dyn CopyFiles, folder: &Path, name: &str) -> bool {
    let path = folder.join(name);
    let is_same = |original: &str| {
        let beside = folder.join(original);
        // An inflated copy of a gzip file has the same content.
        let may_be_inflated = name.ends_with(".json") && original.ends_with(".gz") && is_file(files, &beside);
        content::same_bytes(files, &path, files, &beside).unwrap_or(false)
            || may_be_inflated && content::same_content(files, &path, files, &beside).unwrap_or(false)
    };
    originals(name).any(|original| is_same(&original))
}

/// Names of files of which a file called `name` may be a second copy: `name (1).json.gz` of any file, and whatever else
/// programs make of the names of CloudTrail's objects.
fn originals(name: &str) -> impl Iterator<Item = String> {
    let stems = stems_in(name);
    // A copy has a sidecar for every digest: to compare it with the digest would take as long as the proof.
    let delivered = name.strip_suffix(sidecar::SUFFIX).unwrap_or(name);
    let is_own = stems.iter().any(|stem| is_delivered_as(stem, delivered));
    let of_stems = stems.into_iter().filter(move |_| !is_own);
    let delivered = of_stems.flat_map(|stem| [format!("{stem}.json.gz"), format!("{stem}.json")]);
    name_without_number(name).into_iter().chain(delivered)
}

/// Whether `gunzip -k` made the file beside the delivered file `NAME.gz`. A read of `NAME.gz` compares the content of
/// the two files.
fn is_inflated_duplicate(files: &dyn CopyFiles, folder: &Path, name: &str) -> bool {
    name_before_inflating(name).is_some_and(|before| is_file(files, &folder.join(before)))
}

/// The name without the number added by a browser before the extension.
fn name_without_number(name: &str) -> Option<String> {
    let (before, rest) = name.rsplit_once('(')?;
    let (number, extension) = rest.split_once(')')?;
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let before = before.strip_suffix(' ').unwrap_or(before);
    (is_number && !before.is_empty() && extension.starts_with('.')).then(|| format!("{before}{extension}"))
}

/// Whether a file of CloudTrail's lies below `folder`: in its folder of attributes, macOS puts only files called `._NAME`.
fn holds_deliveries(files: &dyn CopyFiles, folder: &Path) -> bool {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for FileEntry { name, kind } in files.entries(&folder).into_iter().flatten() {
            match kind {
                FileKind::Folder => folders.push(folder.join(name)),
                _ if name.to_str().and_then(DeliveredName::parse).is_some() => return true,
                FileKind::File | FileKind::Link | FileKind::Other => {}
            }
        }
    }
    false
}

/// Number of files below `folder`. Skips unreadable folders and follows no symbolic links.
fn files_below(files: &dyn CopyFiles, folder: &Path) -> u64 {
    let (mut count, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in files.entries(&folder).into_iter().flatten() {
            match entry.kind {
                FileKind::Folder => folders.push(folder.join(entry.name)),
                FileKind::File | FileKind::Link | FileKind::Other => count += 1,
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unfinished_downloads_and_of_second_ones_are_told() {
        assert_eq!(unfinished_object("x.json.gz.6eF3a1B2"), Some("x.json.gz"));
        for other in
            ["x.json.gz", "x.json.gz.6eF3a1B", "x.json.gz.6eF3a1B2c", "x.json.gz.6eF3a1_2", "x.txt.6eF3a1B2"]
        {
            assert_eq!(unfinished_object(other), None, "{other}");
        }
        for name in ["x (1).json.gz", "x.json (12).gz", "x(1).json.gz"] {
            assert_eq!(name_without_number(name).as_deref(), Some("x.json.gz"), "{name}");
        }
        let digest = "111122223333_CloudTrail-Digest_us-east-1_a_us-east-1_20260901T120657Z";
        for own in ["json.gz", "json", "json.gz.metadata.json", "json.metadata.json"] {
            assert_eq!(originals(&format!("{digest}.{own}")).next(), None, "{own}");
        }
        assert!(originals(&format!("Copy of {digest}.json.gz")).next().is_some());
        for other in [
            "x.json.gz",
            "x (1)",
            "(1).json.gz",
            "x ().json.gz",
            "x (a).json.gz",
            "x (12345).gz",
            "x (1) y.gz",
        ] {
            assert_eq!(name_without_number(other), None, "{other}");
        }
    }
}
