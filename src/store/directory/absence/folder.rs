//! What the folder of an object says of the time at which the folder was copied.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::traces::FolderTraces;
use crate::ident::{ChainId, DeliveredName, DeliveredType, DigestKey, LogFolder, RegionFolder};
use crate::store::files::{CopyFiles, FileKind};
use crate::time::{HOUR, Timestamp};

/// Time by which the names of two log files of a folder must differ, so that the files were delivered in the order of
/// their names, in seconds. A name was up to 19 minutes before and 5 minutes after its delivery in the deliveries that
/// we have seen; the rest is for a slow listing.
const LOG_ORDER: i64 = HOUR;

/// Objects of a folder that are delivered in the order of their names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum DeliveredSeries {
    /// The digests of a chain. Each digest records the one before: a digest is never delivered before its predecessor.
    Digests(ChainId),
    /// The log files of a folder, of any trail: their order is that of their names within [`LOG_ORDER`].
    Logs(LogFolder, Box<str>, Box<str>),
}

/// An object with a name of CloudTrail's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DeliveredObject {
    pub(super) series: DeliveredSeries,
    /// The time in the name.
    pub(super) time: Timestamp,
}

impl DeliveredObject {
    /// Parses a file name, with or without `.gz` at its end. `None` for any other name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let DeliveredName { account, kind, region, time } = DeliveredName::parse(name)?;
        let series = match kind {
            DeliveredType::Log(logs) => DeliveredSeries::Logs(logs, account.into(), region.into()),
            DeliveredType::Digest => {
                let folder = RegionFolder {
                    bucket: "".into(),
                    root: "".into(),
                    organization: None,
                    account: account.into(),
                    region: region.into(),
                };
                let gzipped = format!("{}.gz", name.strip_suffix(".gz").unwrap_or(name));
                DeliveredSeries::Digests(DigestKey::parse_name(&folder, &gzipped)?.chain())
            }
        };
        Some(Self { series, time })
    }
}

/// The content of one folder of a copy, as far as it says when the folder was copied.
#[derive(Default, Debug)]
pub(super) struct FolderContent {
    /// What is left of objects that are not there under their own names.
    pub(super) traces: FolderTraces,
    /// First and last time in the names of each series.
    times: BTreeMap<DeliveredSeries, (Timestamp, Timestamp)>,
}

impl FolderContent {
    /// Lists a folder. `is_evidence` tells which files say when the folder was copied.
    ///
    /// # Errors
    /// The errors of [`CopyFiles::entries`].
    pub(super) fn read(
        files: &dyn CopyFiles,
        folder: &Path,
        is_evidence: impl Fn(&Path) -> bool,
    ) -> io::Result<Self> {
        let mut content = Self::default();
        for entry in files.entries(folder)? {
            content.traces.note(files, folder, &entry);
            let Some(name) = entry.name.to_str() else { continue };
            if matches!(entry.kind, FileKind::File | FileKind::Link)
                && let Some(DeliveredObject { series, time }) = DeliveredObject::of_name(name)
                && is_evidence(&folder.join(name))
            {
                let times = content.times.entry(series).or_insert((time, time));
                *times = (times.0.min(time), times.1.max(time));
            }
        }
        Ok(content)
    }

    /// Whether the folder has earlier objects of the series of an object, and nothing later.
    pub(super) fn ends_before(&self, object: &DeliveredObject) -> bool {
        self.times.get(&object.series).is_some_and(|(_, last)| *last < object.time)
    }

    /// Whether the folder proves that an object it lacks was missing in S3: the folder holds an earlier and a later
    /// object of the same series.
    ///
    /// A copy holds what was delivered up to a time, in the order of delivery; a copy of new objects, such as of the last
    /// 24 hours, also begins at a time. A sync that runs for hours lists a folder in the order of the names, which is the
    /// order of delivery. The last digest of a day has its successor in the folder of the next day, which may have been
    /// copied at another time. So does a digest whose trail moved to another bucket.
    ///
    /// # Errors
    /// The reason why the folder may have been copied without the object.
    pub(super) fn proves_missing(&self, object: &DeliveredObject) -> Result<(), &'static str> {
        let margin = match &object.series {
            // The order in which backfill digests are delivered is not known.
            DeliveredSeries::Digests(chain) if chain.backfill => {
                return Err("the copy may have been made before the delivery of the backfill digest");
            }
            DeliveredSeries::Digests(_) => 1,
            DeliveredSeries::Logs(..) => LOG_ORDER,
        };
        let Some((first, last)) = self.times.get(&object.series) else {
            return Err("the copy may have been made before the delivery");
        };
        if *last < object.time.plus(margin) {
            return Err("the copy may have been made before the delivery");
        }
        if *first > object.time.plus(-margin) {
            return Err("the copy may begin after the delivery");
        }
        Ok(())
    }
}
