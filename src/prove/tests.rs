//! The prover alone: digests in memory, no store, thread or clock.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::event::{BodyFault, Fault, KeyLack, Kind, Severity, Trace};
use crate::gzip;
use crate::ident::{ChainId, DigestKey, Location, RegionFolder};
use crate::keys::{KeyRing, Lookup, saved};
use crate::simulate::{Spec, simulate};
use crate::store::Store as _;
use crate::store::memory::MemoryStore;
use crate::time::{Range, Timestamp};

/// What one chain delivered, and what a prover that asks is answered.
struct World {
    store: MemoryStore,
    keys: KeyRing,
    id: ChainId,
    folder: RegionFolder,
    /// Every digest that was delivered, newest first.
    ends: Vec<Timestamp>,
    now: Timestamp,
}

fn world(spec: Spec) -> World {
    let store = MemoryStore::new();
    let made = simulate(&Spec { seed: 7, logs_per_hour: 1, events_per_log: 1, ..spec }, &store).unwrap();
    let mut keys = KeyRing::new();
    saved::load(&mut keys, "keys.json", made.keys_json.as_bytes()).unwrap();
    let parsed = store.locations().into_iter().filter_map(|location| DigestKey::parse(&location));
    let mut digests: Vec<DigestKey> = parsed.collect();
    digests.sort_by_key(|key| std::cmp::Reverse(key.end));
    let (id, folder) = (digests[0].chain(), digests[0].folder.clone());
    World { store, keys, id, folder, ends: digests.iter().map(|key| key.end).collect(), now: made.end }
}

impl World {
    fn scope(&self) -> ChainScope {
        ChainScope {
            id: self.id.clone(),
            selected: true,
            range: Range { start: None, end: self.now },
            now: self.now,
            relocations: Arc::new([]),
            folders: Arc::new([self.folder.clone()]),
            siblings: Arc::new(BTreeSet::from([self.id.clone()])),
            every_object: true,
            report_proved: false,
        }
    }

    fn prover(&self, listed: &[Timestamp]) -> ChainProver {
        let listed = listed.iter().map(|end| ListedDigest { end: *end, folder: 0 }).collect();
        ChainProver::new(self.scope(), listed)
    }

    fn location(&self, end: Timestamp) -> Location {
        digest_location(&self.id, &self.folder, end)
    }

    fn read(&self, end: Timestamp) -> ReadDigest {
        let mut read = ReadDigest::gone(self.location(end), end);
        let Ok(mut object) = self.store.get(&read.location) else { return read };
        read.signature = object.metadata.remove("signature");
        let (bytes, sizes) = gzip::inflate(&mut *object.body, object.encoding, 1 << 20).unwrap();
        let file = crate::digest::DigestFile::parse(&bytes).unwrap();
        let found = self.keys.lookup(file.fingerprint(), &self.folder.region, file.window().end);
        let lack = KeyLack::Unknown { fingerprint: file.fingerprint().to_owned() };
        read.key = Some(if let Lookup::Valid(key) = found { Ok(key) } else { Err(lack) });
        (read.content, read.sizes) = (Content::Parsed(Box::new(file)), sizes);
        read
    }

    fn answer(&self, need: &Need) -> Answer {
        match need {
            Need::Digest { end, .. } => match self.read(*end) {
                ReadDigest { content: Content::Gone, .. } => Answer::Gone(Trace::Nothing),
                read => Answer::Digest(Box::new(read)),
            },
            Need::SecondRead { location, .. } => {
                let signature =
                    self.store.get(location).ok().and_then(|mut one| one.metadata.remove("signature"));
                Answer::SecondRead(SecondRead::Same { signature })
            }
            Need::Stream { .. } => Answer::Stream(Streamed::Gone),
            Need::EarlierPlace { .. } => Answer::EarlierPlace(Vec::new()),
        }
    }

