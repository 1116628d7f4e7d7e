//! Objects of a store as bytes, bodies as CloudTrail packs them, and how long and how often things are tried.

use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::ProptestConfig;
use trailproof::ident::Location;
use trailproof::store::{Metadata, Store};

/// The stored body of an object and its metadata.
pub fn read(store: &dyn Store, location: &Location) -> (Vec<u8>, Metadata) {
    let mut object = store.get(location).unwrap_or_else(|error| panic!("{location}: {error}"));
    let mut body = Vec::new();
    object.body.read_to_end(&mut body).unwrap_or_else(|error| panic!("{location}: {error}"));
    (body, object.metadata)
}

/// The content of an object that is whole gzip.
pub fn content(store: &dyn Store, location: &Location) -> Vec<u8> {
    inflate(&read(store, location).0)
}

pub fn inflate(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(body).read_to_end(&mut content).unwrap();
    content
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_at(content, Compression::default())
}

pub fn gzip_at(content: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What `work` returns, if it does so in time: a test that hangs tells nothing.
pub fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let worker = thread::spawn(move || drop(sender.send(work())));
    match receiver.recv_timeout(Duration::from_secs(30)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: no answer in 30 s"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("{what}: no answer"),
        },
    }
}

/// Settings of a property that is tried `cases` times, unless `PROPTEST_CASES` says how often.
pub fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}
