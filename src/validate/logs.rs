//! Hashes the log files that proved digests list, in parallel, and says which are not what was delivered.

use crate::digest::{ListedHash, ListedLog};
use crate::event::{Excess, Fault, Finding, ObjectState, ObjectType, Severity};
use crate::gzip::{self, BodyError, Sizes};
use crate::ident::Location;
use crate::store::{Object, StoreError};
use crate::text::shortened;

use super::again::{self, Again, Seen, Suspect};
use super::chain::reference;
use super::unit::{Ready, Unit};
use super::{Context, gone};

/// What was found in a log file's place.
enum Found {
    Valid(Sizes),
    /// Another content, or none that can be hashed.
    Modified(Seen, Sizes),
    Gone(Box<Finding>),
    /// It could not be read, or its hash cannot be compared, and what is said of that.
    Unverified(Fault),
}

/// Hashes the log files of all digests that are ready, and lets the units know what they list.
pub(super) fn hash_ready(context: Context<'_>, units: &mut [Unit]) {
    let mut ready: Vec<(usize, Ready)> = Vec::new();
    for (index, unit) in units.iter_mut().enumerate().filter(|(_, unit)| !unit.ready.is_empty()) {
        ready.extend(std::mem::take(&mut unit.ready).into_iter().map(|one| (index, one)));
    }
    let counted = ready.iter().enumerate().filter(|(_, (_, ready))| ready.counted);
    let work: Vec<Work<'_>> = counted
        .flat_map(|(index, (_, ready))| ready.digest.logs().iter().map(move |log| Work { ready: index, log }))
        .filter(|work| is_asked(context, &ready, work))
        .collect();
    context.tools.progress.plan_logs(work.len() as u64);
    let found = look_at_all(context, &ready, &work);
    for (work, found) in work.into_iter().zip(found) {
        if let Some((unit, ready)) = ready.get(work.ready)
            && let Some(unit) = units.get_mut(*unit)
        {
            match found {
                Some(found) => say(context, unit, ready, work.log, found),
                None => leave(context, unit, ready, work.log),
            }
        }
    }
    refer(context, units, &ready);
}

/// A log file to be hashed, and which of the digests that are ready lists it.
struct Work<'r> {
    ready: usize,
    log: &'r ListedLog,
}

/// Whether a log file is to be hashed: every one, unless one object is asked about.
fn is_asked(context: Context<'_>, ready: &[(usize, Ready)], work: &Work<'_>) -> bool {
    let Some(only) = context.only else { return true };
    let digest = ready.get(work.ready).map(|(_, ready)| ready.digest.file().location());
    only.has_log(&context.request.relocations, &work.log.location, digest)
}

/// What is found in the place of each log file; `None` where that was not looked at, since the run is to end.
fn look_at_all(context: Context<'_>, ready: &[(usize, Ready)], work: &[Work<'_>]) -> Vec<Option<Found>> {
    let mut found: Vec<Option<Found>> = work.iter().map(|work| incomparable(context, work.log)).collect();
    let to_read: Vec<usize> =
        found.iter().enumerate().filter(|(_, found)| found.is_none()).map(|(index, _)| index).collect();
    let log = |index: &usize| work.get(*index).map(|work| work.log);
    let read = context.workers.read(
        &to_read,
        |index| log(index).map_or_else(|| Location::new("", ""), |log| log.location.clone()),
        |index, object| log(index).and_then(|log| look(context, log, object)),
    );
    let mut gone = Vec::new();
    for (index, look) in to_read.into_iter().zip(read) {
        match (found.get_mut(index), look) {
            (Some(place), Some(look)) => *place = Some(look),
            _ => gone.push(index),
        }
    }
    gone.extend(make_sure(context, work, &mut found));
    gone.sort_unstable();
    let versions = context.workers.ask(&gone, |index| {
        context.tools.progress.log(0);
        work.get(*index).map(|work| context.tools.store.versions(&work.log.location))
    });
    // Whether those that were not asked for are deleted or missing is not known: they are left out like the unread.
    let told = gone.iter().zip(versions.into_iter().flatten()).map(|(index, versions)| {
        let work = work.get(*index)?;
        let digest = ready.get(work.ready).map(|(_, ready)| ready.digest.file().window().end);
        let at = digest.unwrap_or(context.request.range.end);
        let finding = gone::finding(ObjectType::Log, &versions, at);
        Some(Found::Gone(Box::new(finding)))
    });
    for (index, told) in gone.iter().zip(told) {
        if let Some(place) = found.get_mut(*index) {
            *place = told;
        }
    }
    found
}

