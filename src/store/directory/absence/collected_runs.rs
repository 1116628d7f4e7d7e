//! The runs of `trailproof collect` that made a copy, as its `collected.json` names them.
//!
//! A collection holds what was asked for, which may be some hours of a day, and what was delivered before. The file lies
//! in the copy and is not signed, so it only excuses a missing object, and proves nothing.

use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use serde::Deserialize;

use super::super::collected::MANIFEST;
use super::folder::{DeliveredObject, DeliveredSeries};
use crate::store::files::{CopyFiles, FileKind};
use crate::time::{DELIVERY_GRACE, HOUR, Timestamp};

/// What a copy of this program has in its first lines.
const FORMAT: &str = "\"trailproof/collected/";

/// Most bytes read: the runs come first in the file.
const MAX_BYTES: u64 = 16 << 20;

/// Most seconds from the time in a log file's name to its delivery, or back.
const NAME_LAG: i64 = 20 * 60;

/// The collections into a directory. Without a readable run, nothing in the directory is evidence of a missing object.
#[derive(Debug)]
pub(super) struct CollectedRuns(Vec<CollectedRun>);

/// The fields of a run that say what the run would have copied.
#[derive(Deserialize, Debug)]
struct CollectedRun {
    sources: Vec<String>,
    start: Option<Timestamp>,
    end: Timestamp,
    started: Timestamp,
    /// `None` for a collection that was interrupted.
    finished: Option<Timestamp>,
}

impl CollectedRuns {
    /// The runs that made the copy of which `folder` is a part; `None` if the copy was not made by collections.
    pub(super) fn above(files: &dyn CopyFiles, folder: &Path) -> Option<Self> {
        let path = folder
            .ancestors()
            .map(|above| above.join(MANIFEST))
            .find(|path| files.facts(path).is_ok_and(|found| found.kind == FileKind::File))?;
        Self::read(files, &path).unwrap_or_else(|_| Some(Self(Vec::new())))
    }

    /// Reads the lines up to the end of the list of runs. `None` for a file of another format.
    fn read(files: &dyn CopyFiles, path: &Path) -> io::Result<Option<Self>> {
        let (mut runs, mut is_collection) = (Vec::new(), false);
        for line in files.open(path)?.body.take(MAX_BYTES).lines() {
            let line = line?;
            is_collection |= line.contains(FORMAT);
            if line.starts_with(']') {
                break;
            }
            runs.extend(serde_json::from_str(line.strip_suffix(',').unwrap_or(&line)));
        }
        Ok(is_collection.then_some(Self(runs)))
    }

    /// Whether a run would have copied the object, if the object had been in the source.
    pub(super) fn would_have(&self, object: &DeliveredObject) -> bool {
        self.0.iter().any(|run| run.would_have(object))
    }
}

impl CollectedRun {
    fn would_have(&self, object: &DeliveredObject) -> bool {
        // A run for single objects copies no others.
        let is_whole = !self.sources.is_empty() && !self.sources.iter().any(|source| is_object(source));
        let was_due = object.time.plus(DELIVERY_GRACE) < self.started;
        self.finished.is_some() && is_whole && was_due && self.asked_for(object)
    }

    fn asked_for(&self, object: &DeliveredObject) -> bool {
        let is_after_start = |time: Timestamp| self.start.is_none_or(|start| start < time);
        match object.series {
            DeliveredSeries::Digests(_) => is_after_start(object.time) && object.time.plus(-HOUR) < self.end,
            DeliveredSeries::Logs(..) => {
                is_after_start(object.time.plus(-NAME_LAG)) && object.time.plus(NAME_LAG) < self.end
            }
        }
    }
}

/// Whether a source of a run names a single object.
fn is_object(source: &str) -> bool {
    source.ends_with(".json.gz") || source.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::DiskFiles;

    const DIGEST: &str = "111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20260901T120657Z.json.gz";
    const LOG: &str = "111122223333_CloudTrail_us-east-1_20260901T1130Z_abcdefgh12345678.json.gz";

    /// A run over the first of September.
    const RUN: &str = r#"{"sources": ["s3://logs"], "start": "2026-09-01T00:00:00Z", "end": "2026-09-02T00:00:00Z",
        "trailproof": "0.1.0", "started": "2026-09-02T06:00:00Z", "finished": "2026-09-02T06:10:00Z"}"#;

    fn runs(manifest: &str) -> Option<CollectedRuns> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        std::fs::write(dir.path().join(MANIFEST), manifest).unwrap();
        // The mounted folder may be the one that was typed, or lie below it.
        let below = DiskFiles::new(&dir.path().join("logs")).unwrap();
        let found = CollectedRuns::above(&below, below.root());
        let whole = DiskFiles::new(dir.path()).unwrap();
        let folder = whole.root().join("logs");
        assert_eq!(format!("{found:?}"), format!("{:?}", CollectedRuns::above(&whole, &folder)));
        found
    }

    fn of_runs(runs: &[String]) -> String {
        let lines: Vec<String> = runs.iter().map(|run| run.replace('\n', " ")).collect();
        format!(
            "{{\n\"format\": \"trailproof/collected/1\",\n\"runs\": [\n{}\n],\n\"objects\": []\n}}\n",
            lines.join(",\n")
        )
    }

    #[test]
    fn a_run_excuses_what_it_did_not_ask_for_or_could_not_have() {
        let would_have = |runs: &CollectedRuns| {
            [DIGEST, LOG].map(|name| runs.would_have(&DeliveredObject::of_name(name).unwrap()))
        };
        for (from, to, expected) in [
            ("", "", true),
            ("\"2026-09-01T00:00:00Z\"", "null", true),
            ("2026-09-02T06:00:00Z", "2026-09-01T17:06:58Z", true),
            ("2026-09-02T06:00:00Z", "2026-09-01T16:00:00Z", false),
            ("2026-09-01T00:00:00Z", "2026-09-01T12:10:00Z", false),
            ("2026-09-02T00:00:00Z", "2026-09-01T11:00:00Z", false),
            ("\"2026-09-02T06:10:00Z\"", "null", false),
            ("s3://logs", "s3://logs/AWSLogs/x.json.gz", false),
            ("\"s3://logs\"", "", false),
            ("sources", "source", false),
        ] {
            let run = if from.is_empty() { RUN.to_owned() } else { RUN.replace(from, to) };
            let found = runs(&of_runs(std::slice::from_ref(&run))).unwrap();
            assert_eq!(would_have(&found), [expected; 2], "{run}");
            // Another run into the directory may have asked for the object.
            let other = RUN.replace("2026-09-01T00", "2026-08-01T00");
            assert_eq!(would_have(&runs(&of_runs(&[run, other])).unwrap()), [true; 2]);
        }
    }

    #[test]
    fn a_list_that_is_not_understood_excuses_all() {
        let object = DeliveredObject::of_name(DIGEST).unwrap();
        let pretty = of_runs(&[RUN.to_owned()]).replace('{', "{\n");
        for text in ["{\"format\": \"trailproof/collected/1\"}", "\"trailproof/collected/9\"", &pretty] {
            assert!(!runs(text).unwrap().would_have(&object), "{text}");
        }
        assert!(runs("{}").is_none() && runs("").is_none());
    }
}
