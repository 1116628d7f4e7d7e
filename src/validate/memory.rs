//! The memory of a run: what earlier runs proved, and what this run proved for the next run.
//!
//! The engine takes and returns both as values. Where they are kept is the business of [`state`](crate::state).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::request::ValidationRequest;
use super::sealed::{Recheck, SealedFolder};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::prove::{ChainHead, ChainProver, ChainReport, ListedDigest, RememberedHead};

/// What earlier runs proved below the sources of a run.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunMemory {
    /// The chains, by their ids.
    #[serde(with = "chains_in_order")]
    pub chains: BTreeMap<ChainId, RememberedChain>,
    /// The sealed days of each folder.
    #[serde(with = "folders_in_order")]
    pub sealed: BTreeMap<RegionFolder, Arc<SealedFolder>>,
    /// The slice of the sealed days to read again.
    pub recheck: Recheck,
    /// Whether earlier runs also proved chains of other regions, which are left out of `chains`: a shard has the chains
    /// of its region only.
    pub elsewhere: bool,
}

/// A chain that earlier runs proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RememberedChain {
    /// The chain.
    pub id: ChainId,
    /// A folder that the chain was delivered to. The folder counts as found although discovery does not find it.
    pub folder: RegionFolder,
    /// The remembered digests.
    pub heads: Vec<RememberedHead>,
    /// Those of the remembered digests that earlier runs read in the sources of this run, and not in another copy.
    pub seen_here: Vec<Location>,
}

/// What a run proved of a chain, for the next run to remember.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvedChain {
    /// The chain.
    pub id: ChainId,
    /// The proved digests that no newer proved digest records.
    pub heads: Vec<ChainHead>,
    /// The oldest proved digest of the asked range.
    pub oldest: Option<ChainHead>,
    /// Remembered heads that a newer proved digest records, so that they need no longer be remembered.
    pub linked: Vec<Location>,
}

impl ProvedChain {
    /// What `chain` proved; `None` if the chain has no proved digest.
    pub(super) fn of(chain: &ChainReport) -> Option<Self> {
        let ChainReport { id, heads, oldest, linked, .. } = chain;
        oldest.as_ref()?;
        Some(Self { id: id.clone(), heads: heads.clone(), oldest: oldest.clone(), linked: linked.clone() })
    }
}

impl RunMemory {
    /// The chains of one region of an account.
    fn chains_of(&self, account: &str, region: &str) -> impl Iterator<Item = &RememberedChain> {
        let first = ChainId {
            account: account.into(),
            region: region.into(),
            trail: "".into(),
            home_region: "".into(),
            organization: None,
            backfill: false,
        };
        let (account, region) = (Arc::clone(&first.account), Arc::clone(&first.region));
        let own = self.chains.range(first..);
        own.take_while(move |(id, _)| id.account == account && id.region == region).map(|(_, chain)| chain)
    }

    /// The memory of one region of an account, without the sealed days.
    #[must_use]
    pub fn of_region(&self, account: &str, region: &str) -> Self {
        let own = self.chains_of(account, region).map(|chain| (chain.id.clone(), chain.clone()));
        let chains: BTreeMap<ChainId, RememberedChain> = own.collect();
        let elsewhere = self.elsewhere || chains.len() < self.chains.len();
        Self { chains, sealed: BTreeMap::new(), recheck: self.recheck, elsewhere }
    }
}

impl ValidationRequest {
    /// Whether the request asks about a chain, by its account, region and trail.
    #[must_use]
    pub fn asks_about(&self, chain: &ChainId) -> bool {
        self.asks_about_region(&chain.account, &chain.region) && self.selects(chain)
    }

    /// Whether the request asks about a region of an account.
    #[must_use]
    pub fn asks_about_region(&self, account: &str, region: &str) -> bool {
        let is_asked = |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        is_asked(&self.accounts, account) && is_asked(&self.regions, region)
    }

    /// The remembered chains that the request asks about.
    pub(super) fn remembered(&self) -> impl Iterator<Item = &RememberedChain> {
        let chains = self.memory.iter().flat_map(|memory| memory.chains.values());
        chains.filter(|chain| self.asks_about(&chain.id))
    }

