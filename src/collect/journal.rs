//! The journal of a collection: a line of JSON for each object, written when the object is whole. `collected.json` is made
//! of it, and the next collection into the directory learns from it what is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::folder::{CopyFolder, REPLACED};
use super::manifest::MANIFEST;
use crate::ident::{Location, Sha256Hash};
use crate::store::Metadata;
use crate::time::Timestamp;

const JOURNAL: &str = "journal.jsonl";

/// Longest line read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JournalLine {
    /// The start of a collection.
    Run(RunLine),
    /// An object that was saved.
    Object(ObjectLine),
    /// An object that was not saved.
    Failure(FailureLine),
    /// A file of the copy that made way for other bytes.
    Replaced(ReplacedLine),
    /// An object that the copy holds, and the source does not.
    Absent(AbsentLine),
}

/// A collection into the directory.
#[derive(Serialize, Deserialize)]
pub(super) struct RunLine {
    pub(super) sources: Vec<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Timestamp,
    pub(super) trailproof: String,
    pub(super) started: Timestamp,
    pub(super) finished: Option<Timestamp>,
}

/// An object that was saved.
#[derive(Serialize, Deserialize)]
pub(super) struct ObjectLine {
    pub(super) uri: String,
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub(super) metadata: Metadata,
}

/// An object that was not saved.
#[derive(Serialize, Deserialize)]
pub(super) struct FailureLine {
    pub(super) uri: String,
    pub(super) reason: String,
    /// Whether a saved file was removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) removed: bool,
    /// Whether the source is a copy that does not hold the object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) outside: bool,
}

/// A file of the copy that made way for other bytes. Without the field `path`, which would make it an [`ObjectLine`].
#[derive(Serialize, Deserialize)]
pub(super) struct ReplacedLine {
    pub(super) uri: String,
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256Hash,
    /// Start of the collection that moved the file.
    pub(super) replaced: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub(super) metadata: Metadata,
}

/// An object that the copy holds, and the source does not.
#[derive(Serialize, Deserialize)]
pub(super) struct AbsentLine {
    pub(super) uri: String,
    pub(super) path: String,
    /// Start of the collection that did not find the object.
    pub(super) absent: Timestamp,
}

impl ReplacedLine {
    /// Whether the file has the body of an object, and not its metadata. The line may have been changed by anybody, so
    /// any other path is none.
    pub(super) fn is_body(&self) -> bool {
        let name = self.file.strip_prefix(REPLACED).and_then(|name| name.strip_prefix('/'));
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
    }
}

impl JournalLine {
    pub(super) fn failure(location: &Location, reason: &str, removed: bool) -> Self {
        let (uri, reason) = (location.to_string(), reason.to_owned());
        Self::Failure(FailureLine { uri, reason, removed, outside: false })
    }

    pub(super) fn outside(location: &Location, reason: &str) -> Self {
        let (uri, reason) = (location.to_string(), reason.to_owned());
        Self::Failure(FailureLine { uri, reason, removed: false, outside: true })
    }
}

/// The object that a URI of the journal names.
pub(super) fn location(uri: &str) -> Option<Location> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(Location::new(bucket, key))
}

/// The journal, open at its end.
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

/// The lines of a journal, read from its start as often as needed.
pub(super) struct JournalLines(PathBuf);

impl Journal {
    /// Opens the journal. The journal of a finished collection is made anew from `collected.json`.
    pub(super) fn open(folder: &CopyFolder) -> io::Result<Self> {
        let path = folder.unfinished(JOURNAL);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            fs::remove_file(&path)?;
        }
        if !path.exists() {
            restore(folder, &path)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        // A killed collection may have left half a line.
        file.write_all(b"\n")?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Adds a line.
    pub(super) fn add(&self, line: &JournalLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }

    /// All lines so far.
    pub(super) fn lines(&self) -> io::Result<JournalLines> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
        Ok(JournalLines(self.path.clone()))
    }
}

impl JournalLines {
    /// Calls `take` with each line and the position of its start. Lines that cannot be parsed are skipped: their objects
    /// are read again.
    pub(super) fn each(&self, take: &mut dyn FnMut(u64, JournalLine) -> io::Result<()>) -> io::Result<()> {
        each_line(&self.0, &mut |at, line| match serde_json::from_slice(line) {
            Ok(line) => take(at, line),
            Err(_) => Ok(()),
        })
    }

    /// The line of a saved object that starts at the position `at`.
    pub(super) fn object_at(&self, at: u64) -> Option<ObjectLine> {
        let mut file = BufReader::new(File::open(&self.0).ok()?);
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut line = Vec::new();
        file.take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
        match serde_json::from_slice(&line).ok()? {
            JournalLine::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// The journal of earlier collections into the directory; `None` in a new directory.
pub(super) fn of_earlier(folder: &CopyFolder) -> io::Result<Option<JournalLines>> {
    let path = folder.unfinished(JOURNAL);
    if !path.exists() {
        restore(folder, &path)?;
    }
    Ok(path.exists().then_some(JournalLines(path)))
}

/// Calls `take` with each line of a file and the position of its start, in bytes.
fn each_line(path: &Path, take: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut line, mut at) = (Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        take(at, line.trim_ascii())?;
        at += length as u64;
    }
}

/// Makes a journal from `collected.json`, which has each run and each object on a line of its own.
fn restore(folder: &CopyFolder, path: &Path) -> io::Result<()> {
    let manifest = folder.root().join(MANIFEST);
    if !fs::symlink_metadata(&manifest).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let (file, temporary) = folder.temporary()?;
    let mut writer = io::BufWriter::new(file);
    each_line(&manifest, &mut |_, line| {
        let line = line.strip_suffix(b",").unwrap_or(line);
        let parsed = serde_json::from_slice(line)
            .map(JournalLine::Object)
            .or_else(|_| serde_json::from_slice(line).map(JournalLine::Run))
            .or_else(|_| serde_json::from_slice(line).map(JournalLine::Failure))
            .or_else(|_| serde_json::from_slice(line).map(JournalLine::Replaced))
            .or_else(|_| serde_json::from_slice(line).map(JournalLine::Absent));
        if let Ok(parsed) = parsed {
            serde_json::to_writer(&mut writer, &parsed)?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    })?;
    writer.flush()?;
    temporary.persist(path).map_err(|error| error.error)
}
