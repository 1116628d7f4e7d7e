//! Seals the days that a run proved whole. The parts of a region show what they read of each day as [`ReadDays`]: values
//! that can be stored and joined.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::draft::{DayDraft, DraftDigest};
use super::listing::{DayListing, ListedLine, SearchedLogs, day_hash};
use super::{FolderDays, RegionDays, TouchedDays};
use crate::ident::{ChainId, LogFolder, RegionFolder, Sha256Hash};
use crate::time::Timestamp;
use crate::validate::parts::LogPart;
use crate::validate::sealed::{SealedChain, SealedChanges, SealedDay};

/// What a run, or a part of a run, read of a region's days. Empty for a run that seals nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadDays {
    folders: Vec<ReadFolder>,
}

/// What was read of the days of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFolder {
    folder: RegionFolder,
    /// Folders of log files that belong to the listings of the days.
    logs: BTreeSet<LogFolder>,
    /// Days that an earlier run sealed, and that were read. They are opened unless they are sealed again.
    reread: BTreeSet<Timestamp>,
    /// Days without anything that was read and not proved.
    days: BTreeMap<Timestamp, ReadDay>,
}

/// A day of which the part proved all that it read: every digest, and every log file that belongs to the part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadDay {
    /// Whether a log file could not be read again, being in an archive, and stays remembered.
    has_archived: bool,
    /// The hash over the lines of the part's log files in the folders of the day; `None` in the first part, which compares its
    /// own lines with the listing.
    read: Option<Sha256Hash>,
    /// The listing of the day; `None` but in the first part.
    listed: Option<ListedDay>,
}

/// The listing of a day, whose every line is a line that was read and proved, or a log file of another part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedDay {
    /// The day; `None` if its digests do not record each other.
    sealed: Option<SealedDay>,
    /// For each other part with log files in the listing, what it has to have read.
    others: BTreeMap<u32, Sha256Hash>,
}

impl ReadDays {
    /// Checks what the end of a run, and later runs, rely on. `is_own` tells the folders of the region, and `is_chain` its
    /// chains.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn check(
        &self,
        is_own: impl Fn(&RegionFolder) -> bool,
        is_chain: impl Fn(&ChainId) -> bool,
    ) -> Result<(), &'static str> {
        for folder in &self.folders {
            if !is_own(&folder.folder) {
                return Err("it has the days of another folder");
            }
            for (day, read) in &folder.days {
                let Some(sealed) = read.listed.as_ref().and_then(|listed| listed.sealed.as_ref()) else {
                    continue;
                };
                sealed.check(*day)?;
                if !sealed.chains.iter().all(|chain| is_chain(&chain.id)) {
                    return Err("a day has a chain of another region");
                }
            }
        }
        Ok(())
    }

    /// Joins the days of the first part with those of all other parts: a day stays if every part proved what it read, and the
    /// parts read every line of the listing.
    pub fn join(&mut self, others: impl Iterator<Item = (u32, Self)>) {
        for (number, other) in others {
            let is_same = |(own, other): (&ReadFolder, &ReadFolder)| own.folder == other.folder;
            if self.folders.len() != other.folders.len()
                || !self.folders.iter().zip(&other.folders).all(is_same)
            {
                self.folders.clear();
                return;
            }
            for (own, other) in self.folders.iter_mut().zip(&other.folders) {
                own.days.retain(|day, own| own.join(number, other.days.get(day)));
            }
        }
    }

    /// The changes of the sealed days, after all parts were joined. A run that is not `whole` may have left out any day that
    /// it does not seal.
    pub(in crate::validate) fn seal(self, touched: &TouchedDays, is_whole: bool) -> Vec<SealedChanges> {
        self.folders.into_iter().map(|folder| folder.seal(touched, is_whole)).collect()
    }
}

impl ReadDay {
    /// Joins the same day of part `number`. Returns whether the day can still be sealed.
    fn join(&mut self, number: u32, other: Option<&Self>) -> bool {
        let Some(other) = other else { return false };
        self.has_archived |= other.has_archived;
        let expected = self.listed.as_ref().and_then(|listed| listed.others.get(&number));
        expected.is_none_or(|expected| other.read == Some(*expected))
    }
}

impl ReadFolder {
    fn seal(self, touched: &TouchedDays, is_whole: bool) -> SealedChanges {
        let Self { folder, logs, reread, days } = self;
        let (mut sealed, mut archived) = (BTreeMap::new(), BTreeSet::new());
        for (day, read) in days.into_iter().filter(|(day, _)| !touched.has(*day)) {
            let Some(listed) = read.listed else { continue };
            // A day that was not read in full stays as the earlier run sealed it.
            if read.has_archived {
                archived.insert(day);
            } else if let Some(day_sealed) = listed.sealed {
                sealed.insert(day, day_sealed);
            }
        }
        let is_opened = |day: &Timestamp| is_whole && !sealed.contains_key(day) && !archived.contains(day);
        let opened = reread.into_iter().filter(is_opened).collect();
        SealedChanges { folder, sealed, archived, opened, logs }
    }
}

