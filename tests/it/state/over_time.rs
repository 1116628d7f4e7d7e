//! Findings over time: new, known, changed, accepted and resolved.

use trailproof::event::{Finding, FindingStatus, Kind, Verdict};
use trailproof::ident::Location;
use trailproof::state::{StateError, StoredAcceptance};
use trailproof::store::{Deposit as _, Metadata, StoreError};
use trailproof::time::Timestamp;

use super::{Memory, Remembered, World, small};
use crate::bodies::{gzip, read};

pub(super) fn accept(memory: &Memory, id: &str) -> Result<(), StateError> {
    let acceptance = StoredAcceptance {
        reason: "a drill".to_owned(),
        by: "alice".to_owned(),
        at: Timestamp::from_unix(1_788_300_000),
    };
    memory.open().accept(&memory.place, id, &acceptance).map(drop)
}

fn of_kind(told: &Remembered, kind: Kind) -> &Finding {
    told.findings.iter().find(|finding| finding.kind == kind).unwrap_or_else(|| panic!("{}", told.said()))
}

fn status(finding: &Finding) -> Option<FindingStatus> {
    finding.memory.as_ref().unwrap().status
}

fn id(finding: &Finding) -> String {
    finding.memory.as_ref().unwrap().id.clone()
}

fn modify(world: &World, log: &Location, content: &[u8]) {
    world.store.put(log, &gzip(content), &Metadata::new()).unwrap();
}

#[test]
fn a_finding_is_new_then_known_then_resolved() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let log = world.with(&["/CloudTrail/"]).remove(2);
    let (body, metadata) = read(&world.store, &log);
    memory.run(&world, &world.request(), 1);
    modify(&world, &log, b"{}");
    let second = memory.run(&world, &world.request(), 2);
    let found = of_kind(&second, Kind::LogModified);
    assert_eq!(status(found), Some(FindingStatus::New));
    let third = memory.run(&world, &world.request(), 3);
    let known = of_kind(&third, Kind::LogModified);
    assert_eq!((status(known), id(known)), (Some(FindingStatus::Known), id(found)));
    assert_eq!(known.memory.as_ref().unwrap().first_seen, found.memory.as_ref().unwrap().first_seen);
    // Modified again: another finding. The first is not resolved while its object is not as delivered.
    modify(&world, &log, b"{\"x\":1}");
    let fourth = memory.run(&world, &world.request(), 4);
    assert_eq!(status(of_kind(&fourth, Kind::LogModified)), Some(FindingStatus::New));
    assert_eq!(fourth.resolved, [""; 0]);
    world.store.put(&log, &body, &metadata).unwrap();
    let fifth = memory.run(&world, &world.request(), 5);
    assert_eq!((fifth.verdict, fifth.resolved), (Verdict::Intact, vec!["log-modified".to_owned(); 2]));
    assert_eq!(memory.run(&world, &world.request(), 6).resolved, [""; 0]);
}

/// What could not be looked at is not resolved.
#[test]
fn a_failure_to_look_resolves_nothing() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let log = world.with(&["/CloudTrail/"]).remove(2);
    let (body, metadata) = read(&world.store, &log);
    modify(&world, &log, b"{}");
    memory.run(&world, &world.request(), 1);
    world.store.put(&log, &body, &metadata).unwrap();
    // Out of the asked range, of another region, unreadable, or with the record gone.
    let mut request = world.request();
    request.range.start = Some(world.end.plus(-3_600));
    assert_eq!(memory.run(&world, &request, 2).resolved, [""; 0]);
    let mut request = world.request();
    request.regions = vec!["eu-west-1".to_owned()];
    assert_eq!(memory.run(&world, &request, 3).resolved, [""; 0]);
    let digest = world.digests(&[]).remove(2);
    let kept = read(&world.store, &digest);
    world.store.refuse(&digest, StoreError::Denied("on purpose".to_owned()));
    assert_eq!(memory.run(&world, &world.request(), 4).resolved, [""; 0]);
    world.store.put(&digest, &kept.0, &kept.1).unwrap();
    let end = memory.run(&world, &world.request(), 5);
    assert_eq!(end.verdict, Verdict::Intact, "{}", end.said());
    assert!(end.resolved.contains(&"log-modified".to_owned()), "{:?}", end.resolved);
}

#[test]
fn deleting_everything_resolves_nothing() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let log = world.with(&["/CloudTrail/"]).remove(2);
    modify(&world, &log, b"{}");
    memory.run(&world, &world.request(), 1);
    world.purge(&world.store.locations());
    let told = memory.run(&world, &world.request(), 2);
    assert_eq!((told.verdict, told.resolved), (Verdict::Tampered, vec![]));
}

