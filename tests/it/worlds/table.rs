//! The table of worlds: what fails, and what a run says of it over an untouched delivery and over one with a modified log.
//!
//! `cargo test --test it worlds::table -- --nocapture` prints it, from the runs.

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use trailproof::event::Kind::{
    self, ChainGap, ChainStale, DigestUnreadable, KeyUnknown, LogModified, LogUnreadable, NoDigests,
};
use trailproof::event::Verdict;

use super::{Expected, Scene, World, hold, kinds};
use crate::cloud::{Fault, Faults, Rule};

const INTACT: Expected = Expected { verdict: Verdict::Intact, kinds: &[] };
const SEEN: Expected = tampered(&[LogModified]);

/// Attempts of a user who has configured nothing, which are 8.
const PATIENT: u32 = 3;
const IMPATIENT: u32 = 2;

const fn incomplete(kinds: &'static [Kind]) -> Expected {
    Expected { verdict: Verdict::Incomplete, kinds }
}

const fn tampered(kinds: &'static [Kind]) -> Expected {
    Expected { verdict: Verdict::Tampered, kinds }
}

fn rule(rule: Rule) -> Faults {
    rules(vec![rule])
}

fn rules(rules: Vec<Rule>) -> Faults {
    Faults { rules, ..Faults::default() }
}

/// A world that passes: the same is said as without it.
const fn passing(name: &'static str, fails: fn(&Scene) -> Faults) -> World {
    World { name, fails, attempts: PATIENT, clean: INTACT, tampered: SEEN }
}

/// One in which nothing can be seen, whatever was done.
const fn blind(name: &'static str, fails: fn(&Scene) -> Faults, kinds: &'static [Kind]) -> World {
    let expected = incomplete(kinds);
    World { name, fails, attempts: IMPATIENT, clean: expected, tampered: expected }
}

/// What cannot be seen where nothing can be listed.
const UNLISTED: &[Kind] = &[DigestUnreadable, NoDigests];

const GET: &str = "GetObject";
const LOGS: &str = "/CloudTrail/";
const DIGESTS: &str = "/CloudTrail-Digest/";

/// What cannot be seen where digests can be listed and not be read.
const NO_DIGEST: &[Kind] = &[ChainGap, DigestUnreadable];

fn networks() -> Vec<World> {
    vec![
        passing("GETs of one log take longer than anyone waits, twice", |scene| {
            rule(Rule::new(GET, Fault::Wait(Duration::from_millis(1_400))).on(&*scene.logs[2].key).times(2))
        }),
        passing("5 % `SlowDown`, 2 % resets, 2 % half bodies", |_| Faults {
            slow_down: 0.05,
            reset: 0.02,
            truncate: 0.02,
            seed: 4,
            ..Faults::default()
        }),
        passing("`SlowDown` for the first 12 requests", |_| {
            rule(Rule::new("", Fault::Refuse(503, "SlowDown")).times(12))
        }),
        blind("`SlowDown` forever", |_| rule(Rule::new("", Fault::Refuse(503, "SlowDown"))), UNLISTED),
        passing("each GET is reset once", |_| rule(Rule::new(GET, Fault::Reset).times(1).each())),
        blind("each connection is reset", |_| rule(Rule::new("", Fault::Reset)), UNLISTED),
        blind("each GET is reset", |_| rule(Rule::new(GET, Fault::Reset)), NO_DIGEST),
        passing("each GET hangs once", |_| rule(Rule::new(GET, Fault::Hang).times(1).each())),
        blind(
            "no request is answered, connections stay open",
            |_| rule(Rule::new("", Fault::Hang)),
            UNLISTED,
        ),
        World {
            tampered: incomplete(&[LogUnreadable]),
            clean: incomplete(&[LogUnreadable]),
            ..blind("no GET of a log is answered", |_| rule(Rule::new(GET, Fault::Hang).on(LOGS)), &[])
        },
        passing("each body is cut midway once", |_| rule(Rule::new(GET, Fault::Cut).times(1).each())),
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: incomplete(&[LogUnreadable]),
            ..blind("each body of a log is cut midway", |_| rule(Rule::new(GET, Fault::Cut).on(LOGS)), &[])
        },
        blind(
            "each body of a digest is cut midway",
            |_| rule(Rule::new(GET, Fault::Cut).on(DIGESTS)),
            NO_DIGEST,
        ),
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: tampered(&[LogModified, LogUnreadable]),
            ..blind(
                "one log's body comes a byte at a time",
                |scene| {
                    let drip = Fault::Drip(Duration::from_millis(150));
                    rule(Rule::new(GET, drip).on(&*scene.logs[5].key))
                },
                &[],
            )
        },
    ]
}

