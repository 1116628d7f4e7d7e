//! The engine for programs: one value to build, one call, one report.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::cancel::CancelFlag;
use super::copies::{self, CopyError};
use super::present::settle_present;
use super::request::{ReadLimits, RunOutcome, RunTools, SourceFolder, ValidationRequest};
use crate::event::{Event, NoProgress, Origin, Progress, Report, ReportCollector, Sink, Verdict};
use crate::ident::Relocation;
use crate::keys::KeyRing;
use crate::store::Store;
use crate::time::{Range, Timestamp};

/// The evidence to validate: copies on disk, or folders of buckets in a store.
#[non_exhaustive]
pub enum EvidenceSource {
    /// Copies on disk: directories, as `aws s3 sync` makes them, archives (`.tar`, `.tar.gz`, `.tar.zst`, `.zip`), and
    /// single digest or log files of a copy.
    Directories(Vec<PathBuf>),
    /// Folders of buckets, with the store of the buckets: S3, or your own.
    Folders {
        /// The store of the objects.
        store: Box<dyn Store>,
        /// The folders to search for trails.
        folders: Vec<SourceFolder>,
    },
}

impl fmt::Debug for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directories(paths) => f.debug_tuple("Directories").field(paths).finish(),
            Self::Folders { folders, .. } => f.debug_tuple("Folders").field(folders).finish(),
        }
    }
}

impl From<&Path> for EvidenceSource {
    /// The directory, archive or file of this path.
    fn from(path: &Path) -> Self {
        Self::Directories(vec![path.to_owned()])
    }
}

impl From<&str> for EvidenceSource {
    /// The directory, archive or file of this path. An address such as `s3://BUCKET` is no path: open an `S3Store`.
    fn from(path: &str) -> Self {
        Self::Directories(vec![path.into()])
    }
}

impl<S: Store + 'static> From<(S, Vec<SourceFolder>)> for EvidenceSource {
    fn from((store, folders): (S, Vec<SourceFolder>)) -> Self {
        Self::Folders { store: Box::new(store), folders }
    }
}

/// Why a validation could not begin, or could not report to its end. A failure to read evidence is a finding, never an
/// error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidatorError {
    /// A directory cannot be validated.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The threads cannot be started.
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A source cannot be validated, or the listener failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Validates evidence, and returns a [`Report`] with the verdict inside.
///
/// Only proved objects count: a run without objects is [`Verdict::Incomplete`], and so is a run that could not read.
///
/// ```
/// use trailproof::Validator;
/// use trailproof::event::{NoProgress, Verdict};
/// use trailproof::keys::KeyRing;
///
/// let keys = KeyRing::from_file("fixtures/log_modified/delivery/public-keys.json")?;
/// let report = Validator::new("fixtures/log_modified/delivery/trail-logs", keys).run(&mut NoProgress)?;
/// assert_eq!(report.verdict(), Verdict::Tampered);
/// for finding in report.findings() {
///     println!("{}: {}", finding.kind.as_str(), finding.message());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "aws", doc = include_str!("validator/s3.md"))]
#[must_use]
#[derive(Debug)]
pub struct Validator {
    source: EvidenceSource,
    keys: KeyRing,
    request: ValidationRequest,
    /// The sources as the user named them.
    names: Vec<String>,
    jobs: Option<usize>,
    /// Whether the caller set the present, instead of the system's clock.
    has_own_present: bool,
}

