//! The results of hashed log files while the chain is walked.
//!
//! They are kept apart from the results of the digests, so that the log files of a chain can be hashed in several parts,
//! each beside a walk of its own.

use serde::{Deserialize, Serialize};

use super::marks;
use crate::event::{Counts, Finding, ObjectState};
use crate::gzip::Sizes;
use crate::time::Timestamp;

/// The results of the log files that were hashed so far.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct HashedLogs {
    pub(super) counts: Counts,
    pub(super) logs: u64,
    pub(super) findings: Vec<Finding>,
    /// The state of every log file, if the request asks for every object.
    pub(super) objects: Vec<(Timestamp, String, ObjectState)>,
    /// Ends of digests that list a tampered log file.
    pub(super) tampered: Vec<Timestamp>,
    /// Ends of digests that list an unverified log file.
    pub(super) unverified: Vec<Timestamp>,
    /// How many log files were not read because the run ended early, with the end of the oldest digest that lists one.
    pub(super) unread: Option<(u64, Timestamp)>,
}

impl HashedLogs {
    pub(super) const fn add_bytes(&mut self, sizes: Sizes) {
        self.counts.compressed_bytes += sizes.compressed;
        self.counts.inflated_bytes += sizes.inflated;
    }

    /// Counts a log file that the digest ending at `at` lists.
    pub(super) fn count(&mut self, at: Timestamp, uri: Option<String>, state: ObjectState) {
        let logs = &mut self.counts.logs;
        *match state {
            ObjectState::Valid => &mut logs.valid,
            ObjectState::Tampered => &mut logs.tampered,
            ObjectState::Unverified => &mut logs.unverified,
        } += 1;
        self.logs += 1;
        marks::note(&mut self.tampered, &mut self.unverified, at, state);
        self.objects.extend(uri.map(|uri| (at, uri, state)));
    }

    /// Counts a log file that an earlier run proved.
    pub(super) const fn count_remembered(&mut self) {
        self.counts.logs.remembered += 1;
        self.logs += 1;
    }

    /// Notes that a log file was not read because the run ended early.
    pub(super) fn leave_out(&mut self, at: Timestamp) {
        let (unread, oldest) = self.unread.unwrap_or((0, at));
        self.unread = Some((unread + 1, oldest.min(at)));
    }
}
