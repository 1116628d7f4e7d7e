//! Months of hourly runs by the real program over a bucket that grows, each run at an hour of its own: libfaketime sets the
//! program's clock. Now and then the host is down for a while, as hosts are.
//!
//! `TRAILPROOF_MONTHS=3 cargo test --test it state::months -- --nocapture` prints a line for each day. Skipped with a line
//! where libfaketime is not installed (Debian: `faketime`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use trailproof::time::{DAY, DELIVERY_GRACE, HOUR, Timestamp};

use super::cloud::{STATE, account};
use crate::account::{Account, json, kinds};
use crate::bodies::read;
use crate::cli::case::Done;
use crate::live::schedule::{BUCKET, Bucket, Delivery, START, made_up};
use crate::signing::signer;

/// The library of the command `faketime`.
fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.is_file())
}

/// A bucket that is filled as time goes on, and the program whose clock shows that time.
struct Months {
    account: Account,
    library: PathBuf,
    bucket: Bucket,
    /// What is not delivered yet, the next delivery last.
    due: Vec<Delivery>,
    /// When each key was delivered.
    delivered: BTreeMap<String, Timestamp>,
}

impl Months {
    fn begin(library: PathBuf, days: i64) -> Self {
        let mut due = made_up(days * 24, 1);
        // One trail in one region.
        let is_of_trail = |one: &Delivery| {
            one.location.key.contains("/us-east-1/") && one.trail.as_deref() == Some("audit")
        };
        due.retain(is_of_trail);
        let bucket = Bucket::of(&due);
        due.sort_by_key(|one| std::cmp::Reverse(one.at));
        let account = account();
        account.cloud.add_keys_json("us-east-1", &signer().saved);
        let made = account.run(&["state", "init", STATE]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        Self { account, library, bucket, due, delivered: BTreeMap::new() }
    }

    /// Delivers what is due until `now`.
    fn deliver(&mut self, now: Timestamp) {
        while let Some(one) = self.due.pop_if(|one| one.at <= now) {
            let (body, metadata) = read(&self.bucket.at(now), &one.location);
            self.account.cloud.set_clock(Some(one.at.unix()));
            self.account.cloud.put(BUCKET, &one.location.key, body, metadata.into_iter().collect());
            self.delivered.insert(one.location.key.to_string(), one.at);
        }
        self.account.cloud.set_clock(Some(now.unix()));
    }

    /// The program at `now`: what it did, and the objects that it read.
    fn run_at(&self, now: Timestamp, arguments: &[&str]) -> (Done, BTreeSet<String>) {
        self.account.cloud.forget_requests();
        let mut command = self.account.command(arguments);
        // Waiting is by the monotonic clock, which is nobody's date.
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("FAKETIME", format!("@{}", now.to_string().replace('T', " ").replace('Z', "")));
        let done = command.env("TZ", "UTC").output().unwrap().into();
        let requests = self.account.cloud.requests().into_iter();
        let read = requests.filter(|request| request.operation == "GetObject" && request.bucket == BUCKET);
        (done, read.map(|request| request.key).collect())
    }
}

/// Whether the job runs at the hour with this number: every ten days the host is down for a day and a half.
const fn is_up(hour: i64) -> bool {
    hour % 240 < 204
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a test that was skipped has to say so, and the figures are asked for"
)]
fn hourly_runs_by_the_real_program() {
    let Some(library) = libfaketime() else {
        return eprintln!("skipped: libfaketime is not installed");
    };
    let asked = std::env::var("TRAILPROOF_MONTHS").ok().map(|months| months.parse::<i64>().unwrap());
    let days = asked.map_or(6, |months| months * 30);
    let mut months = Months::begin(library, days);
    let validate =
        ["validate", "s3://trail-logs", "--state", STATE, "--recheck", "1/720", "--format", "json"];
    let (mut seen, mut last) = (BTreeSet::new(), Value::Null);
    // Without asking for more than a few runs, only some of the hours.
    let step = if asked.is_some() { 1 } else { 6 };
    for hour in (30..days * 24 - 5).filter(|hour| hour % step == 0 && is_up(*hour)) {
        let now = START.plus(hour * HOUR);
        months.deliver(now);
        let (done, read) = months.run_at(now, &validate);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "at {now}: {}", done.stdout);
        last = json(&done);
        if asked.is_some() && hour % 24 == 0 {
            eprintln!("{now},{},{}", read.len(), months.delivered.len());
        }
        seen.extend(read);
    }
    // 1. Each delivered object was read by a run, and all that was ever proved counts in the last run.
    let now = START.plus((days * 24 - 5) * HOUR);
    months.deliver(now);
    let (done, read) = months.run_at(now, &validate);
    seen.extend(read);
    // The digests that list the newest log files are on their way.
    let settled = months.delivered.iter().filter(|(_, at)| at.plus(DELIVERY_GRACE) < now);
    let unread: Vec<&String> = settled.map(|(key, _)| key).filter(|key| !seen.contains(*key)).collect();
    assert!(unread.is_empty(), "{unread:#?}");
    // Absent for 0.
    let count = |report: &Value, state: &str| report["counts"]["digests"][state].as_u64().unwrap_or_default();
    let proved = |report: &Value| count(report, "valid") + count(report, "remembered");
    let report = json(&done);
    assert!(proved(&report) >= proved(&last) && count(&report, "remembered") > 20, "{report}");
    // 2. A log file of the second day is gone, with its delete marker: the same job says so.
    let day = START.plus(DAY).day_folder();
    let mut keys = months.delivered.keys();
    let gone = keys.find(|key| key.contains("/CloudTrail/") && key.contains(&*day)).unwrap();
    months.account.cloud.purge(BUCKET, gone);
    let (done, _) = months.run_at(now.plus(HOUR), &validate);
    assert_eq!(
        (done.code, kinds(&json(&done))),
        (Some(1), vec!["log-missing".to_owned()]),
        "{}",
        done.stdout
    );
}