impl Validator {
    /// A validation of everything in `source` up to now, with the trusted public keys. Keys never come from the
    /// evidence.
    pub fn new(source: impl Into<EvidenceSource>, keys: KeyRing) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX));
        let source = source.into();
        let names = match &source {
            EvidenceSource::Directories(paths) => {
                paths.iter().map(|path| path.display().to_string()).collect()
            }
            EvidenceSource::Folders { folders, .. } => folders.iter().map(ToString::to_string).collect(),
        };
        let request = ValidationRequest::new(Vec::new(), Range { start: None, end: now }, now);
        Self { source, keys, request, names, jobs: None, has_own_present: false }
    }

    /// Asks for this range of delivery time only. Without a start, the range begins where the record begins.
    ///
    /// ```
    /// use trailproof::Validator;
    /// use trailproof::event::{NoProgress, Verdict};
    /// use trailproof::keys::KeyRing;
    /// use trailproof::time::{Range, Timestamp};
    ///
    /// let time = |text| Timestamp::parse_report(text).ok_or("not a time");
    /// let keys = KeyRing::from_file("fixtures/intact_day/delivery/public-keys.json")?;
    /// let range = Range { start: None, end: time("2026-09-01T12:06:57Z")? };
    /// let report = Validator::new("fixtures/intact_day/delivery", keys)
    ///     .range(range)
    ///     .now(time("2026-09-02T02:00:00Z")?)
    ///     .run(&mut NoProgress)?;
    /// assert_eq!(report.verdict(), Verdict::Intact);
    /// assert_eq!(report.covered_until(), Some(range.end));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn range(mut self, range: Range) -> Self {
        self.request.range = range;
        self
    }

    /// Sets the present, which decides how late the newest digest may be. The range ends then at the latest. The default
    /// is the system's clock; for copies on disk with later proved digests, the end of the newest of them, or of the asked
    /// range.
    pub const fn now(mut self, now: Timestamp) -> Self {
        self.has_own_present = true;
        self.request.now = now;
        self
    }

    /// Only these accounts; an account without a digest is a finding.
    pub fn accounts(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.request.accounts.extend(ids);
        self
    }

    /// Only these regions; a region without a digest is a finding.
    pub fn regions(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.request.regions.extend(names);
        self
    }

    /// Only these trails; a trail without a digest is a finding.
    ///
    /// ```
    /// use trailproof::Validator;
    /// use trailproof::event::{Kind, NoProgress, Verdict};
    /// use trailproof::keys::KeyRing;
    ///
    /// let keys = KeyRing::from_file("fixtures/intact_day/delivery/public-keys.json")?;
    /// let report = Validator::new("fixtures/intact_day/delivery", keys)
    ///     .trails(["no-such-trail".to_owned()])
    ///     .run(&mut NoProgress)?;
    /// assert_eq!(report.verdict(), Verdict::Incomplete);
    /// assert!(report.findings().any(|finding| finding.kind == Kind::NoDigests));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trails(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.request.trails.extend(names);
        self
    }

    /// Judges copies in a different bucket or folder than their originals, by moves that you vouch for.
    pub fn relocated(mut self, moves: impl IntoIterator<Item = Relocation>) -> Self {
        self.request.relocations.extend(moves);
        self
    }

    /// Sets the limits for reading.
    pub const fn limits(mut self, limits: ReadLimits) -> Self {
        self.request.limits = limits;
        self
    }

    /// The number of threads that read, inflate, hash and verify; by default one for each processor. The report is the
    /// same for any number.
    pub const fn jobs(mut self, threads: usize) -> Self {
        self.jobs = Some(threads);
        self
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// [`ValidatorError`] if the run cannot begin.
    pub fn run(self, progress: &mut dyn Progress) -> Result<Report, ValidatorError> {
        self.run_until(&CancelFlag::new(), progress)
    }

    /// Runs to the end, or until a second thread sets `stop`. The report contains the results so far as judged, and
    /// names the rest: a cancelled run is never [`Verdict::Intact`].
    ///
    /// # Errors
    /// [`ValidatorError`] if the run cannot begin.
    pub fn run_until(self, stop: &CancelFlag, progress: &mut dyn Progress) -> Result<Report, ValidatorError> {
        let mut collector = ReportCollector::new();
        self.tell_until(stop, progress, &mut collector)?;
        let no_end = || io::Error::other("the run told of no end");
        Ok(collector.into_report().ok_or_else(no_end)?)
    }

    /// Sends each finding and chain to `sink` as soon as known, in an order that does not depend on the number of
    /// threads.
    ///
    /// ```
    /// use trailproof::Validator;
    /// use trailproof::event::Event;
    /// use trailproof::keys::KeyRing;
    ///
    /// let keys = KeyRing::from_file("fixtures/log_modified/delivery/public-keys.json")?;
    /// let mut events: Vec<Event> = Vec::new();
    /// let verdict = Validator::new("fixtures/log_modified/delivery/trail-logs", keys).tell(&mut events)?;
    /// assert_eq!(verdict.exit_code(), 1);
    /// assert!(events.iter().any(|event| matches!(event, Event::Finding(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ValidatorError`], also if `sink` fails.
    pub fn tell(self, sink: &mut dyn Sink) -> Result<Verdict, ValidatorError> {
        self.tell_until(&CancelFlag::new(), &NoProgress, sink)
    }

    fn tell_until(
        self,
        stop: &CancelFlag,
        progress: &dyn Progress,
        sink: &mut dyn Sink,
    ) -> Result<Verdict, ValidatorError> {
        let run = self.open(stop, progress)?;
        let outcome = run.tell(stop, progress, sink)?;
        let (worst, at) = (outcome.worst, run.at);
        let summary = outcome.summary(worst, at);
        let verdict = summary.verdict;
        sink.event(&Event::Finished(summary))?;
        Ok(verdict)
    }

    /// Opens the evidence.
    pub(crate) fn open(
        self,
        stop: &CancelFlag,
        progress: &dyn Progress,
    ) -> Result<OpenedRun, ValidatorError> {
        let Self { source, keys, mut request, names, jobs, has_own_present } = self;
        let is_copy = matches!(source, EvidenceSource::Directories(_));
        let store: Box<dyn Store> = match source {
            EvidenceSource::Directories(paths) => {
                let opened = copies::open_until(&paths, &keys, &request.limits, stop)?;
                (request.sources, request.objects) = (opened.sources, opened.objects);
                (request.typed, request.findings) = (opened.typed, opened.findings);
                Box::new(opened.store)
            }
            EvidenceSource::Folders { store, folders } => {
                request.sources = folders;
                store
            }
        };
        let pool = ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).build()?;
        let at = request.now;
        if has_own_present {
            request.range.end = request.range.end.min(at);
        }
        if is_copy && !has_own_present {
            let has_end = request.range.end != at;
            request.now = at.max(request.range.end);
            let tools = RunTools { store: &*store, keys: &keys, pool: &pool, progress, stop };
            settle_present(&mut request, tools, at, has_end);
        }
        Ok(OpenedRun { request, store, keys, pool, names, at })
    }
}

