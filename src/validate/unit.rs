//! One region of one account: its folders, its chains, and what is known of them while they are walked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chain::{Chain, Entry, reference};
use crate::chain::ProvedDigest;
use crate::event::{Finding, UsedKey};
use crate::ident::{ChainId, DigestKey, Location, LogFolder, RegionFolder};
use crate::time::{Interval, Timestamp};

/// A digest that is proved, whose log files are to be hashed.
pub(super) struct Ready {
    pub(super) chain: usize,
    pub(super) digest: ProvedDigest,
    /// Whether its log files belong to the run. Those of a neighbour, or of a chain that was not asked for, are
    /// only known to be listed.
    pub(super) counted: bool,
}

/// One region of one account.
pub(super) struct Unit {
    pub(super) account: Arc<str>,
    pub(super) region: Arc<str>,
    /// The folders that were asked for, then those that a chain was followed to.
    pub(super) folders: Vec<RegionFolder>,
    /// How many folders were asked for.
    pub(super) asked_folders: usize,
    pub(super) chains: Vec<Chain>,
    /// What concerns the region and none of its chains.
    pub(super) findings: Vec<Finding>,
    pub(super) keys: BTreeSet<UsedKey>,
    pub(super) ready: Vec<Ready>,
    /// The stretches that proved digests of each folder cover, whatever was asked.
    pub(super) covered: Vec<Vec<Interval>>,
    /// Of each folder, the folders of log files beside it that proved digests list log files in.
    pub(super) log_folders: Vec<BTreeSet<LogFolder>>,
    /// Whether any of the folders is one of digests.
    pub(super) has_digest_folder: bool,
    /// Of each folder, whether a digest of the asked range lies in it, proved or not.
    pub(super) answered: Vec<bool>,
    pub(super) references: Vec<u128>,
    pub(super) claimed: Vec<u128>,
    /// Whether any of its digests was taken.
    pub(super) begun: bool,
    /// Whether the run was to end before its folders were listed.
    pub(super) unlisted: bool,
    /// Whether the run was to end before its log folders were searched.
    pub(super) unsearched: bool,
}

impl Unit {
    pub(super) fn new(
        folders: Vec<RegionFolder>,
        chains: BTreeMap<ChainId, Vec<Entry>>,
        selected: impl Fn(&ChainId) -> bool,
    ) -> Self {
        let chain = |(id, mut entries): (ChainId, Vec<Entry>)| {
            entries.sort_unstable_by(|one, other| other.cmp(one));
            // A listing may name an object twice.
            entries.dedup();
            let selected = selected(&id);
            Chain::new(id, selected, entries)
        };
        Self {
            account: folders.first().map_or_else(|| "".into(), |folder| Arc::clone(&folder.account)),
            region: folders.first().map_or_else(|| "".into(), |folder| Arc::clone(&folder.region)),
            covered: vec![Vec::new(); folders.len()],
            answered: vec![false; folders.len()],
            log_folders: vec![BTreeSet::from([LogFolder::CloudTrail]); folders.len()],
            asked_folders: folders.len(),
            folders,
            chains: chains.into_iter().map(chain).collect(),
            findings: Vec::new(),
            keys: BTreeSet::new(),
            ready: Vec::new(),
            has_digest_folder: false,
            references: Vec::new(),
            claimed: Vec::new(),
            begun: false,
            unlisted: false,
            unsearched: false,
        }
    }

    /// Leaves the digest of a chain that ends at `end` out, since the run is to end.
    pub(super) fn leave(&mut self, chain: usize, end: Timestamp) {
        if let Some(chain) = self.chains.get_mut(chain) {
            chain.leave(end);
        }
    }

    /// Whether the run was to end before anything but names was looked at.
    pub(super) fn is_untouched(&self) -> bool {
        let is_left = || self.chains.iter().any(|chain| chain.walk.left.is_some());
        self.unlisted || (!self.begun && is_left())
    }

