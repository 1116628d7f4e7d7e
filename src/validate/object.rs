//! Answers for single objects: a log file, or a digest with the log files it lists.
//!
//! A log file's name gives account, region and minute, so the digest that lists it is looked for near that minute first.
//! It may be listed up to 30 days later: later digests are read where the near ones do not list it. What lies beside the
//! object is not asked about, so coverage, additions and other log files are left out of the answer. Where no proved
//! digest lists it, all that is said of the near digests is the answer too: one of them may have listed it.

mod answer;

use std::io;

use super::scope::{self, DIGESTS, Expected};
use super::{Outcome, Request, Source, SourceError, Tools};
use crate::event::{Event, Fault, Finding, Sink};
use crate::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Relocation};
use crate::store::relocated::RelocatedStore;
use crate::time::{DAY, HOUR, Interval, Range};
use answer::Answer;

/// How far a log file's name may be from the digest that lists it, in seconds, where CloudTrail was not kept from
/// delivering.
const NEAR: i64 = 35 * 60;

/// How long CloudTrail tries to deliver to a bucket that it cannot reach, in seconds.
///
/// Source: AWS CloudTrail User Guide, "Receiving CloudTrail log files".
const LATE: i64 = 30 * DAY + HOUR;

/// An object that is asked about.
pub(super) enum Target {
    /// A log file, by its name of this time.
    Log { place: Location, folder: RegionFolder, time: Interval },
    /// A digest file, and the log files it lists.
    Digest { place: Location, key: Box<DigestKey> },
}

/// Whether `location` is that of a single object in the folder of a day: of a digest or a log file, as its name may be.
#[must_use]
pub fn is_object(location: &Location) -> bool {
    scope::in_day(&location.key).is_some()
}

/// The stretch that `objects` are of by their names; `None` where there is none.
#[must_use]
pub fn range_of(objects: &[Location]) -> Option<Interval> {
    objects.iter().filter_map(|object| Some(Target::of(object).ok()?.near())).reduce(Interval::hull)
}

/// Validates each object that is asked about, one after the other.
pub(super) fn validate(request: &Request, tools: Tools<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    let mut whole = Outcome::default();
    for (index, object) in request.objects.iter().enumerate() {
        let target =
            Target::of(object).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let answer = target.answer(request, tools, index == 0)?;
        answer.tell(&mut whole, sink)?;
    }
    Ok(whole)
}

/// The plan of objects: the digests near each, in the ranges and folders that a run reads first. `None` where none is
/// asked about.
pub(super) fn planned(request: &Request) -> Result<Option<Request>, SourceError> {
    let mut sources = Vec::new();
    let mut near: Option<Interval> = None;
    for object in &request.objects {
        let target = Target::of(object)?;
        sources.push(target.source());
        near = Some(near.map_or_else(|| target.near(), |near| near.hull(target.near())));
    }
    Ok(near.map(|near| Request {
        sources,
        objects: Vec::new(),
        range: until(near, request),
        ..request.clone()
    }))
}

/// A stretch as a range that does not end after the present.
fn until(stretch: Interval, request: &Request) -> Range {
    Range { start: Some(stretch.start), end: stretch.end.min(request.now).max(stretch.start.plus(1)) }
}

impl Target {
    /// What lies at `place` by its key.
    pub(super) fn of(place: &Location) -> Result<Self, SourceError> {
        let odd = |expected| SourceError::Segment {
            source_uri: place.to_string(),
            segment: place.name().to_owned(),
            expected,
        };
        let (region, _) = scope::in_day(&place.key).ok_or_else(|| odd(Expected::Date))?;
        if region.folder.as_deref() == Some(DIGESTS) {
            let key = DigestKey::parse(place).ok_or_else(|| odd(Expected::DigestName))?;
            return Ok(Self::Digest { place: place.clone(), key: Box::new(key) });
        }
        let rest = place.key.strip_prefix(&*region.prefix()).and_then(LogFolderKey::parse);
        let time = match rest.ok_or_else(|| odd(Expected::Date))? {
            LogFolderKey::Minute(minute) => Interval { start: minute, end: minute.plus(60) },
            LogFolderKey::Day(day) => day,
        };
        let folder = region.region_folder(&place.bucket).ok_or_else(|| odd(Expected::Region))?;
        Ok(Self::Log { place: place.clone(), folder, time })
    }

    /// Whether a digest lists it, or is it, and the log file at `log` is to be hashed for that.
    pub(super) fn has_log(&self, moves: &[Relocation], log: &Location, digest: Option<&Location>) -> bool {
        match self {
            Self::Log { place, .. } => is_at(moves, log, place),
            Self::Digest { place, .. } => digest.is_some_and(|digest| is_at(moves, digest, place)),
        }
    }

    fn place(&self) -> &Location {
        match self {
            Self::Log { place, .. } | Self::Digest { place, .. } => place,
        }
    }

    fn folder(&self) -> &RegionFolder {
        match self {
            Self::Log { folder, .. } => folder,
            Self::Digest { key, .. } => &key.folder,
        }
    }

    /// The folder of the digests that answer for it.
    fn source(&self) -> Source {
        let folder = self.folder();
        Source { bucket: folder.bucket.to_string(), prefix: folder.digest_prefix() }
    }

    /// The time of the digests that are read first.
    fn near(&self) -> Interval {
        match self {
            Self::Log { time, .. } => Interval { start: time.start.plus(-NEAR), end: time.end.plus(NEAR) },
            Self::Digest { key, .. } => Interval { start: key.end.plus(-1), end: key.end },
        }
    }

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
        let outcome = super::driver::run(&inner, tools, Some(self), &mut events)?;
        Ok((events, outcome))
    }

    fn answer(&self, request: &Request, tools: Tools<'_>, is_first: bool) -> io::Result<Answer> {
        if self.is_excluded(request) {
            let finding = Finding::new(Fault::ObjectExcluded, self.near().end).about(self.place());
            return Ok(Answer::of_findings(vec![finding]));
        }
        let near = self.near();
        let (events, outcome) = self.run(request, tools, near)?;
        let mut said = if is_first { answer::of_run(&events, request) } else { Vec::new() };
        let mut answer = Answer::about(self, request, &events, &outcome);
        if let Self::Log { .. } = self
            && !answer.is_found()
            && !outcome.interrupted
        {
            let wide = Interval { start: near.start, end: near.end.plus(LATE) };
            let (later, outcome) = self.run(request, tools, wide)?;
            let late = Answer::about(self, request, &later, &outcome);
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

/// Whether what is recorded at `recorded` lies at `place`, there or by a move that was named.
fn is_at(moves: &[Relocation], recorded: &Location, place: &Location) -> bool {
    recorded == place || moves.iter().filter_map(|moved| moved.copy_of(recorded)).any(|copy| copy == *place)
}
