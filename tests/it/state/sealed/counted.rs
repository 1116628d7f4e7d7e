//! A store that counts what is read, and whose objects can go to an archive.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use trailproof::ident::Location;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{ArchiveClass, Listed, Listing, Object, Store, StoreError, Version};

/// A store that counts what is read.
pub(super) struct Counted<'s> {
    inner: &'s MemoryStore,
    /// The store of the bodies, if it is another one than that of the listings.
    bodies: &'s MemoryStore,
    gets: AtomicU64,
    archived: Mutex<BTreeSet<Location>>,
    /// Whether listings tell which objects are archived: not of the archive tiers of S3 Intelligent-Tiering.
    is_shown: AtomicBool,
}

impl<'s> Counted<'s> {
    pub(super) fn new(inner: &'s MemoryStore) -> Self {
        Self::lying(inner, inner)
    }

    /// A store that lists what `inner` has, and answers with what `bodies` has.
    pub(super) fn lying(inner: &'s MemoryStore, bodies: &'s MemoryStore) -> Self {
        Self {
            inner,
            bodies,
            gets: AtomicU64::new(0),
            archived: Mutex::default(),
            is_shown: AtomicBool::new(true),
        }
    }

    /// How many objects were read since the last call.
    pub(super) fn take(&self) -> u64 {
        self.gets.swap(0, Ordering::Relaxed)
    }

    pub(super) fn archive(&self, objects: Vec<Location>) {
        self.archived.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
    }

    /// Archives objects in a tier that no listing shows.
    pub(super) fn archive_unseen(&self, objects: Vec<Location>) {
        self.is_shown.store(false, Ordering::Relaxed);
        self.archive(objects);
    }

    /// Takes every object out of the archive.
    pub(super) fn restore(&self) {
        self.archived.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_archived(&self, location: &Location) -> bool {
        self.archived.lock().unwrap_or_else(PoisonError::into_inner).contains(location)
    }
}

impl Store for Counted<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        let bucket_name = bucket.to_owned();
        Box::new(self.inner.list(bucket, prefix, after).map(move |listed| {
            let listed = listed?;
            let location = Location::new(bucket_name.as_str(), listed.key.as_str());
            let is_shown = self.is_shown.load(Ordering::Relaxed) && self.is_archived(&location);
            let archived = is_shown.then_some(ArchiveClass::DeepArchive);
            Ok(Listed { archived, ..listed })
        }))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        match self.is_archived(location) {
            true => Err(StoreError::Archived("DEEP_ARCHIVE".to_owned())),
            false => self.bodies.get(location),
        }
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}
