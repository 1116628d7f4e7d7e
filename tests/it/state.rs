//! The memory of runs: what a second run says about evidence that was changed since the first.

mod accepted;
#[cfg(feature = "aws")]
mod buckets;
#[cfg(feature = "aws")]
mod cloud;
#[cfg(feature = "aws")]
mod copies;
mod damage;
mod heads;
mod hidden;
mod hourly;
#[cfg(feature = "aws")]
mod months;
#[cfg(feature = "aws")]
mod narrowed;
mod over_time;
mod places;
mod races;
mod resolved;
mod rollbacks;
mod sealed;
mod several;

use trailproof::event::{
    Counts, Event, Finding, NoProgress, Origin, RememberedTime, ReportCollector, Severity, Sink as _, Verdict,
};
use trailproof::ident::{ChainId, Location};
use trailproof::keys::KeyRing;
use trailproof::simulate::Spec;
use trailproof::state::place::DirectoryPlace;
use trailproof::state::{
    self, MemorySession, OpenState, RunIdentity, RunSources, RunStamp, StateError, StatePlace,
};
use trailproof::store::Store;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{Range, Timestamp};
use trailproof::validate::{self, CancelFlag, RunOutcome, RunTools, ValidationRequest};

use crate::support::{Delivered, deliver, pool, request};

/// The bucket of every delivery.
const BUCKET: &str = "trail-logs";

/// A state in a directory of its own.
struct Memory {
    dir: tempfile::TempDir,
    place: DirectoryPlace,
}

impl Memory {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = DirectoryPlace::new(dir.path());
        state::init(&place).unwrap();
        Self { dir, place }
    }

    /// A run that remembers, called `run-NUMBER`.
    fn run(&self, world: &World, request: &ValidationRequest, number: u32) -> Remembered {
        let mut run = begin(&self.place, request, number).unwrap();
        let told = run.tell(&world.store, &world.keys);
        run.session.commit(&told.proved, &told.sealed, told.interrupted).unwrap();
        told
    }

    fn open(&self) -> OpenState {
        OpenState::open(&self.place, |_| true).unwrap()
    }

    /// The ends of the remembered heads, and their number.
    fn heads(&self) -> Vec<Timestamp> {
        self.open().documents().flat_map(|document| document.heads.iter().map(|head| head.end)).collect()
    }

    /// The files of regions, by path.
    fn files(&self) -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(self.dir.path().join("regions")).unwrap();
        let mut all: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }
}

/// A run that was begun and has not committed.
struct BegunRun<'p> {
    session: MemorySession<'p>,
    request: ValidationRequest,
}

fn begin<'p>(
    place: &'p dyn StatePlace,
    request: &ValidationRequest,
    number: u32,
) -> Result<BegunRun<'p>, StateError> {
    let identity = RunIdentity {
        run: RunStamp { id: format!("run-{number}"), at: request.now },
        sources: RunSources { typed: vec![format!("s3://{BUCKET}")] },
    };
    let session = MemorySession::open(place, identity, request)?;
    let request = ValidationRequest { memory: Some(session.memory()), ..request.clone() };
    Ok(BegunRun { session, request })
}

impl BegunRun<'_> {
    fn tell(&mut self, store: &dyn Store, keys: &KeyRing) -> Remembered {
        self.tell_until(store, keys, &CancelFlag::new())
    }

    fn tell_until(&mut self, store: &dyn Store, keys: &KeyRing, stop: &CancelFlag) -> Remembered {
        let mut events: Vec<Event> = Vec::new();
        let pool = pool(2);
        let tools = RunTools { store, keys, pool: &pool, progress: &NoProgress, stop };
        let outcome = validate::validate(&self.request, tools, &mut events).unwrap();
        self.remembered(events, outcome)
    }

    /// What the events and the outcome of the run come to.
    fn remembered(&mut self, events: Vec<Event>, outcome: RunOutcome) -> Remembered {
        let mut collector = ReportCollector::new();
        let (range, at) = (self.request.range, self.request.now);
        let begun = Event::Started {
            sources: Vec::new(),
            range,
            at,
            origin: Origin::default(),
            single_objects: false,
        };
        collector.event(&begun).unwrap();
        let (mut findings, mut unread) = (Vec::new(), Vec::new());
        for event in events {
            let event = self.session.note_event(&event).unwrap_or(event);
            if let Event::Chain(chain) = &event {
                unread.push((chain.id.clone(), chain.remembered.clone()));
            }
            if let Event::Finding(finding) = &event {
                findings.push(finding.as_ref().clone());
            }
            collector.event(&event).unwrap();
        }
        let summary = self.session.summary(&outcome, at);
        let verdict = summary.verdict;
        collector.event(&Event::Finished(summary)).unwrap();
        let report = collector.into_report().unwrap();
        assert_eq!(report.verdict(), verdict);
        let resolved = report.resolved.clone().unwrap();
        let resolved = resolved.iter().map(|one| one.kind.as_str().to_owned()).collect();
        let RunOutcome { counts, proved, sealed, interrupted, .. } = outcome;
        Remembered { verdict, findings, resolved, unread, proved, sealed, counts, interrupted }
    }
}

