//! The picture of a chain's time: each hour in the gravest state that is said of it.

use trailproof::event::Event;
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::validate::ValidationRequest;

use crate::edges::in_full;
use crate::mended::{digests, hour, purge, ran};
use crate::support::{Delivered, deliver, request};

/// Eleven hours of a trail that was stopped for two of them.
fn stopped() -> Delivered {
    deliver(&Spec { hours: 11, logs_per_hour: 1, events_per_log: 1, stop: Some((4, 2)), ..Spec::default() })
}

/// A letter for each hour: proved, tampered with, unverified, a gap.
fn picture(delivered: &Delivered) -> String {
    picture_of(delivered, &request(&["trail-logs"], hour(11)))
}

fn picture_of(delivered: &Delivered, asked: &ValidationRequest) -> String {
    let ran = ran(delivered, asked);
    let shown = ran.events.iter().find_map(|event| match event {
        Event::Chain(chain) => chain.timeline.as_ref(),
        _ => None,
    });
    let shown = shown.unwrap_or_else(|| panic!("no picture: {:#?}", ran.findings));
    assert_eq!(shown.step(), 3_600, "{shown}");
    shown.to_string()
}

/// The log file of the digest that was delivered as number `index`.
fn log(delivered: &Delivered, index: usize) -> Location {
    digests(&delivered.store, "audit").remove(index).1.remove(0)
}

#[test]
fn hours_that_are_proved_and_hours_without_digests() {
    assert_eq!(picture(&stopped()), "4p2g5p");
}

#[test]
fn an_hour_is_as_bad_as_the_worst_of_its_objects() {
    let delivered = stopped();
    delivered.store.put(&log(&delivered, 1), b"x", &Metadata::new()).unwrap();
    delivered.store.make_unreadable(&log(&delivered, 2)).unwrap();
    let digest = digests(&delivered.store, "audit").remove(6).0.location();
    delivered.store.make_unreadable(&digest).unwrap();
    // What lies where an unreadable digest is can still be proved by nobody.
    assert_eq!(picture(&delivered), "1p1t1u1p2g2p1u2p");
}

#[test]
fn hours_at_the_end_whose_digests_are_gone_are_a_gap() {
    let delivered = stopped();
    purge(&delivered.store, "audit", 7..9);
    assert_eq!(picture(&delivered), "4p2g3p2g");
    // The same where CloudTrail says that it delivered one of them.
    purge(&delivered.store, "audit", 5..7);
    let mut asked = request(&["trail-logs"], hour(11));
    asked.named.push(in_full("audit", hour(11).plus(1)));
    assert_eq!(picture_of(&delivered, &asked), "4p2g1p4g");
}

/// A digest that its successor records was there: that it is gone is no stop of logging.
#[test]
fn an_hour_whose_digest_is_missing_is_tampered_with() {
    let delivered = stopped();
    purge(&delivered.store, "audit", 6..7);
    assert_eq!(picture(&delivered), "4p2g2p1t2p");
}
