//! A network and a service that fail: nothing is passed over, and no failure is called tampering.

use aws_config::retry::RetryConfig;
use trailproof::event::{Kind, Verdict};
use trailproof::simulate::Spec;
use trailproof::store::Metadata;
use trailproof::store::s3::S3Store;

use super::{BUCKET, Remote, assert_only_incomplete};
use crate::cloud::{Bucket, Fault, Faults, Rule};
use crate::remote;
use crate::support::{Ran, run};

/// How many objects; more where `TRAILPROOF_OBJECTS` says so.
fn objects() -> u32 {
    std::env::var("TRAILPROOF_OBJECTS").map_or(4_000, |count| count.parse().unwrap())
}

#[test]
fn what_fails_for_a_while_changes_nothing() {
    let spec = Spec { hours: objects() / 40, logs_per_hour: 39, shared_body: true, ..Spec::default() };
    let remote = Remote::of(&spec, &Bucket::default());
    let log = remote.logs("").remove(100);
    remote.modify(&log);
    let without = remote.run(64);
    let faults = Faults { slow_down: 0.05, reset: 0.01, truncate: 0.01, ..Faults::default() };
    remote.cloud.set_faults(faults);
    let with = remote.run(64);
    assert_eq!(without.kinds(), [Kind::LogModified], "{:?}", without.findings);
    assert_eq!(with.json, without.json);
    assert!(remote.cloud.requests().iter().any(|asked| asked.status == 503), "nothing failed");
}

/// Runs on a service that fails in this way, without much patience.
fn failing(remote: &Remote, faults: Faults) -> Ran {
    remote.cloud.set_faults(faults);
    let aws = remote::aws_retrying(&remote.cloud, RetryConfig::standard().with_max_attempts(2));
    run(&S3Store::new(aws, None), &remote.local.keys, &remote.request(), 8)
}

/// After how many requests it fails: at once, in between, and before the last.
fn moments(remote: &Remote) -> Vec<u64> {
    remote.run(8);
    let all = remote.cloud.requests().len() as u64;
    vec![0, 1, 4, all / 2, all * 3 / 4, all - 1]
}

#[test]
fn a_network_that_is_gone_midway_leaves_the_run_incomplete() {
    let remote = Remote::small();
    for moment in moments(&remote) {
        let ran = failing(&remote, Faults { gone_after: Some(moment), ..Faults::default() });
        assert_only_incomplete(&ran);
    }
}

#[test]
fn credentials_that_expire_midway_leave_the_run_incomplete() {
    let remote = Remote::small();
    for moment in moments(&remote) {
        let ran = failing(&remote, Faults { expired_after: Some(moment), ..Faults::default() });
        assert_only_incomplete(&ran);
    }
}

/// A server in trouble may say of a bucket that it does not exist, between two other answers.
#[test]
fn a_bucket_that_is_said_to_be_gone_midway_hides_nothing_and_accuses_nobody() {
    let spec = Spec { hours: 30, logs_per_hour: 1, shared_body: true, ..Spec::default() };
    let settings = || Bucket { versioned: true, ..Bucket::default() };
    let (whole, changed) = (Remote::of(&spec, &settings()), Remote::of(&spec, &settings()));
    let like = changed.logs("").remove(7);
    let name = like.key.rsplit_once('_').unwrap().0;
    changed.cloud.put(BUCKET, &format!("{name}_forged0123456789.json.gz"), "x", Metadata::new());
    let gone = Fault::Refuse(404, "NoSuchBucket");
    for (operation, moments) in [("ListObjectsV2", 0..24), ("GetObject", 0..4), ("ListObjectVersions", 0..2)]
    {
        for moment in moments {
            let rules = || vec![Rule::new(operation, gone).after(moment).times(1)];
            let faults = || Faults { page_size: 7, rules: rules(), ..Faults::default() };
            whole.cloud.set_faults(faults());
            let ran = whole.run(1);
            assert_ne!(ran.verdict, Verdict::Tampered, "{operation} {moment}: {:?}", ran.findings);
            changed.cloud.set_faults(faults());
            let ran = changed.run(1);
            assert_ne!(ran.verdict, Verdict::Intact, "{operation} {moment}: {:?}", ran.findings);
        }
        // For good, from one request on.
        for moment in [1, 3, 6] {
            let rules = vec![Rule::new(operation, gone).after(moment)];
            whole.cloud.set_faults(Faults { page_size: 7, rules, ..Faults::default() });
            let ran = whole.run(1);
            assert_ne!(ran.verdict, Verdict::Tampered, "{operation} {moment}: {:?}", ran.findings);
            if operation != "ListObjectVersions" {
                assert_ne!(ran.verdict, Verdict::Intact, "{operation} {moment}: {:?}", ran.findings);
            }
        }
    }
}
