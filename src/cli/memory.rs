//! The memory of a run (`validate --state`): opened before the run, written after every report.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::sources::{GoneBucket, is_in_s3};
use super::{Failure, say, state};
use crate::shards::PlanHeader;
use crate::state::{
    MAX_FINDINGS, MemorySession, RunIdentity, RunSources, RunStamp, StateError, StatePlace, run_stamp,
};
use crate::time::Timestamp;
use crate::validate::{RememberedChain, RunMemory, ValidationRequest};

/// Opens the place of `--state`; `None` without it.
pub(super) fn place(arguments: &RunArgs) -> Result<Option<Box<dyn StatePlace>>, Failure> {
    let Some(typed) = &arguments.state else { return Ok(None) };
    state::open(
        typed,
        #[cfg(feature = "aws")]
        &arguments.aws,
    )
    .map(Some)
}

/// Loads what earlier runs remember, and gives it to the request.
pub(super) fn begin<'p>(
    place: &'p dyn StatePlace,
    arguments: &RunArgs,
    request: &mut ValidationRequest,
    started: Timestamp,
) -> Result<MemorySession<'p>, Failure> {
    if !request.objects.is_empty() {
        return Err(Failure::new(
            "`--state` does not apply to a single object",
            "leave the option out, or give the bucket or the folder of the object",
        ));
    }
    warn_of_place(arguments, request);
    let identity = RunIdentity { run: run_stamp(started), sources: sources(&arguments.sources) };
    let session = MemorySession::open(place, identity, request).map_err(|error| failed(arguments, &error))?;
    request.memory = Some(RunMemory { recheck: arguments.recheck, ..session.memory() });
    Ok(session)
}

/// The error message for a state that cannot be used, with the place as it was typed.
fn failed(arguments: &RunArgs, error: &StateError) -> Failure {
    match &arguments.state {
        Some(typed) => state::failed_at(typed, error),
        None => state::failed(error),
    }
}

/// Warns of a state that remembers something, and nothing of what was asked: source or filters may be mistyped.
pub(super) fn warn_of_nothing_known(session: &MemorySession<'_>, arguments: &RunArgs) {
    if !session.knows_others_only() {
        return;
    }
    let accounts = arguments.account_id.iter().map(|account| format!("account {account}"));
    let regions = arguments.region.iter().map(|region| format!("region {region}"));
    let filters: Vec<String> = accounts.chain(regions).collect();
    // A source may name an account or a region too. The state then may remember the same bucket.
    let is_narrow = |source: &PathBuf| source.to_string_lossy().contains("AWSLogs/");
    let (what, check) = match filters.as_slice() {
        [] if !arguments.sources.iter().any(is_narrow) => {
            ("other sources and nothing of this one".to_owned(), "the source")
        }
        [] => ("nothing of what was asked".to_owned(), "the source"),
        filters => (format!("nothing of what was asked ({})", filters.join(", ")), "source and filters"),
    };
    say(&format!(
        "warning: the state remembers {what}: there is nothing to compare this run with; check {check} if earlier runs \
         validated it"
    ));
}

/// Warns of findings that the state has no room for.
pub(super) fn warn_of_no_room(findings: usize) {
    if findings > 0 {
        say(&format!(
            "warning: the state keeps {MAX_FINDINGS} findings of a region: {findings} findings of this run are not kept, are \
             `new` in later runs too, and cannot be accepted"
        ));
    }
}

/// Loads what earlier runs remember, for the merge of a plan. The run is named after the plan, so that merging twice is one
/// run.
pub(super) fn resume<'p>(
    place: &'p dyn StatePlace,
    plan: &PlanHeader,
    request: &ValidationRequest,
) -> Result<MemorySession<'p>, Failure> {
    let short: String = plan.id().chars().take(8).collect();
    let run = RunStamp { id: format!("{}-{short}", plan.started().digest_name()), at: plan.started() };
    let identity = RunIdentity { run, sources: RunSources { typed: plan.identity().to_vec() } };
    MemorySession::open(place, identity, request).map_err(|error| state::failed(&error))
}

/// Ends the run for a bucket that is not there and that no earlier run knows. A bucket that earlier runs know is gone: the
/// run goes on, and looks for what they proved.
pub(super) fn check_gone(gone: Vec<GoneBucket>, request: &ValidationRequest) -> Result<(), Failure> {
    let chains = || request.memory.iter().flat_map(|memory| memory.chains.values());
    for GoneBucket { source, failure, region } in gone {
        // Another partition of AWS has other buckets.
        let is_here = |chain: &RememberedChain| partition(&chain.id.region) == partition(&region);
        if !chains().any(|chain| source.holds(&chain.folder) && is_here(chain)) {
            return Err(failure);
        }
    }
    Ok(())
}

/// The part of a region's name that tells AWS's partitions apart: `cn`, `us-gov`, `us-iso`, or nothing.
fn partition(region: &str) -> &str {
    let parts = ["cn-", "us-gov-", "us-isob-", "us-isof-", "us-iso-", "eu-isoe-", "eusc-"];
    parts.into_iter().find(|part| region.starts_with(part)).unwrap_or_default()
}

/// The sources as memory knows them.
pub(super) fn sources(typed: &[PathBuf]) -> RunSources {
    RunSources::of(typed.iter().map(PathBuf::as_path))
}

/// Warns of a state that lies in the evidence: who can change the evidence can change the state too.
fn warn_of_place(arguments: &RunArgs, request: &ValidationRequest) {
    let Some(place) = &arguments.state else { return };
    let is_within = match place.to_str().and_then(super::sources::parse_s3) {
        Some((bucket, _)) if is_in_s3(place) => request.sources.iter().any(|source| source.bucket == bucket),
        _ => arguments.sources.iter().any(|source| is_below(place, source)),
    };
    if is_within {
        say(
            "warning: the state lies in the evidence: whoever can change the evidence can change the state too; keep the \
             state in another bucket, best in another account",
        );
    }
}

fn is_below(place: &Path, source: &Path) -> bool {
    let (Ok(place), Ok(source)) = (fs::canonicalize(place), fs::canonicalize(source)) else { return false };
    source.is_dir() && place.starts_with(source)
}
