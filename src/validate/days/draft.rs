//! What a run reads of a day, until the day can be sealed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::listing::{ListedLine, day_in};
use super::{FolderDays, RegionDays};
use crate::digest::DigestFile;
use crate::ident::{ChainId, DigestKey, Location, LogFolder, Sha256Hash};
use crate::prove::{LogSeen, reference};
use crate::time::{Interval, Timestamp};

/// The digests of a day that were proved.
#[derive(Default)]
pub(super) struct DayDraft {
    pub(super) digests: Vec<DraftDigest>,
    /// Other days in whose folders the digests list log files.
    pub(super) lists: BTreeSet<Timestamp>,
    /// Whether something of the day was not proved, or lies where no listing of this folder shows it.
    pub(super) is_open: bool,
    /// Whether a log file could not be read again, being in an archive, and stays remembered.
    pub(super) has_archived: bool,
}

/// A proved digest of a day.
pub(super) struct DraftDigest {
    pub(super) reference: u128,
    pub(super) chain: Arc<ChainId>,
    pub(super) window: Interval,
    pub(super) hash: Sha256Hash,
    /// End and hash of the recorded predecessor.
    pub(super) previous: Option<(Timestamp, Sha256Hash)>,
    pub(super) logs: u64,
}

/// A log file that was read, and whether the log file is as its digest lists it.
#[derive(Clone, Copy)]
pub(in crate::validate) struct ReadLog {
    is_valid: bool,
    is_remembered: bool,
    line: Option<ListedLine>,
}

impl ReadLog {
    pub(in crate::validate) const fn of(seen: &LogSeen, line: Option<ListedLine>) -> Self {
        let (is_valid, is_remembered) =
            (matches!(seen, LogSeen::Valid(_)), matches!(seen, LogSeen::Remembered));
        Self { is_valid, is_remembered, line }
    }
}

impl RegionDays {
    /// Notes a digest as read, proved or not.
    pub(in crate::validate) fn note_read(&mut self, line: Option<ListedLine>) {
        if self.is_on() {
            self.read.extend(line.map(|line| (line.reference, line.line)));
        }
    }

    /// Notes a proved digest of `chain` and its log files. A digest that is not `counted` is only a witness.
    pub(in crate::validate) fn note_proved(
        &mut self,
        chain: &Arc<ChainId>,
        digest: &DigestFile,
        counted: bool,
        logs: &[ReadLog],
    ) {
        if !self.is_on() {
            return;
        }
        let valid = logs.iter().filter(|log| log.is_valid).filter_map(|log| log.line);
        self.read.extend(valid.map(|line| (line.reference, line.line)));
        let part = self.part;
        let own = digest.logs().iter().map(|log| &log.location).filter(|location| part.has(location));
        let own: Vec<&Location> = own.collect();
        if part.number == 0 {
            for location in digest.logs().iter().map(|log| &log.location) {
                self.folders.iter_mut().for_each(|folder| folder.note_referenced(location));
            }
        } else {
            let valid = own.iter().zip(logs).filter(|(_, log)| log.is_valid);
            for (line, location) in valid.filter_map(|(location, log)| Some((log.line?, location))) {
                self.folders.iter_mut().for_each(|folder| folder.note_line(location, line));
            }
        }
        let found = self.folders.iter_mut().find_map(|folder| {
            let day = day_in(digest.location(), &folder.folder.bucket, &folder.folder.digest_prefix())?;
            Some((folder, day))
        });
        let Some((folder, day)) = found else { return };
        if !folder.listed.contains_key(&day) {
            return;
        }
        let is_proved = |log: &ReadLog| log.is_valid || log.is_remembered;
        let all_proved = logs.len() == own.len() && logs.iter().all(is_proved);
        let days: Vec<Option<Timestamp>> =
            digest.logs().iter().map(|log| folder.day_of_log(&log.location)).collect();
        let previous = digest.previous().map(|previous| {
            let key = DigestKey::parse(&previous.location);
            let here = key.filter(|key| key.chain() == **chain && key.folder == folder.folder)?;
            Some((here.end, previous.hash?))
        });
        // A predecessor in another folder has no place in the memory of this folder.
        let follows_other = previous == Some(None);
        let draft = folder.drafts.entry(day).or_default();
        draft.is_open |= !counted || !all_proved || chain.backfill || follows_other;
        draft.is_open |= days.iter().any(Option::is_none);
        draft.has_archived |= logs.iter().any(|log| log.is_remembered);
        draft.lists.extend(days.into_iter().flatten().filter(|other| *other != day));
        draft.digests.push(DraftDigest {
            reference: reference(digest.location()),
            chain: Arc::clone(chain),
            window: digest.window(),
            hash: digest.hash(),
            previous: previous.flatten(),
            logs: digest.log_count() as u64,
        });
    }
}

impl RegionDays {
    /// Whether an earlier run proved a log file that `digest` lists: both lie in days that are sealed, and are listed as
    /// that run read them.
    pub(in crate::validate) fn has_proved(&self, digest: &Location, log: &Location) -> bool {
        self.folders.iter().any(|folder| {
            let of_digest = day_in(digest, &folder.folder.bucket, &folder.folder.digest_prefix());
            let mut days = [of_digest, folder.day_of_log(log)].into_iter();
            days.all(|day| day.is_some_and(|day| folder.unchanged.contains(&day)))
        })
    }
}

impl FolderDays {
    /// Notes a log file that a proved digest lists, if the log file is of a day that is listed.
    fn note_referenced(&mut self, location: &Location) {
        if let Some(day) = self.day_of_log(location).filter(|day| self.listed.contains_key(day)) {
            self.referenced.entry(day).or_default().push(reference(location));
        }
    }

    /// Notes the line of a log file that was read and proved, if the log file is of a day that is listed.
    fn note_line(&mut self, location: &Location, line: ListedLine) {
        if let Some(day) = self.day_of_log(location).filter(|day| self.listed.contains_key(day)) {
            self.lines.entry(day).or_default().push(line);
        }
    }

    /// The day of a log file in the log folders of this folder; `None` for a log file elsewhere.
    fn day_of_log(&self, location: &Location) -> Option<Timestamp> {
        let prefix = |logs: LogFolder| self.folder.log_prefix_in(logs);
        LogFolder::ALL.into_iter().find_map(|logs| day_in(location, &self.folder.bucket, &prefix(logs)))
    }
}
