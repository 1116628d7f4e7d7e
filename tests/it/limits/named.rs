//! Very many objects that nobody vouches for: the first are named, and all are counted.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ReadLimits;
use trailproof::words::hint;

use super::{asked, objects, small};
use crate::support::{Delivered, Ran, deliver, run};

/// Puts `count` junk objects beside the last of those whose key has `part`.
fn litter(delivered: &Delivered, part: &str, count: usize) {
    let beside = objects(delivered, part).remove(3);
    let stem = beside.key.rsplit_once('_').unwrap().0;
    for number in 0..count {
        let location = Location::new(beside.bucket.clone(), format!("{stem}_junk{number:04}"));
        delivered.store.put(&location, b"x", &Metadata::new()).unwrap();
    }
}

fn ran(delivered: &Delivered, named: usize, jobs: usize) -> Ran {
    run(
        &delivered.store,
        &delivered.keys,
        &asked(delivered, ReadLimits { named, ..ReadLimits::default() }),
        jobs,
    )
}

/// What is said of each, and what to do about it.
fn messages(ran: &Ran, kind: Kind) -> Vec<(Option<&str>, String)> {
    let found = ran.findings.iter().filter(|finding| finding.kind == kind);
    found
        .map(|finding| {
            (finding.uri.as_deref(), format!("{}: {}", finding.message(), hint(finding).unwrap_or_default()))
        })
        .collect()
}

#[test]
fn log_files_that_nothing_lists_are_counted_beyond_those_that_are_named() {
    let delivered = small();
    litter(&delivered, "/CloudTrail/", 50);
    for (named, said, more) in
        [(50, 50, None), (49, 50, Some("1 more")), (10, 11, Some("40 more")), (0, 2, Some("49 more"))]
    {
        let ran = ran(&delivered, named, 8);
        assert_eq!(ran.json, self::ran(&delivered, named, 1).json);
        assert_eq!((ran.verdict, ran.counts.logs.unreferenced), (Verdict::Incomplete, 50));
        let messages = messages(&ran, Kind::LogUnreferenced);
        assert_eq!((messages.len(), ran.kinds().len()), (said, said));
        if let Some(more) = more {
            let (uri, last) = &messages[said - 1];
            assert!(uri.is_none() && last.starts_with(more) && last.contains("`--max-named`"), "{last}");
            let first = messages.iter().take(said - 1).enumerate();
            first.for_each(|(number, (uri, _))| assert!(uri.unwrap().ends_with(&format!("junk{number:04}"))));
        }
    }
}

/// The same where a folder of very many log files is listed in several places at a time.
#[test]
fn the_first_by_time_are_named_in_whatever_order_they_are_found() {
    let delivered = deliver(&Spec { hours: 72, logs_per_hour: 70, shared_body: true, ..Spec::default() });
    for log in objects(&delivered, "/CloudTrail/").iter().step_by(40) {
        let location = Location::new(log.bucket.clone(), format!("{}.junk", log.key));
        delivered.store.put(&location, b"x", &Metadata::new()).unwrap();
    }
    let all = ran(&delivered, usize::MAX, 8);
    let few = ran(&delivered, 20, 8);
    assert_eq!(few.json, ran(&delivered, 20, 1).json);
    assert_eq!(messages(&few, Kind::LogUnreferenced)[..20], messages(&all, Kind::LogUnreferenced)[..20]);
    assert_eq!(few.counts, all.counts);
    assert!(few.counts.logs.unreferenced > 100, "{:?}", few.counts);
}

#[test]
fn junk_among_digests_is_counted_beyond_what_is_named() {
    let delivered = small();
    litter(&delivered, "/CloudTrail-Digest/", 50);
    for (named, said, more) in [(50, 50, None), (10, 11, Some("40 more")), (0, 1, Some("50 more"))] {
        let ran = ran(&delivered, named, 2);
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.kinds());
        let messages = messages(&ran, Kind::ObjectUnrecognised);
        assert_eq!(messages.len(), said);
        let rest = messages.iter().find(|(uri, _)| uri.is_none()).map(|(_, message)| message.clone());
        assert_eq!(rest.is_some(), more.is_some());
        assert!(rest.is_none_or(|rest| rest.starts_with(more.unwrap()) && rest.contains("`--max-named`")));
    }
}
