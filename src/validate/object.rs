//! Answers for single objects: a log file, or a digest with the log files it lists.
//!
//! A log file's name gives account, region and minute, so the digest that lists it is looked for near that minute first.
//! It may be listed up to 30 days later: later digests are read where the near ones do not list it. What lies beside the
//! object is not asked about, so coverage, additions and other log files are left out of the answer. Where no proved
//! digest lists it, all that is said of the near digests is the answer too: one of them may have listed it.

mod answer;

use std::io;

use super::driver;
use super::request::{Outcome, Request, Tools};
use super::target::{ObjectTarget, until};
use crate::event::{Event, Fault, Finding, Sink};
use crate::store::relocated::RelocatedStore;
use crate::time::{DAY, HOUR, Interval};
use answer::ObjectAnswer;

/// How long CloudTrail tries to deliver to a bucket that it cannot reach, in seconds.
///
/// Source: AWS CloudTrail User Guide, "Receiving CloudTrail log files".
const LATE: i64 = 30 * DAY + HOUR;

/// Validates each object that is asked about, one after the other.
pub(super) fn validate(request: &Request, tools: Tools<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    let mut whole = Outcome::default();
    for (index, object) in request.objects.iter().enumerate() {
        let target =
            ObjectTarget::of(object).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let answer = target.answer(request, tools, index == 0)?;
        answer.tell(&mut whole, sink)?;
    }
    Ok(whole)
}

impl ObjectTarget {
    /// Whether the run is narrowed to an account or a region that it does not lie in.
    fn is_excluded(&self, request: &Request) -> bool {
        let folder = self.folder();
        let excludes =
            |names: &[String], name: &str| !names.is_empty() && names.iter().all(|one| one != name);
        excludes(&request.accounts, &folder.account) || excludes(&request.regions, &folder.region)
    }

    /// Runs the engine over the digests of `stretch` in its region.
    fn run(
        &self,
        request: &Request,
        tools: Tools<'_>,
        stretch: Interval,
    ) -> io::Result<(Vec<Event>, Outcome)> {
        let mut inner = Request {
            sources: vec![self.source()],
            objects: Vec::new(),
            range: until(stretch, request),
            every_object: true,
            ..request.clone()
        };
        if let Self::Digest { key, .. } = self {
            inner.trails.push(key.trail.to_string());
        }
        let mut events: Vec<Event> = Vec::new();
        let outcome = driver::run(&inner, tools, Some(self), &mut events)?;
        Ok((events, outcome))
    }

    fn answer(&self, request: &Request, tools: Tools<'_>, is_first: bool) -> io::Result<ObjectAnswer> {
        if self.is_excluded(request) {
            let finding = Finding::new(Fault::ObjectExcluded, self.near().end).about(self.place());
            return Ok(ObjectAnswer::of_findings(vec![finding]));
        }
        let near = self.near();
        let (events, outcome) = self.run(request, tools, near)?;
        let mut said = if is_first { answer::of_run(&events, request) } else { Vec::new() };
        let mut answer = ObjectAnswer::about(self, request, &events, &outcome);
        if let Self::Log { .. } = self
            && !answer.is_found()
            && !outcome.interrupted
        {
            let wide = Interval { start: near.start, end: near.end.plus(LATE) };
            let (later, outcome) = self.run(request, tools, wide)?;
            let late = ObjectAnswer::about(self, request, &later, &outcome);
            answer = if late.is_found() { late } else { answer.or_nothing(&events) };
            answer.interrupted |= outcome.interrupted;
        }
        if !answer.is_found() && !answer.interrupted {
            answer.findings.push(self.unlisted(request, tools));
        }
        said.append(&mut answer.findings);
        answer.findings = said;
        Ok(answer)
    }

    /// What is said of an object that no proved digest lists.
    fn unlisted(&self, request: &Request, tools: Tools<'_>) -> Finding {
        let store = RelocatedStore { inner: tools.store, relocations: &request.relocations };
        let found = crate::store::Store::get(&store, self.place());
        let fault = match (self, found) {
            (_, Err(crate::store::StoreError::NotFound)) => Fault::NoSuchObject,
            (Self::Log { .. }, Ok(_)) => Fault::ObjectUnlisted,
            (Self::Log { .. }, Err(error)) => Fault::ObjectUnreadable { why: error.to_string() },
            (Self::Digest { .. }, _) => Fault::NotAskedDigest,
        };
        Finding::new(fault, self.near().end)
            .about(self.place())
            .of_region(&self.folder().account, &self.folder().region)
    }
}
