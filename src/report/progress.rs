//! Progress on stderr: phase, elapsed time, findings so far, and bars for digests and log files. A terminal shows
//! redrawn bars; otherwise a line is printed every minute.

mod bars;
mod lines;
mod tally;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Phase, Progress, Severity};
use bars::TerminalBars;
pub(crate) use bars::beside_bars;
use lines::ProgressLines;
use tally::RunTally;

/// Interval between lines if stderr is not a terminal.
const EACH_LINE: Duration = Duration::from_secs(60);

/// How to show progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Display {
    /// No progress.
    Hidden,
    /// Bars, redrawn several times a second. Needs a terminal on stderr.
    Bars,
    /// A line on stderr every minute.
    Lines,
}

/// Counters of a run, shown on stderr until cleared or dropped.
pub struct Bars {
    tally: Arc<RunTally>,
    bars: Option<TerminalBars>,
    lines: Option<ProgressLines>,
}

impl Bars {
    /// Starts counters that are shown according to `display`.
    #[must_use]
    pub fn new(display: Display) -> Self {
        let tally = Arc::new(RunTally::new());
        let bars = (display == Display::Bars).then(|| TerminalBars::on_stderr(&tally));
        let print = || ProgressLines::start(&tally, EACH_LINE, Box::new(io::stderr()));
        let lines = (display == Display::Lines).then(print);
        Self { tally, bars, lines }
    }

    /// Removes the bars and stops the lines. Call before the final output on stdout or stderr.
    pub fn clear(&self) {
        self.bars.iter().for_each(TerminalBars::clear);
        self.lines.iter().for_each(ProgressLines::stop);
    }
}

impl Bars {
    /// Sets how many regions are planned, and how many there are.
    pub fn regions(&self, done: u64, all: u64) {
        self.tally.regions(done, all);
    }
}

impl Progress for Bars {
    fn phase(&self, phase: Phase) {
        self.tally.begin(phase);
    }

    fn plan_digests(&self, count: u64) {
        self.tally.digests.plan(count);
        self.bars.iter().for_each(|bars| bars.plan(&self.tally));
    }

    fn plan_logs(&self, count: u64) {
        self.tally.logs.plan(count);
        self.bars.iter().for_each(|bars| bars.plan(&self.tally));
    }

    fn digest(&self, bytes: u64) {
        self.tally.digests.count(bytes);
        self.bars.iter().for_each(TerminalBars::digest);
    }

    fn log(&self, bytes: u64) {
        self.tally.logs.count(bytes);
        self.bars.iter().for_each(TerminalBars::log);
    }

    fn finding(&self, severity: Severity) {
        self.tally.found(severity);
    }
}

#[cfg(test)]
mod tests;
