//! `trailproof state`: makes, shows and changes the memory of runs.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::args::{AcceptArgs, InitArgs, ShowArgs, StateArgs, StateCommand};
use super::sources::is_in_s3;
use super::{Failure, origin, print, say, typed, waiting};
use crate::report::{shell, state as report};
use crate::state::place::DirectoryPlace;
use crate::state::{self, OpenState, StateError, StatePlace, StoredAcceptance};
use crate::time::Timestamp;

/// Exit code where the command did what was asked.
const EXIT_DONE: u8 = 0;

/// The most entries of a directory to look at for evidence.
const MAX_LOOKED_AT: usize = 1_000;

/// Runs a command on a state.
pub(super) fn run(arguments: &StateArgs, now: Timestamp) -> Result<u8, Failure> {
    match &arguments.command {
        StateCommand::Init(arguments) => init(arguments),
        StateCommand::Show(arguments) => show(arguments),
        StateCommand::Accept(arguments) => accept(arguments, now),
    }
    .map(|()| EXIT_DONE)
}

fn init(arguments: &InitArgs) -> Result<(), Failure> {
    let typed = &arguments.place.place;
    typed::target(typed)?;
    check_directory(typed)?;
    let bucket = typed::bucket_named(typed).filter(|_| typed.symlink_metadata().is_err());
    if let Some(evidence) = evidence_around(typed) {
        say(&format!(
            "warning: `{}` holds evidence: whoever can change the evidence can change the state too; keep the state in \
             another folder, best on another machine",
            evidence.display()
        ));
    }
    if !is_in_s3(typed) {
        DirectoryPlace::new(typed).create().map_err(|error| failed(&error.into()))?;
    }
    let place = open(
        typed,
        #[cfg(feature = "aws")]
        &arguments.place.aws,
    )?;
    state::init(&*place).map_err(|error| failed_at(typed, &error))?;
    say(&format!("made the state `{}`", place.name()));
    if let Some(bucket) = bucket {
        say(&format!("note: the state is a local directory; for a bucket, give `{bucket}`"));
    }
    Ok(())
}

fn show(arguments: &ShowArgs) -> Result<(), Failure> {
    let place = open(
        &arguments.place.place,
        #[cfg(feature = "aws")]
        &arguments.place.aws,
    )?;
    let typed = &arguments.place.place;
    let opened = OpenState::open(&*place, |_| true).map_err(|error| failed_at(typed, &error))?;
    print(&match arguments.format.as_str() {
        "json" => report::json(&place.name(), &opened),
        _ => report::text(&place.name(), &opened),
    })
}

fn accept(arguments: &AcceptArgs, now: Timestamp) -> Result<(), Failure> {
    let place = open(
        &arguments.place.place,
        #[cfg(feature = "aws")]
        &arguments.place.aws,
    )?;
    let by = arguments.by.clone().or_else(origin::user_and_host).unwrap_or_else(|| "unknown".to_owned());
    let acceptance = StoredAcceptance { reason: arguments.reason.clone(), by, at: now };
    let mut ids = arguments.ids.clone();
    let mut met = BTreeSet::new();
    ids.retain(|id| met.insert(id.clone()));
    // All or none: a typing error in one id must not leave the others accepted behind exit code 2.
    let typed = &arguments.place.place;
    let opened = OpenState::open(&*place, |_| true).map_err(|error| failed_at(typed, &error))?;
    let none = if ids.len() > 1 { "; no finding was accepted" } else { "" };
    let mut checked = ids.iter().map(|id| opened.check_acceptable(id, arguments.replace));
    checked.try_for_each(|checked| checked.map_err(|error| failed_at(typed, &error).adding(none)))?;
    for (before, id) in ids.iter().enumerate() {
        let some = if before > 0 { "; the findings above are accepted" } else { "" };
        accept_one(arguments, &*place, id, &acceptance).map_err(|failure| failure.adding(some))?;
    }
    Ok(())
}

fn accept_one(
    arguments: &AcceptArgs,
    place: &dyn StatePlace,
    id: &str,
    acceptance: &StoredAcceptance,
) -> Result<(), Failure> {
    let typed = &arguments.place.place;
    let opened = OpenState::open(place, |_| true).map_err(|error| failed_at(typed, &error))?;
    let changed = match arguments.replace {
        true => opened.replace_acceptance(place, id, acceptance),
        false => opened.accept(place, id, acceptance),
    };
    let before = changed.map_err(|error| failed_at(typed, &error))?;
    say(&format!("accepted {}: {}", before.kind.as_str(), report::subject(&before)));
    if let Some(StoredAcceptance { reason, by, at }) = &before.accepted {
        say(&format!("replaced: accepted by {by} at {at}: `{reason}`"));
    }
    Ok(())
}

/// The place as typed: a directory, or a prefix of a bucket.
pub(super) fn open(
    typed: &Path,
    #[cfg(feature = "aws")] aws: &super::args::AwsArgs,
) -> Result<Box<dyn StatePlace>, Failure> {
    typed::target(typed)?;
    if !is_in_s3(typed) {
        check_directory(typed)?;
        return Ok(Box::new(DirectoryPlace::new(typed).while_locked(waiting::while_locked)));
    }
    #[cfg(feature = "aws")]
    {
        let (bucket, prefix) = typed::place("", typed.to_str().unwrap_or_default())?;
        let store = crate::store::s3::S3Store::new(super::aws::connect(aws)?, None);
        Ok(Box::new(crate::state::place::S3Place::new(store, bucket, prefix)))
    }
    #[cfg(not(feature = "aws"))]
    Err(Failure::new(
        format!("`{}` is in S3, and this program was built without the feature `aws`", typed.display()),
        "give a directory",
    ))
}

/// The nearest of a local directory and its parents that looks like a copy of CloudTrail's bucket, or the folder of
/// buckets that the directory is, or lies in.
fn evidence_around(typed: &Path) -> Option<PathBuf> {
    if is_in_s3(typed) {
        return None;
    }
    let whole = without_dots(typed)?;
    let has_evidence = |folder: &&Path| {
        let names = ["AWSLogs", "collected.json"];
        names.iter().any(|name| folder.join(name).exists())
            || folder.file_name().is_some_and(|name| name == "AWSLogs")
    };
    let holds_buckets = |folder: &&Path| {
        let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
        folders.take(MAX_LOOKED_AT).any(|folder| folder.path().join("AWSLogs").is_dir())
    };
    let around = whole.ancestors().find(has_evidence);
    around.or_else(|| whole.ancestors().take(2).find(holds_buckets)).map(Path::to_path_buf)
}

/// The absolute path without `.` and `..`, and with resolved links as far as the path exists.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let (mut whole, rest) = absolute.ancestors().find_map(|above| {
        let rest = absolute.strip_prefix(above).ok()?;
        Some((std::fs::canonicalize(above).ok()?, rest))
    })?;
    for part in rest.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    Some(whole)
}

/// Refuses a file as a state.
fn check_directory(typed: &Path) -> Result<(), Failure> {
    match typed.is_file() {
        true => Err(Failure::new(
            format!("`{}` is a file", typed.display()),
            "a state is a directory or an `s3://` place",
        )),
        false => Ok(()),
    }
}

/// The error message for the state at the place that was typed. Commands in the hint name that place.
pub(super) fn failed_at(typed: &Path, error: &StateError) -> Failure {
    let place = shell::quote(&typed.display().to_string());
    Failure::new(error.to_string(), error.hint().replace("PLACE", &place))
}

/// The error message for a state that cannot be used.
pub(super) fn failed(error: &StateError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}
