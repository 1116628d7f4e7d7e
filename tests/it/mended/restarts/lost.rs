//! What is lost, unreadable or contradicts itself around a stop: who is accused of what.

use trailproof::event::{Kind, Reason, Severity, Verdict};
use trailproof::ident::Location;
use trailproof::store::{Deposit as _, Metadata, StoreError};
use trailproof::time::Timestamp;

use super::{Last, STOPS, Stopped, at, hour, minutes, said, tells};
use crate::bodies::read;
use crate::support::Ran;

/// The URIs of digests that somebody is accused of.
pub(super) fn accused(ran: &Ran) -> Vec<(Kind, String)> {
    let tampered = ran.findings.iter().filter(|finding| finding.severity == Severity::Tampered);
    tampered.map(|finding| (finding.kind, finding.uri.clone().unwrap_or_default())).collect()
}

/// A digest that another one records is missed where it is gone, and no digest is accused in its stead. The last one of a
/// stopped chain is recorded by none: that it is gone looks as a longer stop does, and is told as that.
#[test]
fn a_digest_that_is_gone_around_a_stop_is_told() {
    for stop in STOPS {
        for number in 0..Stopped::once(stop, Last::WithItsHour).digests.len() {
            let stopped = Stopped::once(stop, Last::WithItsHour);
            let gone = stopped.digests[number].clone();
            stopped.store.purge(&gone.location());
            let ran = stopped.ran(None);
            let what = format!("{stop} min, without {}: {:#?}", gone.end, ran.findings);
            if !stopped.lasts.contains(&gone) {
                assert_eq!(accused(&ran), [(Kind::DigestMissing, gone.location().to_string())], "{what}");
                continue;
            }
            assert_eq!(ran.verdict, Verdict::Incomplete, "{what}");
            if gone == stopped.lasts[1] {
                assert!(ran.kinds().contains(&Kind::ChainStale), "{what}");
                continue;
            }
            let gap = said(&ran)[0];
            let expected =
                (Kind::ChainGap, Some(hour(6)), Some(stopped.starts[1]), Some(Reason::LoggingStopped));
            assert_eq!((gap.kind, gap.start, gap.end, gap.reason), expected, "{what}");
            assert_eq!(said(&ran).len(), 1, "{what}");
        }
    }
}

#[test]
fn a_digest_that_nobody_can_read_around_a_stop_accuses_nobody() {
    for stop in STOPS {
        for number in 0..Stopped::once(stop, Last::WithItsHour).digests.len() {
            let stopped = Stopped::once(stop, Last::WithItsHour);
            let digest = stopped.digests[number].location();
            stopped.store.refuse(&digest, StoreError::Denied("by the test".to_owned()));
            let ran = stopped.ran(None);
            assert_eq!(ran.verdict, Verdict::Incomplete, "{stop} min, {digest}: {:#?}", ran.findings);
            assert!(
                ran.kinds().contains(&Kind::DigestUnreadable),
                "{stop} min, {digest}: {:#?}",
                ran.findings
            );
        }
    }
}

/// Five hours of a chain that was stopped and started ten minutes later, and a digest that follows the fifth hour, starts at
/// `start`, and ends half an hour after the new chain began. The new chain's first digest and that one.
fn beside(start: Timestamp) -> (Stopped, Location, Location) {
    let mut stopped = Stopped::make(&[(0, 300), (310, 550)], Last::WithItsHour);
    let record = stopped.records[5].clone();
    stopped.put(start, minutes(340), &record);
    (stopped, at(minutes(310)).location(), at(minutes(340)).location())
}

/// A stopped chain's last digest may end after the new chain began, and begins before that.
#[test]
fn a_digest_of_the_new_chains_time_that_it_leaves_no_room_for_is_a_broken_chain() {
    let begun = minutes(310);
    for (start, broken) in
        [(minutes(300), false), (begun.plus(-1), false), (begun, true), (begun.plus(1), true)]
    {
        let (stopped, _, between) = beside(start);
        let ran = stopped.ran(None);
        let expected = if broken { vec![(Kind::ChainBroken, between.to_string())] } else { vec![] };
        assert_eq!(accused(&ran), expected, "{start}: {:#?}", ran.findings);
        assert!(said(&ran).iter().any(|finding| tells(finding, begun) || finding.kind == Kind::ChainRestart));
        assert_ne!(ran.verdict, Verdict::Intact);
    }
    // Between two hours of one chain there is room for none.
    for start in [hour(2), hour(2).plus(1_800), hour(3)] {
        let mut stopped = Stopped::make(&[(0, 300)], Last::WithItsHour);
        let record = stopped.records[2].clone();
        stopped.put(start, hour(3).plus(1_800), &record);
        let between = at(hour(3).plus(1_800)).location().to_string();
        let ran = stopped.ran(None);
        assert_eq!(accused(&ran), [(Kind::ChainBroken, between)], "{start}: {:#?}", ran.findings);
    }
}

/// Only the digest that is recorded shows whether it starts a chain. Where it does not say so, nothing is said of the
/// other one.
#[test]
fn a_digest_between_another_and_a_lost_one_is_not_accused() {
    for start in [minutes(300), minutes(310)] {
        let (stopped, first, between) = beside(start);
        stopped.store.purge(&first);
        let ran = stopped.ran(None);
        assert_eq!(accused(&ran), [(Kind::DigestMissing, first.to_string())], "{start}: {:#?}", ran.findings);

        let (stopped, first, _) = beside(start);
        stopped.store.refuse(&first, StoreError::Denied("by the test".to_owned()));
        let ran = stopped.ran(None);
        assert_eq!(
            (accused(&ran), ran.verdict),
            (vec![], Verdict::Incomplete),
            "{start}: {:#?}",
            ran.findings
        );

        let (stopped, first, _) = beside(start);
        let metadata = read(&stopped.store, &first).1;
        stopped.store.put(&first, b"no digest", &metadata).unwrap();
        let ran = stopped.ran(None);
        assert_eq!(
            accused(&ran),
            [(Kind::DigestMalformed, first.to_string())],
            "{start}: {:#?}",
            ran.findings
        );
        assert!(!ran.findings.iter().any(|finding| finding.uri == Some(between.to_string())));
    }
}

/// A digest that records one which ends after it starts contradicts it, also where the signature of that one is only in
/// what others record of it.
#[test]
fn a_contradiction_to_a_digest_that_was_taken_is_told_without_metadata_too() {
    for bare in [false, true] {
        let mut stopped = Stopped::make(&[(0, 300)], Last::WithItsHour);
        let record = stopped.records[0].clone();
        stopped.put(hour(0).plus(-1_800), hour(0).plus(1_800), &record);
        let first = at(hour(0)).location();
        if bare {
            stopped.store.put(&first, &read(&stopped.store, &first).0, &Metadata::new()).unwrap();
        }
        let (ran, first) = (stopped.ran(None), first.to_string());
        let told = ran
            .findings
            .iter()
            .any(|finding| finding.kind == Kind::ChainBroken && finding.uri.as_ref() == Some(&first));
        assert!(told, "without metadata: {bare}: {:#?}", ran.findings);
    }
}
