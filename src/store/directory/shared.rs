//! A folder of a copy with the files of several parts of S3, such as of two buckets that were replicated into one.
//!
//! The folder is mounted once for each part. Each file is shown in exactly one of the mounts: a digest where it says that
//! it was delivered, a log file where a digest lists it, and everything else in one of the parts. A run searches a log
//! folder of a part only if a digest of the part lists log files there, so a file that no digest lists is shown in such a
//! part.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::collected::MARK;
use super::names::key_segment;
use crate::ident::{DeliveredName, DeliveredType, LogFolder, name_before_inflating};
use crate::time::{DAY, HOUR, Interval, Timestamp};

/// The number of a part of S3 in a shared folder.
pub type PartNumber = u16;

/// Which part of S3 each file of a folder belongs to.
#[derive(Default, Debug)]
pub struct SharedFolder {
    /// The folder.
    pub dir: PathBuf,
    /// The part of each file that digests know, by [`hash_of`] the object's name.
    pub owners: HashMap<u64, PartNumber>,
    /// The part of each file that only the digests of other folders and copies know.
    pub known_elsewhere: OnceLock<HashMap<u64, PartNumber>>,
    /// The parts of each region, if the folder is an account's, with a folder for each region in `CloudTrail-Digest` and in
    /// each log folder.
    pub regions: BTreeMap<String, RegionParts>,
    /// The log folder that the folder is, if it is not an account's folder.
    pub logs: Option<LogRegion>,
    /// The parts of all other files.
    pub rest: RegionParts,
}

/// The log folder of a region, such as `CloudTrail-Insight/us-east-1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LogRegion {
    /// The log folder of the account.
    pub logs: LogFolder,
    /// The region.
    pub region: String,
}

impl LogRegion {
    /// The log folder of a file, by its path below the account's folder.
    pub(super) fn below_account<'p>(mut path: impl Iterator<Item = &'p str>) -> Option<Self> {
        let (logs, region) = (path.next()?, path.next()?.to_owned());
        let logs = LogFolder::ALL.into_iter().find(|known| known.as_str() == logs)?;
        Some(Self { logs, region })
    }

    /// The log folder of a file, by the file's name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let DeliveredName { kind: DeliveredType::Log(logs), region, .. } = DeliveredName::parse(name)? else {
            return None;
        };
        Some(Self { logs, region: region.to_owned() })
    }
}

/// The parts of S3 with files in the folders of a region.
#[derive(Clone, Default, Debug)]
pub struct RegionParts {
    /// The parts.
    pub parts: BTreeSet<PartNumber>,
    /// The likeliest part of a file that no digest knows. `None` if no part has such files: they are not shown.
    pub main: Option<PartNumber>,
    /// The ends of the digests of each part.
    pub digests: BTreeMap<PartNumber, BTreeSet<Timestamp>>,
    /// The log folders in which proved digests of each part list log files. A run searches these, and `CloudTrail/`, for
    /// files that no digest lists.
    pub log_regions: BTreeMap<PartNumber, BTreeSet<LogRegion>>,
}

impl RegionParts {
    /// One part.
    #[must_use]
    pub fn of(main: Option<PartNumber>) -> Self {
        Self { parts: main.into_iter().collect(), main, ..Self::default() }
    }

    /// The part of a file that no digest knows, in the log folder `logs`, with a delivery around `time`.
    ///
    /// The run has to find the file. So the part is one whose log folder the run searches, if there is one. Of these it is
    /// the part with most digests around the file's time, because a trail may have moved from one part to another.
    #[must_use]
    pub fn part_of_unlisted(&self, logs: Option<&LogRegion>, time: Option<Interval>) -> Option<PartNumber> {
        let main = self.main?;
        let is_searched = |part: &&PartNumber| {
            logs.is_none_or(|logs| {
                logs.logs == LogFolder::CloudTrail
                    || self.log_regions.get(part).is_some_and(|searched| searched.contains(logs))
            })
        };
        let count = |part: PartNumber| {
            let around =
                |ends: &BTreeSet<Timestamp>| time.map_or(0, |time| ends.range(time.start..time.end).count());
            self.digests.get(&part).map_or(0, around)
        };
        let rank = |part: &&PartNumber| (count(**part), **part == main, Reverse(**part));
        let searched = self.parts.iter().filter(is_searched).max_by_key(rank);
        Some(searched.or_else(|| self.parts.iter().max_by_key(rank)).copied().unwrap_or(main))
    }
}

