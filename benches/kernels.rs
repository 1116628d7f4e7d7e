//! What validating costs, part by part, and a whole run: `cargo bench`.
//!
//! Content is made by `simulate` from a fixed seed. Figures and how to read them: `benches/README.md`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::hint::black_box;
use std::io;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use rayon::ThreadPoolBuilder;
use trailproof::digest::DigestFile;
use trailproof::event::{Event, NoProgress, Sink};
use trailproof::gzip;
use trailproof::ident::Location;
use trailproof::keys::{KeyRing, Lookup, saved};
use trailproof::signature;
use trailproof::simulate::{self, Spec};
use trailproof::store::directory::DirectoryStore;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Encoding, Store};
use trailproof::time::Range;
use trailproof::validate::{self, CancelFlag, RunTools, SourceFolder, ValidationRequest};

fn main() {
    divan::main();
}

/// A delivery in memory: two days, 40 log files an hour, each of some 70 kB inflated.
struct Delivery {
    store: MemoryStore,
    keys: KeyRing,
    request: ValidationRequest,
}

fn spec() -> Spec {
    Spec { hours: 48, logs_per_hour: 40, events_per_log: 80, ..Spec::default() }
}

static DELIVERY: LazyLock<Delivery> = LazyLock::new(|| {
    let store = MemoryStore::new();
    let simulated = simulate::simulate(&spec(), &store).unwrap();
    let mut keys = KeyRing::new();
    saved::load(&mut keys, "public-keys.json", simulated.keys_json.as_bytes()).unwrap();
    let sources = vec![SourceFolder { bucket: spec().bucket, prefix: String::new() }];
    let request = ValidationRequest::new(sources, Range { start: None, end: simulated.end }, simulated.end);
    Delivery { store, keys, request }
});

impl Delivery {
    fn locations(&self, part: &str) -> Vec<Location> {
        self.store.locations().into_iter().filter(|location| location.key.contains(part)).collect()
    }
}

/// Inflating and hashing one log file, in inflated bytes a second.
#[divan::bench]
fn inflate_and_hash(bencher: Bencher<'_, '_>) {
    let location = DELIVERY.locations("/CloudTrail/").pop().unwrap();
    let mut body = Vec::new();
    io::Read::read_to_end(&mut DELIVERY.store.get(&location).unwrap().body, &mut body).unwrap();
    let (_, sizes) = gzip::hash(&mut body.as_slice(), Encoding::Gzip, u64::MAX).unwrap();
    bencher
        .counter(BytesCount::new(sizes.inflated))
        .bench(|| gzip::hash(&mut black_box(body.as_slice()), Encoding::Gzip, u64::MAX).unwrap());
}

fn last_digest() -> (Vec<u8>, String) {
    let location = DELIVERY.locations("/CloudTrail-Digest/").pop().unwrap();
    let mut object = DELIVERY.store.get(&location).unwrap();
    let (bytes, _) = gzip::inflate(&mut *object.body, Encoding::Gzip, u64::MAX).unwrap();
    (bytes, object.metadata.remove("signature").unwrap())
}

/// Checking one digest's RSA-2048 signature, string to sign included.
#[divan::bench]
fn verify_signature(bencher: Bencher<'_, '_>) {
    let (bytes, hex) = last_digest();
    let file = DigestFile::parse(&bytes).unwrap();
    let Lookup::Valid(key) = DELIVERY.keys.lookup(file.fingerprint(), "us-east-1", file.window().end) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| signature::verify(black_box(&file), &hex, &key.key).unwrap());
}

/// Parsing one digest that lists 40 log files.
#[divan::bench]
fn parse_digest(bencher: Bencher<'_, '_>) {
    let (bytes, _) = last_digest();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| DigestFile::parse(black_box(&bytes)).unwrap());
}

struct Forget;

impl Sink for Forget {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        black_box(event);
        Ok(())
    }
}

fn whole_run(bencher: Bencher<'_, '_>, store: &dyn Store, threads: usize) {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let tools = RunTools {
        store,
        keys: &DELIVERY.keys,
        pool: &pool,
        progress: &NoProgress,
        stop: &CancelFlag::new(),
    };
    let run = || validate::validate(&DELIVERY.request, tools, &mut Forget).unwrap();
    let counts = run().counts;
    assert_eq!((counts.logs.valid, counts.logs.tampered), (48 * 40, 0));
    bencher.counter(BytesCount::new(counts.inflated_bytes)).bench(run);
}

/// A whole run from memory: 48 digests, 1,920 log files.
#[divan::bench(args = [1, 2], sample_count = 10)]
fn whole_run_from_memory(bencher: Bencher<'_, '_>, threads: usize) {
    whole_run(bencher, &DELIVERY.store, threads);
}

/// The same from a directory, warm in the page cache.
#[divan::bench(args = [1, 2], sample_count = 10)]
fn whole_run_from_disk(bencher: Bencher<'_, '_>, threads: usize) {
    let directory = tempfile::tempdir().unwrap();
    let store = DirectoryStore::of_buckets(directory.path()).unwrap();
    simulate::simulate(&spec(), &store).unwrap();
    whole_run(bencher, &store, threads);
}
