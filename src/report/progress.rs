//! Progress on stderr: what the run is doing, how long it has taken, what it has found, and bars of digests and log files
//! read. On a terminal these are redrawn; elsewhere a line is printed once a minute.

mod bars;
mod lines;
mod tally;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressDrawTarget;

use crate::event::{Phase, Progress, Severity};
use bars::TerminalBars;
use lines::Lines;
use tally::Tally;

/// How long it takes until the next line where stderr is no terminal.
const EACH_LINE: Duration = Duration::from_secs(60);

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Display {
    /// Not at all.
    Hidden,
    /// Bars, redrawn several times a second. They need a terminal at stderr.
    Bars,
    /// A line on stderr once a minute.
    Lines,
}

/// Counters of a run, shown on stderr until they are cleared or dropped.
pub struct Bars {
    tally: Arc<Tally>,
    bars: Option<TerminalBars>,
    lines: Option<Lines>,
}

impl Bars {
    /// Counters that are shown as `display` says.
    #[must_use]
    pub fn new(display: Display) -> Self {
        let tally = Arc::new(Tally::new());
        let bars =
            (display == Display::Bars).then(|| TerminalBars::new(&tally, ProgressDrawTarget::stderr()));
        let print = || Lines::start(&tally, EACH_LINE, Box::new(io::stderr()));
        let lines = (display == Display::Lines).then(print);
        Self { tally, bars, lines }
    }

    /// Takes the bars off the screen for good, and prints no more lines, before the last words on stdout or stderr.
    pub fn clear(&self) {
        self.bars.iter().for_each(TerminalBars::clear);
        self.lines.iter().for_each(Lines::stop);
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
