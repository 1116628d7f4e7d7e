//! Whether each source names something that can be validated: asked before a run begins.

use super::cancel::Cancellation;
use super::request::{Request, Source, Tools};
use super::scope::{AWS_LOGS, Scope, SourceError};
use super::target::ObjectTarget;
use super::workers::WorkerPool;

/// How many folders below an odd segment are looked into for `AWSLogs/` before the segment is taken for a mistake.
const MAX_FOLDERS: usize = 1_000;

/// Makes sure that each source names something that can be validated. The store is asked only about a source with an odd
/// segment below `AWSLogs/`, which may be part of a trail's prefix.
///
/// # Errors
/// [`SourceError`], of the first source that does not.
pub fn check(request: &Request, tools: Tools<'_>) -> Result<(), SourceError> {
    let halt = Cancellation::new(tools.stop);
    let workers = WorkerPool { pool: tools.pool, store: tools.store, halt: &halt };
    if let Some(object) = request.objects.first()
        && !(request.sources.is_empty() && request.typed.is_empty())
    {
        return Err(SourceError::Mixed { object: object.to_string() });
    }
    request.objects.iter().try_for_each(|object| ObjectTarget::of(object).map(drop))?;
    request.sources.iter().try_for_each(|source| check_source(workers, source))
}

fn check_source(workers: WorkerPool<'_>, source: &Source) -> Result<(), SourceError> {
    let source_uri = source.to_string();
    match Scope::parse(&source.prefix) {
        Scope::Above | Scope::Below(_) => Ok(()),
        Scope::Time { region, stretch } => {
            let region = Source { prefix: region.prefix(), ..source.clone() };
            Err(SourceError::Time { source_uri, region_uri: region.to_string(), stretch })
        }
        Scope::Odd(..) if may_be_prefix(workers, source) => Ok(()),
        Scope::Odd(segment, expected) => Err(SourceError::Segment { source_uri, segment, expected }),
    }
}

/// Whether an `AWSLogs/` lies below the source. What cannot be listed may hold one: the run says so.
fn may_be_prefix(workers: WorkerPool<'_>, source: &Source) -> bool {
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
