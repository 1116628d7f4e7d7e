//! Sealed days: what earlier runs proved of whole days, and what a run seals for the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::ident::{ChainId, LogFolder, RegionFolder, Sha256Hash};
use crate::time::Timestamp;

/// A day of a region's folders that a run proved whole, without a finding.
///
/// A later run lists the folders of the day again. If the listing is the same, the objects are the proved objects: S3
/// sets the time of the last write itself, so no writer can change an object and keep its line in the listing.
#[derive(Clone, PartialEq, Eq, Debug)]
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
}

/// The digests of a chain in a sealed day, which record each other without a gap.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SealedFolder {
    /// The days, by their start.
    pub days: BTreeMap<Timestamp, SealedDay>,
    /// The folders of log files that belong to the listings of the days.
    pub logs: BTreeSet<LogFolder>,
    /// The number of earlier runs that read a slice of the days again.
    pub turn: u64,
}

/// The slice of the sealed days that each run reads again: `K/N` of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

    /// Whether the run after `turn` earlier runs reads the day again. In N / K runs, rounded up, each day is picked.
    #[must_use]
    pub fn picks(self, folder: &RegionFolder, day: Timestamp, turn: u64) -> bool {
        let name = format!("{}/{} {}", folder.bucket, folder.digest_prefix(), day.day_folder());
        let hash = Sha256::digest(name).iter().take(8).fold(0, |value, byte| (value << 8) | u64::from(*byte));
        let of = u128::from(self.of);
        let first = u128::from(turn) * u128::from(self.slice) % of;
        (u128::from(hash) % of + of - first) % of < u128::from(self.slice)
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
    /// Days that were sealed, and that the run read and could not prove.
    pub opened: BTreeSet<Timestamp>,
    /// Folders of log files that belong to the listings of the days.
    pub logs: BTreeSet<LogFolder>,
    /// Whether the run read its slice of the days again.
    pub rechecked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    #[test]
    fn every_day_is_read_again_within_the_runs() {
        let folder = RegionFolder {
            bucket: "b".into(),
            root: "".into(),
            organization: None,
            account: "111122223333".into(),
            region: "us-east-1".into(),
        };
        for (slice, of, runs) in [(1, 30, 30), (2, 30, 15), (7, 30, 5), (1, 1, 1), (3, 3, 1), (1, 7, 7)] {
            let recheck = Recheck::new(slice, of).unwrap();
            let days: Vec<Timestamp> = (0..400).map(|day| Timestamp::from_unix(day * DAY)).collect();
            let folder = &folder;
            let picked = |turn: u64| days.iter().filter(move |day| recheck.picks(folder, **day, turn));
            let all: BTreeSet<_> = (5..5 + runs).flat_map(picked).collect();
            assert_eq!(all.len(), days.len(), "{slice}/{of}");
            assert!(
                picked(3).count() <= days.len().min(2 * days.len() * slice as usize / of as usize),
                "{slice}/{of}"
            );
        }
        assert_eq!((Recheck::new(0, 3), Recheck::new(4, 3)), (None, None));
        assert!(!Recheck::NONE.picks(&folder, Timestamp::from_unix(0), 0));
        assert!(Recheck::ALL.picks(&folder, Timestamp::from_unix(0), u64::MAX));
    }
}
