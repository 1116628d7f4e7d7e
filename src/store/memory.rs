//! An in-memory store with versions and delete markers, for tests and for `simulate` without a disk.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Deposit, Encoding, Listed, Listing, Metadata, Object, ObjectFacts, Store, StoreError, Version};
use crate::ident::Location;
use crate::time::Timestamp;

/// Base of the write times: the `n`th write to a store is dated `n` seconds later.
const FIRST_WRITE: Timestamp = Timestamp::from_unix(1_000_000_000);

/// A versioned S3 in memory.
#[derive(Default, Debug)]
pub struct MemoryStore {
    state: RwLock<MemoryState>,
}

#[derive(Default, Debug)]
struct MemoryState {
    buckets: BTreeMap<String, BTreeMap<String, Vec<StoredVersion>>>,
    writes: i64,
}

/// A version. A delete marker has neither content nor refusal.
#[derive(Debug)]
struct StoredVersion {
    id: i64,
    content: Option<StoredContent>,
    refusal: Option<StoreError>,
}

#[derive(Debug)]
struct StoredContent {
    body: Arc<[u8]>,
    metadata: Metadata,
}

impl StoredVersion {
    fn is_visible(&self) -> bool {
        self.content.is_some() || self.refusal.is_some()
    }

    fn name(&self) -> String {
        format!("v{}", self.id)
    }

    fn etag(&self) -> String {
        format!("\"{}\"", self.id)
    }

    const fn modified(&self) -> Timestamp {
        FIRST_WRITE.plus(self.id)
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every later read of the object at `location` fail with `refusal`. Listings still show the object.
    pub fn refuse(&self, location: &Location, refusal: StoreError) {
        self.push(location, |id| StoredVersion { id, content: None, refusal: Some(refusal) });
    }

    /// Removes all versions of the object at `location`, without a delete marker.
    pub fn purge(&self, location: &Location) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = state.buckets.get_mut(&*location.bucket) {
            bucket.remove(&*location.key);
        }
    }

    /// All listed objects of all buckets, in order.
    #[must_use]
    pub fn locations(&self) -> Vec<Location> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let visible = |versions: &Vec<StoredVersion>| versions.last().is_some_and(StoredVersion::is_visible);
        let in_bucket = |(bucket, keys): (&String, &BTreeMap<String, Vec<StoredVersion>>)| {
            let found = keys.iter().filter(|(_, versions)| visible(versions));
            found.map(|(key, _)| Location::new(bucket.as_str(), key.as_str())).collect::<Vec<_>>()
        };
        state.buckets.iter().flat_map(in_bucket).collect()
    }

    fn push(&self, location: &Location, make: impl FnOnce(i64) -> StoredVersion) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.writes += 1;
        let stored = make(state.writes);
        let bucket = state.buckets.entry(location.bucket.to_string()).or_default();
        bucket.entry(location.key.to_string()).or_default().push(stored);
    }

    fn listed(&self, bucket: &str, prefix: &str, after: Option<&str>) -> Vec<Listed> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(keys) = state.buckets.get(bucket) else { return Vec::new() };
        // The range starts at the prefix or at `after`, whichever is later.
        let from = after.filter(|after| *after > prefix).unwrap_or(prefix);
        let visible = keys
            .range(from.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(key, versions)| {
                let newest = versions.last().filter(|newest| newest.is_visible())?;
                let size = newest.content.as_ref().map_or(0, |content| content.body.len() as u64);
                (Some(key.as_str()) != after).then(|| Listed {
                    key: key.clone(),
                    size,
                    modified: Some(newest.modified()),
                    etag: Some(newest.etag().into()),
                    archived: None,
                })
            });
        visible.collect()
    }
}

impl Store for MemoryStore {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        Box::new(self.listed(bucket, prefix, after).into_iter().map(Ok))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = self
            .listed(bucket, prefix, None)
            .iter()
            .filter_map(|listed| Some(listed.key.strip_prefix(prefix)?.split_once('/')?.0.to_owned()))
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let bucket = state.buckets.get(&*location.bucket).ok_or(StoreError::NotFound)?;
        let newest =
            bucket.get(&*location.key).and_then(|versions| versions.last()).ok_or(StoreError::NotFound)?;
        if let Some(refusal) = &newest.refusal {
            return Err(refusal.clone());
        }
        let content = newest.content.as_ref().ok_or(StoreError::NotFound)?;
        Ok(Object {
            body: Box::new(Cursor::new(Arc::clone(&content.body))),
            encoding: Encoding::Gzip,
            metadata: content.metadata.clone(),
            hashed: None,
            facts: ObjectFacts {
                size: Some(content.body.len() as u64),
                modified: Some(newest.modified()),
                etag: Some(newest.etag()),
                version: Some(newest.name()),
                doubt: None,
            },
        })
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let versions = state.buckets.get(&*location.bucket).and_then(|bucket| bucket.get(&*location.key));
        let version = |stored: &StoredVersion| Version {
            id: stored.name(),
            delete_marker: !stored.is_visible(),
            modified: Some(stored.modified()),
        };
        Ok(versions.into_iter().flatten().rev().map(version).collect())
    }
}

impl Deposit for MemoryStore {
    fn put(&self, location: &Location, body: &[u8], metadata: &Metadata) -> Result<(), StoreError> {
        let content = StoredContent { body: body.into(), metadata: metadata.clone() };
        self.push(location, |id| StoredVersion { id, content: Some(content), refusal: None });
        Ok(())
    }

    fn delete(&self, location: &Location) -> Result<(), StoreError> {
        self.push(location, |id| StoredVersion { id, content: None, refusal: None });
        Ok(())
    }

    fn make_unreadable(&self, location: &Location) -> Result<(), StoreError> {
        self.refuse(location, StoreError::Denied("made unreadable".to_owned()));
        Ok(())
    }
}