#[test]
fn an_accepted_finding_is_a_notice_until_it_changes() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let log = world.with(&["/CloudTrail/"]).remove(2);
    modify(&world, &log, b"{}");
    let first = memory.run(&world, &world.request(), 1);
    let accepted = id(of_kind(&first, Kind::LogModified));
    assert_eq!(
        accept(&memory, "0123456789abcdef0123456789abcdef"),
        Err(StateError::NoSuchFinding { id: "0123456789abcdef0123456789abcdef".to_owned() })
    );
    accept(&memory, &accepted).unwrap();
    for number in [2, 3] {
        let told = memory.run(&world, &world.request(), number);
        let finding = of_kind(&told, Kind::Accepted);
        assert_eq!((told.verdict, id(finding)), (Verdict::Intact, accepted.clone()), "{}", told.said());
        let acceptance = finding.memory.as_ref().unwrap().accepted.clone().unwrap();
        assert_eq!((acceptance.kind, acceptance.by.as_str()), (Kind::LogModified, "alice"));
        let message = finding.message();
        assert!(message.contains("`alice`") && message.contains("`a drill`"), "{message}");
    }
    // A second acceptance does not replace the first in silence.
    let refused = accept(&memory, &accepted);
    assert!(matches!(&refused, Err(StateError::AlreadyAccepted { by, .. }) if by == "alice"), "{refused:?}");
    let other = StoredAcceptance {
        reason: "no drill".to_owned(),
        by: "bob".to_owned(),
        at: Timestamp::from_unix(1_788_300_060),
    };
    let before = memory.open().replace_acceptance(&memory.place, &accepted, &other).unwrap();
    assert_eq!(before.accepted.unwrap().reason, "a drill");
    assert!(of_kind(&memory.run(&world, &world.request(), 4), Kind::Accepted).message().contains("`bob`"));
    // Something else is found: the acceptance does not cover it.
    let other = world.with(&["/CloudTrail/"]).remove(3);
    let kept = read(&world.store, &other);
    modify(&world, &other, b"{}");
    assert_eq!(memory.run(&world, &world.request(), 5).verdict, Verdict::Tampered);
    world.store.put(&other, &kept.0, &kept.1).unwrap();
    modify(&world, &log, b"{\"x\":1}");
    let changed = memory.run(&world, &world.request(), 6);
    assert_eq!(
        (changed.verdict, status(of_kind(&changed, Kind::LogModified))),
        (Verdict::Tampered, Some(FindingStatus::New))
    );
}

/// Nothing is hidden by accepting what is missing: a further loss is a finding of its own.
#[test]
fn an_accepted_loss_does_not_cover_the_next() {
    let (world, memory) = (World::of(&small()), Memory::new());
    memory.run(&world, &world.request(), 1);
    world.roll_back(1);
    let lost = memory.run(&world, &world.request(), 2);
    let grave = |told: &Remembered| -> Vec<String> {
        let grave = told
            .findings
            .iter()
            .filter(|finding| status(finding).is_some() && finding.kind != Kind::Accepted);
        grave.map(id).collect()
    };
    for finding in grave(&lost) {
        accept(&memory, &finding).unwrap();
    }
    let told = memory.run(&world, &world.request(), 3);
    assert_eq!((told.verdict, grave(&told)), (Verdict::Intact, vec![]), "{}", told.said());
    world.roll_back(2);
    let told = memory.run(&world, &world.request(), 4);
    assert_eq!(told.verdict, Verdict::Tampered, "{}", told.said());
}

/// A finding that counts objects without naming them cannot be accepted: more objects would hide behind it.
#[test]
fn what_names_no_object_cannot_be_accepted() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let name = world.with(&["/CloudTrail/"]).remove(2);
    for number in 0..4 {
        let key = name.key.replace(".json.gz", &format!("{number}.json.gz"));
        world.store.put(&Location::new(&*name.bucket, key), &gzip(b"{}"), &Metadata::new()).unwrap();
    }
    let mut request = world.request();
    request.limits.named = 1;
    request.joins_findings = false;
    let told = memory.run(&world, &request, 1);
    let rest = told.findings.iter().find(|finding| finding.fault.cause() == Some("more-unlisted"));
    let rest = id(rest.unwrap_or_else(|| panic!("{}", told.said())));
    assert_eq!(accept(&memory, &rest), Err(StateError::Uncountable { id: rest }));
}
