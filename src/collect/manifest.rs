//! `collected.json`, the list of what a directory holds: `trailproof/collected/1`.
//!
//! A JSON object, with each run and each object on a line of its own:
//!
//! - `format`: `trailproof/collected/1`;
//! - `runs`: the collections into the directory, the last of them at the end. `sources` as typed; `start` (`null`: where
//!   the record begins) and `end` of the asked range; `trailproof`, the version of the program; `started`, and `finished`,
//!   which is `null` for a collection that was interrupted;
//! - `public_keys`: `path` and `sha256` of each file with public keys;
//! - `objects`: of each saved object the `uri`; `path` in the directory; `size` of the stored body in bytes; `sha256` of
//!   the stored body; and where the source tells them `modified`, the time of the last write; `etag`; `version`; and the
//!   user's `metadata`, by name. Objects are in the order in which they were read;
//! - `not_collected`: `uri` and `reason` of each object that was asked for and not saved. `outside`: the source is a copy,
//!   and does not hold the object. `removed`: the object was saved, and a second read returned other bytes;
//! - `replaced`: of each file in the directory `.replaced` the `uri` of the object; `file`, the path in the directory, which
//!   ends in `.metadata.json` if the file has the metadata of a digest file and not a body; `size` and `sha256` of the file;
//!   `replaced`, the start of the collection that found other content in the source; and what the source told of these
//!   bytes, as of an object. The source told nothing of a file that was changed in the directory;
//! - `not_in_source`: `uri` and `path` of each object that the directory holds, and the source did not hold in the collection
//!   that started at `absent`;
//! - `not_listed`: how many further objects were not collected, because too many were listed.
//!
//! Times are RFC 3339 in UTC. Fields may be added, never changed. The file is written last: a directory without it holds
//! no complete copy. Validation reads only the `runs`: what no run asked for, or what may have been delivered after the
//! run, is "not in this copy". Nothing in the file proves that an object is missing, because the file is not signed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::SavedKeys;
use super::folder::CopyFolder;
use super::journal::{JournalLine, JournalLines, ObjectLine, location};
use crate::ident::Location;
use crate::prove::reference;
use crate::time::Timestamp;

pub use crate::store::directory::collected::MANIFEST;

/// Format of the file.
pub const FORMAT: &str = "trailproof/collected/1";

/// The lines of a journal that count, by their positions: the last about each object.
#[derive(Default)]
pub(super) struct Kept {
    objects: HashMap<u128, u64>,
    /// The last line about each path: behind an access point, an object has more than one URI.
    paths: HashMap<u128, u64>,
    failures: HashMap<u128, LastFailure>,
    absent: HashMap<u128, u64>,
    last_run: u64,
}

struct LastFailure {
    line: u64,
    removed: bool,
    outside: bool,
}

impl Kept {
    pub(super) fn of(lines: &JournalLines) -> io::Result<Self> {
        let mut kept = Self::default();
        lines.each(&mut |number, line| {
            match &line {
                JournalLine::Run(_) => kept.last_run = number,
                JournalLine::Object(object) => {
                    kept.objects.extend(location(&object.uri).map(|place| (reference(&place), number)));
                    kept.paths.extend(at_path(&object.path).map(|place| (reference(&place), number)));
                }
                JournalLine::Failure(failure) => {
                    let (removed, outside) = (failure.removed, failure.outside);
                    let last = LastFailure { line: number, removed, outside };
                    kept.failures.extend(location(&failure.uri).map(|place| (reference(&place), last)));
                }
                JournalLine::Absent(line) => {
                    kept.absent.extend(location(&line.uri).map(|place| (reference(&place), number)));
                }
                JournalLine::Replaced(_) => {}
            }
            Ok(())
        })?;
        Ok(kept)
    }

    fn has_object(&self, object: &ObjectLine, line: u64) -> bool {
        let Some(id) = location(&object.uri).map(|place| reference(&place)) else { return false };
        let is_removed = self.failures.get(&id).is_some_and(|last| last.removed && last.line > line);
        let is_at_path =
            at_path(&object.path).is_some_and(|place| self.paths.get(&reference(&place)) == Some(&line));
        self.objects.get(&id) == Some(&line) && is_at_path && !is_removed
    }