    /// Adds a folder that a chain is followed to, and says which one it is.
    pub(super) fn add_folder(&mut self, folder: RegionFolder) -> u32 {
        let known = self.folders.iter().position(|known| *known == folder);
        let index = known.unwrap_or_else(|| {
            self.folders.push(folder);
            self.covered.push(Vec::new());
            self.answered.push(false);
            self.log_folders.push(BTreeSet::from([LogFolder::CloudTrail]));
            self.folders.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Notes that a proved digest of `folder` covers `window`.
    pub(super) fn cover(&mut self, folder: Option<usize>, window: Interval) {
        let Some(covered) = folder.and_then(|folder| self.covered.get_mut(folder)) else { return };
        match covered.last_mut() {
            Some(last) if last.start == window.end => last.start = window.start,
            _ => covered.push(window),
        }
    }

    /// Of each trail whose newest proved digest lies in `folder`, that digest's end.
    pub(super) fn trail_ends(&self, folder: usize) -> impl Iterator<Item = Timestamp> {
        let newest = self.chains.iter().filter_map(|chain| chain.walk.newest);
        newest.filter(move |(_, other)| *other == folder).map(|(end, _)| end)
    }

    pub(super) fn folder_of(&self, location: &Location) -> Option<usize> {
        let key = DigestKey::parse(location)?;
        self.folders.iter().position(|folder| *folder == key.folder)
    }

    /// Sorts the references for looking them up, and says which claimed log files nobody vouches for.
    pub(super) fn settle_references(&mut self) {
        self.references.sort_unstable();
        self.references.dedup();
        let mut claimed = BTreeSet::new();
        for chain in &mut self.chains {
            for claims in std::mem::take(&mut chain.claims) {
                let is_alone = |hash: &u128| self.references.binary_search(hash).is_err();
                chain.settle(claims, |hash| is_alone(&hash) && claimed.insert(hash));
            }
        }
        self.claimed = claimed.into_iter().collect();
    }

    /// Notes the folders of log files that a proved digest lists `logs` in, beside `CloudTrail/`, which is always searched.
    pub(super) fn note_log_folders<'l>(&mut self, logs: impl Iterator<Item = &'l Location>) {
        for location in logs.filter(|location| location.key.contains("/CloudTrail-")) {
            for (folder, known) in self.folders.iter().zip(&mut self.log_folders) {
                known.extend(folder.log_folder_of(location));
            }
        }
    }

    /// Whether a digest, proved or not, lists the object at `location`.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let hash = reference(location);
        self.references.binary_search(&hash).is_ok() || self.claimed.binary_search(&hash).is_ok()
    }
}

/// A digest to be read.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) unit: usize,
    pub(super) chain: usize,
    pub(super) folder: u32,
    pub(super) end: Timestamp,
    /// Whether it is the oldest of its chain.
    pub(super) last: bool,
}

impl Item {
    pub(super) fn location(&self, units: &[Unit]) -> Location {
        let unit = units.get(self.unit);
        let chain = unit.and_then(|unit| unit.chains.get(self.chain));
        let folder = unit.and_then(|unit| unit.folders.get(self.folder as usize));
        let (Some(chain), Some(folder)) = (chain, folder) else { return Location::new("", "") };
        digest_location(&chain.id, folder, self.end)
    }
}

/// A chain whose oldest listed digest names a predecessor in a folder that was not listed for it.
pub(super) struct Trace {
    pub(super) unit: usize,
    pub(super) chain: usize,
    /// The folder the predecessor was delivered to.
    pub(super) folder: RegionFolder,
    /// The predecessor's end: what is newer there does not precede it.
    pub(super) end: Timestamp,
}

/// Where CloudTrail delivers the digest of `id` that ends at `end`.
pub(super) fn digest_location(id: &ChainId, folder: &RegionFolder, end: Timestamp) -> Location {
    let key = DigestKey {
        folder: folder.clone(),
        trail: Arc::clone(&id.trail),
        home_region: Arc::clone(&id.home_region),
        end,
        backfill: id.backfill,
    };
    key.location()
}

/// Every digest of `units`: chain by chain, newest first.
pub(super) fn items(units: &[Unit]) -> Vec<Item> {
    let mut items = Vec::new();
    for (unit, chains) in units.iter().enumerate().map(|(index, unit)| (index, &unit.chains)) {
        for (chain, entries) in chains.iter().enumerate().map(|(index, chain)| (index, &chain.entries)) {
            items.extend(entries.iter().enumerate().map(|(index, entry)| Item {
                unit,
                chain,
                folder: entry.folder,
                end: entry.end,
                last: index + 1 == entries.len(),
            }));
        }
    }
    items
}
