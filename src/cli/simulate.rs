//! `trailproof simulate`: writes a synthetic delivery to a directory or a bucket.

mod drill;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::args::SimulateArgs;
use super::sources::is_in_s3;
use super::{Failure, say, typed};
use crate::report::shell;
use crate::simulate::{self, BadTamper, SimulateError, Simulated, Spec, Tamper, TamperKind};
use crate::store::directory::DirectoryStore;
use crate::text::{nearest, plural};
use crate::time::{HOUR, Timestamp};

/// Name of the file with the public keys.
const KEYS_FILE: &str = "public-keys.json";

/// Name of the file that lists the tampering.
const ANSWERS_FILE: &str = "tampered.json";

/// Name of the bucket in a directory, without `--bucket`.
const BUCKET: &str = "trail-logs";

/// The hint where a failed run leaves objects.
const LEFTOVERS: &str = "the objects written so far remain: remove them, or give another place";

/// Writes the delivery and prints the command that validates it.
pub(super) fn run(arguments: &SimulateArgs, now: Timestamp) -> Result<u8, Failure> {
    typed::target(&arguments.target)?;
    let spec = spec(arguments, now)?;
    check_hours(&spec)?;
    spec.check().map_err(|error| failed(&error))?;
    match is_in_s3(&arguments.target) {
        true => into_s3(arguments, spec, now),
        false => into_directory(&arguments.target, &spec, now),
    }
}

fn into_directory(directory: &Path, spec: &Spec, now: Timestamp) -> Result<u8, Failure> {
    let is_new = !directory.exists();
    prepare(directory)?;
    let store = DirectoryStore::of_buckets(directory).map_err(|error| unwritable(directory, &error))?;
    let simulated = simulate::simulate(spec, &store).map_err(|error| {
        if !matches!(error, SimulateError::Store { .. } | SimulateError::Unwritten { .. }) {
            clear(directory, spec, is_new);
        }
        failed(&error)
    })?;
    save(directory, &simulated)?;
    let how = [quoted(directory), "--public-keys".to_owned(), quoted(&directory.join(KEYS_FILE))].join(" ");
    tell(&shown(directory), spec, &simulated, &how, now);
    Ok(0)
}

#[cfg(feature = "aws")]
fn into_s3(arguments: &SimulateArgs, spec: Spec, now: Timestamp) -> Result<u8, Failure> {
    use crate::store::s3::S3Store;

    let target = arguments.target.to_str().unwrap_or_default();
    let (bucket, prefix) = typed::place("", target)?;
    let folder = arguments.save.clone().unwrap_or_else(|| ".".into());
    let files = [KEYS_FILE, ANSWERS_FILE].map(|name| folder.join(name));
    if let Some(file) = files.iter().find(|file| file.exists()) {
        let what = format!("`{}` is there already", shown(file));
        return Err(Failure::new(what, "give another folder with `--save`"));
    }
    let spec = Spec { bucket: bucket.clone(), prefix: prefix.trim_end_matches('/').to_owned(), ..spec };
    spec.check().map_err(|error| failed(&error))?;
    let store = S3Store::new(super::aws::connect(&arguments.aws)?, None);
    make_sure_empty(&store, target, &bucket, &prefix)?;
    let simulated = simulate::simulate(&spec, &store)
        .map_err(|error| Failure { hint: LEFTOVERS.to_owned(), ..failed(&error) })?;
    save(&folder, &simulated)?;
    let keys = quoted(&folder.join(KEYS_FILE));
    let how = format!("{} --public-keys {keys}{}", shell::quote(target), aws_options(&arguments.aws));
    tell(target, &spec, &simulated, &how, now);
    Ok(0)
}

/// The given options about the account, for another command.
#[cfg(feature = "aws")]
fn aws_options(given: &super::args::AwsArgs) -> String {
    let options = [("--profile", &given.profile), ("--endpoint-url", &given.endpoint_url)];
    let given = options.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    given.map(|(name, value)| format!(" {name} {}", shell::quote(value))).collect()
}

/// Checks that the bucket is empty below `prefix`: a delivery is never mixed with other objects.
#[cfg(feature = "aws")]
fn make_sure_empty(
    store: &crate::store::s3::S3Store,
    target: &str,
    bucket: &str,
    prefix: &str,
) -> Result<(), Failure> {
    use crate::aws::NOT_AWS;
    use crate::store::StoreError;
    use crate::store::s3::NOT_A_BUCKET;

    let (what, hint) = match store.probe(bucket, prefix) {
        Ok(false) => return Ok(()),
        Ok(true) => {
            (format!("`{target}` is not empty"), "give an empty bucket or an unused prefix".to_owned())
        }
        Err(StoreError::NotFound) => (
            format!("there is no bucket `{bucket}`"),
            format!("create the bucket with `aws s3 mb s3://{bucket}`"),
        ),
        Err(StoreError::OutOfReach(why)) if why.contains(NOT_A_BUCKET) => {
            (why, "give `s3://BUCKET[/PREFIX]`".to_owned())
        }
        Err(StoreError::Unreadable(why)) if why.contains(NOT_AWS) => {
            (format!("the bucket `{bucket}` cannot be listed: {why}"), super::aws::WHICH_ENDPOINT.to_owned())
        }
        Err(error) => (
            format!("the bucket `{bucket}` cannot be listed: {error}"),
            "check the network, the credentials and the endpoint".to_owned(),
        ),
    };
    Err(Failure::new(what, hint))
}

