//! A run with memory: loaded before the run, compared during the run, written after every report was written.

mod resolved;

use std::collections::{BTreeMap, BTreeSet};

use super::StateError;
use super::digests::DigestUpdate;
use super::document::{RememberedDigest, RememberedFinding, RunStamp};
use super::findings::annotate;
use super::marker::{Marker, OpenState};
use super::parallel;
use super::place::StatePlace;
use super::scope::StateScope;
use super::sources::{RunSources, folder, scope_of};
use super::update::StateUpdate;
use crate::event::{ChainSummary, Event, Fault, Finding, Kind, Severity, Summary};
use crate::ident::{ChainId, Location, RegionFolder, Sha256Hash};
use crate::time::{Interval, Range, Timestamp};
use crate::validate::{
    ProvedChain, Recheck, RememberedChain, RunMemory, RunOutcome, SealedChanges, TouchedDays,
    ValidationRequest,
};

/// A run with memory.
pub struct MemorySession<'p> {
    place: &'p dyn StatePlace,
    identity: RunIdentity,
    state: OpenState,
    /// The files of regions that the run asks about.
    asked: BTreeSet<String>,
    /// The file of each known finding, and the finding.
    known: BTreeMap<String, (String, RememberedFinding)>,
    /// The findings of this run that memory keeps, by id.
    seen: BTreeMap<String, RememberedFinding>,
    /// The objects of these findings.
    seen_uris: BTreeSet<(String, Option<String>)>,
    /// Account and region of each finding that stands for objects which it does not name.
    has_more: BTreeSet<(Option<String>, Option<String>)>,
    /// Account and region of each failure to look.
    failures: BTreeSet<(Option<String>, Option<String>)>,
    /// What the judged chains cover.
    covered: BTreeMap<ChainId, Vec<Interval>>,
    /// The same of the replicas of other sources.
    covered_in_replicas: BTreeMap<ChainId, Vec<Interval>>,
    /// The days that tampering findings are about, by account and region.
    tampered: BTreeMap<(Option<String>, Option<String>), TouchedDays>,
    /// The gravest severity, accepted findings apart.
    worst: Option<Severity>,
    range: Range,
    request: ValidationRequest,
}

/// The name of a run, and its sources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunIdentity {
    /// The run's name and start.
    pub run: RunStamp,
    /// The sources.
    pub sources: RunSources,
}

impl<'p> MemorySession<'p> {
    /// Reads all that the run asks about.
    ///
    /// # Errors
    /// The errors of [`OpenState::open`].
    pub fn open(
        place: &'p dyn StatePlace,
        identity: RunIdentity,
        request: &ValidationRequest,
    ) -> Result<Self, StateError> {
        let state = OpenState::open(place, |scope| identity.sources.may_ask(request, scope))?;
        place.check()?;
        let is_asked = |document| identity.sources.asks(request, document);
        let files = state.files.iter();
        let files: Vec<_> = files.filter(|(_, file)| is_asked(&file.document)).collect();
        let asked = files.iter().map(|(name, _)| (*name).clone()).collect();
        let mut known = BTreeMap::new();
        for (name, file) in files {
            for finding in &file.document.findings {
                known.insert(finding.id.clone(), (name.clone(), finding.clone()));
            }
        }
        Ok(Self {
            place,
            identity,
            asked,
            known,
            state,
            seen: BTreeMap::new(),
            seen_uris: BTreeSet::new(),
            has_more: BTreeSet::new(),
            failures: BTreeSet::new(),
            covered: BTreeMap::new(),
            covered_in_replicas: BTreeMap::new(),
            tampered: BTreeMap::new(),
            worst: None,
            range: request.range,
            request: ValidationRequest { findings: Vec::new(), ..request.clone() },
        })
    }

    /// The id of the place, and the sum of the generations of all files that the run asks about. Each change of a file
    /// raises the sum.
    #[must_use]
    pub fn stamp(&self) -> (Option<String>, u64) {
        let asked = self.state.files.iter().filter(|(name, _)| self.asked.contains(*name));
        let generations = asked.map(|(_, file)| file.document.generation);
        (self.state.id.clone(), generations.fold(0, u64::saturating_add))
    }

    /// Whether the state remembers other sources, and nothing of these.
    #[must_use]
    pub fn knows_others_only(&self) -> bool {
        self.asked.is_empty() && (self.state.has_others || !self.state.files.is_empty())
    }

