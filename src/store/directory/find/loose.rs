//! Places files by their names, where a copy lost the folders of S3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dividing::{chains, newer_than};
use super::homes::Homes;
use super::sample::recorded;
use super::{Judge, Recorded, Tree};
use crate::ident::{DeliveredName, Location, LogFolder, is_account, is_organization};
use crate::store::directory::names::key_segment;
use crate::store::directory::placed::{PlacedFile, PlacedFiles};
use crate::store::files::CopyFiles;

/// Digests in no folder of S3's.
#[derive(Default)]
pub(super) struct PlacedDigests {
    /// Digests at the locations that they record.
    pub(super) placed: PlacedFiles,
    /// Digests that record no location of their name.
    pub(super) unusable: Vec<PathBuf>,
}

/// Places digests at the locations that they record.
pub(super) fn place_digests(
    files: &Arc<dyn CopyFiles>,
    digests: &[PathBuf],
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> PlacedDigests {
    let mut all = PlacedDigests::default();
    read_chains(files, digests, judge, &mut |name, path, found| match found
        .filter(|found| found.location.name() == name)
    {
        Some(found) => {
            homes.note(&found.location, found.proved);
            found.logs.iter().for_each(|log| homes.note_log(log, found.proved));
            add(&mut all.placed, files, path, Some(found.location));
        }
        None => all.unusable.push(path.to_owned()),
    });
    all
}

/// Notes the homes of digests and of the log files that they list.
pub(super) fn note_listed_logs(
    files: &Arc<dyn CopyFiles>,
    digests: &[PathBuf],
    judge: &Judge<'_>,
    homes: &mut Homes,
) {
    read_chains(files, digests, judge, &mut |_, _, found| {
        let Some(Recorded { location, proved, logs }) = found else { return };
        homes.note(&location, proved);
        logs.iter().for_each(|log| homes.note_log(log, proved));
    });
}

/// Reads digests, and gives `listener` the name of each as an object, its path, and what it records.
fn read_chains(
    files: &Arc<dyn CopyFiles>,
    digests: &[PathBuf],
    judge: &Judge<'_>,
    listener: &mut dyn FnMut(&str, &Path, Option<Recorded>),
) {
    for chain in chains(digests) {
        for (at, (name, path)) in chain.iter().enumerate() {
            listener(name, path, recorded(files, judge, path, &newer_than(&chain, at)));
        }
    }
}

/// Folders with files of accounts without digests, and the number of files.
pub(super) type Homeless = BTreeMap<(PathBuf, String), u64>;

/// Places files by account, region and day in their names: log files, and digests that the run has to report.
pub(super) fn place_by_name<'p>(
    files: &Arc<dyn CopyFiles>,
    paths: impl IntoIterator<Item = &'p PathBuf>,
    homes: &Homes,
    homeless: &mut Homeless,
) -> PlacedFiles {
    let mut placed = PlacedFiles::default();
    for path in paths {
        let name = path.file_name().map(key_segment).unwrap_or_default();
        match (homes.location_of(&name), DeliveredName::parse(&name), path.parent()) {
            (None, Some(name), Some(folder)) => {
                *homeless.entry((folder.to_owned(), name.account.to_owned())).or_default() += 1;
            }
            (location, ..) => add(&mut placed, files, path, location),
        }
    }
    placed
}

fn add(placed: &mut PlacedFiles, files: &Arc<dyn CopyFiles>, path: &Path, location: Option<Location>) {
    if let Some(location) = location {
        let size = files.facts(path).map_or(0, |found| found.size);
        placed.add(location, PlacedFile { files: Arc::clone(files), path: path.to_owned(), size });
    }
}

/// Whether a tree shows `path` in one of CloudTrail's folders of an account.
pub(super) fn is_in_delivery_folder(tree: &Tree, path: &Path) -> bool {
    tree.mount.full_path_of(path).is_some_and(|full| {
        let segments: Vec<&str> = full.split('/').collect();
        let Some(at) = segments.iter().rposition(|segment| *segment == "AWSLogs") else { return false };
        let mut below = segments.iter().skip(at + 1).peekable();
        below.next_if(|segment| is_organization(segment));
        let is_account = below.next().is_some_and(|segment| is_account(segment));
        let is_folder = below.next().is_some_and(|segment| {
            *segment == "CloudTrail-Digest" || LogFolder::ALL.iter().any(|logs| logs.as_str() == *segment)
        });
        is_account && is_folder
    })
}
