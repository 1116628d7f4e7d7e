//! Work on many files at the same time: a state in a bucket may have thousands of files, each a request away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The most requests at the same time.
const THREADS: usize = 16;

/// The results of `work` on each item, in the order of the items. After the first failure no further work begins, and
/// the failure is returned.
pub(super) fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R, E>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return };
            let result = work(item);
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(items.len()) {
            // Without a further thread, this thread does the work.
            let _ = thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_failure_counts() {
        let numbers: Vec<u32> = (0..100).collect();
        let doubled: Result<Vec<u32>, ()> = each(&numbers, |number| Ok(number * 2));
        assert_eq!(doubled, Ok((0..100).map(|number| number * 2).collect()));
        assert_eq!(each(&numbers, |number| if *number == 50 { Err(*number) } else { Ok(()) }), Err(50));
        assert_eq!(each::<u32, (), ()>(&[], |_| Ok(())), Ok(Vec::new()));
    }
}
