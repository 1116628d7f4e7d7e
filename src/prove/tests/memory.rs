//! Rules 1 and 2, remembered heads: what an earlier run proved has to be there, and the next digest has to link to it.

use serde_json::json;

use super::super::*;
use super::names::*;
use super::world::{Proved, World, at, fields, follow, hours, key_at, malformed, signed, unknown_key};
use crate::event::{Fault, Kind, Severity, Trace};
use crate::ident::Sha256Hash;
use crate::time::Range;

fn prove(world: &World, heads: &[RememberedHead]) -> Proved {
    world.prove_remembering(heads, |_| None)
}

fn with_hash(head: &RememberedHead, byte: u8) -> RememberedHead {
    RememberedHead { hash: Sha256Hash([byte; 32]), ..head.clone() }
}

#[test]
fn a_remembered_head_that_is_there_changes_nothing() {
    let world = hours(6);
    let plain = world.prove();
    for heads in [vec![5], vec![3], vec![0], vec![5, 3, 1]] {
        let heads: Vec<RememberedHead> = heads.into_iter().map(|hour| world.head(at(hour))).collect();
        let mut proved = prove(&world, &heads);
        // The newest digest is the head again, and records the others, link by link.
        let linked = heads.iter().filter(|head| head.end < at(5)).map(|head| head.location.clone());
        assert_eq!(std::mem::take(&mut proved.report.linked), linked.collect::<Vec<_>>());
        assert_eq!((proved.report, proved.batches.len()), (plain.report.clone(), 0));
    }
}

#[test]
fn a_remembered_head_that_is_gone_is_missing() {
    for (trace, kind) in [
        (Trace::Nothing, Kind::DigestMissing),
        (Trace::Unknown { why: "denied".to_owned() }, Kind::DigestMissing),
        (Trace::DeleteMarker { deleted: None, kept: None }, Kind::DigestDeleted),
        (Trace::Contradiction { version: "v".to_owned() }, Kind::DigestUnreadable),
    ] {
        // The newest, whose deletion nothing else shows; one whose successor is there; the oldest; everything.
        for (lost, head) in [(4..6, 5), (3..4, 3), (0..1, 0), (0..6, 5)] {
            let mut world = hours(6);
            let remembered = world.head(at(head));
            lost.clone().for_each(|hour| world.lose(at(hour)));
            let answer = |need: &ProverNeed| match need {
                ProverNeed::Digest { end, .. } if *end == at(head) => Some(ProverAnswer::Gone(trace.clone())),
                _ => None,
            };
            let proved = world.prove_remembering(&[remembered], answer);
            let of_head = proved.report.findings.iter().find(|finding| {
                finding.uri == Some(key_at(head).location().to_string()) && finding.kind == kind
            });
            let fault = Fault::RememberedGone { trace: trace.clone(), run: "yesterday".to_owned() };
            assert_eq!(
                of_head.map(|finding| &finding.fault),
                Some(&fault),
                "{lost:?} {head}: {:?}",
                proved.told()
            );
            assert!(proved.report.digests > 0);
        }
    }
}

