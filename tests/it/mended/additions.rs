//! What is added to a folder of log files is named, wherever the trail delivered in that hour, and whether the region has
//! digests or not.

use trailproof::event::{Kind, Verdict};
use trailproof::ident::Location;
use trailproof::simulate::Spec;
use trailproof::store::{Deposit as _, Metadata};
use trailproof::time::Range;

use super::hour;
use crate::bodies::gzip;
use crate::support::{Delivered, Ran, deliver, request, run};

const FOLDER: &str = "AWSLogs/111122223333/CloudTrail";

fn put(delivered: &Delivered, bucket: &str, key: &str) -> Location {
    let location = Location::new(bucket, key);
    delivered.store.put(&location, &gzip(br#"{"Records":[]}"#), &Metadata::new()).unwrap();
    location
}

fn named(ran: &Ran, kind: Kind) -> Vec<String> {
    ran.findings
        .iter()
        .filter(|finding| finding.kind == kind)
        .filter_map(|finding| finding.uri.clone())
        .collect()
}

/// A trail that moved covers its time in both buckets: nothing is to be added in the one while it delivers to the other.
#[test]
fn a_log_file_in_the_bucket_that_a_trail_left_or_did_not_yet_deliver_to() {
    let spec = Spec {
        hours: 12,
        logs_per_hour: 1,
        events_per_log: 1,
        move_at: Some((6, "other-logs".to_owned())),
        ..Spec::default()
    };
    let buckets = ["trail-logs", "other-logs"];
    let untouched = deliver(&spec);
    let asked = request(&buckets, hour(12));
    assert_eq!(run(&untouched.store, &untouched.keys, &asked, 2).verdict, Verdict::Intact);
    // Long after the move, soon after it, and before it.
    for (bucket, at) in [("trail-logs", 10), ("trail-logs", 7), ("other-logs", 3)] {
        let delivered = deliver(&spec);
        let time = hour(at).plus(1_200);
        let name = time.to_string().replace(['-', ':'], "");
        let day = &time.to_string()[..10].replace('-', "/");
        let key = format!(
            "{FOLDER}/us-east-1/{day}/111122223333_CloudTrail_us-east-1_{}Z_forgedforged0000.json.gz",
            &name[..13]
        );
        let added = put(&delivered, bucket, &key);
        for start in [None, Some(hour(2))] {
            let mut asked = request(&buckets, hour(12));
            asked.range = Range { start, ..asked.range };
            let ran = run(&delivered.store, &delivered.keys, &asked, 2);
            assert_eq!(named(&ran, Kind::LogUnreferenced), [added.to_string()], "{bucket} {at} {start:?}");
        }
    }
}

/// A region without digests may have log files of a time without a trail; what lies where CloudTrail delivers nothing is
/// named there as elsewhere.
#[test]
fn what_lies_beside_the_days_of_a_region_without_digests() {
    let spec = Spec { hours: 5, logs_per_hour: 1, events_per_log: 1, ..Spec::default() };
    for region in ["us-east-1", "eu-west-1"] {
        for name in
            ["added.json.gz", "2026/added.json.gz", "elsewhere/added.json.gz", "/2026/09/01/added.json.gz"]
        {
            let delivered = deliver(&spec);
            let added = put(&delivered, "trail-logs", &format!("{FOLDER}/{region}/{name}"));
            let ran = run(&delivered.store, &delivered.keys, &request(&["trail-logs"], hour(5)), 2);
            assert_eq!(ran.verdict, Verdict::Incomplete, "{added}");
            assert_eq!(
                named(&ran, Kind::LogUnreferenced),
                [added.to_string()],
                "{added}: {:#?}",
                ran.findings
            );
        }
    }
}

/// The last digest before a stop, which nothing records, is gone, and with it less than an hour of the asked time.
#[test]
fn the_end_of_a_range_is_not_spared_where_the_chain_begins_anew_after_it() {
    let spec =
        Spec { hours: 20, logs_per_hour: 1, events_per_log: 1, stop: Some((12, 3)), ..Spec::default() };
    let delivered = deliver(&spec);
    let end = hour(12).plus(-600);
    let mut asked = request(&["trail-logs"], hour(20));
    asked.range.end = end;
    assert_eq!(run(&delivered.store, &delivered.keys, &asked, 2).verdict, Verdict::Intact);
    super::purge(&delivered.store, "audit", 11..12);
    let ran = run(&delivered.store, &delivered.keys, &asked, 2);
    assert_eq!(ran.verdict, Verdict::Incomplete);
    assert!(ran.findings.iter().any(|finding| finding.kind == Kind::ChainStale), "{:#?}", ran.findings);
}
