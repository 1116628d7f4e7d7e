//! The sealed days in a state file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ident::{ChainId, LogFolder, Sha256Hash};
use crate::state::days::MAX_SEALED;
use crate::state::document::StateDocument;
use crate::state::scope::StateScope;
use crate::time::Timestamp;
use crate::validate::{SealedChain, SealedDay, SealedFolder};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFolder {
    organization: Option<String>,
    logs: Vec<String>,
    days: Vec<WireDay>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDay {
    day: Timestamp,
    sha256: Sha256Hash,
    lists: Vec<Timestamp>,
    read: Timestamp,
    run: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
    chains: Vec<WireChain>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireChain {
    trail: String,
    home_region: String,
    start: Timestamp,
    previous: Option<WireEdge>,
    oldest: WireEdge,
    newest: WireEdge,
    digests: u64,
    logs: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEdge {
    end: Timestamp,
    sha256: Sha256Hash,
}

/// The folders of a document.
pub(super) fn of(document: &StateDocument) -> Vec<WireFolder> {
    let folder = |(organization, folder): (&Option<String>, &Arc<SealedFolder>)| WireFolder {
        organization: organization.clone(),
        logs: folder.logs.iter().map(|logs| logs.as_str().to_owned()).collect(),
        days: folder.days.iter().map(|(day, sealed)| WireDay::of(*day, sealed)).collect(),
    };
    document.sealed.iter().map(folder).collect()
}

/// The sealed days in the folders of a file.
pub(super) fn read(
    folders: Vec<WireFolder>,
    scope: &StateScope,
) -> Result<BTreeMap<Option<String>, Arc<SealedFolder>>, &'static str> {
    let mut read = BTreeMap::new();
    let chains = folders.iter().flat_map(|folder| &folder.days).map(|day| day.chains.len());
    if chains.sum::<usize>() > MAX_SEALED {
        return Err("it has too many sealed days");
    }
    for folder in folders {
        let StateScope::Region { account, region, .. } = scope else {
            return Err("a file without a region has sealed days");
        };
        let WireFolder { organization, logs, days } = folder;
        let logs: Option<BTreeSet<LogFolder>> = logs.iter().map(|name| log_folder(name)).collect();
        let id = |chain: &WireChain| ChainId {
            account: account.as_str().into(),
            region: region.as_str().into(),
            trail: chain.trail.as_str().into(),
            home_region: chain.home_region.as_str().into(),
            organization: organization.as_deref().map(Into::into),
            backfill: false,
        };
        let mut ids: BTreeMap<ChainId, Arc<ChainId>> = BTreeMap::new();
        let mut sealed = BTreeMap::new();
        for day in days {
            let (day, of_day) = day.into_sealed(|chain| {
                let id = id(chain);
                Arc::clone(ids.entry(id.clone()).or_insert_with(|| Arc::new(id)))
            })?;
            if sealed.insert(day, of_day).is_some() {
                return Err("a day is sealed twice");
            }
        }
        let logs = logs.ok_or("a folder of log files is none of CloudTrail's")?;
        let folder = Arc::new(SealedFolder { days: sealed, logs });
        if read.insert(organization, folder).is_some() {
            return Err("the sealed days of a folder are there twice");
        }
    }
    Ok(read)
}

fn log_folder(name: &str) -> Option<LogFolder> {
    LogFolder::ALL.into_iter().find(|logs| logs.as_str() == name)
}

impl WireDay {
    fn of(day: Timestamp, sealed: &SealedDay) -> Self {
        let SealedDay { hash, lists, chains, read, run, is_archived } = sealed;
        Self {
            day,
            sha256: *hash,
            lists: lists.iter().copied().collect(),
            read: *read,
            run: run.clone(),
            archived: *is_archived,
            chains: chains.iter().map(WireChain::of).collect(),
        }
    }

    fn into_sealed(
        self,
        mut id: impl FnMut(&WireChain) -> Arc<ChainId>,
    ) -> Result<(Timestamp, SealedDay), &'static str> {
        let Self { day, sha256, lists, read, run, archived, chains } = self;
        let chains = chains.into_iter().map(|chain| {
            let id = id(&chain);
            let WireChain { start, previous, oldest, newest, digests, logs, .. } = chain;
            let (previous, oldest) = (previous.map(WireEdge::into_pair), oldest.into_pair());
            SealedChain { id, start, previous, oldest, newest: newest.into_pair(), digests, logs }
        });
        let (lists, chains) = (lists.into_iter().collect(), chains.collect());
        let sealed = SealedDay { hash: sha256, lists, chains, read, run, is_archived: archived };
        sealed.check(day)?;
        Ok((day, sealed))
    }
}

impl WireChain {
    fn of(chain: &SealedChain) -> Self {
        let SealedChain { id, start, previous, oldest, newest, digests, logs } = chain;
        Self {
            trail: id.trail.to_string(),
            home_region: id.home_region.to_string(),
            start: *start,
            previous: previous.map(WireEdge::of),
            oldest: WireEdge::of(*oldest),
            newest: WireEdge::of(*newest),
            digests: *digests,
            logs: *logs,
        }
    }
}

impl WireEdge {
    const fn of((end, sha256): (Timestamp, Sha256Hash)) -> Self {
        Self { end, sha256 }
    }

    const fn into_pair(self) -> (Timestamp, Sha256Hash) {
        (self.end, self.sha256)
    }
}
