//! What a run, or a part of a run, shows of a region: a value that can be stored, and joined with other parts.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::answered::AnsweringFolders;
use super::days::{ReadDays, SearchedLogs};
use super::region::RegionRun;
use super::request::ValidationRequest;
use super::unreferenced::UnreferencedLogs;
use crate::event::Finding;
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::prove::{ChainLogs, ChainProver, ChainWalk};
use crate::time::{Interval, Timestamp};

/// What one part of a region shows.
///
/// Every part walks all digests of the region, so the walks of all parts are equal unless the bucket changed in between.
/// The log files are hashed in parts, and the log folders are searched in the first part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionPart {
    /// What the digests show.
    pub walk: RegionWalk,
    /// What the log files of each chain show, in the order of [`RegionWalk::chains`].
    pub logs: Vec<ChainLogs>,
    /// What the search of the log folders found; `None` for a part without a search.
    pub search: Option<UnreferencedLogs>,
    /// What was read of the days, in a run with memory.
    pub days: ReadDays,
    /// The newest end of the digests of each chain that were delivered after the plan, and not read. The parts of a region
    /// may differ in it.
    #[serde(skip)]
    pub newer: BTreeMap<ChainId, Timestamp>,
}

/// What the digests of a region show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionWalk {
    pub(super) account: Arc<str>,
    pub(super) region: Arc<str>,
    /// The asked chains.
    pub(super) chains: Vec<ChainWalk>,
    /// What the chains that were not asked for cover.
    pub(super) others: Vec<(ChainId, Vec<Interval>)>,
    /// Findings on the region, and findings on chains from outside of the provers.
    pub(super) findings: Vec<Finding>,
    /// The names of all trails of the region, asked for or not, if the request names trails.
    pub(super) trails: BTreeSet<String>,
    pub(super) answering: AnsweringFolders,
    pub(super) has_digest_folder: bool,
    /// The hash over the digests in the listing, of a run that is cut into shards.
    pub(super) listing: Option<Sha256Hash>,
    /// The listed digests of each chain, of a run that is cut into shards.
    pub(super) listed_chains: Vec<ListedChain>,
    /// The hash over the log files that digests list, of a run that is cut into shards.
    pub(super) listed: Option<Sha256Hash>,
    /// The log folder that was not searched because the run was cancelled. Such a part is never stored.
    #[serde(skip)]
    pub(super) unsearched: Option<Location>,
}

/// The listed digests of a chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedChain {
    /// The chain.
    pub id: ChainId,
    /// Whether the request asks for the chain.
    pub asked: bool,
    /// Number of digests.
    pub digests: u64,
    /// End of the newest digest.
    pub newest: Timestamp,
}

impl RegionWalk {
    /// The asked chains.
    #[must_use]
    pub fn chains(&self) -> &[ChainWalk] {
        &self.chains
    }

    /// The findings on the region.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The account and the region.
    #[must_use]
    pub fn region(&self) -> (&str, &str) {
        (&self.account, &self.region)
    }

    /// The hash over the digests in the listing, as in [`RegionWeight::listing`](super::RegionWeight::listing).
    #[must_use]
    pub const fn listing(&self) -> Option<Sha256Hash> {
        self.listing
    }

    /// The listed digests of a chain, as in [`RegionWeight::chains`](super::RegionWeight::chains).
    #[must_use]
    pub fn listed(&self, id: &ChainId) -> Option<&ListedChain> {
        self.listed_chains.iter().find(|listed| listed.id == *id)
    }
}

impl RegionPart {
    /// Adds the log files of another part with an equal walk, and the search if this part has none. The days are joined by
    /// [`ReadDays::join`].
    pub fn add(&mut self, logs: Vec<ChainLogs>, search: Option<UnreferencedLogs>) {
        for (own, other) in self.logs.iter_mut().zip(logs) {
            own.add(other);
        }
        if self.search.is_none() {
            self.search = search;
        }
    }
}

impl RegionRun {
    /// What the region shows, after all its digests and log files.
    pub(super) fn end(
        mut self,
        request: &ValidationRequest,
        search: Option<(UnreferencedLogs, SearchedLogs)>,
    ) -> RegionPart {
        let (search, searched) = search.unzip();
        let days = mem::take(&mut self.days).end(&self.log_folders, &searched.unwrap_or_default());
        let names_trails = request.names_trails();
        let all = self.chains.iter().filter(|_| names_trails);
        let trails = all.map(|chain| chain.id().trail.to_string()).collect();
        // 1. Note the answers before the chains end: their state is needed.
        let answering = AnsweringFolders::of(request, &self, |chain| chain.known().digests() > 0);
        let listed = self.listing.map(|_| self.hash_of_references());
        let listed_chains = if self.listing.is_some() { self.listed_chains() } else { Vec::new() };
        // 2. End each chain. A chain that was not asked for only covers.
        let (mut chains, mut logs, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for chain in mem::take(&mut self.chains) {
            let is_selected = chain.is_selected();
            let (walk, of_logs) = chain.end();
            if is_selected {
                chains.push(walk);
                logs.push(of_logs);
            } else {
                others.push((walk.id, walk.covered));
            }
        }
        let unsearched = self.folders.first().filter(|_| self.unsearched);
        let unsearched = unsearched.map(|folder| Location::new(folder.bucket.clone(), folder.log_prefix()));
        let walk = RegionWalk {
            account: self.account,
            region: self.region,
            chains,
            others,
            findings: self.findings,
            trails,
            answering,
            has_digest_folder: self.has_digest_folder,
            listing: self.listing,
            listed_chains,
            listed,
            unsearched,
        };
        RegionPart { walk, logs, search, days, newer: self.newer }
    }

    /// The listed digests of each chain.
    pub(super) fn listed_chains(&self) -> Vec<ListedChain> {
        let listed = self.chains.iter().filter_map(|chain| {
            let listed = chain.known().listed();
            let newest = listed.iter().map(|entry| entry.end).max()?;
            let (id, asked) = (chain.id().clone(), chain.is_selected());
            Some(ListedChain { id, asked, digests: listed.len() as u64, newest })
        });
        listed.collect()
    }

    /// The hash over the digests that listings name: chain by chain, newest first.
    pub(super) fn hash_of_listing(&self) -> Sha256Hash {
        let mut hash = Sha256::new();
        let listed = |chain: &&ChainProver| !chain.known().listed().is_empty();
        for chain in self.chains.iter().filter(listed) {
            let id = chain.id();
            for name in [&id.trail, &id.home_region, id.organization.as_ref().unwrap_or(&"".into())] {
                hash.update(name.as_bytes());
                hash.update([0, u8::from(id.backfill)]);
            }
            for entry in chain.known().listed() {
                hash.update(entry.end.unix().to_be_bytes());
                hash.update(entry.folder.to_be_bytes());
            }
        }
        Sha256Hash(hash.finalize().into())
    }
}
