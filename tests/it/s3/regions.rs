//! Buckets of other regions and other owners.

use trailproof::event::Verdict;
use trailproof::simulate::Spec;
use trailproof::store::Store as _;
use trailproof::store::StoreError;
use trailproof::store::s3::S3Store;

use super::{BUCKET, Remote, assert_only_incomplete};
use crate::cloud::{Bucket, Cloud, Fault, Faults, Rule};
use crate::remote;
use crate::support::{self, run};

fn bucket(region: &str) -> Bucket {
    Bucket { region: region.to_owned(), legacy_location: true, ..Bucket::default() }
}

/// Fails where anything but the question for its region was signed for another region than the bucket's.
fn assert_signed(cloud: &Cloud, bucket: &str, region: &str) {
    let asked = cloud.requests();
    let mut asked = asked.iter().filter(|asked| asked.bucket == bucket).peekable();
    assert!(asked.peek().is_some(), "`{bucket}` was not asked");
    for asked in asked.filter(|asked| !["HeadBucket", "GetBucketLocation"].contains(&&*asked.operation)) {
        assert_eq!(asked.region_signed_for, region, "{asked:?}");
    }
}

#[test]
fn each_bucket_is_asked_in_its_own_region() {
    for region in ["us-east-1", "eu-west-1", "ap-southeast-2"] {
        let spec = Spec { hours: 2, shared_body: true, ..Spec::default() };
        let remote = Remote::of(&spec, &bucket(region));
        assert_eq!(remote.run(8).verdict, Verdict::Intact, "{region}");
        assert_signed(&remote.cloud, BUCKET, region);
        assert_eq!(remote.asked("HeadBucket").len(), 1, "the region is looked up once");
    }
}

/// As some S3-compatible servers answer, and S3 where something stands between: 403 that names no region.
#[test]
fn where_head_bucket_names_no_region_its_location_is_asked_for() {
    for region in ["us-east-1", "eu-west-1", "ap-southeast-2"] {
        let spec = Spec { hours: 2, shared_body: true, ..Spec::default() };
        let remote = Remote::of(&spec, &bucket(region));
        let refused = Rule::new("HeadBucket", Fault::Refuse(403, "AccessDenied"));
        remote.cloud.set_faults(Faults { rules: vec![refused], ..Faults::default() });
        assert_eq!(remote.run(8).verdict, Verdict::Intact, "{region}");
        assert_signed(&remote.cloud, BUCKET, region);
        assert_eq!(remote.asked("GetBucketLocation").len(), 1, "the region is looked up once");
    }
}

#[test]
fn where_nothing_tells_the_region_the_requests_that_follow_say_what_is_wrong() {
    let spec = Spec { hours: 2, shared_body: true, ..Spec::default() };
    for (region, is_here) in [("us-east-1", true), ("ap-southeast-2", false)] {
        let remote = Remote::of(&spec, &bucket(region));
        let refused = |operation| Rule::new(operation, Fault::Refuse(403, "AccessDenied"));
        let rules = vec![refused("HeadBucket"), refused("GetBucketLocation")];
        remote.cloud.set_faults(Faults { rules, ..Faults::default() });
        let ran = remote.run(8);
        match is_here {
            true => assert_eq!(ran.verdict, Verdict::Intact, "{:?}", ran.findings),
            false => {
                assert_only_incomplete(&ran);
                assert!(ran.findings[0].message().contains("PermanentRedirect"), "{:?}", ran.findings);
            }
        }
    }
}

#[test]
fn a_chain_is_followed_to_a_bucket_of_another_region() {
    let local = support::deliver(&Spec {
        hours: 6,
        shared_body: true,
        move_at: Some((3, "new-logs".to_owned())),
        ..Spec::default()
    });
    let cloud = remote::cloud_of(&local.store, &bucket("eu-west-1"));
    cloud.create_bucket("new-logs", bucket("ap-southeast-2"));
    remote::fill(&cloud, &local.store, "new-logs");
    let asked = support::request(&["new-logs"], local.simulated.end);
    let ran = run(&remote::store(&cloud), &local.keys, &asked, 8);
    assert_eq!(ran.verdict, Verdict::Intact, "{:?}", ran.findings);
    assert_eq!(ran.counts.digests.valid, 7);
    assert_signed(&cloud, BUCKET, "eu-west-1");
    assert_signed(&cloud, "new-logs", "ap-southeast-2");
}

#[test]
fn a_bucket_of_another_owner_is_not_read() {
    let remote = Remote::small();
    let store = |owner: &str| S3Store::new(remote::aws(&remote.cloud), Some(owner.to_owned()));
    let foreign = store("999999999999");
    assert!(matches!(foreign.probe(BUCKET, ""), Err(StoreError::Denied(_))));
    assert!(matches!(foreign.list_dirs(BUCKET, ""), Err(StoreError::Denied(_))));
    assert_only_incomplete(&run(&foreign, &remote.local.keys, &remote.request(), 8));
    remote.cloud.forget_requests();
    let log = remote.logs("").remove(2);
    remote.cloud.delete(BUCKET, &log.key);
    run(&store("111122223333"), &remote.local.keys, &remote.request(), 8);
    for asked in remote.cloud.requests() {
        assert_eq!(asked.expected_owner.as_deref(), Some("111122223333"), "{asked:?}");
    }
    assert!(!remote.asked("ListObjectVersions").is_empty());
}
