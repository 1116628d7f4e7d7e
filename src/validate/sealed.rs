//! Sealed days: what earlier runs proved of whole days, and what a run seals for the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ident::{ChainId, LogFolder, RegionFolder, Sha256Hash};
use crate::time::{DAY, Interval, Timestamp};

/// A day of a region's folders that a run proved whole, without a finding.
///
/// A later run lists the folders of the day again. If the listing is the same, the objects are taken for the proved objects:
/// S3 itself sets the time of the last write and the entity tag. What is left to a writer is two writes within a second
/// whose bodies have the same MD5, or differ in metadata alone; [`Recheck`] is for that.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedDay {
    /// Hash of the listing of the day, see [`state`](crate::state).
    pub hash: Sha256Hash,
    /// Other days in whose folders the digests of this day list log files. The digests of a day are remembered only
    /// while these days are sealed and unchanged too.
    pub lists: BTreeSet<Timestamp>,
    /// The digests of the day, by chain.
    pub chains: Vec<SealedChain>,
    /// Start of the run that last read every object of the day.
    pub read: Timestamp,
    /// Id of that run.
    pub run: String,
    /// Whether a later run could not read an object of the day again, because the object is in an archive.
    pub is_archived: bool,
}

impl SealedDay {
    /// Checks what later runs rely on. `day` is the start of the day.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn check(&self, day: Timestamp) -> Result<(), &'static str> {
        if self.lists.iter().chain([&day]).any(|day| day.day() != *day) {
            return Err("a sealed day does not begin at midnight");
        }
        if self.chains.is_empty() {
            return Err("a sealed day has no chain");
        }
        let whole = Interval { start: day, end: day.plus(DAY) };
        let mut ids = BTreeSet::new();
        for SealedChain { id, start, previous, oldest, newest, digests, .. } in &self.chains {
            let edges: u64 = if oldest.0 == newest.0 { 1 } else { 2 };
            let is_of_day = whole.contains(oldest.0) && whole.contains(newest.0);
            let is_in_order = *start < oldest.0 && oldest.0 <= newest.0;
            let follows = previous.is_none_or(|(end, _)| end < oldest.0);
            if !is_of_day || !is_in_order || !follows || *digests < edges {
                return Err("the digests of a sealed day contradict each other");
            }
            if !ids.insert(id) {
                return Err("a chain of a sealed day is there twice");
            }
        }
        Ok(())
    }
}

/// The digests of a chain in a sealed day, which record each other without a gap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedChain {
    /// The chain.
    pub id: Arc<ChainId>,
    /// Start of the oldest digest.
    pub start: Timestamp,
    /// End and hash of the predecessor that the oldest digest records; `None` for a digest that starts a chain.
    pub previous: Option<(Timestamp, Sha256Hash)>,
    /// End and hash of the oldest digest.
    pub oldest: (Timestamp, Sha256Hash),
    /// End and hash of the newest digest.
    pub newest: (Timestamp, Sha256Hash),
    /// Number of digests.
    pub digests: u64,
    /// Number of log files that the digests list.
    pub logs: u64,
}

/// The sealed days of a region's folder.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFolder {
    /// The days, by their start.
    pub days: BTreeMap<Timestamp, SealedDay>,
    /// The folders of log files that belong to the listings of the days.
    pub logs: BTreeSet<LogFolder>,
}

/// The slice of the sealed days that each run reads again: `K/N` of them, those that were not read for the longest time. So
/// each day is read within N/K runs, whatever the runs between ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct Recheck {
    slice: u64,
    of: u64,
}

impl Recheck {
    /// No sealed day is read again.
    pub const NONE: Self = Self { slice: 0, of: 1 };

    /// Every sealed day is read again.
    pub const ALL: Self = Self { slice: 1, of: 1 };

    /// `slice` of `of` parts; `None` unless 0 < `slice` <= `of`.
    #[must_use]
    pub const fn new(slice: u64, of: u64) -> Option<Self> {
        if slice == 0 || slice > of { None } else { Some(Self { slice, of }) }
    }

    /// How many of `days` sealed days a run reads again, rounded up.
    #[must_use]
    pub fn of(self, days: usize) -> usize {
        let days = u128::try_from(days).unwrap_or(u128::MAX);
        let slice = days.saturating_mul(u128::from(self.slice)).div_ceil(u128::from(self.of.max(1)));
        usize::try_from(slice).unwrap_or(usize::MAX)
    }
}

impl From<Recheck> for (u64, u64) {
    fn from(Recheck { slice, of }: Recheck) -> Self {
        (slice, of)
    }
}

impl TryFrom<(u64, u64)> for Recheck {
    type Error = &'static str;

    fn try_from((slice, of): (u64, u64)) -> Result<Self, Self::Error> {
        match (slice, of) {
            (0, 1) => Ok(Self::NONE),
            _ => Self::new(slice, of).ok_or("a slice is more than the whole, or nothing"),
        }
    }
}

impl Default for Recheck {
    /// A thirtieth: a daily run reads each day again within a month.
    fn default() -> Self {
        Self { slice: 1, of: 30 }
    }
}

/// What a run changes in the sealed days of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedChanges {
    /// The folder.
    pub folder: RegionFolder,
    /// Days that the run proved whole. The run's id and start are filled in by the memory.
    pub sealed: BTreeMap<Timestamp, SealedDay>,
    /// Days that stay sealed as they were, with an object in an archive that the run could not read again.
    pub archived: BTreeSet<Timestamp>,
    /// Days that were sealed, and that the run read and could not prove.
    pub opened: BTreeSet<Timestamp>,
    /// Folders of log files that belong to the listings of the days.
    pub logs: BTreeSet<LogFolder>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_rounded_up() {
        let slice = |slice, of, days| Recheck::new(slice, of).unwrap().of(days);
        assert_eq!((slice(1, 30, 365), slice(1, 30, 1), slice(1, 30, 0), slice(2, 3, 100)), (13, 1, 0, 67));
        assert_eq!(
            (Recheck::ALL.of(7), Recheck::NONE.of(7), slice(u64::MAX, u64::MAX, usize::MAX)),
            (7, 0, usize::MAX)
        );
        assert_eq!((Recheck::new(0, 3), Recheck::new(4, 3)), (None, None));
    }
}
