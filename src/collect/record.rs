//! What a collection does with each object: notes listings and failures, and writes what was read.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use super::draft::Draft;
use super::folder::{self, PlaceError};
use super::journal::{JournalLine, ObjectLine};
use super::{
    Collection, ListedFacts, MAX_EXAMPLES, MAX_UNREAD, ReadObject, Reads, beginning, evidence, marks,
};
use crate::ident::{Location, Relocation, Sha256Hash};
use crate::prove::reference;
use crate::store::directory::collected::{MARK, unfit_reason};
use crate::store::{Disagreement, Listed, StoreError};

impl Collection {
    pub(super) fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a listed object, which is read after the run unless the run reads the object.
    pub(super) fn note_listed(&self, bucket: &str, listed: &Listed) {
        let location = Location::new(bucket, listed.key.as_str());
        if listed.modified.is_none() {
            self.tally.is_from_copy.store(true, Ordering::Relaxed);
        }
        if self.known.get(&location).is_some() {
            self.reads().listed.insert(reference(&location));
        }
        if !evidence::belongs(&location, listed.size, &self.options) {
            return;
        }
        let reads = self.reads();
        let id = reference(&location);
        if reads.saved.contains_key(&id) || reads.failed.contains(&id) {
            return;
        }
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.len() < MAX_UNREAD {
            unread.insert(location, ListedFacts::of(listed));
        } else if !unread.contains_key(&location) {
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes a folder that cannot be listed. The mark in the folder stands for the objects that nobody saw: without it, a
    /// copy would say that no digest lacks a log file.
    pub(super) fn note_unlisted(&self, bucket: &str, prefix: &str, error: &StoreError) {
        let place = Location::new(bucket, format!("{prefix}listing"));
        self.leave_out(&place, &format!("the folder cannot be listed: {error}"));
    }

    /// Notes an object of which two copies in the source differ. The judged copy is saved; the mark stands for the other.
    pub(super) fn note_disagreement(&self, found: &Disagreement) {
        let Disagreement { location, judged, other } = found;
        let place = Location::new(&*location.bucket, format!("{}.other-copy", location.key));
        self.leave_out(&place, &format!("`{judged}` is saved, and `{other}` differs from it"));
    }

    /// What a listing of this run says of an object that was not read yet.
    pub(super) fn listed(&self, location: &Location) -> Option<ListedFacts> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).get(location).cloned()
    }

