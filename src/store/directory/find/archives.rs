//! Archives among the files of a directory. They are not opened, and may hold what was packed away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::sample::KnownDepth;
use super::search::{GroupId, above_aws_logs};
use crate::ident::{is_account, is_organization};

/// Why an archive in a directory is not read.
pub const UNOPENED_ARCHIVE: &str = "an archive in a directory is not opened";

/// Most archives in a directory that are reported, and most that are kept of each folder.
const MAX_ARCHIVES: usize = 100;

/// The archives of a directory by folder, the first of each folder.
#[derive(Default)]
pub(super) struct FoundArchives(BTreeMap<Vec<String>, Vec<PathBuf>>);

impl FoundArchives {
    /// Adds the archive at `path`, which has these segments below the root of the copy.
    pub(super) fn add(&mut self, path: &Path, segments: &[String]) {
        let folder = segments.split_last().map_or(&[][..], |(_, folder)| folder);
        let archives = self.0.entry(folder.to_vec()).or_default();
        if archives.len() < MAX_ARCHIVES {
            archives.push(path.to_owned());
        }
    }

    /// The archives that may hold evidence: beside the buckets, or above the folders of an account. In another folder
    /// of a bucket, an archive is an object like others. The run lists CloudTrail's own folders, and reports what lies
    /// there. `is_in_bucket` tells whether a bucket holds a path.
    pub(super) fn into_hiding<'g>(
        self,
        groups: impl Iterator<Item = &'g GroupId> + Clone,
        is_in_bucket: impl Fn(&Path) -> bool,
    ) -> impl Iterator<Item = PathBuf> {
        let may_hide = move |folder: &[String], archives: &[PathBuf]| {
            is_above_accounts(groups.clone(), folder)
                || archives.first().is_some_and(|path| !is_in_bucket(path))
        };
        let hiding = self.0.into_iter().filter(move |(folder, archives)| may_hide(folder, archives));
        hiding.flat_map(|(_, archives)| archives).take(MAX_ARCHIVES)
    }
}

/// Whether `folder` lies above the folders of an account for each service.
fn is_above_accounts<'g>(mut groups: impl Iterator<Item = &'g GroupId>, folder: &[String]) -> bool {
    if groups.any(|id| id.depth == KnownDepth::Whole && id.above.starts_with(folder)) {
        return true;
    }
    let Some(at) = above_aws_logs(folder) else { return false };
    let mut below = folder.iter().skip(at + 1).peekable();
    let _ = below.next_if(|name| is_organization(name));
    let _ = below.next_if(|name| is_account(name));
    below.next().is_none()
}
