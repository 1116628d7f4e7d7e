//! Files of the copy that make way. The source has other bytes now, and the file may be the last original there is, so
//! it is moved to the folder of replaced files, and never overwritten or removed.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::evidence::{self, SIDECAR};
use super::folder::{self, PlaceError, beside};
use super::journal::{JournalLine, ReplacedLine};
use super::known::KnownObject;
use super::{Collection, MAX_EXAMPLES, ReadObject};
use crate::ident::{Location, Sha256Hash};
use crate::prove::reference;
use crate::store::{Encoding, Metadata, Object, ObjectFacts, SecondCopy};

impl Collection {
    /// Moves the file at `path` away, unless its hash is `sha256`. Returns whether it is.
    pub(super) fn make_way(
        &self,
        location: &Location,
        path: &Path,
        sha256: Sha256Hash,
    ) -> Result<bool, PlaceError> {
        let Some(file) = folder::open_regular(path).map_err(PlaceError::Io)? else { return Ok(false) };
        let held = folder::sha256(&file).map_err(PlaceError::Io)?;
        if held != sha256 {
            self.set_aside(location, path, &file, held, "")?;
        }
        Ok(held == sha256)
    }

    /// Moves the metadata file beside the digest at `path` away, unless it has the metadata that was read. Returns
    /// whether it has.
    pub(super) fn make_way_for_metadata(&self, of: &ReadObject, path: &Path) -> Result<bool, PlaceError> {
        let saved = evidence::read_sidecar(&self.folder, &self.copied(&of.location));
        let is_same = saved.is_some_and(|saved| saved == of.metadata);
        if !is_same {
            self.set_metadata_aside(&of.location, path)?;
        }
        Ok(is_same)
    }

    /// Moves the metadata file beside the digest at `path` away, if there is one.
    fn set_metadata_aside(&self, location: &Location, path: &Path) -> Result<(), PlaceError> {
        let path = beside(path, SIDECAR);
        let Some(file) = folder::open_regular(&path).map_err(PlaceError::Io)? else { return Ok(()) };
        let held = folder::sha256(&file).map_err(PlaceError::Io)?;
        self.set_aside(location, &path, &file, held, SIDECAR)
    }

    /// Removes an object of which this run read different bytes. What an earlier collection saved is moved away.
    pub(super) fn take_away(&self, location: &Location) -> Result<(), PlaceError> {
        let path = self.folder.place(&self.copied(location))?;
        let is_digest = evidence::is_digest(location);
        if let Some(file) = folder::open_regular(&path).map_err(PlaceError::Io)? {
            let held = folder::sha256(&file).map_err(PlaceError::Io)?;
            if self.known.get(location).is_some_and(|known| known.sha256 == held) {
                self.set_aside(location, &path, &file, held, "")?;
                return if is_digest { self.set_metadata_aside(location, &path) } else { Ok(()) };
            }
        }
        // A failure leaves a file that `collected.json` does not list.
        self.folder.remove_beside(&path, "");
        if is_digest {
            self.folder.remove_beside(&path, SIDECAR);
        }
        Ok(())
    }

    /// Moves a file to the folder of replaced files. The line in the journal comes first, so that no killed collection
    /// leaves a file there that nothing names.
    fn set_aside(
        &self,
        location: &Location,
        path: &Path,
        file: &File,
        sha256: Sha256Hash,
        suffix: &str,
    ) -> Result<(), PlaceError> {
        let size = file.metadata().map_err(PlaceError::Io)?.len();
        let name = self.folder.replaced_path(sha256, suffix)?;
        // What the source said of these bytes, if an earlier collection saved them.
        let known = self.known.get(location).filter(|known| suffix.is_empty() && known.sha256 == sha256);
        let lines = self.journal.lines().map_err(PlaceError::Io)?;
        let saved = known.and_then(|known| lines.object_at(known.at));
        let (modified, etag, version, metadata) = saved.map_or_else(Default::default, |saved| {
            (saved.modified, saved.etag, saved.version, saved.metadata)
        });
        let line = ReplacedLine {
            uri: location.to_string(),
            file: name.clone(),
            size,
            sha256,
            replaced: self.options.started,
            modified,
            etag,
            version,
            metadata,
        };
        self.journal.add(&JournalLine::Replaced(line)).map_err(PlaceError::Io)?;
        self.folder.move_to(path, &name)?;
        self.tally.replaced.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.replaced.len() < MAX_EXAMPLES {
            examples.replaced.push((location.clone(), name.as_str().into()));
        }
        drop(examples);
        if suffix.is_empty() {
            let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
            replaced.entry(reference(location)).or_default().push(name);
        }
        Ok(())
    }

    /// The metadata of an object as an earlier collection read it, if the file beside the object still has the same.
    pub(super) fn saved_metadata(&self, location: &Location, known: KnownObject) -> Option<Metadata> {
        let metadata = self.journal.lines().ok()?.object_at(known.at)?.metadata;
        let saved = evidence::read_sidecar(&self.folder, &self.copied(location))?;
        (saved == metadata).then_some(metadata)
    }

    /// The bodies that earlier collections saved of an object: files that made way, and a file in the object's place that
    /// this run did not read.
    pub(super) fn saved_before(&self, location: &Location) -> Vec<SecondCopy> {
        let id = reference(location);
        let mut paths = self
            .replaced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
            .unwrap_or_default();
        let copied = self.copied(location);
        let is_of_earlier = self.known.get(location).is_some() && !self.reads().saved.contains_key(&id);
        if is_of_earlier && self.unfit(location).is_none() && self.folder.has_file(&copied) {
            paths.push(format!("{}/{}", copied.bucket, copied.key));
        }
        paths.iter().filter_map(|path| self.second_copy(path)).collect()
    }

    fn second_copy(&self, path: &str) -> Option<SecondCopy> {
        let (folder, name) = path.split_once('/')?;
        let file = self.folder.open_file(&Location::new(folder, name))?;
        let object = Object {
            body: Box::new(BufReader::new(file)),
            encoding: Encoding::GzipOrPlain,
            metadata: Metadata::new(),
            hashed: None,
            facts: ObjectFacts::default(),
        };
        Some(SecondCopy { name: self.options.directory.join(path).display().to_string(), object })
    }
}
