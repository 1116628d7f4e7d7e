//! One region of one account during validation: its folders, its chains, and the log files that proved digests list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::context::RunContext;
use super::days::RegionDays;
use super::logs;
use super::request::ValidationRequest;
use super::twins::{self, DigestTwin};
use crate::event::{Finding, Severity};
use crate::ident::{ChainId, Location, LogFolder, RegionFolder, Sha256Hash};
use crate::prove::{ChainProver, ChainScope, ChainState, ClaimRoom, ListedDigest, reference};
use crate::time::{self, Interval, Timestamp};

/// How many log files of a region that only unproved digests list are read, for the ids of their findings.
const MAX_CLAIMED_READ: usize = 2_000;

/// One region of one account.
pub(super) struct RegionRun {
    pub(super) account: Arc<str>,
    pub(super) region: Arc<str>,
    /// The asked folders.
    pub(super) folders: Arc<[RegionFolder]>,
    /// For each folder, the numbers of the folders that are copies of the same folder, its own included.
    copies: Vec<Vec<u32>>,
    pub(super) chains: Vec<ChainProver>,
    /// The write times of recently written digests, for each chain by digest end.
    pub(super) recent_writes: Vec<BTreeMap<Timestamp, Timestamp>>,
    /// Findings on the region, and findings on chains from outside of the provers.
    pub(super) findings: Vec<Finding>,
    /// For each folder, the log folders in which proved digests list log files.
    pub(super) log_folders: Vec<BTreeSet<LogFolder>>,
    /// Whether any of the folders has digests.
    pub(super) has_digest_folder: bool,
    /// [`reference`]s of the log files that proved digests list.
    references: Vec<u128>,
    /// The places of log files under other names than the digests list. Parts of a run meet different ones.
    renamed: BTreeSet<u128>,
    /// References of the log files that only unproved digests list.
    claimed: Vec<u128>,
    /// Room for the log files that unproved digests list.
    claim_room: ClaimRoom,
    /// The days of the folders, in a run with memory.
    pub(super) days: RegionDays,
    /// The hash over the listed digests, of a run that is cut into shards.
    pub(super) listing: Option<Sha256Hash>,
    /// Further copies of digests in the chains.
    pub(super) twins: Vec<DigestTwin>,
    /// The newest end of the digests of each chain that were delivered after the plan of the shards.
    pub(super) newer: BTreeMap<ChainId, Timestamp>,
    /// Whether the run was cancelled before the folders were listed.
    pub(super) unlisted: bool,
    /// Whether the run was cancelled before the log folders were searched.
    pub(super) unsearched: bool,
}

impl RegionRun {
    pub(super) fn new(
        request: &ValidationRequest,
        folders: Vec<RegionFolder>,
        mut listed: BTreeMap<ChainId, Vec<ListedDigest>>,
        report_proved: bool,
        days: RegionDays,
    ) -> Self {
        let folders: Arc<[RegionFolder]> = folders.into();
        if let Some(folder) = folders.first() {
            request.add_remembered(&folder.account, &folder.region, &mut listed);
        }
        let relocations = request.relocations.as_slice().into();
        let scope = |id: ChainId| ChainScope {
            selected: request.selects(&id),
            id,
            range: request.range,
            now: request.now,
            relocations: Arc::clone(&relocations),
            folders: Arc::clone(&folders),
            every_object: request.every_object,
            report_proved,
        };
        let mut chains: Vec<ChainProver> =
            listed.into_iter().map(|(id, listed)| prover(scope(id), listed, &days)).collect();
        chains.iter_mut().for_each(|chain| request.remind(chain));
        let name = |name: fn(&RegionFolder) -> &Arc<str>| {
            folders.first().map_or_else(|| "".into(), |folder| Arc::clone(name(folder)))
        };
        Self {
            account: name(|folder| &folder.account),
            region: name(|folder| &folder.region),
            log_folders: days.log_folders(folders.len()),
            recent_writes: vec![BTreeMap::new(); chains.len()],
            copies: twins::copies_of_folders(request, &folders),
            folders,
            chains,
            findings: Vec::new(),
            has_digest_folder: false,
            references: Vec::new(),
            renamed: BTreeSet::new(),
            claimed: Vec::new(),
            claim_room: ClaimRoom::default(),
            days,
            listing: None,
            twins: Vec::new(),
            newer: BTreeMap::new(),
            unlisted: false,
            unsearched: false,
        }
    }

    /// The chains with remembered heads to look for and no digest left to read, by number.
    pub(super) fn due(&self) -> impl Iterator<Item = usize> {
        let numbered = self.chains.iter().enumerate();
        numbered.filter(|(_, chain)| chain.is_due()).map(|(number, _)| number)
    }

    /// How many listed digests are still to be read.
    pub(super) fn unread(&self) -> usize {
        self.chains.iter().map(ChainProver::unread).sum()
    }

    /// How many digests are listed, to be read or not.
    pub(super) fn listed(&self) -> usize {
        self.chains.iter().map(|chain| chain.known().listed().len()).sum()
    }

    /// The stretches that proved digests of the trails with digests in `folder`, or in a copy of it, cover, asked for or not,
    /// in order.
    pub(super) fn covered(&self, folder: usize) -> Vec<Interval> {
        let copies = self.copies_of(folder);
        let covered = copies
            .iter()
            .flat_map(|folder| self.chains.iter().flat_map(move |chain| chain.known().covered_with(*folder)));
        time::union(covered.collect())
    }

