//! Checks the sources of a request before a run begins.

use super::cancel::RunCancellation;
use super::request::{RunTools, SourceFolder, ValidationRequest};
use super::source_path::{AWS_LOGS, SourceError, SourcePath};
use super::target::ObjectTarget;
use super::workers::WorkerPool;

/// How many folders below an unknown segment are searched for `AWSLogs/` before the segment counts as a mistake.
const MAX_FOLDERS: usize = 1_000;

/// Checks that each source names a folder or object that can be validated. The store is asked only about a source with
/// an unknown segment below `AWSLogs/`, which may be part of a trail's prefix.
///
/// # Errors
/// [`SourceError`] for the first source that cannot be validated.
pub fn check(request: &ValidationRequest, tools: RunTools<'_>) -> Result<(), SourceError> {
    let cancellation = RunCancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, cancellation: &cancellation };
    if let Some(object) = request.objects.first()
        && !(request.sources.is_empty() && request.typed.is_empty())
    {
        return Err(SourceError::Mixed { object: object.to_string() });
    }
    request.objects.iter().try_for_each(|object| ObjectTarget::of(object).map(drop))?;
    request.sources.iter().try_for_each(|source| check_source(workers, source))
}

fn check_source(workers: WorkerPool<'_>, source: &SourceFolder) -> Result<(), SourceError> {
    let source_uri = source.to_string();
    match SourcePath::parse(&source.prefix) {
        SourcePath::AboveAwsLogs | SourcePath::InAwsLogs(_) => Ok(()),
        SourcePath::DateFolder { region, stretch } => {
            let region = SourceFolder { prefix: region.prefix(), ..source.clone() };
            Err(SourceError::Time { source_uri, region_uri: region.to_string(), stretch })
        }
        SourcePath::UnknownSegment(..) if may_be_prefix(workers, source) => Ok(()),
        SourcePath::UnknownSegment(segment, expected) => {
            Err(SourceError::Segment { source_uri, segment, expected })
        }
    }
}

/// Whether an `AWSLogs/` lies below the source. A folder that cannot be listed may contain one; the run reports the
/// failure.
fn may_be_prefix(workers: WorkerPool<'_>, source: &SourceFolder) -> bool {
    let mut level = vec![source.prefix.clone()];
    let mut looked = 0;
    while !level.is_empty() && looked < MAX_FOLDERS {
        level.truncate(MAX_FOLDERS - looked);
        looked += level.len();
        let listed = workers.ask(&level, |prefix| workers.store.list_dirs(&source.bucket, prefix));
        if listed.len() < level.len() {
            return true;
        }
        let mut next = Vec::new();
        for (prefix, names) in level.iter().zip(listed) {
            let Ok(names) = names else { return true };
            if names.iter().any(|name| name == AWS_LOGS) {
                return true;
            }
            next.extend(names.iter().take(MAX_FOLDERS).map(|name| format!("{prefix}{name}/")));
        }
        level = next;
    }
    false
}
