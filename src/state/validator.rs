//! A validation with memory, for programs.

use std::io;
use std::path::Path;

use super::place::StatePlace;
use super::session::{MemorySession, RunIdentity};
use super::{RunSources, RunStamp, StateError};
use crate::event::{Event, Progress, Report, ReportCollector, Sink};
use crate::time::Timestamp;
use crate::validate::{CancelFlag, Recheck, RunMemory, Validator, ValidatorError};

/// Why a validation with memory has no report, or left the state as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RememberingError {
    /// The validation could not begin, or could not report to its end.
    #[error(transparent)]
    Run(#[from] ValidatorError),
    /// The state cannot be read.
    #[error(transparent)]
    Open(StateError),
    /// The run ended with this report, and the state could not be written: files that were not written are as before.
    #[error("the state was not written: {source}")]
    Commit {
        /// The report of the run.
        report: Box<Report>,
        /// Why the state was not written.
        source: StateError,
    },
}

impl Validator {
    /// Runs to the end with the memory in `place`: compares the evidence with what earlier runs proved, reads the slice
    /// `recheck` of the sealed days again, and remembers what this run proved. [`init`](super::init) makes a place.
    ///
    /// ```
    /// use trailproof::Validator;
    /// use trailproof::event::{NoProgress, Verdict};
    /// use trailproof::keys::KeyRing;
    /// use trailproof::state::{self, place::DirectoryPlace};
    /// use trailproof::validate::Recheck;
    ///
    /// let folder = tempfile::tempdir()?; // keep the state where those who can write the evidence cannot
    /// let place = DirectoryPlace::new(folder.path());
    /// state::init(&place)?;
    /// for _ in 0..2 {
    ///     let keys = KeyRing::from_file("fixtures/log_modified/delivery/public-keys.json")?;
    ///     let validator = Validator::new("fixtures/log_modified/delivery/trail-logs", keys);
    ///     let report = validator.run_with_memory(&place, Recheck::default(), &mut NoProgress)?;
    ///     assert_eq!(report.verdict(), Verdict::Tampered);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RememberingError`]
    pub fn run_with_memory(
        self,
        place: &dyn StatePlace,
        recheck: Recheck,
        progress: &mut dyn Progress,
    ) -> Result<Report, RememberingError> {
        let stop = CancelFlag::new();
        let mut run = self.open(&stop, progress)?;
        let identity =
            RunIdentity { run: run_stamp(run.at), sources: RunSources::of(run.names.iter().map(Path::new)) };
        let session = MemorySession::open(place, identity, &run.request).map_err(RememberingError::Open)?;
        run.request.memory = Some(RunMemory { recheck, ..session.memory() });
        let mut noted = NotedEvents { session, collector: ReportCollector::new() };
        let outcome = run.tell(&stop, progress, &mut noted).map_err(ValidatorError::from)?;
        let NotedEvents { session, mut collector } = noted;
        let summary = session.summary(&outcome, run.at);
        collector.event(&Event::Finished(summary)).map_err(ValidatorError::from)?;
        let no_end = || io::Error::other("the run told of no end");
        let report = collector.into_report().ok_or_else(no_end).map_err(ValidatorError::from)?;
        match session.commit(&outcome.proved, &outcome.sealed, outcome.interrupted) {
            Ok(_) => Ok(report),
            Err(source) => Err(RememberingError::Commit { report: Box::new(report), source }),
        }
    }
}

/// The events of a run, which go through its memory.
struct NotedEvents<'p> {
    session: MemorySession<'p>,
    collector: ReportCollector,
}

impl Sink for NotedEvents<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let noted = self.session.note_event(event);
        self.collector.event(noted.as_ref().unwrap_or(event))
    }
}

/// The stamp of a run. The start alone may be that of another run.
#[must_use]
pub fn run_stamp(at: Timestamp) -> RunStamp {
    RunStamp { id: format!("{}-{}", at.digest_name(), std::process::id()), at }
}
