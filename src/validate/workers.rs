//! The threads of a run, and parallel work over an ordered list.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rayon::ThreadPool;

use super::cancel::RunCancellation;
use crate::ident::Location;
use crate::store::{Object, Store, StoreError};

/// The threads of a run: working threads, and threads that wait for a remote store.
#[derive(Clone, Copy)]
pub(super) struct WorkerPool<'p> {
    pub(super) pool: &'p ThreadPool,
    pub(super) store: &'p dyn Store,
    pub(super) cancellation: &'p RunCancellation<'p>,
}

impl WorkerPool<'_> {
    /// Calls `make` for every item, and returns the results in order.
    pub(super) fn map<T: Sync, R: Send>(self, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let queue = ItemQueue::new(items, || true);
        self.run_in_pool(&queue, |done| queue.drain(done, &make))
    }

    /// Calls `make`, which asks the store, for every item, and returns the results in order. A cancelled run does the
    /// first items only.
    pub(super) fn ask<T: Sync, R: Send>(self, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let queue = ItemQueue::new(items, || !self.cancellation.stop.is_set());
        let done = self.run_waiting(&queue, |done| queue.drain(done, &make));
        self.note_left_out(done.len() < items.len());
        done
    }

    /// The same as [`WorkerPool::ask`], for every item even in a cancelled run.
    pub(super) fn ask_all<T: Sync, R: Send>(self, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let queue = ItemQueue::new(items, || true);
        self.run_waiting(&queue, |done| queue.drain(done, &make))
    }

    /// Reads the object of every item, calls `make` with the object, and returns the results in order. A cancelled run
    /// reads the first objects only.
    pub(super) fn read<T: Sync, R: Send>(
        self,
        items: &[T],
        locate: impl Fn(&T) -> Location + Sync,
        make: impl Fn(&T, Result<Object, StoreError>) -> R + Sync,
    ) -> Vec<R> {
        let queue = ItemQueue::new(items, || !self.cancellation.stop.is_set());
        let done = self.run_in_pool(&queue, |done| queue.fetch(self.store, done, &locate, &make));
        self.note_left_out(done.len() < items.len());
        done
    }

    /// Reads the objects of the first items, in order. No new read begins once `may_go_on` returns false, or the run is
    /// cancelled.
    pub(super) fn read_prefix<T: Sync, R: Send>(
        self,
        items: &[T],
        may_go_on: impl Fn() -> bool + Sync,
        locate: impl Fn(&T) -> Location + Sync,
        make: impl Fn(&T, Result<Object, StoreError>) -> R + Sync,
    ) -> Vec<R> {
        let queue = ItemQueue::new(items, || may_go_on() && !self.cancellation.stop.is_set());
        self.run_in_pool(&queue, |done| queue.fetch(self.store, done, &locate, &make))
    }

    /// Notes whether work was left out.
    fn note_left_out(self, left_out: bool) {
        // `skips_work` makes the note.
        let _ = left_out && self.cancellation.skips_work();
    }

    /// Runs `work` on the threads of the pool, at most one thread for each item.
    fn run_in_pool<T: Sync, G: Sync, R: Send>(
        self,
        queue: &ItemQueue<'_, T, G>,
        work: impl Fn(&mut Vec<(usize, R)>) + Sync,
    ) -> Vec<R> {
        let gathered = GatheredResults::default();
        let threads = self.pool.current_num_threads().min(queue.items.len());
        self.pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| gathered.add(&work))));
        gathered.in_order()
    }

    /// Runs `work` on as many threads as may wait for the store, if more than the pool has. The pool's threads steal
    /// work, and are not made for waiting.
    fn run_waiting<T: Sync, G: Sync, R: Send>(
        self,
        queue: &ItemQueue<'_, T, G>,
        work: impl Fn(&mut Vec<(usize, R)>) + Sync,
    ) -> Vec<R> {
        let threads = self.store.waiting().min(queue.items.len());
        if threads <= self.pool.current_num_threads() {
            return self.run_in_pool(queue, work);
        }
        let gathered = GatheredResults::default();
        thread::scope(|scope| {
            for _ in 1..threads {
                // Without a further thread, the running threads do the work.
                let _ = thread::Builder::new().spawn_scoped(scope, || gathered.add(&work));
            }
            gathered.add(&work);
        });
        gathered.in_order()
    }
}

/// Items in order, taken one by one. A taken item is always done, so the done items are always the beginning of the
/// list.
struct ItemQueue<'i, T, G> {
    items: &'i [T],
    next: AtomicUsize,
    may_go_on: G,
}

impl<'i, T: Sync, G: Fn() -> bool + Sync> ItemQueue<'i, T, G> {
    const fn new(items: &'i [T], may_go_on: G) -> Self {
        Self { items, next: AtomicUsize::new(0), may_go_on }
    }

    fn take(&self) -> Option<(usize, &'i T)> {
        if !(self.may_go_on)() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        Some((index, self.items.get(index)?))
    }

