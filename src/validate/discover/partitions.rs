//! Partitions: folders that programs make by the thousand, one for each hour, day or value.
//!
//! Logs of other services lie in such folders: `CloudWatchLogs/2026/09/01/07/`, `year=2026/month=09/`, `dt=2026-09-01/`.
//! A folder for each hour of two years is 17,520 folders, and a request for each of them takes longer than the proof of
//! a trail.
//!
//! # How every folder is looked into
//!
//! CloudTrail's prefix may be any text, so a trail may deliver below any of these folders, and no name rules that out.
//! Nor does a sample: whoever can write to the bucket can put junk around a trail until the sample misses it. So no
//! folder is left out. More than [`FEW`] partitions in one folder are searched in this order:
//!
//! 1. **By keys.** Their keys are listed, in some 1,000 a page, and each key shows whether `AWSLogs/` is a folder in
//!    its path. A listing to the end is as good as a walk: it finds every `AWSLogs/`, however deep. Listings run side by
//!    side and take turns ([`plan_scans`](super::scan::plan_scans)): each folder has its share of the pages. Where a few
//!    busy partitions are left, such as four years, the partitions within are listed side by side.
//! 2. **One by one**, like other folders, if the keys exceed the pages for a source. The limit on folders makes the run
//!    incomplete.
//!
//! Every number is fixed before the requests are sent, so the result does not depend on the number of threads.

use std::sync::Arc;

use super::folder::{FolderRole, PartitionSearch, PendingFolder};
use crate::ident::is_account;

/// As many partitions in one folder are walked like other folders.
pub(super) const FEW: usize = 3;

/// The partitions in one folder.
pub(super) struct PartitionedFolder {
    pub(super) bucket: Arc<str>,
    /// The folder that the partitions lie in.
    pub(super) prefix: String,
    /// How many folders below the source.
    pub(super) depth: usize,
    /// The names of the partitions, in the order of their keys.
    pub(super) names: Vec<String>,
    /// The last key listed, if a part of the first partition was searched.
    pub(super) after: Option<String>,
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
    /// The partitions, to be listed like other folders.
    pub(super) fn children(&self, partitions: PartitionSearch) -> impl Iterator<Item = PendingFolder> {
        self.names.iter().map(move |name| PendingFolder {
            bucket: Arc::clone(&self.bucket),
            prefix: format!("{}{name}/", self.prefix),
            depth: self.depth + 1,
            role: FolderRole::Prefix,
            partitions,
        })
    }

    /// The same folder, without partitions.
    pub(super) fn clone_empty(&self) -> Self {
        let Self { bucket, prefix, depth, .. } = self;
        Self {
            bucket: Arc::clone(bucket),
            prefix: prefix.clone(),
            depth: *depth,
            names: Vec::new(),
            after: None,
        }
    }

    /// The keys of the partitions come after this key.
    pub(super) fn begin(&self) -> String {
        let first = || self.names.first().map(String::as_str).unwrap_or_default();
        self.after.clone().unwrap_or_else(|| format!("{}{}", self.prefix, first()))
    }

    /// The keys of the partitions come before this key.
    pub(super) fn end(&self) -> String {
        self.names.last().map(|name| self.end_of(name)).unwrap_or_default()
    }

    /// Keys of a folder `a/` come after `a` and before `a0`: `0` follows `/` in byte order.
    fn end_of(&self, name: &str) -> String {
        format!("{}{name}0", self.prefix)
    }

    /// The partitions with keys after `last`.
    pub(super) fn rest(&self, last: &str) -> Self {
        let names = self.names.iter().filter(|name| self.end_of(name).as_str() > last).cloned().collect();
        Self { names, after: Some(last.to_owned()), ..self.clone_empty() }
    }

    /// Whether the last listed key lies in a partition within a partition.
    pub(super) fn goes_on_in_partition(&self) -> bool {
        let below = self.after.as_ref().and_then(|last| last.strip_prefix(&self.prefix));
        let mut segments = below.into_iter().flat_map(|below| below.split('/'));
        let in_partition =
            segments.next().is_some_and(is_partition) && segments.next().is_some_and(is_partition);
        in_partition && segments.next().is_some()
    }
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
    fn the_rest_begins_with_the_partition_of_the_last_key() {
        let names: Vec<String> = (1..=12).map(|month| format!("{month:02}")).collect();
        let (bucket, prefix) = ("logs".into(), "a/2026/".to_owned());
        let folder = PartitionedFolder { bucket, prefix, depth: 2, names, after: None };
        assert_eq!((folder.begin(), folder.end()), ("a/2026/01".to_owned(), "a/2026/120".to_owned()));
        for (last, first, count, is_nested) in [
            ("a/2026/01", "01", 12, false),
            ("a/2026/01/x", "01", 12, false),
            ("a/2026/01/02/x", "01", 12, true),
            ("a/2026/010", "02", 11, false),
            ("a/2026/03/AWSLogs0", "03", 10, false),
            ("a/2026/12/02/03/x", "12", 1, true),
        ] {
            let rest = folder.rest(last);
            assert_eq!(rest.names.first().map(String::as_str), Some(first), "{last}");
            assert_eq!(
                (rest.names.len(), rest.begin(), rest.goes_on_in_partition()),
                (count, last.to_owned(), is_nested)
            );
        }
        assert!(folder.rest("a/2026/120").names.is_empty());
    }
}
