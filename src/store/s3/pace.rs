//! Limits the number of parallel requests to the speed of the service. More requests run as long as answers stay
//! quick, fewer after `SlowDown`, and never more than the free file handles allow.
//!
//! The limit doubles until answers take twice as long as the quickest, or until S3 sends `SlowDown`. After that, the
//! limit grows in small steps and shrinks by a fraction (additive increase, multiplicative decrease). S3 serves 5,500
//! GETs a second for each prefix (Amazon S3 User Guide, "Best practices design patterns: optimizing Amazon S3
//! performance"), at 20 to 100 ms each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Parallel requests at the start.
const FIRST: usize = 128;

/// Fewest and most parallel requests.
const BOUNDS: (usize, usize) = (4, 512);

/// Fewest answers in a round: a mean of fewer answers is too random.
const FEWEST: usize = 32;

/// Factor by which the measured share of random `SlowDown` answers shrinks after each round.
const FORGETTING: f64 = 0.98;

/// Tolerated wait of a round beyond twice the wait of the quickest round.
const SLACK: Duration = Duration::from_millis(5);

/// Adaptive limit on the parallel requests of one store.
#[derive(Debug)]
pub(super) struct RequestPace {
    most: AtomicUsize,
    /// Upper bound of `most`.
    top: usize,
    callers: AtomicUsize,
    /// Number of permits in use; see [`RequestPermit`].
    permits: Mutex<usize>,
    freed: Condvar,
    /// Measurements of the current round; `None` if the limit is fixed.
    round: Option<Mutex<PaceRound>>,
}

/// Measurements over one round of answers. A round has as many answers as parallel requests, and at least [`FEWEST`].
#[derive(Default, Debug)]
struct PaceRound {
    answers: usize,
    waited: Duration,
    /// Number of `SlowDown` answers.
    slowed: usize,
    /// Mean wait of the quickest round.
    quickest: Option<Duration>,
    /// Mean wait of the round before, if slow answers lowered the limit after that round.
    cut_at: Option<Duration>,
    /// PaceShare of `SlowDown` in the round before, if `SlowDown` lowered the limit after that round.
    slowed_at: Option<f64>,
    /// PaceShare of random `SlowDown` answers, independent of the number of requests. Random answers never lower the
    /// limit.
    noise: f64,
    /// Whether the service was too slow at least once; the limit no longer doubles.
    settled: bool,
}

impl RequestPace {
    /// Adapts the limit to the service, up to `top`.
    pub(super) fn adaptive(top: usize) -> Self {
        let top = top.clamp(1, BOUNDS.1);
        Self { top, round: Some(Mutex::default()), ..Self::fixed(FIRST.min(top)) }
    }

    /// Keeps the limit at `most`.
    pub(super) fn fixed(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most: AtomicUsize::new(most),
            top: most,
            callers: AtomicUsize::new(0),
            permits: Mutex::new(0),
            freed: Condvar::new(),
            round: None,
        }
    }

    /// Adds a thread to the threads that share the limit, until the share is dropped.
    pub(super) fn join(&self) -> PaceShare<'_> {
        self.callers.fetch_add(1, Ordering::Relaxed);
        PaceShare(self)
    }

    /// Waits for a free permit. The permit covers one request, until dropped.
    pub(super) fn permit(&self) -> RequestPermit<'_> {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        while *permits >= self.most.load(Ordering::Relaxed) {
            permits = self.freed.wait(permits).unwrap_or_else(PoisonError::into_inner);
        }
        *permits += 1;
        RequestPermit { pace: self, begun: Instant::now() }
    }

    /// Records an answer: the wait for the first byte, and whether the answer was `SlowDown`.
    pub(super) fn answered(&self, waited: Duration, slowed: bool) {
        let Some(round) = &self.round else { return };
        let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
        round.answers += 1;
        round.waited += waited;
        round.slowed += usize::from(slowed);
        let most = self.most.load(Ordering::Relaxed);
        if round.answers >= most.max(FEWEST) {
            self.most.store(round.next_limit(most).max(BOUNDS.0).min(self.top), Ordering::Relaxed);
            self.freed.notify_all();
        }
    }
}

impl PaceRound {
    /// Ends a round with the limit `most`, and returns the limit of the next round.
    fn next_limit(&mut self, most: usize) -> usize {
        let mean = self.waited / u32::try_from(self.answers).unwrap_or(u32::MAX).max(1);
        // If fewer requests did not shorten the wait, the number of requests is not the cause, so the slow round
        // becomes the new normal.
        let is_in_vain = self.cut_at.is_some_and(|before| mean * 20 > before * 19);
        let quickest = self.quickest.filter(|_| !is_in_vain).map_or(mean, |quickest| quickest.min(mean));
        let is_slow = mean > quickest * 2 + SLACK;
        let is_slower = mean > quickest * 3 / 2 + SLACK;
        let (is_slowed, share, noise) = self.judge_slow_downs();
        let settled = self.settled || is_slowed || is_slow;
        // `SlowDown` lowers the limit by 30 %, slow answers by 10 %. The limit doubles until the first cut, and then
        // grows by an eighth.
        let next = match (is_slowed, is_slow, is_slower) {
            (true, _, _) => most * 7 / 10,
            (false, true, _) => most * 9 / 10,
            (false, false, true) => most,
            (false, false, false) if settled => most + (most / 8).max(1),
            (false, false, false) => most * 2,
        };
        let cut_at = Some(mean).filter(|_| next < most && !is_slowed);
        let slowed_at = Some(share).filter(|_| is_slowed);
        *self = Self { quickest: Some(quickest), cut_at, slowed_at, noise, settled, ..Self::default() };
        next
    }

