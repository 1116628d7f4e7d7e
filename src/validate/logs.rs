//! Hashes the log files that proved digests list, in parallel, and gives the results to the provers.

use std::sync::Arc;

use super::context::RunContext;
use super::days::{ListedLine, ReadLog};
use super::region::RegionRun;
use super::target::ObjectPlaces;
use super::{again, references, trace};
use crate::digest::{ListedHash, ListedLog};
use crate::event::Trace;
use crate::gzip::Sizes;
use crate::ident::Location;
use crate::prove::{ABSENT, LogRead, LogSeen, ProvedDigestLogs, SecondRead, SeenBody, reference};
use crate::store::{Object, StoreError};

/// A proved digest, with the indexes of its region and chain.
pub(super) struct ProvedInChain {
    pub(super) region: usize,
    chain: usize,
    pub(super) proved: ProvedDigestLogs,
}

/// A log file to hash, with the index of the proved digest that lists the log file.
struct LogTask<'p> {
    digest: usize,
    log: &'p ListedLog,
}

/// The result of one read of a log file.
enum FirstRead {
    Seen(LogSeen, Option<ListedLine>),
    /// Not the delivered content, unless a second read shows otherwise.
    Suspect(LogSeen, SeenBody),
    /// Two copies differ, or there may be a second copy that is yet to be read.
    Copies(LogSeen),
    /// A file beside may be the log file under another name.
    OtherName(String),
    Gone,
}

/// The result for a log file.
struct LogResult {
    read: LogRead,
    /// The line in a listing, if the log file was read as delivered.
    line: Option<ListedLine>,
    /// Where the log file lies under other names.
    renamed: Vec<Location>,
}

impl LogResult {
    fn of(read: impl Into<LogRead>, line: Option<ListedLine>) -> Self {
        Self { read: read.into(), line, renamed: Vec::new() }
    }
}

/// Hashes the log files of all newly proved digests, and tells the regions which log files are listed.
pub(super) fn hash_proved(context: RunContext<'_>, regions: &mut [RegionRun], touched: &[(usize, usize)]) {
    // 1. Take the proved digests from the provers.
    let mut proved: Vec<ProvedInChain> = Vec::new();
    for &(region, chain) in touched {
        let prover = regions.get_mut(region).and_then(|run| run.chains.get_mut(chain));
        let new = prover.map(|prover| prover.take_proved()).unwrap_or_default();
        proved.extend(new.into_iter().map(|proved| ProvedInChain { region, chain, proved }));
    }
    // 2. Rule 3: only proved digests list log files to hash. Log files of witnesses are not counted.
    let counted = proved.iter().enumerate().filter(|(_, in_chain)| in_chain.proved.counted);
    let tasks = counted.flat_map(|(digest, in_chain)| {
        in_chain.proved.digest.logs().iter().map(move |log| LogTask { digest, log })
    });
    let tasks: Vec<LogTask<'_>> = tasks.filter(|task| is_asked(context, &proved, task)).collect();
    context.tools.progress.plan_logs(tasks.len() as u64);
    let seen = read_all(context, &tasks);
    // 3. Give each result to the prover of its chain.
    let mut read: Vec<Vec<ReadLog>> = vec![Vec::new(); proved.len()];
    for (task, LogResult { read: mut seen, line, renamed }) in tasks.into_iter().zip(seen) {
        if matches!(seen.seen, LogSeen::Archived(_)) && is_remembered(regions, &proved, &task) {
            seen.seen = LogSeen::Remembered;
        }
        if let Some(read) = read.get_mut(task.digest) {
            read.push(ReadLog::of(&seen.seen, line));
        }
        if let Some(ProvedInChain { region, chain, proved }) = proved.get(task.digest)
            && let Some(run) = regions.get_mut(*region)
        {
            renamed.iter().for_each(|place| run.note_renamed(reference(place)));
            if let Some(prover) = run.chains.get_mut(*chain) {
                prover.log(proved.digest.file(), task.log, seen);
            }
        }
    }
    note_days(regions, &proved, &read);
    references::note_references(context, regions, &proved);
    note_renamed(context, regions, &proved);
}

/// Whether an earlier run proved a log file that is in an archive now, and the listing is the same.
fn is_remembered(regions: &[RegionRun], proved: &[ProvedInChain], task: &LogTask<'_>) -> bool {
    let Some(ProvedInChain { region, proved, .. }) = proved.get(task.digest) else { return false };
    let digest = proved.digest.file().location();
    regions.get(*region).is_some_and(|run| run.days.has_proved(digest, &task.log.location))
}

