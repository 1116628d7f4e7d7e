//! `trailproof validate`: runs the engine on the sources, and writes the reports.

mod range;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::args::{RunArgs, ValidateArgs};
use super::inputs::Inputs;
use super::sources::{self, GoneBucket, Opened};
use super::telling::{self, RunNotes};
use super::{
    EXIT_CANNOT, Failure, memory, origin, outputs, relocation, require_handles, say, signals, state, typed,
    waiting, without_source,
};
use crate::event::{Event, NoProgress, Origin, Sink, Verdict};
use crate::handles;
use crate::keys::saved::{self, KeysFileError};
use crate::keys::{KeyRing, RejectedKey};
use crate::report::{
    Fanout, ReportFile,
    progress::{Bars, Display},
};
use crate::state::MemorySession;
use crate::store::Store;
use crate::text;
use crate::time::Timestamp;
use crate::validate::{
    self, CancelFlag, ProvedChain, RunOutcome, RunTools, SealedChanges, ValidationRequest,
};

/// Validates the sources, tells the hooks and the ping, and returns the exit code of the verdict.
pub(super) fn run(typed: ValidateArgs, started: Timestamp, line: &[OsString]) -> Result<u8, Failure> {
    let stop = signals::listen();
    let telling = typed.telling.clone();
    telling::run_and_tell(&telling, |notes| report(typed, started, line, stop, notes))
}

/// Validates the sources, writes the reports and returns the exit code of the verdict.
fn report(
    typed: ValidateArgs,
    started: Timestamp,
    line: &[OsString],
    stop: &CancelFlag,
    notes: &mut RunNotes,
) -> Result<u8, Failure> {
    #[cfg(feature = "aws")]
    if typed.restore_manifest.is_some() {
        return Err(Failure::new(
            "`--restore-manifest` works only with `--dry-run`",
            "give `--dry-run` too, restore the objects of the manifest, then run without both",
        ));
    }
    let arguments = &typed.into_run();
    let origin = origin::of(line, arguments.output.run_by.clone());
    let format = outputs::format(&arguments.output.format)?;
    let files = outputs::files(&arguments.output.report, &Inputs::of_run(arguments))?;
    let place = memory::place(arguments)?;
    let Prepared { store, keys, mut request, gone, pool, .. } = prepare(arguments, started)?;
    let session = place.as_deref().map(|place| memory::begin(place, arguments, &mut request, started));
    let session = session.transpose()?;
    memory::check_gone(gone, &request)?;
    session.iter().for_each(|session| memory::warn_of_nothing_known(session, arguments));
    let bars = Bars::new(display(arguments));
    let options = outputs::options(arguments.quiet, arguments.verbose);
    let mut fanout = outputs::open(format, files.clone(), options)?;
    notes.add_to(&mut fanout);
    let mut outputs = Outputs::new(fanout, &bars, notes).remembering(session);
    require_handles()?;
    let tools = RunTools { store: &*store, keys: &keys, pool: &pool, progress: &bars, stop };
    let begun = begin(arguments, &request, started, origin);
    let told = tell(&request, tools, &begun, &mut outputs);
    let code = finish(outputs, &files, told)?;
    if !notes.has_moved() && !arguments.quiet {
        relocation::say_without_effect(&arguments.relocated_from, &request);
    }
    Ok(code)
}

/// The hint on a wait for an input that a signal ended.
pub(super) const AGAIN: &str = "run the same command again";

/// A run that is ready to start: the store, the keys, the request and the threads.
pub(super) struct Prepared {
    pub(super) store: Box<dyn Store>,
    pub(super) keys: KeyRing,
    pub(super) request: ValidationRequest,
    /// Sources whose bucket is not there, of a run with memory.
    pub(super) gone: Vec<GoneBucket>,
    pub(super) pool: ThreadPool,
    /// Whether the sources are in S3.
    pub(super) in_s3: bool,
}

