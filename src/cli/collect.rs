//! `trailproof collect`: a validation that saves what it reads.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{CollectArgs, RunArgs};
use super::inputs::{InputRole, Inputs};
use super::telling::RunNotes;
use super::validate::{self, Outputs, Prepared, RememberingSink};
use super::{EXIT_CANNOT, Failure, now, origin, outputs, require_handles, say, signals, typed};
use crate::collect::{
    self, CollectOptions, CollectedCounts, CollectingStore, Collection, FolderError, SavedKeys,
};
use crate::event::{Event, Sink, Verdict};
use crate::ident::Location;
use crate::report::escape::for_terminal;
use crate::report::progress::Bars;
use crate::report::shell;
use crate::text::{grouped, plural};
use crate::time::{DELIVERY_GRACE, HOUR, Timestamp};
use crate::validate::{RunTools, ValidationRequest};

/// Validates the sources, saves what is read, and returns the exit code: that of the verdict, or 3 if an object could not
/// be collected or is gone since an earlier collection.
pub(super) fn run(typed: CollectArgs, started: Timestamp, line: &[OsString]) -> Result<u8, Failure> {
    let max_object = typed.max_object_size;
    let (directory, arguments) = &typed.into_run();
    let origin = origin::of(line, arguments.output.run_by.clone());
    let stop = signals::listen();
    let format = outputs::format(&arguments.output.format)?;
    let inputs = Inputs::of_run(arguments).with(InputRole::Copy, [directory]);
    let files = outputs::files(&arguments.output.report, &inputs)?;
    check(directory, &arguments.sources)?;
    let Prepared { store, keys, request, pool, .. } = validate::prepare(arguments, started)?;
    let options = CollectOptions {
        directory: directory.clone(),
        sources: validate::named(arguments),
        range: request.range,
        trails: asked_trails(&request),
        relocations: request.relocations.clone(),
        max_object,
        started,
    };
    let bars = Bars::new(validate::display(arguments));
    let shown = outputs::options(arguments.quiet, arguments.verbose);
    let mut notes = RunNotes::default();
    let outputs = Outputs::new(outputs::open(format, files.clone(), shown)?, &bars, &mut notes);
    require_handles()?;
    let opened = Collection::open(options, move || {
        stop.set();
    });
    let collection = Arc::new(opened.map_err(|error| unusable(&error))?);
    let store = CollectingStore::new(store, Arc::clone(&collection));
    // 1. Validate. The store saves what is read.
    let tools = RunTools { store: &store, keys: &keys, pool: &pool, progress: &bars, stop };
    let begun = validate::begin(arguments, &request, started, origin);
    let mut listener = CoverageListener { outputs, ends: Vec::new() };
    let told = validate::tell(&request, tools, &begun, &mut listener);
    let CoverageListener { outputs, ends } = listener;
    let code = validate::finish(outputs, &files, told)?;
    // 2. Save what was listed and not read, and the keys.
    let is_whole = store.collect_rest(stop) && code != EXIT_CANNOT;
    let saved = is_whole.then(|| finish(&collection, &keys)).transpose();
    let saved = saved.map_err(|error| full(directory, &error.to_string()))?;
    if let Some(why) = collection.failure() {
        return Err(full(directory, why));
    }
    // 3. Say what was collected.
    let end = offline_end(&request, &ends);
    let counts = collection.counts();
    summary(directory, &collection, arguments.quiet);
    match saved {
        Some(saved) => {
            let buckets = request.sources.iter().map(|source| &*source.bucket);
            let mut buckets = buckets.chain(request.objects.iter().map(|object| &*object.bucket));
            // Behind an access point the copy has the name that the user gave, and nothing is moved.
            let is_moved = buckets.any(|bucket| !collection.is_renamed(bucket));
            say_keys(directory, &saved, arguments.quiet);
            let command = command(directory, arguments, &request, &saved, end, is_moved);
            if !arguments.quiet || !collection.is_as_read() {
                closing(&command, collection.is_as_read());
            }
        }
        None => say("the copy is not complete: run the same command again to complete it"),
    }
    Ok(exit_code(code, counts, is_whole))
}

/// The exit code of the verdict, or of an incomplete run where the copy is not complete, or where a bucket lost objects
/// that an earlier collection saved.
const fn exit_code(code: u8, counts: CollectedCounts, is_whole: bool) -> u8 {
    match code {
        0 if counts.not_collected > 0 || counts.lost > 0 || !is_whole => Verdict::Incomplete.exit_code(),
        code => code,
    }
}