    /// Gives the prover all that it asks for, `window` digests at a time. Returns how many batches of needs there were.
    fn drive(
        &self,
        prover: &mut ChainProver,
        window: usize,
        answer: &mut dyn FnMut(&Need) -> Answer,
    ) -> usize {
        let mut batches = 0;
        loop {
            let ends: Vec<Timestamp> = prover.to_read().take(window).map(|listed| listed.end).collect();
            take(prover, ends.iter().map(|end| self.read(*end)).collect());
            loop {
                let needs = prover.advance();
                if needs.is_empty() {
                    break;
                }
                batches += 1;
                assert!(batches < 10_000, "it asks without end: {needs:?}");
                for need in needs {
                    let answer = answer(&need);
                    prover.answer(need, answer);
                }
            }
            for proved in prover.take_proved() {
                for log in proved.digest.logs() {
                    prover.log(proved.digest.file(), log, LogSeen::Valid(crate::gzip::Sizes::default()));
                }
            }
            if prover.unread() == 0 {
                return batches;
            }
        }
    }

    fn prove(&self, mut prover: ChainProver, window: usize) -> (ChainReport, usize) {
        let batches = self.drive(&mut prover, window, &mut |need| self.answer(need));
        prover.settle_claims(|_| true);
        (prover.finish(), batches)
    }
}

/// Checks digests as they were read together, and lets the prover take them.
fn take(prover: &mut ChainProver, read: Vec<ReadDigest>) {
    let checked: Vec<_> =
        (0..read.len()).map(|at| prover.check(&read[at], read[..at].iter().rev())).collect();
    prover.take(read.into_iter().zip(checked).map(|(read, checked)| CheckedDigest::new(read, checked)));
}

fn head(world: &World, end: Timestamp) -> RememberedHead {
    let read = world.read(end);
    RememberedHead {
        location: read.location.clone(),
        end,
        hash: read.file().unwrap().hash(),
        signature: read.signature.map(Into::into),
        run: "yesterday".to_owned(),
    }
}

fn kinds(report: &ChainReport) -> Vec<Kind> {
    let grave = report.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    grave.map(|finding| finding.kind).collect()
}

#[test]
fn an_untouched_chain_is_proved_and_asks_for_nothing() {
    let world = world(Spec { hours: 30, ..Spec::default() });
    for window in [1, 7, 100] {
        let (report, batches) = world.prove(world.prover(&world.ends), window);
        assert_eq!((kinds(&report), batches), (Vec::new(), 0));
        assert_eq!(report.counts.digests.valid, 31);
        assert_eq!(report.covered.len(), 1);
        assert_eq!(report.head.unwrap().end, world.ends[0]);
    }
}

/// However many digests are gone, and wherever: what is missing of one window is asked for in one batch.
#[test]
fn the_digests_of_all_gaps_are_asked_for_in_one_batch() {
    let world = world(Spec { hours: 200, ..Spec::default() });
    let inner = 1..world.ends.len() - 1;
    let every_other: BTreeSet<usize> = inner.clone().filter(|at| at % 2 == 1).collect();
    let a_week: BTreeSet<usize> = inner.filter(|at| (10..178).contains(at)).collect();
    for gone in [every_other, a_week] {
        gone.iter().for_each(|at| world.store.purge(&world.location(world.ends[*at])));
        let left = world.ends.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, end)| *end);
        let (report, batches) = world.prove(world.prover(&left.collect::<Vec<_>>()), 1_000);
        let missing = kinds(&report).into_iter().filter(|kind| *kind == Kind::DigestMissing).count();
        assert_eq!((missing, batches), (gone.len(), 1));
    }
}

