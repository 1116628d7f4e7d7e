//! What `trailproof validate --dry-run` prints: what a run would read and what that costs. Nothing in it is a verdict.

mod json;
mod text;

use super::Options;
use crate::time::Range;
use crate::validate::plan::{Cost, Plan};

pub use json::write as write_json;
pub use text::write as write_text;

/// A plan with what was asked.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// What the user named, in that order.
    pub sources: &'a [String],
    /// The asked stretch of time.
    pub range: Range,
    /// Whether any source is in S3. Where none is, reading takes no requests and costs nothing.
    pub in_s3: bool,
    /// What a run would read.
    pub plan: &'a Plan,
}

impl Planned<'_> {
    fn cost(&self) -> Option<Cost> {
        self.in_s3.then(|| self.plan.cost())
    }
}

#[cfg(test)]
mod tests;
