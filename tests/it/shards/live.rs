//! Shards of a bucket to which digests are delivered while the shards run: whenever each runs, the merged report is that
//! of the moment of the plan.

use trailproof::time::{HOUR, Range, Timestamp, parse_start};
use trailproof::validate::{SourceFolder, ValidationRequest};

use super::{merge, plan, result_at, same, shard_lines};
use crate::live::schedule::{self, Bucket};
use crate::signing::signer;
use crate::support::{self, as_one};

/// Seconds between the plan and the shards, in turn.
const LATER: [i64; 7] = [0, 20 * 60, HOUR, 3 * HOUR + 7, 90, 26 * HOUR, 7 * HOUR];

fn asked(now: Timestamp, start: Option<&str>, trail: Option<&str>) -> ValidationRequest {
    let source = SourceFolder { bucket: schedule::BUCKET.to_owned(), prefix: String::new() };
    let start = start.map(|typed| parse_start(typed, now).unwrap());
    let trails = trail.into_iter().map(str::to_owned).collect();
    ValidationRequest { trails, ..ValidationRequest::new(vec![source], Range { start, end: now }, now) }
}

#[test]
fn shards_of_any_hour_merge_to_the_run_of_the_plan() {
    let bucket = Bucket::of(&schedule::made_up(72, 3));
    let ring = &signer().ring;
    let first = schedule::START.plus(30 * HOUR);
    let starts = [None, Some("24h"), Some("6h"), Some("1h")];
    let mut cut = 0;
    for (number, minutes) in (0..16 * 60).step_by(97).enumerate() {
        let now = first.plus(minutes * 60);
        let trail = (number % 3 == 2).then_some("audit");
        let request = as_one(asked(now, starts[number % 4], trail));
        let whole = support::run(&bucket.at(now), ring, &request, 1);
        let planned = plan(&bucket.at(now), ring, &request, Some(20));
        let lines = shard_lines(&planned);
        cut += usize::from(lines.len() > 2);
        let results = lines.iter().zip(LATER.iter().cycle().skip(number));
        let results = results.map(|(line, later)| {
            let clock = now.plus(*later);
            result_at(&bucket.at(clock), ring, line, clock)
        });
        let merged = merge(&planned, &results.collect::<Vec<_>>(), &request).unwrap();
        if let Err(difference) = same(&whole.json, &merged.json) {
            panic!("{now} {request:?}\n{difference}");
        }
    }
    assert!(cut > 4, "{cut} of the plans have a region in parts");
}
