//! Reads a saved JSON report. [`read`] returns the saved [`Report`], so all formats rendered from the saved report have
//! the same bytes as the formats of the run itself, with these exceptions:
//!
//! - [`jsonl`](super::jsonl) has no `object` lines, and its `finding` and `chain` lines may be in another order: a run
//!   writes them in order of occurrence, and a saved report chain by chain.
//! - With `-v`, text and CSV of a run list all objects, and CSV rows are in order of occurrence. A saved report has no
//!   objects.
//! - Colours depend on the terminal.
//!
//! The file is untrusted: the caller limits the size, the parser limits the nesting. Unknown fields are ignored, since
//! later versions may add fields. An unknown kind, severity or reason is refused, since the report could not be
//! rendered correctly. A report whose verdict does not follow from its findings and counts is refused as well. A report
//! proves nothing by itself: with write access to the file, an attacker can change the verdict and the findings
//! together.
//!
//! Older reports have no `findings[].backfill`, since findings did not name their chain in full. A finding in such a
//! report is assigned to the first chain with the finding's account, region and trail.

mod wire;

use std::io::{self, Read};

use crate::event::{Kind, Report, Verdict};
use crate::text::{plural, size};

/// Why a file cannot be used as a report.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file could not be read completely.
    #[error("cannot read to the end: {0}")]
    Unreadable(io::Error),
    /// The file is larger than the limit, in bytes.
    #[error("larger than the limit of {}", size(*.0))]
    TooLarge(u64),
    /// The file is not JSON, or lacks a report's fields.
    #[error("not a report: {0}")]
    Malformed(String),
    /// The document has another schema.
    #[error("schema `{0}`, expected `trailproof/report/1`")]
    Schema(String),
    /// The verdict does not follow from findings and counts.
    #[error("contradictory: {0}")]
    Contradiction(String),
}

/// Reads a report of at most `limit` bytes.
///
/// # Errors
/// [`SavedError`] for an unusable file.
pub fn read(from: impl Read, limit: u64) -> Result<Report, SavedError> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(SavedError::Unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(SavedError::TooLarge(limit));
    }
    let (report, verdict) = wire::parse(&bytes)?;
    hold_together(&report, verdict)?;
    Ok(report)
}

/// Checks that the verdict follows from findings and counts.
fn hold_together(report: &Report, says: Verdict) -> Result<(), SavedError> {
    let follows = report.verdict();
    let tampered = report.counts.digests.tampered.saturating_add(report.counts.logs.tampered);
    // Counts show an accepted finding as it was.
    let has_accepted = || report.findings().any(|finding| finding.kind == Kind::Accepted);
    if follows == Verdict::Intact && tampered > 0 && !has_accepted() {
        let objects = plural(tampered, "tampered object");
        return Err(SavedError::Contradiction(format!(
            "the counts have {objects}, and no finding is on any"
        )));
    }
    if follows == says {
        return Ok(());
    }
    let (says, follows) = (says.as_str(), follows.as_str());
    Err(SavedError::Contradiction(format!(
        "the verdict is `{says}`, but findings and counts give `{follows}`"
    )))
}
