//! What holds for every delivery: untouched it is intact, and nobody can touch it without being told of.

pub(crate) mod shape;
pub(crate) mod touch;

use flate2::Compression;
use proptest::prelude::*;
use proptest::sample::Index;
use trailproof::event::{Event, Finding, Kind, Reason, Severity, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::store::{Deposit as _, StoreError};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ValidationRequest;

use shape::{MOVED, digests, is_unbroken, shape};
use touch::{add, addition, change, changed, named_gzip};

use crate::bodies::{config, content, gzip_at, read};
use crate::support::{self, Delivered, Ran, deliver, request, run};

/// All there is of a delivery, asked a day later: the buckets are one source, of which a range may have no more than one.
fn all(delivered: &Delivered) -> ValidationRequest {
    support::as_one(request(&["trail-logs", MOVED], delivered.simulated.end))
}

/// Runs with few and with more threads, which shall not be told apart.
fn ran(delivered: &Delivered, request: &ValidationRequest) -> Ran {
    let one = run(&delivered.store, &delivered.keys, request, 1);
    let three = run(&delivered.store, &delivered.keys, request, 3);
    assert_eq!(one.json, three.json, "`--jobs` 1 and 3 differ");
    one
}

fn said(ran: &Ran) -> Vec<Finding> {
    ran.findings.iter().filter(|finding| finding.severity > Severity::Notice).cloned().collect()
}

/// Intact, or incomplete for nothing but the stop that the shape has.
fn assert_untouched(spec: &Spec, ran: &Ran) {
    if is_unbroken(spec) {
        assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", said(ran));
    } else {
        assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", said(ran));
        let only_stops = ran.findings.iter().all(|finding| {
            finding.severity == Severity::Notice
                || finding.reason == Some(Reason::LoggingStopped)
                || finding.kind == Kind::ChainRestart
        });
        assert!(only_stops, "{:#?}", said(ran));
    }
}

/// Not intact, and not for what would have been said anyway.
fn assert_noticed(what: &str, untouched: &Ran, touched: &Ran) {
    assert_ne!(touched.verdict, Verdict::Intact, "nobody noticed: {what}");
    assert_ne!(said(untouched), said(touched), "nothing new is said: {what}");
}

fn pick(store: &MemoryStore, index: &Index) -> Location {
    index.get(&store.locations()).clone()
}

/// The objects of the hours that end at `end` or before.
fn delivered_before(store: &MemoryStore, end: Timestamp) -> Vec<Location> {
    let moment = |location: &Location| match DigestKey::parse(location) {
        Some(key) => key.end.plus(-1),
        None => Timestamp::parse_log_name(location.name().split('_').nth(3).unwrap()).unwrap(),
    };
    store.locations().into_iter().filter(|location| moment(location) < end).collect()
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn an_untouched_delivery_is_intact(spec in shape()) {
        let delivered = deliver(&spec);
        let ran = ran(&delivered, &all(&delivered));
        assert_untouched(&spec, &ran);
        prop_assert_eq!(ran.counts.digests.valid, delivered.simulated.digests);
        prop_assert_eq!(ran.counts.logs.valid, delivered.simulated.logs);
        let hourly = |event: &&Event| matches!(event, Event::Chain(chain) if !chain.id.backfill);
        let chains = spec.accounts.len() * spec.regions.len() * spec.trails.len();
        prop_assert_eq!(ran.events.iter().filter(hourly).count(), chains);
    }

    #[test]
    fn a_changed_body_is_never_intact(spec in shape(), at: Index, change in change()) {
        let delivered = deliver(&spec);
        let untouched = ran(&delivered, &all(&delivered));
        let location = pick(&delivered.store, &at);
        let (body, metadata) = read(&delivered.store, &location);
        let new = changed(&body, &content(&delivered.store, &location), &change);
        delivered.store.put(&location, &new, &metadata).unwrap();
        let touched = ran(&delivered, &all(&delivered));
        assert_noticed(&format!("{change:?} of {location}"), &untouched, &touched);
    }

    #[test]
    fn a_removal_is_never_intact(spec in shape(), at: Index, traceless: bool) {
        let delivered = deliver(&spec);
        let untouched = ran(&delivered, &all(&delivered));
        let location = pick(&delivered.store, &at);
        if traceless {
            delivered.store.purge(&location);
        } else {
            delivered.store.delete(&location).unwrap();
        }
        let touched = ran(&delivered, &all(&delivered));
        assert_noticed(&format!("{location} is gone"), &untouched, &touched);
    }

    #[test]
    fn an_addition_is_never_intact(spec in shape(), addition in addition()) {
        let delivered = deliver(&spec);
        let untouched = ran(&delivered, &all(&delivered));
        let Some(location) = add(&spec, &delivered, &addition) else { return Ok(()) };
        let touched = ran(&delivered, &all(&delivered));
        assert_noticed(&format!("{location} is new"), &untouched, &touched);
    }

    #[test]
    fn a_swap_is_never_intact(spec in shape(), one: Index, other: Index, with_metadata: bool) {
        let delivered = deliver(&spec);
        let untouched = ran(&delivered, &all(&delivered));
        let store = &delivered.store;
        let (one, other) = (pick(store, &one), pick(store, &other));
        prop_assume!(content(store, &one) != content(store, &other));
        let ((body1, metadata1), (body2, metadata2)) = (read(store, &one), read(store, &other));
        let (metadata1, metadata2) =
            if with_metadata { (metadata2, metadata1) } else { (metadata1, metadata2) };
        store.put(&one, &body2, &metadata1).unwrap();
        store.put(&other, &body1, &metadata2).unwrap();
        let touched = ran(&delivered, &all(&delivered));
        assert_noticed(&format!("{one} and {other} are swapped"), &untouched, &touched);
    }

    #[test]
    fn another_wrapper_around_the_same_content_changes_nothing(spec in shape(), level in 0..=9_u32, named: bool) {
        let delivered = deliver(&spec);
        let store = &delivered.store;
        for location in store.locations() {
            let (_, metadata) = read(store, &location);
            let content = content(store, &location);
            let body = if named { named_gzip(&content) } else { gzip_at(&content, Compression::new(level)) };
            store.put(&location, &body, &metadata).unwrap();
        }
        assert_untouched(&spec, &ran(&delivered, &all(&delivered)));
    }

    #[test]
    fn failures_to_look_are_neither_intact_nor_tampered(
        spec in shape(),
        refused in prop::collection::vec((any::<Index>(), 0..4_usize), 1..4),
    ) {
        let delivered = deliver(&spec);
        let untouched = ran(&delivered, &all(&delivered));
        for (at, why) in &refused {
            let refusals = [StoreError::Denied, StoreError::Archived, StoreError::OutOfReach, StoreError::Unreadable];
            let refusal = refusals[*why]("by the test".to_owned());
            delivered.store.refuse(&pick(&delivered.store, at), refusal);
        }
        let touched = ran(&delivered, &all(&delivered));
        prop_assert_eq!(touched.verdict, Verdict::Incomplete, "{:#?}", said(&touched));
        assert_noticed("something cannot be read", &untouched, &touched);
    }

    #[test]
    fn a_narrower_question_to_an_intact_delivery_is_intact(spec in shape(), at: Index, which in 0..3_usize) {
        let delivered = deliver(&spec);
        let mut narrow = all(&delivered);
        match which {
            0 => narrow.trails.push(at.get(&spec.trails).clone()),
            1 => narrow.accounts.push(at.get(&spec.accounts).clone()),
            _ => narrow.regions.push(at.get(&spec.regions).clone()),
        }
        assert_untouched(&spec, &ran(&delivered, &narrow));
    }

    #[test]
    fn a_copy_that_lost_its_metadata_is_proved_by_what_comes_after(
        spec in shape(),
        at: Index,
        change in change(),
    ) {
        prop_assume!(is_unbroken(&spec) && spec.backfill_every.is_none());
        let delivered = deliver(&Spec { metadata: false, ..spec });
        let mut asked = all(&delivered);
        asked.range.end = delivered.simulated.end.plus(-HOUR);
        let untouched = ran(&delivered, &asked);
        prop_assert_eq!(untouched.verdict, Verdict::Intact, "{:#?}", said(&untouched));
        let store = &delivered.store;
        let location = at.get(&delivered_before(store, asked.range.end)).clone();
        let (body, metadata) = read(store, &location);
        let new = changed(&body, &content(store, &location), &change);
        store.put(&location, &new, &metadata).unwrap();
        assert_noticed(&format!("{change:?} of {location}"), &untouched, &ran(&delivered, &asked));
    }

    #[test]
    fn any_stretch_of_an_intact_delivery_is_intact(spec in shape(), one in 0..18_000_i64, other in 0..18_000_i64) {
        let length = i64::from(spec.hours) * HOUR;
        let (one, other) = (one % length, other % length);
        prop_assume!(one != other && is_unbroken(&spec));
        let delivered = deliver(&spec);
        let mut asked = all(&delivered);
        asked.range.start = Some(spec.start.plus(one.min(other)));
        asked.range.end = spec.start.plus(one.max(other));
        assert_untouched(&spec, &ran(&delivered, &asked));
    }

    #[test]
    fn no_range_makes_an_untouched_delivery_tampered(
        spec in shape(),
        one in -7_200..25_200_i64,
        other in -7_200..25_200_i64,
        open: bool,
        age in 0..86_400_i64,
        metadata: bool,
        only_newest_bucket: bool,
    ) {
        prop_assume!(one != other);
        let delivered = deliver(&Spec { metadata, ..spec.clone() });
        let mut asked = all(&delivered);
        asked.range.start = (!open).then(|| spec.start.plus(one.min(other)));
        asked.range.end = spec.start.plus(one.max(other));
        asked.now = asked.range.end.plus(age);
        if only_newest_bucket && spec.move_at.is_some() {
            asked.sources.retain(|source| source.bucket == MOVED);
        }
        let ran = ran(&delivered, &asked);
        prop_assert_ne!(ran.verdict, Verdict::Tampered, "{:#?}", said(&ran));
    }
}

/// The first digest after a stop could be read by nobody. It may well start the chain, so nothing says that there
/// was a digest in the hour before it.
#[test]
fn a_refused_first_digest_after_a_stop_says_nothing_of_the_stop() {
    let delivered = deliver(&Spec { hours: 5, stop: Some((2, 1)), ..Spec::default() });
    let restart = digests(&delivered.store)[3].location();
    delivered.store.refuse(&restart, StoreError::Denied("by the test".to_owned()));
    let ran = ran(&delivered, &all(&delivered));
    assert_eq!(ran.verdict, Verdict::Incomplete, "{:#?}", said(&ran));
}

/// Backfill digests tell of single log files, not of hours: what they leave open is not covered.
#[test]
fn backfill_digests_alone_are_never_intact() {
    for logs_too in [false, true] {
        let delivered = deliver(&Spec { hours: 5, backfill_every: Some(2), ..Spec::default() });
        let store = &delivered.store;
        let (backfill, hourly): (Vec<_>, Vec<_>) = digests(store).into_iter().partition(|key| key.backfill);
        assert_eq!((backfill.len(), hourly.len()), (2, 6));
        hourly.iter().for_each(|key| store.purge(&key.location()));
        let kept: String =
            backfill.iter().map(|key| String::from_utf8(content(store, &key.location())).unwrap()).collect();
        let lost = store.locations().into_iter().filter(|location| !kept.contains(location.name()));
        lost.filter(|location| logs_too && DigestKey::parse(location).is_none())
            .for_each(|log| store.purge(&log));
        let ran = ran(&delivered, &all(&delivered));
        assert_ne!(ran.verdict, Verdict::Intact, "logs gone too: {logs_too}; {:#?}", ran.counts);
    }
}

/// Two trails share a prefix, and a folder lists all digests of one before those of the other. A range that ended
/// hours before the folder's last digest is no reason to leave the other unseen.
#[test]
fn a_second_trail_is_seen_in_a_range_that_is_long_past() {
    let trails = vec!["audit".to_owned(), "zebra".to_owned()];
    let delivered = deliver(&Spec { trails, hours: 8, logs_per_hour: 1, ..Spec::default() });
    let mut asked = all(&delivered);
    asked.range.end = Spec::default().start.plus(HOUR);
    let untouched = ran(&delivered, &asked);
    assert_eq!((untouched.counts.digests.valid, untouched.counts.logs.valid), (4, 2));
    asked.trails = vec!["zebra".to_owned()];
    assert_eq!(ran(&delivered, &asked).verdict, Verdict::Intact);
    asked.trails.clear();
    let first = delivered_before(&delivered.store, asked.range.end);
    for location in first {
        let (_, metadata) = read(&delivered.store, &location);
        delivered.store.put(&location, b"junk", &metadata).unwrap();
    }
    let touched = ran(&delivered, &asked);
    assert_eq!((touched.counts.digests.tampered, touched.verdict), (4, Verdict::Tampered));
}
