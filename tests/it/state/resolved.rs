//! What counts as resolved: only what a run looked for in full and did not find.

use trailproof::event::Verdict;
use trailproof::ident::Location;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ValidationRequest;

use super::over_time::accept;
use super::{BUCKET, Memory, Remembered, World, small};
use crate::bodies::gzip;

const ACCOUNT: &str = "111122223333";

/// Makes a request ask for less.
type Narrowing = fn(&World, &mut ValidationRequest);

/// A log file that no digest lists.
fn added(region: &str, at: Timestamp, number: u32) -> Location {
    let minute = &at.digest_name()[..13];
    let name = format!("{ACCOUNT}_CloudTrail_{region}_{minute}Z_{number:016}.json.gz");
    let folder = format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/{}", at.day_folder());
    Location::new(BUCKET, format!("{folder}/{name}"))
}

fn put(world: &World, location: &Location) {
    world.store.put(location, &gzip(b"{\"Records\":[]}"), &Metadata::new()).unwrap();
}

/// Accepts every finding graver than a notice.
fn accept_all(memory: &Memory, told: &Remembered) {
    for finding in &told.findings {
        let memory_of = finding.memory.as_ref().unwrap();
        if memory_of.status.is_some() && memory_of.accepted.is_none() {
            accept(memory, &memory_of.id).unwrap();
        }
    }
}

/// Whatever a narrower run leaves out stays as it is: accepted findings stay accepted.
#[test]
fn a_run_that_looks_at_less_resolves_nothing() {
    let narrowed: [(&str, Narrowing); 5] = [
        ("source", |_, request| {
            request.sources[0].prefix = format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/");
        }),
        ("region", |_, request| request.regions = vec!["us-east-1".to_owned()]),
        ("account", |_, request| request.accounts = vec![ACCOUNT.to_owned()]),
        ("start", |world, request| request.range.start = Some(world.end.plus(-HOUR))),
        ("named", |_, request| request.limits.named = 1),
    ];
    for (what, narrow) in narrowed {
        let (world, memory) = (World::of(&small()), Memory::new());
        // Objects in a region's folder, in an account's and among the days.
        let folder = format!("AWSLogs/{ACCOUNT}/CloudTrail");
        for name in [format!("{folder}/notes.json.gz"), format!("{folder}/us-east-1/notes.json.gz")] {
            put(&world, &Location::new(BUCKET, name));
        }
        (0..3).for_each(|number| put(&world, &added("us-east-1", world.end.plus(-3 * HOUR), number)));
        let first = memory.run(&world, &world.request(), 1);
        assert_eq!(first.verdict, Verdict::Incomplete, "{}", first.said());
        accept_all(&memory, &first);
        let second = memory.run(&world, &world.request(), 2);
        assert_eq!(
            (second.verdict, &*second.resolved),
            (Verdict::Intact, &[][..]),
            "{what}: {}",
            second.said()
        );
        let mut request = world.request();
        narrow(&world, &mut request);
        let third = memory.run(&world, &request, 3);
        assert_eq!(third.resolved, [""; 0], "{what}: {}", third.said());
        let fourth = memory.run(&world, &world.request(), 4);
        assert_eq!(fourth.verdict, Verdict::Intact, "{what}: {}", fourth.said());
    }
}

/// More than a few log files that no digest lists are one finding, which names all.
#[test]
fn joined_findings_resolve_none_of_those_that_they_name() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let at = world.end.plus(-3 * HOUR);
    (0..5).for_each(|number| put(&world, &added("us-east-1", at, number)));
    accept_all(&memory, &memory.run(&world, &world.request(), 1));
    let more: Vec<Location> = (5..12).map(|number| added("us-east-1", at, number)).collect();
    more.iter().for_each(|location| put(&world, location));
    let joined = memory.run(&world, &world.request(), 2);
    assert_eq!((joined.verdict, &*joined.resolved), (Verdict::Incomplete, &[][..]), "{}", joined.said());
    world.purge(&more);
    let last = memory.run(&world, &world.request(), 3);
    assert_eq!(last.verdict, Verdict::Intact, "{}", last.said());
    assert_eq!(last.resolved, ["log-unreferenced"]);
}

/// A second trail whose record begins later keeps a run silent on the time before.
#[test]
fn silence_resolves_nothing() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let now = world.end.plus(-HOUR).plus(600);
    let request = ValidationRequest { now, ..world.request() };
    put(&world, &added("us-east-1", world.end.plus(-3 * HOUR), 1));
    let mut first = request.clone();
    first.range.end = now;
    let first = memory.run(&world, &first, 1);
    assert_eq!(first.causes(), ["unlisted-log"], "{}", first.said());
    let spec = trailproof::simulate::Spec {
        trails: vec!["security".to_owned()],
        hours: 1,
        start: world.end.plus(-HOUR),
        seed: 2,
        ..small()
    };
    let other = crate::support::deliver(&spec);
    for location in other.store.locations() {
        let (body, metadata) = crate::bodies::read(&other.store, &location);
        world.store.put(&location, &body, &metadata).unwrap();
    }
    let mut world = world;
    other.keys.all().iter().for_each(|key| world.keys.add(key.as_ref().clone()));
    let second = memory.run(&world, &world.request(), 2);
    assert_eq!(second.resolved, [""; 0], "{}", second.said());
}

/// A region with log files and without digests.
#[test]
fn a_region_without_digests_is_resolved_when_it_is_gone() {
    let (world, memory) = (World::of(&small()), Memory::new());
    let stray = added("eu-west-1", world.end.plus(-6 * HOUR), 1);
    put(&world, &stray);
    let first = memory.run(&world, &world.request(), 1);
    assert_eq!(first.causes(), ["logs-without-digests"], "{}", first.said());
    world.store.purge(&stray);
    let second = memory.run(&world, &world.request(), 2);
    assert_eq!((second.verdict, &*second.resolved), (Verdict::Intact, &["no-digests".to_owned()][..]));
}

/// The first digest of a region is delivered hours after the first log file.
#[test]
fn a_region_of_which_the_first_digest_is_on_its_way_is_no_finding() {
    let (world, memory) = (World::of(&small()), Memory::new());
    put(&world, &added("eu-west-1", world.end.plus(-4 * HOUR), 1));
    let told = memory.run(&world, &world.request(), 1);
    assert_eq!(told.verdict, Verdict::Intact, "{}", told.said());
}