impl RegionDays {
    /// What was read of the days, after everything of the region was read and searched. `log_folders` are, for each folder,
    /// the log folders in which proved digests list log files.
    pub(in crate::validate) fn end(
        mut self,
        log_folders: &[BTreeSet<LogFolder>],
        searched: &SearchedLogs,
    ) -> ReadDays {
        let folders = mem::take(&mut self.folders).into_iter().enumerate();
        let folders = folders.map(|(number, folder)| {
            let mut logs = folder.known.logs.clone();
            logs.extend(log_folders.get(number).into_iter().flatten());
            self.end_folder(number, folder, logs, searched)
        });
        ReadDays { folders: folders.collect() }
    }

    fn end_folder(
        &self,
        number: usize,
        mut folder: FolderDays,
        logs: BTreeSet<LogFolder>,
        searched: &SearchedLogs,
    ) -> ReadFolder {
        let (drafts, mut own) = (mem::take(&mut folder.drafts), mem::take(&mut folder.lines));
        let mut days = BTreeMap::new();
        for (day, draft) in drafts.into_iter().filter(|(_, draft)| !draft.is_open) {
            let has_archived = draft.has_archived;
            let read = match self.part.number {
                0 => {
                    let listed = self.listed_day(&folder, number, day, draft, &logs, searched);
                    listed.map(|listed| ReadDay { has_archived, read: None, listed: Some(listed) })
                }
                _ => {
                    let read = hash_of(own.remove(&day).unwrap_or_default());
                    Some(ReadDay { has_archived, read: Some(read), listed: None })
                }
            };
            days.extend(read.map(|read| (day, read)));
        }
        let is_read = |day: &&Timestamp| folder.listed.contains_key(day) && !folder.skipped.contains(day);
        let reread = folder.known.days.keys().filter(is_read).copied().collect();
        ReadFolder { folder: folder.folder, logs, reread, days }
    }

    /// The listing of a day whose every line was read and proved, or belongs to another part.
    fn listed_day(
        &self,
        folder: &FolderDays,
        number: usize,
        day: Timestamp,
        draft: DayDraft,
        logs: &BTreeSet<LogFolder>,
        searched: &SearchedLogs,
    ) -> Option<ListedDay> {
        // 1. Every object of the digest folder is a proved digest, answered as listed, and every proved digest is
        //    listed.
        let listing = folder.listed.get(&day)?;
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
            match searched.day(number, *of, day) {
                Some(listing) if listing.is_read() => of_day.push((*of, listing)),
                None if is_unchanged && folder.compared.contains(of) => {}
                _ => return None,
            }
        }
        // 3. Every log file that a proved digest lists is listed: what was deleted since it was read is not sealed.
        let mut referenced = folder.referenced.get(&day).cloned().unwrap_or_default();
        referenced.sort_unstable();
        referenced.dedup();
        let listed_logs: u64 = of_day.iter().map(|(_, listing)| listing.objects()).sum();
        if !is_unchanged && listed_logs != referenced.len() as u64 {
            return None;
        }
        let others = self.others(of_day.iter().map(|(_, listing)| *listing));
        let hash = match is_unchanged {
            // What is unchanged keeps its hash. A log folder that is new here has to be empty.
            true if of_day.iter().all(|(_, listing)| listing.is_empty()) => {
                folder.known.days.get(&day).map(|sealed| sealed.hash)
            }
            true => None,
            false => day_hash(Some(listing), of_day.into_iter()),
        };
        Some(ListedDay { sealed: sealed_day(hash?, draft), others })
    }

    /// What each other part has to have read of the listings of a day.
    fn others<'l>(&self, listings: impl Iterator<Item = &'l DayListing>) -> BTreeMap<u32, Sha256Hash> {
        let mut lines: BTreeMap<u32, Vec<ListedLine>> = BTreeMap::new();
        for line in listings.flat_map(|listing| &listing.lines) {
            lines.entry(LogPart::holder(self.part.of, line.reference)).or_default().push(*line);
        }
        lines.into_iter().map(|(part, lines)| (part, hash_of(lines))).collect()
    }
}

/// The hash over lines in no order.
fn hash_of(mut lines: Vec<ListedLine>) -> Sha256Hash {
    lines.sort_unstable();
    lines.dedup();
    let mut hash = Sha256::new();
    for ListedLine { reference, line } in lines {
        hash.update(reference.to_be_bytes());
        hash.update(line.to_be_bytes());
    }
    Sha256Hash(hash.finalize().into())
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
