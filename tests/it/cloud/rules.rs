//! Faults that befall chosen requests: those of an operation, of some keys, for so many times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::ask::Request;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// The answer waits for this long.
    Wait(Duration),
    /// The answer is an error, of this status and code.
    Refuse(u16, &'static str),
    /// The connection is reset in place of an answer.
    Reset,
    /// None comes, and the connection stays open.
    Hang,
    /// The connection is closed in the middle of the body.
    Cut,
    /// One bit in the middle of the body is another one.
    Flip,
    /// The length of the body is announced as some bytes more than it has, and the connection is closed.
    Longer,
    /// The length of the body is announced as half of what it has, and no more of it comes.
    Shorter,
    /// The body comes a byte at a time, this long one after the other.
    Drip(Duration),
    /// After the body, which has no length, more comes without end.
    Endless,
    /// A header says something else.
    Header(&'static str, &'static str),
}

/// A fault, and the requests that it befalls.
#[derive(Debug, Clone)]
pub struct Rule {
    operation: &'static str,
    part: String,
    skipped: u64,
    times: u64,
    each: bool,
    pub fault: Fault,
    seen: Arc<Seen>,
}

/// How many requests a rule was about.
#[derive(Debug, Default)]
struct Seen {
    all: AtomicU64,
    keys: std::sync::Mutex<std::collections::HashMap<String, u64>>,
}

impl Rule {
    /// Befalls every request of an operation; of all, where that is empty.
    pub fn new(operation: &'static str, fault: Fault) -> Self {
        let seen = Arc::default();
        Self { operation, part: String::new(), skipped: 0, times: u64::MAX, each: false, fault, seen }
    }

    /// Only those whose key, or whose listing's prefix, contains `part`.
    #[must_use]
    pub fn on(self, part: impl Into<String>) -> Self {
        Self { part: part.into(), ..self }
    }

    /// Not the first so many of them.
    #[must_use]
    pub fn after(self, skipped: u64) -> Self {
        Self { skipped, ..self }
    }

    /// Only so many of them.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// [`Rule::after`] and [`Rule::times`] count the requests of each key, not of all.
    #[must_use]
    pub fn each(self) -> Self {
        Self { each: true, ..self }
    }

    /// Whether it befalls this request, which is counted.
    pub fn befalls(&self, request: &Request) -> bool {
        let prefix = request.query.get("prefix").map(String::as_str).unwrap_or_default();
        let about = if request.key.is_empty() { prefix } else { &request.key };
        let is_meant = self.operation.is_empty() || self.operation == request.operation;
        if !is_meant || !about.contains(&self.part) {
            return false;
        }
        let number =
            if self.each { self.seen.of_key(about) } else { self.seen.all.fetch_add(1, Ordering::SeqCst) };
        number >= self.skipped && number - self.skipped < self.times
    }
}

impl Seen {
    fn of_key(&self, key: &str) -> u64 {
        let mut keys = self.keys.lock().unwrap();
        let count = keys.entry(key.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}
