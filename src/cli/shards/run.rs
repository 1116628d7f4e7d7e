//! `trailproof shards run`.

use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::evidence::EvidenceCache;
use super::output::ResultOutput;
use super::{EXIT_DONE, input, unusable};
use crate::cli::args::RunShardsArgs;
use crate::cli::inputs::{InputRole, Inputs};
use crate::cli::{EXIT_CANNOT, Failure, require_handles, say, signals, waiting};
use crate::report::progress::{Bars, Display};
use crate::shards::{MAX_PLAN_LINE, PlanLine, ReadLine, Shard, ShardError, next_line, nth_shard, run_shard};
use crate::validate::{CancelFlag, RunTools};

/// Carries out the shards, and returns the exit code.
pub(super) fn run(arguments: &RunShardsArgs) -> Result<u8, Failure> {
    signals::keep_no_report(
        "interrupted: the shards under way have to be run again; interrupt again to end at once",
    );
    let stop = signals::listen();
    require_handles()?;
    if let Some(path) = &arguments.output {
        let inputs = Inputs::default().with(InputRole::Plan, &arguments.plan);
        inputs.with(InputRole::Keys, &arguments.public_keys).check(path)?;
    }
    let output = ResultOutput::open(
        arguments.output.as_deref(),
        #[cfg(feature = "aws")]
        &arguments.aws,
    )?;
    let bars = Bars::new(display(arguments));
    let worker = ShardWorker {
        arguments,
        output: &output,
        bars: &bars,
        evidence: EvidenceCache::default(),
        stop,
        has_failed: AtomicBool::new(false),
        refused: AtomicU64::new(0),
        is_closed: AtomicBool::new(false),
    };
    if let (Some(index), Some(of)) = (arguments.index, arguments.of)
        && index >= of
    {
        return Err(Failure::new(
            format!("`--index {index} --of {of}`: no such index"),
            "the indices of N jobs are 0 to N - 1",
        ));
    }
    if let Some(path) = &arguments.plan
        && path.as_os_str() == "-"
        && !path.exists()
    {
        return Err(Failure::new(
            "`-` is not the name of a plan",
            "leave PLAN out to read lines of a plan from stdin: `trailproof shards run < LINES`",
        ));
    }
    match (&arguments.plan, arguments.index) {
        (None, _) => {
            let lines = waiting::stdin("lines of a plan on stdin: `trailproof shards run < LINES`");
            worker.run_lines(&mut BufReader::new(lines), "stdin", false);
        }
        (Some(path), index) => worker.run_plan(path, index).inspect_err(|_| bars.clear())?,
    }
    bars.clear();
    let has_failed = worker.has_failed.load(Ordering::Relaxed);
    // A line that is no shard does not hold up the results of the others.
    output.finish(!stop.is_set())?;
    if stop.is_set() {
        let what = "interrupted before every shard was carried out";
        Failure::new(what, "run the same command again").say();
    }
    Ok(if has_failed || stop.is_set() { EXIT_CANNOT } else { EXIT_DONE })
}

/// Bars on a terminal, unless it is the terminal where lines are typed. Elsewhere the engine that runs the shards has a
/// progress of its own.
fn display(arguments: &RunShardsArgs) -> Display {
    let is_typed = arguments.plan.is_none() && io::stdin().is_terminal();
    match io::stderr().is_terminal() && !arguments.no_progress && !is_typed {
        true => Display::Bars,
        false => Display::Hidden,
    }
}

/// Most lines that are no shards and are named. Further ones are counted.
const MAX_NAMED: u64 = 20;

/// Lines that any thread may take.
struct SharedLines<'l> {
    from: &'l mut (dyn BufRead + Send),
    /// Number of the last line, from 1; 0 before the first.
    number: u64,
    /// Whether the last line of a plan was met.
    has_ended: bool,
}

struct ShardWorker<'a> {
    arguments: &'a RunShardsArgs,
    output: &'a ResultOutput,
    bars: &'a Bars,
    evidence: EvidenceCache,
    stop: &'a CancelFlag,
    /// Whether a line was no shard, or a shard could not be carried out.
    has_failed: AtomicBool,
    /// Number of lines that were no shards.
    refused: AtomicU64,
    /// Whether nobody reads the results any longer.
    is_closed: AtomicBool,
}

