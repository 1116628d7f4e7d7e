//! What earlier collections into the directory saved, as their journal says.

use std::collections::HashMap;
use std::io;

use super::evidence::is_like_digest;
use super::folder::CopyFolder;
use super::journal::{self, JournalLine, ObjectLine, location};
use crate::ident::{Location, Sha256Hash};
use crate::prove::reference;
use crate::time::Timestamp;

/// What earlier collections saved, by [`reference`] of the location.
#[derive(Default)]
pub(super) struct KnownObjects {
    objects: HashMap<u128, KnownObject>,
    /// Files with bodies that made way for other bytes: paths in the directory.
    replaced: HashMap<u128, Vec<String>>,
}

/// An object in the directory.
#[derive(Clone, Copy)]
pub(super) struct KnownObject {
    pub(super) sha256: Sha256Hash,
    /// Position of the object's line in the journal.
    pub(super) at: u64,
    /// What the source said of the object: the file in the directory stands for the object as long as the source lists
    /// the same. `None` where a later collection did not find the object, or the source did not say enough.
    listed: Option<(u64, Timestamp)>,
    /// Whether the object's metadata have a signature, which a listing does not show.
    pub(super) has_signature: bool,
}

impl KnownObject {
    fn new(location: &Location, line: &ObjectLine, at: u64) -> Self {
        let has_signature = is_like_digest(location) || line.metadata.contains_key("signature");
        let listed = line.etag.as_deref().map(tag).zip(line.modified);
        Self { sha256: line.sha256, at, listed, has_signature }
    }

    /// Whether the object may be served from the directory in place of a read.
    pub(super) const fn may_be_served(&self) -> bool {
        self.listed.is_some() && !self.has_signature
    }

    /// Whether a listing shows the object as it was saved.
    pub(super) fn is_listed_as(&self, etag: Option<&str>, modified: Option<Timestamp>) -> bool {
        self.listed.is_some() && self.listed == etag.map(tag).zip(modified)
    }
}

impl KnownObjects {
    /// Reads what is known. Called before the journal is opened.
    pub(super) fn read(folder: &CopyFolder) -> io::Result<Self> {
        let mut known = Self::default();
        let Some(lines) = journal::of_earlier(folder)? else { return Ok(known) };
        lines.each(&mut |at, line| {
            known.add(at, line);
            Ok(())
        })?;
        Ok(known)
    }

    fn add(&mut self, at: u64, line: JournalLine) {
        match line {
            JournalLine::Object(line) => {
                if let Some(location) = location(&line.uri) {
                    self.objects.insert(reference(&location), KnownObject::new(&location, &line, at));
                }
            }
            JournalLine::Failure(line) if line.removed => {
                location(&line.uri).map(|location| self.objects.remove(&reference(&location)));
            }
            // After a run without the object, only a new read says that the object is there again.
            JournalLine::Failure(line) => self.doubt(&line.uri),
            JournalLine::Absent(line) => self.doubt(&line.uri),
            JournalLine::Replaced(line) => {
                if let Some(location) = location(&line.uri).filter(|_| line.is_body()) {
                    self.replaced.entry(reference(&location)).or_default().push(line.file);
                }
            }
            JournalLine::Run(_) => {}
        }
    }

    fn doubt(&mut self, uri: &str) {
        let known = location(uri).and_then(|location| self.objects.get_mut(&reference(&location)));
        if let Some(known) = known {
            known.listed = None;
        }
    }

    pub(super) fn get(&self, location: &Location) -> Option<KnownObject> {
        self.objects.get(&reference(location)).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Takes the files that made way in earlier collections.
    pub(super) fn take_replaced(&mut self) -> HashMap<u128, Vec<String>> {
        std::mem::take(&mut self.replaced)
    }
}

/// A short form of an entity tag, to compare.
fn tag(etag: &str) -> u64 {
    super::beginning(Sha256Hash::of(etag.as_bytes()))
}
