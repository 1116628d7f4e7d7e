//! A store with moved folders: some buckets, or parts of buckets, are read from a copy at another location.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{
    Disagreement, Folder, Listed, Listing, Next, Object, SecondCopy, Store, StoreError, Take, Version,
};
use crate::ident::{Location, Relocation};

/// Redirects reads below a moved folder to the copy. The original location is never read, because the copy is under
/// validation.
pub struct RelocatedStore<'s> {
    /// The store with the originals and the copies.
    pub inner: &'s dyn Store,
    /// The moved folders.
    pub relocations: &'s [Relocation],
    /// Moves whose original is validated too. Originals and copies are second copies of each other.
    pub replicas: &'s [Relocation],
}

impl RelocatedStore<'_> {
    fn copies<'l>(&'l self, location: &'l Location) -> impl Iterator<Item = Location> + 'l {
        self.relocations.iter().filter_map(|relocation| relocation.copy_of(location))
    }
}

impl Store for RelocatedStore<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.inner.list(bucket, prefix, after)
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn list_folder(&self, bucket: &str, prefix: &str) -> Result<Folder, StoreError> {
        self.inner.list_folder(bucket, prefix)
    }

    fn visit_folder(
        &self,
        bucket: &str,
        prefix: &str,
        visit: &mut dyn FnMut(Listed),
    ) -> Result<Vec<String>, StoreError> {
        self.inner.visit_folder(bucket, prefix, visit)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        let mut results = self.copies(location).map(|copy| self.inner.get(&copy)).peekable();
        if results.peek().is_none() {
            return self.inner.get(location);
        }
        // One copy may be out of reach and still hold the object. So `NotFound` needs an answer from every copy.
        let mut absence = StoreError::NotFound;
        for result in results {
            match result {
                Err(StoreError::NotFound) => {}
                Err(error @ StoreError::OtherName(_)) => absence = error,
                Err(error @ (StoreError::OutOfReach(_) | StoreError::MaybeLater(_))) => {
                    if !matches!(absence, StoreError::OtherName(_)) {
                        absence = error;
                    }
                }
                found => return found,
            }
        }
        Err(absence)
    }

    fn get_each(&self, next: &Next<'_>, take: &mut Take<'_>) {
        if self.relocations.is_empty() {
            return self.inner.get_each(next, take);
        }
        while let Some((number, location)) = next() {
            take(number, self.get(&location));
        }
    }

    fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    fn is_copy(&self) -> bool {
        self.inner.is_copy()
    }

    fn passed_over(&self) -> BTreeMap<PathBuf, u64> {
        self.inner.passed_over()
    }

    fn second_copies(&self, location: &Location) -> Vec<SecondCopy> {
        let mut all = self.inner.second_copies(location);
        let replicas = self.replicas.iter().filter_map(|replica| replica.copy_of(location));
        let original = (!self.replicas.is_empty()).then(|| location.clone());
        let mut places: Vec<Location> = self.copies(location).chain(replicas).chain(original).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            if let Ok(object) = self.inner.get(&place) {
                all.push(SecondCopy { name: place.to_string(), object });
            }
        }
        all
    }

    fn renamed(&self, location: &Location) -> Vec<(Location, Object)> {
        let places: Vec<Location> = self.copies(location).collect();
        if places.is_empty() {
            return self.inner.renamed(location);
        }
        places.iter().flat_map(|place| self.inner.renamed(place)).collect()
    }

    fn shown_at(&self, location: &Location) -> Option<Location> {
        match self.copies(location).next() {
            Some(_) => None,
            None => self.inner.shown_at(location),
        }
    }

    fn disagreements(&self) -> Vec<Disagreement> {
        self.inner.disagreements()
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        let mut results = self.copies(location).map(|copy| self.inner.versions(&copy));
        let Some(mut result) = results.next() else { return self.inner.versions(location) };
        for other in results {
            // The first copy with versions decides.
            if result.as_ref().is_ok_and(|versions| !versions.is_empty()) {
                break;
            }
            result = other;
        }
        result
    }
}
