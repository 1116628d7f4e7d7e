//! A line at a time, for logs of scheduled jobs.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::tally::Tally;
use crate::report::text::layout::{grouped, plural};

/// Prints what was counted at regular times, from a thread of its own, until it is stopped or dropped.
pub(super) struct Lines(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl Lines {
    pub(super) fn start(tally: &Arc<Tally>, each: Duration, mut out: Box<dyn Write + Send>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (tally, begun) = (Arc::clone(tally), Instant::now());
        let print = move || {
            while stopped.recv_timeout(each) == Err(RecvTimeoutError::Timeout) {
                // A reader of stderr who went away is no reason to end a run.
                let _ = writeln!(out, "{}", line(&tally, begun.elapsed()));
            }
        };
        // Without a thread there are no lines, and the run goes on.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(print);
        Self(Mutex::new(thread.ok().map(|thread| (stop, thread))))
    }

    /// Prints no more lines.
    pub(super) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            // It only prints, and has nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `progress: 12 min, reading digests and log files: 12 of 34 digests, 56 log files, no findings yet`.
pub(super) fn line(tally: &Tally, elapsed: Duration) -> String {
    let minutes = elapsed.as_secs() / 60;
    let time = match minutes / 60 {
        0 => format!("{minutes} min"),
        hours => format!("{hours} h {} min", minutes % 60),
    };
    let read = match tally.digests.planned() {
        0 => String::new(),
        planned => format!(
            ": {} of {}, {}",
            grouped(tally.digests.read()),
            plural(planned, "digest"),
            plural(tally.logs.read(), "log file")
        ),
    };
    format!("progress: {time}, {}{read}, {}", tally.phase(), tally.findings())
}
