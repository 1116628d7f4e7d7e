//! A chain in memory: made by `simulate`, or written by hand, digest by digest, and signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::super::*;
use super::by_hand::FIRST;
pub(super) use super::by_hand::{at, fields, follow, key_at, log_entry, malformed, signed};
use super::names::*;
use crate::digest::{DigestFile, ListedLog};
use crate::event::{Fault, KeyLack, Kind, Severity, Trace};
use crate::gzip::{self, Sizes};
use crate::keys::{KeyRing, Lookup, saved};
use crate::simulate::{Spec, simulate};
use crate::store::Store as _;
use crate::store::memory::MemoryStore;

/// What one chain delivered, what a listing shows of it, and how it is asked about.
#[derive(Clone)]
pub(super) struct World {
    pub(super) scope: ChainScope,
    /// What lies where: a GET finds nothing else.
    pub(super) lies: BTreeMap<Location, ReadDigest>,
    /// What the listing names, newest first.
    pub(super) listed: Vec<ListedDigest>,
    /// What is seen of each log file.
    pub(super) log_seen: fn(&ListedLog) -> LogSeen,
}

/// What came of a chain, and how.
pub(super) struct Proved {
    pub(super) report: ChainReport,
    /// Every need, batch by batch.
    pub(super) batches: Vec<Vec<ProverNeed>>,
    /// Every digest that was proved, and whether its log files count.
    pub(super) digests: Vec<(Location, bool)>,
}

/// The chain that `spec` describes, of which all is listed.
pub(super) fn world(spec: Spec) -> World {
    let store = MemoryStore::new();
    let made = simulate(&Spec { seed: 7, logs_per_hour: 1, events_per_log: 1, ..spec }, &store).unwrap();
    let mut keys = KeyRing::new();
    saved::load(&mut keys, "keys.json", made.keys_json.as_bytes()).unwrap();
    let parsed: Vec<DigestKey> = store.locations().iter().filter_map(DigestKey::parse).collect();
    let newest = parsed.iter().filter(|key| !key.backfill).max_by_key(|key| key.end).unwrap();
    let (id, folder) = (newest.chain(), newest.folder.clone());
    let of_chain: Vec<&DigestKey> = parsed.iter().filter(|key| key.chain() == id).collect();
    let read = |key: &&DigestKey| (key.location(), read(&store, &keys, key));
    let lies = of_chain.iter().map(read).collect();
    let mut made = World { scope: scope(id, folder, made.end), lies, listed: Vec::new(), log_seen: valid };
    let ends = of_chain.iter().filter(|key| key.folder == made.scope.folders[0]).map(|key| key.end);
    made.list(ends.collect::<Vec<_>>());
    made
}

fn read(store: &MemoryStore, keys: &KeyRing, key: &DigestKey) -> ReadDigest {
    let mut read = ReadDigest::gone(key.location(), key.end);
    let mut object = store.get(&read.location).unwrap();
    read.signature = object.metadata.remove("signature");
    let (bytes, sizes) = gzip::inflate(&mut *object.body, object.encoding, 1 << 20).unwrap();
    let file = DigestFile::parse(&bytes).unwrap();
    let found = keys.lookup(file.fingerprint(), &key.folder.region, file.window().end);
    read.key = Some(if let Lookup::Valid(key) = found { Ok(key) } else { Err(unknown_key()) });
    (read.content, read.sizes) = (DigestContent::Parsed(Box::new(file)), sizes);
    read
}

pub(super) fn unknown_key() -> KeyLack {
    KeyLack::Unknown { fingerprint: "00".to_owned() }
}

fn scope(id: ChainId, folder: RegionFolder, now: Timestamp) -> ChainScope {
    ChainScope {
        id,
        selected: true,
        range: Range { start: None, end: now },
        now,
        relocations: Arc::new([]),
        folders: Arc::new([folder]),
        every_object: true,
        report_proved: false,
    }
}

fn valid(_: &ListedLog) -> LogSeen {
    LogSeen::Valid(Sizes { compressed: 1, inflated: 2 })
}

/// Digests at `keys`, of which the first starts the chain and the others follow each other, with `change` made to each
/// before it is signed. Those in the folder of the last are listed.
pub(super) fn chain(keys: &[DigestKey], change: impl Fn(i64, &mut Value)) -> World {
    let newest = keys.last().unwrap();
    let scope = scope(newest.chain(), newest.folder.clone(), newest.end);
    let mut world = World { scope, lies: BTreeMap::new(), listed: Vec::new(), log_seen: valid };
    let mut previous: Option<ReadDigest> = None;
    for (number, key) in (0..).zip(keys) {
        let mut fields = fields(key);
        if let Some(previous) = &previous {
            follow(&mut fields, previous);
        }
        change(number, &mut fields);
        let read = signed(&fields);
        world.lies.insert(read.location.clone(), read.clone());
        previous = Some(read);
    }
    let listed = keys.iter().filter(|key| key.folder == newest.folder);
    world.list(listed.map(|key| key.end).collect::<Vec<_>>());
    world
}

