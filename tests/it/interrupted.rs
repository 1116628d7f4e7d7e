//! A run that is asked to end, at any moment: it says what it saw, and nothing of what it did not look at.

use std::sync::atomic::{AtomicUsize, Ordering};

use trailproof::event::{Event, Finding, Kind, Reason, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Listing, Object, Store, StoreError, Version};
use trailproof::time::HOUR;
use trailproof::validate::{CancelFlag, ValidationRequest};

use crate::support::{Delivered, Ran, deliver, request, run, run_until};

/// Asks the run to end at the n-th thing it does.
struct Stopping<'s> {
    inner: &'s MemoryStore,
    stop: &'s CancelFlag,
    done: AtomicUsize,
    at: usize,
}

impl Stopping<'_> {
    fn tick(&self) {
        if self.done.fetch_add(1, Ordering::SeqCst) == self.at {
            self.stop.set();
        }
    }
}

impl Store for Stopping<'_> {
    fn list<'a>(&'a self, bucket: &str, prefix: &str, after: Option<&str>) -> Listing<'a> {
        self.tick();
        Box::new(self.inner.list(bucket, prefix, after).inspect(|_| self.tick()))
    }

    fn list_dirs(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.tick();
        self.inner.list_dirs(bucket, prefix)
    }

    fn get(&self, location: &Location) -> Result<Object, StoreError> {
        self.tick();
        self.inner.get(location)
    }

    fn versions(&self, location: &Location) -> Result<Vec<Version>, StoreError> {
        self.tick();
        self.inner.versions(location)
    }
}

/// Runs that are asked to end at each moment in turn, until one is not reached.
fn each_moment(
    delivered: &Delivered,
    asked: &ValidationRequest,
    jobs: usize,
    mut judge: impl FnMut(usize, &Ran),
) {
    for at in 0.. {
        let stop = CancelFlag::new();
        let store = Stopping { inner: &delivered.store, stop: &stop, done: AtomicUsize::new(0), at };
        let ran = run_until(&store, &delivered.keys, asked, jobs, &stop);
        judge(at, &ran);
        if !stop.is_set() {
            assert!(at > 50 && !ran.interrupted, "{at}");
            return;
        }
    }
}

fn tampered(ran: &Ran) -> Vec<&Finding> {
    ran.findings.iter().filter(|finding| finding.severity == Severity::Tampered).collect()
}

/// What every run is held to, interrupted or not, beside `whole`, which was not.
fn judge(ran: &Ran, whole: &Ran) {
    let shown = || format!("{:?} {:#?}", ran.counts, ran.findings);
    if ran.interrupted {
        assert_ne!(ran.verdict, Verdict::Intact, "{}", shown());
        assert!(!ran.kinds().is_empty() && !ran.kinds().contains(&Kind::NoDigests), "{}", shown());
        assert!(ran.findings.len() <= whole.findings.len() + 30, "{}", shown());
        assert!(ran.json.contains("\"interrupted\": true"), "{}", ran.json);
    } else {
        assert_eq!(ran.json, whole.json);
    }
    for finding in tampered(ran) {
        assert!(whole.findings.contains(finding), "not seen by a whole run: {finding:#?}");
    }
    assert_eq!(ran.verdict == Verdict::Tampered, !tampered(ran).is_empty());
    let (mut digests, mut logs) = (0, 0);
    for event in &ran.events {
        if let Event::Chain(chain) = event {
            digests += chain.digests;
            logs += chain.logs;
        }
    }
    let counts = &ran.counts;
    assert_eq!(digests, counts.digests.valid + counts.digests.tampered + counts.digests.unverified);
    assert_eq!(logs, counts.logs.valid + counts.logs.tampered + counts.logs.unverified);
}

