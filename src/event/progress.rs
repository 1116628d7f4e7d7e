//! How far a run is, for a progress display.

use super::Severity;

/// What a run is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// Folders are listed, to find accounts, regions and trails.
    Discover,
    /// Digests are read and verified, and the log files they list are hashed.
    Validate,
    /// Log folders are listed, to find files that no digest lists.
    SearchAdditions,
}

/// Counters for a progress display; called from any thread, in no order.
pub trait Progress: Sync {
    /// The run has begun this phase. A run may begin each phase several times.
    fn phase(&self, _: Phase) {}
    /// So many more digests are to be read.
    fn plan_digests(&self, count: u64);
    /// So many more log files are to be read.
    fn plan_logs(&self, count: u64);
    /// A digest of so many stored bytes was read.
    fn digest(&self, bytes: u64);
    /// A log file of so many stored bytes was read.
    fn log(&self, bytes: u64);
    /// A finding of this severity was made.
    fn finding(&self, _: Severity) {}
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn plan_digests(&self, _: u64) {}
    fn plan_logs(&self, _: u64) {}
    fn digest(&self, _: u64) {}
    fn log(&self, _: u64) {}
}