/// Hours `0..count`, with `change` made to each.
pub(super) fn made(count: i64, change: impl Fn(i64, &mut Value)) -> World {
    chain(&(0..count).map(key_at).collect::<Vec<_>>(), change)
}

/// The same without a change.
pub(super) fn hours(count: i64) -> World {
    made(count, |_, _| {})
}

impl World {
    pub(super) fn list(&mut self, ends: impl IntoIterator<Item = Timestamp>) {
        self.listed.extend(ends.into_iter().map(|end| ListedDigest { end, folder: 0 }));
        self.listed.sort_unstable_by(|one, other| other.cmp(one));
    }

    /// The ends that the listing names, newest first.
    pub(super) fn ends(&self) -> Vec<Timestamp> {
        self.listed.iter().map(|listed| listed.end).collect()
    }

    pub(super) fn place(&self, end: Timestamp) -> Location {
        self.scope.digest_location(&self.scope.folders[0], end)
    }

    /// The digest that ends at `end`, to be changed.
    pub(super) fn digest(&mut self, end: Timestamp) -> &mut ReadDigest {
        let place = self.place(end);
        self.lies.get_mut(&place).unwrap()
    }

    /// Puts a digest where it says it belongs, and lists it.
    pub(super) fn put(&mut self, read: ReadDigest) {
        self.list([read.end]);
        self.listed.dedup();
        self.lies.insert(read.location.clone(), read);
    }

    /// The digest is there, and no listing names it.
    pub(super) fn hide(&mut self, end: Timestamp) {
        self.listed.retain(|listed| listed.end != end);
    }

    /// The digest is gone, and no listing names it.
    pub(super) fn lose(&mut self, end: Timestamp) {
        self.hide(end);
        self.lies.remove(&self.place(end));
    }

    /// Asks for what was delivered from `start` to `end`, hours of a chain that is written by hand.
    pub(super) fn ask(&mut self, start: i64, end: i64) {
        self.scope.range = Range { start: Some(at(start)), end: at(end) };
    }

    pub(super) fn prover(&self) -> ChainProver {
        ChainProver::new(self.scope.clone(), self.listed.clone())
    }

    /// What lies at a place.
    pub(super) fn get(&self, location: &Location, end: Timestamp) -> ReadDigest {
        self.lies.get(location).cloned().unwrap_or_else(|| ReadDigest::gone(location.clone(), end))
    }

    /// The truth.
    pub(super) fn answer(&self, need: &ProverNeed) -> ProverAnswer {
        match need {
            ProverNeed::Digest { location, end } => match self.get(location, *end) {
                ReadDigest { content: DigestContent::Gone, .. } => ProverAnswer::Gone(Trace::Nothing),
                read => ProverAnswer::Digest(Box::new(read)),
            },
            ProverNeed::SecondRead { location, .. } => {
                ProverAnswer::SecondRead(match self.lies.get(location) {
                    Some(read) => SecondRead::Same { signature: read.signature.clone(), stored: None },
                    None => SecondRead::Gone,
                })
            }
            ProverNeed::Stream { .. } => ProverAnswer::Stream(StreamRead::Gone),
            ProverNeed::EarlierPlace { folder, until } => {
                let keys = self.lies.keys().filter_map(DigestKey::parse);
                let here = keys.filter(|key| key.folder == *folder && key.end <= *until);
                ProverAnswer::EarlierPlace(here.map(|key| key.end).rev().collect())
            }
        }
    }

    /// Reads the next digests, at most `window`, and lets the prover take them.
    pub(super) fn take(&self, prover: &mut ChainProver, window: usize) {
        let next: Vec<ListedDigest> = prover.to_read().take(window).collect();
        let read: Vec<ReadDigest> =
            next.iter().map(|one| self.get(&prover.location_of(*one), one.end)).collect();
        let checked: Vec<_> =
            (0..read.len()).map(|at| prover.check(&read[at], read[..at].iter().rev())).collect();
        prover.take(read.into_iter().zip(checked).map(|(read, checked)| CheckedDigest::new(read, checked)));
    }

