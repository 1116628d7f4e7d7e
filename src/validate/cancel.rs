//! Ending a run before everything was looked at.

use std::sync::atomic::{AtomicBool, Ordering};

/// A wish, from any thread, that a run end soon. What was judged until then is reported as judged, and what was not
/// looked at is named as such: such a run is never `intact`, and nothing counts as tampered with for not being read.
///
/// It is looked at before each request to the store; what was begun is brought to its end.
#[derive(Default, Debug)]
pub struct Stop(AtomicBool);

impl Stop {
    /// No such wish yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks the run to end. Returns whether it had been asked before.
    pub fn set(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether the run was asked to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The wish to end, and whether anything was left out for it.
pub(super) struct Cancellation<'a> {
    pub(super) stop: &'a Stop,
    left_out: AtomicBool,
}

impl<'a> Cancellation<'a> {
    pub(super) const fn new(stop: &'a Stop) -> Self {
        Self { stop, left_out: AtomicBool::new(false) }
    }

    /// Whether to end. The caller has work at hand, and leaves it out if so.
    pub(super) fn leaves_out(&self) -> bool {
        let stop = self.stop.is_set();
        if stop {
            self.left_out.store(true, Ordering::Relaxed);
        }
        stop
    }

    /// Whether anything was left out.
    pub(super) fn has_left_out(&self) -> bool {
        self.left_out.load(Ordering::Relaxed)
    }
}
