//! The archived objects of a plan: they have to be restored before a run can read them.

use super::Amount;
use crate::ident::{Location, RegionFolder};
use crate::store::Listed;

/// How many archived objects are told at a time.
const TOLD_AT_ONCE: usize = 500;

/// Receives archived objects, some at a time, from any thread and in any order of regions.
pub type ArchiveListener<'l> = dyn Fn(&[Location]) + Sync + 'l;

/// The archived objects among the objects to read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ArchivedAmount {
    /// Digests.
    pub digests: Amount,
    /// Log files.
    pub logs: Amount,
}

impl ArchivedAmount {
    /// The sum of two amounts.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { digests: self.digests.plus(other.digests), logs: self.logs.plus(other.logs) }
    }

    /// Digests and log files together.
    #[must_use]
    pub const fn all(self) -> Amount {
        self.digests.plus(self.logs)
    }
}

/// The archived objects of one region so far.
pub(super) struct ArchivedObjects<'l> {
    pub(super) amount: ArchivedAmount,
    pub(super) listener: Option<&'l ArchiveListener<'l>>,
    /// Objects that the listener was not told yet.
    pub(super) untold: Vec<Location>,
}

impl ArchivedObjects<'_> {
    pub(super) fn add_digest(&mut self, location: Location, bytes: u64) {
        self.amount.digests = self.amount.digests.plus(Amount { objects: 1, bytes });
        self.add(location);
    }

    /// Adds a listed log file, if it is archived.
    pub(super) fn add_log(&mut self, folder: &RegionFolder, listed: Listed) {
        if listed.archived.is_some() {
            self.amount.logs = self.amount.logs.plus(Amount { objects: 1, bytes: listed.size });
            self.add(Location::new(folder.bucket.clone(), listed.key));
        }
    }

    fn add(&mut self, location: Location) {
        if self.listener.is_some() {
            self.untold.push(location);
        }
        if self.untold.len() >= TOLD_AT_ONCE {
            self.tell();
        }
    }

    /// Tells the listener the remaining objects.
    pub(super) fn tell(&mut self) {
        if let Some(listener) = self.listener.filter(|_| !self.untold.is_empty()) {
            listener(&self.untold);
        }
        self.untold.clear();
    }
}
