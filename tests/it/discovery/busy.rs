//! A busy bucket in S3: a request takes 20 ms.

use std::time::{Duration, Instant};

use trailproof::event::Verdict;
use trailproof::store::Metadata;

use super::{SPELLINGS, hours, spec};
use crate::cloud::{Bucket, Faults};
use crate::{remote, support};

#[test]
fn a_year_of_hourly_folders_takes_under_400_requests_and_2_seconds() {
    let delivered = support::deliver(&spec("", Vec::new()));
    let cloud = remote::cloud_of(&delivered.store, &Bucket::default());
    for folder in hours(SPELLINGS[0], 30) {
        cloud.put("trail-logs", &format!("{folder}000000.gz"), "x", Metadata::new());
    }
    cloud.set_faults(Faults { latency: Duration::from_millis(20), ..Faults::default() });
    let request = support::request(&["trail-logs"], delivered.simulated.end);
    let begun = Instant::now();
    let ran = support::run(&remote::store(&cloud), &delivered.keys, &request, 8);
    let took = begun.elapsed();
    assert_eq!(ran.verdict, Verdict::Intact, "{:#?}", ran.findings);
    let asked = cloud.request_count();
    assert!(asked < 400, "{asked} requests");
    assert!(took < Duration::from_secs(10), "{took:?}, on a busy machine");
    println!("{asked} requests, {took:?}");
}
