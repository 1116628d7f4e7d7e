//! The files that CloudTrail delivered below one folder of a copy.

use std::path::{Path, PathBuf};

use super::left_out::LeftOut;
use super::search::MAX_LOOSE;
use crate::ident::{DeliveredName, DeliveredType};
use crate::store::directory::leftovers::FolderLeftovers;
use crate::store::directory::names::key_segment;
use crate::store::files::{CopyFiles, FileKind};

/// The files of an account's folder.
#[derive(Default)]
pub(super) struct DeliveredFiles {
    pub(super) digests: Vec<PathBuf>,
    pub(super) logs: Vec<PathBuf>,
    /// Folders that were left out.
    pub(super) skipped: Vec<LeftOut>,
}

/// The digests and log files in an account's folder.
pub(super) fn delivered_below(files: &dyn CopyFiles, folder: &Path) -> DeliveredFiles {
    let (mut found, mut folders) = (DeliveredFiles::default(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match files.entries(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.skipped.push(LeftOut::new(folder, error.to_string()));
                continue;
            }
        };
        if found.digests.len() + found.logs.len() >= MAX_LOOSE {
            let why = format!("the search stops after {MAX_LOOSE} files of an account with several buckets");
            found.skipped.push(LeftOut::new(folder, why));
            break;
        }
        let mut left_out = FolderLeftovers::default();
        for entry in entries {
            let path = folder.join(&entry.name);
            match (entry.kind, DeliveredName::parse(&key_segment(&entry.name))) {
                _ if left_out.records(files, &folder, &entry) => {}
                (FileKind::Folder, _) => folders.push(path),
                (FileKind::File, Some(DeliveredName { kind: DeliveredType::Digest, .. })) => {
                    found.digests.push(path);
                }
                (FileKind::File, Some(_)) => found.logs.push(path),
                _ => {}
            }
        }
    }
    found
}
