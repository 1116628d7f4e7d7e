//! Shards of buckets and trails, with plan and results in a bucket.

use super::same;
use crate::account::{Account, json, now};
use crate::cloud::Bucket;
use crate::fixtures::without_run_times;

const PLAN: &str = "s3://plans/today/plan.jsonl";
const RESULTS: &str = "s3://plans/today/results/";

fn account() -> Account {
    let account = Account::new();
    account.cloud.create_bucket("plans", Bucket::default());
    account
}

/// Plans, runs each shard by its number, and merges. Returns the number of shards and the report.
fn in_shards(account: &Account, asked: &[&str]) -> (usize, String) {
    let planned = account.run(&[&["shards", "plan", "-o", PLAN, "--objects-per-shard", "2"], asked].concat());
    assert_eq!((planned.code, planned.stdout.as_str()), (Some(0), ""), "{}", planned.stderr);
    let shards: usize =
        planned.stderr.split("planned ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    for number in (0..shards).rev() {
        let done = account.run(&["shards", "run", PLAN, "--index", &number.to_string(), "-o", RESULTS]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    }
    let merged = account.run(&["shards", "merge", PLAN, RESULTS, "--format", "json"]);
    json(&merged);
    (shards, merged.stdout)
}

#[test]
fn a_bucket_in_shards_is_the_same() {
    let account = account();
    account.deliver(
        "s3://trail-logs",
        &["--account-id", "111122223333", "--account-id", "444455556666", "--tamper", "log-modified"],
    );
    let end = trailproof::time::Timestamp::from_unix(now() - 60).to_string();
    let asked = ["s3://trail-logs", "--end-time", &end];
    let whole = account.run(&[&["validate", "--format", "json"], &asked[..]].concat());
    let (shards, merged) = in_shards(&account, &asked);
    assert!(shards > 2, "{shards}");
    same(&without_run_times(whole.stdout.as_bytes()), &without_run_times(merged.as_bytes())).unwrap();
    // Without the slash at its end a prefix is an object.
    let object = RESULTS.trim_end_matches('/');
    let merged = account.run(&["shards", "merge", PLAN, object]);
    merged.assert_cannot(&format!("there is no object `{object}`"));
    assert!(
        merged.stderr.contains(&format!("a prefix needs a slash at its end: `{RESULTS}`")),
        "{}",
        merged.stderr
    );
    // A result is lost.
    let lost = account.cloud.keys("plans").into_iter().find(|key| key.contains("/results/")).unwrap();
    account.cloud.delete("plans", &lost);
    let merged = account.run(&["shards", "merge", PLAN, RESULTS, "--format", "json"]);
    assert!(merged.stdout.contains("\"shard-missing\""), "{}", merged.stdout);
}
