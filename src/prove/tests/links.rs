//! Rule 2: what a digest records of its predecessor is what lies there. Rule 1 again: nobody is accused on one read.

use serde_json::{Value, json};

use super::super::*;
use super::world::{World, at, fields, follow, hours, key_at, made, malformed, signed};
use crate::event::{BodyFault, Excess, Fault, ObjectState, ObjectType, Trace, UntakenHash};
use crate::ident::Sha256Hash;

#[test]
fn another_signature_than_the_recorded_one_is_a_misfit() {
    let other = |hour: i64, fields: &mut Value| {
        if hour == 2 {
            fields["previousDigestSignature"] = json!("ab");
        }
    };
    let proved = made(4, other).prove();
    assert_eq!((proved.told(), proved.digests.len()), (vec!["1 other-signature-recorded".to_owned()], 4));
    assert_eq!(proved.finding("other-signature-recorded").expected.as_deref(), Some("ab"));
    // The digest could be another one: it is read again.
    assert_eq!(proved.batches.len(), 1);
}

#[test]
fn a_digest_ends_before_its_successor_starts() {
    let early = |seconds: i64| {
        move |hour: i64, fields: &mut Value| {
            if hour == 2 {
                fields["digestStartTime"] = json!(at(1).plus(seconds).to_string());
            }
        }
    };
    let proved = made(4, early(-1)).prove();
    assert_eq!((proved.told(), proved.batches.len()), (vec!["1 overlaps-successor".to_owned()], 0));
    assert_eq!(proved.finding("overlaps-successor").digest, Some(key_at(2).location().to_string()));
    // Time between the two is a gap, and nothing worse.
    assert_eq!(made(4, early(1)).prove().told(), ["1 not-covered"]);
    assert_eq!(made(4, early(0)).prove().told(), Vec::<String>::new());
}

/// A digest skips an hour, whose digest is genuine.
fn skipping() -> World {
    let mut world = hours(6);
    let mut skips = fields(&key_at(4));
    follow(&mut skips, world.digest(at(2)));
    let skips = signed(&skips);
    let mut newest = fields(&key_at(5));
    follow(&mut newest, &skips);
    world.put(skips);
    world.put(signed(&newest));
    world
}

#[test]
fn a_digest_in_anothers_place_is_not_the_predecessor() {
    let mut world = skipping();
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.digest_counts()),
        (vec!["3 not-the-predecessor".to_owned()], (5, 1, 0))
    );
    // One that nothing proves has no room there.
    world.digest(at(3)).key = None;
    let proved = world.prove();
    assert_eq!(proved.told(), ["2 not-covered", "3 unknown-key"]);
    assert!(matches!(proved.finding("unknown-key").fault, Fault::WithoutRoom(_)));
    // One that is too large to be parsed is not held against the record of another.
    let mut oversized = world.clone();
    oversized.digest(at(3)).content = DigestContent::Oversized(Excess::Inflated { limit: 1 });
    let proved = oversized.prove();
    assert_eq!(proved.told(), ["2 not-covered", "3 oversized-digest"]);
    assert_eq!(proved.batches.len(), 0);
    // And without it an hour is uncovered, of which nothing says that it had a digest.
    world.lose(at(3));
    let proved = world.prove();
    assert_eq!((proved.told(), proved.batches.len()), (vec!["2 not-covered".to_owned()], 0));
}

/// Where the recorded predecessor is gone, nothing shows that the other one is in its place.
#[test]
fn nothing_is_said_of_a_digest_in_the_place_of_one_that_is_gone() {
    for content in [None, Some(DigestContent::Unreadable("denied".to_owned()))] {
        let mut world = skipping();
        let is_gone = content.is_none();
        match content {
            Some(content) => world.digest(at(2)).content = content,
            None => world.lose(at(2)),
        }
        let proved = world.prove();
        let expected = if is_gone { "2 digest-missing" } else { "2 unreadable-digest" };
        let gap = if is_gone { "1 digests-missing" } else { "1 not-covered" };
        assert_eq!(proved.told(), [gap, expected]);
        assert!(proved.report.objects.contains(&(
            ObjectType::Digest,
            key_at(3).location().to_string(),
            ObjectState::Valid
        )));
    }
}

