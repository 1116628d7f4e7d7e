//! Hashes the log files that proved digests list, in parallel, and says which are not what was delivered.

use crate::digest::{ListedHash, ListedLog};
use crate::event::{Finding, Kind, ObjectState, ObjectType};
use crate::gzip::{self, BodyError, Sizes};
use crate::ident::Sha256Hash;
use crate::store::StoreError;

use super::unit::{Ready, Unit};
use super::{Context, gone};

/// What was found in a log file's place.
enum Found {
    Valid(Sizes),
    /// Another content, or none that can be hashed.
    Modified(Option<Sha256Hash>, &'static str, Sizes),
    Gone(Finding),
    Unreadable(String),
    /// The digest lists a hash that nobody can compare.
    Unverifiable(String),
}

/// Hashes the log files of all digests that are ready, and lets the units know what they list.
pub(super) fn hash_ready(context: Context<'_>, units: &mut [Unit]) {
    let mut ready: Vec<(usize, Ready)> = Vec::new();
    for (index, unit) in units.iter_mut().enumerate().filter(|(_, unit)| !unit.ready.is_empty()) {
        ready.extend(std::mem::take(&mut unit.ready).into_iter().map(|one| (index, one)));
    }
    let counted = ready.iter().enumerate().filter(|(_, (_, ready))| ready.counted);
    let work: Vec<(usize, &ListedLog)> = counted
        .flat_map(|(index, (_, ready))| ready.digest.logs().iter().map(move |log| (index, log)))
        .collect();
    context.tools.progress.plan_logs(work.len() as u64);
    let found = context.workers.map_until_stopped(&work, |(index, log)| {
        let end = ready.get(*index).map(|(_, ready)| ready.digest.file().window().end);
        let found = look(context, log, end.unwrap_or(context.request.range.end));
        let bytes = match &found {
            Found::Valid(sizes) | Found::Modified(_, _, sizes) => sizes.compressed,
            Found::Gone(_) | Found::Unreadable(_) | Found::Unverifiable(_) => 0,
        };
        context.tools.progress.log(bytes);
        found
    });
    let found = found.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    for ((index, log), found) in work.into_iter().zip(found) {
        if let Some((unit, ready)) = ready.get(index)
            && let Some(unit) = units.get_mut(*unit)
        {
            match found {
                Some(found) => say(context, unit, ready, log, found),
                None => leave(context, unit, ready, log),
            }
        }
    }
    for (unit, ready) in &ready {
        let Some(unit) = units.get_mut(*unit) else { continue };
        for log in ready.digest.logs() {
            unit.refer(&log.location);
            let copies = context.request.relocations.iter().filter_map(|move_| move_.copy_of(&log.location));
            copies.for_each(|copy| unit.refer(&copy));
        }
    }
}

fn look(context: Context<'_>, log: &ListedLog, at: crate::time::Timestamp) -> Found {
    let expected = match &log.hash {
        ListedHash::Sha256(hash) => *hash,
        ListedHash::Unknown(written) => return Found::Unverifiable(written.to_string()),
    };
    let mut object = match context.tools.store.get(&log.location) {
        Ok(object) => object,
        Err(StoreError::NotFound) => {
            let versions = context.tools.store.versions(&log.location);
            return Found::Gone(gone::finding(Kind::LogMissing, Kind::LogDeleted, &versions, at));
        }
        Err(error) => return Found::Unreadable(error.to_string()),
    };
    match gzip::hash(&mut *object.body, object.encoding, context.request.limits.log) {
        Ok((hash, sizes)) if hash == expected => Found::Valid(sizes),
        Ok((hash, sizes)) => Found::Modified(Some(hash), "its content is not what was delivered", sizes),
        Err(BodyError::Malformed(reason)) => Found::Modified(None, reason, Sizes::default()),
        Err(error @ (BodyError::TooLarge(_) | BodyError::Unreadable(_))) => {
            Found::Unreadable(error.to_string())
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
    if let Found::Valid(sizes) | Found::Modified(_, _, sizes) = &found {
        chain.counts.compressed_bytes += sizes.compressed;
        chain.counts.inflated_bytes += sizes.inflated;
    }
    let (state, finding) = match found {
        Found::Valid(_) => (ObjectState::Valid, None),
        Found::Modified(actual, reason, _) => {
            let finding = Finding::new(Kind::LogModified, at, reason).with_hashes(expected, actual);
            (ObjectState::Tampered, Some(finding))
        }
        Found::Gone(finding) => {
            let finding = Finding { expected: expected.map(|hash| hash.to_string()), ..finding };
            (ObjectState::Tampered, Some(finding))
        }
        Found::Unreadable(reason) => {
            (ObjectState::Unverified, Some(Finding::new(Kind::LogUnreadable, at, reason)))
        }
        Found::Unverifiable(written) => {
            let message =
                format!("its digest lists a hash that cannot be compared: `{}`", written.escape_debug());
            (ObjectState::Unverified, Some(Finding::new(Kind::LogUnverifiable, at, message)))
        }
    };
    chain.count(context.request, ObjectType::Log, at, &log.location, state);
    if let Some(finding) = finding {
        chain.say(finding.about(&log.location).by_digest(file.location()));
    }
}