/// Whether to hash a log file: always, unless the request is for one object or another part has the log file.
fn is_asked(context: RunContext<'_>, proved: &[ProvedInChain], task: &LogTask<'_>) -> bool {
    if context.part.is_some_and(|part| !part.has(&task.log.location)) {
        return false;
    }
    let Some(only) = context.only else { return true };
    let digest = proved.get(task.digest).map(|in_chain| in_chain.proved.digest.file().location());
    let places = ObjectPlaces { moves: &context.request.relocations, store: context.tools.store };
    only.has_log(places, &task.log.location, digest)
}

/// Notes the proved digests and their log files for the days that can be sealed.
fn note_days(regions: &mut [RegionRun], proved: &[ProvedInChain], read: &[Vec<ReadLog>]) {
    for (in_chain, logs) in proved.iter().zip(read) {
        let Some(run) = regions.get_mut(in_chain.region).filter(|run| run.days.is_on()) else { continue };
        let Some(id) = run.chains.get(in_chain.chain).map(|chain| Arc::new(chain.id().clone())) else {
            continue;
        };
        run.days.note_proved(&id, in_chain.proved.digest.file(), in_chain.proved.counted, logs);
    }
}

/// The result for each log file.
fn read_all(context: RunContext<'_>, tasks: &[LogTask<'_>]) -> Vec<LogResult> {
    // 1. Read every log file with a comparable hash once.
    let is_comparable = |task: &&LogTask<'_>| matches!(task.log.hash, ListedHash::Sha256(_));
    let comparable: Vec<&LogTask<'_>> = tasks.iter().filter(is_comparable).collect();
    let locate = |task: &&LogTask<'_>| task.log.location.clone();
    let read =
        context.workers.read(&comparable, locate, |task, object| first_read(context, task.log, object));
    // 2. Read each suspect log file again, and ask for the versions of each missing log file.
    let doubtful: Vec<(&ListedLog, &FirstRead)> = comparable
        .iter()
        .zip(&read)
        .filter(|(_, read)| !matches!(read, FirstRead::Seen(..)))
        .map(|(task, read)| (task.log, read))
        .collect();
    let mut settled =
        context.workers.ask_all(&doubtful, |(log, read)| settle_doubt(context, log, read)).into_iter();
    // 3. Put the results together, in the order of the tasks.
    let mut read = read.into_iter();
    let mut next = || match read.next() {
        Some(FirstRead::Seen(seen, line)) => LogResult::of(seen, line),
        Some(FirstRead::Suspect(..) | FirstRead::Copies(_) | FirstRead::OtherName(_) | FirstRead::Gone) => {
            settled.next().unwrap_or_else(|| LogResult::of(LogSeen::LeftOut, None))
        }
        None => LogResult::of(LogSeen::LeftOut, None),
    };
    let seen = |task: &LogTask<'_>| match task.log.hash {
        ListedHash::Sha256(_) => next(),
        ListedHash::Unknown(_) => {
            context.tools.progress.log(0);
            LogResult::of(LogSeen::Incomparable, None)
        }
    };
    tasks.iter().map(seen).collect()
}

fn first_read(context: RunContext<'_>, log: &ListedLog, object: Result<Object, StoreError>) -> FirstRead {
    let progress = context.tools.progress;
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return FirstRead::Gone,
        Err(error @ StoreError::OtherName(_)) => return FirstRead::OtherName(error.to_string()),
        Err(error @ StoreError::Contradictory { .. }) => {
            return FirstRead::Copies(LogSeen::Unreadable(error.to_string()));
        }
        Err(error) => {
            progress.log(0);
            let why = error.to_string();
            let seen = match error {
                StoreError::Archived(_) => LogSeen::Archived(why),
                StoreError::OutOfReach(_) | StoreError::MaybeLater(_) => LogSeen::Absent(why),
                _ => LogSeen::Unreadable(why),
            };
            return FirstRead::Seen(seen, None);
        }
    };
    let remembers = context.request.memory.is_some();
    let line = remembers.then(|| ListedLine::of_read(&log.location, &mut object)).flatten();
    let seen = judge(context, log, &mut object);
    progress.log(seen.sizes().compressed);
    match seen {
        seen if context.request.may_have_copies(&log.location) => FirstRead::Copies(seen),
        LogSeen::Other(hash, _) => FirstRead::Suspect(seen, Ok(hash)),
        LogSeen::NoContent(body, _) => FirstRead::Suspect(seen, Err(body)),
        seen => FirstRead::Seen(seen, line),
    }
}

