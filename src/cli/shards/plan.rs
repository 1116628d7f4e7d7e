//! `trailproof shards plan`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::output::{PlanTarget, SpooledPlan, unwritable};
use super::{EXIT_DONE, unusable};
use crate::cli::args::{PlanArgs, RunArgs};
use crate::cli::inputs::Inputs;
use crate::cli::validate::{self, Prepared};
use crate::cli::{EXIT_CANNOT, Failure, memory, require_handles, say, signals};
use crate::event::{Phase, Progress as _};
use crate::ident::Sha256Hash;
use crate::report::progress::Bars;
use crate::shards::{HashedFile, PlanFacts, PlanTotals, PlannedState, ShardError, ShardSources, write_plan};
use crate::text::plural;
use crate::time::Timestamp;
use crate::validate::RunTools;

/// Writes the plan, and returns the exit code.
pub(super) fn run(typed: PlanArgs, started: Timestamp) -> Result<u8, Failure> {
    signals::keep_no_report("interrupted: the plan is not complete; interrupt again to end at once");
    let stop = signals::listen();
    let most_logs = Some(typed.objects_per_shard);
    let target = PlanTarget::of(typed.output.clone())?;
    let arguments = &typed.into_run();
    if let PlanTarget::File(path) = &target {
        Inputs::of_run(arguments).check(path)?;
    }
    let place = memory::place(arguments)?;
    let Prepared { store, keys, mut request, gone, pool, .. } = validate::prepare(arguments, started)?;
    if !request.objects.is_empty() {
        return Err(Failure::new(
            "a single object is not cut into shards",
            "validate it with `trailproof validate`, or give the bucket or the folder of the object",
        ));
    }
    let mut state = None;
    if let Some(place) = place.as_deref() {
        let session = memory::begin(place, arguments, &mut request, started)?;
        let (id, generation) = session.stamp();
        state = Some(PlannedState { id, generation });
    }
    memory::check_gone(gone, &request)?;
    let facts = PlanFacts {
        started,
        sources: validate::named(arguments),
        identity: memory::sources(&arguments.sources).typed,
        state,
        places: places(arguments)?,
        most_logs,
    };
    require_handles()?;
    let mut plan = SpooledPlan::open(
        &target,
        #[cfg(feature = "aws")]
        &arguments.aws,
    )?;
    let bars = Bars::new(validate::display(arguments));
    let tools = RunTools { store: &*store, keys: &keys, pool: &pool, progress: &bars, stop };
    let mut watch = |totals: PlanTotals, all: u64| {
        bars.phase(Phase::Plan);
        bars.regions(totals.regions, all);
    };
    let written = write_plan(&request, &facts, tools, plan.writer(), &mut watch);
    bars.clear();
    match written {
        Ok(totals) => {
            plan.finish()?;
            if !arguments.quiet {
                say(&summary(totals));
            }
            Ok(EXIT_DONE)
        }
        Err(ShardError::Failed(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(EXIT_CANNOT),
        Err(ShardError::Failed(error)) => Err(unwritable(&target.name(), &error)),
        Err(error @ ShardError::Interrupted) => {
            let what = match matches!(target, PlanTarget::Stdout) {
                true => "the plan on stdout is not complete: interrupted",
                false => "the plan was not written: interrupted",
            };
            Err(Failure::new(what, error.hint()))
        }
        Err(error) => Err(unusable(&target.name(), &error)),
    }
}

fn summary(totals: PlanTotals) -> String {
    let PlanTotals { shards, regions, digests, logs } = totals;
    let (shards, regions) = (plural(shards, "shard"), plural(regions, "region"));
    let (digests, logs) = (plural(digests, "digest"), plural(logs, "log file"));
    format!("planned {shards} of {regions}: {digests}, about {logs}")
}

/// SHA-256 of a file of any size.
pub(super) fn hash_file(path: &Path) -> io::Result<Sha256Hash> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(Sha256Hash(hash.finalize().into()))
}

/// Where every machine finds evidence and keys.
fn places(arguments: &RunArgs) -> Result<ShardSources, Failure> {
    let text = |path: &PathBuf| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            let what = format!("`{}` is not UTF-8, so no plan can name it", path.display());
            Failure::new(what, "rename the file or directory")
        })
    };
    let keys = arguments.public_keys.iter().map(|path| {
        let failed = |error: io::Error| {
            let what = format!("the keys file `{}` cannot be read: {error}", path.display());
            Failure::new(what, "make the file readable")
        };
        let sha256 = Sha256Hash::of(&std::fs::read(path).map_err(failed)?);
        Ok(HashedFile { path: text(path)?, sha256 })
    });
    let files = arguments.sources.iter().filter(|source| source.is_file());
    let archives = files.map(|path| {
        let failed = |error: io::Error| {
            Failure::new(format!("`{}` cannot be read: {error}", path.display()), "make the file readable")
        };
        Ok(HashedFile { path: text(path)?, sha256: hash_file(path).map_err(failed)? })
    });
    let places = ShardSources {
        archives: archives.collect::<Result<_, Failure>>()?,
        sources: arguments.sources.iter().map(text).collect::<Result<_, _>>()?,
        public_keys: keys.collect::<Result<_, Failure>>()?,
        max_keys_size: arguments.limits.max_keys_size,
        jobs: arguments.jobs,
        ..ShardSources::default()
    };
    #[cfg(feature = "aws")]
    let places = ShardSources {
        fetch_keys: arguments.fetch_keys,
        endpoint_url: arguments.aws.endpoint_url.clone(),
        expected_bucket_owner: arguments.expected_bucket_owner.clone(),
        request_payer: arguments.request_payer,
        ..places
    };
    Ok(places)
}
