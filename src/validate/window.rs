//! Parallel work over an ordered list, in windows bounded by what their results weigh.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;

use super::stop::Halt;

/// The threads of a run.
#[derive(Clone, Copy)]
pub(super) struct Workers<'p> {
    pub(super) pool: &'p ThreadPool,
    pub(super) halt: &'p Halt<'p>,
}

impl Workers<'_> {
    /// `make` of every item, in order.
    pub(super) fn map<T: Sync, R: Send>(self, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
        self.run(items, || true, make)
    }

    /// `make` of every item, in order; of the first ones alone where the run is to end.
    pub(super) fn map_until_stopped<T: Sync, R: Send>(
        self,
        items: &[T],
        make: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let done = self.run(items, || !self.halt.stop.is_set(), make);
        // Asked, so that it is known that something was left out.
        let _ = done.len() < items.len() && self.halt.leaves_out();
        done
    }

    /// `make` of the first items, in order: at least one unless the run is to end, and no new one is begun once the
    /// results weigh `budget`.
    pub(super) fn map_prefix<T: Sync, R: Send>(
        self,
        items: &[T],
        budget: u64,
        weigh: impl Fn(&R) -> u64 + Sync,
        make: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let weight = AtomicU64::new(0);
        let make = |item: &T| {
            let result = make(item);
            weight.fetch_add(weigh(&result), Ordering::Relaxed);
            result
        };
        let goes_on = || weight.load(Ordering::Relaxed) < budget && !self.halt.stop.is_set();
        self.run(items, goes_on, make)
    }

    /// Items are taken in order, and what was taken is done, so that what was done is always the beginning of the list.
    fn run<T: Sync, R: Send>(
        self,
        items: &[T],
        goes_on: impl Fn() -> bool + Sync,
        make: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
        let work = || {
            let mut own = Vec::new();
            while goes_on() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                own.push((index, make(item)));
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        };
        let threads = self.pool.current_num_threads().min(items.len());
        self.pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Stop;

    #[test]
    fn what_is_done_is_a_prefix_in_order() {
        for threads in [1, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let items: Vec<u64> = (0..1000).collect();
            let stop = Stop::new();
            let workers = Workers { pool: &pool, halt: &Halt::new(&stop) };
            assert_eq!(workers.map(&items, |item| item * 2), (0..1000).map(|i| i * 2).collect::<Vec<_>>());
            let some = workers.map_prefix(&items, 10, |_| 1, |item| *item);
            assert!((10..10 + threads).contains(&some.len()), "{}", some.len());
            assert_eq!(some, items[..some.len()]);
            assert_eq!(workers.map_prefix(&items, 0, |_| 1, |item| *item).len(), 0);
            assert!(workers.map(&[], |item: &u64| *item).is_empty());
            assert_eq!(workers.map_until_stopped(&items, |item| *item), items);
            let last = |item: &u64| (*item == 9).then(|| stop.set()).map_or(*item, |_| *item);
            let some = workers.map_until_stopped(&items, last);
            assert!((10..1000).contains(&some.len()), "{}", some.len());
            assert_eq!(some, items[..some.len()]);
            assert!(workers.halt.has_left_out());
            assert_eq!(workers.map(&items, |item| *item), items);
        }
    }
}