/// The result of a read. Bytes in doubt are the log file only if they have the listed hash.
fn judge(context: RunContext<'_>, log: &ListedLog, object: &mut Object) -> LogSeen {
    let doubt = object.facts.doubt.take();
    match LogSeen::of(log, object.hash(context.request.limits.log)) {
        LogSeen::Other(..) | LogSeen::NoContent(..) if let Some(why) = doubt => LogSeen::Unreadable(why),
        seen => seen,
    }
}

/// What a read of an object shows: its hash, or that it is absent. `None` if nothing tells its content from another.
pub(super) fn observe(context: RunContext<'_>, location: &Location) -> Option<String> {
    match context.tools.store.get(location) {
        Ok(mut object) => {
            let read = object.hash(context.request.limits.log);
            read.ok().map(|(hash, _)| hash.to_string())
        }
        Err(
            StoreError::NotFound
            | StoreError::OutOfReach(_)
            | StoreError::MaybeLater(_)
            | StoreError::OtherName(_),
        ) => Some(ABSENT.to_owned()),
        Err(_) => None,
    }
}

/// The result of a second look at a log file that is suspect, missing, or there under another name.
fn settle_doubt(context: RunContext<'_>, log: &ListedLog, read: &FirstRead) -> LogResult {
    let read = match read {
        FirstRead::OtherName(why) => return find_renamed(context, log, why),
        FirstRead::Copies(seen) => {
            context.tools.progress.log(0);
            judge_copies(context, log, seen)
        }
        _ => settle_suspect(context, log, read),
    };
    LogResult::of(read, None)
}

/// The result for a log file that is not in its place, if files beside may be the log file under another name. `why` names
/// one of the files. A file with the listed hash is the log file; other bytes prove nothing.
fn find_renamed(context: RunContext<'_>, log: &ListedLog, why: &str) -> LogResult {
    let found = renamed_of(context, log);
    let valid = found.first().map(|(_, sizes)| LogSeen::Valid(*sizes));
    let seen = valid.unwrap_or_else(|| LogSeen::Absent(why.to_owned()));
    context.tools.progress.log(seen.sizes().compressed);
    let renamed = found.into_iter().map(|(location, _)| location).collect();
    LogResult { read: seen.into(), line: None, renamed }
}

/// Where a log file lies under other names, with the sizes.
fn renamed_of(context: RunContext<'_>, log: &ListedLog) -> Vec<(Location, Sizes)> {
    let renamed = context.tools.store.renamed(&log.location).into_iter();
    let valid = renamed.filter_map(|(location, mut object)| match judge(context, log, &mut object) {
        LogSeen::Valid(sizes) => Some((location, sizes)),
        _ => None,
    });
    valid.collect()
}

/// The result of a second look at a log file that is suspect or missing, and where its original lies.
fn settle_suspect(context: RunContext<'_>, log: &ListedLog, read: &FirstRead) -> LogRead {
    let seen = look_again(context, log, read);
    let original = match seen {
        LogSeen::Other(..) | LogSeen::NoContent(..) | LogSeen::Gone(_) => original_of(context, log),
        _ => None,
    };
    match (&seen, original) {
        // Replication may be late or partial, so an object that a replica lacks was not deleted there.
        (LogSeen::Gone(Trace::Nothing), original @ Some(_)) if context.request.is_of_replicas() => {
            let seen = LogSeen::Absent("not in this replica".to_owned());
            LogRead { seen, original, copy: None }
        }
        (_, original) => LogRead { seen, original, copy: None },
    }
}

/// The result for a log file of which every copy has to be as listed. `first` is the result of the copy that stands for the
/// log file, or the copies' contradiction. A copy that does not have the listed hash in two reads is modified, and a copy
/// that has the hash is the original. On disk, copies of one bucket that differ are a contradiction as long as one of them
/// is as listed: nothing says which of the folders is the bucket.
fn judge_copies(context: RunContext<'_>, log: &ListedLog, first: &LogSeen) -> LogRead {
    let is_as_listed = |seen: &LogSeen| matches!(seen, LogSeen::Valid(_));
    let copies = read_copies(context, log);
    let original = copies.iter().find(|(_, seen)| is_as_listed(seen)).map(|(name, _)| name.clone());
    let is_contradiction = matches!(first, LogSeen::Unreadable(_)) && context.tools.store.is_copy();
    if is_contradiction && original.is_some() && !context.request.may_have_copies(&log.location) {
        return LogRead { seen: first.clone(), original, copy: None };
    }
    let doubtful = || copies.iter().filter(|(_, seen)| !is_as_listed(seen));
    let modified = doubtful().find(|(_, seen)| matches!(seen, LogSeen::Other(..) | LogSeen::NoContent(..)));
    let Some((name, seen)) = modified.or_else(|| doubtful().next()) else { return first.clone().into() };
    // Nobody is accused on one read.
    let is_same = read_copies(context, log).iter().any(|(other, again)| (other, again) == (name, seen));
    let seen = if is_same { seen.clone() } else { LogSeen::Different };
    LogRead { seen, original, copy: Some(name.clone()) }
}

