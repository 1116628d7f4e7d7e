//! A single object of a request, by its name.

use super::request::{SourceFolder, ValidationRequest};
use super::source_path::{self, DIGESTS, ExpectedSegment, SourceError};
use crate::ident::{DigestKey, Location, LogFolderKey, RegionFolder, Relocation};
use crate::store::Store;
use crate::time::{Interval, Range};

/// Seconds between a log file's name and the digest that lists the log file, if CloudTrail was not kept from
/// delivering.
const NEAR: i64 = 35 * 60;

/// An object of a request.
pub(super) enum ObjectTarget {
    /// A log file, with the time in its name.
    Log { place: Location, folder: RegionFolder, time: Interval },
    /// A digest file, with its log files.
    Digest { place: Location, key: Box<DigestKey> },
}

/// Whether `location` may be a single object in the folder of a day, by its name: a digest or a log file.
#[must_use]
pub fn is_object(location: &Location) -> bool {
    source_path::split_day(&location.key).is_some()
}

/// The stretch of time of `objects`, by their names; `None` without objects.
#[must_use]
pub fn range_of(objects: &[Location]) -> Option<Interval> {
    objects.iter().filter_map(|object| Some(ObjectTarget::of(object).ok()?.near())).reduce(Interval::hull)
}

/// The request of a plan for single objects: the digests near each object, in the ranges and folders that a run reads
/// first. `None` without objects.
pub(super) fn planned(request: &ValidationRequest) -> Result<Option<ValidationRequest>, SourceError> {
    let mut sources = Vec::new();
    let mut near: Option<Interval> = None;
    for object in &request.objects {
        let target = ObjectTarget::of(object)?;
        sources.push(target.source());
        near = Some(near.map_or_else(|| target.near(), |near| near.hull(target.near())));
    }
    Ok(near.map(|near| ValidationRequest {
        sources,
        objects: Vec::new(),
        range: until(near, request),
        ..request.clone()
    }))
}

/// A stretch as a range that ends at the present at the latest.
pub(super) fn until(stretch: Interval, request: &ValidationRequest) -> Range {
    Range { start: Some(stretch.start), end: stretch.end.min(request.now).max(stretch.start.plus(1)) }
}

impl ObjectTarget {
    /// The object at `place`, by its key.
    pub(super) fn of(place: &Location) -> Result<Self, SourceError> {
        let odd = |expected| SourceError::Segment {
            source_uri: place.to_string(),
            segment: place.name().to_owned(),
            expected,
        };
        let (region, _) = source_path::split_day(&place.key).ok_or_else(|| odd(ExpectedSegment::Date))?;
        if region.folder.as_deref() == Some(DIGESTS) {
            let key = DigestKey::parse(place).ok_or_else(|| odd(ExpectedSegment::DigestName))?;
            return Ok(Self::Digest { place: place.clone(), key: Box::new(key) });
        }
        let rest = place.key.strip_prefix(&*region.prefix()).and_then(LogFolderKey::parse);
        let time = match rest.ok_or_else(|| odd(ExpectedSegment::Date))? {
            LogFolderKey::Minute(minute) => Interval { start: minute, end: minute.plus(60) },
            LogFolderKey::Day(day) => day,
        };
        let folder = region.region_folder(&place.bucket).ok_or_else(|| odd(ExpectedSegment::Region))?;
        Ok(Self::Log { place: place.clone(), folder, time })
    }

    /// Whether to hash the log file at `log`: the target is the log file, or the digest that lists the log file.
    pub(super) fn has_log(
        &self,
        places: ObjectPlaces<'_>,
        log: &Location,
        digest: Option<&Location>,
    ) -> bool {
        match self {
            Self::Log { place, .. } => places.is_at(log, place),
            Self::Digest { place, .. } => digest.is_some_and(|digest| places.is_at(digest, place)),
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

    /// The folder of the digests that answer for the object.
    pub(super) fn source(&self) -> SourceFolder {
        let folder = self.folder();
        SourceFolder { bucket: folder.bucket.to_string(), prefix: folder.digest_prefix() }
    }

    /// The time of the digests that are read first.
    pub(super) fn near(&self) -> Interval {
        match self {
            Self::Log { time, .. } => Interval { start: time.start.plus(-NEAR), end: time.end.plus(NEAR) },
            Self::Digest { key, .. } => Interval { start: key.end.plus(-1), end: key.end },
        }
    }
}

/// What tells where an object lies: the moves that the user named, and the store.
#[derive(Clone, Copy)]
pub(super) struct ObjectPlaces<'p> {
    pub(super) moves: &'p [Relocation],
    pub(super) store: &'p dyn Store,
}

impl ObjectPlaces<'_> {
    /// Whether the object recorded at `recorded` lies at `place`: directly, by a named move, or because a copy holds the
    /// object in a folder that stands for another place.
    pub(super) fn is_at(self, recorded: &Location, place: &Location) -> bool {
        let mut copies = self.moves.iter().filter_map(|moved| moved.copy_of(recorded));
        let is_shown = || {
            recorded.name() == place.name()
                && self.store.is_copy()
                && self.store.shown_at(recorded).as_ref() == Some(place)
        };
        recorded == place || copies.any(|copy| copy == *place) || is_shown()
    }
}
