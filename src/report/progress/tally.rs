//! The counters of a run and the words for them.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::event::{Phase, Severity};
use crate::report::text::layout::{grouped, plural};

/// The counters of a run. Any thread may count.
#[derive(Default)]
pub(super) struct RunTally {
    pub(super) digests: FileCounters,
    pub(super) logs: FileCounters,
    phase: AtomicU8,
    findings: AtomicU64,
    tampered: AtomicU64,
    /// Regions of a plan.
    regions: AtomicU64,
    all_regions: AtomicU64,
}

/// Counters for digests or log files.
#[derive(Default)]
pub(super) struct FileCounters {
    planned: AtomicU64,
    read: AtomicU64,
    bytes: AtomicU64,
}

impl FileCounters {
    pub(super) fn plan(&self, count: u64) {
        self.planned.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn count(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn planned(&self) -> u64 {
        self.planned.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

const PHASES: [(Phase, &str); 4] = [
    (Phase::Discover, "looking for trails"),
    (Phase::Validate, "reading digests and log files"),
    (Phase::SearchAdditions, "looking for added files"),
    (Phase::Plan, "listing regions"),
];

impl RunTally {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn begin(&self, phase: Phase) {
        let index = PHASES.iter().position(|(one, _)| *one == phase).unwrap_or_default();
        self.phase.store(u8::try_from(index).unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn found(&self, severity: Severity) {
        match severity {
            Severity::Notice => {}
            Severity::Incomplete => drop(self.findings.fetch_add(1, Ordering::Relaxed)),
            Severity::Tampered => {
                self.findings.fetch_add(1, Ordering::Relaxed);
                self.tampered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Estimated total number of log files, assuming as many per unread digest as per read digest. `None` until a
    /// digest was read.
    pub(super) fn expected_logs(&self) -> Option<u64> {
        let read = self.digests.read();
        let digests = self.digests.planned().max(read);
        let all = u128::from(self.logs.planned()) * u128::from(digests);
        Some(u64::try_from(all.checked_div(read.into())?).unwrap_or(u64::MAX))
    }

    pub(super) fn regions(&self, done: u64, all: u64) {
        self.regions.store(done, Ordering::Relaxed);
        self.all_regions.store(all, Ordering::Relaxed);
    }

    /// The phase; of a plan, with the number of regions.
    pub(super) fn phase(&self) -> Cow<'static, str> {
        let index = usize::from(self.phase.load(Ordering::Relaxed));
        match PHASES.get(index) {
            Some((Phase::Plan, words)) => {
                let done = grouped(self.regions.load(Ordering::Relaxed));
                let all = grouped(self.all_regions.load(Ordering::Relaxed));
                format!("{words}, {done} of {all} planned").into()
            }
            Some((_, words)) => (*words).into(),
            None => "".into(),
        }
    }

    /// `no findings yet`, or the number of findings without notices.
    pub(super) fn findings(&self) -> String {
        let (all, tampered) = (self.findings.load(Ordering::Relaxed), self.tampered.load(Ordering::Relaxed));
        match (all, tampered) {
            (0, _) => "no findings yet".to_owned(),
            (all, 0) => plural(all, "finding"),
            (all, tampered) => format!("{}, {} tampered", plural(all, "finding"), grouped(tampered)),
        }
    }
}
