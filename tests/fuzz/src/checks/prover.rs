//! The prover alone: a chain of signed digests, what is done to what is read of it, and what its needs are answered.
//!
//! What holds, whatever is listed, read, remembered and answered:
//! - It ends, and asks for no more than a few batches for each digest.
//! - The report is the same whatever the window, and where the state is written and read again between windows.
//! - A digest is proved only where its bytes were delivered, or signed with CloudTrail's key.
//! - Where nothing is changed but what a listing names, what can be read and which keys are at hand, and nobody answers
//!   falsely, nothing is tampered with.
//! - Where nothing is found, every digest up to the newest proved one, and every remembered one, is proved.

mod answers;
mod delivered;
mod judged;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use trailproof::digest::DigestFile;
use trailproof::event::{BodyFault, Excess, Fault, KeyLack};
use trailproof::gzip::Sizes;
use trailproof::ident::{DigestKey, Location, Sha256Hash};
use trailproof::prove::{
    ChainProver, ChainReport, ChainScope, CheckedDigest, DigestContent, ListedDigest, LogSeen, ProverNeed,
    ReadDigest, RememberedHead, SeenBody,
};
use trailproof::time::{HOUR, Range, Timestamp};

use self::delivered::{DELIVERED, Delivered, read, signed};
use super::edit::edited;
use super::reader::Reader;

/// Most that is done to one chain.
const MOST: usize = 8;

/// What lies there, what is listed, remembered and answered.
struct World<'a> {
    delivered: &'a Delivered,
    scope: ChainScope,
    lies: BTreeMap<Location, ReadDigest>,
    listed: BTreeSet<ListedDigest>,
    heads: Vec<RememberedHead>,
    /// What a stream shows of the digests that are too large to be held.
    streams: BTreeMap<Location, SeenBody>,
    /// Hashes of what was signed with CloudTrail's key.
    genuine: BTreeSet<Sha256Hash>,
    /// Which answers are no true ones: none, only those that say nothing, or any.
    lies_by: Liar,
    seed: u8,
    /// Whether something was done that may be told as tampering.
    is_touched: bool,
    /// Whether CloudTrail's key signed something that CloudTrail did not deliver.
    is_resigned: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Liar {
    Nobody,
    Silent,
    Anybody,
}

/// See the head of this file.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader(bytes);
    let delivered = &DELIVERED[usize::from(reader.byte()) % DELIVERED.len()];
    let mut world = World::new(delivered, &mut reader);
    for _ in 0..MOST {
        if reader.is_empty() {
            break;
        }
        world.touch(&mut reader);
    }
    let whole = world.run(usize::MAX, false);
    world.judge(&whole);
    for (window, is_stored) in [(1, false), (1, true), (2 + usize::from(world.seed % 5), true)] {
        let other = world.run(window, is_stored);
        assert_eq!(whole.report, other.report, "in windows of {window}, stored: {is_stored}");
        assert_eq!(whole.proved, other.proved);
    }
    world.leave(usize::from(world.seed) % 12);
}

/// That end alone, all up to it, or all from it on.
fn around(reader: &mut Reader<'_>, end: Timestamp) -> impl Fn(Timestamp) -> bool {
    let which = reader.byte() % 3;
    move |other| match which {
        0 => other == end,
        1 => other >= end,
        _ => other <= end,
    }
}

/// What came of a chain.
struct Ran {
    report: ChainReport,
    /// The hashes of the digests that were proved.
    proved: BTreeSet<Sha256Hash>,
}

impl<'a> World<'a> {
    fn new(delivered: &'a Delivered, reader: &mut Reader<'_>) -> Self {
        let (flags, seed) = (reader.byte(), reader.byte());
        let mut scope = delivered.scope.clone();
        scope.selected = flags & 0x0f != 0x0f;
        scope.every_object = flags & 0x10 != 0;
        if flags & 0x20 != 0 {
            let start = scope.range.end.plus(-i64::from(reader.byte()) * 240);
            scope.range = Range { start: Some(start), end: start.plus(i64::from(reader.byte()) * 240) };
            scope.now = scope.now.plus(i64::from(reader.byte()) * HOUR / 8);
        }
        let lies_by = match flags & 0xc0 {
            0x40 => Liar::Silent,
            0x80 => Liar::Anybody,
            _ => Liar::Nobody,
        };
        let reads = delivered.digests.iter().map(|(read, _)| read);
        let here = |read: &&ReadDigest| DigestKey::parse(&read.location).unwrap().folder == scope.folders[0];
        let listed = reads.clone().filter(here).map(|read| ListedDigest { end: read.end, folder: 0 });
        Self {
            delivered,
            lies: reads.clone().map(|read| (read.location.clone(), read.clone())).collect(),
            listed: listed.collect(),
            heads: Vec::new(),
            streams: BTreeMap::new(),
            genuine: reads.map(|read| read.file().unwrap().hash()).collect(),
            lies_by,
            seed,
            is_touched: false,
            is_resigned: false,
            scope,
        }
    }

