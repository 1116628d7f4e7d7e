//! Answers for single objects: a log file, or a digest with its log files.
//!
//! A log file's name gives account, region and minute, so the digests near that minute are read first. A digest may
//! list the log file up to 30 days later: if the near digests do not list the log file, later digests are read. Only
//! the object is asked about, so the answer leaves out coverage, additions and other log files. If no proved digest
//! lists the object, the answer includes all findings on the near digests: one of them may have listed the object.

mod answer;

use std::io;

use super::again;
use super::driver;
use super::moved;
use super::request::{RunOutcome, RunTools, ValidationRequest};
use super::target::{ObjectPlaces, ObjectTarget, until};
use crate::event::{Event, Fault, Finding, Sink};
use crate::store::relocated::RelocatedStore;
use crate::time::{DAY, HOUR, Interval};
use answer::ObjectAnswer;

/// Seconds that CloudTrail tries to deliver to an unreachable bucket.
///
/// Source: AWS CloudTrail User Guide, "Receiving CloudTrail log files".
const LATE: i64 = 30 * DAY + HOUR;

/// Validates each object of the request in turn.
pub(super) fn validate(
    request: &ValidationRequest,
    tools: RunTools<'_>,
    sink: &mut dyn Sink,
) -> io::Result<RunOutcome> {
    let mut whole = RunOutcome::default();
    for (index, object) in request.objects.iter().enumerate() {
        let target =
            ObjectTarget::of(object).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let answer = target.answer(request, tools, index == 0)?;
        answer.send(&mut whole, sink)?;
    }
    Ok(whole)
}

impl ObjectTarget {
    /// Whether the request is narrowed to accounts or regions without the object.
    fn is_excluded(&self, request: &ValidationRequest) -> bool {
        let folder = self.folder();
        let excludes =
            |names: &[String], name: &str| !names.is_empty() && names.iter().all(|asked| asked != name);
        excludes(&request.accounts, &folder.account) || excludes(&request.regions, &folder.region)
    }

    /// Runs the engine over the digests of `stretch` in the object's region.
    fn run(
        &self,
        request: &ValidationRequest,
        tools: RunTools<'_>,
        stretch: Interval,
    ) -> io::Result<(Vec<Event>, RunOutcome)> {
        let mut inner = ValidationRequest {
            sources: vec![self.source()],
            objects: Vec::new(),
            range: until(stretch, request),
            every_object: true,
            joins_findings: false,
            ..request.clone()
        };
        if let Self::Digest { key, .. } = self {
            inner.trails.push(key.trail.to_string());
        }
        let mut events: Vec<Event> = Vec::new();
        let outcome = driver::run(&inner, tools, Some(self), &mut events)?;
        Ok((events, outcome))
    }

    fn answer(
        &self,
        request: &ValidationRequest,
        tools: RunTools<'_>,
        is_first: bool,
    ) -> io::Result<ObjectAnswer> {
        if self.is_excluded(request) {
            let finding = Finding::new(Fault::ObjectExcluded, self.near().end).about(self.place());
            return Ok(ObjectAnswer::of_findings(vec![finding]));
        }
        // 1. Read the digests near the time in the object's name.
        let near = self.near();
        let places = ObjectPlaces { moves: &request.relocations, store: tools.store };
        let (events, outcome) = self.run(request, tools, near)?;
        let mut findings = if is_first { answer::run_wide_findings(&events, request) } else { Vec::new() };
        let mut answer = ObjectAnswer::about(self, request, places, &events, &outcome);
        if let Self::Log { .. } = self
            && !answer.is_found()
            && !outcome.interrupted
        {
            // 2. A late delivery is listed by a later digest.
            let wide = Interval { start: near.start, end: near.end.plus(LATE) };
            let (later, outcome) = self.run(request, tools, wide)?;
            let late = ObjectAnswer::about(self, request, places, &later, &outcome);
            answer = if late.is_found() { late } else { answer.or_near_digests(&events) };
            answer.interrupted |= outcome.interrupted;
        }
        // 3. No proved digest lists the object.
        if !answer.is_found() && !answer.interrupted {
            answer.findings.push(self.unanswered(request, tools));
        }
        findings.append(&mut answer.findings);
        answer.findings = findings;
        Ok(answer)
    }

    /// The finding on an object that no proved digest lists.
    fn unanswered(&self, request: &ValidationRequest, tools: RunTools<'_>) -> Finding {
        let store = RelocatedStore {
            inner: tools.store,
            relocations: &request.relocations,
            replicas: &request.replicas,
        };
        let found = crate::store::Store::get(&store, self.place());
        let (content, found) = match found {
            Ok(object) => (again::stored_hash(object), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let fault = match (self, found) {
            (_, Err(crate::store::StoreError::NotFound)) => Fault::NoSuchObject,
            (Self::Log { .. }, Ok(_)) => Fault::ObjectUnlisted,
            (Self::Log { .. }, Err(error)) => Fault::ObjectUnreadable { why: error.to_string() },
            (Self::Digest { .. }, _) => Fault::NotAskedDigest,
        };
        let finding = Finding::new(fault, self.near().end).about(self.place());
        let finding = Finding { content: content.map(|hash| hash.to_string()), ..finding };
        let finding = finding.of_region(&self.folder().account, &self.folder().region);
        moved::with_place(finding, &request.relocations)
    }
}