/// Checks the directory, before anything is read: files of others are never mixed with a copy.
fn check(directory: &Path, sources: &[PathBuf]) -> Result<(), Failure> {
    if super::sources::is_in_s3(directory) || typed::address(directory).is_some() {
        let what = format!(
            "`{}` is no directory: the last argument is the directory of the copy",
            directory.display()
        );
        return Err(Failure::new(what, "for example `trailproof collect s3://my-trail-logs ./copy`"));
    }
    collect::check(directory).map_err(|error| unusable(&error))?;
    // A directory that does not exist yet is compared by the folder above.
    let whole = directory.ancestors().find_map(|above| {
        std::fs::canonicalize(if above.as_os_str().is_empty() { Path::new(".") } else { above }).ok()
    });
    let is_around = |source: &&PathBuf| {
        let source = std::fs::canonicalize(source).ok();
        source.zip(whole.as_ref()).is_some_and(|(source, whole)| whole.starts_with(source))
    };
    let local = sources.iter().filter(|source| !super::sources::is_in_s3(source));
    match local.into_iter().find(is_around) {
        Some(source) => Err(Failure::new(
            format!("`{}` lies in the source `{}`", directory.display(), source.display()),
            "give a directory outside of the source",
        )),
        None => Ok(()),
    }
}

fn asked_trails(request: &ValidationRequest) -> Vec<String> {
    request.trails.iter().cloned().chain(request.named.iter().map(|trail| trail.name.clone())).collect()
}

/// Saves the keys, and completes the copy.
fn finish(collection: &Collection, keys: &crate::keys::KeyRing) -> io::Result<Vec<SavedKeys>> {
    let saved = collection.save_keys(keys)?;
    collection.finish(&saved, now())?;
    Ok(saved)
}

fn unusable(error: &FolderError) -> Failure {
    let hint = match error {
        FolderError::Foreign(_) => {
            "give a new or empty directory, or the directory of an earlier `trailproof collect`"
        }
        FolderError::NotDirectory(_) => "give a directory",
        FolderError::Busy(_) => "wait for the other run, or give another directory",
        FolderError::Unwritable { .. } => "give a directory that can be written, on a disk with enough space",
    };
    Failure::new(error.to_string(), hint)
}

fn full(directory: &Path, why: &str) -> Failure {
    Failure::new(
        format!("the copy in `{}` cannot be written, and is not complete: {why}", directory.display()),
        "free disk space, or give a directory that can be written, then run the same command again to complete the copy",
    )
}

/// The outputs of the run, and the end of each chain's coverage.
struct CoverageListener<'b> {
    outputs: Outputs<'b>,
    ends: Vec<Timestamp>,
}

impl RememberingSink for CoverageListener<'_> {}

impl Sink for CoverageListener<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Chain(chain) = event {
            self.ends.extend(chain.covered.iter().map(|part| part.end).max());
        }
        self.outputs.event(event)
    }
}

/// The end of the range for a later validation of the copy. Near now, the newest digests are on their way, which is no
/// finding. Later it would be one, so the end is at most an hour after the coverage of each chain that still goes on.
fn offline_end(request: &ValidationRequest, ends: &[Timestamp]) -> Timestamp {
    let asked = request.range.end;
    let grace = request.now.plus(-DELIVERY_GRACE);
    if asked < grace {
        return asked;
    }
    ends.iter().filter(|end| **end >= grace).map(|end| end.plus(HOUR)).fold(asked, Ord::min)
}