    /// What earlier runs proved, for the engine.
    #[must_use]
    pub fn memory(&self) -> RunMemory {
        let mut chains: BTreeMap<ChainId, RememberedChain> = BTreeMap::new();
        let mut known: BTreeSet<(Location, Sha256Hash)> = BTreeSet::new();
        let mut sealed = BTreeMap::new();
        for (_, file) in self.state.files.iter().filter(|(name, _)| self.asked.contains(*name)) {
            sealed.extend(file.document.sealed_folders());
            let sources = &self.identity.sources;
            for digest in file.document.digests() {
                let organization = digest.chain.organization.as_deref();
                let Some(folder) = folder(&file.document.scope, organization) else { continue };
                // A file has the folders of an account and of its organizations, and a run may ask about one of them.
                if !sources.ask_about(&self.request, &folder, digest) {
                    continue;
                }
                let id = digest.chain.clone();
                let new =
                    || RememberedChain { id: id.clone(), folder, heads: Vec::new(), seen_here: Vec::new() };
                let chain = chains.entry(id.clone()).or_insert_with(new);
                if sources.have_read(&digest.sources) {
                    chain.seen_here.push(digest.location.clone());
                }
                if known.insert((digest.location.clone(), digest.hash)) {
                    chain.heads.push(digest.as_head());
                }
            }
        }
        RunMemory { chains, sealed, recheck: Recheck::default(), elsewhere: false }
    }

    /// Notes an event. Returns a finding with what memory knows of it; `None` for an event that stays as it is.
    pub fn note_event(&mut self, event: &Event) -> Option<Event> {
        match event {
            Event::Finding(finding) => {
                let finding = self.note_finding(finding.as_ref().clone());
                Some(Event::Finding(Box::new(finding)))
            }
            Event::Chain(chain) => {
                self.note_chain(chain);
                None
            }
            Event::Started { .. } | Event::Object { .. } | Event::Finished(_) => None,
        }
    }

    /// The summary of a run whose events were all noted.
    #[must_use]
    pub fn summary(&self, outcome: &RunOutcome, at: Timestamp) -> Summary {
        let incomplete = outcome.interrupted.then_some(Severity::Incomplete);
        let resolved = Some(self.resolved(outcome.interrupted));
        Summary { resolved, ..outcome.summary(self.worst.max(incomplete), at) }
    }

    /// Notes a finding, and returns it with what memory knows of it. An accepted finding becomes a notice.
    fn note_finding(&mut self, finding: Finding) -> Finding {
        let (id, now) = (finding.id(), self.identity.run.at);
        let known = self.known.get(&id).map(|(_, known)| known);
        let first_seen = known.map_or(now, |known| known.first_seen);
        if finding.severity > Severity::Notice {
            let objects = finding.objects.iter().cloned();
            let uris = finding.uri.iter().cloned().chain(objects);
            self.seen_uris.extend(uris.map(|uri| (uri, finding.copy.clone())));
        }
        if matches!(finding.fault, Fault::MoreUnlisted { .. }) {
            self.has_more.insert((finding.account.clone(), finding.region.clone()));
        }
        let is_failure =
            matches!(finding.kind, Kind::DigestUnreadable | Kind::LogUnreadable | Kind::KeyUnknown);
        if is_failure && finding.severity > Severity::Notice {
            self.failures.insert((finding.account.clone(), finding.region.clone()));
        }
        if let Some(remembered) = RememberedFinding::of(&finding, id.clone(), first_seen) {
            self.seen.insert(id.clone(), remembered);
        }
        if finding.severity == Severity::Tampered {
            let place = (finding.account.clone(), finding.region.clone());
            self.tampered.entry(place).or_default().add(&finding);
        }
        let finding = annotate(finding, id, known, now);
        self.worst = self.worst.max(Some(finding.severity));
        finding
    }

    /// Notes a judged chain.
    fn note_chain(&mut self, chain: &ChainSummary) {
        let covered = if chain.in_replica { &mut self.covered_in_replicas } else { &mut self.covered };
        covered.insert(chain.id.clone(), chain.covered.clone());
    }

    /// Writes what the run proved and found. Call this after every report was written. Returns how many findings the files
    /// have no room for: a file keeps [`MAX_FINDINGS`](super::MAX_FINDINGS).
    ///
    /// # Errors
    /// [`StateError`]; files that were not written are as before.
    pub fn commit(
        mut self,
        proved: &[ProvedChain],
        sealed: &[SealedChanges],
        interrupted: bool,
    ) -> Result<usize, StateError> {
        let mut updates: BTreeMap<String, StateUpdate> = BTreeMap::new();
        let names: Vec<String> = self.asked.iter().cloned().collect();
        for name in names {
            if let Some(file) = self.state.files.get(&name) {
                let scope = file.document.scope.clone();
                self.update(&mut updates, scope);
            }
        }
        // 1. Digests go to the file of the folder that they lie in.
        let run = self.identity.run.id.clone();
        for chain in proved {
            let digest = |head, sources: &[String]| RememberedDigest::new(&chain.id, head, &run, sources);
            for head in &chain.heads {
                self.with_digests(&mut updates, &head.location, |digests, sources| match chain.id.backfill {
                    true => digests.backfill.push(digest(head, sources)),
                    false => digests.heads.push(digest(head, sources)),
                });
            }
            if let Some(oldest) = &chain.oldest {
                self.with_digests(&mut updates, &oldest.location, |digests, sources| {
                    digests.oldest.push(digest(oldest, sources))
                });
            }
            for linked in &chain.linked {
                self.with_digests(&mut updates, linked, |digests, _| {
                    digests.linked.insert(linked.clone());
                });
            }
        }
        // 2. Sealed days go to the file of their folder.
        for changes in sealed {
            let scope = StateScope::of(&changes.folder);
            let sources = self.identity.sources.holding(&self.request, &changes.folder);
            let update = self.update(&mut updates, scope);
            update.sources.extend(sources);
            update.days.changes.push(changes.clone());
        }
        self.open_tampered(&mut updates);
        // 3. Findings go to the file that knows them, or to the file of their region.
        let resolved: Vec<(String, String)> = self
            .resolved_findings(interrupted)
            .map(|(name, finding)| (name.clone(), finding.id.clone()))
            .collect();
        for (name, id) in resolved {
            if let Some(update) = updates.get_mut(&name) {
                update.findings.resolved.insert(id);
            }
        }
        for finding in std::mem::take(&mut self.seen).into_values() {
            let known = self.known.get(&finding.id).map(|(name, _)| name.clone());
            let scope = match known.and_then(|name| self.state.files.get(&name)) {
                Some(file) => file.document.scope.clone(),
                None => self.scope_of(&finding, &updates),
            };
            self.update(&mut updates, scope).findings.seen.push(finding);
        }
        // 4. Write the files, then raise their generations in the marker.
        let updates: Vec<(String, StateUpdate)> = updates.into_iter().collect();
        let (place, files) = (self.place, &self.state.files);
        let generations = parallel::each(&updates, |(file, update)| {
            let generation = update.commit(place, file, files.get(file).cloned())?;
            Ok::<_, StateError>((file.clone(), generation))
        })?;
        Marker::raise(place, &generations.into_iter().collect())?;
        let room = |(file, update): &(String, StateUpdate)| update.without_room(files.get(file));
        Ok(updates.iter().map(room).sum())
    }

