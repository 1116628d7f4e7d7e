//! Ctrl-C, SIGTERM and SIGHUP. The first signal ends the run with a report of everything checked so far. The second
//! signal ends the process and a running hook at once, and leaves every report file unchanged.

use std::io;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{hook, say};
use crate::validate::CancelFlag;

/// Exit code that shells report for a program ended by Ctrl-C: 128 plus the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

static STOP: CancelFlag = CancelFlag::new();

/// Whether anything is being checked yet.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Whether the run is over, and hooks and pings under way.
static RUN_IS_OVER: AtomicBool = AtomicBool::new(false);

/// What the first signal says, of a command that writes no report of everything checked so far.
static WORDS: OnceLock<&str> = OnceLock::new();

/// Sets what the first signal says.
pub(super) fn keep_no_report(words: &'static str) {
    // A process runs one command.
    let _ = WORDS.set(words);
}

/// Starts listening for SIGINT, SIGTERM and SIGHUP. Called first in a run, since a signal may arrive at any moment.
pub(super) fn listen() -> &'static CancelFlag {
    // If this fails, the first signal ends the program at once, which is the default.
    let _ = ctrlc::set_handler(interrupted);
    &STOP
}

/// The flag that the first signal sets. In a command that does not listen, the flag is never set.
pub(super) fn flag() -> &'static CancelFlag {
    &STOP
}

/// Notes that the inputs were read and the run begins, for the message about the first signal.
pub(super) fn run_begins() {
    HAS_BEGUN.store(true, Ordering::Relaxed);
}

/// Notes that the run is over, for the message about the first signal.
pub(super) fn run_is_over() {
    RUN_IS_OVER.store(true, Ordering::Relaxed);
}

fn interrupted() {
    if STOP.set() {
        hook::kill_for_ever();
        keep_stdout();
        process::exit(EXIT_INTERRUPTED);
    }
    // On another thread: writing to a stuck stderr blocks, and this handler must stay ready for the second signal.
    let words = match (HAS_BEGUN.load(Ordering::Relaxed), RUN_IS_OVER.load(Ordering::Relaxed)) {
        (_, true) => {
            "interrupted: the run is over, hooks and pings are under way; interrupt again to end at once"
        }
        (false, false) => "interrupted: ending before anything is checked; interrupt again to end at once",
        (true, false) => WORDS.get().copied().unwrap_or(
            "interrupted: writing a report of everything checked so far; interrupt again to end at once",
        ),
    };
    drop(thread::Builder::new().spawn(move || say(words)));
}

/// Locks stdout for ever. Otherwise the exiting process would flush stdout, and block on a pipe that is not read.
fn keep_stdout() {
    let (kept, is_kept) = mpsc::channel();
    let keep = move || {
        let _stdout = io::stdout().lock();
        drop(kept);
        thread::sleep(Duration::MAX);
    };
    if thread::Builder::new().spawn(keep).is_ok() {
        // If another thread holds the lock, the effect is the same.
        let _: Result<(), _> = is_kept.recv_timeout(Duration::from_millis(100));
    }
}