/// Without a digest in the asked range, memory still knows that the chain covered it, or went on before it.
#[test]
fn a_chain_that_is_gone_is_missed_beside_the_remembered_digests() {
    let full = hours(40);
    let heads: Vec<RememberedHead> = [0, 39].into_iter().map(|hour| full.head(at(hour))).collect();
    for ((start, end), told) in [
        // Between the oldest and the newest; after the newest; long after it; before the oldest.
        ((10, 20), vec!["10 not-covered"]),
        ((45, 50), vec!["39 stale"]),
        ((39 + 30 * 24, 39 + 30 * 24 + 9), vec!["39 stale"]),
        ((39 + 31 * 24 + 1, 39 + 31 * 24 + 9), vec![]),
        ((-9, -3), vec![]),
    ] {
        let mut world = hours(40);
        (0..40).for_each(|hour| world.lose(at(hour)));
        world.ask(start, end);
        world.scope.now = at(40 + 32 * 24);
        assert_eq!(prove(&world, &heads).told(), told, "{start} {end}");
        // The untouched record says nothing of the kind.
        let mut whole = hours(40);
        whole.ask(start, end);
        let plain = whole.prove().told();
        assert_eq!(prove(&whole, &heads).told(), plain, "{start} {end}");
    }
    // The end of the record, less than an hour before the asked end.
    let mut world = hours(40);
    (21..40).for_each(|hour| world.lose(at(hour)));
    world.scope.range = Range { start: Some(at(10)), end: at(20).plus(1_800) };
    world.scope.now = at(90);
    assert_eq!((world.prove().told(), prove(&world, &heads).told()), (vec![], vec!["20 stale".to_owned()]));
    // A gap that earlier runs saw is no loss.
    let heads: Vec<RememberedHead> = [0, 20, 39].into_iter().map(|hour| full.head(at(hour))).collect();
    assert_eq!(prove(&world, &heads).told(), Vec::<String>::new());
}

#[test]
fn a_remembered_head_that_changed_is_modified() {
    // It is genuine, and another one was proved.
    let world = hours(6);
    for hour in [0, 3, 5] {
        let proved = prove(&world, &[with_hash(&world.head(at(hour)), 7)]);
        assert_eq!(proved.told(), [format!("{hour} not-as-remembered")]);
        let found = proved.finding("not-as-remembered");
        assert_eq!(found.fault, Fault::NotAsRemembered { run: "yesterday".to_owned() });
        assert_eq!(
            (found.expected.clone(), found.severity),
            (Some(Sha256Hash([7; 32]).to_string()), Severity::Tampered)
        );
        assert_eq!(found.actual, Some(world.head(at(hour)).hash.to_string()));
        // Nobody is accused on one read.
        assert_eq!(proved.batches.len(), 1);
        let proved = world.prove_remembering(&[with_hash(&world.head(at(hour)), 7)], |_| {
            Some(ProverAnswer::SecondRead(SecondRead::Different))
        });
        assert!(proved.told().contains(&format!("{hour} digest-reads-differ")));
        assert!(!proved.kinds().contains(&Kind::DigestModified));
    }
    // It is unsigned, or no digest at all.
    for (content, told) in
        [(None, vec!["5 unsigned", "5 not-as-remembered"]), (Some(malformed()), vec!["5 digest-body"])]
    {
        let mut world = hours(6);
        let mut forged = fields(&key_at(5));
        follow(&mut forged, world.digest(at(4)));
        forged["newestEventTime"] = json!("2026-09-01T00:00:00Z");
        let head = world.head(at(5));
        let mut forged = ReadDigest { signature: None, ..signed(&forged) };
        if let Some(content) = content {
            forged.content = content;
        }
        world.put(forged);
        let mut found = prove(&world, &[head]).told();
        found.retain(|told| !told.contains("not-covered"));
        found.sort();
        let mut told = told;
        told.sort_unstable();
        assert_eq!(found, told);
    }
}

/// Its metadata is lost, or its key: the remembered hash proves it, where nothing else does.
#[test]
fn a_remembered_hash_proves_a_digest() {
    let mut world = hours(6);
    let head = world.head(at(5));
    world.digest(at(5)).signature = None;
    assert_eq!(world.prove().told(), ["4 not-covered", "5 unsigned"]);
    let proved = prove(&world, std::slice::from_ref(&head));
    assert_eq!((proved.told(), proved.notices()), (vec![], vec!["5 signature-lost".to_owned()]));
    // No digest records it.
    assert_eq!(proved.finding("signature-lost").digest, None);
    assert_eq!(proved.report.heads[0].signature, head.signature);
    world.digest(at(5)).key = Some(Err(unknown_key()));
    assert_eq!(prove(&world, std::slice::from_ref(&head)).notices(), ["5 signature-lost"]);
    let mut world = hours(6);
    world.digest(at(5)).key = Some(Err(unknown_key()));
    assert_eq!(prove(&world, std::slice::from_ref(&head)).notices(), ["5 unknown-key"]);
    // The signature in its metadata has to be the remembered one.
    world.digest(at(5)).signature = Some("00".to_owned());
    assert_eq!(prove(&world, std::slice::from_ref(&head)).told(), ["5 other-signature-recorded"]);
    let unsigned = RememberedHead { signature: None, ..head };
    assert_eq!(prove(&world, &[unsigned]).told(), Vec::<String>::new());
}

