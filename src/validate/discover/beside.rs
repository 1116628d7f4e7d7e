//! Objects in an account's folder outside of the region folders, where CloudTrail never writes.

use super::folder::AccountFolder;
use super::outside::{self, OutsideFiles};
use crate::event::{Fault, Finding};
use crate::ident::{DeliveredName, DeliveredType, Location, LogFolder, is_region};
use crate::store::archive::is_named_like_archive;
use crate::store::directory::find::UNOPENED_ARCHIVE;
use crate::store::{Folder, Listed};
use crate::validate::context::RunContext;
use crate::validate::source_path::{AWS_LOGS, DIGESTS, LOGS};
use crate::validate::unreferenced::{cannot_search, strays};

/// The beginning of the names of CloudTrail's own folders. Folders of other services are left alone.
const OWN_PREFIX: &str = "cloudtrail";

/// CloudTrail's folder for exports of CloudTrail Lake.
const LAKE_EXPORTS: &str = "CloudTrail-Lake";

/// Reports objects directly in an account's log folder, and objects below folders that are not a region's.
pub(super) fn report_in_log_folder(
    context: RunContext<'_>,
    account: &AccountFolder,
    logs: &Folder,
    outside: &OutsideFiles<'_>,
) {
    let is_odd = |name: &str| !is_region(name) && name != AWS_LOGS;
    let prefix = account.prefix(LOGS);
    report_strays(context, account, &prefix, logs, &is_odd, outside);
}

/// Reports log file names directly in an account's folder, and objects below folders with a name similar to
/// CloudTrail's own.
pub(super) fn report_in_account_folder(
    context: RunContext<'_>,
    account: &AccountFolder,
    found: &Folder,
    outside: &OutsideFiles<'_>,
) {
    let is_own = |name: &str| {
        let logs = LogFolder::ALL.iter().any(|logs| logs.as_str() == name);
        logs || name == DIGESTS || name == LAKE_EXPORTS
    };
    let is_odd = |name: &str| name.to_ascii_lowercase().starts_with(OWN_PREFIX) && !is_own(name);
    let is_log = |key: &str| key.to_ascii_lowercase().ends_with(".json.gz");
    let objects = found.objects.iter().filter(|listed| is_log(&listed.key)).cloned().collect();
    let found = Folder { folders: found.folders.clone(), objects };
    let prefix = account.prefix_of_all();
    report_strays(context, account, &prefix, &found, &is_odd, outside);
}

/// Reports objects directly in an account's digest folder.
pub(super) fn strays_in_digest_folder(
    context: RunContext<'_>,
    account: &AccountFolder,
    digests: &Folder,
) -> Vec<Finding> {
    let objects = digests.objects.iter().filter(|listed| listed.size > 0 || !listed.key.ends_with('/'));
    let location = |key: &str| Location::new(account.bucket.clone(), key);
    let most = context.request.limits.named;
    let (mut unread, mut junk) = (Vec::new(), Vec::new());
    for listed in objects {
        let location = location(&listed.key);
        let archive = unopened_archive(context, &location);
        match archive.or_else(|| outside::stray_digest(context, &location, listed.identity())) {
            Some(finding) if unread.len() < most.max(1) => unread.push(finding),
            _ if junk.len() < most => {
                junk.push(Finding::new(Fault::NotADigestName, strays::NO_TIME).about(&location));
            }
            _ => {}
        }
    }
    unread.append(&mut junk);
    unread
}

/// The finding on an archive in a digest folder of a copy, which may hold digests. In a bucket, an archive is an object
/// like others.
pub(super) fn unopened_archive(context: RunContext<'_>, location: &Location) -> Option<Finding> {
    let is_archive = context.tools.store.is_copy() && is_named_like_archive(location.name());
    let fault = || Fault::SkippedFolder { why: UNOPENED_ARCHIVE.to_owned() };
    is_archive.then(|| Finding::new(fault(), strays::NO_TIME).about(location))
}

fn report_strays(
    context: RunContext<'_>,
    account: &AccountFolder,
    prefix: &str,
    found: &Folder,
    is_odd: &dyn Fn(&str) -> bool,
    outside: &OutsideFiles<'_>,
) {
    let stray = |listed: &Listed| {
        let location = Location::new(account.bucket.clone(), listed.key.as_str());
        let is_digest = |name: DeliveredName<'_>| name.kind == DeliveredType::Digest;
        if !context.tools.store.is_copy() && DeliveredName::parse(location.name()).is_some_and(is_digest) {
            return outside.note(&account.bucket, listed);
        }
        outside.note_log(&account.account, &location, listed);
    };
    for listed in found.objects.iter().filter(|listed| listed.size > 0 || !listed.key.ends_with('/')) {
        stray(listed);
    }
    for name in found.folders.iter().filter(|name| is_odd(name)) {
        let folder = Location::new(account.bucket.clone(), format!("{prefix}{name}/"));
        for listed in context.tools.store.list(&folder.bucket, &folder.key, None) {
            match listed {
                _ if context.cancellation.skips_work() => return,
                Ok(listed) if listed.size == 0 && listed.key.ends_with('/') => {}
                Ok(listed) => stray(&listed),
                Err(error) => return outside.note_failure(cannot_search(strays::NO_TIME, &folder, &error)),
            }
        }
    }
}