fn answers() -> Vec<World> {
    vec![
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: tampered(&[LogModified, LogUnreadable]),
            ..passing("one log's length is announced too long", |scene| {
                rule(Rule::new(GET, Fault::Longer).on(&*scene.logs[5].key))
            })
        },
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: tampered(&[LogModified, LogUnreadable]),
            ..passing("one log comes short once, with a length to match", |scene| {
                rule(Rule::new(GET, Fault::Shorter).on(&*scene.logs[5].key).times(1))
            })
        },
        World {
            // Three reads of the same bytes are what the bucket holds, as far as anybody can tell.
            clean: tampered(&[LogModified]),
            ..passing("one log comes short always, with a length to match", |scene| {
                rule(Rule::new(GET, Fault::Shorter).on(&*scene.logs[5].key))
            })
        },
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: tampered(&[LogModified, LogUnreadable]),
            ..passing("one log has another bit, once", |scene| {
                rule(Rule::new(GET, Fault::Flip).on(&*scene.logs[5].key).times(1))
            })
        },
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: incomplete(&[LogUnreadable]),
            ..passing("each log has another bit, once", |_| {
                rule(Rule::new(GET, Fault::Flip).on(LOGS).times(1).each())
            })
        },
        World {
            clean: incomplete(NO_DIGEST),
            tampered: tampered(&[ChainGap, DigestUnreadable, LogModified]),
            ..passing("a digest has another bit, once", |scene| {
                rule(Rule::new(GET, Fault::Flip).on(&*scene.digests[3].key).times(1))
            })
        },
        World {
            clean: incomplete(NO_DIGEST),
            tampered: tampered(&[ChainGap, DigestUnreadable, LogModified]),
            ..passing("a digest's signature is another one, once", |scene| {
                let other = Fault::Header("x-amz-meta-signature", "00ff");
                rule(Rule::new(GET, other).on(&*scene.digests[3].key).times(1))
            })
        },
        passing("every ETag and checksum is another one", |_| {
            rules(vec![
                Rule::new(GET, Fault::Header("etag", "\"0123456789abcdef0123456789abcdef\"")),
                Rule::new(GET, Fault::Header("x-amz-checksum-sha256", "AAAA")),
            ])
        }),
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: tampered(&[LogModified, LogUnreadable]),
            ..passing("GET says 404 of a log that is listed as the newest version", |scene| {
                rule(Rule::new(GET, Fault::Refuse(404, "NoSuchKey")).on(&*scene.logs[5].key))
            })
        },
        World {
            clean: incomplete(NO_DIGEST),
            tampered: tampered(&[ChainGap, DigestUnreadable, LogModified]),
            ..passing("GET says 404 of a digest that is listed", |scene| {
                rule(Rule::new(GET, Fault::Refuse(404, "NoSuchKey")).on(&*scene.digests[3].key))
            })
        },
    ]
}

/// Of five digests, the first page has two, the second page is left out, and the third page has the newest.
fn skipping(_: &Scene) -> Faults {
    Faults { page_size: 2, skip_page: true, ..Faults::default() }
}

fn listings() -> Vec<World> {
    vec![
        blind(
            "a listing repeats a page forever",
            |_| Faults { repeat_page: true, page_size: 1, ..Faults::default() },
            UNLISTED,
        ),
        blind(
            "a listing has empty pages forever",
            |_| Faults { empty_pages: true, ..Faults::default() },
            UNLISTED,
        ),
        blind(
            "a listing is out of order",
            |_| Faults { unordered: true, ..Faults::default() },
            &[DigestUnreadable, LogUnreadable],
        ),
        // What it left out is found by name.
        passing("a listing leaves out a page in the middle", skipping),
        World {
            clean: incomplete(&[ChainStale]),
            tampered: tampered(&[ChainStale, LogModified]),
            ..passing("a listing leaves out the last page", |_| Faults {
                page_size: 3,
                skip_page: true,
                ..Faults::default()
            })
        },
        World {
            clean: incomplete(NO_DIGEST),
            tampered: tampered(&[ChainGap, DigestUnreadable, LogModified]),
            ..passing(
                "GET says 404 of a digest that a listing leaves out, and its versions list it",
                |scene| {
                    let gone = Rule::new(GET, Fault::Refuse(404, "NoSuchKey")).on(&*scene.digests[2].key);
                    Faults { rules: vec![gone], ..skipping(scene) }
                },
            )
        },
    ]
}

