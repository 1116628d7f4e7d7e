//! Places files by their names, where a copy lost the folders of S3.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dividing::{chains, newer_than};
use super::homes::Homes;
use super::sample::{AWS_LOGS, DIGESTS, WITNESSES, chain_part, recorded};
use super::{Judge, Recorded, Tree};
use crate::ident::{DeliveredName, Location, LogFolder, is_account, is_organization};
use crate::store::directory::content;
use crate::store::directory::names::key_segment;
use crate::store::directory::placed::{PlacedFile, PlacedFiles};
use crate::store::files::{CopyFiles, FileKind};

/// Digests in no folder of S3's.
#[derive(Default)]
pub(super) struct PlacedDigests {
    /// Digests at the locations that they record.
    pub(super) placed: PlacedFiles,
    /// Digests that record no location of their name.
    pub(super) unusable: Vec<PathBuf>,
}

/// Places digests at the locations that they record. A digest in a folder of `trees` that is equal to the digest in its
/// place is left where it is.
pub(super) fn place_digests(
    files: &Arc<dyn CopyFiles>,
    digests: &[PathBuf],
    trees: &[Tree],
    judge: &Judge<'_>,
    homes: &mut Homes,
) -> PlacedDigests {
    let mut all = PlacedDigests::default();
    let is_inside = |path: &Path| trees.iter().any(|tree| tree.holds(path));
    read_chains(files, digests, judge, &mut |name, path, found| match found
        .filter(|found| found.location.name() == name)
    {
        Some(found) => {
            homes.note(&found.location, found.proved);
            found.logs.iter().for_each(|log| homes.note_log(log, found.proved));
            let place = DigestPlace { files, trees, location: &found.location };
            if is_inside(path) && place.has_copy_of(path) {
                return;
            }
            let is_proved = found.proved || is_inside(path) && place.proves(path, judge);
            add(&mut all.placed, files, path, Some(found.location), is_proved);
        }
        None => all.unusable.push(path.to_owned()),
    });
    all
}

/// The place of a digest in the trees of a copy that has the digest in another folder.
struct DigestPlace<'p> {
    files: &'p Arc<dyn CopyFiles>,
    trees: &'p [Tree],
    location: &'p Location,
}

impl DigestPlace<'_> {
    /// Whether the same digest as at `path` lies in its place.
    fn has_copy_of(&self, path: &Path) -> bool {
        let files = &**self.files;
        self.folders().any(|folder| {
            let place = folder.join(self.location.name());
            files.facts(&place).is_ok_and(|found| found.kind == FileKind::File)
                && content::same_content(files, path, files, &place).unwrap_or(false)
        })
    }

    /// Whether a newer digest of the chain in the folder of the day proves the digest at `path`.
    fn proves(&self, path: &Path, judge: &Judge<'_>) -> bool {
        let name = self.location.name();
        let newer = |folder: PathBuf| {
            let entries = self.files.entries(&folder).into_iter().flatten();
            let names = entries.map(|entry| entry.name).filter(|other| {
                let other = key_segment(other);
                *other > *name
                    && chain_part(&other) == chain_part(name)
                    && DeliveredName::parse(&other).is_some()
            });
            let names: BTreeSet<_> = names.collect();
            names.into_iter().take(WITNESSES).map(|name| folder.join(name)).collect::<Vec<_>>()
        };
        self.folders().any(|folder| {
            recorded(self.files, judge, path, &newer(folder)).is_some_and(|recorded| recorded.proved)
        })
    }

    /// The folder of the digest's day in each tree.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let full = format!("{}/{}", self.location.bucket, self.location.key);
        let folder = full.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
        self.trees.iter().filter_map(move |tree| tree.mount.dir_of(&folder))
    }
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
            (location, ..) => add(&mut placed, files, path, location, false),
        }
    }
    placed
}

fn add(
    placed: &mut PlacedFiles,
    files: &Arc<dyn CopyFiles>,
    path: &Path,
    location: Option<Location>,
    is_proved: bool,
) {
    if let Some(location) = location {
        let size = files.facts(path).map_or(0, |found| found.size);
        placed.add(location, PlacedFile { files: Arc::clone(files), path: path.to_owned(), size, is_proved });
    }
}

/// Whether a tree shows `path` in one of CloudTrail's folders of an account.
pub(super) fn is_in_delivery_folder(tree: &Tree, path: &Path) -> bool {
    is_in_account_folder(tree, path, |name| name == DIGESTS || is_log_folder(name))
}

/// Whether a tree shows `path` in an account's folder of log files, where the run names what no digest lists.
pub(super) fn is_in_log_folder(tree: &Tree, path: &Path) -> bool {
    is_in_account_folder(tree, path, is_log_folder)
}

fn is_log_folder(name: &str) -> bool {
    LogFolder::ALL.iter().any(|logs| logs.as_str() == name)
}

/// Whether a tree shows `path` in a folder of an account whose name is as `is_named` says.
fn is_in_account_folder(tree: &Tree, path: &Path, is_named: impl Fn(&str) -> bool) -> bool {
    tree.mount.full_path_of(path).is_some_and(|full| {
        let segments: Vec<&str> = full.split('/').collect();
        let Some(at) = segments.iter().rposition(|segment| *segment == AWS_LOGS) else { return false };
        let mut below = segments.iter().skip(at + 1).peekable();
        below.next_if(|segment| is_organization(segment));
        below.next().is_some_and(|segment| is_account(segment))
            && below.next().is_some_and(|segment| is_named(segment))
    })
}
