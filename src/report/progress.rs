//! Progress bars on stderr: digests and log files done of those planned, bytes a second, time left.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::style::ProgressTracker;
use indicatif::{
    BinaryBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle,
};

use crate::event::Progress;

/// Redrawn so often by a thread of its own, and by nothing else: counting takes no lock and draws nothing.
const REDRAW: Duration = Duration::from_millis(100);

/// Bytes a second are those of about so long back.
const RATE_WINDOW: Duration = Duration::from_secs(2);

/// Fits 79 columns: a line that wraps would leave its first half behind at every redraw.
const TEMPLATE: &str = "{prefix:7} [{bar:18}] {human_pos:>11} of {human_len:11} {rate:>12} {eta:>4} left";

/// Two bars, digests and log files. They vanish when dropped.
pub struct Bars {
    bars: MultiProgress,
    digests: Bar,
    logs: Bar,
    planned_logs: AtomicU64,
}

impl Bars {
    /// Bars on stderr where `enabled` and stderr is a terminal; else the counters run and nothing is shown.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        let target = if enabled { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let shown = !bars.is_hidden();
        let digests = Bar::new(&bars, "digests", shown);
        let logs = Bar::new(&bars, "logs", shown);
        Self { bars, digests, logs, planned_logs: AtomicU64::new(0) }
    }

    /// Takes the bars off the screen for good, before the last words on stdout or stderr.
    pub fn clear(&self) {
        self.digests.bar.finish_and_clear();
        self.logs.bar.finish_and_clear();
    }

    /// Runs `print` with the bars off the screen, for a message in the middle of a run.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bars.suspend(print)
    }
}

impl Progress for Bars {
    fn plan_digests(&self, count: u64) {
        self.digests.bar.inc_length(count);
    }

    /// The log files of digests still to be read are not known: they are taken to list as many as those that were.
    fn plan_logs(&self, count: u64) {
        let planned = self.planned_logs.fetch_add(count, Ordering::Relaxed) + count;
        let read = self.digests.bar.position().max(1);
        let digests = self.digests.bar.length().unwrap_or(read).max(read);
        self.logs.bar.set_length((u128::from(planned) * u128::from(digests) / u128::from(read)) as u64);
    }

    fn digest(&self, bytes: u64) {
        self.digests.count(bytes);
    }

    fn log(&self, bytes: u64) {
        self.logs.count(bytes);
    }
}

struct Bar {
    bar: ProgressBar,
    bytes: Arc<AtomicU64>,
}

impl Bar {
    fn new(bars: &MultiProgress, name: &'static str, shown: bool) -> Self {
        let bytes = Arc::new(AtomicU64::new(0));
        let bar = bars.add(ProgressBar::new(0).with_prefix(name).with_finish(ProgressFinish::AndClear));
        bar.set_style(style(&bytes));
        if shown {
            bar.enable_steady_tick(REDRAW);
        }
        Self { bar, bytes }
    }

    fn count(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(1);
    }
}

/// A template that does not parse would cost the bars their looks, not the run.
fn style(bytes: &Arc<AtomicU64>) -> ProgressStyle {
    ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", Rate::new(Arc::clone(bytes)))
        .progress_chars("=> ")
}

/// Bytes a second, smoothed.
#[derive(Clone)]
struct Rate {
    total: Arc<AtomicU64>,
    seen: u64,
    at: Instant,
    per_second: f64,
}

impl Rate {
    fn new(total: Arc<AtomicU64>) -> Self {
        Self { total, seen: 0, at: Instant::now(), per_second: 0.0 }
    }

    /// Weighs what came since the last look against what came before, by how long ago that was.
    fn look(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        if seconds < REDRAW.as_secs_f64() / 2.0 {
            return;
        }
        let total = self.total.load(Ordering::Relaxed);
        let latest = total.saturating_sub(self.seen) as f64 / seconds;
        let old = (-seconds / RATE_WINDOW.as_secs_f64()).exp();
        self.per_second = self.per_second * old + latest * (1.0 - old);
        (self.seen, self.at) = (total, now);
    }
}

impl ProgressTracker for Rate {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _: &ProgressState, now: Instant) {
        self.look(now);
    }

    fn reset(&mut self, _: &ProgressState, now: Instant) {
        (self.seen, self.at, self.per_second) = (self.total.load(Ordering::Relaxed), now, 0.0);
    }

    fn write(&self, _: &ProgressState, out: &mut dyn fmt::Write) {
        // The tracker has nobody to tell if the line cannot be written.
        let _ = write!(out, "{}/s", BinaryBytes(self.per_second as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_many_threads_and_shows_nothing_where_disabled() {
        let bars = Bars::new(false);
        assert!(bars.bars.is_hidden());
        bars.plan_digests(4);
        std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| bars.digest(100)))));
        bars.plan_logs(2_000);
        assert_eq!(bars.logs.bar.length(), Some(4_000), "half of the digests listed half of the log files");
        (0..2).for_each(|_| bars.digest(100));
        bars.plan_logs(2_000);
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| (0..1_000).for_each(|_| bars.log(3)))));
        });
        assert_eq!((bars.digests.bar.position(), bars.digests.bar.length()), (4, Some(4)));
        assert_eq!((bars.logs.bar.position(), bars.logs.bar.length()), (4_000, Some(4_000)));
        assert_eq!(bars.logs.bytes.load(Ordering::Relaxed), 12_000);
        bars.clear();
        assert!(bars.digests.bar.is_finished() && bars.logs.bar.is_finished());
    }

    #[test]
    fn the_template_is_sound() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn the_rate_settles_on_what_comes_in() {
        let total = Arc::new(AtomicU64::new(0));
        let mut rate = Rate::new(Arc::clone(&total));
        let begin = rate.at;
        for step in 1..=200 {
            total.fetch_add(50_000, Ordering::Relaxed);
            rate.look(begin + REDRAW * step);
        }
        assert!((rate.per_second - 500_000.0).abs() < 1_000.0, "{}", rate.per_second);
    }
}