/// What comes of a chain does not depend on how many digests are read together.
#[test]
fn the_report_does_not_depend_on_the_window() {
    let world = world(Spec { hours: 40, stop: Some((11, 3)), ..Spec::default() });
    let gone = [3, 4, 9, 20, 21, 22];
    gone.iter().for_each(|at| world.store.purge(&world.location(world.ends[*at])));
    let left = world.ends.iter().enumerate().filter(|(at, _)| !gone.contains(at));
    let left: Vec<Timestamp> = left.map(|(_, end)| *end).collect();
    let whole = world.prove(world.prover(&left), 1_000).0;
    for window in 1..8 {
        assert_eq!(world.prove(world.prover(&left), window).0, whole);
    }
}

#[test]
fn a_state_that_was_stored_goes_on_as_if_it_had_not_been() {
    let world = world(Spec { hours: 20, stop: Some((11, 3)), ..Spec::default() });
    world.store.purge(&world.location(world.ends[5]));
    let left: Vec<Timestamp> = world.ends.iter().copied().filter(|end| *end != world.ends[5]).collect();
    let whole = world.prove(world.prover(&left), 1_000).0;
    for cut in 1..left.len() {
        let mut first = world.prover(&left);
        take(&mut first, left[..cut].iter().map(|end| world.read(*end)).collect());
        loop {
            let needs = first.advance();
            if needs.is_empty() {
                break;
            }
            needs.into_iter().for_each(|need| first.answer(need.clone(), world.answer(&need)));
        }
        for proved in first.take_proved() {
            for log in proved.digest.logs() {
                first.log(proved.digest.file(), log, LogSeen::Valid(crate::gzip::Sizes::default()));
            }
        }
        let (state, to_read) = first.state().unwrap();
        let stored = serde_json::to_string(state).unwrap();
        let state: ChainState = serde_json::from_str(&stored).unwrap();
        let to_read = to_read.iter().copied().collect();
        let resumed = ChainProver::resume(world.scope(), state, to_read);
        assert_eq!(world.prove(resumed, 1_000).0, whole, "cut at {cut}");
    }
}

#[test]
fn a_remembered_head_is_a_record_like_a_successors() {
    let world = world(Spec { hours: 10, ..Spec::default() });
    let newest = head(&world, world.ends[0]);
    let run = |listed: &[Timestamp], head: &RememberedHead| {
        let mut prover = world.prover(listed);
        prover.remember([head.clone()]);
        world.prove(prover, 1_000).0
    };
    // It is there.
    assert_eq!(kinds(&run(&world.ends, &newest)), []);
    // Its metadata and its key are lost: the remembered hash proves it.
    // Another hash was proved.
    let other = RememberedHead { hash: crate::ident::Sha256Hash([7; 32]), ..newest.clone() };
    let report = run(&world.ends, &other);
    assert_eq!(kinds(&report), [Kind::DigestModified]);
    let run_of = report.findings.iter().find_map(|finding| match &finding.fault {
        Fault::NotAsRemembered { run } => Some(run.clone()),
        _ => None,
    });
    assert_eq!(run_of.as_deref(), Some("yesterday"));
    // It is gone, and so is all that is as new: without memory nothing tells.
    for rolled_back in [1, 5, 10] {
        let left = &world.ends[rolled_back..];
        (0..rolled_back).for_each(|at| world.store.purge(&world.location(world.ends[at])));
        assert!(!kinds(&run(left, &newest)).is_empty());
        let gone = run(left, &newest);
        let finding =
            gone.findings.iter().find(|finding| matches!(finding.fault, Fault::RememberedGone { .. }));
        assert_eq!(finding.unwrap().kind, Kind::DigestMissing, "{rolled_back}");
    }
    // Everything is gone.
    let report = run(&[], &newest);
    assert!(kinds(&report).contains(&Kind::DigestMissing));
}

