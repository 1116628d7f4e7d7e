//! CloudTrail's word on a trail that is named by its ARN: when it delivered the newest digest of each region is held
//! against what is listed there.

use std::collections::BTreeMap;

use trailproof::ident::{DigestKey, Location};
use trailproof::simulate::Spec;
use trailproof::time::Timestamp;

use super::{Account, json, kinds, message, now};
use crate::bodies::read;
use crate::cloud::{Fault, Faults, Rule, Trail};
use crate::fixtures::without_run_times;
use crate::mended::digests;
use crate::support::{Delivered, deliver};

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// Seconds from a digest's end to its delivery.
const LAG: i64 = 480;

/// Twelve hours of a trail in two regions, the newest digest of which was delivered some minutes ago.
struct Scene {
    account: Account,
    local: Delivered,
    arn: String,
}

impl Scene {
    fn new() -> Self {
        let start = Timestamp::from_unix(now() - 12 * 3_600 - LAG - 220);
        let regions = REGIONS.map(str::to_owned).to_vec();
        let local = deliver(&Spec {
            start,
            hours: 12,
            logs_per_hour: 1,
            events_per_log: 1,
            regions,
            ..Spec::default()
        });
        let account = Account::new();
        for location in local.store.locations() {
            let (body, metadata) = read(&local.store, &location);
            // A log file is delivered some minutes after the time in its name, which is in the hour of its digest.
            let end = DigestKey::parse(&location).map(|key| key.end);
            account.cloud.set_clock(Some(end.unwrap_or(start).unix() + LAG));
            account.cloud.put(&location.bucket, &location.key, body, metadata);
        }
        account.cloud.set_clock(None);
        REGIONS.iter().for_each(|region| account.cloud.add_keys_json(region, &local.simulated.keys_json));
        let newest = local.simulated.end.unix() + LAG;
        let regional = REGIONS.map(str::to_owned).into_iter().zip([newest, newest + 1]);
        let trail = Trail {
            name: "audit".to_owned(),
            bucket: "trail-logs".to_owned(),
            regional_digest_deliveries: BTreeMap::from_iter(regional),
            ..Trail::default()
        };
        let arn = trail.arn();
        account.cloud.add_trail(trail);
        Self { account, local, arn }
    }

    /// Removes the newest `count` digests of a region and the log files that they list.
    fn remove_newest(&self, region: &str, count: usize) -> Vec<Location> {
        let all = digests(&self.local.store, "audit");
        let of_region = all.into_iter().rev().filter(|(key, _)| &*key.folder.region == region);
        let gone: Vec<_> = of_region.take(count).collect();
        for (key, logs) in &gone {
            self.account.cloud.purge("trail-logs", &key.location().key);
            logs.iter().for_each(|log| self.account.cloud.purge("trail-logs", &log.key));
        }
        gone.into_iter().map(|(key, _)| key.location()).collect()
    }

    fn asked(&self, more: &[&str]) -> (Option<i32>, Vec<String>, serde_json::Value) {
        let done = self.account.run(&[&["validate", "--format", "json", &self.arn][..], more].concat());
        let report = json(&done);
        (done.code, kinds(&report), report)
    }
}

#[test]
fn a_digest_that_was_delivered_minutes_ago_is_missed() {
    let scene = Scene::new();
    let (code, found, report) = scene.asked(&[]);
    assert_eq!((code, found), (Some(0), vec![]), "{report}");
    let gone = scene.remove_newest("eu-west-1", 1);
    for more in [&[][..], &["--start-time", "2h"], &["--region", "eu-west-1"]] {
        let (code, found, report) = scene.asked(more);
        assert_eq!((code, found), (Some(1), vec!["digest-missing".to_owned()]), "{more:?} {report}");
        assert!(
            message(&report, "digest-missing").contains("CloudTrail reports the delivery of another digest")
        );
        let region =
            &report["findings"].as_array().unwrap().iter().find(|it| it["kind"] == "digest-missing").unwrap();
        assert_eq!(region["region"], "eu-west-1", "{gone:?}");
    }
    let (code, found, report) = scene.asked(&["--region", "us-east-1"]);
    assert_eq!((code, found), (Some(0), vec![]), "{report}");
    // Without CloudTrail's word it may be on its way: the verdict says up to when the record is covered.
    scene.account.cloud.deny_action("cloudtrail:GetTrailStatus", "");
    let (code, found, report) = scene.asked(&[]);
    assert_eq!((code, found), (Some(0), vec![]), "{report}");
    let text = scene.account.run(&["validate", "-q", &scene.arn]);
    let until = scene.local.simulated.end.plus(-3_600);
    assert!(text.stdout.trim_end().ends_with(&format!("; covered up to {until}")), "{}", text.stdout);
}

