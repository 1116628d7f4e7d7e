//! Parallel work over an ordered list, in windows bounded by what their results weigh.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;

/// The threads of a run.
#[derive(Clone, Copy)]
pub(super) struct Workers<'p>(pub(super) &'p ThreadPool);

impl Workers<'_> {
    /// `make` of every item, in order.
    pub(super) fn map<T: Sync, R: Send>(self, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
        self.map_prefix(items, u64::MAX, |_| 0, make)
    }

    /// `make` of the first items, in order: at least one, and no new one is begun once the results weigh `budget`.
    /// Items are taken in order, so that what was done is always the beginning of the list.
    pub(super) fn map_prefix<T: Sync, R: Send>(
        self,
        items: &[T],
        budget: u64,
        weigh: impl Fn(&R) -> u64 + Sync,
        make: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let weight = AtomicU64::new(0);
        let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
        let work = || {
            let mut own = Vec::new();
            while weight.load(Ordering::Relaxed) < budget {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                let result = make(item);
                weight.fetch_add(weigh(&result), Ordering::Relaxed);
                own.push((index, result));
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        };
        let threads = self.0.current_num_threads().min(items.len());
        self.0.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_a_prefix_in_order() {
        for threads in [1, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let items: Vec<u64> = (0..1000).collect();
            assert_eq!(
                Workers(&pool).map(&items, |item| item * 2),
                (0..1000).map(|i| i * 2).collect::<Vec<_>>()
            );
            let some = Workers(&pool).map_prefix(&items, 10, |_| 1, |item| *item);
            assert!((10..10 + threads).contains(&some.len()), "{}", some.len());
            assert_eq!(some, items[..some.len()]);
            assert_eq!(Workers(&pool).map_prefix(&items, 0, |_| 1, |item| *item).len(), 0);
            assert!(Workers(&pool).map(&[], |item: &u64| *item).is_empty());
        }
    }
}
