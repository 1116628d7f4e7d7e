//! File handles of this process: how many there are, and patience where none is left for a moment.
//!
//! Whoever opens many files or connections at once asks [`at_a_time`] how many may be under way, and tries again with
//! [`patiently`] where the system says all the same that there are too many.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Handles for what a run opens beside its objects: reports, keys, a listing, the runtime's own.
const RESERVED: usize = 16;

/// Handles that one request may take: its connection, two in looking up a name, and an idle connection to another host.
const OF_A_REQUEST: usize = 4;

/// Handles taken to be open where the system does not tell.
const OPEN: usize = 16;

/// The first wait for a handle; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The longest wait at a time.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long to wait for a handle, all in all.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait once that was in vain: a run shall not wait so long for each of very many objects.
const NO_PATIENCE: Duration = Duration::from_millis(100);

/// How many causes of an error are looked at.
const MAX_CAUSES: usize = 32;

/// Whether no handle came in all of [`PATIENCE`], and none did since.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Raises the limit of open files as far as the system lets this user: by default it is 1,024 for programs that need no
/// more, and some hundred times that for those that ask (getrlimit(2)).
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        // What cannot be raised stays, and is made do with.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// How many requests may be under way at a time: one at least.
pub(crate) fn at_a_time() -> usize {
    (free().saturating_sub(RESERVED) / OF_A_REQUEST).max(1)
}

/// Handles that can still be opened.
#[cfg(unix)]
fn free() -> usize {
    use rustix::process::{Resource, getrlimit};

    let limit = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // A folder of what this process has open, on every system that has one.
    let open = fs::read_dir("/dev/fd").map_or(OPEN, Iterator::count);
    limit.saturating_sub(open)
}

#[cfg(not(unix))]
fn free() -> usize {
    usize::MAX
}

/// Fails where so many handles cannot be opened any more.
///
/// # Errors
/// What the system says.
pub(crate) fn spare(count: usize) -> io::Result<()> {
    #[cfg(unix)]
    (0..count).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<_>>>()?;
    #[cfg(not(unix))]
    let _ = count;
    Ok(())
}

/// Opens something on this thread, and tries again where no handle is left for it: other threads give theirs back.
///
/// # Errors
/// As `open`.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut patience = Patience::new();
    loop {
        match open() {
            Err(error) if is_lack(&error) => match patience.next() {
                Some(wait) => thread::sleep(wait),
                None => return Err(error),
            },
            Err(error) => return Err(error),
            Ok(opened) => {
                patience.rewarded();
                return Ok(opened);
            }
        }
    }
}

/// The waits before something is tried again for which no handle was left.
pub(crate) struct Patience {
    in_vain: &'static AtomicBool,
    waited: Duration,
    next: Duration,
    all: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self::unless(&IN_VAIN)
    }

    /// Patience that is short where it was `in_vain` before.
    fn unless(in_vain: &'static AtomicBool) -> Self {
        let all = if in_vain.load(Ordering::Relaxed) { NO_PATIENCE } else { PATIENCE };
        Self { in_vain, waited: Duration::ZERO, next: FIRST_WAIT, all }
    }

    /// How long to wait now; `None` where it is in vain.
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

    /// There was a handle.
    pub(crate) fn rewarded(self) {
        if self.in_vain.load(Ordering::Relaxed) {
            self.in_vain.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether an error, or a cause of it, says that this process or the system has no handle left.
pub(crate) fn is_lack(error: &(dyn Error + 'static)) -> bool {
    let causes = iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // Its `source` is that of the error in it, which would be passed over.
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

/// `ERROR_TOO_MANY_OPEN_FILES` and `WSAEMFILE`.
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
            let mut patience = Patience::unless(&BEFORE);
            iter::from_fn(move || patience.next()).sum::<Duration>()
        };
        let first = waits();
        assert!(first >= PATIENCE && first < PATIENCE + LONGEST_WAIT, "{first:?}");
        assert!(waits() < 2 * NO_PATIENCE);
        Patience::unless(&BEFORE).rewarded();
        assert!(waits() >= PATIENCE);
    }

    #[test]
    fn there_is_always_one_at_a_time_and_never_more_than_the_limit_allows() {
        let most = at_a_time();
        assert!(most >= 1 && most * OF_A_REQUEST <= free().max(OF_A_REQUEST));
        assert!(spare(1).is_ok());
    }
}