    /// Whether S3 wants fewer requests, the share of `SlowDown` answers, and the random part of the share. A share
    /// that stays high after a lower limit is random.
    fn judge_slow_downs(&self) -> (bool, f64, f64) {
        let share = self.slowed as f64 / self.answers.max(1) as f64;
        let is_in_vain = self.slowed_at.is_some_and(|before| share > before * 0.7);
        let noise = if is_in_vain { self.noise.max(share) } else { self.noise * FORGETTING };
        (share > noise * 1.5, share, noise)
    }
}

/// One thread's share of the limit.
pub(super) struct PaceShare<'p>(&'p RequestPace);

impl PaceShare<'_> {
    /// Number of parallel requests for this thread, at least one.
    pub(super) fn most(&self) -> usize {
        let callers = self.0.callers.load(Ordering::Relaxed).max(1);
        self.0.most.load(Ordering::Relaxed).div_ceil(callers).max(1)
    }
}

impl Drop for PaceShare<'_> {
    fn drop(&mut self) {
        self.0.callers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Permission for one request with a waiting thread.
pub(super) struct RequestPermit<'p> {
    pace: &'p RequestPace,
    begun: Instant,
}

impl RequestPermit<'_> {
    /// Records the answer, and whether the answer was `SlowDown`.
    pub(super) fn answered(self, slowed: bool) {
        self.pace.answered(self.begun.elapsed(), slowed);
    }
}

impl Drop for RequestPermit<'_> {
    fn drop(&mut self) {
        *self.pace.permits.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.pace.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number after so many rounds of a service that answers in `wait(number)`.
    fn after(pace: &RequestPace, rounds: usize, wait: impl Fn(usize) -> Duration, slowed: bool) -> usize {
        after_slowed(pace, rounds, wait, |_, _| slowed)
    }

    /// The same of a service that says `SlowDown` in some answers, by the number at a time and the answer's own.
    fn after_slowed(
        pace: &RequestPace,
        rounds: usize,
        wait: impl Fn(usize) -> Duration,
        slowed: impl Fn(usize, usize) -> bool,
    ) -> usize {
        for _ in 0..rounds {
            let most = pace.most.load(Ordering::Relaxed);
            (0..most.max(FEWEST)).for_each(|answer| pace.answered(wait(most), slowed(most, answer)));
        }
        pace.most.load(Ordering::Relaxed)
    }

    #[test]
    fn a_service_that_never_waits_is_asked_for_as_much_as_is_allowed() {
        let pace = RequestPace::adaptive(BOUNDS.1);
        assert_eq!(after(&pace, 1, |_| Duration::from_millis(20), false), 2 * FIRST);
        assert_eq!(after(&pace, 30, |_| Duration::from_millis(20), false), BOUNDS.1);
    }

    #[test]
    fn one_that_serves_so_many_at_a_time_is_asked_for_about_twice_that() {
        let pace = RequestPace::adaptive(BOUNDS.1);
        let wait = |most: usize| Duration::from_micros(20_000 * (most as u64).max(100) / 100);
        let most = after(&pace, 200, wait, false);
        assert!((100..=320).contains(&most), "{most}");
    }

    #[test]
    fn one_that_is_farther_than_another_is_not_taken_for_a_busy_one() {
        let pace = RequestPace::adaptive(BOUNDS.1);
        after(&pace, 3, |_| Duration::from_millis(5), false);
        assert_eq!(after(&pace, 40, |_| Duration::from_millis(200), false), BOUNDS.1);
    }

    #[test]
    fn one_that_asks_for_less_gets_less_and_later_more_again() {
        let pace = RequestPace::adaptive(BOUNDS.1);
        let quick = |_| Duration::from_millis(20);
        assert_eq!(after(&pace, 1, quick, true), FIRST * 7 / 10);
        // It serves 40 at a time, and refuses what is more.
        let most = after_slowed(&pace, 100, quick, |most, answer| answer * most >= 40 * most.max(FEWEST));
        assert!((24..=60).contains(&most), "{most}");
        assert_eq!(after(&pace, 200, quick, false), BOUNDS.1);
    }

    #[test]
    fn refusals_that_come_whatever_is_asked_do_not_slow_it_down() {
        let pace = RequestPace::adaptive(BOUNDS.1);
        let random = |most: usize, answer: usize| (most * 7 + answer * 13).is_multiple_of(20);
        let most = after_slowed(&pace, 200, |_| Duration::from_millis(20), random);
        assert!(most > 2 * FIRST, "{most}");
    }

    #[test]
    fn there_are_never_more_than_the_handles_allow() {
        for top in [1, 3, 58] {
            let pace = RequestPace::adaptive(top);
            assert!(pace.join().most() <= top);
            for slowed in [false, true, false] {
                let most = after(&pace, 40, |_| Duration::from_millis(20), slowed);
                assert!((1..=top).contains(&most) && (slowed || most == top), "{most} of {top}");
            }
        }
    }

    #[test]
    fn no_more_threads_have_a_turn_than_the_pace_allows() {
        let pace = RequestPace::fixed(3);
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let permit = pace.permit();
                        most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                        std::thread::yield_now();
                        under_way.fetch_sub(1, Ordering::Relaxed);
                        permit.answered(false);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(Ordering::Relaxed)));
    }

    #[test]
    fn threads_share_and_a_fixed_number_stays() {
        let pace = RequestPace::fixed(1);
        assert_eq!(after(&pace, 10, |_| Duration::ZERO, true), 1);
        let pace = RequestPace::fixed(9);
        let one = pace.join();
        assert_eq!(one.most(), 9);
        let other = pace.join();
        assert_eq!((one.most(), other.most()), (5, 5));
        drop(one);
        assert_eq!(other.most(), 9);
    }
}