#[cfg(not(feature = "aws"))]
fn into_s3(arguments: &SimulateArgs, _: Spec, _: Timestamp) -> Result<u8, Failure> {
    Err(Failure::new(
        format!(
            "`{}` is in S3, and this program was built without the feature `aws`",
            shown(&arguments.target)
        ),
        "give a directory",
    ))
}

/// Saves the keys and the list of tampering outside the bucket: keys never come from the evidence.
fn save(directory: &Path, simulated: &Simulated) -> Result<(), Failure> {
    let answers = serde_json::to_string_pretty(&simulated.answers).unwrap_or_default() + "\n";
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(directory.join(KEYS_FILE), &simulated.keys_json))
        .and_then(|()| fs::write(directory.join(ANSWERS_FILE), answers))
        .map_err(|error| unwritable(directory, &error))
}

fn shown(path: &Path) -> String {
    crate::report::escape::for_terminal(&path.display().to_string()).into_owned()
}

fn quoted(path: &Path) -> String {
    shell::quote(&shell::path(&path.to_string_lossy()))
}

/// Says what was written and changed, the command that validates the delivery, and what to expect of the command.
fn tell(target: &str, spec: &Spec, simulated: &Simulated, how: &str, now: Timestamp) {
    let Simulated { digests, logs, end, .. } = simulated;
    say(&format!(
        "wrote {digests} digests and {logs} log files to `{target}`; the last digest ends at {end}"
    ));
    for answer in &simulated.answers {
        say(&format!("tampered: {}: {}", answer.tamper.as_str(), answer.what));
        drill::names(answer).iter().for_each(|name| say(name));
    }
    say(&format!("hint: trailproof validate {how}{}", drill::options(spec, simulated)));
    let kinds: BTreeSet<TamperKind> = simulated.answers.iter().map(|answer| answer.tamper).collect();
    for kind in kinds {
        drill::expectation(kind, simulated, now).iter().for_each(|text| say(text));
    }
}

/// Checks the names and numbers that were typed.
fn check(arguments: &SimulateArgs) -> Result<(), Failure> {
    let SimulateArgs { quiet_every, rotate_keys_every, backfill_every, .. } = arguments;
    let hours = [
        ("--hours", Some(arguments.hours)),
        ("--quiet-every", *quiet_every),
        ("--rotate-keys-every", *rotate_keys_every),
        ("--backfill-every", *backfill_every),
    ];
    if let Some((flag, _)) = hours.iter().find(|(_, hours)| *hours == Some(0)) {
        return Err(Failure::new(format!("`{flag}`: the number of hours is 0"), "give 1 or more"));
    }
    typed::accounts("--account-id", &arguments.account_id)?;
    typed::regions("--region", &arguments.region)?;
    typed::regions("--home-region", &arguments.home_region)?;
    typed::trails("--trail", &arguments.trail)?;
    arguments.bucket.iter().try_for_each(|bucket| typed::new_bucket("--bucket", bucket))?;
    check_address(arguments)?;
    #[cfg(feature = "aws")]
    check_save(arguments)?;
    arguments.move_at.iter().try_for_each(|(_, bucket)| typed::new_bucket("--move-at", bucket))
}

