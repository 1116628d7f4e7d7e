//! Bars on a terminal: a line with phase and findings, then read and planned digests and log files, bytes per second
//! and time left.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::style::ProgressTracker;
use indicatif::{
    BinaryBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish,
    ProgressState, ProgressStyle,
};

use super::tally::{FileCounters, RunTally};

/// Interval between redraws. A separate thread redraws the bars, so counting takes no lock and draws nothing.
const REDRAW: Duration = Duration::from_millis(100);

/// Time constant of the smoothed rate.
const RATE_WINDOW: Duration = Duration::from_secs(2);

/// Templates that fit 79 columns: every redraw of a wrapped line would leave the line's first half behind.
pub(super) const HEAD: &str = "{elapsed_precise} {words}";
pub(super) const COUNTING: &str = "{prefix:7}  {human_pos:>31}                {rate:>12}";
pub(super) const PLANNED: &str =
    "{prefix:7} [{bar:18}] {human_pos:>11} of {human_len:11} {rate:>12} {left:>9}";

/// The bars that are shown on stderr. A process has one terminal.
static SHOWN: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Prints to stderr, with the bars out of the way: a redraw of the bars would take the message away.
pub(crate) fn beside_bars(print: impl FnOnce()) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bars) => bars.suspend(print),
        None => print(),
    }
}

/// A line of words and two bars, for digests and log files. Dropping the value removes the lines.
pub(super) struct TerminalBars {
    head: ProgressBar,
    digests: ProgressBar,
    logs: ProgressBar,
    /// Bar styles for a known total.
    planned: [ProgressStyle; 2],
}

impl TerminalBars {
    /// Bars on stderr, which [`beside_bars`] knows until they are cleared.
    pub(super) fn on_stderr(tally: &Arc<RunTally>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(all.clone());
        Self::of(tally, &all)
    }

    #[cfg(test)]
    pub(super) fn new(tally: &Arc<RunTally>, target: ProgressDrawTarget) -> Self {
        Self::of(tally, &MultiProgress::with_draw_target(target))
    }

    fn of(tally: &Arc<RunTally>, all: &MultiProgress) -> Self {
        let words = style(HEAD).with_key("words", HeadWords(Arc::clone(tally)));
        let bar = |name: &'static str, style: ProgressStyle| {
            let bar = ProgressBar::no_length().with_prefix(name).with_finish(ProgressFinish::AndClear);
            let bar = all.add(bar);
            bar.set_style(style);
            bar.enable_steady_tick(REDRAW);
            bar
        };
        let rate = [ByteRate::new(tally, |tally| &tally.digests), ByteRate::new(tally, |tally| &tally.logs)];
        let [digests, logs] = rate.clone().map(|rate| style(COUNTING).with_key("rate", rate));
        Self {
            head: bar("", words),
            digests: bar("digests", digests),
            logs: bar("logs", logs),
            planned: rate.map(|rate| style(PLANNED).with_key("rate", rate).with_key("left", time_left)),
        }
    }

    /// Sets the totals of the bars, once known.
    pub(super) fn plan(&self, tally: &RunTally) {
        let [digests, logs] = &self.planned;
        set_length(&self.digests, tally.digests.planned(), digests);
        set_length(&self.logs, tally.expected_logs().unwrap_or_default(), logs);
    }

    pub(super) fn digest(&self) {
        self.digests.inc(1);
    }

    pub(super) fn log(&self) {
        self.logs.inc(1);
    }

    pub(super) fn clear(&self) {
        self.logs.finish_and_clear();
        self.digests.finish_and_clear();
        self.head.finish_and_clear();
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn set_length(bar: &ProgressBar, total: u64, planned: &ProgressStyle) {
    if total == 0 {
        return;
    }
    if bar.length().is_none() {
        bar.set_style(planned.clone());
    }
    bar.set_length(total);
}

/// Writes the time left. Before the first file the time left is unknown.
fn time_left(state: &ProgressState, out: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        // The tracker cannot report a write error.
        let _ = write!(out, "{:#} left", HumanDuration(state.eta()));
    }
}

/// Builds a style. An invalid template gives the default look: progress must not end a run.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// Shows the phase and the number of findings.
#[derive(Clone)]
struct HeadWords(Arc<RunTally>);

impl ProgressTracker for HeadWords {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _: &ProgressState, _: Instant) {}

    fn reset(&mut self, _: &ProgressState, _: Instant) {}

    fn write(&self, _: &ProgressState, out: &mut dyn fmt::Write) {
        // The tracker cannot report a write error.
        let _ = write!(out, "{}, {}", self.0.phase(), self.0.findings());
    }
}

/// Smoothed rate in bytes per second.
#[derive(Clone)]
pub(super) struct ByteRate {
    tally: Arc<RunTally>,
    files: fn(&RunTally) -> &FileCounters,
    seen: u64,
    at: Instant,
    pub(super) per_second: f64,
}

impl ByteRate {
    pub(super) fn new(tally: &Arc<RunTally>, files: fn(&RunTally) -> &FileCounters) -> Self {
        Self { tally: Arc::clone(tally), files, seen: 0, at: Instant::now(), per_second: 0.0 }
    }

    /// Updates the rate at `now`: an exponential average of the bytes since the last update.
    pub(super) fn look(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        // Two updates in quick succession would make the rate jump.
        if seconds < REDRAW.as_secs_f64() / 2.0 {
            return;
        }
        let total = (self.files)(&self.tally).bytes();
        let latest = total.saturating_sub(self.seen) as f64 / seconds;
        let old = (-seconds / RATE_WINDOW.as_secs_f64()).exp();
        self.per_second = self.per_second * old + latest * (1.0 - old);
        (self.seen, self.at) = (total, now);
    }
}

impl ProgressTracker for ByteRate {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _: &ProgressState, now: Instant) {
        self.look(now);
    }

    fn reset(&mut self, _: &ProgressState, now: Instant) {
        let total = (self.files)(&self.tally).bytes();
        (self.seen, self.at, self.per_second) = (total, now, 0.0);
    }

    fn write(&self, _: &ProgressState, out: &mut dyn fmt::Write) {
        // The tracker cannot report a write error.
        let _ = write!(out, "{}/s", BinaryBytes(self.per_second as u64));
    }
}