/// What a run with memory came to.
struct Remembered {
    verdict: Verdict,
    findings: Vec<Finding>,
    /// The kinds of the resolved findings.
    resolved: Vec<String>,
    /// The time of each chain that the run did not read.
    unread: Vec<(ChainId, Vec<RememberedTime>)>,
    proved: Vec<validate::ProvedChain>,
    sealed: Vec<validate::SealedChanges>,
    counts: Counts,
    interrupted: bool,
}

impl Remembered {
    /// The causes of findings graver than a notice, without repetition.
    fn causes(&self) -> Vec<&str> {
        let grave = self.findings.iter().filter(|finding| finding.severity > Severity::Notice);
        let mut causes: Vec<&str> = grave.filter_map(|finding| finding.fault.cause()).collect();
        causes.sort_unstable();
        causes.dedup();
        causes
    }

    fn notices(&self) -> Vec<&str> {
        let notices = self.findings.iter().filter(|finding| finding.severity == Severity::Notice);
        notices.filter_map(|finding| finding.fault.cause()).collect()
    }

    fn said(&self) -> String {
        let line = |finding: &Finding| format!("{:?} {:?}: {}", finding.kind, finding.uri, finding.message());
        self.findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A bucket, its keys, and the present.
struct World {
    store: MemoryStore,
    keys: KeyRing,
    /// End of the newest delivered digest.
    end: Timestamp,
}

/// Six hours of one trail with a log file each.
fn small() -> Spec {
    Spec { hours: 6, logs_per_hour: 1, events_per_log: 1, ..Spec::default() }
}

impl World {
    fn of(spec: &Spec) -> Self {
        let Delivered { store, keys, simulated } = deliver(spec);
        Self { store, keys, end: simulated.end }
    }

    /// Asks for all there is, ten minutes after the newest digest.
    fn request(&self) -> ValidationRequest {
        let now = self.end.plus(600);
        ValidationRequest { range: Range { start: None, end: now }, now, ..request(&[BUCKET], now) }
    }

    /// The objects whose key contains every part.
    fn with(&self, parts: &[&str]) -> Vec<Location> {
        let mut all = self.store.locations();
        all.retain(|location| parts.iter().all(|part| location.key.contains(part)));
        all
    }

    /// The digests whose key contains every part, oldest first.
    fn digests(&self, parts: &[&str]) -> Vec<Location> {
        let mut digests = self.with(&[parts, &["/CloudTrail-Digest/"]].concat());
        digests.sort_by(|one, other| one.name().cmp(other.name()));
        digests
    }

    fn newest(&self) -> Location {
        self.digests(&[]).pop().unwrap()
    }

    fn purge(&self, objects: &[Location]) {
        objects.iter().for_each(|location| self.store.purge(location));
    }

    fn purge_with(&self, parts: &[&str]) {
        self.purge(&self.with(parts));
    }

    /// Removes the newest `hours` digests of each region, and the log files delivered since.
    fn roll_back(&self, hours: i64) {
        let from = self.end.plus(-hours * 3_600);
        for location in self.with(&["/CloudTrail"]) {
            let time = location.name().split('_').find_map(|part| {
                let part = part.split('.').next().unwrap_or_default();
                Timestamp::parse_digest_name(part).or_else(|| Timestamp::parse_log_name(part))
            });
            if time.is_some_and(|time| time > from) {
                self.store.purge(&location);
            }
        }
    }
}
