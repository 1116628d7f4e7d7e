//! Acceptances: a finding that a person accepts is a notice in each later report.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::StateError;
use super::document::{RememberedFinding, StateDocument, StoredAcceptance};
use super::marker::{Marker, OpenState};
use super::place::StatePlace;
use super::update::change;

impl OpenState {
    /// Checks that the finding `id` can be accepted; accepted before only if that is to be `replaced`.
    ///
    /// # Errors
    /// [`StateError::NoSuchFinding`], [`StateError::Unseen`], [`StateError::Uncountable`] and
    /// [`StateError::AlreadyAccepted`].
    pub fn check_acceptable(&self, id: &str, replaced: bool) -> Result<(), StateError> {
        let findings = self.files.values().flat_map(|file| &file.document.findings);
        let finding = findings.into_iter().find(|finding| finding.id == id);
        let finding = finding.ok_or_else(|| StateError::NoSuchFinding { id: id.to_owned() })?;
        check_seen(finding)?;
        if replaced { Ok(()) } else { is_not_accepted(finding) }
    }

    /// Accepts the finding `id`, and returns the finding as it was.
    ///
    /// # Errors
    /// [`StateError::NoSuchFinding`], [`StateError::Unseen`], [`StateError::Uncountable`],
    /// [`StateError::AlreadyAccepted`], and the errors of the place.
    pub fn accept(
        self,
        place: &dyn StatePlace,
        id: &str,
        acceptance: &StoredAcceptance,
    ) -> Result<RememberedFinding, StateError> {
        self.change_acceptance(place, id, acceptance, is_not_accepted)
    }

    /// Accepts the finding `id`, accepted already or not, and returns the finding as it was.
    ///
    /// # Errors
    /// Those of [`OpenState::accept`], but never [`StateError::AlreadyAccepted`].
    pub fn replace_acceptance(
        self,
        place: &dyn StatePlace,
        id: &str,
        acceptance: &StoredAcceptance,
    ) -> Result<RememberedFinding, StateError> {
        self.change_acceptance(place, id, acceptance, |_| Ok(()))
    }

    /// Changes the acceptance of the finding `id`, if the finding passes the `check`.
    fn change_acceptance(
        self,
        place: &dyn StatePlace,
        id: &str,
        acceptance: &StoredAcceptance,
        check: impl Fn(&RememberedFinding) -> Result<(), StateError>,
    ) -> Result<RememberedFinding, StateError> {
        let missing = || StateError::NoSuchFinding { id: id.to_owned() };
        let find =
            |document: &StateDocument| document.findings.iter().find(|finding| finding.id == id).cloned();
        let holds = |(_, file): &(String, super::marker::LoadedFile)| find(&file.document).is_some();
        let (name, file) = self.files.into_iter().find(holds).ok_or_else(missing)?;
        let finding = find(&file.document).ok_or_else(missing)?;
        check_seen(&finding)?;
        // Another run may change the file meanwhile: the finding that is replaced tells how it was.
        let before = RefCell::new(finding);
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
                check(finding)?;
                before.replace(finding.clone());
                finding.accepted = Some(acceptance.clone());
                Ok(())
            },
        )?;
        Marker::raise(place, &BTreeMap::from([(name, generation)]))?;
        Ok(before.into_inner())
    }
}

/// Checks that a finding tells what was seen, and how much of it.
fn check_seen(finding: &RememberedFinding) -> Result<(), StateError> {
    let id = || finding.id.clone();
    if finding.unseen {
        return Err(StateError::Unseen { id: id() });
    }
    if !finding.is_acceptable() {
        return Err(StateError::Uncountable { id: id() });
    }
    Ok(())
}

fn is_not_accepted(finding: &RememberedFinding) -> Result<(), StateError> {
    match finding.accepted.clone() {
        Some(StoredAcceptance { reason, by, at }) => Err(StateError::AlreadyAccepted { by, at, reason }),
        None => Ok(()),
    }
}
