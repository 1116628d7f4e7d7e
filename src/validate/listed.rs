//! Lists regions ahead of the walk, as many at a time as the store has wait, and gives them out in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use super::context::RunContext;
use super::discover::{self, Place};
use super::region::RegionRun;

/// How many regions may be listed and not walked yet.
const MAX_AHEAD: usize = 1_024;

/// How many digests the regions that are listed ahead may have together.
const MAX_DIGESTS: usize = 1_000_000;

/// Regions that are listed ahead.
pub(super) struct ListedAhead<'p> {
    places: &'p [Vec<Place>],
    queue: Mutex<ListedQueue>,
    changed: Condvar,
}

#[derive(Default)]
struct ListedQueue {
    /// The next region to be listed.
    next: usize,
    /// The next region to be given out.
    first: usize,
    /// Listed regions by number.
    ready: BTreeMap<usize, RegionRun>,
    /// How many digests these have.
    digests: usize,
    /// Whether nobody takes any more.
    is_closed: bool,
}

impl<'p> ListedAhead<'p> {
    pub(super) fn new(places: &'p [Vec<Place>]) -> Self {
        Self { places, queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Begins to list, on as many threads as there may be.
    pub(super) fn begin<'s, 'e>(&'s self, scope: &'s Scope<'s, 'e>, context: RunContext<'s>) {
        let threads = context.tools.store.waiting().max(context.tools.pool.current_num_threads());
        let mut begun = 0;
        for _ in 0..threads.min(self.places.len()) {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || self.list_all(context));
            begun += usize::from(spawned.is_ok());
        }
        if begun == 0 {
            // No thread can be had: the regions are listed when they are taken.
            self.lock().is_closed = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, ListedQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list_all(&self, context: RunContext<'_>) {
        while let Some((number, places)) = self.next() {
            let run = list(context, places);
            let mut queue = self.lock();
            queue.digests += run.unread();
            queue.ready.insert(number, run);
            self.changed.notify_all();
        }
    }

    /// The next region to be listed, when there is room for it.
    fn next(&self) -> Option<(usize, &'p [Place])> {
        let mut queue = self.lock();
        loop {
            if queue.is_closed {
                return None;
            }
            // The one that is waited for always has room.
            let is_awaited = queue.next == queue.first;
            let has_room = queue.next - queue.first < MAX_AHEAD && queue.digests < MAX_DIGESTS;
            if is_awaited || has_room {
                let number = queue.next;
                let places = self.places.get(number)?;
                queue.next += 1;
                return Some((number, places));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next region in order; `None` where there is none, or none is ready and `wait` is not asked for.
    pub(super) fn take(&self, context: RunContext<'_>, wait: bool) -> Option<RegionRun> {
        let mut queue = self.lock();
        let number = queue.first;
        let places = self.places.get(number)?;
        if queue.is_closed {
            queue.first += 1;
            return Some(list(context, places));
        }
        loop {
            if let Some(run) = queue.ready.remove(&number) {
                queue.first += 1;
                queue.digests -= run.unread();
                self.changed.notify_all();
                return Some(run);
            }
            if !wait {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the listing.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

fn list(context: RunContext<'_>, places: &[Place]) -> RegionRun {
    match context.halt.leaves_out() {
        true => discover::unlisted(context, places),
        false => discover::list(context, places),
    }
}
