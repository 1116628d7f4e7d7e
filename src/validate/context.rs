//! What every part of the engine is given.

use super::cancel::Cancellation;
use super::request::{Request, Tools};
use super::target::ObjectTarget;
use super::workers::WorkerPool;

/// What every part of the engine is given.
#[derive(Clone, Copy)]
pub(super) struct RunContext<'a> {
    pub(super) request: &'a Request,
    pub(super) tools: Tools<'a>,
    pub(super) workers: WorkerPool<'a>,
    /// Whether to end.
    pub(super) halt: &'a Cancellation<'a>,
    /// The one object that is asked about; `None` where everything is.
    pub(super) only: Option<&'a ObjectTarget>,
}
