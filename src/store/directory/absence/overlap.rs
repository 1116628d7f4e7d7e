//! How much two folders of different copies have in common: whether one stands for the bucket beside the other.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::super::mount::Mount;
use super::super::names::key_segment;
use super::folder::{DeliveredObject, DeliveredSeries};
use crate::ident::name_before_inflating;
use crate::store::directory::shared::hash_of;
use crate::store::files::{CopyFiles, FileKind};
use crate::time::Timestamp;

/// Fewest common objects of two folders that are taken for copies of the same objects. Fewer may have been picked.
const LEAST_COMMON: usize = 6;

/// A folder that may hold an object of a series.
#[derive(Clone, Copy)]
pub(in crate::store::directory) struct HoldingFolder<'f> {
    pub(in crate::store::directory) files: &'f dyn CopyFiles,
    pub(in crate::store::directory) dir: &'f Path,
    /// The mount that shows the folder; `None` for files that were found by name.
    pub(in crate::store::directory) mount: Option<&'f Mount>,
}

/// The folder called like the bucket, the other folder, the base of the first, and the series that was compared.
pub(super) type OverlapId = (PathBuf, PathBuf, String, DeliveredSeries);

/// What a folder called like the bucket has of the objects in another folder.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::store::directory) struct FolderOverlap {
    /// Whether the folder has nearly all objects of the other. A folder with fewer is a part of the bucket, as the
    /// other is.
    pub(in crate::store::directory) stands_for_bucket: bool,
    /// Whether the two folders are copies of the same objects, of the time that the first has objects from. So what the
    /// first lacks was there, and is gone.
    pub(in crate::store::directory) is_second_copy: bool,
}

impl FolderOverlap {
    /// Compares the objects of `series` in two folders.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub(super) fn of(
        bucket: HoldingFolder<'_>,
        other: HoldingFolder<'_>,
        series: &DeliveredSeries,
    ) -> io::Result<Self> {
        let is_own = |path: &Path| bucket.mount.is_none_or(|mount| mount.is_evidence(path));
        let is_shown = |path: &Path| other.mount.is_none_or(|mount| mount.shows(path));
        let (own, theirs) = (objects(bucket, series, is_own)?, objects(other, series, is_shown)?);
        Ok(Self::between(&own, &theirs))
    }

    fn between(own: &BTreeMap<u64, Timestamp>, theirs: &BTreeMap<u64, Timestamp>) -> Self {
        // Seven of eight: some objects may have been deleted, and a folder with many more lacks was never the whole day.
        let has_nearly_all = |common: usize, of: usize| common * 8 >= of * 7;
        let lacks_few = |common: usize, of: usize| common + 1 >= of || has_nearly_all(common, of);
        let common = theirs.keys().filter(|name| own.contains_key(name)).count();
        let span = own.values().min().zip(own.values().max());
        let is_in_span =
            |time: &&Timestamp| span.is_some_and(|(first, last)| first <= *time && *time <= last);
        let in_span = theirs.values().filter(is_in_span).count();
        Self {
            stands_for_bucket: has_nearly_all(common, theirs.len()),
            is_second_copy: common >= LEAST_COMMON && common * 2 >= own.len() && lacks_few(common, in_span),
        }
    }
}

/// The objects of `series` in a folder, by the hash of the name, with the time in the name.
fn objects(
    folder: HoldingFolder<'_>,
    series: &DeliveredSeries,
    is_counted: impl Fn(&Path) -> bool,
) -> io::Result<BTreeMap<u64, Timestamp>> {
    let files = folder.files.entries(folder.dir)?.into_iter();
    let files = files.filter(|entry| matches!(entry.kind, FileKind::File | FileKind::Link));
    let object = |name: String| {
        let found = DeliveredObject::of_name(&name).filter(|found| found.series == *series)?;
        is_counted(&folder.dir.join(&name)).then_some(())?;
        let name = name_before_inflating(&name).unwrap_or(name);
        Some((hash_of(&name), found.time))
    };
    Ok(files.filter_map(|entry| object(key_segment(&entry.name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The overlap of a folder that has the objects of these hours with another folder.
    fn overlap(own: &[i64], theirs: &[i64]) -> (bool, bool) {
        let objects = |hours: &[i64]| {
            let objects = hours.iter().map(|hour| (hour.unsigned_abs(), Timestamp::from_unix(hour * 3600)));
            objects.collect::<BTreeMap<_, _>>()
        };
        let FolderOverlap { stands_for_bucket, is_second_copy } =
            FolderOverlap::between(&objects(own), &objects(theirs));
        (stands_for_bucket, is_second_copy)
    }

    #[test]
    fn a_folder_with_nearly_all_objects_stands_for_the_bucket() {
        let day: Vec<i64> = (0..24).collect();
        let without = |hours: &[i64]| -> Vec<i64> {
            day.iter().filter(|hour| !hours.contains(hour)).copied().collect()
        };
        assert_eq!(overlap(&day, &day), (true, true));
        assert_eq!(overlap(&without(&[7]), &day), (true, true));
        assert_eq!(overlap(&without(&[7, 8, 20]), &day), (true, true));
        assert_eq!(overlap(&without(&[1, 3, 7, 8, 20]), &day), (false, false));
        // A folder that was copied at noon is a copy of the morning.
        assert_eq!(overlap(&[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11], &day), (false, true));
        assert_eq!(overlap(&[0, 1, 2, 4, 5, 6], &[0, 1, 2, 3, 4, 5, 6]), (false, true));
    }

    #[test]
    fn parts_of_a_folder_are_no_copies_of_it() {
        let day: Vec<i64> = (0..24).collect();
        assert_eq!(overlap(&[1, 10], &day), (false, false));
        assert_eq!(overlap(&[1, 3], &[1, 2, 3]), (false, false));
        assert_eq!(overlap(&[1, 2, 4, 5], &[1, 2, 3, 4, 5]), (false, false));
        // The other folder has a few objects that were moved or copied.
        assert_eq!(overlap(&day, &[1, 10]), (true, false));
        assert_eq!(overlap(&day, &[1, 10, 11, 12, 13]), (true, false));
        assert_eq!(overlap(&[0, 2, 4, 6, 8], &[1, 3, 5, 7]), (false, false));
    }
}
