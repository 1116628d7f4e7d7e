//! A single object that is asked about, by its name.

use super::request::{Request, Source};
use super::scope::{self, DIGESTS, Expected, SourceError};
use crate::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Relocation};
use crate::time::{Interval, Range};

/// How far a log file's name may be from the digest that lists it, in seconds, where CloudTrail was not kept from
/// delivering.
const NEAR: i64 = 35 * 60;

/// An object that is asked about.
pub(super) enum ObjectTarget {
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
    objects.iter().filter_map(|object| Some(ObjectTarget::of(object).ok()?.near())).reduce(Interval::hull)
}

/// The plan of objects: the digests near each, in the ranges and folders that a run reads first. `None` where none is
/// asked about.
pub(super) fn planned(request: &Request) -> Result<Option<Request>, SourceError> {
    let mut sources = Vec::new();
    let mut near: Option<Interval> = None;
    for object in &request.objects {
        let target = ObjectTarget::of(object)?;
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
pub(super) fn until(stretch: Interval, request: &Request) -> Range {
    Range { start: Some(stretch.start), end: stretch.end.min(request.now).max(stretch.start.plus(1)) }
}

impl ObjectTarget {
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

    pub(super) fn place(&self) -> &Location {
        match self {
            Self::Log { place, .. } | Self::Digest { place, .. } => place,
        }
    }

    pub(super) fn folder(&self) -> &RegionFolder {
        match self {
            Self::Log { folder, .. } => folder,
            Self::Digest { key, .. } => &key.folder,
        }
    }

    /// The folder of the digests that answer for it.
    pub(super) fn source(&self) -> Source {
        let folder = self.folder();
        Source { bucket: folder.bucket.to_string(), prefix: folder.digest_prefix() }
    }

    /// The time of the digests that are read first.
    pub(super) fn near(&self) -> Interval {
        match self {
            Self::Log { time, .. } => Interval { start: time.start.plus(-NEAR), end: time.end.plus(NEAR) },
            Self::Digest { key, .. } => Interval { start: key.end.plus(-1), end: key.end },
        }
    }
}

/// Whether what is recorded at `recorded` lies at `place`, there or by a move that was named.
pub(super) fn is_at(moves: &[Relocation], recorded: &Location, place: &Location) -> bool {
    recorded == place || moves.iter().filter_map(|moved| moved.copy_of(recorded)).any(|copy| copy == *place)
}
