//! A folder that a run remembers is looked into, also where discovery does not reach it.

use trailproof::event::Verdict;
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};

use super::{BUCKET, Memory, World, small};
use crate::bodies::{gzip, read};
use crate::support::run;

/// Two trails in one region of an account: in the bucket itself, and below a prefix.
fn two_prefixes() -> World {
    let world =
        World::of(&Spec { trails: vec!["second".to_owned()], prefix: "logs/2026".to_owned(), ..small() });
    let other = World::of(&small());
    for location in other.store.locations() {
        let (body, metadata) = read(&other.store, &location);
        world.store.put(&location, &body, &metadata).unwrap();
    }
    world
}

/// Folders with which the limit of discovery ends before the trail's prefix.
fn hide(world: &World) {
    for number in 0..10_001 {
        let junk = Location::new(BUCKET, format!("x{number:05}/junk"));
        world.store.put(&junk, b"x", &Metadata::new()).unwrap();
    }
}

/// A change to the prefix: its name, the change, and a cause and the verdict of the next run with memory.
type Change = (&'static str, fn(&World), &'static str, Verdict);

#[test]
fn a_remembered_folder_beside_others_of_its_region_is_looked_into() {
    let changes: [Change; 3] = [
        ("nothing", |_| {}, "discovery-limit", Verdict::Incomplete),
        (
            "a forged log file",
            |world| {
                let log = world.with(&["logs/2026", "/CloudTrail/"]).pop().unwrap();
                let name = log.name().replace(".json.gz", "");
                let forged = format!("{}AAAAAAAAAAAAAAAA.json.gz", &name[..name.len() - 16]);
                let forged = Location::new(BUCKET, log.key.replace(log.name(), &forged));
                world.store.put(&forged, &gzip(b"{\"Records\":[]}"), &Metadata::new()).unwrap();
            },
            "unlisted-log",
            Verdict::Incomplete,
        ),
        (
            "a deleted log file",
            |world| world.purge(&world.with(&["logs/2026", "/CloudTrail/"])[1..2]),
            "log-missing",
            Verdict::Tampered,
        ),
    ];
    for (name, change, cause, verdict) in changes {
        let (memory, world) = (Memory::new(), two_prefixes());
        let first = memory.run(&world, &world.request(), 1);
        assert_eq!(first.verdict, Verdict::Intact, "{}", first.said());
        hide(&world);
        change(&world);
        let without = run(&world.store, &world.keys, &world.request(), 2);
        assert_eq!(without.verdict, Verdict::Incomplete, "{name}: {:#?}", without.findings);
        let second = memory.run(&world, &world.request(), 2);
        assert_eq!(second.verdict, verdict, "{name}: {}", second.said());
        assert!(second.causes().contains(&cause), "{name}: {}", second.said());
        assert_eq!(second.counts.digests.valid, first.counts.digests.valid, "{name}");
    }
}
