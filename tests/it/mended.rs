//! What was once missed or wrongly said, each by a delivery that shows it.

mod additions;
mod budgets;
mod encoding;
mod forged;
mod forms;
mod lag;
mod links;
mod markers;
mod outside;
mod places;
mod relocation;
mod restarts;
mod silence;
mod unlisted;

use serde_json::Value;
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ValidationRequest;

use crate::bodies::{content, gzip};
use crate::support::{Delivered, Ran, deliver, run, time};

/// The digests of one trail that are of hours of logging, oldest first, with what each lists: without the empty ones that
/// start a chain, see [`starts`].
pub(crate) fn digests(store: &MemoryStore, trail: &str) -> Vec<(DigestKey, Vec<Location>)> {
    let mut all = documents(store, trail);
    all.retain(|(key, document)| !is_start(key, document));
    all.into_iter().map(|(key, document)| (key, listed(&document))).collect()
}

/// The digests of one trail that start a chain, oldest first.
pub(crate) fn starts(store: &MemoryStore, trail: &str) -> Vec<DigestKey> {
    let mut all = documents(store, trail);
    all.retain(|(key, document)| is_start(key, document));
    all.into_iter().map(|(key, _)| key).collect()
}

fn documents(store: &MemoryStore, trail: &str) -> Vec<(DigestKey, Value)> {
    let keys = store.locations().into_iter().filter_map(|location| DigestKey::parse(&location));
    let mut keys: Vec<DigestKey> = keys.filter(|key| &*key.trail == trail).collect();
    keys.sort_by_key(|key| key.end);
    keys.into_iter().map(|key| (document(store, &key), key)).map(|(document, key)| (key, document)).collect()
}

/// A trail's first backfill digest records none before it either.
fn is_start(key: &DigestKey, document: &Value) -> bool {
    !key.backfill && document["previousDigestS3Object"].is_null()
}

fn document(store: &MemoryStore, key: &DigestKey) -> Value {
    serde_json::from_slice(&content(store, &key.location())).unwrap()
}

fn listed(document: &Value) -> Vec<Location> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let logs = document["logFiles"].as_array().unwrap().iter();
    logs.map(|log| Location::new(text(&log["s3Bucket"]), text(&log["s3Object"]))).collect()
}

/// Removes the digests of `trail` in these hours, and the log files they list. The digest that starts a chain goes with the
/// first hour of that chain.
pub(crate) fn purge(store: &MemoryStore, trail: &str, hours: std::ops::Range<usize>) {
    let (starts, digests) = (starts(store, trail), digests(store, trail));
    for start in starts {
        let first = digests.iter().position(|(key, _)| !key.backfill && key.end > start.end);
        if first.is_some_and(|first| hours.contains(&first)) {
            store.purge(&start.location());
        }
    }
    for (key, logs) in &digests[hours] {
        store.purge(&key.location());
        logs.iter().for_each(|log| store.purge(log));
    }
}

/// Removes everything whose key has `part` in it.
pub(crate) fn purge_all(store: &MemoryStore, part: &str) {
    let found = store.locations().into_iter().filter(|location| location.to_string().contains(part));
    found.for_each(|location| store.purge(&location));
}

/// Writes a digest without a signature, made of a genuine one, that ends at `end` and says what `change` makes of it.
pub(crate) fn forge(
    store: &MemoryStore,
    genuine: &DigestKey,
    end: Timestamp,
    change: impl FnOnce(&mut Value),
) {
    let mut document = document(store, genuine);
    let place = DigestKey { end, ..genuine.clone() }.location();
    document["digestStartTime"] = end.plus(-HOUR).to_string().into();
    document["digestEndTime"] = end.to_string().into();
    document["digestS3Object"] = place.key.to_string().into();
    change(&mut document);
    store.put(&place, &gzip(document.to_string().as_bytes()), &Metadata::new()).unwrap();
}

/// A few hours of two trails in one bucket.
fn two_trails(hours: u32) -> Delivered {
    let trails = ["t-one", "t-two"].map(str::to_owned).to_vec();
    deliver(&Spec {
        trails,
        hours,
        logs_per_hour: 1,
        events_per_log: 1,
        shared_body: true,
        ..Spec::default()
    })
}

/// So many hours after the start of every delivery.
pub(crate) fn hour(number: i64) -> Timestamp {
    time("2026-09-01T00:06:57Z").plus(number * HOUR)
}

pub(crate) fn ran(delivered: &Delivered, asked: &ValidationRequest) -> Ran {
    let one = run(&delivered.store, &delivered.keys, asked, 1);
    assert_eq!(one.json, run(&delivered.store, &delivered.keys, asked, 3).json, "`--jobs` 1 and 3 differ");
    one
}
