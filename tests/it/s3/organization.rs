//! An organization's trails in one prefix, with keys from CloudTrail.

use std::collections::BTreeMap;

use trailproof::event::{Finding, Kind, Severity};
use trailproof::keys::KeyRing;
use trailproof::keys::cloudtrail::CloudTrailKeys;
use trailproof::simulate::Spec;

use super::{Remote, named};
use crate::cloud::Bucket;
use crate::{remote, support};

const REGIONS: [&str; 4] = ["ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2"];

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// 3 accounts, 4 regions and 2 trails, with their keys.
fn delivered() -> Remote {
    let remote = Remote::of(
        &Spec {
            hours: 3,
            logs_per_hour: 1,
            shared_body: true,
            organization: Some("o-abc123def4".to_owned()),
            accounts: owned(&["111122223333", "222233334444", "333344445555"]),
            regions: owned(&REGIONS),
            trails: owned(&["audit", "security"]),
            ..Spec::default()
        },
        &Bucket::default(),
    );
    for region in REGIONS {
        remote.cloud.add_keys_json(region, &remote.local.simulated.keys_json);
    }
    remote
}

fn asking(remote: &Remote) -> KeyRing {
    KeyRing::new().asking(Box::new(CloudTrailKeys::new(remote::aws(&remote.cloud))))
}

#[test]
fn one_run_finds_the_one_log_of_24_chains_that_was_modified() {
    let remote = delivered();
    let log = remote.logs("/222233334444/CloudTrail/eu-west-1/").remove(1);
    remote.modify(&log);
    let ran = remote.run_asking(&asking(&remote), 64);
    assert_eq!(ran.kinds(), [Kind::LogModified], "{:?}", ran.findings);
    assert_eq!(named(&ran, Kind::LogModified), [log.to_string()]);
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (96, 71));
    let mut first_pages = BTreeMap::new();
    for asked in remote.asked("ListPublicKeys").iter().filter(|asked| !asked.query.contains_key("NextToken"))
    {
        *first_pages.entry(asked.region_signed_for.clone()).or_default() += 1;
    }
    let once: BTreeMap<String, i32> = REGIONS.iter().map(|region| ((*region).to_owned(), 1)).collect();
    assert_eq!(first_pages, once);
}

#[test]
fn a_region_whose_keys_are_denied_is_unknown_and_the_others_are_intact() {
    let of = |region: &str, seed| Spec {
        seed,
        hours: 3,
        logs_per_hour: 1,
        regions: owned(&[region]),
        ..Spec::default()
    };
    let remote = Remote::of(&of("us-east-1", 0), &Bucket::default());
    // Another seed, other keys: one region's prove nothing of the other.
    let other = support::deliver(&of("eu-west-1", 1));
    remote::fill(&remote.cloud, &other.store, super::BUCKET);
    remote.cloud.add_keys_json("us-east-1", &remote.local.simulated.keys_json);
    remote.cloud.add_keys_json("eu-west-1", &other.simulated.keys_json);
    assert!(remote.run_asking(&asking(&remote), 8).kinds().is_empty());
    remote.cloud.deny_action("cloudtrail:ListPublicKeys", "eu-west-1");
    let ran = remote.run_asking(&asking(&remote), 64);
    super::assert_only_incomplete(&ran);
    let grave = ran.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    grave.for_each(|finding| assert_eq!(finding.region.as_deref(), Some("eu-west-1"), "{finding:?}"));
    let unknown = ran.findings.iter().filter(|finding| finding.kind == Kind::KeyUnknown);
    let unknown: Vec<String> = unknown.map(Finding::message).collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    let said = "without public keys, 4 digests and 3 log files of the region could not be verified: ";
    assert!(unknown[0].starts_with(said) && unknown[0].contains("AccessDenied"), "{unknown:?}");
    assert_eq!(ran.kinds().len(), 2, "and the gap: {:?}", ran.kinds());
    assert_eq!((ran.counts.digests.unverified, ran.counts.logs.unverified), (4, 3));
    assert_eq!((ran.counts.digests.valid, ran.counts.logs.valid), (4, 3));
}

/// A region that refuses keys is said once for all accounts, and once in each format.
#[test]
fn a_region_whose_keys_are_denied_is_one_finding_for_all_accounts() {
    let remote = delivered();
    remote.cloud.deny_action("cloudtrail:ListPublicKeys", "eu-west-1");
    let ran = remote.run_asking(&asking(&remote), 64);
    super::assert_only_incomplete(&ran);
    let unknown: Vec<&Finding> =
        ran.findings.iter().filter(|finding| finding.kind == Kind::KeyUnknown).collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!((unknown[0].region.as_deref(), unknown[0].account.as_deref()), (Some("eu-west-1"), None));
    // 3 accounts and 2 trails, with 4 digests and 3 log files each.
    assert!(unknown[0].message().contains("24 digests and 18 log files"), "{}", unknown[0].message());
    assert_eq!((ran.counts.digests.unverified, ran.counts.logs.unverified), (24, 18));
    assert!(
        ran.kinds().iter().all(|kind| [Kind::KeyUnknown, Kind::ChainGap].contains(kind)),
        "{:?}",
        ran.kinds()
    );
    let report: serde_json::Value = serde_json::from_str(&ran.json).unwrap();
    let told = report["findings"].as_array().unwrap().iter().filter(|told| told["kind"] == "key-unknown");
    let hints: Vec<&str> = told.filter_map(|told| told["hint"].as_str()).collect();
    assert!(hints.len() == 1 && hints[0].contains("enable the region"), "{hints:?}");
}