/// Checks the arguments, reads the keys and opens the sources.
pub(super) fn prepare(arguments: &RunArgs, now: Timestamp) -> Result<Prepared, Failure> {
    without_source::check(arguments, now)?;
    check(arguments)?;
    let clock = now;
    let now = range::present(arguments, clock)?;
    let range = range::range(arguments, clock)?;
    require_handles()?;
    let keys = keys(&arguments.public_keys, arguments.limits.max_keys_size)?;
    let Opened { store, sources, objects, typed, named, gone, keys, findings, in_s3 } =
        sources::open(arguments, keys)?;
    let range = range::range_of(arguments, &objects, range)?;
    let mut request = ValidationRequest {
        relocations: relocation::relocations(&arguments.relocated_from, &sources, &objects)?,
        replicas: Vec::new(),
        range,
        // The time of an object that the user named in a copy is the present at least.
        now: if in_s3 || objects.is_empty() { now } else { now.max(range.end) },
        sources,
        objects,
        typed,
        accounts: arguments.account_id.clone(),
        regions: arguments.region.clone(),
        trails: arguments.trail.clone(),
        named,
        limits: arguments.limits.of_run(),
        every_object: arguments.verbose,
        joins_findings: true,
        findings,
        memory: None,
    };
    let pool = pool(arguments.jobs, in_s3)?;
    signals::run_begins();
    // A signal ends these checks early: the run that follows is incomplete.
    let stop = signals::flag();
    let tools = RunTools { store: &*store, keys: &keys, pool: &pool, progress: &NoProgress, stop };
    validate::check(&request, tools).map_err(|error| sources::unusable(&error))?;
    if !in_s3 {
        let has_end = arguments.end_time.is_some() || !request.objects.is_empty();
        validate::settle_present(&mut request, tools, clock, has_end);
        range::check_range(arguments, request.range, has_end)?;
    }
    Ok(Prepared { store, keys, request, gone, pool, in_s3 })
}

/// Checks the names that were typed against AWS's naming rules.
fn check(arguments: &RunArgs) -> Result<(), Failure> {
    typed::sources(&arguments.sources)?;
    typed::accounts("--account-id", &arguments.account_id)?;
    typed::regions("--region", &arguments.region)?;
    arguments.sources.iter().try_for_each(|source| typed::region_of_source(source))?;
    typed::trails("--trail", &arguments.trail)?;
    #[cfg(feature = "aws")]
    typed::accounts("--expected-bucket-owner", &arguments.expected_bucket_owner)?;
    Ok(())
}

/// The worker threads. In S3 `--jobs` counts requests, and more threads than processors would be idle. On disk each
/// thread has one file open.
pub(super) fn pool(jobs: Option<u16>, in_s3: bool) -> Result<ThreadPool, Failure> {
    let jobs = jobs.map_or_else(processors, usize::from);
    threads(if in_s3 { jobs.min(processors()) } else { jobs.min(handles::at_a_time()) })
}

/// The number of processors.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// So many worker threads.
pub(super) fn threads(number: usize) -> Result<ThreadPool, Failure> {
    ThreadPoolBuilder::new().num_threads(number).build().map_err(|error| {
        Failure::new(format!("cannot start threads: {error}"), "try fewer threads with `--jobs`")
    })
}

/// The sources as typed.
pub(super) fn named(arguments: &RunArgs) -> Vec<String> {
    arguments.sources.iter().map(|source| source.display().to_string()).collect()
}

/// The first event of a run.
pub(super) fn begin(
    arguments: &RunArgs,
    request: &ValidationRequest,
    at: Timestamp,
    origin: Origin,
) -> Event {
    let single_objects = !request.objects.is_empty();
    Event::Started { sources: named(arguments), range: request.range, at, origin, single_objects }
}

/// Runs the engine between the first event, which has the start time, and the last, which has the end time.
pub(super) fn tell(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    begun: &Event,
    outputs: &mut dyn RememberingSink,
) -> io::Result<ToldRun> {
    tell_as(begun, outputs, |sink| validate::validate(request, tools, sink))
}

/// Runs `run` between the first event and the last.
pub(super) fn tell_as(
    begun: &Event,
    outputs: &mut dyn RememberingSink,
    run: impl FnOnce(&mut dyn Sink) -> io::Result<RunOutcome>,
) -> io::Result<ToldRun> {
    outputs.event(begun)?;
    let outcome = run(outputs)?;
    let summary = match outputs.session() {
        Some(session) => session.summary(&outcome, super::now()),
        None => outcome.summary(outcome.worst, super::now()),
    };
    let verdict = summary.verdict;
    outputs.event(&Event::Finished(summary))?;
    let RunOutcome { proved, sealed, interrupted, .. } = outcome;
    Ok(ToldRun { verdict, proved, sealed, interrupted })
}

/// A sink whose findings may go through the memory of the run.
pub(super) trait RememberingSink: Sink {
    /// The memory of the run; `None` without `--state`.
    fn session(&self) -> Option<&MemorySession<'_>> {
        None
    }
}

/// The result of a run whose events were all told.
pub(super) struct ToldRun {
    verdict: Verdict,
    proved: Vec<ProvedChain>,
    sealed: Vec<SealedChanges>,
    interrupted: bool,
}