    fn has_absent(&self, uri: &str, line: u64) -> bool {
        let Some(id) = location(uri).map(|place| reference(&place)) else { return false };
        self.absent.get(&id) == Some(&line) && self.objects.get(&id).is_none_or(|object| *object < line)
    }

    fn has_failure(&self, uri: &str, line: u64) -> bool {
        let Some(id) = location(uri).map(|place| reference(&place)) else { return false };
        let is_last = self.failures.get(&id).is_some_and(|last| last.line == line);
        is_last && self.objects.get(&id).is_none_or(|object| *object < line)
    }

    /// The objects that the source does not hold.
    pub(super) fn outside(&self, lines: &JournalLines) -> io::Result<BTreeSet<Location>> {
        let mut outside = BTreeSet::new();
        if !self.failures.values().any(|last| last.outside) {
            return Ok(outside);
        }
        lines.each(&mut |number, line| {
            if let JournalLine::Failure(failure) = line
                && failure.outside
                && self.has_failure(&failure.uri, number)
            {
                outside.extend(location(&failure.uri));
            }
            Ok(())
        })?;
        Ok(outside)
    }
}

/// Writes the file as a whole.
pub(super) fn write(
    folder: &CopyFolder,
    lines: &JournalLines,
    kept: &Kept,
    keys: &[SavedKeys],
    finished: Timestamp,
    not_listed: u64,
) -> io::Result<()> {
    let (file, temporary) = folder.temporary()?;
    let mut out = BufWriter::new(file);
    write!(out, "{{\n\"format\": \"{FORMAT}\",\n\"runs\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    lines.each(&mut |number, line| match line {
        JournalLine::Run(mut run) => {
            if number == kept.last_run {
                run.finished = Some(finished);
            }
            list.add(&run)
        }
        _ => Ok(()),
    })?;
    list.end()?;
    write!(out, ",\n\"public_keys\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    keys.iter().try_for_each(|saved| list.add(saved))?;
    list.end()?;
    write!(out, ",\n\"objects\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    lines.each(&mut |number, line| match line {
        JournalLine::Object(object) if kept.has_object(&object, number) => list.add(&object),
        _ => Ok(()),
    })?;
    list.end()?;
    write!(out, ",\n\"not_collected\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    lines.each(&mut |number, line| match line {
        JournalLine::Failure(failure) if kept.has_failure(&failure.uri, number) => list.add(&failure),
        _ => Ok(()),
    })?;
    list.end()?;
    let is_there = |path: &str| folder.root().join(path).is_file();
    write!(out, ",\n\"replaced\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    let mut files = HashSet::new();
    lines.each(&mut |_, line| match line {
        // A killed collection may have noted a file and not moved it, or noted it twice.
        JournalLine::Replaced(line)
            if is_there(&line.file) && files.insert((line.uri.clone(), line.file.clone())) =>
        {
            list.add(&line)
        }
        _ => Ok(()),
    })?;
    list.end()?;
    write!(out, ",\n\"not_in_source\": ")?;
    let mut list = ListWriter::begin(&mut out)?;
    lines.each(&mut |number, line| match line {
        JournalLine::Absent(line) if kept.has_absent(&line.uri, number) && is_there(&line.path) => {
            list.add(&line)
        }
        _ => Ok(()),
    })?;
    list.end()?;
    writeln!(out, ",\n\"not_listed\": {not_listed}\n}}")?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    drop(file);
    temporary.persist(folder.root().join(MANIFEST)).map_err(|error| error.error)
}

/// A path in the directory, as a location.
fn at_path(path: &str) -> Option<Location> {
    path.split_once('/').map(|(folder, rest)| Location::new(folder, rest))
}

/// Writes a JSON list, an element a line.
struct ListWriter<'w> {
    out: &'w mut dyn Write,
    is_empty: bool,
}

impl<'w> ListWriter<'w> {
    fn begin(out: &'w mut dyn Write) -> io::Result<Self> {
        write!(out, "[")?;
        Ok(Self { out, is_empty: true })
    }

    fn add(&mut self, element: &impl Serialize) -> io::Result<()> {
        write!(self.out, "{}", if self.is_empty { "\n" } else { ",\n" })?;
        self.is_empty = false;
        serde_json::to_writer(&mut *self.out, element)?;
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        write!(self.out, "{}", if self.is_empty { "]" } else { "\n]" })
    }
}
