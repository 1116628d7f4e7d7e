//! The marks that `trailproof collect` leaves in a copy, beside the objects.
//!
//! `NAME.not-collected` stands for the object `NAME` that a collection listed or asked for, and could not save. Without
//! the mark, the copy would say that S3 never held the object: a log file that could not be read would look deleted, and
//! an object that no digest lists would not be there at all. The store lists `NAME`, and does not read it.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::is_plain;
use super::{leftovers, sidecar};
use crate::ident::{Location, name_before_inflating, stem_of};
use crate::store::StoreError;
use crate::store::files::{CopyFiles, FileEntry, FileKind};
use crate::text::shortened;

/// Name of the list of what a directory holds. The crate's `collect` module has its format.
pub const MANIFEST: &str = "collected.json";

/// Suffix of a mark's file name.
pub const MARK: &str = ".not-collected";

/// Folder of a collection under way, in the directory of the copy. A finished collection has none.
pub const UNFINISHED: &str = ".collecting";

/// Largest mark read, in bytes.
const MAX_MARK: u64 = 16 << 10;

/// Content of a mark.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MarkFile {
    reason: String,
}

/// The content of a mark, with the reason why the object was not collected.
#[must_use]
pub fn mark(reason: &str) -> Vec<u8> {
    let mut text =
        serde_json::to_vec_pretty(&MarkFile { reason: shortened(reason.to_owned()) }).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The unfinished collection that `path` is, or lies in.
#[must_use]
pub fn unfinished_above(path: &Path) -> Option<PathBuf> {
    let whole = std::fs::canonicalize(path).ok()?;
    whole.ancestors().find(|folder| folder.join(UNFINISHED).is_dir()).map(Path::to_owned)
}

/// Why a copy cannot hold the object at `location` under its own key, or `None` if it can: a file at that path would be
/// read as another object, as metadata, as a mark, or not at all.
#[must_use]
pub fn unfit_reason(location: &Location) -> Option<&'static str> {
    let (key, name) = (&*location.key, location.name());
    if location.bucket.contains('/') || !is_plain(&format!("{}/{key}", location.bucket)) {
        return Some("the key is not usable as a path on disk");
    }
    if name.ends_with(MARK) {
        return Some("a copy would take the object for the mark of an object that was not collected");
    }
    let object = name.strip_suffix(sidecar::SUFFIX);
    if object.is_some_and(|object| sidecar::is_in_digest_folder(key) || stem_of(object).is_some()) {
        return Some("a copy would take the object for the metadata of a digest file or log file");
    }
    if name_before_inflating(name).is_some() {
        return Some("a copy would take the object for an inflated log or digest file");
    }
    leftovers::resembles_leftover(key).then_some("a copy would skip the object as a leftover of a desktop")
}

/// Name of the object that the entry of a folder is the mark of, if the folder does not hold the object itself.
pub(super) fn marked_object(files: &dyn CopyFiles, folder: &Path, entry: &FileEntry) -> Option<String> {
    let name = entry.name.to_str()?.strip_suffix(MARK)?;
    let is_mark = entry.kind == FileKind::File && !name.is_empty();
    let is_held = || files.facts(&folder.join(name)).is_ok_and(|found| found.kind != FileKind::Folder);
    (is_mark && !is_held()).then(|| name.to_owned())
}

/// Why the object at `path`, which the copy lacks, was not collected; `None` without a mark.
pub(super) fn reason(files: &dyn CopyFiles, path: &Path) -> Option<StoreError> {
    let mut mark = path.file_name()?.to_owned();
    mark.push(MARK);
    let mark = path.with_file_name(mark);
    let read = || -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        files.open(&mark)?.body.take(MAX_MARK).read_to_end(&mut text)?;
        Ok(text)
    };
    let is_mark = files.facts(&mark).is_ok_and(|found| found.kind == FileKind::File);
    let why = is_mark.then(|| {
        let parsed = read().ok().and_then(|text| serde_json::from_slice::<MarkFile>(&text).ok());
        parsed.map_or_else(|| "the mark gives no reason".to_owned(), |mark| shortened(mark.reason))
    });
    why.map(|why| StoreError::OutOfReach(format!("not in this copy: not collected: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_a_copy_would_read_as_something_else_are_unfit() {
        let folder = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01";
        let log = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json";
        let digests = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/01";
        for key in [
            String::new(),
            "/a".to_owned(),
            "a/".to_owned(),
            format!("{folder}/../x"),
            format!("{folder}//x"),
            format!("{folder}/./x"),
            format!("{folder}/a\0b"),
            format!("{folder}/x.not-collected"),
            format!("{digests}/x.json.gz.metadata.json"),
            format!("{folder}/{log}"),
            format!("{folder}/{log}.gz.metadata.json"),
            format!("{folder}/Copy of {log}.gz"),
            format!("{folder}/.nfs0123456789abcdef00000001"),
            format!("{folder}/@eaDir/x"),
            format!("{folder}/._x"),
            format!("{folder}/.DS_Store"),
            format!("{folder}/__MACOSX/x"),
            format!("{folder}/{log}.gz.6eF3a1B2"),
            format!("{folder}/x (1).json.gz"),
        ] {
            assert!(unfit_reason(&Location::new("logs", key.as_str())).is_some(), "{key}");
        }
        for key in [
            format!("{folder}/{log}.gz"),
            format!("{folder}/notes.txt"),
            format!("{folder}/x.metadata.json"),
            format!("{folder}/é (a).txt"),
            format!("{folder}/..x"),
        ] {
            assert_eq!(unfit_reason(&Location::new("logs", key.as_str())), None, "{key}");
        }
        assert!(unfit_reason(&Location::new("..", "x")).is_some());
        assert!(unfit_reason(&Location::new("a/b", "x")).is_some());
    }
}
