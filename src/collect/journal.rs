//! The journal of a collection: a line of JSON for each object, written when the object is whole. `collected.json` is made
//! of it, and the next collection into the directory learns from it what is there.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::folder::CopyFolder;
use super::manifest::MANIFEST;
use crate::ident::{Location, Sha256Hash};
use crate::prove::reference;
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
    /// Calls `take` with each line and its number. Lines that cannot be parsed are skipped: their objects are read again.
    pub(super) fn each(&self, take: &mut dyn FnMut(u64, JournalLine) -> io::Result<()>) -> io::Result<()> {
        each_line(&self.0, &mut |number, line| match serde_json::from_slice(line) {
            Ok(line) => take(number, line),
            Err(_) => Ok(()),
        })
    }
}

/// Calls `take` with each line of a file and its number.
fn each_line(path: &Path, take: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        take(number, line.trim_ascii())?;
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
            .or_else(|_| serde_json::from_slice(line).map(JournalLine::Failure));
        if let Ok(parsed) = parsed {
            serde_json::to_writer(&mut writer, &parsed)?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    })?;
    writer.flush()?;
    temporary.persist(path).map_err(|error| error.error)
}

/// What earlier collections saved, by [`reference`] of the location.
#[derive(Default)]
pub(super) struct KnownObjects(HashMap<u128, KnownObject>);

/// An object in the directory.
#[derive(Clone, Copy)]
pub(super) struct KnownObject {
    pub(super) sha256: Sha256Hash,
    /// Beginning of the SHA-256 of the entity tag, if S3 told the tag.
    pub(super) etag: Option<u64>,
}

impl KnownObjects {
    /// Reads what is known. Called before the journal is opened.
    pub(super) fn read(folder: &CopyFolder) -> io::Result<Self> {
        let path = folder.unfinished(JOURNAL);
        if !path.exists() {
            restore(folder, &path)?;
        }
        let mut known = HashMap::new();
        if !path.exists() {
            return Ok(Self(known));
        }
        JournalLines(path).each(&mut |_, line| {
            match line {
                JournalLine::Object(line) => {
                    if let Some(location) = location(&line.uri) {
                        let etag = line.etag.as_deref().map(tag);
                        known.insert(reference(&location), KnownObject { sha256: line.sha256, etag });
                    }
                }
                JournalLine::Failure(line) if line.removed => {
                    if let Some(location) = location(&line.uri) {
                        known.remove(&reference(&location));
                    }
                }
                JournalLine::Run(_) | JournalLine::Failure(_) => {}
            }
            Ok(())
        })?;
        Ok(Self(known))
    }

    pub(super) fn get(&self, location: &Location) -> Option<KnownObject> {
        self.0.get(&reference(location)).copied()
    }
}

/// A short form of an entity tag, to compare.
pub(super) fn tag(etag: &str) -> u64 {
    super::beginning(Sha256Hash::of(etag.as_bytes()))
}
