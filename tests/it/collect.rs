//! `trailproof collect`: a copy says what its source says.

#[cfg(feature = "aws")]
mod account;
mod broken;
#[cfg(feature = "aws")]
mod changed;
mod command;
mod daily;
mod fixtures;
mod store;

use std::path::Path;
use std::sync::Arc;

use trailproof::collect::{CollectOptions, CollectedCounts, CollectingStore, Collection, MAX_OBJECT};
use trailproof::keys::KeyRing;
use trailproof::store::Store;
use trailproof::validate::{CancelFlag, ValidationRequest};

use crate::support::{self, Ran};

/// A collection into `directory`, for `request`.
fn options(directory: &Path, request: &ValidationRequest) -> CollectOptions {
    CollectOptions {
        directory: directory.to_owned(),
        sources: vec!["s3://somewhere".to_owned()],
        range: request.range,
        trails: request.trails.clone(),
        relocations: request.relocations.clone(),
        max_object: MAX_OBJECT,
        started: request.now,
    }
}

/// What a collection came to.
struct Made {
    ran: Ran,
    counts: CollectedCounts,
}

/// Collects `store` into `directory`, to the end.
fn collect(
    store: Box<dyn Store>,
    keys: &KeyRing,
    request: &ValidationRequest,
    directory: &Path,
    jobs: usize,
) -> Made {
    let collection = Arc::new(Collection::open(options(directory, request), || ()).unwrap());
    let store = CollectingStore::new(store, Arc::clone(&collection));
    let ran = support::run(&store, keys, request, jobs);
    assert!(store.collect_rest(&CancelFlag::new()), "{:?}", collection.failure());
    let saved = collection.save_keys(keys).unwrap();
    collection.finish(&saved, request.now).unwrap();
    Made { ran, counts: collection.counts() }
}
