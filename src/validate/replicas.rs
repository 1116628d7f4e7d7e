//! Sources that are replicas of another source of the same run.
//!
//! A named move whose original is a source too is no move: the bucket and its replica are both there. Each is validated
//! on its own, the replica at the recorded paths. An object that one of them lacks is looked for in the others.

use std::io;

use super::driver;
use super::request::{RunOutcome, RunTools, SourceFolder, ValidationRequest};
use super::source_path;
use crate::event::{Finding, Sink};
use crate::ident::{Location, Relocation};

/// Validates the sources, then the replicas among them. Memory is about the originals: a replica may lag behind.
pub(super) fn validate(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    sink: &mut dyn Sink,
) -> io::Result<RunOutcome> {
    let mut whole: Option<RunOutcome> = None;
    for request in in_turn(request) {
        let outcome = driver::run(&request, tools, None, sink)?;
        whole = Some(match whole {
            Some(whole) => whole.with_replicas(outcome),
            None => outcome,
        });
    }
    Ok(whole.unwrap_or_default())
}

/// The requests that a request consists of: the request itself, or the originals and then their replicas.
pub(super) fn in_turn(request: &ValidationRequest) -> Vec<ValidationRequest> {
    match split(request) {
        Some((originals, copies)) => vec![originals, copies],
        None => vec![request.clone()],
    }
}

/// The replicas that a run reads.
pub(super) struct ReadReplicas {
    moves: Vec<Relocation>,
    /// The folders of the replicas, for findings that concern no single object.
    folders: String,
}

impl ReadReplicas {
    /// The replicas of a request; `None` for a request about originals.
    pub(super) fn of(request: &ValidationRequest) -> Option<Self> {
        if !request.is_of_replicas() {
            return None;
        }
        let folder = |source: &SourceFolder| format!("s3://{}/{}", source.bucket, source.prefix);
        let folders: Vec<String> = request.sources.iter().map(folder).collect();
        Some(Self { moves: request.replicas.clone(), folders: folders.join(" ") })
    }

    /// The same finding, with the object or the folders of the replica: the finding names the object by its recorded place.
    pub(super) fn name_in(&self, finding: Finding) -> Finding {
        let of_object = || {
            let (bucket, key) = finding.uri.as_deref()?.strip_prefix("s3://")?.split_once('/')?;
            let location = Location::new(bucket, key);
            let is_in_replica = |moved: &Relocation| {
                *location.bucket == *moved.to_bucket && location.key.starts_with(&*moved.to_prefix)
            };
            if self.moves.iter().any(is_in_replica) {
                return Some(location.to_string());
            }
            let mut copies = self.moves.iter().filter_map(|moved| moved.copy_of(&location));
            copies.next().map(|copy| copy.to_string())
        };
        let copy = finding.copy.clone().or_else(of_object).unwrap_or_else(|| self.folders.clone());
        Finding { copy: Some(copy), ..finding }
    }
}

impl RunOutcome {
    /// The outcome of the originals, with the outcome of their replicas. Memory is about the originals.
    #[must_use]
    pub(super) fn with_replicas(mut self, replicas: Self) -> Self {
        let Self { counts, keys, worst, interrupted, proved: _, sealed: _ } = replicas;
        self.counts.add(&counts);
        self.keys.extend(keys);
        self.worst = self.worst.max(worst);
        self.interrupted |= interrupted;
        self
    }
}

/// The request for the originals and the request for the replicas; `None` without a replica.
fn split(request: &ValidationRequest) -> Option<(ValidationRequest, ValidationRequest)> {
    let is_original = |moved: &Relocation, source: &SourceFolder| {
        source.bucket == moved.from_bucket && source_path::above_logs(&source.prefix) == moved.from_prefix
    };
    let is_replica = |moved: &Relocation, source: &SourceFolder| {
        source.bucket == moved.to_bucket && source_path::above_logs(&source.prefix) == moved.to_prefix
    };
    let (replicas, moves): (Vec<Relocation>, Vec<Relocation>) = request
        .relocations
        .iter()
        .cloned()
        .partition(|moved| request.sources.iter().any(|source| is_original(moved, source)));
    let (copies, originals): (Vec<SourceFolder>, Vec<SourceFolder>) =
        request.sources.iter().cloned().partition(|source| {
            replicas.iter().any(|moved| is_replica(moved, source))
                && !replicas.iter().any(|moved| is_original(moved, source))
        });
    if copies.is_empty() || originals.is_empty() {
        return None;
    }
    let of = |sources: Vec<SourceFolder>, relocations: Vec<Relocation>| ValidationRequest {
        typed: Vec::new(),
        sources,
        relocations,
        replicas: replicas.clone(),
        ..request.clone()
    };
    let originals = of(originals, moves);
    let copies =
        ValidationRequest { findings: Vec::new(), memory: None, ..of(copies, request.relocations.clone()) };
    Some((originals, copies))
}