/// The exit code. A closed pipe is no error. A report that could not be written is an error, and hides the verdict.
/// Memory is written only after every report was.
pub(super) fn finish(
    outputs: Outputs<'_>,
    files: &[ReportFile],
    told: io::Result<ToldRun>,
) -> Result<u8, Failure> {
    outputs.bars.clear();
    if told.is_ok() {
        outputs.notes.reports(files, &outputs.fanout);
    }
    let session = outputs.session;
    match (outputs.fanout.finish(), told) {
        (Ok(()), Ok(ToldRun { verdict, proved, sealed, interrupted })) => {
            let committed = session.map(|session| session.commit(&proved, &sealed, interrupted)).transpose();
            memory::warn_of_no_room(committed.map_err(|error| state::failed(&error))?.unwrap_or_default());
            Ok(verdict.exit_code())
        }
        (Err(error), Ok(ToldRun { verdict, .. })) if error.is_broken_pipe() => {
            if session.is_some() {
                say("note: the report was not read to its end, so the state is as before");
            }
            Ok(verdict.exit_code())
        }
        (Err(error), Err(_)) if error.is_broken_pipe() => Ok(EXIT_CANNOT),
        (Err(error), _) => Err(outputs::failed(&error)),
        (Ok(()), Err(error)) => {
            Err(Failure::new(format!("the report cannot be written: {error}"), "write the report elsewhere"))
        }
    }
}

/// The reports, the progress bars, and what hooks and pings are told. The bars are removed before the last event is
/// written.
pub(super) struct Outputs<'b> {
    fanout: Fanout,
    bars: &'b Bars,
    notes: &'b mut RunNotes,
    /// The memory of the run, which each finding goes through.
    session: Option<MemorySession<'b>>,
}

impl<'b> Outputs<'b> {
    pub(super) const fn new(fanout: Fanout, bars: &'b Bars, notes: &'b mut RunNotes) -> Self {
        Self { fanout, bars, notes, session: None }
    }

    /// The same, with the memory of the run.
    pub(super) fn remembering(self, session: Option<MemorySession<'b>>) -> Self {
        Self { session, ..self }
    }
}

impl RememberingSink for Outputs<'_> {
    fn session(&self) -> Option<&MemorySession<'_>> {
        self.session.as_ref()
    }
}

impl Sink for Outputs<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::Finished(_)) {
            self.bars.clear();
        }
        let noted = self.session.as_mut().and_then(|session| session.note_event(event));
        let event = noted.as_ref().unwrap_or(event);
        self.notes.event(event);
        self.fanout.event(event)
    }
}

/// Bars on a terminal, but not where every object is listed on it; elsewhere a line a minute.
pub(super) fn display(arguments: &RunArgs) -> Display {
    let listed = arguments.verbose && io::stdout().is_terminal();
    match io::stderr().is_terminal() {
        _ if arguments.no_progress || arguments.quiet => Display::Hidden,
        true if listed => Display::Hidden,
        true => Display::Bars,
        false => Display::Lines,
    }
}

/// Reads the keys files.
pub(super) fn keys(files: &[PathBuf], limit: u64) -> Result<KeyRing, Failure> {
    let mut ring = KeyRing::new();
    let mut without_keys = None;
    for file in files {
        if file.as_os_str() == "-" && !file.exists() {
            return Err(typed::no_stdin("the keys file"));
        }
        let shown = file.display().to_string();
        let hint = "give a file written by `trailproof keys` or `aws cloudtrail list-public-keys --output json`, or PEM";
        let bytes = read_keys(file, limit).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied => "make the file readable",
                _ if signals::flag().is_set() => AGAIN,
                io::ErrorKind::FileTooLarge => "raise `--max-keys-size`, or give a file with fewer keys",
                _ => hint,
            };
            Failure::new(format!("the keys file `{shown}` cannot be read: {error}"), hint)
        })?;
        let unusable = |error| Failure::new(format!("the keys file `{shown}` cannot be used: {error}"), hint);
        match saved::load(&mut ring, &shown, &bytes) {
            // A region may have no keys, if other files have some.
            Err(error @ KeysFileError::Empty) => drop(without_keys.get_or_insert(unusable(error))),
            loaded => loaded.map_err(unusable)?,
        }
    }
    if let Some(failure) = without_keys.filter(|_| ring.is_empty()) {
        return Err(failure);
    }
    for rejected in ring.rejected() {
        let RejectedKey { source, entry, reason, .. } = rejected;
        say(&format!("warning: entry {entry} of `{source}` is not used: {reason}"));
    }
    Ok(ring)
}

pub(super) fn read_keys(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    waiting::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let what = format!("larger than the limit of {}", text::size(limit));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}
