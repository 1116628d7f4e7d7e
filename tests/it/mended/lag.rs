//! Trails that end, begin or pause while another goes on.

use trailproof::event::{Finding, Kind, Reason, Severity, Verdict};
use trailproof::simulate::{self, Spec};
use trailproof::time::{HOUR, Timestamp};
use trailproof::validate::ValidationRequest;

use super::{digests, hour, purge, ran, two_trails};
use crate::support::{Delivered, Ran, deliver, request};

fn between(delivered: &Delivered, start: Timestamp, end: Timestamp) -> ValidationRequest {
    let mut asked = request(&["trail-logs"], delivered.simulated.end);
    (asked.range.start, asked.range.end) = (Some(start), end);
    asked
}

fn said(ran: &Ran) -> impl Iterator<Item = &Finding> {
    ran.findings.iter().filter(|finding| finding.severity > Severity::Notice)
}

/// The only thing that is more than a notice, which makes the record incomplete.
fn only(ran: &Ran, kind: Kind) -> &Finding {
    assert_eq!((ran.kinds(), ran.verdict), (vec![kind], Verdict::Incomplete), "{:#?}", ran.findings);
    said(ran).next().unwrap()
}

/// That `trail` does not cover the asked range, and why.
fn assert_gap(ran: &Ran, asked: &ValidationRequest, trail: &str, reason: Reason) {
    let gap = only(ran, Kind::ChainGap);
    assert_eq!(gap.trail.as_deref(), Some(trail));
    assert_eq!((gap.start, gap.end), (asked.range.start, Some(asked.range.end)));
    assert_eq!(gap.reason, Some(reason));
}

#[test]
fn a_trail_that_ended_days_before_the_range_is_stale() {
    let delivered = two_trails(120);
    purge(&delivered.store, "t-two", 48..120);
    let ran = ran(&delivered, &between(&delivered, hour(96), hour(120)));
    let stale = only(&ran, Kind::ChainStale);
    assert_eq!(
        (stale.trail.as_deref(), stale.start, stale.end),
        (Some("t-two"), Some(hour(48)), Some(hour(120)))
    );
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (24, 24));
}

/// The digests on both sides are as many whole hours apart as the missing ones would fill.
#[test]
fn a_trail_with_digests_on_both_sides_of_the_range_and_none_in_it_misses_them() {
    let delivered = two_trails(120);
    purge(&delivered.store, "t-two", 20..100);
    for (start, end) in [(40, 60), (21, 30), (90, 99)] {
        let ran = ran(&delivered, &between(&delivered, hour(start), hour(end)));
        let missing = usize::try_from(end - start).unwrap();
        let expected = [vec![Kind::ChainGap], vec![Kind::DigestMissing; missing]].concat();
        assert_eq!((ran.kinds(), ran.verdict), (expected, Verdict::Tampered), "{start} to {end}");
        assert!(said(&ran).all(|finding| finding.trail.as_deref() == Some("t-two")));
        let gap = said(&ran).next().unwrap();
        assert_eq!((gap.start, gap.end), (Some(hour(start)), Some(hour(end))));
        assert_eq!(gap.reason, Some(Reason::DigestsMissing));
    }
}

/// The later digests follow one that is not there, at other minutes than the older ones: how many there were between
/// nobody can tell.
#[test]
fn a_trail_that_went_on_at_other_minutes_after_the_range_has_a_gap() {
    let delivered = two_trails(120);
    purge(&delivered.store, "t-two", 20..120);
    let start = hour(90).plus(HOUR / 2);
    let trails = vec!["t-two".to_owned()];
    let later = Spec { trails, start, hours: 20, logs_per_hour: 1, ..Spec::default() };
    simulate::simulate(&later, &delivered.store).unwrap();
    purge(&delivered.store, "t-two", 20..25);
    let asked = between(&delivered, hour(40), hour(60));
    assert_gap(&ran(&delivered, &asked), &asked, "t-two", Reason::NotCovered);
}

#[test]
fn a_trail_with_digests_after_the_range_alone_has_a_gap_unless_it_begins_there() {
    let delivered = two_trails(120);
    purge(&delivered.store, "t-two", 0..100);
    for (start, end) in [(40, 60), (90, 99)] {
        let asked = between(&delivered, hour(start), hour(end));
        assert_gap(&ran(&delivered, &asked), &asked, "t-two", Reason::NotCovered);
    }

    let beginning = two_trails(120);
    purge(&beginning.store, "t-two", 0..120);
    let trails = vec!["t-two".to_owned()];
    let later = Spec { trails, start: hour(100), hours: 20, logs_per_hour: 1, ..Spec::default() };
    simulate::simulate(&later, &beginning.store).unwrap();
    let ran = ran(&beginning, &between(&beginning, hour(40), hour(60)));
    assert_eq!((ran.kinds(), ran.verdict), (vec![], Verdict::Intact), "{:#?}", ran.findings);
}

#[test]
fn a_range_inside_a_stop_is_not_covered_because_logging_was_off() {
    let delivered = deliver(&Spec { hours: 14, logs_per_hour: 1, stop: Some((3, 8)), ..Spec::default() });
    for (start, end) in [(5, 7), (4, 10)] {
        let asked = between(&delivered, hour(start), hour(end));
        assert_gap(&ran(&delivered, &asked), &asked, "audit", Reason::LoggingStopped);
    }
}

#[test]
fn log_files_whose_digest_may_still_be_on_its_way_are_not_unreferenced() {
    let delivered = two_trails(8);
    let (newest, logs) = digests(&delivered.store, "t-two").pop().unwrap();
    assert_eq!((newest.end, logs.len()), (hour(8), 1));
    delivered.store.purge(&newest.location());
    for minutes in [0, 5, 45] {
        let mut asked = request(&["trail-logs"], hour(8).plus(minutes * 60));
        asked.now = asked.range.end;
        let ran = ran(&delivered, &asked);
        assert_eq!(
            (ran.kinds(), ran.verdict),
            (vec![], Verdict::Intact),
            "{minutes} min: {:#?}",
            ran.findings
        );
        assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (17, 15));
    }
    // A day later it should have come.
    let late = ran(&delivered, &request(&["trail-logs"], hour(8)));
    assert_eq!(late.kinds(), [Kind::ChainStale, Kind::LogUnreferenced], "{:#?}", late.findings);
}
