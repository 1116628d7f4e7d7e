//! Files that desktops, browsers and sync programs leave in a copy, which were never in S3.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder in which macOS keeps the attributes of a zip's files.
const ATTRIBUTES: &str = "__MACOSX";

/// Files that a desktop makes in a folder that it shows, whatever the case of their names.
const DESKTOP: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// How many characters follow the name of a file whose download is not finished.
const UNFINISHED: usize = 8;

/// How many such files were passed over in each folder that was read, so that a folder that is read twice counts once.
#[derive(Default, Debug)]
pub(super) struct PassedOver(Mutex<BTreeMap<PathBuf, u64>>);

impl PassedOver {
    /// What was passed over before.
    pub(super) const fn new(folders: BTreeMap<PathBuf, u64>) -> Self {
        Self(Mutex::new(folders))
    }

    /// Notes what was left out of `folder`, its links resolved.
    pub(super) fn note(&self, folder: &Path, left_out: &LeftOut) {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left_out.files > 0 {
            folders.insert(folder.to_owned(), left_out.files);
        }
        // Walked once, however often the folder around it is listed.
        for name in &left_out.folders {
            folders.entry(folder.join(name)).or_insert_with_key(|inner| files_below(inner));
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// The count of each folder.
    pub(super) fn into_folders(self) -> BTreeMap<PathBuf, u64> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left out of the objects of one folder.
#[derive(Default, Debug)]
pub(super) struct LeftOut {
    files: u64,
    folders: Vec<OsString>,
}

impl LeftOut {
    pub(super) const fn is_empty(&self) -> bool {
        self.files == 0 && self.folders.is_empty()
    }

    /// Whether an entry of `folder` can be no object, nor a folder of them. It is kept in mind then. Links are objects.
    pub(super) fn takes(&mut self, folder: &Path, name: &OsStr, kind: FileType) -> bool {
        let is_folder = kind.is_dir() && name == ATTRIBUTES;
        let is_file = kind.is_file() && is_dropping(folder, name);
        self.files += u64::from(is_file);
        self.folders.extend(is_folder.then(|| name.to_owned()));
        is_file || is_folder
    }
}

fn is_dropping(folder: &Path, name: &OsStr) -> bool {
    if name.as_encoded_bytes().starts_with(b"._") {
        return true;
    }
    let Some(name) = name.to_str() else { return false };
    DESKTOP.iter().any(|made| name.eq_ignore_ascii_case(made))
        || unfinished(name).is_some()
        || is_duplicate(&folder.join(name), name)
}

/// The object whose download was interrupted, by the name of what that leaves: `aws s3` writes to
/// `NAME.json.gz.6eF3a1B2`, and renames that when it is whole.
pub(super) fn unfinished(name: &str) -> Option<&str> {
    let (object, random) = name.rsplit_once('.')?;
    let is_random = random.len() == UNFINISHED && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_random && object.ends_with(".json.gz")).then_some(object)
}

/// Whether the file is what a browser makes of a second download, `name (1).json.gz`, and its bytes are those of
/// `name.json.gz` beside it: one with other bytes may be anything.
fn is_duplicate(path: &Path, name: &str) -> bool {
    original(name).is_some_and(|original| same_bytes(path, &path.with_file_name(original)).unwrap_or(false))
}

/// The name without the number that a browser puts before an extension.
fn original(name: &str) -> Option<String> {
    let (before, rest) = name.rsplit_once('(')?;
    let (number, extension) = rest.split_once(')')?;
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let before = before.strip_suffix(' ').unwrap_or(before);
    (is_number && !before.is_empty() && extension.starts_with('.')).then(|| format!("{before}{extension}"))
}

/// Whether two regular files, neither of them a link, hold the same bytes.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (of_one, of_other) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
    if !of_one.is_file() || !of_other.is_file() || of_one.len() != of_other.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    loop {
        let (here, there) = (one.fill_buf()?, other.fill_buf()?);
        let length = here.len().min(there.len());
        if here.get(..length) != there.get(..length) || here.is_empty() != there.is_empty() {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// How many files lie below `folder`, those in folders that cannot be read left aside. No link is followed.
fn files_below(folder: &Path) -> u64 {
    let (mut files, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files += 1,
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unfinished_downloads_and_of_second_ones_are_told() {
        assert_eq!(unfinished("x.json.gz.6eF3a1B2"), Some("x.json.gz"));
        for other in
            ["x.json.gz", "x.json.gz.6eF3a1B", "x.json.gz.6eF3a1B2c", "x.json.gz.6eF3a1_2", "x.txt.6eF3a1B2"]
        {
            assert_eq!(unfinished(other), None, "{other}");
        }
        for name in ["x (1).json.gz", "x.json (12).gz", "x(1).json.gz"] {
            assert_eq!(original(name).as_deref(), Some("x.json.gz"), "{name}");
        }
        for other in [
            "x.json.gz",
            "x (1)",
            "(1).json.gz",
            "x ().json.gz",
            "x (a).json.gz",
            "x (12345).gz",
            "x (1) y.gz",
        ] {
            assert_eq!(original(other), None, "{other}");
        }
    }
}
