//! Who is measured, and how each is called.

use std::process::Command;

use crate::deliveries::{BUCKET, Delivery, HOME};
use crate::measure::Contestant;
use crate::server::Served;

/// The program that was built with this benchmark.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_trailproof");

/// Names the AWS CLI's program, where it is not `aws`.
const AWS: &str = "TRAILPROOF_AWS_CLI";

fn environment(served: &Served) -> Vec<(String, String)> {
    let own = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", HOME),
        ("AWS_DEFAULT_REGION", HOME),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_ENDPOINT_URL", &*served.url),
    ];
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn contestant(name: &str, command: Vec<String>) -> Contestant<'static> {
    Contestant {
        name: name.to_owned(),
        commands: vec![command],
        environment: Vec::new(),
        code: 0,
        server: None,
    }
}

/// The same commands by the older `program`; `None` where the contestant is not our program.
pub fn by_older<'s>(program: &str, contestant: &Contestant<'s>) -> Option<Contestant<'s>> {
    let mut older = Contestant { name: format!("{}, before", contestant.name), ..contestant.clone() };
    for command in &mut older.commands {
        let first = command.first_mut().filter(|first| *first == PROGRAM)?;
        program.clone_into(first);
    }
    Some(older)
}

/// `trailproof validate`, with these further arguments.
pub fn trailproof(name: &str, source: &str, delivery: &Delivery, more: &[&str]) -> Contestant<'static> {
    let mut command = words(&[PROGRAM, "validate", source, "--end-time", &delivery.summary.end, "-q"]);
    command.extend(words(more));
    contestant(name, command)
}

/// The same from the directory.
pub fn on_disk(name: &str, delivery: &Delivery, more: &[&str]) -> Contestant<'static> {
    let (dir, keys) = (delivery.bucket(), delivery.keys());
    let more = [&["--public-keys", &keys][..], more].concat();
    trailproof(name, dir.to_str().unwrap(), delivery, &more)
}

/// The same from the server.
pub fn in_s3<'s>(name: &str, served: &'s Served, delivery: &Delivery, more: &[&str]) -> Contestant<'s> {
    let contestant = trailproof(name, &format!("s3://{BUCKET}"), delivery, more);
    Contestant { environment: environment(served), server: Some(served), ..contestant }
}

/// A plan of shards from the server, which is written to a file and not carried out.
pub fn planned<'s>(name: &str, served: &'s Served, delivery: &Delivery, more: &[&str]) -> Contestant<'s> {
    let plan = delivery.dir.with_extension("plan.jsonl");
    let source = format!("s3://{BUCKET}");
    let fixed = [PROGRAM, "shards", "plan", &source, "--end-time", &delivery.summary.end, "-q"];
    let command = words(&[&fixed[..], &["-o", plan.to_str().unwrap()], more].concat());
    Contestant { environment: environment(served), server: Some(served), ..contestant(name, command) }
}

/// Plan, all shards, so many at a time, and merge.
pub fn in_shards<'s>(
    name: &str,
    served: &'s Served,
    delivery: &Delivery,
    most_logs: &str,
    at_once: &str,
) -> Contestant<'s> {
    let mut planned = planned(name, served, delivery, &["--objects-per-shard", most_logs]);
    let (plan, results) =
        (delivery.dir.with_extension("plan.jsonl"), delivery.dir.with_extension("results.jsonl"));
    let (plan, results) = (plan.to_str().unwrap(), results.to_str().unwrap());
    planned.commands.push(words(&[PROGRAM, "shards", "run", plan, "-o", results, "--at-once", at_once]));
    planned.commands.push(words(&[PROGRAM, "shards", "merge", plan, results, "-q"]));
    planned
}

/// The AWS CLI, once for each account and region; `None` where it is not installed.
pub fn aws_cli<'s>(served: &'s Served, delivery: &Delivery) -> Option<Contestant<'s>> {
    let program = std::env::var(AWS).unwrap_or_else(|_| "aws".to_owned());
    if Command::new(&program).arg("--version").output().is_err() {
        eprintln!("the AWS CLI is not installed; `{AWS}` may name its program");
        return None;
    }
    let summary = &delivery.summary;
    let mut commands = Vec::new();
    for account in &summary.accounts {
        let arn = format!("arn:aws:cloudtrail:{HOME}:{account}:trail/audit");
        for region in &summary.regions {
            let mut command = words(&[&program, "cloudtrail", "validate-logs", "--trail-arn", &arn]);
            command.extend(words(&["--region", region, "--account-id", account]));
            command.extend(words(&["--start-time", &summary.start, "--end-time", &summary.end]));
            commands.push(command);
        }
    }
    Some(Contestant {
        name: "aws cloudtrail validate-logs".to_owned(),
        commands,
        environment: environment(served),
        code: 0,
        server: Some(served),
    })
}

/// A bare loop over the SDK's client.
pub fn sdk<'s>(served: &'s Served, delivery: &Delivery, part: &str, at_once: usize) -> Contestant<'s> {
    let program = std::env::current_exe().unwrap();
    let (program, dir) = (program.to_str().unwrap(), delivery.dir.to_str().unwrap());
    let command = words(&[program, "sdk", dir, part, &at_once.to_string()]);
    let environment = environment(served);
    Contestant { environment, server: Some(served), ..contestant("bare SDK loop", command) }
}

/// Inflate and SHA-256 of the log files, from memory.
pub fn kernel(delivery: &Delivery, threads: usize) -> Contestant<'static> {
    let program = std::env::current_exe().unwrap();
    let dir = delivery.bucket();
    let command = words(&[program.to_str().unwrap(), "kernel", dir.to_str().unwrap(), &threads.to_string()]);
    contestant("kernel", command)
}