/// Refuses an event that the delivery has no hour for: it would be left out silently.
fn check_hours(spec: &Spec) -> Result<(), Failure> {
    let hours = spec.hours;
    let lasts = format!("the delivery has {}", plural(u64::from(hours), "hour"));
    // 1. Events in one hour. Hours are counted from 0.
    let at = [
        ("--stop", spec.stop.map(|(hour, _)| hour)),
        ("--pause", spec.pause.map(|(hour, _)| hour)),
        ("--skip-hour", spec.skip_hour),
        ("--move-at", spec.move_at.as_ref().map(|(hour, _)| *hour)),
    ];
    let outside =
        |(flag, hour): (&'static str, Option<u32>)| Some((flag, hour.filter(|hour| *hour >= hours)?));
    if let Some((flag, hour)) = at.into_iter().find_map(outside) {
        let what = format!(
            "`{flag}`: hour {hour} lies outside of the delivery: {lasts}, numbers 0 to {}",
            hours.saturating_sub(1)
        );
        return Err(Failure::new(what, "give an earlier hour, or more `--hours`"));
    }
    if spec.stop.is_some_and(|(_, length)| length == 0) {
        return Err(Failure::new("`--stop`: the number of hours is 0", "give 1 or more"));
    }
    // 2. Events that repeat. The first key signs the hours before the first change.
    let every = [
        ("--quiet-every", spec.quiet_every, hours),
        ("--backfill-every", spec.backfill_every, hours),
        ("--rotate-keys-every", spec.rotate_keys_every, hours.saturating_sub(1)),
    ];
    let never = |(flag, every, most): (&'static str, Option<u32>, u32)| {
        Some((flag, every.filter(|every| *every > most)?, most))
    };
    match every.into_iter().find_map(never) {
        Some((flag, every, most)) => Err(Failure::new(
            format!("`{flag} {every}` would have no effect: {lasts}"),
            match most {
                0 => "give more `--hours`".to_owned(),
                most => format!("give {most} or less, or more `--hours`"),
            },
        )),
        None => Ok(()),
    }
}

/// Refuses `--bucket` and `--prefix` where the target is an address, which names both.
fn check_address(arguments: &SimulateArgs) -> Result<(), Failure> {
    let given = [("--bucket", &arguments.bucket), ("--prefix", &arguments.prefix)];
    match given.into_iter().find(|(_, value)| value.is_some() && is_in_s3(&arguments.target)) {
        Some((flag, _)) => Err(Failure::new(
            format!("`{flag}` does not apply to `{}`", shown(&arguments.target)),
            "give bucket and prefix in the address: `s3://BUCKET/PREFIX`",
        )),
        None => Ok(()),
    }
}

/// Refuses `--save` where the target is a directory, which the keys and the list of tampering are written into.
#[cfg(feature = "aws")]
fn check_save(arguments: &SimulateArgs) -> Result<(), Failure> {
    if arguments.save.is_none() || is_in_s3(&arguments.target) {
        return Ok(());
    }
    Err(Failure::new(
        "`--save` works only with `s3://BUCKET[/PREFIX]`",
        format!("leave `--save` out: `{KEYS_FILE}` and `{ANSWERS_FILE}` are written into the directory"),
    ))
}

/// Parses the tampers, `KIND[@WHERE]`.
fn tampers(arguments: &SimulateArgs) -> Result<Vec<Tamper>, Failure> {
    let parse = |text: &String| {
        text.parse::<Tamper>().map_err(|error| {
            let all = "`trailproof simulate --help` lists the kinds";
            let meant = match &error {
                BadTamper::Kind(kind) => nearest(kind, TamperKind::ALL.map(TamperKind::as_str)),
                BadTamper::NoWhere(_) => None,
            };
            let hint = match meant {
                Some(meant) => format!("did you mean `--tamper {meant}`? {all}"),
                None => all.to_owned(),
            };
            Failure::new(format!("`--tamper`: {error}"), hint)
        })
    };
    arguments.tamper.iter().map(parse).collect()
}

fn spec(arguments: &SimulateArgs, now: Timestamp) -> Result<Spec, Failure> {
    check(arguments)?;
    let start = arguments.start_time.as_deref();
    let start = start.map(|text| typed::moment("--start-time", text, now)).transpose()?;
    let tampers = tampers(arguments)?;
    let lead = drill::lead(tampers.iter().map(|tamper| tamper.kind));
    let latest = now.plus(-i64::from(arguments.hours) * HOUR - lead);
    let spec = Spec {
        seed: arguments.seed,
        start: start.unwrap_or(latest),
        hours: arguments.hours,
        bucket: arguments.bucket.clone().unwrap_or_else(|| BUCKET.to_owned()),
        prefix: arguments.prefix.clone().unwrap_or_default(),
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
        pause: arguments.pause,
        skip_hour: arguments.skip_hour,
        move_at: arguments.move_at.clone(),
        backfill_every: arguments.backfill_every,
        metadata: !arguments.no_metadata,
        inflated: arguments.inflated,
        shared_body: arguments.shared_body,
        logs: Vec::new(),
        tampers,
    };
    match &arguments.logs {
        Some(logs) => simulate::spec_from_logs(logs, spec).map_err(|error| failed(&error)),
        None => Ok(spec),
    }
}

/// Creates the directory, which must be empty: a delivery is never mixed with other files.
fn prepare(directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
    let mut entries = fs::read_dir(directory).map_err(|error| unwritable(directory, &error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => {
            let what = format!("the directory `{}` is not empty", directory.display());
            Err(Failure::new(what, "give an empty or a new directory"))
        }
    }
}

/// Removes what a failed run wrote into the directory: the folders of its buckets, those of copies that tampering made, and
/// a directory that the run made. What cannot be removed stays.
fn clear(directory: &Path, spec: &Spec, is_new: bool) {
    let moved = spec.move_at.iter().map(|(_, bucket)| bucket);
    for bucket in moved.chain([&spec.bucket]) {
        for folder in [bucket.clone(), format!("{bucket}-copy")] {
            let _ = fs::remove_dir_all(directory.join(folder));
        }
    }
    if is_new {
        let _ = fs::remove_dir(directory);
    }
}

fn unwritable(directory: &Path, error: &io::Error) -> Failure {
    let what = format!("the directory `{}` cannot be written: {error}", directory.display());
    Failure::new(what, "give a writable directory")
}

fn failed(error: &SimulateError) -> Failure {
    let hint = match error {
        SimulateError::Store { .. } | SimulateError::Unwritten { .. } => LEFTOVERS,
        _ => "see `trailproof simulate --help`",
    };
    Failure::new(error.to_string(), hint)
}
