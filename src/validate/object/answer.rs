//! Extracts the answer for one object from a run over a region's digests.

use std::collections::BTreeSet;
use std::io;

use crate::event::{
    ChainCounts, ChainSummary, Counts, Event, Fault, Finding, Kind, ObjectState, ObjectType, Severity, Sink,
    UsedKey,
};
use crate::ident::{ChainId, DigestKey, Location};
use crate::time::{HOUR, Interval};
use crate::validate::request::{RunOutcome, ValidationRequest};
use crate::validate::target::{ObjectPlaces, ObjectTarget};

/// The answer for one object.
#[derive(Default)]
pub(super) struct ObjectAnswer {
    pub(super) findings: Vec<Finding>,
    chains: Vec<ChainSummary>,
    objects: Vec<Event>,
    counts: Counts,
    keys: BTreeSet<UsedKey>,
    pub(super) interrupted: bool,
    /// Whether a digest lists the object, or the object is itself a digest that was read.
    found: bool,
    every_object: bool,
}

impl ObjectAnswer {
    pub(super) fn of_findings(findings: Vec<Finding>) -> Self {
        Self { findings, ..Self::default() }
    }

    /// Whether the answer is based on the object itself, and not only on near digests.
    pub(super) const fn is_found(&self) -> bool {
        self.found
    }

    /// Extracts the answer for `target` from `events` of its run: the findings on the object itself, and the findings
    /// on the digests that list it.
    pub(super) fn about(
        target: &ObjectTarget,
        request: &ValidationRequest,
        places: ObjectPlaces<'_>,
        events: &[Event],
        outcome: &RunOutcome,
    ) -> Self {
        let is_it = |uri: &str| location(uri).is_some_and(|recorded| places.is_at(&recorded, target.place()));
        let findings = || events.iter().filter_map(finding).filter(|finding| !is_of_coverage(finding.kind));
        let is_own = |finding: &&Finding| finding.uri.as_deref().is_some_and(is_it);
        // 1. Find the digests that list the object or are the object.
        let digests: BTreeSet<String> = match target {
            ObjectTarget::Log { .. } => {
                findings().filter(is_own).filter_map(|finding| finding.digest.clone()).collect()
            }
            ObjectTarget::Digest { .. } => objects(events)
                .filter(|(object, uri, _)| *object == ObjectType::Digest && is_it(uri))
                .map(|(_, uri, _)| uri.to_owned())
                .collect(),
        };
        // 2. Keep the findings on the object and on these digests.
        let is_of_digest = |uri: &str| digests.iter().any(|digest| same(places, digest, uri));
        let is_log = |finding: &Finding| {
            finding.digest.as_deref().is_some_and(is_of_digest) && !finding.kind.is_on_digest()
        };
        let is_kept = |finding: &&Finding| match target {
            ObjectTarget::Log { .. } => is_own(finding) || finding.uri.as_deref().is_some_and(is_of_digest),
            ObjectTarget::Digest { .. } => is_own(finding) || is_log(finding),
        };
        let mut answer = Self {
            findings: findings().filter(is_kept).cloned().collect(),
            keys: outcome.keys.clone(),
            interrupted: outcome.interrupted,
            every_object: request.every_object,
            ..Self::default()
        };
        answer.found = !digests.is_empty() || answer.findings.iter().any(|finding| is_own(&finding));
        answer.counts.compressed_bytes = outcome.counts.compressed_bytes;
        answer.counts.inflated_bytes = outcome.counts.inflated_bytes;
        // 3. Count the objects of the answer.
        let is_counted = |(object, uri, _): &(ObjectType, &str, ObjectState)| match (target, object) {
            (_, ObjectType::Digest) => is_of_digest(uri),
            (ObjectTarget::Log { .. }, ObjectType::Log) => is_it(uri),
            (ObjectTarget::Digest { .. }, ObjectType::Log) => true,
        };
        for (object, uri, state) in objects(events).filter(is_counted) {
            count(&mut answer.counts, object, state);
            answer.objects.push(Event::Object { object, uri: uri.to_owned(), state });
        }
        answer.take_chains(events, &digests);
        if let ObjectTarget::Digest { .. } = target {
            answer.prove_digest(&digests);
        }
        answer
    }

    /// Keeps the chains of the answering digests, with the time and the counts of these digests only.
    fn take_chains(&mut self, events: &[Event], digests: &BTreeSet<String>) {
        let keys: Vec<DigestKey> =
            digests.iter().filter_map(|uri| DigestKey::parse(&location(uri)?)).collect();
        for event in events {
            let Event::Chain(chain) = event else { continue };
            let own = || keys.iter().filter(|key| key.chain() == chain.id);
            let hours: Vec<Interval> =
                own().map(|key| Interval { start: key.end.plus(-HOUR), end: key.end }).collect();
            if hours.is_empty() {
                continue;
            }
            let covered = chain.covered.iter();
            let covered =
                covered.flat_map(|window| hours.iter().filter_map(|hour| window.intersect(*hour))).collect();
            let (digests, logs, gaps) = (hours.len() as u64, all_logs(&self.counts), 0);
            let counts = Some(self.counts_of(&chain.id));
            self.chains.push(ChainSummary {
                id: chain.id.clone(),
                covered,
                digests,
                logs,
                counts,
                gaps,
                timeline: None,
                remembered: Vec::new(),
                in_replica: false,
            });
        }
    }