/// The time around the delivery of a file, by its name or the folders of its day, in which digests end that may list the
/// file.
#[must_use]
pub fn time_around(path: &Path) -> Option<Interval> {
    let name = path.file_name().map(key_segment)?;
    if let Some(DeliveredName { time, .. }) = DeliveredName::parse(&name) {
        return Interval::new(time.plus(-HOUR), time.plus(2 * HOUR));
    }
    let mut above = path.ancestors().skip(1).filter_map(Path::file_name).filter_map(|name| name.to_str());
    let (day, month, year) = (above.next()?, above.next()?, above.next()?);
    let start = Timestamp::parse_digest_name(&format!("{year}{month}{day}T000000Z"))?;
    Interval::new(start, start.plus(DAY + HOUR))
}

/// One part of S3 in a shared folder.
#[derive(Clone, Debug)]
pub struct FolderShare {
    /// The folder.
    pub folder: Arc<SharedFolder>,
    /// The part.
    pub part: PartNumber,
}

impl FolderShare {
    /// Whether the file at `path` belongs to the part.
    pub(super) fn has(&self, path: &Path) -> bool {
        let owner = self.folder.known_owner(hash_of_file(path));
        owner.or_else(|| self.folder.default_part(path)) == Some(self.part)
    }

    /// Whether a digest gives the file at `path` to the part.
    pub(super) fn is_owner_of(&self, path: &Path) -> bool {
        self.folder.known_owner(hash_of_file(path)) == Some(self.part)
    }

    /// Whether the file at `path` is known to belong to the part, and so says when the part was copied. A file that no
    /// digest lists may be of any part.
    pub(super) fn surely_has(&self, path: &Path) -> bool {
        match self.folder.known_owner(hash_of_file(path)) {
            Some(owner) => owner == self.part,
            None => self.folder.region(path).is_some_and(|region| {
                region.parts.len() == 1 && region.parts.contains(&self.part) && region.main == Some(self.part)
            }),
        }
    }

    /// Whether the part may have files below the folder at `path`.
    pub(super) fn has_folder(&self, path: &Path) -> bool {
        let depth = path.strip_prefix(&self.folder.dir).map_or(0, |below| below.iter().count());
        match self.folder.region(path) {
            Some(region) => region.parts.contains(&self.part),
            None => depth < 2 || self.folder.regions.is_empty() || self.folder.rest.main == Some(self.part),
        }
    }
}

impl SharedFolder {
    /// The part of the file with this hash of the name, if a digest knows the file.
    fn known_owner(&self, name: u64) -> Option<PartNumber> {
        let elsewhere = || self.known_elsewhere.get().and_then(|known| known.get(&name));
        self.owners.get(&name).or_else(elsewhere).copied()
    }

    fn default_part(&self, path: &Path) -> Option<PartNumber> {
        let parts = self.region(path).unwrap_or(&self.rest);
        parts.part_of_unlisted(self.log_region(path).as_ref(), time_around(path))
    }

    /// The log folder of the file at `path`: the folder around the file, or else the folder of the file's name.
    fn log_region(&self, path: &Path) -> Option<LogRegion> {
        let below = path.strip_prefix(&self.dir).ok()?.iter().filter_map(|segment| segment.to_str());
        let in_account = || LogRegion::below_account(below);
        let by_name = || LogRegion::of_name(&key_segment(path.file_name()?));
        self.logs.clone().or_else(in_account).or_else(by_name)
    }

    /// The parts of the region whose folder holds `path`.
    fn region(&self, path: &Path) -> Option<&RegionParts> {
        let region = path.strip_prefix(&self.dir).ok()?.iter().nth(1)?;
        self.regions.get(region.to_str()?)
    }
}

