//! Progress as single lines, for logs of scheduled jobs.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::tally::RunTally;
use crate::report::text::layout::{grouped, plural};

/// Prints the counters at regular intervals from a separate thread, until stopped or dropped.
pub(super) struct ProgressLines(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl ProgressLines {
    pub(super) fn start(tally: &Arc<RunTally>, each: Duration, mut out: Box<dyn Write + Send>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (tally, begun) = (Arc::clone(tally), Instant::now());
        let print = move || {
            while stopped.recv_timeout(each) == Err(RecvTimeoutError::Timeout) {
                // A closed stderr must not end the run.
                let _ = writeln!(out, "{}", line(&tally, begun.elapsed()));
            }
        };
        // If no thread can be started, the run goes on without lines.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(print);
        Self(Mutex::new(thread.ok().map(|thread| (stop, thread))))
    }

    /// Stops printing.
    pub(super) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            // The thread has no result.
            let _ = thread.join();
        }
    }
}

impl Drop for ProgressLines {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `progress: 12 min, reading digests and log files: 12 of 34 digests, 56 log files, no findings yet`.
pub(super) fn line(tally: &RunTally, elapsed: Duration) -> String {
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
