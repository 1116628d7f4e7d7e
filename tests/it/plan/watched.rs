//! A store that counts what is asked of it, and can be made to fail.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};

use trailproof::ident::Location;
use trailproof::store::{Folder, Listing, Object, Store, StoreError, Version};

/// What was asked of a store.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Calls {
    /// LIST requests, of 1,000 keys each.
    pub(crate) lists: u64,
    /// Digests read.
    pub(crate) digests: u64,
    /// Other objects read.
    pub(crate) logs: u64,
    /// Stored size of everything read, in bytes.
    pub(crate) bytes: u64,
    /// Questions for versions.
    pub(crate) versions: u64,
}

impl Calls {
    pub(crate) const fn gets(&self) -> u64 {
        self.digests + self.logs
    }
}

#[derive(Default)]
struct Counters {
    lists: AtomicU64,
    digests: AtomicU64,
    logs: AtomicU64,
    bytes: AtomicU64,
    versions: AtomicU64,
}

pub(crate) struct Watched<'s> {
    inner: &'s dyn Store,
    refused: Option<&'s str>,
    repeated: Option<&'s str>,
    counters: Counters,
}

impl<'s> Watched<'s> {
    pub(crate) fn new(inner: &'s dyn Store) -> Self {
        Self { inner, refused: None, repeated: None, counters: Counters::default() }
    }

    /// Listings of just this prefix are denied.
    pub(crate) fn refusing(inner: &'s dyn Store, prefix: &'s str) -> Self {
        Self { refused: Some(prefix), ..Self::new(inner) }
    }

    /// Keys that hold `part` are listed twice.
    pub(crate) fn repeating(inner: &'s dyn Store, part: &'s str) -> Self {
        Self { repeated: Some(part), ..Self::new(inner) }
    }

    pub(crate) fn calls(&self) -> Calls {
        let Counters { lists, digests, logs, bytes, versions } = &self.counters;
        let [lists, digests, logs, bytes, versions] =
            [lists, digests, logs, bytes, versions].map(|counter| counter.load(Ordering::Relaxed));
        Calls { lists, digests, logs, bytes, versions }
    }

    fn refusal(&self, prefix: &str) -> Option<StoreError> {
        (self.refused == Some(prefix)).then(|| StoreError::Denied("refused".to_owned()))
    }
}

impl Store for Watched<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.counters.lists.fetch_add(1, Ordering::Relaxed);
        if let Some(refusal) = self.refusal(prefix) {
            return Box::new([Err(refusal)].into_iter());
        }
        let listing = self.inner.list(bucket, prefix, after).flat_map(|listed| {
            let key = listed.as_ref().map_or("", |listed| &listed.key);
            let times = if self.repeated.is_some_and(|part| key.contains(part)) { 2 } else { 1 };
            std::iter::repeat_n(listed, times)
        });
        let mut keys = 0_u64;
        Box::new(listing.inspect(move |_| {
            keys += 1;
            self.counters.lists.fetch_add(u64::from(keys.is_multiple_of(1_000)), Ordering::Relaxed);
        }))
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        self.counters.lists.fetch_add(1, Ordering::Relaxed);
        self.refusal(prefix).map_or_else(|| self.inner.list_folder(bucket, prefix), Err)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let names = self.refusal(prefix).map_or_else(|| self.inner.list_dirs(bucket, prefix), Err);
        let pages = 1 + names.as_ref().map_or(0, Vec::len) as u64 / 1_000;
        self.counters.lists.fetch_add(pages, Ordering::Relaxed);
        names
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let is_digest = location.key.contains("/CloudTrail-Digest/");
        let counter = if is_digest { &self.counters.digests } else { &self.counters.logs };
        counter.fetch_add(1, Ordering::Relaxed);
        let size = self.inner.get(location)?.body.read_to_end(&mut Vec::new()).unwrap();
        self.counters.bytes.fetch_add(size as u64, Ordering::Relaxed);
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.counters.versions.fetch_add(1, Ordering::Relaxed);
        self.inner.versions(location)
    }
}
