//! Ctrl-C and its like: the first one ends the run with a report of what was looked at so far, the second one ends it
//! at once, and leaves every report file as it was.

use std::io;
use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::say;
use crate::validate::Stop;

/// What a shell reports of a program that Ctrl-C ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

static STOP: Stop = Stop::new();

/// Listens for SIGINT, SIGTERM and SIGHUP from now on: the first thing a run does, since a signal may come at any moment.
pub(super) fn listen() -> &'static Stop {
    // Without a handler the first signal ends the program at once, as it does any other.
    let _ = ctrlc::set_handler(interrupted);
    &STOP
}

fn interrupted() {
    if STOP.set() {
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
