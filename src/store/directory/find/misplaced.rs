//! Files in a log folder of an account, but not in the folder of their region and day: a copy may have lost only these
//! folders, or have others in their place, or have digests among log files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::loose::is_in_log_folder;
use super::{StopSearch, Tree};
use crate::ident::{DeliveredName, DeliveredType, Location};
use crate::store::directory::names::key_segment;
use crate::store::files::{CopyFiles, FileKind};

/// Most folders of log files in their place that are searched. A misplaced log file in a further folder is reported
/// where it lies, as a log file that no digest lists.
const MAX_FOLDERS: usize = 20_000;

/// Files of CloudTrail's that do not lie in the folder of their names.
#[derive(Default)]
pub(super) struct MisplacedFiles {
    pub(super) digests: Vec<PathBuf>,
    pub(super) logs: Vec<PathBuf>,
}

/// The search of log folders in their place.
#[derive(Default)]
pub(super) struct LogFolderSearch {
    folders: usize,
    pub(super) found: MisplacedFiles,
    /// Symbolic links.
    pub(super) links: Vec<PathBuf>,
}

impl LogFolderSearch {
    /// Searches an account's log folder `dir`, which has these path segments, until `stop` says so.
    pub(super) fn search(
        &mut self,
        files: &dyn CopyFiles,
        dir: &Path,
        segments: &[String],
        stop: &StopSearch<'_>,
    ) {
        let [.., account, logs] = segments else { return };
        let mut pending = vec![dir.to_owned()];
        while let Some(folder) = pending.pop().filter(|_| self.folders < MAX_FOLDERS && !stop()) {
            self.folders += 1;
            // The run reports a folder that cannot be listed.
            for entry in files.entries(&folder).into_iter().flatten() {
                let path = folder.join(&entry.name);
                let name = key_segment(&entry.name);
                match (entry.kind, DeliveredName::parse(&name)) {
                    (FileKind::Folder, _) => pending.push(path),
                    (FileKind::Link, _) => self.links.push(path),
                    (FileKind::File, Some(name)) if name.kind == DeliveredType::Digest => {
                        self.found.digests.push(path);
                    }
                    (FileKind::File, Some(name)) if is_misplaced(dir, &path, &name, (account, logs)) => {
                        self.found.logs.push(path);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Whether the log file at `path` does not lie in its place below the log folder `dir`.
fn is_misplaced(dir: &Path, path: &Path, parsed: &DeliveredName<'_>, (account, logs): (&str, &str)) -> bool {
    let place = Path::new(parsed.region).join(parsed.time.day_folder());
    let is_in_day = path.parent().and_then(|folder| folder.strip_prefix(dir).ok()) == Some(&place);
    !is_in_day || parsed.account != account || parsed.folder() != logs
}

/// Which misplaced log files are placed by their names. The run names every object of a log folder that no digest lists:
/// a file there was added or moved if its own folder has log files, and stays where it lies.
pub(super) struct Displacement<'t> {
    files: &'t dyn CopyFiles,
    trees: &'t [Tree],
    /// Whether the folder of a day has log files, by its full path.
    filled: BTreeMap<String, bool>,
}

impl<'t> Displacement<'t> {
    pub(super) const fn new(files: &'t dyn CopyFiles, trees: &'t [Tree]) -> Self {
        Self { files, trees, filled: BTreeMap::new() }
    }

    /// Whether the log file at `path`, delivered to `location` by its name, is placed there.
    pub(super) fn places(&mut self, path: &Path, location: Option<&Location>) -> bool {
        let is_reported = self.trees.iter().any(|tree| is_in_log_folder(tree, path));
        match location {
            Some(location) if is_reported => !self.is_filled(location),
            None if is_reported => false,
            _ => true,
        }
    }

    fn is_filled(&mut self, location: &Location) -> bool {
        let full = format!("{}/{}", location.bucket, location.key);
        let Some((folder, name)) = full.rsplit_once('/') else { return false };
        let Some(DeliveredName { time, .. }) = DeliveredName::parse(name) else { return false };
        if let Some(known) = self.filled.get(folder) {
            return *known;
        }
        let dirs = self.trees.iter().filter_map(|tree| tree.mount.dir_of(folder));
        let is_filled = dirs.into_iter().any(|dir| has_logs_of(&time.day_folder(), self.files, &dir));
        self.filled.insert(folder.to_owned(), is_filled);
        is_filled
    }
}

fn has_logs_of(day: &str, files: &dyn CopyFiles, dir: &Path) -> bool {
    files.entries(dir).into_iter().flatten().any(|entry| {
        let name = key_segment(&entry.name);
        let is_log =
            |name: DeliveredName<'_>| name.kind != DeliveredType::Digest && name.time.day_folder() == day;
        entry.kind == FileKind::File && DeliveredName::parse(&name).is_some_and(is_log)
    })
}