/// A digest records one of a later time, which was judged before.
#[test]
fn a_digest_of_an_earlier_time_is_held_against_what_it_records() {
    let later = |hash: Value| {
        move |hour: i64, fields: &mut Value| {
            if hour == 2 {
                fields["previousDigestS3Object"] = json!(&*key_at(4).location().key);
                fields["previousDigestHashValue"] = hash.clone();
                fields["previousDigestHashAlgorithm"] =
                    json!(if hash == json!("x") { "MD5" } else { "SHA-256" });
            }
        }
    };
    let other = json!(Sha256Hash([7; 32]).to_string());
    let mut world = made(6, later(other.clone()));
    let proved = world.prove();
    assert_eq!((proved.told(), proved.batches.len()), (vec!["4 earlier-records-other".to_owned()], 1));
    let found = proved.finding("earlier-records-other");
    assert_eq!(found.digest, Some(key_at(2).location().to_string()));
    assert_eq!(found.uri, Some(key_at(4).location().to_string()));
    assert_eq!(made(6, later(json!("x"))).prove().told(), ["4 earlier-follows-it"]);
    // Nobody could look, or it is not signed any more: it was judged where it was taken.
    for answer in [ProverAnswer::LeftOut, ProverAnswer::Gone(Trace::Nothing)] {
        let proved =
            world.prove_with(|need| matches!(need, ProverNeed::Digest { .. }).then(|| answer.clone()));
        assert_eq!(proved.told(), Vec::<String>::new());
    }
    world.digest(at(4)).key = None;
    assert_eq!((world.prove().told(), world.prove().notices()), (vec![], vec!["4 unknown-key".to_owned()]));
    // No listing names it: it was found by its name, and is not taken twice.
    let mut hidden = made(6, later(other.clone()));
    hidden.hide(at(4));
    let proved = hidden.prove();
    assert_eq!(
        (proved.told(), proved.digest_counts()),
        (vec!["4 earlier-records-other".to_owned()], (6, 0, 0))
    );
    // It is gone, which is told once.
    hidden.lose(at(4));
    let proved = hidden.prove();
    assert_eq!(proved.told(), ["3 digests-missing", "4 digest-missing"]);
    assert_eq!(proved.digest_counts(), (5, 1, 0));
    // What was not asked about is not read again.
    world.digest(at(4)).key = hours(1).digest(at(0)).key.clone();
    world.ask(1, 3);
    assert_eq!((world.prove().told(), world.prove().batches.len()), (vec![], 0));
}

#[test]
fn nobody_is_accused_on_one_read() {
    let same = |signature: Option<&str>| {
        ProverAnswer::SecondRead(SecondRead::Same { signature: signature.map(str::to_owned), stored: None })
    };
    let mut broken = hours(4);
    broken.digest(at(1)).content = malformed();
    broken.digest(at(1)).signature = Some("00".to_owned());
    let mut forged = hours(4);
    let mut listing = fields(&key_at(1));
    listing["logFiles"] = json!([super::world::log_entry("x")]);
    forged.put(ReadDigest { signature: Some("00".to_owned()), ..signed(&listing) });
    let confirmed = [(&broken, vec!["digest-body"]), (&forged, vec!["not-as-recorded", "claimed-log"])];
    for (world, confirmed) in confirmed {
        for (answer, told) in [
            (same(Some("00")), confirmed),
            (same(None), vec!["digest-reads-differ"]),
            (ProverAnswer::SecondRead(SecondRead::Different), vec!["digest-reads-differ"]),
            (ProverAnswer::SecondRead(SecondRead::Gone), vec!["digest-vanished"]),
            (ProverAnswer::Gone(Trace::Nothing), vec!["digest-vanished"]),
            (ProverAnswer::SecondRead(SecondRead::Unsure("reset".to_owned())), vec!["digest-unconfirmed"]),
            (ProverAnswer::LeftOut, vec!["digest-reads-differ"]),
            (ProverAnswer::Stream(StreamRead::Gone), vec!["digest-reads-differ"]),
        ] {
            let proved = world.prove_with(|_| Some(answer.clone()));
            let told: Vec<String> = told.iter().map(|cause| format!("1 {cause}")).collect();
            assert_eq!(proved.told()[1..], told, "{answer:?}");
            assert_eq!(proved.batches.len(), 1);
            let [ProverNeed::SecondRead { location, limit: ReadLimit::Digest, .. }] = &proved.batches[0][..]
            else {
                panic!("{:?}", proved.batches)
            };
            assert_eq!(*location, key_at(1).location());
        }
    }
}

