//! A saved JSON report, read again and told to any sink as if the run were going on.
//!
//! The file is hostile until it is read: its size is capped by the caller, its nesting by the parser. What this version does
//! not know among fields is ignored, since later versions may add some; a kind, severity or reason that it does not know is
//! refused, since it could not be told truly. A report whose verdict is not the one that its findings and counts come
//! to is refused as well. Nothing vouches for a report: whoever can write the file can write another verdict, with the
//! findings that go with it.
//!
//! The report does not have every [`Event::Object`], and not the order in which findings and chains were told: all findings
//! come first here.

mod wire;

use std::io::{self, Read};

use crate::event::{ChainSummary, Event, Finding, Origin, Severity, Sink, Summary, Verdict};
use crate::time::{Range, Timestamp};

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

/// A run as its report has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    sources: Vec<String>,
    range: Range,
    at: Timestamp,
    origin: Origin,
    findings: Vec<Finding>,
    chains: Vec<ChainSummary>,
    summary: Summary,
}

impl Saved {
    /// Reads a report of at most `limit` bytes.
    ///
    /// # Errors
    /// [`SavedError`]: what is wrong with it.
    pub fn read(from: impl Read, limit: u64) -> Result<Self, SavedError> {
        let mut bytes = Vec::new();
        from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(SavedError::Unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(SavedError::TooLarge(limit));
        }
        let saved = wire::parse(&bytes)?;
        saved.hold_together()?;
        Ok(saved)
    }

    /// Tells `sink` of the run.
    ///
    /// # Errors
    /// What `sink` returns.
    pub fn tell(self, sink: &mut dyn Sink) -> io::Result<()> {
        let Self { sources, range, at, origin, findings, chains, summary } = self;
        sink.event(&Event::Started { sources, range, at, origin })?;
        findings.into_iter().try_for_each(|finding| sink.event(&Event::Finding(Box::new(finding))))?;
        chains.into_iter().try_for_each(|chain| sink.event(&Event::Chain(chain)))?;
        sink.event(&Event::Finished(summary))
    }

    /// Whether the verdict is the one that a run with these findings and counts comes to.
    fn hold_together(&self) -> Result<(), SavedError> {
        let interrupted = self.summary.interrupted.then_some(Severity::Incomplete);
        let worst = self.findings.iter().map(|finding| finding.severity).max().max(interrupted);
        let follows = Verdict::from_worst(worst, self.summary.counts.digests.valid);
        if follows == self.summary.verdict {
            return Ok(());
        }
        let (says, follows) = (self.summary.verdict.as_str(), follows.as_str());
        Err(SavedError::Contradiction(format!(
            "it says `{says}`, and its findings and counts come to `{follows}`"
        )))
    }
}
