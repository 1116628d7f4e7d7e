//! Deliveries of a few hours, of every shape.

use proptest::prelude::*;
use trailproof::ident::DigestKey;
use trailproof::simulate::Spec;
use trailproof::store::memory::MemoryStore;
use trailproof::time::{HOUR, Timestamp};

/// The bucket a delivery moves to.
pub(crate) const MOVED: &str = "moved-logs";

/// What happens to the trail while it delivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    Plain,
    Stop,
    /// For so many minutes, fewer than 60.
    Pause(u32),
    Move,
    Backfill,
}

/// What there are two of.
#[derive(Clone, Copy, Debug)]
enum Two {
    Nothing,
    Trails,
    Accounts,
    Regions,
}

pub(crate) fn shape() -> impl Strategy<Value = Spec> {
    let course = prop_oneof![
        Just(Course::Plain),
        Just(Course::Stop),
        (1..60_u32).prop_filter("the end of its hour", |it| *it != 50).prop_map(Course::Pause),
        Just(Course::Move),
        Just(Course::Backfill),
    ];
    let two = prop_oneof![Just(Two::Nothing), Just(Two::Trails), Just(Two::Accounts), Just(Two::Regions)];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0..3_u64, 0..86_400_i64, 3..=5_u32, 0..=2_u32, course, two, switches).prop_map(
        |(seed, shift, hours, logs, course, two, (quiet, rotate, organization, prefix))| {
            let mut spec = Spec { seed, hours, logs_per_hour: logs, events_per_log: 1, ..Spec::default() };
            spec.start = spec.start.plus(shift);
            spec.quiet_every = quiet.then_some(3);
            spec.rotate_keys_every = rotate.then_some(2);
            spec.organization = organization.then(|| "o-abcdefghij".to_owned());
            spec.prefix = if prefix { "a/b".to_owned() } else { String::new() };
            spec.home_region = Some("eu-west-3".to_owned());
            widen(&mut spec, two);
            steer(&mut spec, course);
            spec
        },
    )
}

fn widen(spec: &mut Spec, two: Two) {
    match two {
        Two::Nothing => {}
        Two::Trails => spec.trails.push("audit_us-east-1_x".to_owned()),
        Two::Accounts => spec.accounts.push("444455556666".to_owned()),
        Two::Regions => spec.regions.push("eu-west-3".to_owned()),
    }
}

/// Every stretch of coverage is two hours long at least, and every backfilled log file lies well inside one: within
/// 35 minutes of an edge nobody can say of a file that it is unreferenced.
fn steer(spec: &mut Spec, course: Course) {
    match course {
        Course::Plain => {}
        Course::Stop => (spec.hours, spec.stop) = (5, Some((2, 1))),
        Course::Pause(minutes) => (spec.hours, spec.pause) = (5, Some((2, minutes))),
        Course::Move => (spec.hours, spec.move_at) = (spec.hours.max(4), Some((2, MOVED.to_owned()))),
        Course::Backfill => (spec.hours, spec.backfill_every) = (spec.hours | 1, Some(2)),
    }
}

/// Where two hours of one stretch of coverage meet, and the bucket they were delivered to.
pub(crate) fn meetings(spec: &Spec) -> Vec<(Timestamp, String)> {
    let bucket = |hour: u32| match &spec.move_at {
        Some((from, bucket)) if hour >= *from => bucket.clone(),
        _ => spec.bucket.clone(),
    };
    let stopped = |hour: u32| spec.stop.is_some_and(|(after, hours)| (after..after + hours).contains(&hour));
    let paused = |hour: u32| spec.pause.is_some_and(|(at, _)| at == hour);
    let meets = |hour: &u32| {
        bucket(hour - 1) == bucket(*hour) && !stopped(hour - 1) && !stopped(*hour) && !paused(hour - 1)
    };
    (1..spec.hours).filter(meets).map(|hour| (begin(spec, hour), bucket(hour))).collect()
}

/// When an hour begins. A pause begins ten minutes into its hour, and the next hour when it ends.
fn begin(spec: &Spec, hour: u32) -> Timestamp {
    let begin = spec.start.plus(i64::from(hour) * HOUR);
    match spec.pause {
        Some((at, minutes)) if hour > at => begin.plus(i64::from(minutes) * 60 + 600 - HOUR),
        _ => begin,
    }
}

/// Whether logging never stops.
pub(crate) fn is_unbroken(spec: &Spec) -> bool {
    spec.stop.is_none() && spec.pause.is_none()
}

pub(crate) fn digests(store: &MemoryStore) -> Vec<DigestKey> {
    store.locations().iter().filter_map(DigestKey::parse).collect()
}
