//! The sums at the end: the number of valid files of each kind, and the time that valid digests cover.

use std::io::{self, Write};

use super::words::Said;
use crate::digest::DigestFile;
use crate::time::{Interval, Timestamp};

#[derive(Default)]
pub(super) struct Sums {
    pub(super) digests: Ratio,
    pub(super) backfill: Ratio,
    pub(super) logs: Ratio,
    pub(super) found: Option<(Timestamp, Timestamp)>,
}

#[derive(Default)]
pub(super) struct Ratio {
    pub(super) valid: u64,
    pub(super) invalid: u64,
    pub(super) unread: u64,
}

impl Sums {
    /// Extends the covered time by a valid digest, within the requested range.
    pub(super) fn find(&mut self, asked: Interval, file: &DigestFile) {
        let window = file.window();
        let (start, end) = (window.start.max(asked.start), window.end.min(asked.end));
        self.found = Some(self.found.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
    }
}

impl Ratio {
    pub(super) fn count(&mut self, said: &Said) {
        match said {
            Said::Valid => self.valid += 1,
            Said::Invalid(_) => self.invalid += 1,
            Said::Nothing => self.unread += 1,
        }
    }

    pub(super) const fn all(&self) -> u64 {
        self.valid + self.invalid + self.unread
    }

    pub(super) fn write(&self, out: &mut dyn Write, name: &str) -> io::Result<()> {
        let (valid, invalid, all) = (self.valid, self.invalid, self.all());
        if all > 0 {
            write!(out, "\n{valid}/{all} {name} files valid")?;
        }
        if invalid > 0 {
            write!(out, ", {invalid}/{all} {name} files INVALID")?;
        }
        Ok(())
    }
}