    /// Answers all that the prover needs, and gives it the log files of what it proved.
    pub(super) fn settle(
        &self,
        prover: &mut ChainProver,
        answer: &mut dyn FnMut(&ProverNeed) -> ProverAnswer,
        proved: &mut Vec<(Location, bool)>,
    ) -> Vec<Vec<ProverNeed>> {
        let mut batches = Vec::new();
        loop {
            let needs = prover.advance();
            if needs.is_empty() {
                break;
            }
            assert!(batches.len() < 10_000, "it asks without end: {needs:?}");
            needs.iter().for_each(|need| prover.answer(need.clone(), answer(need)));
            batches.push(needs);
        }
        for ProvedDigestLogs { digest, counted, .. } in prover.take_proved() {
            proved.push((digest.file().location().clone(), counted));
            for log in digest.logs().iter().filter(|_| counted) {
                prover.log(digest.file(), log, (self.log_seen)(log));
            }
        }
        batches
    }

    /// Proves the chain in windows of so many digests, with answers by `answer`.
    pub(super) fn prove_by(
        &self,
        mut prover: ChainProver,
        window: usize,
        answer: &mut dyn FnMut(&ProverNeed) -> ProverAnswer,
    ) -> Proved {
        let (mut batches, mut digests) = (Vec::new(), Vec::new());
        loop {
            self.take(&mut prover, window);
            batches.extend(self.settle(&mut prover, answer, &mut digests));
            if prover.unread() == 0 {
                break;
            }
        }
        prover.settle_claims(|_| true, |_| None);
        Proved { report: prover.finish(), batches, digests }
    }

    /// Proves the chain with true answers, digest by digest and all at once, which has to give the same.
    pub(super) fn prove(&self) -> Proved {
        self.prove_with(|_| None)
    }

    /// The same with other answers where `answer` gives any.
    pub(super) fn prove_with(&self, answer: impl Fn(&ProverNeed) -> Option<ProverAnswer>) -> Proved {
        self.prove_remembering(&[], answer)
    }

    /// The same with heads of earlier runs.
    pub(super) fn prove_remembering(
        &self,
        heads: &[RememberedHead],
        answer: impl Fn(&ProverNeed) -> Option<ProverAnswer>,
    ) -> Proved {
        let mut answer = |need: &ProverNeed| answer(need).unwrap_or_else(|| self.answer(need));
        let prover = || {
            let mut prover = self.prover();
            prover.remember(heads.iter().cloned());
            prover
        };
        let one_by_one = self.prove_by(prover(), 1, &mut answer);
        let at_once = self.prove_by(prover(), 1_000, &mut answer);
        assert_eq!(one_by_one.report, at_once.report);
        at_once
    }

    /// What another run may remember of the digest that ends at `end`.
    pub(super) fn head(&self, end: Timestamp) -> RememberedHead {
        let read = &self.lies[&self.place(end)];
        RememberedHead {
            location: read.location.clone(),
            end,
            hash: read.file().unwrap().hash(),
            signature: read.signature.clone().map(Into::into),
            run: "yesterday".to_owned(),
        }
    }
}

impl Proved {
    /// Each finding that is more than a notice, as `HOUR CAUSE`, with the hour that it is sorted at.
    pub(super) fn told(&self) -> Vec<String> {
        self.findings(|finding| finding.severity > Severity::Notice)
    }

    /// The same of notices, but for where the record begins.
    pub(super) fn notices(&self) -> Vec<String> {
        self.findings(|finding| {
            finding.severity == Severity::Notice && !matches!(finding.fault, Fault::RecordBegins)
        })
    }

    fn findings(&self, which: impl Fn(&crate::event::Finding) -> bool) -> Vec<String> {
        let found = self.report.findings.iter().filter(|finding| which(finding));
        let words = |finding: &crate::event::Finding| {
            let hour = finding.at.unix().saturating_sub(FIRST).div_euclid(HOUR);
            format!("{hour} {}", finding.fault.cause().unwrap())
        };
        found.map(words).collect()
    }

    /// The finding with this cause.
    pub(super) fn finding(&self, cause: &str) -> &crate::event::Finding {
        self.report.findings.iter().find(|finding| finding.fault.cause() == Some(cause)).unwrap()
    }

    /// Number of needs.
    pub(super) fn asked(&self) -> usize {
        self.batches.iter().flatten().count()
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        let grave = self.report.findings.iter().filter(|finding| finding.severity > Severity::Notice);
        grave.map(|finding| finding.kind).collect()
    }

    /// Valid, tampered and unverified digests.
    pub(super) fn digest_counts(&self) -> (u64, u64, u64) {
        let counts = self.report.counts.digests;
        (counts.valid, counts.tampered, counts.unverified)
    }

    /// Valid, tampered and unverified log files.
    pub(super) fn log_counts(&self) -> (u64, u64, u64) {
        let counts = self.report.counts.logs;
        (counts.valid, counts.tampered, counts.unverified)
    }
}