fn summary(directory: &Path, collection: &Collection, quiet: bool) {
    let CollectedCounts { saved, bytes, already, not_collected, replaced, absent, lost } =
        collection.counts();
    if quiet && not_collected + replaced + absent == 0 {
        return;
    }
    let at = |path: &Path| shown(&directory.join(path));
    let directory = shown(directory);
    say(&format!(
        "collected {} ({}) into `{directory}`; already there: {}; not collected: {}",
        plural(saved, "object"),
        plural(bytes, "byte"),
        grouped(already),
        grouped(not_collected)
    ));
    let examples = collection.examples();
    let line = |(location, reason): &(Location, String)| {
        say(&format!("not collected: {location}: {reason}"));
    };
    examples.not_collected.iter().for_each(line);
    if replaced > 0 {
        say(&format!(
            "{replaced} files of the copy differ from the source, and were moved to `{directory}/.replaced`"
        ));
    }
    for (location, path) in &examples.replaced {
        say(&format!("replaced: {location}: the earlier file is `{}`", at(path)));
    }
    if absent > 0 {
        say(&format!("{absent} objects of the copy are not in the source, and stay in the copy"));
    }
    for (location, path) in &examples.absent {
        say(&format!("not in the source: {location}: the copy has `{}`", at(path)));
    }
    if lost > 0 {
        say(
            "hint: if a lifecycle rule removed them, give a `--start-time` that is later than they are; else find out who did",
        );
    }
    let told = examples.not_collected.len() + examples.replaced.len() + examples.absent.len();
    if not_collected + replaced + absent > told as u64 {
        say(&format!("all of them, with reasons: `{directory}/{}`", collect::manifest::MANIFEST));
    }
}

/// Says where the keys are, and what they are worth. `quiet` leaves only a lack of keys to say.
fn say_keys(directory: &Path, keys: &[SavedKeys], quiet: bool) {
    if quiet && !keys.is_empty() {
        return;
    }
    for SavedKeys { path, sha256 } in keys {
        say(&format!("public keys: `{}`, SHA-256 {sha256}", shown(&directory.join(path))));
    }
    match keys.is_empty() {
        true => say("no public keys were found: save keys with `trailproof keys`, and give `--public-keys`"),
        false => say(
            "hint: whoever changes the copy can change the keys beside it: keep the SHA-256, or the keys, in another place",
        ),
    }
}

/// Says how to validate the copy, and whether that says the same as the run.
fn closing(command: &str, is_as_read: bool) {
    let lead = match is_as_read {
        true => "validate the copy",
        false => "validate what the copy holds, which is not what the source holds",
    };
    say(&format!("{lead}: {command}"));
}

/// The command that validates the copy offline.
fn command(
    directory: &Path,
    arguments: &RunArgs,
    request: &ValidationRequest,
    keys: &[SavedKeys],
    end: Timestamp,
    is_moved: bool,
) -> String {
    let text = |path: &Path| shell::path(&path.display().to_string()).into_owned();
    let mut words = vec!["trailproof".to_owned(), "validate".to_owned()];
    let place = |location: &Location| text(&directory.join(&*location.bucket).join(&*location.key));
    words.extend(request.objects.iter().map(place));
    if request.objects.is_empty() {
        words.push(text(directory));
        let start = request.range.start.map(|start| ("--start-time", start.to_string()));
        let times = start.into_iter().chain([("--end-time", end.to_string())]);
        words.extend(times.flat_map(|(flag, time)| [flag.to_owned(), time]));
    }
    let files = keys.iter().map(|saved| text(&directory.join(&saved.path)));
    words.extend(files.flat_map(|file| ["--public-keys".to_owned(), file]));
    let accounts = request.named.iter().map(|trail| trail.account.clone());
    let lists = [
        ("--account-id", arguments.account_id.iter().cloned().chain(accounts).collect::<Vec<_>>()),
        ("--region", arguments.region.clone()),
        ("--trail", asked_trails(request)),
        ("--relocated-from", if is_moved { arguments.relocated_from.clone() } else { Vec::new() }),
    ];
    for (flag, values) in lists {
        words.extend(values.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    shell::line(words.iter().map(String::as_str))
}

fn shown(path: &Path) -> String {
    for_terminal(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Range;

    #[test]
    fn the_later_range_ends_where_no_chain_is_stale() {
        let hours = |hours: i64| Timestamp::from_unix(1_800_000_000).plus(hours * HOUR / 2);
        let end = |asked, ends: &[i64]| {
            let range = Range { start: None, end: hours(asked) };
            let request = ValidationRequest::new(Vec::new(), range, hours(0));
            offline_end(&request, &ends.iter().map(|end| hours(*end)).collect::<Vec<_>>())
        };
        // Half hours before now: the asked end, and the end of each chain.
        for (asked, ends, expected) in [
            (0, &[-1, -2][..], 0),
            (0, &[-1, -4], -2),
            (0, &[-1, -4, -11], -2),
            (0, &[-30], 0),
            (0, &[], 0),
            (-30, &[-40, -31], -30),
        ] {
            assert_eq!(end(asked, ends), hours(expected), "{asked} {ends:?}");
        }
    }
}
