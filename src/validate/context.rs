//! The context of a run, passed to every part of the engine.

use super::cancel::RunCancellation;
use super::parts::{LogPart, PlannedListing};
use super::request::{RunTools, ValidationRequest};
use super::target::ObjectTarget;
use super::workers::WorkerPool;

/// The context of a run, passed to every part of the engine.
#[derive(Clone, Copy)]
pub(super) struct RunContext<'a> {
    pub(super) request: &'a ValidationRequest,
    pub(super) tools: RunTools<'a>,
    pub(super) workers: WorkerPool<'a>,
    /// The cancellation of the run.
    pub(super) cancellation: &'a RunCancellation<'a>,
    /// The single object of the request; `None` for a request over folders.
    pub(super) only: Option<&'a ObjectTarget>,
    /// The part of the log files to hash; `None` for a run that is not cut into shards.
    pub(super) part: Option<LogPart>,
    /// What the plan of the part listed; `None` for a run that is not cut into shards.
    pub(super) planned: Option<PlannedListing<'a>>,
}

impl RunContext<'_> {
    /// Whether to search the log folders of regions: in the first part of a region only, and not for a single object,
    /// whose digests show whether the object is listed.
    pub(super) fn searches(self) -> bool {
        self.only.is_none() && self.part.is_none_or(|part| part.number == 0)
    }
}