/// The hash of an object's name, as the key of a map of many names.
#[must_use]
pub fn hash_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The hash of the name of the object that a file is, or is the mark of.
fn hash_of_file(path: &Path) -> u64 {
    let name = path.file_name().map(key_segment).unwrap_or_default();
    let name = name.strip_suffix(MARK).unwrap_or(&name);
    name_before_inflating(name).map_or_else(|| hash_of(name), |before| hash_of(&before))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "111122223333_CloudTrail_us-east-1_20260901T1205Z_abcdefgh12345678.json";

    fn share(part: PartNumber) -> FolderShare {
        let region = |parts: &[PartNumber], main| RegionParts {
            parts: parts.iter().copied().collect(),
            main,
            ..RegionParts::default()
        };
        let folder = SharedFolder {
            dir: "/copy/111122223333".into(),
            owners: HashMap::from([(hash_of(&format!("{LOG}.gz")), 1)]),
            regions: BTreeMap::from([
                ("us-east-1".to_owned(), region(&[0, 1], Some(0))),
                ("eu-west-1".to_owned(), region(&[1], Some(1))),
                ("ap-south-1".to_owned(), region(&[], None)),
            ]),
            rest: region(&[0], Some(0)),
            ..SharedFolder::default()
        };
        FolderShare { folder: Arc::new(folder), part }
    }

    #[test]
    fn every_file_of_a_known_region_is_in_one_part() {
        let shown = |path: &str| {
            let path = Path::new("/copy/111122223333").join(path);
            let all = [share(0), share(1)];
            (all.clone().map(|share| share.has(&path)), all.map(|share| share.surely_has(&path)))
        };
        let day = "CloudTrail/us-east-1/2026/09/01";
        for name in [LOG.to_owned(), format!("{LOG}.gz"), format!("{LOG}.gz.not-collected")] {
            assert_eq!(shown(&format!("{day}/{name}")), ([false, true], [false, true]), "{name}");
        }
        assert_eq!(shown(&format!("{day}/events.json.gz")), ([true, false], [false, false]));
        assert_eq!(shown("CloudTrail/eu-west-1/x"), ([false, true], [false, true]));
        assert_eq!(shown("CloudTrail/ap-south-1/x"), ([false, false], [false, false]));
        assert_eq!(shown("x"), ([true, false], [false, false]));
    }

    #[test]
    fn an_unknown_file_is_where_the_record_covers_its_time() {
        let at = |text: &str| Timestamp::parse_digest_name(text).unwrap();
        let parts = RegionParts {
            parts: [0, 1].into(),
            main: Some(1),
            digests: BTreeMap::from([
                (0, ["20260901T100657Z", "20260901T110657Z"].map(at).into()),
                (1, ["20260902T120657Z", "20260902T130657Z"].map(at).into()),
            ]),
            ..RegionParts::default()
        };
        for (path, part) in [
            ("x/111122223333_CloudTrail_us-east-1_20260901T1005Z_abcdefgh12345678.json.gz", Some(0)),
            ("x/111122223333_CloudTrail_us-east-1_20260902T1205Z_abcdefgh12345678.json.gz", Some(1)),
            ("x/111122223333_CloudTrail_us-east-1_20260903T1205Z_abcdefgh12345678.json.gz", Some(1)),
            ("x/2026/09/01/events.json.gz", Some(0)),
            ("x/2026/09/02/events.json.gz", Some(1)),
            ("x/events.json.gz", Some(1)),
        ] {
            assert_eq!(parts.part_of_unlisted(None, time_around(Path::new(path))), part, "{path}");
        }
    }

    #[test]
    fn an_unknown_file_is_where_its_log_folder_is_searched() {
        let at = |text: &str| Timestamp::parse_digest_name(text).unwrap();
        let (one, two) = (at("20260901T100657Z"), at("20260901T110657Z"));
        let logs = |logs, region: &str| LogRegion { logs, region: region.to_owned() };
        let parts = RegionParts {
            parts: [0, 1, 2].into(),
            main: Some(0),
            digests: BTreeMap::from([(0, [one, two].into()), (1, [one].into()), (2, [two].into())]),
            log_regions: BTreeMap::from([
                (1, [logs(LogFolder::Insight, "us-east-1")].into()),
                (2, [logs(LogFolder::Aggregated, "us-east-1"), logs(LogFolder::Insight, "us-east-1")].into()),
            ]),
        };
        let around = |end: Timestamp| Interval::new(end.plus(-60), end.plus(60));
        for (folder, region, time, part) in [
            (LogFolder::CloudTrail, "us-east-1", around(one), 0),
            (LogFolder::Insight, "us-east-1", around(one), 1),
            (LogFolder::Insight, "us-east-1", around(two), 2),
            (LogFolder::Insight, "us-east-1", None, 1),
            (LogFolder::Aggregated, "us-east-1", around(one), 2),
            // No part lists log files there, so no part is searched there.
            (LogFolder::Insight, "eu-west-1", around(one), 0),
            (LogFolder::NetworkActivity, "us-east-1", around(one), 0),
        ] {
            let of = parts.part_of_unlisted(Some(&logs(folder, region)), time);
            assert_eq!(of, Some(part), "{folder:?} {region}");
        }
    }

    #[test]
    fn folders_are_shown_in_the_parts_that_have_them() {
        let shown = |path: &str| {
            [share(0), share(1)].map(|share| share.has_folder(&Path::new("/copy/111122223333").join(path)))
        };
        assert_eq!(shown("CloudTrail"), [true, true]);
        assert_eq!(shown("CloudTrail/us-east-1"), [true, true]);
        assert_eq!(shown("CloudTrail/eu-west-1/2026"), [false, true]);
        assert_eq!(shown("CloudTrail/ap-south-1"), [false, false]);
        assert_eq!(shown("CloudTrail/other"), [true, false]);
    }
}
