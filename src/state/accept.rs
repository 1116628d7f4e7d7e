//! Acceptances: a finding that a person accepts is a notice in each later report.

use std::collections::BTreeMap;

use super::StateError;
use super::document::{RememberedFinding, StateDocument, StoredAcceptance};
use super::marker::{Marker, OpenState};
use super::place::StatePlace;
use super::update::change;

impl OpenState {
    /// Accepts the finding `id`.
    ///
    /// # Errors
    /// [`StateError::NoSuchFinding`], [`StateError::Uncountable`], and the errors of the place.
    pub fn accept(
        self,
        place: &dyn StatePlace,
        id: &str,
        acceptance: &StoredAcceptance,
    ) -> Result<RememberedFinding, StateError> {
        let missing = || StateError::NoSuchFinding { id: id.to_owned() };
        let find =
            |document: &StateDocument| document.findings.iter().find(|finding| finding.id == id).cloned();
        let holds = |(_, file): &(String, super::marker::LoadedFile)| find(&file.document).is_some();
        let (name, file) = self.files.into_iter().find(holds).ok_or_else(missing)?;
        let finding = find(&file.document).ok_or_else(missing)?;
        if !finding.is_acceptable() {
            return Err(StateError::Uncountable { id: id.to_owned() });
        }
        let scope = file.document.scope.clone();
        let document = file.document.clone();
        let generation = change(
            place,
            &name,
            &scope,
            Some(file),
            || document.clone(),
            |document| {
                let finding =
                    document.findings.iter_mut().find(|finding| finding.id == id).ok_or_else(missing)?;
                finding.accepted = Some(acceptance.clone());
                Ok(())
            },
        )?;
        Marker::raise(place, &BTreeMap::from([(name, generation)]))?;
        Ok(RememberedFinding { accepted: Some(acceptance.clone()), ..finding })
    }
}