#[test]
fn the_next_digest_has_to_link_to_a_remembered_head() {
    let (genuine, other) =
        (world(Spec { hours: 10, ..Spec::default() }), world(Spec { hours: 12, ..Spec::default() }));
    // The record that lies there is another one's, of the same key; the head is what was proved of the first.
    let mut prover = other.prover(&other.ends);
    let end = genuine.ends[0];
    let remembered = head(&genuine, end);
    let differs = other.read(end).file().unwrap().hash() != remembered.hash;
    prover.remember([remembered]);
    let report = other.prove(prover, 1_000).0;
    assert_eq!(kinds(&report).contains(&Kind::DigestModified), differs);
}

/// What an answer may be, whatever was asked.
fn any_answer(world: &World, choice: u8, need: &Need) -> Answer {
    let other = world.ends[usize::from(choice) % world.ends.len()];
    match choice % 11 {
        0 => Answer::LeftOut,
        1 => Answer::Gone(Trace::Nothing),
        2 => Answer::Gone(Trace::Contradiction { version: "v".to_owned() }),
        3 => Answer::Digest(Box::new(world.read(other))),
        4 => Answer::SecondRead(SecondRead::Different),
        5 => Answer::SecondRead(SecondRead::Gone),
        6 => Answer::Stream(Streamed::Seen(Err(BodyFault::Corrupt))),
        7 => Answer::EarlierPlace(vec![other]),
        8 => Answer::SecondRead(SecondRead::Unsure("no".to_owned())),
        9 => Answer::SecondRead(SecondRead::Same { signature: None }),
        _ => world.answer(need),
    }
}

static SHORT: LazyLock<World> =
    LazyLock::new(|| world(Spec { hours: 13, stop: Some((6, 2)), ..Spec::default() }));

proptest! {
    /// Whatever is listed, read, remembered and answered: it ends, without a panic, and proves nothing that was not there.
    #[test]
    fn it_ends_whatever_it_is_given(
        listed in proptest::collection::vec(0_usize..14, 0..14),
        contents in proptest::collection::vec(0_u8..7, 14),
        heads in proptest::collection::vec((0_usize..14, any::<bool>()), 0..4),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
        window in 1_usize..15,
    ) {
        let world = &*SHORT;
        let end = |at: usize| world.ends[at % world.ends.len()];
        let listed: Vec<Timestamp> = listed.into_iter().map(end).collect();
        let mut prover = world.prover(&listed);
        prover.remember(heads.into_iter().map(|(at, is_true)| {
            let head = head(world, end(at));
            if is_true { head } else { RememberedHead { hash: crate::ident::Sha256Hash([0; 32]), ..head } }
        }));
        let mut choice = choices.iter().cycle();
        let mut rounds = 0;
        loop {
            let ends: Vec<Timestamp> = prover.to_read().take(window).map(|listed| listed.end).collect();
            let read = |(at, end): (usize, &Timestamp)| {
                let mut read = world.read(*end);
                match contents[at % contents.len()] {
                    0 => read.signature = Some("00".to_owned()),
                    1 => read.signature = None,
                    2 => read.content = Content::Unreadable("no".to_owned()),
                    3 => read.content = Content::Malformed { fault: Fault::DigestBody { body: BodyFault::Empty }, seen: Err(BodyFault::Empty) },
                    4 => read.key = None,
                    _ => {}
                }
                read
            };
            take(&mut prover, ends.iter().enumerate().map(read).collect());
            loop {
                let needs = prover.advance();
                if needs.is_empty() {
                    break;
                }
                rounds += 1;
                prop_assert!(rounds < 5_000, "it asks without end: {:?}", needs);
                for need in needs {
                    let answer = any_answer(world, *choice.next().unwrap(), &need);
                    prover.answer(need, answer);
                }
            }
            prop_assert!(prover.take_proved().iter().all(|one| world.ends.contains(&one.digest.file().window().end)));
            rounds += 1;
            if prover.unread() == 0 || rounds > 5_000 {
                break;
            }
        }
        prover.leave_rest();
        prover.settle_claims(|_| true);
        let report = prover.finish();
        prop_assert!(report.counts.digests.valid <= world.ends.len() as u64 + 1);
    }
}
