//! How many requests are under way at a time: as many as the service answers without making them wait, and fewer where
//! it says `SlowDown`; never more than this machine has file handles for.
//!
//! The number doubles until answers take twice as long as they did, or until S3 asks for less; then it goes up in small
//! steps, and down by a part (additive increase, multiplicative decrease). S3 serves 5,500 GETs a second for each prefix
//! (Amazon S3 User Guide, "Best practices design patterns: optimizing Amazon S3 performance"), at 20 to 100 ms each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests at a time in the beginning.
const FIRST: usize = 128;

/// The fewest and the most at a time.
const BOUNDS: (usize, usize) = (4, 512);

/// Answers of a round at least: fewer tell more of chance than of the service.
const FEWEST: usize = 32;

/// What is left after a round of what was learned of `SlowDown` that does not depend on the number.
const FORGETTING: f64 = 0.98;

/// How much longer than the quickest round answers may take, beside twice that, before there are too many.
const SLACK: Duration = Duration::from_millis(5);

/// The pace of one store.
#[derive(Debug)]
pub(super) struct Pace {
    most: AtomicUsize,
    /// What `most` never exceeds.
    top: usize,
    callers: AtomicUsize,
    /// Requests of threads that wait for the answer, each with a [`Turn`].
    turns: Mutex<usize>,
    freed: Condvar,
    /// `None` where the number is fixed.
    round: Option<Mutex<Round>>,
}

/// As many answers as there are requests at a time, and [`FEWEST`] at least, looked at together.
#[derive(Default, Debug)]
struct Round {
    answers: usize,
    waited: Duration,
    /// How many were `SlowDown`.
    slowed: usize,
    /// Mean wait of the quickest round.
    quickest: Option<Duration>,
    /// Mean wait of the round before, where the number was cut after it.
    cut_at: Option<Duration>,
    /// Share of `SlowDown` in the round before, where the number was cut for it.
    slowed_at: Option<f64>,
    /// Share of `SlowDown` that does not depend on the number, and is no reason to cut it.
    noise: f64,
    /// Whether there were too many once.
    settled: bool,
}

impl Pace {
    /// Finds out how many are good, up to `top`.
    pub(super) fn adaptive(top: usize) -> Self {
        let top = top.clamp(1, BOUNDS.1);
        Self { top, round: Some(Mutex::default()), ..Self::fixed(FIRST.min(top)) }
    }

    /// Always this many.
    pub(super) fn fixed(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most: AtomicUsize::new(most),
            top: most,
            callers: AtomicUsize::new(0),
            turns: Mutex::new(0),
            freed: Condvar::new(),
            round: None,
        }
    }

    /// Counts a thread among those that share the requests, until the answer is dropped.
    pub(super) fn join(&self) -> Share<'_> {
        self.callers.fetch_add(1, Ordering::Relaxed);
        Share(self)
    }

    /// Waits until a request may be made, which is under way until the turn is dropped.
    pub(super) fn turn(&self) -> Turn<'_> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        while *turns >= self.most.load(Ordering::Relaxed) {
            turns = self.freed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        *turns += 1;
        Turn { pace: self, begun: Instant::now() }
    }

    /// Takes note of an answer: how long it took to begin, and whether it was `SlowDown`.
    pub(super) fn answered(&self, waited: Duration, slowed: bool) {
        let Some(round) = &self.round else { return };
        let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
        round.answers += 1;
        round.waited += waited;
        round.slowed += usize::from(slowed);
        let most = self.most.load(Ordering::Relaxed);
        if round.answers >= most.max(FEWEST) {
            self.most.store(round.next(most).max(BOUNDS.0).min(self.top), Ordering::Relaxed);
            self.freed.notify_all();
        }
    }
}

impl Round {
    /// Ends the round with `most` at a time, and says how many the next one shall have.
    fn next(&mut self, most: usize) -> usize {
        let mean = self.waited / u32::try_from(self.answers).unwrap_or(u32::MAX).max(1);
        // Where fewer at a time do not make it quicker, it is not their number that makes it slow.
        let is_in_vain = self.cut_at.is_some_and(|before| mean * 20 > before * 19);
        let quickest = self.quickest.filter(|_| !is_in_vain).map_or(mean, |quickest| quickest.min(mean));
        let is_slow = mean > quickest * 2 + SLACK;
        let is_slower = mean > quickest * 3 / 2 + SLACK;
        let (is_slowed, share, noise) = self.slowed();
        let settled = self.settled || is_slowed || is_slow;
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

    /// Whether S3 asks for less, the share of its answers that do, and how much of that comes whatever is asked: what a
    /// cut does not lower.
    fn slowed(&self) -> (bool, f64, f64) {
        let share = self.slowed as f64 / self.answers.max(1) as f64;
        let is_in_vain = self.slowed_at.is_some_and(|before| share > before * 0.7);
        let noise = if is_in_vain { self.noise.max(share) } else { self.noise * FORGETTING };
        (share > noise * 1.5, share, noise)
    }
}

/// One thread's share of the requests.
pub(super) struct Share<'p>(&'p Pace);

