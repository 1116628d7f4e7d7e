//! Seals the days that a run proved whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::draft::{DayDraft, DraftDigest};
use super::listing::{SearchedLogs, day_hash};
use super::{FolderDays, RegionDays, whole};
use crate::event::{Finding, Kind, Severity};
use crate::ident::{ChainId, DigestKey, Location, LogFolder, Sha256Hash};
use crate::time::{DAY, Interval, Timestamp};
use crate::validate::memory::RunMemory;
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
        let drafts = folder.take_drafts();
        let sealed: BTreeMap<Timestamp, SealedDay> = drafts
            .into_iter()
            .filter(|(day, _)| !touched.has(*day))
            .filter_map(|(day, draft)| {
                let hash = self.proved_hash(&folder, number, day, &draft, &logs, input)?;
                Some((day, sealed_day(hash, draft)?))
            })
            .collect();
        // A sealed day that was read and is not sealed again is opened. After an interruption it may be unread.
        let is_opened = |day: &&Timestamp| !folder.skipped.contains(day) && !sealed.contains_key(day);
        let was_read = |day: &&Timestamp| folder.listed.contains_key(day);
        let opened = folder.known.days.keys().filter(|_| !input.interrupted);
        let opened = opened.filter(was_read).filter(is_opened).copied().collect();
        SealedChanges { folder: folder.folder, sealed, opened, logs, rechecked: !input.interrupted }
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
        // 2. Every log file that a digest lists is proved and answered as listed. Objects that no digest lists are
        //    findings, which were looked at before, or of a time in which nothing is said. Days that
        //    are unchanged were not searched again.
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

/// Opens the sealed days in `memory` that findings above a notice are about.
pub(in crate::validate) fn opened(memory: &RunMemory, findings: &[&Finding]) -> Vec<SealedChanges> {
    let grave: Vec<&Finding> =
        findings.iter().filter(|finding| finding.severity > Severity::Notice).copied().collect();
    let touched = TouchedDays::of(&grave);
    let changes = memory.sealed.iter().map(|(folder, known)| SealedChanges {
        folder: folder.clone(),
        sealed: BTreeMap::new(),
        opened: known.days.keys().filter(|day| touched.has(**day)).copied().collect(),
        logs: BTreeSet::new(),
        rechecked: false,
    });
    changes.filter(|changes| !changes.opened.is_empty()).collect()
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
    Some(SealedDay { hash, lists: draft.lists, chains: chains?, read, run })
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
struct TouchedDays {
    days: BTreeSet<Timestamp>,
    stretches: Vec<Interval>,
    /// Whether a finding may be about any day.
    all: bool,
}

impl TouchedDays {
    fn of(findings: &[&Finding]) -> Self {
        let mut touched = Self { days: BTreeSet::new(), stretches: Vec::new(), all: false };
        // Where the record begins is known to the chain, and found again in each run.
        for finding in findings.iter().filter(|finding| finding.kind != Kind::ChainStart) {
            touched.add(finding);
        }
        touched
    }

    fn add(&mut self, finding: &Finding) {
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
        // A finding that counts objects without naming them may be about any day.
        let is_counted = finding.fault.count().is_some() && finding.objects.is_empty();
        self.all |= !known || is_counted;
    }

    fn has(&self, day: Timestamp) -> bool {
        self.all
            || self.days.contains(&day)
            || self.stretches.iter().any(|stretch| stretch.overlaps(whole(day)))
    }
}

/// The days of an object: the day of its folder, and the day before the end of a digest's hour.
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
