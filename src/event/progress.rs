//! Progress of a run, for a progress display.

use super::Severity;

/// A phase of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// Lists folders to find accounts, regions and trails.
    Discover,
    /// Reads and verifies digests, and hashes the log files in the digests' lists.
    Validate,
    /// Lists log folders to find files that no digest lists.
    SearchAdditions,
    /// Lists regions to plan shards.
    Plan,
}

/// Counters for a progress display. All methods may be called from any thread, in any order.
pub trait Progress: Sync {
    /// A phase began. A run may begin the same phase several times.
    fn phase(&self, _: Phase) {}
    /// Adds `count` digests to the planned reads.
    fn plan_digests(&self, count: u64);
    /// Adds `count` log files to the planned reads.
    fn plan_logs(&self, count: u64);
    /// A digest of `bytes` stored bytes was read.
    fn digest(&self, bytes: u64);
    /// A log file of `bytes` stored bytes was read.
    fn log(&self, bytes: u64);
    /// A finding of the given severity was made.
    fn finding(&self, _: Severity) {}
}

/// Ignores all progress.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn plan_digests(&self, _: u64) {}
    fn plan_logs(&self, _: u64) {}
    fn digest(&self, _: u64) {}
    fn log(&self, _: u64) {}
}
