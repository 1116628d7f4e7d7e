//! Partitions: folders that programs make by the thousand, one for each hour, day or value.
//!
//! Logs of other services lie in such folders: `CloudWatchLogs/2026/09/01/07/`, `year=2026/month=09/`, `dt=2026-09-01/`.
//! A folder for each hour of two years is 17,520 folders, and a request for each of them takes longer than the proof of
//! a trail.
//!
//! # Why leaving folders out is sound
//!
//! CloudTrail's prefix may be any text, so a trail may deliver below any of these folders, and no name rules that out.
//! So a name alone never excludes a folder. More than [`FEW`] partitions in one folder are searched in this order:
//!
//! 1. **By keys.** Their keys are listed, in some 1,000 a page, and each key shows whether `AWSLogs/` is a folder in
//!    its path. A listing to the end is as good as a walk: it finds every `AWSLogs/`, however deep.
//! 2. **By a sample**, if the keys exceed [`SCANNED_PAGES`](super::scan::SCANNED_PAGES): the first, the middle and the last partition, at each
//!    level. An `AWSLogs/` in the sample shows that trails deliver to such folders, and all partitions are walked.
//! 3. **Left out**, if the sample has no `AWSLogs/`. The run then says where it did not look: as a notice, or as a
//!    finding that makes the run incomplete if the source has no trail elsewhere.
//!
//! The partitions directly in a folder that the user names as a source, and the partitions within, are never left
//! out: they are walked, up to the limit on folders, and a limit makes the run incomplete. Every number here is fixed
//! before the requests are sent, so the result does not depend on the number of threads.

use std::sync::Arc;

use super::folder::{FolderRole, PartitionSearch, PendingFolder};
use crate::ident::is_account;

/// As many partitions in one folder are walked like other folders.
pub(super) const FEW: usize = 3;

/// The most partitions listed as samples, for each source.
pub(super) const SAMPLED_FOLDERS: usize = 100;

/// The partitions in one folder.
#[derive(Clone)]
pub(super) struct PartitionedFolder {
    pub(super) bucket: Arc<str>,
    /// The folder that the partitions lie in.
    pub(super) prefix: String,
    /// How many folders below the source.
    pub(super) depth: usize,
    /// The names of the partitions, in the order of their keys.
    pub(super) names: Vec<String>,
    /// Whether partitions may be left out.
    pub(super) search: PartitionSearch,
}

/// Whether programs name folders like `name`: a year, a month, a day or an hour in digits, a date, or `key=value`.
pub(super) fn is_partition(name: &str) -> bool {
    let is_hive = name.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    is_hive || is_time(name)
}

fn is_time(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_year = || ["19", "20", "21"].iter().any(|century| name.starts_with(century));
    if digits == name.len() {
        return match digits {
            1 => true,
            2 => name.parse::<u8>().is_ok_and(|number| number < 60),
            // Twelve digits are more likely an account than a minute.
            4 | 6 | 8 | 10 | 14 => is_year(),
            _ => false,
        };
    }
    let has_known_letters = name.bytes().all(|byte| byte.is_ascii_digit() || b"-_.T:Z+".contains(&byte));
    let begins_with_year = name.bytes().take(4).filter(u8::is_ascii_digit).count() == 4 && is_year();
    has_known_letters && begins_with_year && digits >= 5 && !is_account(name)
}

impl PartitionedFolder {
    /// All partitions, to be walked like other folders.
    pub(super) fn children(&self) -> impl Iterator<Item = PendingFolder> {
        self.children_named(&self.names)
    }

    /// The partitions of these names, to be walked like other folders.
    pub(super) fn children_named<'n>(
        &'n self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> impl Iterator<Item = PendingFolder> {
        names.into_iter().map(|name| PendingFolder {
            bucket: Arc::clone(&self.bucket),
            prefix: format!("{}{name}/", self.prefix),
            depth: self.depth + 1,
            role: FolderRole::Prefix,
            partitions: PartitionSearch::Walk,
        })
    }
}

/// The names to search in a sampled folder: a sample of many partitions, and everything else.
pub(super) fn sample_of_all(names: &[String]) -> impl Iterator<Item = &String> {
    let (partitions, others): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| is_partition(name));
    let partitions = if partitions.len() > FEW { sample(&partitions) } else { partitions };
    partitions.into_iter().chain(others)
}

/// The first, the middle and the last of `names`.
pub(super) fn sample<T: Copy>(names: &[T]) -> Vec<T> {
    let mut sample = vec![0, names.len() / 2, names.len().saturating_sub(1)];
    sample.dedup();
    sample.into_iter().filter_map(|index| names.get(index).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_hive_folders_are_partitions() {
        for name in [
            "2026",
            "09",
            "9",
            "23",
            "20260901",
            "202609",
            "2026090107",
            "2026-09",
            "2026-09-01",
            "2026_09_01",
            "2026-09-01-07",
            "2026-09-01T07:00:00Z",
            "year=2026",
            "dt=2026-09-01",
            "aws-region=eu-west-1",
            "hour=",
        ] {
            assert!(is_partition(name), "{name}");
        }
        for name in [
            "",
            "AWSLogs",
            "111122223333",
            "00000",
            "1234",
            "61",
            "=",
            "=x",
            "v2026",
            "2026-logs",
            "o-abc123def4",
        ] {
            assert!(!is_partition(name), "{name}");
        }
    }

    #[test]
    fn a_sample_is_within_the_names() {
        let names = |count: usize| (0..count).collect::<Vec<_>>();
        assert!(sample(&names(0)).is_empty());
        assert_eq!(sample(&names(1)), [0]);
        assert_eq!(sample(&names(2)), [0, 1]);
        assert_eq!(sample(&names(10)), [0, 5, 9]);
    }
}