fn permissions() -> Vec<World> {
    vec![
        blind(
            "credentials expire before anything is read",
            |_| Faults { expired_after: Some(0), ..Faults::default() },
            UNLISTED,
        ),
        World {
            clean: incomplete(&[DigestUnreadable, LogUnreadable]),
            tampered: incomplete(&[DigestUnreadable, LogUnreadable]),
            ..blind(
                "credentials expire before the logs are read",
                |_| {
                    rules(vec![
                        Rule::new(GET, Fault::Refuse(400, "ExpiredToken")).on(LOGS),
                        Rule::new("ListObjectsV2", Fault::Refuse(400, "ExpiredToken")).on(LOGS),
                    ])
                },
                &[],
            )
        },
        World {
            clean: incomplete(&[LogUnreadable]),
            tampered: incomplete(&[LogUnreadable]),
            ..blind(
                "access to the logs is denied",
                |_| rule(Rule::new(GET, Fault::Refuse(403, "AccessDenied")).on(LOGS)),
                &[],
            )
        },
        blind(
            "access to the digests is denied",
            |_| rule(Rule::new(GET, Fault::Refuse(403, "AccessDenied")).on(DIGESTS)),
            NO_DIGEST,
        ),
        blind(
            "CloudTrail gives no keys",
            |_| rule(Rule::new("ListPublicKeys", Fault::Refuse(400, "AccessDeniedException"))),
            &[ChainGap, KeyUnknown],
        ),
        passing("S3's clock is two hours ahead", |_| Faults { clock_ahead: 7_200, ..Faults::default() }),
        passing("S3's clock is two hours behind", |_| Faults { clock_ahead: -7_200, ..Faults::default() }),
    ]
}

/// Runs a world over a delivery with 1 and 8 jobs, and shows what it came to.
fn shown(world: &World, is_tampered: bool) -> String {
    let expected = if is_tampered { world.tampered } else { world.clean };
    let mut said = Vec::new();
    for jobs in [1, 8] {
        let scene = Scene::new(is_tampered);
        scene.cloud.set_faults((world.fails)(&scene));
        let ran = scene.run(world.attempts, jobs);
        let kinds: Vec<String> = kinds(&ran).into_iter().map(|kind| format!("`{}`", kind.as_str())).collect();
        said.push(format!("{} | {}", ran.verdict.as_str(), kinds.join(", ")));
        hold(&format!("{}, {jobs} jobs", world.name), &scene, &ran, expected);
    }
    assert_eq!(said[0], said[1], "{}", world.name);
    said.swap_remove(0)
}

/// Judges every world, prints the rows of those that are as expected, and fails where one is not. Most of it is waiting,
/// so it is done at the same time.
#[expect(clippy::print_stdout, reason = "the table is for whoever asks for it")]
fn judge(worlds: &[World]) {
    let row = |world: &World| {
        let (clean, tampered) = (shown(world, false), shown(world, true));
        format!("| {} | {clean} | {tampered} |", world.name)
    };
    let rows: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = worlds.iter().map(|world| scope.spawn(move || row(world))).collect();
        running.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let named = || worlds.iter().map(|world| world.name).zip(&rows);
    println!("\n{}\n", rows.iter().flatten().cloned().collect::<Vec<_>>().join("\n"));
    let failed: Vec<&str> = named().filter(|(_, row)| row.is_err()).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn networks_that_fail() {
    judge(&networks());
}

#[test]
fn answers_that_are_wrong() {
    judge(&answers());
}

#[test]
fn listings_that_are_wrong() {
    judge(&listings());
}

#[test]
fn permissions_and_clocks_that_are_wrong() {
    judge(&permissions());
}
