//! The listing of a folder, day by day: a hash over the lines of each day, and each line.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::RegionDays;
use crate::ident::{Location, LogFolder, RegionFolder, Sha256Hash};
use crate::prove::reference;
use crate::store::{Listed, Object};
use crate::time::{DAY, Interval, Timestamp};

/// Where the flags are in a gzip header (RFC 1952, 2.3).
const GZIP_FLAGS: usize = 3;

/// A line of a listing, shortened to 128 bits, with the [`reference`] of its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::validate) struct ListedLine {
    pub(in crate::validate) reference: u128,
    pub(in crate::validate) line: u128,
}

impl ListedLine {
    /// The line of an object as a GET answered, before its body is read. `None` if the store does not tell all of it, and for
    /// a gzip header with optional fields: CloudTrail writes none, and such fields have room for bytes that make two bodies
    /// of one entity tag.
    pub(in crate::validate) fn of_read(location: &Location, object: &mut Object) -> Option<Self> {
        let header = object.body.fill_buf().ok()?;
        if header.get(GZIP_FLAGS).is_none_or(|flags| *flags != 0) {
            return None;
        }
        let facts = &object.facts;
        let text = text(&location.key, facts.size?, facts.etag.as_deref()?, facts.modified?)?;
        Some(Self { reference: reference(location), line: shortened(&text) })
    }
}

/// `KEY<tab>SIZE<tab>ETAG<tab>LAST-MODIFIED<newline>`; `None` for a key or an entity tag with a control character, and for
/// an object that was written in parts.
fn text(key: &str, size: u64, etag: &str, modified: Timestamp) -> Option<String> {
    // The entity tag of an object in parts is a hash of hashes; CloudTrail writes objects in one part.
    let is_plain = !key.contains(char::is_control) && !etag.contains(|c: char| c.is_control() || c == '-');
    is_plain.then(|| format!("{key}\t{size}\t{etag}\t{modified}\n"))
}

