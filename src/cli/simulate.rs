//! `trailproof simulate`: from arguments to a delivery on disk.

use std::fs;
use std::io;
use std::path::Path;

use super::args::SimulateArgs;
use super::{Failure, say};
use crate::simulate::{self, SimulateError, Simulated, Spec};
use crate::store::directory::DirectoryStore;
use crate::time::{self, HOUR, Timestamp};

/// The file the public keys are saved in.
const KEYS_FILE: &str = "public-keys.json";

/// The file that says what was tampered with.
const ANSWERS_FILE: &str = "tampered.json";

/// Writes the delivery and says how to validate it.
pub(super) fn run(arguments: &SimulateArgs, now: Timestamp) -> Result<u8, Failure> {
    let spec = spec(arguments, now)?;
    spec.check().map_err(|error| failed(&error))?;
    let directory = &arguments.directory;
    prepare(directory)?;
    let store = DirectoryStore::of_buckets(directory).map_err(|error| unwritable(directory, &error))?;
    let simulated = simulate::simulate(&spec, &store).map_err(|error| failed(&error))?;
    let answers = serde_json::to_string_pretty(&simulated.answers).unwrap_or_default() + "\n";
    fs::write(directory.join(KEYS_FILE), &simulated.keys_json)
        .map_err(|error| unwritable(directory, &error))?;
    fs::write(directory.join(ANSWERS_FILE), answers).map_err(|error| unwritable(directory, &error))?;
    tell(directory, &simulated);
    Ok(0)
}

fn tell(directory: &Path, simulated: &Simulated) {
    let shown = directory.display().to_string();
    let shown = crate::report::escape::for_terminal(&shown);
    let Simulated { digests, logs, end, .. } = simulated;
    say(&format!("wrote {digests} digests and {logs} log files to `{shown}`; the last digest ends at {end}"));
    for answer in &simulated.answers {
        say(&format!("tampered: {}: {}", answer.tamper.as_str(), answer.what));
    }
    say(&format!("hint: trailproof validate {shown} --public-keys {shown}/{KEYS_FILE} --end-time {end}"));
}

fn spec(arguments: &SimulateArgs, now: Timestamp) -> Result<Spec, Failure> {
    let hint = "for example `--start-time 2026-09-01T00:06:57Z`";
    let start = arguments.start_time.as_deref().map(|text| time::parse_typed(text, now)).transpose();
    let start = start.map_err(|error| Failure::new(format!("`--start-time`: {error}"), hint))?;
    let latest = now.plus(-i64::from(arguments.hours) * HOUR);
    let spec = Spec {
        seed: arguments.seed,
        start: start.unwrap_or(latest),
        hours: arguments.hours,
        bucket: arguments.bucket.clone(),
        prefix: arguments.prefix.clone(),
        organization: arguments.organization.clone(),
        accounts: arguments.account_id.clone(),
        regions: arguments.region.clone(),
        home_region: arguments.home_region.clone(),
        trails: arguments.trail.clone(),
        logs_per_hour: arguments.logs_per_hour,
        events_per_log: arguments.events_per_log,
        quiet_every: arguments.quiet_every,
        rotate_keys_every: arguments.rotate_keys_every,
        stop: arguments.stop,
        skip_hour: arguments.skip_hour,
        move_at: arguments.move_at.clone(),
        backfill_every: arguments.backfill_every,
        metadata: !arguments.no_metadata,
        inflated: arguments.inflated,
        shared_body: arguments.shared_body,
        logs: Vec::new(),
        tampers: arguments.tamper.clone(),
    };
    match &arguments.logs {
        Some(logs) => simulate::spec_from_logs(logs, spec).map_err(|error| failed(&error)),
        None => Ok(spec),
    }
}

/// A delivery is never mixed with what is there already.
fn prepare(directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
    let mut entries = fs::read_dir(directory).map_err(|error| unwritable(directory, &error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => {
            let what = format!("the directory `{}` is not empty", directory.display());
            Err(Failure::new(what, "name one that is empty or does not exist"))
        }
    }
}

fn unwritable(directory: &Path, error: &io::Error) -> Failure {
    let what = format!("the directory `{}` cannot be written: {error}", directory.display());
    Failure::new(what, "name one that can be written")
}

fn failed(error: &SimulateError) -> Failure {
    Failure::new(error.to_string(), "see `trailproof simulate --help`")
}
