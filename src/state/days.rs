//! Sealed days: how a run changes what is remembered of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{RunStamp, StateDocument};
use super::sources::folder;
use crate::ident::RegionFolder;
use crate::validate::{SealedChanges, SealedFolder};

/// The most chains in the sealed days of a file, each day's chains counted. The oldest days beyond are read in each run.
pub const MAX_SEALED: usize = 12_000;

/// What a run changes in the sealed days of a file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct DayUpdate {
    pub(super) changes: Vec<SealedChanges>,
}

impl DayUpdate {
    pub(super) fn apply(&self, document: &mut StateDocument, run: &RunStamp) {
        for changes in &self.changes {
            let SealedChanges { folder, sealed, archived, opened, logs } = changes;
            let organization = folder.organization.as_deref().map(str::to_owned);
            let known = document.sealed.entry(organization).or_default();
            let mut changed = SealedFolder::clone(known);
            changed.days.retain(|day, _| !opened.contains(day));
            for (day, sealed) in sealed {
                let mut sealed = sealed.clone();
                (sealed.read, sealed.run) = (run.at, run.id.clone());
                changed.days.insert(*day, sealed);
            }
            for day in archived {
                if let Some(sealed) = changed.days.get_mut(day) {
                    sealed.is_archived = true;
                }
            }
            changed.logs.extend(logs);
            *known = Arc::new(changed);
        }
        forget_oldest(document);
        document.sealed.retain(|_, folder| !folder.days.is_empty());
    }
}

/// Keeps a file from growing without end: a file that is too large could not be written at all.
fn forget_oldest(document: &mut StateDocument) {
    let chains = |folder: &Arc<SealedFolder>| folder.days.values().map(|day| day.chains.len()).sum::<usize>();
    let mut all: usize = document.sealed.values().map(chains).sum();
    while all > MAX_SEALED {
        let oldest =
            document.sealed.iter().filter_map(|(name, folder)| Some((*folder.days.keys().next()?, name)));
        let Some((day, name)) = oldest.min().map(|(day, name)| (day, name.clone())) else { return };
        let Some(folder) = document.sealed.get_mut(&name) else { return };
        if let Some(gone) = Arc::make_mut(folder).days.remove(&day) {
            all = all.saturating_sub(gone.chains.len().max(1));
        }
    }
}

impl StateDocument {
    /// The sealed days of each folder of the document.
    pub(super) fn sealed_folders(&self) -> BTreeMap<RegionFolder, Arc<SealedFolder>> {
        let folders = self.sealed.iter();
        let folders = folders.filter_map(|(organization, sealed)| {
            Some((folder(&self.scope, organization.as_deref())?, Arc::clone(sealed)))
        });
        folders.collect()
    }
}
