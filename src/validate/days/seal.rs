//! Seals the days that a run proved whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::draft::{DayDraft, DraftDigest};
use super::listing::{SearchedLogs, day_hash};
use super::{FolderDays, RegionDays, whole};
use crate::event::{Fault, Finding, Kind, Severity};
use crate::ident::{ChainId, DigestKey, Location, LogFolder, Sha256Hash};
use crate::time::{DAY, Interval, Timestamp};
use crate::validate::sealed::{SealedChain, SealedChanges, SealedDay};

/// The run as far as sealing is concerned.
pub(in crate::validate) struct SealInput<'r> {
    /// All findings on the region and its chains.
    pub(in crate::validate) findings: &'r [&'r Finding],
    /// Whether keys could not be fetched, whose findings are joined over all regions.
    pub(in crate::validate) has_unfetched_keys: bool,
    pub(in crate::validate) searched: &'r SearchedLogs,
    /// For each folder, the log folders in which proved digests list log files.
    pub(in crate::validate) log_folders: &'r [BTreeSet<LogFolder>],
    /// Whether anything of the region was left out.
    pub(in crate::validate) interrupted: bool,
}

impl RegionDays {
    /// The changes of the sealed days, after everything of the region was read and searched.
    pub(in crate::validate) fn seal(mut self, input: &SealInput<'_>) -> Vec<SealedChanges> {
        let mut touched = TouchedDays::of(input.findings);
        touched.all |= input.has_unfetched_keys;
        let folders = std::mem::take(&mut self.folders);
        let numbered = folders.into_iter().enumerate();
        numbered.map(|(number, folder)| self.seal_folder(number, folder, &touched, input)).collect()
    }

    fn seal_folder(
        &self,
        number: usize,
        mut folder: FolderDays,
        touched: &TouchedDays,
        input: &SealInput<'_>,
    ) -> SealedChanges {
        let mut logs = folder.known.logs.clone();
        logs.extend(input.log_folders.get(number).into_iter().flatten());
        let (mut sealed, mut archived) = (BTreeMap::new(), BTreeSet::new());
        for (day, draft) in folder.take_drafts() {
            if touched.has(day) {
                continue;
            }
            let Some(hash) = self.proved_hash(&folder, number, day, &draft, &logs, input) else { continue };
            // A day that was not read in full stays as the earlier run sealed it.
            if draft.has_archived {
                archived.insert(day);
            } else if let Some(day_sealed) = sealed_day(hash, draft) {
                sealed.insert(day, day_sealed);
            }
        }
        // A sealed day that was read and is not sealed again is opened. After an interruption it may be unread.
        let is_opened = |day: &&Timestamp| {
            !folder.skipped.contains(day) && !sealed.contains_key(day) && !archived.contains(day)
        };
        let was_read = |day: &&Timestamp| folder.listed.contains_key(day);
        let opened = folder.known.days.keys().filter(|_| !input.interrupted);
        let opened = opened.filter(was_read).filter(is_opened).copied().collect();
        SealedChanges { folder: folder.folder, sealed, archived, opened, logs }
    }

    /// The hash of the listing of a day whose every line was read and proved.
    fn proved_hash(
        &self,
        folder: &FolderDays,
        number: usize,
        day: Timestamp,
        draft: &DayDraft,
        logs: &BTreeSet<LogFolder>,
        input: &SealInput<'_>,
    ) -> Option<Sha256Hash> {
        // 1. Every object of the digest folder is a proved digest, answered as listed, and every proved digest is
        //    listed.
        let listing = folder.listed.get(&day).filter(|_| !draft.is_open)?;
        let proved: BTreeSet<u128> = draft.digests.iter().map(|digest| digest.reference).collect();
        let listed: BTreeSet<u128> = listing.lines.iter().map(|line| line.reference).collect();
        let is_read = listing.is_read() && listing.lines.iter().all(|line| self.is_read_as(line));
        if !is_read || proved != listed || draft.digests.len() != listing.lines.len() {
            return None;
        }
        // 2. Every object of the log folders is a log file that a proved digest lists, answered as listed. Days that are
        //    unchanged were not searched again.
        let is_unchanged = folder.unchanged.contains(&day);
        let mut of_day = Vec::new();
        for of in logs {
            match input.searched.day(number, *of, day) {
                Some(listing) if listing.is_read() => of_day.push((*of, listing)),
                None if is_unchanged && folder.compared.contains(of) => {}
                _ => return None,
            }
        }
        match is_unchanged {
            // What is unchanged keeps its hash. A log folder that is new here has to be empty.
            true if of_day.iter().all(|(_, listing)| listing.is_empty()) => {
                folder.known.days.get(&day).map(|sealed| sealed.hash)
            }
            true => None,
            false => day_hash(Some(listing), of_day.into_iter()),
        }
    }
}

/// The day, if the digests of each chain record each other without a gap.
fn sealed_day(hash: Sha256Hash, draft: DayDraft) -> Option<SealedDay> {
    let mut chains: BTreeMap<Arc<ChainId>, Vec<DraftDigest>> = BTreeMap::new();
    for digest in draft.digests {
        chains.entry(Arc::clone(&digest.chain)).or_default().push(digest);
    }
    let chains: Option<Vec<SealedChain>> =
        chains.into_iter().map(|(id, digests)| sealed_chain(id, digests)).collect();
    // The memory fills in the run.
    let (read, run) = (Timestamp::from_unix(0), String::new());
    Some(SealedDay { hash, lists: draft.lists, chains: chains?, read, run, is_archived: false })
}

