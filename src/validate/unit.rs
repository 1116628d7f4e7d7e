//! One region of one account: its folders, its chains, and what is known of them while they are walked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::walk::Walk;
use super::{Request, coverage};
use crate::chain::ProvedDigest;
use crate::event::{ChainSummary, Counts, Event, Finding, Kind, ObjectState, ObjectType, Severity, UsedKey};
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::time::{Interval, Timestamp};

/// A digest that a listing names: its end and which of its unit's folders it lies in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    pub(super) end: Timestamp,
    pub(super) folder: u32,
}

/// A chain while it is walked.
pub(super) struct Chain {
    pub(super) id: ChainId,
    /// Whether it was asked for. A chain that was not is read for what it lists, and nothing is said of it.
    pub(super) selected: bool,
    /// Its digests, newest first.
    pub(super) entries: Vec<Entry>,
    pub(super) walk: Walk,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) digests: u64,
    pub(super) logs: u64,
    objects: Vec<(Timestamp, ObjectType, String, ObjectState)>,
    /// Log files that digests which are not proved claim to list.
    claims: Vec<Claim>,
}

struct Claim {
    log: Location,
    digest: Arc<str>,
    at: Timestamp,
}

impl Chain {
    pub(super) fn new(id: ChainId, selected: bool, entries: Vec<Entry>) -> Self {
        Self {
            id,
            selected,
            entries,
            walk: Walk::default(),
            findings: Vec::new(),
            counts: Counts::default(),
            digests: 0,
            logs: 0,
            objects: Vec::new(),
            claims: Vec::new(),
        }
    }

    pub(super) fn say(&mut self, finding: Finding) {
        if self.selected {
            self.findings.push(finding.of_chain(&self.id));
        }
    }

    /// Counts one object, and keeps it where every object is asked for.
    pub(super) fn count(
        &mut self,
        request: &Request,
        object: ObjectType,
        at: Timestamp,
        uri: &Location,
        state: ObjectState,
    ) {
        let count = match (object, state) {
            (ObjectType::Digest, ObjectState::Valid) => &mut self.counts.digests.valid,
            (ObjectType::Digest, ObjectState::Tampered) => &mut self.counts.digests.tampered,
            (ObjectType::Digest, ObjectState::Unverified) => &mut self.counts.digests.unverified,
            (ObjectType::Log, ObjectState::Valid) => &mut self.counts.logs.valid,
            (ObjectType::Log, ObjectState::Tampered) => &mut self.counts.logs.tampered,
            (ObjectType::Log, ObjectState::Unverified) => &mut self.counts.logs.unverified,
        };
        *count += 1;
        match object {
            ObjectType::Digest => self.digests += 1,
            ObjectType::Log => self.logs += 1,
        }
        if request.every_object {
            self.objects.push((at, object, uri.to_string(), state));
        }
    }

    /// Notes what an unproved digest claims to list: unless a proved one lists it too, nobody vouches for it.
    pub(super) fn claim<'l>(
        &mut self,
        logs: impl Iterator<Item = &'l Location>,
        digest: &Location,
        at: Timestamp,
    ) {
        let digest: Arc<str> = digest.to_string().into();
        self.claims.extend(logs.map(|log| Claim { log: log.clone(), digest: Arc::clone(&digest), at }));
    }
}

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
    pub(super) folders: Vec<RegionFolder>,
    pub(super) chains: Vec<Chain>,
    /// What concerns the region and none of its chains.
    pub(super) findings: Vec<Finding>,
    pub(super) keys: BTreeSet<UsedKey>,
    pub(super) ready: Vec<Ready>,
    /// The stretches that proved digests of each folder cover, whatever was asked.
    pub(super) covered: Vec<Vec<Interval>>,
    /// Whether any of the folders is one of digests.
    pub(super) has_digest_folder: bool,
    /// Folders of log files of the asked range without a digest folder beside them.
    pub(super) undigested: Vec<Location>,
    references: Vec<u128>,
    claimed: BTreeSet<u128>,
}

/// What came of a unit.
pub(super) struct UnitResult {
    pub(super) chains: Vec<ChainResult>,
    pub(super) findings: Vec<Finding>,
    pub(super) counts: Counts,
    pub(super) keys: BTreeSet<UsedKey>,
}

/// What came of a chain.
pub(super) struct ChainResult {
    pub(super) summary: ChainSummary,
    pub(super) findings: Vec<Finding>,
    pub(super) objects: Vec<Event>,
}