impl ShardWorker<'_> {
    fn run_plan(&self, path: &Path, index: Option<u64>) -> Result<(), Failure> {
        let name = path.display().to_string();
        let mut plan = input::open_plan(
            path,
            #[cfg(feature = "aws")]
            &self.arguments.aws,
        )?;
        let (Some(index), None) = (index, self.arguments.of) else {
            self.run_lines(&mut *plan, &name, true);
            return Ok(());
        };
        let shard = nth_shard(&mut plan, index).map_err(|error| unusable(&name, &error))?;
        self.run_shard(&shard).unwrap_or_else(|failure| self.fail(&failure));
        Ok(())
    }

    /// Runs lines, some at a time. `is_plan` tells whether the lines are a whole plan.
    fn run_lines(&self, from: &mut (dyn BufRead + Send), name: &str, is_plan: bool) {
        let lines = Mutex::new(SharedLines { from, number: 0, has_ended: false });
        thread::scope(|scope| {
            let work = || while self.run_next(&lines, name) {};
            for _ in 1..self.arguments.at_once {
                // Without a further thread, the running threads do the work.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        if is_plan && !lines.has_ended && !self.stop.is_set() && !self.is_closed.load(Ordering::Relaxed) {
            self.fail(&unusable(name, &ShardError::Cut));
        }
        if let Some(more @ 1..) = self.refused.load(Ordering::Relaxed).checked_sub(MAX_NAMED) {
            say(&format!("… and {more} more"));
        }
        // No failure: Spark starts a process for an empty partition too.
        if !is_plan && lines.number == 0 && !self.stop.is_set() {
            say("note: no shard was given: stdin has no lines");
        }
    }

    /// Runs the next line; `false` after the last.
    fn run_next(&self, lines: &Mutex<SharedLines<'_>>, name: &str) -> bool {
        if self.stop.is_set() || self.is_closed.load(Ordering::Relaxed) {
            return false;
        }
        let (line, number) = {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            match next_line(&mut lines.from, MAX_PLAN_LINE) {
                Ok(None) => return false,
                Ok(Some(line)) => {
                    lines.number += 1;
                    (line, lines.number)
                }
                Err(_) if self.stop.is_set() => return false,
                Err(error) => {
                    self.fail(&input::unreadable(&name, &error));
                    return false;
                }
            }
        };
        let parsed = match &line {
            ReadLine::TooLong => Err(ShardError::TooLong(MAX_PLAN_LINE)),
            ReadLine::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => return true,
            ReadLine::Whole(line) => PlanLine::parse(line),
        };
        match parsed {
            Ok(PlanLine::Shard(shard)) if !self.is_chosen(&shard) => {}
            Ok(PlanLine::Shard(shard)) => {
                self.run_shard(&shard).unwrap_or_else(|failure| self.fail(&failure));
            }
            Ok(PlanLine::Plan(_)) => {}
            Ok(PlanLine::End(_)) => {
                lines.lock().unwrap_or_else(PoisonError::into_inner).has_ended = true;
            }
            Err(error) if self.refused.fetch_add(1, Ordering::Relaxed) < MAX_NAMED => {
                self.fail(&Failure::new(format!("line {number} of {name}: {error}"), error.hint()));
            }
            Err(_) => self.has_failed.store(true, Ordering::Relaxed),
        }
        true
    }

    /// Whether a shard is one of those that `--index` and `--of` name.
    fn is_chosen(&self, shard: &Shard) -> bool {
        let job = self.arguments.index.zip(self.arguments.of);
        job.is_none_or(|(index, of)| shard.number() % of == index)
    }

    fn run_shard(&self, shard: &Shard) -> Result<(), Failure> {
        signals::run_begins();
        let evidence = self.evidence.of(shard, self.arguments)?;
        let tools = RunTools {
            store: &*evidence.store,
            keys: &evidence.keys,
            pool: &evidence.pool,
            progress: self.bars,
            stop: self.stop,
        };
        let failed = |error: ShardError| {
            Failure::new(format!("shard {} was not carried out: {error}", shard.number()), error.hint())
        };
        let clock = crate::cli::now();
        let result = run_shard(shard, tools, &evidence.findings, clock).map_err(failed)?;
        let Some(result) = result else { return Ok(()) };
        let line = result.to_line().map_err(|error| failed(io::Error::other(error).into()))?;
        if !self.output.write(shard.plan(), shard.number(), &line)? {
            self.is_closed.store(true, Ordering::Relaxed);
            self.has_failed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn fail(&self, failure: &Failure) {
        self.has_failed.store(true, Ordering::Relaxed);
        failure.say();
    }
}
