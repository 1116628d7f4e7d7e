//! A saved JSON report, read again. [`read`] gives the [`Report`] that was saved, so every format rendered from it has the
//! same bytes as the run's own, with these exceptions:
//!
//! - [`jsonl`](super::jsonl) has no `object` lines, and its `finding` and `chain` lines may be in another order: a run
//!   writes them as they happen, and a saved report chain by chain.
//! - With `-v`, text and CSV list every object, and CSV has its rows as they happen. A saved report has no objects.
//! - Colours are those of the terminal that it is rendered on.
//!
//! The file is hostile until it is read: its size is capped by the caller, its nesting by the parser. What this version does
//! not know among fields is ignored, since later versions may add some; a kind, severity or reason that it does not know is
//! refused, since it could not be told truly. A report whose verdict is not the one that its findings and counts come
//! to is refused as well. Nothing vouches for a report: whoever can write the file can write another verdict, with the
//! findings that go with it.
//!
//! Reports of before findings named their chain in full have no `findings[].backfill`. There a finding belongs to the first
//! chain of its account, region and trail.

mod wire;

use std::io::{self, Read};

use crate::event::{Report, Verdict};

/// Why a file is not taken as a report.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It could not be read to its end.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is larger than the limit, in bytes.
    #[error("it is larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// Not JSON, or not with a report's fields.
    #[error("it is no report: {0}")]
    Malformed(String),
    /// Another kind of document.
    #[error("its schema is `{0}`, not `trailproof/report/1`")]
    Schema(String),
    /// Its parts do not go together.
    #[error("it contradicts itself: {0}")]
    Contradiction(String),
}

/// Reads a report of at most `limit` bytes.
///
/// # Errors
/// [`SavedError`]: what is wrong with it.
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

/// Whether the verdict is the one that a run with these findings and counts comes to.
fn hold_together(report: &Report, says: Verdict) -> Result<(), SavedError> {
    let follows = report.verdict();
    if follows == says {
        return Ok(());
    }
    let (says, follows) = (says.as_str(), follows.as_str());
    Err(SavedError::Contradiction(format!(
        "it says `{says}`, and its findings and counts come to `{follows}`"
    )))
}
