//! What the user asked for by name, and whether a digest answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::discover::FoundNames;
use super::region::RegionRun;
use super::request::{SourceFolder, ValidationRequest};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, RegionFolder};
use crate::prove::ChainProver;
use crate::time::{DELIVERY_GRACE, HOUR, Interval, Timestamp};

/// The most names to keep. A writer to the bucket can make any number of names.
const MAX_FOUND: usize = 1_000;

/// The sources, accounts, regions and trails with a digest in range or with a finding.
pub(super) struct AnsweredNames {
    chains: BTreeSet<[String; 3]>,
    sources: Vec<AskedSource>,
    /// The existing names, asked for or not.
    pub(super) found: FoundNames,
}

/// A source as typed, and its result.
struct AskedSource {
    name: String,
    /// The folders that the typed source stands for.
    parts: Vec<SourceFolder>,
    /// Whether a digest of an asked chain in the asked range lies below the source.
    is_answered: bool,
    /// Whether a region below the source has a finding above a notice.
    has_finding: bool,
}

/// The asked folders of one region, and the folders with an answering digest.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(super) struct AnsweringFolders {
    asked: Vec<RegionFolder>,
    answered: Vec<RegionFolder>,
}

impl AnsweringFolders {
    /// The folders of a region. `has_digest` tells whether a chain has a digest in the asked range.
    pub(super) fn of(
        request: &ValidationRequest,
        region: &RegionRun,
        has_digest: impl Fn(&ChainProver) -> bool,
    ) -> Self {
        let asked: Vec<RegionFolder> = region.folders.to_vec();
        let chains = region.chains.iter().filter(|chain| chain.is_selected() && has_digest(chain));
        let folders: BTreeSet<usize> =
            chains.flat_map(|chain| folders_with_digests(request, region, chain)).collect();
        let answered = folders.iter().filter_map(|folder| asked.get(*folder).cloned()).collect();
        Self { asked, answered }
    }
}

/// The folders with digests of a chain in the asked range. If the chain was followed into a folder that was not asked
/// for, or if no digest name is in the range, all folders of the chain.
fn folders_with_digests(
    request: &ValidationRequest,
    region: &RegionRun,
    chain: &ChainProver,
) -> BTreeSet<usize> {
    let asked = request.range.interval();
    let is_inside = |end: Timestamp| Interval { start: end.plus(-HOUR), end }.overlaps(asked);
    let further = || region.twins.iter().filter(|twin| twin.id == *chain.id()).map(|twin| twin.entry);
    let listed = || chain.known().listed().iter().copied().chain(further());
    let entries = || listed().map(|listed| (listed.folder as usize, listed.end));
    let inside: BTreeSet<usize> =
        entries().filter(|(_, end)| is_inside(*end)).map(|(folder, _)| folder).collect();
    match inside.last() {
        Some(last) if *last < region.folders.len() => inside,
        _ => entries().map(|(folder, _)| folder).collect(),
    }
}

impl AnsweredNames {
    /// The names of a request, without any answer yet.
    pub(super) fn new(request: &ValidationRequest) -> Self {
        let asked = |name: String, parts: Vec<SourceFolder>| AskedSource {
            name,
            parts,
            is_answered: false,
            has_finding: false,
        };
        let alone = request.sources.iter().map(|source| asked(source.to_string(), vec![source.clone()]));
        let typed = request.typed.iter().map(|typed| asked(typed.name.clone(), typed.parts.clone()));
        let sources = if request.typed.is_empty() { alone.collect() } else { typed.collect() };
        Self { chains: BTreeSet::new(), sources, found: FoundNames::default() }
    }

    /// Notes the answering folders of a region. `has_finding` tells whether the region has a finding above a notice.
    pub(super) fn note_region(&mut self, answering: &AnsweringFolders, has_finding: bool) {
        for source in &mut self.sources {
            let holds = |folder: &RegionFolder| source.parts.iter().any(|part| part.holds(folder));
            source.is_answered |= answering.answered.iter().any(holds);
            source.has_finding |= has_finding && answering.asked.iter().any(holds);
        }
    }

    /// Notes that chain `id` has a digest in the asked range.
    pub(super) fn note_chain(&mut self, id: &ChainId) {
        self.chains.insert([&id.account, &id.region, &id.trail].map(|name| name.to_string()));
    }

    /// Notes existing trails, asked for or not.
    pub(super) fn note_trails(&mut self, trails: BTreeSet<String>) {
        let room = MAX_FOUND.saturating_sub(self.found.trails.len());
        self.found.trails.extend(trails.into_iter().take(room));
    }