impl Unit {
    pub(super) fn new(
        folders: Vec<RegionFolder>,
        chains: BTreeMap<ChainId, Vec<Entry>>,
        selected: impl Fn(&ChainId) -> bool,
    ) -> Self {
        let chain = |(id, mut entries): (ChainId, Vec<Entry>)| {
            entries.sort_unstable_by(|one, other| other.cmp(one));
            let selected = selected(&id);
            Chain::new(id, selected, entries)
        };
        Self {
            account: folders.first().map_or_else(|| "".into(), |folder| Arc::clone(&folder.account)),
            region: folders.first().map_or_else(|| "".into(), |folder| Arc::clone(&folder.region)),
            covered: vec![Vec::new(); folders.len()],
            folders,
            chains: chains.into_iter().map(chain).collect(),
            findings: Vec::new(),
            keys: BTreeSet::new(),
            ready: Vec::new(),
            has_digest_folder: false,
            undigested: Vec::new(),
            references: Vec::new(),
            claimed: BTreeSet::new(),
        }
    }

    /// Notes that a proved digest lists the object at `location`.
    pub(super) fn refer(&mut self, location: &Location) {
        self.references.push(reference(location));
    }

    /// Notes that a proved digest of `folder` covers `window`.
    pub(super) fn cover(&mut self, folder: Option<usize>, window: Interval) {
        let Some(covered) = folder.and_then(|folder| self.covered.get_mut(folder)) else { return };
        match covered.last_mut() {
            Some(last) if last.start == window.end => last.start = window.start,
            _ => covered.push(window),
        }
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
            for claim in std::mem::take(&mut chain.claims) {
                let hash = reference(&claim.log);
                if self.references.binary_search(&hash).is_err() && claimed.insert(hash) {
                    chain.counts.logs.unverified += 1;
                    chain.logs += 1;
                    let message = "only a digest that is not proved lists it";
                    let mut finding =
                        Finding::new(Kind::LogUnverifiable, claim.at, message).about(&claim.log);
                    finding.digest = Some(claim.digest.to_string());
                    chain.say(finding);
                }
            }
        }
        self.claimed = claimed;
    }

    /// Whether a digest, proved or not, lists the object at `location`.
    pub(super) fn is_listed(&self, location: &Location) -> bool {
        let hash = reference(location);
        self.references.binary_search(&hash).is_ok() || self.claimed.contains(&hash)
    }

    /// What came of this unit; it is empty afterwards.
    pub(super) fn result(&mut self, request: &Request, unreferenced: Vec<Finding>) -> UnitResult {
        let mut counts = Counts::default();
        counts.logs.unreferenced =
            unreferenced.iter().filter(|f| f.kind == Kind::LogUnreferenced).count() as u64;
        let mut chains = Vec::new();
        for mut chain in std::mem::take(&mut self.chains).into_iter().filter(|chain| chain.selected) {
            coverage::judge(request, &mut chain);
            counts.add(&chain.counts);
            if chain.digests > 0 || !chain.findings.is_empty() {
                chains.push(chain.result(request, &self.folders));
            }
        }
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(self.no_digests(request, chains.is_empty() && !says_something(&findings)));
        findings.extend(unreferenced);
        self.references = Vec::new();
        UnitResult { chains, findings, counts, keys: std::mem::take(&mut self.keys) }
    }

    /// Where nothing was found is said, unless one trail was asked for, which may well have nothing here.
    fn no_digests(&self, request: &Request, silent: bool) -> Vec<Finding> {
        if !request.trails.is_empty() {
            return Vec::new();
        }
        let finding = |message: &str| {
            Finding::new(Kind::NoDigests, request.range.end, message).of_region(&self.account, &self.region)
        };
        let undigested = self.undigested.iter().map(|folder| {
            finding("there are log files of the asked range, but no digest that could vouch for them")
                .about(folder)
        });
        let empty = (silent && self.has_digest_folder)
            .then(|| finding("there is a digest folder, but no digest of the asked range in it"));
        undigested.chain(empty).collect()
    }
}

impl Chain {
    fn result(mut self, request: &Request, folders: &[RegionFolder]) -> ChainResult {
        self.findings
            .sort_by(|a, b| (a.at, &a.uri, a.kind, &a.message).cmp(&(b.at, &b.uri, b.kind, &b.message)));
        self.objects
            .sort_by(|a, b| (a.0, a.1 == ObjectType::Log, &a.2).cmp(&(b.0, b.1 == ObjectType::Log, &b.2)));
        let newest = self.entries.first().and_then(|entry| folders.get(entry.folder as usize));
        let object = |(_, object, uri, state)| Event::Object { object, uri, state };
        ChainResult {
            summary: ChainSummary {
                organization: newest.and_then(|folder| folder.organization.as_deref()).map(str::to_owned),
                covered: coverage::covered(request, &self.walk),
                digests: self.digests,
                logs: self.logs,
                id: self.id,
            },
            findings: self.findings,
            objects: self.objects.into_iter().map(object).collect(),
        }
    }
}

/// 128 bits of the SHA-256 of a location: a million of them fit in 16 MB, and nobody can make two that are alike.
fn reference(location: &Location) -> u128 {
    let hash = Sha256::new()
        .chain_update(&*location.bucket)
        .chain_update("/")
        .chain_update(&*location.key)
        .finalize();
    hash.iter().take(16).fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

/// Whether any of `findings` is more than a notice.
pub(super) fn says_something(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity > Severity::Notice)
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
