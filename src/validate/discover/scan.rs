//! Searches partitions for `AWSLogs/` by the keys in them: some thousand folders take a few pages of a listing.

use std::mem;
use std::sync::Arc;

use super::cannot_list;
use super::folder::{FolderRole, PartitionSearch, PendingFolder};
use super::outside::OutsideFiles;
use super::partitions::{PartitionedFolder, is_partition};
use crate::event::Finding;
use crate::validate::context::RunContext;
use crate::validate::source_path::AWS_LOGS;

/// The most pages of keys listed in search of `AWSLogs/`, for each source: ten million keys.
const SCANNED_PAGES: usize = 10_000;

/// The most listings of keys at a time, over all partitions of a source.
const SCANS_AT_ONCE: usize = 64;

/// The most listings of keys for the partitions of one folder: the pages of one listing come one after the other.
const SCANS_OF_FOLDER: usize = 16;

/// The most pages of one listing. Then the rest of its partitions is shared out again, so that one busy partition is not
/// waited for while others are done, and no folder takes the pages of another folder.
const PAGES_OF_SCAN: usize = 4;

/// Keys in one page of S3's listing.
///
/// Source: Amazon S3 API Reference, `ListObjectsV2`, `MaxKeys`.
const PAGE: usize = 1_000;

/// How many more pages of keys may be listed below a source.
pub(super) struct PageBudget(usize);

impl Default for PageBudget {
    fn default() -> Self {
        Self(SCANNED_PAGES)
    }
}

impl PageBudget {
    pub(super) const fn spend(&mut self, pages: usize) {
        self.0 = self.0.saturating_sub(pages);
    }
}

/// The keys of some partitions of one folder, to search for `AWSLogs/`.
pub(super) struct KeyScan {
    /// The folder, with the partitions to search.
    part: PartitionedFolder,
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
            partitions: PartitionSearch::Scan,
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
    /// The keys exceed the allotted pages. The value is the rest.
    Cut(PartitionedFolder),
    /// The keys could not be listed.
    Failed(Box<Finding>),
    /// The run was cancelled.
    Interrupted,
}

/// What the keys after a key hold.
enum NextRoot {
    Found(FoundRoot),
    /// No `AWSLogs/` up to the end.
    Nothing,
    /// No `AWSLogs/` up to this key, with which the allotted pages end.
    Cut(String),
    Failed(Box<Finding>),
    Interrupted,
}

/// The next scans for `folders`. Empty if not each of them can have a page.
pub(super) fn plan_scans(folders: &[PartitionedFolder], pages: &PageBudget) -> Vec<KeyScan> {
    let parts = (SCANS_AT_ONCE / folders.len().max(1)).clamp(1, SCANS_OF_FOLDER);
    let mut scans: Vec<KeyScan> = Vec::new();
    for folder in folders {
        let length = folder.names.len().div_ceil(parts).max(1);
        for names in folder.names.chunks(length) {
            // The first partitions may be searched in part.
            let after = folder.after.clone().filter(|_| names.first() == folder.names.first());
            let part = PartitionedFolder { names: names.to_vec(), after, ..folder.clone_empty() };
            scans.push(KeyScan { part, pages: PAGES_OF_SCAN });
        }
    }
    let share = pages.0 / scans.len().max(1);
    scans.iter_mut().for_each(|scan| scan.pages = scan.pages.min(share));
    scans.retain(|scan| scan.pages > 0);
    scans
}

/// Takes the folders out of `rest` whose partitions are too few for listings side by side, and hold partitions themselves:
/// their partitions are listed, so that the partitions within can be searched side by side.
pub(super) fn take_busy(rest: &mut Vec<PartitionedFolder>) -> Vec<PartitionedFolder> {
    let parts: usize = rest.iter().map(|folder| folder.names.len().min(SCANS_OF_FOLDER)).sum();
    if parts >= SCANS_AT_ONCE / 2 {
        return Vec::new();
    }
    let (busy, others) = mem::take(rest).into_iter().partition(PartitionedFolder::goes_on_in_partition);
    *rest = others;
    busy
}

impl KeyScan {
    /// Lists the keys, and skips the keys below each `AWSLogs/`. A search below an `AWSLogs/` notes CloudTrail's files.
    pub(super) fn run(&self, context: RunContext<'_>, outside: &OutsideFiles<'_>) -> ScannedKeys {
        let outside = Some(outside).filter(|outside| outside.is_searched(&self.part.prefix));
        let (mut roots, mut pages) = (Vec::new(), 0);
        let mut after = self.part.begin();
        let end = loop {
            if pages >= self.pages {
                break ScanEnd::Cut(self.part.rest(&after));
            }
            pages += 1;
            match self.next_root(context, outside, &after, &mut pages) {
                NextRoot::Found(root) => {
                    after = format!("{}{AWS_LOGS}0", root.prefix);
                    // Another folder between the partitions is searched like any folder.
                    let below = root.prefix.get(self.part.prefix.len()..);
                    if below.and_then(first_segment).is_some_and(is_partition) {
                        roots.push(root);
                    }
                }
                NextRoot::Nothing => break ScanEnd::Complete,
                NextRoot::Cut(last) => break ScanEnd::Cut(self.part.rest(&last)),
                NextRoot::Failed(finding) => break ScanEnd::Failed(finding),
                NextRoot::Interrupted => break ScanEnd::Interrupted,
            }
        };
        ScannedKeys { roots, pages, end }
    }

    /// The first folder with an `AWSLogs/` whose keys come after `after`.
    fn next_root(
        &self,
        context: RunContext<'_>,
        outside: Option<&OutsideFiles<'_>>,
        after: &str,
        pages: &mut usize,
    ) -> NextRoot {
        let PartitionedFolder { bucket, prefix, .. } = &self.part;
        let end = self.part.end();
        let listing = context.tools.store.list(bucket, prefix, Some(after));
        for (number, listed) in (1_usize..).zip(listing) {
            if context.cancellation.skips_work() {
                return NextRoot::Interrupted;
            }
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => return NextRoot::Failed(Box::new(cannot_list(bucket, prefix, &error))),
            };
            if listed.key >= end {
                break;
            }
            if let Some(root) = self.root_in(&listed.key) {
                return NextRoot::Found(root);
            }
            if let Some(outside) = outside {
                outside.note(bucket, &listed);
            }
            if number % PAGE == 0 {
                if *pages >= self.pages {
                    return NextRoot::Cut(listed.key);
                }
                *pages += 1;
            }
        }
        NextRoot::Nothing
    }

    /// The folder of the first `AWSLogs/` in the path of `key`.
    fn root_in(&self, key: &str) -> Option<FoundRoot> {
        let below = key.strip_prefix(&self.part.prefix)?;
        let folders = below.rsplit_once('/')?.0;
        let (mut length, mut depth) = (self.part.prefix.len(), self.part.depth);
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