    /// Does one thing to the chain.
    fn touch(&mut self, reader: &mut Reader<'_>) {
        let (what, number) = (reader.byte() % 18, reader.index(self.delivered.digests.len()));
        let (genuine, content) = &self.delivered.digests[number];
        let place = genuine.location.clone();
        let Some(mut digest) = self.lies.remove(&place) else { return };
        let harmless = [0, 1, 2, 3, 4, 5, 6, 7];
        self.is_touched |= !harmless.contains(&what);
        match what {
            0 => {
                let hidden = around(reader, genuine.end);
                self.listed.retain(|listed| !hidden(listed.end));
            }
            1 => digest.signature = None,
            2 => digest.metadata_error = Some("cut off".to_owned()),
            3 => digest.key = None,
            4 => digest.key = Some(Err(KeyLack::Unknown { fingerprint: "00".to_owned() })),
            5 => digest.content = DigestContent::Unreadable("denied".to_owned()),
            6 => {
                let seen = match &digest.content {
                    DigestContent::Parsed(file) => Ok(file.hash()),
                    _ => Ok(Sha256Hash::of(content)),
                };
                self.streams.insert(place.clone(), seen);
                digest.content = DigestContent::Oversized(Excess::Inflated { limit: 1 });
            }
            7 => self.remember(reader, genuine),
            8 => {
                let lost = around(reader, genuine.end);
                self.listed.retain(|listed| !lost(listed.end));
                self.lies.retain(|_, read| !lost(read.end));
                if lost(digest.end) {
                    return;
                }
            }
            9 => digest.content = DigestContent::Gone,
            10 => digest.signature = Some(String::from_utf8_lossy(reader.short()).into_owned()),
            11 => {
                let other = &self.delivered.digests[reader.index(self.delivered.digests.len())].0;
                (digest.content, digest.key) = (other.content.clone(), other.key.clone());
                if reader.byte() & 1 == 0 {
                    digest.signature.clone_from(&other.signature);
                }
            }
            12 => {
                let body = BodyFault::Corrupt;
                digest.content =
                    DigestContent::Malformed { fault: Fault::DigestBody { body }, seen: Err(body) };
            }
            13 => digest = read(digest, &edited(reader, content)),
            14 | 15 => self.resign(reader, number, &mut digest),
            16 => {
                let end = genuine.end.plus(i64::from(reader.byte()) * 600 - 30 * HOUR);
                self.listed.insert(ListedDigest { end, folder: 0 });
            }
            _ => {
                self.remember(reader, genuine);
                if let Some(head) = self.heads.last_mut() {
                    head.hash = Sha256Hash([reader.byte(); 32]);
                }
            }
        }
        self.lies.insert(place, digest);
    }

    /// An earlier run proved a digest.
    fn remember(&mut self, reader: &mut Reader<'_>, digest: &ReadDigest) {
        let file = digest.file().unwrap();
        let is_signed = reader.byte() & 1 == 0;
        self.heads.push(RememberedHead {
            location: file.location().clone(),
            end: digest.end,
            hash: file.hash(),
            signature: digest.signature.clone().filter(|_| is_signed).map(Into::into),
            run: format!("run {}", self.heads.len()),
        });
    }

