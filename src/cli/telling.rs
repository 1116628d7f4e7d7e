//! Tells somebody what a run came to: `--ping` at its start and end, `--hook` at its end.
//!
//! Whoever is told cannot change the exit code. A hook or ping that fails is one line on stderr.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::args::TellingArgs;
#[cfg(feature = "aws")]
use super::ping::Ping;
use super::{EXIT_CANNOT, Failure, exit_code, hook, signals};
use crate::event::{Event, FindingStatus, Kind, Verdict};
use crate::report::escape::for_terminal;
use crate::report::{Fanout, Format, Options, ReportFile};
use crate::text::shortened;

/// Runs `run`, and tells somebody when it has ended, if the arguments name somebody.
pub(super) fn run_and_tell(
    arguments: &TellingArgs,
    run: impl FnOnce(&mut RunNotes) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    if !names_somebody(arguments) {
        return run(&mut RunNotes::default());
    }
    let mut notes = RunNotes { are_wanted: true, ..RunNotes::default() };
    #[cfg(feature = "aws")]
    let (ping, done) = match Ping::start(arguments.ping.as_deref()) {
        Ok(ping) => (ping, run(&mut notes)),
        Err(failure) => (None, Err(failure)),
    };
    #[cfg(not(feature = "aws"))]
    let done = run(&mut notes);
    signals::run_is_over();
    let summary = notes.summary(&done);
    // The error comes first: a hook may take a minute.
    let exit = exit_code(done);
    let outcome = RunOutcome::new(exit, summary, notes);
    #[cfg(feature = "aws")]
    if let Some(ping) = ping {
        ping.finish(&outcome);
    }
    hook::run_all(arguments, &outcome);
    Ok(exit)
}

fn names_somebody(arguments: &TellingArgs) -> bool {
    #[cfg(feature = "aws")]
    if arguments.ping.is_some() {
        return true;
    }
    !arguments.hook.is_empty()
}

/// What a run came to, for those who are told.
#[derive(Debug)]
pub(super) struct RunOutcome {
    /// The exit code.
    pub(super) exit: u8,
    /// The verdict's word, or `error`.
    pub(super) verdict: &'static str,
    /// The verdict line or the error message: one line, safe to print.
    pub(super) summary: String,
    /// The first JSON report that this run wrote to a file, or else the first report of another format.
    pub(super) report: Option<PathBuf>,
    /// Number of findings that no earlier run had.
    pub(super) new: u64,
    /// Number of findings of the last run that this run does not have.
    pub(super) resolved: u64,
    /// Whether the run has a memory of earlier runs. Without it all findings are new.
    pub(super) remembers: bool,
}

impl RunOutcome {
    fn new(exit: u8, summary: String, notes: RunNotes) -> Self {
        let verdicts = [Verdict::Intact, Verdict::Incomplete, Verdict::Tampered];
        let verdict = verdicts.into_iter().find(|verdict| verdict.exit_code() == exit);
        Self {
            exit,
            verdict: verdict.map_or("error", Verdict::as_str),
            summary,
            report: notes.report,
            new: notes.new,
            resolved: notes.resolved,
            remembers: notes.remembers,
        }
    }
}

/// What a run notes down for those who are told.
#[derive(Default)]
pub(super) struct RunNotes {
    are_wanted: bool,
    verdict_line: SharedText,
    new: u64,
    resolved: u64,
    remembers: bool,
    /// Whether a finding says that a copy lies elsewhere than where it was delivered.
    has_moved: bool,
    report: Option<PathBuf>,
}

impl RunNotes {
    /// Whether the run found a copy that lies elsewhere than where it was delivered.
    pub(super) const fn has_moved(&self) -> bool {
        self.has_moved
    }

    /// Adds an output that keeps the verdict line.
    pub(super) fn add_to(&self, fanout: &mut Fanout) {
        if self.are_wanted {
            let options = Options { quiet: true, ..Options::default() };
            fanout.add("the verdict line", Format::Text, options, Box::new(self.verdict_line.clone()));
        }
    }

    /// Counts findings that no earlier run had, and findings of earlier runs that are resolved.
    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Finding(finding) => {
                let is_new =
                    finding.memory.as_ref().is_none_or(|memory| memory.status == Some(FindingStatus::New));
                self.new = self.new.saturating_add(u64::from(is_new));
                self.has_moved |= finding.kind == Kind::Relocated;
            }
            Event::Finished(summary) => {
                self.remembers = summary.resolved.is_some();
                self.resolved = summary.resolved.as_ref().map_or(0, |resolved| resolved.len() as u64);
            }
            Event::Started { .. } | Event::Object { .. } | Event::Chain(_) => {}
        }
    }

    /// Notes which report was written. An incomplete report did not replace the report of an earlier run, which must not
    /// be taken for this run's.
    pub(super) fn reports(&mut self, files: &[ReportFile], fanout: &Fanout) {
        let written = files.iter().filter(|file| fanout.is_whole(&file.path().display().to_string()));
        let preferred = written.min_by_key(|file| file.format() != Format::Json);
        self.report = preferred.map(|file| file.path().to_owned());
    }

    /// The verdict line. For an error its message, and the verdict line too if the run came so far: a full disk must not
    /// hide that the record was tampered with.
    fn summary(&self, done: &Result<u8, Failure>) -> String {
        let line = self.verdict_line.text();
        let error = match done {
            Err(failure) => shortened(failure.what.clone()),
            Ok(EXIT_CANNOT) => "the output was closed before the run ended".to_owned(),
            Ok(_) => return for_terminal(&line).into_owned(),
        };
        let verdict = if line.is_empty() { String::new() } else { format!("; without the error: {line}") };
        for_terminal(&format!("error: {error}{verdict}")).into_owned()
    }
}

/// A writer whose text can be read when the run is over.
#[derive(Clone, Default)]
struct SharedText(Arc<Mutex<Vec<u8>>>);

impl SharedText {
    /// The text, without the line's end.
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

impl Write for SharedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
