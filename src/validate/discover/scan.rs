//! Searches partitions for `AWSLogs/` by the keys in them: some thousand folders take a few pages of a listing.

use std::sync::Arc;

use super::cannot_list;
use super::folder::{FolderRole, PartitionSearch, PendingFolder};
use super::partitions::{PartitionedFolder, is_partition};
use crate::event::Finding;
use crate::validate::context::RunContext;
use crate::validate::source_path::AWS_LOGS;

/// The most pages of keys listed in search of `AWSLogs/`, for each source.
pub(super) const SCANNED_PAGES: usize = 200;

/// The most listings of keys at a time, over all partitions of a source.
const SCANS_AT_ONCE: usize = 64;

/// The most listings of keys for the partitions of one folder: the pages of one listing come one after the other.
const SCANS_OF_FOLDER: usize = 16;

/// Keys in one page of S3's listing.
///
/// Source: Amazon S3 API Reference, `ListObjectsV2`, `MaxKeys`.
const PAGE: usize = 1_000;

/// The keys of some partitions of one folder, to search for `AWSLogs/`.
pub(super) struct KeyScan {
    /// The index of the folder.
    pub(super) folder: usize,
    bucket: Arc<str>,
    prefix: String,
    depth: usize,
    /// The first and the last partition.
    names: (String, String),
    /// The most pages to list.
    pages: usize,
}

/// A folder with an `AWSLogs/` in it.
#[derive(Clone)]
pub(super) struct FoundRoot {
    pub(super) prefix: String,
    /// How many folders below the source.
    pub(super) depth: usize,
}

impl FoundRoot {
    /// The `AWSLogs/` in the folder.
    pub(super) fn aws_logs(&self, bucket: &Arc<str>) -> PendingFolder {
        PendingFolder {
            bucket: Arc::clone(bucket),
            prefix: format!("{}{AWS_LOGS}/", self.prefix),
            depth: self.depth + 1,
            role: FolderRole::Logs { root: self.prefix.clone(), organization: None },
            partitions: PartitionSearch::Sample,
        }
    }
}

/// The result of a [`KeyScan`].
pub(super) struct ScannedKeys {
    pub(super) roots: Vec<FoundRoot>,
    /// Listed pages, the last page included.
    pub(super) pages: usize,
    pub(super) end: ScanEnd,
}

/// How a [`KeyScan`] ended.
pub(super) enum ScanEnd {
    /// Every key was seen.
    Complete,
    /// The keys exceed the allotted pages.
    Cut,
    /// The keys could not be listed.
    Failed(Box<Finding>),
    /// The run was cancelled.
    Interrupted,
}

/// The scans for `folders` within `pages`. Folders without a scan are too many, and have to be sampled.
pub(super) fn plan_scans(folders: &[PartitionedFolder], pages: usize) -> Vec<KeyScan> {
    let parts = (SCANS_AT_ONCE / folders.len().max(1)).clamp(1, SCANS_OF_FOLDER);
    let mut scans = Vec::new();
    for (index, folder) in folders.iter().enumerate().take(pages) {
        let length = folder.names.len().div_ceil(parts).max(1);
        for names in folder.names.chunks(length) {
            let (Some(first), Some(last)) = (names.first(), names.last()) else { continue };
            scans.push(KeyScan {
                folder: index,
                bucket: Arc::clone(&folder.bucket),
                prefix: folder.prefix.clone(),
                depth: folder.depth,
                names: (first.clone(), last.clone()),
                pages: 0,
            });
        }
    }
    let share = pages / scans.len().max(1);
    scans.iter_mut().for_each(|scan| scan.pages = share);
    scans
}

impl KeyScan {
    /// Lists the keys, and skips the keys below each `AWSLogs/`.
    pub(super) fn run(&self, context: RunContext<'_>) -> ScannedKeys {
        let mut scanned = ScannedKeys { roots: Vec::new(), pages: 0, end: ScanEnd::Cut };
        let mut after = format!("{}{}", self.prefix, self.names.0);
        while scanned.pages < self.pages {
            scanned.pages += 1;
            let root = match self.next_root(context, &after, &mut scanned.pages) {
                Ok(root) => root,
                Err(end) => return ScannedKeys { end, ..scanned },
            };
            after = format!("{}{AWS_LOGS}0", root.prefix);
            // Another folder between the partitions is searched like any folder.
            if root.prefix.get(self.prefix.len()..).and_then(first_segment).is_some_and(is_partition) {
                scanned.roots.push(root);
            }
        }
        scanned
    }

    /// The first folder with an `AWSLogs/` whose keys come after `after`, or how the listing ended.
    fn next_root(
        &self,
        context: RunContext<'_>,
        after: &str,
        pages: &mut usize,
    ) -> Result<FoundRoot, ScanEnd> {
        // Keys of a folder `a/` come after `a` and before `a0`: `0` follows `/` in byte order.
        let end = format!("{}{}0", self.prefix, self.names.1);
        for (number, listed) in
            (1_usize..).zip(context.tools.store.list(&self.bucket, &self.prefix, Some(after)))
        {
            if context.cancellation.skips_work() {
                return Err(ScanEnd::Interrupted);
            }
            let key = match listed {
                Ok(listed) => listed.key,
                Err(error) => {
                    return Err(ScanEnd::Failed(Box::new(cannot_list(&self.bucket, &self.prefix, &error))));
                }
            };
            if key >= end {
                break;
            }
            if let Some(root) = self.root_in(&key) {
                return Ok(root);
            }
            *pages += usize::from(number % PAGE == 0);
            if *pages > self.pages {
                return Err(ScanEnd::Cut);
            }
        }
        Err(ScanEnd::Complete)
    }

    /// The folder of the first `AWSLogs/` in the path of `key`.
    fn root_in(&self, key: &str) -> Option<FoundRoot> {
        let below = key.strip_prefix(&self.prefix)?;
        let folders = below.rsplit_once('/')?.0;
        let (mut length, mut depth) = (self.prefix.len(), self.depth);
        for name in folders.split('/') {
            if name == AWS_LOGS {
                return Some(FoundRoot { prefix: key.get(..length)?.to_owned(), depth });
            }
            length += name.len() + 1;
            depth += 1;
        }
        None
    }
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').next()
}
