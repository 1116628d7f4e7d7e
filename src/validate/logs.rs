//! Hashes the log files that proved digests list, in parallel, and gives what it found to the provers.

use super::context::RunContext;
use super::region::RegionRun;
use super::{again, trace};
use crate::digest::{ListedHash, ListedLog};
use crate::gzip;
use crate::ident::Location;
use crate::prove::{LogSeen, ProvedDigestLogs, SecondRead, SeenBody, reference};
use crate::store::{Object, StoreError};

/// A proved digest, and which region and chain it is of.
struct ProvedOf {
    region: usize,
    chain: usize,
    proved: ProvedDigestLogs,
}

/// A log file to be hashed, and which of the proved digests lists it.
struct LogTask<'p> {
    digest: usize,
    log: &'p ListedLog,
}

/// What one read of a log file shows.
enum FirstRead {
    Seen(LogSeen),
    /// Not what was delivered, unless a second read shows otherwise.
    Suspect(LogSeen, SeenBody),
    Gone,
}

/// Hashes the log files of all digests that were proved, and lets the regions know what these list.
pub(super) fn hash_proved(context: RunContext<'_>, regions: &mut [RegionRun], touched: &[(usize, usize)]) {
    let mut proved: Vec<ProvedOf> = Vec::new();
    for &(region, chain) in touched {
        let prover = regions.get_mut(region).and_then(|run| run.chains.get_mut(chain));
        let new = prover.map(|prover| prover.take_proved()).unwrap_or_default();
        proved.extend(new.into_iter().map(|proved| ProvedOf { region, chain, proved }));
    }
    let counted = proved.iter().enumerate().filter(|(_, one)| one.proved.counted);
    let tasks = counted
        .flat_map(|(digest, one)| one.proved.digest.logs().iter().map(move |log| LogTask { digest, log }));
    let tasks: Vec<LogTask<'_>> = tasks.filter(|task| is_asked(context, &proved, task)).collect();
    context.tools.progress.plan_logs(tasks.len() as u64);
    let seen = read_all(context, &tasks);
    for (task, seen) in tasks.into_iter().zip(seen) {
        if let Some(ProvedOf { region, chain, proved }) = proved.get(task.digest)
            && let Some(prover) = regions.get_mut(*region).and_then(|run| run.chains.get_mut(*chain))
        {
            prover.log(proved.digest.file(), task.log, seen);
        }
    }
    refer(context, regions, &proved);
}

/// Whether a log file is to be hashed: every one, unless one object is asked about.
fn is_asked(context: RunContext<'_>, proved: &[ProvedOf], task: &LogTask<'_>) -> bool {
    let Some(only) = context.only else { return true };
    let digest = proved.get(task.digest).map(|one| one.proved.digest.file().location());
    only.has_log(&context.request.relocations, &task.log.location, digest)
}

/// What is found in the place of each log file.
fn read_all(context: RunContext<'_>, tasks: &[LogTask<'_>]) -> Vec<LogSeen> {
    // 1. Every log file whose hash can be compared is read once.
    let is_comparable = |task: &&LogTask<'_>| matches!(task.log.hash, ListedHash::Sha256(_));
    let comparable: Vec<&LogTask<'_>> = tasks.iter().filter(is_comparable).collect();
    let locate = |task: &&LogTask<'_>| task.log.location.clone();
    let read =
        context.workers.read(&comparable, locate, |task, object| first_read(context, task.log, object));
    // 2. What is not as delivered is read again, and of what is gone the versions are asked for.
    let doubtful: Vec<(&ListedLog, &FirstRead)> = comparable
        .iter()
        .zip(&read)
        .filter(|(_, read)| !matches!(read, FirstRead::Seen(_)))
        .map(|(task, read)| (task.log, read))
        .collect();
    let mut settled =
        context.workers.ask_all(&doubtful, |(log, read)| settle(context, log, read)).into_iter();
    let mut read = read.into_iter();
    let mut next = || match read.next() {
        Some(FirstRead::Seen(seen)) => seen,
        Some(FirstRead::Suspect(..) | FirstRead::Gone) => settled.next().unwrap_or(LogSeen::LeftOut),
        None => LogSeen::LeftOut,
    };
    let seen = |task: &LogTask<'_>| match task.log.hash {
        ListedHash::Sha256(_) => next(),
        ListedHash::Unknown(_) => {
            context.tools.progress.log(0);
            LogSeen::Incomparable
        }
    };
    tasks.iter().map(seen).collect()
}

fn first_read(context: RunContext<'_>, log: &ListedLog, object: Result<Object, StoreError>) -> FirstRead {
    let progress = context.tools.progress;
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return FirstRead::Gone,
        Err(error) => {
            progress.log(0);
            return FirstRead::Seen(LogSeen::Unreadable(error.to_string()));
        }
    };
    let read = gzip::hash(&mut *object.body, object.encoding, context.request.limits.log);
    let seen = LogSeen::of(log, read);
    progress.log(seen.sizes().compressed);
    match seen {
        LogSeen::Other(hash, _) => FirstRead::Suspect(seen, Ok(hash)),
        LogSeen::NoContent(body) => FirstRead::Suspect(seen, Err(body)),
        seen => FirstRead::Seen(seen),
    }
}

/// What a second look shows of a log file that is not as it was delivered, or is gone.
fn settle(context: RunContext<'_>, log: &ListedLog, read: &FirstRead) -> LogSeen {
    let store = context.tools.store;
    match read {
        FirstRead::Seen(seen) => return seen.clone(),
        FirstRead::Suspect(first, seen) => {
            match again::read(store, &log.location, seen, context.request.limits.log) {
                SecondRead::Same { .. } => return first.clone(),
                SecondRead::Different => return LogSeen::Different,
                SecondRead::Unsure(why) => return LogSeen::Unconfirmed(why),
                SecondRead::Gone => {}
            }
        }
        FirstRead::Gone => context.tools.progress.log(0),
    }
    // Whether it is deleted or missing is not known where nobody asks: it is left out like the unread.
    if context.halt.leaves_out() {
        return LogSeen::LeftOut;
    }
    LogSeen::Gone(trace::of(store.versions(&log.location)))
}

/// Lets the regions know what the digests list, where that belongs and where a move that was named put it.
fn refer(context: RunContext<'_>, regions: &mut [RegionRun], proved: &[ProvedOf]) {
    let moves = &context.request.relocations;
    let copies_of = |log: &ListedLog| {
        moves.iter().filter_map(|moved| moved.copy_of(&log.location)).collect::<Vec<Location>>()
    };
    let references = context.workers.map(proved, |one| {
        let places = |log: &ListedLog| {
            let copies: Vec<u128> = copies_of(log).iter().map(reference).collect();
            std::iter::once(reference(&log.location)).chain(copies)
        };
        one.proved.digest.logs().iter().flat_map(places).collect::<Vec<u128>>()
    });
    for (one, references) in proved.iter().zip(references) {
        if let Some(run) = regions.get_mut(one.region) {
            let logs = one.proved.digest.logs();
            run.refer(references, logs.iter().map(|log| &log.location));
            if !moves.is_empty() {
                let copies: Vec<Location> = logs.iter().flat_map(copies_of).collect();
                run.refer(Vec::new(), copies.iter());
            }
        }
    }
}
