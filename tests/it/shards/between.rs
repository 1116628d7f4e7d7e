//! What changes between the plan and its shards, or between the plan and the merge, is said.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use trailproof::event::{Fault, Finding, NoProgress};
use trailproof::shards::{PlanLine, run_shard};
use trailproof::simulate::Spec;
use trailproof::time::Timestamp;
use trailproof::validate::{CancelFlag, RunTools};

use super::{merge, plan, shard_lines};
use crate::cli::case::{Done, trailproof as run};
use crate::support::{Delivered, deliver, pool, request};

const END: &str = "2026-09-01T12:06:57Z";

/// A delivery of two regions on disk.
struct Delivery {
    dir: tempfile::TempDir,
}

impl Delivery {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("copy");
        let regions = ["--region", "us-east-1", "--region", "eu-west-1"];
        let size = ["--hours", "12", "--logs-per-hour", "2", "--start-time", "2026-09-01T00:06:57Z"];
        let done = run(&[&["simulate", made.to_str().unwrap()], &regions[..], &size[..]].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        Self { dir }
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn plan(&self, source: &str, more: &[&str]) {
        let (source, keys, plan) = (self.at(source), self.at("copy/public-keys.json"), self.at("plan"));
        let fixed = ["shards", "plan", &source, "--public-keys", &keys, "--end-time", END, "-o", &plan];
        let done = run(&[&fixed[..], more].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }

    fn shards(&self) -> Done {
        run(&["shards", "run", &self.at("plan"), "-o", &self.at("results")])
    }

    fn merge(&self, more: &[&str]) -> Done {
        let fixed = ["shards", "merge", &self.at("plan"), &self.at("results"), "--format", "json"];
        run(&[&fixed[..], more].concat())
    }

    fn validate(&self, state: &str) -> Done {
        let (source, keys) = (self.at("copy"), self.at("copy/public-keys.json"));
        run(&["validate", &source, "--public-keys", &keys, "--end-time", END, "--state", state])
    }

    /// All files whose path contains `part`, in order.
    fn files(&self, part: &str) -> Vec<PathBuf> {
        let (mut folders, mut found) = (vec![self.dir.path().join("copy")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.to_str().unwrap().contains(part) => found.push(path),
                    false => {}
                }
            }
        }
        found.sort();
        found
    }

    /// The newest digests of a region, with their sidecars.
    fn newest(&self, region: &str, digests: usize) -> Vec<PathBuf> {
        let mut files = self.files(&format!("/CloudTrail-Digest/{region}/"));
        files.split_off(files.len() - 2 * digests)
    }
}

/// The causes of all findings that are more than notices.
fn causes(done: &Done) -> Vec<String> {
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let grave = findings.filter(|finding| finding["severity"] != "notice");
    grave.map(|finding| finding["cause"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn digests_that_are_gone_since_the_plan_are_missed() {
    // 1. A whole region, of a named trail: another region answers for the trail.
    let delivery = Delivery::make();
    delivery.plan("copy", &["--trail", "audit"]);
    delivery.files("/eu-west-1/").into_iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(delivery.shards().code, Some(0));
    let merged = delivery.merge(&[]);
    assert_eq!((merged.code, causes(&merged)), (Some(3), vec!["shard-digests-gone".to_owned()]));
    // 2. The newest digests of each region.
    let delivery = Delivery::make();
    delivery.plan("copy", &["--objects-per-shard", "5"]);
    for region in ["us-east-1", "eu-west-1"] {
        delivery.newest(region, 3).into_iter().for_each(|path| fs::remove_file(path).unwrap());
    }
    assert_eq!(delivery.shards().code, Some(0));
    let merged = delivery.merge(&[]);
    assert_eq!(merged.code, Some(3), "{}", merged.stdout);
    let gone = causes(&merged).iter().filter(|cause| *cause == "shard-digests-gone").count();
    assert_eq!(gone, 2, "{}", merged.stdout);
}

#[test]
fn a_merge_needs_the_state_of_the_plan() {
    let delivery = Delivery::make();
    let (full, empty) = (delivery.at("full"), delivery.at("empty"));
    for state in [&full, &empty] {
        assert_eq!(run(&["state", "init", state]).code, Some(0));
    }
    assert_eq!(delivery.validate(&full).code, Some(0));
    delivery.newest("us-east-1", 3).into_iter().for_each(|path| fs::remove_file(path).unwrap());
    delivery.plan("copy", &["--state", &empty]);
    assert_eq!(delivery.shards().code, Some(0));
    delivery.merge(&["--state", &full]).assert_cannot("another state");
    // With the state that remembers, the rollback is seen.
    delivery.plan("copy", &["--state", &full]);
    fs::remove_file(delivery.at("results")).unwrap();
    assert_eq!(delivery.shards().code, Some(0));
    assert_eq!(delivery.merge(&["--state", &full]).code, Some(1));
}

/// Between the plan and its shards, another run proves newer digests; then these are gone.
#[test]
fn what_another_run_proved_since_the_plan_is_missed() {
    let delivery = Delivery::make();
    let state = delivery.at("state");
    assert_eq!(run(&["state", "init", &state]).code, Some(0));
    let aside = delivery.dir.path().join("aside");
    fs::create_dir(&aside).unwrap();
    let newest = delivery.newest("us-east-1", 3);
    let hide = || {
        for path in &newest {
            fs::rename(path, aside.join(path.file_name().unwrap())).unwrap();
        }
    };
    hide();
    assert_eq!(delivery.validate(&state).code, Some(3));
    delivery.plan("copy", &["--state", &state]);
    for path in &newest {
        fs::rename(aside.join(path.file_name().unwrap()), path).unwrap();
    }
    assert_eq!(delivery.validate(&state).code, Some(0));
    hide();
    assert_eq!(delivery.shards().code, Some(0));
    let merged = delivery.merge(&["--state", &state]);
    assert_eq!(merged.code, Some(3), "{}", merged.stdout);
    assert!(causes(&merged).contains(&"shard-memory-newer".to_owned()), "{}", merged.stdout);
    assert!(merged.stderr.contains("other runs wrote to the state"), "{}", merged.stderr);
    // Where the digests that the other run proved are listed, they only came after the plan, and are not of this run.
    for path in &newest {
        fs::rename(aside.join(path.file_name().unwrap()), path).unwrap();
    }
    fs::remove_file(delivery.at("results")).unwrap();
    assert_eq!(delivery.shards().code, Some(0));
    let merged = delivery.merge(&["--state", &state]);
    assert_eq!((merged.code, causes(&merged)), (Some(3), vec!["stale".to_owned()]));
}

#[test]
fn a_shard_reads_the_archive_of_the_plan_alone() {
    let delivery = Delivery::make();
    let archive = delivery.at("copy.tar");
    let pack = |more: &[&str]| {
        let copy = delivery.at("copy");
        let arguments = [&["-cf", &archive][..], more, &["-C", &copy, "."]].concat();
        assert!(std::process::Command::new("tar").args(arguments).status().unwrap().success());
    };
    pack(&[]);
    delivery.plan("copy.tar", &[]);
    assert_eq!(delivery.shards().code, Some(0));
    assert_eq!(delivery.merge(&[]).code, Some(0));
    // Another archive at the same path has another region, which no shard would look at.
    pack(&["--exclude", "eu-west-1"]);
    let refused = delivery.shards();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("has another content"), "{}", refused.stderr);
}

/// Findings of opening a copy where a shard runs are those of the run, unless the plan has them.
#[test]
fn what_only_the_machine_of_a_shard_sees_is_said() {
    let Delivered { store, keys, simulated } = deliver(&Spec { hours: 3, ..Spec::default() });
    let request = request(&["trail-logs"], simulated.end);
    let planned = plan(&store, &keys, &request, None);
    let why = "no digest says where the files lie".to_owned();
    let found = Finding::new(Fault::SkippedFolder { why }, Timestamp::from_unix(0));
    let (pool, stop) = (pool(2), CancelFlag::new());
    let tools = RunTools { store: &store, keys: &keys, pool: &pool, progress: &NoProgress, stop: &stop };
    let causes = |opened: &[Finding]| {
        let results = shard_lines(&planned).into_iter().map(|line| {
            let PlanLine::Shard(shard) = PlanLine::parse(line).unwrap() else { panic!("no shard") };
            run_shard(&shard, tools, opened, Timestamp::from_unix(0)).unwrap().unwrap().to_line().unwrap()
        });
        merge(&planned, &results.collect::<Vec<_>>(), &request).unwrap().json
    };
    assert!(!causes(&[]).contains("skipped-folder"));
    assert!(causes(&[found]).contains("skipped-folder"));
}