    /// Whether a digest of the asked range lies in `folder` or in a copy of it, proved or not.
    pub(super) fn has_digest_in(&self, folder: usize) -> bool {
        let mut copies = self.copies_of(folder).iter();
        copies.any(|folder| self.chains.iter().any(|chain| chain.known().has_digest_in(*folder)))
    }

    /// The end of the newest proved digest of each trail with digests in `folder` or in a copy of it, wherever the newest
    /// digest lies.
    pub(super) fn trail_ends(&self, folder: usize) -> impl Iterator<Item = Timestamp> {
        let copies = self.copies_of(folder);
        let known = self.chains.iter().map(ChainProver::known);
        let newest = known.filter_map(|known| Some((known, known.newest()?)));
        let here = newest.filter(move |(known, (_, other))| {
            copies.iter().any(|folder| other == folder || !known.covered_in(*folder).is_empty())
        });
        here.map(|(_, (end, _))| end)
    }

    /// Where the record begins in `folder` or in a copy of it.
    pub(super) fn record_begins_in(&self, folder: usize) -> Option<Timestamp> {
        let copies = self.copies_of(folder).iter();
        copies
            .filter_map(|folder| self.chains.iter().filter_map(|chain| chain.begins_in(*folder)).min())
            .min()
    }

    /// The numbers of the folders that are copies of the same folder as `folder`, its own included.
    fn copies_of(&self, folder: usize) -> &[u32] {
        self.copies.get(folder).map_or(&[], Vec::as_slice)
    }

    /// How many log files proved digests list.
    pub(super) const fn references(&self) -> usize {
        self.references.len()
    }

    /// Notes the log files of a proved digest: the [`reference`]s, and the log folders beside `CloudTrail/`, which is
    /// always searched.
    pub(super) fn note_references<'l>(
        &mut self,
        references: Vec<u128>,
        logs: impl Iterator<Item = &'l Location>,
    ) {
        self.references.extend(references);
        for location in logs.filter(|location| location.key.contains("/CloudTrail-")) {
            for (folder, known) in self.folders.iter().zip(&mut self.log_folders) {
                known.extend(folder.log_folder_of(location));
            }
        }
    }

    /// Notes where a log file lies under another name.
    pub(super) fn note_renamed(&mut self, place: u128) {
        self.renamed.insert(place);
    }

    /// Keeps what unproved digests of a chain list within the room of the region.
    pub(super) fn bound_claims(&mut self, chain: usize) {
        if let Some(chain) = self.chains.get_mut(chain) {
            chain.make_room_for_claims(&mut self.claim_room);
        }
    }

    /// Sorts the references for look-ups, and reports the claimed log files that no proved digest lists.
    pub(super) fn settle_references(&mut self, context: RunContext<'_>) {
        self.references.sort_unstable();
        self.references.dedup();
        self.days.settle();
        let claims = self.chains.iter().flat_map(ChainProver::claimed_logs);
        let proved_before = self.days.proved_before(context, claims);
        let is_alone =
            |hash: &u128| self.references.binary_search(hash).is_err() && !proved_before.contains(hash);
        // An acceptance has to cover the content that was seen, so a run with memory reads what nobody vouches for.
        let remembers = context.request.memory.is_some() && !context.cancellation.stop.is_set();
        let claims = self.chains.iter().flat_map(ChainProver::claimed_logs).filter(|_| remembers);
        let claims = claims.filter(|log| is_alone(&reference(log)));
        let unproved: Vec<Location> = claims.take(MAX_CLAIMED_READ).cloned().collect();
        let read = context.workers.ask_all(&unproved, |log| logs::observe(context, log));
        let read = unproved.into_iter().zip(read);
        let seen: BTreeMap<Location, String> = read.filter_map(|(log, seen)| Some((log, seen?))).collect();
        let mut claimed = BTreeSet::new();
        for chain in &mut self.chains {
            chain.settle_claims(|hash| is_alone(&hash) && claimed.insert(hash), |log| seen.get(log).cloned());
        }
        self.claimed = claimed.into_iter().collect();
    }

    /// The hash over the log files that digests list, proved or not, in no order. Call
    /// [`RegionRun::settle_references`] before.
    pub(super) fn hash_of_references(&self) -> Sha256Hash {
        let mut hash = Sha256::new();
        self.references.iter().for_each(|reference| hash.update(reference.to_be_bytes()));
        hash.update([0]);
        self.claimed.iter().for_each(|reference| hash.update(reference.to_be_bytes()));
        Sha256Hash(hash.finalize().into())
    }

    /// Whether a digest, proved or not, lists the object at `location`.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let hash = reference(location);
        self.references.binary_search(&hash).is_ok()
            || self.renamed.contains(&hash)
            || self.claimed.binary_search(&hash).is_ok()
    }

    /// Whether the run was cancelled before any object of the region was read.
    pub(super) fn is_untouched(&self) -> bool {
        let has_begun = || self.chains.iter().any(|chain| chain.known().has_begun());
        let has_left_out = || self.chains.iter().any(|chain| chain.known().has_left_out());
        self.unlisted || (has_left_out() && !has_begun())
    }
}

/// The prover of a chain, with the digests that have to be read.
fn prover(scope: ChainScope, listed: Vec<ListedDigest>, days: &RegionDays) -> ChainProver {
    if !days.is_on() {
        return ChainProver::new(scope, listed);
    }
    let (stretches, to_read) = days.stretches(&scope.id, &listed);
    let mut prover = ChainProver::resume(scope, ChainState::listing(listed), to_read);
    prover.pass_over(stretches);
    prover
}

/// Whether any finding is graver than a notice.
pub(super) fn exceeds_notices(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity > Severity::Notice)
}