/// A digest that is too large to be held is not parsed, and its stream has to have the recorded hash.
#[test]
fn an_oversized_digest_is_held_against_the_recorded_hash() {
    let mut world = hours(4);
    let recorded = world.digest(at(1)).file().unwrap().hash();
    let excess = Excess::Inflated { limit: 1 };
    world.digest(at(1)).content = DigestContent::Oversized(excess);
    let other = StreamRead::Seen(Ok(Sha256Hash([7; 32])));
    let no_body = StreamRead::Seen(Err(BodyFault::CutOff));
    let same = SecondRead::Same { signature: None, stored: None };
    let unsure = SecondRead::Unsure("reset".to_owned());
    for (streamed, second, told) in [
        (StreamRead::Seen(Ok(recorded)), None, "oversized-digest"),
        (StreamRead::Gone, None, "digest-vanished"),
        (StreamRead::Unread("reset".to_owned()), None, "oversized-digest"),
        (StreamRead::Oversized(excess), None, "oversized-digest"),
        (other.clone(), Some(same.clone()), "not-as-recorded"),
        (no_body.clone(), Some(same), "digest-body"),
        (other.clone(), Some(unsure), "digest-unconfirmed"),
        (other.clone(), Some(SecondRead::Gone), "digest-vanished"),
        (other, Some(SecondRead::Different), "digest-reads-differ"),
    ] {
        let proved = world.prove_with(|need| {
            Some(match need {
                ProverNeed::Stream { .. } => ProverAnswer::Stream(streamed.clone()),
                ProverNeed::SecondRead { limit: ReadLimit::Log, .. } => {
                    ProverAnswer::SecondRead(second.clone().unwrap())
                }
                _ => panic!("{need:?}"),
            })
        });
        assert_eq!(
            proved.told(),
            ["0 not-covered".to_owned(), format!("1 {told}")],
            "{streamed:?} {second:?}"
        );
        let accuses = ["not-as-recorded", "digest-body"].contains(&told);
        assert_eq!(proved.digest_counts(), if accuses { (3, 1, 0) } else { (3, 0, 1) });
        if told == "oversized-digest" {
            let hash = match &streamed {
                StreamRead::Unread(why) => Some(UntakenHash::Unread { why: why.clone() }),
                StreamRead::Oversized(excess) => Some(UntakenHash::Oversized { excess: *excess }),
                _ => None,
            };
            assert_eq!(proved.finding(told).fault, Fault::OversizedDigest { excess, hash });
        }
    }
    // The run ends early: what was begun is not brought to its end.
    let proved = world.prove_with(|_| Some(ProverAnswer::LeftOut));
    let hash = Some(UntakenHash::Interrupted);
    assert_eq!(proved.finding("oversized-digest").fault, Fault::OversizedDigest { excess, hash });
    // Nothing records the newest.
    let mut world = hours(4);
    world.digest(at(3)).content = DigestContent::Oversized(excess);
    let proved = world.prove();
    assert_eq!(
        (proved.told(), proved.batches.len()),
        (vec!["2 not-covered".to_owned(), "3 oversized-digest".to_owned()], 0)
    );
}

/// The signature in the metadata does not fit, and the record of the successor says nothing of it.
#[test]
fn a_signature_that_does_not_fit_is_told_without_a_record() {
    use super::super::link::{DigestLink, link_findings};
    let read = signed(&fields(&key_at(1)));
    let facts = super::super::state::DigestFacts::of(read.file().unwrap());
    let link = DigestLink { end: at(1), backfill: false, record: None, signature: Some("00"), facts };
    assert_eq!(link_findings(&link, true), []);
    let [found] = &link_findings(&link, false)[..] else { panic!("one finding") };
    assert_eq!((&found.fault, found.actual.as_deref()), (&Fault::OtherSignatureRecorded, Some("00")));
}