/// Looks again at those log files that are not what was delivered, and takes back what a second read does not bear out.
/// Returns which of them are gone meanwhile.
fn make_sure(context: Context<'_>, work: &[Work<'_>], found: &mut [Option<Found>]) -> Vec<usize> {
    let suspect = |(index, (work, found)): (usize, (&Work<'_>, &Option<Found>))| {
        let Some(Found::Modified(seen, _)) = found else { return None };
        Some((index, Suspect { location: work.log.location.clone(), seen: *seen }))
    };
    let (indexes, suspects): (Vec<usize>, Vec<Suspect>) =
        work.iter().zip(&*found).enumerate().filter_map(suspect).unzip();
    let looks = again::look(context, &suspects, context.request.limits.log);
    let mut gone = Vec::new();
    for (index, again) in indexes.into_iter().zip(looks) {
        match (again, found.get_mut(index)) {
            (Again::Gone, Some(place)) => {
                *place = None;
                gone.push(index);
            }
            (again, Some(place)) => {
                if let Some(fault) = again.log_fault() {
                    *place = Some(Found::Unverified(fault));
                }
            }
            (_, None) => {}
        }
    }
    gone
}

/// A log file whose listed hash nobody can compare is not read.
fn incomparable(context: Context<'_>, log: &ListedLog) -> Option<Found> {
    match &log.hash {
        ListedHash::Sha256(_) => None,
        ListedHash::Unknown(written) => {
            context.tools.progress.log(0);
            Some(Found::Unverified(Fault::UnknownHash { written: shortened(written.to_string()) }))
        }
    }
}

/// What reading a log file showed; `None` where it is gone, of which its versions may tell more.
fn look(context: Context<'_>, log: &ListedLog, object: Result<Object, StoreError>) -> Option<Found> {
    let mut object = match object {
        Ok(object) => object,
        Err(StoreError::NotFound) => return None,
        Err(error) => {
            context.tools.progress.log(0);
            return Some(Found::Unverified(Fault::UnreadableLog { why: error.to_string() }));
        }
    };
    let oversized = |excess| Found::Unverified(Fault::OversizedLog { excess });
    let found = match gzip::hash(&mut *object.body, object.encoding, context.request.limits.log) {
        Ok((hash, sizes)) if log.hash == ListedHash::Sha256(hash) => Found::Valid(sizes),
        Ok((hash, sizes)) => Found::Modified(Ok(hash), sizes),
        Err(BodyError::Malformed(fault)) => Found::Modified(Err(fault), Sizes::default()),
        Err(BodyError::TooLarge(limit)) => oversized(Excess::Inflated { limit }),
        Err(BodyError::TooLong(limit)) => oversized(Excess::Stored { limit }),
        Err(BodyError::Unreadable(why)) => Found::Unverified(Fault::UnreadableLog { why }),
    };
    let bytes = match &found {
        Found::Valid(sizes) | Found::Modified(_, sizes) => sizes.compressed,
        Found::Gone(_) | Found::Unverified(_) => 0,
    };
    context.tools.progress.log(bytes);
    Some(found)
}

/// Lets the units know what the digests list, where they belong and where a move that was named put them.
fn refer(context: Context<'_>, units: &mut [Unit], ready: &[(usize, Ready)]) {
    let copies_of = |log: &ListedLog| {
        let moves = context.request.relocations.iter();
        moves.filter_map(|moved| moved.copy_of(&log.location)).collect::<Vec<Location>>()
    };
    let references = context.workers.map(ready, |(_, ready)| {
        let logs = ready.digest.logs().iter();
        let places = |log: &ListedLog| {
            let copies: Vec<u128> = copies_of(log).iter().map(reference).collect();
            std::iter::once(reference(&log.location)).chain(copies)
        };
        logs.flat_map(places).collect::<Vec<u128>>()
    });
    for ((unit, ready), references) in ready.iter().zip(references) {
        if let Some(unit) = units.get_mut(*unit) {
            unit.references.extend(references);
            let logs = ready.digest.logs();
            unit.note_log_folders(logs.iter().map(|log| &log.location));
            if !context.request.relocations.is_empty() {
                unit.note_log_folders(logs.iter().flat_map(copies_of).collect::<Vec<_>>().iter());
            }
        }
    }
}

/// Leaves a log file out, since the run is to end.
fn leave(context: Context<'_>, unit: &mut Unit, ready: &Ready, log: &ListedLog) {
    if let Some(chain) = unit.chains.get_mut(ready.chain) {
        chain.leave_log(context.request, ready.digest.file().window().end, &log.location);
    }
}

fn say(context: Context<'_>, unit: &mut Unit, ready: &Ready, log: &ListedLog, found: Found) {
    let file = ready.digest.file();
    let at = file.window().end;
    let Some(chain) = unit.chains.get_mut(ready.chain) else { return };
    let expected = match &log.hash {
        ListedHash::Sha256(hash) => Some(*hash),
        ListedHash::Unknown(_) => None,
    };
    if let Found::Valid(sizes) | Found::Modified(_, sizes) = &found {
        chain.counts.compressed_bytes += sizes.compressed;
        chain.counts.inflated_bytes += sizes.inflated;
    }
    let (state, finding) = match found {
        Found::Valid(_) => (ObjectState::Valid, context.only.map(|only| only.proved(at, expected))),
        Found::Modified(seen, _) => {
            let fault = seen.err().map_or(Fault::LogContent, |body| Fault::LogBody { body });
            let finding = Finding::new(fault, at).with_hashes(expected, seen.ok());
            (ObjectState::Tampered, Some(finding))
        }
        Found::Gone(finding) => {
            let finding = Finding { expected: expected.map(|hash| hash.to_string()), ..*finding };
            let is_proved = finding.severity == Severity::Tampered;
            (if is_proved { ObjectState::Tampered } else { ObjectState::Unverified }, Some(finding))
        }
        Found::Unverified(fault) => (ObjectState::Unverified, Some(Finding::new(fault, at))),
    };
    chain.count(context.request, ObjectType::Log, at, &log.location, state);
    if let Some(finding) = finding {
        chain.say(finding.about(&log.location).by_digest(file.location()));
    }
}
