//! What the tests share: deliveries in memory, runs of the engine, and what came of them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};
use trailproof::event::{Counts, Event, Finding, Kind, NoProgress, Origin, Severity, Summary, Verdict};
use trailproof::keys::{KeyRing, saved};
use trailproof::report::{self, Format, Options};
use trailproof::simulate::{self, Simulated, Spec};
use trailproof::store::Store;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{Range, Timestamp};
use trailproof::validate::{
    self, CancelFlag, RunOutcome, RunTools, SourceFolder, TypedSource, ValidationRequest,
};

/// A delivery in memory, as `spec` describes it.
pub struct Delivered {
    pub store: MemoryStore,
    pub keys: KeyRing,
    pub simulated: Simulated,
}

pub fn deliver(spec: &Spec) -> Delivered {
    let store = MemoryStore::new();
    let simulated = simulate::simulate(spec, &store).unwrap();
    Delivered { keys: keys(simulated.keys_json.as_bytes()), store, simulated }
}

pub fn keys(json: &[u8]) -> KeyRing {
    let mut ring = KeyRing::new();
    saved::load(&mut ring, "public-keys.json", json).unwrap();
    ring
}

pub fn time(text: &str) -> Timestamp {
    Timestamp::parse_digest_field(text).unwrap()
}

/// Asks about `buckets`, all there is until `end`, a day after which it is now.
pub fn request(buckets: &[&str], end: Timestamp) -> ValidationRequest {
    let source = |bucket: &&str| SourceFolder { bucket: (*bucket).to_owned(), prefix: String::new() };
    ValidationRequest::new(buckets.iter().map(source).collect(), Range { start: None, end }, end.plus(86_400))
}

/// Lets all sources of a request stand for one thing that was typed, as a directory's parts do.
pub fn as_one(mut request: ValidationRequest) -> ValidationRequest {
    request.typed = vec![TypedSource { name: "all".to_owned(), parts: request.sources.clone() }];
    request
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub verdict: Verdict,
    pub interrupted: bool,
    pub counts: Counts,
    pub findings: Vec<Finding>,
    pub events: Vec<Event>,
    /// The JSON report, times of the run fixed.
    pub json: String,
}

impl Ran {
    /// The kinds of all findings that are more than notices, in order.
    pub fn kinds(&self) -> Vec<Kind> {
        self.findings
            .iter()
            .filter(|finding| finding.severity > Severity::Notice)
            .map(|finding| finding.kind)
            .collect()
    }
}

pub fn pool(jobs: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(jobs).build().unwrap()
}

pub fn run(store: &dyn Store, keys: &KeyRing, request: &ValidationRequest, jobs: usize) -> Ran {
    run_until(store, keys, request, jobs, &CancelFlag::new())
}

/// Runs until `stop` is set.
pub fn run_until(
    store: &dyn Store,
    keys: &KeyRing,
    request: &ValidationRequest,
    jobs: usize,
    stop: &CancelFlag,
) -> Ran {
    let pool = pool(jobs);
    let tools = RunTools { store, keys, pool: &pool, progress: &NoProgress, stop };
    ran(request, |events| validate::validate(request, tools, events).unwrap())
}

/// What came of a run, as `tell` tells it.
pub fn ran(request: &ValidationRequest, tell: impl FnOnce(&mut Vec<Event>) -> RunOutcome) -> Ran {
    let buffer = Buffer::default();
    let mut events: Vec<Event> = Vec::new();
    let mut json = report::to_writer(Format::Json, Options::default(), Box::new(buffer.clone()));
    let sources = request.sources.iter().map(|source| format!("s3://{}", source.bucket)).collect();
    let started = Event::Started {
        sources,
        range: request.range,
        at: request.now,
        origin: Origin::default(),
        single_objects: !request.objects.is_empty(),
    };
    let outcome = tell(&mut events);
    let verdict = Verdict::from_worst(outcome.worst, outcome.counts.digests.valid);
    let mut summary = Summary::new(verdict, request.now);
    summary.counts = outcome.counts;
    summary.keys = outcome.keys.into_iter().collect();
    summary.interrupted = outcome.interrupted;
    json.event(&started).unwrap();
    events.iter().for_each(|event| json.event(event).unwrap());
    json.event(&Event::Finished(summary)).unwrap();
    let finding = |event: &Event| match event {
        Event::Finding(finding) => Some((**finding).clone()),
        _ => None,
    };
    Ran {
        verdict,
        interrupted: outcome.interrupted,
        counts: outcome.counts,
        findings: events.iter().filter_map(finding).collect(),
        events,
        json: String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap(),
    }
}

/// A writer whose bytes can be looked at afterwards.
#[derive(Clone, Default)]
pub struct Buffer(pub Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
