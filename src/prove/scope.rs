//! What a chain is judged by: what was asked, and what a listing shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::read::ReadDigest;
use crate::digest::DigestFile;
use crate::ident::{ChainId, DigestKey, Location, RegionFolder, Relocation};
use crate::time::{HOUR, Interval, Range, Timestamp};

/// A digest that a listing names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ListedDigest {
    /// Its end, from its name.
    pub end: Timestamp,
    /// The folder it lies in: which one of [`ChainScope::folders`], or of those that the chain was followed to, which come
    /// after them.
    pub folder: u32,
}

/// What a chain is judged by: what was asked, and what a listing shows.
#[derive(Clone, Debug)]
pub struct ChainScope {
    /// The chain.
    pub id: ChainId,
    /// Whether the chain was asked for. Of one that was not, only the listed log files matter, and nothing is reported.
    pub selected: bool,
    /// The asked stretch of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Copies that stand for their originals.
    pub relocations: Arc<[Relocation]>,
    /// The digest folders of the region that were asked for.
    pub folders: Arc<[RegionFolder]>,
    /// All chains of the region.
    pub siblings: Arc<BTreeSet<ChainId>>,
    /// Whether to keep the state of every object.
    pub every_object: bool,
    /// Whether to report each log file that is proved.
    pub report_proved: bool,
}

impl ChainScope {
    pub(super) fn is_asked(&self, window: Interval) -> bool {
        window.overlaps(self.range.interval())
    }

    /// The hour that the digest which ends at `end` is of, as its name gives it.
    pub(super) fn hour_before(end: Timestamp) -> Interval {
        Interval { start: end.plus(-HOUR), end }
    }

    /// Where CloudTrail delivers the digest of this chain that ends at `end`.
    pub(super) fn digest_location(&self, folder: &RegionFolder, end: Timestamp) -> Location {
        digest_location(&self.id, folder, end)
    }
}

/// Where CloudTrail delivers the digest of `id` that ends at `end`.
#[must_use]
pub fn digest_location(id: &ChainId, folder: &RegionFolder, end: Timestamp) -> Location {
    let key = DigestKey {
        folder: folder.clone(),
        trail: Arc::clone(&id.trail),
        home_region: Arc::clone(&id.home_region),
        end,
        backfill: id.backfill,
    };
    key.location()
}

impl ChainScope {
    /// Where a digest was delivered: where it lies, or where it says, if the user named that move.
    pub(super) fn place_of(&self, read: &ReadDigest) -> Location {
        let Some(recorded) = read.file().map(DigestFile::location) else { return read.location.clone() };
        if self.is_copy(recorded, &read.location) { recorded.clone() } else { read.location.clone() }
    }

    /// Whether the object at `lies` is the copy of the one recorded at `recorded`, by a move that the user named.
    pub(super) fn is_copy(&self, recorded: &Location, lies: &Location) -> bool {
        self.relocations.iter().any(|moved| moved.copy_of(recorded).as_ref() == Some(lies))
    }
}