fn sealed_chain(id: Arc<ChainId>, mut digests: Vec<DraftDigest>) -> Option<SealedChain> {
    digests.sort_by_key(|digest| digest.window.end);
    let links = |pair: &[DraftDigest]| match pair {
        [older, newer] => {
            newer.previous == Some((older.window.end, older.hash)) && newer.window.start == older.window.end
        }
        _ => false,
    };
    if !digests.windows(2).all(links) {
        return None;
    }
    let edge = |digest: &DraftDigest| (digest.window.end, digest.hash);
    let (oldest, newest) = (digests.first()?, digests.last()?);
    Some(SealedChain {
        id,
        start: oldest.window.start,
        previous: oldest.previous,
        oldest: edge(oldest),
        newest: edge(newest),
        digests: digests.len() as u64,
        logs: digests.iter().map(|digest| digest.logs).sum(),
    })
}

/// The days that findings are about.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TouchedDays {
    days: BTreeSet<Timestamp>,
    stretches: Vec<Interval>,
    /// Whether a finding may be about any day.
    all: bool,
}

impl TouchedDays {
    fn of(findings: &[&Finding]) -> Self {
        let mut touched = Self::default();
        findings.iter().for_each(|finding| touched.add(finding));
        touched
    }

    /// Adds the days that a finding is about.
    pub fn add(&mut self, finding: &Finding) {
        // 1. Where the record begins is found again in each run. Objects outside of the days' folders are of no day.
        // Nothing is wrong with a digest that its successor proves without a signature or a key of its own.
        let is_proved = finding.severity == Severity::Notice
            && matches!(finding.kind, Kind::DigestUnsigned | Kind::KeyUnknown);
        let is_of_no_day = finding.kind == Kind::ChainStart
            || is_proved
            || matches!(finding.fault, Fault::StrayLog | Fault::MoreJunk { .. })
            || (matches!(finding.fault, Fault::NotADigestName) && finding.at <= Timestamp::from_unix(0));
        if is_of_no_day {
            return;
        }
        // 2. The newest digest is too old: nothing is wrong with the days after it, which belong to other trails.
        if finding.kind == Kind::ChainStale {
            self.days.insert(finding.at.day());
            return;
        }
        // 3. The days of the objects, of the stretch, and of the moment.
        let mut known = false;
        for uri in finding.uri.iter().chain(&finding.digest).chain(&finding.objects) {
            if let Some(days) = days_of(uri) {
                known = true;
                self.days.extend(days);
            }
        }
        if let (Some(start), Some(end)) = (finding.start, finding.end) {
            known = true;
            self.stretches.extend(Interval::new(start, end));
        }
        if finding.at > Timestamp::from_unix(0) {
            known = true;
            self.days.insert(finding.at.day());
        }
        self.all |= !known;
    }

    /// Whether a finding is about the day that begins at `day`, or may be about any day.
    pub(super) fn has(&self, day: Timestamp) -> bool {
        self.all || self.names(day)
    }

    /// Whether a finding is about the day that begins at `day`.
    #[must_use]
    pub fn names(&self, day: Timestamp) -> bool {
        self.days.contains(&day) || self.stretches.iter().any(|stretch| stretch.overlaps(whole(day)))
    }
}

/// The days of an object: of a digest the day of its end, of a log file the day of its folder and its neighbours, whose
/// digests may list the log file.
fn days_of(uri: &str) -> Option<Vec<Timestamp>> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    if let Some(digest) = DigestKey::parse(&Location::new(bucket, key)) {
        return Some(vec![digest.end.day()]);
    }
    // A folder of a day is followed by the name.
    let (folders, _) = key.rsplit_once('/')?;
    let date = folders.get(folders.len().checked_sub("2026/09/01".len())?..)?;
    let start = Timestamp::parse_digest_name(&format!("{}T000000Z", date.replace('/', "")))?;
    (start.day_folder() == date).then(|| vec![start, start.plus(-DAY), start.plus(DAY)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::RegionFolder;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_unix(1_788_220_800).plus(number * DAY)
    }

    fn folder() -> RegionFolder {
        RegionFolder {
            bucket: "b".into(),
            root: "".into(),
            organization: None,
            account: "111122223333".into(),
            region: "us-east-1".into(),
        }
    }

    /// The days from 0 to 29 that a finding is about, and whether it may be about any.
    fn touched_by(finding: Finding) -> (Vec<i64>, bool) {
        let touched = TouchedDays::of(&[&finding]);
        ((0..30).filter(|number| touched.names(day(*number))).collect(), touched.all)
    }

    #[test]
    fn findings_touch_the_days_that_they_are_about() {
        let log = format!("{}2026/09/05/x.json.gz", folder().log_prefix());
        let log = Location::new("b", log);
        let found = |at| Finding::new(Fault::LogsWithoutDigests, at);
        assert_eq!(touched_by(found(day(9).plus(7)).about(&log)), (vec![3, 4, 5, 9], false));
        assert_eq!(touched_by(found(day(9).plus(7))), (vec![9], false));
        let stretch = Interval { start: day(11).plus(5), end: day(13) };
        assert_eq!(touched_by(found(day(11)).over(stretch)), (vec![11, 12], false));
        assert_eq!(touched_by(found(Timestamp::from_unix(0))), (Vec::new(), true));
        // A trail that ended long ago says nothing of the days after.
        let stale = Interval { start: day(3).plus(5), end: day(29) };
        assert_eq!(
            touched_by(Finding::new(Fault::Stale { late: 9 }, stale.start).over(stale)),
            (vec![3], false)
        );
        let stray = Location::new("b", format!("{}readme", folder().log_prefix()));
        let stray = Finding::new(Fault::StrayLog, Timestamp::from_unix(0)).about(&stray);
        assert_eq!(touched_by(stray), (Vec::new(), false));
    }
}
