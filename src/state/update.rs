//! Changes of a state file, applied to whatever content the file has when it is written.

use super::days::DayUpdate;
use super::digests::DigestUpdate;
use super::document::StateDocument;
use super::findings::FindingUpdate;
use super::marker::{ATTEMPTS, LoadedFile, load, wait};
use super::place::{PlaceError, StatePlace};
use super::scope::StateScope;
use super::session::RunIdentity;
use super::{StateError, wire};

/// The change of a file by a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StateUpdate {
    pub(super) scope: StateScope,
    /// The sources, as typed, that hold what the run proved.
    pub(super) sources: Vec<String>,
    /// All sources of the run, and its stamp.
    pub(super) identity: RunIdentity,
    pub(super) digests: DigestUpdate,
    pub(super) days: DayUpdate,
    pub(super) findings: FindingUpdate,
}

impl StateUpdate {
    pub(super) fn new(scope: StateScope, identity: RunIdentity) -> Self {
        Self {
            scope,
            sources: Vec::new(),
            identity,
            digests: DigestUpdate::default(),
            days: DayUpdate::default(),
            findings: FindingUpdate::default(),
        }
    }

    fn apply(&self, document: &mut StateDocument) {
        let RunIdentity { run, sources } = &self.identity;
        document.run.clone_from(run);
        document.sources.extend(self.sources.iter().cloned());
        if document.sources.is_empty() || matches!(self.scope, StateScope::Run { .. }) {
            document.sources.extend(sources.typed.iter().cloned());
        }
        document.sources.sort();
        document.sources.dedup();
        self.digests.apply(document);
        self.days.apply(document, run);
        self.findings.apply(document);
    }

    /// How many findings the file has no room for. `loaded` is the file as the run read it.
    pub(super) fn without_room(&self, loaded: Option<&LoadedFile>) -> usize {
        match loaded {
            Some(file) => self.findings.without_room_in(&file.document),
            None => self
                .findings
                .without_room_in(&StateDocument::new(self.scope.clone(), self.identity.run.clone())),
        }
    }

    /// Writes the change, and returns the new generation. `loaded` is the file as the run read it.
    pub(super) fn commit(
        &self,
        place: &dyn StatePlace,
        file: &str,
        loaded: Option<LoadedFile>,
    ) -> Result<u64, StateError> {
        let new = || StateDocument::new(self.scope.clone(), self.identity.run.clone());
        change(place, file, &self.scope, loaded, new, |document| {
            self.apply(document);
            Ok(())
        })
    }
}

/// Changes a file: reads, applies and writes again while other runs get ahead. Returns the new generation.
pub(super) fn change(
    place: &dyn StatePlace,
    file: &str,
    scope: &StateScope,
    mut loaded: Option<LoadedFile>,
    new: impl Fn() -> StateDocument,
    apply: impl Fn(&mut StateDocument) -> Result<(), StateError>,
) -> Result<u64, StateError> {
    let mut seen = loaded.as_ref().map_or(0, |loaded| loaded.document.generation);
    for attempt in 0..ATTEMPTS {
        wait(attempt);
        if attempt > 0 {
            // Another run was faster: apply the change to what that run wrote.
            loaded = load(place, file, scope, seen)?;
            seen = loaded.as_ref().map_or(seen, |loaded| loaded.document.generation.max(seen));
        }
        let (mut document, version) = match loaded.take() {
            Some(LoadedFile { document, version }) => (document, Some(version)),
            None => (new(), None),
        };
        apply(&mut document)?;
        document.generation = document.generation.saturating_add(1);
        let bytes = wire::write(&document, file)?;
        // What a later run would refuse takes no place of what it reads.
        wire::read(&bytes, scope, file)?;
        match place.write(file, &bytes, version.as_ref()) {
            Ok(_) => return Ok(document.generation),
            Err(PlaceError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StateError::Busy { file: file.to_owned(), times: ATTEMPTS })
}
