//! Rule 3: compares one log file with the hash that a proved digest lists.

use super::claims::ABSENT;
use super::prover::ChainProver;
use crate::digest::{DigestFile, ListedHash, ListedLog};
use crate::event::{BodyFault, Excess, Fault, Finding, ObjectState, Severity, Trace};
use crate::gzip::{BodyError, Sizes};
use crate::ident::{Location, Sha256Hash};
use crate::text::shortened;
use crate::time::Timestamp;

/// The result of reading the place of a log file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogSeen {
    /// The listed content.
    Valid(Sizes),
    /// Different content, confirmed by two reads.
    Other(Sha256Hash, Sizes),
    /// A body that is not one whole gzip member, confirmed by two reads, with the SHA-256 of the stored bytes. `None` for
    /// a body that is too long to be hashed to its end.
    NoContent(BodyFault, Option<Sha256Hash>),
    /// No object, with the trace of the object in the versions.
    Gone(Trace),
    /// Two reads gave different bytes.
    Different,
    /// The first read differs from the listed content, and the second read failed, with the reason.
    Unconfirmed(String),
    /// The object exceeds a size limit.
    Oversized(Excess),
    /// The object could not be read, with the reason.
    Unreadable(String),
    /// The copy under validation does not hold the object, with the reason: nothing tells whether S3 does.
    Absent(String),
    /// The object must be restored from an archive before it is read, with the store's words.
    Archived(String),
    /// The object is in an archive, and an earlier run proved it; its listing is the same since.
    Remembered,
    /// The digest lists a hash that cannot be compared, so the log file was not read.
    Incomparable,
    /// The log file was not read, because the run ended early.
    LeftOut,
}

/// A log file as read, and where its original lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRead {
    /// The result of reading the place of the log file.
    pub seen: LogSeen,
    /// Where another copy lies that has the listed hash, if the place does not have it.
    pub original: Option<String>,
    /// The second copy that the result is about; `None` for the place of the log file.
    pub copy: Option<String>,
}

impl From<LogSeen> for LogRead {
    fn from(seen: LogSeen) -> Self {
        Self { seen, original: None, copy: None }
    }
}

impl LogSeen {
    /// The result of one read of the log file.
    #[must_use]
    pub fn of(log: &ListedLog, read: Result<(Sha256Hash, Sizes), BodyError>) -> Self {
        match read {
            Ok((hash, sizes)) if log.hash == ListedHash::Sha256(hash) => Self::Valid(sizes),
            Ok((hash, sizes)) => Self::Other(hash, sizes),
            Err(BodyError::Malformed(body)) => Self::NoContent(body, None),
            Err(BodyError::TooLarge(limit)) => Self::Oversized(Excess::Inflated { limit }),
            Err(BodyError::TooLong(limit)) => Self::Oversized(Excess::Stored { limit }),
            Err(BodyError::Unreadable(why)) => Self::Unreadable(why),
        }
    }

    /// The same result, with the hash of the stored bytes of a body that is not one whole gzip member.
    #[must_use]
    pub fn with_stored(self, stored: Option<Sha256Hash>) -> Self {
        match self {
            Self::NoContent(body, _) => Self::NoContent(body, stored),
            other => other,
        }
    }

    /// The sizes of a body with content; otherwise zero.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        match self {
            Self::Valid(sizes) | Self::Other(_, sizes) => *sizes,
            _ => Sizes { compressed: 0, inflated: 0 },
        }
    }
}

impl ChainProver {
    /// Takes the result of reading a log file that the proved digest `by` lists.
    pub fn log(&mut self, by: &DigestFile, log: &ListedLog, read: impl Into<LogRead>) {
        let LogRead { seen, original, copy } = read.into();
        // 1. Count the bytes.
        let at = by.window().end;
        let sizes = seen.sizes();
        self.state.hashed.add_bytes(sizes);
        let (expected, written) = match &log.hash {
            ListedHash::Sha256(hash) => (Some(*hash), None),
            ListedHash::Unknown(written) => (None, Some(shortened(written.to_string()))),
        };
        // 2. Rule 3: judge the result; only a fitting hash is valid.
        let finding = |fault| Finding::new(fault, at);
        let hashes = |found: Finding, actual| Some(found.with_hashes(expected, actual));
        let (state, found) = match seen {
            LogSeen::Valid(_) if self.scope.report_proved => {
                (ObjectState::Valid, hashes(finding(Fault::LogProved), expected))
            }
            LogSeen::Valid(_) => (ObjectState::Valid, None),
            LogSeen::Other(actual, _) => {
                (ObjectState::Tampered, hashes(finding(Fault::LogContent), Some(actual)))
            }
            LogSeen::NoContent(body, stored) => {
                (ObjectState::Tampered, hashes(finding(Fault::LogBody { body }), stored))
            }
            LogSeen::Gone(trace) => {
                let version = trace.version().map(str::to_owned);
                let mut found = finding(Fault::LogGone(trace));
                found.actual = version;
                found.expected = expected.map(|hash| hash.to_string());
                let is_proved = found.severity == Severity::Tampered;
                (if is_proved { ObjectState::Tampered } else { ObjectState::Unverified }, Some(found))
            }
            LogSeen::Different => (ObjectState::Unverified, Some(finding(Fault::LogReadsDiffer))),
            LogSeen::Oversized(excess) => {
                (ObjectState::Unverified, Some(finding(Fault::OversizedLog { excess })))
            }
            LogSeen::Unconfirmed(why) => {
                (ObjectState::Unverified, Some(finding(Fault::LogUnconfirmed { why })))
            }
            LogSeen::Unreadable(why) | LogSeen::Archived(why) => {
                (ObjectState::Unverified, Some(finding(Fault::UnreadableLog { why })))
            }
            LogSeen::Absent(why) => {
                let found = finding(Fault::UnreadableLog { why });
                (ObjectState::Unverified, Some(Finding { content: Some(ABSENT.to_owned()), ..found }))
            }
            LogSeen::Incomparable => {
                let written = written.unwrap_or_default();
                (ObjectState::Unverified, Some(finding(Fault::UnknownHash { written })))
            }
            LogSeen::LeftOut => return self.leave_out_log(at, &log.location),
            LogSeen::Remembered => return self.state.hashed.count_remembered(),
        };
        // 3. Count the log file, and report the finding on the log file and its digest.
        self.count_log(at, &log.location, state);
        if let Some(found) = found.filter(|_| self.scope.selected) {
            let found = Finding { original, copy, ..found }.about(&log.location).by_digest(by.location());
            self.state.hashed.findings.push(found.of_chain(&self.scope.id));
        }
    }

    /// Counts one log file, and keeps its state if the request asks for every object.
    fn count_log(&mut self, at: Timestamp, log: &Location, state: ObjectState) {
        let uri = self.scope.every_object.then(|| log.to_string());
        self.state.hashed.count(at, uri, state);
    }

    /// Counts a log file that was left out because the run ended early.
    fn leave_out_log(&mut self, at: Timestamp, log: &Location) {
        self.count_log(at, log, ObjectState::Unverified);
        self.state.hashed.leave_out(at);
    }
}