    fn drain<R>(&self, done: &mut Vec<(usize, R)>, make: impl Fn(&T) -> R) {
        while let Some((index, item)) = self.take() {
            done.push((index, make(item)));
        }
    }

    fn fetch<R>(
        &self,
        store: &dyn Store,
        done: &mut Vec<(usize, R)>,
        locate: impl Fn(&T) -> Location + Sync,
        make: impl Fn(&T, Result<Object, StoreError>) -> R,
    ) {
        let next = || self.take().map(|(index, item)| (index, locate(item)));
        store.get_each(&next, &mut |index, object| {
            done.extend(self.items.get(index).map(|item| (index, make(item, object))));
        });
    }
}

/// The results of several threads.
struct GatheredResults<R>(Mutex<Vec<(usize, R)>>);

impl<R> Default for GatheredResults<R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R> GatheredResults<R> {
    fn add(&self, work: impl Fn(&mut Vec<(usize, R)>)) {
        let mut own = Vec::new();
        work(&mut own);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    }

    fn in_order(self) -> Vec<R> {
        let mut done = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::{Listing, Version};
    use crate::validate::cancel::CancelFlag;

    /// Holds nothing, and has so many threads wait.
    struct Nothing(usize);

    impl Store for Nothing {
        fn list<'a>(&'a self, _: &str, _: &str, _: Option<&str>) -> Listing<'a> {
            Box::new(std::iter::empty())
        }
        fn list_dirs(&self, _: &str, _: &str) -> Result<Vec<String>, StoreError> {
            Ok(Vec::new())
        }
        fn get(&self, _: &Location) -> Result<Object, StoreError> {
            Err(StoreError::NotFound)
        }
        fn versions(&self, _: &Location) -> Result<Vec<Version>, StoreError> {
            Ok(Vec::new())
        }
        fn waiting(&self) -> usize {
            self.0
        }
    }

    fn with(threads: usize, store: &dyn Store, stop: &CancelFlag, check: impl Fn(WorkerPool<'_>)) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        check(WorkerPool { pool: &pool, store, cancellation: &RunCancellation::new(stop) });
    }

    fn nowhere(_: &u64) -> Location {
        Location::new("b", "k")
    }

    #[test]
    fn what_is_done_is_a_prefix_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let items = &*items;
        for threads in [1, 8] {
            with(threads, &MemoryStore::new(), &CancelFlag::new(), |workers| {
                assert_eq!(workers.map(items, |item| item * 2), (0..1000).map(|i| i * 2).collect::<Vec<_>>());
                let read = |budget: usize| {
                    let done = AtomicUsize::new(0);
                    let may_go_on = || done.load(Ordering::Relaxed) < budget;
                    workers.read_prefix(items, may_go_on, nowhere, |item, _| {
                        done.fetch_add(1, Ordering::Relaxed);
                        *item
                    })
                };
                let some = read(10);
                assert!((10..10 + threads).contains(&some.len()), "{}", some.len());
                assert_eq!(some, items[..some.len()]);
                assert_eq!(read(0).len(), 0);
                assert!(workers.map(&[], |item: &u64| *item).is_empty());
                assert_eq!(workers.read(items, nowhere, |item, _| *item), items);
            });
        }
    }

    #[test]
    fn what_is_asked_before_a_stop_is_a_prefix_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let items = &*items;
        for (threads, waiting) in [(1, 1), (8, 1), (1, 8)] {
            let stop = CancelFlag::new();
            with(threads, &Nothing(waiting), &stop, |workers| {
                assert_eq!(workers.ask(items, |item| *item), items);
                let last = |item: &u64| (*item == 9).then(|| stop.set()).map_or(*item, |_| *item);
                let some = workers.ask(items, last);
                assert!((10..1000).contains(&some.len()), "{}", some.len());
                assert_eq!(some, items[..some.len()]);
                assert!(workers.cancellation.has_skipped_work());
                assert_eq!(workers.ask_all(items, |item| *item), items);
                assert!(workers.read(items, nowhere, |item, _| *item).is_empty());
            });
        }
    }

    /// Only what was not done is left out, and that is noted whoever was to do it.
    #[test]
    fn what_a_stop_leaves_out_is_noted() {
        for (set_at, left_out) in [(None, true), (Some(0), true), (Some(2), false)] {
            for is_read in [true, false] {
                let stop = CancelFlag::new();
                if set_at.is_none() {
                    stop.set();
                }
                let last = |item: &u64| {
                    if Some(*item) == set_at {
                        stop.set();
                    }
                };
                with(1, &Nothing(1), &stop, |workers| {
                    let done = match is_read {
                        true => workers.read(&[0, 1, 2], nowhere, |item, _| last(item)).len(),
                        false => workers.ask(&[0, 1, 2], last).len(),
                    };
                    assert_eq!(
                        (done < 3, workers.cancellation.has_skipped_work()),
                        (left_out, left_out),
                        "{set_at:?}"
                    );
                });
            }
        }
    }
}