/// A validation whose evidence is open.
pub(crate) struct OpenedRun {
    pub(crate) request: ValidationRequest,
    store: Box<dyn Store>,
    keys: KeyRing,
    pool: ThreadPool,
    /// The sources as the user named them.
    pub(crate) names: Vec<String>,
    /// The start of the run.
    pub(crate) at: Timestamp,
}

impl OpenedRun {
    /// Sends every event but the last.
    pub(crate) fn tell(
        &self,
        stop: &CancelFlag,
        progress: &dyn Progress,
        sink: &mut dyn Sink,
    ) -> io::Result<RunOutcome> {
        let Self { request, store, keys, pool, names, at } = self;
        let (sources, range, at) = (names.clone(), request.range, *at);
        let single_objects = !request.objects.is_empty();
        sink.event(&Event::Started { sources, range, at, origin: Origin::default(), single_objects })?;
        super::entry::validate(request, RunTools { store: &**store, keys, pool, progress, stop }, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    /// The order of the calls is no part of what they ask for.
    #[test]
    fn the_range_ends_at_the_present_at_the_latest() {
        let keys = || KeyRing::from_file("fixtures/intact_day/delivery/public-keys.json").unwrap();
        let validator = || Validator::new("fixtures/intact_day/delivery", keys());
        let now = Timestamp::parse_report("2026-09-01T06:06:57Z").unwrap();
        let later = Range { start: None, end: now.plus(6 * HOUR) };
        let earlier = Range { start: None, end: now.plus(-HOUR) };
        for (validator, end) in [
            (validator().range(later).now(now), now),
            (validator().now(now).range(later), now),
            (validator().now(now), now),
            (validator().now(now).range(earlier), earlier.end),
        ] {
            assert_eq!(validator.run(&mut NoProgress).unwrap().range.end, end);
        }
    }
}