impl Share<'_> {
    /// How many requests this thread may have under way: one at least.
    pub(super) fn most(&self) -> usize {
        let callers = self.0.callers.load(Ordering::Relaxed).max(1);
        self.0.most.load(Ordering::Relaxed).div_ceil(callers).max(1)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.0.callers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that a thread waits for.
pub(super) struct Turn<'p> {
    pace: &'p Pace,
    begun: Instant,
}

impl Turn<'_> {
    /// Takes note of the answer, and whether it was `SlowDown`.
    pub(super) fn answered(self, slowed: bool) {
        self.pace.answered(self.begun.elapsed(), slowed);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.pace.turns.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.pace.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number after so many rounds of a service that answers in `wait(number)`.
    fn after(pace: &Pace, rounds: usize, wait: impl Fn(usize) -> Duration, slowed: bool) -> usize {
        after_slowed(pace, rounds, wait, |_, _| slowed)
    }

    /// The same of a service that says `SlowDown` in some answers, by the number at a time and the answer's own.
    fn after_slowed(
        pace: &Pace,
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
        let pace = Pace::adaptive(BOUNDS.1);
        assert_eq!(after(&pace, 1, |_| Duration::from_millis(20), false), 2 * FIRST);
        assert_eq!(after(&pace, 30, |_| Duration::from_millis(20), false), BOUNDS.1);
    }

    #[test]
    fn one_that_serves_so_many_at_a_time_is_asked_for_about_twice_that() {
        let pace = Pace::adaptive(BOUNDS.1);
        let wait = |most: usize| Duration::from_micros(20_000 * (most as u64).max(100) / 100);
        let most = after(&pace, 200, wait, false);
        assert!((100..=320).contains(&most), "{most}");
    }

    #[test]
    fn one_that_is_farther_than_another_is_not_taken_for_a_busy_one() {
        let pace = Pace::adaptive(BOUNDS.1);
        after(&pace, 3, |_| Duration::from_millis(5), false);
        assert_eq!(after(&pace, 40, |_| Duration::from_millis(200), false), BOUNDS.1);
    }

    #[test]
    fn one_that_asks_for_less_gets_less_and_later_more_again() {
        let pace = Pace::adaptive(BOUNDS.1);
        let quick = |_| Duration::from_millis(20);
        assert_eq!(after(&pace, 1, quick, true), FIRST * 7 / 10);
        // It serves 40 at a time, and refuses what is more.
        let most = after_slowed(&pace, 100, quick, |most, answer| answer * most >= 40 * most.max(FEWEST));
        assert!((24..=60).contains(&most), "{most}");
        assert_eq!(after(&pace, 200, quick, false), BOUNDS.1);
    }

    #[test]
    fn refusals_that_come_whatever_is_asked_do_not_slow_it_down() {
        let pace = Pace::adaptive(BOUNDS.1);
        let random = |most: usize, answer: usize| (most * 7 + answer * 13).is_multiple_of(20);
        let most = after_slowed(&pace, 200, |_| Duration::from_millis(20), random);
        assert!(most > 2 * FIRST, "{most}");
    }

    #[test]
    fn there_are_never_more_than_the_handles_allow() {
        for top in [1, 3, 58] {
            let pace = Pace::adaptive(top);
            assert!(pace.join().most() <= top);
            for slowed in [false, true, false] {
                let most = after(&pace, 40, |_| Duration::from_millis(20), slowed);
                assert!((1..=top).contains(&most) && (slowed || most == top), "{most} of {top}");
            }
        }
    }

    #[test]
    fn no_more_threads_have_a_turn_than_the_pace_allows() {
        let pace = Pace::fixed(3);
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let turn = pace.turn();
                        most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                        std::thread::yield_now();
                        under_way.fetch_sub(1, Ordering::Relaxed);
                        turn.answered(false);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(Ordering::Relaxed)));
    }

    #[test]
    fn threads_share_and_a_fixed_number_stays() {
        let pace = Pace::fixed(1);
        assert_eq!(after(&pace, 10, |_| Duration::ZERO, true), 1);
        let pace = Pace::fixed(9);
        let one = pace.join();
        assert_eq!(one.most(), 9);
        let other = pace.join();
        assert_eq!((one.most(), other.most()), (5, 5));
        drop(one);
        assert_eq!(other.most(), 9);
    }
}