fn held(spec: &Spec, narrow: impl Fn(&mut ValidationRequest)) {
    let delivered = deliver(spec);
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    narrow(&mut asked);
    for jobs in [1, 4] {
        let whole = run(&delivered.store, &delivered.keys, &asked, jobs);
        let mut interrupted = 0;
        each_moment(&delivered, &asked, jobs, |_, ran| {
            judge(ran, &whole);
            interrupted += usize::from(ran.interrupted);
        });
        assert!(interrupted > 40, "{interrupted}");
    }
}

fn organization(hours: u32) -> Spec {
    Spec {
        hours,
        logs_per_hour: 1,
        events_per_log: 1,
        shared_body: true,
        organization: Some("o-abcdefghij".to_owned()),
        accounts: ["111122223333", "444455556666"].map(str::to_owned).to_vec(),
        regions: ["us-east-1", "eu-west-3"].map(str::to_owned).to_vec(),
        ..Spec::default()
    }
}

#[test]
fn an_untouched_organization_is_never_tampered_and_never_intact() {
    held(&organization(3), |_| {});
}

#[test]
fn two_trails_with_backfill_in_a_range_with_a_start() {
    let trails = ["audit", "zebra"].map(str::to_owned).to_vec();
    let spec = Spec {
        trails,
        hours: 7,
        accounts: vec!["111122223333".to_owned()],
        backfill_every: Some(2),
        ..organization(7)
    };
    let start = spec.start.plus(2 * HOUR);
    held(&spec, |asked| asked.range.start = Some(start));
    held(&spec, |asked| asked.trails = vec!["zebra".to_owned()]);
}

#[test]
fn a_chain_that_moved_or_stopped() {
    let moved = Spec { move_at: Some((3, "moved".to_owned())), ..organization(5) };
    held(&moved, |asked| asked.sources[0].bucket = "moved".to_owned());
    held(&Spec { stop: Some((2, 2)), ..organization(6) }, |_| {});
}

#[test]
fn what_was_tampered_with_is_said_as_far_as_it_was_seen() {
    for tamper in [
        "log-modified",
        "log-deleted",
        "digest-deleted",
        "digest-missing",
        "digest-modified",
        "digest-swapped",
        "chain-broken",
    ] {
        let tampers = vec![tamper.parse().unwrap()];
        held(&Spec { tampers, ..organization(5) }, |_| {});
    }
}

/// The digests of a long record are read in order, newest first: what was not read is one stretch.
#[test]
fn what_was_not_looked_at_is_one_gap_and_one_count() {
    let spec = Spec { hours: 30, logs_per_hour: 4, shared_body: true, ..Spec::default() };
    let delivered = deliver(&spec);
    let asked = request(&["trail-logs"], delivered.simulated.end);
    let (mut gaps, mut unread) = (0, 0);
    each_moment(&delivered, &asked, 1, |_, ran| {
        let interrupted = |finding: &&Finding| finding.reason == Some(Reason::Interrupted);
        let found: Vec<&Finding> = ran.findings.iter().filter(interrupted).collect();
        assert!(found.len() <= 1 && ran.kinds().len() <= 2, "{:#?}", ran.findings);
        if let Some(gap) = found.first() {
            let covered = ran.events.iter().find_map(|event| match event {
                Event::Chain(chain) => Some(chain.covered.clone()),
                _ => None,
            });
            let begins = covered.unwrap().first().map_or(asked.range.end, |part| part.start);
            // That the oldest digest starts the chain shows only when it is read.
            assert_eq!((gap.start, gap.end), (Some(spec.start.plus(-HOUR)), Some(begins)));
            gaps += 1;
        }
        if ran.counts.logs.unverified > 0 {
            let said = ran.findings.iter().find(|finding| finding.kind == Kind::LogUnreadable).unwrap();
            let number = ran.counts.logs.unverified;
            let noun = if number == 1 { "file was" } else { "files were" };
            assert_eq!(said.message(), format!("interrupted before {number} log {noun} read"));
            assert_eq!(ran.counts.logs.valid + number, 4 * ran.counts.digests.valid.min(30));
            unread += 1;
        }
    });
    assert!(gaps > 10 && unread > 100, "{gaps} {unread}");
}
