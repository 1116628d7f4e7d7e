//! The marker of a place, and the place opened with all that a run asks about.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::document::StateDocument;
use super::place::{FileVersion, PlaceError, StatePlace};
use super::scope::StateScope;
use super::{SCHEMA, StateError, parallel, wire};
use crate::ident::Sha256Hash;

/// The file name of the marker.
pub(super) const MARKER: &str = "place.json";

/// The only file that a marker names before it is ready.
const PROBE: &str = "probe";

/// How often a change is tried that other runs get ahead of.
pub(super) const ATTEMPTS: u32 = 100;

/// Waits before another attempt, longer each time, so that many runs get through one after the other: a minute in all.
pub(super) fn wait(attempt: u32) {
    thread::sleep(Duration::from_millis(12).saturating_mul(attempt));
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    schema: String,
    r#type: String,
    /// Tells the place from every other; lacks in a place that only an older version wrote to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whether `state init` found the place to be usable.
    ready: bool,
    /// The highest generation of each file.
    pub(super) files: BTreeMap<String, u64>,
}

impl Marker {
    fn new(ready: bool) -> Self {
        let (schema, r#type) = (SCHEMA.to_owned(), "place".to_owned());
        Self { schema, r#type, id: None, ready, files: BTreeMap::new() }
    }

    /// A marker that is not ready, with a number of its own.
    fn probe(number: u64) -> Self {
        Self { files: BTreeMap::from([(PROBE.to_owned(), number)]), ..Self::new(false) }
    }

    fn probe_number(&self) -> u64 {
        self.files.get(PROBE).copied().unwrap_or_default()
    }

    fn read(place: &dyn StatePlace) -> Result<Option<(Self, FileVersion)>, StateError> {
        let Some(file) = place.read(MARKER)? else { return Ok(None) };
        let marker: Self = wire::unseal(&file.bytes, MARKER)?;
        if marker.r#type != "place" {
            return Err(StateError::Foreign { file: MARKER.to_owned(), why: "it is no marker".to_owned() });
        }
        Ok(Some((marker, file.version)))
    }

    fn require(place: &dyn StatePlace) -> Result<(Self, FileVersion), StateError> {
        match Self::read(place)? {
            None => {
                place.check_holder()?;
                Err(StateError::NotAState { place: place.name() })
            }
            Some((marker, _)) if !marker.ready => Err(StateError::Unfinished { place: place.name() }),
            Some(found) => Ok(found),
        }
    }

    /// Raises the generations in the marker of `place`.
    pub(super) fn raise(
        place: &dyn StatePlace,
        generations: &BTreeMap<String, u64>,
    ) -> Result<(), StateError> {
        for attempt in 0..ATTEMPTS {
            wait(attempt);
            let (mut marker, version) = Self::require(place)?;
            marker.id.get_or_insert_with(|| new_id(place));
            for (file, generation) in generations {
                let highest = marker.files.entry(file.clone()).or_default();
                *highest = (*highest).max(*generation);
            }
            match place.write(MARKER, &wire::seal(&marker, MARKER)?, Some(&version)) {
                Err(PlaceError::Changed) => {}
                written => return Ok(written.map(drop)?),
            }
        }
        Err(StateError::Busy { file: MARKER.to_owned(), times: ATTEMPTS })
    }
}

/// Makes a state of an empty place, once the place was seen to honour conditional writes. Without them, one of two runs
/// at the same time would overwrite what the other remembers.
///
/// # Errors
/// [`StateError::AlreadyAState`] for a state, [`StateError::MarkerLost`] for a place with files of a state and without a
/// marker, and [`StateError::Unconditional`] for a place that ignores a condition or
/// answers it wrongly.
pub fn init(place: &dyn StatePlace) -> Result<(), StateError> {
    let refused = |why: &str| StateError::Unconditional { place: place.name(), why: why.to_owned() };
    let probe = |number: u64| wire::seal(&Marker::probe(number), MARKER);
    let found = Marker::read(place)?;
    if found.as_ref().is_some_and(|(marker, _)| marker.ready) {
        return Err(StateError::AlreadyAState { place: place.name() });
    }
    // 1. The files of a state that lost its marker must not become a new state: the generations are in the marker, and an
    //    older file would pass for the newest.
    let left = place.list()?;
    if let Some(first) = left.first() {
        let files = u64::try_from(left.len()).unwrap_or(u64::MAX);
        return Err(StateError::MarkerLost { place: place.name(), files, first: first.clone() });
    }
    // 2. Write a marker that is not ready: a run refuses the place until every condition was honoured.
    let (number, first) = match found {
        Some((marker, version)) => (marker.probe_number(), version),
        None => match place.write(MARKER, &probe(1)?, None) {
            Err(PlaceError::Changed) => {
                return Err(refused("it refused to write a file that it does not have"));
            }
            written => (1, written?),
        },
    };
    // 3. A second first write must be refused, and so must a write over content that is not there. Each write has other
    //    content: the ETag of equal content would be equal.
    let second = probe(number.saturating_add(1))?;
    if !is_changed(place.write(MARKER, &second, None))? {
        return Err(refused("it ignored `If-None-Match: *`, and wrote over a file"));
    }
    let current = match place.write(MARKER, &second, Some(&first)) {
        Ok(current) => current,
        Err(PlaceError::Changed) => return Err(refused("it refused `If-Match` with the ETag of the file")),
        Err(error) => return Err(error.into()),
    };
    if !is_changed(place.write(MARKER, &probe(number.saturating_add(2))?, Some(&first)))? {
        return Err(refused("it ignored `If-Match`, and wrote over a newer file"));
    }
    // 4. What is there is what was written, whatever was answered.
    if place.read(MARKER)?.map(|file| file.bytes) != Some(second) {
        return Err(refused("it did not hold the content that it said it wrote"));
    }
    let marker = Marker { id: Some(new_id(place)), ..Marker::new(true) };
    match place.write(MARKER, &wire::seal(&marker, MARKER)?, Some(&current)) {
        Err(PlaceError::Changed) => Err(refused("another `state init` is running")),
        written => Ok(written.map(drop)?),
    }
}

/// An id that no other place has: of the place's name, this process and this moment. It is no secret.
fn new_id(place: &dyn StatePlace) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_nanos()).unwrap_or_default();
    let hash = Sha256Hash::of(format!("{} {} {now}", place.name(), std::process::id()).as_bytes());
    hash.to_string().get(..32).unwrap_or_default().to_owned()
}

