//! Cancellation: ends a run early.

use std::sync::atomic::{AtomicBool, Ordering};

/// Cancellation flag; any thread may set it. A cancelled run reports its results so far as judged, and reports the rest
/// as unchecked. A cancelled run is never `intact`, and an unread object never counts as tampered.
///
/// The run looks at the flag before each request to the store, and completes requests under way.
#[derive(Default, Debug)]
pub struct CancelFlag(AtomicBool);

impl CancelFlag {
    /// A flag that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Cancels the run. Returns whether the run was cancelled before.
    pub fn set(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether the run was cancelled.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The cancellation flag of a run, and whether the run has skipped work.
pub(super) struct RunCancellation<'a> {
    pub(super) stop: &'a CancelFlag,
    has_skipped: AtomicBool,
}

impl<'a> RunCancellation<'a> {
    pub(super) const fn new(stop: &'a CancelFlag) -> Self {
        Self { stop, has_skipped: AtomicBool::new(false) }
    }

    /// Whether to end. A caller has work at hand, and must skip the work if the result is `true`: the skipped work is
    /// noted.
    pub(super) fn skips_work(&self) -> bool {
        let stop = self.stop.is_set();
        if stop {
            self.has_skipped.store(true, Ordering::Relaxed);
        }
        stop
    }

    /// Whether any work was skipped.
    pub(super) fn has_skipped_work(&self) -> bool {
        self.has_skipped.load(Ordering::Relaxed)
    }
}