    /// Opens the sealed days that tampering findings are about, whether the run sealed days or not: shards do not, nor does
    /// a run for one of two trails.
    fn open_tampered(&self, updates: &mut BTreeMap<String, StateUpdate>) {
        for (name, file) in self.state.files.iter().filter(|(name, _)| self.asked.contains(*name)) {
            let Some(update) = updates.get_mut(name) else { continue };
            for (folder, sealed) in file.document.sealed_folders() {
                let is_of = |of: &Option<String>, name: &str| of.as_deref().is_none_or(|of| of == name);
                let of_folder = self.tampered.iter().filter(|((account, region), _)| {
                    is_of(account, &folder.account) && is_of(region, &folder.region)
                });
                let touched: Vec<&TouchedDays> = of_folder.map(|(_, touched)| touched).collect();
                let is_touched = |day: &&Timestamp| touched.iter().any(|touched| touched.names(**day));
                let opened: BTreeSet<Timestamp> = sealed.days.keys().filter(is_touched).copied().collect();
                if !opened.is_empty() {
                    let (sealed, archived, logs) = Default::default();
                    update.days.changes.push(SealedChanges { folder, sealed, archived, opened, logs });
                }
            }
        }
    }

    fn update<'u>(
        &self,
        updates: &'u mut BTreeMap<String, StateUpdate>,
        scope: StateScope,
    ) -> &'u mut StateUpdate {
        let new = || StateUpdate::new(scope.clone(), self.identity.clone());
        updates.entry(scope.file_name()).or_insert_with(new)
    }

    fn with_digests(
        &self,
        updates: &mut BTreeMap<String, StateUpdate>,
        location: &Location,
        add: impl FnOnce(&mut DigestUpdate, &[String]),
    ) {
        // A proved digest has the name of a digest, since its own text names its place.
        if let Some((scope, met)) = scope_of(&self.request, location) {
            let sources = self.identity.sources.holding(&self.request, &met);
            let update = self.update(updates, scope);
            update.sources.extend(sources.iter().cloned());
            add(&mut update.digests, &sources);
        }
    }

    /// The scope of a finding that no file knows.
    fn scope_of(&self, finding: &RememberedFinding, updates: &BTreeMap<String, StateUpdate>) -> StateScope {
        let run = || StateScope::of_run(&self.identity.sources.typed);
        let (Some(account), Some(region)) = (&finding.account, &finding.region) else { return run() };
        let of_object = finding.uri.as_deref().and_then(|uri| {
            let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
            let root = root_of(key)?;
            let folder = RegionFolder {
                bucket: bucket.into(),
                root: root.into(),
                organization: None,
                account: account.as_str().into(),
                region: region.as_str().into(),
            };
            Some(StateScope::of(&folder)).filter(StateScope::is_valid)
        });
        let is_of_region = |scope: &&StateScope| match scope {
            StateScope::Region { account: of, region: at, .. } => of == account && at == region,
            StateScope::Run { .. } => false,
        };
        let known = updates.values().map(|update| &update.scope).find(is_of_region);
        of_object.or_else(|| known.cloned()).unwrap_or_else(run)
    }
}

/// The part of a key before its last `AWSLogs/`.
fn root_of(key: &str) -> Option<&str> {
    let is_whole = |at: &usize| *at == 0 || key.get(..*at).is_some_and(|above| above.ends_with('/'));
    let at = key.rmatch_indices("AWSLogs/").map(|(at, _)| at).find(is_whole)?;
    key.get(..at)
}