/// What each copy of a log file shows, by the name of the copy: in S3 in each folder that the user named as a copy, on disk
/// each file that may be the log file. A copy that lacks the log file is left out.
fn read_copies(context: RunContext<'_>, log: &ListedLog) -> Vec<(String, LogSeen)> {
    let store = context.tools.store;
    let judge = |mut object: Object| judge(context, log, &mut object);
    let moved = context.request.relocations.iter().filter_map(|moved| moved.copy_of(&log.location));
    let places: Vec<Location> = moved.collect();
    if places.is_empty() {
        let copies = store.second_copies(&log.location).into_iter();
        return copies.map(|copy| (copy.name, judge(copy.object))).collect();
    }
    let read = |place: Location| {
        let seen = match store.get(&place) {
            Ok(object) => judge(object),
            Err(
                StoreError::NotFound
                | StoreError::OutOfReach(_)
                | StoreError::MaybeLater(_)
                | StoreError::OtherName(_),
            ) => return None,
            Err(error) => LogSeen::Unreadable(error.to_string()),
        };
        Some((place.to_string(), seen))
    };
    places.into_iter().filter_map(read).collect()
}

/// Where a copy of a log file lies that has the listed hash.
fn original_of(context: RunContext<'_>, log: &ListedLog) -> Option<String> {
    let copies = context.tools.store.second_copies(&log.location);
    let is_original = |object: &mut Object| {
        let read = object.hash(context.request.limits.log);
        matches!(LogSeen::of(log, read), LogSeen::Valid(_))
    };
    copies.into_iter().find_map(|mut copy| is_original(&mut copy.object).then_some(copy.name))
}

fn look_again(context: RunContext<'_>, log: &ListedLog, read: &FirstRead) -> LogSeen {
    let store = context.tools.store;
    match read {
        FirstRead::Seen(seen, _) | FirstRead::Copies(seen) => return seen.clone(),
        FirstRead::OtherName(why) => return LogSeen::Absent(why.clone()),
        FirstRead::Suspect(first, seen) => {
            match again::read_again(store, &log.location, seen, context.request.limits.log) {
                SecondRead::Same { stored, .. } => return first.clone().with_stored(stored),
                SecondRead::Different => return LogSeen::Different,
                SecondRead::Unsure(why) => return LogSeen::Unconfirmed(why),
                SecondRead::Gone => {}
            }
        }
        FirstRead::Gone => context.tools.progress.log(0),
    }
    // Without asking for versions, deleted and missing look the same: a cancelled run leaves the log file out as
    // unread.
    if context.cancellation.skips_work() {
        return LogSeen::LeftOut;
    }
    LogSeen::Gone(trace::of(store.versions(&log.location)))
}

/// Tells the regions where log files lie under other names that this part of the run does not hash: the search for
/// additions meets them too.
fn note_renamed(context: RunContext<'_>, regions: &mut [RegionRun], proved: &[ProvedInChain]) {
    if !context.tools.store.is_copy() || !context.searches() {
        return;
    }
    let is_hashed = |in_chain: &ProvedInChain, log: &ListedLog| {
        in_chain.proved.counted && context.part.is_none_or(|part| part.has(&log.location))
    };
    let renamed = context.workers.map(proved, |in_chain| {
        let left = in_chain.proved.digest.logs().iter().filter(|log| !is_hashed(in_chain, log));
        let found = left.flat_map(|log| renamed_of(context, log));
        found.map(|(place, _)| reference(&place)).collect::<Vec<u128>>()
    });
    for (in_chain, places) in proved.iter().zip(renamed) {
        if let Some(run) = regions.get_mut(in_chain.region) {
            places.into_iter().for_each(|place| run.note_renamed(place));
        }
    }
}
