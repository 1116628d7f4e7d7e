//! The live trail: a bucket as it is at any minute, with digests on their way and two trails in one prefix. Whoever asks
//! at whatever minute of a healthy trail is told that it is intact, and runs a day apart leave no digest unread.
//!
//! The schedules are made up from the lags of real deliveries, and, where `../shared/real` is at hand, those deliveries
//! themselves. `TRAILPROOF_EVERY` says how many seconds lie between two runs.

mod copies;
pub(crate) mod schedule;

use std::collections::BTreeSet;

use trailproof::event::{Event, ObjectType, Verdict};
use trailproof::ident::{DigestKey, Location};
use trailproof::time::{DAY, DELIVERY_GRACE, HOUR, Range, Timestamp, parse_start};
use trailproof::validate::{SourceFolder, ValidationRequest};

use crate::signing::signer;
use crate::support::{Ran, run};
use schedule::{Bucket, Delivery};

/// What is asked; `None` is all there is.
const ASKED: [Option<&str>; 5] = [Some("1h"), Some("2h"), Some("6h"), Some("24h"), None];

fn every(default: i64) -> usize {
    let asked = std::env::var("TRAILPROOF_EVERY").ok().map(|text| text.parse::<i64>().unwrap());
    usize::try_from(asked.unwrap_or(default)).unwrap()
}

fn asked(now: Timestamp, start: Option<&str>) -> ValidationRequest {
    let source = SourceFolder { bucket: schedule::BUCKET.to_owned(), prefix: String::new() };
    let start = start.map(|typed| parse_start(typed, now).unwrap());
    ValidationRequest::new(vec![source], Range { start, end: now }, now)
}

fn run_at(bucket: &Bucket, now: Timestamp, start: Option<&str>) -> Ran {
    let mut request = asked(now, start);
    request.every_object = true;
    run(&bucket.at(now), &signer().ring, &request, 1)
}

/// Asks at each step from `first` to `last`, and fails where the answer is another than `intact`.
fn assert_intact_at_any_minute(bucket: &Bucket, first: Timestamp, last: Timestamp, step: usize) {
    for now in (first.unix()..=last.unix()).step_by(step).map(Timestamp::from_unix) {
        for start in ASKED {
            let ran = run_at(bucket, now, start);
            assert_eq!(ran.verdict, Verdict::Intact, "{start:?} at {now}: {:#?}", ran.findings);
        }
    }
}

#[test]
fn a_healthy_trail_is_intact_at_any_minute() {
    let deliveries = schedule::made_up(60, 3);
    let (first, bucket) = (schedule::START.plus(33 * HOUR), Bucket::of(&deliveries));
    assert_intact_at_any_minute(&bucket, first, first.plus(24 * HOUR), every(3 * HOUR + 2_413));
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn the_real_schedule_is_intact_at_any_minute() {
    let Some(deliveries) = schedule::real() else {
        return eprintln!("skipped: ../shared/real is not here");
    };
    let ends = || deliveries.iter().filter_map(|one| one.digest.as_ref().map(|key| key.end));
    let (first, last) = (ends().min().unwrap().plus(30 * HOUR), ends().max().unwrap());
    let bucket = Bucket::of(&deliveries);
    assert_intact_at_any_minute(&bucket, first, first.plus(2 * DAY).min(last), every(6 * HOUR + 2_413));
}

/// The margin is for what is on its way alone: a forged log file is named by the first run after the grace.
#[test]
fn a_forged_log_file_is_named_once_every_trail_covers_its_time() {
    let deliveries = schedule::made_up(40, 3);
    let forged = "111122223333_CloudTrail_us-east-1_20260902T0400Z_forgedforgedforg.json.gz";
    let key = format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/02/{forged}");
    let at = schedule::time("2026-09-02T04:01:00Z");
    let forged = Delivery { location: Location::new(schedule::BUCKET, key), at, digest: None, trail: None };
    let bucket = Bucket::of(&[deliveries, vec![forged.clone()]].concat());
    let named = |now: Timestamp| {
        let ran = run_at(&bucket, now, Some("24h"));
        ran.findings.iter().any(|finding| finding.uri == Some(forged.location.to_string()))
    };
    assert!(named(at.plus(DELIVERY_GRACE + HOUR)) && named(at.plus(20 * HOUR)));
}

#[test]
fn daily_runs_leave_no_digest_unread() {
    let deliveries = schedule::made_up(31 * 24, 0);
    let bucket = Bucket::of(&deliveries);
    let end = schedule::START.plus(31 * DAY);
    let all = std::env::var_os("TRAILPROOF_EVERY").is_some();
    for minute in [17, 0, 34, 51].into_iter().take(if all { 4 } else { 1 }) {
        let mut read = BTreeSet::new();
        let first = schedule::START.plus(DAY + minute * 60);
        let mut last = first;
        for now in (0..).map(|day| first.plus(day * DAY)).take_while(|now| *now <= end) {
            last = now;
            let ran = run_at(&bucket, now, Some("24h"));
            read.extend(ran.events.iter().filter_map(|event| match event {
                Event::Object { object: ObjectType::Digest, uri, .. } => Some(uri.clone()),
                _ => None,
            }));
        }
        let wanted = deliveries.iter().filter(|one| one.digest.is_some() && one.at <= last);
        let unread: Vec<String> =
            wanted.map(|one| one.location.to_string()).filter(|uri| !read.contains(uri)).collect();
        assert!(unread.is_empty(), "{unread:#?}");
    }
    assert!(deliveries.iter().all(|one| one.digest.is_some() == DigestKey::parse(&one.location).is_some()));
}
