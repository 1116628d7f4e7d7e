//! `trailproof shards merge`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{input, unusable};
use crate::cli::args::{MergeArgs, RunArgs};
use crate::cli::inputs::{InputRole, Inputs};
use crate::cli::telling::{self, RunNotes};
use crate::cli::validate::{self, Outputs};
use crate::cli::{Failure, memory, origin, outputs, require_handles, say, signals};
use crate::event::Event;
use crate::report::progress::{Bars, Display};
use crate::shards::{PlannedState, ReadLine, ShardMerge};
use crate::state::MemorySession;

/// Merges the results, tells the hooks and the ping, and returns the exit code of the verdict.
pub(super) fn run(arguments: &MergeArgs, line: &[OsString]) -> Result<u8, Failure> {
    signals::keep_no_report(
        "interrupted: a merge has no part to report, so it goes on; interrupt again to end at once",
    );
    signals::listen();
    telling::run_and_tell(&arguments.telling, |notes| report(arguments, line, notes))
}

fn report(arguments: &MergeArgs, line: &[OsString], notes: &mut RunNotes) -> Result<u8, Failure> {
    let origin = origin::of(line, arguments.output.run_by.clone());
    let format = outputs::format(&arguments.output.format)?;
    let inputs = Inputs::default()
        .with(InputRole::Plan, [&arguments.plan])
        .with(InputRole::Result, &arguments.results)
        .with(InputRole::State, &arguments.state);
    let files = outputs::files(&arguments.output.report, &inputs)?;
    let remembering = RunArgs {
        state: arguments.state.clone(),
        #[cfg(feature = "aws")]
        aws: arguments.aws.clone(),
        ..RunArgs::default()
    };
    let place = memory::place(&remembering)?;
    require_handles()?;
    // 1. Read the plan.
    let name = arguments.plan.display().to_string();
    let mut plan = input::open_plan(
        &arguments.plan,
        #[cfg(feature = "aws")]
        &arguments.aws,
    )?;
    let mut merge = ShardMerge::read_plan(&mut plan).map_err(|error| unusable(&name, &error))?;
    let sources: Vec<PathBuf> = merge.header().sources().iter().map(PathBuf::from).collect();
    let evidence = Inputs::default().with(InputRole::Source, &sources);
    files.iter().try_for_each(|file| evidence.check(file.path()))?;
    let request = merge.request().map_err(|error| unusable(&name, &error))?;
    check_memory(merge.header().has_memory(), place.is_some())?;
    // 2. Open memory and outputs, before the results are read.
    let session = place.as_deref().map(|place| memory::resume(place, merge.header(), &request));
    let session = session.transpose()?;
    if let Some(session) = &session {
        merge.header().state().map_or(Ok(()), |planned| check_state(planned, session))?;
        merge.remember(session.memory());
    }
    let bars = Bars::new(Display::Hidden);
    let options = outputs::options(arguments.quiet, arguments.verbose);
    let mut fanout = outputs::open(format, files.clone(), options)?;
    notes.add_to(&mut fanout);
    let mut outputs = Outputs::new(fanout, &bars, notes).remembering(session);
    signals::run_begins();
    // 3. Take the results.
    let most = usize::try_from(arguments.max_size).unwrap_or(usize::MAX);
    input::read_results(
        &arguments.results,
        most,
        #[cfg(feature = "aws")]
        &arguments.aws,
        &mut |line: ReadLine, place: &str| merge.take(line, place),
    )?;
    // 4. End the run.
    let header = merge.header();
    let (sources, at) = (header.sources().to_vec(), header.started());
    let begun = Event::Started { sources, range: request.range, at, origin, single_objects: false };
    let told = validate::tell_as(&begun, &mut outputs, |sink| merge.end(sink));
    validate::finish(outputs, &files, told)
}

/// The shards compared the record with what the plan took from its state: another state may remember more.
fn check_state(planned: &PlannedState, session: &MemorySession<'_>) -> Result<(), Failure> {
    let (id, generation) = session.stamp();
    if id != planned.id {
        return Err(Failure::new(
            "the plan was made with another state than the merge is given",
            "give the `--state PLACE` of the plan",
        ));
    }
    if generation < planned.generation {
        return Err(Failure::new(
            "the state is older than it was when the plan was made",
            "give the `--state PLACE` of the plan, and not a copy; find out who put an older state in its place",
        ));
    }
    if generation > planned.generation {
        say(
            "warning: other runs wrote to the state since the plan was made: what they proved is compared by the next run, \
             not by this one",
        );
    }
    Ok(())
}

/// Plan and merge need the same memory: findings of a plan without one would be taken for all there are.
fn check_memory(is_planned: bool, is_given: bool) -> Result<(), Failure> {
    match (is_planned, is_given) {
        (true, false) => Err(Failure::new(
            "the plan was made with `--state`, and the merge has none",
            "give the same `--state PLACE`",
        )),
        (false, true) => Err(Failure::new(
            "the plan was made without `--state`",
            "make the plan with the same `--state PLACE`, or leave the option out",
        )),
        _ => Ok(()),
    }
}