/// The successor writes the hash in a way that nobody can compare: the remembered one still proves.
#[test]
fn a_remembered_hash_proves_what_the_successor_cannot() {
    let mut world = super::world::made(6, |hour, fields| {
        if hour == 4 {
            fields["previousDigestHashAlgorithm"] = json!("MD5");
            fields["previousDigestSignature"] = json!(null);
        }
    });
    let head = world.head(at(3));
    world.digest(at(3)).signature = None;
    assert_eq!(world.prove().told(), ["2 not-covered", "3 unsigned"]);
    assert_eq!(prove(&world, &[head]).told(), Vec::<String>::new());
}

/// A digest that is too large to be parsed is held against the remembered hash as against a recorded one.
#[test]
fn an_oversized_digest_is_held_against_the_remembered_hash() {
    let mut world = hours(6);
    let head = world.head(at(5));
    world.digest(at(5)).content = DigestContent::Oversized(crate::event::Excess::Inflated { limit: 1 });
    let hash = head.hash;
    for (seen, told) in [(hash, "5 oversized-digest"), (Sha256Hash([7; 32]), "5 not-as-recorded")] {
        let answer = |need: &ProverNeed| match need {
            ProverNeed::Stream { .. } => Some(ProverAnswer::Stream(StreamRead::Seen(Ok(seen)))),
            _ => None,
        };
        let proved = world.prove_remembering(std::slice::from_ref(&head), answer);
        assert_eq!(proved.told(), ["4 not-covered", told]);
    }
}

/// A listing that leaves digests out is gone on from the head: to what it records, and what was before that.
#[test]
fn what_a_listing_leaves_out_is_followed_from_the_head() {
    let whole = hours(8);
    let head = whole.head(at(7));
    // The listing names nothing, or nothing newer than hour 3, or skips the digests around the head.
    for hidden in [0..8, 4..8, 5..8, 6..8, 7..8] {
        let mut world = whole.clone();
        hidden.clone().for_each(|hour| world.hide(at(hour)));
        let proved = prove(&world, std::slice::from_ref(&head));
        assert_eq!((proved.told(), proved.digest_counts()), (vec![], (8, 0, 0)), "{hidden:?}");
    }
    // Two of those are gone: each is missed, the first by its record, the other by the cadence.
    let mut world = whole.clone();
    (4..8).for_each(|hour| world.hide(at(hour)));
    (5..7).for_each(|hour| world.lose(at(hour)));
    world.lose(at(4));
    let proved = prove(&world, std::slice::from_ref(&head));
    assert_eq!(
        proved.told(),
        ["3 digests-missing", "4 digest-missing", "5 digest-missing", "6 digest-missing"]
    );
    assert_eq!(proved.finding("digest-missing").digest, Some(key_at(7).location().to_string()));
}

