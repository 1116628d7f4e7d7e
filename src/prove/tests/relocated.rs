//! Rule 2 for copies in another bucket, proved at their recorded path where the user named the move.

use super::super::*;
use super::names::*;
use super::world::{World, at, chain, hours, key_at};
use crate::event::{Kind, Trace};
use crate::ident::Relocation;

/// Copies that stand for their originals.
fn copied() -> World {
    let mut world = hours(5);
    let relocation = Relocation {
        from_bucket: "b".to_owned(),
        from_prefix: String::new(),
        to_bucket: "copy".to_owned(),
        to_prefix: "p/".to_owned(),
    };
    let copies = std::mem::take(&mut world.lies).into_iter().map(|(location, mut read)| {
        read.location = relocation.copy_of(&location).unwrap();
        (read.location.clone(), read)
    });
    world.lies = copies.collect();
    let folder = RegionFolder { bucket: "copy".into(), root: "p/".into(), ..key_at(0).folder };
    world.scope.folders = [folder].into();
    world.scope.relocations = [relocation].into();
    world
}

#[test]
fn a_copy_is_proved_at_its_recorded_path_where_the_move_was_named() {
    let world = copied();
    let proved = world.prove();
    assert_eq!((proved.told(), proved.digest_counts(), proved.asked()), (vec![], (5, 0, 0), 0));
    let notice = proved.finding("relocated");
    assert!(matches!(notice.fault, crate::event::Fault::Relocated { count: 5, .. }));
    assert!(notice.uri.as_ref().unwrap().starts_with("s3://copy/p/AWSLogs/"));
    assert!(notice.expected.as_ref().unwrap().starts_with("s3://b/AWSLogs/"));
    // The next run remembers it where it was delivered.
    assert_eq!(proved.report.heads[0].location, key_at(4).location());
    // Nobody named the move.
    let mut world = copied();
    world.scope.relocations = [].into();
    let proved = world.prove();
    assert!(proved.kinds().contains(&Kind::DigestMoved));
    assert_eq!(proved.digests.len(), 0);
}

#[test]
fn what_is_missing_among_copies_is_looked_for_at_its_recorded_path() {
    let mut world = copied();
    let copy = world.place(at(2));
    let read = world.lies.remove(&copy).unwrap();
    world.hide(at(2));
    let proved = world.prove();
    assert_eq!(proved.told(), ["1 digests-missing", "2 digest-missing"]);
    let [ProverNeed::Digest { location, .. }] = &proved.batches.concat()[..] else { panic!() };
    assert_eq!(*location, key_at(2).location());
    // A store that reads copies for their originals answers it.
    let answer = |need: &ProverNeed| {
        matches!(need, ProverNeed::Digest { .. }).then(|| ProverAnswer::Digest(Box::new(read.clone())))
    };
    assert_eq!(world.prove_with(answer).told(), Vec::<String>::new());
    // No earlier place is looked for: the copy is all there is.
    let mut world = copied();
    world.hide(at(0));
    let proved = world.prove_with(|_| Some(ProverAnswer::Gone(Trace::Nothing)));
    assert!(proved.batches.concat().iter().all(|need| matches!(need, ProverNeed::Digest { .. })));
}

/// A copy that is too large to be parsed cannot say what it is a copy of: the record does.
#[test]
fn an_oversized_copy_is_held_against_its_record() {
    let mut world = copied();
    let hash = world.digest(at(2)).file().unwrap().hash();
    world.digest(at(2)).content = DigestContent::Oversized(crate::event::Excess::Inflated { limit: 1 });
    let proved = world.prove_with(|need| {
        assert!(matches!(need, ProverNeed::Stream { .. }), "{need:?}");
        Some(ProverAnswer::Stream(StreamRead::Seen(Ok(hash))))
    });
    assert_eq!(
        (proved.told(), proved.batches.len()),
        (vec!["1 not-covered".to_owned(), "2 oversized-digest".to_owned()], 1)
    );
}

/// A copy that holds, in the folder of the chain, the digests of hours that were delivered to another bucket.
fn shared() -> World {
    let away = |hour: i64| RegionFolder { bucket: "away".into(), ..key_at(hour).folder };
    let keys: Vec<_> = (0..6)
        .map(|hour| match hour {
            2 | 3 => DigestKey { folder: away(hour), ..key_at(hour) },
            _ => key_at(hour),
        })
        .collect();
    let mut world = chain(&keys, |_, _| {});
    for hour in [2, 3] {
        let mut read = world.lies.remove(&keys[usize::try_from(hour).unwrap()].location()).unwrap();
        read.delivered = Some(read.location.clone());
        read.location = key_at(hour).location();
        world.lies.insert(read.location.clone(), read);
    }
    world.list((0..6).map(at));
    world
}

#[test]
fn a_digest_of_a_shared_folder_is_judged_where_it_was_delivered() {
    let proved = shared().prove();
    assert_eq!((proved.told(), proved.digest_counts(), proved.asked()), (vec![], (6, 0, 0), 0));
    assert!(matches!(proved.finding("relocated").fault, crate::event::Fault::Relocated { count: 2, .. }));
}

/// The digest after it records a digest in its own bucket.
#[test]
fn a_digest_lies_in_the_place_of_another_where_the_chain_awaits_one() {
    let mut world = hours(6);
    let other = shared();
    let genuine = other.lies.get(&key_at(3).location()).unwrap().clone();
    world.put(genuine);
    let proved = world.prove();
    assert!(proved.kinds().contains(&Kind::DigestMoved), "{:?}", proved.told());
}

/// Two folders of a copy hold one digest.
#[test]
fn a_second_copy_of_a_digest_is_not_counted() {
    let mut world = shared();
    let folder = RegionFolder { bucket: "away".into(), ..key_at(0).folder };
    let second: Vec<ReadDigest> = [2, 3].map(|hour| world.digest(at(hour)).clone()).into();
    world.scope.folders = [key_at(0).folder, folder.clone()].into();
    for read in second {
        let location = read.delivered.clone().unwrap();
        world.listed.push(ListedDigest { end: read.end, folder: 1 });
        world.lies.insert(location.clone(), ReadDigest { location, delivered: None, ..read });
    }
    world.listed.sort_unstable_by(|one, other| other.cmp(one));
    let proved = world.prove();
    assert_eq!((proved.told(), proved.digest_counts(), proved.asked()), (vec![], (6, 0, 0), 0));
}
