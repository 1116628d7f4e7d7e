//! A copy whose move is named is judged by what it holds itself.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::Relocation;
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ValidationRequest;

use super::ran;
use crate::bodies::read;
use crate::support::{Delivered, Ran, deliver, request};

/// A delivery, and a whole copy of it in another bucket of the same store.
struct Copied {
    delivered: Delivered,
    logs: Vec<Location>,
    digests: Vec<Location>,
}

impl Copied {
    fn make() -> Self {
        let delivered = deliver(&Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, ..Spec::default() });
        let mut copies = Vec::new();
        for location in delivered.store.locations() {
            let (body, metadata) = read(&delivered.store, &location);
            copies.push(Location::new("copied-logs", &*location.key));
            delivered.store.put(copies.last().unwrap(), &body, &metadata).unwrap();
        }
        let (digests, logs) = copies.into_iter().partition(|copy| DigestKey::parse(copy).is_some());
        Self { delivered, logs, digests }
    }

    fn run(&self) -> Ran {
        ran(&self.delivered, &ValidationRequest { relocations: vec![relocation()], ..self.request() })
    }

    fn request(&self) -> ValidationRequest {
        request(&["copied-logs"], self.delivered.simulated.end)
    }
}

fn relocation() -> Relocation {
    Relocation {
        from_bucket: "trail-logs".to_owned(),
        from_prefix: String::new(),
        to_bucket: "copied-logs".to_owned(),
        to_prefix: String::new(),
    }
}

/// The folder of a copy may lie within that of the original, or the other way round.
#[test]
fn a_copy_within_the_folder_of_the_original_is_intact() {
    for (from, to) in [("", "archive/"), ("logs/", "logs/2026/"), ("logs/", "")] {
        let prefix = from.trim_end_matches('/').to_owned();
        let spec = Spec { hours: 4, logs_per_hour: 1, events_per_log: 1, prefix, ..Spec::default() };
        let delivered = deliver(&spec);
        for location in delivered.store.locations() {
            let (body, metadata) = read(&delivered.store, &location);
            let rest = location.key.strip_prefix(from).unwrap();
            let copy = Location::new("trail-logs", format!("{to}{rest}"));
            delivered.store.put(&copy, &body, &metadata).unwrap();
            delivered.store.purge(&location);
        }
        let mut asked = request(&["trail-logs"], delivered.simulated.end);
        asked.sources[0].prefix = format!("{to}AWSLogs/");
        asked.relocations = vec![Relocation {
            from_prefix: from.to_owned(),
            to_bucket: "trail-logs".to_owned(),
            to_prefix: to.to_owned(),
            ..relocation()
        }];
        let ran = ran(&delivered, &asked);
        assert_eq!(
            (ran.verdict, ran.counts.digests.valid),
            (Verdict::Intact, 5),
            "{to}: {:#?}",
            ran.findings
        );
        assert_eq!(ran.counts.logs.valid, 4);
    }
}

#[test]
fn every_digest_of_a_copy_is_counted_in_what_is_said_of_it() {
    let ran = Copied::make().run();
    let moved = ran.findings.iter().find(|finding| finding.kind == Kind::Relocated).unwrap();
    assert!(moved.message().starts_with("5 digests lie here"), "{}", moved.message());
}

#[test]
fn a_changed_log_file_of_a_copy_is_not_read_from_the_original() {
    let copied = Copied::make();
    let untouched = copied.run();
    assert_eq!((untouched.verdict, untouched.counts.logs.valid), (Verdict::Intact, 4), "{untouched:#?}");
    copied.delivered.store.put(&copied.logs[1], b"forged", &Metadata::new()).unwrap();
    let ran = copied.run();
    assert_eq!(
        (ran.kinds(), ran.verdict),
        (vec![Kind::LogModified], Verdict::Tampered),
        "{:#?}",
        ran.findings
    );
    assert_eq!((ran.counts.logs.valid, ran.counts.logs.tampered), (3, 1));
    // The original, which is as delivered, is not the object of the finding.
    let found = ran.findings.iter().find(|one| one.kind == Kind::LogModified).unwrap();
    let place = copied.logs[1].to_string();
    assert_eq!((found.object(), found.recorded_at().is_some()), (Some(&*place), true), "{found:#?}");
}

#[test]
fn a_lost_object_of_a_copy_is_not_read_from_the_original() {
    let copied = Copied::make();
    copied.delivered.store.purge(&copied.logs[1]);
    assert_eq!(copied.run().kinds(), [Kind::LogMissing]);

    let copied = Copied::make();
    copied.delivered.store.purge(&copied.digests[1]);
    let ran = copied.run();
    assert_eq!(ran.verdict, Verdict::Tampered, "{:#?}", ran.findings);
    assert!(ran.kinds().contains(&Kind::DigestMissing), "{:#?}", ran.findings);
    assert_eq!((ran.counts.digests.valid, ran.counts.digests.tampered), (4, 1));
}