/// The head is genuine, and the digest after it records another one.
#[test]
fn the_next_digest_has_to_link_to_a_remembered_head() {
    // Hour 4 skips hour 3, which an earlier run proved.
    let mut world = hours(4);
    let head = world.head(at(3));
    let mut skips = fields(&key_at(4));
    follow(&mut skips, world.digest(at(2)));
    world.put(signed(&skips));
    (world.scope.range.end, world.scope.now) = (at(4), at(4));
    assert_eq!(prove(&world, std::slice::from_ref(&head)).told(), ["3 not-the-predecessor"]);
    // No listing names it: it is looked for, because it is remembered.
    world.hide(at(3));
    assert_eq!(world.prove().told(), ["2 not-covered"]);
    assert_eq!(prove(&world, std::slice::from_ref(&head)).told(), ["3 not-the-predecessor"]);
    // It is gone.
    world.lose(at(3));
    let proved = prove(&world, &[head]);
    assert_eq!(proved.told(), ["2 digests-missing", "3 digest-missing"]);
    assert!(matches!(proved.finding("digest-missing").fault, Fault::RememberedGone { .. }));
}

/// Two runs remember other digests in one place: one of them is wrong, whichever was told first.
#[test]
fn heads_that_contradict_each_other_are_told_of() {
    let world = hours(6);
    for hour in [3, 5] {
        let (right, wrong) = (world.head(at(hour)), with_hash(&world.head(at(hour)), 7));
        let wrong = RememberedHead { run: "the day before".to_owned(), ..wrong };
        for heads in [[right.clone(), wrong.clone()], [wrong.clone(), right.clone()]] {
            let proved = prove(&world, &heads);
            assert_eq!(proved.told(), [format!("{hour} not-as-remembered")]);
            let fault = Fault::NotAsRemembered { run: "the day before".to_owned() };
            assert_eq!(proved.finding("not-as-remembered").fault, fault);
        }
        // The right one proves the digest, whichever comes first.
        let mut unsigned = world.clone();
        unsigned.digest(at(hour)).signature = None;
        unsigned.digest(at(hour)).key = Some(Err(unknown_key()));
        for heads in [[right.clone(), wrong.clone()], [wrong, right]] {
            let proved = prove(&unsigned, &heads);
            assert_eq!(proved.digests.len(), 6, "{:?}", proved.told());
        }
    }
}

/// Heads contradict the records: what lies there is what the successor records, and not what was proved.
#[test]
fn a_head_and_a_record_that_contradict_each_other_are_both_told_of() {
    let mut world = hours(6);
    let head = with_hash(&world.head(at(3)), 7);
    assert_eq!(prove(&world, std::slice::from_ref(&head)).told(), ["3 not-as-remembered"]);
    // What lies there is neither.
    let mut forged = fields(&key_at(3));
    follow(&mut forged, world.digest(at(2)));
    forged["x"] = json!(1);
    world.put(ReadDigest { signature: None, ..signed(&forged) });
    let mut told = prove(&world, &[head]).told();
    told.sort();
    assert_eq!(told, ["2 not-covered", "3 not-as-recorded", "3 not-as-remembered"]);
}

#[test]
fn heads_are_looked_for_only_where_they_were_asked_about() {
    let mut world = hours(8);
    let heads = [world.head(at(7)), world.head(at(1))];
    [7, 1].into_iter().for_each(|hour| world.lose(at(hour)));
    world.ask(3, 6);
    let proved = prove(&world, &heads);
    assert_eq!((proved.told(), proved.batches.len()), (vec![], 0));
    // The run ends early.
    let mut world = hours(8);
    let head = world.head(at(7));
    world.lose(at(7));
    let proved = world.prove_remembering(&[head], |_| Some(ProverAnswer::LeftOut));
    assert!(
        proved.report.interrupted && !proved.kinds().contains(&Kind::DigestMissing),
        "{:?}",
        proved.told()
    );
    assert_eq!(proved.digests.len(), 0);
}

