//! The scope of a chain: the request and the listing that a chain is judged by.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::read::ReadDigest;
use crate::digest::DigestFile;
use crate::ident::{ChainId, DigestKey, Location, RegionFolder, Relocation};
use crate::time::{HOUR, Interval, Range, Timestamp};

/// A digest named in a listing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ListedDigest {
    /// The digest's end, from its name.
    pub end: Timestamp,
    /// The digest's folder: an index into [`ChainScope::folders`]. Folders that the chain was followed into come after
    /// these.
    pub folder: u32,
}

/// The scope of a chain: the request and the listing that a chain is judged by.
#[derive(Clone, Debug)]
pub struct ChainScope {
    /// The chain.
    pub id: ChainId,
    /// Whether the chain was asked for. A chain that was not asked for contributes its listed log files only, and no
    /// findings.
    pub selected: bool,
    /// The asked range of delivery time.
    pub range: Range,
    /// The present, which decides how late the newest digest may be.
    pub now: Timestamp,
    /// Moves that the user named: copies in place of originals.
    pub relocations: Arc<[Relocation]>,
    /// The asked digest folders of the region.
    pub folders: Arc<[RegionFolder]>,
    /// Whether to keep the state of every object.
    pub every_object: bool,
    /// Whether to report each proved log file.
    pub report_proved: bool,
}

impl ChainScope {
    pub(super) fn is_asked(&self, window: Interval) -> bool {
        window.overlaps(self.range.interval())
    }

    /// The hour before `end`: the window of a digest by its name.
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
    /// Where CloudTrail delivered a digest: the place named in its text if the user named that move, or if a copy holds
    /// the digest for that place; otherwise its location.
    pub(super) fn place_of(&self, read: &ReadDigest) -> Location {
        let Some(recorded) = read.file().map(DigestFile::location) else { return read.location.clone() };
        match self.is_copy(recorded, &read.location) {
            true => recorded.clone(),
            false => read.delivered.as_ref().unwrap_or(&read.location).clone(),
        }
    }

    /// Whether the object at `lies` is the copy of the object recorded at `recorded`, by a move that the user named.
    pub(super) fn is_copy(&self, recorded: &Location, lies: &Location) -> bool {
        self.relocations.iter().any(|moved| moved.copy_of(recorded).as_ref() == Some(lies))
    }
}