fn is_changed(written: Result<FileVersion, PlaceError>) -> Result<bool, StateError> {
    match written {
        Ok(_) => Ok(false),
        Err(PlaceError::Changed) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub(super) struct LoadedFile {
    pub(super) document: StateDocument,
    pub(super) version: FileVersion,
}

/// A state with its files as they were read.
#[derive(Debug)]
pub struct OpenState {
    pub(super) files: BTreeMap<String, LoadedFile>,
    /// The id of the place.
    pub(super) id: Option<String>,
    /// Whether the place has files that nobody asked for.
    pub(super) has_others: bool,
}

impl OpenState {
    /// Reads the files of each scope that `is_asked` names.
    ///
    /// # Errors
    /// [`StateError`] for a place that is no state, and for a file that is gone, damaged, foreign or older than it was.
    pub fn open(place: &dyn StatePlace, is_asked: impl Fn(&StateScope) -> bool) -> Result<Self, StateError> {
        let (marker, _) = Marker::require(place)?;
        let listed = place.list()?;
        let known: BTreeSet<&String> = marker.files.keys().chain(&listed).collect();
        let all = known.len();
        let mut asked: Vec<(&String, StateScope)> = Vec::new();
        for file in known {
            let scope = StateScope::parse(file).ok_or_else(|| StateError::Foreign {
                file: file.clone(),
                why: "its name is not that of a state file".to_owned(),
            })?;
            if is_asked(&scope) {
                asked.push((file, scope));
            }
        }
        let seen = |file: &String| marker.files.get(file).copied().unwrap_or_default();
        let loaded = parallel::each(&asked, |(file, scope)| load(place, file, scope, seen(file)))?;
        let files =
            asked.iter().zip(loaded).filter_map(|((file, _), loaded)| Some(((*file).clone(), loaded?)));
        let files = files.collect();
        let has_others = asked.len() < all;
        Ok(Self { files, id: marker.id, has_others })
    }

    /// The documents, in order of file name.
    pub fn documents(&self) -> impl Iterator<Item = &StateDocument> {
        self.files.values().map(|file| &file.document)
    }
}

/// The file of `scope`, of generation `seen` at least. `None` for a file that never was.
pub(super) fn load(
    place: &dyn StatePlace,
    file: &str,
    scope: &StateScope,
    seen: u64,
) -> Result<Option<LoadedFile>, StateError> {
    let Some(found) = place.read(file)? else {
        return if seen == 0 { Ok(None) } else { Err(StateError::Gone { file: file.to_owned(), seen }) };
    };
    let document = wire::read(&found.bytes, scope, file)?;
    if document.generation < seen {
        return Err(StateError::Older { file: file.to_owned(), found: document.generation, seen });
    }
    Ok(Some(LoadedFile { document, version: found.version }))
}
