//! Traces of objects that a folder lacks under their own names: files whose names contain an object's name.
//!
//! A browser, a desktop or a sync program gives a file another name, or leaves a part of a download under one. Such a file
//! may be the object, so the copy is no evidence that S3 lacked the object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::leftovers;
use super::super::names::key_segment;
use super::super::sidecar;
use crate::ident::{DeliveredName, is_delivered_as, name_before_inflating, stem_of, stems_in};
use crate::store::files::{CopyFiles, FileEntry, FileKind};

/// Most traces kept of an object.
const MAX_TRACES: usize = 16;

/// Traces by the stem of the object, in lower case: some programs change the case of names.
#[derive(Default, Debug)]
pub(super) struct FolderTraces(BTreeMap<String, Vec<ObjectTrace>>);

/// An entry of a folder that may be an object under another name, or a part of the object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::store::directory) struct ObjectTrace {
    pub(in crate::store::directory) path: PathBuf,
    /// Whether the entry is a file beside the object's place that may be the whole object.
    pub(in crate::store::directory) may_be_object: bool,
}

impl FolderTraces {
    /// Notes the objects that an entry of `folder` may be a trace of. Folders are looked into: sync programs keep unfinished
    /// downloads in them, and CloudTrail delivers no folder beside its objects.
    pub(super) fn note(&mut self, files: &dyn CopyFiles, folder: &Path, entry: &FileEntry) {
        let path = folder.join(&entry.name);
        let name = key_segment(&entry.name);
        // A sidecar and a mark tell of an object, and hold nothing of it.
        let is_beside = |object: &str| stem_of(object).is_some();
        if name.strip_suffix(sidecar::SUFFIX).is_some_and(is_beside) {
            return;
        }
        let is_file = entry.kind == FileKind::File;
        let is_delivered = DeliveredName::parse(&name).is_some();
        for stem in stems_in(&name) {
            // The object itself, or what `gunzip` makes of it. Only a file is the inflated object.
            let is_own = is_delivered
                && is_delivered_as(stem, &name)
                && (is_file || name_before_inflating(&name).is_none());
            if !is_own {
                let may_be_object = is_file && !leftovers::is_beside_object(&name);
                self.add(stem, ObjectTrace { path: path.clone(), may_be_object });
            }
        }
        if entry.kind == FileKind::Folder {
            for inner in files.entries(&path).into_iter().flatten() {
                let inner_name = key_segment(&inner.name);
                for stem in stems_in(&inner_name) {
                    self.add(stem, ObjectTrace { path: path.join(&inner.name), may_be_object: false });
                }
            }
        }
    }

    fn add(&mut self, stem: &str, trace: ObjectTrace) {
        let traces = self.0.entry(stem.to_ascii_lowercase()).or_default();
        if traces.len() < MAX_TRACES {
            traces.push(trace);
        }
    }

    /// The traces of the object called `name`, in the order of the paths.
    pub(super) fn of(&self, name: &str) -> Vec<ObjectTrace> {
        let stem = stem_of(name).map(str::to_ascii_lowercase);
        let mut traces = stem.and_then(|stem| self.0.get(&stem)).cloned().unwrap_or_default();
        traces.sort_by(|one, other| one.path.cmp(&other.path));
        traces
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::files::DiskFiles;

    const STEM: &str = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678";

    fn traces(names: &[String]) -> Vec<(String, bool)> {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let files = DiskFiles::new(dir.path()).unwrap();
        let mut found = FolderTraces::default();
        for entry in files.entries(files.root()).unwrap() {
            found.note(&files, files.root(), &entry);
        }
        let shown = |trace: ObjectTrace| {
            let path = trace.path.strip_prefix(files.root()).unwrap().to_str().unwrap().to_owned();
            (path.replace(STEM, "STEM"), trace.may_be_object)
        };
        found.of(&format!("{STEM}.json.gz")).into_iter().map(shown).collect()
    }

    #[test]
    fn a_name_that_contains_the_objects_is_a_trace() {
        for (name, may_be_object) in [
            ("STEM (1).json.gz", true),
            ("Copy of STEM.json.gz", true),
            ("STEM.json.gz.8a7b6c5d.partial", true),
            (".STEM.json.gz.icloud", true),
            ("._STEM.json.gz", false),
            (".STEM.json.gz.crc", false),
            (".rsync-partial/STEM.json.gz", false),
            ("STEM.json.gz.download/x", false),
        ] {
            let first = name.strip_suffix("/x").unwrap_or(name).to_owned();
            assert_eq!(traces(&[name.replace("STEM", STEM)]), [(first, may_be_object)], "{name}");
        }
        for name in [STEM.to_ascii_uppercase(), STEM.to_ascii_lowercase()] {
            assert_eq!(traces(&[format!("{name}.json.gz")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn other_objects_and_metadata_are_no_traces() {
        for name in [
            "STEM.json.gz.metadata.json".replace("STEM", STEM),
            format!("{}.json.gz", STEM.replace("5678", "5679")),
            format!("{STEM}.json"),
            "x".to_owned(),
        ] {
            assert_eq!(traces(std::slice::from_ref(&name)), [], "{name}");
        }
    }
}
