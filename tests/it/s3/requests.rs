//! How little is asked for one day in a year of digests.

use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::store::Metadata;
use trailproof::time::{DAY, HOUR, Range};

use super::{BUCKET, Remote};
use crate::cloud::Bucket;
use crate::support::time;

/// Half a year, in hours.
const HALF: i64 = 4_344;

/// Digests for half a year before and after, which nobody can read: one that is read spoils the run.
fn surround(remote: &Remote, first: &DigestKey) {
    for hour in (-HALF..0).chain(73..HALF) {
        let at = DigestKey { end: first.end.plus(hour * HOUR), ..first.clone() }.location();
        remote.cloud.put(BUCKET, &at.key, "no digest", Metadata::new());
    }
}

/// Whether it is a listing of what lies directly in a region's folder, a year's or a month's.
fn is_region_or_below(query: &std::collections::BTreeMap<String, String>) -> bool {
    query.contains_key("delimiter") && query["prefix"].contains("/us-east-1/")
}

#[test]
fn a_day_in_a_year_takes_few_requests() {
    let spec = Spec { hours: 72, logs_per_hour: 1, shared_body: true, ..Spec::default() };
    let remote = Remote::of(&spec, &Bucket::default());
    let first = remote.local.store.locations().iter().find_map(DigestKey::parse).unwrap();
    surround(&remote, &first);
    let (start, end) = (time("2026-09-02T00:00:00Z"), time("2026-09-03T00:00:00Z"));
    let mut request = remote.request();
    request.range = Range { start: Some(start), end };
    request.now = end.plus(200 * DAY);
    let ran = crate::support::run(&crate::remote::store(&remote.cloud), &remote.local.keys, &request, 8);
    assert!(ran.kinds().is_empty(), "{:?}", ran.findings);
    // Where the bucket is.
    assert_eq!(remote.asked("HeadBucket").len(), 1);
    let (levels, lists): (Vec<_>, Vec<_>) =
        remote.asked("ListObjectsV2").into_iter().partition(|asked| is_region_or_below(&asked.query));
    // What lies beside the years of digests, and beside the years, the months and the days of log files.
    assert_eq!(levels.len(), 1 + 3, "{levels:?}");
    let digests: Vec<_> = lists
        .iter()
        .filter(|asked| asked.query["prefix"].ends_with("/CloudTrail-Digest/us-east-1/"))
        .collect();
    // The digests of 63 days are 1,512 keys, two pages of 1,000.
    assert_eq!(digests.len(), 2, "{digests:?}");
    let after = format!("{}{}", first.folder.digest_prefix(), start.plus(-31 * DAY).day_folder());
    assert!(digests[0].query["start-after"] >= after, "{digests:?}");
    // The bucket's folders, the accounts, the account's folders, in which a prefix may go on, the regions of digests and
    // of log files; then the day's log files.
    assert_eq!(lists.len() - digests.len(), 6, "{lists:?}");
    let gets = remote.asked("GetObject");
    let read = |asked: &&crate::cloud::Request| DigestKey::parse(&Location::new(BUCKET, asked.key.as_str()));
    let ends: Vec<_> = gets.iter().filter_map(|asked| read(&asked)).map(|key| key.end).collect();
    // 25 that overlap the day, a witness before it, and those of three hours after it, of which one overlaps it.
    assert_eq!(ends.len(), 28, "{ends:?}");
    assert!(ends.iter().all(|at| *at > start.plus(-HOUR) && *at <= end.plus(3 * HOUR)), "{ends:?}");
    // One log file for each digest of the day.
    assert_eq!(gets.len() - ends.len(), 25);
}
