//! A listing that lacks digests which are there and named by others changes nothing.

use trailproof::event::Verdict;
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Listing, Object, Store, StoreError, Version};

use super::{digests, hour};
use crate::support::{deliver, request, run};

/// A store that does not list some of its objects.
struct Unlisting<'s> {
    inner: &'s MemoryStore,
    hidden: Vec<String>,
}

impl Store for Unlisting<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        let listing = self.inner.list(bucket, prefix, after);
        Box::new(listing.filter(|listed| !listed.as_ref().is_ok_and(|one| self.hidden.contains(&one.key))))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_dirs(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(location)
    }
}

/// Without metadata, a digest's signature is only in its successor, which here is read after it was asked for.
#[test]
fn digests_that_are_found_by_name_prove_as_much_as_those_that_are_listed() {
    for metadata in [false, true] {
        let delivered =
            deliver(&Spec { metadata, hours: 10, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
        let keys: Vec<DigestKey> =
            digests(&delivered.store, "audit").into_iter().map(|(key, _)| key).collect();
        let asked = request(&["trail-logs"], hour(9));
        let listed = run(&delivered.store, &delivered.keys, &asked, 2);
        assert_eq!(
            (listed.verdict, listed.counts.digests.valid),
            (Verdict::Intact, 10),
            "{:#?}",
            listed.findings
        );
        for every in [2, 3] {
            let hidden = keys.iter().skip(1).step_by(every).filter(|key| key.end < hour(9));
            let hidden = hidden.map(|key| key.location().key.to_string()).collect();
            let store = Unlisting { inner: &delivered.store, hidden };
            for jobs in [1, 3] {
                let unlisted = run(&store, &delivered.keys, &asked, jobs);
                assert_eq!(unlisted.json, listed.json, "metadata: {metadata}, every {every}");
            }
        }
    }
}