    /// The folders of the remembered chains that the request asks about.
    pub(super) fn remembered_folders(&self) -> BTreeSet<RegionFolder> {
        let mut folders = BTreeSet::new();
        for chain in self.remembered() {
            folders.insert(chain.folder.clone());
            // Trails of one name may deliver below several prefixes. A digest of a copy may be remembered by its place in
            // the original bucket, which is not below a source.
            let of_heads = chain.heads.iter().filter_map(|head| DigestKey::parse(&head.location));
            folders.extend(of_heads.map(|key| key.folder).filter(|folder| self.is_below_source(folder)));
        }
        folders
    }

    fn is_below_source(&self, folder: &RegionFolder) -> bool {
        let prefix = folder.digest_prefix();
        let mut sources = self.sources.iter();
        sources.any(|source| *source.bucket == *folder.bucket && prefix.starts_with(&source.prefix))
    }

    /// The remembered chain `id`, if the request asks about it.
    pub(super) fn remembered_chain(&self, id: &ChainId) -> Option<&RememberedChain> {
        self.memory.as_ref()?.chains.get(id).filter(|chain| self.asks_about(&chain.id))
    }

    /// Whether an earlier run of the same sources proved the digest of chain `id` at `location`. A copy that has the folder
    /// and lacks the digest had it then.
    pub(super) fn was_seen_here(&self, id: &ChainId, location: &Location) -> bool {
        self.remembered_chain(id).is_some_and(|chain| chain.seen_here.contains(location))
    }

    /// Adds the remembered chains of a region to the chains in its listing. A chain that the listing lacks becomes a
    /// chain without listed digests, whose heads the prover looks for by name.
    pub(super) fn add_remembered(
        &self,
        account: &str,
        region: &str,
        listed: &mut BTreeMap<ChainId, Vec<ListedDigest>>,
    ) {
        let chains = self.memory.iter().flat_map(|memory| memory.chains_of(account, region));
        for chain in chains.filter(|chain| self.asks_about(&chain.id)) {
            listed.entry(chain.id.clone()).or_default();
        }
    }

    /// Gives the prover of a chain the heads of earlier runs.
    pub(super) fn remind(&self, prover: &mut ChainProver) {
        if let Some(chain) = self.remembered_chain(prover.id()) {
            prover.remember(chain.heads.iter().cloned());
        }
    }

    /// The notice on a chain that no earlier run saw, although earlier runs saw other chains below the sources.
    pub(super) fn new_chain(&self, chain: &ChainReport) -> Option<Finding> {
        let memory = self.memory.as_ref().filter(|memory| memory.elsewhere || !memory.chains.is_empty())?;
        let is_new = chain.digests > 0 && !chain.id.backfill && !memory.chains.contains_key(&chain.id);
        let oldest = chain.oldest.as_ref().filter(|_| is_new)?;
        let finding = Finding::new(Fault::NewChain, oldest.end).about(&oldest.location);
        Some(Finding { start: Some(oldest.end), ..finding }.of_chain(&chain.id))
    }
}

/// Folders as a list, for formats whose maps have text as keys.
mod folders_in_order {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::ident::RegionFolder;
    use crate::validate::sealed::SealedFolder;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct FolderInList {
        folder: RegionFolder,
        sealed: Arc<SealedFolder>,
    }

    pub(super) fn serialize<S: Serializer>(
        sealed: &BTreeMap<RegionFolder, Arc<SealedFolder>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let in_list = |(folder, sealed): (&RegionFolder, &Arc<SealedFolder>)| FolderInList {
            folder: folder.clone(),
            sealed: Arc::clone(sealed),
        };
        serializer.collect_seq(sealed.iter().map(in_list))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<RegionFolder, Arc<SealedFolder>>, D::Error> {
        let list = Vec::<FolderInList>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|FolderInList { folder, sealed }| (folder, sealed)).collect())
    }
}

/// Chains as a list, for formats whose maps have text as keys.
mod chains_in_order {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::RememberedChain;
    use crate::ident::ChainId;

    pub(super) fn serialize<S: Serializer>(
        chains: &BTreeMap<ChainId, RememberedChain>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(chains.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<ChainId, RememberedChain>, D::Error> {
        let chains = Vec::<RememberedChain>::deserialize(deserializer)?;
        Ok(chains.into_iter().map(|chain| (chain.id.clone(), chain)).collect())
    }
}
