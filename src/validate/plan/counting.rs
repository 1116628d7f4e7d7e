//! A store that only lists, and counts the requests to S3.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ident::Location;
use crate::store::{Folder, Listed, Listing, Object, Store, StoreError, Version};

/// Keys or folders in one page of a listing.
///
/// Source: Amazon S3 API Reference, `ListObjectsV2`, `MaxKeys`.
const PAGE: u64 = 1_000;

/// Lists a second store's objects. Bodies and versions are out of reach, so a plan cannot read them.
pub(super) struct CountingStore<'s> {
    inner: &'s dyn Store,
    requests: AtomicU64,
}

impl<'s> CountingStore<'s> {
    pub(super) const fn new(inner: &'s dyn Store) -> Self {
        Self { inner, requests: AtomicU64::new(0) }
    }

    /// Pages requested so far. A page taken to its end counts the next page too.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn add(&self, pages: u64) {
        self.requests.fetch_add(pages, Ordering::Relaxed);
    }
}

impl Store for CountingStore<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.add(1);
        let mut taken = 0_u64;
        let count = move |_: &Result<_, _>| {
            taken += 1;
            self.add(u64::from(taken.is_multiple_of(PAGE)));
        };
        Box::new(self.inner.list(bucket, prefix, after).inspect(count))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let names = self.inner.list_dirs(bucket, prefix);
        self.add(1 + names.as_ref().map_or(0, Vec::len) as u64 / PAGE);
        names
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        let found = self.inner.list_folder(bucket, prefix);
        let held = found.as_ref().map_or(0, |found| found.folders.len() + found.objects.len());
        self.add(1 + held as u64 / PAGE);
        found
    }

    fn visit_folder(
        &self,
        bucket: &str,
        prefix: &str,
        visit: &mut dyn FnMut(Listed),
    ) -> Result<Vec<String>, StoreError> {
        let mut held = 0;
        let names = self.inner.visit_folder(bucket, prefix, &mut |listed| {
            held += 1;
            visit(listed);
        });
        held += names.as_ref().map_or(0, Vec::len);
        self.add(1 + held as u64 / PAGE);
        names
    }

    fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    fn get(&self, _: &Location) -> Result<Object, StoreError> {
        Err(StoreError::OutOfReach("a plan reads no objects".to_owned()))
    }

    fn versions(&self, _: &Location) -> Result<Vec<Version>, StoreError> {
        Err(StoreError::OutOfReach("a plan asks for no versions".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::{Deposit as _, Metadata};

    #[test]
    fn a_page_is_a_thousand_keys_and_bodies_are_out_of_reach() {
        let memory = MemoryStore::new();
        let put = |number: u32| {
            let location = Location::new("b", format!("{number:04}/x"));
            memory.put(&location, b"x", &Metadata::new()).unwrap();
        };
        (0..2_500).for_each(put);
        let store = CountingStore::new(&memory);
        assert_eq!(store.list("b", "", None).count(), 2_500);
        assert_eq!(store.requests(), 3);
        assert_eq!(store.list("b", "", None).take(999).count(), 999);
        assert_eq!(store.requests(), 4, "a listing is lazy");
        assert_eq!(store.list("b", "nothing/", None).count(), 0);
        assert_eq!(store.requests(), 5);
        assert_eq!(store.list_dirs("b", "").unwrap().len(), 2_500);
        assert_eq!(store.requests(), 8);
        let location = Location::new("b", "0000/x");
        assert!(matches!(store.get(&location), Err(StoreError::OutOfReach(_))));
        assert!(matches!(store.versions(&location), Err(StoreError::OutOfReach(_))));
    }
}