    /// CloudTrail's key signs what CloudTrail did not deliver, in a digest's place or beside it.
    fn resign(&mut self, reader: &mut Reader<'_>, number: usize, digest: &mut ReadDigest) {
        self.is_resigned = true;
        let (genuine, content) = &self.delivered.digests[number];
        let mut fields: Value = serde_json::from_slice(content).unwrap();
        let other = &self.delivered.digests[reader.index(self.delivered.digests.len())].0;
        match reader.byte() % 6 {
            0 => {
                for field in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
                    fields[format!("previousDigest{field}")] = Value::Null;
                }
            }
            1 | 2 => {
                let file = other.file().unwrap();
                fields["previousDigestS3Bucket"] = json!(&*file.location().bucket);
                fields["previousDigestS3Object"] = json!(&*file.location().key);
                fields["previousDigestHashValue"] = json!(file.hash().to_string());
                fields["previousDigestHashAlgorithm"] = json!("SHA-256");
                fields["previousDigestSignature"] = json!(other.signature);
            }
            3 => fields["previousDigestHashAlgorithm"] = json!("MD5"),
            4 => fields["previousDigestSignature"] = Value::Null,
            _ => {
                let start = genuine.end.plus(i64::from(reader.byte()) * 60 - 2 * HOUR);
                fields["digestStartTime"] = json!(start.min(genuine.end).to_string());
            }
        }
        // Beside it: of another end.
        if reader.byte() & 1 == 1 {
            let file = genuine.file().unwrap();
            let mut key = DigestKey::parse(file.location()).unwrap();
            key.end = key.end.plus(i64::from(reader.byte()) * 60 - HOUR);
            fields["digestS3Object"] = json!(&*key.location().key);
            fields["digestEndTime"] = json!(key.end.to_string());
        }
        let content = fields.to_string().into_bytes();
        let Ok(file) = DigestFile::parse(&content) else { return };
        self.genuine.insert(file.hash());
        let (mut new, _) = signed(&content);
        let moved = self.scope.relocations.iter().find_map(|moved| moved.copy_of(&new.location));
        new.location = moved.unwrap_or(new.location);
        if new.location == digest.location {
            *digest = new;
        } else {
            self.listed.insert(ListedDigest { end: new.end, folder: 0 });
            self.lies.insert(new.location.clone(), new);
        }
    }

    fn prover(&self) -> ChainProver {
        let mut prover = ChainProver::new(self.scope.clone(), self.listed.iter().copied().collect());
        prover.remember(self.heads.iter().cloned());
        prover
    }

    /// Proves the chain in windows of so many digests. Where it is `stored`, its state is written after each and read again.
    fn run(&self, window: usize, is_stored: bool) -> Ran {
        let (mut prover, mut proved) = (self.prover(), BTreeSet::new());
        let mut windows = 0;
        loop {
            self.step(&mut prover, window, &mut proved);
            windows += 1;
            assert!(windows < 500, "it reads without end: {} are unread", prover.unread());
            if prover.unread() == 0 {
                break;
            }
            if is_stored {
                let (state, to_read) = prover.state().unwrap();
                let state = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
                let to_read = to_read.iter().copied().collect();
                prover = ChainProver::resume(self.scope.clone(), state, to_read);
            }
        }
        prover.settle_claims(|hash| hash & 1 == 0, |_| None);
        Ran { report: prover.finish(), proved }
    }

    fn step(&self, prover: &mut ChainProver, window: usize, proved: &mut BTreeSet<Sha256Hash>) {
        let next: Vec<ListedDigest> = prover.to_read().take(window).collect();
        let read: Vec<ReadDigest> =
            next.iter().map(|one| self.get(&prover.location_of(*one), one.end)).collect();
        let checked: Vec<_> =
            (0..read.len()).map(|at| prover.check(&read[at], read[..at].iter().rev())).collect();
        prover.take(read.into_iter().zip(checked).map(|(read, checked)| CheckedDigest::new(read, checked)));
        for batch in 0.. {
            let needs = prover.advance();
            if needs.is_empty() {
                break;
            }
            assert!(batch < 500, "it asks without end: {needs:#?}");
            let distinct: BTreeSet<&ProverNeed> = needs.iter().collect();
            assert_eq!(distinct.len(), needs.len(), "it asks for the same twice");
            for need in needs {
                let answer = self.answer(&need);
                prover.answer(need, answer);
            }
        }
        for one in prover.take_proved() {
            proved.insert(one.digest.file().hash());
            for log in one.digest.logs().iter().filter(|_| one.counted) {
                prover.log(one.digest.file(), log, LogSeen::Valid(Sizes::default()));
            }
        }
    }

    /// Ends the run after so many digests.
    fn leave(&self, after: usize) {
        let (mut prover, mut proved) = (self.prover(), BTreeSet::new());
        if after > 0 {
            self.step(&mut prover, after, &mut proved);
        }
        prover.leave_out_rest();
        prover.settle_claims(|_| true, |_| None);
        self.judge_proved(&proved);
        let report = prover.finish();
        self.judge_counts(&report);
        if !self.is_touched && self.lies_by != Liar::Anybody {
            self.assert_nobody_accused(&report);
        }
    }
}