    /// Notes an object that is served from the directory, with the beginning of its hash.
    pub(super) fn note_served(&self, location: &Location, hash: u64) {
        self.forget_unread(location);
        let (id, mut reads) = (reference(location), self.reads());
        reads.saved.insert(id, hash);
        reads.served.insert(id);
        self.already.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn forget_unread(&self, location: &Location) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).remove(location);
    }

    /// Saves an object that was read to its end.
    pub(super) fn save(&self, of: &ReadObject, draft: Draft) {
        self.forget_unread(&of.location);
        self.note_found(&of.location);
        let (id, sha256) = (reference(&of.location), draft.sha256());
        let (before, was_served) = {
            let mut reads = self.reads();
            let before = reads.saved.insert(id, beginning(sha256));
            (before, reads.served.remove(&id))
        };
        match before {
            Some(same) if same == beginning(sha256) => return,
            // Two reads of the source differ: neither stands for the object.
            Some(_) if !was_served => return self.remove(&of.location),
            _ => {}
        }
        if was_served {
            self.already.fetch_sub(1, Ordering::Relaxed);
        }
        match self.write(of, draft, sha256) {
            Ok(true) => {
                self.reads().unchanged.insert(id);
                self.already.fetch_add(1, Ordering::Relaxed);
            }
            Ok(false) => {
                self.saved.fetch_add(1, Ordering::Relaxed);
            }
            Err(PlaceError::Unfit(reason)) => {
                self.reads().saved.remove(&id);
                self.leave_out(&of.location, &reason);
            }
            Err(PlaceError::Io(error)) => self.fail(&error),
        }
    }

    /// Writes the metadata, then the body, then the line in the journal, so that a collection that was killed in
    /// between reads the object again. Files with other content are moved away before. Returns whether the copy had the
    /// same body and metadata already.
    pub(super) fn write(
        &self,
        of: &ReadObject,
        draft: Draft,
        sha256: Sha256Hash,
    ) -> Result<bool, PlaceError> {
        let copied = self.copied(&of.location);
        let path = self.folder.place(&copied)?;
        let size = draft.size();
        let has_body = self.make_way(&of.location, &path, sha256)?;
        let mut is_same = has_body;
        if let Some(sidecar) = evidence::sidecar(of, size) {
            is_same &= self.make_way_for_metadata(of, &path)?;
            self.folder.write_beside(&path, evidence::SIDECAR, &sidecar)?;
        }
        if !has_body {
            draft.install(&self.folder, &path)?;
        }
        if self.folder.is_continued() {
            self.folder.remove_beside(&path, MARK);
        }
        let line = ObjectLine {
            uri: of.location.to_string(),
            path: format!("{}/{}", copied.bucket, copied.key),
            size,
            sha256,
            modified: of.facts.modified,
            etag: of.facts.etag.clone(),
            version: of.facts.version.clone(),
            metadata: of.metadata.clone(),
        };
        self.journal.add(&JournalLine::Object(line)).map_err(PlaceError::Io)?;
        if !is_same {
            self.bytes.fetch_add(size, Ordering::Relaxed);
        }
        Ok(is_same)
    }

    /// Removes an object of which two reads of the source differ.
    pub(super) fn remove(&self, location: &Location) {
        let id = reference(location);
        let is_new = self.reads().failed.insert(id);
        if is_new {
            if let Err(PlaceError::Io(error)) = self.take_away(location) {
                return self.fail(&error);
            }
            let was_there = self.reads().unchanged.remove(&id);
            let number = if was_there { &self.already } else { &self.saved };
            number.fetch_sub(1, Ordering::Relaxed);
            self.add_failure(location, "two reads returned different bytes", true);
        }
    }

    /// Notes a failed read.
    pub(super) fn note_failure(&self, location: &Location, error: &StoreError) {
        self.forget_unread(location);
        match error {
            // Nothing in an unsigned copy proves that S3 was asked, so only what an earlier run saved is noted.
            StoreError::NotFound => drop(self.note_held(location)),
            // The source is itself a copy that lacks the object. A mark follows where the copy has the folder.
            StoreError::OutOfReach(_) | StoreError::MaybeLater(_) | StoreError::OtherName(_) => {
                if !self.note_held(location) {
                    let reason = error.to_string();
                    self.add_line(&JournalLine::outside(location, &reason));
                }
            }
            _ => self.leave_out(location, &error.to_string()),
        }
    }

    /// Puts a mark in place of an object that cannot be saved, once.
    pub(super) fn leave_out(&self, location: &Location, reason: &str) {
        self.forget_unread(location);
        let is_new = {
            let mut reads = self.reads();
            let id = reference(location);
            !reads.saved.contains_key(&id) && reads.failed.insert(id)
        };
        if is_new {
            self.add_failure(location, reason, false);
        }
    }

    /// Notes an object that was not collected. What an earlier collection saved of it stays, and then there is no mark: a
    /// mark beside the object would be read as an object of its own.
    pub(super) fn add_failure(&self, location: &Location, reason: &str, removed: bool) {
        let copied = self.copied(location);
        let is_kept = !removed && self.unfit(location).is_none() && self.folder.has_file(&copied);
        let reason = match is_kept {
            true => &format!("{reason}; the copy holds what an earlier collection saved"),
            false => reason,
        };
        self.not_collected.fetch_add(1, Ordering::Relaxed);
        self.tally.kept.fetch_add(u64::from(is_kept), Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.not_collected.len() < MAX_EXAMPLES {
            examples.not_collected.push((location.clone(), reason.to_owned()));
        }
        drop(examples);
        if !is_kept && let Err(error) = marks::write(&self.folder, &copied, reason) {
            self.fail(&error);
        }
        self.add_line(&JournalLine::failure(location, reason, removed));
    }

    pub(super) fn add_line(&self, line: &JournalLine) {
        if let Err(error) = self.journal.add(line) {
            self.fail(&error);
        }
    }

    /// Why the object cannot be saved under its key.
    pub(super) fn unfit(&self, location: &Location) -> Option<&'static str> {
        let copied = self.copied(location);
        unfit_reason(&copied).or_else(|| folder::is_reserved(&copied.bucket).then_some(folder::RESERVED))
    }

    /// The location under which an object is saved: the location itself, unless the object was read through an
    /// access point, which the user says belongs to a bucket.
    pub(super) fn copied<'l>(&self, location: &'l Location) -> Cow<'l, Location> {
        let original = |moved: &Relocation| {
            let rest = location.key.strip_prefix(&*moved.to_prefix)?;
            let key = format!("{}{rest}", moved.from_prefix);
            (moved.to_bucket == *location.bucket).then(|| Location::new(moved.from_bucket.as_str(), key))
        };
        match is_access_point(&location.bucket) {
            true => {
                self.options.relocations.iter().find_map(original).map_or(Cow::Borrowed(location), Cow::Owned)
            }
            false => Cow::Borrowed(location),
        }
    }
}

/// Whether a bucket is an access point, by its ARN or alias: names that no bucket can have.
pub(super) fn is_access_point(bucket: &str) -> bool {
    bucket.starts_with("arn:") || bucket.ends_with("-s3alias")
}
