//! A busy bucket in S3: a request takes 20 ms.
#![expect(clippy::print_stdout, reason = "figures for whoever measures")]

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use trailproof::event::Verdict;
use trailproof::store::Metadata;

use super::{SPELLINGS, hours, spec};
use crate::account::Account;
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

/// 5,000 accounts with 17 regions each, a digest and a log file in each: what a plan of them takes.
#[test]
#[ignore = "takes a minute: prints figures for benches/README.md"]
fn an_organization_of_85_000_regions_is_planned() {
    let account = Account::new();
    account.cloud.remember_requests(false);
    account.cloud.create_bucket("trail-logs", Bucket::default());
    let words = ["us-east", "eu-west", "ap-south", "sa-east", "ca-west", "me-north"];
    let regions =
        words.iter().flat_map(|words| (1..=3).map(move |number| format!("{words}-{number}"))).take(17);
    let regions: Vec<String> = regions.collect();
    for number in 0..5_000_u64 {
        let id = 100_000_000_000 + number;
        for region in &regions {
            let folder = |kind: &str| {
                format!("AWSLogs/o-exampleorg1/{id}/{kind}/{region}/2026/09/01/{id}_{kind}_{region}")
            };
            let digest = format!("{}_audit_us-east-1_20260901T010657Z.json.gz", folder("CloudTrail-Digest"));
            let log = format!("{}_20260901T0040Z_aaaaaaaaaaaaaaaa.json.gz", folder("CloudTrail"));
            [digest, log].iter().for_each(|key| account.cloud.put("trail-logs", key, "x", Metadata::new()));
        }
    }
    account.cloud.set_faults(Faults { latency: Duration::from_millis(20), ..Faults::default() });
    for (name, more) in [("discovery, one region", &["--region", "me-north-2"][..]), ("plan", &[])] {
        let begun = Instant::now();
        let before = account.cloud.request_count();
        let mut command = account.command(&["validate", "s3://trail-logs", "--dry-run", "-q"]);
        let start = ["--start-time", "2026-09-01T00:06:57Z", "--end-time", "2026-09-01T01:06:57Z"];
        let mut child = command.args(start).args(more).stdout(Stdio::piped()).spawn().unwrap();
        let mut peak = String::new();
        while child.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            peak = status.lines().find(|line| line.starts_with("VmHWM")).map_or(peak, str::to_owned);
            thread::sleep(Duration::from_millis(50));
        }
        let asked = account.cloud.request_count() - before;
        println!("{name}: {asked} requests, {:?}, {peak}", begun.elapsed());
    }
}
