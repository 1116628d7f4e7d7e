//! The output of `trailproof validate --dry-run`: the objects a run would read, and the cost. A plan contains no
//! verdict.

mod json;
mod text;

use std::path::Path;

use super::Options;
use crate::time::Range;
use crate::validate::plan::{Cost, Plan};

pub use json::write as write_json;
pub use text::write as write_text;

/// A plan with the asked sources and range.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// The sources as the user named them, in the user's order.
    pub sources: &'a [String],
    /// The asked range of time.
    pub range: Range,
    /// Whether any source is in S3. Reading directories needs no requests and costs nothing.
    pub in_s3: bool,
    /// The plan.
    pub plan: &'a Plan,
    /// The file that lists the archived objects, as the user named it.
    pub manifest: Option<&'a Path>,
}

impl Planned<'_> {
    fn cost(&self) -> Option<Cost> {
        self.in_s3.then(|| self.plan.cost())
    }
}

#[cfg(test)]
mod tests;
