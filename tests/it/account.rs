//! The real binary and an account: what it makes of S3 and CloudTrail, of their refusals and of their silence.

pub(crate) mod access_points;
mod asks;
mod begin;
mod buckets;
mod copied;
mod examples;
mod named;
mod profiles;
mod reads;
mod settings;
mod terminal;
mod trust;
mod unproved;
mod validate_logs;
mod word;

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::cli::case::{Done, program};
use crate::cloud::{Bucket, Cloud};

/// The account that owns every bucket and trail here.
const OWNER: &str = "111122223333";

/// A cloud, and a home folder that holds no configuration.
pub(crate) struct Account {
    pub(crate) cloud: Cloud,
    pub(crate) home: tempfile::TempDir,
}

impl Account {
    /// With the empty bucket `trail-logs`.
    pub(crate) fn new() -> Self {
        let cloud = Cloud::start();
        cloud.create_bucket("trail-logs", Bucket::default());
        Self { cloud, home: tempfile::tempdir().unwrap() }
    }

    /// A file or folder in the home folder.
    pub(crate) fn at(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// The program with nothing in its environment but what leads to the cloud.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_ENDPOINT_URL", self.cloud.endpoint()).env("AWS_MAX_ATTEMPTS", "2");
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    /// What `simulate` does, its files in the folder `saved`.
    pub(crate) fn simulate(&self, target: &str, more: &[&str]) -> Done {
        let saved = self.at("saved");
        let small = ["--hours", "5", "--logs-per-hour", "1", "--events-per-log", "1"];
        self.run(&[&["simulate", target, "--save", &saved], &small[..], more].concat())
    }

    /// A delivery up to the present hour, whose keys CloudTrail has.
    pub(crate) fn deliver(&self, target: &str, more: &[&str]) {
        let made = self.simulate(target, more);
        assert_eq!((made.code, made.stdout.as_str()), (Some(0), ""), "{}", made.stderr);
        let keys = fs::read_to_string(self.at("saved/public-keys.json")).unwrap();
        self.cloud.add_keys_json("us-east-1", &keys);
    }

    /// The same over so many hours.
    pub(crate) fn deliver_hours(&self, target: &str, hours: u32) {
        let (saved, hours) = (self.at("saved"), hours.to_string());
        let spec = ["--hours", &hours, "--logs-per-hour", "1", "--events-per-log", "1", "--save", &saved];
        let made = self.run(&[&["simulate", target], &spec[..]].concat());
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let keys = fs::read_to_string(self.at("saved/public-keys.json")).unwrap();
        self.cloud.add_keys_json("us-east-1", &keys);
    }

    /// How often an operation was asked for.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        self.cloud.requests().iter().filter(|request| request.operation == operation).count()
    }
}

/// The JSON that was printed, which is as its schema says.
pub(crate) fn json(done: &Done) -> Value {
    let value: Value = serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr));
    crate::rendered::assert_as_its_schema(&value);
    value
}

/// The kinds of a report's findings that are more than notices.
pub(crate) fn kinds(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let serious = findings.filter(|finding| finding["severity"] != "notice");
    serious.map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

/// What the report says about the first finding of a kind.
pub(crate) fn message(report: &Value, kind: &str) -> String {
    let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == kind);
    found.unwrap_or_else(|| panic!("no `{kind}`: {report}"))["message"].as_str().unwrap().to_owned()
}

/// The present second of Unix time.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