/// Backfill digests that an earlier run saw have to be there as well.
#[test]
fn remembered_backfill_digests_have_to_be_there() {
    let keys: Vec<DigestKey> = (0..5).map(|hour| DigestKey { backfill: true, ..key_at(hour) }).collect();
    let world = super::world::chain(&keys, |_, _| {});
    let heads: Vec<RememberedHead> = (0..5).map(|hour| world.head(at(hour))).collect();
    assert_eq!(prove(&world, &heads).told(), Vec::<String>::new());
    let mut lost = world.clone();
    [4, 1].into_iter().for_each(|hour| lost.lose(at(hour)));
    assert_eq!(prove(&lost, &heads).told(), ["1 digest-missing", "4 digest-missing"]);
    // The listing names none: each is looked for, in one batch, and those that are gone are missing.
    (0..5).for_each(|hour| lost.hide(at(hour)));
    let proved = prove(&lost, &heads);
    assert_eq!(
        (proved.told(), proved.digest_counts()),
        (vec!["1 digest-missing".to_owned(), "4 digest-missing".to_owned()], (3, 2, 0))
    );
    assert_eq!((proved.batches.len(), proved.batches.concat().len()), (1, 5));
    // In smaller windows only those that are due are asked for.
    let mut hidden = world.clone();
    [4, 3, 1].into_iter().for_each(|hour| hidden.hide(at(hour)));
    let mut prover = hidden.prover();
    prover.remember(heads.iter().cloned());
    hidden.take(&mut prover, 1);
    let ends: Vec<Timestamp> = prover.advance().iter().filter_map(end_of).collect();
    assert_eq!(ends, [at(4), at(3)]);
}

fn end_of(need: &ProverNeed) -> Option<Timestamp> {
    if let ProverNeed::Digest { end, .. } = need { Some(*end) } else { None }
}

/// The ends of the heads that the next run is to remember.
fn heads_of(proved: &Proved) -> Vec<Timestamp> {
    proved.report.heads.iter().map(|head| head.end).collect()
}

#[test]
fn the_head_of_an_unbroken_chain_is_its_newest_digest() {
    let mut world = hours(6);
    let proved = world.prove();
    assert_eq!(heads_of(&proved), [at(5)]);
    assert_eq!(proved.report.oldest.as_ref().map(|oldest| oldest.end), Some(at(0)));
    // Digests after the asked end are witnesses, and the next run does not know them.
    world.ask(-2, 3);
    assert_eq!(heads_of(&world.prove()), [at(3)]);
}

#[test]
fn a_break_in_the_chain_leaves_a_head_before_it() {
    // A digest is gone: the digest before it is recorded by nothing that is there.
    let mut world = hours(6);
    world.lose(at(3));
    assert_eq!(heads_of(&world.prove()), [at(5), at(2)]);
    // A digest without a signature, and nothing records the newest.
    let mut world = hours(6);
    world.digest(at(5)).signature = None;
    assert_eq!(heads_of(&world.prove()), [at(4)]);
    // A remembered head that is gone is kept by the next run: it is not linked.
    let world = hours(6);
    let head = world.head(at(5));
    let mut lost = world;
    lost.lose(at(5));
    let proved = prove(&lost, &[head]);
    assert_eq!((heads_of(&proved), proved.report.linked.len()), (vec![at(4)], 0));
}

/// A digest with a finding does not become a head, and the digest before it does.
#[test]
fn a_contradicted_digest_is_no_head() {
    let world = hours(6);
    let proved = prove(&world, &[with_hash(&world.head(at(5)), 7), world.head(at(4))]);
    assert_eq!(heads_of(&proved), [at(4)]);
    assert!(proved.report.linked.is_empty());
}

#[test]
fn every_backfill_digest_is_a_head() {
    let keys: Vec<DigestKey> = (0..4).map(|hour| DigestKey { backfill: true, ..key_at(hour) }).collect();
    let world = super::world::chain(&keys, |_, _| {});
    let heads: Vec<RememberedHead> = (0..4).map(|hour| world.head(at(hour))).collect();
    let proved = prove(&world, &heads);
    assert_eq!((heads_of(&proved).len(), proved.report.linked.len()), (4, 0));
}