fn shortened(text: &str) -> u128 {
    Sha256::digest(text).iter().take(16).fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

/// The listing of a day of one folder.
#[derive(Clone, Default)]
pub(in crate::validate) struct DayListing {
    hasher: Sha256,
    /// The lines that are needed one by one: of a digest folder all, of a log folder those of other parts of the region.
    pub(super) lines: Vec<ListedLine>,
    count: u64,
    /// Whether the store did not tell everything of an object.
    has_unknown: bool,
    /// Whether a line is not a line that was read and proved.
    has_unread: bool,
    /// Whether any object has to be restored before it is read.
    pub(super) has_archived: bool,
}

impl DayListing {
    /// Adds the next object of the listing. Returns its line.
    pub(in crate::validate) fn add(&mut self, bucket: &str, listed: &Listed) -> Option<ListedLine> {
        self.count += 1;
        self.has_archived |= listed.archived.is_some();
        let text = match (&listed.etag, listed.modified) {
            (Some(etag), Some(modified)) => text(&listed.key, listed.size, etag, modified),
            _ => None,
        };
        let Some(text) = text else {
            self.has_unknown = true;
            return None;
        };
        self.hasher.update(&text);
        Some(ListedLine {
            reference: reference(&Location::new(bucket, listed.key.as_str())),
            line: shortened(&text),
        })
    }

    /// Adds the next object of a log folder. An object has to be a log file that a digest lists, read as listed: by
    /// this part, or by the part that the log file belongs to.
    pub(in crate::validate) fn add_log(
        &mut self,
        bucket: &str,
        listed: &Listed,
        is_listed: bool,
        days: &RegionDays,
    ) {
        match self.add(bucket, listed).filter(|_| is_listed) {
            Some(line) if days.is_own(&line) => self.has_unread |= !days.is_read_as(&line),
            Some(line) => self.lines.push(line),
            None => self.has_unread = true,
        }
    }

    /// Whether every line was read and proved, as far as this part reads it.
    pub(super) const fn is_read(&self) -> bool {
        !self.has_unknown && !self.has_unread
    }

    fn hash(&self) -> Option<Sha256Hash> {
        (!self.has_unknown).then(|| Sha256Hash::from_bytes(self.hasher.clone().finalize().into()))
    }
}

/// The hash of a day: over a line `NAME HASH` for each folder that has an object of the day, the digest folder first.
/// `None` if the store does not tell everything of each object.
pub(super) fn day_hash<'l>(
    digests: Option<&'l DayListing>,
    logs: impl Iterator<Item = (LogFolder, &'l DayListing)>,
) -> Option<Sha256Hash> {
    let mut hasher = Sha256::new();
    let digests = digests.map(|listing| ("CloudTrail-Digest", listing));
    for (name, listing) in digests.into_iter().chain(logs.map(|(logs, listing)| (logs.as_str(), listing))) {
        if listing.count > 0 {
            hasher.update(format!("{name} {}\n", listing.hash()?));
        }
    }
    Some(Sha256Hash::from_bytes(hasher.finalize().into()))
}

/// The digest folders of a region by day, while they are listed.
#[derive(Default)]
pub(in crate::validate) struct DigestDays {
    /// By the index of the folder.
    pub(super) folders: BTreeMap<u32, BTreeMap<Timestamp, DayListing>>,
    /// Folders that could not be listed.
    pub(super) failed: BTreeSet<u32>,
}

impl DigestDays {
    /// Notes an object of the digest folder. Objects outside of the folders of days belong to no day.
    pub(in crate::validate) fn note(&mut self, index: u32, folder: &RegionFolder, listed: &Listed) {
        let rest = listed.key.strip_prefix(&folder.digest_prefix());
        let Some(day) = rest.and_then(day_of) else { return };
        let days = self.folders.entry(index).or_default();
        let day = days.entry(day).or_default();
        let line = day.add(&folder.bucket, listed);
        day.lines.extend(line);
    }

    /// Notes that the folder could not be listed.
    pub(in crate::validate) fn note_failure(&mut self, index: u32) {
        self.failed.insert(index);
    }
}

/// The day of a key after the folder's prefix, `2026/09/01/…`.
fn day_of(rest: &str) -> Option<Timestamp> {
    let (folder, name) = rest.split_at_checked("2026/09/01".len())?;
    name.starts_with('/').then_some(())?;
    let start = Timestamp::parse_digest_name(&format!("{}T000000Z", folder.replace('/', "")))?;
    (start.day_folder() == folder).then_some(start)
}

/// The day of the digest or log file at `location` in `folder`, whose objects begin with `prefix`.
pub(super) fn day_in(location: &Location, bucket: &str, prefix: &str) -> Option<Timestamp> {
    (*location.bucket == *bucket).then_some(())?;
    day_of(location.key.strip_prefix(prefix)?)
}

/// The log folders of a region that a search listed whole, by day.
#[derive(Default)]
pub(in crate::validate) struct SearchedLogs {
    /// By the index of the folder.
    days: BTreeMap<(usize, LogFolder), BTreeMap<Timestamp, DayListing>>,
}

impl SearchedLogs {
    /// Notes that the days that `stretch` touches were listed whole.
    pub(in crate::validate) fn note(
        &mut self,
        folder: usize,
        logs: LogFolder,
        stretch: Interval,
        mut listed: BTreeMap<Timestamp, DayListing>,
    ) {
        let days = self.days.entry((folder, logs)).or_default();
        let mut day = stretch.start.day();
        while day <= stretch.end {
            days.insert(day, listed.remove(&day).unwrap_or_default());
            day = day.plus(DAY);
        }
    }

    /// The listing of a day; `None` if the day was not listed whole.
    pub(super) fn day(&self, folder: usize, logs: LogFolder, day: Timestamp) -> Option<&DayListing> {
        self.days.get(&(folder, logs))?.get(&day)
    }
}

impl DayListing {
    /// How many objects the folder has of the day.
    pub(super) const fn objects(&self) -> u64 {
        self.count
    }

    /// Whether the folder has no object of the day.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
