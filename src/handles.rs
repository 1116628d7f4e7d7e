//! File handles of the process: the number of free handles, and waiting for a free handle.
//!
//! Before opening many files or connections in parallel, take the limit from [`at_a_time`]. Open each file with
//! [`patiently`], because the system may still run out of handles.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Handles reserved for files beside the objects: reports, keys, a listing, and the runtime.
const RESERVED: usize = 16;

/// Most handles for a single request: the connection, two for the name lookup, and an idle connection to another
/// host.
const OF_A_REQUEST: usize = 4;

/// Assumed number of open handles on systems that do not report the number.
const OPEN: usize = 16;

/// First wait for a handle; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// Longest single wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Longest total wait for a handle.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Longest total wait after an earlier wait failed: a run must not wait 20 seconds for each of very many objects.
const SHORT_WAIT: Duration = Duration::from_millis(100);

/// Most causes of an error examined.
const MAX_CAUSES: usize = 32;

/// Whether a wait of [`MAX_WAIT`] failed, with no success since.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Raises the soft limit of open files to the hard limit (getrlimit(2)). The default soft limit is 1,024; the hard
/// limit is often some hundred times higher.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        // A failure is not an error: the run continues with the lower limit.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// Most parallel requests, at least one.
pub(crate) fn at_a_time() -> usize {
    (free().saturating_sub(RESERVED) / OF_A_REQUEST).max(1)
}

/// Number of handles left to open.
#[cfg(unix)]
fn free() -> usize {
    use rustix::process::{Resource, getrlimit};

    let limit = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // Lists the process's open handles, on every system with such a folder.
    let open = fs::read_dir("/dev/fd").map_or(OPEN, Iterator::count);
    limit.saturating_sub(open)
}

#[cfg(not(unix))]
fn free() -> usize {
    usize::MAX
}

/// Checks that `count` more handles can be opened.
///
/// # Errors
/// The system's error.
pub(crate) fn spare(count: usize) -> io::Result<()> {
    #[cfg(unix)]
    (0..count).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<_>>>()?;
    #[cfg(not(unix))]
    let _ = count;
    Ok(())
}

/// Calls `open`, and retries while no handle is free: other threads close handles after use.
///
/// # Errors
/// The last error of `open`.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut waits = HandleWait::new();
    loop {
        match open() {
            Err(error) if is_lack(&error) => match waits.next() {
                Some(wait) => thread::sleep(wait),
                None => return Err(error),
            },
            Err(error) => return Err(error),
            Ok(opened) => {
                waits.succeeded();
                return Ok(opened);
            }
        }
    }
}

/// Waits between attempts to open a handle.
pub(crate) struct HandleWait {
    in_vain: &'static AtomicBool,
    waited: Duration,
    next: Duration,
    all: Duration,
}

impl HandleWait {
    pub(crate) fn new() -> Self {
        Self::unless(&IN_VAIN)
    }

    /// Waits for a shorter time if `in_vain` is set.
    fn unless(in_vain: &'static AtomicBool) -> Self {
        let all = if in_vain.load(Ordering::Relaxed) { SHORT_WAIT } else { MAX_WAIT };
        Self { in_vain, waited: Duration::ZERO, next: FIRST_WAIT, all }
    }

    /// The next wait; `None` after the longest total wait.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        if self.waited >= self.all {
            self.in_vain.store(true, Ordering::Relaxed);
            return None;
        }
        let wait = self.next;
        self.waited += wait;
        self.next = (wait * 2).min(LONGEST_WAIT);
        Some(wait)
    }

    /// Records a success, so that later waits are long again.
    pub(crate) fn succeeded(self) {
        if self.in_vain.load(Ordering::Relaxed) {
            self.in_vain.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether an error, or a cause of the error, is a lack of handles in the process or the system.
pub(crate) fn is_lack(error: &(dyn Error + 'static)) -> bool {
    let causes = iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // `source` of an `io::Error` skips the inner error, so `get_ref` is used.
        Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    });
    let mut codes =
        causes.take(MAX_CAUSES).filter_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
    codes.any(is_code_of_lack)
}

#[cfg(unix)]
fn is_code_of_lack(code: i32) -> bool {
    use rustix::io::Errno;

    [Errno::MFILE, Errno::NFILE].into_iter().any(|lack| lack.raw_os_error() == code)
}

/// Error codes `ERROR_TOO_MANY_OPEN_FILES` and `WSAEMFILE`.
#[cfg(not(unix))]
fn is_code_of_lack(code: i32) -> bool {
    matches!(code, 4 | 10_024)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn lack() -> io::Error {
        io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())
    }

    #[test]
    fn a_lack_is_found_below_other_errors() {
        assert!(is_lack(&lack()));
        assert!(is_lack(&io::Error::other(io::Error::other(lack()))));
        assert!(!is_lack(&io::Error::other("Too many open files")));
        assert!(!is_lack(&io::Error::from(io::ErrorKind::NotFound)));
    }

    #[test]
    fn what_lacks_a_handle_is_tried_again_and_all_else_is_not() {
        let mut tries = 0;
        let opened = patiently(|| {
            tries += 1;
            if tries < 4 { Err(lack()) } else { Ok(tries) }
        });
        assert_eq!(opened.unwrap(), 4);
        let mut tries = 0;
        let refused: io::Result<()> = patiently(|| {
            tries += 1;
            Err(io::ErrorKind::PermissionDenied.into())
        });
        assert_eq!((refused.unwrap_err().kind(), tries), (io::ErrorKind::PermissionDenied, 1));
    }

    #[test]
    fn patience_ends_and_is_short_once_it_was_in_vain() {
        static BEFORE: AtomicBool = AtomicBool::new(false);
        let waits = || {
            let mut waits = HandleWait::unless(&BEFORE);
            iter::from_fn(move || waits.next()).sum::<Duration>()
        };
        let first = waits();
        assert!(first >= MAX_WAIT && first < MAX_WAIT + LONGEST_WAIT, "{first:?}");
        assert!(waits() < 2 * SHORT_WAIT);
        HandleWait::unless(&BEFORE).succeeded();
        assert!(waits() >= MAX_WAIT);
    }

    #[test]
    fn there_is_always_one_at_a_time_and_never_more_than_the_limit_allows() {
        let most = at_a_time();
        assert!(most >= 1 && most * OF_A_REQUEST <= free().max(OF_A_REQUEST));
        assert!(spare(1).is_ok());
    }
}
