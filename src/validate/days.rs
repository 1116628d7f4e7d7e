//! The days of a region's folders during a run with memory: which days an earlier run sealed and the listing shows
//! unchanged, and which days this run can seal.
//!
//! 1. The digest folder is listed (`listing`), then the log folders of sealed days.
//! 2. A sealed day with the same listing is *unchanged* (`compare`): its log folders are not searched for additions. Its
//!    digests are not read either, unless they list log files in a day that is not unchanged, or the day is in the slice
//!    that this run reads again.
//! 3. What is read is noted (`draft`): each object's line as the GET answered it, and each proved digest.
//! 4. A day is sealed if every line of its listing is a line that was read and proved (`seal`), and no finding is about the day
//!    (`touched`). In a region that is cut into parts, each part says what it read.

mod claimed;
mod compare;
mod draft;
mod listing;
mod seal;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::RunContext;
use super::parts::LogPart;
use super::request::ValidationRequest;
use super::sealed::SealedFolder;
use crate::ident::{LogFolder, RegionFolder};
use crate::time::{self, DAY, HOUR, Interval, Timestamp};

pub(super) use compare::compare;
pub(super) use compare::day_of;
pub(super) use draft::ReadLog;
pub(super) use listing::{DayListing, DigestDays, ListedLine, SearchedLogs};
pub use seal::ReadDays;
pub use touched::TouchedDays;

use draft::DayDraft;

/// A day is sealed once it ended so many seconds ago: the log files of its last hour are listed by a digest that is
/// delivered hours later.
const SETTLED: i64 = 36 * HOUR;

/// The days of a region's folders; empty for a run that seals nothing.
#[derive(Default)]
pub(super) struct RegionDays {
    folders: Vec<FolderDays>,
    /// The lines of all objects that were read and proved: [`reference`](crate::prove::reference) and line.
    read: Vec<(u128, u128)>,
    /// The part of the region's log files that the run reads.
    part: LogPart,
}

/// The days of a folder.
pub(super) struct FolderDays {
    folder: RegionFolder,
    known: Arc<SealedFolder>,
    /// The digest folder by day, without the days that are unchanged.
    listed: BTreeMap<Timestamp, DayListing>,
    /// Days that are listed as an earlier run sealed them.
    unchanged: BTreeSet<Timestamp>,
    /// Unchanged days whose digests are not read, but for the edges of each stretch.
    skipped: BTreeSet<Timestamp>,
    /// The folders of log files whose listing was compared.
    compared: BTreeSet<LogFolder>,
    drafts: BTreeMap<Timestamp, DayDraft>,
    /// The lines of the log files that were read and proved, by the day of their folder: in a part that is not the first, which
    /// does not list the log folders.
    lines: BTreeMap<Timestamp, Vec<ListedLine>>,
    /// The log files that proved digests list, by the day of their folder: in the first part.
    referenced: BTreeMap<Timestamp, Vec<u128>>,
}

impl RegionDays {
    /// Whether the run seals days.
    pub(super) fn is_on(&self) -> bool {
        !self.folders.is_empty()
    }

    /// For each of so many folders, the log folders in which digests that are not read list log files; `CloudTrail/` among
    /// them.
    pub(super) fn log_folders(&self, folders: usize) -> Vec<BTreeSet<LogFolder>> {
        let mut all = vec![BTreeSet::from([LogFolder::CloudTrail]); folders];
        for (own, folder) in
            all.iter_mut().zip(&self.folders).filter(|(_, folder)| !folder.skipped.is_empty())
        {
            own.extend(&folder.known.logs);
        }
        all
    }

    /// The parts of `stretches` whose log folder has to be searched: without the unchanged days. A search lists every
    /// day from the first to the last of a part, so no unchanged day lies within a part.
    pub(super) fn to_search(
        &self,
        folder: usize,
        logs: LogFolder,
        stretches: Vec<Interval>,
    ) -> Vec<Vec<Interval>> {
        let Some(folder) = self.folders.get(folder).filter(|folder| folder.compared.contains(&logs)) else {
            return vec![stretches];
        };
        let unchanged = time::union(folder.unchanged.iter().map(|day| whole(*day)).collect());
        let rest = stretches.into_iter().flat_map(|stretch| time::complement(stretch, &unchanged));
        let mut parts: Vec<Vec<Interval>> = Vec::new();
        for stretch in rest {
            let follows = |last: &Interval| stretch.start.day() <= last.end.plus(-1).day().plus(DAY);
            match parts.last_mut() {
                Some(part) if part.last().is_some_and(follows) => part.push(stretch),
                _ => parts.push(vec![stretch]),
            }
        }
        parts
    }

    /// Sorts the lines that were read, for look-ups.
    pub(super) fn settle(&mut self) {
        self.read.sort_unstable();
        self.read.dedup();
    }

    /// Whether the log file of a line belongs to the part that the run reads.
    pub(super) fn is_own(&self, line: &ListedLine) -> bool {
        LogPart::holder(self.part.of, line.reference) == self.part.number
    }

    /// Whether the object was read, proved, and answered as it is listed.
    pub(super) fn is_read_as(&self, line: &ListedLine) -> bool {
        self.read.binary_search(&(line.reference, line.line)).is_ok()
    }
}

/// Whether a run with this request seals days, and uses sealed days. Copies are not sealed: an original that moved has
/// another listing.
pub(super) fn seals(context: RunContext<'_>) -> bool {
    let ValidationRequest { memory, relocations, objects, .. } = context.request;
    memory.is_some() && relocations.is_empty() && objects.is_empty() && context.only.is_none()
}

/// The day from `start`.
fn whole(start: Timestamp) -> Interval {
    Interval { start, end: start.plus(DAY) }
}

/// Whether a day lies whole in the asked range, and ended long enough ago.
pub(super) fn is_settled(request: &ValidationRequest, day: Timestamp) -> bool {
    let end = day.plus(DAY);
    // A digest that ends at the asked start is a witness, and not of the run.
    request.range.start.is_none_or(|start| start < day)
        && end <= request.range.end
        && end.plus(SETTLED) <= request.now
}
