//! Lists regions ahead of the proof, as many in parallel as the store allows, and returns the regions in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use super::context::RunContext;
use super::discover::{self, DiscoveredFolder};
use super::region::RegionRun;

/// The most regions that are listed and not yet taken.
const MAX_AHEAD: usize = 1_024;

/// The most digests in the regions that are listed ahead.
const MAX_DIGESTS: usize = 100_000;

/// Regions that are listed ahead.
pub(super) struct ListedAhead<'p> {
    discovered: &'p [Vec<DiscoveredFolder>],
    queue: Mutex<ListedQueue>,
    changed: Condvar,
}

#[derive(Default)]
struct ListedQueue {
    /// The next region to list.
    next: usize,
    /// The next region to return.
    first: usize,
    /// Listed regions by number.
    ready: BTreeMap<usize, RegionRun>,
    /// The number of digests in the ready regions.
    digests: usize,
    /// Whether the listing has ended.
    is_closed: bool,
}

impl<'p> ListedAhead<'p> {
    pub(super) fn new(discovered: &'p [Vec<DiscoveredFolder>]) -> Self {
        Self { discovered, queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Starts to list, on as many threads as the store and the pool allow.
    pub(super) fn begin<'s, 'e>(&'s self, scope: &'s Scope<'s, 'e>, context: RunContext<'s>) {
        let threads = context.tools.store.waiting().max(context.tools.pool.current_num_threads());
        // A single region is listed when taken, and so is each without a thread.
        let threads = if self.discovered.len() > 1 { threads.min(self.discovered.len()) } else { 0 };
        let mut begun = 0;
        for _ in 0..threads {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || self.list_all(context));
            begun += usize::from(spawned.is_ok());
        }
        if begun == 0 {
            self.lock().is_closed = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, ListedQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list_all(&self, context: RunContext<'_>) {
        // Without the region of a thread that panicked, `take` would wait for ever.
        let _close = CloseOnPanic(self);
        while let Some((number, discovered)) = self.next() {
            let run = list(context, discovered);
            let mut queue = self.lock();
            queue.digests += run.listed();
            queue.ready.insert(number, run);
            self.changed.notify_all();
        }
    }

    /// The next region to list, once the queue has room.
    fn next(&self) -> Option<(usize, &'p [DiscoveredFolder])> {
        let mut queue = self.lock();
        loop {
            if queue.is_closed {
                return None;
            }
            // The awaited region always has room.
            let is_awaited = queue.next == queue.first;
            let has_room = queue.next - queue.first < MAX_AHEAD && queue.digests < MAX_DIGESTS;
            if is_awaited || has_room {
                let number = queue.next;
                let discovered = self.discovered.get(number)?;
                queue.next += 1;
                return Some((number, discovered));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next region in order. `None` after the last region, or if the next region is not ready and `wait` is false.
    pub(super) fn take(&self, context: RunContext<'_>, wait: bool) -> Option<RegionRun> {
        let mut queue = self.lock();
        let number = queue.first;
        let discovered = self.discovered.get(number)?;
        loop {
            if queue.is_closed && !queue.ready.contains_key(&number) {
                queue.first += 1;
                return Some(list(context, discovered));
            }
            if let Some(run) = queue.ready.remove(&number) {
                queue.first += 1;
                queue.digests -= run.listed();
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

/// Closes the queue where the thread of a listing panics.
struct CloseOnPanic<'a, 'p>(&'a ListedAhead<'p>);

impl Drop for CloseOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close();
        }
    }
}

fn list(context: RunContext<'_>, discovered: &[DiscoveredFolder]) -> RegionRun {
    match context.cancellation.skips_work() {
        true => discover::unlisted_region(context, discovered),
        false => discover::list_region(context, discovered),
    }
}