    /// The existing names in place of the first missing account, region or trail.
    fn found_instead(&self, [account, region, trail]: [&Option<String>; 3]) -> Vec<String> {
        let FoundNames { accounts, regions, trails } = &self.found;
        for (asked, found) in [(account, accounts), (region, regions), (trail, trails)] {
            if asked.as_ref().is_some_and(|asked| !found.contains(asked)) {
                return found.iter().take(MAX_FOUND).cloned().collect();
            }
        }
        Vec::new()
    }

    /// Reports trails named in full and not found. Such a trail records in its home region, and in each region where
    /// CloudTrail states a delivery in the asked time.
    fn unanswered_trails(&self, request: &ValidationRequest) -> Vec<Finding> {
        let is_asked = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        let mut findings = Vec::new();
        for trail in &request.named {
            if !is_asked(&request.accounts, &trail.account) || !is_asked(&request.trails, &trail.name) {
                continue;
            }
            let is_current = |latest: &Timestamp| {
                request.range.start.is_none_or(|start| start < *latest)
                    && latest.plus(-DELIVERY_GRACE) <= request.range.end
            };
            let mut expected: BTreeMap<String, Option<Timestamp>> = trail
                .deliveries
                .regions()
                .into_iter()
                .filter(|(_, latest)| is_current(latest))
                .map(|(region, latest)| (region, Some(latest)))
                .collect();
            expected.insert(trail.home_region.clone(), trail.deliveries.latest(&trail.home_region));
            for (region, latest) in
                expected.into_iter().filter(|(region, _)| is_asked(&request.regions, region))
            {
                let place = [&trail.account, &region, &trail.name].map(|name| Some(name.clone()));
                let [account, region, name] = &place;
                if !self.has_chain([account, region, name]) {
                    findings.push(no_digests([account, region, name], request.range.end, latest, Vec::new()));
                }
            }
        }
        findings
    }

    /// Reports each typed source and each named account × region × trail without a digest: a run that found nothing is
    /// never a success.
    pub(super) fn unanswered(&self, request: &ValidationRequest) -> Vec<Finding> {
        // 1. Trails named in full come first: CloudTrail itself states their regions.
        let mut findings = self.unanswered_trails(request);
        if findings.is_empty() {
            // 2. Otherwise accounts, regions and trails by name.
            findings = self.unanswered_names(request);
        }
        // 3. Then sources. If nothing at all was found and a name is reported, every source would repeat the report.
        if findings.is_empty() || !self.chains.is_empty() {
            findings.extend(self.unanswered_sources(request));
        }
        let has_finding = || self.sources.iter().any(|source| source.has_finding);
        // 4. A run without a chain and without a finding still needs a finding.
        if findings.is_empty() && self.chains.is_empty() && !has_finding() {
            findings.push(no_digests([&None, &None, &None], request.range.end, None, Vec::new()));
        }
        findings
    }

    fn unanswered_names(&self, request: &ValidationRequest) -> Vec<Finding> {
        let named = |names: &[String]| match names {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let (accounts, regions, trails) =
            (named(&request.accounts), named(&request.regions), named(&request.trails));
        let mut findings = Vec::new();
        for account in &accounts {
            for region in &regions {
                for trail in &trails {
                    let asked = [account, region, trail];
                    if !self.has_chain(asked) && asked.iter().any(|name| name.is_some()) {
                        findings.push(no_digests(asked, request.range.end, None, self.found_instead(asked)));
                    }
                }
            }
        }
        findings
    }

    /// Reports a source without an answer, unless a region below the source has a finding.
    fn unanswered_sources(&self, request: &ValidationRequest) -> Vec<Finding> {
        let unanswered = self.sources.iter().filter(|source| !source.is_answered && !source.has_finding);
        let finding = |source: &AskedSource| {
            let finding = no_digests([&None, &None, &None], request.range.end, None, Vec::new());
            // A single source is the whole request, so the finding needs no address.
            Finding { uri: (self.sources.len() > 1).then(|| source.name.clone()), ..finding }
        };
        unanswered.map(finding).collect()
    }

    /// Whether a chain with all the given names was found.
    fn has_chain(&self, asked: [&Option<String>; 3]) -> bool {
        let fits = |chain: &[String; 3]| {
            asked.iter().zip(chain).all(|(asked, name)| asked.as_ref().is_none_or(|asked| asked == name))
        };
        self.chains.iter().any(fits)
    }
}

/// The finding that no digest was found for the asked names. `delivered` is the time of a delivery that CloudTrail
/// states.
fn no_digests(
    asked: [&Option<String>; 3],
    at: Timestamp,
    delivered: Option<Timestamp>,
    found: Vec<String>,
) -> Finding {
    let [account, region, trail] = asked.map(Clone::clone);
    let (of_account, of_region, of_trail) = (account.clone(), region.clone(), trail.clone());
    let fault = Fault::NothingFound { account, region, trail, delivered, found };
    Finding { account: of_account, region: of_region, trail: of_trail, ..Finding::new(fault, at) }
}