/// CloudTrail's word is asked once, for the plan: every shard and the merge go by it.
#[test]
fn a_trail_in_shards_is_the_same() {
    let scene = Scene::new();
    scene.remove_newest("eu-west-1", 1);
    let account = &scene.account;
    let end = Timestamp::from_unix(now() - 5).to_string();
    let whole = account.run(&["validate", "--format", "json", &scene.arn, "--end-time", &end]);
    assert_eq!(whole.code, Some(1), "{}", whole.stdout);
    let (plan, results) = (account.at("plan.jsonl"), account.at("results"));
    let planned = account.run(&["shards", "plan", "-q", "-o", &plan, &scene.arn, "--end-time", &end]);
    assert_eq!((planned.code, planned.stderr.as_str()), (Some(0), ""));
    let asked = account.asked("GetTrailStatus");
    assert_eq!(account.run(&["shards", "run", &plan, "-o", &results]).code, Some(0));
    let merged = account.run(&["shards", "merge", &plan, &results, "--format", "json"]);
    assert_eq!((merged.code, account.asked("GetTrailStatus")), (Some(1), asked));
    let [whole, merged] = [whole, merged].map(|done| without_run_times(done.stdout.as_bytes()));
    crate::shards::same(&whole, &merged).unwrap();
}

#[test]
fn a_digest_that_cannot_be_looked_for_again_is_said() {
    let scene = Scene::new();
    scene.remove_newest("eu-west-1", 1);
    for (listed, fault) in [(1, Fault::Refuse(403, "AccessDenied")), (1, Fault::Endless)] {
        let rule = Rule::new("ListObjectsV2", fault).on("/CloudTrail-Digest/eu-west-1/").after(listed);
        scene.account.cloud.set_faults(Faults { rules: vec![rule], ..Faults::default() });
        let (code, found, report) = scene.asked(&[]);
        assert_eq!((code, found), (Some(3), vec!["digest-unreadable".to_owned()]), "{fault:?} {report}");
        assert!(message(&report, "digest-unreadable").contains("could not be listed again"), "{report}");
    }
}

#[test]
fn a_forged_digest_does_not_stand_for_the_one_that_was_delivered() {
    let scene = Scene::new();
    let gone = scene.remove_newest("us-east-1", 1);
    let key = DigestKey::parse(&gone[0]).unwrap();
    // Minutes after CloudTrail's delivery: what lies there was not delivered then.
    scene.account.cloud.set_clock(Some(now() + 600));
    for (seconds, trail) in [(-1_200, "audit"), (600, "audit"), (0, "audit-2")] {
        let forged = DigestKey { end: key.end.plus(seconds), trail: trail.into(), ..key.clone() };
        scene.account.cloud.put("trail-logs", &forged.location().key, &b"{}"[..], BTreeMap::new());
    }
    scene.account.cloud.set_clock(None);
    let (code, found, report) = scene.asked(&[]);
    assert!(code == Some(1) && found.contains(&"digest-missing".to_owned()), "{report}");
}

#[test]
fn a_region_that_was_emptied_is_missed_where_cloudtrail_delivers_to_it() {
    let scene = Scene::new();
    for location in scene.local.store.locations().iter().filter(|at| at.key.contains("/eu-west-1/")) {
        scene.account.cloud.purge("trail-logs", &location.key);
    }
    for more in [&[][..], &["--start-time", "2h"], &["--region", "eu-west-1"]] {
        let (code, found, report) = scene.asked(more);
        assert_eq!((code, found), (Some(3), vec!["no-digests".to_owned()]), "{more:?} {report}");
        assert!(message(&report, "no-digests").contains("region `eu-west-1`"), "{report}");
    }
    let (code, found, report) = scene.asked(&["--region", "us-east-1"]);
    assert_eq!((code, found), (Some(0), vec![]), "{report}");
}

#[test]
fn a_named_trail_is_missed_where_its_record_ended_long_ago() {
    let account = Account::new();
    account.deliver("s3://trail-logs", &["--region", "us-east-1"]);
    let old = ["--start-time", "100d", "--region", "eu-west-1", "--home-region", "us-east-1"];
    let made =
        account.run(&[&["simulate", "s3://trail-logs/old", "--save", &account.at("old")], &old[..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let keys = std::fs::read_to_string(account.at("old/public-keys.json")).unwrap();
    account.cloud.add_keys_json("eu-west-1", &keys);
    let asked = |more: &[&str]| {
        let start = Timestamp::from_unix(now() - 3 * 3_600).to_string();
        let validate = ["validate", "s3://trail-logs", "--format", "json", "--start-time", &start];
        let done = account.run(&[&validate[..], more].concat());
        (done.code, kinds(&json(&done)))
    };
    let stale = (Some(3), vec!["chain-stale".to_owned()]);
    assert_eq!(asked(&["--trail", "audit"]), stale);
    assert_eq!(asked(&["--trail", "audit", "--region", "us-east-1"]), (Some(0), vec![]));
}
