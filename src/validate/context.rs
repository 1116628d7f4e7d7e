//! The context of a run, passed to every part of the engine.

use super::cancel::RunCancellation;
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
}
