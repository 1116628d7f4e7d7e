//! Ctrl-C and its like: the first one ends the run with a report of what was looked at so far, the second one ends it
//! at once.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::say;
use crate::validate::Stop;

/// What a shell reports of a program that Ctrl-C ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

static STOP: Stop = Stop::new();

/// The report files that are not whole yet.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Listens for SIGINT, SIGTERM and SIGHUP from now on. `reports` are the files that reports are written to: where the
/// program ends at once, they are emptied, so that a part of one cannot be read as the whole.
pub(super) fn listen(reports: Vec<PathBuf>) -> &'static Stop {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = reports;
    // Without a handler the first signal ends the program at once, as it does any other.
    let _ = ctrlc::set_handler(interrupted);
    &STOP
}

/// The reports are written to their end, or as far as they will be.
pub(super) fn reports_are_written() {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn interrupted() {
    if STOP.set() {
        let unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        // Not a pipe or a device, which nobody can empty, and which may not even open.
        let files = unfinished.iter().filter(|path| fs::metadata(path).is_ok_and(|found| found.is_file()));
        files.for_each(|path| drop(File::create(path)));
        keep_stdout();
        process::exit(EXIT_INTERRUPTED);
    }
    // By a thread of its own: where nobody reads stderr any more this waits, and the second signal has to be heard.
    let words = "interrupted: ending with a report of what was looked at so far; again to end at once";
    drop(thread::Builder::new().spawn(move || say(words)));
}

/// Takes stdout for ever: on its way out the process would else write what is left for it, and wait where nobody reads.
fn keep_stdout() {
    let (kept, is_kept) = mpsc::channel();
    let keep = move || {
        let _stdout = io::stdout().lock();
        drop(kept);
        thread::sleep(Duration::MAX);
    };
    if thread::Builder::new().spawn(keep).is_ok() {
        // Another thread that has it does as well.
        let _: Result<(), _> = is_kept.recv_timeout(Duration::from_millis(100));
    }
}
