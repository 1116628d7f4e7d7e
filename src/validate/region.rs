//! One region of one account while it is validated: its folders, its chains, and what proved digests list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::request::Request;
use crate::event::{Finding, Severity};
use crate::ident::{ChainId, Location, LogFolder, RegionFolder};
use crate::prove::{ChainProver, ChainScope, ListedDigest, reference};
use crate::time::{Interval, Timestamp};

/// One region of one account.
pub(super) struct RegionRun {
    pub(super) account: Arc<str>,
    pub(super) region: Arc<str>,
    /// The folders that were asked for.
    pub(super) folders: Arc<[RegionFolder]>,
    pub(super) chains: Vec<ChainProver>,
    /// Of each chain's digests that were written lately, when: by their ends.
    pub(super) written: Vec<BTreeMap<Timestamp, Timestamp>>,
    /// What concerns the region, or a chain of it beside what the chain's prover finds.
    pub(super) findings: Vec<Finding>,
    /// Of each folder, the folders of log files beside it that proved digests list log files in.
    pub(super) log_folders: Vec<BTreeSet<LogFolder>>,
    /// Whether any of the folders is one of digests.
    pub(super) has_digest_folder: bool,
    /// [`reference`]s of the log files that proved digests list.
    references: Vec<u128>,
    /// Those that only an unproved digest lists.
    claimed: Vec<u128>,
    /// Whether the run was to end before its folders were listed.
    pub(super) unlisted: bool,
    /// Whether the run was to end before its log folders were searched.
    pub(super) unsearched: bool,
}

impl RegionRun {
    pub(super) fn new(
        request: &Request,
        folders: Vec<RegionFolder>,
        listed: BTreeMap<ChainId, Vec<ListedDigest>>,
        report_proved: bool,
    ) -> Self {
        let folders: Arc<[RegionFolder]> = folders.into();
        let siblings: Arc<BTreeSet<ChainId>> = Arc::new(listed.keys().cloned().collect());
        let relocations = request.relocations.as_slice().into();
        let scope = |id: ChainId| ChainScope {
            selected: request.selects(&id),
            id,
            range: request.range,
            now: request.now,
            relocations: Arc::clone(&relocations),
            folders: Arc::clone(&folders),
            siblings: Arc::clone(&siblings),
            every_object: request.every_object,
            report_proved,
        };
        let chains: Vec<ChainProver> =
            listed.into_iter().map(|(id, listed)| ChainProver::new(scope(id), listed)).collect();
        let name = |name: fn(&RegionFolder) -> &Arc<str>| {
            folders.first().map_or_else(|| "".into(), |one| Arc::clone(name(one)))
        };
        Self {
            account: name(|folder| &folder.account),
            region: name(|folder| &folder.region),
            log_folders: vec![BTreeSet::from([LogFolder::CloudTrail]); folders.len()],
            written: vec![BTreeMap::new(); chains.len()],
            folders,
            chains,
            findings: Vec::new(),
            has_digest_folder: false,
            references: Vec::new(),
            claimed: Vec::new(),
            unlisted: false,
            unsearched: false,
        }
    }

    /// How many listed digests are still to be read.
    pub(super) fn unread(&self) -> usize {
        self.chains.iter().map(ChainProver::unread).sum()
    }

    /// The stretches that proved digests of `folder` cover, whatever was asked.
    pub(super) fn covered(&self, folder: usize) -> Vec<Interval> {
        let folder = u32::try_from(folder).unwrap_or(u32::MAX);
        let covered = self.chains.iter().flat_map(|chain| chain.known().covered_in(folder).iter().copied());
        covered.collect()
    }

    /// Whether a digest of the asked range lies in `folder`, proved or not.
    pub(super) fn answers(&self, folder: usize) -> bool {
        let folder = u32::try_from(folder).unwrap_or(u32::MAX);
        self.chains.iter().any(|chain| chain.known().has_digest_in(folder))
    }

    /// Of each trail whose newest proved digest lies in `folder`, that digest's end.
    pub(super) fn trail_ends(&self, folder: usize) -> impl Iterator<Item = Timestamp> {
        let newest = self.chains.iter().filter_map(|chain| chain.known().newest());
        newest.filter(move |(_, other)| *other as usize == folder).map(|(end, _)| end)
    }

    /// Where the record begins in `folder`.
    pub(super) fn begins(&self, folder: usize) -> Option<Timestamp> {
        let folder = u32::try_from(folder).unwrap_or(u32::MAX);
        self.chains.iter().filter_map(|chain| chain.begins_in(folder)).min()
    }

    /// How many log files proved digests list.
    pub(super) const fn references(&self) -> usize {
        self.references.len()
    }

    /// Notes what a proved digest lists: the [`reference`]s, and the folders beside `CloudTrail/`, which is always searched.
    pub(super) fn refer<'l>(&mut self, references: Vec<u128>, logs: impl Iterator<Item = &'l Location>) {
        self.references.extend(references);
        for location in logs.filter(|location| location.key.contains("/CloudTrail-")) {
            for (folder, known) in self.folders.iter().zip(&mut self.log_folders) {
                known.extend(folder.log_folder_of(location));
            }
        }
    }

    /// Sorts the references for looking them up, and reports the claimed log files that nobody vouches for.
    pub(super) fn settle_references(&mut self) {
        self.references.sort_unstable();
        self.references.dedup();
        let mut claimed = BTreeSet::new();
        for chain in &mut self.chains {
            let is_alone = |hash: &u128| self.references.binary_search(hash).is_err();
            chain.settle_claims(|hash| is_alone(&hash) && claimed.insert(hash));
        }
        self.claimed = claimed.into_iter().collect();
    }

    /// Whether a digest, proved or not, lists the object at `location`.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let hash = reference(location);
        self.references.binary_search(&hash).is_ok() || self.claimed.binary_search(&hash).is_ok()
    }

    /// Whether the run was to end before anything but names was looked at.
    pub(super) fn is_untouched(&self) -> bool {
        let has_begun = || self.chains.iter().any(|chain| chain.known().has_begun());
        let has_left_out = || self.chains.iter().any(|chain| chain.known().has_left_out());
        self.unlisted || (has_left_out() && !has_begun())
    }
}

/// Whether any of `findings` is more than a notice.
pub(super) fn says_something(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity > Severity::Notice)
}