    /// The states of the answering digests of a chain, and of the log files of the answer.
    fn counts_of(&self, chain: &ChainId) -> ChainCounts {
        let mut counts = Counts { logs: self.counts.logs, ..Counts::default() };
        for (object, uri, state) in objects(&self.objects) {
            let key = location(uri).and_then(|location| DigestKey::parse(&location));
            if object == ObjectType::Digest && key.is_some_and(|key| key.chain() == *chain) {
                count(&mut counts, object, state);
            }
        }
        ChainCounts::of(&counts)
    }

    /// Reports a digest as proved, if the digest and all its log files are valid.
    fn prove_digest(&mut self, digests: &BTreeSet<String>) {
        let Counts { digests: counted, logs, .. } = self.counts;
        let is_whole = counted.valid == 1 && logs.tampered + logs.unverified == 0;
        let (Some(uri), Some(chain)) = (digests.first().filter(|_| is_whole), self.chains.first()) else {
            return;
        };
        self.findings.retain(|finding| finding.kind != Kind::ObjectProved);
        let successor = self.findings.iter().find_map(|finding| finding.digest.clone());
        let at = chain.covered.first().map_or(crate::time::Timestamp::from_unix(0), |window| window.end);
        let mut finding = Finding::new(Fault::DigestProved { logs: logs.valid }, at).of_chain(&chain.id);
        finding.uri = Some(uri.clone());
        finding.digest = successor;
        self.findings.push(finding);
    }

    /// The answer if no digest lists the object: the findings on the near digests, one of which may have listed the
    /// object.
    pub(super) fn or_near_digests(mut self, events: &[Event]) -> Self {
        let is_near =
            |finding: &&Finding| finding.severity > Severity::Notice && !is_of_coverage(finding.kind);
        self.findings = events.iter().filter_map(finding).filter(is_near).cloned().collect();
        for (object, uri, state) in objects(events).filter(|(object, ..)| *object == ObjectType::Digest) {
            count(&mut self.counts, object, state);
            self.objects.push(Event::Object { object, uri: uri.to_owned(), state });
        }
        self.chains = events.iter().filter_map(chain).cloned().collect();
        self
    }

    /// Sends the answer to `sink`, and adds the answer to the outcome of the run.
    pub(super) fn send(mut self, whole: &mut RunOutcome, sink: &mut dyn Sink) -> io::Result<()> {
        let unreferenced = self.findings.iter().filter(|finding| finding.kind == Kind::LogUnreferenced);
        self.counts.logs.unreferenced = unreferenced.count() as u64;
        if self.every_object {
            self.objects.iter().try_for_each(|object| sink.event(object))?;
        }
        for finding in self.findings {
            whole.worst = whole.worst.max(Some(finding.severity));
            sink.event(&Event::Finding(Box::new(finding)))?;
        }
        for chain in self.chains {
            sink.event(&Event::Chain(chain))?;
        }
        whole.counts.add(&self.counts);
        whole.keys.extend(self.keys);
        if self.interrupted {
            whole.interrupted = true;
            whole.worst = whole.worst.max(Some(Severity::Incomplete));
        }
        Ok(())
    }
}

/// Findings without a region, sent once for all objects: notices on keys, and findings known before the run.
pub(super) fn run_wide_findings(events: &[Event], request: &ValidationRequest) -> Vec<Finding> {
    let is_of_run = |finding: &&Finding| {
        request.findings.contains(finding) || (finding.kind == Kind::KeyUnknown && finding.account.is_none())
    };
    let keys =
        |finding: &&Finding| finding.severity == Severity::Notice || request.findings.contains(finding);
    events.iter().filter_map(finding).filter(is_of_run).filter(keys).cloned().collect()
}

fn finding(event: &Event) -> Option<&Finding> {
    match event {
        Event::Finding(finding) => Some(finding),
        Event::Started { .. } | Event::Object { .. } | Event::Chain(_) | Event::Finished(_) => None,
    }
}

fn chain(event: &Event) -> Option<&ChainSummary> {
    match event {
        Event::Chain(chain) => Some(chain),
        Event::Started { .. } | Event::Object { .. } | Event::Finding(_) | Event::Finished(_) => None,
    }
}

fn objects(events: &[Event]) -> impl Iterator<Item = (ObjectType, &str, ObjectState)> {
    events.iter().filter_map(|event| match event {
        Event::Object { object, uri, state } => Some((*object, uri.as_str(), *state)),
        Event::Started { .. } | Event::Finding(_) | Event::Chain(_) | Event::Finished(_) => None,
    })
}

/// Whether two addresses are of the same object.
fn same(places: ObjectPlaces<'_>, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Some(one), Some(other)) = (location(one), location(other)) else { return false };
    places.is_at(&one, &other) || places.is_at(&other, &one)
}

/// Whether a finding is on a stretch of time, which a single object does not ask about.
const fn is_of_coverage(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ChainGap | Kind::ChainRestart | Kind::ChainStale | Kind::ChainStart | Kind::NoDigests
    )
}

fn location(uri: &str) -> Option<Location> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(Location::new(bucket, key))
}

const fn count(counts: &mut Counts, object: ObjectType, state: ObjectState) {
    let Counts { digests, logs, .. } = counts;
    match (object, state) {
        (ObjectType::Digest, ObjectState::Valid) => digests.valid += 1,
        (ObjectType::Digest, ObjectState::Tampered) => digests.tampered += 1,
        (ObjectType::Digest, ObjectState::Unverified) => digests.unverified += 1,
        (ObjectType::Log, ObjectState::Valid) => logs.valid += 1,
        (ObjectType::Log, ObjectState::Tampered) => logs.tampered += 1,
        (ObjectType::Log, ObjectState::Unverified) => logs.unverified += 1,
    }
}

const fn all_logs(counts: &Counts) -> u64 {
    counts.logs.valid + counts.logs.tampered + counts.logs.unverified
}
