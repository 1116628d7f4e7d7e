//! What was asked by name, and whether anything answers to it.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::FoundNames;
use super::region::RegionRun;
use super::request::{Request, Source};
use crate::event::{Fault, Finding};
use crate::ident::{ChainId, RegionFolder};
use crate::prove::ChainProver;
use crate::time::{DELIVERY_GRACE, HOUR, Interval, Timestamp};

/// How many names of what is there are kept: anybody who can write to the bucket can make any number.
const MAX_FOUND: usize = 1_000;

/// Which sources, accounts, regions and trails had a digest in range, and where anything else was said.
pub(super) struct Answered {
    chains: BTreeSet<[String; 3]>,
    sources: Vec<AskedSource>,
    /// What is there, asked for or not.
    pub(super) found: FoundNames,
}

/// What the user typed, and what came of it.
struct AskedSource {
    name: String,
    /// The folders that it stands for.
    parts: Vec<Source>,
    /// Whether a digest of the asked range of a chain that was asked for lies below it.
    is_answered: bool,
    /// Whether anything more than a notice was said of a region below it.
    is_said: bool,
}

/// The folders of one region that were asked for, and those that hold a digest which answers.
#[derive(Default)]
pub(super) struct Answering {
    asked: Vec<RegionFolder>,
    answered: Vec<RegionFolder>,
}

impl Answering {
    /// Of a region whose chains have a digest of the asked range where `has_digest` says so.
    pub(super) fn of(request: &Request, unit: &RegionRun, has_digest: impl Fn(&ChainProver) -> bool) -> Self {
        let asked: Vec<RegionFolder> = unit.folders.to_vec();
        let chains = unit.chains.iter().filter(|chain| chain.is_selected() && has_digest(chain));
        let folders: BTreeSet<usize> = chains.flat_map(|chain| folders_of(request, unit, chain)).collect();
        let answered = folders.iter().filter_map(|folder| asked.get(*folder).cloned()).collect();
        Self { asked, answered }
    }
}

/// The folders that the digests of the asked range of a chain lie in. Where the chain was followed to a folder that was not
/// asked for, or no digest is of the range by its name, those that the chain was found in.
fn folders_of(request: &Request, unit: &RegionRun, chain: &ChainProver) -> BTreeSet<usize> {
    let asked = request.range.interval();
    let is_inside = |end: Timestamp| Interval { start: end.plus(-HOUR), end }.overlaps(asked);
    let entries = || chain.known().listed().iter().map(|listed| (listed.folder as usize, listed.end));
    let inside: BTreeSet<usize> =
        entries().filter(|(_, end)| is_inside(*end)).map(|(folder, _)| folder).collect();
    match inside.last() {
        Some(last) if *last < unit.folders.len() => inside,
        _ => entries().map(|(folder, _)| folder).collect(),
    }
}

impl Answered {
    /// Nothing yet.
    pub(super) fn new(request: &Request) -> Self {
        let asked = |name: String, parts: Vec<Source>| AskedSource {
            name,
            parts,
            is_answered: false,
            is_said: false,
        };
        let alone = request.sources.iter().map(|source| asked(source.to_string(), vec![source.clone()]));
        let typed = request.typed.iter().map(|typed| asked(typed.name.clone(), typed.parts.clone()));
        let sources = if request.typed.is_empty() { alone.collect() } else { typed.collect() };
        Self { chains: BTreeSet::new(), sources, found: FoundNames::default() }
    }

    /// Notes what a region answers, and whether anything more than a notice `is_said` of it.
    pub(super) fn by_region(&mut self, answering: &Answering, is_said: bool) {
        for source in &mut self.sources {
            let holds = |folder: &RegionFolder| source.parts.iter().any(|part| part.holds(folder));
            source.is_answered |= answering.answered.iter().any(holds);
            source.is_said |= is_said && answering.asked.iter().any(holds);
        }
    }

    /// Notes that `id` has a digest of the asked range.
    pub(super) fn by(&mut self, id: &ChainId) {
        self.chains.insert([&id.account, &id.region, &id.trail].map(|name| name.to_string()));
    }

    /// Notes trails that are there, asked for or not.
    pub(super) fn found_trails(&mut self, trails: BTreeSet<String>) {
        let room = MAX_FOUND.saturating_sub(self.found.trails.len());
        self.found.trails.extend(trails.into_iter().take(room));
    }

    /// What is there in place of the account, region or trail that is asked for in vain: of the first that is not there.
    fn found_instead(&self, [account, region, trail]: [&Option<String>; 3]) -> Vec<String> {
        let FoundNames { accounts, regions, trails } = &self.found;
        for (asked, found) in [(account, accounts), (region, regions), (trail, trails)] {
            if asked.as_ref().is_some_and(|asked| !found.contains(asked)) {
                return found.iter().take(MAX_FOUND).cloned().collect();
            }
        }
        Vec::new()
    }

    /// A trail that was named in full records in its home region at any rate, and in each region of which CloudTrail says
    /// that it delivered a digest of the asked time.
    fn unanswered_trails(&self, request: &Request) -> Vec<Finding> {
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
                if !self.has([account, region, name]) {
                    findings.push(no_digests([account, region, name], request.range.end, latest, Vec::new()));
                }
            }
        }
        findings
    }

    /// What was asked and not found is said, each source that was typed and each account × region × trail that was named:
    /// nothing found is never success.
    pub(super) fn unanswered(&self, request: &Request) -> Vec<Finding> {
        let mut findings = self.unanswered_trails(request);
        if findings.is_empty() {
            findings = self.unanswered_names(request);
        }
        // Where nothing was found at all, and that is said by name, each source would say the same.
        if findings.is_empty() || !self.chains.is_empty() {
            findings.extend(self.unanswered_sources(request));
        }
        let is_said = || self.sources.iter().any(|source| source.is_said);
        if findings.is_empty() && self.chains.is_empty() && !is_said() {
            findings.push(no_digests([&None, &None, &None], request.range.end, None, Vec::new()));
        }
        findings
    }

    fn unanswered_names(&self, request: &Request) -> Vec<Finding> {
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
                    if !self.has(asked) && asked.iter().any(|name| name.is_some()) {
                        findings.push(no_digests(asked, request.range.end, None, self.found_instead(asked)));
                    }
                }
            }
        }
        findings
    }

    /// A source below which nothing answers says so, unless more is said of what lies below it.
    fn unanswered_sources(&self, request: &Request) -> Vec<Finding> {
        let unanswered = self.sources.iter().filter(|source| !source.is_answered && !source.is_said);
        let finding = |source: &AskedSource| {
            let finding = no_digests([&None, &None, &None], request.range.end, None, Vec::new());
            // A source that is alone is all that was asked.
            Finding { uri: (self.sources.len() > 1).then(|| source.name.clone()), ..finding }
        };
        unanswered.map(finding).collect()
    }

    /// Whether a chain was found that has each of the names that are given.
    fn has(&self, asked: [&Option<String>; 3]) -> bool {
        let fits = |chain: &[String; 3]| {
            asked.iter().zip(chain).all(|(asked, name)| asked.as_ref().is_none_or(|asked| asked == name))
        };
        self.chains.iter().any(fits)
    }
}

/// Says that there is no digest of what was asked; of a trail, that CloudTrail says it `delivered` one.
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
